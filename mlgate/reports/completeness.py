"""Which elements of G7's and OWASP's lists the ML-BOM has, for people and for programs.

`json_text` writes this, version 1 of `urn:mlgate:schema:completeness`; a later version may add keys, and changes the
number when a key goes or means something else::

    {"schema": "urn:mlgate:schema:completeness:1", "version": 1, "sources": [""],
     "elements": [{"name": "", "kind": "document" | "model" | "dataset", "title": "", "g7": "", "owasp": "", "tier": "",
                   "fields": [CycloneDX paths], "present": 0, "unknown": 0, "missing": 0}],
     "unresolved": number of references whose target is not known, which are no components and so not counted,
     "summary": {"document" | "model" | "service" | "dataset": {"components": 0, "present": 0, ...}},
     "components": [{"kind": "", "identity": "", "version": "", "present": [names], "unknown": [names],
                     "missing": [names]}]}

The document is the first of the components, without an identity. A service is a hosted model and is
asked what a model is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from mlgate.completeness import SOURCES, Element, Measured, Standing, elements, total
from mlgate.records import Inventory, Kind
from mlgate.reports import escape
from mlgate.reports.findings import dumps

SCHEMA = "urn:mlgate:schema:completeness:1"
_TITLES = {"document": "The document", "model": "Models", "service": "Hosted models", "dataset": "Datasets"}
_WORDS = {Standing.PRESENT: "present", Standing.UNKNOWN: "declared unknown", Standing.MISSING: "missing"}


def unresolved(inventory: Inventory) -> int:
    """How many references name a model or dataset that only the running program knows."""
    kinds = (Kind.MODEL, Kind.DATASET, Kind.SERVICE)
    return sum(reference.identity is None and reference.kind in kinds for reference in inventory.references)


def json_text(measured: Sequence[Measured], *, unresolved: int) -> str:
    """The schema of this module's text."""
    return dumps(
        {
            "schema": SCHEMA,
            "version": 1,
            "sources": list(SOURCES),
            "elements": [_element(element, measured) for element in elements()],
            "unresolved": unresolved,
            "summary": {
                kind: {"components": len(members), **{s.value: number for s, number in total(members).items()}}
                for kind, members in _groups(measured)
            },
            "components": [
                {
                    "kind": one.kind,
                    "identity": one.identity,
                    "version": one.version,
                    **{standing.value: list(one.names(standing)) for standing in Standing},
                }
                for one in measured
            ],
        }
    )


def _element(element: Element, measured: Sequence[Measured]) -> dict[str, str | int | list[str]]:
    stand = [one.elements[element.name] for one in measured if element.name in one.elements]
    return {
        "name": element.name,
        "kind": element.kind,
        "title": element.title,
        "g7": element.g7,
        "owasp": element.owasp,
        "tier": element.tier,
        "fields": list(element.fields),
        **{standing.value: stand.count(standing) for standing in Standing},
    }


def human(measured: Sequence[Measured], *, unresolved: int) -> str:
    """Lines for a terminal, each safe there."""
    lines = ["How complete the ML-BOM is, by:", *(f"  {source}" for source in SOURCES)]
    for kind, members in _groups(measured):
        number = f" ({len(members):,})" if kind != "document" else ""
        lines += ["", f"{_TITLES[kind]}{number}: {_counts(total(members))}"]
        for one in members:
            indent = "  "
            if kind != "document":
                name = f"{one.identity}@{one.version}" if one.version else one.identity
                lines.append(f"  {escape.terminal(name)}: {_counts(one.count())}")
                indent = "    "
            lines.append(f"{indent}G7 {_part(one, 'g7')}, OWASP {_part(one, 'owasp')} present")
            for standing in (Standing.UNKNOWN, Standing.MISSING):
                names = one.names(standing)
                if names:
                    lines.append(f"{indent}{_WORDS[standing]}: {', '.join(names)}")
    if unresolved:
        lines += ["", f"Not counted: {unresolved:,} references whose model or dataset only the running program knows."]
    return "\n".join(lines) + "\n"


def _groups(measured: Sequence[Measured]) -> Iterator[tuple[str, list[Measured]]]:
    for kind in _TITLES:
        members = [one for one in measured if one.kind == kind]
        if members:
            yield kind, members


def _counts(counted: Mapping[Standing, int]) -> str:
    return ", ".join(f"{number:,} {_WORDS[standing]}" for standing, number in counted.items())


def _part(one: Measured, source: str) -> str:
    asked = [element.name for element in elements(one.kind) if getattr(element, source)]
    present = sum(one.elements[name] is Standing.PRESENT for name in asked)
    return f"{present} of {len(asked)}"
