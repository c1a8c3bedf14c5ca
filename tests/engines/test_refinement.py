"""Gatys refinement: exact in tiles, at any size, and what it promises of its result."""

import itertools
import math
from collections.abc import Callable, Collection, Mapping
from unittest.mock import Mock

import pytest
import torch
from torch import Tensor

from impasto.engines.gatys.objective import HALO, Losses, Objective, measure, windows
from impasto.engines.gatys.refine import MIN_SIDE, AdamDescent, plan_scales, refine
from impasto.engines.pictures import StylePicture
from impasto.nets.perceptual import STYLE_DISTANCES, STYLE_LAYERS, LayerMoments
from impasto.nets.vgg import CHANNELS, VGG19Features
from impasto.progress import Enough, Look, Progress, silent
from impasto.zoo.features import Features
from impasto_link.errors import BadRequest, Cancelled
from impasto_link.options import REFINE, RefineOptions


class Measuring:
    """VGG-19 with random weights and few channels: the sums and gradients are those of a real one, the taste is not."""

    def __init__(self, deepest: str = "relu3_1") -> None:
        torch.manual_seed(0)
        self.net = VGG19Features(deepest)
        channels_in = 3
        for name in self.net.layers:
            thin = torch.nn.Conv2d(channels_in, CHANNELS[name] // 8, 3, padding=1, padding_mode="reflect")
            torch.nn.init.kaiming_normal_(thin.weight, nonlinearity="relu")
            self.net.layers[name] = thin.requires_grad_(False)
            channels_in = thin.out_channels
        self.names: Collection[str] = self.net.names
        self.dtype = torch.float32

    def __call__(self, x: Tensor, wanted: Collection[str], look: Look | None = None) -> Mapping[str, Tensor]:
        found: Mapping[str, Tensor] = self.net(x, wanted)
        return found


@pytest.fixture(scope="module")
def net() -> Measuring:
    return Measuring()


@pytest.fixture(scope="module")
def deep() -> Measuring:
    return Measuring("relu4_1")


def noise(height: int, width: int, seed: int) -> Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed))


STYLE = ["relu1_1", "relu2_1", "relu3_1"]
SMALL_TILES = (2 * HALO + 96) ** 2


@pytest.mark.parametrize(("height", "width"), [(433, 350), (17, 9000), (600, 250)])
def test_tiles_cover_each_pixel_once_and_see_enough_around_it(height: int, width: int) -> None:
    counted = torch.zeros(height, width)
    for window in windows(height, width, SMALL_TILES):
        counted[window.counted] += 1
        for shown, inside, length in zip(window.shown, window.counted, (height, width), strict=True):
            assert shown.start % 16 == 0
            assert inside.start - shown.start >= min(HALO, inside.start)
            assert shown.stop - inside.stop >= min(HALO, length - inside.stop)
    assert (counted == 1).all()


@pytest.mark.parametrize(
    ("loss", "weighted", "content", "deepest"),
    [
        ("gram", True, "relu4_2", "relu5_1"),  # the layers of the paper
        ("mean-std", False, "relu3_1", "relu3_1"),
        ("wasserstein", True, "relu3_1", "relu3_1"),
    ],
)
def test_loss_and_gradient_in_tiles_are_those_of_the_whole(
    loss: str, weighted: bool, content: str, deepest: str
) -> None:
    net = Measuring(deepest)
    picture, photo = noise(381, 346, 1), noise(381, 346, 2)
    weights = torch.linspace(0, 1, 381)[:, None].expand(1, 1, 381, 346).contiguous() if weighted else None
    targets = measure(net, noise(128, 150, 3), [layer for layer in STYLE_LAYERS if layer in net.names])
    found = []
    for tile_pixels in (1 << 20, SMALL_TILES):
        objective = Objective(
            net,
            photo,
            targets,
            content,
            style_loss=loss,
            style_weight=3.0,
            tv_weight=0.1,
            weights=weights,
            tile_pixels=tile_pixels,
        )
        found.append(objective(picture))
    assert len(windows(381, 346, SMALL_TILES)) > 1
    (whole, gradient), (tiled, tiled_gradient) = found
    assert tiled.total == pytest.approx(whole.total, rel=1e-4)
    assert tiled.content == pytest.approx(whole.content, rel=1e-4)
    assert float((tiled_gradient - gradient).abs().max()) < 2e-3 * float(gradient.abs().max())


def test_the_gradient_is_the_slope_of_the_loss(net: Measuring) -> None:
    photo = noise(48, 48, 2)
    objective = Objective(net, photo, measure(net, noise(64, 64, 3), STYLE), "relu3_1", tv_weight=0.5)
    picture, direction = noise(48, 48, 1).double().float(), noise(48, 48, 4) - 0.5
    _, gradient = objective(picture)
    step = 1e-3
    higher, lower = (objective(picture + sign * step * direction)[0].total for sign in (1, -1))
    assert (higher - lower) / (2 * step) == pytest.approx(float((gradient * direction).sum()), rel=0.05)


