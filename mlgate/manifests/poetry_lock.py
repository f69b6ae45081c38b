"""poetry.lock (lock-version 1.x and 2.x)."""

from __future__ import annotations

from collections.abc import Iterator

from mlgate.manifests._common import SHARED_RULES, Lines, read_toml, rows, table, word
from mlgate.manifests._locked import Locked, observations, texts
from mlgate.records import Artifact, Inspector, Observation

_ORIGINS = {"git": "vcs", "url": "url", "file": "path", "directory": "path"}


def _entries(artifact: Artifact) -> Iterator[Locked]:
    document, text = read_toml(artifact)
    # lock-version 1 keeps the hashes in one table at the end
    old = table(table(document.get("metadata")).get("files"))
    packages = rows(document.get("package"))
    for item, line in zip(packages, Lines(text).tables("package", len(packages)), strict=True):
        entry = table(item)
        source = table(entry.get("source"))
        origin = _ORIGINS.get(word(source.get("type")), "registry")
        name = word(entry.get("name"))
        groups = rows(entry.get("groups")) or [word(entry.get("category")) or "main"]
        yield Locked(
            name=name,
            version=word(entry.get("version")) or None,
            location=artifact.at(line=line),
            scope="runtime" if "main" in groups else "dev",
            origin=origin,
            url=word(source.get("url")),
            commit=word(source.get("resolved_reference")) if origin == "vcs" else "",
            index=word(source.get("url")) if origin == "registry" else "",
            hashes=texts([*rows(entry.get("files")), *rows(old.get(name))], "hash"),
            files=texts([*rows(entry.get("files")), *rows(old.get(name))], "file"),
            needs=tuple(table(entry.get("dependencies"))),
        )


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    return observations(artifact, _entries(artifact))


INSPECTOR = Inspector(
    name="poetry-lock",
    claims=lambda artifact: artifact.depth == 0 and artifact.name == "poetry.lock",
    inspect=_inspect,
    rules=SHARED_RULES,
)
