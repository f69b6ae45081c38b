"""NuGet's packages.lock.json, versions 1 and 2 (learn.microsoft.com, "Package references", "Locking dependencies")."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator

from mlgate.errors import Incomplete
from mlgate.manifests._common import read_json, table, word
from mlgate.manifests._ecosystems import NUGET, RULES, Entry, observations
from mlgate.manifests._positions import Keys
from mlgate.records import Artifact, Hash, Inspector, Observation


def _hash(text: str) -> tuple[Hash, ...]:
    """The SHA-512 of the package's content, in Base64 (NuGet/NuGet.Client, `ContentHash`)."""
    try:
        digest = base64.b64decode(text[:200], validate=True)
    except (binascii.Error, ValueError):
        return ()
    return (Hash(algorithm="SHA-512", value=digest.hex(), declared=True),) if len(digest) == 64 else ()


def _entries(artifact: Artifact) -> Iterator[Entry]:
    document, text = read_json(artifact)
    frameworks = table(document).get("dependencies")
    if not isinstance(frameworks, dict):
        raise Incomplete("malformed", "no table of dependencies")
    keys = Keys(text)
    at = 0
    for framework, packages in frameworks.items():
        if not isinstance(packages, dict):
            raise Incomplete("malformed", f"{framework[:100]!r} is no table")
        at = keys.find(framework, at) or at
        known = {name.lower(): name for name in packages}  # names are equal in any case
        for name, value in packages.items():
            stated = table(value)
            line = keys.find(name, at)
            kind, version = word(stated.get("type")), word(stated.get("resolved"))
            if kind.lower() == "project":
                continue  # of the repository itself
            if not version:
                raise Incomplete("malformed", f"{name[:100]!r} has no resolved version")
            fixed = _hash(word(stated.get("contentHash")))
            needs = (known.get(need.lower()) for need in table(stated.get("dependencies")))
            yield Entry(
                name=name,
                location=artifact.at(line=line),
                version=version,
                specifier=word(stated.get("requested")) or version,
                direct=kind.lower() == "direct",
                group=framework,
                hashes=fixed,
                needs=tuple(need for need in needs if need),
                bare=not fixed,
            )


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    return observations(NUGET, artifact, _entries(artifact))


INSPECTOR = Inspector(
    name="nuget-lock",
    claims=lambda artifact: artifact.depth == 0 and artifact.name == "packages.lock.json",
    inspect=_inspect,
    rules=RULES,
)
