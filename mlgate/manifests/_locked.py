"""The common shape of Python's TOML lockfiles: a list of tables with name, version, source, hashes and edges."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from mlgate.errors import Incomplete
from mlgate.manifests._common import hashes, is_commit, package, pypi_identity, vcs_finding
from mlgate.manifests._downloads import another, elsewhere, is_python
from mlgate.policy.indexes import host_of, is_known
from mlgate.records import Artifact, Location, Observation, PackageFacts, Relation


@dataclass(frozen=True, slots=True, kw_only=True)
class Locked:
    """One locked package in the terms of these lockfiles; `files` are names or addresses of what is installed."""

    name: str
    version: str | None
    location: Location
    scope: str = "runtime"
    group: str = ""
    origin: str = "registry"
    url: str = ""
    commit: str = ""
    index: str = ""
    direct: bool = False
    marker: str = ""
    hashes: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    needs: tuple[str, ...] = field(default=())


def observations(artifact: Artifact, entries: Iterable[Locked]) -> Iterator[Observation]:
    """Components, edges, and what to say of their sources. Raises Incomplete on a nameless entry, after the others."""
    seen: list[tuple[str, str, Location]] = []
    stopped: Incomplete | None = None
    try:
        for entry in entries:
            if entry.origin == "registry":
                seen.append((entry.name, _server(entry), entry.location))
            yield from _observations(entry)
    except Incomplete as stop:
        stopped = stop
    yield from elsewhere(artifact, seen)
    if stopped is not None:
        raise stopped


def _server(entry: Locked) -> str:
    """The index, or the address of a file that is on another server than that and not on a known one."""
    own = host_of(entry.index)
    return next((f for f in entry.files if "://" in f and host_of(f) != own and not is_known(f)), entry.index)


def _observations(entry: Locked) -> Iterator[Observation]:
    if not entry.name:
        raise Incomplete("malformed", f"a package without a name near line {entry.location.line}")
    version = entry.version
    if entry.origin == "vcs" and not is_commit(entry.commit):
        yield vcs_finding(entry.location, entry.name, entry.url, entry.commit or None)
    for file in entry.files if entry.origin == "registry" else ():
        if not is_python(entry.name, version, file):
            yield another(entry.location, entry.name, file, pypi_identity(entry.name))
            break
    facts = PackageFacts(
        ecosystem="PyPI",
        requirement=f"{entry.name}=={version}" if version else entry.name,
        specifier=f"=={version}" if version else "",
        direct=entry.direct,
        scope=entry.scope,
        group=entry.group[:100],
        marker=entry.marker[:300],
        index=entry.index[:300],
        origin=entry.origin,
        url=entry.url[:2000],
    )
    yield package(
        kind="pypi",
        name=entry.name,
        version=version,
        location=entry.location,
        facts=facts,
        declared_hashes=hashes(entry.hashes),
    )
    for needed in dict.fromkeys(entry.needs):
        yield Relation(source=pypi_identity(entry.name), target=pypi_identity(needed))


def texts(items: Iterable[Any], key: str) -> tuple[str, ...]:
    """The text under `key` of each table among the items."""
    return tuple(item[key] for item in items if isinstance(item, dict) and isinstance(item.get(key), str))
