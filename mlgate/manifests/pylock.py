"""pylock.toml and pylock.NAME.toml (PEP 751)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlgate.manifests._common import SHARED_RULES, Lines, read_toml, rows, table, word
from mlgate.manifests._locked import Locked, observations, texts
from mlgate.records import Artifact, Inspector, Observation

_NAME = re.compile(r"pylock(\.[^.]+)?\.toml")


def _entries(artifact: Artifact) -> Iterator[Locked]:
    document, text = read_toml(artifact)
    packages = rows(document.get("packages"))
    for item, line in zip(packages, Lines(text).tables("packages", len(packages)), strict=True):
        entry = table(item)
        vcs, archive = table(entry.get("vcs")), table(entry.get("archive"))
        if "directory" in entry:
            continue  # a folder of the project itself
        files = [*rows(entry.get("wheels")), table(entry.get("sdist")), archive]
        yield Locked(
            name=word(entry.get("name")),
            version=word(entry.get("version")) or None,
            location=artifact.at(line=line),
            origin="vcs" if vcs else "url" if archive else "registry",
            url=word(vcs.get("url")) or word(archive.get("url")),
            commit=word(vcs.get("commit-id")),
            index=word(entry.get("index")),
            marker=word(entry.get("marker")),
            files=() if archive else tuple(word(table(f).get("url")) or word(table(f).get("name")) for f in files),
            hashes=tuple(
                f"{algorithm}:{value}"
                for file in files
                for algorithm, value in table(table(file).get("hashes")).items()
            ),
            needs=texts(rows(entry.get("dependencies")), "name"),
        )


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    return observations(artifact, _entries(artifact))


INSPECTOR = Inspector(
    name="pylock",
    claims=lambda artifact: artifact.depth == 0 and bool(_NAME.fullmatch(artifact.name)),
    inspect=_inspect,
    rules=SHARED_RULES,
)
