"""Films: written in parts, each of which begins with a key frame, and then joined with sound and subtitles."""

from __future__ import annotations

import heapq
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, replace
from fractions import Fraction
from math import lcm
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from impasto.imaging.problems import FileProblem
from impasto.video import light
from impasto.video.frames import Clip, Frame
from impasto.video.reading import EXACTLY, Colors, Video, matrix_of, opened
from impasto_link.errors import BadRequest

#: SVT-AV1 tells of itself on the terminal, unless it is told before that only errors count.
os.environ.setdefault("SVT_LOG", "1")


class Encoder(NamedTuple):
    """How a codec is written.

    Attributes:
        name: of FFmpeg's encoder.
        best, worst: its CRF for the qualities 100 and 0; equal where it has none.
        options: what else it is told.
        even: whether it takes even sizes only, where colour is stored at half of the size.
        part: FFmpeg's name of the kind of file for parts; NUT holds nearly each codec, and each time base.
    """

    name: str
    best: int = 0
    worst: int = 0
    options: Mapping[str, str] = MappingProxyType({})
    even: bool = False
    part: str = "nut"


#: By FFmpeg's name of the codec.
ENCODERS = {
    "h264": Encoder("libx264", 5, 51, even=True),
    "hevc": Encoder("libx265", 6, 52, {"x265-params": "log-level=error"}, even=True),
    "vp9": Encoder("libvpx-vp9", 6, 63, {"row-mt": "1", "cpu-used": "4"}),
    "av1": Encoder("libsvtav1", 3, 63, {"preset": "8"}, even=True),
    "prores": Encoder("prores_ks", part="mov"),
    "ffv1": Encoder("ffv1"),
}


class Kind(NamedTuple):
    """A kind of file for clips.

    Attributes:
        format: FFmpeg's name of it.
        codecs: those that it holds and players of it know, the usual one first.
    """

    format: str
    codecs: tuple[str, ...]


#: By suffix.
KINDS = {
    ".mp4": Kind("mp4", ("h264", "hevc", "av1", "vp9")),
    ".m4v": Kind("mp4", ("h264", "hevc")),
    ".mov": Kind("mov", ("h264", "hevc", "prores")),
    ".mkv": Kind("matroska", tuple(ENCODERS)),
    ".webm": Kind("webm", ("vp9", "av1")),
}


#: What FFmpeg calls files of ISO base media, and the most ticks of a second in which they can say when streams begin.
_ISO, _FINEST = ("mp4", "mov"), 10_000_000
#: In YUV, of what was RGB.
_SRGB = Colors(1, 13, 1, 1)
#: Of what had a high dynamic range.
_BT709 = Colors(1, 1, 1, 1)


