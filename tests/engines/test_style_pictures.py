"""Pictures as styles: what is looked at, what is remembered, and AdaIN in strips."""

import os
import re
from pathlib import Path

import pytest
import torch

from impasto.compute.plan import BLOCK_PIXELS, Plan
from impasto.engines.adain.engine import AdaINEngine
from impasto.engines.adain.files import save_decoder
from impasto.engines.adain.folded import FoldedAdaIN
from impasto.engines.base import Engine, Studio, Wanted
from impasto.engines.fixed.engine import FixedEngine
from impasto.engines.pictures import StylePicture, StyleReader, as_style
from impasto.masking.finder import SubjectFinder
from impasto.nets.adain import AdaINDecoder, StyleLatent, adain, mean_std, restyle, see_style
from impasto.nets.encoder import HEADS, CompactEncoder
from impasto.nets.style_bank import NORM_EPS
from impasto.progress import silent
from impasto.zoo.encoder import load_compact_encoder, save_encoder
from impasto.zoo.library import Library, shipped_models
from impasto_link.coats import StyleChoice
from impasto_link.errors import BadRequest, ModelProblem
from impasto_link.pixels import PixelFormat, Region

Nets = tuple[CompactEncoder, AdaINDecoder]
CPU = torch.device("cpu")


def noise(*size: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def nets() -> Nets:
    torch.manual_seed(0)
    decoder = AdaINDecoder(8, 240).eval()
    for modulation in decoder.modulations:
        assert isinstance(modulation, torch.nn.Linear)
        torch.nn.init.normal_(modulation.weight, std=0.01)
    # The skip starts at nothing.
    torch.nn.init.kaiming_normal_(decoder.skip.weight)
    return CompactEncoder(8).eval(), decoder


def see(encoder: CompactEncoder, picture: torch.Tensor) -> StyleLatent:
    with torch.inference_mode():
        return see_style(encoder(picture))


@pytest.mark.parametrize("size", [(64, 80), (272, 520), (16, 1600)])
@pytest.mark.parametrize("strip", [BLOCK_PIXELS, 1 << 18])
def test_adain_in_strips_is_that_of_the_whole_picture(nets: Nets, size: tuple[int, int], strip: int) -> None:
    encoder, decoder = nets
    photo = noise(*size)
    style = see(encoder, noise(96, 96, seed=1))
    done: list[float] = []
    painted = FoldedAdaIN(encoder, decoder, CPU, torch.float32).paint(photo, style, Plan(strip), done.append)
    with torch.inference_mode():
        whole = decoder(*restyle(encoder(photo), style), style.description)
    assert float((painted - whole).abs().max()) < 1 / 255
    assert done == sorted(done)
    assert done[-1] == pytest.approx(1.0)


def test_adain_gives_the_features_the_moments_of_the_style(nets: Nets) -> None:
    encoder, _ = nets
    with torch.inference_mode():
        content, style = encoder(noise(64, 64))[-1], encoder(noise(96, 64, seed=2))[-1]
        mean, std = mean_std(style)
        found_mean, found_std = mean_std(adain(content, mean, std), eps=0)
    assert torch.allclose(found_mean, mean, atol=1e-3)
    # Where the content varies little, the epsilon of the normalisation shows.
    kept = mean_std(content)[1] / (mean_std(content)[1].square() + NORM_EPS).sqrt()
    assert torch.allclose(found_std, std * kept, rtol=1e-2)


def test_what_is_outside_the_area_does_not_reach_the_statistics(nets: Nets) -> None:
    encoder, decoder = nets
    net = FoldedAdaIN(encoder, decoder, CPU, torch.float32)
    style = see(encoder, noise(96, 96, seed=1))
    photo, changed = noise(128, 256), noise(128, 256)
    changed[..., 200:] = 1.0
    weights = torch.zeros(1, 1, 128, 256)
    weights[..., :96] = 1
    one, other = (net.paint(x, style, weights=weights)[..., :96] for x in (photo, changed))
    assert float((one - other).abs().max()) < 1 / 255
    bare_one, bare_other = (net.paint(x, style)[..., :96] for x in (photo, changed))
    assert float((bare_one - bare_other).abs().max()) > 1 / 255


def test_moments_under_weights_are_those_of_the_weighted_part() -> None:
    features = torch.randn(1, 4, 20, 30)
    weights = torch.zeros(1, 1, 20, 30)
    weights[..., :10] = 1
    for weighted, part in zip(mean_std(features, weights), mean_std(features[..., :10]), strict=True):
        assert torch.allclose(weighted, part, atol=1e-4)


@pytest.mark.parametrize("size", [(64, 64), (97, 131), (16, 17)])
def test_the_encoder_gives_maps_of_the_sizes_of_vgg(nets: Nets, size: tuple[int, int]) -> None:
    features = nets[0].vgg_features(noise(*size), HEADS)
    for scale, (name, channels) in enumerate(HEADS.items()):
        assert features[name].shape == (1, channels, size[0] >> scale, size[1] >> scale)


def test_a_picture_is_seen_once_and_known_again_by_its_content(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = StyleReader(Library(), CPU)
    style = StylePicture(noise(64, 96))
    first = reader.latent(style)
    calls: list[int] = []
    monkeypatch.setattr(CompactEncoder, "forward", lambda *_: calls.append(1))
    again = reader.latent(StylePicture(noise(64, 96)))
    assert not calls
    assert torch.equal(first[0], again[0])


def test_a_library_has_the_networks_of_its_own_folders_and_no_others(nets: Nets, tmp_path: Path) -> None:
    library, style, photo = Library([tmp_path]), StylePicture(noise(64, 96)), noise(64, 64, seed=1)
    studio = Studio(library, CPU, StyleReader(library, CPU))

    def paint(engine: Engine, style_name: str = "x") -> torch.Tensor:
        return engine.paint(photo, Wanted([StyleChoice(style_name)], {"x": style}), silent())

    for engine in (AdaINEngine(studio), FixedEngine(studio)):
        with pytest.raises(ModelProblem):
            paint(engine)
    with pytest.raises(ModelProblem, match=re.escape(str(tmp_path))):
        SubjectFinder(library, CPU).find(photo, "impasto")
    save_encoder(tmp_path / "encoder.safetensors", nets[0], {})
    save_decoder(tmp_path / "adain.safetensors", nets[1], {})
    shipped = AdaINEngine(Studio(Library(), CPU, StyleReader(Library(), CPU)))
    assert not torch.equal(paint(AdaINEngine(studio)), paint(shipped))


def test_networks_that_were_replaced_are_loaded_again(
    nets: Nets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMPASTO_MODELS", str(tmp_path))
    reader, style, photo = StyleReader(Library(), CPU), StylePicture(noise(64, 96)), noise(64, 64, seed=1)
    engine = AdaINEngine(Studio(Library(), CPU, reader))

    def paint() -> torch.Tensor:
        return engine.paint(photo, Wanted([StyleChoice("x")], {"x": style}), silent())

    shipped = paint()
    save_encoder(tmp_path / "encoder.safetensors", nets[0], {})
    save_decoder(tmp_path / "adain.safetensors", nets[1], {})
    first, seen = paint(), reader.latent(style)
    assert not torch.equal(first, shipped)
    assert engine._load() is engine._load()

    torch.manual_seed(1)
    save_decoder(tmp_path / "adain.safetensors", AdaINDecoder(8, 240), {})
    os.utime(tmp_path / "adain.safetensors", ns=(1, 1))
    second = paint()
    assert not torch.equal(second, first)
    assert torch.equal(reader.latent(style).mean, seen.mean)

    save_encoder(tmp_path / "encoder.safetensors", CompactEncoder(8), {})
    os.utime(tmp_path / "encoder.safetensors", ns=(1, 1))
    assert not torch.equal(reader.latent(style).mean, seen.mean)
    assert not torch.equal(paint(), second)


def test_the_code_of_a_picture_is_that_of_the_encoder_there_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMPASTO_MODELS", str(tmp_path))
    reader, style = StyleReader(Library(), CPU), StylePicture(noise(64, 96))
    predictor = shipped_models() / "classic-predictor.safetensors"
    before = reader.code(style, predictor)
    save_encoder(tmp_path / "encoder.safetensors", CompactEncoder(load_compact_encoder().width), {})
    assert not torch.equal(reader.code(style, predictor), before)


def test_transparent_pixels_of_a_style_do_not_count() -> None:
    reader = StyleReader(Library(), CPU)
    picture = noise(128, 128)
    alpha = torch.zeros(1, 1, 128, 128)
    alpha[..., :64] = 1
    other = picture.clone()
    other[..., 100:] = 0.2
    one, two = (reader.latent(StylePicture(x, alpha)) for x in (picture, other))
    assert torch.allclose(one[0], two[0], atol=1e-3)


@pytest.mark.parametrize("size", [(1, 1), (3, 900), (5000, 20)])
def test_styles_of_any_size_are_seen(size: tuple[int, int]) -> None:
    latent = StyleReader(Library(), CPU).latent(StylePicture(noise(*size)))
    assert all(torch.isfinite(part).all() for part in latent)
    assert (latent.std > 0).all()


def test_a_wholly_transparent_picture_is_refused_in_words() -> None:
    clear = Region(PixelFormat(4, 4, "RGBA"), bytes(64))
    with pytest.raises(BadRequest, match="'sky' is wholly transparent"):
        as_style(clear, "sky")


def test_a_gray_picture_with_alpha_is_a_style() -> None:
    style = as_style(Region(PixelFormat(2, 1, "GRAYA"), bytes([200, 255, 10, 0])), "pencil")
    assert style.picture.shape == (1, 3, 1, 2)
    assert style.alpha is not None
    assert style.alpha.flatten().tolist() == [1.0, 0.0]


def test_a_missing_or_foreign_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelProblem, match="encoder"):
        load_compact_encoder(tmp_path / "encoder.safetensors")
    with pytest.raises(ModelProblem, match="compact-encoder"):
        load_compact_encoder(shipped_models() / "subject.safetensors")
