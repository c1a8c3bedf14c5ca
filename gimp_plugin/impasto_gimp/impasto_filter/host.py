"""Everything that is special about GIMP: what can be painted, reading pixels, placing a result.

Coordinates are those of the layer, as its buffer has them, not of the image. Nothing of GIMP is called when this module
is imported.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import gi

gi.require_version("Gimp", "3.0")
gi.require_version("Gegl", "0.4")
gi.require_version("Babl", "0.1")

from gi.repository import Babl, Gegl, Gimp  # noqa: E402

from impasto_editor.pictures import gone  # noqa: E402
from impasto_editor.texts import tr  # noqa: E402
from impasto_filter import animation as frame_names  # noqa: E402
from impasto_filter import kept as keeping  # noqa: E402
from impasto_filter import settings as set_once  # noqa: E402
from impasto_filter.formats import Encoding  # noqa: E402
from impasto_link.bounds import Bounds  # noqa: E402
from impasto_link.errors import Problem  # noqa: E402
from impasto_link.pixels import Buffer, PixelFormat, Region  # noqa: E402

#: The longest side at which a picture to paint like is sent.
PICTURE_SIDE = 1024
#: The pixels of previews. A name without a space means sRGB.
_PREVIEW = "R'G'B'A u8"
#: Masks and selections are linear in GIMP, whatever the image is.
_MASK = "Y u8"


@dataclass(frozen=True)
class Source:
    """What is to be painted.

    Attributes:
        image: the image.
        layer: the layer, or group of layers.
        whole: the rectangle of all of the layer.
        bounds: the rectangle to paint.
        selected: whether a selection limits it.
        effects: whether the layer has effects that its own pixels do not show.
        native: babl's format of its pixels.
        format: babl's name of its pixels as they are sent and come back.
    """

    image: Any
    layer: Any
    whole: Bounds
    bounds: Bounds
    selected: bool
    effects: bool
    native: Any
    format: str

    @property
    def name(self) -> str:
        """The name of the layer."""
        return str(self.layer.get_name())

    @classmethod
    def of(cls, image: Any, layer: Any, bounds: Bounds | None = None) -> Source:
        """A layer, within some bounds if a selection limits it."""
        effects = _has_effects(image, layer)
        # Effects may make transparent what had no alpha.
        native = _format_with_alpha(image) if effects else layer.get_format()
        whole = _whole(layer)
        return cls(image, layer, whole, bounds or whole, bounds is not None, effects, native, _wire_format(native))


def start() -> None:
    """Has to be called before anything else here."""
    Gegl.init(None)


def the_layer(image: Any, drawables: list[Any]) -> Any:
    """The layer that is meant, of what GIMP says is selected.

    Raises:
        Problem: it cannot be painted. The menu entry is greyed then, but scripts may call all the same.
    """
    if image.get_base_type() == Gimp.ImageBaseType.INDEXED:
        raise Problem(
            tr("The image has indexed colours, which cannot hold a painting."),
            tr("Convert it with Image > Mode > RGB."),
        )
    if len(drawables) != 1:
        raise Problem(tr("{count} layers are selected.", count=len(drawables)), tr("Select exactly one layer."))
    layer = drawables[0]
    if isinstance(layer, Gimp.LayerMask):
        raise Problem(
            tr("The mask of the layer “{name}” is selected.", name=Gimp.Layer.from_mask(layer).get_name()),
            tr("Click the picture of the layer in the Layers dialog, not its mask."),
        )
    if not isinstance(layer, Gimp.Layer):
        raise Problem(tr("“{name}” is a channel, not a layer.", name=layer.get_name()), tr("Select exactly one layer."))
    if Encoding.parse(Babl.format_get_encoding(layer.get_format())) is None:
        raise Problem(tr("The pixels of the layer “{name}” are of an unknown kind.", name=layer.get_name()))
    return layer


@contextlib.contextmanager
def with_colors(image: Any, drawables: list[Any]) -> Iterator[tuple[Any, list[Any]]]:
    """The image and what is selected in it; of an animation with indexed colours, as GIFs have, a copy without them."""
    if image.get_base_type() != Gimp.ImageBaseType.INDEXED or not is_animation(image):
        yield image, drawables
        return
    copy = image.duplicate()
    try:
        copy.convert_rgb()
        places = [image.get_item_position(one) for one in drawables if one in image.get_layers()]
        yield copy, [copy.get_layers()[place] for place in places]
    finally:
        copy.delete()


def is_animation(image: Any) -> bool:
    """Whether the layers of an image look like frames."""
    return frame_names.is_animation([layer.get_name() for layer in reversed(image.get_layers())])


def find_source(layer: Any, *, use_selection: bool, margin: int = 0, frames: bool = False) -> Source:
    """The part of a layer that is to be painted.

    Args:
        layer: the layer.
        use_selection: whether the selection limits it, if there is one.
        margin: how far around the selection pixels count, too.
        frames: whether all layers of the image are meant, each as the frame that is seen when it is played. What is
            said of the layer then holds for the image.

    Raises:
        Problem: there is nothing to paint.
    """
    image = layer.get_image() if layer.is_valid() else None
    if image is None:
        # While a dialog asks how to paint it, the user may delete it or close the image.
        raise Problem(tr("The layer is not there any more."))
    selected = use_selection and not Gimp.Selection.is_empty(image)
    if frames:
        bounds = whole = _whole(image)
        if selected:
            _, _, left, top, right, bottom = Gimp.Selection.bounds(image)
            bounds = Bounds(left, top, right - left, bottom - top).grown(margin) & whole
        return Source(image, layer, whole, bounds, selected, False, None, "")
    whole = _whole(layer)
    if not selected:
        return Source.of(image, layer)
    touches, *rectangle = layer.mask_intersect()
    if not touches:
        raise Problem(
            tr("The selection lies outside of the layer “{name}”.", name=layer.get_name()),
            tr("Select something on the layer, or choose another area."),
        )
    return Source.of(image, layer, Bounds(*rectangle).grown(margin) & whole)


def read(source: Source) -> dict[str, Region]:
    """The pixels as they are, with the profile that says what they mean, and the selection if one limits them."""
    regions = {"pixels": _read_pixels(source)}
    if source.selected:
        regions["selection"] = _read_selection(source)
    return regions


def _read_pixels(source: Source) -> Region:
    # Without a name nothing is converted, which costs a second per process even where it changes nothing.
    with _seen(source) as seen:
        same = Babl.get_name(seen.get_format()) == source.format
        data = _get(seen, source.bounds, None if same else source.format)
    wire = _encoding(source.native).on_wire
    profile = _profile(source.image, source.native, wire.curve)
    _, _, width, height = source.bounds
    return Region(wire.describe(width, height, with_profile=profile is not None), data, profile)


def _read_selection(source: Source) -> Region:
    """The selection within the bounds; soft values stay soft."""
    _, x, y = source.layer.get_offsets()
    bounds = source.bounds
    in_image = bounds._replace(x=bounds.x + x, y=bounds.y + y)
    data = _get(source.image.get_selection(), in_image, _MASK)
    return Region(PixelFormat(bounds.width, bounds.height, "GRAY", "u8", "linear"), data)


def read_small(source: Source, longest: int) -> tuple[dict[str, Region], float]:
    """Pixels in 8 bit sRGB and the selection, neither side longer than ``longest``; and by how much reduced."""
    small, scale = source.bounds.reduced(longest)
    _, _, width, height = small
    with _seen(source) as seen:
        pixels = _get(seen, small, _PREVIEW, scale)
    regions = {"pixels": Region(PixelFormat(width, height), pixels)}
    if source.selected:
        _, x, y = source.layer.get_offsets()
        # Rounded after the sum: the offset may be odd.
        left, top = round((source.bounds.x + x) * scale), round((source.bounds.y + y) * scale)
        covered = _get(source.image.get_selection(), Bounds(left, top, width, height), _MASK, scale)
        regions["selection"] = Region(PixelFormat(width, height, "GRAY", "u8", "linear"), covered)
    return regions, 1.0 / scale


def read_picture(layer: Any) -> tuple[str, Region]:
    """The name of a layer and its pixels, as a style."""
    if not layer.is_valid():
        raise Problem(tr("The layer that was the style is not there any more."))
    return layer.get_name(), picture_of_layer(layer, PICTURE_SIDE)


def picture_of_layer(layer: Any, longest: int) -> Region:
    """A layer as a picture to paint like, whatever its pixels are: they need not hold a painting."""
    image = layer.get_image()
    whole, effects = _whole(layer), _has_effects(image, layer)
    return read_small(Source(image, layer, whole, whole, False, effects, None, _PREVIEW), longest)[0]["pixels"]


def picture_of_file(file: Any, longest: int) -> Region:
    """Any file that GIMP can open, as a picture to paint like.

    Raises:
        Problem: it is not there, GIMP cannot open it, or nothing in it can be seen.
    """
    if not file.query_exists(None):
        # GIMP would show a message of its own, too.
        raise Problem(gone(f"file:{file.get_path() or '?'}"), tr("Put it back, or choose another style."))
    try:
        image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, file)
    except Exception as error:  # GLib.Error, and TypeError where GIMP gives no image and no error
        raise Problem(tr("The picture {file} cannot be opened.", file=file.get_path() or "?"), str(error)) from error
    if image is None:
        raise Problem(tr("The picture {file} cannot be opened.", file=file.get_path() or "?"))
    try:
        # Not flattened: what is transparent would get a colour, and count as a part of the picture.
        merged = image.merge_visible_layers(Gimp.MergeType.CLIP_TO_IMAGE)
        if merged is None:
            raise Problem(
                tr("In the picture {file} no layer can be seen.", file=file.get_path() or "?"),
                tr("Open it in GIMP and show one, or choose another picture."),
            )
        return picture_of_layer(merged, longest)
    finally:
        image.delete()


def picture_with_profile(picture: Any, profile: bytes) -> Region:
    """A GdkPixbuf whose colours are as an ICC profile says, in sRGB; as it is if the profile is none of RGB."""
    image = Gimp.Image.new(picture.get_width(), picture.get_height(), Gimp.ImageBaseType.RGB)
    try:
        layer = Gimp.Layer.new_from_pixbuf(image, "", picture, 100.0, Gimp.LayerMode.NORMAL, 0.0, 0.0)
        image.insert_layer(layer, None, 0)
        with contextlib.suppress(Exception):  # GLib.Error
            # Only now: the numbers of the pixels stay and get another meaning.
            image.set_color_profile(Gimp.ColorProfile.new_from_icc_profile(profile))
        return picture_of_layer(layer, max(picture.get_width(), picture.get_height()))
    finally:
        image.delete()


def place(
    source: Source, pixels: Region, mask: Buffer | None, title: str, *, group: bool, kept: str
) -> tuple[Any, str]:
    """Put a result directly above its source, or above earlier results there, as one step of undo.

    Args:
        source: what was painted.
        pixels: the result, of the size of the source's bounds.
        mask: where it shows, one byte per pixel, or None for everywhere.
        title: the name of the layer.
        group: whether the layer, with its mask, gets a group of its own.
        kept: how it was painted, as `Choices.to_json` has it, which is kept with the layer.

    Returns:
        The new layer, or its group, and a sentence if something was not as expected, else nothing.

    Raises:
        Problem: the image is not there any more.
    """
    image, origin, bounds = source.image, source.layer, source.bounds
    if not image.is_valid():
        raise Problem(tr("The image was closed in the meantime, so the painting has no place to go."))
    # Complete before it is in the image: so nobody sees it half done, undo has one thing to take back, and redo does
    # not give the mask to the brush, as it does where the mask came later.
    layer = _new_layer(image, title, bounds.width, bounds.height)
    # GEGL adds the alpha that a source without it has not.
    _set(layer, source.format, pixels.data)
    there, remark = origin.is_valid(), ""
    same_size = there and _whole(origin) == source.whole
    # A buffer is without the layer's mask: what that hides would come back.
    shape = _get(origin.get_mask(), bounds, _MASK) if same_size and _hides(origin) else None
    if mask is not None or shape is not None:
        _set_mask(layer, _both(mask, shape, bounds.width))
    parent, position = None, 0
    image.undo_group_start()
    try:
        if there:
            _, x, y = origin.get_offsets()
            layer.set_offsets(x + bounds.x, y + bounds.y)
            parent, position = origin.get_parent(), _position_above(image, origin)
            if not same_size:
                # Whether it was scaled, or cropped and at which side, is not to be known.
                remark = tr("The layer has another size now, so the painting may not fit.")
        else:
            remark = tr("The layer was deleted in the meantime; the painting is on top.")
        outer = Gimp.GroupLayer.new(image, title) if group else layer
        for one in [outer, layer] if group else [layer]:
            keeping.keep(one, kept, image, origin if there else None)
        _insert(image, layer, parent, position, outer)
    finally:
        image.undo_group_end()
    Gimp.displays_flush()
    return outer, remark


def animation(source: Source, *, in_range: bool) -> Animation:
    """The frames of an animation; GIMP has no range of playback."""
    return Animation(source)


class Animation:
    """As `impasto_editor.host.Animation`, of all layers of an image.

    A frame may be only what differs from those before it. So each is painted as it is seen, whole, and takes the place
    of the one before, for as long as ever. Among the frames they come from the paintings would be frames, too, so they
    become an image of their own.

    Attributes:
        times: when each frame is seen, in seconds.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        #: In the one frames are composed, in the other painted.
        self._original, self._painted = source.image.duplicate(), source.image.duplicate()
        for image in (self._original, self._painted):
            image.undo_disable()
        for layer in self._painted.get_layers():
            self._painted.remove_layer(layer)
        self._layers = self._original.get_layers()[::-1]
        for layer in self._layers:
            layer.set_lock_visibility(False)
        self._names = [str(layer.get_name()) for layer in self._layers]
        self._begins = frame_names.begins(self._names)
        self.times: Sequence[float] = frame_names.times(self._names)
        self._frames: list[Source] = []
        self._is_placed = False

    def read(self, number: int) -> dict[str, Region]:
        """The pixels of a frame as it is seen, and the selection within it."""
        for place, layer in enumerate(self._layers):
            layer.set_visible(self._begins[number] <= place <= number)
        name = frame_names.as_whole(self._names[number])
        seen = Gimp.Layer.new_from_visible(self._original, self._painted, name)
        self._painted.insert_layer(seen, None, 0)
        self._frames.append(Source.of(self._painted, seen, self._source.bounds if self._source.selected else None))
        return read(self._frames[-1])

    def put(self, number: int, pixels: Region) -> None:
        """Take the painting of a frame, which was read before."""
        frame = self._frames[number]
        _set(frame.layer, frame.format, pixels.data, frame.bounds)

    def place(self, mask: Buffer | None, title: str, *, group: bool, kept: str) -> tuple[Any, str]:
        """Have the image with the paintings; returns its first frame. A frame needs no mask, being complete."""
        for frame in self._frames:
            keeping.keep(frame.layer, kept, self._source.image, None)
        self._painted.undo_enable()
        self._is_placed = True
        return self._frames[0].layer, ""

    def close(self) -> None:
        """Forget the copies."""
        self._original.delete()
        if not self._is_placed:
            self._painted.delete()


