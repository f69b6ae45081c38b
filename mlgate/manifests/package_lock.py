"""npm's package-lock.json and npm-shrinkwrap.json, lockfileVersion 1 to 3 (npm documentation, "package-lock.json")."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mlgate.errors import Incomplete
from mlgate.manifests._common import (
    SHARED_RULES,
    Lines,
    hashes,
    is_commit,
    package,
    read_json,
    table,
    vcs_finding,
    word,
)
from mlgate.records import Artifact, Component, Inspector, Observation, PackageFacts, Relation

_DEPTH = 200
_FOLDER = "node_modules/"


def _identity(name: str) -> str:
    return "pkg:npm/" + name.replace("@", "%40", 1)


def _component(artifact: Artifact, name: str, entry: dict[str, Any], line: int | None, *, direct: bool) -> Component:
    resolved = word(entry.get("resolved"))
    version = word(entry.get("version"))
    origin, url = "registry", ""
    if "://" in version and not resolved:  # lockfileVersion 1 puts the source where the version is
        resolved, version = version, ""
    if resolved.startswith(("git+", "git:", "github:")):
        origin, url = "vcs", resolved
    elif resolved.startswith("file:"):
        origin = "path"
    elif resolved.startswith("http:"):
        origin, url = "url", resolved
    namespace, _, last = name.rpartition("/")
    facts = PackageFacts(
        ecosystem="npm",
        requirement=f"{name}@{version}"[:300],
        specifier=version[:100],
        direct=direct,
        scope="dev" if entry.get("dev") is True else "optional" if entry.get("optional") is True else "runtime",
        origin=origin,
        url=url[:2000],
    )
    licence = entry.get("license")
    return package(
        kind="npm",
        name=last,
        namespace=namespace or None,
        version=version or None,
        location=artifact.at(line=line),
        facts=facts,
        declared_hashes=hashes(word(entry.get("integrity")).split()),
        licenses=(licence[:200],) if isinstance(licence, str) else (),
    )


def _edges(name: str, entry: dict[str, Any]) -> Iterator[Relation]:
    for key in ("dependencies", "optionalDependencies", "requires"):
        for needed, wanted in table(entry.get(key)).items():
            if isinstance(wanted, str):
                yield Relation(source=_identity(name), target=_identity(needed))


def _flat(artifact: Artifact, packages: dict[str, Any], lines: Lines) -> Iterator[Observation]:
    root = table(packages.get(""))
    wanted = {n for key in ("dependencies", "devDependencies", "optionalDependencies") for n in table(root.get(key))}
    at = 0
    for path, value in packages.items():
        entry = table(value)
        if _FOLDER not in path or entry.get("link") is True:
            continue  # the project itself, workspace folders and links to them
        folder_name = path.rpartition(_FOLDER)[2]
        name = word(entry.get("name")) or folder_name
        line = lines.find(f'"{path}"', after=at)
        at = line or at
        yield from _told(
            _component(artifact, name, entry, line, direct=folder_name in wanted and path.count(_FOLDER) == 1)
        )
        yield from _edges(name, entry)


def _nested(artifact: Artifact, document: dict[str, Any], lines: Lines) -> Iterator[Observation]:
    pending = [(name, table(entry), 1) for name, entry in reversed(table(document.get("dependencies")).items())]
    at = 0
    while pending:
        name, entry, depth = pending.pop()
        if depth > _DEPTH:
            raise Incomplete("limit", "dependencies are nested too deep")
        line = lines.find(f'"{name}": {{', after=at)
        at = line or at
        yield from _told(_component(artifact, name, entry, line, direct=False))
        yield from _edges(name, entry)
        inner = reversed(table(entry.get("dependencies")).items())
        pending.extend((key, table(value), depth + 1) for key, value in inner)


def _told(component: Component) -> Iterator[Observation]:
    facts = component.package
    if facts and facts.origin == "vcs":
        revision = facts.url.rpartition("#")[2] if "#" in facts.url else None
        if not is_commit(revision):
            yield vcs_finding(component.occurrences[0].location, component.name, facts.url, revision)
    yield component


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    document, text = read_json(artifact)
    document = table(document)
    lines = Lines(text)
    if isinstance(document.get("packages"), dict):
        return _flat(artifact, document["packages"], lines)
    if isinstance(document.get("dependencies"), dict) or document.get("lockfileVersion") == 1:
        return _nested(artifact, document, lines)
    raise Incomplete("malformed", "neither `packages` nor `dependencies` is there")


INSPECTOR = Inspector(
    name="package-lock",
    claims=lambda artifact: artifact.depth == 0 and artifact.name in {"package-lock.json", "npm-shrinkwrap.json"},
    inspect=_inspect,
    rules=SHARED_RULES,
)
