"""MLflow's own files: which files a logged model is made of, and the versions of registered models.

Format: mlflow/models/model.py (`MLmodel`: `flavors`, with the transformers flavor's `source_model_name`,
`model_path`, `data` and other paths below the file's folder) and mlflow/store/model_registry/file_store.py
(`models/NAME/version-N/meta.yaml`: `name`, `version`, `source`, `run_id`). What an MLmodel does when it is loaded is
told by its inspector; here is only what it consists of. Run identifiers and stages are properties.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any

from mlgate.errors import Incomplete
from mlgate.identify import promised
from mlgate.records import Artifact, Component, Inspector, Kind, Observation, Occurrence, Relation
from mlgate.references._declared import Lines, hub, named, place
from mlgate.references._documents import parse_yaml, properties, read_text, table, text
from mlgate.references._targets import with_revision

_PATHS = ("data", "model_path", "pickled_model", "model_data", "saved_model_dir", "python_model", "artifact_path")
_VERSION = re.compile(rb"^(?:run_id|source|storage_location):", re.MULTILINE)


def _claims(artifact: Artifact) -> bool:
    if artifact.depth:
        return False
    if artifact.name == "MLmodel":
        return True
    parts = artifact.path.split("/")
    registered = artifact.name == "meta.yaml" and len(parts) > 2 and parts[-2].startswith("version-")
    return registered and _VERSION.search(artifact.head) is not None


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    try:
        content = read_text(artifact)
        document = parse_yaml(content)
    except Incomplete:
        if artifact.name == "MLmodel":
            return  # its inspector says so
        raise
    if not isinstance(document, dict):
        return
    if artifact.name == "MLmodel":
        yield from _logged(artifact, document, Lines(content))
    else:
        yield from _registered(artifact, document)


def _logged(artifact: Artifact, document: Mapping[Any, Any], lines: Lines) -> Iterator[Observation]:
    own, base = f"file:{artifact.path}", posixpath.dirname(artifact.path)
    seen: set[str] = set()
    for flavor in list(table(document.get("flavors")).values())[:50]:
        options = table(flavor)
        for key in _PATHS:
            path = options.get(key)
            identity = place(path, Kind.MODEL, base) if isinstance(path, str) and "://" not in path else None
            # a folder's files are models of their own; only a file with a model's name is surely one
            if identity and promised(str(path)) and identity not in seen:
                seen.add(identity)
                yield Relation(source=own, target=identity)
        name = options.get("source_model_name")
        target = hub(name, Kind.MODEL)
        revision = text(options.get("source_model_revision"), 200)
        if target.identity and target.hub and target.identity not in seen:
            seen.add(target.identity)
            target = with_revision(target, revision) if revision else target
            yield named(target, Kind.MODEL, lines.at(artifact, text(name, 300)), "source_model_name")
            yield Relation(source=own, target=target.identity or "", kind="derived-from")


def _registered(artifact: Artifact, document: Mapping[Any, Any]) -> Iterator[Observation]:
    name, version = text(document.get("name"), 200), text(document.get("version"), 50)
    if not name or not version:
        return
    told = properties("mlflow", document, ("run_id", "current_stage", "status", "aliases"))
    source = document.get("source")
    where = text(source, 500) if isinstance(source, str) else ""
    if where:
        where = re.sub(r"://[^/@\s]*@", "://", where.partition("?")[0])
        told += (("mlflow:source", where),)
    yield Component(
        kind=Kind.MODEL,
        identity=f"mlflow:{name}",
        name=name,
        version=version,
        pinned=False,  # a version's files can be written again
        occurrences=(Occurrence(location=artifact.at(), symbol="meta.yaml"),),
        properties=told,
    )
    inside = re.search(r"(?:^|/)(mlruns/\w+/[0-9a-f]{32}/artifacts/.+)", where)
    found = artifact.path.find("mlruns/")
    if inside and found >= 0 and ".." not in inside[1].split("/"):
        path = f"{artifact.path[:found]}{inside[1].rstrip('/')}/MLmodel"
        yield Relation(source=f"mlflow:{name}", target=f"file:{path}")


INSPECTOR = Inspector(
    name="mlruns",
    claims=_claims,
    inspect=_inspect,
    reads="What an MLmodel consists of and which model of the hub it was made from, and the versions of MLflow's file "
    "registry with run and source.",
    misses="Registries in databases; runs, whose metrics and parameters are no components.",
)
