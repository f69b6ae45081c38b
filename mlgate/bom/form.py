"""The one form of a document: order, serial number, text. Same content, same bytes."""

from __future__ import annotations

import hashlib
import json
import uuid
from typing import Any

Json = dict[str, Any]

_TOP = ("$schema", "bomFormat", "specVersion", "serialNumber", "version", "metadata", "components")
# Lists whose order means something stay; all others are sets that JSON writes as lists.
_ORDERED = frozenset({"inputs", "outputs", "ancestors"})


def ordered(value: Any, key: str = "") -> Any:
    """The same document with every list that is a set in one order."""
    if isinstance(value, dict):
        return {name: ordered(inner, name) for name, inner in value.items()}
    if isinstance(value, list):
        inner = [ordered(item) for item in value]
        return inner if key in _ORDERED else sorted(inner, key=_order)
    return value


def _order(item: Any) -> tuple[str, str]:
    ref = item.get("bom-ref", item.get("ref", "")) if isinstance(item, dict) else ""
    return str(ref), json.dumps(item, sort_keys=True)


def serial(document: Json) -> str:
    """The serial number of a document: UUIDv5 (RFC 9562, 5.5) over the SHA-256 of its canonical JSON without it."""
    rest = {key: value for key, value in document.items() if key != "serialNumber"}
    canonical = json.dumps(rest, sort_keys=True, separators=(",", ":")).encode("ascii")
    return uuid.uuid5(uuid.NAMESPACE_URL, f"mlgate:bom:{hashlib.sha256(canonical).hexdigest()}").urn


def dumps(document: Json) -> str:
    """JSON in ASCII, so that no character of a hostile name reaches a terminal or an editor as itself."""
    top = [key for key in _TOP if key in document] + sorted(key for key in document if key not in _TOP)
    lines = []
    for key in top:
        value = json.dumps(document[key], sort_keys=True, indent=2).replace("\n", "\n  ")
        lines.append(f"  {json.dumps(key)}: {value}")
    return "{\n" + ",\n".join(lines) + "\n}\n"
