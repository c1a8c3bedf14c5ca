"""Krita's settings file: one line in it switches a plugin on, another says where the resources are."""

from __future__ import annotations

import os
import re
from pathlib import Path

#: The key may have flags: of ``[$e]`` the value is expanded.
_MOVED = re.compile(rb"ResourceDirectory(?:\[\$\w+\])?\s*=(.*)")
_ESCAPE = re.compile(rb"\\(x[0-9A-Fa-f]{2}|[stnr\\])")
_ESCAPED = {b"s": b" ", b"t": b"\t", b"n": b"\n", b"r": b"\r", b"\\": b"\\"}
_HOME = re.compile(r"\$(?:HOME|\{HOME\})(?=[/\\]|$)")


def resource_folder(kritarc: Path, home: Path) -> str:
    """What Settings > Configure Krita > General > Resource Folder says, as it stands there; empty if it says nothing.

    Args:
        kritarc: the settings file.
        home: what ``$HOME`` stands for in it.
    """
    try:
        lines = kritarc.read_bytes().splitlines()
    except OSError:
        return ""
    value = b""
    for line in map(bytes.strip, lines):
        # It belongs to no group, so it stands before the first one.
        if line.startswith(b"["):
            break
        if found := _MOVED.fullmatch(line):
            value = found[1].strip()
    # What is escaped are bytes, of which several may make one letter.
    folder = _ESCAPE.sub(_unescaped, value).decode("utf-8", "surrogateescape")
    at_home = _HOME.match(folder)
    return f"{home}{folder[at_home.end() :]}" if at_home else folder


def _unescaped(found: re.Match[bytes]) -> bytes:
    return _ESCAPED.get(found[1]) or bytes.fromhex(found[1][1:].decode())


def switch(kritarc: Path, plugin: str, on: bool) -> None:
    """Switch a plugin on or off, and leave everything else as it is, byte for byte."""
    try:
        text = kritarc.read_bytes().decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        text = ""
    changed = with_plugin(text, plugin, on)
    if changed == text:
        return
    kritarc.parent.mkdir(parents=True, exist_ok=True)
    # A symbolic link, as those keep who manage their settings elsewhere, stays one.
    target = kritarc.resolve()
    partial = target.with_name(f"{target.name}.impasto")
    partial.write_bytes(changed.encode("utf-8", "surrogateescape"))
    if target.exists():
        partial.chmod(target.stat().st_mode)
    os.replace(partial, target)


def with_plugin(text: str, plugin: str, on: bool) -> str:
    """The settings with the plugin switched on, or as if it had never been there."""
    newline = "\r\n" if "\r\n" in text else "\n"
    lines = text.split(newline)
    key = f"enable_{plugin}"
    entry = f"{key}=true"
    start = next((index for index, line in enumerate(lines) if line.strip() == "[python]"), None)
    if start is None:
        if not on:
            return text
        body = text if not text or text.endswith(newline) else text + newline
        gap = newline if body else ""
        return f"{body}{gap}[python]{newline}{entry}{newline}"
    end = next((i for i in range(start + 1, len(lines)) if lines[i].startswith("[")), len(lines))
    kept = [line for line in lines[start + 1 : end] if line.partition("=")[0].strip() != key]
    if on and any(line.strip() == entry for line in lines[start + 1 : end]):
        return text
    return newline.join([*lines[: start + 1], *([entry] if on else []), *kept, *lines[end:]])