class Film:
    """How the painting of a clip is written as a film: as the clip came, as far as the kind of file and encoders go.

    Args:
        clip: what is painted.
        suffix: of the file, one of `KINDS`.
        quality: 1 to 100.

    Attributes:
        clip: the same.
        codec: FFmpeg's name of the codec.
        pixel_format: FFmpeg's name of how pixels lie in it.
        colors: what is said of them.
        facts: see `impasto.video.parts.Writing`.
        part_suffix: likewise.
        ahead: by so many ticks frames of parts are shown later than in the clip, so that each is decoded before.
    """

    def __init__(self, clip: Clip, suffix: str, quality: int) -> None:
        self.clip = clip
        self._kind = KINDS[suffix]
        source = clip if isinstance(clip, Video) else None
        self.codec = source.codec if source and source.codec in self._kind.codecs else self._kind.codecs[0]
        # RGB becomes YUV. What has the full range loses it: into that one, swscale rounds chroma down, which shifts
        # colours by up to two levels.
        said = source is not None and source.colors.matrix != 0
        self.colors = replace(source.colors, range=min(source.colors.range, 1)) if source and said else _SRGB
        if source and source.light and not source.keeps_light:
            self.colors = _BT709
        self._encoder = ENCODERS[self.codec]
        self.pixel_format = _pixel_format(clip, self._encoder.name)
        best, worst = self._encoder.best, self._encoder.worst
        crf = {"crf": str(round(worst + (best - worst) * quality / 100))} if best != worst else {}
        self._options = {**self._encoder.options, **crf}
        #: For how long the last frame shows, once it was written.
        self._last = 0
        self.part_suffix = f".{self._encoder.part}"
        self.ahead = 1 << 20 if self._encoder.part == "nut" else 0
        self.facts: Mapping[str, Any] = {
            "codec": self.codec,
            "pixels": self.pixel_format,
            "options": self._options,
            "colors": asdict(self.colors),
            "libraries": {name: list(version) for name, version in av.library_versions.items()},
        }

    # -- Parts ---------------------------------------------------------------------------------------------------------

    def part(self, path: Path) -> FilmPart:
        """See `impasto.video.parts.Writing`."""
        container = av.open(f"file:{path}", "w", format=self._encoder.part)
        return FilmPart(self, container, *self._add_video(container))

    def _add_video(self, container: Any) -> tuple[Any, tuple[int, ...]]:
        """The video of a file, and how many columns and rows have to be added for the encoder."""
        stream = container.add_stream(self._encoder.name, rate=self.clip.rate, options=self._options)
        size = self._stored(self.clip.width, self.clip.height)
        halved = "444" not in self.pixel_format
        pad = tuple(side % 2 if self._encoder.even and halved else 0 for side in size)
        context = stream.codec_context
        context.width, context.height = (side + more for side, more in zip(size, pad, strict=True))
        context.pix_fmt, context.time_base = self.pixel_format, self.clip.time_base
        self._tag(context)
        return stream, pad

    def ends(self, frame: Frame) -> None:
        """Take note of the last frame, for how long it shows."""
        self._last = frame.duration

    def _stored(self, width: int, height: int) -> tuple[int, int]:
        turned = isinstance(self.clip, Video) and self.clip.turns % 2
        return (height, width) if turned else (width, height)

    def _tag(self, context: Any) -> None:
        colors = self.colors
        context.color_primaries, context.color_trc = colors.primaries, colors.transfer
        context.colorspace, context.color_range = colors.matrix, colors.range
        if isinstance(self.clip, Video) and self.clip.pixel_aspect:
            context.sample_aspect_ratio = self.clip.pixel_aspect

    def times(self, path: Path) -> list[int]:
        """See `impasto.video.parts.Writing`; in the order in which frames are decoded."""
        found = [packet.pts for packet in self._part_packets(path)]
        if not found:
            raise FileProblem(f"There is nothing in {path}.")
        return found

    def _part_packets(self, path: Path) -> Iterator[Any]:
        """The packets of a part, in the time of the clip."""
        with opened(path) as container:
            for packet in container.demux():
                if packet.pts is not None:
                    ticks = Fraction(packet.time_base) / self.clip.time_base
                    packet.pts = round(packet.pts * ticks) - self.ahead + self.clip.start
                    packet.duration = round(packet.duration * ticks)
                    packet.time_base = self.clip.time_base
                    yield packet

    # -- Joining -------------------------------------------------------------------------------------------------------

    def lost(self, name: str) -> list[str]:
        """What of the clip the file to be written cannot hold, in sentences.

        Args:
            name: what that file is called.

        Raises:
            BadRequest: it is its sound, or it cannot hold the painting either.
        """
        out: Any = av.open(os.devnull, "w", format=self._kind.format)
        self._add_video(out)
        notes = self._lost(name, out) if isinstance(self.clip, Video) else []
        with self.in_words():
            out.start_encoding()
        return notes

    def _lost(self, name: str, out: Any) -> list[str]:
        assert isinstance(self.clip, Video)
        notes = []
        with opened(self.clip.path) as source:
            data = [stream for stream in source.streams if stream.type == "data"]
            if data and not source.chapters():  # which are a stream of data in MP4
                notes.append(f"{self.clip.path} has data in time, such as places or a time code: they are left out.")
            for _, copy, stream in _copies(source, out, self.clip.stream):
                if copy is not None:
                    continue
                codec = stream.codec_context.codec.canonical_name if stream.codec_context else stream.type
                if stream.type == "audio":
                    raise BadRequest(
                        f"{name} cannot hold the sound of {self.clip.path}, which is {codec}.",
                        "Name a file .mkv with -o, which holds nearly all.",
                    )
                notes.append(f"{name} cannot hold the {stream.type} ({codec}) of {self.clip.path}: it is left out.")
        return notes

    def join(self, parts: Sequence[Path], target: Path) -> None:
        """Put the parts, and all of the clip but its video, into one file; see `impasto.video.parts.Writing`."""
        with ExitStack() as stack:
            first = stack.enter_context(opened(parts[0]))
            source = stack.enter_context(opened(self.clip.path)) if isinstance(self.clip, Video) else None
            options = self._muxing(source) if self._kind.format in _ISO else {}
            out = stack.enter_context(av.open(f"file:{target}", "w", format=self._kind.format, options=options))
            video: Any = out.add_stream_from_template(first.streams.video[0], opaque=True)
            video.time_base, video.codec_context.framerate = self.clip.time_base, self.clip.rate
            self._tag(video.codec_context)
            if self.codec == "hevc" and self._kind.format in _ISO:
                video.codec_context.codec_tag = "hvc1"  # the other one, FFmpeg's, Apple's players do not take
            streams = [self._in_order(parts, video)]
            if isinstance(self.clip, Video):
                assert source is not None
                if self.clip.matrix:
                    video.set_display_matrix(self.clip.matrix)
                video.metadata.update(source.streams[self.clip.stream].metadata)
                out.metadata.update(source.metadata)
                out.set_chapters(source.chapters())
                copies = {index: copy for index, copy, _ in _copies(source, out, self.clip.stream) if copy is not None}
                if copies:
                    streams.append(_copied(source, copies))
            with self.in_words():
                for packet in heapq.merge(*streams, key=_second):
                    out.mux(packet)
                out.close()

    @contextmanager
    def in_words(self) -> Iterator[None]:
        """Say what FFmpeg does not do; what the system does not do is raised as it comes."""
        try:
            yield
        except av.FFmpegError as error:
            if isinstance(error, OSError):
                raise
            raise FileProblem(
                f"FFmpeg cannot write the painting of {self.clip.path} as {self.codec}: {error.strerror}.",
                "Name a file of another kind with -o, such as .mkv.",
            ) from error

    def _muxing(self, source: Any) -> dict[str, str]:
        """What FFmpeg is told of MP4 and MOV."""
        streams = source.streams if source else ()
        ticks = lcm(self.clip.time_base.denominator, *(Fraction(one.time_base).denominator for one in streams))
        # Else streams begin at whole milliseconds, each moved by a little of its own.
        options = {"movie_timescale": str(min(ticks, _FINEST))}
        if source and any("." in key for key in source.metadata):
            # Keys such as those of a phone's make and place have a box of their own.
            options["movflags"] = "use_metadata_tags"
        return options

    def _in_order(self, parts: Sequence[Path], stream: Any) -> Iterator[Any]:
        """The packets of all parts, with decoding times that rise from the first to the last."""
        decoded = [time for part in parts for time in self.times(part)]
        shown = sorted(decoded)
        places = {time: place for place, time in enumerate(shown)}
        # So many frames have to be decoded before the first is shown.
        ahead = max(number - places[time] for number, time in enumerate(decoded))
        for number, packet in enumerate(packet for part in parts for packet in self._part_packets(part)):
            packet.dts = shown[number - ahead] if number >= ahead else shown[0] - (shown[ahead] - shown[number])
            place = places[packet.pts]
            if place + 1 < len(shown):
                packet.duration = shown[place + 1] - shown[place]
            elif self._last:
                packet.duration = self._last
            packet.stream = stream
            yield packet


