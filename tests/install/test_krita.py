"""Installing into Krita: where things go on each system, what is switched on, what is taken out again."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path, PureWindowsPath

import pytest

from impasto.cli import main
from impasto.install import krita, payload
from impasto.install.krita import candidates
from impasto.install.kritarc import resource_folder, switch, with_plugin
from impasto.install.payload import is_redirected
from impasto_link.errors import ImpastoError

KRITARC = "[General]\nname=Ünï\n\n[python]\nenable_other=true\nenable_impasto_krita=false\n[theme]\nTheme=Any\n"


def native(home: Path) -> Path:
    folder = home / ".local" / "share" / "krita"
    folder.mkdir(parents=True)
    return folder


@pytest.mark.parametrize(
    ("platform", "environment", "data", "settings"),
    [
        ("linux", {}, ".local/share/krita", ".config/kritarc"),
        ("linux", {"XDG_DATA_HOME": "d", "XDG_CONFIG_HOME": "c"}, "d/krita", "c/kritarc"),
        ("darwin", {}, "Library/Application Support/Krita", "Library/Preferences/kritarc"),
        ("win32", {}, "AppData/Roaming/krita", "AppData/Local/kritarc"),
        ("win32", {"APPDATA": "r", "LOCALAPPDATA": "l"}, "r/krita", "l/kritarc"),
    ],
)
def test_places(tmp_path: Path, platform: str, environment: dict[str, str], data: str, settings: str) -> None:
    here = {name: str(tmp_path / path) for name, path in environment.items()}
    place = candidates(tmp_path, here, platform)[0]
    assert (place.data, place.settings) == (tmp_path / data, tmp_path / settings)


def test_flatpak_has_folders_of_its_own(tmp_path: Path) -> None:
    place = candidates(tmp_path, {}, "linux")[1]
    assert place.data == tmp_path / ".var/app/org.kde.krita/data/krita"
    assert place.settings == tmp_path / ".var/app/org.kde.krita/config/kritarc"
    assert place.sandboxed


def test_krita_from_the_microsoft_store_has_folders_of_its_own(tmp_path: Path) -> None:
    local, roaming = tmp_path / "AppData" / "Local", tmp_path / "AppData" / "Roaming"
    own = local / "Packages" / "49800KritaProject.Krita_abc123" / "LocalCache"
    (own / "Local").mkdir(parents=True)
    (local / "Packages" / "49800Other_abc123").mkdir()
    native, store = candidates(tmp_path, {}, "win32")
    assert native.data == roaming / "krita"
    assert (store.title, store.sandboxed) == ("Krita (Microsoft Store)", False)
    assert (store.data, store.settings) == (own / "Roaming" / "krita", own / "Local" / "kritarc")

    # It does not know itself that its folders are others.
    for said, meant in (
        (roaming / "krita", own / "Roaming" / "krita"),
        (local / "brushes", own / "Local" / "brushes"),
        (own / "Roaming" / "krita", own / "Roaming" / "krita"),
        (tmp_path / "brushes", tmp_path / "brushes"),
    ):
        store.settings.write_text(f"ResourceDirectory={said.as_posix()}\n")
        assert candidates(tmp_path, {}, "win32")[1].data == meant


@pytest.mark.parametrize(
    ("text", "folder"),
    [
        (b"", ""),
        (b"ResourceDirectory=\n", ""),
        (b"Other=1\nResourceDirectory=/mnt/art\n[General]\n", "/mnt/art"),
        (b"ResourceDirectory=/mnt/my art = all\n", "/mnt/my art = all"),
        (b"[General]\nResourceDirectory=/mnt/art\n", ""),
        (b"#ResourceDirectory=/mnt/art\nResourceDirectoryOld=/mnt/old\n", ""),
        (b"ResourceDirectory = C:\\\\Users\\\\new\\\\x41 art\r\n\r\n[a]\r\n", "C:\\Users\\new\\x41 art"),
        (b"ResourceDirectory=C:/Users/art\n", "C:/Users/art"),
        (b"ResourceDirectory=/mnt/\xc3\xbc/\\xc3\\xbc\\s\n", "/mnt/ü/ü "),
        (b"ResourceDirectory[$e]=$HOME/art\n", "HOME/art"),
        (b"ResourceDirectory=${HOME}\n", "HOME"),
        (b"ResourceDirectory=$HOMES/art\n", "$HOMES/art"),
    ],
)
def test_where_kritarc_says_that_the_resources_are(tmp_path: Path, text: bytes, folder: str) -> None:
    path = tmp_path / "kritarc"
    path.write_bytes(text)
    assert resource_folder(path, Path("HOME")) == folder


@pytest.fixture
def moved(home: Path) -> Path:
    """Where a Krita keeps its resources whose user has moved them; the folder is made by whoever needs it first."""
    native(home)
    (home / ".config").mkdir()
    (home / ".config" / "kritarc").write_text("ResourceDirectory=$HOME/art/krita\n\n[General]\na=b\n")
    return home / "art" / "krita"


@pytest.mark.skipif(sys.platform != "linux", reason="the folders of Linux")
def test_resources_that_were_moved_get_the_plugin(home: Path, moved: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["install", "krita"]) == 0
    assert str(moved / "pykrita") in capsys.readouterr().out
    assert (moved / "pykrita" / "impasto_krita" / "__init__.py").is_file()
    assert (moved / "actions" / "impasto_krita.action").is_file()
    assert not list((home / ".local/share/krita").iterdir())
    assert main(["doctor"]) == 0
    assert f"the plugin is in {moved / 'pykrita/impasto_krita'}" in capsys.readouterr().out
    assert main(["uninstall", "krita"]) == 0
    assert not [path for path in moved.rglob("*") if path.is_file()]
    assert (home / ".config/kritarc").read_text().startswith("ResourceDirectory=$HOME/art/krita\n\n[General]\na=b\n")


@pytest.mark.skipif(sys.platform != "linux", reason="the folders of Linux")
def test_a_plugin_from_before_the_move_is_not_taken_for_installed(
    home: Path, moved: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = home / ".config" / "kritarc"
    text = settings.read_text()
    settings.unlink()
    assert main(["install", "krita"]) == 0
    old = home / ".local/share/krita/pykrita/impasto_krita"
    assert old.is_dir()
    settings.write_text(text + settings.read_text())
    capsys.readouterr()
    assert main(["doctor"]) == 0
    assert "the plugin is not installed" in capsys.readouterr().out
    assert main(["install", "krita"]) == 0
    assert main(["uninstall", "krita"]) == 0
    assert not old.exists()
    assert not (moved / "pykrita" / "impasto_krita").exists()
    assert "impasto" not in settings.read_text()


@pytest.mark.skipif(sys.platform != "linux", reason="the folders of Linux")
@pytest.mark.parametrize("value", ["", "C:/Users/me/krita", "art", "$HOME/file/art"])
def test_resources_that_krita_cannot_have_there_are_in_the_standard_folder(home: Path, value: str) -> None:
    data = native(home)
    (home / "file").touch()
    (home / ".config").mkdir()
    (home / ".config" / "kritarc").write_text(f"ResourceDirectory={value}\n")
    assert main(["install", "krita"]) == 0
    assert (data / "pykrita" / "impasto_krita" / "__init__.py").is_file()


PYTHON_STORE = r"C:\Users\me\AppData\Local\Packages\PythonSoftwareFoundation.Python.3.12_q\LocalCache"
KRITA_STORE = r"C:\Users\me\AppData\Local\Packages\49800KritaProject.Krita_r\LocalCache\Roaming\krita\a"


@pytest.mark.parametrize(
    ("wanted", "real", "redirected"),
    [
        (r"C:\Users\me\AppData\Roaming\krita\a", r"C:\Users\me\AppData\Roaming\krita\a", False),
        (r"C:\Users\me\AppData\Roaming\krita\a", PYTHON_STORE + r"\Roaming\krita\a", True),
        (r"C:\Users\me\AppData\Roaming\krita\a", PYTHON_STORE.upper() + r"\ROAMING\KRITA\A", True),
        (r"C:\Users\me\AppData\Roaming\krita\a", r"D:\Packages\krita\a", False),
        (KRITA_STORE, KRITA_STORE, False),
        (KRITA_STORE, KRITA_STORE.upper(), False),
        (KRITA_STORE, PYTHON_STORE + KRITA_STORE.partition("AppData")[2], True),
    ],
)
def test_files_that_only_this_python_sees_are_known_by_their_real_place(
    wanted: str, real: str, redirected: bool
) -> None:
    assert is_redirected(PureWindowsPath(wanted), PureWindowsPath(real)) is redirected


@pytest.mark.skipif(sys.platform != "linux", reason="the folders of Linux")
def test_nothing_is_installed_where_krita_would_not_see_it(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = native(home)
    assert main(["install", "krita"]) == 0
    private = home / "Packages" / "PythonSoftwareFoundation.Python.3.12_q" / "LocalCache" / "Roaming"
    private.mkdir(parents=True)
    data.rename(private / "krita")
    data.symlink_to(private / "krita")
    before = sorted(private.rglob("*"))
    settings = home / ".config" / "kritarc"
    settings.unlink()
    assert main(["install", "krita"]) == 1
    said = capsys.readouterr().err
    assert "Microsoft Store" in said
    assert "python.org" in said
    assert sorted(private.rglob("*")) == before
    assert not settings.exists(), "nothing is switched on that is not there"


@pytest.mark.skipif(sys.platform != "linux", reason="the folders of Linux")
def test_every_krita_is_served(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    native(home)
    flatpak = home / ".var" / "app" / "org.kde.krita"
    flatpak.mkdir(parents=True)
    assert main(["install", "krita"]) == 0
    said = capsys.readouterr().out
    assert "impasto serve" in said
    for folder, settings in (
        (home / ".local/share/krita", home / ".config/kritarc"),
        (flatpak / "data/krita", flatpak / "config/kritarc"),
    ):
        assert (folder / "pykrita/impasto_krita.desktop").is_file()
        assert (folder / "actions/impasto_krita.action").is_file()
        assert (folder / "pykrita/impasto_krita/vendor/impasto_editor/texts/zh_CN.json").is_file()
        assert settings.read_text() == "[python]\nenable_impasto_krita=true\n"
    assert json.loads((home / "runtime" / "command.json").read_text())["command"][0] == sys.executable


def test_no_krita_is_said(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["install", "krita"]) == 1
    assert "No Krita was found" in capsys.readouterr().err


def test_the_link_and_msgpack_come_along_and_suffice(home: Path) -> None:
    vendor = native(home) / "pykrita" / "impasto_krita" / "vendor"
    assert main(["install", "krita"]) == 0
    script = (
        "import sys; sys.path[:0] = [sys.argv[1]]\n"
        "import msgpack, impasto_link.codec, impasto_link.client, impasto_link.launch, impasto_link.zmtp\n"
        "assert msgpack.__file__.startswith(sys.argv[1]) and impasto_link.__file__.startswith(sys.argv[1])\n"
        "assert msgpack.unpackb(msgpack.packb({'a': [1, b'x']})) == {'a': [1, b'x']}\n"
        "assert 'numpy' not in sys.modules\n"
    )
    # Without site-packages, as in an editor's Python.
    subprocess.run([sys.executable, "-I", "-S", "-c", script, str(vendor)], check=True)


def test_uninstalling_leaves_what_others_put_there(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = native(home)
    settings = home / ".config" / "kritarc"
    settings.parent.mkdir()
    settings.write_text("[python]\nenable_other=true\n")
    other = data / "pykrita" / "other" / "__init__.py"
    other.parent.mkdir(parents=True)
    other.touch()
    assert main(["install", "krita"]) == 0
    mine = data / "pykrita" / "impasto_krita" / "notes.txt"
    mine.write_text("of the user")
    (mine.parent / "__pycache__").mkdir()
    (mine.parent / "__pycache__" / "docker.cpython-310.pyc").touch()

    assert main(["uninstall", "krita"]) == 0
    left = {path.relative_to(data).as_posix() for path in data.rglob("*") if path.is_file()}
    assert left == {"pykrita/other/__init__.py", "pykrita/impasto_krita/notes.txt"}
    assert settings.read_text() == "[python]\nenable_other=true\n"
    assert main(["uninstall", "krita"]) == 0
    assert "was not installed" in capsys.readouterr().out


def test_installing_again_takes_away_what_is_not_there_any_more(home: Path) -> None:
    data = native(home)
    assert main(["install", "krita"]) == 0
    manifest = data / "pykrita" / "impasto_krita" / payload.MANIFEST
    names = json.loads(manifest.read_text())
    old = data / "pykrita" / "impasto_krita" / "old_module.py"
    old.touch()
    manifest.write_text(json.dumps([*names, "pykrita/impasto_krita/old_module.py", "../../outside.txt"]))
    outside = data.parents[1] / "outside.txt"
    outside.touch()
    assert main(["install", "krita"]) == 0
    assert not old.exists()
    assert outside.exists(), "a list that was tampered with reaches nothing outside"


def test_a_folder_of_somebody_else_is_refused(home: Path) -> None:
    folder = native(home) / "pykrita" / "impasto_krita"
    folder.mkdir(parents=True)
    (folder / "drawing.kra").touch()
    with pytest.raises(ImpastoError, match="did not put there"):
        krita.install(krita.find()[0])
    assert (folder / "drawing.kra").exists()


def test_a_plugin_that_krita_imported_itself_is_replaced(home: Path) -> None:
    data = native(home)
    folder = data / "pykrita" / "impasto_krita"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("old")
    krita.install(krita.find()[0])
    assert (folder / "__init__.py").read_text() != "old"


def test_kritarc_keeps_everything_else(tmp_path: Path) -> None:
    path = tmp_path / "kritarc"
    path.write_text(KRITARC, encoding="utf-8")
    switch(path, "impasto_krita", on=True)
    on = path.read_text(encoding="utf-8")
    without = KRITARC.replace("enable_impasto_krita=false\n", "")
    assert on == without.replace("[python]\n", "[python]\nenable_impasto_krita=true\n")
    switch(path, "impasto_krita", on=True)
    assert path.read_text(encoding="utf-8") == on, "switching on twice changes nothing"
    switch(path, "impasto_krita", on=False)
    assert path.read_text(encoding="utf-8") == without


@pytest.mark.parametrize("text", ["", "[a]\nb=c", "[a]\r\nb=c\r\n", "[a]\nb=c\n\n"])
def test_kritarc_without_the_section(text: str) -> None:
    on = with_plugin(text, "impasto_krita", on=True)
    assert on.startswith(text)
    assert "enable_impasto_krita=true" in on.split("[python]")[1]
    assert ("\r\n" in on) == ("\r\n" in text)
    assert with_plugin(text, "impasto_krita", on=False) == text


def test_kritarc_that_is_no_utf8_and_a_link_survives(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.write_bytes(b"[a]\nname=\xff\xfe\n")
    link = tmp_path / "kritarc"
    link.symlink_to(real)
    switch(link, "impasto_krita", on=True)
    assert link.is_symlink()
    assert real.read_bytes().startswith(b"[a]\nname=\xff\xfe\n")


def test_the_zip_is_as_kritas_importer_wants_it(tmp_path: Path, home: Path) -> None:
    target = tmp_path / "plugins" / "krita.zip"
    assert main(["install", "krita", "--zip", str(target)]) == 0
    with zipfile.ZipFile(target) as archive:
        names = archive.namelist()
    for name in ("impasto_krita.desktop", "impasto_krita.action", "impasto_krita/__init__.py"):
        assert name in names
    for name in names:
        for parent in Path(name).parents:
            assert parent == Path() or f"{parent.as_posix()}/" in names, f"no entry for the folder {parent}"
    assert not [name for name in names if name.endswith((".pyc", ".so"))]
    assert names.count("impasto_krita/installed.json") == 1


def imported(home: Path) -> Path:
    """The archive where Krita's importer puts its parts, and the plugin switched on; returns the folder of all."""
    data, archive = native(home), home / "krita.zip"
    krita.build_zip(archive)
    with zipfile.ZipFile(archive) as opened:
        for name in opened.namelist():
            if not name.endswith("/"):
                opened.extract(name, data / ("actions" if name.endswith(".action") else "pykrita"))
    switch(home / ".config" / "kritarc", "impasto_krita", on=True)
    return data


