"""The pieces of a TensorFlow graph that file names travel through."""

from __future__ import annotations

from dataclasses import dataclass, field

STRINGS = 64  # of one tensor
Scope = tuple[int, str]  # the number of the graph in the file, and the function in it ("" for none)


@dataclass(frozen=True, slots=True)
class Node:
    """A node that file names can come from or go to: its inputs, strings (Const) and the functions it calls."""

    op: str
    inputs: tuple[str, ...]
    strings: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    cut: bool = False


@dataclass(slots=True)
class Function:
    """A function of the library: its arguments, what it returns, and who calls it with what."""

    arguments: tuple[str, ...] = ()
    returns: tuple[str, ...] = ()


@dataclass(slots=True)
class Attribute:
    """The value of a node's attribute, as far as it is looked at."""

    spans: list[tuple[int, int]] = field(default_factory=list)
    strings: list[str] = field(default_factory=list)
    functions: list[str] = field(default_factory=list)
    cut: bool = False


def packed(data: bytes, elements: int) -> list[str]:
    """A string tensor's content: the lengths of all elements as varints, then their bytes (tensor_coding.cc)."""
    lengths = []
    at = 0
    for _ in range(min(max(elements, 1), STRINGS + 1)):
        value = shift = 0
        while at < len(data):
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80 or shift > 63:
                break
        lengths.append(value)
    found = []
    if elements <= STRINGS:
        for length in lengths:
            found.append(data[at : at + min(length, 4096)].decode("utf-8", "backslashreplace"))
            at += length
        return found
    return [*found, *("" for _ in range(STRINGS + 1))]
