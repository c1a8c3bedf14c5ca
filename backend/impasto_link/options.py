"""What a person can ask for: one set of words for the wire, the command line, the plugins and the Python API."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass, fields
from numbers import Integral, Real
from typing import Any, Union

from impasto_link.devices import DEVICES, is_device
from impasto_link.errors import BadRequest, quoted

ENGINES = ("fixed", "adain", "gatys")
BRUSH_RANGE = (0.25, 4.0)
MAX_STYLES = 16
#: Letters in the name of a style. That of a file may be one.
MAX_NAME = 1000
#: Where a painting shows.
AREAS = ("everything", "subject", "background")
#: What finds the subject: our own network, or one of rembg's where that is installed.
MASK_MODELS = ("impasto", "u2net", "isnet-general-use", "birefnet-general")
FEATHER_RANGE = (0.0, 1000.0)
GROW_RANGE = (-1000.0, 1000.0)
#: How thoroughly a painting is refined, in words.
REFINEMENTS = ("draft", "normal", "fine")
#: What of the features of picture and style is compared.
STYLE_LOSSES = ("gram", "mean-std", "wasserstein")
OPTIMIZERS = ("adam", "lbfgs")
#: Which network measures: VGG-19 where it is or can be had, else our own compact encoder.
FEATURES = ("auto", "vgg19", "compact")
MAX_ITERATIONS = 10_000
#: How many layers a style has: relu1_1 to relu5_1 of VGG-19.
STYLE_LAYERS = 5
#: A picture sent along as a style is a frame of this kind followed by the style's name.
STYLE_FRAME = "style:"


@dataclass(frozen=True)
class StyleChoice:
    """A style and its share in a mixture; shares are relative to their sum.

    The name is that of a picture sent along, or else of a style of the library.
    """

    name: str
    weight: float = 1.0

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise BadRequest("A style has to have a name.")
        if len(self.name) > MAX_NAME:
            raise BadRequest(f"The style {quoted(self.name)} has a name of more than {MAX_NAME} letters.")
        object.__setattr__(self, "weight", _number("The weight of a style", self.weight, 0.0, 1e6))

    @classmethod
    def parse(cls, text: str) -> StyleChoice:
        """Read ``NAME`` or ``NAME:WEIGHT``."""
        name, colon, weight = text.partition(":")
        if not colon:
            return cls(name)
        try:
            return cls(name, float(weight))
        except ValueError:
            raise BadRequest(
                f"The weight in {quoted(text)} is not a number.", "Write NAME:WEIGHT, such as starry-night:0.7."
            ) from None


#: The ways in which a person may name styles.
Styles = Union[str, StyleChoice, Iterable[str | StyleChoice], "dict[str, float]"]


@dataclass(frozen=True)
class RefineOptions:
    """How the pixels of a painting are optimised (Gatys et al. 2016). What is None is as the preset says.

    Attributes:
        preset: ``draft``, ``normal`` or ``fine``: how many iterations at how many scales.
        iterations: at the largest scale; smaller scales take as many as the preset says in proportion.
        max_side: the longest side at which pixels are optimised; a larger picture takes over what was found there.
        style_loss: ``gram``, ``mean-std`` or ``wasserstein``.
        optimizer: ``adam`` or ``lbfgs``.
        content_weight: how closely the content is kept; 1 is usual.
        tv_weight: how much roughness costs; 0 is not at all.
        features: ``vgg19``, ``compact`` or ``auto``.
        layer_weights: how much the style counts in relu1_1, relu2_1 and so on to relu5_1; alike if not given.
    """

    preset: str = "normal"
    iterations: int | None = None
    max_side: int | None = None
    style_loss: str | None = None
    optimizer: str | None = None
    content_weight: float = 1.0
    tv_weight: float = 1.0
    features: str = "auto"
    layer_weights: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        _check_choice("The refinement", self.preset, REFINEMENTS)
        if self.style_loss is not None:
            _check_choice("The style loss", self.style_loss, STYLE_LOSSES)
        if self.optimizer is not None:
            _check_choice("The optimizer", self.optimizer, OPTIMIZERS)
        _check_choice("The network that measures", self.features, FEATURES)
        for name, what, low, high in (
            ("iterations", "The number of iterations", 1, MAX_ITERATIONS),
            ("max_side", "The longest side to refine at", 64, 1 << 20),
        ):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, _whole(what, getattr(self, name), low, high))
        object.__setattr__(
            self, "content_weight", _number("The weight of the content", self.content_weight, 0.0, 1000.0)
        )
        object.__setattr__(self, "tv_weight", _number("The weight of the roughness", self.tv_weight, 0.0, 1000.0))
        if self.layer_weights is not None:
            if not isinstance(self.layer_weights, (list, tuple)) or not 1 <= len(self.layer_weights) <= STYLE_LAYERS:
                raise BadRequest(f"The weights of the layers have to be 1 to {STYLE_LAYERS} numbers.")
            weights = tuple(_number("The weight of a layer", one, 0.0, 1e6) for one in self.layer_weights)
            if not any(weights):
                raise BadRequest("All layers have the weight 0.", "Give at least one of them a weight above 0.")
            object.__setattr__(self, "layer_weights", weights)

    @classmethod
    def of(cls, wanted: RefineOptions | str | int | None) -> RefineOptions | None:
        """Refinement as a person would name it: a preset, a number of iterations, or nothing."""
        if isinstance(wanted, str):
            return cls(preset=wanted) if wanted else None
        return wanted if wanted is None or isinstance(wanted, RefineOptions) else cls(iterations=wanted)

    def to_wire(self) -> dict[str, Any]:
        """As the header of a request has it."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_wire(cls, entry: object) -> RefineOptions | None:
        """Read it out of a header."""
        if entry is None:
            return None
        if not isinstance(entry, dict):
            raise BadRequest("The refinement of the request cannot be read.", "Send it as a map.")
        return cls(**_known(cls, entry))