def show(image: Any) -> None:
    """Show an image in a window."""
    Gimp.Display.new(image)
    Gimp.displays_flush()


def kept(layer: Any) -> str:
    """How a layer was painted, as text; empty if it was not."""
    return keeping.text_of(layer)


def give_subject(source: Source, mask: Region) -> None:
    """Give a layer a mask, as one step of undo.

    Raises:
        Problem: it is not there any more, or has a mask already.
    """
    image, layer = source.image, source.layer
    if not image.is_valid() or not layer.is_valid():
        raise Problem(tr("The layer was deleted in the meantime, so the mask has no place to go."))
    check_has_no_mask(layer)
    if (layer.get_width(), layer.get_height()) != (mask.format.width, mask.format.height):
        raise Problem(tr("The layer has another size now, so the mask does not fit."), tr("Try once more."))
    image.undo_group_start()
    try:
        _set_mask(layer, mask.data)
    finally:
        image.undo_group_end()
    Gimp.displays_flush()


def check_has_no_mask(layer: Any) -> None:
    """Raise Problem if a layer has a mask."""
    if layer.get_mask() is not None:
        raise Problem(
            tr("The layer “{name}” has a mask already.", name=layer.get_name()),
            tr("Apply or delete it first, in the menu Layer > Mask."),
        )


