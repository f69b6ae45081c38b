"""What conda's lockfiles have in common: files of packages on several platforms, beside some from PyPI."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from packaging.utils import canonicalize_name

from mlgate.errors import Incomplete
from mlgate.manifests._common import hashes, is_commit, pypi_identity, vcs_revision
from mlgate.manifests._conda import Match, component, note
from mlgate.manifests._declared import Given, given, without_login
from mlgate.records import Artifact, Component, Location, Observation, Relation

LARGEST = 32 << 20  # characters; locks of many platforms have some MB
MOST = 3_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One file of a package. `conda` says whose package it is; `needs` are names of the same manager."""

    conda: bool
    name: str
    version: str
    location: Location
    match: Match
    hashes: tuple[str, ...] = ()
    license: str = ""
    scope: str = "runtime"
    group: str = ""
    needs: tuple[str, ...] = ()


def locked(artifact: Artifact, entries: list[Entry]) -> Iterator[Observation]:
    """A component for each package and version, whatever number of files it has, and the edges between packages.

    What no other package needs is what was asked for: nothing else leads into a lockfile.
    Raises Incomplete on a nameless entry.
    """
    needed = {(e.conda, need) for e in entries for need in e.needs if need != _key(e)}
    grouped: dict[tuple[bool, str, str], list[Entry]] = {}
    for entry in entries:
        if not entry.name:
            raise Incomplete("malformed", f"a package without a name near line {entry.location.line}")
        grouped.setdefault((entry.conda, _key(entry), entry.version), []).append(entry)
    conda: list[Component] = []
    for (is_conda, name, _), several in grouped.items():
        direct = (is_conda, name) not in needed
        if is_conda:
            conda.append(_conda(several, direct=direct))
            yield conda[-1]
        else:
            yield from _python(several, direct=direct)
        source = f"pkg:conda/{name}" if is_conda else pypi_identity(name)
        for need in dict.fromkeys(need for entry in several for need in entry.needs if need != name):
            yield Relation(source=source, target=f"pkg:conda/{need}" if is_conda else pypi_identity(need))
    yield from note(artifact, conda)


def _key(entry: Entry) -> str:
    return entry.name.lower() if entry.conda else canonicalize_name(entry.name)


def _merged(several: Iterable[Entry]) -> tuple[str, str]:
    """(scope, group) of a package by all its files: at run time when any of them is."""
    found = list(several)
    runtime = next((entry for entry in found if entry.scope == "runtime"), None)
    best = runtime or found[0]
    return best.scope, best.group


def _conda(several: list[Entry], *, direct: bool) -> Component:
    first = several[0]
    scope, group = _merged(several)
    match = first.match
    builds = sorted({f"{entry.match.subdir}/{entry.match.build}".strip("/") for entry in several})
    if len(builds) > 1:  # one component stands for all of them, so its purl names none
        channels = {entry.match.channel for entry in several}
        channel = match.channel if len(channels) == 1 else ""
        match = dataclasses.replace(match, build="", subdir="", kind="", url="", channel=channel)
    fixed = hashes(text for entry in several for text in entry.hashes)
    return component(
        match,
        first.location,
        requirement=f"{first.name}=={first.version}" if first.version else first.name,
        scope=scope,
        group=group,
        direct=direct,
        fixed=fixed,
        licenses=(first.license,) if first.license else (),
        builds=builds if len(builds) > 1 else (),
    )


def _python(several: list[Entry], *, direct: bool) -> Iterator[Observation]:
    first = several[0]
    scope, group = _merged(several)
    url = first.match.url
    vcs = url.startswith(("git+", "hg+", "svn+", "bzr+"))
    address = "://" in url and not url.startswith("file:")
    host = "/".join(without_login(url).split("/", 3)[:3]) if address and not vcs else ""
    fragment = url.partition("#")[2]
    commit = fragment if is_commit(fragment) else vcs_revision(url) or ""
    yield from given(
        Given(
            name=first.name,
            location=first.location,
            specifier=f"=={first.version}" if first.version else "",
            requirement=f"{first.name}=={first.version}" if first.version else first.name,
            scope=scope,
            group=group,
            direct=direct,
            # a file of an index goes by its name there; an address alone says not which index that was
            index="https://pypi.org/simple" if host == "https://files.pythonhosted.org" else host,
            origin="vcs" if vcs else "registry" if address or not url else "path",
            url=url if vcs or not address else "",
            revision=commit if vcs else "",
            version=first.version or None,
            hashes=tuple(text for entry in several for text in entry.hashes),
        )
    )
