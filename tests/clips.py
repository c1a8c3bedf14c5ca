"""Small clips that tests make themselves."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

RATE = 48000
#: What a phone does: frames come when they come, in 600ths of a second.
PHONE = Fraction(1, 600)
UNEVEN = (0, 19, 41, 60, 78, 103, 120, 141, 163, 180, 205, 221)
#: Where the click is in the sound, in seconds.
CLICK = 0.2


def photos(count: int, width: int, height: int, seed: int = 0) -> list[np.ndarray]:
    """Frames that move, (height, width, 3) uint8: soft shapes that drift."""
    rng = np.random.default_rng(seed)
    waves = rng.uniform(0.01, 0.06, (3, 2))
    y, x = np.mgrid[:height, :width]
    return [
        np.stack([127 + 100 * np.sin(a * x + b * y + 0.3 * time + 2 * n) for n, (a, b) in enumerate(waves)], -1).astype(
            np.uint8
        )
        for time in range(count)
    ]


def make_clip(
    path: Path,
    frames: Sequence[np.ndarray],
    *,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    times: Sequence[int] = (),
    time_base: Fraction = PHONE,
    rotation: int = 0,
    aspect: Fraction | None = None,
    colors: tuple[int, int, int, int] | None = None,
    matrix: int | None = None,
    sound: str = "",
    subtitles: str = "",
    chapters: bool = False,
    options: dict[str, str] | None = None,
    container: dict[str, str] | None = None,
) -> Path:
    """Write a clip.

    Args:
        frames: (H, W, 3) uint8 or uint16.
        times: their time stamps in ``time_base``; by default 30 a second.
        rotation: by which players turn it, counterclockwise.
        colors: tags: primaries, transfer, matrix and range, as numbers of ITU-T H.273.
        matrix: by which frames become YUV, if it is not that of the tags.
        sound, subtitles: FFmpeg's names of their codecs; of the sound, silence with a click at `CLICK`.
        options, container: what FFmpeg is told besides of the video and of the file.
    """
    height, width = frames[0].shape[:2]
    times = times or [number * 20 for number in range(len(frames))]
    quiet = {"x265-params": "log-level=error:bframes=0"} if codec == "libx265" else {}
    with av.open(str(path), "w", options=container or {}) as out:
        video: Any = out.add_stream(codec, rate=30, options={**quiet, **(options or {})})
        video.width, video.height, video.pix_fmt = width, height, pixels
        video.codec_context.time_base = time_base
        if aspect:
            video.codec_context.sample_aspect_ratio = aspect
        if rotation:
            video.set_display_rotation(rotation)
        if colors:
            context = video.codec_context
            context.color_primaries, context.color_trc, context.colorspace, context.color_range = colors
        audio: Any = out.add_stream(sound, rate=RATE) if sound else None
        text: Any = _add_subtitles(out, subtitles) if subtitles else None
        if chapters:
            out.metadata["title"] = "A day out"
            out.metadata["com.apple.quicktime.model"] = "Phone 9"
            out.set_chapters(
                [{"id": 1, "start": 0, "end": 200, "time_base": Fraction(1, 1000), "metadata": {"title": "Morning"}}]
            )
        for frame, time in zip(frames, times, strict=True):
            out.mux(video.encode(_converted(frame, pixels, time, time_base, colors, matrix)))
        out.mux(video.encode(None))
        if audio is not None:
            _add_sound(out, audio, times[-1] * time_base)
        if text is not None:
            _add_line(out, text)
    return path


def _converted(
    frame: np.ndarray,
    pixels: str,
    time: int,
    time_base: Fraction,
    colors: tuple[int, int, int, int] | None,
    matrix: int | None,
) -> av.VideoFrame:
    from av.video.reformatter import Interpolation

    made = av.VideoFrame.from_ndarray(frame, format="rgb48le" if frame.dtype == np.uint16 else "rgb24")
    if colors:
        made.colorspace, made.color_range = colors[2:]
    if matrix:
        made.colorspace = matrix
    exactly = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
    made = made.reformat(format=pixels, interpolation=exactly)
    if colors:
        made.color_primaries, made.color_trc, made.colorspace, made.color_range = colors
    made.pts, made.time_base = time, time_base
    return made


def _add_sound(container: Any, audio: Any, seconds: Fraction) -> None:
    samples = np.zeros((2, int(seconds * RATE) + 4800), np.float32)
    samples[:, int(CLICK * RATE) : int(CLICK * RATE) + 240] = 0.9
    for start in range(0, samples.shape[1], 960):
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples[:, start : start + 960]), "fltp", "stereo")
        frame.sample_rate, frame.pts, frame.time_base = RATE, start, Fraction(1, RATE)
        container.mux(audio.encode(frame))
    container.mux(audio.encode(None))


def _add_subtitles(container: Any, codec: str) -> Any:
    return container.add_mux_stream(codec, time_base=Fraction(1, 1000))


def _add_line(container: Any, stream: Any) -> None:
    packet = av.Packet(b"Look, a dog")
    packet.stream, packet.pts, packet.dts, packet.duration = stream, 100, 100, 150
    packet.time_base = Fraction(1, 1000)
    container.mux(packet)


def seconds_of(path: Path) -> list[Fraction]:
    """The time stamps of the frames of a clip, as FFmpeg has them."""
    with av.open(str(path)) as container:
        return [_second(frame) for frame in container.decode(video=0)]


def onset(path: Path) -> float:
    """When the click is heard, in seconds."""
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            loud = np.abs(frame.to_ndarray().astype(np.float32)).max(0)
            loud = loud / (32768 if frame.format.name.startswith("s16") else 1)
            if loud.max() > 0.4:
                return float(_second(frame)) + int(np.argmax(loud > 0.4)) / frame.sample_rate
    raise AssertionError("there is no click")


def _second(frame: Any) -> Fraction:
    return frame.pts * Fraction(frame.time_base)


def packets_of(path: Path, kind: str) -> list[bytes]:
    """The packets of the first stream of a kind, as they lie in the file."""
    with av.open(str(path)) as container:
        stream = next(one for one in container.streams if one.type == kind)
        return [bytes(packet) for packet in container.demux(stream) if packet.size]
