"""Universal Binary JSON, walked without recursion (ubjson.org, draft 12): XGBoost's own format."""

from __future__ import annotations

from dataclasses import dataclass

from mlgate.errors import Incomplete
from mlgate.inspectors._cursor import Cursor
from mlgate.records import Source

_INTEGERS = {b"i": "b", b"U": "B", b"I": "h", b"l": "i", b"L": "q"}
_WIDTHS = {b"i": 1, b"U": 1, b"I": 2, b"l": 4, b"L": 8, b"d": 4, b"D": 8, b"C": 1, b"Z": 0, b"T": 0, b"F": 0, b"N": 0}
_ITEMS = 20_000_000
_DEPTH = 200
_TEXT = 10_000
_KEPT = 2_000


@dataclass(slots=True)
class _Open:
    """An array or object being read; `left` items of `kind` where both are announced."""

    path: str
    object: bool
    left: int | None = None
    kind: bytes = b""
    at: int = 0


def texts(source: Source) -> dict[str, str]:
    """The strings of a document by their dotted path, the first 2,000 of them. Raises Incomplete."""
    cursor = Cursor(source, order=">")
    found: dict[str, str] = {}
    stack: list[_Open] = []
    _begin(cursor, cursor.take(1), "", stack, found)
    items = 0
    while stack:
        items += 1
        if items > _ITEMS:
            raise Incomplete("limit", "too many values", offset=cursor.at)
        top = stack[-1]
        if top.left == 0 or (top.left is None and _ends(cursor, top)):
            stack.pop()
            continue
        if top.left is not None:
            top.left -= 1
        key = _text(cursor, _length(cursor)) if top.object else str(top.at)
        top.at += 1
        kind = top.kind or cursor.take(1)
        if kind != b"N" or top.kind:
            _begin(cursor, kind, f"{top.path}.{key}"[:200].lstrip("."), stack, found)
    if cursor.at != source.size:
        raise Incomplete("malformed", f"{source.size - cursor.at:,} bytes follow the document", offset=cursor.at)
    return found


def _ends(cursor: Cursor, top: _Open) -> bool:
    if cursor.take(1) == (b"}" if top.object else b"]"):
        return True
    cursor.at -= 1
    return False


def _length(cursor: Cursor) -> int:
    kind = cursor.take(1)
    if kind not in _INTEGERS:
        raise Incomplete("malformed", f"{kind!r} is no type of a length", offset=cursor.at - 1)
    length = cursor.number(_INTEGERS[kind])
    if length < 0:
        raise Incomplete("malformed", "a negative length", offset=cursor.at)
    return length


def _text(cursor: Cursor, length: int) -> str:
    kept = cursor.take(min(length, _TEXT))
    cursor.skip(length - len(kept))
    return kept.decode("utf-8", "backslashreplace")


def _begin(cursor: Cursor, kind: bytes, path: str, stack: list[_Open], found: dict[str, str]) -> None:
    if kind in (b"S", b"H"):
        text = _text(cursor, _length(cursor))
        if len(found) < _KEPT:
            found[path] = text
    elif kind in (b"[", b"{"):
        if len(stack) >= _DEPTH:
            raise Incomplete("limit", f"nested deeper than {_DEPTH}", offset=cursor.at)
        opened = _Open(path, kind == b"{")
        if cursor.take(1) == b"$":
            opened.kind = cursor.take(1)
            if cursor.take(1) != b"#":
                raise Incomplete("malformed", "a type without a count", offset=cursor.at)
            opened.left = _length(cursor)
        else:
            cursor.at -= 1
            if cursor.take(1) == b"#":
                opened.left = _length(cursor)
            else:
                cursor.at -= 1
        if opened.kind in _WIDTHS and opened.left is not None and not opened.object:
            cursor.skip(opened.left * _WIDTHS[opened.kind])
            return
        stack.append(opened)
    elif kind in _WIDTHS:
        cursor.skip(_WIDTHS[kind])
    else:
        raise Incomplete("malformed", f"{kind!r} is no type", offset=cursor.at - 1)