def read_setting(name: str, default: str) -> str:
    """A setting of this GIMP."""
    return set_once.read_setting(name, default)


def write_setting(name: str, value: str) -> None:
    """Keep a setting of this GIMP."""
    set_once.write_setting(name, value)


# --- the quirks behind it


def _whole(layer: Any) -> Bounds:
    return Bounds(0, 0, layer.get_width(), layer.get_height())


def _get(drawable: Any, bounds: Bounds, name: str | None, scale: float = 1.0) -> bytes:
    """Pixels of a drawable; of a name of None as they are. With a scale, the bounds are those of the scaled picture."""
    buffer = drawable.get_buffer()
    if scale != 1.0 and Encoding.parse(Babl.format_get_encoding(drawable.get_format())) is None:
        # GEGL would mix the numbers of the colours of a palette, and not the colours.
        whole = buffer.get_extent()
        plain = Gegl.Buffer.new(name, whole.x, whole.y, whole.width, whole.height)
        buffer.copy(whole, Gegl.AbyssPolicy.NONE, plain, whole)
        buffer = plain
    return bytes(buffer.get(Gegl.Rectangle.new(*bounds), scale, name, Gegl.AbyssPolicy.NONE))


def _encoding(native: Any) -> Encoding:
    encoding = Encoding.parse(Babl.format_get_encoding(native))
    assert encoding is not None  # the_layer has looked at it
    return encoding