@dataclass(frozen=True)
class StylizeOptions:
    """How a layer is to be painted.

    Attributes:
        styles: what to paint like; several are mixed by weight.
        engine: ``fixed``, the trained feed-forward networks, also for pictures; ``adain``, for pictures only; or
            ``gatys``, which optimises the photo itself.
        refine: optimise the painting afterwards; with the engine ``gatys`` how the photo is optimised.
        strength: 0 gives the original, 1 the full style.
        brush: size of the strokes; 2 paints with strokes twice as large as the network's own, from 0.25 to 4.
        keep_colors: keep the colours of the original and take only light and dark from the style.
        color: paint a gray picture in the colours of the style; what comes back has the channels of RGB then. Without
            it gray stays gray.
        area: ``everything``, or only the ``subject`` or the ``background``. The subject is what the mask says that is
            sent along, or else what a network finds.
        background_styles: with the area ``everything``, what to paint the background like; ``styles`` are then the
            subject's.
        feather: softens the border between subject and background, in pixels of the picture.
        grow: moves that border outwards, in pixels of the picture; below 0 inwards.
        mask_model: which network finds the subject.
        flatten: give one finished picture back, instead of a layer and its mask.
        device: one of `impasto_link.devices.DEVICES`.
        max_side: for a preview, the longest side of the answer in pixels; strokes shrink with the picture.
    """

    styles: tuple[StyleChoice, ...]
    engine: str = "fixed"
    refine: RefineOptions | None = None
    strength: float = 1.0
    brush: float = 1.0
    keep_colors: bool = False
    color: bool = False
    area: str = "everything"
    background_styles: tuple[StyleChoice, ...] = ()
    feather: float = 0.0
    grow: float = 0.0
    mask_model: str = "impasto"
    flatten: bool = False
    device: str = "auto"
    max_side: int | None = None

    def __post_init__(self) -> None:
        _check_styles(self.styles)
        if self.background_styles:
            _check_styles(self.background_styles)
            if self.area != "everything":
                raise BadRequest(
                    f"A style of its own for the background does not go with the area {quoted(self.area)}.",
                    "Choose the area everything, or leave the background's style out.",
                )
        _check_choice("The engine", self.engine, ENGINES)
        if self.engine == "gatys" and self.refine is None:
            object.__setattr__(self, "refine", RefineOptions())
        _check_choice("The area", self.area, AREAS)
        object.__setattr__(self, "strength", _number("The strength", self.strength, 0.0, 1.0))
        object.__setattr__(self, "brush", _number("The brush size", self.brush, *BRUSH_RANGE))
        for name in ("keep_colors", "color", "flatten"):
            object.__setattr__(self, name, bool(getattr(self, name)))
        if self.color and self.keep_colors:
            raise BadRequest(
                "A gray picture that keeps its colours stays gray.", "Choose only one of color and keep_colors."
            )
        _check_mask_options(self)
        _check_where(self)

    @property
    def needs_subject(self) -> bool:
        """Whether it has to be known what the subject is."""
        return self.area != "everything" or bool(self.background_styles)

    @classmethod
    def of(
        cls,
        style: Styles,
        *,
        background_style: Styles = (),
        refine: RefineOptions | str | int | None = None,
        **options: Any,
    ) -> StylizeOptions:
        """Options for a style named as a person would: ``"udnie"``, ``["udnie:2", "the-scream"]``, ``{"udnie": 2}``."""
        return cls(
            _choices(style),
            background_styles=_choices(background_style),
            refine=RefineOptions.of(refine),
            **options,
        )

    def to_wire(self) -> dict[str, Any]:
        """The fields of a request's header."""
        entry = {field.name: getattr(self, field.name) for field in fields(self)}
        for name in ("styles", "background_styles"):
            entry[name] = [[choice.name, choice.weight] for choice in entry[name]]
        entry["refine"] = None if self.refine is None else self.refine.to_wire()
        return entry

    @classmethod
    def from_wire(cls, entry: dict[str, Any]) -> StylizeOptions:
        """Read the options out of a header; what it does not name has its default, what is not known is ignored."""
        known = _known(cls, entry)
        try:
            for name in ("styles", "background_styles"):
                # One more than are allowed, so that a million of them are refused before they are looked at.
                pairs = itertools.islice(known.get(name, ()), MAX_STYLES + 1)
                known[name] = tuple(StyleChoice(name, weight) for name, weight in pairs)
        except (TypeError, ValueError):
            raise BadRequest(
                "The styles of the request cannot be read.", "Send them as a list of [name, weight] pairs."
            ) from None
        known["refine"] = RefineOptions.from_wire(known.get("refine"))
        return cls(**known)


