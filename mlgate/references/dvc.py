"""DVC: what `.dvc` files, `dvc.yaml` and `dvc.lock` track, and which stage made what of what.

Format: dvc/schema.py and https://dvc.org/doc/user-guide/project-structure. An output has a path (from the folder of
its file, or from `wdir`), a checksum and a size; `deps` of an import name another repository with the commit it was at
(`repo.rev_lock`) or an address. A lockfile has the same for each stage. Files of DVC before 1.0 are stages with `cmd`.

The checksum is of the tracked content, so it is declared. That of a folder (`.dir`) is of DVC's list of its files
and no digest of content: it is a property. `md5` without `hash: md5` is from before DVC 3.0, which took text
with the line ends of Unix.
"""

from __future__ import annotations

import configparser
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mlgate.errors import Incomplete
from mlgate.records import (
    Artifact,
    Component,
    Hash,
    Inspector,
    Kind,
    Observation,
    Occurrence,
    Pairs,
    Reference,
    Relation,
)
from mlgate.references._declared import Lines, place, title
from mlgate.references._documents import MOST, parse_yaml, properties, read_text, rows, table, text
from mlgate.references._dvc_kinds import kind_of
from mlgate.references._joined import REMOTE, carrier
from mlgate.references._targets import is_commit

_CONFIG = 64 << 10
_OURS = re.compile(rb"^(?:outs|deps):", re.MULTILINE)
_REMOTE = re.compile(r"""['"]?remote ["'](.+?)["']['"]?""")


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """What the functions below need of one file. `folder` is where its paths start, `kinds` what it declares itself."""

    artifact: Artifact
    lines: Lines
    folder: str
    kinds: Mapping[str, Kind] = field(default_factory=dict)

    def identity(self, path: Any, folder: str, *, added: bool = False) -> tuple[Kind, str] | None:
        """Kind and identity of a path or address; None for what is no model and no dataset, or cannot be told."""
        if not isinstance(path, str) or "${" in path:
            return None
        if "://" not in path:
            path = path.removesuffix(".dvc")
        told = self.kinds.get(posixpath.normpath(posixpath.join(folder, path)))
        kind = told or kind_of(path if "://" in path else posixpath.join(folder, path), added=added)
        if kind is None or path.startswith("remote://"):
            return None
        identity = place(path, kind, folder)
        return (kind, identity) if identity else None


def _claims(artifact: Artifact) -> bool:
    if artifact.depth or artifact.member:
        return False
    if artifact.name in {"dvc.yaml", "dvc.lock"} or artifact.path.endswith(".dvc/config"):
        return artifact.name != "config" or artifact.path.split("/")[-2] == ".dvc"
    return artifact.name.endswith(".dvc") and _OURS.search(artifact.head) is not None


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    if artifact.name == "config":
        yield from _config(artifact)
        return
    content = read_text(artifact)
    document = parse_yaml(content)
    folder = posixpath.dirname(artifact.path)
    if document is None:  # empty, or only remarks
        return
    if not isinstance(document, dict):
        raise Incomplete("malformed", "a file of DVC that is no mapping")
    declared = _artifacts(document, folder) if artifact.name == "dvc.yaml" else {}
    file = _File(artifact=artifact, lines=Lines(content), folder=folder, kinds=declared)
    if artifact.name.endswith(".dvc"):
        yield from _tracked(file, document)
        return
    yield from _declarations(file, document)
    stages = document.get("stages") if artifact.name == "dvc.yaml" or "schema" in document else document
    made = [stage for stage in table(stages).values() if isinstance(stage, dict)]
    for stage in made[:MOST]:
        yield from _stage(file, table(stage.get("do")) or stage)
    if len(made) > MOST:
        raise Incomplete("limit", f"more than {MOST:,} stages")


def _base(file: _File, stage: Mapping[Any, Any]) -> str:
    wdir = stage.get("wdir")
    return posixpath.normpath(posixpath.join(file.folder, wdir)) if isinstance(wdir, str) else file.folder


def _artifacts(document: Mapping[Any, Any], folder: str) -> dict[str, Kind]:
    """The kinds that `artifacts` of dvc.yaml states, by path."""
    found: dict[str, Kind] = {}
    for entry in list(table(document.get("artifacts")).values())[:MOST]:
        path, kind = table(entry).get("path"), table(entry).get("type")
        if isinstance(path, str) and kind in ("model", "dataset"):
            found[posixpath.normpath(posixpath.join(folder, path.removesuffix(".dvc")))] = Kind(kind)
    return found


def _declarations(file: _File, document: Mapping[Any, Any]) -> Iterator[Observation]:
    for name, entry in list(table(document.get("artifacts")).items())[:MOST]:
        known = file.identity(table(entry).get("path"), file.folder)
        if known:
            yield _component(file, entry, known, (("dvc:artifact", text(name)),))


def _tracked(file: _File, document: Mapping[Any, Any]) -> Iterator[Observation]:
    """A `.dvc` file: one import, one added file or folder, or (before DVC 1.0) one stage."""
    base = _base(file, document)
    if document.get("cmd"):
        yield from _stage(file, document)
        return
    outs = []
    for out in rows(document.get("outs")):
        known = file.identity(out.get("path"), base, added=True)
        if known and not out.get("metric"):
            outs.append(known)
            yield _component(file, out, known, properties("dvc", document, ("desc",)))
    for dep in rows(document.get("deps"), 100):
        for kind, identity in outs:
            yield from _imported(file, dep, kind, identity)


