"""Which networks can find a subject. Without PyTorch: the broker tells it to clients."""

from __future__ import annotations

from dataclasses import dataclass

from impasto_link.errors import BadRequest, quoted
from impasto_link.sentences import say


@dataclass(frozen=True)
class MaskModel:
    """What is known of a network that finds subjects.

    Attributes:
        name: by which it is asked for.
        title: what an editor calls it.
        tip: what it is good for, in a sentence.
    """

    name: str
    title: str
    tip: str

    def to_wire(self) -> dict[str, str]:
        """As ``hello`` tells it."""
        return {"name": self.name, "title": self.title, "tip": self.tip}


#: Our own network. The others are rembg's, and need it installed.
OURS = "impasto"
_MODELS = (
    MaskModel(OURS, "Impasto", "Small and quick, for photos and paintings"),
    MaskModel("u2net", "U2-Net", "By rembg, where it is installed"),
    MaskModel("isnet-general-use", "IS-Net", "By rembg, where it is installed"),
    MaskModel("birefnet-general", "BiRefNet", "By rembg, where it is installed; slow and thorough"),
)


def mask_models() -> dict[str, MaskModel]:
    """All of them by name, in the order of offer."""
    return {model.name: model for model in _MODELS}


def check_mask_model(name: str) -> None:
    """Raise BadRequest if there is none of this name."""
    known = mask_models()
    if name not in known:
        raise BadRequest(
            say("The mask model {name} is not known.", name=quoted(name)),
            say("Known are {known}.", known=", ".join(known)),
        )
