"""The Python API: the server behind Pillow images and numpy arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar, cast

import numpy as np
from PIL import Image

from impasto.command import SERVER_COMMAND
from impasto.imaging.files import READABLE, FileProblem, coverage, float_white, from_cmyk, read, settled
from impasto_link.client import Call, Client, Event
from impasto_link.coats import Coat, StyleChoice, Styles
from impasto_link.discovery import read_server_info
from impasto_link.errors import BadRequest
from impasto_link.frames import Frame
from impasto_link.launch import connect_or_start, names_remote
from impasto_link.options import MaskOptions, StylizeOptions
from impasto_link.pixels import PixelFormat, Region

ImageT = TypeVar("ImageT", Image.Image, np.ndarray)
#: What a style may be given as, besides its name.
AnyPicture = Image.Image | np.ndarray | Path
#: Pictures alone, or in a list or dict among names.
AnyStyle = Styles | AnyPicture | Iterable[str | StyleChoice | AnyPicture] | Mapping[str | Path, float]


def connect(*, timeout: float | None = None, on_wait: Callable[[float], None] = lambda _: None) -> Server:
    """Connect to the server of this user; if it does not run, it is started.

    A warning is logged if that takes long.

    Args:
        timeout: how long to wait at most, in seconds; None for as long as the server starts, or lives.
        on_wait: called with the seconds waited so far while it starts.

    Raises:
        ServerGone: it could not be started, or did not answer in time.
        WrongVersion: a server of another version runs.
    """

    def anew() -> Client:
        return connect_or_start(SERVER_COMMAND, timeout=timeout, on_wait=on_wait)

    return Server(anew(), None if names_remote() else anew)


class Painting:
    """A job under way: iterate over it for its events, or ask for its ``result``.

    >>> painting = server.start(photo, style="udnie")
    >>> for event in painting:
    ...     print(f"{event.fraction:.0%} {event.doing}")
    >>> picture = painting.result()
    """

    def __init__(self, client: Client, call: Call, kind: type, convert: Callable[[Region], Any]) -> None:
        self._client = client
        self._call = call
        self._kind = kind
        self._convert = convert

    def __iter__(self) -> Iterator[Event]:
        """Events as they happen, up to the end. Leaving the loop early cancels the job."""
        return self._client.events(self._call)

    def result(self) -> Any:
        """Wait for the end; the painted picture, of the kind that was sent. Raises ImpastoError if there is none."""
        return self._convert(self._regions()["pixels"])

    def mask(self) -> Any:
        """Wait for the end; where the painting shows: a gray image of 8 bits, or None if it shows everywhere."""
        mask = self._regions().get("mask")
        return None if mask is None else from_mask(mask, self._kind)

    def _regions(self) -> Mapping[str, Region]:
        if not self._call.finished:
            self._client.wait(self._call)
        if self._call.error is not None:
            raise self._call.error
        assert self._call.result is not None
        return self._call.result.regions

    def notes(self) -> list[str]:
        """Wait for the end; what the server has to say about the result, in sentences."""
        self._regions()
        assert self._call.result is not None
        return list(self._call.result.fields.get("notes", ()))

    def cancel(self, *, keep: bool = False) -> None:
        """Stop the work; ``result`` then raises Cancelled, or with ``keep`` gives a refinement's best so far."""
        self._client.cancel(self._call, keep=keep)


