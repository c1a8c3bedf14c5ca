"""Who is let in, and what every answer says to browsers."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from impasto.web.keys import Keys
from impasto.web.metrics import Metrics
from impasto.web.persons import Person, Persons
from impasto.web.problems import Forbidden, NoKey, answer_of
from impasto.web.settings import WebOptions
from impasto_link.errors import ImpastoError

#: A page may load nothing from anywhere else, nor be shown inside of another one.
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
#: All else is the page, which has nothing to hide.
_FOR_PERSONS = ("/v1/", "/metrics")


class Guard:
    """Lets persons in, tells the app who they are, and puts headers into every answer.

    Args:
        app: what is guarded.
        options: how the web face is to behave.
        persons: who is known.
        metrics: what is counted.
    """

    def __init__(self, app: ASGIApp, options: WebOptions, persons: Persons, metrics: Metrics) -> None:
        self._app, self._options, self._persons, self._metrics = app, options, persons, metrics
        self._keys = Keys.read(options.keys) if options.keys else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI application."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
                self._metrics.answers.labels(message["status"]).inc()
            await send(message)

        try:
            person = self._person(Headers(scope=scope), scope["path"], scope["client"][0] if scope["client"] else "")
        except ImpastoError as error:
            await answer_of(error)(scope, receive, send_guarded)
            return
        scope.setdefault("state", {})["person"] = person
        await self._app(scope, receive, send_guarded)

    def _person(self, headers: Headers, path: str, address: str) -> Person | None:
        """Who asks; None for whom it does not matter."""
        is_page = not path.startswith(_FOR_PERSONS)
        if not is_page:
            _check_origin(headers)
        if self._options.proxy:
            return self._persons.named(f"user {self._user_of_proxy(headers, address)}")
        if self._keys is not None:
            # A page asks for the key, so it has to be there before.
            return None if is_page else self._persons.named(f"key {self._owner_of_key(self._keys, headers)}")
        _check_host(headers)
        return self._persons.named(f"address {address}")

    def _user_of_proxy(self, headers: Headers, address: str) -> str:
        user = headers.get(self._options.proxy, "")
        if address not in self._options.proxy_addresses:
            raise Forbidden("Only the proxy in front is let in.")
        if not user or len(headers.getlist(self._options.proxy)) > 1:
            raise NoKey("The proxy in front does not say who asks.")
        return user

    def _owner_of_key(self, keys: Keys, headers: Headers) -> str:
        scheme, _, key = headers.get("authorization", "").partition(" ")
        owner = keys.owner(key.strip()) if scheme.lower() == "bearer" else None
        if owner is None:
            raise NoKey("There is no key, or one that is not known.", "Send it as: Authorization: Bearer KEY")
        return owner


def _check_host(headers: Headers) -> None:
    """Who has a name of their own lead to this machine must not get in by it (DNS rebinding)."""
    if not is_loopback(_hostname(headers.get("host", ""))):
        raise Forbidden("This machine was asked for by a name that is not its own.", "Use localhost, or 127.0.0.1.")


def _check_origin(headers: Headers) -> None:
    """Pages of others must not use a browser that is let in here."""
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None:
        is_own = site in ("same-origin", "none")
    else:
        is_own = origin is None or _netloc(origin) == headers.get("host", "")
    if not is_own:
        raise Forbidden("The page of another site asks for that.", "Use the page that this server has.")


def _netloc(address: str) -> str | None:
    try:
        return urlsplit(address).netloc
    except ValueError:
        return None


def _hostname(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def is_loopback(host: str) -> bool:
    """Whether a name or an address stands for this machine and can be reached from no other."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
