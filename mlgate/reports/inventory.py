"""The inventory as tables: models, datasets, packages by manifest, vulnerabilities, files not read completely."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from mlgate.records import Component, Inventory, Kind, Occurrence


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A heading, column names, and rows of plain strings that the template escapes; `total` counts all rows."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    total: int

    @property
    def more(self) -> int:
        """Rows that have no room here."""
        return self.total - len(self.rows)


def tables(inventory: Inventory, room: int) -> tuple[Table, ...]:
    """The tables that have rows, at most `room` rows each."""
    models = ("Model", "Version", "Pinned", "Format", "Licence", "Seen in")
    datasets = ("Dataset", "Version", "Pinned", "Licence", "Seen in")
    manifests = ("Manifest", "Ecosystem", "Packages", "Without a fixed version")
    advisories = ("Advisory", "Package", "Severity", "Fixed in", "What")
    made = (
        _table("Models", models, _models(inventory), room),
        _table("Hosted models", ("Provider", "Model", "Dated", "Seen in"), _services(inventory), room),
        _table("Datasets", datasets, _datasets(inventory), room),
        _table("Known vulnerabilities", advisories, _advisories(inventory), room),
        _table("Manifests with packages", manifests, _manifests(inventory), room),
        _table("Not looked into completely", ("File", "Format", "Bytes"), _unread(inventory), room),
    )
    return tuple(table for table in made if table.total)


def _table(title: str, columns: tuple[str, ...], rows: Iterable[tuple[str, ...]], room: int) -> Table:
    every = sorted(rows)
    return Table(title=title, columns=columns, rows=tuple(every[:room]), total=len(every))


def _pinned(component: Component) -> str:
    return {True: "yes", False: "no", None: "unknown"}[component.pinned]


def _seen(occurrences: tuple[Occurrence, ...]) -> str:
    if not occurrences:
        return ""
    first = str(occurrences[0].location)
    return first if len(occurrences) == 1 else f"{first} and {len(occurrences) - 1:,} more"


def _of(inventory: Inventory, kind: Kind) -> Iterable[Component]:
    return (component for component in inventory.components if component.kind is kind)


def _licences(component: Component) -> str:
    return ", ".join(component.licenses[:5]) or "not stated"


def _models(inventory: Inventory) -> Iterable[tuple[str, ...]]:
    for model in _of(inventory, Kind.MODEL):
        facts = model.model
        shape = " ".join(part for part in (facts.format, facts.architecture) if part) if facts else ""
        yield (
            model.identity,
            model.version or "",
            _pinned(model),
            shape,
            _licences(model),
            _seen(model.occurrences),
        )


def _services(inventory: Inventory) -> Iterable[tuple[str, ...]]:
    for service in _of(inventory, Kind.SERVICE):
        provider, _, name = service.identity.removeprefix("api:").partition(":")
        yield (provider, name, _pinned(service), _seen(service.occurrences))


def _datasets(inventory: Inventory) -> Iterable[tuple[str, ...]]:
    for data in _of(inventory, Kind.DATASET):
        yield (data.identity, data.version or "", _pinned(data), _licences(data), _seen(data.occurrences))


def _manifests(inventory: Inventory) -> Iterable[tuple[str, ...]]:
    number: Counter[tuple[str, str]] = Counter()
    loose: Counter[tuple[str, str]] = Counter()
    for package in _of(inventory, Kind.PACKAGE):
        ecosystem = package.package.ecosystem if package.package else ""
        for path in {occurrence.location.path for occurrence in package.occurrences} or {""}:
            number[path, ecosystem] += 1
            loose[path, ecosystem] += package.version is None
    return [(path, ecosystem, f"{n:,}", f"{loose[path, ecosystem]:,}") for (path, ecosystem), n in number.items()]


def _advisories(inventory: Inventory) -> Iterable[tuple[str, ...]]:
    for known in inventory.vulnerabilities:
        names = ", ".join((known.id, *known.aliases[:3]))
        score = "" if known.score is None else f" {known.score:.1f}"
        word = "malicious" if known.malicious else f"{known.severity or 'unscored'}{score}"
        word += ", exploited (KEV)" if known.kev else ""
        word += "" if known.epss is None else f", EPSS {known.epss:.3f}"
        yield (names, known.purl, word, ", ".join(known.fixed[:4]) or "no fix named", known.summary)


def _unread(inventory: Inventory) -> Iterable[tuple[str, ...]]:
    for file in inventory.scanned:
        if not file.complete:
            yield (file.path, file.format or "unknown", f"{file.size:,}")
