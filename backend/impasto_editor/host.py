"""The face of an editor's own part: the functions that HOST.md describes. A module that has them is a host."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from impasto_link.pixels import Buffer, Region


class Animation(Protocol):
    """The frames of something animated on their way to be painted, in a copy that nobody sees until it is placed.

    Attributes:
        times: when each frame is seen, in seconds.
    """

    times: Sequence[float]

    def read(self, number: int) -> dict[str, Region]:
        """The pixels of a frame, and the selection within it, which is the same for all."""

    def put(self, number: int, pixels: Region) -> None:
        """Take the painting of a frame."""

    def place(self, mask: Buffer | None, title: str, *, group: bool, kept: str) -> tuple[Any, str]:
        """Show the paintings, once all have been put; as `Host.place`."""

    def close(self) -> None:
        """Forget the copy; of what was not placed nothing stays."""


class Host(Protocol):
    """What an editor has to be able to do; what is meant by layers and by sources is the host's business.

    All that others ask of a source is its ``bounds``, the rectangle to paint in pixels of the document.
    """

    def find_source(self, layer: Any, *, use_selection: bool, margin: int = 0, frames: bool = False) -> Any:
        """What of a layer, or of all of its frames, is to be painted. Raises Problem if nothing can be."""

    def read(self, source: Any) -> dict[str, Region]:
        """Its pixels, and the selection within it. Raises Problem if it is not there any more."""

    def read_small(self, source: Any, longest: int) -> tuple[dict[str, Region], float]:
        """The same, reduced, and by how much."""

    def read_picture(self, layer: Any) -> tuple[str, Region]:
        """The name and the pixels of a layer that is a style. Raises Problem if it is not there, or empty."""

    def place(
        self, source: Any, pixels: Region, mask: Buffer | None, title: str, *, group: bool, kept: str
    ) -> tuple[Any, str]:
        """Put a painting above its source. Raises Problem if the document is not there any more."""

    def animation(self, source: Any, *, in_range: bool) -> Animation:
        """The frames of something animated, or those in the playback range only. Raises Problem if there is none."""

    def give_subject(self, source: Any, mask: Region) -> None:
        """Have a layer show only what is in a mask. Raises Problem if that cannot be."""

    def kept(self, layer: Any) -> str:
        """What `place` has kept with a layer."""

    def read_setting(self, name: str, default: str) -> str:
        """A setting that the editor keeps."""

    def write_setting(self, name: str, value: str) -> None:
        """Have the editor keep a setting."""