class Server:
    """A connection to the server; a context manager.

    Threads need one each. In a process forked from this one, as multiprocessing does, it is made anew at the first use;
    a job under way stays that of the process which began it.

    Args:
        client: the connection.
        anew: makes another one when the server has ended since, as it does when nobody uses it for an hour; without it
            the connection ends with the server.
    """

    def __init__(self, client: Client, anew: Callable[[], Client] | None = None) -> None:
        self._client = client
        self._anew = anew
        self._server = read_server_info()

    def _connected(self) -> Client:
        ended = not self._client.waits and read_server_info() != self._server
        if self._anew is not None and (self._client.is_forked or ended):
            self._client.close()
            self._client = self._anew()
            self._server = read_server_info()
        return self._client

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def stylize(
        self,
        image: ImageT,
        style: AnyStyle = (),
        *,
        background_style: AnyStyle = (),
        coats: Sequence[Coat] = (),
        mask: ImageT | None = None,
        selection: ImageT | None = None,
        pictures: Mapping[str, AnyPicture] | None = None,
        frame: Frame | None = None,
        **options: Any,
    ) -> ImageT:
        """Paint an image.

        Args:
            image: a Pillow image (RGB, RGBA, L, LA, 16 bit gray, I from 0 to 65535, F from 0 to 1; other modes are
                converted, CMYK to sRGB, and with a transparent colour to RGBA), or a numpy array of shape (H, W),
                (H, W, 1..4) and dtype uint8, uint16, float16, float32 or float64 (floats from 0 to 1), or bool, in
                sRGB. Its pixels count as they lie: turn a photo that was held sideways upright first, with Pillow's
                ``ImageOps.exif_transpose``.
            style: a name of the library, ``"name:weight"``, or a picture: an image as above or the Path of a file; or a
                list of those, or a dict of names or Paths and weights.
            background_style: likewise, what to paint the background like; ``style`` is then for the subject.
            coats: instead of both, what to paint where, from the bottom to the top, such as
                ``[Coat.of("udnie"), Coat.of("the-scream", "subject", strength=0.5)]``.
            mask: white where the subject is, instead of finding it: an image of the same size. Of a cut-out, which is
                transparent somewhere, its alpha counts, else its light.
            selection: where to paint at most; likewise.
            pictures: pictures as styles, by the names under which ``style``, ``background_style`` and ``coats`` have
                them.
            frame: which frame of which sequence it is, whose paintings are to follow one another without flicker:
                ``Frame(uuid, seconds)``.
            options: the other fields of `impasto_link.options.StylizeOptions` by name; ``refine`` may also be a word,
                such as ``"draft"``, or a number of iterations.

        Returns:
            The painted image, of the same kind, size, mode and colour profile; without a profile that cannot be meant
            for its mode; with ``color=True`` RGB of a gray one; uint8 of bool.

        Raises:
            ImpastoError: with a sentence that says what is wrong.
        """
        options = {"flatten": True, **options}
        painting = self.start(
            image,
            style,
            background_style=background_style,
            coats=coats,
            mask=mask,
            selection=selection,
            pictures=pictures,
            frame=frame,
            **options,
        )
        return cast(ImageT, painting.result())

    def start(
        self,
        image: Image.Image | np.ndarray,
        style: AnyStyle = (),
        *,
        background_style: AnyStyle = (),
        coats: Sequence[Coat] = (),
        mask: Image.Image | np.ndarray | None = None,
        selection: Image.Image | np.ndarray | None = None,
        pictures: Mapping[str, AnyPicture] | None = None,
        frame: Frame | None = None,
        **options: Any,
    ) -> Painting:
        """Begin to paint an image and return at once; arguments as for `stylize`.

        Without ``flatten=True`` the painting has a ``mask`` beside its ``result`` if it does not show everywhere.
        """
        named = dict(pictures or {})
        front = _choices(style, "picture", named)
        behind = _choices(background_style, "background-picture", named)
        if mask is not None and "area" not in options and not (behind or coats):
            options["area"] = "subject"
        chosen = StylizeOptions.of(front, background_style=behind, coats=tuple(coats), **options)
        region, convert = to_region(image)
        if chosen.color and region.format.is_gray:
            _check_depth(image, region, "colours")
        client = self._connected()
        call = client.stylize(
            region,
            chosen,
            mask=_gray_region(mask),
            selection=_gray_region(selection),
            pictures={
                name: read(one)[0] if isinstance(one, Path) else to_region(one)[0] for name, one in named.items()
            },
            frame=frame,
        )
        return Painting(client, call, type(image), convert)

    def mask(self, image: ImageT, **options: Any) -> ImageT:
        """Find the subject of an image.

        Args:
            image: as for `stylize`.
            options: the fields of `impasto_link.options.MaskOptions` by name.

        Returns:
            A gray image of the same kind and size, uint8: 255 where the subject is.

        Raises:
            NoSubject: there is none.
            ImpastoError: with a sentence that says what else is wrong.
        """
        region, _ = to_region(image)
        client = self._connected()
        result = client.wait(client.mask(region, MaskOptions(**options)))
        return cast(ImageT, from_mask(result.regions["mask"], type(image)))

    def cutout(self, image: ImageT, **options: Any) -> ImageT:
        """The subject of an image by itself: transparent elsewhere, its edge freed of the background's colours.

        Arguments and errors as for `mask`.

        Returns:
            An image of the same kind, size and depth, with alpha.
        """
        region, convert = to_region(image)
        _check_depth(image, region, "alpha")
        client = self._connected()
        result = client.wait(client.mask(region, MaskOptions(cutout=True, **options)))
        return cast(ImageT, convert(result.regions["pixels"]))

    def styles(self, *, thumbnails: bool = False) -> list[dict[str, Any]]:
        """The style library: for each style its name, title, artist, year, bank and, if asked for, thumbnail (JPEG)."""
        found = self._connected().ask("styles", {"thumbnails": thumbnails}).fields["styles"]
        return cast("list[dict[str, Any]]", found)

    def status(self) -> dict[str, Any]:
        """What the server is doing: version, uptime, queue, and for each worker device, memory and models."""
        return {
            key: value
            for key, value in self._connected().ask("status").fields.items()
            if key not in ("v", "id", "event", "frames")
        }

    def shutdown(self) -> None:
        """Stop the server, whoever uses it."""
        self._client.ask("shutdown")

    def close(self) -> None:
        """Close the connection; jobs that are still under way are cancelled."""
        self._client.close()