@pytest.mark.parametrize("loss", REFINE["style_loss"].values)
def test_a_style_is_at_no_distance_from_itself_and_1_from_nothing(net: Measuring, loss: str) -> None:
    moments = measure(net, noise(96, 96, 5), ["relu2_1"])["relu2_1"]
    nothing = LayerMoments(torch.zeros_like(moments.mean), torch.zeros_like(moments.second))
    assert float(STYLE_DISTANCES[loss](moments, moments)) == pytest.approx(0, abs=1e-3)
    assert float(STYLE_DISTANCES[loss](nothing, moments)) == pytest.approx(1, rel=0.02)


def test_a_layer_of_weight_0_does_not_count(net: Measuring) -> None:
    picture, photo = noise(64, 64, 1), noise(64, 64, 2)
    targets = measure(net, noise(64, 64, 3), STYLE)
    alone = Objective(net, photo, {"relu2_1": targets["relu2_1"]}, "relu3_1")(picture)[0].style
    weighted = Objective(net, photo, targets, "relu3_1", layer_weights=(0, 7))(picture)[0].style
    assert weighted == pytest.approx(alone)


def test_what_lies_outside_the_area_does_not_count_in_the_moments(net: Measuring) -> None:
    picture = noise(96, 128, 6)
    changed = picture.clone()
    changed[..., 80:] = 0.9
    weights = torch.zeros(1, 1, 96, 128)
    weights[..., :48] = 1
    one, other = (measure(net, x, STYLE, weights) for x in (picture, changed))
    for layer in STYLE:
        assert torch.allclose(one[layer].second, other[layer].second, rtol=1e-4, atol=1e-5)


def test_scales_grow_to_the_size_asked_for() -> None:
    scales = plan_scales(1500, 2000, 10, 512, 0.1)
    assert (scales[-1].height, scales[-1].width) == (384, 512)
    assert [scale.iterations for scale in scales] == [20] + [10] * (len(scales) - 1)
    for smaller, larger in itertools.pairwise(scales):
        assert larger.width / smaller.width == pytest.approx(2**0.5, rel=0.02)
    assert min(scales[0].height, scales[0].width) >= MIN_SIDE


@pytest.mark.parametrize("optimizer", REFINE["optimizer"].values)
def test_refinement_brings_the_picture_nearer_to_the_style(deep: Measuring, optimizer: str) -> None:
    torch.manual_seed(1)
    ramp = torch.linspace(0, 1, 96).expand(1, 3, 96, 96).contiguous()
    style = noise(96, 96, 7)
    reported: list[float] = []

    def report(done: float, doing: str, picture: Callable[[], Tensor] | None = None) -> None:
        reported.append(done)
        if picture is not None:
            assert float(picture().min()) >= 0
            assert float(picture().max()) <= 1

    options = RefineOptions(iterations=20, optimizer=optimizer, style_loss="gram", content_weight=0)
    refined = refine(deep, ramp, ramp, [(StylePicture(style), 1.0)], options, 96, Progress(report))
    layers = [*STYLE, "relu4_1"]
    objective = Objective(deep, ramp, measure(deep, style, layers), "relu4_1")
    assert objective(refined)[0].style < 0.98 * objective(ramp)[0].style
    assert reported == sorted(reported)
    assert reported[-1] == pytest.approx(1.0)


def test_adam_is_that_of_pytorch_to_the_bit() -> None:
    start = noise(9, 11, 4)
    theirs = start.clone()
    optimizer = torch.optim.Adam([theirs], lr=0.02, betas=(0.9, 0.99), foreach=False)
    ours = AdamDescent(start, None, 0.02)
    objective = Mock(spec=Objective)
    for seed in range(30):
        if seed == 20:  # the next scale, of the same size
            ours = AdamDescent(theirs, ours.memory, 0.02)
        gradient = (noise(9, 11, seed) - 0.5) * 10.0 ** (seed % 7 - 5)
        theirs.grad = gradient.clone()
        objective.return_value = (Losses(0, 0, 0), gradient)
        ours.step(objective)
        optimizer.step()
        theirs.clamp_(0, 1)
        assert torch.equal(ours._pixels, theirs)


