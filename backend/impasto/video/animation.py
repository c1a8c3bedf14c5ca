"""Pictures of several frames or pages: GIF, WebP, PNG and TIFF. Does not need PyAV."""

from __future__ import annotations

import logging
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyvips
from PIL import Image

from impasto.imaging import formats, profiles
from impasto.imaging.opening import check_size, open_file
from impasto.imaging.problems import FileProblem, as_text, cannot_read
from impasto.imaging.tiff import PILLOW_PROBLEMS
from impasto.video.frames import Clip, Frame

log = logging.getLogger(__name__)

#: By suffix, Pillow's name of each format that holds several frames.
KINDS = {".gif": "GIF", ".webp": "WEBP", ".png": "PNG", ".apng": "PNG", ".tif": "TIFF", ".tiff": "TIFF"}
#: Milliseconds for which a frame shows whose file does not say so, as browsers have it; pages of TIFF, too.
_UNSAID = 100
#: The finest delay of each format in milliseconds.
_STEP = {"GIF": 10}
#: What Pillow is told besides.
_OPTIONS: dict[str, dict[str, Any]] = {
    "GIF": {"disposal": 2},  # else what was there before would show through what is transparent
    "WEBP": {"method": 4},
    "TIFF": {"compression": "tiff_deflate"},
}


def is_animation(path: Path) -> bool:
    """Whether a file is a picture of a format that can have several frames, of which it may have but one.

    Raises:
        FileProblem: it cannot be read.
    """
    try:
        with open_file(path) as file:
            found = formats.recognise(file.read(formats.HEAD), path.suffix.lower())
    except OSError as error:
        raise cannot_read(path, error) from error
    return found in (formats.GIF, formats.WEBP, formats.PNG, formats.TIFF)


