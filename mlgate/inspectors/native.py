"""Models that are told as what they are, and not looked into.

TensorRT engines, RKNN, Hailo, Kendryte, Sophon, Ascend and others are code and weights for one chip, in formats that
their makers do not publish; CNTK's graphs may name native functions in libraries beside them, and their framework has
ended. What is known of each is its ending and, for most, its first bytes (CNTK: bindings/../CNTK.proto's Dictionary,
whose version comes first, and "BCN" in UTF-16 before that).
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from mlgate.errors import Incomplete
from mlgate.identify import is_text
from mlgate.inspectors._model_metadata import SHARED_RULES, component, judge_metadata, not_it
from mlgate.records import Artifact, Inspector, ModelFacts, Observation

# Ending: what it is, and the first bytes that such files are known to have (none: any).
_KINDS: dict[str, tuple[str, tuple[bytes, ...]]] = {
    ".engine": ("tensorrt", ()),
    ".trt": ("tensorrt", ()),
    ".plan": ("tensorrt", ()),
    ".rknn": ("rknn", ()),
    ".hef": ("hailo", (b"\x01HEF",)),
    ".kmodel": ("kendryte", (b"LDMK", b"KMDL", b"\x03\0\0\0")),
    ".bmodel": ("sophon", (b"\xee\xaa\x55\xff",)),
    ".cvimodel": ("cvitek", (b"CviModel",)),
    ".axmodel": ("axera", ()),
    ".om": ("ascend", (b"IMOD",)),
    ".mnn": ("mnn", ()),
    ".tmfile": ("tengine", ()),
    ".vmfb": ("iree", ()),
    ".dnn": ("cntk", (b"\x08\x01\x12", b"B\0C\0N\0")),
    ".cmf": ("cntk", (b"\x08\x01\x12", b"B\0C\0N\0")),
}
_UNREAD = {"cntk": "a model of CNTK, which may load native functions and has no reader here"}
_MARKS = {b"ptrt": "tensorrt", b"ftrt": "tensorrt", b"RKNN": "rknn"}
_METADATA = 1 << 16


def _kind(artifact: Artifact) -> str:
    name = artifact.name.lower()
    kind, marks = _KINDS.get(name[name.rfind(".") :], ("", ()))
    if kind and marks and not artifact.head.startswith(marks):
        return ""
    return kind


def _claims(artifact: Artifact) -> bool:
    return bool(_kind(artifact)) and not is_text(artifact.name, artifact.head)


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    kind = _kind(artifact)
    if artifact.source.size == 0:
        raise Incomplete("truncated", "the file is empty")
    if not set(artifact.formats) <= {"zip"}:
        yield from not_it(artifact, kind)
        return
    told = _metadata(artifact)
    marked = _MARKS.get(artifact.head[:4], "")
    facts = ModelFacts(format=kind, other=(("marked", marked), ("task", told.get("task", "")[:100])))
    pairs = tuple((f"{kind}:{key[:60]}", value[:200]) for key, value in list(told.items())[:20])
    yield component(artifact, facts, licenses=[told.get("license", "")], properties=pairs)
    yield from judge_metadata(artifact, "metadata", told.items())
    compiled = f"a model compiled for one accelerator ({kind}), whose code cannot be looked into"
    raise Incomplete("unsupported", _UNREAD.get(kind, compiled))


def _metadata(artifact: Artifact) -> dict[str, str]:
    """What Ultralytics' exporter writes before the engine: its length in four bytes, and JSON."""
    length = int.from_bytes(artifact.head[:4], "little")
    if not 2 <= length <= min(_METADATA, artifact.source.size - 4) or artifact.head[4:5] != b"{":
        return {}
    try:
        document = json.loads(artifact.source.read_at(4, length))
    except (ValueError, RecursionError):
        return {}
    return {str(key): str(value) for key, value in document.items()} if isinstance(document, dict) else {}


INSPECTOR = Inspector(
    name="native",
    claims=_claims,
    inspect=_inspect,
    rules=SHARED_RULES,
    suffixes=tuple(_KINDS),
    model=True,
    reads="That a file is compiled for an accelerator, by its ending and first bytes: TensorRT (`.engine`, `.trt`, "
    "`.plan`), RKNN, Hailo, Kendryte, Sophon, CVITEK, Axera, Ascend, MNN, Tengine, IREE; of TensorRT engines also the "
    "metadata that Ultralytics writes. So are CNTK's `.dnn` and `.cmf`. Such a file is always incomplete.",
    misses="Everything inside of it. Accept a file by its hash, or build the engine from a model that can be read.",
)
