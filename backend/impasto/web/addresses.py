"""Pictures by their addresses: only what the operator has allowed, and never of inner networks that were not named.

A name is looked up once, and the connection goes to the very address that was checked: whoever owns the name cannot
have it lead elsewhere in between. Redirects are not followed.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

import httpx

from impasto.web.memory import Load
from impasto.web.problems import Forbidden, Malformed, TooMuch, TooSlow
from impasto.web.settings import WebOptions
from impasto.web.uploads import FRAMES, said
from impasto.web.workshop import Upload
from impasto_link.coats import MAX_STYLES, STYLE_FRAME
from impasto_link.errors import BadRequest, quoted

_PORTS = {"http": 80, "https": 443}
#: Addresses in which one of the old kind is hidden, which may be an inner one (RFC 6052, 3056, 4380).
_HIDING = [ipaddress.ip_network(one) for one in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")]
_LONGEST = 4000


class Address(NamedTuple):
    """An address in its parts, which compare as they are meant."""

    scheme: str
    host: str
    port: int
    path: str
    query: str

    @classmethod
    def parse(cls, text: object) -> Address:
        """Read it.

        Raises:
            BadRequest: it is none, or one that may be read in several ways.
        """
        if not isinstance(text, str) or len(text) > _LONGEST or not text.isprintable() or set(text) & set(' \\"<>'):
            raise BadRequest(f"{quoted(text)} is no address.", "Write it as https://HOST/PATH.")
        try:
            parts: SplitResult = urlsplit(text)
            port = parts.port or _PORTS[parts.scheme]
            # As the one who looks the name up writes it, and so that capitals and dots at the end do not matter.
            host = (parts.hostname or "").rstrip(".").encode("idna").decode()
        except (KeyError, ValueError):
            raise BadRequest(
                f"{quoted(text)} is no address of http or https.", "Write it as https://HOST/PATH."
            ) from None
        if not host or "@" in parts.netloc or parts.fragment:
            raise BadRequest(f"{quoted(text)} is no plain address.", "Leave out names, passwords and what follows a #.")
        if _climbs(parts.path):
            raise BadRequest(f"{quoted(text)} has dots for folders in its path.", "Write the path as it is.")
        return cls(parts.scheme, host, port, parts.path or "/", parts.query)

    def is_below(self, prefix: Address) -> bool:
        """Whether it begins as the other does; a name of a folder has to be whole."""
        if (self.scheme, self.host, self.port) != (prefix.scheme, prefix.host, prefix.port):
            return False
        return self.path == prefix.path or self.path.startswith(prefix.path.rstrip("/") + "/")


def _climbs(path: str) -> bool:
    """Whether a path may lead out of a folder by the time that a server has read it, perhaps twice."""
    for _ in range(3):
        if "\\" in path or set(path.split("/")) & {".", ".."}:
            return True
        path = unquote(path)
    return False


class Addresses:
    """Fetches pictures.

    Args:
        options: which addresses are allowed, and how much may come.

    Raises:
        BadRequest: one of those that are allowed is no address.
    """

    def __init__(self, options: WebOptions) -> None:
        self._options = options
        self._prefixes = [Address.parse(one) for one in options.sources]

    async def fetch(self, values: dict[str, Any], load: Load) -> dict[str, Upload]:
        """Take the addresses out of the values of a request, and fetch what is there, by the kinds of its frames.

        Raises:
            Forbidden: one is not allowed.
            ImpastoError: it cannot be fetched, is too much, or too slow.
        """
        wanted = {kind: values.pop(field) for field, kind in FRAMES.items() if field in values}
        pictures = values.pop("pictures", {})
        if not isinstance(pictures, Mapping) or len(pictures) > MAX_STYLES:
            raise BadRequest("The pictures cannot be read.", f"Send a map of at most {MAX_STYLES} names and addresses.")
        wanted.update({STYLE_FRAME + name: text for name, text in pictures.items()})
        addresses = {kind: self._allowed(text) for kind, text in wanted.items()}
        uploads = {}
        try:
            async with asyncio.timeout(self._options.upload_seconds), httpx.AsyncClient(trust_env=False) as client:
                for kind, address in addresses.items():
                    uploads[kind] = Upload(said(address.path), await self._get(client, address, load))
        except TimeoutError:
            raise TooSlow("The pictures did not come in time from their addresses.", "Try again later.") from None
        return uploads

    def _allowed(self, text: object) -> Address:
        address = Address.parse(text)
        if not any(address.is_below(prefix) for prefix in self._prefixes):
            raise Forbidden(
                "Pictures are not fetched from this address.", "Whoever runs this server allows it with --allow-source."
            )
        return address

    async def _get(self, client: httpx.AsyncClient, address: Address, load: Load) -> bytes:
        ip = await self._look_up(address)
        port = "" if address.port == _PORTS[address.scheme] else f":{address.port}"
        query = f"?{address.query}" if address.query else ""
        literal = f"[{ip}]" if ip.version == 6 else str(ip)
        try:
            async with client.stream(
                "GET",
                f"{address.scheme}://{literal}:{address.port}{address.path}{query}",
                headers={"Host": f"{address.host}{port}", "Accept": "image/*", "Accept-Encoding": "identity"},
                # The certificate has to be that of the name.
                extensions={"sni_hostname": address.host},
            ) as response:
                if response.status_code != 200:
                    raise Malformed(f"{address.host} answered {response.status_code}.", "Is there such a picture?")
                data = bytearray()
                async for chunk in response.aiter_raw():
                    load.add(len(chunk))
                    data += chunk
                    if len(data) > self._options.most_bytes:
                        raise TooMuch(f"A picture may have {self._options.most_megabytes:g} MiB at most.")
                return bytes(data)
        except httpx.HTTPError as error:
            raise Malformed(
                f"{address.host} does not give the picture: {type(error).__name__}.", "Try again later."
            ) from None

    async def _look_up(self, address: Address) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
        """Where a name leads; all of its addresses have to be such that everybody may reach."""
        try:
            found = await asyncio.get_running_loop().getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
        except OSError:
            raise Malformed(f"There is no host {quoted(address.host)}.") from None
        ips = [ipaddress.ip_address(where[0]) for *_, where in found]
        if address.host not in self._options.inner_hosts and not all(map(is_public, ips)):
            raise Forbidden(
                f"{address.host} is in an inner network.", "Whoever runs this server allows it with --allow-inner-host."
            )
        return ips[0]


def is_public(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether an address is one of the whole internet's."""
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return is_public(ip.ipv4_mapped)
        if any(ip in network for network in _HIDING):
            return False
    return ip.is_global and not ip.is_multicast
