"""The endpoints."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request, Response
from fastapi.responses import PlainTextResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent
from fastapi.staticfiles import StaticFiles
from prometheus_client import CONTENT_TYPE_LATEST

from impasto.web.addresses import Addresses
from impasto.web.catalogue import Catalogue
from impasto.web.guard import Guard
from impasto.web.metrics import Metrics
from impasto.web.openapi import describe
from impasto.web.orders import Writing, order_of, values_of_form
from impasto.web.persons import Person
from impasto.web.problems import NotThere, add_handlers, described
from impasto.web.settings import WebOptions
from impasto.web.studio import QUEUED, RUNNING, Job, Studio
from impasto.web.uploads import Intake, is_json
from impasto.web.views import Health, JobView, Options, Styles
from impasto_link import __version__
from impasto_link.coats import STYLE_FRAME

#: The page, and all that it needs.
PAGE = Path(__file__).with_name("page")
#: So long an answer may wait for a job to end, in seconds.
LONGEST_WAIT = 60.0
#: While an answer waits, it is looked so often whether somebody still wants it, in seconds.
_LOOK_EVERY = 1.0

_ORDERED: dict[str, Any] = {
    "status_code": 202,
    "response_model": JobView,
    "responses": {
        200: {"description": "The picture itself, if it was done in time", "content": {"image/*": {}}},
        **described(400, 408, 413, 415, 422, 429, 503),
    },
}
_FILE: dict[str, Any] = {
    "response_class": Response,
    "responses": {
        200: {"description": "The file", "content": {"image/*": {}}},
        **described(404, 409, 410, 422),
    },
}
Wait = Annotated[float, Query(ge=0, le=LONGEST_WAIT, description="Seconds to wait for the picture itself")]


def create_app(options: WebOptions) -> FastAPI:
    """The application, which needs a running event loop from its start to its end.

    Raises:
        ImpastoError: the file of keys cannot be read.
    """
    metrics = Metrics()
    studio = Studio(options, metrics)
    metrics.watch(studio)
    catalogue, addresses = Catalogue(studio.exchange, options), Addresses(options)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        studio.start()
        try:
            yield
        finally:
            catalogue.close()
            await studio.close()

    app = FastAPI(title="Impasto", version=__version__, docs_url=None, redoc_url=None, lifespan=lifespan)
    app.state.studio = studio
    app.add_middleware(Guard, options=options, persons=studio.persons, metrics=metrics)
    add_handlers(app)

    async def take(request: Request, operation: str, wait: float) -> Response | JobView:
        with studio.begin(_person(request), operation) as job:
            intake = Intake(request, options, job.load, metrics)
            if is_json(request):
                values = await intake.json()
                uploads = await addresses.fetch(values, job.load)
            else:
                fields, uploads = await intake.form()
                values = values_of_form(fields)
            names = [kind.removeprefix(STYLE_FRAME) for kind in uploads if kind.startswith(STYLE_FRAME)]
            order = order_of(operation, values, names, masked="mask" in uploads)
            await studio.send(job, order, uploads)
            if wait and await _ends(request, job, wait):
                if job.error is not None:
                    raise job.error
                return await file(job, "result")
        return Response(JobView.of(job).model_dump_json(), 202, {"Location": f"/v1/jobs/{job.id}"}, "application/json")

    async def file(job: Job, what: str, wanted: Writing | None = None) -> Response:
        data, writing = studio.result(job, what)
        if wanted is not None and wanted != writing:
            data, writing = await studio.workshop.convert(data, wanted), wanted
        metrics.went.inc(len(data))
        return Response(
            data,
            media_type=writing.media_type,
            headers={
                "Content-Disposition": f'inline; filename="{what}{writing.suffix}"',
                "Content-Location": f"/v1/jobs/{job.id}/{what}",
                "Cache-Control": "private, no-store",
            },
        )

    @app.post("/v1/stylize", **_ORDERED, openapi_extra=describe("stylize"), tags=["jobs"])
    async def stylize(request: Request, wait: Wait = 0) -> Any:
        """Paint a picture. Answers at once with a job, or after ``wait`` seconds at most with the picture itself."""
        return await take(request, "stylize", wait)

    @app.post("/v1/mask", **_ORDERED, openapi_extra=describe("mask"), tags=["jobs"])
    async def mask(request: Request, wait: Wait = 0) -> Any:
        """Find the subject of a picture: a mask, or with ``cutout`` the subject by itself. Answers as /v1/stylize."""
        return await take(request, "mask", wait)

    @app.get("/v1/jobs/{job_id}", responses=described(404, 410, 422), tags=["jobs"])
    async def job(request: Request, job_id: str) -> JobView:
        """How far a job is."""
        return JobView.of(studio.find(_person(request), job_id))

    @app.get(
        "/v1/jobs/{job_id}/events",
        response_class=EventSourceResponse,
        responses=described(404, 410, 422),
        tags=["jobs"],
    )
    async def events(request: Request, job_id: str) -> AsyncIterator[ServerSentEvent]:
        """What happens to a job: accepted, progress, then done, failed or cancelled, each with the job."""
        found = studio.find(_person(request), job_id)
        async for one in found.changes():
            yield ServerSentEvent(event=_EVENTS.get(one.state, one.state), data=JobView.of(one))

    @app.get("/v1/jobs/{job_id}/result", **_FILE, tags=["jobs"])
    async def result(request: Request, job_id: str, format: str = "", quality: int = Writing().quality) -> Response:
        """The painting, or the mask that was asked for, as a file: as it was made, or of another ``format``."""
        wanted = Writing(format, quality) if format else None
        return await file(studio.find(_person(request), job_id), "result", wanted)

    @app.get("/v1/jobs/{job_id}/mask", **_FILE, tags=["jobs"])
    async def mask_of_result(request: Request, job_id: str) -> Response:
        """Where the painting shows, if flatten was false and it does not show everywhere; a PNG."""
        return await file(studio.find(_person(request), job_id), "mask")

    @app.delete("/v1/jobs/{job_id}", status_code=204, responses=described(404, 410, 422), tags=["jobs"])
    async def cancel(request: Request, job_id: str) -> None:
        """Cancel a job; one that has ended is forgotten, with its results."""
        studio.give_up(studio.find(_person(request), job_id))

    @app.get("/v1/styles", responses=described(503), tags=["choices"])
    async def styles() -> Styles:
        """The styles of the library."""
        return await catalogue.styles()

    @app.get(
        "/v1/styles/{name}/thumbnail",
        response_class=Response,
        responses={200: {"description": "The picture", "content": {"image/jpeg": {}}}, **described(404, 422, 503)},
        tags=["choices"],
    )
    async def thumbnail(name: str) -> Response:
        """A small picture of a style."""
        found = await catalogue.thumbnail(name)
        if found is None:
            raise NotThere("There is no such style, or it has no picture.", "All styles: GET /v1/styles")
        return Response(found, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=600"})

    @app.get("/v1/options", responses=described(503), tags=["choices"])
    async def choices() -> Options:
        """All that can be chosen, as data, and what is taken at most."""
        return await catalogue.options()

    @app.get("/v1/health", responses=described(503), tags=["running"])
    async def health() -> Health:
        """Whether the server behind answers; a problem if not."""
        return await catalogue.health()

    @app.get("/metrics", response_class=PlainTextResponse, responses=described(), tags=["running"])
    async def figures() -> Response:
        """Figures for Prometheus."""
        return Response(metrics.text(), media_type=CONTENT_TYPE_LATEST)

    app.mount("/", StaticFiles(directory=PAGE, html=True), name="page")
    return app


#: What an event is called, where the state is called otherwise.
_EVENTS = {QUEUED: "accepted", RUNNING: "progress"}


def _person(request: Request) -> Person:
    return request.state.person


async def _ends(request: Request, job: Job, wait: float) -> bool:
    """Whether a job ends in time; when its person has gone it is cancelled, for nobody could ask for it any more."""
    until = time.monotonic() + wait
    while not job.has_ended and (left := until - time.monotonic()) > 0:
        if await request.is_disconnected():
            job.cancel()
        with suppress(TimeoutError):
            await asyncio.wait_for(job.ended.wait(), min(left, _LOOK_EVERY))
    return job.has_ended
