"""Clips as they are written: in parts, each of which begins with a key frame, and then joined with sound and subtitles."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from impasto.imaging.problems import FileProblem, cannot_write
from impasto.video.reading import EXACTLY, Clip, Colors, Frame, Video, matrix_of, opened
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
    """

    name: str
    best: int = 0
    worst: int = 0
    options: dict[str, str] = {}
    even: bool = False


#: By FFmpeg's name of the codec.
ENCODERS = {
    "h264": Encoder("libx264", 10, 50, even=True),
    "hevc": Encoder("libx265", 12, 52, {"x265-params": "log-level=error"}, even=True),
    "vp9": Encoder("libvpx-vp9", 12, 63, {"row-mt": "1", "cpu-used": "4"}),
    "av1": Encoder("libsvtav1", 12, 63, {"preset": "8"}, even=True),
    "prores": Encoder("prores_ks"),
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
#: Of parts: it holds each codec and each time base.
_PART = "nut"


@dataclass(frozen=True)
class Form:
    """How the painting of a clip is written.

    Attributes:
        suffix: of its file.
        codec: FFmpeg's name of the codec.
        pixel_format: FFmpeg's name of how pixels lie in it.
        colors: what is said of them.
        quality: 1 to 100.
    """

    suffix: str
    codec: str
    pixel_format: str
    colors: Colors
    quality: int

    @property
    def encoder(self) -> Encoder:
        """How that codec is written."""
        return ENCODERS[self.codec]

    def options(self) -> dict[str, str]:
        """What the encoder is told."""
        best, worst = self.encoder.best, self.encoder.worst
        crf = {"crf": str(round(worst + (best - worst) * self.quality / 100))} if best != worst else {}
        return {**self.encoder.options, **crf}


def form_for(clip: Clip, suffix: str, quality: int) -> Form:
    """As the clip came, as far as a file of that suffix and the encoders go."""
    codecs = KINDS[suffix].codecs
    source = clip.codec if isinstance(clip, Video) else ""
    codec = source if source in codecs else codecs[0]
    colors = clip.colors if isinstance(clip, Video) else Colors()
    if colors.matrix == 0:  # RGB becomes YUV
        colors = Colors(colors.primaries, colors.transfer)
    return Form(suffix, codec, _pixel_format(clip, ENCODERS[codec].name), colors, quality)


def _pixel_format(clip: Clip, encoder: str) -> str:
    """The format of the source, or the nearest that the encoder has."""
    known = {one.name for one in av.codec.Codec(encoder, "w").video_formats or ()}
    subsampling = next((one for one in ("444p", "422p") if isinstance(clip, Video) and one in clip.pixel_format), "420p")
    depths = ("10le", "") if clip.deep else ("", "10le")
    wanted = [f"yuv{one}{depth}" for depth in depths for one in (subsampling, "420p", "422p", "444p")]
    return next(one for one in wanted if one in known)


class Part:
    """A part that is being written.

    Args:
        path: of its file.
        clip: what is painted.
        form: how it is written.
    """

    def __init__(self, path: Path, clip: Clip, form: Form) -> None:
        self._clip, self._form = clip, form
        self._video = isinstance(clip, Video) and clip or None
        # Else all of the part would be put off by as long as its first frame has to wait for others.
        self._container = av.open(f"file:{path}", "w", format=_PART, options={"avoid_negative_ts": "disabled"})
        self._converter = VideoReformatter()
        encoder = form.encoder
        self._stream: Any = self._container.add_stream(encoder.name, rate=clip.rate, options=form.options())
        turned = self._video is not None and self._video.turns % 2
        size = (clip.height, clip.width) if turned else (clip.width, clip.height)
        self._pad = tuple(side % 2 if encoder.even and "444" not in form.pixel_format else 0 for side in size)
        context = self._stream.codec_context
        context.width, context.height = (side + more for side, more in zip(size, self._pad, strict=True))
        context.pix_fmt = form.pixel_format
        context.time_base = clip.time_base
        if self._video is not None and self._video.pixel_aspect:
            context.sample_aspect_ratio = self._video.pixel_aspect
        set_colors(context, form.colors)

    def add(self, frame: Frame) -> None:
        """Write a frame."""
        self._container.mux(self._stream.encode(self._encoded(frame)))

    def close(self) -> None:
        """Write what is still on its way; the part is whole then."""
        try:
            self._container.mux(self._stream.encode(None))
        finally:
            self._container.close()

    def _encoded(self, frame: Frame) -> Any:
        pixels = np.rot90(frame.pixels, -self._video.turns) if self._video else frame.pixels
        if any(self._pad):
            pixels = np.pad(pixels, ((0, self._pad[1]), (0, self._pad[0]), (0, 0)), "edge")
        pixels = np.ascontiguousarray(pixels[..., :3])
        made = av.VideoFrame.from_ndarray(pixels, format="rgb48le" if pixels.dtype == np.uint16 else "rgb24")
        colors = self._form.colors
        # The tags of the frame choose the conversion, those of the encoder are only written.
        made.colorspace, made.color_range = matrix_of(colors, made.height - self._pad[1]), colors.range
        made = self._converter.reformat(made, format=self._form.pixel_format, interpolation=EXACTLY)
        made.color_primaries, made.color_trc = colors.primaries, colors.transfer
        made.colorspace = colors.matrix
        made.pts, made.time_base = frame.time - self._clip.start, self._clip.time_base
        return made


def set_colors(context: Any, colors: Colors) -> None:
    """Tag what is encoded."""
    context.color_primaries, context.color_trc = colors.primaries, colors.transfer
    context.colorspace, context.color_range = colors.matrix, colors.range


def times(path: Path, clip: Clip) -> list[int]:
    """The time stamps of the frames in a part of a clip's painting, in the order in which they are decoded.

    Raises:
        FileProblem: it is damaged.
    """
    found = [packet.pts for packet in _all_packets(path, clip)]
    if not found:
        raise FileProblem(f"There is nothing in {path}.")
    return found


# -- Joining -----------------------------------------------------------------------------------------------------------


def join(parts: Sequence[Path], clip: Clip, form: Form, target: Path) -> None:
    """Put the parts of a painting, and all of the clip but its video, into one file.

    Raises:
        FileProblem: it cannot be written.
    """
    with ExitStack() as stack:
        source = stack.enter_context(opened(clip.path)) if isinstance(clip, Video) else None
        first = stack.enter_context(opened(parts[0]))
        out = stack.enter_context(_writing(target, KINDS[form.suffix].format))
        video = out.add_stream_from_template(first.streams.video[0], opaque=True)
        video.time_base, video.codec_context.framerate = clip.time_base, clip.rate
        set_colors(video.codec_context, form.colors)
        copied = {}
        if isinstance(clip, Video):
            assert source is not None
            if clip.matrix:
                video.set_display_matrix(clip.matrix)
            if clip.pixel_aspect:
                video.codec_context.sample_aspect_ratio = clip.pixel_aspect
            video.metadata.update(source.streams[clip.stream].metadata)
            copied = {index: stream for index, stream, _ in _copies(source, out, clip) if stream is not None}
            out.metadata.update(source.metadata)
            out.set_chapters(source.chapters())
        moving = _in_decoding_order(parts, clip, video)
        sound = _packets(source, copied) if copied else iter(())
        for packet in _by_time(moving, sound):
            out.mux(packet)


@contextmanager
def _writing(path: Path, format: str) -> Iterator[Any]:
    try:
        with av.open(f"file:{path}", "w", format=format) as container:
            yield container
    except av.FFmpegError as error:
        if isinstance(error, OSError):
            raise cannot_write(path, error) from error
        raise


def _copies(source: Any, out: Any, clip: Video) -> Iterator[tuple[int, Any, Any]]:
    """For each stream that is copied its index, the new one, or None if the file cannot hold it, and the old one."""
    for stream in source.streams:
        if stream.index == clip.stream:
            continue
        picture = stream.type == "video" and stream.disposition & stream.disposition.attached_pic
        if stream.type not in ("audio", "subtitle", "attachment") and not picture:
            continue
        try:
            copy = out.add_stream_from_template(stream, opaque=True)
            copy.metadata.update(stream.metadata)
            copy.disposition = stream.disposition
            yield stream.index, copy, stream
        except (ValueError, av.FFmpegError):
            yield stream.index, None, stream


def check_streams(clip: Clip, target: Path) -> list[str]:
    """What of the clip the file to be written cannot hold, in sentences.

    Raises:
        BadRequest: it is its sound.
    """
    if not isinstance(clip, Video):
        return []
    notes = []
    with opened(clip.path) as source:
        out: Any = av.open(os.devnull, "w", format=KINDS[target.suffix.lower()].format)
        for _, copy, stream in _copies(source, out, clip):
            if copy is not None:
                continue
            name = stream.codec_context.codec.canonical_name if stream.codec_context else stream.type
            if stream.type == "audio":
                raise BadRequest(
                    f"A file {target.suffix} does not hold the sound of {clip.path}, which is {name}.",
                    f"Name another with -o, such as {target.with_suffix('.mkv').name}.",
                )
            notes.append(
                f"A file {target.suffix} does not hold a stream of {clip.path} ({stream.type}, {name}): it is left out. "
                "A file .mkv may hold it."
            )
    return notes


def _in_decoding_order(parts: Sequence[Path], clip: Clip, stream: Any) -> Iterator[Any]:
    """The packets of all parts, with decoding times that rise from the first to the last."""
    packets = (packet for part in parts for packet in _all_packets(part, clip))
    decoded = [time for part in parts for time in times(part, clip)]
    shown = sorted(decoded)
    places = {time: place for place, time in enumerate(shown)}
    # So many frames have to be decoded before the first is shown.
    ahead = max(number - places[time] for number, time in enumerate(decoded))
    for number, packet in enumerate(packets):
        packet.dts = shown[number - ahead] if number >= ahead else shown[0] - (shown[ahead] - shown[number])
        place = places[packet.pts]
        if place + 1 < len(shown):
            packet.duration = shown[place + 1] - shown[place]
        packet.stream = stream
        yield packet


def _all_packets(part: Path, clip: Clip) -> Iterator[Any]:
    """The packets of a part, in the time of the clip."""
    with opened(part) as container:
        for packet in container.demux():
            if packet.pts is not None:
                ticks = Fraction(packet.time_base) / clip.time_base
                packet.pts, packet.duration = round(packet.pts * ticks) + clip.start, round(packet.duration * ticks)
                packet.time_base = clip.time_base
                yield packet


def _packets(source: Any, copied: dict[int, Any]) -> Iterator[Any]:
    """What is copied; a file that is cut short ends where it does."""
    try:
        for packet in source.demux():
            if packet.dts is not None and packet.stream.index in copied:
                packet.stream = copied[packet.stream.index]
                yield packet
    except av.FFmpegError:
        return


def _by_time(one: Iterator[Any], other: Iterator[Any]) -> Iterator[Any]:
    """The packets of both, the earlier first."""
    waiting = [[next(stream, None), stream] for stream in (one, other)]
    while any(packet is not None for packet, _ in waiting):
        first = min((pair for pair in waiting if pair[0] is not None), key=lambda pair: _second(pair[0]))
        yield first[0]
        first[0] = next(first[1], None)  # type: ignore[call-overload]


def _second(packet: Any) -> float:
    return float(packet.dts * Fraction(packet.time_base))
