"""What npm's, Yarn's and pnpm's files share: how a dependency is asked for (npm documentation, "package.json")."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from mlgate.manifests._common import hashes, table, word
from mlgate.manifests._ecosystems import NPM, Entry, Origin, origin
from mlgate.records import Hash, Location

TARBALL = "/-/"  # every npm registry lays out <package>/-/<file>.tgz
SECTIONS = (
    ("dependencies", "runtime", ""),
    ("optionalDependencies", "optional", ""),
    ("peerDependencies", "runtime", "peer"),
    ("devDependencies", "dev", ""),
)
EXACT = re.compile(r"[=v\s]*(\d{1,20}\.\d{1,20}\.\d{1,20}(?:-[0-9A-Za-z.-]{1,200})?(?:\+[0-9A-Za-z.-]{1,200})?)\s*")
_SHORT = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+(?:#.*)?")
_LOCAL = ("file:", "link:", "portal:", "workspace:", "./", "../", "/", "~/", "catalog:")


def alias(name: str, wanted: str) -> tuple[str, str]:
    """The package that is installed under `name`, and the range: `npm:real@^1` stands for another one."""
    if wanted.startswith("npm:"):
        real, at, rest = wanted[4:].rpartition("@")
        if at and real:
            return real, rest
        if wanted[4:5].isalpha() or wanted[4:5] == "@":
            return wanted[4:], ""
        return name, wanted[4:]  # `npm:^1` is how Yarn says that the range is one of the registry
    return name, wanted


def source(resolved: str) -> Origin:
    """Where an npm address leads."""
    return origin(NPM, resolved, TARBALL)


def integrity(text: Any) -> tuple[Hash, ...]:
    """The hashes of a Subresource Integrity string (several are parted by spaces)."""
    return hashes(word(text)[:5000].split())


def wanted(
    name: str, spec: str, location: Location, *, scope: str, group: str = "", direct: bool = True
) -> Entry | None:
    """The entry of one line of a package.json; None when it names a folder of the repository itself."""
    real, asked = alias(name, spec)
    if asked.startswith(_LOCAL):
        return None
    exact = EXACT.fullmatch(asked)
    told = source(asked) if "://" in asked or ":" in asked[:12] else Origin()
    if not exact and _SHORT.fullmatch(asked) and ":" not in asked:
        told = source(f"github:{asked}")
    if "://" in asked and told.origin == "registry":
        told = Origin(origin="url", url=asked[:2000])
    return Entry(
        name=real,
        location=location,
        version=exact[1] if exact else (told.commit if told.origin == "vcs" and len(told.commit) >= 40 else None),
        requirement=f"{name}@{spec}",
        specifier=asked,
        direct=direct,
        scope=scope,
        group=group,
        origin=told.origin,
        url=told.url,
        commit=told.commit,
        insecure=told.insecure,
    )


def asked(document: dict[str, Any]) -> Iterator[tuple[str, str, str, str, str]]:
    """(section, name, range, scope, group) of everything a package.json, or a package in a lockfile, asks for."""
    optional = table(document.get("peerDependenciesMeta"))
    for section, scope, group in SECTIONS:
        for name, spec in table(document.get(section)).items():
            if isinstance(spec, str):
                spare = section == "peerDependencies" and table(optional.get(name)).get("optional") is True
                yield section, name, spec, "optional" if spare else scope, group