class FilmPart:
    """See `impasto.video.parts.Part`.

    Args:
        film: what it is a part of.
        container: of its file.
        stream: the video in it.
        pad: columns and rows that have to be added, because the encoder takes even sizes only.
    """

    def __init__(self, film: Film, container: Any, stream: Any, pad: tuple[int, ...]) -> None:
        self._film, self._container, self._stream, self._pad = film, container, stream, pad
        self._converter = VideoReformatter()
        self._count = 0

    def add(self, frame: Frame) -> None:
        """Write a frame."""
        with self._film.in_words():
            self._mux(self._stream.encode(self._converted(frame)))
        self._film.ends(frame)

    def close(self) -> None:
        """Write what is still on its way; the part is whole then."""
        with self._film.in_words():
            try:
                self._mux(self._stream.encode(None))
            finally:
                self._container.close()

    def _mux(self, packets: Sequence[Any]) -> None:
        for packet in packets:
            if self._film.ahead:
                # When they are decoded is found out at the end; x265 says it wrongly of parts with few frames.
                packet.pts, packet.dts = packet.pts + self._film.ahead, self._count
                self._count += 1
            self._container.mux(packet)

    def _converted(self, frame: Frame) -> Any:
        clip, colors = self._film.clip, self._film.colors
        clip.check_size(frame)
        pixels = np.rot90(frame.pixels, -clip.turns) if isinstance(clip, Video) else frame.pixels
        height, width = pixels.shape[:2]
        if any(self._pad):
            pixels = np.pad(pixels, ((0, self._pad[1]), (0, self._pad[0]), (0, 0)), "edge")
        pixels = np.ascontiguousarray(_on_white(pixels))
        if isinstance(clip, Video) and clip.light and clip.keeps_light:
            pixels = light.from_screen(pixels, clip.light)
        made = av.VideoFrame.from_ndarray(pixels, format="rgb48le" if pixels.dtype == np.uint16 else "rgb24")
        # The tags of the frame choose the conversion, those of the encoder are only written.
        made.colorspace, made.color_range = matrix_of(colors, width, height), colors.range
        made = self._converter.reformat(made, format=self._film.pixel_format, interpolation=EXACTLY)
        made.color_primaries, made.color_trc, made.colorspace = colors.primaries, colors.transfer, colors.matrix
        made.pts, made.time_base = frame.time - clip.start, clip.time_base
        return made


