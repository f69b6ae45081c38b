"""HDF5 data types, shapes and attribute values (File Format Specification 3.0, IV.A.2.b, IV.A.2.d, IV.A.2.m)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from mlgate.errors import Incomplete
from mlgate.inspectors._hdf5_file import Fields, Hdf5File, Message

_RANK = 32
_NESTING = 16
_MEMBERS = 10_000
LONGEST_TEXT = 64 << 20  # the largest attribute that is read: a model's configuration has up to a few megabytes
_LISTED = 20_000
_VALUE = 16 << 20  # of a value inside an object header

_CLASSES = {
    0: "integer",
    1: "float",
    2: "time",
    3: "string",
    4: "bitfield",
    5: "opaque",
    6: "compound",
    7: "reference",
    8: "enum",
    9: "vlen",
    10: "array",
    11: "complex",
}


@dataclass(frozen=True, slots=True)
class Type:
    """A data type: its class, the bytes of one element in place, and for variable lengths the type of the items."""

    kind: str
    size: int
    base: Type | None = None
    text: bool = False

    @property
    def label(self) -> str:
        """As people write it: float32, int64, string."""
        if self.kind in ("integer", "float"):
            return f"{'int' if self.kind == 'integer' else 'float'}{8 * self.size}"
        return "string" if self.text or self.kind == "string" else self.kind


@dataclass(frozen=True, slots=True)
class Attribute:
    """A name and what is needed to read its value."""

    name: str
    type: Type
    shape: tuple[int, ...]
    data: bytes

    @property
    def count(self) -> int:
        return math.prod(self.shape)


def read_type(fields: Fields, depth: int = 0) -> Type:
    """The data type at the fields' place. Raises Incomplete (malformed, unsupported)."""
    if depth > _NESTING:
        raise Incomplete("limit", "a data type is nested too deep")
    first = fields.number(1)
    version, kind = first >> 4, _CLASSES.get(first & 15)
    bits, size = fields.number(3), fields.number(4)
    if kind is None or not 1 <= version <= 5:
        raise Incomplete("unsupported", f"data type class {first & 15} version {version}")
    if kind == "vlen":
        return Type(kind, size, read_type(fields, depth + 1), text=bits & 15 == 1)
    if kind == "array":
        rank = fields.number(1)
        if version < 3:
            fields.take(3)
        fields.take(4 * rank * (2 if version < 3 else 1))
        return Type(kind, size, read_type(fields, depth + 1))
    return Type(kind, size)


def has_vlen(type_: Type) -> bool:
    """Whether elements are references to a heap."""
    return type_.kind == "vlen"


def read_shape(data: bytes, file: Hdf5File) -> tuple[int, ...]:
    """The dimensions of a dataspace; one for a scalar, (0,) for a null space."""
    fields = file.fields(data)
    version, rank, flags = fields.number(1), fields.number(1), fields.number(1)
    if version == 1:
        fields.take(5)
        null = False
    elif version == 2:
        null = fields.number(1) == 2
    else:
        raise Incomplete("unsupported", f"dataspace version {version}")
    if rank > _RANK:
        raise Incomplete("malformed", f"{rank} dimensions")
    del flags  # whether maximum sizes follow, which nobody needs here
    return (0,) if null else tuple(fields.length() for _ in range(rank))


def read_attribute(data: bytes, file: Hdf5File) -> Attribute:
    """An attribute message (IV.A.2.m), versions 1 to 3."""
    fields = file.fields(data)
    version, flags = fields.number(1), fields.number(1)
    sizes = [fields.number(2) for _ in range(3)]
    if version not in (1, 2, 3):
        raise Incomplete("unsupported", f"attribute version {version}")
    if version == 3:
        fields.take(1)
    parts = []
    for size in sizes:
        parts.append(fields.take(size))
        if version == 1:
            fields.take(min(fields.left, -size % 8))
    name = parts[0].split(b"\0", 1)[0].decode("utf-8", "backslashreplace")
    kind = file.resolved(Message(0x03, parts[1], bool(flags & 1) and version > 1))
    space = file.resolved(Message(0x01, parts[2], bool(flags & 2) and version > 1))
    return Attribute(name, read_type(file.fields(kind)), read_shape(space, file), fields.take(fields.left))


def texts(attribute: Attribute, file: Hdf5File) -> list[bytes]:
    """The texts of an attribute of fixed or variable length, [] for anything else. At most _LISTED of them."""
    kind, count = attribute.type, min(attribute.count, _LISTED)
    fields = file.fields(attribute.data)
    if kind.kind == "string":
        if not kind.size:
            return []
        return [fields.take(kind.size).rstrip(b"\0") for _ in range(min(count, fields.left // kind.size))]
    if not kind.text and not (kind.kind == "vlen" and kind.base and kind.base.size == 1):
        return []
    found = []
    budget = LONGEST_TEXT
    for _ in range(count):
        length, collection, index = fields.number(4), fields.address(), fields.number(4)
        if not length or not collection:
            found.append(b"")
            continue
        address, size = file.global_object(collection, index)
        budget -= min(length, size)
        if budget < 0:
            raise Incomplete("limit", f"attribute {attribute.name[:100]!r} is longer than {LONGEST_TEXT:,} bytes")
        found.append(_large(file, address, min(length, size)))
    return found


def _large(file: Hdf5File, address: int, length: int) -> bytes:
    return b"".join(file.read(address + at, min(_VALUE, length - at)) for at in range(0, length, _VALUE))
