"""What differs between two ML-BOMs, or two inventories: by identity without version, so that a moved pin is a change.

Both kinds of input become the same plain entries (`diff_document`, `diff_inventory`), and these are compared here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from mlgate.records.changes import Aspect, Change, Detail, Status

MODEL, DATASET, PACKAGE, SERVICE, VULNERABILITY = "model", "dataset", "package", "service", "vulnerability"
KINDS = (MODEL, DATASET, SERVICE, PACKAGE, VULNERABILITY)
"""The order of reports; any other kind follows by its name."""

Facts = Mapping[Aspect, frozenset[str]]
_NONE: frozenset[str] = frozenset()
# What is said of something that came or went.
_TOLD = (Aspect.PINNED, Aspect.LICENSE, Aspect.ENDPOINTS, Aspect.SEVERITY, Aspect.AFFECTS)
_OWN = (Aspect.VERSION, Aspect.PINNED, Aspect.BYTES, Aspect.HASHES, Aspect.SEVERITY)
_PLAIN = tuple(aspect for aspect in Aspect if aspect not in _OWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One component as one side has it.

    `facts` are the values by aspect (digests as `SHA-256:...`). `complete` is False where what it came from was not
    read to its end: a fact that is not there is then unknown, and not gone. `aliases` are other ids of a vulnerability.
    """

    kind: str
    identity: str
    version: str = ""
    facts: Facts = field(default_factory=dict)
    complete: bool = True
    aliases: frozenset[str] = _NONE


def compare(old: Iterable[Entry], new: Iterable[Entry]) -> tuple[Change, ...]:
    """The differences, sorted by kind and identity.

    Of several versions of one identity those that both sides have are compared with each other. What is left of them
    on both sides is compared as one set with the other: which of the old became which of the new is not guessed.
    """
    old, new = _one_name(tuple(old), tuple(new))
    before, after = _grouped(old), _grouped(new)
    return tuple(
        change
        for key in sorted(before.keys() | after.keys(), key=order)
        for change in _change(*key, before.get(key, {}), after.get(key, {}))
    )


def order(key: tuple[str, str]) -> tuple[int, str, str]:
    """Sorts (kind, identity) as reports show them."""
    kind, identity = key
    return (KINDS.index(kind) if kind in KINDS else len(KINDS), kind, identity)


def _grouped(entries: Iterable[Entry]) -> dict[tuple[str, str], dict[str, Entry]]:
    found: dict[tuple[str, str], dict[str, list[Entry]]] = {}
    for entry in entries:
        found.setdefault((entry.kind, entry.identity), {}).setdefault(entry.version, []).append(entry)
    return {key: {version: _union(same) for version, same in versions.items()} for key, versions in found.items()}


def _union(entries: Iterable[Entry]) -> Entry:
    """Several entries as one with the values of all."""
    first, *rest = entries
    if not rest:
        return first
    facts: dict[Aspect, set[str]] = {}
    for entry in (first, *rest):
        for aspect, values in entry.facts.items():
            facts.setdefault(aspect, set()).update(values)
    return replace(
        first,
        facts={aspect: frozenset(values) for aspect, values in facts.items()},
        complete=first.complete and all(entry.complete for entry in rest),
    )


def _change(kind: str, identity: str, old: Mapping[str, Entry], new: Mapping[str, Entry]) -> Iterator[Change]:
    if not old or not new:
        status = Status.REMOVED if old else Status.ADDED
        details = tuple(_told(old, new))
    else:
        status, details = Status.CHANGED, tuple(_differences(kind, old, new))
        if not details:
            return
    yield Change(status=status, kind=kind, identity=identity, details=details)


def _told(old: Mapping[str, Entry], new: Mapping[str, Entry]) -> Iterator[Detail]:
    if any((*old, *new)):
        yield Detail(aspect=Aspect.VERSION, before=tuple(sorted(old)), after=tuple(sorted(new)))
    before = _union(old.values()).facts if old else {}
    after = _union(new.values()).facts if new else {}
    for aspect in _TOLD:
        if before.get(aspect) or after.get(aspect):
            yield _detail(aspect, before.get(aspect, _NONE), after.get(aspect, _NONE))


