"""Putting the plugins into the editors of this user, and taking them out again."""

from typing import Any

from impasto.install import gimp, krita
from impasto.install.editor import Editor

#: All editors that there is a plugin for, by name.
EDITORS: dict[str, Editor[Any]] = {one.name: one for one in (krita.EDITOR, gimp.EDITOR)}
