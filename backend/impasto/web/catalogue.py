"""What can be chosen, as the server tells it; asked for again after a while, for a library may change."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from impasto.web.lines import Exchange, Way, is_running
from impasto.web.orders import PARAMETERS
from impasto.web.settings import WebOptions
from impasto.web.views import Engine, Health, Limits, MaskModel, Option, Options, Style, Styles
from impasto_link import __version__
from impasto_link.options import REFINE
from impasto_link.parameters import Parameter

#: So long an answer counts, in seconds.
_FRESH = 5.0


class Catalogue:
    """Asks the server, over a connection of its own.

    Args:
        exchange: where connections come from.
        options: whose limits are told.
    """

    def __init__(self, exchange: Exchange, options: WebOptions) -> None:
        self._way, self._options = Way(exchange), options
        self._asking = asyncio.Lock()
        self._answers: dict[str, tuple[float, dict[str, Any]]] = {}

    async def styles(self) -> Styles:
        """The library."""
        told = await self._ask("styles", thumbnails=True)
        return Styles(styles=[_style(entry) for entry in told["styles"]])

    async def thumbnail(self, name: str) -> bytes | None:
        """The JPEG of a style."""
        told = await self._ask("styles", thumbnails=True)
        return next((entry.get("thumbnail") for entry in told["styles"] if entry["name"] == name), None)

    async def options(self) -> Options:
        """All options, engines and networks, and what is taken at most."""
        told = await self._ask("hello")
        limits = self._options
        return Options(
            stylize=[Option.of(replace(REFINE["preset"], default=None), "refine"), *_options("stylize")],
            mask=_options("mask"),
            engines=[
                Engine(**{**entry, "settings": [_setting(one) for one in entry["parameters"]]})
                for entry in told["engines"]
            ],
            mask_models=[MaskModel(**entry) for entry in told["mask_models"]],
            limits=Limits(
                megabytes=limits.most_megabytes,
                megapixels=limits.most_megapixels,
                jobs=limits.jobs_each,
                jobs_a_minute=limits.rate,
            ),
        )

    async def health(self) -> Health:
        """Whether the server answers; raises ServerGone if it runs and does not."""
        if not is_running():
            return Health(status="resting", version=__version__)
        told = (await (await self._way.line()).ask("status")).fields
        return Health(
            status="ok",
            version=told["version"],
            jobs_waiting=told["jobs_waiting"],
            jobs_running=told["jobs_running"],
        )

    async def _ask(self, operation: str, **fields: Any) -> dict[str, Any]:
        # Who comes second waits for the answer to the first: a page asks for all thumbnails at once.
        async with self._asking:
            asked_at, answer = self._answers.get(operation, (0.0, {}))
            if not answer or time.monotonic() - asked_at > _FRESH:
                answer = dict((await (await self._way.line()).ask(operation, fields)).fields)
                self._answers[operation] = time.monotonic(), answer
            return answer

    def close(self) -> None:
        """End the connection."""
        self._way.close()


def _style(entry: dict[str, Any]) -> Style:
    shown = f"/v1/styles/{quote(entry['name'], safe='')}/thumbnail" if entry.get("thumbnail") else None
    return Style(**{**entry, "thumbnail": shown})


def _options(operation: str) -> list[Option]:
    return [Option.of(one, name) for name, one in PARAMETERS[operation].items()]


def _setting(entry: dict[str, Any]) -> Option:
    one = Parameter.from_wire(entry)
    return Option.of(one, one.name)
