"""What a person can ask for: one set of words for the wire, the command line, the plugins and the Python API.

Each field is declared once, with its `impasto_link.parameters.Parameter`; all faces are made from that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from impasto_link.coats import (
    MAX_COATS,
    Coat,
    StyleChoice,
    Styles,
    as_choices,
    check_styles,
    coats_from_wire,
    styles_from_wire,
)
from impasto_link.errors import BadRequest, quoted
from impasto_link.parameters import (
    Choice,
    Parameter,
    check_all,
    choice,
    described,
    device,
    is_finite,
    name,
    number,
    numbers,
    parameters,
    switch,
    whole,
)
from impasto_link.sentences import say

#: How many settings of an engine's own a request may have, and letters in one that is a text.
MAX_SETTINGS, MAX_TEXT = 64, 1000
#: How many layers a style has: relu1_1 to relu5_1 of VGG-19.
STYLE_LAYERS = 5

_REFINEMENTS = (
    Choice("draft", "Draft", "Quick and small: shows where it leads"),
    Choice("normal", "Normal", "For most pictures"),
    Choice("fine", "Fine", "Large and thorough: for the last time, with a graphics card"),
)
_STYLE_LOSSES = (
    Choice("gram", "Gram matrices"),
    Choice("mean-std", "Means and deviations"),
    Choice("wasserstein", "Wasserstein distance"),
)
_OPTIMIZERS = (Choice("adam", "Adam"), Choice("lbfgs", "L-BFGS"))
_FEATURES = (
    Choice("auto", "VGG-19 if it is there"),
    Choice("vgg19", "VGG-19"),
    Choice("compact", "Impasto's own encoder"),
)
_AREAS = (Choice("everything", "Everything"), Choice("subject", "Subject"), Choice("background", "Background"))
_EXPERT: dict[str, Any] = {"group": "refinement", "expert": True}


@described
@dataclass(frozen=True)
class RefineOptions:
    """How the pixels of a painting are optimised (Gatys et al. 2016). What is None is as the preset says."""

    preset: str = choice(
        "normal",
        "Refinement",
        "How thoroughly the painting is optimised afterwards",
        _REFINEMENTS,
        flag="",
        group="refinement",
    )
    iterations: int | None = whole(
        None,
        "Iterations",
        "How often, at the largest scale",
        1,
        10_000,
        noun="The number of iterations",
        more="smaller scales take as many as the preset says in proportion",
        flag="",
        group="refinement",
    )
    max_side: int | None = whole(
        None,
        "Longest side",
        "Longest side at which pixels are optimised",
        64,
        1 << 20,
        unit="px",
        noun="The longest side to refine at",
        flag="refine-side",
        more="a larger picture takes over what was found there",
        **_EXPERT,
    )
    style_loss: str | None = choice(
        None, "Style loss", "What of picture and style is compared", _STYLE_LOSSES, **_EXPERT
    )
    optimizer: str | None = choice(None, "Optimizer", "How the loss is brought down", _OPTIMIZERS, **_EXPERT)
    content_weight: float = number(
        1.0,
        "Content",
        "How closely content is kept",
        0.0,
        1000.0,
        noun="The weight of the content",
        more="1 is usual",
        **_EXPERT,
    )
    tv_weight: float = number(
        1.0,
        "Smoothness",
        "How much roughness costs",
        0.0,
        1000.0,
        noun="The weight of the roughness",
        more="0 is not at all",
        **_EXPERT,
    )
    features: str = choice(
        "auto", "Features", "The network that measures", _FEATURES, noun="The network that measures", **_EXPERT
    )
    layer_weights: tuple[float, ...] | None = numbers(
        "Layers",
        "How much the style counts in relu1_1, relu2_1 and so on to relu5_1; alike if not given",
        0.0,
        1e6,
        STYLE_LAYERS,
        noun="The weights of the layers",
        **_EXPERT,
    )

    def __post_init__(self) -> None:
        check_all(self)
        if self.layer_weights is not None and not any(self.layer_weights):
            raise BadRequest("All layers have the weight 0.", "Give at least one of them a weight above 0.")

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


#: What finds the subject, and what is done with its edge: the same for paintings and for masks.
def _mask_model() -> Any:
    return name("impasto", "Subject by", "Which network finds the subject", noun="The mask model", group="where")


def _feather() -> Any:
    tip = "Softens the border of the area, in pixels of the picture"
    return number(0.0, "Feather", tip, 0.0, 1000.0, unit="px", scale="square", slider=(0.0, 200.0), group="where")


def _grow() -> Any:
    tip = "Moves the border of the subject outwards, in pixels of the picture; below 0 inwards"
    noun = "What the mask grows by"
    return number(0.0, "Grow", tip, -1000.0, 1000.0, unit="px", slider=(-50.0, 50.0), noun=noun, group="where")


def _max_side(tip: str, more: str = "") -> Any:
    return whole(
        None,
        "Preview",
        tip,
        16,
        1 << 20,
        unit="px",
        noun="A preview's longest side",
        flag="",
        group="result",
        more=more,
    )


@described
@dataclass(frozen=True)
class StylizeOptions:
    """How a layer is to be painted: with ``styles`` in an ``area``, or with several ``coats``.

    Attributes:
        styles: what to paint like; several are mixed by weight.
        background_styles: with the area ``everything``, what to paint the background like; ``styles`` are then the
            subject's.
        coats: instead of both, what to paint, from the bottom to the top.
        refine: optimise the painting afterwards; None for not.
        settings: values of the engine's own parameters, by name.
    """

    styles: tuple[StyleChoice, ...] = ()
    engine: str = name("fixed", "Engine", "What paints", group="engine")
    refine: RefineOptions | None = None
    strength: float = number(
        1.0, "Strength", "0 leaves the picture as it is, 1 paints it fully in the style", 0.0, 1.0, unit="%"
    )
    brush: float = number(
        1.0,
        "Brush size",
        "The size of the strokes",
        0.25,
        4.0,
        unit="x",
        scale="log",
        more="2 paints with strokes twice as large as the network's own",
    )
    keep_colors: bool = switch("Keep colours", "Take light and dark from the style, colours from the picture")
    color: bool = switch(
        "Colourful",
        "Paint gray pictures in the colours of the style",
        group="result",
        more="what comes back has the channels of RGB then; without it gray stays gray",
    )
    area: str = choice(
        "everything",
        "Area",
        "What is painted",
        _AREAS,
        group="where",
        more="the subject is what the mask says that is sent along, or else what a network finds",
    )
    background_styles: tuple[StyleChoice, ...] = ()
    feather: float = _feather()
    grow: float = _grow()
    mask_model: str = _mask_model()
    flatten: bool = switch(
        "Flatten", "Give one finished picture back instead of a layer and its mask", flag="", group="result"
    )
    device: str = device()
    max_side: int | None = _max_side(
        "For a preview, the longest side of the answer", more="strokes shrink with the picture"
    )
    coats: tuple[Coat, ...] = ()
    settings: Mapping[str, bool | int | float | str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_all(self)
        if self.coats:
            self._check_coats()
        else:
            self._check_styles()
        if self.color and self.keep_colors:
            raise BadRequest(
                "A gray picture that keeps its colours stays gray.", "Choose only one of color and keep_colors."
            )
        object.__setattr__(self, "settings", _checked_settings(self.settings))

    def _check_styles(self) -> None:
        check_styles(self.styles)
        if self.background_styles:
            check_styles(self.background_styles)
            if self.area != "everything":
                raise BadRequest(
                    say(
                        "A style of its own for the background does not go with the area {area}.",
                        area=quoted(self.area),
                    ),
                    "Choose the area everything, or leave the background's style out.",
                )

    def _check_coats(self) -> None:
        if len(self.coats) > MAX_COATS:
            raise BadRequest(say("A picture takes at most {max_coats} coats.", max_coats=MAX_COATS))
        if self.styles or self.background_styles or self.area != "everything":
            raise BadRequest(
                "There are both coats and styles.", "Say in the coats alone what is painted where, or use no coats."
            )

    def in_coats(self) -> tuple[Coat, ...]:
        """What is to be painted, from the bottom to the top, whichever words were used to ask for it."""
        if self.coats:
            return self.coats
        if self.background_styles:
            return Coat(self.background_styles, "background"), Coat(self.styles, "subject")
        return (Coat(self.styles, self.area),)

    @property
    def needs_subject(self) -> bool:
        """Whether it has to be known what the subject is."""
        return any(coat.where in ("subject", "background") for coat in self.in_coats())

    @property
    def engines(self) -> tuple[str, ...]:
        """The engines that are asked for, each once."""
        return tuple(dict.fromkeys(coat.engine or self.engine for coat in self.in_coats()))

    @classmethod
    def of(
        cls,
        style: Styles = (),
        *,
        background_style: Styles = (),
        refine: RefineOptions | str | int | None = None,
        **options: Any,
    ) -> StylizeOptions:
        """Options for a style named as a person would: ``"udnie"``, ``["udnie:2", "the-scream"]``, ``{"udnie": 2}``."""
        return cls(
            as_choices(style),
            background_styles=as_choices(background_style),
            refine=RefineOptions.of(refine),
            **options,
        )

    def to_wire(self) -> dict[str, Any]:
        """The fields of a request's header."""
        entry = {field.name: getattr(self, field.name) for field in fields(self)}
        for several in ("styles", "background_styles", "coats"):
            entry[several] = [one.to_wire() for one in entry[several]]
        entry["refine"] = None if self.refine is None else self.refine.to_wire()
        entry["settings"] = dict(self.settings)
        return entry

    @classmethod
    def from_wire(cls, entry: dict[str, Any]) -> StylizeOptions:
        """Read the options out of a header; what it does not name has its default, what is not known is ignored."""
        known = _known(cls, entry)
        for several in ("styles", "background_styles"):
            known[several] = styles_from_wire(known.get(several, ()))
        known["coats"] = coats_from_wire(known.get("coats", ()))
        known["refine"] = RefineOptions.from_wire(known.get("refine"))
        return cls(**known)


