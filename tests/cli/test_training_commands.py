"""What all training commands do alike."""

from __future__ import annotations

import sys

import pytest

from impasto.cli.training import command_line


def test_a_card_says_how_it_was_called_without_folders_and_long_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    photos = [f"/home/me/photos/{number}.jpg" for number in range(40)]
    call = ["/venv/bin/impasto", "train", "mask", "--val", "a/one", "a/two", "--backgrounds", *photos, "--steps", "9"]
    monkeypatch.setattr(sys, "argv", call)
    assert command_line() == ("impasto train mask --val one two --backgrounds 0.jpg 'and 39 more files' --steps 9")
