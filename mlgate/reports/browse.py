"""The inventory as a reader of the page browses it: a row for every component, with all that is known of it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from mlgate.records import Component, Decision, Inventory, Kind, Location, Vulnerability
from mlgate.reports.context import ReportContext, blob_url
from mlgate.reports.escape import clip, clip_path
from mlgate.reports.inventory import tables
from mlgate.reports.tally import count

# What one cell lists before it counts.
_PLACES = 20
_NAME = 300
_SHORT = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A text that the template escapes; `more` is folded behind it, `url` links it, `tone` is a class of our own."""

    text: str
    more: tuple[str, ...] = ()
    url: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A heading with column names, the anchor to reach it by, its rows, and how many there are in all."""

    title: str
    anchor: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    total: int

    @property
    def more(self) -> int:
        """Rows that have no room here."""
        return self.total - len(self.rows)


_Row = Callable[[Component], tuple[Cell, ...]]


def sections(
    inventory: Inventory, decisions: Iterable[Decision], context: ReportContext, room: int
) -> tuple[Section, ...]:
    """The sections that have rows, at most `room` rows each; components that findings are about come first."""
    about: Counter[str] = Counter()
    for decision in decisions:
        found = decision.finding
        about.update({name for name in (found.subject, f"file:{found.location.path}") if name})
    known: dict[str, list[Vulnerability]] = defaultdict(list)
    for vulnerability in inventory.vulnerabilities:
        known[vulnerability.purl].append(vulnerability)

    def number(component: Component) -> int:
        return about[component.identity] or (about[component.purl] if component.purl else 0)

    def model(component: Component) -> tuple[Cell, ...]:
        return (*_artifact(component), *_common(component, context), _findings(number(component)))

    def package(component: Component) -> tuple[Cell, ...]:
        hits = known.get(component.purl or "", [])
        return (*_package(component), *_common(component, context), _vulnerable(hits))

    def rank(component: Component) -> tuple[bool, str, str]:
        flagged = number(component) or (component.purl or "") in known
        return (not flagged, component.identity, component.version or "")

    def listed(kind: Kind, title: str, columns: tuple[str, ...], row: _Row) -> Section:
        every = sorted((c for c in inventory.components if c.kind is kind), key=rank)
        rows = tuple(map(row, every[:room]))
        return Section(title=title, anchor=f"{kind.value}s", columns=columns, rows=rows, total=len(every))

    shared = ("Licence", "Hash", "Seen in")
    made = [
        listed(Kind.MODEL, "Models", ("Model", "Revision", "Pinned", "What", *shared, "Findings"), model),
        listed(Kind.DATASET, "Datasets", ("Dataset", "Revision", "Pinned", "What", *shared, "Findings"), model),
        listed(Kind.PACKAGE, "Packages", ("Package", "Version", "Pinned", "What", *shared, "Vulnerabilities"), package),
    ]
    # The other tables of the summary, whose rows are strings.
    others = [
        Section(
            title=table.title,
            anchor=f"more-{position}",
            columns=table.columns,
            rows=tuple(tuple(Cell(text=clip(text, 600)) for text in line) for line in table.rows),
            total=table.total,
        )
        for position, table in enumerate(tables(inventory, room))
        if table.title not in {"Models", "Datasets"}
    ]
    return tuple(section for section in (*made, *others) if section.total)


def _short(text: str) -> Cell:
    """A commit or digest by its first characters, the whole of it behind them."""
    plain = len(text) > 24 and all(char in "0123456789abcdef" for char in text)
    return Cell(text=f"{text[:_SHORT]}\N{HORIZONTAL ELLIPSIS}", more=(text,)) if plain else Cell(text=clip(text, _NAME))


def _pinned(component: Component) -> Cell:
    word, tone = {True: ("yes", "good"), False: ("no", "bad"), None: ("unknown", "soft")}[component.pinned]
    return Cell(text=word, tone=tone)


def _artifact(component: Component) -> tuple[Cell, ...]:
    identity = component.identity.removeprefix("dataset:")
    version = _short(component.version) if component.version else Cell(text="none", tone="soft")
    return Cell(text=clip_path(identity, _NAME)), version, _pinned(component), _what(component)


def _what(component: Component) -> Cell:
    """Format, architecture and size of a model; format, split, rows and columns of a dataset."""
    parts: list[str] = []
    more: list[str] = []
    if facts := component.model:
        parts = [facts.format, facts.architecture or facts.architecture_family, facts.task, facts.quantization]
        parts += [f"{facts.parameters:,} parameters"] if facts.parameters is not None else []
    if data := component.data:
        parts += [data.format, data.split, data.classification, *data.sensitive[:5]]
        parts += [count(data.rows, "row")] if data.rows is not None else []
        parts += [count(len(data.columns), "column")] if data.columns else []
        more += [f"{name}: {kind}" for name, kind in data.columns[:_PLACES]]
    if component.parts:
        parts.append(count(len(component.parts), "file"))
        more += [part.path for part in component.parts[:_PLACES]]
    text = ", ".join(clip(part, 80) for part in parts if part)
    return Cell(text=text or "not stated", more=tuple(more), tone="" if text else "soft")


def _package(component: Component) -> tuple[Cell, ...]:
    facts = component.package
    version = Cell(text=clip(component.version or "", _NAME))
    if component.version is None:
        asked = clip(facts.specifier or facts.requirement, 100) if facts else ""
        version = Cell(text=f"not fixed: {asked}" if asked else "not fixed", tone="bad")
    parts: list[str] = []
    if facts:
        parts = [facts.ecosystem, facts.scope, "direct" if facts.direct else "indirect"]
        parts += [facts.origin] if facts.origin != "registry" else []
    what = ", ".join(clip(part, 60) for part in parts if part)
    return Cell(text=clip(component.name, _NAME)), version, _pinned(component), Cell(text=what)


def _common(component: Component, context: ReportContext) -> tuple[Cell, ...]:
    licences = tuple(clip(name, 100) for name in component.licenses[:_PLACES])
    stated = Cell(text=", ".join(licences[:3]), more=licences[3:]) if licences else Cell(text="not stated", tone="soft")
    return stated, _hashes(component), _seen(component, context)


def _hashes(component: Component) -> Cell:
    if not component.hashes:
        return Cell(text="none", tone="soft")
    first = component.hashes[0]
    whole = tuple(
        f"{digest.algorithm} {digest.value}{' (declared)' if digest.declared else ''}"
        for digest in component.hashes[:_PLACES]
    )
    return Cell(text=f"{first.algorithm} {first.value[:_SHORT]}\N{HORIZONTAL ELLIPSIS}", more=whole)


def _seen(component: Component, context: ReportContext) -> Cell:
    places = [occurrence.location for occurrence in component.occurrences]
    if not places and component.identity.startswith("file:"):
        places = [Location(path=component.identity.removeprefix("file:"))]
    if not places:
        return Cell(text="nowhere by itself", tone="soft")
    more = [clip_path(str(place), _NAME) for place in places[1 : _PLACES + 1]]
    if len(places) > _PLACES + 1:
        more.append(f"{len(places) - _PLACES - 1:,} more in bom.cdx.json")
    return Cell(text=clip_path(str(places[0]), _NAME), url=blob_url(context, places[0]), more=tuple(more))


def _findings(number: int) -> Cell:
    return Cell(text=f"{number:,}" if number else "none", tone="bad" if number else "soft")


def _vulnerable(hits: list[Vulnerability]) -> Cell:
    if not hits:
        return Cell(text="none known", tone="soft")
    named = [f"{hit.id}{' (malicious)' if hit.malicious else ''}" for hit in hits[:_PLACES]]
    return Cell(text=", ".join(named[:2]), more=tuple(named[2:]), tone="bad")


def filters(groups: Mapping[str, Iterable[Decision]]) -> dict[str, list[tuple[str, str, int]]]:
    """What the page can be narrowed by, each with how many findings it leaves: severities, actions and rules."""
    severities: Counter[str] = Counter()
    rules: Counter[tuple[str, str]] = Counter()
    actions: Counter[tuple[str, str]] = Counter()
    order: dict[str, int] = {}
    for title, decisions in groups.items():
        for decision in decisions:
            found = decision.finding
            severities[found.severity.value] += 1
            order[found.severity.value] = -found.severity.rank
            rules[found.rule.id, found.rule.title] += 1
            actions[decision.action.value, title] += 1
    return {
        "severities": [(name, name, severities[name]) for name in sorted(severities, key=order.__getitem__)],
        "actions": [(action, title, number) for (action, title), number in actions.items()],
        "rules": [(rule, f"{rule} {title}", number) for (rule, title), number in sorted(rules.items())],
    }
