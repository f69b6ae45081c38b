"""uv.lock (versions 1 and 2 of uv's own format, as documented by uv's resolver internals)."""

from __future__ import annotations

from collections.abc import Iterator

from mlgate.manifests._common import SHARED_RULES, Lines, read_toml, rows, table, word
from mlgate.manifests._locked import Locked, observations, texts
from mlgate.records import Artifact, Inspector, Observation


def _entries(artifact: Artifact) -> Iterator[Locked]:
    document, text = read_toml(artifact)
    packages = [table(item) for item in rows(document.get("package"))]
    direct, dev = _roots(packages)
    for item, line in zip(packages, Lines(text).tables("package", len(packages)), strict=True):
        source = table(item.get("source"))
        if {"editable", "virtual", "directory", "path"} & source.keys():
            continue  # the project itself and its workspace members
        git = word(source.get("git"))
        files = [*rows(item.get("wheels")), table(item.get("sdist"))]
        name = word(item.get("name"))
        yield Locked(
            name=name,
            version=word(item.get("version")) or None,
            location=artifact.at(line=line),
            scope="dev" if name in dev and name not in direct else "runtime",
            direct=name in direct or name in dev,
            origin="vcs" if git else "url" if "url" in source else "registry",
            url=git or word(source.get("url")),
            commit=git.rpartition("#")[2] if "#" in git else "",
            index=word(source.get("registry")),
            hashes=texts(files, "hash"),
            files=(*texts(files, "url"), *texts(files, "path"), *texts(files, "filename")),
            needs=texts(rows(item.get("dependencies")), "name"),
        )


def _roots(packages: list[dict[str, object]]) -> tuple[set[str], set[str]]:
    """What the project and its workspace members need themselves: at run time, and for development."""
    direct: set[str] = set()
    dev: set[str] = set()
    for item in packages:
        if {"editable", "virtual", "directory"} & table(item.get("source")).keys():
            direct.update(texts(rows(item.get("dependencies")), "name"))
            for extra in table(item.get("optional-dependencies")).values():
                direct.update(texts(rows(extra), "name"))
            for group in table(item.get("dev-dependencies")).values():
                dev.update(texts(rows(group), "name"))
    return direct, dev


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    return observations(artifact, _entries(artifact))


INSPECTOR = Inspector(
    name="uv-lock",
    claims=lambda artifact: artifact.depth == 0 and artifact.name == "uv.lock",
    inspect=_inspect,
    rules=SHARED_RULES,
)
