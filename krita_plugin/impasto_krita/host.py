"""Everything that is special about Krita: facts about the document, reading a layer, placing a result.

Pixels are read and written in coordinates of the document. A person may close the document or delete the layer at any
time, so of layers ids are kept, and a kept document is only compared with those that are open. Its ids would not do:
a copy that Krita makes of a document has all of them, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from krita import Krita, Selection

from impasto_editor.texts import tr
from impasto_krita.colors import ColorSpace, thinned
from impasto_krita.qt import QApplication, QByteArray, QTimer
from impasto_krita.scene import Facts, OtherLayer, Source
from impasto_link.bounds import Bounds
from impasto_link.errors import Problem
from impasto_link.pixels import Buffer, PixelFormat, Region

SETTINGS_GROUP = "impasto_krita"
_ANNOTATION = "impasto/"
#: Of a layer that becomes a style so many pixels of its longest side are read; and so many are shown in a menu.
_PICTURE_SIDE, _ICON_SIDE = 4096, 32
#: After so many milliseconds all of Krita has heard of a change.
_SETTLED = 500


def facts() -> Facts:
    """The state of things now."""
    document = Krita.instance().activeDocument()
    if document is None:
        return Facts()
    layer = _layer_of(document.activeNode())
    if layer is None:
        return Facts(document, "", document.selection() is not None)
    chosen = {_id(one) for one in map(_layer_of, _selected_nodes()) if one is not None} | {_id(layer)}
    # In the order of the document, whatever was clicked first.
    layers = [one for one in _nodes(document.rootNode()) if _id(one) in chosen] if len(chosen) > 1 else [layer]
    animated = any(len(_keys(document, one)) > 1 for one in layers)
    return Facts(document, _id(layer), document.selection() is not None, tuple(map(_id, layers)), animated)


def is_animated(layer_id: str = "") -> bool:
    """Whether the active layer, or the one of that id, has several frames."""
    document = Krita.instance().activeDocument()
    layer = _layer_by(document, layer_id) if document is not None else None
    return layer is not None and len(_keys(document, layer)) > 1


def is_open(document: Any) -> bool:
    """Whether the document is still open. One that was closed must not be asked anything, only compared."""
    return document in Krita.instance().documents()


def find_source(
    layer_id: str = "", *, use_selection: bool, need_selection: bool = False, margin: int = 0, frames: bool = False
) -> Source:
    """What is to be painted: the active layer, or the one of that id, as far as it is on the canvas.

    Args:
        layer_id: another layer of the active document than the active one.
        use_selection: whether the selection limits it, if there is one.
        need_selection: whether there has to be a selection.
        margin: how far around the selection there may be something to paint, in pixels.
        frames: whether all frames of the layer are meant, which lie anywhere on the canvas, and not only the one shown.

    Raises:
        Problem: there is nothing that can be painted.
    """
    document = Krita.instance().activeDocument()
    if document is None:
        raise Problem(tr("No document is open."), tr("Open a picture or make a new one."))
    layer = _layer_by(document, layer_id)
    if layer is None:
        raise Problem(tr("No layer is active."), tr("Click a layer in the docker Layers."))
    name = layer.name()
    if layer.type() == "filterlayer":
        raise Problem(tr("The filter layer “{name}” has no pixels of its own.", name=name), tr("Choose another layer."))
    _check_visible_and_open(layer)
    bounds = Bounds(0, 0, document.width(), document.height())
    if not frames:
        bounds &= _bounds(layer.bounds())
    if not bounds:
        raise Problem(tr("The layer “{name}” is empty.", name=name), tr("Choose a layer with something on it."))
    selection = document.selection() if use_selection else None
    if selection is None and need_selection:
        raise Problem(tr("There is no selection."), tr("Select something, or choose another area."))
    covered = None
    if selection is not None:
        bounds &= _enlarged(_bounds_of(selection), margin)
        covered = bytes(selection.pixelData(*bounds)) if bounds else b""
        if covered.count(0) == len(covered):
            raise Problem(
                tr("The selection lies outside of the layer “{name}”.", name=name),
                tr("Select something on the layer, or choose another area."),
            )
    remark = ""
    if layer.animated() and not frames:
        remark = tr("The layer “{name}” is animated: only the frame shown was painted.", name=name)
    elif layer.locked():
        remark = tr("The locked layer “{name}” was not touched.", name=name)
    position = layer.position()
    return Source(
        document,
        (document.width(), document.height()),
        _id(layer),
        name,
        _id(layer.parentNode()),
        (position.x(), position.y()),
        bounds,
        covered,
        remark,
    )


def read(source: Source) -> dict[str, Region]:
    """The regions of a request: the pixels as they are where the wire has words for them, else converted by Krita."""
    document, layer = _document_and_layer(source)
    with _seen(document, layer) as seen:
        return _regions(document, seen, source)


def read_small(source: Source, longest: int) -> tuple[dict[str, Region], float]:
    """The regions of a request, but only every n-th pixel of every n-th row, in 8 bit sRGB; and n.

    n is such that no side is longer than ``longest``.
    """
    document, layer = _document_and_layer(source)
    bounds = source.bounds
    step = max(1, -(-max(bounds.width, bounds.height) // longest))
    space = ColorSpace.of(layer)
    with _seen(document, layer) as seen:
        rows = [
            thinned(memoryview(_pixels(seen, Bounds(bounds.x, y, bounds.width, 1))), bounds.width, step)
            for y in range(bounds.y, bounds.y + bounds.height, step)
        ]
    small = Bounds(0, 0, -(-bounds.width // step), len(rows))
    pixels: Any = b"".join(rows)
    wire = ColorSpace.preview()
    if space != wire:
        pixels = memoryview(_convert(document, pixels, small, space, wire))
    regions = {"pixels": Region(wire.format(small.width, small.height), pixels)}
    if source.selection is not None:
        width = bounds.width
        lines = (source.selection[y * width : (y + 1) * width : step] for y in range(0, bounds.height, step))
        regions["selection"] = _mask_region(b"".join(lines), small)
    return regions, step


def other_layers() -> list[OtherLayer]:
    """All layers of the active document but the active one, from the top; the hidden ones, too."""
    document = Krita.instance().activeDocument()
    if document is None:
        return []
    active = _layer_of(document.activeNode())
    without = _id(active) if active is not None else ""

    def below(parent: Any, depth: int) -> Iterator[OtherLayer]:
        for node in reversed(parent.childNodes()):
            if node.type().endswith("mask") or node.type() == "filterlayer":
                continue
            if _id(node) != without:
                yield OtherLayer(_id(node), node.name(), depth, node.thumbnail(_ICON_SIDE, _ICON_SIDE))
            yield from below(node, depth + 1)

    return list(below(document.rootNode(), 0))


def read_picture(layer_id: str) -> tuple[str, Region]:
    """The name of a layer of the active document, and what it shows on the canvas, in 8 bit sRGB.

    Raises:
        Problem: it is not there, or empty.
    """
    document = Krita.instance().activeDocument()
    layer = _find(document, layer_id) if document is not None else None
    if layer is None:
        raise Problem(tr("The layer that was the style is not there any more."), tr("Choose another style."))
    name, bounds = layer.name(), _bounds(layer.bounds()) & Bounds(0, 0, document.width(), document.height())
    if not bounds:
        raise Problem(tr("The layer “{name}” is empty.", name=name), tr("Choose a layer with something on it."))
    source = Source(document, (document.width(), document.height()), layer_id, name, "", (0, 0), bounds, None)
    return name, read_small(source, _PICTURE_SIDE)[0]["pixels"]


def place(
    source: Source, pixels: Region, mask: Buffer | None, title: str, *, group: bool, kept: str
) -> tuple[str, str]:
    """Put a result directly above its source, or above earlier results there, as one step of undo.

    Args:
        source: what was painted.
        pixels: the result, of the size of the source's bounds.
        mask: where it shows, one byte per pixel, or None for everywhere.
        title: the name of the layer.
        group: whether to put it into a group of its own.
        kept: kept with the layer, for the function of that name.

    Returns:
        The id of the new layer, and a sentence if something was not as expected, else nothing.

    Raises:
        Problem: the document is not open any more.
    """

    def assemble(bounds: Bounds) -> Any:
        document = source.document
        if mask is None and not group:
            return _new_layer(document, pixels, bounds, title)
        return _assembled(document, lambda scratch: _new_layer(scratch, pixels, bounds, title), mask, bounds, group)

    return _put_above(source, assemble, kept)


def animation(source: Source, *, in_range: bool) -> Animation:
    """The key frames of a layer, all of them or those that are seen in the playback range.

    Raises:
        Problem: there is none, or the layer is not there any more.
    """
    return Animation(source, in_range=in_range)


class Animation:
    """As `impasto_editor.host.Animation`, of a layer.

    Krita has no call that makes a key frame, and in the user's document each step to another time is one of undo. But
    a copy of a layer has its key frames. So all is done in a document that nobody sees, in which there are two copies,
    one to read from and one that is painted over; the user's document gets a copy of the latter, in one step of undo.

    Attributes:
        source: what is painted of each frame.
        times: when each frame is seen, in seconds.
    """

    def __init__(self, source: Source, *, in_range: bool) -> None:
        document, layer = _document_and_layer(source)
        keys = _keys(document, layer)
        first, last = (
            (document.playBackStartTime(), document.playBackEndTime()) if in_range else (0, max(keys, default=0))
        )
        # A frame is seen until the next one.
        seen = {key for key, end in zip(keys, [*keys[1:], last + 1], strict=True) if end > first and key <= last}
        if not seen:
            name = layer.name()
            raise Problem(
                tr("In the playback range the layer “{name}” has no frame.", name=name),
                tr("Set another range, or paint all frames."),
            )
        self.source = source
        self._keys = sorted(seen)
        self._others = [key for key in keys if key not in seen]
        self.times: Sequence[float] = [key / max(1, document.framesPerSecond()) for key in self._keys]
        masked = bool(layer.childNodes())
        # Pixels of a layer lie where they lie; only what masks show of them depends on the size of the document.
        size = source.size if masked else (1, 1)
        self._scratch = Krita.instance().createDocument(*size, source.name, *ColorSpace.of(document), 72.0)
        self._original, self._painted = layer.duplicate(), layer.duplicate()
        for copy in (self._original, self._painted):
            self._scratch.rootNode().addChildNode(copy, None)
        for mask in self._painted.childNodes():
            mask.remove()
        if ColorSpace.of(self._painted) != ColorSpace.of(document):
            self._painted.setColorSpace(*ColorSpace.of(document))
        self._scratch.setModified(False)  # or it would be saved as if the user had to lose it
        self._is_closed = False
        # Krita crashes if it ends while the document is open.
        notifier = Krita.instance().notifier()
        notifier.setActive(True)
        notifier.applicationClosing.connect(self._close)
        QApplication.instance().aboutToQuit.connect(self._close)

    def read(self, number: int) -> dict[str, Region]:
        """The pixels of a frame, and the selection within it."""
        self._go_to(self._keys[number])
        return _regions(self._scratch, self._original, self.source)

    def put(self, number: int, pixels: Region) -> None:
        """Take the painting of a frame."""
        self._go_to(self._keys[number])
        self._clear()
        bounds, wire, wanted = self.source.bounds, ColorSpace.of_region(pixels), ColorSpace.of(self._painted)
        data = QByteArray(bytes(pixels.data))
        if wire != wanted:
            data = _convert(self._scratch, data, bounds, wire, wanted)
        self._painted.setPixelData(data, *bounds)

    def place(self, mask: Buffer | None, title: str, *, group: bool, kept: str) -> tuple[str, str]:
        """Show the paintings in a new layer with the key frames of its source; as the function `place`."""
        for key in self._others:
            self._go_to(key)
            self._clear()
        layer = self._painted
        layer.setName(title)
        layer.setOpacity(255)
        layer.setBlendingMode("normal")
        layer.setLocked(False)
        layer.setAlphaLocked(False)
        layer.setColorLabel(0)
        return _put_above(
            self.source,
            lambda _: _assembled(self._scratch, lambda _: layer.duplicate(), mask, self.source.bounds, group),
            kept,
        )

    def close(self) -> None:
        """Forget the copies."""
        self._scratch.setModified(False)
        # Krita tells its widgets of a step in time a little later, and may crash if the document is closed before that.
        QTimer.singleShot(_SETTLED, self._close)

    def _close(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            self._scratch.close()

    def _go_to(self, key: int) -> None:
        self._scratch.setCurrentTime(key)
        self._scratch.waitForDone()

    def _clear(self) -> None:
        """Have nothing in the frame that is there now, beside the canvas neither."""
        bounds = _bounds(self._painted.bounds())
        if bounds:
            pixel = len(self._painted.pixelData(bounds.x, bounds.y, 1, 1))
            self._painted.setPixelData(QByteArray(bytes(pixel * bounds.width * bounds.height)), *bounds)


def give_subject(source: Source, mask: Region) -> None:
    """Have the layer show only what is in a mask: a transparency mask on top of those that it has, one step of undo.

    Not the selection: what a script selects, Krita cannot undo.

    Raises:
        Problem: the layer is not there any more, or this Krita makes no masks.
    """
    document, layer = _document_and_layer(source)
    if not can_mask():
        raise Problem(tr("This Krita makes no transparency mask for a plugin."), tr("Krita 5.2 and newer do."))
    shape = document.createTransparencyMask(tr("Subject"))
    shape.setSelection(_selection(mask.data, source.bounds))
    masks = layer.childNodes()
    layer.addChildNode(shape, masks[-1] if masks else None)
    document.setModified(True)


def can_mask() -> bool:
    """Whether this Krita can make transparency masks from a script; 5.1 cannot."""
    document = Krita.instance().activeDocument()
    return hasattr(document, "createTransparencyMask")


def kept(layer_id: str) -> str:
    """What `place` kept with a layer of the active document, or with the group of its own; empty if nothing."""
    document = Krita.instance().activeDocument()
    layer = _find(document, layer_id) if document is not None and layer_id else None
    if layer is None:
        return ""
    return _annotation(document, layer_id) or _annotation(document, _id(layer.parentNode()))


def name_of(layer_id: str) -> str:
    """The name of a layer of the active document; empty if it is not there."""
    document = Krita.instance().activeDocument()
    layer = _find(document, layer_id) if document is not None else None
    return layer.name() if layer is not None else ""


def read_setting(name: str, default: str) -> str:
    """A setting that Krita keeps for us."""
    return Krita.instance().readSetting(SETTINGS_GROUP, name, default)


def write_setting(name: str, value: str) -> None:
    """Have Krita keep a setting."""
    Krita.instance().writeSetting(SETTINGS_GROUP, name, value)


# --- the quirks behind it


def _id(node: Any) -> str:
    return node.uniqueId().toString()


def _bounds(rectangle: Any) -> Bounds:
    return Bounds(rectangle.x(), rectangle.y(), rectangle.width(), rectangle.height())


def _bounds_of(selection: Any) -> Bounds:
    return Bounds(selection.x(), selection.y(), selection.width(), selection.height())


def _selection(mask: Buffer, bounds: Bounds) -> Any:
    selection = Selection()
    selection.setPixelData(QByteArray(bytes(mask)), *bounds)
    return selection


def _enlarged(bounds: Bounds, margin: int) -> Bounds:
    return Bounds(bounds.x - margin, bounds.y - margin, bounds.width + 2 * margin, bounds.height + 2 * margin)


def _layer_of(node: Any) -> Any:
    """The layer that a node is, or belongs to if it is a mask; None if there is none."""
    while node is not None and node.type().endswith("mask"):
        node = node.parentNode()
    return node if node is not None and node.parentNode() is not None else None


def _nodes(node: Any) -> Iterator[Any]:
    for child in node.childNodes():
        yield child
        yield from _nodes(child)


def _layer_by(document: Any, layer_id: str) -> Any:
    """The layer of that id, or the active one."""
    return _find(document, layer_id) if layer_id else _layer_of(document.activeNode())


def _selected_nodes() -> list[Any]:
    window = Krita.instance().activeWindow()
    view = window.activeView() if window is not None else None
    return list(view.selectedNodes()) if view is not None else []


def _keys(document: Any, layer: Any) -> list[int]:
    """At which times a layer has frames of its own; none if it is not animated."""
    if layer.type() != "paintlayer" or not layer.animated():
        return []
    # That reaches to the last frame of all layers, even where only a part of it is played.
    return [time for time in range(document.animationLength()) if layer.hasKeyframeAtTime(time)]


def _find(document: Any, layer_id: str) -> Any:
    return next((node for node in _nodes(document.rootNode()) if _id(node) == layer_id), None)


def _mask_region(mask: bytes, bounds: Bounds) -> Region:
    """A mask as the wire takes it."""
    return Region(PixelFormat(bounds.width, bounds.height, "GRAY", "u8", "linear"), mask)


def _activate(document: Any, layer_id: str) -> None:
    layer = _find(document, layer_id) if is_open(document) else None
    if layer is not None:
        document.setActiveNode(layer)


def _document_and_layer(source: Source) -> tuple[Any, Any]:
    layer = _find(source.document, source.layer) if is_open(source.document) else None
    if layer is None:
        raise Problem(tr("The layer “{name}” is not there any more.", name=source.name))
    return source.document, layer


def _check_visible_and_open(layer: Any) -> None:
    if not layer.visible():
        raise Problem(tr("The layer “{name}” is hidden.", name=layer.name()), tr("Show it, then paint."))
    group = layer.parentNode()
    while group.parentNode() is not None:
        name = group.name()
        if not group.visible():
            raise Problem(tr("The group “{name}” is hidden.", name=name), tr("Show it, then paint."))
        if group.locked():
            raise Problem(tr("The group “{name}” is locked.", name=name), tr("Unlock it, then paint."))
        group = group.parentNode()


@contextmanager
def _seen(document: Any, layer: Any) -> Iterator[Any]:
    """The node to read from: the layer, or a copy of it if it is a group that is passed through.

    Such a group has no pixels, not even in its projection: what is in it is composed with what lies below.
    """
    if layer.type() != "grouplayer" or not layer.passThroughMode():
        yield layer
        return
    scratch = Krita.instance().createDocument(
        document.width(), document.height(), layer.name(), *ColorSpace.of(document), 72.0
    )
    try:
        copy = layer.duplicate()
        copy.setPassThroughMode(False)
        scratch.rootNode().addChildNode(copy, None)
        scratch.refreshProjection()
        yield copy
    finally:
        scratch.setModified(False)
        scratch.close()


def _regions(document: Any, layer: Any, source: Source) -> dict[str, Region]:
    """What `read` says of a source, from a node in a document."""
    bounds, space = source.bounds, ColorSpace.of(layer)
    pixels, wire = _pixels(layer, bounds), space.nearest_wire()
    if wire != space:
        pixels = _convert(document, pixels, bounds, space, wire)
    regions = {"pixels": Region(wire.format(bounds.width, bounds.height), memoryview(pixels))}
    if source.selection is not None:
        regions["selection"] = _mask_region(source.selection, bounds)
    return regions


def _pixels(layer: Any, bounds: Bounds) -> Any:
    """A QByteArray. Groups and vector layers have pixels in their projection only, and so have the masks of a layer."""
    if layer.type() == "paintlayer" and not layer.childNodes():
        return layer.pixelData(*bounds)
    return layer.projectionPixelData(*bounds)


def _new_layer(document: Any, pixels: Region, bounds: Bounds, name: str) -> Any:
    """A layer in no document yet, in the colour space of the document."""
    layer = document.createNode(name, "paintlayer")
    wire, wanted = ColorSpace.of_region(pixels), ColorSpace.of(document)
    if wire != wanted:
        layer.setColorSpace(*wire)
    # Filled before it is added: so it takes part in undo and shows without a refresh of the projection.
    layer.setPixelData(bytes(pixels.data), *bounds)
    if wire != wanted:
        layer.setColorSpace(*wanted)
    return layer


def _put_above(source: Source, assemble: Callable[[Bounds], Any], kept: str) -> tuple[str, str]:
    """What `place` does with a layer, which is made for the rectangle where its source is by now."""
    document = source.document
    if not is_open(document):
        raise Problem(tr("The document was closed in the meantime, so the painting has no place to go."))
    origin = _find(document, source.layer)
    bounds, remark = source.bounds, ""
    if origin is not None:
        # If the layer was moved in the meantime, the painting goes along.
        now, (x, y) = origin.position(), source.position
        bounds = bounds._replace(x=bounds.x + now.x() - x, y=bounds.y + now.y() - y)
        above, parent = _topmost_result(document, origin), origin.parentNode()
        if (document.width(), document.height()) != source.size:
            remark = tr("The document has another size now, so the painting may not fit.")
    else:
        above, parent = None, _find(document, source.parent) or document.rootNode()
        remark = tr("The layer “{name}” was deleted in the meantime; the painting is on top.", name=source.name)
    active = _id(document.activeNode()) if document.activeNode() is not None else ""
    layer = assemble(bounds)
    if origin is not None and origin.inheritAlpha():
        # What shows only where the layers below it do is painted into something that does likewise.
        layer.setInheritAlpha(True)
    parent.addChildNode(layer, above)
    document.setAnnotation(_ANNOTATION + _id(layer), "Impasto", QByteArray(kept.encode()))
    document.setModified(True)
    # Krita will make the new layer the active one, a little later; but the next click on a style should paint the same
    # layer again.
    QTimer.singleShot(0, lambda: _activate(document, active))
    return _id(layer), remark


def _assembled(document: Any, make: Callable[[Any], Any], mask: Buffer | None, bounds: Bounds, group: bool) -> Any:
    """A layer with its mask, in a group if wanted, ready to be added in one step.

    Every addition is a step of undo in the document that made the layer, wherever the layer is. So all of it is made by
    and put together in a document that nobody sees. How large that is does not matter.
    """
    scratch = Krita.instance().createDocument(1, 1, "Impasto", *ColorSpace.of(document), 72.0)
    try:
        layer = make(scratch)
        top = scratch.createGroupLayer(layer.name()) if group else layer
        scratch.rootNode().addChildNode(top, None)
        if group:
            top.addChildNode(layer, None)
        if mask is not None:
            shape = scratch.createTransparencyMask(tr("Area"))
            shape.setSelection(_selection(mask, bounds))
            layer.addChildNode(shape, None)
        return top.duplicate()
    finally:
        scratch.setModified(False)
        scratch.close()


def _topmost_result(document: Any, origin: Any) -> Any:
    """The highest of the results that lie directly above their source, or the source; a new one must not be hidden."""
    top, wanted = origin, _id(origin)
    siblings = origin.parentNode().childNodes()
    for node in siblings[[_id(one) for one in siblings].index(wanted) + 1 :]:
        # The id of the source is among the parameters of a result.
        if wanted not in _annotation(document, _id(node)):
            break
        top = node
    return top


def _annotation(document: Any, layer_id: str) -> str:
    key = _ANNOTATION + layer_id
    return bytes(document.annotation(key)).decode("utf-8", "replace") if key in document.annotationTypes() else ""


def _convert(document: Any, pixels: Any, bounds: Bounds, space: ColorSpace, wanted: ColorSpace) -> Any:
    """Pixels in another colour space, by Krita's own colour engine, on a layer that is in no document."""
    layer = document.createNode("Impasto", "paintlayer")
    layer.setColorSpace(*space)
    layer.setPixelData(pixels, 0, 0, bounds.width, bounds.height)
    layer.setColorSpace(*wanted)
    return layer.pixelData(0, 0, bounds.width, bounds.height)
