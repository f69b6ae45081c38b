"""The index of a model that is stored in several files: which tensor is in which shard.

Format: `*.safetensors.index.json` and `*.bin.index.json` as huggingface_hub's split_state_dict_into_shards writes them:
`metadata.total_size` in bytes and `weight_map` from tensor names to file names. Whether the shards are what the index
says is seen across files (`compared`), after all of them have been read.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from mlgate import rules
from mlgate.errors import Incomplete
from mlgate.inspectors._model_metadata import component, shown
from mlgate.records import (
    Artifact,
    Category,
    Component,
    Finding,
    Inspector,
    Location,
    ModelFacts,
    Observation,
    Rule,
    Severity,
)

_LARGEST = 64 * 2**20
_TOLD = 20
_SHARDS = 10_000
_INDEX = re.compile(r".+\.(?:safetensors|bin)\.index(?:\.[\w-]+)?\.json", re.IGNORECASE)
_SHARD = re.compile(r"(.+)-(\d{4,6})-of-(\d{4,6})(\.\w+)", re.IGNORECASE)
SHARD = "mlgate:shard"  # property of an index: "file name, digest of its tensor names"
TENSORS = "mlgate:tensor-names-sha256"  # property of a safetensors file

ESCAPES = Rule(
    id="MLG-MDL-160",
    title="Shard index that reads outside of its folder",
    severity=Severity.HIGH,
    category=Category.MODEL_FILE,
    help="`weight_map` names a shard by an absolute path, a path that leaves the folder, or an address. Loaders join "
    "these names with the model's folder and open what comes out.",
    remediation="Do not load the model. Write the index again with `save_pretrained`.",
    cwe=("CWE-22", "CWE-73"),
    atlas=("AML.T0010",),
)
MISMATCH = Rule(
    id="MLG-MDL-161",
    title="Shard that is not what the index says",
    severity=Severity.HIGH,
    category=Category.MODEL_FILE,
    help="The tensors in a shard are not those that the index puts there. Loaders load whatever the shard holds: a "
    "shard was exchanged, or index and shards are of two models.",
    remediation="Take index and shards from the same revision of the source, and compare their hashes.",
    cwe=("CWE-345", "CWE-353"),
    atlas=("AML.T0010",),
)
EXTRA = Rule(
    id="MLG-MDL-162",
    title="Shard that the index does not name",
    severity=Severity.MEDIUM,
    category=Category.MODEL_FILE,
    help="A file has a shard's name and the index beside it does not speak of it. It may be left over from another "
    "revision; loaders that go by file names take it.",
    remediation="Remove the file, or write the index again.",
    cwe=("CWE-353",),
)
MALFORMED = Rule(
    id="MLG-MDL-163",
    title="Shard index with names or sizes that cannot be",
    severity=Severity.MEDIUM,
    category=Category.MODEL_FILE,
    help="A tensor stands twice in the index, or the shards of the index are not numbered from one to their count.",
    remediation="Write the index again with `save_pretrained`.",
    cwe=("CWE-436",),
)


class _Pairs(dict[str, Any]):
    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.repeated = len(self) != len(pairs)


def _claims(artifact: Artifact) -> bool:
    return _INDEX.fullmatch(artifact.name) is not None


def names_digest(names: Iterable[str]) -> str:
    """SHA-256 over the sorted names of tensors, so that two lists can be compared by a property."""
    digest = hashlib.sha256()
    for name in sorted(names):
        digest.update(name.encode("utf-8", "surrogatepass") + b"\0")
    return digest.hexdigest()


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    if artifact.source.size > _LARGEST:
        raise Incomplete("limit", f"{artifact.source.size:,} bytes are more than an index has")
    try:
        document = json.loads(artifact.source.read_at(0, _LARGEST).decode("utf-8"), object_pairs_hook=_Pairs)
    except (ValueError, RecursionError):
        raise Incomplete("malformed", "the index is no JSON") from None
    held = document.get("weight_map") if isinstance(document, _Pairs) else None
    if not isinstance(held, _Pairs) or not all(isinstance(file, str) for file in held.values()):
        raise Incomplete("malformed", "the index has no `weight_map` from tensors to files")
    files: dict[str, list[str]] = {}
    for tensor, file in held.items():
        files.setdefault(file, []).append(tensor)
    if len(files) > _SHARDS:
        raise Incomplete("limit", f"more than {_SHARDS:,} shards")
    leaving = [file for file in files if _leaves(file)]
    for file in leaving[:_TOLD]:
        message = f"The index reads {shown(file, 200)!r}, which is not in the model's folder."
        yield rules.finding(ESCAPES, artifact.at(), message, evidence=shown(file, 200))
    if held.repeated:
        yield rules.finding(MALFORMED, artifact.at(), "A tensor stands twice in `weight_map`.", evidence="tensor twice")
    yield from _numbered(artifact, files)
    facts = ModelFacts(format="sharded", other=(("shards", str(len(files))), ("tensors", str(len(held)))))
    properties = tuple((SHARD, f"{file},{names_digest(names)}") for file, names in sorted(files.items()))
    yield component(artifact, facts, properties=properties if not leaving else ())


def _leaves(file: str) -> bool:
    path = file.replace("\\", "/")
    return path.startswith("/") or ".." in path.split("/") or ":" in path or "\0" in path or not path


def _numbered(artifact: Artifact, files: Mapping[str, list[str]]) -> Iterator[Finding]:
    parts = [match for match in map(_SHARD.fullmatch, files) if match]
    totals = {int(match[3]) for match in parts}
    numbers = {int(match[2]) for match in parts}
    if parts and (len(totals) > 1 or numbers != set(range(1, max(totals) + 1))):
        message = f"The index names {len(numbers)} numbered shards, which say that they are of {max(totals)}."
        yield rules.finding(MALFORMED, artifact.at(), message, evidence="numbers of shards")


def compared(components: Iterable[Component], present: Collection[str], *, whole: bool = True) -> Iterator[Finding]:
    """What indices and shards say of each other; `present` are the paths of the tree.

    With `whole`, `present` is all there is, and a shard that is not among it is missing. An index without any of its
    shards describes a model that is elsewhere: nothing is missing then.
    """
    known = tuple(components)
    digests = {
        part.identity.removeprefix("file:"): value
        for part in known
        for key, value in part.properties
        if key == TENSORS and "!" not in part.identity
    }
    folders: dict[str, set[str]] = {}
    for path in present:
        folders.setdefault(posixpath.dirname(path), set()).add(posixpath.basename(path))
    for index in known:
        named = dict(value.rpartition(",")[::2] for key, value in index.properties if key == SHARD)
        if named and index.occurrences and index.occurrences[0].location.member is None:
            yield from _one(index.occurrences[0].location, named, digests, folders, whole=whole)


def _one(
    place: Location,
    named: Mapping[str, str],
    digests: Mapping[str, str],
    folders: Mapping[str, set[str]],
    *,
    whole: bool,
) -> Iterator[Finding]:
    folder = posixpath.dirname(place.path)
    here = folders.get(folder, set())
    there = {file for file in named if posixpath.basename(file) in folders.get(_joined(folder, file), set())}
    for file in sorted(set(named) - there)[:_TOLD] if there and whole else ():
        yield rules.incomplete("missing", place, f"the index names the shard {shown(file, 200)!r}, which is not there")
    for file in sorted(there):
        path = posixpath.join(folder, file)
        if digests.get(path, named[file]) != named[file]:
            message = f"{shown(file, 200)!r} does not hold the tensors that {posixpath.basename(place.path)!r} says."
            yield rules.finding(MISMATCH, Location(path=path), message, evidence=shown(file, 200))
    stems = {(m[1], m[4]) for m in map(_SHARD.fullmatch, named) if m}
    for file in sorted(here - set(named)):
        match = _SHARD.fullmatch(file)
        if match and (match[1], match[4]) in stems:
            message = f"{posixpath.basename(place.path)!r} does not name this shard."
            yield rules.finding(EXTRA, Location(path=posixpath.join(folder, file)), message, evidence=shown(file, 200))


def _joined(folder: str, file: str) -> str:
    return posixpath.normpath(posixpath.join(folder, posixpath.dirname(file))) if "/" in file else folder


INSPECTOR = Inspector(
    name="shards",
    claims=_claims,
    inspect=_inspect,
    rules=(ESCAPES, MISMATCH, EXTRA, MALFORMED),
    suffixes=(".index.json",),
    reads="The index of sharded safetensors and PyTorch models: every file name, their numbers, and tensors that "
    "stand twice. Across files: shards that are missing or that the index does not name, and for safetensors whether "
    "each shard holds exactly the tensors that the index puts there.",
    misses="Which tensors a pickled shard holds is not compared with the index.",
)
