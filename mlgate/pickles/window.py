"""The bytes under the machine's hand: one chunk of the source at a time, lines and constants at any offset."""

from __future__ import annotations

import codecs
import struct
import warnings

from mlgate.errors import Incomplete
from mlgate.pickles import opcodes as op
from mlgate.records import Source

CHUNK = 1 << 18
MARGIN = 1 << 12
LINE = 1 << 20  # longest line that is read as an argument; longer ones are skipped over and kept by their start
_LINE_MAX = 1 << 30
KEEP = 4096  # bytes of a text or bytes constant that are read again for display
_PAD = b"\xff" * 16  # lets opcodes at the very end read their argument without a check; 0xff is no opcode

Constant = str | bytes | int | float | None


class Window:
    """A moving view on a source."""

    __slots__ = ("base", "buf", "end", "size", "source")

    def __init__(self, source: Source) -> None:
        self.source = source
        self.end = source.size
        self.base = 0
        self.size = 0
        self.buf = _PAD

    def label(self, value: object) -> str:  # noqa: ARG002  (for those who give names)
        """The name to show a value by instead of its expression, or ""."""
        return ""

    def move(self, offset: int) -> bool:
        """Brings `offset` under the window, with room after it; whether the window reaches the end of the data.

        `buf` then holds `size` bytes from `base` on, and padding.
        """
        last = self.base + self.size >= self.end
        if not self.base <= offset < self.base + self.size or (offset + MARGIN > self.base + self.size and not last):
            data = self.source.read_at(offset, CHUNK)
            self.base, self.size, self.buf = offset, len(data), data + _PAD
            last = offset + len(data) >= self.end or len(data) <= MARGIN
        return last

    def close(self) -> None:
        """Gives the chunk back; the window can be used again."""
        self.base, self.size, self.buf = 0, 0, _PAD

    def read(self, offset: int, length: int) -> bytes:
        """Exactly `length` bytes. Raises Incomplete (truncated)."""
        start = offset - self.base
        if start >= 0 and start + length <= self.size:
            return self.buf[start : start + length]
        data = self.source.read_at(offset, length)
        if len(data) < length:
            raise Incomplete("truncated", f"{length} bytes wanted, {len(data)} left", offset=offset)
        return data

    def line(self, offset: int) -> tuple[bytes, int]:
        """A line without its newline, cut to LINE bytes, and the offset after the newline.

        At the end of the data a line without newline loses its last byte, as in pickle.Unpickler's Python version.
        """
        start = offset - self.base
        if start >= 0:
            stop = self.buf.find(b"\n", start, self.size)
            if stop >= 0:
                return self.buf[start:stop], self.base + stop + 1
        kept, at = b"", offset
        while at < self.end:
            if at - offset > _LINE_MAX:
                raise Incomplete("limit", "a line of more than 1 GiB", offset=offset)
            data = self.source.read_at(at, CHUNK)
            stop = data.find(b"\n")
            if len(kept) < LINE:
                kept += data if stop < 0 else data[:stop]
            if stop >= 0:
                return kept[:LINE], at + stop + 1
            if not data:
                break
            at += len(data)
        return kept[: min(len(kept) - 1, LINE)] if kept else b"", self.end + 1

    def check_utf8(self, offset: int, length: int) -> None:
        """Raises Incomplete when the bytes are not UTF-8 with surrogates passed, as BINUNICODE wants them."""
        decoder = codecs.getincrementaldecoder("utf-8")("surrogatepass")
        end = min(offset + length, self.end)
        try:
            for at in range(offset, end, CHUNK):
                data = self.source.read_at(at, min(CHUNK, end - at))
                decoder.decode(data, final=at + CHUNK >= end and end == offset + length)
        except UnicodeDecodeError as error:
            raise Incomplete("malformed", "text that is not UTF-8", offset=offset) from error

    def constant(self, offset: int) -> Constant:
        """The constant that the opcode at `offset` pushed; text and bytes cut to KEEP."""
        code = self.read(offset, 1)[0]
        if code in op.COUNTED:
            size = op.COUNTED[code]
            length = int.from_bytes(self.read(offset + 1, size), "little")
            return _decode(code, self.source.read_at(offset + 1 + size, min(length, KEEP)))
        if code in op.LINES:
            return _decode_line(code, self.line(offset + 1)[0][:KEEP])
        if code == op.BINFLOAT:
            return float(struct.unpack(">d", self.read(offset + 1, 8))[0])
        if code == op.BININT:
            return int.from_bytes(self.read(offset + 1, 4), "little", signed=True)
        if code in (op.BININT1, op.BININT2):
            return int.from_bytes(self.read(offset + 1, op.FIXED[code] - 1), "little")
        return {op.NEWTRUE: True, op.NEWFALSE: False}.get(code)

    def extent(self, offset: int) -> tuple[int, int] | None:
        """Start and length of the bytes that a counted opcode pushed, or None."""
        code = self.read(offset, 1)[0]
        if code not in op.COUNTED:
            return None
        size = op.COUNTED[code]
        return offset + 1 + size, int.from_bytes(self.read(offset + 1, size), "little")

    def is_text(self, offset: int) -> bool:
        """Whether the constant is a str."""
        return self.read(offset, 1)[0] in op.TEXT


def _decode(code: int, data: bytes) -> Constant:
    if code in (op.LONG1, op.LONG4):
        return int.from_bytes(data, "little", signed=True)
    if code in (op.SHORT_BINSTRING, op.BINSTRING):
        return data.decode("latin-1")  # the loader's `encoding` decides; latin-1 never loses a byte
    if code in op.TEXT:
        return _utf8(data)
    return data


def _utf8(data: bytes) -> str:
    if len(data) < KEEP:
        return data.decode("utf-8", "surrogatepass")
    return data.decode("utf-8", "ignore")


def _decode_line(code: int, data: bytes) -> Constant:
    """A line's constant; Raises ValueError (UnicodeDecodeError is one) where CPython would refuse it."""
    if code == op.UNICODE:
        return data.decode("raw-unicode-escape")
    if code == op.STRING:
        if len(data) < 2 or data[:1] != data[-1:] or data[:1] not in (b"'", b'"'):
            if len(data) == KEEP:
                return data.decode("latin-1")
            raise ValueError("the STRING opcode argument must be quoted")
        return _unescape(data[1:-1]).decode("latin-1")
    if code == op.FLOAT:
        return float(data)
    if code == op.INT and data in (b"00", b"01"):
        return data == b"01"
    return int(data[:-1] if code == op.LONG and data.endswith(b"L") else data, 0)


def _unescape(data: bytes) -> bytes:
    if b"\\" not in data:
        return data
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # unknown escapes only warn, here as in CPython
        decoded: bytes = codecs.escape_decode(data)[0]
    return decoded


def check_line(code: int, data: bytes) -> None:
    """Raises ValueError where CPython would refuse this line as the argument of `code`."""
    if len(data) < KEEP:
        _decode_line(code, data)
    elif code in (op.INT, op.LONG, op.FLOAT):
        _decode_line(code, data[:LINE])
    elif code == op.STRING and data[:1] not in (b"'", b'"'):
        raise ValueError("the STRING opcode argument must be quoted")
