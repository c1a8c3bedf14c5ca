"""Where GIMP's plug-in goes, that it can run there, and that what others put there stays."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from impasto.cli import main
from impasto.install import gimp
from impasto.install.gimp import candidates, places
from impasto_link.codec import PROTOCOL


def folder(home: Path, version: str = "3.0") -> Path:
    path = places(home, {}, sys.platform)[0][1] / version
    path.mkdir(parents=True)
    return path


@pytest.mark.parametrize(
    ("platform", "environment", "wanted"),
    [
        ("linux", {}, ".config/GIMP"),
        ("linux", {"XDG_CONFIG_HOME": "c"}, "c/GIMP"),
        ("darwin", {}, "Library/Application Support/GIMP"),
        ("win32", {}, "AppData/Roaming/GIMP"),
        ("win32", {"APPDATA": "r"}, "r/GIMP"),
    ],
)
def test_places(tmp_path: Path, platform: str, environment: dict[str, str], wanted: str) -> None:
    here = {name: str(tmp_path / path) for name, path in environment.items()}
    for version in ("2.10", "3.0", "3.2", "3.0-old"):
        (tmp_path / wanted / version).mkdir(parents=True)
    found = candidates(tmp_path, here, platform)
    assert [one.folder for one in found] == [tmp_path / wanted / "3.0", tmp_path / wanted / "3.2"]
    assert not any(one.sandboxed for one in found)


def test_a_folder_that_the_environment_names(tmp_path: Path) -> None:
    assert candidates(tmp_path, {"GIMP3_DIRECTORY": str(tmp_path / "own")}, "linux")[0].folder == tmp_path / "own"


@pytest.mark.skipif(sys.platform != "linux", reason="the folders of Linux")
def test_every_gimp_3_is_served(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = folder(home), folder(home, "3.2")
    folder(home, "2.10")
    flatpak = home / ".var/app/org.gimp.GIMP/config/GIMP/3.0"
    flatpak.mkdir(parents=True)
    assert main(["install", "gimp"]) == 0
    said = capsys.readouterr().out
    assert "Filters > Artistic" in said
    assert "impasto serve" in said, "a Flatpak cannot start the server"
    for one in (first, second, flatpak):
        program = one / "plug-ins/impasto_gimp/impasto_gimp.py"
        assert os.access(program, os.X_OK)
        assert (program.parent / "vendor/impasto_editor/texts/zh_CN.json").is_file()
    assert not (home / ".config/GIMP/2.10/plug-ins").exists()

    own = first / "plug-ins" / "other" / "other.py"
    own.parent.mkdir()
    own.touch()
    assert main(["uninstall", "gimp"]) == 0
    assert [path for path in first.rglob("*") if path.is_file()] == [own]
    assert not (second / "plug-ins/impasto_gimp").exists()
    assert main(["uninstall", "gimp"]) == 0
    assert "was not installed" in capsys.readouterr().out


def test_no_gimp_is_said(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder(home, "2.10")
    assert main(["install", "gimp"]) == 1
    said = capsys.readouterr().err
    assert "No GIMP 3 was found" in said
    assert "2.10 is too old" in said


@pytest.mark.skipif(sys.platform != "linux", reason="programs are found by their mode")
def test_a_gimp_that_was_never_started_is_found_by_its_program(home: Path) -> None:
    program = home / "bin" / "gimp-3.2"
    program.parent.mkdir()
    program.touch(0o755)
    assert [one.folder for one in gimp.find()] == [home / ".config/GIMP/3.2"]


def test_the_link_and_msgpack_come_along_and_suffice(home: Path) -> None:
    plug_ins = folder(home) / "plug-ins"
    assert main(["install", "gimp"]) == 0
    script = (
        "import sys; sys.path[:0] = [sys.argv[1], sys.argv[1] + '/vendor']\n"
        "from impasto_filter import connection, favorites, formats, mnemonics\n"
        "import msgpack\n"
        "assert msgpack.__file__.startswith(sys.argv[1]) and formats.__file__.startswith(sys.argv[1])\n"
        "assert 'zmq' not in sys.modules and 'numpy' not in sys.modules\n"
    )
    # Without site-packages, as in GIMP's Python on Windows.
    subprocess.run([sys.executable, "-I", "-S", "-c", script, str(plug_ins / "impasto_gimp")], check=True)


def test_installing_again_replaces_what_a_zip_left(home: Path) -> None:
    target = folder(home) / "plug-ins" / "impasto_gimp"
    target.mkdir(parents=True)
    (target / "impasto_gimp.py").write_text("old")
    assert main(["install", "gimp"]) == 0
    assert (target / "impasto_gimp.py").read_text() != "old"
    assert main(["install", "gimp"]) == 0


def test_a_folder_of_somebody_else_is_refused(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = folder(home) / "plug-ins" / "impasto_gimp"
    target.mkdir(parents=True)
    (target / "drawing.xcf").touch()
    assert main(["install", "gimp"]) == 1
    assert "did not put there" in capsys.readouterr().err
    assert (target / "drawing.xcf").exists()


def test_the_zip_replaces_nothing_but_an_older_one(
    tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive, photo, other = tmp_path / "gimp.zip", tmp_path / "photo.png", tmp_path / "photos.zip"
    photo.write_bytes(b"a photo")
    with zipfile.ZipFile(other, "w") as opened:
        opened.writestr("a.png", b"a photo")
    before = other.read_bytes()
    assert [main(["install", "gimp", "--zip", str(one)]) for one in (archive, archive, photo, other)] == [0, 0, 1, 1]
    assert "photo.png, which is no older archive of the plugin" in capsys.readouterr().err
    assert (photo.read_bytes(), other.read_bytes()) == (b"a photo", before)


def test_the_zip_keeps_the_executable_bit(tmp_path: Path, home: Path) -> None:
    target = tmp_path / "out" / "gimp.zip"
    assert main(["install", "gimp", "--zip", str(target)]) == 0
    with zipfile.ZipFile(target) as archive:
        modes = {entry.filename: entry.external_attr >> 16 for entry in archive.infolist()}
    assert modes["impasto_gimp/impasto_gimp.py"] & 0o111 == 0o111
    assert modes["impasto_gimp/vendor/impasto_link/zmtp.py"] & 0o111 == 0
    assert not [name for name in modes if name.endswith((".pyc", ".so"))]


@pytest.mark.skipif(sys.platform != "linux", reason="programs are known by their mode")
@pytest.mark.parametrize("listed", [True, False], ids=["with its list", "of before there was a list"])
def test_what_was_unpacked_is_known_and_can_be_taken_out(
    home: Path, capsys: pytest.CaptureFixture[str], listed: bool
) -> None:
    plug_ins, archive = folder(home) / "plug-ins", home / "gimp.zip"
    plug_ins.mkdir()
    gimp.build_zip(archive)
    shutil.unpack_archive(archive, plug_ins)
    package = plug_ins / "impasto_gimp"
    (package / "impasto_gimp.py").chmod(0o755)
    if not listed:
        (package / "installed.json").unlink()
    assert main(["doctor"]) == 0
    said = capsys.readouterr().out
    assert f"the plugin is in {package}" in said
    assert "impasto install gimp" not in said

    assert main(["uninstall", "gimp"]) == 0
    assert "the plugin is gone" in capsys.readouterr().out
    assert not list(plug_ins.iterdir())


@pytest.mark.skipif(sys.platform != "linux", reason="the folders of Linux")
def test_the_doctor_says_how_to_mend(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plug_ins = folder(home) / "plug-ins"
    assert main(["doctor"]) == 0, "what is missing in an editor does not keep the server from painting"
    assert "impasto install gimp" in capsys.readouterr().out
    assert main(["install", "gimp"]) == 0
    assert main(["doctor"]) == 0
    said = capsys.readouterr().out
    assert f"the plugin is in {plug_ins / 'impasto_gimp'}" in said
    assert "styles" in said

    program = plug_ins / "impasto_gimp" / "impasto_gimp.py"
    program.chmod(0o644)
    codec = program.parent / "vendor" / "impasto_link" / "codec.py"
    codec.write_text(codec.read_text().replace(f"PROTOCOL = {PROTOCOL}", "PROTOCOL = 99"))
    assert main(["doctor"]) == 0
    said = capsys.readouterr().out
    assert "chmod +x" in said
    assert "of another version" in said


def test_the_doctor_finds_missing_models(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMPASTO_MODELS", str(home / "models"))
    monkeypatch.setattr("impasto.zoo.library.shipped_models", lambda: home / "nothing")
    assert main(["doctor"]) == 1
    assert "there is no style at all" in capsys.readouterr().out
