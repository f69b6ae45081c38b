"""What differs between two ML-BOMs, for people and for programs.

`json_text` writes this, version 1 of `urn:mlgate:schema:diff`; a later version may add keys, and changes the number
when a key goes or means something else::

    {"schema": "urn:mlgate:schema:diff:1", "version": 1,
     "old": {"name": "", "version": "", "serialNumber": "", "specVersion": ""}, "new": {the same},
     "summary": {"added": 0, "removed": 0, "changed": 0},
     "changes": [{"status": "added" | "removed" | "changed",
                  "kind": "model" | "dataset" | "service" | "package" | "vulnerability" | CycloneDX's type,
                  "identity": "hf:org/name",
                  "details": [{"aspect": one of records.changes.Aspect, "before": [""], "after": [""],
                               "version": only where one of several versions of the component differs}]}]}

Changes are sorted by kind, then identity; values are sorted. An empty string in a `version` aspect is a component
without a version. Of what was added or removed, `details` say what it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from mlgate.records.changes import Aspect, Change, Detail, Status
from mlgate.reports import escape
from mlgate.reports.escape import Markdown
from mlgate.reports.findings import dumps

SCHEMA = "urn:mlgate:schema:diff:1"
_TITLES = {
    "model": "Models",
    "dataset": "Datasets",
    "service": "Services",
    "package": "Packages",
    "vulnerability": "Vulnerabilities",
}
_NAMES = {
    Aspect.HASHES: "stated hashes",
    Aspect.LICENSE: "licence",
    Aspect.ANCESTORS: "made from",
    Aspect.DATASETS: "trained on",
    Aspect.DEPENDENCIES: "needs",
    Aspect.FAMILY: "architecture family",
    Aspect.QUANTIZATION: "quantisation",
    Aspect.TRUST_BOUNDARY: "crosses a trust boundary",
    Aspect.AUTHENTICATED: "needs authentication",
}
# Sets of names, of which only what came and went is worth reading.
_SETS = frozenset(
    (
        Aspect.HASHES,
        Aspect.ANCESTORS,
        Aspect.DATASETS,
        Aspect.DEPENDENCIES,
        Aspect.ENDPOINTS,
        Aspect.DATA,
        Aspect.AFFECTS,
    )
)
_SIGNS = {Status.ADDED: "+", Status.REMOVED: "-", Status.CHANGED: "~"}
_PINS = {"true": "pinned", "false": "not pinned"}

_Quote = Callable[[str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Style:
    """How a value is written, what stands between before and after, and how many values of a list are shown."""

    quote: _Quote
    arrow: str = "\N{RIGHTWARDS ARROW}"
    most: int = 4


def _code(text: str) -> str:
    return escape.code(text, 160)


def _brief(text: str) -> str:
    return escape.code(text, 80)


_TERMINAL = _Style(quote=escape.terminal, arrow="->")
_PAGE = _Style(quote=_code)
_LINE = _Style(quote=_brief, most=2)
# Of a line among others: names in the tree must not be able to fill a comment.
_LONGEST = 400


def json_text(changes: Sequence[Change], *, old: Mapping[str, str], new: Mapping[str, str]) -> str:
    """The schema of this module's text; `old` and `new` say which documents were compared."""
    return dumps(
        {
            "schema": SCHEMA,
            "version": 1,
            "old": dict(old),
            "new": dict(new),
            "summary": _numbers(changes),
            "changes": [
                {
                    "status": change.status.value,
                    "kind": change.kind,
                    "identity": change.identity,
                    "details": [_json(detail) for detail in change.details],
                }
                for change in changes
            ],
        }
    )


def _json(detail: Detail) -> dict[str, str | list[str]]:
    made: dict[str, str | list[str]] = {
        "aspect": detail.aspect.value,
        "before": list(detail.before),
        "after": list(detail.after),
    }
    return made | ({"version": detail.version} if detail.version else {})


def human(changes: Sequence[Change], *, old: Mapping[str, str], new: Mapping[str, str]) -> str:
    """Lines for a terminal, each safe there."""
    lines = [f"{_of(old, escape.terminal)} -> {_of(new, escape.terminal)}: {_summary(changes)}"]
    for title, members in _groups(changes):
        lines += ["", escape.terminal(title)]
        for change in members:
            name = f"  {_SIGNS[change.status]} {escape.terminal(change.identity)}"
            parts = list(_parts(change, _TERMINAL))
            if change.status is Status.CHANGED:
                lines += [name, *(f"      {part}" for part in parts)]
            else:
                lines.append(f"{name}  {'; '.join(parts)}".rstrip())
    return "\n".join(lines) + "\n"


