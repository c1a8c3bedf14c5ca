"""What happens when an entry of the menu is chosen, or a procedure called, in GIMP's three run modes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gi.repository import Gimp

from impasto_editor.choices import Choices
from impasto_editor.settings import Settings
from impasto_editor.texts import tr
from impasto_filter import arguments, host, painter
from impasto_filter.favorites import Favorites
from impasto_filter.settings import settings, write_setting
from impasto_link.errors import Cancelled, Problem


def style_transfer(
    procedure: Any, mode: Any, image: Any, drawables: list[Any], config: Any, favorites: Favorites
) -> Any:
    """Paint; returns the new layer. Raises ImpastoError, Cancelled among them."""
    host.start()
    with host.with_colors(image, drawables) as (colored, drawables):
        layer = host.the_layer(colored, drawables)
        # Into a copy no layer is painted.
        all_frames, title = colored != image, ""
        if mode == Gimp.RunMode.INTERACTIVE:
            from impasto_filter.style_dialog import StyleDialog

            dialog = StyleDialog(procedure, config, colored, layer, favorites, all_frames=all_frames)
            answer = dialog.ask()
            if answer is None:
                raise Cancelled("")
            layer, choices, title = answer
        else:
            choices = arguments.read(config)
        return _paint(mode, colored, layer, replace(choices, frames="all") if all_frames else choices, title)


def favorite(mode: Any, image: Any, drawables: list[Any], entry: tuple[str, Choices] | None) -> Any:
    """Paint as a favourite says, without a dialog."""
    if entry is None:
        raise Problem(tr("This style is not among the favourites any more."), tr("Start GIMP again."))
    host.start()
    title, choices = entry
    with host.with_colors(image, drawables) as (colored, drawables):
        layer = host.the_layer(colored, drawables)
        return _paint(mode, colored, layer, replace(choices, frames="all") if colored != image else choices, title)


def find_subject(procedure: Any, mode: Any, image: Any, drawables: list[Any], config: Any, favorites: Favorites) -> Any:
    """Give the layer a mask. Raises as `style_transfer`."""
    host.start()
    layer = host.the_layer(image, drawables)
    host.check_has_no_mask(layer)
    if mode == Gimp.RunMode.INTERACTIVE:
        from impasto_filter.subject_dialog import SubjectDialog

        if not SubjectDialog(procedure, config, layer).ask():
            raise Cancelled("")
    watcher = _watcher(mode, tr("Find Subject"))
    try:
        painter.find_subject(layer, arguments.read_subject(config), watcher)
    finally:
        _close(watcher)


def change_settings(mode: Any, config: Any) -> None:
    """Ask for what is set once, or take it from a script's configuration; raises ImpastoError if it cannot be kept."""
    found = settings()
    try:
        if mode == Gimp.RunMode.INTERACTIVE:
            _ask_settings(found)
            return
        file = config.get_property("invitation")
        found.invitation = (file.get_path() or "") if file is not None else ""
        for name in ("language", "unload_after", "exit_after"):
            setattr(found, name, config.get_property(name.replace("_", "-")))
        found.save(write_setting)
    except OSError as error:
        raise Problem(tr("The settings cannot be kept: {reason}.", reason=error.strerror or error)) from error


def _ask_settings(found: Settings) -> None:
    from impasto_filter import gtk, settings_dialog

    gtk.start()
    if not settings_dialog.ask(found):
        raise Cancelled("")


def _paint(mode: Any, image: Any, layer: Any, choices: Choices, title: str) -> Any:
    watcher = _watcher(mode, tr("Style Transfer"), can_keep=bool(choices.refine))
    # What was chosen for an animation is remembered, but only a script means all layers of any image.
    frames = choices.frames == "all" and (mode == Gimp.RunMode.NONINTERACTIVE or host.is_animation(image))
    try:
        if frames:
            painting, remark = painter.paint_frames(image, layer, choices, watcher)
        else:
            painting, remark = painter.paint(image, layer, replace(choices, frames="one"), title, watcher)
    finally:
        _close(watcher)
    if frames and mode != Gimp.RunMode.NONINTERACTIVE:
        host.show(painting.get_image())
    if remark:
        Gimp.message(remark)
    return painting


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
