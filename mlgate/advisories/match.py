"""Whether a version is affected, by OSV's evaluation algorithm (OSV schema, "Evaluation"), and which one is not."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from mlgate.advisories.records import Affected, Range, Record

Order = Callable[[str], Any]


class Incomparable(Exception):  # noqa: N818  (a state of the version, told as such)
    """The version is none in its ecosystem's order."""


def _pypi(text: str) -> Any:
    from packaging.version import InvalidVersion, Version  # noqa: PLC0415  (start-up)

    try:
        return Version(text)
    except InvalidVersion:
        raise Incomparable(text) from None


def _univers(name: str) -> Order:
    def parse(text: str) -> Any:
        from univers import versions  # noqa: PLC0415  (start-up)

        try:
            return getattr(versions, name)(text.removeprefix("v") if name == "SemverVersion" else text)
        except (versions.InvalidVersion, ValueError, TypeError, KeyError, IndexError, AttributeError):
            raise Incomparable(text) from None

    return parse


def _cran(text: str) -> Any:
    """R's package_version: numbers between dots and hyphens, which mean the same ("Writing R Extensions", 1.1.1)."""
    if not re.fullmatch(r"[0-9]{1,20}(?:[.-][0-9]{1,20})*", text):
        raise Incomparable(text)
    return tuple(int(part) for part in re.split(r"[.-]", text))


_ORDERS: dict[str, Order] = {
    "PyPI": _pypi,
    "npm": _univers("SemverVersion"),
    "crates.io": _univers("SemverVersion"),
    "Go": _univers("SemverVersion"),
    "Maven": _univers("MavenVersion"),
    "RubyGems": _univers("RubygemsVersion"),
    "NuGet": _univers("NugetVersion"),
    "Packagist": _univers("ComposerVersion"),
    "CRAN": _cran,
    "Bioconductor": _cran,
}


@lru_cache(maxsize=65536)
def _parsed(ecosystem: str, text: str) -> Any:
    return _ORDERS[ecosystem](text)


def parse(ecosystem: str, text: str) -> Any:
    """The version as something that compares. Raises Incomparable when it is none, or its order is not known here."""
    if ecosystem not in _ORDERS or len(text) > 200:
        raise Incomparable(text)
    return _parsed(ecosystem, text)


def same_name(ecosystem: str, name: str) -> str:
    """The form in which names of the ecosystem are equal (PyPI: PEP 503; others as they are)."""
    return re.sub(r"[-_.]+", "-", name).lower() if ecosystem == "PyPI" else name


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


def _equal(ecosystem: str, version: str, listed: tuple[str, ...]) -> bool:
    """Whether the same version is listed in another spelling (1.0 and 1.0.0)."""
    try:
        value = parse(ecosystem, version)
    except Incomparable:
        return False
    start = version[:1]
    for other in listed:
        if other[:1] == start:  # what is equal begins alike, and most lists are long
            try:
                if parse(ecosystem, other) == value:
                    return True
            except Incomparable:
                continue
    return False


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


def smallest_upgrade(records: tuple[Record, ...], ecosystem: str, name: str, version: str) -> str:
    """The lowest fixed version above `version` that none of the records affects, or "" when there is none."""
    try:
        current = parse(ecosystem, version)
    except Incomparable:
        return ""
    for candidate in fixed_versions(records, ecosystem, name):
        if parse(ecosystem, candidate) <= current:
            continue
        try:
            if not any(is_affected(record, ecosystem, name, candidate) for record in records):
                return candidate
        except Incomparable:
            continue
    return ""
