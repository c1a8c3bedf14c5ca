"""Clips: their frames with their own time stamps, and what else their files say."""

from __future__ import annotations

import errno
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import islice
from math import ceil, cos, radians, sin
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.sidedata.sidedata import Type as SideData
from av.video.reformatter import Interpolation, VideoReformatter

from impasto.imaging.problems import FileProblem, as_text, cannot_read, is_empty
from impasto.imaging.said_colors import profile_of_codes
from impasto.video import light
from impasto.video.frames import Clip, Frame

log = logging.getLogger(__name__)

#: Without the first two, flat colours become darker by more than a level with each conversion.
EXACTLY = (
    Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP | Interpolation.BICUBIC
)
#: ITU-T H.273, table 4: those of HD and of older television, and all that swscale converts by.
_BT709, _BT601 = 1, 6
_MATRICES = (1, 4, 5, 6, 7, 9)
#: Table 2: BT.2020, DCI-P3 and Display P3.
_WIDE = (9, 11, 12)
#: Titles that are no text do not keep a clip from being read; PyAV 19 sees to that by itself.
_LENIENT: dict[str, Any] = {} if int(av.__version__.split(".")[0]) >= 19 else {"metadata_errors": "replace"}
#: Seconds that may be missing at the end before a clip counts as cut short.
_SHORT = 1.0
#: Seconds before the wanted time at which reading begins in the middle of a clip.
_RUN_UP = 3


@dataclass(frozen=True)
class Colors:
    """What a clip says of its colours, as code points of ITU-T H.273; 2, of the range 0, is unsaid.

    Attributes:
        primaries: table 2.
        transfer: table 3.
        matrix: table 4.
        range: 1 for 16 to 235, 2 for 0 to 255.
    """

    primaries: int = 2
    transfer: int = 2
    matrix: int = 2
    range: int = 0


@dataclass(frozen=True)
class Video(Clip):
    """A clip that FFmpeg reads.

    Attributes:
        codec: FFmpeg's name of its codec.
        pixel_format: FFmpeg's name of how its pixels lie in the file.
        colors: what it says of them.
        pixel_aspect: the width of a pixel by its height.
        turns: quarters by which a frame has to be turned counterclockwise to be upright.
        matrix: the display matrix that says so, as it is in the file; empty if there is none.
        stream: the index of its stream.
        stamped: whether its frames have time stamps.
        light: the transfer of its high dynamic range, a key of `impasto.video.light.NAMES`; 0 if it has none.
        keeps_light: whether its painting is to have it, too, in place of being made for ordinary screens.
    """

    codec: str = ""
    pixel_format: str = ""
    colors: Colors = field(default_factory=Colors)
    pixel_aspect: Fraction | None = None
    turns: int = 0
    matrix: tuple[int, ...] = ()
    stream: int = 0
    stamped: bool = True
    light: int = 0
    keeps_light: bool = False

    def frames(self, after: int | None = None) -> Iterator[Frame]:
        """See `Clip.frames`; what is wrong with the file is logged as a warning, and what can be read of it comes.

        Raises:
            FileProblem: it cannot be read any more.
        """
        if after is not None and self.stamped:
            found = self._decoded(after - ceil(_RUN_UP / self.time_base))
            first = next(found, None)
            if first is not None and first.time <= after:
                yield from (frame for frame in found if frame.time > after)
                return
        # From the beginning, also where there is no way into the middle of a file.
        yield from (frame for frame in self._decoded(None) if after is None or frame.time > after)

    def spread(self, count: int) -> Iterator[Frame]:
        """See `Clip.spread`."""
        if not self.count:
            yield from islice(self.frames(), count)
            return
        for number in range(count):
            start = self.start + int(number * self.count / self.rate / count / self.time_base)
            yield from islice(self.frames(start - 1 if number else None), 1)

    def _decoded(self, seek: int | None) -> Iterator[Frame]:
        with opened(self.path) as container:
            stream = container.streams[self.stream]
            stream.thread_type = "AUTO"
            if seek is not None:
                try:
                    container.seek(seek, stream=stream)
                except av.FFmpegError:
                    return
            look = _Look(self, container, whole=seek is None)
            converter = VideoReformatter()
            for number, frame in enumerate(look.frames(stream)):
                yield Frame(self._pixels(frame, converter), look.time(frame, number), int(frame.duration or 0))
            look.tell()

    def _pixels(self, frame: Any, converter: VideoReformatter) -> np.ndarray:
        if frame.colorspace not in _MATRICES:
            frame.colorspace = matrix_of(self.colors, frame.width, frame.height)
        size = (self.height, self.width) if self.turns % 2 else (self.width, self.height)
        converted = converter.reformat(
            frame, *size, "rgb48le" if self.deep else "rgb24", interpolation=EXACTLY, dst_color_range=2
        )
        pixels = np.rot90(converted.to_ndarray(), self.turns)
        if not self.light:
            return pixels
        shown = light.to_screen(pixels, self.light)
        return shown if self.keeps_light else light.in_bt709(shown)