def _on_white(pixels: np.ndarray) -> np.ndarray:
    """Frames without their transparency, (H, W, 3)."""
    if pixels.shape[2] == 3:
        return pixels
    white = np.iinfo(pixels.dtype).max
    alpha = pixels[..., 3:].astype(np.float32) / white
    return np.rint(pixels[..., :3] * alpha + white * (1 - alpha)).astype(pixels.dtype)


def _pixel_format(clip: Clip, encoder: str) -> str:
    """The format of the source, or the nearest that the encoder has."""
    known = {one.name for one in av.codec.Codec(encoder, "w").video_formats or ()}
    source = clip.pixel_format if isinstance(clip, Video) else ""
    nearest = next((one for one in ("444p", "422p") if one in source), "420p")
    depths = ("10le", "") if clip.deep else ("", "10le")
    wanted = [f"yuv{one}{depth}" for depth in depths for one in (nearest, "420p", "422p", "444p")]
    return next(one for one in wanted if one in known)


def _copies(source: Any, out: Any, but: int) -> Iterator[tuple[int, Any, Any]]:
    """For each stream that is copied its index, the new one, or None if the file cannot hold it, and the old one."""
    for stream in source.streams:
        picture = stream.type == "video" and stream.disposition & stream.disposition.attached_pic
        if stream.index == but or not (picture or stream.type in ("audio", "subtitle", "attachment")):
            continue
        try:
            copy = out.add_stream_from_template(stream, opaque=True)
        except (ValueError, av.FFmpegError):
            yield stream.index, None, stream
            continue
        copy.metadata.update(stream.metadata)
        copy.disposition = stream.disposition
        yield stream.index, copy, stream


def _copied(source: Any, copies: dict[int, Any]) -> Iterator[Any]:
    """The packets that are copied; a file that is cut short ends where it does."""
    last: dict[int, int] = {}
    with suppress(av.FFmpegError):
        for packet in source.demux():
            index = packet.stream.index
            if packet.size and index in copies:
                if packet.dts is None:  # as that of an album's picture is
                    packet.pts = packet.dts = packet.pts or 0
                if packet.dts <= last.get(index, packet.dts - 1):  # of what is damaged; no file can hold that
                    packet.dts = last[index] + 1
                    packet.pts = max(packet.pts or 0, packet.dts)
                last[index] = packet.dts
                packet.stream = copies[packet.stream.index]
                yield packet


def _second(packet: Any) -> float:
    return float(packet.dts * Fraction(packet.time_base))
