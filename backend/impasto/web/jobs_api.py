"""The endpoints of jobs: to ask for one, to hear of it, to fetch what came of it, and to give it up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from impasto.web.house import House, HouseOf, PersonOf, house_of, person_of
from impasto.web.job import QUEUED, RUNNING, Job
from impasto.web.openapi import describe
from impasto.web.orders import WRITING, Order, Writing, order_of, values_of_form
from impasto.web.problems import described
from impasto.web.uploads import Intake, check_kinds, is_json
from impasto.web.views import JobView
from impasto.web.workshop import Upload
from impasto_link.coats import STYLE_FRAME
from impasto_link.errors import Cancelled

#: So long an answer may wait for a job to end, in seconds.
LONGEST_WAIT = 60.0
#: While an answer waits, it is looked so often whether somebody still wants it, in seconds.
_LOOK_EVERY = 1.0
#: What an event is called, where the state is called otherwise.
_EVENTS = {QUEUED: "accepted", RUNNING: "progress"}

router = APIRouter(prefix="/v1", tags=["jobs"])


def _job(house: HouseOf, person: PersonOf, job_id: Annotated[str, Path(description="As the answer had it")]) -> Job:
    return house.studio.find(person, job_id)


JobOf = Annotated[Job, Depends(_job)]
Wait = Annotated[float, Query(ge=0, le=LONGEST_WAIT, description="How many seconds to wait for the picture itself")]
_AS_USUAL = Writing()
Format = Annotated[str | None, Query(json_schema_extra={"enum": list(WRITING["format"].values)})]
Quality = Annotated[int, Query(ge=1, le=100, description="Of JPEG, WebP and AVIF")]

_ORDERED: dict[str, Any] = {
    "status_code": 202,
    "response_model": JobView,
    "responses": {
        200: {"description": "The picture itself, if it was done in time", "content": {"image/*": {}}},
        **described(400, 408, 409, 413, 415, 422, 429, 503),
    },
}
_OF_A_JOB: dict[str, Any] = {"responses": described(404, 410, 422)}
_FILE: dict[str, Any] = {
    "response_class": Response,
    "responses": {
        200: {"description": "The file", "content": {"image/*": {}}},
        **described(404, 409, 410, 422, 429),
    },
}


@router.post("/stylize", **_ORDERED, openapi_extra=describe("stylize"))
async def stylize(request: Request, wait: Wait = 0) -> Any:
    """Paint a picture. Answers at once with a job, or within ``wait`` seconds with the picture itself."""
    return await _take(request, "stylize", wait)


@router.post("/mask", **_ORDERED, openapi_extra=describe("mask"))
async def mask(request: Request, wait: Wait = 0) -> Any:
    """Find the subject of a picture: a mask, or with ``cutout`` the subject by itself. Answers as /v1/stylize does."""
    return await _take(request, "mask", wait)


@router.get("/jobs/{job_id}", **_OF_A_JOB)
async def job(job: JobOf) -> JobView:
    """How far a job is."""
    return JobView.of(job)


@router.get("/jobs/{job_id}/events", response_class=EventSourceResponse, **_OF_A_JOB)
async def events(job: JobOf) -> AsyncIterator[ServerSentEvent]:
    """What happens to a job: accepted, progress, and last done, failed or cancelled; the data is the job."""
    async for now in job.changes():
        yield ServerSentEvent(event=_EVENTS.get(now.state, now.state), data=JobView.of(now))


@router.get("/jobs/{job_id}/result", **_FILE)
async def result(
    house: HouseOf, person: PersonOf, job: JobOf, format: Format = None, quality: Quality = _AS_USUAL.quality
) -> Response:
    """The painting, or the mask that was asked for, as a file: as it was made, or of another ``format``."""
    data, writing = house.studio.result(job, "result")
    if format is not None and (wanted := Writing(format, quality)) != writing:
        person.spend()
        data, writing = await house.studio.workshop.convert(data, wanted), wanted
    return _file(house, job, "result", data, writing)


@router.get("/jobs/{job_id}/mask", **_FILE)
async def mask_of_result(house: HouseOf, job: JobOf) -> Response:
    """Where the painting shows, if ``flatten`` was false and it does not show everywhere; a PNG."""
    return _file(house, job, "mask", *house.studio.result(job, "mask"))


@router.delete("/jobs/{job_id}", status_code=204, **_OF_A_JOB)
async def cancel(house: HouseOf, job: JobOf) -> None:
    """Cancel a job; one that has ended is forgotten, with its results."""
    house.studio.give_up(job)


async def _take(request: Request, operation: str, wait: float) -> Response:
    house = house_of(request)
    with house.studio.begin(person_of(request), operation) as job:
        # Nothing here keeps the files: from then on only their pixels count in the memory.
        await house.studio.send(job, *await _read(request, house, job))
        if await request.is_disconnected():
            raise Cancelled("Whoever asked has gone, and could not ask for the job any more.")
        if wait and await _ends(request, job, wait):
            if job.error is not None:
                raise job.error
            return _file(house, job, "result", *house.studio.result(job, "result"))
    location = {"Location": f"/v1/jobs/{job.id}"}
    return Response(JobView.of(job).model_dump_json(), 202, location, "application/json")


async def _read(request: Request, house: House, job: Job) -> tuple[Order, dict[str, Upload]]:
    """What is to be done, and the files that it is to be done with."""
    intake = Intake(request, house.options, job.load, house.metrics)
    if is_json(request):
        values = await intake.json()
        uploads = await house.addresses.fetch(values, job.load)
    else:
        fields, uploads = await intake.form()
        values = values_of_form(fields)
    check_kinds(job.kind, uploads)
    names = [kind.removeprefix(STYLE_FRAME) for kind in uploads if kind.startswith(STYLE_FRAME)]
    return order_of(job.kind, values, names, masked="mask" in uploads), uploads


async def _ends(request: Request, job: Job, wait: float) -> bool:
    """Whether a job ends in time; when its person has gone it is cancelled, for nobody could ask for it any more."""
    until = time.monotonic() + wait
    while not job.has_ended and (left := until - time.monotonic()) > 0:
        if await request.is_disconnected():
            job.cancel()
        with suppress(TimeoutError):
            await asyncio.wait_for(job.ended.wait(), min(left, _LOOK_EVERY))
    return job.has_ended


def _file(house: House, job: Job, what: str, data: bytes, writing: Writing) -> Response:
    house.metrics.went.inc(len(data))
    headers = {
        "Content-Disposition": f'inline; filename="{what}{writing.suffix}"',
        "Content-Location": f"/v1/jobs/{job.id}/{what}",
        "Cache-Control": "private, no-store",
    }
    return Response(data, headers=headers, media_type=writing.media_type)
