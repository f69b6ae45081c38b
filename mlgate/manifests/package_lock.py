"""npm's package-lock.json and npm-shrinkwrap.json, lockfileVersion 1 to 3 (npm documentation, "package-lock.json")."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mlgate.errors import Incomplete
from mlgate.manifests._common import is_commit, read_json, table, word
from mlgate.manifests._ecosystems import NPM, RULES, Entry, observations
from mlgate.manifests._npm import alias, asked, integrity, source
from mlgate.manifests._positions import Keys
from mlgate.records import Artifact, Inspector, Observation

_DEPTH = 200
_FOLDER = "node_modules/"


def _entry(
    artifact: Artifact, name: str, entry: dict[str, Any], line: int | None, *, direct: bool, needs: tuple[str, ...]
) -> Entry:
    resolved, version = word(entry.get("resolved")), word(entry.get("version"))
    if version.startswith("npm:"):  # lockfileVersion 1 has aliases and sources where the version is
        name, version = alias(name, version)
    elif ":" in version:
        resolved, version = resolved or version, ""
    told = source(resolved)
    bundled = entry.get("inBundle") is True or entry.get("bundled") is True
    found = integrity(entry.get("integrity"))
    licence = entry.get("license")
    flags = {flag for flag in ("dev", "optional", "devOptional") if entry.get(flag) is True}
    return Entry(
        name=name,
        location=artifact.at(line=line),
        version=version or (told.commit if is_commit(told.commit) else None),
        direct=direct,
        scope="dev" if "dev" in flags else "optional" if flags else "runtime",
        origin=told.origin,
        url=told.url,
        commit=told.commit,
        index=told.index,
        hashes=found,
        needs=needs,
        licenses=(licence[:200],) if isinstance(licence, str) else (),
        properties=(("npm:bundled", "true"),) if bundled else (),
        bare=not found and not bundled,
        insecure=told.insecure,
        address=resolved,
    )


def _needed(entry: dict[str, Any], known: frozenset[str]) -> tuple[str, ...]:
    """What of the lockfile's packages this one asks for: optional and peer ones may not be there."""
    requires = table(entry.get("requires")).items()
    pairs = [(name, spec) for _, name, spec, _, _ in asked(entry)] + [(n, s) for n, s in requires if isinstance(s, str)]
    return tuple(real for real, _ in (alias(name, spec) for name, spec in pairs) if real in known)


def _flat(artifact: Artifact, packages: dict[str, Any], keys: Keys) -> Iterator[Entry]:
    wanted = {
        place
        for path, value in packages.items()
        if _FOLDER not in path  # the project itself and its workspaces
        for _, name, _, _, _ in asked(table(value))
        for place in (f"{path}/{_FOLDER}{name}", f"{_FOLDER}{name}")
    }
    names = {path: word(table(value).get("name")) or path.rpartition(_FOLDER)[2] for path, value in packages.items()}
    known = frozenset(name for path, name in names.items() if _FOLDER in path)
    for path, value in packages.items():
        if not isinstance(value, dict):
            raise Incomplete("malformed", f"the entry of {path[:100]!r} is no object")
        own = _FOLDER not in path and not path.startswith("../")
        if own or (value.get("link") is True and not word(value.get("resolved")).startswith("../")):
            continue  # the project itself, workspace folders and links to them
        entry = value
        if _FOLDER not in path or value.get("link") is True:
            entry = {**value, "resolved": f"file:{path}"}  # a folder outside of the project
        yield _entry(artifact, names[path], entry, keys.find(path), direct=path in wanted, needs=_needed(entry, known))


def _nested(artifact: Artifact, document: dict[str, Any], keys: Keys) -> Iterator[Entry]:
    pending = [(name, value, 1) for name, value in reversed(table(document.get("dependencies")).items())]
    known = frozenset(_names(document))
    at = keys.find("dependencies") or 0
    while pending:
        name, value, depth = pending.pop()
        if not isinstance(value, dict):
            raise Incomplete("malformed", f"the entry of {name[:100]!r} is no object")
        line = keys.find(name, at)
        at = line or at
        version = word(value.get("version"))
        if not version.startswith("file:") or version.startswith("file:../") or version.endswith((".tgz", ".tar.gz")):
            plain = {"requires": value.get("requires")}  # what is left out is a folder of the project itself
            yield _entry(artifact, name, value, line, direct=False, needs=_needed(plain, known))
        inner = reversed(table(value.get("dependencies")).items())
        pending.extend((key, child, depth + 1) for key, child in inner)


def _names(document: dict[str, Any]) -> Iterator[str]:
    """All names of a lockfile of version 1, those that aliases stand for included. Raises Incomplete (limit)."""
    pending = [(document, 0)]
    while pending:
        entry, depth = pending.pop()
        if depth > _DEPTH:
            raise Incomplete("limit", "dependencies are nested too deep")
        for name, value in table(entry.get("dependencies")).items():
            yield alias(name, word(table(value).get("version")))[0]
            pending.append((table(value), depth + 1))


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    document, text = read_json(artifact)
    document = table(document)
    keys = Keys(text)
    if isinstance(document.get("packages"), dict):
        return observations(NPM, artifact, _flat(artifact, document["packages"], keys))
    if isinstance(document.get("dependencies"), dict) or document.get("lockfileVersion") == 1:
        return observations(NPM, artifact, _nested(artifact, document, keys))
    raise Incomplete("malformed", "neither `packages` nor `dependencies` is there")


INSPECTOR = Inspector(
    name="package-lock",
    claims=lambda artifact: artifact.depth == 0 and artifact.name in {"package-lock.json", "npm-shrinkwrap.json"},
    inspect=_inspect,
    rules=RULES,
)
