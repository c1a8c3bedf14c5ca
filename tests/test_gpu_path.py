"""The path for a GPU, on one that is only pretended: every tensor where it has to be, and no job lost to its memory."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from impasto.client import to_region
from impasto.compute import accelerator
from impasto.pipeline import Layer, Pipeline
from impasto.zoo.library import Library
from impasto_link.options import MaskOptions, RefineOptions, StylizeOptions
from impasto_link.pixels import Region
from pretended_gpu import GPU, PretendedGpu

CPU = torch.device("cpu")
SHARE = 8 << 30


def ignore(*progress: Any) -> None:
    pass


class Stream:
    """Of a GPU that is done with everything at once; counts how many strips are under way."""

    under_way = most = 0

    def record_event(self) -> Stream:
        Stream.under_way += 1
        Stream.most = max(Stream.most, Stream.under_way)
        return self

    def synchronize(self) -> None:
        Stream.under_way -= 1


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """What the pretended GPU says of its memory; how much is free can be changed.

    It computes in float32, in which every CPU is fast; in which a GPU would has a test of its own.
    """
    monkeypatch.setenv("IMPASTO_DTYPE", "float32")
    says = {"free": SHARE}
    monkeypatch.setattr(torch.cuda, "_lazy_init", lambda: None)
    monkeypatch.setattr(torch.accelerator, "get_memory_info", lambda device=None: (says["free"], SHARE))
    monkeypatch.setattr(torch.accelerator, "memory_reserved", lambda device=None: 0)
    monkeypatch.setattr(torch.accelerator, "memory_allocated", lambda device=None: 0)
    monkeypatch.setattr(torch.accelerator, "empty_cache", lambda: None)
    monkeypatch.setattr(torch.accelerator, "current_stream", lambda device=None: Stream())
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: True)
    return says


@pytest.fixture(scope="module")
def photo(astronaut: np.ndarray) -> Region:
    return to_region(np.ascontiguousarray(astronaut[:120, 120:260]))[0]


@pytest.fixture(scope="module")
def painting(astronaut: np.ndarray) -> Region:
    return to_region(np.ascontiguousarray(astronaut[300:420, :130, ::-1]))[0]


@pytest.fixture(scope="module")
def mask(photo: Region) -> Region:
    pixels = np.zeros((120, 140), np.uint8)
    pixels[30:90, 30:100] = 255
    pixels[90:100] = 90
    return to_region(pixels)[0]


@pytest.fixture
def gpu(memory: dict[str, int]) -> Iterator[Pipeline]:
    with PretendedGpu():
        yield Pipeline(Library(), GPU)


def pixels(layer: Layer) -> np.ndarray:
    return np.frombuffer(layer.pixels.data, np.uint8).astype(int)


def assert_alike(one: Layer, other: Layer) -> None:
    assert one.pixels.format == other.pixels.format
    # The statistics are summed up by another kernel, and on the GPU of other numbers.
    assert np.abs(pixels(one) - pixels(other)).mean() < 1.5
    assert (one.mask is None) == (other.mask is None)


REQUESTS = {
    "one style": StylizeOptions.of("udnie"),
    "a mixture, other strokes": StylizeOptions.of(["udnie:1", "great-wave:2"], brush=1.5, keep_colors=True),
    "an area": StylizeOptions.of("udnie", area="subject", feather=3),
    "two styles": StylizeOptions.of("udnie", background_style="great-wave"),
    "a picture": StylizeOptions.of("sent"),
    "a picture by AdaIN": StylizeOptions.of("sent", engine="adain", area="subject"),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_it_paints_as_the_cpu_does(name: str, gpu: Pipeline, photo: Region, painting: Region, mask: Region) -> None:
    options = REQUESTS[name]
    found = gpu.stylize(photo, options, ignore, subject_mask=mask, pictures={"sent": painting})
    wanted = Pipeline(Library(), CPU).stylize(photo, options, ignore, subject_mask=mask, pictures={"sent": painting})
    assert_alike(found, wanted)


@pytest.mark.parametrize("name", REQUESTS)
def test_without_float64_it_paints_the_same(
    name: str, gpu: Pipeline, photo: Region, painting: Region, mask: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Apple's GPUs do, which refuse such numbers."""

    def refuse(name: str, args: tuple[Any, ...]) -> None:
        if any(isinstance(one, torch.Tensor) and one.dtype == torch.float64 for one in args):
            raise TypeError(
                "Cannot convert a MPS Tensor to float64 dtype as the MPS framework doesn't support float64."
            )

    options, pictures = REQUESTS[name], {"sent": painting}
    wanted = gpu.stylize(photo, options, ignore, subject_mask=mask, pictures=pictures)
    monkeypatch.setattr(accelerator.Cuda, "has_float64", lambda self, device: False)
    with PretendedGpu(refuse):
        found = Pipeline(Library(), GPU).stylize(photo, options, ignore, subject_mask=mask, pictures=pictures)
    assert np.abs(pixels(found) - pixels(wanted)).max() <= 1
    assert found.mask == wanted.mask


