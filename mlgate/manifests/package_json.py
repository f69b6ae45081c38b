"""package.json of npm, Yarn and pnpm (npm documentation, "package.json"): what the project itself asks for.

Where a lockfile stands beside or above it, `_settled` puts the lockfile's versions in the place of the ranges.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mlgate.errors import Incomplete
from mlgate.manifests._common import read_json, table
from mlgate.manifests._ecosystems import NPM, RULES, UNLOCKED, Entry, observations, unlocked
from mlgate.manifests._npm import asked, wanted
from mlgate.manifests._positions import Keys
from mlgate.records import Artifact, Inspector, Observation


def _entries(artifact: Artifact, document: dict[str, Any], keys: Keys) -> Iterator[Entry]:
    for section, name, spec, scope, group in asked(document):
        line = keys.find(name, keys.find(section) or 0)
        entry = wanted(name, spec, artifact.at(line=line), scope=scope, group=group)
        if entry:
            yield entry


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    document, text = read_json(artifact)
    if not isinstance(document, dict):
        raise Incomplete("malformed", "a package.json is an object")
    for section in ("dependencies", "optionalDependencies", "peerDependencies", "devDependencies"):
        found = document.get(section)
        if found and (not isinstance(found, dict) or not all(isinstance(spec, str) for spec in found.values())):
            raise Incomplete("malformed", f"`{section}` is no table of names and ranges")
    entries = list(_entries(artifact, table(document), Keys(text)))
    yield from observations(NPM, artifact, entries)
    yield from unlocked(NPM, entries)


def _claims(artifact: Artifact) -> bool:
    # what is below node_modules is an installed package, which the project's own lockfile tells of
    return artifact.depth == 0 and artifact.name == "package.json" and "node_modules/" not in artifact.path


INSPECTOR = Inspector(name="package-json", claims=_claims, inspect=_inspect, rules=(*RULES, UNLOCKED))
