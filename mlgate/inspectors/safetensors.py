"""safetensors: the whole header checked as the reference implementation checks it, and where it does not.

Format: 8 bytes little-endian header length, that many bytes of JSON, then the data buffer (github.com/huggingface/
safetensors, README "Format" and safetensors/src/tensor.rs: the header is at most 100 MB and begins with `{`; keys are
unique; the tensors cover the buffer without overlap and without a hole, to the last byte of the file).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any, TypeGuard

from mlgate import rules
from mlgate.errors import Incomplete
from mlgate.inspectors._model_metadata import METADATA_TEXT, SHARED_RULES, component, judge_metadata, not_it, shown
from mlgate.inspectors.shards import TENSORS, names_digest
from mlgate.records import Artifact, Category, Inspector, ModelFacts, Observation, Rule, Severity

_LARGEST_HEADER = 100_000_000
_LARGEST_PARSED = 32 << 20  # ten times the largest header known; parsed, it takes about eight times its size
_DIMENSIONS = 64
_TOLD = 20  # findings of one kind in one file

# Bits per element (tensor.rs, Dtype). Below eight, only whole bytes of elements are valid.
_BITS = {
    **dict.fromkeys(("F4",), 4),
    **dict.fromkeys(("F6_E2M3", "F6_E3M2"), 6),
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ"), 8),
    **dict.fromkeys(("I16", "U16", "F16", "BF16"), 16),
    **dict.fromkeys(("I32", "U32", "F32"), 32),
    **dict.fromkeys(("I64", "U64", "F64", "C64"), 64),
}

LAYOUT = Rule(
    id="MLG-MDL-020",
    title="safetensors header that lies about the data",
    severity=Severity.HIGH,
    category=Category.MODEL_FILE,
    help="Tensors overlap, leave a hole, point outside of the file, or have another size than type and shape say. The "
    "reference loader refuses such a file; others read other tensors' bytes, crash, or carry hidden data along.",
    remediation="Write the file again with `safetensors.torch.save_file` from weights that you trust.",
    cwe=("CWE-125", "CWE-130"),
    atlas=("AML.T0010",),
)
DUPLICATE = Rule(
    id="MLG-MDL-021",
    title="safetensors header with one name twice",
    severity=Severity.HIGH,
    category=Category.MODEL_FILE,
    help="A key stands twice in the header. Loaders differ on which one counts, so what was reviewed and what is "
    "loaded can be two models.",
    remediation="Write the file again with `safetensors.torch.save_file` from weights that you trust.",
    cwe=("CWE-436", "CWE-694"),
)
OFF_SPEC = Rule(
    id="MLG-MDL-022",
    title="safetensors header outside of its specification",
    severity=Severity.MEDIUM,
    category=Category.MODEL_FILE,
    help="The header holds a data type, a field or a value that the format does not have. The reference loader "
    "refuses the file; what others do with it is not defined.",
    remediation="Write the file again with a current safetensors library.",
    cwe=("CWE-1286",),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tensor:
    name: str
    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


class _Pairs(dict[str, Any]):
    """An object of the header that remembers which keys stood twice."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        twice = len(self) != len(pairs)
        self.repeated = [key for key, count in Counter(key for key, _ in pairs).items() if count > 1] if twice else []


def _claims(artifact: Artifact) -> bool:
    return "safetensors" in artifact.formats or artifact.name.lower().endswith(".safetensors")