def test_only_a_few_strips_are_given_to_it_ahead(gpu: Pipeline, astronaut: np.ndarray) -> None:
    Stream.under_way = Stream.most = 0
    told: list[float] = []
    whole = to_region(np.concatenate([astronaut] * 3))[0]
    gpu.stylize(whole, StylizeOptions.of("udnie"), lambda done, doing, picture=None: told.append(done))
    assert len(told) > 40
    assert Stream.most == 3, "or cancel and progress would be far ahead of the GPU"


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize(
    ("name", "bfloat16"), [("one style", True), ("one style", False), ("a picture by AdaIN", False)]
)
def test_gpus_paint_in_bfloat16_or_else_in_float16(
    name: str, bfloat16: bool, photo: Region, painting: Region, mask: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("IMPASTO_DTYPE")
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: bfloat16)
    formats = set()

    def note(name: str, args: tuple[Any, ...]) -> None:
        if "conv" in name:
            formats.add(args[0].dtype)

    options = REQUESTS[name]
    with PretendedGpu(note):
        found = Pipeline(Library(), GPU).stylize(photo, options, ignore, subject_mask=mask, pictures={"sent": painting})
    wanted = Pipeline(Library(), CPU).stylize(photo, options, ignore, subject_mask=mask, pictures={"sent": painting})
    assert (torch.bfloat16 in formats, torch.float16 in formats) == (bfloat16, not bfloat16)
    assert_alike(found, wanted)


def test_it_finds_the_subject(gpu: Pipeline, astronaut: np.ndarray) -> None:
    whole = to_region(astronaut)[0]
    found = gpu.mask(whole, MaskOptions(cutout=True, grow=2, feather=2), ignore)
    wanted = Pipeline(Library(), CPU).mask(whole, MaskOptions(cutout=True, grow=2, feather=2), ignore)
    assert found.mask is not None
    assert wanted.mask is not None
    one, other = (np.frombuffer(layer.mask.data, np.uint8) > 127 for layer in (found, wanted) if layer.mask)
    assert (one != other).mean() < 0.01
    assert one.mean() > 0.2


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_it_refines(gpu: Pipeline, photo: Region, painting: Region, mask: Region, optimizer: str) -> None:
    refine = RefineOptions("draft", iterations=4, optimizer=optimizer, features="compact")
    options = StylizeOptions.of("sent", area="subject", refine=refine)
    shown = []

    def progress(done: float, doing: str, preview: Any = None) -> None:
        shown.extend([preview().format] if preview is not None else [])

    painted = gpu.stylize(photo, options, progress, subject_mask=mask, pictures={"sent": painting})
    assert shown
    assert np.abs(pixels(painted) - np.frombuffer(photo.data, np.uint8)).max() > 50


class Shortage:
    """Of memory, for convolutions of more than so many pixels.

    Attributes:
        refused: how often there was none.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self.refused = 0

    def __call__(self, name: str, args: tuple[Any, ...]) -> None:
        if "conv" in name and args[0].shape[-2:].numel() > self._most:
            self.refused += 1
            assert sys.exc_info()[0] is None, "an error that is being handled holds the maps of its attempt"
            raise torch.OutOfMemoryError("CUDA out of memory.")


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize(("most", "refusals"), [(100_000, 1), (10_000, 2)], ids=["smaller strips", "the CPU"])
def test_where_memory_is_short_it_paints_all_the_same(astronaut: np.ndarray, most: int, refusals: int) -> None:
    whole = to_region(astronaut)[0]
    shortage = Shortage(most)
    with PretendedGpu(shortage):
        found = Pipeline(Library(), GPU).stylize(whole, StylizeOptions.of("udnie"), ignore)
    assert shortage.refused == refusals
    assert_alike(found, Pipeline(Library(), CPU).stylize(whole, StylizeOptions.of("udnie"), ignore))


@pytest.mark.usefixtures("memory")
def test_where_memory_is_short_the_subject_is_found_all_the_same(astronaut: np.ndarray) -> None:
    whole = to_region(astronaut)[0]
    shortage = Shortage(1000)
    with PretendedGpu(shortage):
        found = Pipeline(Library(), GPU).mask(whole, MaskOptions(), ignore)
    assert shortage.refused == 1
    assert_alike(found, Pipeline(Library(), CPU).mask(whole, MaskOptions(), ignore))


def test_where_there_is_none_to_spare_the_cpu_paints(
    memory: dict[str, int], gpu: Pipeline, photo: Region, caplog: pytest.LogCaptureFixture
) -> None:
    memory["free"] = 1 << 10
    found = gpu.stylize(photo, StylizeOptions.of("udnie"), ignore)
    assert "does not suffice" in caplog.text
    assert_alike(found, Pipeline(Library(), CPU).stylize(photo, StylizeOptions.of("udnie"), ignore))


def test_the_pretence_notices_what_lies_elsewhere(memory: dict[str, int]) -> None:
    with PretendedGpu():
        there, here = torch.ones(2, 2, device=GPU), torch.ones(2, 2)
        assert there.device == GPU
        assert there.cpu().device == CPU
        with pytest.raises(RuntimeError, match="same device"):
            there + here
        with pytest.raises(RuntimeError):
            there.numpy()