@dataclass(frozen=True)
class MaskOptions:
    """How the mask of a subject is to be made.

    Attributes:
        mask_model: which network finds the subject.
        feather: softens the border, in pixels of the picture.
        grow: moves the border outwards, in pixels of the picture; below 0 inwards.
        invert: the mask of the background instead.
        cutout: give the picture, too, with the mask as its alpha and its edge freed of the background's colours.
        device: one of `impasto_link.devices.DEVICES`.
        max_side: for a preview, the longest side of the mask in pixels.
    """

    mask_model: str = "impasto"
    feather: float = 0.0
    grow: float = 0.0
    invert: bool = False
    cutout: bool = False
    device: str = "auto"
    max_side: int | None = None

    def __post_init__(self) -> None:
        _check_mask_options(self)
        _check_where(self)

    def to_wire(self) -> dict[str, Any]:
        """The fields of a request's header."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_wire(cls, entry: dict[str, Any]) -> MaskOptions:
        """Read the options out of a header; what it does not name has its default, what is not known is ignored."""
        return cls(**_known(cls, entry))


def _known(cls: type, entry: dict[str, Any]) -> dict[str, Any]:
    return {field.name: entry[field.name] for field in fields(cls) if field.name in entry}


def _choices(style: Styles) -> tuple[StyleChoice, ...]:
    if isinstance(style, (str, StyleChoice)):
        style = [style]
    if isinstance(style, dict):
        style = [StyleChoice(name, weight) for name, weight in style.items()]
    return tuple(one if isinstance(one, StyleChoice) else StyleChoice.parse(one) for one in style)


def _check_styles(styles: tuple[StyleChoice, ...]) -> None:
    if not 0 < len(styles) <= MAX_STYLES:
        raise BadRequest(f"A picture takes 1 to {MAX_STYLES} styles, not {'more' if styles else 'none'}.")
    if not any(choice.weight > 0 for choice in styles):
        raise BadRequest("All styles have the weight 0.", "Give at least one of them a weight above 0.")


def _check_choice(what: str, value: object, known: tuple[str, ...]) -> None:
    if not isinstance(value, str) or value not in known:
        raise BadRequest(f"{what} {quoted(value)} is not known.", f"Known are {', '.join(known)}.")


def _check_mask_options(options: StylizeOptions | MaskOptions) -> None:
    _check_choice("The mask model", options.mask_model, MASK_MODELS)
    object.__setattr__(options, "feather", _number("The feather", options.feather, *FEATHER_RANGE))
    object.__setattr__(options, "grow", _number("What the mask grows by", options.grow, *GROW_RANGE))


def _check_where(options: StylizeOptions | MaskOptions) -> None:
    if not is_device(str(options.device)):
        raise BadRequest(f"The device {quoted(options.device)} is not known.", f"Use {DEVICES}.")
    if options.max_side is not None:
        object.__setattr__(options, "max_side", _whole("A preview's longest side", options.max_side, 16, 1 << 20))


def _whole(what: str, value: object, low: int, high: int) -> int:
    # Numbers of numpy are of these kinds, too.
    if isinstance(value, bool) or not isinstance(value, Integral) or not low <= int(value) <= high:
        raise BadRequest(f"{what} has to be a whole number from {low} to {high}, not {quoted(value)}.")
    return int(value)


def _number(what: str, value: object, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, Real) or not _is_finite(value):
        raise BadRequest(f"{what} has to be a number, not {quoted(value)}.")
    number = float(value)
    if not low <= number <= high:
        raise BadRequest(f"{what} is {number:g}, but has to be from {low:g} to {high:g}.")
    return number


def _is_finite(value: Real) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        # A whole number of more digits than a float has room for.
        return False
