"""One painting, and one mask: from the layer to the server and back into the image."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol

from impasto_editor import request
from impasto_editor.choices import Choices
from impasto_editor.frames import Frames
from impasto_editor.pictures import is_picture
from impasto_editor.status import doing
from impasto_editor.texts import tr, tr_said
from impasto_filter import host
from impasto_filter.connection import Connection
from impasto_filter.pictures import Pictures
from impasto_filter.settings import settings
from impasto_link.client import Call, Event
from impasto_link.errors import Cancelled, ImpastoError, Problem
from impasto_link.pixels import Region
from impasto_link.sentences import several_from_wire

#: How long to wait for the network before the window has its turn, in seconds.
_TURN = 0.02
#: How often to look whether the image is still there, in seconds.
_LOOK_EVERY = 0.5


class Watcher(Protocol):
    """Whoever is told how far it is, and may want it to stop."""

    cancelled: bool
    """Whether to stop."""
    enough: bool
    """Whether to end a refinement with what there is."""

    def progress(self, fraction: float, words: str) -> None:
        """So much is done, 0 to 1, and this is being done."""

    def show(self, picture: Region) -> None:
        """What a refinement has so far."""

    def live(self) -> None:
        """Let the window have its turn."""


class Nobody:
    """A watcher that lets everything happen."""

    cancelled = enough = False

    def progress(self, fraction: float, words: str) -> None:
        """Is not told to anybody."""

    def show(self, picture: Region) -> None:
        """Is not shown to anybody."""

    def live(self) -> None:
        """Nobody has a window."""


def source_of(layer: Any, choices: Choices) -> host.Source:
    """The part of the layer that the choices ask for; raises Problem if there is none."""
    return host.find_source(layer, use_selection=choices.area != "everything", margin=request.margin(choices))


def paint(image: Any, layer: Any, choices: Choices, title: str, watcher: Watcher) -> tuple[Any, str]:
    """Paint a layer into a new one above it.

    Args:
        image: the image.
        layer: its layer.
        choices: how.
        title: the name of the new layer; empty for the title of the style.
        watcher: is told how far it is.

    Returns:
        The new layer, and sentences about what was not as expected, if anything was not.

    Raises:
        Cancelled: the watcher wanted it.
        ImpastoError: it could not be painted; the image is as it was.
    """
    source = source_of(layer, choices)
    pictures = Pictures(image, host.PICTURE_SIDE)
    connection = Connection(settings())
    try:
        connection.open()
        options, sent = request.painting(choices, host.read(source), pictures.read, flatten=choices.result == "flat")
        _wait_until_ready(connection, watcher)
        title = title or _title(connection, choices.style, watcher)
        call = connection.submit("stylize", options.to_wire(), sent)
        result = _wait(connection, call, watcher, source)
    finally:
        connection.close()
    mask = result.regions.get("mask")
    watcher.progress(1.0, tr("placing the painting"))
    painting, remark = host.place(
        source,
        result.regions["pixels"],
        mask.data if mask else None,
        title,
        group=choices.result == "group",
        kept=choices.to_json(),
    )
    notes = [tr_said(note) for note in several_from_wire(result.fields, "notes")]
    return painting, " ".join([remark, *notes]).strip()


def paint_frames(image: Any, layer: Any, choices: Choices, watcher: Watcher) -> tuple[Any, str]:
    """Paint all layers of an animation into an image of their own; arguments and errors as for `paint`.

    Returns:
        The first frame, in an image that nobody sees yet, and sentences.
    """
    use_selection, margin = choices.area != "everything", request.margin(choices)
    source = host.find_source(layer, use_selection=use_selection, margin=margin, frames=True)
    pictures = Pictures(image, host.PICTURE_SIDE)
    connection = Connection(settings())
    animation = host.animation(source, in_range=False)
    try:
        connection.open()
        frames = Frames(animation, choices, pictures.read, flatten=True)
        _wait_until_ready(connection, watcher)
        while True:
            call = connection.submit(*frames.request())
            result = _wait(connection, call, watcher, source, frames.far)
            if not frames.take(result):
                break
        painting, remark = animation.place(None, "", group=False, kept=choices.to_json())
    finally:
        animation.close()
        connection.close()
    notes = [tr_said(note) for note in several_from_wire(result.fields, "notes")]
    return painting, " ".join([remark, *notes]).strip()


def find_subject(layer: Any, choices: Choices, watcher: Watcher) -> None:
    """Give a layer a mask that shows its subject, or its background, only; arguments and errors as for `paint`."""
    source = host.find_source(layer, use_selection=False)
    host.check_has_no_mask(layer)
    connection = Connection(settings())
    try:
        connection.open()
        options, sent = request.subject(choices, host.read(source))
        _wait_until_ready(connection, watcher)
        result = _wait(connection, connection.submit("mask", options.to_wire(), sent), watcher, source)
    finally:
        connection.close()
    host.give_subject(source, result.regions["mask"])


def _wait_until_ready(connection: Connection, watcher: Watcher) -> None:
    while connection.state != "ready":
        connection.tick(_TURN)
        watcher.progress(0.0, connection.words)
        watcher.live()
        if watcher.cancelled:
            raise Cancelled(tr("Cancelled; the picture is as it was."))


def _title(connection: Connection, name: str, watcher: Watcher) -> str:
    """The title of a style; the name of one that the server does not know, which it will say by itself."""
    if is_picture(name):
        return tr("Painting")
    call = connection.submit("styles")
    while not call.finished:
        connection.tick(_TURN)
        watcher.live()
    styles = call.result.fields.get("styles", ()) if call.result else ()
    return next((str(one["title"]) for one in styles if one["name"] == name), name)


def _wait(
    connection: Connection,
    call: Call,
    watcher: Watcher,
    source: host.Source,
    far: Callable[[float, str], tuple[float, str]] = lambda fraction, words: (fraction, words),
) -> Event:
    """Wait for the end of a job, while the user can cancel it; raises ImpastoError if there is no result."""
    problem: ImpastoError | None = None
    told = kept = False
    looked_at = 0.0
    while not call.finished:
        connection.tick(_TURN)
        while call.events:
            _report(call.events.pop(0), connection, watcher, far)
        watcher.live()
        if (now := time.monotonic()) - looked_at > _LOOK_EVERY:
            looked_at = now
            if problem is None and not source.image.is_valid():
                problem = Problem(tr("The image was closed, so its painting was stopped."))
        if (watcher.cancelled or problem) and not told:
            told = True
            watcher.progress(0.0, tr("stopping"))
            connection.cancel(call)
        elif watcher.enough and not kept and not told:
            kept = True
            connection.cancel(call, keep=True)
    if call.error is not None:
        raise problem or call.error
    assert call.result is not None
    if told:
        # The cancellation came too late, but it was meant.
        raise problem or Cancelled(tr("Cancelled; the picture is as it was."))
    return call.result


def _report(
    event: Event, connection: Connection, watcher: Watcher, far: Callable[[float, str], tuple[float, str]]
) -> None:
    found = doing(event)
    if found is None:
        return
    fraction, words = found
    starting = event.kind == "accepted" and not event.place
    watcher.progress(*far(fraction, (connection.words if starting else "") or words))
    if event.kind == "preview" and "pixels" in event.regions:
        watcher.show(event.regions["pixels"])
