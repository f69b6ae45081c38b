"""What a lockfile downloads for an entry: whether it is the entry's own package, and from whose server.

Sources: PyPA's file name conventions (binary distribution format, source distribution format), and the layout of npm
registries (`<package>/-/<name>-<version>.tgz`). Lockfile injection: L. Tal, "Why npm lockfiles can be a security
blindspot", 2019.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import unquote

from packaging.utils import canonicalize_name

from mlgate import rules
from mlgate.manifests._common import ANOTHER, OTHER_INDEX
from mlgate.manifests._declared import without_login
from mlgate.policy.indexes import host_of, is_known
from mlgate.records import Artifact, Finding, Location

_TARBALL = "/-/"
_SDIST = re.compile(r"\.(?:tar\.(?:gz|bz2|xz|Z)|zip|tgz)$")
_LONGEST = 2000


def is_python(name: str, version: str | None, address: str) -> bool:
    """Whether a wheel or source distribution of this name, and where it can be told this version, is at the address."""
    base = unquote(address.partition("#")[0].partition("?")[0].rpartition("/")[2])[:_LONGEST]
    if base.endswith(".whl"):
        parts = base.split("-")
        if len(parts) < 5:
            return True  # no name that an installer takes
        return canonicalize_name(parts[0]) == canonicalize_name(name) and _same(parts[1], version)
    if not _SDIST.search(base):
        return True
    stem = canonicalize_name(_SDIST.sub("", base))
    rest = stem.removeprefix(canonicalize_name(name) + "-")
    return rest != stem and (rest[:1].isdigit() or rest[:1] == "v")


def _same(stated: str, version: str | None) -> bool:
    from packaging.version import InvalidVersion, Version  # noqa: PLC0415  (start-up)

    try:
        return version is None or Version(stated.replace("_", "-")).public == Version(version).public
    except InvalidVersion:
        return True


def is_npm(name: str, version: str | None, address: str) -> bool:
    """Whether the tarball of an npm registry is the package's own."""
    path = unquote(address.partition("#")[0].partition("?")[0])[:_LONGEST]
    folder, tarball, file = path.partition(_TARBALL)
    if not tarball or "://" not in folder:
        return True
    last = name.rpartition("/")[2]
    stem = file.rpartition("/")[2].removesuffix(".tgz")
    plain = (version or "").partition("+")[0]
    scope = folder.rpartition("/")[0].rpartition("/")[2]
    own = folder.endswith(f"/{name}") and ("/" in name or not scope.startswith("@"))
    return own and (not plain or stem.partition("+")[0] in {f"{last}-{plain}", plain})


def another(location: Location, name: str, address: str, subject: str) -> Finding:
    """The finding about an entry whose download is not its own."""
    shown = without_login(address).partition("?")[0][:200]
    message = f"The entry of {name[:100]} downloads {shown.rpartition('/')[2][:100]}."
    return rules.finding(ANOTHER, location, message, evidence=f"{name[:100]} <- {shown}", subject=subject)


def elsewhere(artifact: Artifact, found: Iterable[tuple[str, str, Location]]) -> Iterator[Finding]:
    """One finding for each server that is not the public one. `found` has the name, index and place of each entry."""
    hosts: dict[str, list[tuple[str, Location]]] = {}
    count = 0
    for name, index, location in found:
        count += 1
        if "https://" in index and not is_known(index):  # plain http is said by a rule of its own
            hosts.setdefault(host_of(index) or "", []).append((name, location))
    for host, entries in sorted(hosts.items())[:20]:
        names = ", ".join(name for name, _ in entries[:3]) + (", ..." if len(entries) > 3 else "")
        message = f"{len(entries)} of {count} locked packages come from {host[:100]}: {names[:200]}."
        yield rules.finding(OTHER_INDEX, entries[0][1], message, evidence=f"{artifact.name} {host[:200]}")
