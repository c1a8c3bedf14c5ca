"""The command line against the real server, as a person or a script calls it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import pyvips
from PIL import Image, ImageCms

from impasto.cli import main
from impasto.cli.options import read_styles
from impasto_link.pixels import Region
from support import RunningServer, listed

pytestmark = pytest.mark.usefixtures("running_server")


@pytest.fixture
def photo(tmp_path: Path, astronaut: np.ndarray) -> Path:
    path = tmp_path / "photo.png"
    Image.fromarray(astronaut[:160, 100:300]).save(path)
    return path


def stylize(*arguments: object) -> int:
    return main(["stylize", *map(str, arguments), "--quiet"])


def test_a_photo_is_painted(photo: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    assert stylize(photo, "-o", out, "--style", "starry-night:0.7", "--style", "great-wave:0.3", "--brush", "1.5") == 0
    assert Image.open(out).size == (200, 160)
    assert Image.open(out).mode == "RGB"


def test_sixteen_bits_stay_sixteen_bits(photo: Path, tmp_path: Path, astronaut: np.ndarray) -> None:
    source = tmp_path / "deep.tif"
    array = astronaut[:64, :80].astype(np.uint16) * 257
    pyvips.Image.new_from_array(array).copy(interpretation="rgb16").write_to_file(str(source))
    for name in ("deep.png", "deep2.tif"):
        assert stylize(source, "-o", tmp_path / name, "--style", "udnie") == 0
        written = pyvips.Image.new_from_file(str(tmp_path / name))
        assert written.format == "ushort"
        assert len(np.unique(written.numpy())) > 1000
    assert stylize(source, "-o", tmp_path / "flat.jpg", "--style", "udnie") == 0


def test_the_profile_and_the_orientation_are_minded(tmp_path: Path, astronaut: np.ndarray) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    source = tmp_path / "turned.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(astronaut[:100, :160]).save(source, icc_profile=profile, exif=exif)
    out = tmp_path / "out.jpg"
    assert stylize(source, "-o", out, "--style", "udnie") == 0
    with Image.open(out) as picture:
        assert picture.size == (100, 160)
        assert picture.getexif().get(0x0112, 1) == 1
        assert picture.info["icc_profile"] == profile


def test_alpha_is_kept(tmp_path: Path, astronaut: np.ndarray) -> None:
    alpha = np.tile(np.arange(96, dtype=np.uint8)[:, None], (1, 96)) * 2
    Image.fromarray(np.dstack([astronaut[:96, :96], alpha])).save(tmp_path / "a.png")
    assert stylize(tmp_path / "a.png", "-o", tmp_path / "b.png", "--style", "udnie") == 0
    assert np.array_equal(np.asarray(Image.open(tmp_path / "b.png"))[..., 3], alpha)


def test_a_folder_is_painted_and_a_bad_file_does_not_stop_it(
    photo: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for name in ("a.png", "b.png"):
        (folder / name).write_bytes(photo.read_bytes())
    (folder / "a2.jpg").write_bytes(b"\xff\xd8\xff not a picture")
    (folder / "notes.txt").write_text("not meant")
    assert stylize(folder, "-o", tmp_path / "out", "--style", "udnie") == 1
    assert listed(tmp_path / "out") == ["a.png", "b.png"]
    error = capfd.readouterr().err
    assert "a2.jpg" in error
    assert "1 of 3" in error


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="names are UTF-8 there")
def test_names_that_are_no_text_are_painted_and_printed(
    photo: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / os.fsdecode(b"\xe9t\xe9 [2]")
    folder.mkdir()
    names = [os.fsdecode(name) for name in (b"Caf\xe9.png", b"Caf\xe8.jpg", b"[1].png", b"deux [2].tif")]
    for name in names:
        Image.open(photo).convert("RGB").save(folder / name)
    pages = [Image.new("RGB", (64, 64), color) for color in ("red", "blue")]
    pages[0].save(folder / os.fsdecode(b"f\xeate.tif"), save_all=True, append_images=pages[1:])
    (folder / os.fsdecode(b"cass\xe9.png")).write_bytes(photo.read_bytes()[:5000])
    out = tmp_path / os.fsdecode(b"peint \xe9 [3]")
    assert stylize(folder, "-o", out, "--style", folder / names[0], "--style", folder / names[1]) == 1
    assert listed(out) == sorted([*names, os.fsdecode(b"f\xeate.tif")])
    assert Image.open(out / names[3]).size == (200, 160)
    error = capfd.readouterr().err
    assert "1 of 6 pictures failed" in error
    assert ".png is damaged" in error


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="names are UTF-8 there")
def test_a_picture_whose_name_is_no_text_is_kept_and_its_place_printed(photo: Path, tmp_path: Path) -> None:
    picture = photo.rename(tmp_path / os.fsdecode(b"caf\xe9 au lait.png"))
    models = tmp_path / os.fsdecode(b"mod\xe8les")
    models.mkdir()
    # Its own process, with the output that a terminal of UTF-8 has.
    kept = subprocess.run(
        [sys.executable, "-m", "impasto", "keep", picture],
        env={**os.environ, "IMPASTO_MODELS": str(models), "PYTHONIOENCODING": "utf-8:strict"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert kept.returncode == 0, kept.stderr
    assert kept.stdout.startswith("Wrote ")
    (card,) = models.glob("*.json")
    assert json.loads(card.read_text(encoding="utf-8"))["styles"][0]["title"] == "caf\\udce9 au lait"


def test_patterns_are_understood(photo: Path, tmp_path: Path) -> None:
    assert stylize(tmp_path / "pho*.png", "-o", tmp_path / "out", "--style", "udnie") == 0
    assert (tmp_path / "out" / "photo.png").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["missing.png", "-o", "out.png", "--style", "udnie"], "missing.png"),
        (["photo.png", "-o", "out.png", "--style", "none"], "no style"),
        (["photo.png", "-o", "out.png", "--style", "udnie:much"], "not a number"),
        (["photo.png", "-o", "out.png", "--style", "udnie", "--strength", "2"], "from 0 to 1"),
        (["photo.png", "-o", "out.png", "--style", "udnie", "--brush", "0"], "from 0.25 to 4"),
        (["photo.png", "-o", "out.xyz", "--style", "udnie"], ".xyz"),
        (["photo.png", "-o", "photo.png/out.png", "--style", "udnie"], "photo.png"),
        (["empty.png", "-o", "out.png", "--style", "udnie"], "empty"),
        (["cut.png", "-o", "out.png", "--style", "udnie"], "cut"),
        (["*.nothing", "-o", "out.png", "--style", "udnie"], "No file matches"),
        (["photo.png", "-o", ".", "--style", "udnie"], "overwritten"),
        (["photo.png", "empty.png", "-o", "out.png", "--style", "udnie"], "one file"),
        (["photo.png", "empty.png", "-o", "plain", "--style", "udnie"], "one file, plain"),
        ([".", "-o", "plain", "--style", "udnie"], "one file, plain"),
        (["photo.png", "-o", "plain", "--style", "udnie"], "no suffix"),
        (["photo.png", "empty.png", "-o", "plain/folder", "--style", "udnie"], "plain/folder cannot be made"),
        (["photo.png", "-o", "out.png", "--style", "photo.png:much"], "not a number"),
        (["photo.png", "-o", "out.png", "--style", "missing.jpg:2"], "no picture missing.jpg:2"),
        (["photo.png", "-o", "out.png", "--style", "long" * 100], "too long"),
        (["photo.png", "-o", "out.png", "--style", "udnie", "--refine-side", "128"], "none is asked for"),
        (["photo.png", "-o", "out.png", "--style", "udnie", "--layer-weights", "1,2"], "none is asked for"),
    ],
)
def test_what_cannot_be_done_is_said_in_words(
    photo: Path,
    tmp_path: Path,
    arguments: list[str],
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty.png").touch()
    Path("plain").touch()
    Path("cut.png").write_bytes(photo.read_bytes()[:5000])
    assert stylize(*arguments) == 1
    error = capsys.readouterr().err
    assert error.startswith("impasto: ")
    assert says in error
    assert not Path("out.png").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["stylize", "photo.png", "--style", "udnie", "-o"],
        ["mask", "photo.png", "-o"],
        ["styles", "--photo", "photo.png", "--sheet"],
    ],
)
@pytest.mark.parametrize(("out", "says"), [("none/out.png", "no folder none"), ("out.xyz", ".xyz")])
def test_where_nothing_can_be_written_nothing_is_painted(
    photo: Path,
    arguments: list[str],
    out: str,
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(photo.parent)
    for command in ("plans", "styles"):
        monkeypatch.setattr(f"impasto.cli.{command}.connect_or_start", lambda *_: pytest.fail("the server was asked"))
    assert main([*arguments, out]) == 1
    assert says in capsys.readouterr().err


def test_weights_that_are_no_numbers_are_wrong_usage(photo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        stylize(photo, "-o", "out.png", "--style", "udnie", "--layer-weights", "1,much")
    assert caught.value.code == 2
    assert "numbers with commas" in capsys.readouterr().err


def test_styles_as_a_table_and_for_scripts(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["styles"]) == 0
    assert "starry-night" in capsys.readouterr().out
    assert main(["styles", "--json"]) == 0
    styles = json.loads(capsys.readouterr().out)
    assert {"name", "title", "artist", "year", "bank", "engine"} <= set(styles[0])


def test_a_contact_sheet(photo: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.png"
    assert main(["styles", "--sheet", str(sheet), "--photo", str(photo), "--cell", "64"]) == 0
    with Image.open(sheet) as picture:
        assert picture.width > 3 * 64
        assert picture.height > 3 * 64


def test_a_contact_sheet_shows_photos_as_they_are_meant(
    tmp_path: Path, astronaut: np.ndarray, capsys: pytest.CaptureFixture[str]
) -> None:
    gray = astronaut[:200, 100:300].mean(-1)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray((gray * 257).astype(np.uint16)).save(tmp_path / "deep.png")
    Image.fromarray(np.rot90(gray).astype(np.uint8)).save(tmp_path / "turned.png", exif=exif)
    photos = [word for name in ("deep.png", "turned.png") for word in ("--photo", str(tmp_path / name))]
    sheet = tmp_path / "sheet.png"
    assert main(["styles", "--sheet", str(sheet), *photos, "--cell", "200", "--strength", "0"]) == 0
    shown = np.asarray(Image.open(sheet)).astype(float)
    for top in (6, 6 + 200 + 28):
        assert np.abs(shown[top : top + 200, 6:206] - gray[..., None]).max() <= 1
    assert main(["styles", *photos]) == 1
    assert main(["styles", "--sheet", str(sheet), *photos, "--cell", "-5"]) == 1
    assert "from 16" in capsys.readouterr().err


def test_status_for_people_and_for_scripts(running_server: RunningServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status"]) == 0
    assert "worker" in capsys.readouterr().out
    assert main(["status", "--json"]) == 0
    status = json.loads(capsys.readouterr().out)
    assert status["running"] is True
    assert status["jobs_running"] == 0
    assert status["pid"] == running_server.info.pid
    worker = status["workers"][0]
    assert worker["device"]
    assert worker["peak_memory_bytes"] > 50_000_000


def test_no_server_is_said_and_stopping_it_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("IMPASTO_RUNTIME_DIR", str(tmp_path))
    assert main(["status", "--json"]) == 1
    assert json.loads(capsys.readouterr().out) == {"running": False, "log": None}
    assert main(["stop"]) == 0
    assert "does not run" in capsys.readouterr().out


def test_the_server_is_started_when_there_is_none(photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMPASTO_RUNTIME_DIR", str(tmp_path / "runtime"))
    assert stylize(photo, "-o", tmp_path / "out.png", "--style", "udnie") == 0
    assert (tmp_path / "out.png").exists()
    assert main(["stop"]) == 0


@pytest.fixture
def mask(tmp_path: Path) -> Path:
    """White in the middle of the photo."""
    values = np.zeros((160, 200), np.uint8)
    values[40:120, 60:140] = 255
    Image.fromarray(values).save(tmp_path / "mask.png")
    return tmp_path / "mask.png"


def test_only_the_subject_is_painted(photo: Path, mask: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    assert stylize(photo, "-o", out, "--style", "udnie", "--mask", mask) == 0
    before, after, inside = (np.asarray(Image.open(path)) for path in (photo, out, mask))
    assert np.array_equal(before[inside == 0], after[inside == 0])
    assert np.abs(before[inside > 0].astype(float) - after[inside > 0]).mean() > 10


def test_layers_are_written_side_by_side(photo: Path, mask: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    assert stylize(photo, "-o", out, "--style", "udnie", "--mask", mask, "--area", "background", "--layers") == 0
    shown = np.asarray(Image.open(tmp_path / "out-mask.png"))
    assert np.array_equal(shown, 255 - np.asarray(Image.open(mask)))


def test_the_mask_of_a_layer_overwrites_nothing(
    photo: Path, mask: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = mask.rename(tmp_path / "out-mask.png")
    before = own.read_bytes()
    assert stylize(photo, "-o", tmp_path / "out.png", "--style", "udnie", "--mask", own, "--layers") == 1
    assert own.read_bytes() == before
    other = tmp_path / "photo-mask.png"
    other.write_bytes(photo.read_bytes())
    assert stylize(photo, other, "-o", tmp_path / "both", "--style", "udnie", "--mask", own, "--layers") == 1
    said = capsys.readouterr().err
    assert "out-mask.png would be overwritten" in said
    assert "would overwrite" in said


def test_a_mask_of_another_size_is_fitted_with_a_warning(
    photo: Path, mask: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small, out = tmp_path / "small.png", tmp_path / "out.png"
    Image.open(mask).convert("RGB").resize((100, 80)).save(small)
    assert stylize(photo, "-o", out, "--style", "udnie", "--mask", small) == 0
    assert "was resized" in capsys.readouterr().err
    before, after = (np.asarray(Image.open(path)) for path in (photo, out))
    assert np.array_equal(before[:30], after[:30])
    assert not np.array_equal(before[60:100, 80:120], after[60:100, 80:120])


def test_two_styles_at_once(photo: Path, mask: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    assert stylize(photo, "-o", out, "--style", "udnie", "--background-style", "great-wave", "--mask", mask) == 0
    before, after, inside = (np.asarray(Image.open(path)).astype(float) for path in (photo, out, mask))
    for part in (inside > 0, inside == 0):
        assert np.abs(before[part] - after[part]).mean() > 10


def test_a_picture_and_a_style_of_the_same_name_are_two(photo: Path, tmp_path: Path) -> None:
    udnie, plain, both = (tmp_path / name for name in ("udnie.jpg", "plain.png", "both.png"))
    Image.new("RGB", (64, 64), "red").save(udnie)
    assert stylize(photo, "-o", plain, "--style", "udnie") == 0
    assert stylize(photo, "-o", both, "--style", f"{udnie}:0", "--style", "udnie") == 0
    assert np.array_equal(np.asarray(Image.open(plain)), np.asarray(Image.open(both)))


def test_how_pictures_are_named_as_styles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    files = ["udnie.jpg", "folder/udnie.jpg", "shot 12:30.jpg", "a:b.jpg", "udnie"]
    for shade, name in enumerate(files):
        Image.new("RGB", (shade + 1, 8)).save(name, format="JPEG")
    pictures: dict[str, Region] = {}
    choices = read_styles([*files, "shot 12:30.jpg:3", "udnie.jpg:0.5", "the-scream:2"], pictures)
    names = [choice.name for choice in choices]
    assert [pictures[name].format.width for name in names[:-1]] == [1, 2, 3, 4, 5, 3, 1]
    assert [choice.weight for choice in choices] == [1, 1, 1, 1, 1, 3, 0.5, 2]
    assert len(pictures) == len(files)
    # The file "udnie" is not the library's style.
    assert [choice.kind for choice in choices] == ["frame"] * 7 + ["library"]
    assert names[-1] == "the-scream"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--mask", "BLACK"], "empty"),
        (["--mask", "MISSING"], "missing.png"),
        (["--mask", "BLACK", "--area", "everything"], "nothing to do for --mask"),
        (["--feather", "4", "--grow", "-2"], "nothing to do for --feather and --grow"),
        (["--area", "subject", "--background-style", "udnie"], "background"),
        (["--area", "subject", "--feather", "-3"], "feather"),
        (["--set", "drip=1"], "The engine fixed has no setting 'drip'"),
        (["--engine", "magic"], "Known are fixed, small, adain, gatys"),
    ],
)
def test_options_that_make_no_sense_are_said(
    photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    Image.new("L", (200, 160)).save(tmp_path / "black.png")
    places = {"BLACK": str(tmp_path / "black.png"), "MISSING": str(tmp_path / "missing.png")}
    out = tmp_path / "out.png"
    assert stylize(photo, "-o", out, "--style", "udnie", *(places.get(word, word) for word in arguments)) == 1
    assert words in capsys.readouterr().err
    assert not out.exists()


def test_a_mask_and_a_cut_out(tmp_path: Path, astronaut: np.ndarray, caplog: pytest.LogCaptureFixture) -> None:
    photo, out, cut = (tmp_path / name for name in ("photo.png", "mask.png", "cut.png"))
    Image.fromarray(astronaut).save(photo)
    assert main(["mask", str(photo), "-o", str(out)]) == 0
    assert main(["mask", str(photo), "-o", str(cut), "--cutout"]) == 0
    mask, picture = Image.open(out), Image.open(cut)
    assert (mask.mode, mask.size, picture.mode) == ("L", (512, 512), "RGBA")
    assert np.array_equal(np.asarray(picture)[..., 3], np.asarray(mask))
    assert np.asarray(mask)[120, 220] == 255
    assert main(["mask", str(photo), "-o", str(tmp_path / "cut.jpg"), "--cutout"]) == 0
    assert "no transparency" in caplog.text


def test_a_picture_without_subject_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.new("RGB", (200, 160), "gray").save(tmp_path / "plain.png")
    out = tmp_path / "out.png"
    assert stylize(tmp_path / "plain.png", "-o", out, "--style", "udnie", "--area", "subject") == 1
    assert "No subject was found" in capsys.readouterr().err
    assert not out.exists()