def _has_effects(image: Any, layer: Any) -> bool:
    if image.get_base_type() == Gimp.ImageBaseType.INDEXED:
        return False
    return any(effect.get_visible() for effect in layer.get_filters())


@contextlib.contextmanager
def _seen(source: Source) -> Iterator[Any]:
    """The drawable to read from: the layer, or, since a buffer is without effects, a picture of how it looks with them.

    Of its own rectangle only: what effects show around it, such as a shadow, stays to be seen below a painting.
    """
    if not source.effects:
        yield source.layer
        return
    image, (_, _, width, height) = source.image, source.whole
    # `merge_filters` on a copy would do, but not for groups. What is locked in a copy refuses changes without a word.
    scratch = Gimp.Image.new_with_precision(width, height, image.get_base_type(), image.get_precision())
    try:
        profile = image.get_color_profile()
        if profile is not None:
            scratch.set_color_profile(profile)
        copy = Gimp.Layer.new_from_drawable(source.layer, scratch)
        scratch.insert_layer(copy, None, 0)
        _, x, y = copy.get_offsets()
        scratch.resize(width, height, -x, -y)
        copy.set_lock_visibility(False)
        copy.set_visible(True)
        copy.set_mode(Gimp.LayerMode.NORMAL)
        copy.set_opacity(100.0)
        if copy.get_mask() is not None:
            copy.set_show_mask(False)
            copy.set_apply_mask(False)
        seen = Gimp.Layer.new_from_visible(scratch, scratch, copy.get_name())
        scratch.insert_layer(seen, None, 0)  # or it would outlast the image
        yield seen
    finally:
        scratch.delete()


