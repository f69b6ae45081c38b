"""The header of .npy files, parsed without eval.

Source: numpy's "A simple file format for NumPy arrays" (NPY 1.0, 2.0, 3.0) and numpy/lib/format.py.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from mlgate.errors import Incomplete
from mlgate.records import Source

MAGIC = b"\x93NUMPY"
_HEADER = 1 << 20
_DEPTH = 16
_TOKEN = re.compile(
    r"\s*(?:(?P<word>True|False|None)|(?P<int>\d{1,19})L?|[bu]?(?P<text>'[^'\\]*'|\"[^\"\\]*\")|(?P<op>[][(){},:]))"
)
_TYPE = re.compile(r"[<>=|]?([?biufcmMSUVO])(\d{0,10})(\[.*\])?")
_BARE = {"?": 1, "b": 1, "i": 4, "u": 4, "f": 4, "c": 8, "m": 8, "M": 8, "S": 0, "U": 0, "V": 0, "O": 8}


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What the header says: where the data begins, its shape, bytes of an item, and whether items are pickled."""

    data: int
    shape: tuple[int, ...]
    itemsize: int
    objects: bool
    descr: str

    @property
    def size(self) -> int:
        """Bytes of the data when it is not pickled."""
        return self.itemsize * math.prod(self.shape)


def read_header(source: Source) -> Header:
    """The header. Raises Incomplete (truncated, malformed, unsupported, limit)."""
    head = source.read_at(0, 12)
    if head[:6] != MAGIC or len(head) < 10:
        raise Incomplete("truncated", "no NPY header")
    version = (head[6], head[7])
    if version not in {(1, 0), (2, 0), (3, 0)}:
        raise Incomplete("unsupported", f"NPY version {version[0]}.{version[1]}")
    start = 10 if version == (1, 0) else 12
    length = int.from_bytes(head[8:start], "little")
    if length > _HEADER:
        raise Incomplete("limit", f"a header of {length:,} bytes")
    raw = source.read_at(start, length)
    if len(raw) < length:
        raise Incomplete("truncated", "the header goes beyond the end")
    text = raw.decode("utf-8" if version == (3, 0) else "latin-1", "replace")
    try:
        return _header(_Literal(text).value(), start + length)
    except ValueError as error:
        raise Incomplete("malformed", f"the header is no array's: {error}") from error


def _header(value: Any, data: int) -> Header:
    if not isinstance(value, dict) or set(value) != {"descr", "fortran_order", "shape"}:
        raise ValueError("the keys are not descr, fortran_order and shape")
    shape = value["shape"]
    if not isinstance(shape, tuple) or not all(isinstance(length, int) for length in shape):
        raise ValueError("the shape is not a tuple of numbers")
    itemsize, objects = _measure(value["descr"], 0)
    return Header(data=data, shape=shape, itemsize=itemsize, objects=objects, descr=str(value["descr"])[:200])


class _Literal:
    """A Python literal of strings, integers, True, False, None, tuples, lists and dicts. Raises ValueError."""

    def __init__(self, text: str) -> None:
        self._text = text.rstrip()
        self._at = 0

    def value(self) -> Any:
        result = self._item(0)
        if self._at != len(self._text):
            raise ValueError("text after the dictionary")
        return result

    def _token(self) -> re.Match[str]:
        match = _TOKEN.match(self._text, self._at)
        if match is None:
            raise ValueError(f"unexpected text at {self._at}")
        self._at = match.end()
        return match

    def _item(self, depth: int) -> Any:
        if depth > _DEPTH:
            raise ValueError("nested too deep")
        token = self._token()
        if token["word"]:
            return {"True": True, "False": False, "None": None}[token["word"]]
        if token["int"]:
            return int(token["int"])
        if token["text"]:
            return token["text"][1:-1]
        if token["op"] == "{":
            pairs = self._several("}", depth, pairs=True)
            return dict(pairs)
        if token["op"] == "[":
            return self._several("]", depth)
        if token["op"] == "(":
            items = self._several(")", depth)
            comma = self._text[: self._at - 1].rstrip().endswith(",")
            return items[0] if len(items) == 1 and not comma else tuple(items)
        raise ValueError(f"unexpected {token['op']!r}")

    def _several(self, closing: str, depth: int, *, pairs: bool = False) -> list[Any]:
        items: list[Any] = []
        while not self._eat(closing):
            if items and not self._eat(","):
                raise ValueError("a comma is missing")
            if items and self._eat(closing):
                break
            item = self._item(depth + 1)
            if pairs:
                if not isinstance(item, str) or not self._eat(":"):
                    raise ValueError("a key is missing")
                item = (item, self._item(depth + 1))
            items.append(item)
        return items

    def _eat(self, char: str) -> bool:
        match = _TOKEN.match(self._text, self._at)
        if match is None:
            raise ValueError(f"unexpected text at {self._at}")
        if match["op"] != char:
            return False
        self._at = match.end()
        return True


def _measure(descr: Any, depth: int) -> tuple[int, bool]:
    """(bytes of an item, whether it holds objects) of a descr (numpy dtype.descr). Raises ValueError."""
    if depth > _DEPTH:
        raise ValueError("fields are nested too deep")
    if isinstance(descr, str):
        match = _TYPE.fullmatch(descr)
        if match is None:
            raise ValueError(f"unknown type {descr[:40]!r}")
        kind, digits, _ = match.groups()
        width = int(digits) if digits else _BARE[kind]
        return (width * 4 if kind == "U" else 1 if kind == "?" else width), kind == "O"
    if isinstance(descr, tuple) and len(descr) == 2:  # (type, shape) or (type, metadata)
        width, objects = _measure(descr[0], depth + 1)
        return width * _count(descr[1]), objects
    if not isinstance(descr, list):
        raise ValueError("unknown type")  # noqa: TRY004  (what the file says, not what a caller did)
    total, any_objects = 0, False
    for field in descr:
        if not isinstance(field, tuple) or len(field) not in (2, 3):
            raise ValueError("a field is not (name, type)")
        width, objects = _measure(field[1], depth + 1)
        total += width * (_count(field[2]) if len(field) == 3 else 1)
        any_objects = any_objects or objects
    return total, any_objects


def _count(shape: Any) -> int:
    if isinstance(shape, int):
        return shape
    if isinstance(shape, tuple) and all(isinstance(length, int) for length in shape):
        return math.prod(shape)
    return 1
