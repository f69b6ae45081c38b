"""torch.save's format before 1.6: five pickles and then the storages, raw, to the end of the file.

Source: torch/serialization.py, _legacy_save and _legacy_load. The pickles are a magic number, the protocol version
1001, system information, the object, and the sorted keys of the storages. Each storage is its number of elements as
eight bytes and then the elements.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mlgate.errors import Incomplete
from mlgate.pickles.expressions import constant
from mlgate.pickles.scan import Scan
from mlgate.pickles.values import Bag, Global, Opaque, items_of
from mlgate.pickles.window import Window
from mlgate.records import Artifact, Explanation, Finding

STREAMS = 5
_SIZES = {
    **dict.fromkeys(("Byte", "Char", "Bool", "QUInt8", "QInt8", "QUInt4x2", "QUInt2x4", "Untyped"), 1),
    **dict.fromkeys(("Short", "Half", "BFloat16"), 2),
    **dict.fromkeys(("Int", "Float", "QInt32"), 4),
    **dict.fromkeys(("Long", "Double", "ComplexFloat"), 8),
    "ComplexDouble": 16,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """A tensor's memory as the pickle names it: its key, type, and number of elements."""

    key: str
    type: str
    count: int

    @property
    def size(self) -> int | None:
        """Bytes, or None for a type that is not known."""
        width = _SIZES.get(self.type.removesuffix("Storage"))
        return None if width is None else width * self.count


def storages(window: Window, found: list[Opaque]) -> dict[str, Storage]:
    """The storages that persistent ids name: ("storage", type, key, location, elements, ...)."""
    known: dict[str, Storage] = {}
    for value in found:
        parts = () if isinstance(value.detail, str) else items_of(value.detail)
        if len(parts) < 5 or constant(window, parts[0]) != "storage" or not isinstance(parts[1], Global):
            continue
        key, count = constant(window, parts[2]), constant(window, parts[4])
        if isinstance(key, (str, int)) and isinstance(count, int):
            known.setdefault(str(key), Storage(key=str(key), type=parts[1].name, count=count))
    return known


def scan_legacy(artifact: Artifact) -> Iterator[Finding | Explanation]:
    """The five pickles, then the sizes of the storages. Raises Incomplete (truncated, malformed)."""
    scan = Scan(artifact, streams=STREAMS, torch=True)
    yield from scan.findings()
    keys = scan.last.result if scan.last is not None else None
    named = keys.count if isinstance(keys, Bag) and keys.kind == "list" else -1
    known = storages(scan.judge.window, scan.judge.persistent)
    if scan.streams != scan.count or named != len(known):
        raise Incomplete("malformed", f"{named} storages are listed, {len(known)} are used", offset=scan.end)
    at = scan.end
    for key in sorted(known):
        storage = known[key]
        stated = int.from_bytes(artifact.source.read_at(at, 8), "little", signed=True)
        if storage.size is None or stated != storage.count:
            raise Incomplete("malformed", f"storage {key!r} has {stated:,} elements, not {storage.count:,}", offset=at)
        at += 8 + storage.size
    if at > artifact.source.size:
        raise Incomplete("truncated", f"the storages need {at:,} bytes", offset=artifact.source.size)
    yield from scan.rest(at)