@dataclass(frozen=True)
class Animation(Clip):
    """A picture of several frames, or pages.

    Attributes:
        info: what its file says besides: how often it is shown, its colour profile.
        first: the number of the first frame; 1 where what others show instead of the animation is none of it.
    """

    info: dict[str, Any] = field(default_factory=dict)
    first: int = 0

    def frames(self, after: int | None = None) -> Iterator[Frame]:
        """See `Clip.frames`; what earlier frames leave of a frame is in it."""
        time = 0
        with _opened(self.path) as image:
            for number in range(self.first, self.first + (self.count or 0)):
                try:
                    image.seek(number)
                    pixels = _page(self.path, number) if image.format == "TIFF" else _pixels(image)
                except (*PILLOW_PROBLEMS, pyvips.Error):
                    log.warning(
                        "%s is damaged or cut short: it has %d frames, and %d can be read",
                        as_text(self.path),
                        self.count,
                        number - self.first,
                    )
                    return
                duration = round(image.info.get("duration") or _UNSAID)  # of WebP it is known once the pixels are
                if after is None or time > after:
                    yield Frame(pixels, time, duration)
                time += duration

    def spread(self, count: int) -> Iterator[Frame]:
        """See `Clip.spread`."""
        frames = self.count or 1
        wanted = {number * frames // count for number in range(count)}
        return (frame for number, frame in enumerate(self.frames()) if number in wanted)


def _opened(path: Path) -> Image.Image:
    try:
        image = Image.open(path, formats=sorted(set(KINDS.values())))
    except Image.DecompressionBombError as error:
        raise FileProblem(f"{path} has more pixels than are read.") from error
    except PILLOW_PROBLEMS as error:
        raise FileProblem(f"{path} is damaged, or of a rare kind.", "Try to copy or download it again.") from error
    check_size(str(path), *image.size)
    return image


def _pixels(image: Image.Image) -> np.ndarray:
    """A frame as (H, W, 3), or where something of it is transparent (H, W, 4)."""
    pixels = np.asarray(image.convert("RGBA" if image.has_transparency_data else "RGB"))
    return pixels[..., :3] if pixels.shape[2] == 4 and pixels[..., 3].min() == 255 else pixels


def _page(path: Path, number: int) -> np.ndarray:
    """A page of a TIFF likewise, also of 16 bits, which Pillow does not have in colour."""
    image = pyvips.Image.tiffload(str(path), page=number, fail_on="error", access="sequential")
    deep = image.format == "ushort"
    pixels = image.colourspace("rgb16" if deep else "srgb").cast("ushort" if deep else "uchar").numpy()
    return pixels[..., :4]


def open_animation(path: Path) -> Animation:
    """Look at a picture of several frames.

    Raises:
        FileProblem: it cannot be read, or has only one.
    """
    with _opened(path) as image:
        first = int(bool(image.info.get("default_image")))
        count = getattr(image, "n_frames", 1) - first
        if count < 2:
            raise FileProblem(f"{path} is a single picture.", "Paint it with: impasto stylize")
        info = {name: image.info[name] for name in ("loop", "icc_profile") if image.info.get(name) is not None}
        size = image.size
        deep = image.format == "TIFF" and _page(path, 0).dtype == np.uint16
    profile, leads_back = None, False
    if "icc_profile" in info:
        profile, leads_back = profiles.usable(info["icc_profile"], gray=False, of=as_text(path))
    return Animation(
        *(path, *size, deep, Fraction(1, 1000), Fraction(1000, _UNSAID), 0, count),
        profile=profile if leads_back else None,
        info=info,
        first=first,
    )


class Animated:
    """How a painting is written as a picture of several frames.

    Args:
        clip: what is painted.
        suffix: of the file, one of `KINDS`.
        quality: 1 to 100, of WebP.

    Attributes:
        facts: see `impasto.video.parts.Writing`.
        part_suffix: likewise.
    """

    part_suffix = ".npz"

    def __init__(self, clip: Clip, suffix: str, quality: int) -> None:
        self._clip = clip
        self._format = KINDS[suffix]
        self._quality = quality
        self.facts: Mapping[str, Any] = {"format": self._format}

    def lost(self, name: str) -> list[str]:
        """What of the clip the file to be written cannot hold, in sentences."""
        if isinstance(self._clip, Animation):
            return []
        return [f"{name} is a picture with several frames: it has no sound."]

    def part(self, path: Path) -> AnimatedPart:
        """See `impasto.video.parts.Writing`."""
        return AnimatedPart(path, None if self._format == "TIFF" and not self._clip.deep else self._clip)

    def times(self, path: Path) -> list[int]:
        """See `impasto.video.parts.Writing`."""
        try:
            with zipfile.ZipFile(path) as archive:
                if archive.testzip() is not None:
                    raise zipfile.BadZipFile
            return [int(time) for time in np.load(path)["times"]]
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise FileProblem(f"{path} is damaged.") from error

    def join(self, parts: Sequence[Path], target: Path) -> None:
        """See `impasto.video.parts.Writing`."""
        info: dict[str, Any] = self._clip.info if isinstance(self._clip, Animation) else {"loop": 0}
        options = {**_OPTIONS.get(self._format, {}), **info}
        if self._format == "WEBP":
            options["quality"] = self._quality
        if self._format == "TIFF" and self._clip.deep:
            _write_deep([pixels for part in parts for pixels in _pixels_of(part)], target, info.get("icc_profile"))
            return
        first = next(iter(_Images(parts, 0)))
        more = _Images(parts, 1)
        first.save(target, self._format, save_all=True, append_images=more, duration=self._durations(parts), **options)

    def _durations(self, parts: Sequence[Path]) -> list[int]:
        """For how many milliseconds each frame shows, in steps of the format, and without a drift over many frames."""
        loaded = [np.load(part) for part in parts]
        starts = [int(time) for one in loaded for time in one["times"]]
        second = 1 / self._clip.time_base
        last = int(loaded[-1]["durations"][-1]) or second * _UNSAID / 1000
        step = _STEP.get(self._format, 1)
        ends = [round((time - starts[0]) * 1000 / second / step) * step for time in [*starts, starts[-1] + last]]
        return [after - before for before, after in pairwise(ends)]


class _Images:
    """The frames of parts from a number on, for Pillow, which goes through them more than once, and holds none.

    Args:
        parts: their files.
        start: the number of the first that is wanted.
    """

    def __init__(self, parts: Sequence[Path], start: int) -> None:
        self._parts, self._start = parts, start

    def __iter__(self) -> Iterator[Image.Image]:
        pages = (pixels for part in self._parts for pixels in _pixels_of(part))
        return (Image.fromarray(_in_8_bits(pixels)) for pixels in islice(pages, self._start, None))


class AnimatedPart:
    """See `impasto.video.parts.Part`.

    Args:
        path: of its file.
        clip: whose size all frames have to have; None if each may have its own.
    """

    def __init__(self, path: Path, clip: Clip | None) -> None:
        self._file, self._clip = path.open("wb"), clip
        self._frames: list[Frame] = []

    def add(self, frame: Frame) -> None:
        """Write a frame."""
        if self._clip is not None:
            self._clip.check_size(frame)
        self._frames.append(frame)

    def close(self) -> None:
        """Write what is still on its way; the part is whole then."""
        with self._file:
            times, durations = ([getattr(one, name) for one in self._frames] for name in ("time", "duration"))
            np.savez_compressed(
                self._file, *[one.pixels for one in self._frames], times=np.array(times), durations=np.array(durations)
            )


def _pixels_of(part: Path) -> Iterator[np.ndarray]:
    with np.load(part) as frames:
        for number in range(len(frames["times"])):
            yield frames[f"arr_{number}"]


def _in_8_bits(pixels: np.ndarray) -> np.ndarray:
    return pixels if pixels.dtype == np.uint8 else ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _write_deep(pages: Sequence[np.ndarray], target: Path, profile: bytes | None) -> None:
    """A TIFF of 16 bits, which Pillow does not write in colour."""
    image = pyvips.Image.arrayjoin([pyvips.Image.new_from_array(page) for page in pages], across=1)
    image = image.copy(interpretation="rgb16")
    image.set_type(pyvips.GValue.gint_type, "page-height", pages[0].shape[0])
    if profile is not None:
        image.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
    image.tiffsave(str(target), compression="deflate", predictor="horizontal")
