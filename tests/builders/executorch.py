"""ExecuTorch programs: sound ones, and ones whose numbers point elsewhere."""

from __future__ import annotations

import struct
from typing import Any

from tests.builders.flatbuffers import Fields, Vector, flatbuffer


def value(kind: int, inside: Fields) -> Fields:
    """An EValue."""
    return {0: ("B", kind), 1: inside}


def tensor(*sizes: int, scalar: int = 6, place: int = 0, external: bool = False) -> Fields:
    """A tensor; `place` is the number of the buffer of a constant."""
    inside: dict[int, Any] = {0: ("b", scalar), 2: Vector("i", sizes), 5: ("I", place)}
    if external:
        inside[9] = {1: "weight", 2: ("b", 1)}
    return value(5, inside)


def tensors(*indices: int) -> Fields:
    """A list of tensors."""
    return value(10, {0: Vector("i", indices)})


def instruction(kind: int, first: int, rest: Any = None) -> Fields:
    inside: dict[int, Any] = {0: ("i", first)}
    if rest is not None:
        inside[1] = Vector("i", rest) if isinstance(rest, tuple) else ("i", rest)
    return {0: ("B", kind), 1: inside}


def delegate(name: str, *, segment: bool = False, index: int = 0) -> Fields:
    return {0: name, 1: {0: ("b", int(segment)), 1: ("I", index)}}


def plan(
    *instructions: Fields,
    values: tuple[Fields, ...] | None = None,
    operators: tuple[str, ...] = ("aten::add",),
    delegates: tuple[Fields, ...] = (),
    takes: tuple[int, ...] = (0,),
) -> Fields:
    """A method that takes value 0 and gives value 1."""
    values = values or (tensor(1, 3), tensor(2, 3, place=1))
    return {
        0: "forward",
        2: list(values),
        3: Vector("i", takes),
        4: Vector("i", (1,)),
        5: [{2: list(instructions or (instruction(1, 0, (0, 1)),))}],
        6: [{0: name, 1: "out"} for name in operators],
        7: list(delegates),
    }


def program(
    *plans: Fields,
    segments: tuple[tuple[int, int], ...] = (),
    offsets: tuple[int, tuple[int, ...]] | None = None,
    data: bytes = b"",
    identifier: bytes = b"ET12",
) -> bytes:
    """A program; with segments it has the extended header and `data` behind it."""
    fields: dict[int, Any] = {1: list(plans or (plan(),)), 2: [{0: b""}, {0: bytes(24)}], 3: [{0: b"inline"}]}
    if segments:
        fields[4] = [{0: ("Q", at), 1: ("Q", size)} for at, size in segments]
    if offsets:
        fields[5] = {0: ("I", offsets[0]), 1: Vector("Q", offsets[1])}
    if not segments:
        return flatbuffer(fields, identifier)
    # the header stands between the identifier and the tables, so what follows is 32 bytes farther
    raw = flatbuffer(fields, identifier)
    root = struct.unpack_from("<I", raw)[0] + 32
    whole = struct.pack("<I", root) + raw[4:8] + bytes(32) + raw[8:]
    base = -(-len(whole) // 16) * 16
    header = b"eh00" + struct.pack("<IQQQ", 32, len(whole), base, len(data))
    return whole[:8] + header + whole[8 + len(header) :] + bytes(base - len(whole)) + data
