"""Thrift's compact protocol (thrift-compact-protocol.md), read into plain values with limits."""

from __future__ import annotations

from typing import Any

from mlgate.errors import Incomplete

_VALUES = 2_000_000
_DEPTH = 40
_TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = range(1, 13)


class Compact:
    """Reads structs from bytes: a struct is a dict from field number to value. Raises Incomplete."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._left = _VALUES

    def struct(self, depth: int = 0, wanted: frozenset[int] | None = None) -> dict[int, Any]:
        """The struct at the cursor; of the outermost one only the `wanted` fields are kept, the others are skipped."""
        if depth > _DEPTH:
            raise Incomplete("limit", "structures are nested too deep", offset=self._at)
        fields: dict[int, Any] = {}
        number = 0
        while (head := self._byte()) != 0:
            kind, delta = head & 15, head >> 4
            number = number + delta if delta else self._zigzag()
            value = self._value(kind, depth + 1, inside=False)
            if wanted is None or number in wanted:
                fields[number] = value
        return fields

    def _value(self, kind: int, depth: int, *, inside: bool) -> Any:
        self._left -= 1
        if self._left < 0:
            raise Incomplete("limit", f"more than {_VALUES:,} values", offset=self._at)
        if kind in (_TRUE, _FALSE):
            return self._byte() == _TRUE if inside else kind == _TRUE
        if kind == _BYTE:
            return self._byte()
        if kind in (_I16, _I32, _I64):
            return self._zigzag()
        if kind == _DOUBLE:
            return self._take(8)
        if kind == _BINARY:
            return self._take(self._varint())
        if kind in (_LIST, _SET):
            return self._list(depth)
        if kind == _MAP:
            return self._map(depth)
        if kind == _STRUCT:
            return self.struct(depth)
        raise Incomplete("malformed", f"no type has the number {kind}", offset=self._at)

    def _list(self, depth: int) -> list[Any]:
        if depth > _DEPTH:
            raise Incomplete("limit", "structures are nested too deep", offset=self._at)
        head = self._byte()
        count = head >> 4 if head >> 4 != 15 else self._varint()
        if count > len(self._data) - self._at:
            raise Incomplete("truncated", f"a list of {count:,} values", offset=self._at)
        return [self._value(head & 15, depth + 1, inside=True) for _ in range(count)]

    def _map(self, depth: int) -> list[tuple[Any, Any]]:
        if depth > _DEPTH:
            raise Incomplete("limit", "structures are nested too deep", offset=self._at)
        count = self._varint()
        if not count:
            return []
        kinds = self._byte()
        if count > len(self._data) - self._at:
            raise Incomplete("truncated", f"a map of {count:,} values", offset=self._at)
        return [
            (self._value(kinds >> 4, depth + 1, inside=True), self._value(kinds & 15, depth + 1, inside=True))
            for _ in range(count)
        ]

    def _byte(self) -> int:
        if self._at >= len(self._data):
            raise Incomplete("truncated", "the structure ends early", offset=self._at)
        self._at += 1
        return self._data[self._at - 1]

    def _take(self, length: int) -> bytes:
        if length > len(self._data) - self._at:
            raise Incomplete("truncated", f"{length:,} bytes are announced", offset=self._at)
        self._at += length
        return self._data[self._at - length : self._at]

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7
            if shift > 63:
                raise Incomplete("malformed", "a number of more than 64 bits", offset=self._at)

    def _zigzag(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)
