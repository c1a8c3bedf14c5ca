"""Pictures as styles and refinement, through the real server, the command line and Python."""

from __future__ import annotations

import hashlib
import http.server
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import filelock
import numpy as np
import pytest
from PIL import Image
from skimage.data import brick, chelsea, coffee

from impasto.cli import main
from impasto.client import Server
from impasto.engines.registry import settled
from impasto.zoo import download as downloads
from impasto.zoo.download import Download
from impasto_link.errors import BadRequest, Cancelled, ModelProblem, UnknownStyle
from impasto_link.options import RefineOptions, StylizeOptions

#: VGG-19 is not there where the tests run, and is not to be fetched by them.
QUICK = RefineOptions(iterations=6, max_side=128, features="compact")


@pytest.fixture(scope="module")
def photo(astronaut: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(astronaut[:160, 120:312])


@pytest.fixture(scope="module")
def fur() -> np.ndarray:
    """A picture as a style: strong colours, strong texture."""
    return np.ascontiguousarray(chelsea()[:200, 100:300, ::-1])


def colors(picture: np.ndarray) -> np.ndarray:
    return picture.reshape(-1, 3).astype(np.float64).mean(0)


def test_a_picture_lends_its_colours_and_is_remembered(server: Server, photo: np.ndarray) -> None:
    results = {}
    for name, style in {"fur": chelsea()[:200, 100:300], "blue": chelsea()[:200, 100:300, ::-1]}.items():
        style = np.ascontiguousarray(style)
        results[name] = server.stylize(photo, style)
        assert np.array_equal(results[name], server.stylize(photo, style))
        assert results[name].shape == photo.shape
        assert np.abs(results[name].astype(int) - photo).mean() > 8
    warm, cold = colors(results["fur"]), colors(results["blue"])
    assert warm[0] - warm[2] > cold[0] - cold[2] + 20


def test_adain_paints_in_the_colours_of_the_picture_and_keeps_the_shapes_of_the_photo(
    server: Server, photo: np.ndarray, fur: np.ndarray
) -> None:
    blue = np.full_like(fur, (30, 60, 160)) + fur // 8
    painted = {name: server.stylize(photo, style, engine="adain") for name, style in {"fur": fur, "blue": blue}.items()}
    warm, cold = colors(painted["fur"]), colors(painted["blue"])
    assert warm[0] - warm[2] > cold[0] - cold[2] + 20
    for one in painted.values():
        assert one.shape == photo.shape
        assert np.corrcoef(one.mean(-1).ravel(), photo.mean(-1).ravel())[0, 1] > 0.6
    mixed = server.stylize(photo, {"fur": 1, "udnie": 1}, engine="adain", pictures={"fur": fur})
    assert np.abs(mixed.astype(int) - painted["fur"]).mean() > 0.5


def test_a_picture_mixes_with_a_style_of_the_library(server: Server, photo: np.ndarray, fur: np.ndarray) -> None:
    mixed = server.stylize(photo, {"fur": 1, "udnie": 1}, pictures={"fur": fur}).astype(float)
    alone = [server.stylize(photo, "fur", pictures={"fur": fur}), server.stylize(photo, "udnie")]
    for one in alone:
        assert 2 < np.abs(mixed - one).mean() < np.abs(alone[0].astype(float) - alone[1]).mean()


def test_a_picture_for_the_background_leaves_the_subject_to_the_style(
    server: Server, photo: np.ndarray, fur: np.ndarray
) -> None:
    mask = np.zeros(photo.shape[:2], np.uint8)
    mask[:, :96] = 255
    both = server.stylize(photo, "udnie", background_style="fur", pictures={"fur": fur}, mask=mask)
    assert np.array_equal(both, server.stylize(photo, "udnie", background_style=fur, mask=mask))
    subject = server.stylize(photo, "udnie", area="subject", mask=mask)
    assert np.abs(both[:, :80].astype(int) - subject[:, :80]).mean() < 1
    assert np.abs(both[:, 112:].astype(int) - photo[:, 112:]).mean() > 8


@pytest.mark.parametrize("size", [(1, 1), (4, 700), (1500, 30)])
def test_style_pictures_of_any_size(server: Server, photo: np.ndarray, size: tuple[int, int]) -> None:
    style = np.random.default_rng(0).integers(0, 255, (*size, 3), np.uint8)
    assert server.stylize(photo[:64, :64].copy(), style).shape == (64, 64, 3)


def test_style_pictures_of_one_colour_gray_and_16_bit(server: Server, photo: np.ndarray) -> None:
    small = photo[:64, :64].copy()
    for style in (
        np.full((50, 50, 3), 90, np.uint8),
        brick()[:100, :100].copy(),
        np.full((40, 40, 4), 40000, np.uint16),
    ):
        assert np.isfinite(server.stylize(small, style)).all()


def test_a_transparent_picture_and_an_unknown_name_are_refused(server: Server, photo: np.ndarray) -> None:
    with pytest.raises(BadRequest, match="transparent"):
        server.stylize(photo, np.zeros((20, 20, 4), np.uint8))
    with pytest.raises(UnknownStyle, match="no style 'mine'"):
        server.stylize(photo, "mine", pictures={"other": photo})


def test_refinement_shows_how_far_it_is_and_brings_style_nearer(
    server: Server, photo: np.ndarray, fur: np.ndarray
) -> None:
    refinement = RefineOptions(iterations=40, max_side=96, features="compact")
    painting = server.start(photo, fur, refine=refinement, flatten=True)
    events = list(painting)
    previews = [event for event in events if event.kind == "preview"]
    assert previews
    assert previews[0].regions["pixels"].format.width == photo.shape[1]
    shares = [event.fraction for event in events if event.kind in ("progress", "preview")]
    assert shares == sorted(shares)
    assert any("refining" in event.doing for event in events)
    once = server.stylize(photo, fur)
    assert np.abs(painting.result().astype(int) - once).mean() > 3


@pytest.mark.parametrize("options", [{"style_loss": "gram"}, {"style_loss": "mean-std"}, {"optimizer": "lbfgs"}])
def test_experts_choose_loss_and_optimiser(
    server: Server, photo: np.ndarray, fur: np.ndarray, options: dict[str, str]
) -> None:
    refinement = RefineOptions(iterations=2, max_side=96, features="compact", **options)  # type: ignore[arg-type]
    result = server.stylize(photo, fur, engine="gatys", refine=refinement)
    assert np.abs(result.astype(int) - photo).mean() > 3


def test_refinement_keeps_what_lies_outside_the_area(server: Server, photo: np.ndarray, fur: np.ndarray) -> None:
    mask = np.zeros(photo.shape[:2], np.uint8)
    mask[40:120, 20:100] = 255
    result = server.stylize(photo, fur, mask=mask, refine=QUICK)
    assert np.array_equal(result[mask == 0], photo[mask == 0])
    assert np.abs(result[mask > 0].astype(int) - photo[mask > 0]).mean() > 5


def test_the_picture_of_a_refinement_looks_like_its_result(server: Server, photo: np.ndarray, fur: np.ndarray) -> None:
    refinement = RefineOptions(iterations=40, max_side=96, features="compact")
    painting = server.start(photo, fur, refine=refinement, keep_colors=True, strength=0.7, flatten=True)
    shown = [event.regions["pixels"] for event in painting if event.kind == "preview"]
    last = np.frombuffer(shown[-1].data, np.uint8).reshape(photo.shape).astype(int)
    assert np.abs(last - painting.result()).mean() < 12
    # Light and dark are the style's, the chroma is the photo's.
    chroma = [colors(one)[0] - colors(one)[2] for one in (last, photo)]
    assert abs(chroma[0] - chroma[1]) < 8


def test_a_library_style_is_refined_by_its_example(server: Server, photo: np.ndarray) -> None:
    once = server.stylize(photo, "udnie")
    refined = server.stylize(photo, "udnie", refine=QUICK)
    assert 2 < np.abs(refined.astype(int) - once).mean() < 60


def test_cancel_stops_a_refinement_and_keep_gives_what_there_is(
    server: Server, photo: np.ndarray, fur: np.ndarray
) -> None:
    endless = RefineOptions(iterations=5000, max_side=128, features="compact")
    for keep in (False, True):
        painting = server.start(photo, fur, engine="gatys", refine=endless, flatten=True)
        for event in painting:
            if event.kind == "preview":
                painting.cancel(keep=keep)
                break
        if keep:
            assert np.abs(painting.result().astype(int) - photo).mean() > 3
        else:
            with pytest.raises(Cancelled):
                painting.result()


def test_keep_ends_all_that_is_refined_and_loses_nothing(server: Server, photo: np.ndarray, fur: np.ndarray) -> None:
    """Asked for in the first of two refinements; a cancellation after it still counts."""
    endless = RefineOptions(iterations=5000, max_side=128, features="compact")
    mask = np.zeros(photo.shape[:2], np.uint8)
    mask[:, :90] = 255
    for then_cancelled in (False, True):
        painting = server.start(
            photo, fur, background_style="udnie", mask=mask, engine="gatys", refine=endless, flatten=True
        )
        for event in painting:
            if event.kind == "preview":
                painting.cancel(keep=True)
                if then_cancelled:
                    painting.cancel()
                break
        if then_cancelled:
            with pytest.raises(Cancelled):
                painting.result()
        else:
            kept = painting.result().astype(int)
            assert np.abs(kept - photo)[:, :80].mean() > 3
            assert np.abs(kept - photo)[:, 100:].mean() > 3


def test_without_vgg_the_compact_encoder_serves_and_says_so(
    own_server: Any, photo: np.ndarray, fur: np.ndarray, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("IMPASTO_OFFLINE", "1")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.delenv("IMPASTO_VGG19", raising=False)
    with own_server().connect() as server:
        refinement = RefineOptions(iterations=1, max_side=96)
        painting = server.start(photo, fur, refine=refinement, flatten=True)
        assert "compact encoder" in " ".join(painting.notes())
        with pytest.raises(ModelProblem, match="VGG-19 is not there"):
            server.stylize(photo, fur, refine=RefineOptions(features="vgg19"))


def test_the_vgg_that_torchvision_has_downloaded_measures_down_to_its_deepest_layers(
    own_server: Any, photo: np.ndarray, fur: np.ndarray, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """In torchvision's folder and layout; untrained, as the true one cannot be fetched here."""
    import torch
    from torchvision.models import VGG19_Weights, vgg19

    torch.manual_seed(0)
    checkpoint = tmp_path / "hub" / "checkpoints" / Path(VGG19_Weights.IMAGENET1K_V1.url).name
    checkpoint.parent.mkdir(parents=True)
    features = vgg19(weights=None, init_weights=False).features
    for conv in features:
        if isinstance(conv, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
    torch.save({f"features.{key}": value for key, value in features.state_dict().items()}, checkpoint)
    monkeypatch.setenv("IMPASTO_OFFLINE", "1")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.delenv("IMPASTO_VGG19", raising=False)
    with own_server().connect() as server:
        refined = {}
        for name, layers in {"first": (1, 0, 0, 0, 0), "deepest": (0, 0, 0, 0, 1)}.items():
            refinement = RefineOptions(iterations=2, max_side=96, layer_weights=layers)
            painting = server.start(photo, fur, engine="gatys", refine=refinement, flatten=True)
            refined[name] = painting.result()
            assert not painting.notes()
        assert refined["deepest"].shape == photo.shape
        assert np.abs(refined["deepest"].astype(int) - refined["first"]).mean() > 1


def test_a_preview_does_not_wait_for_a_refinement(server: Server, photo: np.ndarray, fur: np.ndarray) -> None:
    fine = RefineOptions(iterations=5000, features="compact")
    preview = server.start(photo, fur, engine="gatys", refine=fine, max_side=64)
    assert not any("refining" in event.doing for event in preview)
    assert max(preview.result().shape) == 64


def test_the_command_line_takes_files_for_styles(
    running_server: Any, tmp_path: Path, photo: np.ndarray, fur: np.ndarray, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(photo).save(tmp_path / "photo.png")
    Image.fromarray(fur).save(tmp_path / "my fur.jpg")
    Image.fromarray(coffee()[:200, :200].copy()).save(tmp_path / "cup.png")
    source, out = str(tmp_path / "photo.png"), str(tmp_path / "out.png")
    common = ["stylize", source, "-o", out, "--quiet", "--existing", "replace"]
    assert main([*common, "--style", f"{tmp_path / 'my fur.jpg'}:0.7", "--style", "udnie:0.3"]) == 0
    mixed = np.asarray(Image.open(out))
    assert main([*common, "--style", str(tmp_path / "cup.png")]) == 0
    assert np.abs(np.asarray(Image.open(out)).astype(int) - mixed).mean() > 3
    refine = [
        "--refine",
        "2",
        "--refine-side",
        "96",
        "--features",
        "compact",
        "--style-loss",
        "gram",
        "--layer-weights",
        "1,1,2",
    ]
    assert main([*common, "--style", str(tmp_path / "cup.png"), *refine]) == 0
    capsys.readouterr()
    assert main([*common, "--style", str(tmp_path / "nowhere.jpg")]) != 0
    assert "There is no picture" in capsys.readouterr().err
    assert main([*common, "--style", "udnie", "--refine", "wildly"]) != 0
    assert "draft, normal, fine" in capsys.readouterr().err


def test_options_survive_the_wire() -> None:
    options = StylizeOptions.of(
        "udnie", refine=RefineOptions(preset="fine", tv_weight=2.0, layer_weights=(1, 2)), engine="gatys"
    )
    assert StylizeOptions.from_wire(options.to_wire()) == options
    assert StylizeOptions.of("udnie", refine=25).refine == RefineOptions(iterations=25)
    # What an engine that does nothing else cannot do without.
    assert settled(StylizeOptions.of("udnie", engine="gatys")).refine == RefineOptions()
    with pytest.raises(BadRequest, match="weight 0"):
        RefineOptions(layer_weights=(0.0,))
    for wrong in ({"refine": "much"}, {"refine": 0}, {"engine": "magic"}):
        with pytest.raises(BadRequest):
            settled(StylizeOptions.of("udnie", **wrong))


# --- fetching VGG-19


class Flaky(http.server.BaseHTTPRequestHandler):
    """Answers with what the test put into ``answers``, one after the other."""

    answers: list[tuple[int, bytes]]

    def do_GET(self) -> None:
        status, body = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        self.send_response(status)
        # A length that is never reached is how a connection that breaks looks.
        self.send_header("Content-Length", str(len(GOOD)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Be quiet."""


GOOD = bytes(range(256)) * 400


@pytest.fixture
def fetch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setattr(downloads, "PAUSES", (0.05, 0.05))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Flaky)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def make(*answers: tuple[int, bytes]) -> Download:
        Flaky.answers = list(answers)
        url = f"http://127.0.0.1:{server.server_port}/weights.pth"
        return Download(url, tmp_path / "deep" / "weights.pth", hashlib.sha256(GOOD).hexdigest()[:8], len(GOOD))

    yield make
    server.shutdown()


def test_a_broken_download_is_tried_again_and_verified(fetch: Any) -> None:
    download = fetch((500, b""), (200, GOOD[:1000]), (200, GOOD))
    assert download.start()
    download.wait()
    assert download.target.read_bytes() == GOOD


def test_a_download_that_fails_leaves_nothing_and_rests(fetch: Any) -> None:
    download = fetch((200, b"x" * len(GOOD)))
    left_over = download.target.parent / "weights.pth.abc.partial"
    left_over.parent.mkdir()
    left_over.write_bytes(GOOD[:10])
    download.start()
    with pytest.raises(ModelProblem, match="hash"):
        download.wait()
    assert [path.name for path in download.target.parent.iterdir()] == ["weights.pth.lock"]
    assert not download.start()


def test_processes_that_want_the_same_file_fetch_it_once(fetch: Any) -> None:
    download = fetch((500, b""))
    lock = filelock.FileLock(download.target.with_name("weights.pth.lock"))
    download.target.parent.mkdir()
    partial = download.target.with_name("weights.pth.abc.partial")
    with lock:  # as another process has it that fetches
        partial.write_bytes(GOOD[:10])
        assert download.start()
        time.sleep(0.3)
        assert partial.exists()
        assert download.running
        partial.rename(download.target)
        download.target.write_bytes(GOOD)
    download.wait()
    assert download.target.read_bytes() == GOOD


def test_a_folder_that_cannot_be_made_is_a_failure_like_any(fetch: Any) -> None:
    download = fetch((200, GOOD))
    download.target.parent.touch()
    download.start()
    with pytest.raises(ModelProblem, match="deep"):
        download.wait()
    assert not download.start()