@described
@dataclass(frozen=True)
class MaskOptions:
    """How the mask of a subject is to be made."""

    mask_model: str = _mask_model()
    feather: float = _feather()
    grow: float = _grow()
    invert: bool = switch("Invert", "The mask of the background instead of the subject's", group="result")
    cutout: bool = switch(
        "Cut-out",
        "The subject itself, the rest transparent, instead of the mask",
        group="result",
        more="the picture, with the mask as its alpha and its edge freed of the background's colours",
    )
    device: str = device()
    max_side: int | None = _max_side("For a preview, the longest side of the mask")

    def __post_init__(self) -> None:
        check_all(self)

    def to_wire(self) -> dict[str, Any]:
        """The fields of a request's header."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_wire(cls, entry: dict[str, Any]) -> MaskOptions:
        """Read the options out of a header; what it does not name has its default, what is not known is ignored."""
        return cls(**_known(cls, entry))


#: By name; for faces that have rows or arguments.
STYLIZE: dict[str, Parameter] = parameters(StylizeOptions)
REFINE: dict[str, Parameter] = parameters(RefineOptions)
MASK: dict[str, Parameter] = parameters(MaskOptions)


def _known(cls: type, entry: dict[str, Any]) -> dict[str, Any]:
    return {field.name: entry[field.name] for field in fields(cls) if field.name in entry}


def _checked_settings(settings: object) -> dict[str, bool | int | float | str]:
    """Of what no engine has been asked yet: single values of some length, under names."""
    if not isinstance(settings, Mapping) or len(settings) > MAX_SETTINGS:
        raise BadRequest(
            "The settings of the engine cannot be read.",
            say("Send a map of at most {max_settings} values.", max_settings=MAX_SETTINGS),
        )
    for key, value in settings.items():
        if not isinstance(key, str) or not _is_plain(value):
            raise BadRequest(
                say("The setting {key} of the engine cannot be {value}.", key=quoted(key), value=quoted(value))
            )
    return dict(settings)


def _is_plain(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= MAX_TEXT
    if isinstance(value, int):
        return -(2**63) <= value < 2**64  # what the wire has room for
    return isinstance(value, float) and is_finite(value)
