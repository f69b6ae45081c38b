"""GGUF's header, versions 1 to 3 in both byte orders, read within bounds (ggml, docs/gguf.md)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod
from struct import calcsize

from mlgate.errors import Incomplete
from mlgate.inspectors._cursor import Cursor
from mlgate.inspectors._gguf_types import ARRAY, BOOL, FIXED, STRING, TENSORS
from mlgate.records import Source

_KEYS = 100_000
_TENSORS = 200_000
_ELEMENTS = 8_000_000  # texts in arrays, over all keys; the largest vocabulary and its merges are about 800,000
_KEY_LENGTH = 65_535
_TEXT_KEPT = 1 << 20
_NAME_LENGTH = 1_000
_DIMENSIONS = 8  # the specification says at most four today
_SAMPLE = 4  # of an array's texts

Value = int | float | str | tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Tensor:
    """One entry of the tensor list; `offset` counts from the start of the data section."""

    name: str
    shape: tuple[int, ...]
    type: int
    offset: int

    @property
    def elements(self) -> int:
        return prod(self.shape)

    @property
    def size(self) -> int | None:
        """Bytes, or None for a type that is not known, or a shape that the type's blocks do not divide."""
        known = TENSORS.get(self.type)
        if known is None or (self.shape and self.shape[0] % known[1]):
            return None
        return self.elements // known[1] * known[2]


@dataclass(slots=True)
class Header:
    """What was read. `odd` are breaks of the specification that did not stop the reader."""

    version: int = 0
    order: str = "<"
    values: dict[str, Value] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    tensors: list[Tensor] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)
    cut: list[str] = field(default_factory=list)
    end: int = 0
    elements: int = 0


class Reader:
    """Reads one header into `header`, which holds what was read until then when Incomplete is raised."""

    def __init__(self, source: Source) -> None:
        raw = source.read_at(4, 4)
        if len(raw) < 4:
            raise Incomplete("truncated", "the file ends in its first eight bytes")
        version = int.from_bytes(raw, "little")
        big = version & 0xFFFF == 0  # the same test as llama.cpp's: no version has a zero low half
        self.header = Header(version=int.from_bytes(raw, "big") if big else version, order=">" if big else "<")
        if self.header.version not in {1, 2, 3}:
            raise Incomplete("unsupported", f"GGUF version {self.header.version} is not known")
        self._cursor = Cursor(source, order=self.header.order, at=8)
        self._wide = "I" if self.header.version == 1 else "Q"

    def keys(self) -> None:
        """Reads counts and key-value pairs."""
        self._tensor_count = self._cursor.number(self._wide)
        count = self._cursor.number(self._wide)
        if count > _KEYS or self._tensor_count > _TENSORS:
            what = f"{count:,} keys and {self._tensor_count:,} tensors are announced"
            raise Incomplete("limit", what, offset=8)
        header = self.header
        for _ in range(count):
            key = self._text(_KEY_LENGTH, "a key")
            kind = self._cursor.number("I")
            value = self._value(key, kind)
            if key in header.values:
                header.repeated.append(key)
                if isinstance(value, str):
                    header.texts[f"{key}.again{len(header.repeated)}"] = value
                continue
            header.values[key] = value
            if isinstance(value, str):
                header.texts[key] = value

    def tensors(self) -> None:
        """Reads the tensor list."""
        cursor, header = self._cursor, self.header
        names: set[str] = set()
        for _ in range(self._tensor_count):
            name = self._text(_NAME_LENGTH, "a tensor's name")
            dimensions = cursor.number("I")
            if dimensions > _DIMENSIONS:
                raise Incomplete("malformed", f"tensor {name[:100]!r} has {dimensions:,} dimensions", offset=cursor.at)
            shape = tuple(cursor.number(self._wide) for _ in range(dimensions))
            tensor = Tensor(name, shape, cursor.number("I"), cursor.number("Q"))
            if name in names:
                header.repeated.append(name)
            names.add(name)
            header.tensors.append(tensor)
        header.end = cursor.at

    def _length(self) -> int:
        return self._cursor.number(self._wide)

    def _text(self, limit: int, what: str) -> str:
        length = self._length()
        if length > limit:
            raise Incomplete("limit", f"{what} of {length:,} bytes", offset=self._cursor.at)
        raw = self._cursor.take(length)
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            self.header.odd.append(f"{what} is not UTF-8")
            return raw.decode("utf-8", "backslashreplace")

    def _value(self, key: str, kind: int) -> Value:
        if kind == STRING:
            return self._long_text(key)
        if kind == ARRAY:
            return self._array(key)
        if kind not in FIXED:
            raise Incomplete("malformed", f"key {key[:100]!r} has the unknown type {kind}", offset=self._cursor.at)
        if FIXED[kind] in "fd":
            return self._cursor.real(FIXED[kind])
        value = self._cursor.number(FIXED[kind])
        if kind == BOOL and value > 1:
            self.header.odd.append(f"key {key[:100]!r} is a boolean of value {value}")
        return value

    def _long_text(self, key: str) -> str:
        length = self._length()
        if length > _TEXT_KEPT:
            self._cursor.skip(length)
            self.header.cut.append(key)
            return ""
        raw = self._cursor.take(length)
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            self.header.odd.append(f"the text of key {key[:100]!r} is not UTF-8")
            return raw.decode("utf-8", "backslashreplace")

    def _array(self, key: str) -> Value:
        """Fixed-size elements are skipped by length, texts one by one; the first few texts are kept."""
        kind, count = self._cursor.number("I"), self._length()
        if kind in FIXED:
            self._cursor.skip(count * calcsize("=" + FIXED[kind]))
            return None
        if kind != STRING:
            what = "an array in an array" if kind == ARRAY else f"an array of the unknown type {kind}"
            raise Incomplete("malformed", f"key {key[:100]!r} is {what}", offset=self._cursor.at)
        self.header.elements += count
        if self.header.elements > _ELEMENTS:
            raise Incomplete("limit", f"more than {_ELEMENTS:,} texts in arrays", offset=self._cursor.at)
        kept = list(self._texts(min(count, _SAMPLE)))
        cursor, wide = self._cursor, self._wide
        for _ in range(count - len(kept)):
            cursor.skip(cursor.number(wide))
        return tuple(kept)

    def _texts(self, count: int) -> Iterator[str]:
        for _ in range(count):
            length = self._length()
            kept = self._cursor.take(min(length, 200))
            self._cursor.skip(length - len(kept))
            yield kept.decode("utf-8", "backslashreplace")
