"""What is answered when something is wrong: problem details (RFC 9457), made of the errors of all of Impasto."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from impasto_link.errors import ImpastoError

MEDIA_TYPE = "application/problem+json"


class Problem(BaseModel):
    """What went wrong, as RFC 9457 has it, and what to do about it."""

    type: str = "about:blank"
    title: str
    """The name of the status."""
    status: int
    detail: str
    """What happened, in a sentence."""
    hint: str = ""
    """What to do about it, in a sentence."""
    code: str
    """By which a program tells kinds of problem apart."""


class Malformed(ImpastoError):
    """What came is not what it says it is."""

    code = "malformed"


class NoKey(ImpastoError):
    """Nobody who is let in."""

    code = "no-key"


class Forbidden(ImpastoError):
    """Nobody may do that."""

    code = "forbidden"


class NotThere(ImpastoError):
    """There is no such thing."""

    code = "not-there"


class NotYet(ImpastoError):
    """There is no result of a job, or not yet."""

    code = "not-yet"


class Forgotten(ImpastoError):
    """There was such a job."""

    code = "forgotten"


class TooSlow(ImpastoError):
    """What was sent did not come in time."""

    code = "too-slow"


class TooMuch(ImpastoError):
    """A request of too many bytes."""

    code = "too-much"


class WrongType(ImpastoError):
    """Something of a kind that is not read."""

    code = "wrong-type"


class TooOften(ImpastoError):
    """A person asks too often.

    Args:
        wait: in how many seconds to try again.
    """

    code = "too-often"

    def __init__(self, message: str, hint: str = "", wait: float = 1.0) -> None:
        super().__init__(message, hint)
        self.wait = wait


class Busy(TooOften):
    """There is no room for more now."""

    code = "busy"


#: The status of an answer, by the code of the error.
STATUS = {
    "bad-request": 422,
    "busy": 503,
    "cancelled": 409,
    "file": 400,
    "forbidden": 403,
    "forgotten": 410,
    "malformed": 400,
    "model": 422,
    "no-key": 401,
    "no-room": 503,
    "no-subject": 422,
    "no-picture": 415,
    "not-there": 404,
    "not-yet": 409,
    "out-of-memory": 503,
    "refused": 503,
    "server-ended": 503,
    "server-gone": 503,
    "too-large": 413,
    "too-much": 413,
    "too-often": 429,
    "too-slow": 408,
    "unknown-style": 422,
    "worker-died": 503,
    "wrong-type": 415,
    "wrong-version": 503,
}

#: So many seconds later there may be room, or a server, again.
_WAIT = 5


def problem_of(error: ImpastoError) -> Problem:
    """An error as a person, or a program, is told of it."""
    status = STATUS.get(error.code, 500)
    title = HTTPStatus(status).phrase
    return Problem(title=title, status=status, detail=error.message, hint=error.hint, code=error.code)


def answer_of(error: ImpastoError) -> Response:
    """The answer that an error is."""
    problem = problem_of(error)
    headers = {}
    if problem.status in (429, 503):
        headers["Retry-After"] = str(max(1, round(getattr(error, "wait", _WAIT))))
    if problem.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="Impasto"'
    return JSONResponse(problem.model_dump(), problem.status, headers, MEDIA_TYPE)


def described(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What OpenAPI is told of the problems that an endpoint may answer with, beside those that all have."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {one: {"description": HTTPStatus(one).phrase, "content": content} for one in (401, 403, *statuses)}


def add_handlers(app: FastAPI) -> None:
    """Have every error answered as a problem."""

    @app.exception_handler(ImpastoError)
    async def _of_ours(request: Request, error: ImpastoError) -> Response:
        return answer_of(error)

    @app.exception_handler(HTTPException)
    async def _of_http(request: Request, error: HTTPException) -> Response:
        phrase = HTTPStatus(error.status_code).phrase
        problem = Problem(
            title=phrase, status=error.status_code, detail=_WORDS.get(error.status_code, phrase), code="http"
        )
        return JSONResponse(problem.model_dump(), error.status_code, error.headers, MEDIA_TYPE)

    @app.exception_handler(RequestValidationError)
    async def _of_values(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"][1:]))
        problem = Problem(
            title="Unprocessable Content", status=422, detail=f"{where}: {first['msg']}.", code="bad-request"
        )
        return JSONResponse(problem.model_dump(), 422, None, MEDIA_TYPE)

    @app.exception_handler(Exception)
    async def _of_nobody(request: Request, error: Exception) -> Response:
        return answer_of(ImpastoError("Something went wrong here that nobody thought of.", "The log says what."))


_WORDS = {404: "There is nothing of that name.", 405: "That cannot be done with it."}
