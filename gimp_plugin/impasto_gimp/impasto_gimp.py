#!/usr/bin/env python3
"""The GIMP filter of Impasto. GIMP wants this file to have the name of its folder, and to be executable."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

_HERE = Path(__file__).resolve().parent
# What the installer put beside it: impasto_link, impasto_editor, and the part of msgpack that is pure Python.
sys.path.insert(0, str(_HERE / "vendor"))

import gi  # noqa: E402

gi.require_version("Gimp", "3.0")
from gi.repository import Gimp, Gio, GLib, GObject  # noqa: E402

from impasto_editor.texts import choose_language, tr, tr_error  # noqa: E402
from impasto_filter.favorites import PREFIX, Favorites  # noqa: E402
from impasto_filter.settings import read_setting  # noqa: E402

STYLE_TRANSFER = "plug-in-impasto-style-transfer"
FIND_SUBJECT = "plug-in-impasto-find-subject"
SETTINGS = "plug-in-impasto-settings"
_MENU = "<Image>/Filters/Artistic"


class Impasto(Gimp.PlugIn):
    """What GIMP asks for. It starts a process for every question and every run."""

    def do_set_i18n(self, name: str) -> bool:
        """Our texts are read by `texts`, from where GIMP's own are not looked for."""
        return False

    def do_query_procedures(self) -> list[str]:
        """All procedures; asked when this file has changed."""
        self.set_help_domain("impasto", Gio.File.new_for_path(str(_HERE / "impasto_filter" / "help")))
        return [STYLE_TRANSFER, FIND_SUBJECT, SETTINGS, *self._favorites().procedures()]

    def do_create_procedure(self, name: str) -> Gimp.Procedure:
        """One of the procedures; asked when the menus are made, and before it runs."""
        language = read_setting("language", "auto")
        choose_language(GLib.get_language_names() if language == "auto" else [language])
        if name == SETTINGS:
            return self._settings(name)
        run = self._run_favorite if name.startswith(PREFIX) else self._run
        procedure = Gimp.ImageProcedure.new(self, name, Gimp.PDBProcType.PLUGIN, run, None)
        # Of indexed colours only animations can be painted, into a new image; what is said of others is better than a
        # grey entry.
        procedure.set_image_types("RGB*, GRAY*" if name == FIND_SUBJECT else "*")
        procedure.set_sensitivity_mask(Gimp.ProcedureSensitivityMask.DRAWABLE)
        procedure.set_attribution("Impasto", "Impasto", "2026")
        if name.startswith(PREFIX):
            title, _ = self._favorites().procedures().get(name, (name, None))
            procedure.set_menu_label(title.replace("_", "__"))
            # An own submenu, so that favourites do not crowd out what others have put there.
            procedure.add_menu_path(f"{_MENU}/{tr('Favourite Styles')}")
            words = tr("Paint the layer in the style “{title}”, with the settings kept for it", title=title)
            procedure.set_documentation(words, words, name)
            _declare_painting(procedure)
            return procedure
        self._describe(procedure, name)
        return procedure

    def _describe(self, procedure: Any, name: str) -> None:
        from impasto_filter import arguments

        procedure.set_icon_name("gimp-tool-paintbrush" if name == STYLE_TRANSFER else "gimp-layer-mask")
        if name == STYLE_TRANSFER:
            procedure.set_menu_label(tr("St_yle Transfer…"))
            procedure.set_documentation(
                tr("Paint the layer in the manner of a picture"),
                tr(
                    "Paints the layer, its subject, its background or the selection in one of the styles of Impasto or "
                    "like any picture, into a new layer above it. The work is done on this machine, by Impasto's "
                    "server, which is started when it does not run."
                ),
                name,
            )
            arguments.declare_style_transfer(procedure)
            _declare_painting(procedure)
        else:
            procedure.set_menu_label(tr("Find Su_bject…"))
            procedure.set_documentation(
                tr("Give the layer a mask that shows its subject only"),
                tr("Finds people, animals and things in the layer and hides everything else behind a layer mask."),
                name,
            )
            arguments.declare_find_subject(procedure)
        procedure.add_menu_path(_MENU)  # not before it has a label

    def _settings(self, name: str) -> Gimp.Procedure:
        """For scripts, and by GIMP's search for actions; in the menu it would be in the way."""
        from impasto_filter import arguments

        procedure = Gimp.Procedure.new(self, name, Gimp.PDBProcType.PLUGIN, self._run_settings, None)
        procedure.set_attribution("Impasto", "Impasto", "2026")
        procedure.set_menu_label(tr("Impasto Settings…"))
        words = tr("Language, and the server that paints")
        procedure.set_documentation(words, words, name)
        arguments.declare_settings(procedure)
        return procedure

    def _run_settings(self, procedure: Any, config: Any, data: Any) -> Any:
        from impasto_filter import runs

        mode = config.get_property("run-mode")
        return _answer(procedure, mode, lambda: runs.change_settings(mode, config))

    def _run(self, procedure: Any, mode: Gimp.RunMode, image: Any, drawables: list[Any], config: Any, data: Any) -> Any:
        from impasto_filter import runs

        work = runs.find_subject if procedure.get_name() == FIND_SUBJECT else runs.style_transfer
        return _answer(procedure, mode, lambda: work(procedure, mode, image, drawables, config, self._favorites()))

    def _run_favorite(
        self, procedure: Any, mode: Gimp.RunMode, image: Any, drawables: list[Any], config: Any, data: Any
    ) -> Any:
        from impasto_filter import runs

        entry = self._favorites().procedures().get(procedure.get_name())
        return _answer(procedure, mode, lambda: runs.favorite(mode, image, drawables, entry))

    def _favorites(self) -> Favorites:
        return Favorites(Path(Gimp.directory()), Path(__file__))


def _keep(error: Exception) -> str:
    """Write down where it happened, since GIMP on Windows has no console; returns what happened and the file."""
    import traceback

    from impasto_link.state import runtime_dir

    file = runtime_dir() / "gimp.log"
    try:
        file.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    except OSError:
        return repr(error)
    return f"{error!r}. {file}"


def _declare_painting(procedure: Any) -> None:
    words = tr("The new layer, in the run mode NONINTERACTIVE")
    procedure.add_layer_return_value("painting", tr("Painting"), words, True, GObject.ParamFlags.READWRITE)


def _answer(procedure: Any, mode: Any, work: Any) -> Any:
    """Do it, and say to GIMP what became of it: a layer or nothing, a cancellation, or an error in words.

    The layer is for scripts only. What it is told after a click nobody reads, but GIMP keeps it until this process has
    ended; and GIMP crashes when a layer outlives its image, which the user may close before that.
    """
    from impasto_link.errors import Cancelled, ImpastoError

    Status = Gimp.PDBStatusType  # noqa: N806
    try:
        layer = work()
    except Cancelled:
        return procedure.new_return_values(Status.CANCEL, None)
    except ImpastoError as error:
        return procedure.new_return_values(Status.EXECUTION_ERROR, GLib.Error(tr_error(error)))
    except Exception as error:
        words = tr("Something went wrong that should not have: {error}", error=_keep(error))
        return procedure.new_return_values(Status.EXECUTION_ERROR, GLib.Error(words))
    values = procedure.new_return_values(Status.SUCCESS, None)
    if layer is not None and mode == Gimp.RunMode.NONINTERACTIVE:
        values.remove(1)
        values.insert(1, GObject.Value(Gimp.Layer, layer))
    return values


Gimp.main(Impasto.__gtype__, sys.argv)
