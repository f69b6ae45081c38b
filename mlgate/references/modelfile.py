"""Ollama's Modelfiles: the model that a new one is made from, and its adapters.

Format: github.com/ollama/ollama/blob/main/docs/modelfile.md. TEMPLATE is Go's and is not read.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from mlgate.errors import Incomplete
from mlgate.records import (
    Artifact,
    Component,
    Inspector,
    Kind,
    ModelFacts,
    Observation,
    Reference,
    Relation,
    Resolution,
)
from mlgate.references import _commands_targets as targets
from mlgate.references._calls import cut
from mlgate.references._targets import Target, file_path, is_commit

_MOST = 1 << 20
_MOST_ADAPTERS = 100
_NAME = re.compile(r"(?:.+[._-])?modelfile(?:[._-].+)?", re.IGNORECASE)
_NOT = (".md", ".txt", ".py", ".rst", ".html", ".json", ".go", ".ts")
_FROM = re.compile(rb"^\s*FROM\s", re.MULTILINE | re.IGNORECASE)
# a value goes to the end of the line, or of the quotes that it begins with
_INSTRUCTION = re.compile(
    r"^[ \t]*(FROM|ADAPTER|LICENSE|TEMPLATE|SYSTEM|PARAMETER|MESSAGE)[ \t]+(?:[a-z]+[ \t]+(?=\"))?"
    r"(\"\"\".*?(?:\"\"\"|\Z)|\"[^\"\n]*\"|[^\n]*)",
    re.MULTILINE | re.IGNORECASE | re.DOTALL,
)
_COMMENT = re.compile(r"^[ \t]*#[^\n]*$", re.MULTILINE)
_PATH = re.compile(r"[./~\\]|[A-Za-z]:[\\/]")


def _claims(artifact: Artifact) -> bool:
    name = artifact.name.lower()
    return (
        artifact.depth == 0
        and bool(_NAME.fullmatch(name))
        and not name.endswith(_NOT)
        and bool(_FROM.search(artifact.head))
    )


def _target(text: str, folder: str) -> Target:
    """A file or folder beside the Modelfile, or the name of a model."""
    if _PATH.match(text) or text.lower().endswith((".gguf", ".safetensors", ".bin")):
        path = file_path(text, folder)
        return Target(identity=f"file:{path}" if path else None)
    return targets.ollama(text)


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    size = artifact.source.size
    if size > _MOST:
        raise Incomplete("limit", f"{size:,} bytes of Modelfile")
    text = artifact.source.read_at(0, size).decode("utf-8-sig", "replace").replace("\r\n", "\n")
    text = _COMMENT.sub("", text)
    folder = posixpath.dirname(artifact.path)
    own = f"file:{artifact.path}"
    yield Component(kind=Kind.MODEL, identity=own, name=artifact.name, model=ModelFacts(format="ollama-modelfile"))
    base = ""
    adapters = 0
    for found in _INSTRUCTION.finditer(text):
        name, value = found[1].upper(), found[2].strip().strip('"').strip()
        adapters += name == "ADAPTER"
        if name not in {"FROM", "ADAPTER"} or adapters > _MOST_ADAPTERS:
            continue
        line = text.count("\n", 0, found.start(1)) + 1
        target = _target(value, folder)
        known = target.identity is not None
        yield Reference(
            kind=Kind.MODEL,
            identity=target.identity,
            location=artifact.at(line=line),
            symbol=name,
            revision=target.revision,
            pinned=target.hub and is_commit(target.revision),
            resolution=Resolution.LITERAL if known else Resolution.UNKNOWN,
            purl=target.purl,
            expression=cut(value),
        )
        if target.identity is None:
            continue
        identity = target.identity
        yield Relation(source=own, target=identity, kind="derived-from" if name == "FROM" else "depends-on")
        if name == "FROM":
            base = base or identity
        elif base:
            yield Relation(source=identity, target=base, kind="adapter-of")


INSPECTOR = Inspector(
    name="modelfile",
    claims=_claims,
    inspect=_inspect,
    reads="Ollama's Modelfiles: the base model and the adapters.",
    misses="TEMPLATE, which is Go's and does not run when the file is read.",
)
