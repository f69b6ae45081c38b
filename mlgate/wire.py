"""Observations as JSON lines between a worker and its parent.

The worker has read hostile bytes, so the parent decodes its lines by type and takes rules only by id from its
own catalogue: a line can claim nothing that the records cannot hold. JSON, because unpickling what a worker
sends would hand a taken-over worker the parent.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import msgspec

from mlgate.records import (
    Component,
    Explanation,
    Exports,
    Finding,
    Include,
    Location,
    Pairs,
    Reference,
    Relation,
    Rule,
    Severity,
)

Line = Explanation | Finding | Component | Reference | Relation | Exports | Include


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Finding:
    rule: str
    location: Location
    message: str
    evidence: str
    severity: Severity
    subject: str
    fix: str
    facts: Pairs


_TYPES: Mapping[str, type] = {
    "finding": _Finding,
    "component": Component,
    "reference": Reference,
    "relation": Relation,
    "include": Include,
    "exports": Exports,
    "explanation": Explanation,
}
_TAGS = {kind: tag for tag, kind in _TYPES.items()}
# made once: msgspec looks at the annotations of a dataclass for each new decoder
_DECODERS: Mapping[str, msgspec.json.Decoder[Any]] = {tag: msgspec.json.Decoder(kind) for tag, kind in _TYPES.items()}
_TAGGED = msgspec.json.Decoder(tuple[str, msgspec.Raw])


def encode(observation: Line) -> bytes:
    """One line without its end."""
    value: Any = observation
    tag = "finding"
    if isinstance(observation, Finding):
        fields = {f.name: getattr(observation, f.name) for f in dataclasses.fields(observation)}
        value = fields | {"rule": observation.rule.id}
    else:
        tag = _TAGS[type(observation)]
    try:
        return msgspec.json.encode((tag, value))
    except UnicodeEncodeError:  # a lone surrogate, which names in pickles can hold and JSON cannot
        return msgspec.json.encode((tag, _printable(msgspec.to_builtins(value))))


def _printable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_printable(key): _printable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_printable(item) for item in value]
    return value


def decode(line: bytes, rules: Mapping[str, Rule]) -> Line:
    """The observation of a line. Raises ValueError when it is not one (msgspec's errors are ValueErrors too)."""
    tag, raw = _TAGGED.decode(line)
    if tag not in _TYPES:
        raise ValueError(f"unknown observation {tag!r}")
    value: Any = _DECODERS[tag].decode(raw)
    if isinstance(value, _Finding):
        if value.rule not in rules:
            raise ValueError(f"unknown rule {value.rule!r}")
        return Finding(
            rule=rules[value.rule],
            location=value.location,
            message=value.message,
            evidence=value.evidence,
            severity=value.severity,
            subject=value.subject,
            fix=value.fix,
            facts=value.facts,
        )
    return value  # type: ignore[no-any-return]