@pytest.mark.skipif(sys.platform != "linux", reason="the folders of Linux")
@pytest.mark.parametrize("listed", [True, False], ids=["with its list", "of before there was a list"])
def test_what_krita_imported_is_known_and_can_be_taken_out(
    home: Path, capsys: pytest.CaptureFixture[str], listed: bool
) -> None:
    data = imported(home)
    package = data / "pykrita" / "impasto_krita"
    if not listed:
        (package / payload.MANIFEST).unlink()
    mine = package / "notes.txt"
    mine.touch()
    assert main(["doctor"]) == 0
    said = capsys.readouterr().out
    assert f"the plugin is in {package}" in said
    assert "impasto install krita" not in said

    assert main(["uninstall", "krita"]) == 0
    assert "the plugin is gone" in capsys.readouterr().out
    assert [path for path in data.rglob("*") if path.is_file()] == [mine]
    assert "impasto" not in (home / ".config" / "kritarc").read_text()


@pytest.mark.parametrize("text", ["5", '{"a": 1}', "[1, 2]", '["pykrita/other/__init__.py"]', '["pykrita/../a.kra"]'])
def test_a_list_that_was_tampered_with_takes_away_nothing_of_others(home: Path, text: str) -> None:
    data = native(home)
    assert main(["install", "krita"]) == 0
    others = [data / "pykrita" / "other" / "__init__.py", data / "a.kra"]
    for path in others:
        path.parent.mkdir(exist_ok=True)
        path.touch()
    (data / "pykrita" / "impasto_krita" / payload.MANIFEST).write_text(text)
    assert main(["uninstall", "krita"]) == 0
    assert all(path.is_file() for path in others)


