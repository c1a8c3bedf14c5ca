"""What is answered, as models; OpenAPI is made from them."""

from __future__ import annotations

from typing import Any, Literal, cast

from pydantic import BaseModel

from impasto.web.job import DONE, Job
from impasto.web.problems import Problem, problem_of
from impasto_link.parameters import Parameter

Kind = Literal["stylize", "mask"]
ParameterKind = Literal["number", "whole", "numbers", "switch", "choice", "name", "device"]
State = Literal["queued", "running", "done", "failed", "cancelled"]


class Links(BaseModel):
    """Where more about a job is."""

    self: str
    events: str
    result: str | None = None
    mask: str | None = None


class JobView(BaseModel):
    """A job as its person sees it."""

    id: str
    kind: Kind
    state: State
    place: int
    """How many jobs are before it."""
    fraction: float
    """How much is done, 0 to 1."""
    doing: str
    """What is being done, in a few words."""
    notes: list[str]
    """What to know about the result, in sentences."""
    error: Problem | None
    """Why it failed."""
    links: Links

    @classmethod
    def of(cls, job: Job) -> JobView:
        """As it is now."""
        here = f"/v1/jobs/{job.id}"
        found = {what: f"{here}/{what}" for what in job.results} if job.state == DONE else {}
        return cls(
            id=job.id,
            kind=cast(Kind, job.kind),
            state=cast(State, job.state),
            place=job.place,
            fraction=job.fraction,
            doing=job.doing,
            notes=job.notes,
            error=None if job.error is None else problem_of(job.error),
            links=Links(self=here, events=f"{here}/events", **found),
        )


class Style(BaseModel):
    """A style of the library."""

    name: str
    title: str
    artist: str = ""
    year: int | str | None = None
    bank: str = ""
    engine: str = ""
    thumbnail: str | None
    """Where its picture is, a JPEG."""


class Styles(BaseModel):
    """The library."""

    styles: list[Style]


class ChoiceView(BaseModel):
    """One of several values."""

    value: str
    title: str
    tip: str = ""


class Option(BaseModel):
    """What can be chosen, as data; `impasto_link.parameters.Parameter` has what each field means."""

    name: str
    kind: ParameterKind
    title: str
    tip: str
    more: str
    default: Any
    least: float | None
    most: float | None
    choices: list[ChoiceView]
    unit: str
    scale: str
    slider: tuple[float, float] | None
    group: str
    expert: bool

    @classmethod
    def of(cls, one: Parameter, name: str) -> Option:
        """A parameter, under the name of its field."""
        ranged = one.kind in ("number", "whole", "numbers")
        return cls(
            name=name,
            kind=cast(ParameterKind, one.kind),
            title=one.title,
            tip=one.tip,
            more=one.more,
            default=one.default,
            least=one.low if ranged else None,
            most=one.high if ranged else None,
            choices=[ChoiceView(value=each.value, title=each.title, tip=each.tip) for each in one.choices],
            unit=one.unit,
            scale=one.scale,
            slider=one.slider,
            group=one.group,
            expert=one.expert,
        )


class Engine(BaseModel):
    """What paints."""

    name: str
    title: str
    tip: str
    accepts: list[str]
    paints: bool
    refines: bool
    settings: list[Option]
    """What only it has; sent in the field settings."""


class MaskModel(BaseModel):
    """What finds the subject."""

    name: str
    title: str
    tip: str = ""


class Limits(BaseModel):
    """What is taken at most."""

    megabytes: float
    megapixels: float
    jobs: int
    jobs_a_minute: float


class Options(BaseModel):
    """All that can be chosen."""

    stylize: list[Option]
    mask: list[Option]
    engines: list[Engine]
    mask_models: list[MaskModel]
    limits: Limits


class Health(BaseModel):
    """Whether the server behind answers."""

    status: Literal["ok", "resting"]
    """``resting``: it has ended because nobody needed it, and is started again with the next job."""
    version: str
    jobs_waiting: int = 0
    jobs_running: int = 0