def test_refining_with_adam_does_not_wait_for_the_import_of_a_compiler(
    deep: Measuring, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make(self: torch.optim.Optimizer, *args: object) -> None:
        pytest.fail("The first optimiser of PyTorch's that is made imports torch._dynamo, for seconds.")

    monkeypatch.setattr(torch.optim.Optimizer, "__init__", make)
    photo = noise(70, 70, 1)
    refine(deep, None, photo, [(StylePicture(photo), 1.0)], RefineOptions(iterations=1), 70, silent())


@pytest.mark.parametrize("optimizer", REFINE["optimizer"].values)
def test_pixels_may_lie_in_memory_as_a_camera_has_them(deep: Measuring, optimizer: str) -> None:
    interleaved = noise(70, 80, 12).to(memory_format=torch.channels_last)
    options = RefineOptions(iterations=2, optimizer=optimizer, max_side=80)
    refined = refine(deep, None, interleaved, [(StylePicture(noise(70, 70, 9)), 1.0)], options, 70, silent())
    assert refined.shape == interleaved.shape


def test_weights_only_for_layers_that_are_not_there_are_refused(deep: Measuring) -> None:
    photo = noise(70, 70, 1)
    options = RefineOptions(layer_weights=(0, 0, 0, 0, 1))
    with pytest.raises(BadRequest, match="relu4_1, and all of them have the weight 0"):
        refine(deep, None, photo, [(StylePicture(photo), 1.0)], options, 70, silent())


def test_stopped_early_it_gives_the_best_so_far(deep: Measuring) -> None:
    ramp = torch.linspace(0, 1, 80).expand(1, 3, 80, 80).contiguous()

    def report(done: float, doing: str, picture: Callable[[], Tensor] | None = None) -> None:
        if done >= 0.4:
            raise Enough

    refined = refine(
        deep, ramp, ramp, [(StylePicture(noise(80, 80, 7)), 1.0)], RefineOptions(iterations=10), 80, Progress(report)
    )
    assert refined.shape == ramp.shape
    assert float((refined - ramp).abs().mean()) > 0.005


def test_it_can_be_stopped_while_the_styles_are_measured(deep: Measuring, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = 0

    def look(x: Tensor, wanted: Collection[str]) -> Mapping[str, Tensor]:
        nonlocal looks
        looks += 1
        return deep.net(x, wanted)

    def report(done: float, doing: str, picture: Callable[[], Tensor] | None = None) -> None:
        raise Cancelled("The job was cancelled.")

    monkeypatch.setattr(Measuring, "__call__", lambda net, x, wanted, around=None: look(x, wanted))
    styles = [(StylePicture(noise(70, 70, seed)), 1.0) for seed in range(3)]
    with pytest.raises(Cancelled):
        refine(deep, None, noise(70, 70, 1), styles, RefineOptions(), 70, Progress(report))
    assert looks == 1


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (70, 3)])
@pytest.mark.parametrize("style", [(1, 1), (4, 500), (200, 64)])
def test_pictures_and_styles_of_any_size(deep: Measuring, size: tuple[int, int], style: tuple[int, int]) -> None:
    photo = noise(size[0], size[1], 8)
    options = RefineOptions(iterations=1)
    refined = refine(deep, None, photo, [(StylePicture(noise(style[0], style[1], 9)), 1.0)], options, 100, silent())
    assert refined.shape == photo.shape
    assert torch.isfinite(refined).all()


def test_a_larger_picture_than_is_refined_at_keeps_its_detail(deep: Measuring) -> None:
    photo = noise(300, 300, 10)
    options = RefineOptions(iterations=1, max_side=100)
    refined = refine(deep, None, photo, [(StylePicture(noise(90, 90, 11)), 1.0)], options, 90, silent())
    inside = (refined > 0.05) & (refined < 0.95)
    residual = (refined - photo)[inside]
    assert refined.shape == photo.shape
    assert float(residual.abs().mean()) < 0.1


def test_it_can_be_stopped_between_the_layers_of_a_network_on_the_way_there_and_back() -> None:
    seen, last = 0, math.inf

    def look() -> None:
        nonlocal seen
        seen += 1
        if seen == last:
            raise Cancelled("That is enough.")

    torch.manual_seed(0)
    net = Features(VGG19Features("relu3_1"), torch.device("cpu"), torch.float32)
    targets = measure(net, noise(64, 64, 3), STYLE)
    objective = Objective(net, noise(64, 64, 2), targets, "relu3_1", look=look)
    quiet = Objective(net, noise(64, 64, 2), targets, "relu3_1")
    seen = 0
    losses, gradient = objective(noise(64, 64, 1))
    # Five convolutions there and back, and a look at the end.
    assert seen >= 2 * 5
    assert losses == quiet(noise(64, 64, 1))[0]
    assert torch.equal(gradient, quiet(noise(64, 64, 1))[1])
    for stop in (2, seen - 1):
        seen, last = 0, stop
        with pytest.raises(Cancelled):
            objective(noise(64, 64, 1))
