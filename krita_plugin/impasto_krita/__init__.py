"""The Krita docker of Impasto. Krita imports this package at its start and finds the docker registered."""

import sys
from pathlib import Path

# Said before anything else is imported: Krita shows it as the tooltip of the plugin in its plugin manager.
if sys.version_info < (3, 10):  # noqa: UP036 - Krita 5.1 for Windows has Python 3.8
    raise ImportError(
        "Impasto needs a Krita with Python 3.10 or newer, that is Krita 5.2 or newer; "
        "this one has Python {}.{}.".format(*sys.version_info[:2])
    )

# What the installer put beside the plugin: impasto_link, and the part of msgpack that is pure Python.
sys.path.insert(0, str(Path(__file__).parent / "vendor"))

from impasto_krita import extension

extension.register()
