"""Protocol Buffers' wire format, walked without recursion (protobuf.dev, "Encoding").

Messages are entered as a schema says, everything else is skipped by its length, so that a tensor of a gigabyte costs
one jump. What a parser would merge (a singular message that stands twice) is seen as two messages: who looks must
not conclude anything from what is absent in one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from mlgate.errors import Incomplete
from mlgate.records import Source

_WINDOW = 1 << 18
_TAG = 5  # bytes
_DEPTH = 100  # the limit of Google's own parsers
_FIELDS = 10_000_000
_TEXT = 1 << 16
_NUMBERS = 64

_STRINGS = 1024
_STRING = 4096
_LONG = 1 << 16

INT, TEXT, SIZE, INTS = "int", "text", "size", "ints"
TEXTS, SPAN, LONG_INTS = "texts", "span", "long ints"
Schema = Mapping[str, Mapping[int, str]]


@dataclass(slots=True)
class Message:
    """A message that is being read: its kind, the number of its field in its parent, and the scalars met so far.

    Of scalars the last one counts, as in every parser; `size` fields hold a length, `ints` the first 64 numbers and
    `long ints` the first 65,536; `texts` the first 1,024 values, each cut at 4,096 bytes, and `spans` where each of the
    first 1,024 values starts and how long it is. `more` are the fields that had more values than were kept.
    """

    kind: str
    number: int
    end: int
    numbers: dict[int, int] = field(default_factory=dict)
    texts: dict[int, str] = field(default_factory=dict)
    lists: dict[int, list[int]] = field(default_factory=dict)
    strings: dict[int, list[str]] = field(default_factory=dict)
    spans: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    more: set[int] = field(default_factory=set)


class Walker:
    """Walks a source as message `root` of `schema` and calls `closed` with each message and those around it.

    The schema maps kinds to fields to INT, TEXT (at most 65,536 bytes are kept), SIZE, INTS, LONG_INTS, TEXTS, SPAN,
    or the kind of message to enter. Raises Incomplete on anything that is not protobuf, too deep or too much.
    """

    def __init__(self, source: Source, schema: Schema, closed: Callable[[Message, list[Message]], None]) -> None:
        self._source = source
        self._schema = schema
        self._closed = closed
        self._window = b""
        self._base = 0
        self._at = 0

    def walk(self, root: str) -> None:
        """Walks from the first byte to the last."""
        stack = [Message(root, 0, self._source.size)]
        fields = 0
        while stack:
            message = stack[-1]
            if self._at >= message.end:
                stack.pop()
                self._closed(message, stack)
                continue
            fields += 1
            if fields > _FIELDS:
                raise Incomplete("limit", f"more than {_FIELDS:,} fields", offset=self._at)
            inner = self._field(message, root_end=len(stack) == 1)
            if inner is not None:
                if len(stack) >= _DEPTH:
                    raise Incomplete("limit", f"messages are nested deeper than {_DEPTH}", offset=self._at)
                stack.append(inner)

    def _field(self, message: Message, *, root_end: bool) -> Message | None:
        """Reads one field; gives the message to enter, if it is one."""
        start = self._at
        tag = self._varint(message.end)
        number, wire = tag >> 3, tag & 7
        # a tag has 32 bits in at most five bytes; C++ drops what is more, and sees another field than is written
        if tag >> 32 or self._at - start > _TAG:
            raise Incomplete("malformed", "a field's number is too large", offset=start)
        if number == 0 or wire in {3, 4, 6, 7}:
            raise Incomplete("malformed", f"field {number} of wire type {wire} is no protobuf", offset=start)
        if wire == 0:
            self._number(message, number, self._varint(message.end))
            return None
        length = self._varint(message.end) if wire == 2 else 8 if wire == 1 else 4
        if length > message.end - self._at:
            reason = "truncated" if root_end else "malformed"
            what = f"field {number} announces {length:,} bytes and {message.end - self._at:,} are left"
            raise Incomplete(reason, what, offset=start)
        if wire == 2:
            return self._block(message, number, length)
        self._at += length
        return None

    def _number(self, message: Message, number: int, value: int) -> None:
        wanted = self._schema[message.kind].get(number)
        signed = value - (1 << 64) if value >> 63 else value
        if wanted == INT:
            message.numbers[number] = signed
        elif wanted in (INTS, LONG_INTS):
            numbers = message.lists.setdefault(number, [])
            if len(numbers) < (_NUMBERS if wanted == INTS else _LONG):
                numbers.append(signed)
            else:
                message.more.add(number)

    def _block(self, message: Message, number: int, length: int) -> Message | None:
        wanted = self._schema[message.kind].get(number, "")
        end = self._at + length
        if wanted in (INTS, LONG_INTS):
            while self._at < end:
                self._number(message, number, self._varint(end))
        elif wanted == TEXT:
            message.texts[number] = self._bytes(min(length, _TEXT)).decode("utf-8", "backslashreplace")
        elif wanted == SIZE:
            message.numbers[number] = length
        elif wanted == TEXTS:
            strings = message.strings.setdefault(number, [])
            if len(strings) < _STRINGS:
                strings.append(self._bytes(min(length, _STRING)).decode("utf-8", "backslashreplace"))
            else:
                message.more.add(number)
        elif wanted == SPAN:
            spans = message.spans.setdefault(number, [])
            if len(spans) < _STRINGS:
                spans.append((self._at, length))
            else:
                message.more.add(number)
        elif wanted in self._schema:
            return Message(wanted, number, end)
        self._at = end
        return None

    def _bytes(self, length: int) -> bytes:
        offset = self._at - self._base
        if offset < 0 or offset + length > len(self._window):
            self._base, offset = self._at, 0
            self._window = self._source.read_at(self._at, max(length, _WINDOW))
            if len(self._window) < length:
                raise Incomplete("truncated", "the file became shorter while it was read", offset=self._at)
        return self._window[offset : offset + length]

    def _varint(self, end: int) -> int:
        offset = self._at - self._base
        if 0 <= offset < len(self._window) and self._at < end:  # nearly all have one byte
            first = self._window[offset]
            if first < 0x80:
                self._at += 1
                return first
        raw = self._bytes(min(10, end - self._at))
        value = 0
        for index, byte in enumerate(raw):
            value |= (byte & 0x7F) << (7 * index)
            if byte < 0x80:
                self._at += index + 1
                return value & (1 << 64) - 1
        raise Incomplete("malformed" if len(raw) == 10 else "truncated", "a number does not end", offset=self._at)


def shallow(head: bytes, size: int) -> list[tuple[int, int, int, int]] | None:
    """The fields of a message whose first bytes are `head`: (number, wire type, value or length, where it starts).

    Ends where `head` does; None when the bytes are no protobuf message of `size` bytes.
    """
    found: list[tuple[int, int, int, int]] = []
    at = 0
    while at < len(head):
        tag = _number(head, at)
        if tag is None:
            break
        number, wire = tag[0] >> 3, tag[0] & 7
        odd = bool(tag[0] >> 32) or tag[1] - at > _TAG
        at = tag[1]
        if odd or number == 0 or wire in {3, 4, 6, 7}:
            return None
        value = (8, at) if wire == 1 else (4, at) if wire == 5 else _number(head, at)
        if value is None:
            break
        found.append((number, wire, value[0], value[1]))
        at = value[1] + (value[0] if wire else 0)
        if at > size:
            return None
    return found


def _number(head: bytes, at: int) -> tuple[int, int] | None:
    value = 0
    for index in range(10):
        if at + index >= len(head):
            return None
        byte = head[at + index]
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value, at + index + 1
    return None
