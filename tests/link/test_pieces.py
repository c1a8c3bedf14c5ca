"""Large messages in pieces: what is put in comes out, in whatever order the pieces of different ones come."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impasto_link.errors import BadRequest
from impasto_link.pieces import MAX_FRAME, MAX_FRAMES, MAX_TRAINS, PIECE, Inbox, Message, Outbox, split

sizes = st.one_of(st.integers(0, 40), st.integers(PIECE - 2, PIECE + 2), st.integers(0, 4 * PIECE))
PATTERN = bytes(range(251)) * (4 * PIECE // 251 + 1)
#: Of a header at least one byte is there.
messages = st.lists(st.builds(lambda size: PATTERN[:size], sizes), max_size=5).map(lambda frames: [b"header", *frames])
LARGE = [b"header", PATTERN[: 3 * PIECE]]


def drain(outbox: Outbox) -> Iterator[Message]:
    while (message := outbox.next()) is not None:
        outbox.sent()
        yield message


def as_bytes(message: Message) -> list[bytes]:
    return [bytes(frame) for frame in message]


@settings(deadline=None)
@given(st.lists(messages, max_size=6))
def test_what_is_put_in_comes_out_in_small_messages(sent: list[list[bytes]]) -> None:
    outbox, inbox = Outbox(), Inbox()
    for message in sent:
        outbox.put(message)
    assert outbox.nbytes == sum(map(len, itertools.chain(*sent)))
    came = []
    for small in drain(outbox):
        assert sum(len(frame) for frame in small) <= MAX_FRAME
        whole = inbox.take(small)
        came += [] if whole is None else [as_bytes(whole)]
    assert sorted(came) == sorted(sent)
    assert not outbox
    assert outbox.nbytes == 0
    assert not inbox


@settings(deadline=None)
@given(st.lists(messages, min_size=1, max_size=6), st.data())
def test_pieces_of_different_messages_come_in_any_order(sent: list[list[bytes]], data: st.DataObject) -> None:
    trains = [list(split(message, number)) for number, message in enumerate(sent)]
    turns = data.draw(st.permutations([number for number, train in enumerate(trains) for _ in train]))
    inbox, rest, came = Inbox(), [iter(train) for train in trains], {}
    for number in turns:
        whole = inbox.take(next(rest[number]))
        if whole is not None:
            came[number] = as_bytes(whole)
    assert [came[number] for number in range(len(sent))] == sent


@settings(deadline=None)
@given(messages, st.data())
def test_a_message_of_which_a_piece_is_missing_does_not_come(sent: list[bytes], data: st.DataObject) -> None:
    train = list(split(sent, 1))
    lost = data.draw(st.integers(1, len(train) - 1))
    inbox = Inbox()
    came = []
    for message in train[:lost] + train[lost + 1 :]:
        try:
            came.append(inbox.take(message))
        except BadRequest as error:
            assert "missing" in error.message
    assert not any(came)


@settings(deadline=None)
@given(st.lists(st.binary(max_size=40).map(lambda data: b"\xc1" + data), max_size=9))
def test_only_sentences_come_of_noise(noise: list[bytes]) -> None:
    inbox = Inbox(max_header=1000)
    for data in noise:
        try:
            assert inbox.take([data]) is None
        except BadRequest as error:
            assert error.message.endswith(".")
    assert inbox.room <= 1000 * MAX_TRAINS


def announcement(*sizes: int) -> list[bytes]:
    return [struct.pack("<BBIQ", 0xC1, 0, 7, 0) + struct.pack(f"<{len(sizes)}Q", *sizes)]


@pytest.mark.parametrize("sizes", [(), (0, 5), (1001,), (1,) * (MAX_FRAMES + 1)])
def test_what_is_announced_has_bounds(sizes: tuple[int, ...]) -> None:
    inbox = Inbox(max_header=1000)
    with pytest.raises(BadRequest):
        inbox.take(announcement(*sizes))
    assert not inbox


def test_no_memory_is_set_aside_for_what_is_only_announced_or_not_admitted() -> None:
    asked = []

    def refuse(header: memoryview, nbytes: int) -> None:
        asked.append((bytes(header), nbytes))
        raise BadRequest("It is too large.")

    inbox = Inbox(admit=refuse)
    inbox.take(announcement(6, 1 << 60))
    assert inbox.room == 6
    start = struct.pack("<BBIQ", 0xC1, 1, 7, 0)
    with pytest.raises(BadRequest, match="too large"):
        inbox.take([start + b"header"])
    assert asked == [(b"header", 6 + (1 << 60))]
    assert inbox.take([struct.pack("<BBIQ", 0xC1, 1, 7, 6) + b"the rest"]) is None
    assert not inbox


def test_too_many_at_a_time_are_refused() -> None:
    inbox = Inbox()
    for number in range(MAX_TRAINS):
        inbox.take(next(split(LARGE, number)))
    with pytest.raises(BadRequest, match="at the same time"):
        inbox.take(next(split(LARGE, MAX_TRAINS)))


def test_small_messages_overtake_and_newer_ones_replace() -> None:
    outbox, inbox = Outbox(), Inbox()
    outbox.put(LARGE)
    assert outbox.next() is not None
    outbox.put([b"how far: 1"], "how far")
    outbox.put([b"how far: 2"], "how far")
    outbox.put([b"end"])
    came = [as_bytes(whole)[0] for message in drain(outbox) if (whole := inbox.take(message)) is not None]
    assert came == [b"how far: 2", b"end", b"header"]


@pytest.mark.parametrize("pieces", range(5))
def test_what_is_taken_back_is_not_sent_or_called_off(pieces: int) -> None:
    outbox, inbox = Outbox(), Inbox()
    number = outbox.put(LARGE)
    outbox.put([b"another", PATTERN[: 2 * PIECE]])
    for message in itertools.islice(drain(outbox), pieces):
        inbox.take(message)
    assert outbox.withdraw(number)
    came = [as_bytes(whole)[0] for message in drain(outbox) if (whole := inbox.take(message)) is not None]
    assert came == [b"another"]
    assert not inbox
    assert not outbox.withdraw(number)


def test_what_cannot_be_sent_is_not_queued() -> None:
    outbox = Outbox()
    with pytest.raises(ValueError, match="frames"):
        outbox.put([])
    with pytest.raises(ValueError, match="frames"):
        outbox.put([b""] * (MAX_FRAMES + 1))
    with pytest.raises(BufferError):
        outbox.put([b"header", memoryview(bytes(10))[::2]])
    assert not outbox