def _new_layer(image: Any, name: str, width: int, height: int) -> Any:
    """A layer with alpha, not yet in the image."""
    gray = image.get_base_type() == Gimp.ImageBaseType.GRAY
    kind = Gimp.ImageType.GRAYA_IMAGE if gray else Gimp.ImageType.RGBA_IMAGE
    return Gimp.Layer.new(image, name, width, height, kind, 100.0, image.get_default_new_layer_mode())


def _format_with_alpha(image: Any) -> Any:
    layer = _new_layer(image, "", 1, 1)
    try:
        return layer.get_format()
    finally:
        layer.delete()


def _wire_format(native: Any) -> str:
    """babl's name of native pixels as they are sent; a name without its space would mean sRGB."""
    return Babl.get_name(Babl.format_with_space(_encoding(native).on_wire.name, native))


def _profile(image: Any, native: Any, curve: str) -> bytes | None:
    """The ICC profile of native pixels; None where the wire has a word for what they are."""
    # Only the name of a format in another space than sRGB tells of its space.
    if "-space-" not in Babl.get_name(native):
        return None
    profile = image.get_effective_color_profile()
    # The profile is that of the image, with its own curve, even where the precision of the image has another one.
    if curve == "linear":
        profile = profile.new_linear_from_color_profile()
    elif curve == "srgb":
        profile = profile.new_srgb_trc_from_color_profile()
    return bytes(profile.get_icc_profile())


