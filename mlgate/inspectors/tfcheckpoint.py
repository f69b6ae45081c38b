"""TensorFlow checkpoints: the index, its shards, the old format in one file, and the `checkpoint` file beside them.

tensorflow/core/protobuf/tensor_bundle.proto, core/util/saved_tensor_slice.proto, python checkpoint_state.proto.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod

from mlgate import rules
from mlgate.errors import Incomplete
from mlgate.inspectors._leveldb_table import Table, has_footer
from mlgate.inspectors._model_metadata import component, not_it, shown
from mlgate.inspectors._protobuf import INT, SIZE, TEXT, Message, Schema, Walker
from mlgate.inspectors._tensorflow_flow import escape
from mlgate.inspectors._tensorflow_schema import TYPES, WIDTHS
from mlgate.records import Artifact, Category, Inspector, ModelFacts, Observation, Rule, Severity
from mlgate.sources import BytesSource

_TOLD = 20
# Contents that numbers do not begin like by chance.
_NO_NUMBERS = frozenset({"elf", "hdf5", "npy", "gguf", "7z", "rar", "xz"})
_ENTRIES = 300_000
_STATE = 1 << 20
_LARGEST = 1 << 60
_SHARD = re.compile(r".*\.data-(\d{5})-of-(\d{5})", re.IGNORECASE | re.DOTALL)
_INDEX = re.compile(r".*\.ckpt(-\d+)?\.index|variables\.index", re.IGNORECASE | re.DOTALL)
_PATH = re.compile(r"(?:model_checkpoint_path|all_model_checkpoint_paths)\s*:\s*([\"'])(.*?)\1")
_BUNDLE: Schema = {
    "header": {1: INT, 2: INT},
    "entry": {1: INT, 2: "shape", 3: INT, 4: INT, 5: INT, 7: SIZE},
    "shape": {2: "dim"},
    "dim": {1: INT},
    "slices": {1: "meta"},
    "meta": {1: "tensor"},
    "tensor": {1: TEXT, 2: "shape", 3: INT},
}

LAYOUT = Rule(
    id="MLG-MDL-077",
    title="TensorFlow checkpoint that lies about its data",
    severity=Severity.HIGH,
    category=Category.MODEL_FILE,
    help="The index says that tensors overlap, are in a shard that does not exist, or have another size than their "
    "type and shape need. Readers that trust it read memory or files that are not the checkpoint's.",
    remediation="Save the checkpoint again from its source.",
    cwe=("CWE-125", "CWE-130"),
)
STATE = Rule(
    id="MLG-MDL-078",
    title="Checkpoint file that points elsewhere",
    severity=Severity.LOW,
    category=Category.MODEL_FILE,
    help="The `checkpoint` file names a checkpoint at an absolute path, above its folder or behind a URL. "
    "`tf.train.latest_checkpoint` follows it, so another model than the one beside it may be loaded.",
    remediation="Write the path without its folder, or delete the file and name the checkpoint when you load it.",
    cwe=("CWE-73",),
)


@dataclass(slots=True)
class _Bundle:
    """What the entries say, one after another."""

    shards: int = 1
    tensors: int = 0
    parameters: int = 0
    types: Counter[str] = field(default_factory=Counter)
    spans: dict[int, list[tuple[int, int, str]]] = field(default_factory=dict)
    lies: list[str] = field(default_factory=list)
    objects: bool = False
    shape: list[int] = field(default_factory=list)
    key: str = ""

    def lie(self, reason: str) -> None:
        if len(self.lies) < _TOLD:
            self.lies.append(reason)

    def closed(self, message: Message, _: list[Message]) -> None:
        """Takes a message when it ends."""
        if message.kind == "header":
            self.shards = message.numbers.get(1, 0)
            if not 0 < self.shards <= 100_000:
                self.lie(f"the checkpoint has {self.shards:,} shards")
        elif message.kind == "dim":
            self.shape.append(message.numbers.get(1, 0))
        elif message.kind == "entry":
            self._entry(message)
        elif message.kind == "tensor":
            self._count(message.numbers.get(3, 0))

    def _count(self, kind: int) -> int:
        shape, self.shape = self.shape, []
        elements = prod(shape)
        if any(size < 0 for size in shape) or elements > _LARGEST:
            self.lie(f"{self.key!r} has an impossible shape")
            elements = 0
        self.tensors += 1
        self.types[TYPES.get(kind, f"type {kind}")] += 1
        if kind in WIDTHS:
            self.parameters += elements
        return elements

    def _entry(self, message: Message) -> None:
        kind, shard = message.numbers.get(1, 0), message.numbers.get(3, 0)
        offset, size = message.numbers.get(4, 0), message.numbers.get(5, 0)
        self.objects |= self.key == "_CHECKPOINTABLE_OBJECT_GRAPH"
        elements = self._count(kind)
        if 7 in message.numbers:  # in slices, each of which has an entry of its own
            return
        if not 0 <= shard < self.shards:
            self.lie(f"{self.key!r} is in shard {shard} of {self.shards}")
        if offset < 0 or size < 0 or offset + size > _LARGEST:
            self.lie(f"{self.key!r} has an impossible place")
            return
        if kind in WIDTHS and size != elements * WIDTHS[kind]:
            self.lie(f"{self.key!r} has {size:,} bytes, and not what its type and shape need")
        if size:
            self.spans.setdefault(shard, []).append((offset, offset + size, self.key))


def _claims(artifact: Artifact) -> bool:
    name = artifact.name
    if _SHARD.fullmatch(name) or _INDEX.fullmatch(name):
        return True
    if name == "checkpoint":
        return b"model_checkpoint_path" in artifact.head
    return name.lower().endswith((".index", ".ckpt")) and has_footer(artifact.source)


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    shard = _SHARD.fullmatch(artifact.name)
    if shard is not None:
        facts = ModelFacts(format="tensorflow-checkpoint-shard", other=(("shard", f"{shard[1]} of {shard[2]}"),))
        yield component(artifact, facts)
        if _NO_NUMBERS & set(artifact.formats):
            yield from not_it(artifact, "tensorflow checkpoint")
        if int(shard[1]) >= int(shard[2]):
            message = f"This is shard {int(shard[1])}, counted from 0, of {int(shard[2])}."
            yield rules.finding(LAYOUT, artifact.at(), message, evidence="number of the shard")
    elif artifact.name == "checkpoint":
        yield from _state(artifact)
    elif not has_footer(artifact.source):
        if artifact.source.size and not artifact.formats:
            raise Incomplete("truncated", "the file does not end like a checkpoint's index")
        yield from not_it(artifact, "tensorflow checkpoint")
    else:
        yield from _table(artifact)


def _table(artifact: Artifact) -> Iterator[Observation]:
    bundle = _Bundle()
    stop = None
    old = not artifact.name.lower().endswith(".index")
    try:
        _read(artifact, bundle, old=old)
    except Incomplete as error:
        stop = error
    facts = ModelFacts(
        format="tensorflow-checkpoint-v1" if old else "tensorflow-checkpoint",
        parameters=bundle.parameters or None,
        other=(
            ("tensors", ", ".join(f"{name}: {count}" for name, count in sorted(bundle.types.items()))),
            ("shards", str(bundle.shards)),
            ("object-graph", "yes" if bundle.objects else ""),
        ),
    )
    yield component(artifact, facts)
    _overlaps(bundle)
    for reason in bundle.lies:
        yield rules.finding(LAYOUT, artifact.at(), f"{reason[:1].upper() + reason[1:]}.", evidence=reason[:300])
    if stop is not None:
        raise stop


def _read(artifact: Artifact, bundle: _Bundle, *, old: bool) -> None:
    before: bytes | None = None
    for number, (key, value) in enumerate(Table(artifact.source).entries(1 if old else None)):
        if number >= _ENTRIES:
            raise Incomplete("limit", f"more than {_ENTRIES:,} tensors")
        if number == 0 and key:
            raise Incomplete("malformed", "the table does not begin with a checkpoint's header")
        bundle.key = shown(key.decode("utf-8", "backslashreplace"), 150)
        if before is not None and key <= before:
            bundle.lie(f"{bundle.key!r} stands twice or out of order")
        before = key
        kind = ("slices" if old else "header") if number == 0 else "entry"
        if not old or number == 0:
            Walker(BytesSource(value), _BUNDLE, bundle.closed).walk(kind)
    if before is None:
        raise Incomplete("malformed", "the table is empty")


def _overlaps(bundle: _Bundle) -> None:
    for spans in bundle.spans.values():
        reached = 0
        for start, end, key in sorted(spans):
            if start < reached:
                bundle.lie(f"{key!r} overlaps the tensor before it")
            reached = max(reached, end)


def _state(artifact: Artifact) -> Iterator[Observation]:
    if artifact.source.size > _STATE:
        raise Incomplete("limit", f"{artifact.source.size:,} bytes are more than such a file has")
    text = artifact.source.read_at(0, _STATE).decode("utf-8", "backslashreplace")
    for path in dict.fromkeys(match[2] for match in _PATH.finditer(text)):
        reason = escape(path)
        if reason:
            severity = Severity.MEDIUM if reason == "is a URL" else None
            message = f"The checkpoint {shown(path, 150)!r} {reason}."
            yield rules.finding(STATE, artifact.at(), message, evidence=shown(path, 150), severity=severity)


INSPECTOR = Inspector(
    name="tfcheckpoint",
    claims=_claims,
    inspect=_inspect,
    rules=(LAYOUT, STATE),
    suffixes=(".index", ".ckpt"),
    model=True,
    reads="TensorFlow checkpoints: the index with the type, shape, shard, place and size of every tensor (`.index`), "
    "the list of tensors of version 1 checkpoints, and the paths in the `checkpoint` file. Shards "
    "(`.data-00000-of-00001`) hold numbers only and are listed.",
    misses="Whether a shard is as long as the index says, since each file is looked at alone; checksums; and the "
    "values themselves. What of a checkpoint is executed is in the graph beside it (`.meta`, `saved_model.pb`).",
)