def markdown(changes: Sequence[Change], *, old: Mapping[str, str], new: Mapping[str, str]) -> str:
    """A page of Markdown in which every name is code."""
    lines = [
        "## What differs in the ML-BOM",
        "",
        f"{_of(old, _code)} {_PAGE.arrow} {_of(new, _code)}: {_summary(changes)}",
    ]
    for title, members in _groups(changes):
        lines += ["", f"### {escape.prose(title)}", ""]
        lines += [f"- {_joined(change, _code(change.identity), list(_parts(change, _PAGE)))}" for change in members]
    return "\n".join(lines) + "\n"


def line(change: Change) -> Markdown:
    """One change as one short line of Markdown that names its kind, for where room is scarce."""
    shown: list[str] = []
    parts = list(_parts(change, _LINE))
    for part in parts:
        if sum(map(len, shown)) + len(part) <= _LONGEST:
            shown.append(part)
    if len(shown) < len(parts):
        shown.append(f"{len(parts) - len(shown):,} more")
    return _joined(change, f"{escape.prose(change.kind)} {_brief(change.identity)}", shown)


def _joined(change: Change, name: str, parts: Sequence[str]) -> Markdown:
    return Markdown(f"{change.status.value} {name}{': ' if parts else ''}{'; '.join(parts)}")


def _numbers(changes: Sequence[Change]) -> dict[str, int]:
    counted = Counter(change.status for change in changes)
    return {status.value: counted[status] for status in Status}


def _summary(changes: Sequence[Change]) -> str:
    if not changes:
        return "no differences."
    return ", ".join(f"{number:,} {status}" for status, number in _numbers(changes).items() if number) + "."


def _of(side: Mapping[str, str], quote: _Quote) -> str:
    name, version = side.get("name") or "unnamed", side.get("version", "")
    return quote(f"{name} {version[:12]}".rstrip())


def _groups(changes: Sequence[Change]) -> Iterator[tuple[str, Iterator[Change]]]:
    for kind, members in groupby(changes, key=lambda change: change.kind):
        yield _TITLES.get(kind, f"Components of type {kind}"), members


def _parts(change: Change, style: _Style) -> Iterator[str]:
    for detail in change.details:
        text = _part(detail, change.status, style)
        yield f"{text} (at {style.quote(detail.version)})" if detail.version else text


def _part(detail: Detail, status: Status, style: _Style) -> str:
    before, after = _short(detail)
    name = _NAMES.get(detail.aspect, detail.aspect.value)
    if detail.aspect is Aspect.PINNED:
        was, now = (" and ".join(_PINS.get(value, "unknown") for value in values) for values in (before, after))
        return f"{was} {style.arrow} {now}" if was and now else was or now
    if status is not Status.CHANGED:
        return f"{name} {_listed(before or after, style)}"
    if detail.aspect is Aspect.VERSION and not (before and after):
        return f"version {_listed(before, style)} is gone" if before else f"version {_listed(after, style)} is new"
    if detail.aspect in _SETS:
        known, left = set(before), set(after)
        come = [value for value in after if value not in known]
        gone = [value for value in before if value not in left]
        said = (("now", come), ("no longer", gone))
        return f"{name}: " + ", ".join(f"{word} {_listed(values, style)}" for word, values in said if values)
    return f"{name} {_listed(before, style)} {style.arrow} {_listed(after, style)}"


def _listed(values: Sequence[str], style: _Style) -> str:
    shown = [style.quote(value) if value else "none" for value in values[: style.most]] or ["none"]
    rest = len(values) - style.most
    return ", ".join(shown) + (f" and {rest:,} more" if rest > 0 else "")


def _short(detail: Detail) -> tuple[Sequence[str], Sequence[str]]:
    """The values, commits and digests cut to what tells them apart: whole where a short form would be two of them."""
    both = {*detail.before, *detail.after}
    cut = {value: _cut(value) for value in both}
    if len(set(cut.values())) < len(both):
        return detail.before, detail.after
    return [cut[value] for value in detail.before], [cut[value] for value in detail.after]


def _cut(value: str) -> str:
    algorithm, colon, digest = value.rpartition(":")
    plain = len(digest) >= 32 and all(char in "0123456789abcdef" for char in digest)
    return f"{algorithm}{colon}{digest[:12]}" if plain else value
