"""Taking in what is sent: counted as it comes, in memory only, and in time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import PurePosixPath
from typing import Any

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from impasto.web.memory import Load
from impasto.web.metrics import Metrics
from impasto.web.orders import FILES
from impasto.web.problems import Malformed, TooMuch, TooSlow, WrongType
from impasto.web.settings import WebOptions
from impasto.web.workshop import Upload
from impasto_link.coats import MAX_STYLES, STYLE_FRAME
from impasto_link.errors import BadRequest, ImpastoError, printable, quoted

#: What frame of the wire a file is sent as, by the name of its field; a picture as a style has a name of its own.
FRAMES = {"image": "pixels", "mask": "mask", "selection": "selection"}
PICTURE = "picture"
#: A form has more fields than this only by mistake, and none is longer.
_MOST_FIELDS, _LONGEST_FIELD = 200, 1 << 16
_LONGEST_NAME = 80


class _InMemory(MultiPartParser):
    """Starlette's, which would put what is larger than a megabyte on the disk."""

    spool_max_size = 1 << 62


class Intake:
    """Takes in one request.

    Args:
        request: whose body has not been read.
        options: how much it may be, and how long it may take.
        load: what it takes of the memory.
        metrics: what is counted.
    """

    def __init__(self, request: Request, options: WebOptions, load: Load, metrics: Metrics) -> None:
        self._request, self._options, self._load, self._metrics = request, options, load, metrics
        self._is_whole = False

    async def form(self) -> tuple[list[tuple[str, str]], dict[str, Upload]]:
        """The fields of a form, and its files by the kinds of their frames.

        Raises:
            ImpastoError: there is too much of it, it comes too slowly, or it is no such form.
        """
        async with self._in_time():
            parser = _InMemory(
                self._request.headers,
                self._body(),
                max_files=MAX_STYLES + len(FRAMES),
                max_fields=_MOST_FIELDS,
                max_part_size=_LONGEST_FIELD,
            )
            try:
                form = await parser.parse()
            except (MultiPartException, KeyError, UnicodeError) as error:
                what = "it has no boundary." if isinstance(error, KeyError) else "its charset is none."
                raise Malformed(f"The form cannot be read: {getattr(error, 'message', what)}") from None
        fields = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
        uploads: dict[str, Upload] = {}
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                kind = _kind(name, value.filename or "")
                if kind in uploads:
                    raise BadRequest(
                        f"There are two files for {quoted(name)}.", "Give pictures as styles different names."
                    )
                uploads[kind] = Upload(said(value.filename or ""), await value.read())
        return fields, uploads

    async def json(self) -> dict[str, Any]:
        """A JSON object; raises as `form` does."""
        async with self._in_time():
            body = b"".join([chunk async for chunk in self._body()])
        try:
            values = json.loads(body)
        except (ValueError, RecursionError):
            raise Malformed("What was sent is no JSON.", "Send a JSON object, or a form with files.") from None
        if not isinstance(values, dict):
            raise Malformed("What was sent is no JSON object.", "Send a JSON object, or a form with files.")
        return values

    async def _body(self) -> AsyncGenerator[bytes, None]:
        claimed = self._request.headers.get("content-length", "0")
        # h11 has seen to it that it is a number, and that no more comes.
        self._check(int(claimed))
        came = 0
        while not self._is_whole:
            chunk = await self._next()
            came += len(chunk)
            self._check(came)
            self._load.add(len(chunk))
            self._metrics.came.inc(len(chunk))
            yield chunk

    async def _next(self) -> bytes:
        message = await self._request.receive()
        if message["type"] == "http.disconnect":
            raise Malformed("The request ended before its end.")
        self._is_whole = not message.get("more_body", False)
        return message.get("body", b"")

    async def _pass_over(self) -> None:
        """Take in the rest of what is refused: who is still sending would not hear why. But who asks first is told."""
        if "expect" not in self._request.headers:
            with suppress(Malformed):
                while not self._is_whole:
                    await self._next()

    def _check(self, nbytes: int) -> None:
        if nbytes > self._options.most_bytes:
            raise TooMuch(
                f"A request may have {self._options.most_megabytes:g} MiB at most.",
                "Send a smaller file, such as a JPEG.",
            )

    @asynccontextmanager
    async def _in_time(self) -> AsyncIterator[None]:
        limit = asyncio.timeout(self._options.upload_seconds)
        try:
            async with limit:
                yield
        except ImpastoError:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(limit.when()):
                    await self._pass_over()
            raise
        except TimeoutError:
            raise TooSlow(
                f"The request did not come within {self._options.upload_seconds:g} seconds.", "Send a smaller file."
            ) from None


def check_kinds(operation: str, uploads: Mapping[str, Upload]) -> None:
    """Raise BadRequest unless there is a picture, and nothing that the operation does not know."""
    if FRAMES["image"] not in uploads:
        raise BadRequest("There is no picture.", "Send it as the file image, or its address.")
    known = {FRAMES[field] for field in FILES[operation]}
    other = [kind for kind in uploads if kind not in known and not (operation == "stylize" and STYLE_FRAME in kind)]
    if other:
        raise BadRequest(f"There is nothing to do with {uploads[other[0]].name}.", "All fields: GET /openapi.json")


def is_json(request: Request) -> bool:
    """Whether a request has a JSON object rather than a form; raises WrongType if it is neither."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("application/json", "multipart/form-data"):
        raise WrongType(
            f"A request of the type {quoted(kind)} is not read.", "Send multipart/form-data, or application/json."
        )
    return kind == "application/json"


def _kind(field: str, filename: str) -> str:
    if field == PICTURE:
        return f"{STYLE_FRAME}{PurePosixPath(said(filename)).stem}"
    try:
        return FRAMES[field]
    except KeyError:
        raise BadRequest(
            f"There is no field {quoted(field)} for a file.", f"Fields for files: {', '.join([*FRAMES, PICTURE])}."
        ) from None


def said(filename: str) -> str:
    """What a file is called in sentences: never a path, for nothing is ever opened by it."""
    name = printable(PurePosixPath(filename.replace("\\", "/")).name)
    return name[-_LONGEST_NAME:] or "The picture"
