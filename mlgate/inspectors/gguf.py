"""GGUF: header, tensor list and chat templates (ggml, docs/gguf.md; versions 1 to 3, both byte orders)."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator

from mlgate import rules
from mlgate.errors import Incomplete
from mlgate.inspectors._chat_template import TEMPLATE_RULES, check_template
from mlgate.inspectors._gguf_header import Header, Reader, Value
from mlgate.inspectors._gguf_types import FILE_TYPES, TENSORS
from mlgate.inspectors._model_metadata import SHARED_RULES, component, judge_metadata, not_it, shown
from mlgate.records import (
    Artifact,
    Category,
    Component,
    Inspector,
    Kind,
    ModelFacts,
    Observation,
    Relation,
    Rule,
    Severity,
)

_TOLD = 20
_LINEAGE = 20
_LARGEST = 1 << 63
_TEMPLATE = re.compile(r"tokenizer\.chat_template(\..+)?", re.DOTALL)
_HUB = re.compile(r"https?://(?:www\.)?(?:huggingface\.co|hf\.co)/(datasets/)?([\w.-]+/[\w.-]+?)(?:\.git)?/?", re.ASCII)

LAYOUT = Rule(
    id="MLG-MDL-025",
    title="GGUF header that lies about the data",
    severity=Severity.HIGH,
    category=Category.MODEL_FILE,
    help="Tensors overlap, start between alignment steps, point outside of the file, or have sizes that overflow. "
    "Loaders map the file and compute with these numbers: such files have been memory corruption before "
    "(CVE-2024-23605, CVE-2024-21836, CVE-2024-21802).",
    remediation="Convert the model again from its source with a current `convert_hf_to_gguf.py`.",
    cwe=("CWE-125", "CWE-190", "CWE-787"),
    atlas=("AML.T0010",),
)
DUPLICATE = Rule(
    id="MLG-MDL-026",
    title="GGUF header with one name twice",
    severity=Severity.HIGH,
    category=Category.MODEL_FILE,
    help="A key or a tensor's name stands twice. Loaders differ on which one counts or refuse the file, so what was "
    "reviewed and what is loaded can differ.",
    remediation="Convert the model again from its source.",
    cwe=("CWE-436", "CWE-694"),
)
OFF_SPEC = Rule(
    id="MLG-MDL-027",
    title="GGUF header outside of its specification",
    severity=Severity.LOW,
    category=Category.MODEL_FILE,
    help="A value is not what the format allows, or a tensor has a type that mlgate does not know, so that its size "
    "could not be checked.",
    remediation="Convert the model again from its source with a current converter.",
    cwe=("CWE-1286",),
)


def _claims(artifact: Artifact) -> bool:
    return "gguf" in artifact.formats or artifact.name.lower().endswith(".gguf")


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    if artifact.head[:4] != b"GGUF":
        yield from not_it(artifact, "gguf")
        return
    reader = Reader(artifact.source)
    header = reader.header
    stop = None
    try:
        reader.keys()
        reader.tensors()
    except Incomplete as error:
        stop = error
    yield from _component(artifact, header)
    yield from _lineage(artifact, header)
    for name in header.repeated[:_TOLD]:
        message = f"{shown(name, 120)!r} stands more than once."
        yield rules.finding(DUPLICATE, artifact.at(), message, evidence=shown(name, 120))
    for reason in header.odd[:_TOLD]:
        yield rules.finding(OFF_SPEC, artifact.at(), f"{shown(reason)}.", evidence=shown(reason))
    yield from judge_metadata(artifact, "key", [(k, v) for k, v in header.texts.items() if not _TEMPLATE.fullmatch(k)])
    if stop is None:
        yield from _layout(artifact, header)
    yield from _templates(artifact, header)
    if stop is not None:
        raise stop
    yield from _end(artifact, header)


def _templates(artifact: Artifact, header: Header) -> Iterator[Observation]:
    """All templates, whatever happens to one of them; the first that could not be read is raised at the end."""
    stop = None
    for key, text in header.texts.items():
        if _TEMPLATE.fullmatch(key):
            try:
                yield from check_template(artifact, shown(key, 100), text)
            except Incomplete as error:
                stop = stop or error
    for key in header.cut:
        stop = stop or Incomplete("limit", f"the text of key {shown(key, 100)!r} is longer than a megabyte")
    if stop is not None:
        raise stop


def _alignment(header: Header) -> int | None:
    value = header.values.get("general.alignment", 32)
    return value if isinstance(value, int) and 0 < value <= 1 << 20 and value & (value - 1) == 0 else None


def _layout(artifact: Artifact, header: Header) -> Iterator[Observation]:
    """Lies of the tensor list, at most _TOLD of them."""
    alignment = _alignment(header)
    reasons = [] if alignment else ["`general.alignment` is no power of two"]
    unknown = Counter(tensor.type for tensor in header.tensors if tensor.type not in TENSORS)
    for kind in sorted(unknown)[:_TOLD]:
        yield rules.finding(
            OFF_SPEC, artifact.at(), f"{unknown[kind]:,} tensors have the unknown type {kind}.", evidence=f"type {kind}"
        )
    spans = []
    for tensor in header.tensors:
        label = f"tensor {shown(tensor.name, 120)!r}"
        if tensor.elements >= _LARGEST or (tensor.size or 0) >= _LARGEST or tensor.offset >= _LARGEST:
            reasons.append(f"{label} has a size that overflows 64 bits")
            continue
        if alignment and tensor.offset % alignment:
            reasons.append(f"{label} does not start at a multiple of the alignment")
        if tensor.size is None and tensor.type in TENSORS:
            reasons.append(f"{label} has rows that its blocks do not divide")
        if tensor.size:
            spans.append((tensor.offset, tensor.offset + tensor.size, label))
    end = 0
    for start, stop, label in sorted(spans):
        if start < end:
            reasons.append(f"{label} overlaps the one before it")
        end = max(end, stop)
    for reason in reasons[:_TOLD]:
        yield rules.finding(LAYOUT, artifact.at(), f"{reason}.", evidence=reason)


def _end(artifact: Artifact, header: Header) -> Iterator[Observation]:
    """Whether the data is all there, and whether more is."""
    alignment = _alignment(header) or 32
    start = -(-header.end // alignment) * alignment
    ends = [t.offset + t.size for t in header.tensors if t.size and t.offset + t.size < _LARGEST]
    needed = max(ends, default=0)
    there = max(0, artifact.source.size - start)
    if needed > there:
        raise Incomplete("truncated", f"the tensors need {needed:,} bytes of data and {there:,} are there")
    known = all(tensor.type in TENSORS for tensor in header.tensors)
    if known and len(ends) == len(header.tensors) and there - needed > alignment:
        message = f"{there - needed:,} bytes after the last tensor belong to none."
        yield rules.finding(LAYOUT, artifact.at(offset=start + needed), message, evidence="bytes after the last tensor")


def _text(value: Value, limit: int = 200) -> str:
    return value[:limit] if isinstance(value, str) else "" if value is None or isinstance(value, tuple) else str(value)


def _component(artifact: Artifact, header: Header) -> Iterator[Component]:
    values = header.values
    architecture = _text(values.get("general.architecture"))
    file_type = values.get("general.file_type")
    kinds = Counter(TENSORS.get(t.type, (f"type {t.type}", 0, 0))[0] for t in header.tensors)
    most = kinds.most_common(1)[0][0] if kinds else ""
    facts = ModelFacts(
        format="gguf",
        architecture_family=architecture,
        architecture=_text(values.get("general.basename")) or _text(values.get("general.name")),
        quantization=FILE_TYPES.get(file_type, most) if isinstance(file_type, int) else most,
        parameters=sum(t.elements for t in header.tensors if t.elements < _LARGEST),
        other=(
            ("name", _text(values.get("general.name"))),
            ("version", str(header.version)),
            ("byte-order", "big" if header.order == ">" else "little"),
            ("tensors", ", ".join(f"{kind}: {count}" for kind, count in sorted(kinds.items()))),
            ("context-length", _text(values.get(f"{architecture}.context_length"))),
            ("size-label", _text(values.get("general.size_label"))),
            ("tokenizer", _text(values.get("tokenizer.ggml.model"))),
        ),
    )
    keys = ("general.author", "general.organization", "general.url", "general.repo_url", "general.license.link")
    pairs = tuple((f"gguf:{key}", _text(values[key])) for key in keys if key in values)
    pairs += tuple(
        (f"gguf:{shown(key, 100)}:sha256", hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest())
        for key, text in sorted(header.texts.items())
        if _TEMPLATE.fullmatch(key)
    )
    yield component(artifact, facts, licenses=[_text(values.get("general.license"))], properties=pairs)


def _lineage(artifact: Artifact, header: Header) -> Iterator[Observation]:
    """Base models and datasets that the header names by their page on the hub; other names are properties at most."""
    where = f"file:{artifact.path}!{artifact.member}" if artifact.member else f"file:{artifact.path}"
    for group, relation in (("base_model", "derived-from"), ("dataset", "trained-on")):
        for number in range(_LINEAGE):
            url = _text(header.values.get(f"general.{group}.{number}.repo_url"), 500)
            match = _HUB.fullmatch(url.strip())
            if match is None or (group == "base_model" and match[1]):
                continue
            is_dataset = bool(match[1]) or group == "dataset"
            identity = f"dataset:hf:{match[2]}" if is_dataset else f"hf:{match[2]}"
            version = _text(header.values.get(f"general.{group}.{number}.version"), 100)
            yield Component(
                kind=Kind.DATASET if is_dataset else Kind.MODEL,
                identity=identity,
                name=match[2],
                properties=(("gguf:stated-version", version),) if version else (),
            )
            yield Relation(source=where, target=identity, kind=relation)


INSPECTOR = Inspector(
    name="gguf",
    claims=_claims,
    inspect=_inspect,
    rules=(LAYOUT, DUPLICATE, OFF_SPEC, *SHARED_RULES, *TEMPLATE_RULES),
    suffixes=(".gguf",),
    model=True,
    reads="Versions 1 to 3 in both byte orders: all keys and values, the tensor list against the size of the "
    "file, chat templates through Jinja's parser, free text, base models and datasets that the header "
    "names.",
    misses="Defects of a loader that are reached by well-formed values; quantised data whose content is odd.",
)
