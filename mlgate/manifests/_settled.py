"""What a manifest and the lockfile beside it say together: a range stands for the version that is locked.

A reader sees one file. Here the packages without a version that a package.json, Cargo.toml or composer.json asks for
give way to the lockfile's, which are then direct ones; and the modules that only go.sum names are left out where its
go.mod names all that are built.
"""

from __future__ import annotations

import dataclasses
import posixpath
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from mlgate.manifests._ecosystems import DYNAMIC, UNLOCKED
from mlgate.manifests.go_mod import STANDARD
from mlgate.manifests.unread import UNREAD
from mlgate.records import Component, Finding, Kind

# Manifest to lockfiles, and whether one of a folder above counts, as it does for the members of a workspace.
_LOCKS: Mapping[str, tuple[tuple[str, ...], bool]] = {
    "package.json": (("package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml"), True),
    "Cargo.toml": (("Cargo.lock",), True),
    "composer.json": (("composer.lock",), False),
}
# What is told of a file by itself, and is no more when another one stands beside it.
_TOLD = {
    "Gemfile": (UNREAD, "Gemfile.lock"),
    "build.gradle": (DYNAMIC, "gradle.lockfile"),
    "build.gradle.kts": (DYNAMIC, "gradle.lockfile"),
}
_COMPLETE = (1, 17)  # the first Go whose go.mod names every module of the build


@dataclass(frozen=True, slots=True)
class _Place:
    """The lockfiles of a manifest; `near` when they stand in its own folder."""

    locks: frozenset[str]
    near: bool


def settled(
    components: Sequence[Component], findings: Iterable[Finding], present: Collection[str]
) -> tuple[list[Component], list[Finding]]:
    """Components and findings after all files have spoken. `present` are the paths of the tree.

    The components are those of the readers, each with the places of one file; they come back in their order.
    """
    packages = [c for c in components if c.kind is Kind.PACKAGE and c.occurrences]
    by_file: dict[str, list[Component]] = {}
    for each in packages:
        by_file.setdefault(_path(each), []).append(each)
    dropped: set[int] = set()
    direct: dict[tuple[str, str, str | None], list[Component]] = {}
    quiet: set[str] = set()
    read: dict[frozenset[str], dict[str, list[Component]]] = {}  # many members share one lockfile
    for path, asked in by_file.items():
        place = _place(path, present)
        if place is None:
            continue
        if place.locks not in read:
            read[place.locks] = _named(each for lock in sorted(place.locks) for each in by_file.get(lock, ()))
        locked = read[place.locks]
        open_ones = [each for each in asked if each.version is None and _registry(each)]
        known = [each for each in open_ones if each.identity in locked]
        if not place.near and len(known) < len(open_ones):
            continue  # the lockfile above is another project's
        quiet.add(path)
        for each in known:
            dropped.add(id(each))
            for target in _meant(locked[each.identity]):
                direct.setdefault((_path(target), target.identity, target.version), []).append(each)
    dropped |= _unused(by_file)
    kept = [_with(c, direct) for c in components if id(c) not in dropped]
    return kept, [finding for finding in findings if not _answered(finding, quiet, present)]


def _named(components: Iterable[Component]) -> dict[str, list[Component]]:
    found: dict[str, list[Component]] = {}
    for each in components:
        found.setdefault(each.identity, []).append(each)
    return found


def _path(component: Component) -> str:
    return component.occurrences[0].location.path


def _registry(component: Component) -> bool:
    return component.package is not None and component.package.origin == "registry"


def _place(path: str, present: Collection[str]) -> _Place | None:
    folder, name = posixpath.split(path)
    locks, above = _LOCKS.get(name, ((), False))
    at = folder
    while locks:
        found = frozenset(p for p in (posixpath.join(at, lock) for lock in locks) if p in present)
        if found:
            return _Place(found, at == folder)
        if not at or not above:
            break
        at = posixpath.dirname(at)
    return None


def _meant(candidates: list[Component]) -> list[Component]:
    """The locked packages that a manifest's line stands for: those that are known to be direct, or the only one."""
    stated = [each for each in candidates if each.package and each.package.direct]
    return stated or (candidates if len({each.version for each in candidates}) == 1 else [])


def _with(component: Component, direct: Mapping[tuple[str, str, str | None], list[Component]]) -> Component:
    if component.kind is not Kind.PACKAGE or component.package is None or not component.occurrences:
        return component
    asking = direct.get((_path(component), component.identity, component.version))
    if not asking:
        return component
    places = (occurrence for each in asking for occurrence in each.occurrences)
    return dataclasses.replace(
        component,
        package=dataclasses.replace(component.package, direct=True),
        occurrences=tuple(dict.fromkeys((*component.occurrences, *places))),
    )


def _unused(by_file: Mapping[str, list[Component]]) -> set[int]:
    """Modules that only go.sum names, where the go.mod beside it names every module that is built."""
    found: set[int] = set()
    for path, listed in by_file.items():
        folder, name = posixpath.split(path)
        required = by_file.get(posixpath.join(folder, "go.mod"), [])
        if name == "go.sum" and any(_complete(each) for each in required):
            built = {(each.identity, each.version) for each in required}
            found |= {id(each) for each in listed if (each.identity, each.version) not in built}
    return found


def _complete(component: Component) -> bool:
    match = re.match(r">=(\d{1,4})\.(\d{1,4})", component.package.specifier if component.package else "")
    return component.name == STANDARD and match is not None and (int(match[1]), int(match[2])) >= _COMPLETE


def _answered(finding: Finding, quiet: set[str], present: Collection[str]) -> bool:
    path = finding.location.path
    if finding.rule == UNLOCKED:
        return path in quiet
    rule, lock = _TOLD.get(posixpath.basename(path), (None, ""))
    return finding.rule == rule and posixpath.join(posixpath.dirname(path), lock) in present
