"""Reading forward through a source in windows: integers, text, jumps; never the whole file."""

from __future__ import annotations

import struct

from mlgate.errors import Incomplete
from mlgate.records import Source

_WINDOW = 1 << 18


class Cursor:
    """A position in a source up to `end`. Every read past the end raises Incomplete("truncated")."""

    def __init__(self, source: Source, *, order: str = "<", at: int = 0) -> None:
        self._source = source
        self._order = order
        self._window = b""
        self._start = 0
        self.at = at
        self.end = source.size

    def take(self, length: int) -> bytes:
        """The next `length` bytes."""
        offset = self.at - self._start
        if offset < 0 or offset + length > len(self._window):
            self._need(length)
            offset = 0
            self._start = self.at
            self._window = self._source.read_at(self.at, max(length, _WINDOW))
            if len(self._window) < length:
                raise Incomplete("truncated", "the file became shorter while it was read", offset=self.at)
        self.at += length
        return self._window[offset : offset + length]

    def skip(self, length: int) -> None:
        """Goes on by `length` bytes without reading them."""
        self._need(length)
        self.at += length

    def _need(self, length: int) -> None:
        if length > self.end - self.at:
            raise Incomplete(
                "truncated", f"{length:,} bytes are announced and {self.end - self.at:,} are left", offset=self.at
            )

    def number(self, code: str) -> int:
        """An integer of a struct format code (B, b, H, h, I, i, Q, q) in the cursor's byte order."""
        value: int = struct.unpack(self._order + code, self.take(struct.calcsize(self._order + code)))[0]
        return value

    def real(self, code: str) -> float:
        """A float of a struct format code (f, d)."""
        value: float = struct.unpack(self._order + code, self.take(struct.calcsize(self._order + code)))[0]
        return value
