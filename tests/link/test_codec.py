"""Headers, pixel formats and options: what is sent arrives, and what makes no sense is refused with a sentence."""

from __future__ import annotations

from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from impasto_link import codec
from impasto_link.coats import StyleChoice
from impasto_link.errors import BadRequest, ImpastoError, ServerGone, UnknownStyle, WrongVersion, from_wire
from impasto_link.options import StylizeOptions
from impasto_link.pixels import CHANNELS, DTYPES, PixelFormat, Region

formats = st.builds(
    PixelFormat,
    width=st.integers(1, 30),
    height=st.integers(1, 30),
    channels=st.sampled_from(sorted(CHANNELS)),
    dtype=st.sampled_from(sorted(DTYPES)),
    encoding=st.sampled_from(["srgb", "linear", "icc"]),
    premultiplied=st.booleans(),
)


@st.composite
def regions(draw: st.DrawFn) -> Region:
    form = draw(formats)
    profile = draw(st.binary(min_size=1, max_size=50)) if form.encoding == "icc" else None
    return Region(form, draw(st.binary(min_size=form.nbytes, max_size=form.nbytes)), profile)


options = st.builds(
    StylizeOptions,
    styles=st.lists(
        st.builds(StyleChoice, st.text(min_size=1, max_size=20), st.floats(0.01, 100)), min_size=1, max_size=5
    ).map(tuple),
    strength=st.floats(0, 1),
    brush=st.floats(0.25, 4),
    keep_colors=st.booleans(),
    device=st.sampled_from(["auto", "cpu", "cuda", "cuda:3", "rocm", "rocm:1", "mps", "xpu:2"]),
    max_side=st.none() | st.integers(16, 5000),
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["pixels", "mask", "style"]), regions(), max_size=3))
def test_regions_arrive_as_they_were_sent(sent: dict[str, Region]) -> None:
    message = codec.encode({"op": "stylize", "id": "1"}, sent)
    header = codec.decode_header(message[0])
    codec.check_version(header)
    assert header["op"] == "stylize"
    arrived = codec.decode_regions(header, [bytes(frame) for frame in message[1:]])
    assert arrived == sent


@given(options)
def test_options_arrive_as_they_were_sent(sent: StylizeOptions) -> None:
    header = codec.decode_header(codec.pack(sent.to_wire()))
    assert StylizeOptions.from_wire(header) == sent


@given(st.binary(max_size=300))
def test_random_bytes_are_a_header_or_are_refused(data: bytes) -> None:
    try:
        header = codec.decode_header(data)
    except BadRequest:
        return
    assert all(isinstance(key, str) for key in header)


@given(
    st.dictionaries(
        st.sampled_from(["frames", "styles", "strength", "brush", "device", "engine", "v", "max_side"]), anything
    ),
    st.lists(st.binary(max_size=20), max_size=3),
)
def test_whatever_a_header_says_only_sentences_come_of_it(header: dict[str, object], frames: list[bytes]) -> None:
    for read in (
        lambda: codec.decode_regions(header, frames),
        lambda: StylizeOptions.from_wire(header),
        lambda: codec.check_version(header),
    ):
        try:
            read()
        except ImpastoError as error:
            assert error.message.endswith((".", "?"))


@given(st.lists(st.dictionaries(
    st.sampled_from(["kind", "width", "height", "channels", "dtype", "encoding", "profile", "premultiplied"]), anything
), max_size=3))  # fmt: skip
def test_whatever_a_frame_is_said_to_be_only_sentences_come_of_it(frames: list[dict[str, object]]) -> None:
    try:
        codec.decode_regions({"frames": frames}, [b"12345678"] * len(frames))
    except ImpastoError as error:
        assert error.message


@pytest.mark.parametrize("data", [b"", b"\xc1", b"\x93", msgpack.packb([1]), msgpack.packb({1: 2}), b"\x91" * 100_000])
def test_what_is_no_header_is_refused(data: bytes) -> None:
    with pytest.raises(BadRequest):
        codec.decode_header(data)


def test_headers_have_a_limit() -> None:
    with pytest.raises(BadRequest, match="bytes"):
        codec.decode_header(msgpack.packb({"pad": bytes(codec.MAX_HEADER)}))


def test_another_version_is_named() -> None:
    with pytest.raises(WrongVersion, match="7"):
        codec.check_version({"v": 7})


@pytest.mark.parametrize(
    ("style", "expected"),
    [
        ("udnie", (StyleChoice("udnie"),)),
        ("udnie:0.5", (StyleChoice("udnie", 0.5),)),
        (["a", StyleChoice("b", 2)], (StyleChoice("a"), StyleChoice("b", 2.0))),
        ({"a": 1, "b": 3}, (StyleChoice("a", 1.0), StyleChoice("b", 3.0))),
    ],
)
def test_styles_as_a_person_names_them(style: object, expected: tuple[StyleChoice, ...]) -> None:
    assert StylizeOptions.of(style).styles == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "bad",
    [{"strength": 1.1}, {"strength": True}, {"brush": 5}, {"device": "cuda:x"}, {"device": "cpu:1"},
     {"device": "mps:0"}, {"device": "xpu:1234"}, {"engine": ""}, {"max_side": 3}, {"max_side": 20.0}],
)  # fmt: skip
def test_values_out_of_range_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        StylizeOptions.of("udnie", **bad)


@pytest.mark.parametrize("style", ["", ":1", "a:", "a:b", [], ["a"] * 17, {"a": 0}, {"a": -1}, {"a": float("inf")}])
def test_styles_that_make_no_sense_are_refused(style: object) -> None:
    with pytest.raises(BadRequest):
        StylizeOptions.of(style)  # type: ignore[arg-type]


def test_errors_keep_their_kind_over_the_wire() -> None:
    error = from_wire({"code": "unknown-style", "message": "There is none.", "hint": "Look again."})
    assert isinstance(error, UnknownStyle)
    assert str(error) == "There is none. Look again."
    assert type(from_wire({"code": "from-the-future", "message": "x", "hint": None})) is ImpastoError
    assert ServerGone("a").hint == ""


def test_a_region_has_the_size_it_claims() -> None:
    form = PixelFormat(3, 2, "RGBA", "u16")
    assert form.nbytes == 48
    with pytest.raises(BadRequest, match="48 bytes, but 47"):
        Region(form, bytes(47))
    with pytest.raises(BadRequest, match="profile"):
        Region(form, bytes(48), b"profile")
