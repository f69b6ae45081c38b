"""Whether a version is affected, by OSV's evaluation algorithm (OSV schema, "Evaluation"), and which one is not."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from mlgate.advisories.orders import ORDERS, UNHASHABLE, Incomparable, is_early
from mlgate.advisories.records import Affected, Range, Record

# The schemes of VERS by OSV's names of ecosystems.
_SCHEMES = {
    "PyPI": "pypi",
    "npm": "npm",
    "crates.io": "cargo",
    "Go": "golang",
    "Maven": "maven",
    "RubyGems": "gem",
    "NuGet": "nuget",
    "Packagist": "composer",
    "CRAN": "cran",
}
_BOUNDARIES = 40
_RANGES = 20


@lru_cache(maxsize=65536)
def _parsed(ecosystem: str, text: str) -> Any:
    return ORDERS[ecosystem](text)


def parse(ecosystem: str, text: str) -> Any:
    """The version as something that compares. Raises Incomparable when it is none, or its order is not known here."""
    if ecosystem not in ORDERS or len(text) > 200:
        raise Incomparable(text)
    return _parsed(ecosystem, text)


@lru_cache(maxsize=65536)
def same_name(ecosystem: str, name: str) -> str:
    """The form in which names of the ecosystem are equal (PyPI: PEP 503; NuGet and Packagist: without regard to case;
    others as they are).
    """
    if ecosystem == "PyPI":
        return re.sub(r"[-_.]+", "-", name).lower()
    return name.lower() if ecosystem in {"NuGet", "Packagist"} else name


def entries(record: Record, ecosystem: str, name: str) -> Iterable[Affected]:
    """What the record says of the package. OSV writes releases behind a colon ("Debian:12")."""
    wanted = same_name(ecosystem, name)
    for affected in record.affected or ():
        package = affected.package
        if package.ecosystem.partition(":")[0] == ecosystem and same_name(ecosystem, package.name) == wanted:
            yield affected


def is_affected(record: Record, ecosystem: str, name: str, version: str) -> bool:
    """Whether the record names this version, in `versions` or in a range; withdrawn records never do.

    Raises Incomparable when only a range could tell and the version has no place in its order.
    """
    if record.withdrawn:
        return False
    unknown: Incomparable | None = None
    for affected in entries(record, ecosystem, name):
        listed = affected.versions
        if version in listed or _equal(ecosystem, version, listed):
            return True
        for bounds in affected.ranges:
            if bounds.type == "GIT":
                continue
            try:
                if _inside(bounds, ecosystem, version):
                    return True
            except Incomparable as error:
                unknown = error
        if not affected.ranges and not listed:
            return True  # the schema: neither means every version
    if unknown is not None:
        raise unknown
    return False


def affects_all(record: Record, ecosystem: str, name: str) -> bool:
    """Whether the record names every version there can be: no boundary at all, or none above the first version."""
    for affected in entries(record, ecosystem, name) if not record.withdrawn else ():
        bounds = [each for each in affected.ranges if each.type != "GIT"]
        if not affected.ranges and not affected.versions:
            return True
        if any(each.events and all(event.introduced == "0" for event in each.events) for each in bounds):
            return True
    return False


def _equal(ecosystem: str, version: str, listed: tuple[str, ...]) -> bool:
    """Whether the same version is listed in another spelling (1.0 and 1.0.0)."""
    if not listed:
        return False
    try:
        value = parse(ecosystem, version)
    except Incomparable:
        return False
    values = _values(ecosystem, listed)
    return value in values


@lru_cache(maxsize=4096)
def _values(ecosystem: str, listed: tuple[str, ...]) -> frozenset[Any] | tuple[Any, ...]:
    """The listed versions that have a place in the order, as a set where they can be in one."""
    found = []
    for text in listed:
        try:
            found.append(parse(ecosystem, text))
        except Incomparable:
            continue
    return tuple(found) if ecosystem in UNHASHABLE else frozenset(found)


def _inside(bounds: Range, ecosystem: str, version: str) -> bool:
    value = parse(ecosystem, version)
    ranked: list[tuple[Any, int]] = []
    inside = False
    limits = [event.limit for event in bounds.events if event.limit and event.limit != "*"]
    if limits and all(value >= parse(ecosystem, limit) for limit in limits):
        return False
    for event in bounds.events:
        if event.introduced == "0":
            inside = True
        elif event.introduced:
            ranked.append((parse(ecosystem, event.introduced), 2))
        elif event.fixed:
            ranked.append((parse(ecosystem, event.fixed), 0))
        elif event.last_affected:
            ranked.append((parse(ecosystem, event.last_affected), 1))
    for boundary, kind in sorted(ranked, key=lambda pair: pair):
        if kind == 2 and value >= boundary:
            inside = True
        elif (kind == 0 and value >= boundary) or (kind == 1 and value > boundary):
            inside = False
    return inside


def fixed_versions(records: Iterable[Record], ecosystem: str, name: str) -> tuple[str, ...]:
    """All versions that the records call fixed, in order, once each; those that do not compare are left out."""
    found: dict[str, Any] = {}
    for record in records:
        for affected in entries(record, ecosystem, name):
            for bounds in affected.ranges:
                for event in bounds.events if bounds.type != "GIT" else ():
                    if event.fixed:
                        try:
                            found[event.fixed] = parse(ecosystem, event.fixed)
                        except Incomparable:
                            continue
    return tuple(sorted(found, key=lambda text: found[text]))


def affected_ranges(records: Iterable[Record], ecosystem: str, name: str) -> tuple[str, ...]:
    """What the records call affected, once each, in VERS notation (ECMA-427): `vers:pypi/>=1.0|<2.0`.

    A range whose boundaries do not compare, or that has more of them than a person reads, is left out.
    """
    scheme = _SCHEMES.get(ecosystem)
    found: dict[str, None] = {}
    for record in records if scheme else ():
        for affected in entries(record, ecosystem, name):
            for bounds in affected.ranges:
                text = _vers(bounds, ecosystem) if bounds.type != "GIT" and len(bounds.events) <= _BOUNDARIES else ""
                if text:
                    found.setdefault(f"vers:{scheme}/{text}")
    return tuple(sorted(found))[:_RANGES]


def _vers(bounds: Range, ecosystem: str) -> str:
    """The constraints between which versions are affected, in order; "" where they make no intervals."""
    ranked: list[tuple[Any, int, str]] = []
    opened = False
    for event in bounds.events:
        if event.limit and event.limit != "*":
            return ""  # VERS has no word for it
        signs = ((">=", event.introduced, 2), ("<", event.fixed, 0), ("<=", event.last_affected, 1))
        sign, version, kind = next((one for one in signs if one[1]), ("", "", 0))
        if version == "0" and kind == 2:
            opened = True
        elif version:
            try:
                ranked.append((parse(ecosystem, version), kind, sign + quote(version, safe="")))
            except Incomparable:
                return ""
    ranked.sort(key=lambda one: one[:2])
    inside = opened
    for _, kind, _ in ranked:
        if inside == (kind == 2):  # two beginnings or two ends in a row
            return ""
        inside = kind == 2
    return "|".join(text for _, _, text in ranked) or ("*" if opened else "")


def smallest_upgrade(records: tuple[Record, ...], ecosystem: str, name: str, version: str) -> str:
    """The lowest fixed version above `version` that none of the records affects, or "" when there is none.

    `records` are all of the package, also those that do not affect `version`: an upgrade may lead into them. Whoever
    has a release is given a release, and a pre-release only where no release clears everything.
    """
    try:
        current = parse(ecosystem, version)
    except Incomparable:
        return ""
    candidates = [text for text in fixed_versions(records, ecosystem, name) if parse(ecosystem, text) > current]
    if not is_early(ecosystem, version):
        candidates.sort(key=lambda text: is_early(ecosystem, text))  # keeps the order among the like
    order = list(records)
    for candidate in candidates:
        place = _first_affecting(order, ecosystem, name, candidate)
        if place is None:
            return candidate
        order.insert(0, order.pop(place))  # what affects one candidate mostly affects the next: many have hundreds
    return ""


def _first_affecting(records: list[Record], ecosystem: str, name: str, version: str) -> int | None:
    """The place of a record that affects the version, or may."""
    for place, record in enumerate(records):
        try:
            if is_affected(record, ecosystem, name, version):
                return place
        except Incomparable:
            return place
    return None
