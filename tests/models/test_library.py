"""The style library: what it finds, what it says of what is wrong, and banks on disk."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from impasto.engines.base import Studio, Wanted
from impasto.engines.fixed.engine import FixedEngine
from impasto.engines.pictures import StyleReader
from impasto.nets.encoder import CompactEncoder
from impasto.nets.style_bank import StyleBankNet
from impasto.progress import silent
from impasto.zoo.bank import fingerprint, load_body, load_codes, mix_codes, save_bank
from impasto.zoo.encoder import save_encoder
from impasto.zoo.features import OWN_VGG, FeatureSource, torchvision_download
from impasto.zoo.library import (
    CARD_KIND,
    MAX_THUMBNAIL_BYTES,
    MAX_THUMBNAILS_BYTES,
    Library,
    other_models,
    shipped_models,
)
from impasto.zoo.storage import read_card
from impasto_link import codec
from impasto_link.coats import StyleChoice
from impasto_link.errors import BadRequest, ModelProblem, UnknownStyle

CPU = torch.device("cpu")


def fixed(library: Library) -> FixedEngine:
    return FixedEngine(Studio(library, CPU, StyleReader(Library(), CPU)))


def make_bank(path: Path, *names: str, seed: int = 0, with_body: bool = True) -> StyleBankNet:
    torch.manual_seed(seed)
    net = StyleBankNet(width=4, blocks=1)
    codes = {name: net.neutral_code() + 0.2 * torch.randn(1, 1, net.code_length) for name in names}
    save_bank(path, net, codes, [{"name": name} for name in names], {}, with_body=with_body)
    return net


def test_the_shipped_bank_is_complete() -> None:
    library = Library([shipped_models()])
    styles = library.styles()
    assert not library.problems()
    assert len(styles) >= 24
    for style in styles:
        assert style.name in load_codes(style.bank.weights)
        assert style.title
        # Techniques are nobody's own.
        assert style.artist or style.bank.name == "techniques"
        assert style.thumbnail()
        assert style.exemplar()
    assert styles[0].bank.card["licence"] == "Apache-2.0"
    assert styles[0].bank.card["training"]["seed"] == 0
    assert fingerprint(load_body(styles[0].bank.weights)) == styles[0].bank.body


@pytest.mark.parametrize(
    ("names", "limit"),
    [(["classic", "techniques"], 8e6), (["subject"], 8e6), (["encoder"], 4e6), (["classic-predictor"], 8e6)],
)
def test_shipped_models_are_small(names: list[str], limit: float) -> None:
    files = [shipped_models() / f"{name}.safetensors" for name in names]
    assert sum(file.stat().st_size for file in files) < limit


def test_a_bank_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    net = make_bank(tmp_path / "mine.safetensors", "one", "two")
    loaded = load_body(tmp_path / "mine.safetensors")
    assert (loaded.width, loaded.blocks) == (4, 1)
    assert fingerprint(loaded) == fingerprint(net)
    assert list(load_codes(tmp_path / "mine.safetensors")) == ["one", "two"]


def test_a_new_file_shows_up_and_a_later_folder_counts(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    library = Library([first, second])
    assert library.styles() == []
    make_bank(first / "a.safetensors", "night", "day")
    assert [style.name for style in library.styles()] == ["night", "day"]
    make_bank(second / "b.safetensors", "night", seed=1)
    assert library.style("night").bank.name == "b"


def test_styles_without_a_body_find_the_network_they_belong_to(tmp_path: Path) -> None:
    make_bank(tmp_path / "base.safetensors", "old")
    make_bank(tmp_path / "extra.safetensors", "new", with_body=False)
    engine = fixed(Library([tmp_path]))
    painted = engine.paint(torch.rand(1, 3, 32, 32), Wanted([StyleChoice("old"), StyleChoice("new")]), silent())
    assert painted.shape == (1, 3, 32, 32)
    assert (tmp_path / "extra.safetensors").stat().st_size < 8000
    (tmp_path / "base.json").unlink()
    with pytest.raises(ModelProblem, match="not installed"):
        engine.paint(torch.rand(1, 3, 32, 32), Wanted([StyleChoice("new")]), silent())


def test_styles_of_different_networks_cannot_be_mixed(tmp_path: Path) -> None:
    make_bank(tmp_path / "a.safetensors", "one")
    make_bank(tmp_path / "b.safetensors", "two", seed=1)
    engine = fixed(Library([tmp_path]))
    with pytest.raises(BadRequest, match="a and b"):
        engine.paint(torch.rand(1, 3, 32, 32), Wanted([StyleChoice("one"), StyleChoice("two")]), silent())


def test_a_bank_that_was_replaced_is_loaded_again(tmp_path: Path) -> None:
    make_bank(tmp_path / "a.safetensors", "one")
    engine = fixed(Library([tmp_path]))
    photo = torch.rand(1, 3, 32, 32)
    before = engine.paint(photo, Wanted([StyleChoice("one")]), silent())
    make_bank(tmp_path / "a.safetensors", "one", seed=5)
    os.utime(tmp_path / "a.safetensors", ns=(1, 1))
    assert not torch.equal(before, engine.paint(photo, Wanted([StyleChoice("one")]), silent()))


def test_a_vgg_that_is_named_wrongly_is_not_fetched_instead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("IMPASTO_VGG19", str(tmp_path / "slip.safetensors"))
    monkeypatch.delenv("IMPASTO_OFFLINE", raising=False)
    monkeypatch.setattr("impasto.zoo.features._download", None)
    assert "slip.safetensors" in FeatureSource(Library(), CPU, torch.float32).get("auto")[1]
    assert not torchvision_download().running


def test_a_network_that_measures_is_loaded_again_when_it_was_replaced(
    tmp_path: Path, vgg_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMPASTO_MODELS", str(tmp_path))
    monkeypatch.delenv("IMPASTO_VGG19", raising=False)
    source, photo = FeatureSource(Library(), CPU, torch.float32), torch.rand(1, 3, 32, 32)

    def seen(choice: str) -> Tensor:
        net, note = source.get(choice)
        assert not note
        return net(photo, ["relu1_1"])["relu1_1"]

    shipped = seen("compact")
    save_encoder(tmp_path / "encoder.safetensors", CompactEncoder(8), {})
    assert not torch.equal(shipped, seen("compact"))

    weights: Mapping[str, Tensor] = load_file(vgg_file)
    save_file(dict(weights), tmp_path / "vgg19.safetensors")
    before = seen("vgg19")
    assert source.get("vgg19")[0] is source.get("vgg19")[0]
    save_file({key: 2 * value for key, value in weights.items()}, tmp_path / "vgg19.safetensors")
    os.utime(tmp_path / "vgg19.safetensors", ns=(1, 1))
    torch.testing.assert_close(seen("vgg19"), 2 * before)


def test_the_names_of_all_other_models_are_known() -> None:
    shipped = [path.stem for path in shipped_models().glob("*.safetensors") if read_card(path)["kind"] != CARD_KIND]
    assert {*shipped, *(Path(name).stem for name in OWN_VGG)} == other_models()


def test_mixed_codes_are_means_by_weight() -> None:
    mixed = mix_codes([torch.tensor([0.0, 4.0]), torch.tensor([4.0, 0.0])], [3.0, 1.0])
    torch.testing.assert_close(mixed, torch.tensor([[1.0, 3.0]]))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "JSONDecodeError"),
        ('{"kind": "style-bank"}', "body"),
        ('{"kind": "style-bank", "body": "x", "has_body": true, "styles": [{}]}', "name"),
        ("[" * 100_000, "RecursionError"),
        ('{"kind": "style-bank", "body": "x", "has_body": true, "styles": []}', "no weights"),
    ],
)
def test_damaged_cards_are_reported_and_passed_over(tmp_path: Path, text: str, says: str) -> None:
    make_bank(tmp_path / "good.safetensors", "good")
    (tmp_path / "bad.json").write_text(text)
    library = Library([tmp_path])
    assert [style.name for style in library.styles()] == ["good"]
    assert len(library.problems()) == 1
    assert "bad.json" in library.problems()[0]
    assert says in library.problems()[0]


@pytest.mark.parametrize("name", [["a"], {}, 5, None, "", "../x", "a\\b", "a\0b"])
def test_a_card_with_a_name_that_is_none_is_reported_and_passed_over(tmp_path: Path, name: object) -> None:
    make_bank(tmp_path / "good.safetensors", "good")
    make_bank(tmp_path / "bad.safetensors", "bad")
    card = json.loads((tmp_path / "bad.json").read_text())
    (tmp_path / "bad.json").write_text(json.dumps({**card, "styles": [{"name": name}]}))
    library = Library([tmp_path])
    assert [style.name for style in library.styles()] == ["good"]
    (problem,) = library.problems()
    assert "bad.json" in problem
    assert "no name of a style" in problem
    with pytest.raises(UnknownStyle, match="Did you mean good"):
        library.style("goot")


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"year": 10**30}, "year"),
        ({"year": "about 1890"}, "year"),
        ({"year": True}, "year"),
        ({"year": float("nan")}, "year"),
        ({"title": "\ud800"}, "title"),
        ({"title": "a\x1b[2J"}, "title"),
        ({"artist": "t" * 2_000_000}, "artist"),
        ({"artist": {"a": [1]}}, "artist"),
        ({"name": "a\nb"}, "name"),
        ({"name": "n" * 300}, "name"),
        ({"name": ".."}, "no name"),
    ],
)
def test_a_card_with_odd_values_costs_only_itself(tmp_path: Path, entry: dict[str, Any], says: str) -> None:
    make_bank(tmp_path / "good.safetensors", "good")
    make_bank(tmp_path / "odd.safetensors", "odd")
    card = json.loads((tmp_path / "odd.json").read_text())
    (tmp_path / "odd.json").write_text(json.dumps({**card, "styles": [{"name": "odd", **entry}]}))
    library = Library([tmp_path])
    assert [style["name"] for style in library.to_wire(thumbnails=True)] == ["good"]
    (problem,) = library.problems()
    assert says in problem.partition("odd.json")[2]
    assert len(problem) < 1000
    assert problem.isprintable()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_what_is_no_regular_file_is_not_waited_for(tmp_path: Path) -> None:
    make_bank(tmp_path / "good.safetensors", "good")
    thumbnails = tmp_path / "good.thumbnails"
    thumbnails.mkdir()
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "loop.json").symlink_to(tmp_path / "loop.json")
    with (tmp_path / "huge.json").open("wb") as huge:
        huge.truncate(1 << 33)
    library = Library([tmp_path])
    (style,) = library.styles()
    assert len(library.problems()) == 4
    picture = thumbnails / "good.jpg"
    os.mkfifo(picture)
    assert style.thumbnail() is None
    picture.unlink()
    picture.symlink_to(tmp_path / "good.json")
    assert style.thumbnail() is None, "it may lead anywhere"
    picture.unlink()
    picture.write_bytes(b"a picture")
    assert style.thumbnail() == b"a picture"


def test_all_that_is_told_of_a_library_goes_into_one_message(tmp_path: Path) -> None:
    for number in range(MAX_THUMBNAILS_BYTES // MAX_THUMBNAIL_BYTES + 2):
        make_bank(tmp_path / f"{number}.safetensors", f"style-{number}", with_body=False)
        (tmp_path / f"{number}.thumbnails").mkdir()
        with (tmp_path / f"{number}.thumbnails" / f"style-{number}.jpg").open("wb") as file:
            file.truncate(MAX_THUMBNAIL_BYTES)
    told = Library([tmp_path]).to_wire(thumbnails=True)
    assert [style["name"] for style in told] == [style.name for style in Library([tmp_path]).styles()]
    assert len(codec.pack({"styles": told})) < codec.MAX_ANSWER


def test_without_descriptors_the_library_is_as_it_was(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    make_bank(tmp_path / "a.safetensors", "one")
    seen, unseen = Library([tmp_path]), Library([tmp_path])
    assert seen.styles()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        assert [style.name for style in seen.styles()] == ["one"]
        assert "cannot be read" in seen.problems()[0]
        with pytest.raises(ModelProblem, match="cannot be read"):
            unseen.styles()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert [style.name for style in unseen.styles()] == ["one"]
    assert not unseen.problems()


def test_json_of_others_is_none_of_our_business(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"name": "something else"}')
    library = Library([tmp_path])
    assert library.styles() == []
    assert library.problems() == []


@pytest.mark.parametrize("content", [b"", b"nonsense", bytes(1000)])
def test_damaged_weights_are_said_in_words(tmp_path: Path, content: bytes) -> None:
    make_bank(tmp_path / "a.safetensors", "one")
    (tmp_path / "a.safetensors").write_bytes(content)
    with pytest.raises(ModelProblem, match=r"a\.safetensors"):
        load_body(tmp_path / "a.safetensors")


def test_a_folder_that_cannot_be_written_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ModelProblem, match="cannot be written"):
        make_bank(tmp_path / "file" / "a.safetensors", "one")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_leaves_the_old_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.safetensors"
    make_bank(path, "one")
    before = path.read_bytes()
    path.with_name("a.safetensors.partial").symlink_to("/dev/full")
    with pytest.raises(ModelProblem, match="No space left"):
        make_bank(path, "two")
    assert path.read_bytes() == before
    assert json.loads(path.with_suffix(".json").read_text())["styles"] == [{"name": "one"}]


def test_an_unknown_style_names_near_ones(tmp_path: Path) -> None:
    make_bank(tmp_path / "a.safetensors", "starry-night")
    with pytest.raises(UnknownStyle, match="starry-night"):
        Library([tmp_path]).style("stary-nigth")
