"""pdm.lock (pdm's own format, lock_version 2 to 4.5; pdm's documentation, "Lock file")."""

from __future__ import annotations

from collections.abc import Iterator

from packaging.utils import canonicalize_name

from mlgate.manifests._common import SHARED_RULES, Lines, read_toml, rows, table, word
from mlgate.manifests._declared import pep508
from mlgate.manifests._locked import Locked, observations, texts
from mlgate.records import Artifact, Inspector, Observation


def _entries(artifact: Artifact) -> Iterator[Locked]:
    document, text = read_toml(artifact)
    # before lock_version 4 the hashes are in one table at the end
    old = table(table(document.get("metadata")).get("files"))
    packages = [table(item) for item in rows(document.get("package"))]
    needs = [_needs(entry, artifact) for entry in packages]
    # nothing is locked without a reason, so what no other package needs is what the project itself asked for
    needed = {
        name
        for entry, names in zip(packages, needs, strict=True)
        for name in names
        if name != canonicalize_name(word(entry.get("name")))
    }
    for entry, names, line in zip(packages, needs, Lines(text).tables("package", len(packages)), strict=True):
        name, version = word(entry.get("name")), word(entry.get("version"))
        groups = [word(group) for group in rows(entry.get("groups"))]
        git = next((word(entry.get(kind)) for kind in ("git", "hg", "svn", "bzr") if entry.get(kind)), "")
        url = git or word(entry.get("url"))
        files = [*rows(entry.get("files")), *rows(old.get(f"{name} {version}"))]
        yield Locked(
            name=name,
            version=version or None,
            location=artifact.at(line=line),
            scope="runtime" if not groups or "default" in groups else "optional",
            group="" if "default" in groups else ",".join(groups),
            origin="vcs" if git else "url" if url else "path" if entry.get("path") else "registry",
            url=url,
            commit=word(entry.get("revision")),
            direct=canonicalize_name(name) not in needed,
            marker=word(entry.get("marker")),
            hashes=texts(files, "hash"),
            files=(*texts(files, "url"), *texts(files, "file")),
            needs=tuple(each for each in names if each != canonicalize_name(name)),
        )


def _needs(entry: dict[str, object], artifact: Artifact) -> list[str]:
    parsed = (pep508(item, artifact.at(), scope="") for item in rows(entry.get("dependencies")))
    return [canonicalize_name(each.name) for each in parsed if each]


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    return observations(artifact, _entries(artifact))


INSPECTOR = Inspector(
    name="pdm-lock",
    claims=lambda artifact: artifact.depth == 0 and artifact.name == "pdm.lock",
    inspect=_inspect,
    rules=SHARED_RULES,
)