def _differences(kind: str, old: Mapping[str, Entry], new: Mapping[str, Entry]) -> Iterator[Detail]:
    gone = sorted(old.keys() - new.keys())
    come = sorted(new.keys() - old.keys())
    if gone or come:
        yield Detail(aspect=Aspect.VERSION, before=tuple(gone), after=tuple(come))
    if gone and come:
        before, after = _union(old[version] for version in gone), _union(new[version] for version in come)
        # Another version of a package has other files: that is no news.
        yield from _facts(before, after, digests=kind != PACKAGE)
    several = len(old) > 1 or len(new) > 1
    for version in sorted(old.keys() & new.keys()):
        for detail in _facts(old[version], new[version]):
            yield replace(detail, version=version if several else "")


def _facts(old: Entry, new: Entry, *, digests: bool = True) -> Iterator[Detail]:
    pins = old.facts.get(Aspect.PINNED, _NONE), new.facts.get(Aspect.PINNED, _NONE)
    if all(pins) and pins[0] != pins[1]:
        yield _detail(Aspect.PINNED, *pins)
    if digests:
        yield from _digests(old, new)
    for aspect in _PLAIN:
        before, after = old.facts.get(aspect, _NONE), new.facts.get(aspect, _NONE)
        if before is after or not ((before and after) or (old.complete and new.complete)):
            continue
        if _plain(aspect, before) != _plain(aspect, after):
            yield _detail(aspect, before, after)


def _plain(aspect: Aspect, values: frozenset[str]) -> frozenset[str]:
    """`mit` in a header and `MIT` in a list of licences are one licence."""
    return frozenset(value.casefold() for value in values) if aspect is Aspect.LICENSE else values


def _digests(old: Entry, new: Entry) -> Iterator[Detail]:
    """Digests of one algorithm that have nothing in common are other bytes.

    Where they have something in common (the files of a release, one more of them), or no algorithm is on both sides,
    it is only what is stated that differs.
    """
    before, after = _by_algorithm(old), _by_algorithm(new)
    common = before.keys() & after.keys()
    other = sorted(algorithm for algorithm in common if before[algorithm].isdisjoint(after[algorithm]))
    if other:
        was = frozenset(value for algorithm in other for value in before[algorithm])
        yield _detail(Aspect.BYTES, was, frozenset(value for algorithm in other for value in after[algorithm]))
    stated = sorted(common.difference(other))
    if not common and old.complete and new.complete:
        stated = sorted(before.keys() | after.keys())
    was = frozenset(value for algorithm in stated for value in before.get(algorithm, _NONE))
    now = frozenset(value for algorithm in stated for value in after.get(algorithm, _NONE))
    if was != now:
        yield _detail(Aspect.HASHES, was - now, now - was)


def _by_algorithm(entry: Entry) -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for value in entry.facts.get(Aspect.HASHES, _NONE):
        found.setdefault(value.partition(":")[0], set()).add(value)
    return {algorithm: frozenset(values) for algorithm, values in found.items()}


def _detail(aspect: Aspect, before: frozenset[str], after: frozenset[str]) -> Detail:
    return Detail(aspect=aspect, before=tuple(sorted(before)), after=tuple(sorted(after)))


def _one_name(old: tuple[Entry, ...], new: tuple[Entry, ...]) -> tuple[tuple[Entry, ...], tuple[Entry, ...]]:
    """Both sides with one name for each vulnerability, whichever of its ids either of them calls it by."""
    parents: dict[str, str] = {}

    def root(name: str) -> str:
        while parents.setdefault(name, name) != name:
            parents[name] = parents[parents[name]]
            name = parents[name]
        return name

    for entry in (*old, *new):
        for alias in entry.aliases if entry.kind == VULNERABILITY else ():
            # The smaller name is the root, and CVE- is the smallest of those in use.
            low, high = sorted(
                (root(entry.identity), root(alias)), key=lambda name: (not name.startswith("CVE-"), name)
            )
            parents[high] = low

    def named(entry: Entry) -> Entry:
        if entry.kind != VULNERABILITY or root(entry.identity) == entry.identity:
            return entry
        return replace(entry, identity=root(entry.identity))

    return tuple(map(named, old)), tuple(map(named, new))
