"""Pictures by the folder: which are found, what is never overwritten, and how a batch that was broken off goes on."""

from __future__ import annotations

import errno
import os
import signal
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from impasto.batch.outputs import Outputs, names_folder, plan_targets
from impasto.batch.places import LocalPlace
from impasto.batch.sources import Source, find_sources
from impasto.cli import main
from impasto.command import SERVER_COMMAND
from impasto.imaging import files
from impasto_link.client import Call, Client
from impasto_link.errors import BadRequest, Cancelled, ImpastoError, ServerGone, WorkerDied
from impasto_link.launch import connect_or_start
from impasto_link.options import StylizeOptions
from impasto_link.pixels import Region
from support import listed

STYLE = ("--style", "udnie", "--quiet")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def paint(path: str, mode: str = "RGB") -> Path:
    """A small picture of which there is no second one."""
    place = Path(path)
    place.parent.mkdir(parents=True, exist_ok=True)
    values = np.random.default_rng(list(path.encode())).integers(0, 255, (24, 32, 3), np.uint8)
    Image.fromarray(values).convert(mode).save(place)
    return place


@pytest.fixture
def no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be done is found out before a server is asked."""
    for module in ("plans", "styles"):
        monkeypatch.setattr(f"impasto.cli.{module}.connect_or_start", lambda *_: pytest.fail("the server was asked"))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def fail(error: BaseException) -> Callable[..., None]:
    def act(*_: object, **__: object) -> None:
        raise error

    return act


# -- What is never overwritten -----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("no_server")
@pytest.mark.parametrize("existing", ["refuse", "skip", "replace"])
@pytest.mark.parametrize(
    "arguments",
    [
        ["stylize", "photos/a.png", "-o", "photos/a.png", *STYLE],
        ["stylize", "photos/a.png", "-o", "out/../photos/a.png", *STYLE],
        ["stylize", "photos/a.png", "-o", "link.png", *STYLE],
        ["stylize", "photos/a.png", "-o", "second.png", *STYLE],
        ["stylize", "photos", "-o", "photos", *STYLE],
        ["stylize", "photos", "-o", "out", *STYLE],  # where a.png is a link to photos/b.png
        ["stylize", "photos/a.png", "-o", "style.png", "--style", "style.png:2"],
        ["stylize", "photos/a.png", "-o", "style.png", *STYLE, "--background-style", "style.png"],
        ["stylize", "photos/a.png", "-o", "style.png", *STYLE, "--mask", "style.png"],
        ["mask", "photos/a.png", "-o", "photos/a.png"],
        ["mask", "photos", "-o", "photos"],
        ["styles", "--photo", "photos/a.png", "--sheet", "photos/a.png"],
        ["inspect", "style.png", "-o", "style.png"],
        ["inspect", "photos/b.png", "--photo", "style.png", "-o", "style.png"],
    ],
)
def test_what_a_command_reads_is_never_overwritten(
    here: Path, arguments: list[str], existing: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("photos/a.png", "photos/b.png", "style.png"):
        paint(name)
    (here / "out").mkdir()
    (here / "out/a.png").symlink_to(here / "photos/b.png")
    (here / "link.png").symlink_to("photos/a.png")
    os.link("photos/a.png", "second.png")
    before = contents(here)
    assert main([*arguments, "--existing", existing]) == 1
    assert "would be overwritten" in capsys.readouterr().err
    assert contents(here) == before


@pytest.mark.usefixtures("no_server")
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["stylize", "other/a.png", "-o", "photos"], "photos/a.png is there already"),
        (["stylize", "other", "-o", "photos"], "1 of 2 files are there already, such as photos/a.png"),
        (["stylize", "other/a.png", "-o", "locked.png"], "locked.png is there already"),
        (["stylize", "other/a.png", "-o", "nowhere.png"], "nowhere.png is there already"),
        (["stylize", "other/a.png", "-o", "new.png", "--layers", "--area", "subject"], "new-mask.png"),
        (["mask", "other/a.png", "-o", "photos/a.png"], "photos/a.png is there already"),
        (["styles", "--photo", "other/a.png", "--sheet", "photos/a.png"], "photos/a.png is there already"),
        (["inspect", "other/a.png", "-o", "photos/a.png"], "photos/a.png is there already"),
    ],
)
def test_what_is_there_is_not_replaced_without_being_asked_to(
    here: Path, arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("photos/a.png", "other/a.png", "other/b.png", "locked.png", "new-mask.png"):
        paint(name)
    (here / "locked.png").chmod(0o444)
    (here / "nowhere.png").symlink_to("never.png")
    before = contents(here)
    assert main([*arguments, *(STYLE if arguments[0] == "stylize" else ())]) == 1
    said = capsys.readouterr().err
    assert says in said
    assert "--existing replace" in said
    assert contents(here) == before


@pytest.mark.usefixtures("running_server")
def test_a_batch_goes_on_where_it_stopped_or_begins_anew(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("photos/a.png", "photos/b.png", "photos/c.png", "out/b.png"):
        paint(name)
    old = (here / "out/b.png").read_bytes()
    assert main(["stylize", "photos", "-o", "out", *STYLE]) == 1
    assert "--existing skip to go on where it stopped" in capsys.readouterr().err
    assert listed("out") == ["b.png"]
    assert main(["stylize", "photos", "-o", "out", *STYLE, "--existing", "skip"]) == 0
    assert "1 of 3 pictures are there already" in capsys.readouterr().err
    assert listed("out") == ["a.png", "b.png", "c.png"]
    assert (here / "out/b.png").read_bytes() == old
    assert main(["stylize", "photos/b.png", "-o", "out", *STYLE, "--existing", "replace"]) == 0
    assert (here / "out/b.png").read_bytes() != old


@pytest.mark.usefixtures("running_server")
def test_of_a_painting_and_its_mask_what_is_missing_is_written(here: Path) -> None:
    paint("a.png")
    Image.fromarray(np.tri(24, 32, dtype=np.uint8) * 255).save("mask.png")
    layers = ["stylize", "a.png", "-o", "out.png", *STYLE, "--mask", "mask.png", "--layers"]
    paint("out-mask.png")
    before = (here / "out-mask.png").read_bytes()
    assert main([*layers, "--existing", "skip"]) == 0
    assert (here / "out-mask.png").read_bytes() == before
    assert Image.open("out.png").size == (32, 24)


@pytest.mark.usefixtures("no_server")
@pytest.mark.parametrize("output", ["new.png", "out/"])
def test_where_no_file_can_be_made_nothing_is_painted(
    output: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    paint("a.png")
    monkeypatch.setattr(tempfile, "TemporaryFile", fail(OSError(errno.EROFS, "Read-only file system")))
    assert main(["stylize", "a.png", "-o", output, *STYLE]) == 1
    assert "no permission to write in" in capsys.readouterr().err


@pytest.mark.parametrize("existing", ["refuse", "skip"])
def test_a_file_that_comes_while_it_is_painted_stays(here: Path, existing: str) -> None:
    outputs, target = Outputs(existing, []), here / "a.png"
    place = LocalPlace(target)
    assert outputs.missing([place]) == {place}
    target.write_bytes(b"mine")
    if existing == "skip":
        assert not outputs.put(place, b"painting")
    else:
        with pytest.raises(files.FileThere):
            outputs.put(place, b"painting")
    assert target.read_bytes() == b"mine"
    target.unlink()
    assert outputs.put(place, b"painting")
    assert target.read_bytes() == b"painting"


def test_two_pictures_of_one_run_never_share_a_file(here: Path) -> None:
    paint("a.png")
    (here / "b.png").symlink_to("a.png")
    outputs = Outputs("replace", [])
    outputs.put(LocalPlace(here / "a.png"), b"first")
    with pytest.raises(BadRequest, match=r"a\.png, which is .*b\.png, would be overwritten"):
        outputs.put(LocalPlace(here / "b.png"), b"second")
    assert (here / "a.png").read_bytes() == b"first"


# -- Which pictures, and where they go ---------------------------------------------------------------------------------


def found(*inputs: str, recursive: bool = False, output: str = "out") -> tuple[list[str], list[str]]:
    sources, notes = find_sources(inputs, recursive=recursive, output=LocalPlace(Path(output)))
    return [str(source.place) for source in sources], notes


def test_what_lies_in_a_folder(here: Path) -> None:
    readable = ["photos/B.JPG", "photos/a.png", "photos/b.gif", "photos/c.avif", "photos/d.jfif"]
    for name in (*readable, "photos/._a.jpg", "photos/.a-x1y2z3.png", "photos/trip.jpg/e.png", "photos/.cache/f.png"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
    for name in ("photos/IMG_1.mov", "photos/notes.txt", "photos/more.TXT", "photos/README"):
        Path(name).touch()
    (here / "photos/gone.jpg").symlink_to("nowhere.jpg")
    paths, notes = found("photos")
    assert paths == readable
    assert notes == [
        "4 files were passed over (.mov, .txt, no suffix).",
        "1 folder was passed over; --recursive looks into folders, too.",
    ]
    paths, notes = found("photos", recursive=True)
    assert paths == [*readable, "photos/trip.jpg/e.png"]
    assert len(notes) == 1
    assert found("photos", "photos/a.png", "./photos/a.png")[0] == readable
    assert found("photos/*.jpg", "photos/a.png")[0] == ["photos/a.png"], "a folder and a link that leads nowhere match"


def test_a_folder_without_pictures_is_said(here: Path) -> None:
    paint("a.png")
    Path("empty/sub").mkdir(parents=True)
    Path("empty/a.mov").touch()
    assert found("a.png", "empty")[1][0] == "There are no pictures in empty."
    with pytest.raises(BadRequest, match=r"no pictures in empty. 1 file was passed over \(.mov\). 1 folder"):
        found("empty")


def test_folders_in_folders_are_repeated_but_for_the_paintings(here: Path) -> None:
    for name in ("trip/a.png", "trip/day 1/a.png", "trip/day 2/a.heic.png", "trip/painted/a.png"):
        paint(name)
    sources, notes = find_sources(["trip"], recursive=True, output=LocalPlace(Path("trip/painted")))
    assert not notes
    targets = plan_targets(sources, "trip/painted", lambda source: ".jpg", several=True)
    assert [str(target) for target in targets] == [
        "trip/painted/a.jpg",
        "trip/painted/day 1/a.jpg",
        "trip/painted/day 2/a.heic.jpg",
    ]
    assert Path("trip/painted/day 1").is_dir()


def test_two_pictures_of_one_name_are_said() -> None:
    sources = [Source(LocalPlace(Path("one/a.jpg"))), Source(LocalPlace(Path("two/a.jpg")))]
    with pytest.raises(BadRequest, match=r"one/a\.jpg and two/a\.jpg would both become out/a\.jpg"):
        plan_targets(sources, "out", lambda source: ".jpg", several=True)
    assert not Path("out").exists()


def test_pictures_that_differ_in_their_suffix_only_stay_apart() -> None:
    names = ["a.gif", "a.png", "a.psd", "b.psd"]
    targets = plan_targets(
        [Source(LocalPlace(Path(name))) for name in names], "out", lambda source: ".png", several=True
    )
    assert [target.name for target in targets] == ["a.gif.png", "a.png", "a.psd.png", "b.png"]
    assert [source.name for source in targets.values()] == names


@pytest.mark.parametrize(
    ("output", "several", "folder"),
    [
        ("Painted 28.11.2025/", False, True),
        ("there.v1", False, True),
        ("out.v2", True, True),
        ("out.v2", False, False),
        ("out.png", True, False),
        ("out", False, True),
    ],
)
def test_what_is_the_name_of_a_folder(output: str, several: bool, folder: bool) -> None:
    Path("there.v1").mkdir()
    assert names_folder(output, several=several) == folder


@pytest.mark.usefixtures("no_server")
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["-", "-o", "out.png"], "- is no file: pictures are not read from pipes"),
        (["/dev/null", "-o", "out.png"], "/dev/null is no file"),
        (["a.png", "-o", "-"], "not to the standard output"),
        (["a.png", "-o", "out.png", "--format", "jpg"], "says its format"),
        (["a.png", "-o", "out", "--quality", "101"], "from 1 to 100"),
        (["a.png", "-o", "out.png", "--color", "--keep-colors"], "stays gray"),
    ],
)
def test_what_makes_no_sense_is_said(arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    paint("a.png")
    if os.name == "nt" and "/dev/null" in arguments:
        pytest.skip("a device of POSIX")
    assert main(["stylize", *arguments, *STYLE]) == 1
    assert says in capsys.readouterr().err
    assert listed(".") == ["a.png"]


@pytest.mark.usefixtures("running_server")
def test_the_format_of_a_folder_of_paintings() -> None:
    paint("photos/a.png")
    sizes = []
    for quality in ("95", "20"):
        out = Path(f"out{quality}")
        assert main(["stylize", "photos", "-o", f"{out}/", *STYLE, "--format", "webp", "--quality", quality]) == 0
        assert listed(out) == ["a.webp"]
        sizes.append((out / "a.webp").stat().st_size)
    assert sizes[1] < sizes[0]


@pytest.mark.usefixtures("running_server")
def test_masks_of_a_folder(astronaut: np.ndarray, capsys: pytest.CaptureFixture[str]) -> None:
    Path("photos").mkdir()
    Image.fromarray(astronaut[:256, 96:352]).save("photos/a.jpg")
    Image.new("RGB", (64, 64), "gray").save("photos/b.png")
    assert main(["mask", "photos", "-o", "masks", "--quiet"]) == 1
    said = capsys.readouterr().err
    assert "b.png: No subject was found" in said
    assert "1 of 2 pictures failed" in said
    assert listed("masks") == ["a.png"]
    assert Image.open("masks/a.png").mode == "L"


@pytest.mark.usefixtures("running_server")
def test_what_does_not_fit_into_a_format_is_not_painted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.new("RGB", (16384, 1)).save("long.png")
    monkeypatch.setattr(Client, "stylize", lambda *_, **__: pytest.fail("it was sent"))
    assert main(["stylize", "long.png", "-o", "long.webp", *STYLE]) == 1
    assert "16383" in capsys.readouterr().err


@pytest.mark.usefixtures("running_server")
@pytest.mark.parametrize("mode", ["L", "LA"])
def test_gray_pictures_are_painted_in_colour_if_asked_for(mode: str, capsys: pytest.CaptureFixture[str]) -> None:
    paint("old.png", mode=mode)
    assert main(["stylize", "old.png", "-o", "gray.png", *STYLE]) == 0
    assert "old.png is gray, and so is its painting. With --color" in capsys.readouterr().err
    assert Image.open("gray.png").mode == mode
    assert main(["stylize", "old.png", "-o", "color.png", *STYLE, "--color"]) == 0
    assert not capsys.readouterr().err
    with Image.open("color.png") as color:
        assert color.mode == mode.replace("L", "RGB")
        assert np.ptp(np.asarray(color)[..., :3].astype(int), axis=-1).mean() > 10


# -- What breaks a batch off -------------------------------------------------------------------------------------------


@pytest.fixture
def photos(running_server: object) -> list[str]:
    for name in ("photos/a.png", "photos/b.png", "photos/c.png"):
        paint(name)
    return ["stylize", "photos", "-o", "out", *STYLE]


def at_second(monkeypatch: pytest.MonkeyPatch, module: object, name: str, act: Callable[[], None]) -> None:
    """Act at the second call of a function, before it does what it is for."""
    function, calls = getattr(module, name), []

    def acting(*arguments: object, **options: object) -> object:
        calls.append(arguments)
        if len(calls) == 2:
            act()
        return function(*arguments, **options)

    monkeypatch.setattr(module, name, acting)


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize(("number", "status"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_signal_leaves_nothing_half_and_says_how_to_go_on(
    photos: list[str], number: str, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # In the middle of the second file.
    at_second(monkeypatch, os, "fsync", lambda: os.kill(os.getpid(), getattr(signal, number)))
    # Who runs the tests may have asked, as nohup does, that a closed terminal is ignored, and commands heed that.
    usual = signal.default_int_handler if number == "SIGINT" else signal.SIG_DFL
    before = signal.signal(getattr(signal, number), usual)
    try:
        assert main(photos) == status
    finally:
        signal.signal(getattr(signal, number), before)
    said = capsys.readouterr().err
    assert "impasto: interrupted" in said
    assert "1 of 3 pictures are done. To go on, give the same command with --existing skip." in said
    assert listed("out") == ["a.png"]
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_a_full_disk_ends_a_batch(
    photos: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    at_second(monkeypatch, os, "fsync", fail(OSError(errno.ENOSPC, "full")))
    assert main(photos) == 1
    said = capsys.readouterr().err
    assert "The disk is full: out/b.png" in said
    assert "1 of 3 pictures are done" in said
    assert listed("out") == ["a.png"]


def test_what_is_said_of_a_picture_names_it_once(photos: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    clear = Image.new("RGBA", (64, 64), (90, 80, 70, 128))
    clear.save("photos/b.png")
    Path("photos/c.png").write_bytes(b"")
    assert main([*photos, "--format", "jpg"]) == 1
    said = capsys.readouterr().err.splitlines()
    assert "out/b.jpg is put on white: a file .jpg holds no transparency" in said
    assert "photos/c.png is empty. It may not have been saved or copied completely." in said


def test_a_style_that_is_not_there_is_said_once(photos: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*photos, "--style", "none"]) == 1
    assert capsys.readouterr().err.count("There is no style 'none'") == 1


def test_a_picture_too_large_for_the_memory_does_not_end_a_batch(
    photos: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    at_second(monkeypatch, files, "decode", fail(MemoryError()))
    assert main(photos) == 1
    said = capsys.readouterr().err
    assert "not enough memory to read photos/b.png" in said
    assert "1 of 3 pictures failed. To go on" in said
    assert listed("out") == ["a.png", "c.png"]


@pytest.mark.parametrize("errors", [[WorkerDied("It ended.")], [Cancelled("Stopping."), ServerGone("It has ended.")]])
def test_what_ends_in_the_middle_is_begun_anew_and_the_picture_tried_again(
    photos: list[str], errors: list[ImpastoError], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    connections = []

    def connect(command: tuple[str, ...]) -> Client:
        connections.append(command)
        return connect_or_start(command)

    monkeypatch.setattr("impasto.cli.plans.connect_or_start", connect)
    stylize, coming = Client.stylize, [None, *errors]

    def failing(client: Client, *arguments: Any, **more: Any) -> Call:
        error = coming.pop(0) if coming else None
        if error is None:
            return stylize(client, *arguments, **more)
        call = Call("lost")
        call.fail(error)
        return call

    monkeypatch.setattr(Client, "stylize", failing)
    assert main(photos) == 0
    assert listed("out") == ["a.png", "b.png", "c.png"]
    assert connections == [SERVER_COMMAND] * len(errors)
    assert capsys.readouterr().err.count("Going on with a new one") == len(errors) - 1


def test_a_picture_that_ends_the_server_again_and_again_is_left_out(
    photos: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    function, bad = Client.stylize, Image.open("photos/b.png").tobytes()

    def stylize(client: Client, region: Region, options: StylizeOptions, **more: Any) -> Call:
        if region.data == bad:
            raise ServerGone("The server has ended.")
        return function(client, region, options, **more)

    monkeypatch.setattr(Client, "stylize", stylize)
    assert main(photos) == 1
    assert listed("out") == ["a.png", "c.png"]
    assert "1 of 3 pictures failed" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="links are those of POSIX")
def test_links_in_circles_are_no_pictures_and_no_places_for_results(here: Path) -> None:
    (here / "photos").mkdir()
    paint("photos/a.png")
    (here / "photos/circle.png").symlink_to("circle.png")
    assert found("photos")[0] == ["photos/a.png"]
    (here / "round").symlink_to("round")
    for place in (here / "round", here / "round/a.png"):
        with pytest.raises(files.FileProblem, match="symbolic links"):
            files.check_place(place)
