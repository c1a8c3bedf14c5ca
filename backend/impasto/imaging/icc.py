"""Colour profiles: from the numbers of a device to sRGB and back, in float.

There are two kinds of profile, and each has its own way:

- A profile of curves and a matrix (all working spaces and nearly all displays) or of one gray curve is read here and
  computed in float32. libvips hands pixels to littlecms in 16 bits at the most, which clips high dynamic range and
  colours outside sRGB; a layer of floats would lose them.
- A profile of tables goes through littlecms, by way of libvips, with 16-bit device numbers and Lab in between. Tables
  cover black to white and nothing beyond, so nothing more is lost.

The format is that of ICC.1:2022, https://www.color.org/specification/ICC.1-2022-05.pdf. Colours are relative to the
white of the profile (the media-relative colorimetric intent), so that white stays (1, 1, 1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
import pyvips
import torch
from torch import Tensor

from impasto.imaging import profiles
from impasto.imaging.color import linear_to_srgb, luma, srgb_to_linear
from impasto_link.errors import BadRequest
from impasto_link.sentences import say

#: A profile that differs from sRGB by less is sRGB: a step of 8 bits. Rounding of the primaries alone makes half a step
#: in saturated darks, where the curve is steepest.
SAME = 1 / 255
#: Tone curves with larger exponents than any in use are kept from leaving float32 where a picture is very bright.
_STEEP, _MOST_LIGHT = 2.6, 1e31
_LARGEST_KEPT = 4 << 20


class Profile(Protocol):
    """A colour space; ``channels`` is 3 for RGB and 1 for gray.

    Both directions take and give (1, ``channels``, H, W) float32: numbers of the device, 0 to 1, on one side, and sRGB
    values on the other.
    """

    @property
    def channels(self) -> int:
        """How many colour channels pixels of this space have, 1 or 3."""
        ...

    def to_srgb(self, x: Tensor) -> Tensor:
        """From numbers of the device to sRGB values."""
        ...

    def from_srgb(self, x: Tensor) -> Tensor:
        """From sRGB values to numbers of the device."""
        ...


def load_profile(data: bytes, channels: int) -> Profile:
    """The colour space that an ICC profile describes, for pixels of so many colour channels (1 or 3).

    Profiles that are sRGB or linear sRGB under whatever name are recognised and take the short way.

    Raises:
        BadRequest: the profile is damaged, of a kind that no picture has, or not made for so many channels.
    """
    data = profiles.mended(data)
    # Few are larger than a megabyte; what is far larger must not fill the memory of a server.
    return (_load if len(data) <= _LARGEST_KEPT else _load.__wrapped__)(data, channels)


@lru_cache(maxsize=16)
def _load(data: bytes, channels: int) -> Profile:
    try:
        profile = _from(profiles.describe(data, channels), data, channels)
    except ValueError as error:
        raise BadRequest(
            say("The colour profile of the picture is damaged ({error}).", error=error),
            "Assign it another profile, for example sRGB.",
        ) from error
    for known in (SRGB, LINEAR):
        if _is_same(profile, known, channels):
            return known(channels)
    return profile


# -- The kinds of profile ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SRGB:
    """sRGB itself, which needs no change."""

    channels: int

    def to_srgb(self, x: Tensor) -> Tensor:
        """From numbers of the device to sRGB values."""
        return x

    def from_srgb(self, x: Tensor) -> Tensor:
        """From sRGB values to numbers of the device."""
        return x


@dataclass(frozen=True)
class LINEAR:
    """Linear light of the sRGB primaries."""

    channels: int

    def to_srgb(self, x: Tensor) -> Tensor:
        """From numbers of the device to sRGB values."""
        return linear_to_srgb(x)

    def from_srgb(self, x: Tensor) -> Tensor:
        """From sRGB values to numbers of the device."""
        return srgb_to_linear(x)


class Curve(Protocol):
    """A tone curve: ``linear`` gives light for a device number, ``device`` the number for light."""

    def linear(self, x: Tensor) -> Tensor:
        """Light, 0 to 1, for device numbers."""
        ...

    def device(self, y: Tensor) -> Tensor:
        """Device numbers for light; the inverse of `linear`."""
        ...


class PowerCurve(profiles.Power):
    """As what it is of, for tensors; mirrored for negatives, goes on above 1."""

    def linear(self, x: Tensor) -> Tensor:
        """Light, 0 to 1, for device numbers."""
        size = x.abs()
        curved = (size * self.a + self.b).clamp_min_(0).pow_(self.g).add_(self.e)
        if self.g > _STEEP:
            curved.clamp_max_(_MOST_LIGHT)
        return torch.where(size < self.d, size * self.c + self.f, curved).copysign_(x)

    def device(self, y: Tensor) -> Tensor:
        """Device numbers for light; the inverse of `linear`."""
        size = y.abs()
        curved = (size - self.e).clamp_min_(0).pow_(1 / self.g).sub_(self.b).div_(self.a)
        if self.d > 0:
            corner = max(self.a * self.d + self.b, 0.0) ** self.g + self.e
            straight = (size - self.f) / self.c if self.c > 0 else torch.full_like(size, self.d)
            curved = torch.where(size < corner, straight, curved)
        return curved.clamp_min_(0).copysign_(y)


class TableCurve:
    """Evenly spaced samples of light, joined by straight lines; above 1 it goes on as steep as it ended."""

    def __init__(self, samples: np.ndarray) -> None:
        self.samples = torch.from_numpy(np.maximum.accumulate(samples).astype(np.float32))
        # Many tables end in a few equal samples, and nothing can go on from a level end.
        tail = max(1, len(samples) // 16)
        self.end_slope = max(float(samples[-1] - samples[-1 - tail]) * (len(samples) - 1) / tail, 0.05)

    def linear(self, x: Tensor) -> Tensor:
        """Light, 0 to 1, for device numbers."""
        samples = self.samples.to(x.device)
        size = x.abs()
        inside = size.clamp_max(1)
        place = inside * (len(samples) - 1)
        index = place.long().clamp_max_(len(samples) - 2)
        curved = torch.lerp(samples[index], samples[index + 1], place - index)
        return curved.add_(size - inside, alpha=self.end_slope).copysign_(x)

    def device(self, y: Tensor) -> Tensor:
        """Device numbers for light; the inverse of `linear`."""
        samples = self.samples.to(y.device)
        size = y.abs()
        inside = size.clamp(float(samples[0]), float(samples[-1]))
        index = torch.searchsorted(samples, inside).sub_(1).clamp_(0, len(samples) - 2)
        low = samples[index]
        place = (inside - low).div_((samples[index + 1] - low).clamp_min_(1e-9)).add_(index)
        beyond = (size - samples[-1]).clamp_min_(0)
        return place.div_(len(samples) - 1).add_(beyond, alpha=1 / self.end_slope).copysign_(y)


class MatrixProfile:
    """An RGB space of three curves and a matrix (ICC.1:2022, F.3)."""

    channels = 3

    def __init__(self, curves: list[Curve], to_srgb: Tensor) -> None:
        self.curves = curves
        self._to_srgb = to_srgb
        self._from_srgb = torch.linalg.inv(to_srgb)

    def to_srgb(self, x: Tensor) -> Tensor:
        """From numbers of the device to sRGB values."""
        return linear_to_srgb(_mix(self._to_srgb, self._each(x, lambda curve: curve.linear)))

    def from_srgb(self, x: Tensor) -> Tensor:
        """From sRGB values to numbers of the device."""
        return self._each(_mix(self._from_srgb, srgb_to_linear(x)), lambda curve: curve.device)

    def _each(self, x: Tensor, side: Callable[[Curve], Callable[[Tensor], Tensor]]) -> Tensor:
        if all(curve is self.curves[0] for curve in self.curves):
            return side(self.curves[0])(x)
        return torch.cat([side(curve)(x[:, i : i + 1]) for i, curve in enumerate(self.curves)], dim=1)


class GrayProfile:
    """A gray space of one curve (ICC.1:2022, F.2)."""

    channels = 1

    def __init__(self, curve: Curve) -> None:
        self.curve = curve

    def to_srgb(self, x: Tensor) -> Tensor:
        """From numbers of the device to sRGB values."""
        return linear_to_srgb(self.curve.linear(x))

    def from_srgb(self, x: Tensor) -> Tensor:
        """From sRGB values to numbers of the device."""
        return self.curve.device(srgb_to_linear(x))


class TableProfile:
    """A profile of lookup tables, through littlecms as libvips offers it; clips to what the tables cover."""

    def __init__(self, data: bytes, channels: int, leads_back: bool) -> None:
        self.channels = channels
        self._data = data
        self._leads_back = leads_back

    def to_srgb(self, x: Tensor) -> Tensor:
        """From numbers of the device to sRGB values."""
        numbers = x[0].clamp(0, 1).mul(65535).round_().permute(1, 2, 0).cpu().numpy().astype(np.uint16)
        image = pyvips.Image.new_from_array(np.ascontiguousarray(numbers))
        image = image.copy(interpretation="rgb16" if self.channels == 3 else "grey16")
        image.set_type(pyvips.GValue.blob_type, "icc-profile-data", self._data)
        lab = image.icc_import(embedded=True, pcs="lab", intent="relative").numpy()
        rgb = _lab_to_srgb(torch.from_numpy(lab).to(x.device).permute(2, 0, 1)[None])
        return luma(rgb) if self.channels == 1 else rgb

    def from_srgb(self, x: Tensor) -> Tensor:
        """From sRGB values to numbers of the device; raises BadRequest if the profile has no tables for it."""
        if not self._leads_back:
            raise BadRequest(
                "The colour profile of the picture leads to its colours and not back, as those of scanners do.",
                "Convert the picture to sRGB, or to another working space, first.",
            )
        lab = _srgb_to_lab(x.expand(-1, 3, -1, -1))[0].permute(1, 2, 0).cpu().numpy()
        image = pyvips.Image.new_from_array(np.ascontiguousarray(lab)).copy(interpretation="lab")
        image.set_type(pyvips.GValue.blob_type, "icc-profile-data", self._data)
        numbers = image.icc_export(depth=16, pcs="lab", intent="relative").numpy().astype(np.float32) / 65535
        return torch.from_numpy(numbers).to(x.device).reshape(*x.shape[-2:], self.channels).permute(2, 0, 1)[None]


def _from(said: profiles.Description, data: bytes, channels: int) -> Profile:
    """A colour space to compute with, from what its profile says."""
    made: dict[int, Curve] = {}
    for one in said.curves:
        made.setdefault(id(one), PowerCurve(*one) if isinstance(one, profiles.Power) else TableCurve(one))
    curves = [made[id(one)] for one in said.curves]
    if said.to_srgb is not None:
        return MatrixProfile(curves, torch.from_numpy(said.to_srgb))
    return GrayProfile(curves[0]) if curves else TableProfile(data, channels, said.leads_back)


def _is_same(profile: Profile, known: type[SRGB] | type[LINEAR], channels: int) -> bool:
    """Whether a profile does the same as a known one on a small grid of colours."""
    steps = torch.linspace(0, 1, 9 if channels == 3 else 65)
    grid = torch.cartesian_prod(*[steps] * channels).reshape(-1, channels).T[None, :, :, None].contiguous()
    return bool((profile.to_srgb(grid) - known(channels).to_srgb(grid)).abs().amax() < SAME)


# -- Arithmetic --------------------------------------------------------------------------------------------------------


def _mix(matrix: Tensor, x: Tensor) -> Tensor:
    """Multiply the channels of (1, 3, H, W) by a 3 x 3 matrix."""
    return (matrix.to(x) @ x.reshape(3, -1)).reshape(x.shape)


def _lab_to_srgb(lab: Tensor) -> Tensor:
    """CIE Lab of D50 white (ICC.1:2022, 6.3.4), L from 0 to 100, to sRGB values."""
    fy = (lab[:, :1] + 16) / 116
    f = torch.cat([fy + lab[:, 1:2] / 500, fy, fy - lab[:, 2:] / 200], dim=1)
    xyz = torch.where(f > 6 / 29, f**3, (f - 4 / 29) * (108 / 841))
    return linear_to_srgb(_mix(_lab_matrix().inverse(), xyz))


def _srgb_to_lab(rgb: Tensor) -> Tensor:
    xyz = _mix(_lab_matrix(), srgb_to_linear(rgb))
    f = torch.where(xyz > (6 / 29) ** 3, xyz.clamp_min(0).pow(1 / 3), xyz * (841 / 108) + 4 / 29)
    x, y, z = f.split(1, dim=1)
    return torch.cat([116 * y - 16, 500 * (x - y), 200 * (y - z)], dim=1)


def _lab_matrix() -> Tensor:
    """From linear sRGB to XYZ relative to white; of each row the sum is 1, so that gray is a = b = 0 exactly."""
    matrix = torch.from_numpy(profiles.SRGB_TO_XYZ_D50 / np.array(profiles.D50)[:, None])
    return matrix / matrix.sum(dim=1, keepdim=True)