def _imported(file: _File, dep: Mapping[Any, Any], kind: Kind, tracked: str) -> Iterator[Observation]:
    """Where `dvc import` and `dvc import-url` take the content from."""
    repository, path = table(dep.get("repo")), dep.get("path")
    source = repository.get("url") if repository else path
    if not isinstance(source, str) or not isinstance(path, str):
        return
    source = re.sub(r"^(?:[\w.-]+@)([\w.-]+):(?!//)", r"https://\1/", source)  # git@github.com:org/name.git
    identity = place(source, kind) if "://" in source else None
    if identity and repository:
        identity = f"{identity.removesuffix('.git').rstrip('/')}/{posixpath.normpath(path).lstrip('./')}"
    fixed = text(repository.get("rev_lock")) if repository else ""
    revision = fixed or text(repository.get("rev")) or None
    sums = [dep.get(name) for name in ("md5", "etag", "checksum", "version_id")]
    yield Reference(
        kind=kind,
        identity=identity,
        location=file.lines.at(file.artifact, fixed, source, path),
        symbol="dvc import" if repository else "dvc import-url",
        revision=revision,
        pinned=is_commit(fixed) or (not repository and any(isinstance(one, str) for one in sums)),
        expression="" if identity else text(source, 200),
    )
    if identity:
        yield Relation(source=tracked, target=identity)


def _stage(file: _File, stage: Mapping[Any, Any]) -> Iterator[Observation]:
    """A stage, of dvc.yaml (paths are strings, or keys of their options) or locked (they are rows with checksums)."""
    base = _base(file, stage)
    sides: dict[str, list[tuple[Kind, str]]] = {"deps": [], "outs": []}
    for side, found in sides.items():
        entries = stage.get(side)
        for entry in entries[:MOST] if isinstance(entries, list) else ():
            row = _row(entry)
            known = file.identity(row.get("path"), base)
            if known is None or row.get("metric"):
                continue
            found.append(known)
            yield _component(file, row, known)
    yield from _made_of(sides["outs"], sides["deps"])


def _row(entry: Any) -> Mapping[Any, Any]:
    if isinstance(entry, str):
        return {"path": entry}
    row = table(entry)
    if "path" in row or len(row) != 1:
        return row
    ((path, options),) = row.items()
    return {**table(options), "path": path}


def _made_of(outs: list[tuple[Kind, str]], deps: list[tuple[Kind, str]]) -> Iterator[Observation]:
    """A model of a stage was trained on the datasets and comes from the models it depends on; so do data from data."""
    budget = MOST
    for kind, out in outs:
        for needed, dep in deps:
            if out == dep or (kind, needed) == (Kind.DATASET, Kind.MODEL):
                continue
            budget -= 1
            if budget < 0:
                raise Incomplete("limit", f"a stage with more than {MOST:,} ways from its inputs to its outputs")
            relation = "trained-on" if kind is Kind.MODEL and needed is Kind.DATASET else "derived-from"
            yield Relation(source=out, target=dep, kind=relation)


def _component(file: _File, row: Mapping[Any, Any], known: tuple[Kind, str], extra: Pairs = ()) -> Component:
    kind, identity = known
    digest = text(row.get("md5"), 100).lower()
    hashes: tuple[Hash, ...] = ()
    told: list[tuple[str, str]] = [*extra]
    if re.fullmatch(r"[0-9a-f]{32}\.dir", digest):
        told.append(("dvc:folder-md5", digest))
    elif re.fullmatch(r"[0-9a-f]{32}", digest):
        hashes = (Hash(algorithm="MD5", value=digest, declared=True),)
        if row.get("hash") != "md5":
            told.append(("dvc:hash", "md5-dos2unix"))
    told += properties("dvc", row, ("size", "nfiles", "desc", "type", "labels", "remote", "etag"))
    fixed = bool(re.fullmatch(r"[0-9a-f]{32}(\.dir)?", digest))
    path = text(row.get("path"), 1000)
    return Component(
        kind=kind,
        identity=identity,
        name=title(identity),
        pinned=True if fixed else None,
        hashes=hashes,
        occurrences=(Occurrence(location=file.lines.at(file.artifact, path, posixpath.basename(path)), symbol="dvc"),),
        properties=(*told, ("dvc:tracked", "true")),
    )


def _config(artifact: Artifact) -> Iterator[Observation]:
    """The addresses of `.dvc/config`'s remotes; nothing else is read, since keys and passwords stand there too."""
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
    try:
        parser.read_string(read_text(artifact, _CONFIG))
    except configparser.Error:
        raise Incomplete("malformed", "a configuration of DVC that is no INI file") from None
    chosen = parser.get("core", "remote", fallback="") or ""
    told = []
    for section in parser.sections()[:20]:
        found = _REMOTE.fullmatch(section)
        url = parser.get(section, "url", fallback="") if found else ""
        if found and url:
            url = re.sub(r"://[^/@\s]*@", "://", url.partition("?")[0])
            default = " (default)" if found[1] == chosen else ""
            told.append((REMOTE, f"{text(found[1], 100)}{default}: {text(url)}"))
    if told:
        yield carrier(posixpath.dirname(posixpath.dirname(artifact.path)), tuple(told))


INSPECTOR = Inspector(
    name="dvc",
    claims=_claims,
    inspect=_inspect,
    reads="`.dvc` files, `dvc.yaml`, `dvc.lock` and the remotes of `.dvc/config`: tracked models and datasets with the "
    "checksums that DVC declares, imports with their commit, and which stage made a model of which data.",
    misses="Paths of `dvc.yaml` with `${...}` (`dvc.lock` has them resolved); what is neither a model nor data by name "
    "and folder; whether a checksum is right, since the content is elsewhere.",
)
