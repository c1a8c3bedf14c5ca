"""Messages: one msgpack header frame, then raw frames that the header describes one by one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgpack

from impasto_link.errors import BadRequest, WrongVersion, quoted
from impasto_link.pixels import Buffer, PixelFormat, Region
from impasto_link.sentences import say
from impasto_link.shared import SharedFolder

#: The version of the protocol; a change that an older side cannot ignore raises it.
PROTOCOL = 2

#: What every version can be asked, and answers alike; this never changes.
ANY_VERSION = frozenset({"hello", "status", "shutdown"})

#: What is asked is words and numbers, and a few pictures. Larger headers and more frames are a mistake or an attack.
MAX_HEADER = 1 << 20
MAX_FRAMES = 64
#: The header of an answer may hold a library's thumbnails.
MAX_ANSWER = 1 << 26

Header = dict[str, Any]


def encode(
    header: Mapping[str, Any], regions: Mapping[str, Region] | None = None, folder: SharedFolder | None = None
) -> list[Buffer]:
    """A message of a header and regions by their role ("pixels", "mask").

    Large frames go into ``folder``, if there is one that the other side sees, and are empty in the message.
    """
    descriptions: list[dict[str, Any]] = []
    frames: list[Buffer] = []
    for role, region in (regions or {}).items():
        entry = {"kind": role, **region.format.to_wire()}
        name = None if folder is None else folder.put(region.data)
        if name is None:
            frames.append(region.data)
        else:
            entry["shared"] = name
            frames.append(b"")
        if region.profile is not None:
            entry["profile"] = len(frames)
            frames.append(region.profile)
        descriptions.append(entry)
        if region.profile is not None:
            descriptions.append({"kind": "profile"})
    return [pack({**header, "frames": descriptions}), *frames]


def pack(header: Mapping[str, Any]) -> bytes:
    """A header frame. ``frames`` are those that the header names itself; a header passed on keeps them.

    Any text can be sent: names of files may hold bytes that are none, and are spelled out.
    """
    return bytes(msgpack.packb({"frames": [], **header, "v": PROTOCOL}, unicode_errors="backslashreplace"))


def decode_header(frame: Buffer, limit: int = MAX_HEADER) -> Header:
    """The header of a message of at most ``limit`` bytes, its version not yet checked.

    Raises:
        BadRequest: it is not a msgpack map with text keys, or too large.
    """
    view = memoryview(frame)
    if view.nbytes > limit:
        raise BadRequest(
            say("The header has {nbytes} bytes; at most {limit} are taken.", nbytes=view.nbytes, limit=limit)
        )
    try:
        header = msgpack.unpackb(view, raw=False, strict_map_key=True)
    except (ValueError, TypeError, RecursionError, MemoryError, OverflowError, msgpack.UnpackException) as error:
        raise BadRequest(say("The header is not msgpack: {error}.", error=error or type(error).__name__)) from None
    if not isinstance(header, dict) or not all(isinstance(key, str) for key in header):
        raise BadRequest("The header is not a map with text keys.")
    return header


def check_version(header: Mapping[str, Any]) -> None:
    """Raise WrongVersion unless the other side speaks this version of the protocol."""
    if header.get("v") != PROTOCOL:
        raise wrong_version(header.get("v"), PROTOCOL)


def wrong_version(clients: object, servers: object, process: object = None) -> WrongVersion:
    """The error that the two sides speak different versions of the protocol; the server is that ``process``."""
    hint = say("Install the same version of Impasto on both sides and start the server anew.")
    if process is not None:
        hint = say(
            "Install the same version of Impasto on both sides and start the server anew. The server is process "
            "{process}; this ends it: impasto stop",
            process=quoted(process),
        )
    return WrongVersion(
        say(
            "The two sides speak different versions of the protocol: {clients} and {servers}.",
            clients=quoted(clients),
            servers=quoted(servers),
        ),
        hint,
    )


def decode_regions(
    header: Header, frames: Sequence[Buffer], fetch: Callable[[object], memoryview] | None = None
) -> dict[str, Region]:
    """The regions of a message by their role.

    Args:
        header: of the message.
        frames: the others.
        fetch: gives the frame in shared memory that has a name; without it, the message may not have any.

    Raises:
        BadRequest: descriptions and frames do not fit each other.
    """
    descriptions = header.get("frames", [])
    if len(frames) > MAX_FRAMES:
        raise BadRequest(
            say(
                "The message has {frames} frames; at most {max_frames} are taken.",
                frames=len(frames),
                max_frames=MAX_FRAMES,
            )
        )
    if not isinstance(descriptions, list) or len(descriptions) != len(frames):
        raise BadRequest(
            say("The header does not describe the {frames} frames that came with it, one by one.", frames=len(frames))
        )
    regions: dict[str, Region] = {}
    for entry, frame in zip(descriptions, frames, strict=True):
        kind = entry.get("kind") if isinstance(entry, dict) else None
        if not isinstance(kind, str):
            raise BadRequest("The description of a frame does not say what kind it is.")
        if kind == "profile":
            continue
        profile = None
        if "profile" in entry:
            index = entry["profile"]
            if type(index) is not int or not 0 <= index < len(frames):
                raise BadRequest(
                    say("The frame {index}, said to be a colour profile, is not there.", index=quoted(index))
                )
            profile = bytes(frames[index])
        if "shared" in entry:
            if fetch is None:
                raise BadRequest("A frame is said to be in shared memory, and there is none between the two sides.")
            frame = fetch(entry["shared"])
        regions[kind] = Region(PixelFormat.from_wire(entry), frame, profile)
    return regions


def shared_frames(header: Header) -> dict[str, int]:
    """The names of the frames of a message that are in shared memory, and how many bytes each has."""
    entries = (entry for entry in header.get("frames", ()) if "shared" in entry)
    return {str(entry["shared"]): PixelFormat.from_wire(entry).nbytes for entry in entries}
