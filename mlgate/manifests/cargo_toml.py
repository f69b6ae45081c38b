"""Cargo.toml (doc.rust-lang.org/cargo, "The Manifest Format"): what the crates of the repository ask for.

Where a Cargo.lock stands beside or above it, `_settled` puts the lockfile's versions in the place of the ranges.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from mlgate.errors import Incomplete
from mlgate.manifests._common import Lines, read_toml, table, word
from mlgate.manifests._ecosystems import CARGO, RULES, UNLOCKED, Entry, observations, unlocked, without_login
from mlgate.records import Artifact, Inspector, Observation

_EXACT = re.compile(r"=\s*(\d{1,20}\.\d{1,20}\.\d{1,20}(?:[-+][0-9A-Za-z.+-]{1,200})?)")
_SECTIONS = (("dependencies", "runtime"), ("dev-dependencies", "dev"), ("build-dependencies", "build"))


def _tables(document: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str, str]]:
    """(dependencies, scope, for which target) of all sections that add crates."""
    places = [(document, ""), *((table(each), key) for key, each in table(document.get("target")).items())]
    for place, marker in places:
        for section, scope in _SECTIONS:
            old = section.replace("-", "_")  # Cargo takes both spellings
            for name in dict.fromkeys((section, old)):
                yield table(place.get(name)), scope, marker
    yield table(table(document.get("workspace")).get("dependencies")), "constraint", ""
    for each in table(document.get("patch")).values():
        yield table(each), "constraint", "patch"


def _entries(artifact: Artifact) -> Iterator[Entry]:
    document, text = read_toml(artifact)
    lines = Lines(text)
    for found, scope, marker in _tables(document):
        for key, value in found.items():
            stated = {"version": value} if isinstance(value, str) else value
            if not isinstance(stated, dict):
                raise Incomplete("malformed", f"the dependency {key[:100]!r} is neither text nor table")
            if "path" in stated or stated.get("workspace") is True:
                continue  # a crate of the repository itself, or one that the workspace's own table tells
            asked, repository = word(stated.get("version")), without_login(word(stated.get("git")))
            exact = _EXACT.fullmatch(asked.strip())
            revision = next((word(stated.get(k)) for k in ("rev", "tag", "branch") if stated.get(k)), "")
            yield Entry(
                name=word(stated.get("package")) or key,
                location=artifact.at(line=lines.find(key)),
                version=exact[1] if exact else None,
                requirement=f"{key} = {asked or repository}",
                specifier=asked,
                direct=True,
                scope="optional" if stated.get("optional") is True and scope == "runtime" else scope,
                marker=marker,
                origin="vcs" if repository else "registry",
                url=f"git+{repository}#{revision}".rstrip("#") if repository else "",
                commit=revision,
                index=word(stated.get("registry-index")) or word(stated.get("registry")),
                insecure=repository.startswith("http://"),
            )


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    entries = list(_entries(artifact))
    yield from observations(CARGO, artifact, entries)
    yield from unlocked(CARGO, [entry for entry in entries if entry.scope != "constraint"])


INSPECTOR = Inspector(
    name="cargo-toml",
    claims=lambda artifact: artifact.depth == 0 and artifact.name == "Cargo.toml",
    inspect=_inspect,
    rules=(*RULES, UNLOCKED),
)