@pytest.mark.parametrize("name", ["actions/impasto_krita.action", "pykrita/impasto_krita.desktop"])
def test_a_file_of_the_user_is_not_overwritten(home: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    data = native(home)
    (data / name).parent.mkdir()
    (data / name).write_text("shortcuts of the user")
    assert main(["install", "krita"]) == 1
    assert f"mv {data / name} {data / name}.old" in capsys.readouterr().err
    assert (data / name).read_text() == "shortcuts of the user"
    (data / name).unlink()
    assert main(["install", "krita"]) == 0
    (data / name).write_text("changed after it was installed")
    assert main(["install", "krita"]) == 0, "what Impasto has put there is replaced"
    assert (data / name).read_text() != "changed after it was installed"


@pytest.mark.skipif(sys.platform != "linux", reason="snaps are of Linux")
@pytest.mark.parametrize(("editor", "program"), [("krita", "krita"), ("gimp", "gimp-3.0")])
def test_a_snap_is_named_and_not_served(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, editor: str, program: str
) -> None:
    """It does not read the folder of a native one, to which its program on the PATH seemed to belong."""
    folder = home / "snap" / "bin"
    folder.mkdir(parents=True)
    for name in (editor, program):
        (folder / name).touch(0o755)
    monkeypatch.setenv("PATH", str(folder))
    assert main(["install", editor]) == 1
    said = capsys.readouterr().err
    assert "as a snap" in said
    assert "flatpak install flathub" in said
    assert not list(home.rglob("impasto_*"))
    assert main(["doctor"]) == 0, "the server can paint"
    assert "as a snap" in capsys.readouterr().out
    if editor == "krita":
        # A native one beside it is served, and the snap named all the same.
        native(home)
        assert main(["install", "krita"]) == 0
        assert "as a snap" in capsys.readouterr().out


def test_what_is_not_installed_is_not_switched_off(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    native(home)
    settings = krita.find()[0].settings
    switch(settings, "impasto_krita", on=True)
    before = settings.read_bytes()
    assert main(["uninstall", "krita"]) == 0
    assert "was not installed" in capsys.readouterr().out
    assert settings.read_bytes() == before


def test_a_link_to_a_checkout_stays(home: Path) -> None:
    package = native(home) / "pykrita" / "impasto_krita"
    package.parent.mkdir()
    checkout = home / "checkout"
    checkout.mkdir()
    (checkout / "__init__.py").touch()
    package.symlink_to(checkout)
    assert main(["uninstall", "krita"]) == 0
    assert package.is_symlink()
    assert (checkout / "__init__.py").exists()


def test_what_cannot_be_taken_out_is_said(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = native(home)
    assert main(["install", "krita"]) == 0
    action = data / "actions" / "impasto_krita.action"
    action.unlink()
    action.mkdir()
    assert main(["uninstall", "krita"]) == 1
    assert f"{action} cannot be taken away" in capsys.readouterr().err
    action.rmdir()
    assert main(["uninstall", "krita"]) == 0
    assert not (data / "pykrita" / "impasto_krita").exists()
