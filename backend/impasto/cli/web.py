"""Run the web face: an HTTP API and a page, for browsers and programs.

It is a client of the same server as editors and scripts, which it starts if need be. Other machines are let in with
keys only, or by a proxy in front that says who asks.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable
from contextlib import suppress
from math import inf
from pathlib import Path
from typing import Any

from impasto_link.errors import ImpastoError

#: Numbers: the option, its type, what stands for it, and what it is.
_LIMITS: tuple[tuple[str, type, str, str], ...] = (
    ("--most-megabytes", float, "MB", "the most of one request"),
    ("--most-megapixels", float, "MP", "the most of one picture"),
    ("--upload-seconds", float, "S", "how long a request may take to come"),
    ("--decode-seconds", float, "S", "how long reading or writing the pictures of one job may take"),
    ("--rate", float, "N", "jobs that a person may begin in a minute"),
    ("--jobs-each", int, "N", "jobs of a person that have not ended"),
    ("--jobs", int, "N", "jobs of all that have not ended"),
    ("--memory-megabytes", float, "MB", "what uploads and waiting pictures of all may take of the memory"),
    ("--keep-megabytes", float, "MB", "what results of all may take of the memory"),
    ("--keep-minutes", float, "MIN", "how long results are kept"),
    ("--connections", int, "N", "connections at a time"),
    ("--processes", int, "N", "processes that read and write pictures"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from impasto.web.settings import WebOptions

    defaults = WebOptions()
    where = parser.add_argument_group("where, and for whom")
    where.add_argument(
        "--host",
        metavar="HOST",
        default=defaults.host,
        help="the address at which to listen (default: %(default)s, for this machine only)",
    )
    where.add_argument(
        "--port",
        metavar="PORT",
        type=int,
        default=defaults.port,
        help="the port; 0 for one that is free (default: %(default)s)",
    )
    where.add_argument("--keys", type=Path, metavar="FILE", help="let in only who has one of these keys")
    where.add_argument("--new-key", metavar="NAME", help="make a key for somebody, put it into --keys FILE, and end")
    where.add_argument(
        "--proxy",
        default=defaults.proxy,
        metavar="HEADER",
        help="let in whom a proxy in front names in this header, such as X-Forwarded-User",
    )
    where.add_argument(
        "--proxy-address",
        dest="proxy_addresses",
        action="append",
        metavar="ADDRESS",
        help="where that proxy is; it is believed from nowhere else (default: this machine)",
    )
    sources = parser.add_argument_group("pictures by address")
    sources.add_argument(
        "--allow-source",
        dest="sources",
        action="append",
        metavar="PREFIX",
        help="let requests name pictures whose address begins so, such as https://HOST/PATH/",
    )
    sources.add_argument(
        "--allow-inner-host",
        dest="inner_hosts",
        action="append",
        metavar="HOST",
        help="let them name pictures of this host although it is in an inner network",
    )
    limits = parser.add_argument_group("limits")
    for flag, kind, metavar, text in _LIMITS:
        default = getattr(defaults, flag[2:].replace("-", "_"))
        limits.add_argument(
            flag, type=_above_zero(kind), default=default, metavar=metavar, help=f"{text} (default: {default:g})"
        )


def _above_zero(kind: type) -> Callable[[str], float]:
    def number(text: str) -> float:
        with suppress(ValueError):
            if 0 < (value := kind(text)) < inf:
                return value
        raise argparse.ArgumentTypeError(f"{text!r} is no {'whole ' if kind is int else ''}number above 0")

    return number


def run(options: argparse.Namespace) -> int:
    try:
        from impasto.web.keys import new_key
        from impasto.web.serving import WebServer, listen
        from impasto.web.settings import WebOptions
    except ImportError as error:
        raise ImpastoError(f"The web face needs {error.name}.", "pip install 'impasto[web]'") from error
    if options.new_key is not None:
        if options.keys is None:
            raise ImpastoError("It has to be said where the key is to be kept.", "Add --keys FILE.")
        print(new_key(options.keys, options.new_key))
        return 0
    given: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in vars(options).items()
        if name in WebOptions.__annotations__ and value is not None
    }
    wanted = WebOptions(**given)
    logging.basicConfig(format="%(levelname)s: %(message)s")
    server = WebServer(wanted)
    with listen(wanted) as listening:
        host, port = listening.getsockname()[:2]
        print(f"Impasto paints at http://{f'[{host}]' if ':' in host else host}:{port}/", flush=True)
        # A signal that ended it well is raised once more.
        with suppress(KeyboardInterrupt):
            server.run(sockets=[listening])
    return 0
