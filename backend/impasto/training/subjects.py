"""Pictures with the masks of their subjects, to learn from."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.transforms.v2 import functional as TF

from impasto.training.photos import Crops, load_rgb, name_of_own, open_picture

#: How often a sample is pasted onto another background, joined by another subject, painted, bent, gray, blurred, noisy.
_PASTED, _JOINED, _PAINTED, _BENT, _GRAY, _BLURRED, _NOISY = 0.15, 0.25, 0.25, 0.3, 0.08, 0.1, 0.1
#: How large the view of a subject that joins another one is, as a share of the side: passers-by are none.
_JOINED_SIZES = 0.6, 1.0
#: How far a view reaches, as a share of the picture's side.
_REACH = 0.55, 1.1
#: How much narrower or wider than it is high, as a logarithm, and rotation, to each side.
_STRETCH, _DEGREES = 0.2, 15.0


@dataclass(frozen=True)
class Subject:
    """A picture and the mask of its subject.

    Attributes:
        picture, mask: the files; the mask is gray, white is the subject, of the picture's size.
        weak: whether the mask was made by a machine: it counts less, and not at all near its edges.
        painted: the same picture in some style, if there is such a file.
    """

    picture: Path
    mask: Path
    weak: bool = False
    painted: Path | None = None

    @property
    def group(self) -> str:
        """The set that it belongs to: the file name up to the first underscore or hyphen."""
        return self.picture.stem.replace("-", "_").split("_")[0]

    def with_painted(self, folder: Path) -> Subject:
        """The same with its painted copy of a folder, if there is one; see `impasto.training.painted`."""
        copy = folder / f"{name_of_own(self.picture)}.jpg"
        return replace(self, painted=copy) if copy.is_file() else self


def find_subjects(folder: Path, *, photos: Path | None = None) -> list[Subject]:
    """All masks NAME.png of a folder with their pictures NAME.jpg.

    Args:
        folder: where the masks lie, and the pictures, too, unless they lie in ``photos``; then the masks are weak.
        photos: where the pictures of weak masks lie.
    """
    found = []
    for mask in sorted(folder.glob("*.png")):
        picture = (photos or folder) / f"{mask.stem}.jpg"
        if picture.is_file():
            found.append(Subject(picture, mask, weak=photos is not None))
    return found


def load_mask(path: Path) -> Tensor:
    """A mask, (1, H, W) uint8.

    Raises:
        OSError: it cannot be read; the error names it.
    """
    return TF.pil_to_tensor(open_picture(path).convert("L"))


class SubjectCrops(Crops[tuple[Tensor, Tensor, Tensor]]):
    """Random square views of pictures with their masks.

    Each item is a picture, (3, side, side) in [0, 1]; its mask, (1, side, side) in [0, 1]; and 1.0 if the mask is weak,
    else 0.0. Views are scaled, cropped, turned by up to 15 degrees, mirrored, bent (Simard et al. 2003), and changed in
    colour; some subjects are pasted onto another background, some are joined by another of their set, so that there are
    groups (Ghiasi et al. 2021, "Simple Copy-Paste", https://arxiv.org/abs/2012.07177), some are seen as paintings.

    Args:
        subjects: the pictures and their masks.
        backgrounds: photos onto which some subjects are pasted.
        side: of the views, in pixels.
        shares: how many times as often as the others a set is seen.
        variety: how much of all this is done, paintings aside: at 1 all of it, at 0 a view of a square picture is the
            picture itself, as in use. The last steps of a training gain by little of it (Touvron et al. 2019, "Fixing
            the train-test resolution discrepancy", https://arxiv.org/abs/1906.06423).
    """

    def __init__(
        self,
        subjects: list[Subject],
        backgrounds: list[Path],
        side: int,
        shares: Mapping[str, float] | None = None,
        variety: float = 1.0,
    ) -> None:
        self.subjects = subjects
        self._shares = shares or {}
        self._variety = variety
        #: By set: what joins a picture is of its kind, since a set tells what counts as a subject beside others.
        self._exact = defaultdict[str, list[Subject]](list)
        for one in subjects:
            if not one.weak:
                self._exact[one.group].append(one)
        self.backgrounds = backgrounds
        self.side = side

    def sampling_weights(self) -> list[float]:
        """How often each item should be seen: between alike for all pictures and alike for all sets; weak ones less.

        The sets named in ``shares`` are seen so many times as often.
        """
        sizes = Counter((one.group, one.weak) for one in self.subjects)
        return [
            (0.5 if one.weak else 1.0) * self._shares.get(one.group, 1.0) / math.sqrt(sizes[one.group, one.weak])
            for one in self.subjects
        ]

    def __len__(self) -> int:
        return len(self.subjects)

    def draw(self, index: int) -> tuple[Tensor, Tensor, Tensor]:
        """A view of a subject."""
        subject = self.subjects[index]
        picture, mask = self._view(subject)
        pasted, joined = self._variety * _PASTED, self._variety * _JOINED
        kind = 1.0 if subject.weak else float(torch.rand(()))  # the edges of a weak mask are not good enough to cut by
        if self.backgrounds and kind < pasted:
            other = self.backgrounds[int(torch.randint(len(self.backgrounds), ()))]
            picture = self._paste(random_view(load_rgb(other).float() / 255, self.side, self._variety), picture, mask)
        elif pasted <= kind < pasted + joined:
            kin = self._exact[subject.group]
            joining = kin[int(torch.randint(len(kin), ()))]
            place = _place(self.side)
            second, its_mask = (_set_down(part, *place) for part in self._view(joining))
            picture, mask = self._paste(picture, second, its_mask), torch.maximum(mask, its_mask)
        return _degrade(_recolor(picture, self._variety), self._variety), mask, torch.tensor(float(subject.weak))

    def _view(self, subject: Subject) -> tuple[Tensor, Tensor]:
        source = subject.picture
        if subject.painted is not None and _chance(_PAINTED):
            source = subject.painted
        picture = load_rgb(source).float() / 255
        mask = load_mask(subject.mask).float() / 255
        if mask.shape[-2:] != picture.shape[-2:]:
            mask = TF.resize(mask, list(picture.shape[-2:]), antialias=True)
        view = random_view(torch.cat([picture, mask]), self.side, self._variety)
        return view[:3], view[3:]

    def _paste(self, ground: Tensor, picture: Tensor, mask: Tensor) -> Tensor:
        """What the mask (1, H, W) selects of a picture, on another one; both (3, H, W)."""
        # Light and colour of their own for the two, or their seam alone would give the subject away.
        ground, picture = (_recolor(part, self._variety) for part in (ground, picture))
        return torch.lerp(ground, picture, TF.gaussian_blur(mask, [3, 3]))


def random_view(x: Tensor, side: int, variety: float = 1.0) -> Tensor:
    """A random square view of a picture, (C, H, W) to (C, side, side); what lies outside is mirrored in."""
    height, width = x.shape[-2:]
    reach = math.sqrt(height * width) * _around_one(*_REACH, variety)
    stretch = math.exp(variety * _uniform(-_STRETCH, _STRETCH))
    # Half the view's extent, in units of half the picture's.
    across, down = reach * stretch / width, reach / stretch / height
    if reach > 1.5 * side:
        # Shrink first: sampling at single points would alias.
        factor = 1.2 * side / reach
        x = TF.resize(x, [max(2, round(height * factor)), max(2, round(width * factor))], antialias=True)
    angle = math.radians(variety * _uniform(-_DEGREES, _DEGREES))
    flip = -1.0 if _chance(0.5) else 1.0
    cos, sin, aspect = math.cos(angle), math.sin(angle), height / width
    theta = torch.tensor(
        [
            [flip * across * cos, -down * sin * aspect, _uniform(-1, 1) * max(0.1 * variety, 1 - across)],
            [flip * across * sin / aspect, down * cos, _uniform(-1, 1) * max(0.1 * variety, 1 - down)],
        ]
    )
    grid = F.affine_grid(theta[None], [1, 1, side, side], align_corners=False)
    if _chance(variety * _BENT):
        bend = 0.06 * torch.randn(1, 2, 5, 5)
        grid = grid + F.interpolate(bend, size=(side, side), mode="bicubic", align_corners=True).permute(0, 2, 3, 1)
    return F.grid_sample(x[None], grid, mode="bilinear", padding_mode="reflection", align_corners=False)[0].clamp(0, 1)


def _place(side: int) -> tuple[int, int, int]:
    """Size, top and left of a random square within a view."""
    size = round(side * _uniform(*_JOINED_SIZES))
    top, left = (int(torch.randint(side - size + 1, ())) for _ in range(2))
    return size, top, left


def _set_down(x: Tensor, size: int, top: int, left: int) -> Tensor:
    """A view (C, side, side), made smaller and set down within an empty one."""
    placed = torch.zeros_like(x)
    placed[:, top : top + size, left : left + size] = TF.resize(x, [size, size], antialias=True)
    return placed


def _recolor(picture: Tensor, variety: float) -> Tensor:
    picture = TF.adjust_brightness(picture, _around_one(0.7, 1.35, variety))
    picture = TF.adjust_contrast(picture, _around_one(0.7, 1.35, variety))
    picture = TF.adjust_saturation(picture, 0.0 if _chance(variety * _GRAY) else _around_one(0.5, 1.5, variety))
    # A tint per channel costs a tenth of a turn of the hue and looks more like other lamps.
    return (picture * (1 + variety * torch.empty(3, 1, 1).uniform_(-0.1, 0.1))).clamp(0, 1)


def _degrade(picture: Tensor, variety: float) -> Tensor:
    if _chance(variety * _BLURRED):
        picture = TF.gaussian_blur(picture, [7, 7], [_uniform(0.5, 2.0)])
    if _chance(variety * _NOISY):
        picture = (picture + _uniform(0.01, 0.06) * torch.randn_like(picture)).clamp(0, 1)
    return picture


def _chance(share: float) -> bool:
    return bool(torch.rand(()) < share)


def _uniform(low: float, high: float) -> float:
    return float(torch.empty(()).uniform_(low, high))


def _around_one(low: float, high: float, variety: float) -> float:
    """A random factor; with less variety it is nearer to 1."""
    return 1 + variety * (_uniform(low, high) - 1)
