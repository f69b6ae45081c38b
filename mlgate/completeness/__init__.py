"""How much of what a bill of materials for AI should say the ML-BOM says, by the lists of G7/BSI and OWASP.

An element is present, declared unknown (the BOM itself says that it is not known) or missing (the BOM is silent). The
table, `elements.toml`, names the CycloneDX fields of each element; `fields` says which of them the BOM fills.
"""

from __future__ import annotations

import enum
import functools
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources

SOURCES = (
    "G7 Cybersecurity Working Group and BSI, SBOM for AI: Minimum Elements, 2026-05-12",
    "OWASP GenAI Security Project, AIBOM generator, field registry",
)


class Standing(enum.StrEnum):
    """Whether a component has an element."""

    PRESENT = "present"
    UNKNOWN = "unknown"
    MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """One row of the table. `kind` is document, model or dataset; `fields` are alternatives."""

    name: str
    kind: str
    title: str
    g7: str = ""
    owasp: str = ""
    tier: str = ""
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """The fields of the table that the BOM fills for something, and those that it says are not known."""

    present: frozenset[str]
    unknown: frozenset[str] = frozenset()

    def standing(self, element: Element) -> Standing:
        """One field is enough to be present."""
        if not self.present.isdisjoint(element.fields):
            return Standing.PRESENT
        return Standing.MISSING if self.unknown.isdisjoint(element.fields) else Standing.UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one component, or the document itself (kind "document"), has of the elements of its kind."""

    kind: str
    identity: str
    version: str = ""
    elements: Mapping[str, Standing]

    def count(self) -> Mapping[Standing, int]:
        """How many elements stand how; every standing is a key."""
        found = Counter(self.elements.values())
        return {standing: found[standing] for standing in Standing}

    def names(self, standing: Standing) -> tuple[str, ...]:
        """The elements of one standing, in the table's order."""
        return tuple(name for name, is_so in self.elements.items() if is_so is standing)


@functools.cache
def elements(kind: str = "") -> tuple[Element, ...]:
    """The rows of the table, or those of one kind (a service is a model), in the table's order."""
    text = resources.files(__name__).joinpath("elements.toml").read_text(encoding="utf-8")
    rows = (Element(**{**row, "fields": tuple(row["fields"])}) for row in tomllib.loads(text)["element"])
    wanted = "model" if kind == "service" else kind
    return tuple(row for row in rows if not wanted or row.kind == wanted)


def measure(kind: str, identity: str, version: str, filled: Filled) -> Measured:
    """How the elements of a kind stand where these fields are filled."""
    stand = {element.name: filled.standing(element) for element in elements(kind)}
    return Measured(kind=kind, identity=identity, version=version, elements=stand)


def total(measured: Iterable[Measured]) -> Mapping[Standing, int]:
    """The counts of several."""
    found: Counter[Standing] = Counter()
    for one in measured:
        found.update(one.count())
    return {standing: found[standing] for standing in Standing}