class _Look:
    """What is found out about a file while its frames are read."""

    def __init__(self, clip: Video, container: Any, *, whole: bool) -> None:
        self._clip, self._container, self._whole = clip, container, whole
        self._last: int | None = None
        self._bad = 0
        self._end = 0.0
        self._resized = False

    def frames(self, stream: Any) -> Iterator[Any]:
        """The frames of a stream; what is damaged is passed over."""
        for packet in self._packets():
            if packet.stream.index != stream.index:
                continue
            try:
                frames = packet.decode()
            except av.FFmpegError as error:
                log.info("FFmpeg on %s: %s", as_text(self._clip.path), error)
                self._bad += 1
                continue
            for frame in frames:
                self._bad += frame.is_corrupt
                self._see_size(frame, stream)
                yield frame

    def _packets(self) -> Iterator[Any]:
        try:
            for packet in self._container.demux():
                if packet.pts is not None:
                    end = (packet.pts + (packet.duration or 0)) * Fraction(packet.time_base)
                    self._end = max(self._end, float(end))
                yield packet
        except av.FFmpegError as error:
            log.info("FFmpeg on %s: %s", as_text(self._clip.path), error)
            self._bad += 1

    def _see_size(self, frame: Any, stream: Any) -> None:
        size = (self._clip.height, self._clip.width) if self._clip.turns % 2 else (self._clip.width, self._clip.height)
        if (frame.width, frame.height) != size and not self._resized:
            self._resized = True
            log.warning(
                "%s changes its size in the middle, to %d x %d; all its frames are made %d x %d",
                *(as_text(self._clip.path), frame.width, frame.height, *size),
            )

    def time(self, frame: Any, number: int) -> int:
        """The time stamp of a frame, later than that of the frame before."""
        clip = self._clip
        time = frame.pts
        if not clip.stamped:
            time = round(number / clip.rate / clip.time_base)
        elif time is None:
            time = (self._last or 0) + round(1 / clip.rate / clip.time_base)
        if self._last is not None and time <= self._last:
            time = self._last + 1
        self._last = time
        return time

    def tell(self) -> None:
        """Say what was found to be wrong."""
        path, container = as_text(self._clip.path), self._container
        start = (container.start_time or 0) / av.time_base
        short = container.duration is not None and container.duration / av.time_base - (self._end - start) > _SHORT
        if short and self._whole:
            seconds = (self._end - start, container.duration / av.time_base)
            log.warning("%s is cut short: of its %.1f seconds there are %.1f", path, *reversed(seconds))
        elif self._bad:
            log.warning("%s is damaged: %d of its pieces cannot be read; the rest is painted", path, self._bad)


def matrix_of(colors: Colors, width: int, height: int) -> int:
    """By which matrix colours become YUV, a code point of ITU-T H.273; where none is said, as players have it."""
    if colors.matrix in _MATRICES:
        return colors.matrix
    return _BT709 if width >= 1280 or height > 576 else _BT601


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """A container of PyAV's, to read from.

    Raises:
        FileProblem: it cannot be read, or FFmpeg knows nothing of its kind.
    """
    try:
        with path.open("rb") as file:
            if not file.read(1):
                raise is_empty(path)
    except OSError as error:
        raise cannot_read(path, error) from error
    try:
        # As a file's name, not as an address or a pattern, which FFmpeg would take it for.
        container: Any = av.open(f"file:{path}", **_LENIENT)
    except av.FFmpegError as error:
        log.info("FFmpeg on %s: %s", as_text(path), error)
        if isinstance(error, OSError) and error.errno in (errno.EACCES, errno.ENOENT, errno.EISDIR):
            raise cannot_read(path, error) from error
        raise FileProblem(
            f"{path} is no clip that can be read: it is damaged, cut short, or of another kind.",
            "Try to copy or download it again.",
        ) from error
    with container:
        yield container


