"""The common shape of Python's TOML lockfiles: a list of tables with name, version, source, hashes and edges."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from mlgate.errors import Incomplete
from mlgate.manifests._common import hashes, is_commit, package, pypi_identity, vcs_finding
from mlgate.records import Location, Observation, PackageFacts, Relation


@dataclass(frozen=True, slots=True, kw_only=True)
class Locked:
    """One locked package in the terms of any of these lockfiles."""

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
    needs: tuple[str, ...] = field(default=())


def observations(entries: Iterable[Locked]) -> Iterator[Observation]:
    """Components, edges, and what to say of sources that can move. Raises Incomplete on a nameless entry."""
    for entry in entries:
        if not entry.name:
            raise Incomplete("malformed", f"a package without a name near line {entry.location.line}")
        version = entry.version
        if entry.origin == "vcs" and not is_commit(entry.commit):
            yield vcs_finding(entry.location, entry.name, entry.url, entry.commit or None)
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
