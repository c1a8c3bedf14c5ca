"""Large messages in small pieces: no frame on the wire is ever large.

ZeroMQ takes frames up to a limit from whoever connects, before it knows who that is. So the limit is small, and what is
larger travels as a train: an announcement of the sizes of its frames, then the frames, cut into pieces. The receiver
can refuse a train before it comes, knows from every piece that the sender lives, and other messages go in between.
Trains are numbered by their sender, and never outlive the connection.

What belongs to a train is a frame that begins with a byte with which no msgpack begins: 0xC1, the kind, the number of
the train, and of a piece, how many bytes came before it.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass

from impasto_link.errors import BadRequest
from impasto_link.pixels import Buffer
from impasto_link.sentences import say

#: The most bytes of a message that is sent as it is, and of a piece of one that is not.
PIECE = 1 << 14
#: What a socket has to take, with what encryption adds.
MAX_FRAME = PIECE + 256
#: The header and what it describes.
MAX_FRAMES = 65
#: More trains than this at a time are a mistake or an attack; whoever sends has fewer under way.
MAX_TRAINS = 16
_TRAINS_AT_ONCE = 4

_MARK = 0xC1
_ANNOUNCED, _PIECE, _CALLED_OFF = range(3)
_HEAD = struct.Struct("<BBIQ")
_SIZE = struct.Struct("<Q")

Message = Sequence[Buffer]


def size_of(message: Message) -> int:
    """How many bytes a message has."""
    return sum(memoryview(frame).nbytes for frame in message)


def split(message: Message, number: int) -> Iterator[list[Buffer]]:
    """A message as the messages of a train: what it will be, then its pieces."""
    frames = [memoryview(frame) for frame in message]
    sizes = b"".join(_SIZE.pack(frame.nbytes) for frame in frames)
    yield [_HEAD.pack(_MARK, _ANNOUNCED, number, 0) + sizes]
    before = 0
    for frame in frames:
        body = frame.cast("B") if frame.nbytes else frame
        for start in range(0, frame.nbytes, PIECE):
            piece = body[start : start + PIECE]
            yield [b"".join((_HEAD.pack(_MARK, _PIECE, number, before), piece))]
            before += piece.nbytes


@dataclass(eq=False)
class _Waiting:
    """A message that has not been sent, or a train of which not all has been."""

    number: int
    message: Message
    key: Hashable
    nbytes: int
    pieces: Iterator[list[Buffer]] | None = None

    @property
    def is_small(self) -> bool:
        return self.nbytes <= PIECE


class Outbox:
    """What waits to be sent over one connection. Small messages go first, large ones take turns.

    Args:
        last: the number after which those of its messages begin.

    Attributes:
        nbytes: how much waits, in bytes; what it refers to is not copied.
        words: how much of that are small messages.
        last: the number of the last message.
    """

    def __init__(self, last: int = 0) -> None:
        self.nbytes = self.words = 0
        self.last = last
        self._small: deque[_Waiting] = deque()
        self._large: deque[_Waiting] = deque()
        self._moving: deque[_Waiting] = deque()
        self._next: Message | None = None

    def __bool__(self) -> bool:
        """Whether anything waits."""
        return bool(self._next or self._small or self._large or self._moving)

    def put(self, message: Message, key: Hashable = None) -> int:
        """Let a message wait; one with the same ``key`` that has not begun gives way to it.

        Returns:
            Its number, for `withdraw`.

        Raises:
            ValueError: it has no frame, or too many.
            BufferError: a frame is not contiguous.
        """
        if not 0 < len(message) <= MAX_FRAMES:
            raise ValueError(f"A message has 1 to {MAX_FRAMES} frames.")
        if not all(memoryview(frame).c_contiguous for frame in message):
            raise BufferError("A frame has to be contiguous.")
        self.last = (self.last + 1) % (1 << 32)
        one = _Waiting(self.last, message, key, size_of(message))
        if key is not None:
            self._drop(lambda other: other.key == key)
        (self._small if one.is_small else self._large).append(one)
        self._count(one, 1)
        return one.number

    def next(self) -> Message | None:
        """What to send next; the same again until it was `sent`. None if nothing waits."""
        if self._next is None:
            self._next = self._choose()
        return self._next

    def sent(self) -> None:
        """What was `next` is on its way."""
        self._next = None

    def withdraw(self, number: int) -> bool:
        """Do not send a message, or what is left of it; False if all of it is on its way already."""
        if self._drop(lambda one: one.number == number):
            return True
        for one in self._moving:
            if one.number == number:
                self._moving.remove(one)
                self._count(one, -1)
                self.put([_HEAD.pack(_MARK, _CALLED_OFF, number, 0)])
                return True
        return False

    def _drop(self, unwanted: Callable[[_Waiting], bool]) -> bool:
        """Take out what is not wanted and has not begun; whether there was any."""
        found = False
        for queue in (self._small, self._large):
            for one in [one for one in queue if unwanted(one)]:
                queue.remove(one)
                self._count(one, -1)
                found = True
        return found

    def _count(self, one: _Waiting, sign: int) -> None:
        self.nbytes += sign * one.nbytes
        self.words += sign * one.nbytes if one.is_small else 0

    def _choose(self) -> Message | None:
        if self._small:
            one = self._small.popleft()
            self._count(one, -1)
            return one.message
        while self._moving or self._large:
            if self._large and len(self._moving) < _TRAINS_AT_ONCE:
                one = self._large.popleft()
                one.pieces = split(one.message, one.number)
            else:
                one = self._moving.popleft()
            assert one.pieces is not None
            piece = next(one.pieces, None)
            if piece is not None:
                self._moving.append(one)
                return piece
            self._count(one, -1)
        return None


class _Arriving:
    """A train of which not all is here. Room is made for its header, and for the rest once that is here.

    Attributes:
        frames: what there is room for.
        room: how many bytes of memory that has been given.
    """

    def __init__(self, sizes: list[int]) -> None:
        self.frames: list[memoryview] = []
        self.room = 0
        self._sizes = sizes
        self._here = 0
        self._rooms: deque[memoryview] = deque()
        self.make_room(1)

    @property
    def nbytes(self) -> int:
        """Of the whole of it."""
        return sum(self._sizes)

    def make_room(self, count: int) -> None:
        """Let its first ``count`` frames come."""
        for size in self._sizes[len(self.frames) : count]:
            try:
                self.frames.append(memoryview(bytearray(size)))
            except (MemoryError, OverflowError):
                raise BadRequest(
                    say("There is no memory for a message of {nbytes} bytes.", nbytes=self.nbytes)
                ) from None
            self.room += size
            if size:
                self._rooms.append(self.frames[-1])

    @property
    def is_full(self) -> bool:
        """Whether all that there is room for is here."""
        return not self._rooms

    def add(self, before: int, piece: memoryview) -> None:
        """Take a piece in; raises BadRequest if it is not the next one."""
        room = self._rooms[0]
        if before != self._here or not 0 < piece.nbytes <= room.nbytes:
            raise BadRequest("A part of a message is missing.")
        room[: piece.nbytes] = piece
        self._here += piece.nbytes
        self._rooms.popleft()
        if piece.nbytes < room.nbytes:
            self._rooms.appendleft(room[piece.nbytes :])


class Inbox:
    """Puts together what comes over one connection.

    Args:
        max_header: the largest first frame of a large message, in bytes.
        admit: is asked whether a message may come, as soon as its header is here: the header, and how many bytes the
            whole has. It raises an ImpastoError if not.
    """

    def __init__(
        self, max_header: int = 1 << 26, admit: Callable[[memoryview, int], None] = lambda header, nbytes: None
    ) -> None:
        self._max_header = max_header
        self._admit = admit
        self._trains: dict[int, _Arriving] = {}

    def __bool__(self) -> bool:
        """Whether a message is only half here."""
        return bool(self._trains)

    @property
    def room(self) -> int:
        """How many bytes of memory its half messages have been given."""
        return sum(train.room for train in self._trains.values())

    def take(self, message: Message) -> Message | None:
        """Take in what came; a message, if that is one or completes one.

        Raises:
            ImpastoError: it is against the rules, or was not admitted; what comes of the same train is passed over.
        """
        first = memoryview(message[0])
        if not first.nbytes or first[0] != _MARK:
            return message
        if first.nbytes < _HEAD.size:
            raise BadRequest("A part of a message cannot be read.")
        _, kind, number, before = _HEAD.unpack_from(first)
        if kind == _ANNOUNCED:
            self._announce(number, first[_HEAD.size :])
        elif kind == _CALLED_OFF:
            self._trains.pop(number, None)
        elif number in self._trains:
            return self._add(number, before, first[_HEAD.size :])
        return None

    def _announce(self, number: int, sizes: memoryview) -> None:
        if len(self._trains) >= MAX_TRAINS:
            raise BadRequest(say("More than {max_trains} messages come at the same time.", max_trains=MAX_TRAINS))
        if sizes.nbytes % _SIZE.size or not 0 < sizes.nbytes <= MAX_FRAMES * _SIZE.size:
            raise BadRequest(say("A message has 1 to {max_frames} frames.", max_frames=MAX_FRAMES))
        numbers = [size for (size,) in _SIZE.iter_unpack(sizes)]
        if not 0 < numbers[0] <= self._max_header:
            raise BadRequest(
                say(
                    "The header has {nbytes} bytes; at most {limit} are taken.",
                    nbytes=numbers[0],
                    limit=self._max_header,
                )
            )
        self._trains[number] = _Arriving(numbers)

    def _add(self, number: int, before: int, piece: memoryview) -> Message | None:
        train = self._trains.pop(number)
        train.add(before, piece)
        if train.is_full and len(train.frames) == 1:
            self._admit(train.frames[0], train.nbytes)
            train.make_room(MAX_FRAMES)
        if train.is_full:
            return train.frames
        self._trains[number] = train
        return None