def open_video(path: Path, *, keep_light: bool = False) -> Video:
    """Look at a clip, as far as its first frame.

    Args:
        path: its file.
        keep_light: whether a painting of high dynamic range is to be made of one that has it.

    Raises:
        FileProblem: it cannot be read, has no video, or none that can be decoded.
    """
    with opened(path) as container:
        stream = _stream(path, container)
        if stream.codec_context is None:
            raise FileProblem(
                f"The video in {path} is of a codec that cannot be decoded.", "Convert it first, for example to H.264."
            )
        frame = _first(path, container, stream)
        context = stream.codec_context
        rate = Fraction(stream.average_rate or stream.guessed_rate or 25)
        time_base = Fraction(stream.time_base)
        stamped = frame.pts is not None
        if not stamped:
            log.warning("%s has no time stamps; %g frames a second are taken for granted", as_text(path), float(rate))
        if any(part.is_alpha for part in frame.format.components) and frame.format.name != "pal8":
            log.warning("%s is partly transparent; a clip of its painting is not", as_text(path))
        colors = Colors(int(frame.color_primaries), int(frame.color_trc), int(frame.colorspace), int(frame.color_range))
        high = colors.transfer if colors.transfer in light.NAMES else 0
        if high and not keep_light:
            log.warning(
                "%s has a high dynamic range (%s) and is painted for ordinary screens; --hdr keep keeps its light",
                *(as_text(path), light.NAMES[high]),
            )
        matrix = _display_matrix(frame)
        turns = round(frame.rotation / 90) % 4 if matrix and frame.rotation % 90 == 0 else 0
        size = (frame.height, frame.width) if turns % 2 else (frame.width, frame.height)
        return Video(
            path,
            *size,
            deep=high > 0 or max(part.bits for part in frame.format.components) > 8,
            time_base=time_base,
            rate=rate,
            start=frame.pts or 0,
            count=_count(container, stream, rate),
            codec=context.codec.canonical_name,
            pixel_format=frame.format.name,
            colors=colors,
            pixel_aspect=Fraction(stream.sample_aspect_ratio) if stream.sample_aspect_ratio else None,
            turns=turns,
            matrix=matrix,
            stream=stream.index,
            stamped=stamped,
            light=high,
            keeps_light=keep_light,
            profile=_profile(colors) if not high or keep_light else None,
        )


def _profile(colors: Colors) -> bytes | None:
    """Of clips with more colours than sRGB has; the primaries of older television are near enough to these."""
    return profile_of_codes(colors.primaries, 13, gray=False) if colors.primaries in _WIDE else None


def _stream(path: Path, container: Any) -> Any:
    """The video, which is not the picture of an album."""
    videos = [one for one in container.streams.video if not one.disposition & one.disposition.attached_pic]
    if not videos:
        why = "it has sound only" if container.streams.audio else "it may be cut short"
        raise FileProblem(f"There is no video in {path}: {why}.")
    if len(videos) > 1:
        log.warning("%s has %d videos; the first is painted, and alone", as_text(path), len(videos))
    return videos[0]


def _first(path: Path, container: Any, stream: Any) -> Any:
    try:
        for packet in container.demux(stream):
            try:
                for frame in packet.decode():
                    return frame
            except av.FFmpegError as error:
                log.info("FFmpeg on %s: %s", as_text(path), error)
    except av.FFmpegError as error:
        log.info("FFmpeg on %s: %s", as_text(path), error)
    raise FileProblem(
        f"There is no frame in {path} that can be read.", "It may not have been recorded or copied whole."
    )


def _display_matrix(frame: Any) -> tuple[int, ...]:
    try:
        data = frame.side_data[SideData.DISPLAYMATRIX]
    except KeyError:
        return ()
    except ValueError:
        # Beside it there is something that PyAV does not know yet, and then it tells of none. What is mirrored is lost.
        turn = radians(frame.rotation)
        sine, cosine = round(65536 * sin(turn)), round(65536 * cos(turn))
        return (cosine, -sine, 0, sine, cosine, 0, 0, 0, 1 << 30) if frame.rotation else ()
    return tuple(int(one) for one in np.frombuffer(bytes(data), np.int32))


def _count(container: Any, stream: Any, rate: Fraction) -> int | None:
    if stream.frames:
        return int(stream.frames)
    if stream.duration:
        return round(stream.duration * Fraction(stream.time_base) * rate)
    return round(Fraction(container.duration, av.time_base) * rate) if container.duration else None
