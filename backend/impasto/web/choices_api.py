"""The endpoints that say what can be chosen, and how the web face does."""

from __future__ import annotations

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST

from impasto.web.house import HouseOf
from impasto.web.problems import NotThere, described
from impasto.web.views import Health, Options, Styles

router = APIRouter()


@router.get("/v1/styles", responses=described(503), tags=["choices"])
async def styles(house: HouseOf) -> Styles:
    """The styles of the library."""
    return await house.catalogue.styles()


@router.get(
    "/v1/styles/{name}/thumbnail",
    response_class=Response,
    responses={200: {"description": "The picture", "content": {"image/jpeg": {}}}, **described(404, 422, 503)},
    tags=["choices"],
)
async def thumbnail(house: HouseOf, name: str) -> Response:
    """A small picture of a style."""
    found = await house.catalogue.thumbnail(name)
    if found is None:
        raise NotThere("There is no such style, or it has no picture.", "All styles: GET /v1/styles")
    return Response(found, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=600"})


@router.get("/v1/options", responses=described(503), tags=["choices"])
async def options(house: HouseOf) -> Options:
    """All that can be chosen, as data, and what is taken at most."""
    return await house.catalogue.options()


@router.get("/v1/health", responses=described(503), tags=["running"])
async def health(house: HouseOf) -> Health:
    """Whether the server behind answers; a problem if not."""
    return await house.catalogue.health()


@router.get("/metrics", response_class=PlainTextResponse, responses=described(), tags=["running"])
async def metrics(house: HouseOf) -> Response:
    """Figures for Prometheus."""
    return Response(house.metrics.text(), media_type=CONTENT_TYPE_LATEST)
