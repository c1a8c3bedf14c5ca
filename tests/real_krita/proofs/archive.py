"""The archive that is made for Krita's own importer of plugins brings the same files as `impasto install krita`."""

import tempfile
from pathlib import Path

from plugin_importer.plugin_importer import PluginImporter

import impasto_krita
from impasto_proofs import prover


def files(folder):
    """All that was installed, but for what Python has made of it."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def steps():
    archive = prover.FOLDER / "impasto-krita.zip"
    yield from prover.ask("impasto", arguments=["install", "krita", "--zip", str(archive)])
    with tempfile.TemporaryDirectory() as resources:
        imported = PluginImporter(str(archive), resources, lambda plugin: False).import_all()
        assert [plugin["ui_name"] for plugin in imported] == ["Impasto Style Transfer"], imported
        mine = Path(impasto_krita.__file__).parent
        assert files(Path(resources) / "pykrita" / "impasto_krita") == files(mine)
        assert (Path(resources) / "pykrita" / "impasto_krita.desktop").is_file()
        assert (Path(resources) / "actions" / "impasto_krita.action").is_file()
