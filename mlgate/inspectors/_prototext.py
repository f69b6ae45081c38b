"""Protocol Buffers' text format (protobuf.dev, "Text Format Language"), as the same messages the wire format gives.

Read as a whole up to a limit; strings become places in `data`, so that who reads spans reads them from there.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping

from mlgate.errors import Incomplete
from mlgate.inspectors._protobuf import INT, INTS, LONG_INTS, SPAN, TEXT, TEXTS, Message

_TOKEN = re.compile(
    rb"""\s*+(?:\#[^\n]*+\n?\s*+)*+
    (?:(?P<open>[{<])|(?P<close>[}>])|(?P<list>\[)|(?P<end>\])|(?P<mark>[:,;])
    |(?P<text>"(?>[^"\\\n]++|\\.)*+"|'(?>[^'\\\n]++|\\.)*+')|(?P<word>[-+.\w/]++))""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(rb"\\(?:([0-7]{1,3})|[xX]([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.DOTALL)
_PLAIN = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"a": b"\a", b"b": b"\b", b"f": b"\f", b"v": b"\v"}
_DEPTH = 100
_STRINGS = 1024
_KEPT = {TEXT: 1 << 16, TEXTS: 4096, SPAN: 1 << 25, INT: 64, INTS: 64, LONG_INTS: 64}
Fields = Mapping[str, Mapping[str, tuple[int, str]]]


class TextWalker:
    """Walks text as message `root`. `data` holds the strings one after another, for spans."""

    def __init__(
        self,
        text: bytes,
        fields: Fields,
        closed: Callable[[Message, list[Message]], None],
        words: Mapping[str, int],
    ) -> None:
        self._text = text
        self._fields = fields
        self._closed = closed
        self._words = words
        self._at = 0
        self._skipped = 0
        self.data = bytearray()

    def walk(self, root: str) -> None:
        """Walks from the first byte to the last. Raises Incomplete when the text is none of this format."""
        stack = [Message(root, 0, len(self._text))]
        name = ""
        while True:
            kind, value = self._token()
            if kind == "":
                break
            if kind == "close":
                self._close(stack)
            elif kind == "open":
                self._open(stack, name)
            elif kind == "word":
                name = self._named(stack, value)
            elif kind == "list":
                # an extension or an Any: its name stands in brackets, and what it holds is of no known kind
                self._until_end()
                name = "[]"
            elif kind != "mark":
                raise Incomplete("malformed", "a value stands without a name", offset=self._at)
        if len(stack) > 1 or self._skipped:
            raise Incomplete("truncated", "a message is not closed", offset=self._at)
        self._closed(stack.pop(), stack)

    def _token(self) -> tuple[str, bytes]:
        match = _TOKEN.match(self._text, self._at)
        if match is None:
            rest = self._text[self._at : self._at + 4096].split(b"#")[0].strip()
            if rest:
                raise Incomplete("malformed", "this is no protobuf text", offset=self._at)
            return "", b""
        self._at = match.end()
        return match.lastgroup or "", match[match.lastgroup or 0]

    def _close(self, stack: list[Message]) -> None:
        if self._skipped:
            self._skipped -= 1
        elif len(stack) == 1:
            raise Incomplete("malformed", "a message is closed that was never opened", offset=self._at)
        else:
            self._closed(stack.pop(), stack)

    def _open(self, stack: list[Message], name: str) -> None:
        number, wanted = self._fields[stack[-1].kind].get(name, (0, ""))
        if self._skipped or wanted not in self._fields:
            self._skipped += 1
        else:
            stack.append(Message(wanted, number, len(self._text)))
        if len(stack) + self._skipped > _DEPTH:
            raise Incomplete("limit", f"messages are nested deeper than {_DEPTH}", offset=self._at)

    def _named(self, stack: list[Message], word: bytes) -> str:
        """A field's name: when a value follows and not a message, the value is taken too."""
        name = word.decode("ascii", "replace")
        before = self._at
        kind, _ = self._token()
        if kind == "open":
            self._at = before
            return name
        if kind == "list":  # of messages, which need no colon
            self._several(stack, name)
            return name
        if kind != "mark":
            raise Incomplete("malformed", "a name stands without a value", offset=self._at)
        before = self._at
        kind, value = self._token()
        if kind == "open":
            self._at = before
        elif kind == "list":
            self._several(stack, name)
        else:
            self._value(stack[-1], name, kind, value)
        return name

    def _several(self, stack: list[Message], name: str) -> None:
        """A list in brackets, of scalars or of messages."""
        while True:
            kind, value = self._token()
            if kind == "end":
                return
            if kind == "open":
                self._open(stack, name)
                self._inner(stack)
            elif kind in {"text", "word"}:
                self._value(stack[-1], name, kind, value)
            elif kind != "mark":
                raise Incomplete("malformed", "a list does not end", offset=self._at)

    def _inner(self, stack: list[Message]) -> None:
        """The rest of a message that stands in a list."""
        depth, skipped, name = len(stack), self._skipped, ""
        while len(stack) >= depth and self._skipped >= skipped:
            kind, value = self._token()
            if kind == "close":
                self._close(stack)
            elif kind == "open":
                self._open(stack, name)
            elif kind == "word":
                name = self._named(stack, value)
            elif kind != "mark":
                raise Incomplete("malformed", "a message in a list does not end", offset=self._at)

    def _until_end(self) -> None:
        while self._token()[0] not in {"end", ""}:
            pass

    def _value(self, message: Message, name: str, kind: str, value: bytes) -> None:
        if kind not in {"text", "word"}:
            raise Incomplete("malformed", f"field {name[:60]!r} has no value", offset=self._at)
        number, wanted = (0, "") if self._skipped else self._fields[message.kind].get(name, (0, ""))
        if kind == "text":
            value = self._joined(value, _KEPT.get(wanted, 0))
        if wanted == TEXT:
            message.texts[number] = value.decode("utf-8", "backslashreplace")
        elif wanted == TEXTS:
            strings = message.strings.setdefault(number, [])
            if len(strings) < _STRINGS:
                strings.append(value.decode("utf-8", "backslashreplace"))
            else:
                message.more.add(number)
        elif wanted == SPAN:
            message.spans.setdefault(number, []).append((len(self.data), len(value)))
            self.data += value
        elif wanted in (INT, INTS, LONG_INTS):
            word = value.decode("ascii", "replace")
            amount = self._words.get(word, 0)
            if re.fullmatch(r"[+-]?(0[xX][0-9a-fA-F]{1,16}|\d{1,20})", word):
                amount = int(word, 0) if word.strip("+-")[:2].lower() == "0x" else int(word)
            if wanted == INT:
                message.numbers[number] = amount
            else:
                message.lists.setdefault(number, []).append(amount)

    def _joined(self, token: bytes, limit: int) -> bytes:
        """Strings one after another are one; what nobody asked for is not kept."""
        value = bytearray()
        before = self._at
        kind = "text"
        while kind == "text":
            if len(value) < limit:
                _unescape(token[1:-1], value)
            before = self._at
            kind, token = self._token()
        self._at = before
        return bytes(value[:limit])


def _unescape(raw: bytes, into: bytearray) -> None:
    """Adds the bytes that a string stands for, piece by piece: most of a tensor's content may be escapes."""
    at = 0
    for match in _ESCAPE.finditer(raw) if b"\\" in raw else ():
        into += raw[at : match.start()]
        at = match.end()
        octal, hexadecimal, short, long, char = match.groups()
        if octal:
            into.append(int(octal, 8) & 255)
        elif hexadecimal:
            into.append(int(hexadecimal, 16))
        elif short or long:
            number = int(short or long, 16)
            into += chr(number).encode("utf-8", "surrogatepass") if number <= sys.maxunicode else match[0]
        else:
            into += _PLAIN.get(char, char)
    into += raw[at:]
