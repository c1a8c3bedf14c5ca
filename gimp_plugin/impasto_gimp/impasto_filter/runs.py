"""What happens when an entry of the menu is chosen, or a procedure called, in GIMP's three run modes."""

from __future__ import annotations

from typing import Any

from gi.repository import Gimp, Gio

from impasto_filter import arguments, host, painter
from impasto_filter.choices import Choices
from impasto_filter.favorites import Favorites
from impasto_filter.texts import tr
from impasto_link.errors import Cancelled, Problem
from impasto_link.pixels import Region


def style_transfer(
    procedure: Any, mode: Any, image: Any, drawables: list[Any], config: Any, favorites: Favorites
) -> Any:
    """Paint; returns the new layer. Raises ImpastoError, Cancelled among them."""
    host.start()
    layer = host.the_layer(image, drawables)
    title = ""
    if mode == Gimp.RunMode.INTERACTIVE:
        from impasto_filter.style_dialog import StyleDialog

        dialog = StyleDialog(procedure, config, image, layer, favorites)
        answer = dialog.ask()
        if answer is None:
            raise Cancelled("")
        layer, title = answer
    choices = arguments.read(config, image)
    picture = _picture(config)
    return _paint(mode, image, layer, choices, picture, title)


def favorite(mode: Any, image: Any, drawables: list[Any], entry: tuple[str, Choices] | None) -> Any:
    """Paint as a favourite says, without a dialog."""
    if entry is None:
        raise Problem(tr("This style is not among the favourites any more."), tr("Start GIMP again."))
    host.start()
    layer = host.the_layer(image, drawables)
    title, choices = entry
    picture = None
    if choices.picture:
        picture = host.picture_of_file(Gio.File.new_for_path(choices.picture), painter.PICTURE_SIDE)
    return _paint(mode, image, layer, choices, picture, title)


def find_subject(procedure: Any, mode: Any, image: Any, drawables: list[Any], config: Any, favorites: Favorites) -> Any:
    """Give the layer a mask. Raises as `style_transfer`."""
    host.start()
    layer = host.the_layer(image, drawables)
    host.check_has_no_mask(layer)
    if mode == Gimp.RunMode.INTERACTIVE:
        from impasto_filter.subject_dialog import SubjectDialog

        if not SubjectDialog(procedure, config, image, layer).ask():
            raise Cancelled("")
    watcher = _watcher(mode, tr("Find Subject"))
    try:
        painter.find_subject(image, layer, arguments.read_mask_options(config), watcher)
    finally:
        _close(watcher)


def _paint(mode: Any, image: Any, layer: Any, choices: Choices, picture: Region | None, title: str) -> Any:
    watcher = _watcher(mode, tr("Style Transfer"), can_keep=choices.refine != "none")
    try:
        painting, remark = painter.paint(image, layer, choices, picture, title, watcher)
    finally:
        _close(watcher)
    if remark:
        Gimp.message(remark)
    return painting


def _picture(config: Any) -> Region | None:
    layer, file = config.get_property("picture-layer"), config.get_property("picture")
    if layer is not None:
        return host.picture_of_layer(layer, painter.PICTURE_SIDE)
    return host.picture_of_file(file, painter.PICTURE_SIDE) if file is not None else None


def _watcher(mode: Any, title: str, *, can_keep: bool = False) -> painter.Watcher:
    """A window with the progress, unless there is nobody to see it."""
    if mode == Gimp.RunMode.NONINTERACTIVE:
        return painter.Nobody()
    from impasto_filter import gtk

    if not gtk.start():
        # Repeat in a batch without a screen.
        return painter.Nobody()
    from impasto_filter.progress import ProgressWindow

    return ProgressWindow(title, can_keep=can_keep)


def _close(watcher: painter.Watcher) -> None:
    if not isinstance(watcher, painter.Nobody):
        watcher.close()  # type: ignore[attr-defined]
