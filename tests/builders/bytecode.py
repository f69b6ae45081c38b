"""Marshalled code objects of any Python, field by field (Python/marshal.c), with the instructions written by hand."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Python:
    """A version: the layout of its code objects, and the numbers of the opcodes that the tests need."""

    layout: str
    load: int
    attribute: int
    constant: int
    imports: int
    store: int
    call: int
    start: bytes = b""
    precall: bytes = b""
    shifted_load: bool = False
    shifted_attribute: bool = False
    wide: bool = True


V27 = Python("2.7", 116, 106, 100, 108, 90, 131, wide=False)
V37 = Python("3.0", 116, 106, 100, 108, 90, 131)
V35 = Python("3.0", 116, 106, 100, 108, 90, 131, wide=False)
V38 = Python("3.8", 116, 160, 100, 108, 90, 161)
V311 = Python("3.11", 116, 160, 100, 108, 90, 171, b"\x97\0", b"\xa6\1" + b"\0" * 2, shifted_load=True)
V312 = Python("3.11", 116, 106, 100, 108, 90, 171, b"\x97\0", shifted_load=True, shifted_attribute=True)
V313 = Python("3.11", 91, 82, 83, 75, 114, 53, b"\x95\0", shifted_load=True, shifted_attribute=True)
ALL = (V27, V35, V37, V38, V311, V312, V313)


def value(item: Any, layout: str) -> bytes:
    """One marshalled object."""
    if item is None:
        return b"N"
    if isinstance(item, int):
        return b"i" + struct.pack("<i", item)
    if isinstance(item, bytes):
        return b"s" + struct.pack("<i", len(item)) + item
    if isinstance(item, str):
        if layout == "2.7":
            return b"t" + struct.pack("<i", len(item)) + item.encode()
        return b"z" + bytes([len(item)]) + item.encode()
    if isinstance(item, tuple):
        return b"(" + struct.pack("<i", len(item)) + b"".join(value(inner, layout) for inner in item)
    raise TypeError(item)


class Raw(bytes):
    """An object that is marshalled already: a nested code object."""


def _constants(items: tuple[Any, ...], layout: str) -> bytes:
    parts = (bytes(item) if isinstance(item, Raw) else value(item, layout) for item in items)
    return b"(" + struct.pack("<i", len(items)) + b"".join(parts)


def code(python: Python, instructions: bytes, names: tuple[str, ...], constants: tuple[Any, ...] = (None,)) -> Raw:
    """A code object without variables."""
    layout = python.layout
    numbers = {"2.7": 4, "3.0": 5, "3.8": 6, "3.11": 5}[layout]
    parts = [b"c", b"\0\0\0\0" * numbers, value(python.start + instructions, layout), _constants(constants, layout)]
    parts += [value(names, layout), value((), layout)]
    if layout == "3.11":
        parts += [value(b"", layout), value("file", layout), value("name", layout), value("name", layout)]
    else:
        parts += [value((), layout), value((), layout), value("file", layout), value("name", layout)]
    parts += [b"\1\0\0\0", value(b"", layout)] + ([value(b"", layout)] if layout == "3.11" else [])
    return Raw(b"".join(parts))


def step(python: Python, opcode: int, argument: int = 0) -> bytes:
    """One instruction."""
    if python.wide:
        return bytes([opcode, argument])
    return bytes([opcode]) + (struct.pack("<H", argument) if opcode >= 90 else b"")


def imports_and_calls(python: Python) -> bytes:
    """`import os as o` and then `o.system("x")`."""
    shift = 1 if python.shifted_attribute else 0
    body = step(python, python.constant, 0) + step(python, python.constant, 0) + step(python, python.imports, 0)
    body += step(python, python.store, 1) + step(python, python.load, 1 << python.shifted_load)
    body += step(python, python.attribute, 2 << shift) + step(python, python.constant, 1)
    body += python.precall + step(python, python.call, 1)
    return body


def system(python: Python) -> Raw:
    """Code that imports os under another name and runs a command."""
    return code(python, imports_and_calls(python), ("os", "o", "system"), (None, "echo pwned"))


def harmless(python: Python) -> Raw:
    """Code that loads one name of its module."""
    return code(python, step(python, python.load, 0), ("scale",))


def nested(python: Python) -> Raw:
    """A harmless function with a hostile one among its constants."""
    return code(python, step(python, python.load, 0), ("scale",), (None, system(python)))