def _set(drawable: Any, name: str, data: Buffer, bounds: Bounds | None = None) -> None:
    # Data that is too short would be taken in silence; the sizes of regions were checked.
    bounds = bounds or _whole(drawable)
    buffer = drawable.get_buffer()
    buffer.set(Gegl.Rectangle.new(*bounds), name, bytes(data))
    buffer.flush()  # before it nobody sees the pixels
    drawable.update(*bounds)


def _set_mask(layer: Any, mask: Buffer) -> None:
    shape = layer.create_mask(Gimp.AddMaskType.WHITE)
    _set(shape, _MASK, mask)
    layer.add_mask(shape)
    # Or the mask would be what the user paints on, and what the next run gets.
    layer.set_edit_mask(False)


def _hides(layer: Any) -> bool:
    """Whether a layer has a mask that is in effect."""
    return layer.get_mask() is not None and layer.get_apply_mask()


def _both(one: Buffer | None, other: Buffer | None, width: int) -> Buffer:
    """What two masks of rows of that width show both, the lesser of their values; there is at least one."""
    if one is None or other is None:
        return other if one is None else one  # type: ignore[return-value]
    shown, rows = bytes([255]) * width, []
    for start in range(0, len(one), width):
        first, second = bytes(one[start : start + width]), bytes(other[start : start + width])
        # Pixels one by one are slow here, and of one of the two most rows are white or black throughout.
        if first == second or second == shown or not any(first):
            rows.append(first)
        elif first == shown or not any(second):
            rows.append(second)
        else:
            rows.append(bytes(map(min, first, second)))
    return b"".join(rows)


def _position_above(image: Any, origin: Any) -> int:
    """The place for a result: above those that lie directly above their source, or it would be hidden by them."""
    parent, position = origin.get_parent(), image.get_item_position(origin)
    siblings = parent.get_children() if parent is not None else image.get_layers()
    while position > 0 and keeping.source_of(image, siblings[position - 1]) == origin:
        position -= 1
    return position


def _insert(image: Any, layer: Any, parent: Any, position: int, outer: Any) -> None:
    """Put a layer, within its group if it has one, into an image, and leave selected what is selected by now.

    The next strokes are not for the layer. What is selected need not be what was painted, for a refinement takes
    minutes.
    """
    layers, channels = image.get_selected_layers(), image.get_selected_channels()
    image.insert_layer(outer, parent, position)
    if outer is not layer:
        image.insert_layer(layer, outer, 0)
    if layers:
        image.set_selected_layers(layers)
    elif channels:
        image.set_selected_channels(channels)