def _choices(style: AnyStyle, name: str, pictures: dict[str, AnyPicture]) -> tuple[StyleChoice, ...]:
    """The styles that were named; pictures get names, under which they are now among ``pictures``."""

    def choice(one: Any, weight: float | None = None) -> StyleChoice:
        if isinstance(one, StyleChoice):
            return one
        if isinstance(one, str):
            _check_name(one, pictures)
            named = StyleChoice.parse(one) if weight is None else StyleChoice(one, weight)
            return replace(named, kind="frame" if named.name in pictures else "library")
        if not isinstance(one, (Image.Image, np.ndarray, Path)):
            raise BadRequest(f"{one!r} is no style.", "Give a name, a Pillow image, an array or a Path.")
        word = next(word for number in count(1) if (word := f"{name}-{number}") not in pictures)
        pictures[word] = one
        return StyleChoice(word, 1.0 if weight is None else weight, "frame")

    if isinstance(style, Mapping):
        return tuple(choice(one, weight) for one, weight in style.items())
    if isinstance(style, Iterable) and not isinstance(style, (str, np.ndarray)):
        return tuple(map(choice, style))
    return (choice(style),)


def _check_name(word: str, pictures: Mapping[str, AnyPicture]) -> None:
    """Tell who names a file as the command line does, that here it may be a name of the library only."""
    name = word.partition(":")[0]
    if name not in pictures and (Path(name).suffix.lower() in READABLE or set(name) & set("/\\")):
        raise BadRequest(
            f"{word!r} looks like a file, but a text names a style of the library.",
            f"For a picture as a style: Path({name!r}).",
        )


def _check_depth(image: Any, region: Region, what: str) -> None:
    """Find out whether an image of this kind could be given back with alpha or in colours."""
    if isinstance(image, Image.Image) and region.format.dtype != "u8":
        array = "numpy.asarray(image)" + (".astype('uint16')" if image.mode == "I" else "")
        raise BadRequest(f"Pillow has no image of 16 bits or floats with {what}.", f"Use a numpy array: {array}.")


_DTYPES = {"uint8": "u8", "uint16": "u16", "float16": "f16", "float32": "f32"}
_CHANNELS = {1: "GRAY", 2: "GRAYA", 3: "RGB", 4: "RGBA"}
_MODES = {"L": "GRAY", "LA": "GRAYA", "RGB": "RGB", "RGBA": "RGBA"}
_MODE_OF = {channels: mode for mode, channels in _MODES.items()}


def _gray_region(mask: Image.Image | np.ndarray | None) -> Region | None:
    if mask is None:
        return None
    region = to_region(mask)[0]
    return region if region.format.channels == "GRAY" else coverage(region)


def from_mask(mask: Region, kind: type) -> Image.Image | np.ndarray:
    """A gray region of 8 bits as an image of a kind: a numpy array, or else Pillow's."""
    values = np.frombuffer(mask.data, np.uint8).reshape(mask.format.height, mask.format.width)
    return values.copy() if issubclass(kind, np.ndarray) else Image.fromarray(values)


def to_region(image: Image.Image | np.ndarray) -> tuple[Region, Callable[[Region], Any]]:
    """An image as a region, and the function that makes an image of the same kind of the result."""
    if isinstance(image, Image.Image):
        return _from_pillow(image)
    if isinstance(image, np.ndarray):
        return _from_array(image)
    raise BadRequest(
        f"An image has to be a Pillow image or a numpy array, not a {type(image).__name__}.",
        "Open a file with: PIL.Image.open(path)." if isinstance(image, (str, Path)) else "",
    )


