"""Flax's checkpoints: MessagePack with arrays as extensions, walked without recursion.

Format: the MessagePack specification, and flax/serialization.py: extension 1 is an array (a MessagePack array of shape,
type name and bytes), 2 a complex number, 3 a NumPy scalar. Nothing in it is code but arrays
of objects, which are pickles.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from mlgate import rules
from mlgate.errors import Incomplete
from mlgate.inspectors._cursor import Cursor
from mlgate.inspectors._model_metadata import component, not_it, shown
from mlgate.inspectors._msgpack import LENGTHS, children, size_of
from mlgate.records import Artifact, Category, Inspector, ModelFacts, Observation, Rule, Severity

_ITEMS = 20_000_000
_DEPTH = 200
_TEXT = 1_000
_TOLD = 20
_KNOWN = {1: "array", 2: "complex", 3: "scalar"}
_WIDTH = re.compile(r"(?:bfloat|float|uint|int|complex|bool|float8_\w*?)_?(\d*)\w*")
OBJECTS = Rule(
    id="MLG-MDL-140",
    title="Flax checkpoint with an array of objects",
    severity=Severity.HIGH,
    category=Category.MODEL_FILE,
    help="An array's type is `object`: its bytes are addresses or a pickle, never numbers. Loaders that make such an "
    "array read memory of their own or unpickle.",
    remediation="Do not load the file. Save the parameters again as arrays of numbers.",
    cwe=("CWE-502", "CWE-843"),
    atlas=("AML.T0010",),
)
STRANGE = Rule(
    id="MLG-MDL-141",
    title="Flax checkpoint with an extension that Flax does not write",
    severity=Severity.MEDIUM,
    category=Category.MODEL_FILE,
    help="MessagePack leaves extensions to the program that reads them. This one is not Flax's, or it is an array "
    "whose bytes are not what its shape and type say.",
    remediation="Find out which program wrote the file, and save it again with flax.serialization.",
    cwe=("CWE-1286",),
)


@dataclass(slots=True)
class _Told:
    parameters: int = 0
    arrays: int = 0
    types: tuple[str, ...] = ()


def _claims(artifact: Artifact) -> bool:
    return artifact.name.lower().endswith(".msgpack")


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    first = artifact.head[:1]
    if not first or not (0x80 <= first[0] <= 0x8F or first[0] in (0xDE, 0xDF)):
        yield from not_it(artifact, "a MessagePack map")
        return
    told, said = _Told(), 0
    stop = None
    try:
        for kind, length, at, cursor in _extensions(artifact):
            for rule, what in _judged(kind, length, cursor, told):
                said += 1
                if said <= _TOLD:
                    yield rules.finding(rule, artifact.at(offset=at), f"An extension {what}.", evidence=what)
    except Incomplete as error:
        stop = error
    other = (("arrays", str(told.arrays)), ("dtypes", ", ".join(told.types)[:200]))
    yield component(artifact, ModelFacts(format="flax", parameters=told.parameters, other=other))
    if stop is not None:
        raise stop


def _extensions(artifact: Artifact) -> Iterator[tuple[int, int, int, Cursor]]:
    """(type, length, offset, cursor at its data) of each extension; the cursor is moved behind it afterwards."""
    cursor = Cursor(artifact.source, order=">")
    left = [1]
    for _ in range(_ITEMS):
        while left and not left[-1]:
            left.pop()
        if not left:
            if cursor.at != artifact.source.size:
                rest = artifact.source.size - cursor.at
                raise Incomplete("malformed", f"{rest:,} bytes follow the document", offset=cursor.at)
            return
        left[-1] -= 1
        at = cursor.at
        byte = cursor.take(1)[0]
        count = children(byte, cursor)
        if count:
            if len(left) >= _DEPTH:
                raise Incomplete("limit", f"nested deeper than {_DEPTH}", offset=at)
            left.append(count)
        elif byte in (0xC7, 0xC8, 0xC9) or 0xD4 <= byte <= 0xD8:
            length = cursor.number(LENGTHS[byte]) if byte in LENGTHS else 1 << (byte - 0xD4)
            kind = cursor.number("b")
            end = cursor.at + length
            cursor.skip(length)
            cursor.at = end - length
            yield kind, length, at, cursor
            cursor.at = end
        elif count is None:
            cursor.skip(size_of(byte, cursor))
    raise Incomplete("limit", "too many values", offset=cursor.at)


def _judged(kind: int, length: int, cursor: Cursor, told: _Told) -> Iterator[tuple[Rule, str]]:
    if kind not in _KNOWN:
        yield STRANGE, f"has the type {kind}"
        return
    if kind == 2:
        return
    end = cursor.at + length
    shape, name, size = _array(cursor)
    told.arrays += 1
    told.parameters += prod(shape) if kind == 1 else 0
    label = shown(name, 60)
    if label not in told.types and len(told.types) < _TOLD:
        told.types = (*told.types, label)
    if name in ("object", "O", "object_") or name.startswith(("|O", "void")):
        yield OBJECTS, f"is an array of {label!r}"
        return
    match = _WIDTH.fullmatch(name)
    bits = 8 if name.startswith("bool") else int(match[1] or 0) if match else 0
    if name.startswith("float8"):
        bits = 8
    if not match or cursor.at + size != end:
        yield STRANGE, f"is an array of {label!r} whose bytes end elsewhere"
    elif bits >= 8 and kind == 1 and prod(shape) * bits // 8 != size:
        yield STRANGE, f"is an array of {label!r} with {size:,} bytes for the shape {shape!r}"


def _array(cursor: Cursor) -> tuple[tuple[int, ...], str, int]:
    """Shape, name of the type, and length of the bytes, with the cursor at the first of them. Raises Incomplete."""
    if cursor.take(1) != b"\x93":
        raise Incomplete("malformed", "an array that is no shape, type and bytes", offset=cursor.at - 1)
    head = cursor.take(1)[0]
    count = children(head, cursor)
    if count is None or count > 32:
        raise Incomplete("malformed", "an array without a shape", offset=cursor.at)
    shape = tuple(_integer(cursor) for _ in range(count))
    byte = cursor.take(1)[0]
    length = size_of(byte, cursor)
    if not (0xA0 <= byte <= 0xBF or byte in (0xD9, 0xC4)) or length > _TEXT:
        raise Incomplete("malformed", "an array without a type", offset=cursor.at)
    name = cursor.take(length).decode("utf-8", "backslashreplace")
    byte = cursor.take(1)[0]
    if byte not in (0xC4, 0xC5, 0xC6):
        raise Incomplete("malformed", "an array without bytes", offset=cursor.at)
    return shape, name, cursor.number(LENGTHS[byte])


def _integer(cursor: Cursor) -> int:
    byte = cursor.take(1)[0]
    if byte < 0x80:
        return byte
    code = {0xCC: "B", 0xCD: "H", 0xCE: "I", 0xCF: "Q"}.get(byte)
    if code is None:
        raise Incomplete("malformed", "a shape that is no numbers", offset=cursor.at)
    return cursor.number(code)


INSPECTOR = Inspector(
    name="flax",
    claims=_claims,
    inspect=_inspect,
    rules=(OBJECTS, STRANGE),
    suffixes=(".msgpack",),
    model=True,
    reads="MessagePack from its first byte to its last: every array with its shape, type and length, and extensions "
    "that are not Flax's.",
    misses="Other programs' MessagePack under this name is only checked for its structure.",
)
