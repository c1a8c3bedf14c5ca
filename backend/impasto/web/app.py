"""The application: the endpoints, and the page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from impasto.web import choices_api, jobs_api
from impasto.web.guard import Guard
from impasto.web.house import House
from impasto.web.problems import add_handlers
from impasto.web.settings import WebOptions
from impasto_link import __version__

#: The page, and all that it needs.
PAGE = Path(__file__).with_name("page")
_ABOUT = "Paints pictures in the manner of pictures, on the machine that it runs on."


class _App(FastAPI):
    def openapi(self) -> dict[str, Any]:
        """As OpenAPI 3.1 knows it: what FastAPI says of streams of events is in words of 3.2."""
        told = super().openapi()
        for methods in told["paths"].values():
            for operation in methods.values():
                stream = operation["responses"].get("200", {}).get("content", {}).get("text/event-stream", {})
                if stream.pop("itemSchema", None):
                    stream["schema"] = {"type": "string"}
        return told


def create_app(options: WebOptions) -> FastAPI:
    """The application; ``state.house`` is what its endpoints share.

    Raises:
        ImpastoError: the file of keys cannot be read, or what is allowed is no address.
    """
    house = House(options)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        house.studio.start()
        try:
            yield
        finally:
            await house.close()

    # FastAPI's own pages of documentation load what other hosts have.
    app = _App(
        title="Impasto", description=_ABOUT, version=__version__, docs_url=None, redoc_url=None, lifespan=lifespan
    )
    app.state.house = house
    app.add_middleware(Guard, options=options, persons=house.studio.persons, metrics=house.metrics)
    add_handlers(app)
    app.include_router(jobs_api.router)
    app.include_router(choices_api.router)
    app.mount("/", StaticFiles(directory=PAGE, html=True), name="page")
    return app