def _refuse(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")


def _header(artifact: Artifact, length: int) -> _Pairs:
    """The parsed header. Raises Incomplete when there is none to check."""
    size = artifact.source.size
    if length > _LARGEST_HEADER:
        raise Incomplete("malformed", f"the header would be {length:,} bytes long, over the format's 100,000,000")
    if length > size - 8:
        raise Incomplete("truncated", f"the header would be {length:,} bytes long and the file has {size:,}")
    if length > _LARGEST_PARSED:
        raise Incomplete("limit", f"the header is {length:,} bytes long, over {_LARGEST_PARSED:,}")
    try:
        text = artifact.source.read_at(8, length).decode("utf-8")
        parsed = json.loads(text, object_pairs_hook=_Pairs, parse_constant=_refuse)
    except RecursionError:
        raise Incomplete("limit", "the header is nested too deep", offset=8) from None
    except ValueError as error:
        raise Incomplete("malformed", f"the header is no JSON: {error}", offset=8) from None
    if not isinstance(parsed, _Pairs):
        raise Incomplete("malformed", "the header is no JSON object", offset=8)
    return parsed


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    source = artifact.source
    length = int.from_bytes(artifact.head[:8], "little")
    if artifact.head[8:9] != b"{" and "safetensors" not in artifact.formats:
        yield from not_it(artifact, "safetensors")
        return
    header = _header(artifact, length)
    for key in header.repeated[:_TOLD]:
        message = f"{shown(key)!r} stands more than once in the header."
        yield rules.finding(DUPLICATE, artifact.at(offset=8), message, evidence=shown(key))
    metadata = header.pop("__metadata__", None)
    odd: list[str] = []
    texts = _texts(metadata, odd)
    tensors = list(_tensors(header, odd))
    for reason in odd[:_TOLD]:
        yield rules.finding(OFF_SPEC, artifact.at(offset=8), f"{reason}.", evidence=reason[:300])
    yield _component(artifact, tensors, texts)
    yield from judge_metadata(artifact, "metadata", texts)
    yield from _names(artifact, tensors)
    lies = _lies(tensors)
    for reason in lies[:_TOLD]:
        yield rules.finding(LAYOUT, artifact.at(offset=8), f"{reason}.", evidence=reason[:300])
    used = max((tensor.end for tensor in tensors), default=0)
    there = source.size - 8 - length
    if used > there and not odd:
        raise Incomplete("truncated", f"the tensors need {used:,} bytes of data and {there:,} are there")
    if used < there and not odd:
        message = f"{there - used:,} bytes after the last tensor belong to none."
        yield rules.finding(
            LAYOUT, artifact.at(offset=8 + length + used), message, evidence="bytes after the last tensor"
        )


def _texts(metadata: Any, odd: list[str]) -> list[tuple[str, str]]:
    """The metadata that is text, as it must be; `odd` takes what is not."""
    if metadata is None:
        return []
    if not isinstance(metadata, _Pairs):
        odd.append("`__metadata__` is no object")
        return []
    odd.extend(f"metadata {shown(key, 80)!r} stands twice" for key in metadata.repeated)
    odd.extend(
        f"metadata {shown(key, 80)!r} is no text" for key, value in metadata.items() if not isinstance(value, str)
    )
    return [(key, value) for key, value in metadata.items() if isinstance(value, str)]


def _tensors(header: _Pairs, odd: list[str]) -> Iterator[_Tensor]:
    """The entries that can be understood; `odd` takes what is wrong with the others."""
    for name, entry in header.items():
        label = f"tensor {shown(name, 120)!r}"
        if not isinstance(entry, _Pairs):
            odd.append(f"{label} is no object")
            continue
        extra = sorted(set(entry) - {"dtype", "shape", "data_offsets"})
        if extra or entry.repeated:
            odd.append(f"{label} has unknown or repeated fields: {shown(', '.join(extra or entry.repeated), 80)}")
        dtype, shape, offsets = entry.get("dtype"), entry.get("shape"), entry.get("data_offsets")
        if not isinstance(dtype, str) or dtype not in _BITS:
            odd.append(f"{label} has the unknown type {shown(str(dtype), 40)!r}")
        elif not _sizes(shape) or not _sizes(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
            odd.append(f"{label} has no valid shape and offsets")
        else:
            yield _Tensor(name=name, dtype=dtype, shape=tuple(shape), begin=offsets[0], end=offsets[1])


def _sizes(value: Any) -> TypeGuard[list[int]]:
    """Whether this is a list of numbers that a 64-bit loader can hold, and of no more dimensions than any has."""
    return (
        isinstance(value, list)
        and len(value) <= _DIMENSIONS
        and all(type(n) is int and 0 <= n < 1 << 64 for n in value)
    )


def _names(artifact: Artifact, tensors: list[_Tensor]) -> Iterator[Observation]:
    """Names of tensors that are paths: converters write a file for each tensor under its name."""
    paths = [t.name for t in tensors if ".." in t.name.split("/") or t.name.startswith("/") or "\0" in t.name]
    for name in paths[:_TOLD]:
        label = shown(name, 120)
        message = f"The tensor's name {label!r} leads out of a folder."
        yield rules.finding(METADATA_TEXT, artifact.at(offset=8), message, evidence=f"tensor {label}")


def _lies(tensors: list[_Tensor]) -> list[str]:
    """What is wrong with the layout: sizes that do not fit, overlaps and holes."""
    found = []
    for tensor in tensors:
        bits = prod(tensor.shape) * _BITS[tensor.dtype]
        if bits % 8 or bits // 8 != tensor.end - tensor.begin:
            found.append(f"tensor {shown(tensor.name, 120)!r} has another size than its type and shape say")
    at = 0
    for tensor in sorted(tensors, key=lambda t: (t.begin, t.end)):
        if tensor.begin != at:
            what = "overlaps the one before it" if tensor.begin < at else "leaves a hole before it"
            found.append(f"tensor {shown(tensor.name, 120)!r} {what}")
        at = max(at, tensor.end)
    return found


def _component(artifact: Artifact, tensors: list[_Tensor], texts: list[tuple[str, str]]) -> Observation:
    told = dict(texts)
    dtypes: Counter[str] = Counter()
    for tensor in tensors:
        dtypes[tensor.dtype] += prod(tensor.shape)
    facts = ModelFacts(
        format="safetensors",
        architecture=told.get("modelspec.architecture", "")[:200],
        parameters=sum(dtypes.values()),
        other=(
            ("tensors", str(len(tensors))),
            ("dtypes", ", ".join(f"{dtype}: {count}" for dtype, count in sorted(dtypes.items()))),
            ("framework", told.get("format", "")[:100]),
        ),
    )
    licences = [told[key] for key in ("license", "modelspec.license") if key in told]
    pairs = tuple((f"safetensors:metadata:{key[:100]}", value[:200]) for key, value in sorted(texts)[:_TOLD])
    names = (TENSORS, names_digest(tensor.name for tensor in tensors))
    return component(artifact, facts, licenses=licences, properties=(*pairs, names))


INSPECTOR = Inspector(
    name="safetensors",
    claims=_claims,
    inspect=_inspect,
    rules=(LAYOUT, DUPLICATE, OFF_SPEC, *SHARED_RULES),
    suffixes=(".safetensors",),
    model=True,
    reads="The whole header: sizes, offsets, overlaps, gaps and duplicates of tensors, data types and shapes "
    "against byte counts, keys that stand twice, and the free text of `__metadata__`. Tensor data is "
    "hashed, not interpreted.",
    misses="What the numbers do. Code that a repository has beside the weights is the business of the Hugging "
    "Face and Python readers.",
)
