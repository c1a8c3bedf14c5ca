"""One painting, and one mask: from the layer to the server and back into the image."""

from __future__ import annotations

import math
import time
from typing import Any, Protocol

from impasto_filter import host
from impasto_filter.choices import PICTURE, Choices
from impasto_filter.connection import Connection
from impasto_filter.texts import tr, tr_said
from impasto_link.client import Call, Event
from impasto_link.errors import Cancelled, ImpastoError, Problem
from impasto_link.options import MaskOptions, StylizeOptions
from impasto_link.pixels import Region

#: The longest side at which a picture to paint like is sent.
PICTURE_SIDE = 1024
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


def source_of(image: Any, layer: Any, choices: Choices) -> host.Source:
    """The part of the layer that the choices ask for; raises Problem if there is none."""
    margin = math.ceil(1.5 * choices.feather) if _feathers_selection(choices) else 0
    return host.find_source(image, layer, use_selection=choices.uses_selection, margin=margin)


def request(
    choices: Choices, regions: dict[str, Region], picture: Region | None, **more: Any
) -> tuple[StylizeOptions, dict[str, Region]]:
    """The options and regions that are sent.

    Args:
        choices: how to paint.
        regions: ``pixels`` and, if a selection limits it, ``selection``.
        picture: a picture to paint like, instead of the style.
        more: for `Choices.options`.
    """
    if picture is None and not choices.style.strip(", "):
        raise Problem(tr("No style is chosen."), tr("Open Style Transfer… and choose one."))
    sent = dict(regions)
    if "selection" in sent and _feathers_selection(choices):
        # The server feathers subjects; so the selection is sent as one.
        sent["mask"] = sent.pop("selection")
        more = {"area": "subject", "feather": choices.feather / more.get("reduced_by", 1.0), **more}
    if picture is not None:
        sent[f"style:{PICTURE}"] = picture
    return choices.options(with_picture=picture is not None, **more), sent


def paint(
    image: Any, layer: Any, choices: Choices, picture: Region | None, title: str, watcher: Watcher
) -> tuple[Any, str]:
    """Paint a layer into a new one above it.

    Args:
        image: the image.
        layer: its layer.
        choices: how.
        picture: a picture to paint like, instead of the style of the choices.
        title: the name of the new layer; empty for the title of the style.
        watcher: is told how far it is.

    Returns:
        The new layer, and sentences about what was not as expected, if anything was not.

    Raises:
        Cancelled: the watcher wanted it.
        ImpastoError: it could not be painted; the image is as it was.
    """
    source = source_of(image, layer, choices)
    connection = Connection()
    try:
        connection.open()
        regions = {"pixels": host.read(source)}
        if source.selected:
            regions["selection"] = host.read_selection(source)
        options, sent = request(choices, regions, picture, flatten=choices.result == "flat")
        _wait_until_ready(connection, watcher)
        title = title or _title(connection, options.styles[0].name, watcher)
        call = connection.submit("stylize", options.to_wire(), sent)
        result = _wait(connection, call, watcher, source)
    finally:
        connection.close()
    mask = result.regions.get("mask")
    watcher.progress(1.0, tr("placing the painting"))
    painting, remark = host.place(source, result.regions["pixels"], mask.data if mask else None, title, choices)
    notes = [tr_said(str(note)) for note in result.fields.get("notes", ())]
    return painting, " ".join([remark, *notes]).strip()


def find_subject(image: Any, layer: Any, options: MaskOptions, watcher: Watcher) -> None:
    """Give a layer a mask that shows its subject only; arguments and errors as for `paint`."""
    source = host.find_source(image, layer, use_selection=False)
    host.check_has_no_mask(layer)
    connection = Connection()
    try:
        connection.open()
        regions = {"pixels": host.read(source)}
        _wait_until_ready(connection, watcher)
        result = _wait(connection, connection.submit("mask", options.to_wire(), regions), watcher, source)
    finally:
        connection.close()
    host.give_mask(image, layer, result.regions["mask"])


def _feathers_selection(choices: Choices) -> bool:
    return choices.area == "selection" and choices.feather > 0 and not choices.two_styles


def _wait_until_ready(connection: Connection, watcher: Watcher) -> None:
    while connection.state != "ready":
        connection.tick(_TURN)
        watcher.progress(0.0, connection.words)
        watcher.live()
        if watcher.cancelled:
            raise Cancelled(tr("Cancelled; the picture is as it was."))


def _title(connection: Connection, name: str, watcher: Watcher) -> str:
    """The title of a style; the name of one that the server does not know, which it will say by itself."""
    if name == PICTURE:
        return tr("Painting")
    call = connection.submit("styles")
    while not call.finished:
        connection.tick(_TURN)
        watcher.live()
    styles = call.result.fields.get("styles", ()) if call.result else ()
    return next((str(one["title"]) for one in styles if one["name"] == name), name)


def _wait(connection: Connection, call: Call, watcher: Watcher, source: host.Source) -> Event:
    """Wait for the end of a job, while the user can cancel it; raises ImpastoError if there is no result."""
    problem: ImpastoError | None = None
    told = kept = False
    looked_at = 0.0
    while not call.finished:
        connection.tick(_TURN)
        while call.events:
            _report(call.events.pop(0), connection, watcher)
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


def _report(event: Event, connection: Connection, watcher: Watcher) -> None:
    if event.kind == "accepted":
        words = tr("waiting, {count} before it", count=event.place) if event.place else connection.words
        watcher.progress(0.0, words or tr("waiting"))
    elif event.kind == "progress":
        watcher.progress(event.fraction, tr_said(event.doing))
    elif event.kind == "preview" and "pixels" in event.regions:
        watcher.progress(event.fraction, tr_said(event.doing))
        watcher.show(event.regions["pixels"])
