"""Krita's settings file: one line in it switches a plugin on."""

from __future__ import annotations

import os
from pathlib import Path


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