def _from_array(array: np.ndarray) -> tuple[Region, Callable[[Region], Any]]:
    channels = 1 if array.ndim == 2 else array.shape[-1] if array.ndim == 3 else 0
    values = _as_sent(array)
    if channels not in _CHANNELS or values.dtype.name not in _DTYPES:
        raise BadRequest(
            f"An array of shape {array.shape} and type {array.dtype} is not taken for an image.",
            "Use (H, W) or (H, W, 1 to 4) and uint8, uint16, bool, or floats; such as: array.astype('uint8').",
        )
    height, width = array.shape[:2]
    form = PixelFormat(width, height, _CHANNELS[channels], _DTYPES[values.dtype.name])
    little = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<"))
    dtype = values.dtype if array.dtype == bool else array.dtype

    def back(region: Region) -> np.ndarray:
        result = np.frombuffer(region.data, little.dtype).astype(dtype)
        shape = (region.format.height, region.format.width)
        return result.reshape(shape if array.ndim == 2 and region.format.channels == "GRAY" else (*shape, -1))

    return Region(form, little.reshape(-1).view(np.uint8).data), back


def _as_sent(array: np.ndarray) -> np.ndarray:
    """The values in a number format that pictures have, where their meaning is clear."""
    if array.dtype == bool:
        return array.astype(np.uint8) * 255
    if array.dtype.kind != "f":
        return array
    colors = array.shape[-1] - 1 if array.ndim == 3 and array.shape[-1] in (2, 4) else None
    parts = [array] if colors is None else [array[..., :colors], array[..., colors:]]
    try:
        white = max(map(float_white, parts))
    except FileProblem as error:
        raise BadRequest(error.message, error.hint) from error
    if white != 1:
        raise BadRequest(
            f"An array of floats has values from 0 to 1, this one up to {np.nanmax(array):g}.",
            f"Scale it: array / {white:g}.",
        )
    return array.astype(np.float32) if array.dtype.itemsize > 4 else array


def _is_deep(image: Image.Image) -> bool:
    """Whether it is gray of more than 8 bits, which Pillow's own conversion would cut off at 255."""
    return image.mode in ("I", "F") or image.mode.startswith("I;16")


def _deep_values(image: Image.Image) -> np.ndarray:
    """What `_is_deep` says yes to, as 16 bits, or as floats from 0 to 1."""
    values = np.asarray(image)
    white = 1 if image.mode == "F" else 65535
    if values.size and not (values.min() >= 0 and values.max() <= white):  # nor what is not a number
        raise BadRequest(
            f"A Pillow image of mode {image.mode} has values from 0 to {white}, this one from {values.min():g} to "
            f"{values.max():g}.",
            f"Scale them, such as: image.point(lambda value: value / {255 if white == 1 else 256}).",
        )
    return values if image.mode == "F" else values.astype(np.uint16)


def _mode_for(image: Image.Image) -> str:
    """The mode in which an image of 8 bits is sent: with alpha, where a colour, or one of a palette, is transparent."""
    gray, clear = image.mode in ("1", "L", "LA", "La"), image.has_transparency_data
    return ("LA" if clear else "L") if gray else ("RGBA" if clear else "RGB")


def _from_pillow(image: Image.Image) -> tuple[Region, Callable[[Region], Any]]:
    profile = image.info.get("icc_profile") or None
    if image.mode == "CMYK":
        # The profile has done its work with the inks.
        region, profile = from_cmyk(image.tobytes(), *image.size, profile), None
    elif _is_deep(image):
        region = _from_array(_deep_values(image))[0]
    else:
        if image.mode != (mode := _mode_for(image)):
            image = image.convert(mode)
        region = Region(PixelFormat(*image.size, _MODES[image.mode]), image.tobytes())
    if profile is not None:
        region = settled(Region(replace(region.format, encoding="icc"), region.data, profile), "the image")

    def back(result: Region) -> Image.Image:
        form = result.format
        if form.dtype == "u8":
            mode = raw = _MODE_OF[form.channels]
        else:
            mode = image.mode if image.mode in ("I", "F") else "I;16"
            raw = "F;32F" if mode == "F" else "I;16"
        painted = Image.frombytes(mode, (form.width, form.height), bytes(result.data), "raw", raw)
        if result.profile is not None:
            painted.info["icc_profile"] = bytes(result.profile)
        return painted

    return region, back
