"""composer.json (getcomposer.org, "The composer.json schema"): what the project itself asks for.

Where a composer.lock stands beside it, `_settled` puts the lockfile's versions in the place of the ranges.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlgate.errors import Incomplete
from mlgate.manifests._common import read_json, table
from mlgate.manifests._ecosystems import COMPOSER, RULES, UNLOCKED, Entry, observations, unlocked
from mlgate.manifests._positions import Keys
from mlgate.records import Artifact, Inspector, Observation

_EXACT = re.compile(r"=?\s*(v?\d{1,20}(?:\.\d{1,20}){1,3}(?:-[0-9A-Za-z.]{1,100})?)(?:@[a-z]+)?")


def _entries(artifact: Artifact) -> Iterator[Entry]:
    document, text = read_json(artifact)
    if not isinstance(document, dict):
        raise Incomplete("malformed", "a composer.json is an object")
    keys = Keys(text)
    for section, scope in (("require", "runtime"), ("require-dev", "dev")):
        found = document.get(section) or {}
        if not isinstance(found, dict) or not all(isinstance(spec, str) for spec in found.values()):
            raise Incomplete("malformed", f"`{section}` is no table of names and ranges")
        for name, spec in table(found).items():
            if "/" not in name:
                continue  # PHP itself and its extensions
            exact = _EXACT.fullmatch(spec.strip())
            yield Entry(
                name=name,
                location=artifact.at(line=keys.find(name, keys.find(section) or 0)),
                version=exact[1] if exact else None,
                requirement=f"{name}:{spec}",
                specifier=spec,
                direct=True,
                scope=scope,
            )


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    entries = list(_entries(artifact))
    yield from observations(COMPOSER, artifact, entries)
    yield from unlocked(COMPOSER, entries)


INSPECTOR = Inspector(
    name="composer-json",
    claims=lambda artifact: artifact.depth == 0 and artifact.name == "composer.json" and "vendor/" not in artifact.path,
    inspect=_inspect,
    rules=(*RULES, UNLOCKED),
)
