"""ONNX: the model's structure with all subgraphs and functions, without its weights (onnx/onnx-ml.proto)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod

from mlgate import rules
from mlgate.errors import Incomplete
from mlgate.inspectors._model_metadata import SHARED_RULES, component, judge_metadata, not_it, shown
from mlgate.inspectors._onnx_schema import (
    CONTEXT,
    CONTEXT_PATHS,
    OFFICIAL,
    OPAQUE,
    OPAQUE_ANYWHERE,
    SCHEMA,
    TYPES,
)
from mlgate.inspectors._protobuf import Message, Walker, shallow
from mlgate.inspectors.tensorflow import holds_node
from mlgate.records import (
    Artifact,
    Category,
    Component,
    Inspector,
    Kind,
    ModelFacts,
    Observation,
    Occurrence,
    Rule,
    Severity,
)

_TOLD = 20
_KEPT = 10_000
_MEMORY = "*/_ORT_MEM_ADDR_/*"  # ONNX Runtime's tag for a tensor that is already in memory, at the address `offset`
# Wire types of ModelProto's and TensorProto's fields.
_MODEL_WIRES = {1: 0, 2: 2, 3: 2, 4: 2, 5: 0, 6: 2, 7: 2, 8: 2, 14: 2, 20: 2, 25: 2, 26: 2}
_TENSOR_WIRES = {2: 0, 3: 2, 4: 2, 5: 2, 6: 2, 7: 2, 8: 2, 9: 2, 10: 2, 11: 2, 12: 2, 13: 2, 14: 0, 16: 2}

EXTERNAL = Rule(
    id="MLG-MDL-030",
    title="ONNX model that reads outside of its folder",
    severity=Severity.HIGH,
    category=Category.MODEL_FILE,
    help="A tensor's data is said to be in a file outside of the model's folder, behind a URL, or at an address in "
    "memory. Loaders that follow it read any file of the machine into the model (CVE-2022-25882, CVE-2024-5187, "
    "CVE-2024-27318).",
    remediation="Do not load the model. A genuine one keeps its data beside it under a plain name: export it again "
    "with `onnx.save_model(..., save_as_external_data=True)`.",
    cwe=("CWE-22", "CWE-73"),
    atlas=("AML.T0010", "AML.T0011.000"),
)
CUSTOM = Rule(
    id="MLG-MDL-031",
    title="ONNX model that needs custom operators",
    severity=Severity.MEDIUM,
    category=Category.MODEL_FILE,
    help="The model uses operators that neither ONNX nor ONNX Runtime has. To run it, somebody has to load a native "
    "library that mlgate has not seen.",
    remediation="Find out which library implements the domain, and review and pin it like a dependency.",
    cwe=("CWE-829",),
    atlas=("AML.T0010",),
)
OPAQUE_OPERATOR = Rule(
    id="MLG-MDL-032",
    title="ONNX operator that runs code from outside of the model",
    severity=Severity.HIGH,
    category=Category.MODEL_FILE,
    help="An operator calls a function of the host process by its name or runs a compiled binary, so what the model "
    "does cannot be seen in it.",
    remediation="Export the model with standard operators only.",
    cwe=("CWE-470", "CWE-829"),
    atlas=("AML.T0011.000",),
)
LAYOUT = Rule(
    id="MLG-MDL-033",
    title="ONNX tensor that lies about its data",
    severity=Severity.HIGH,
    category=Category.MODEL_FILE,
    help="A tensor has another number of bytes than its type and shape say, or negative dimensions. Checked loaders "
    "refuse it, others read memory that is not the model's.",
    remediation="Export the model again from its source.",
    cwe=("CWE-125", "CWE-130"),
)


@dataclass(slots=True)
class _Model:
    """What the walk gathers."""

    ir_version: int = 0
    producer: str = ""
    graphs: int = 0
    name: str = ""
    opsets: dict[str, int] = field(default_factory=dict)
    operators: Counter[tuple[str, str]] = field(default_factory=Counter)
    functions: set[tuple[str, str]] = field(default_factory=set)
    initializers: int = 0
    parameters: int = 0
    types: Counter[str] = field(default_factory=Counter)
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    metadata: list[tuple[str, str]] = field(default_factory=list)
    locations: dict[str, str] = field(default_factory=dict)
    lies: list[str] = field(default_factory=list)
    value: tuple[str, list[str]] = field(default_factory=lambda: ("", []))

    attributes: dict[int, list[Message]] = field(default_factory=dict)

    def closed(self, message: Message, around: list[Message]) -> None:
        """Takes what a message says when it ends; `around` are the messages that hold it, outermost first."""
        take = getattr(self, f"_{message.kind}", None)
        if take is not None:
            take(message, around)

    def _model(self, message: Message, _: list[Message]) -> None:
        self.ir_version = message.numbers.get(1, 0)
        self.producer = f"{message.texts.get(2, '')} {message.texts.get(3, '')}".strip()[:200]

    def _opset(self, message: Message, around: list[Message]) -> None:
        if len(around) == 1 and len(self.opsets) < _KEPT:
            self.opsets[message.texts.get(1, "")[:200]] = message.numbers.get(2, 0)

    def _entry(self, message: Message, around: list[Message]) -> None:
        key, value = message.texts.get(1, ""), message.texts.get(2, "")
        holder = around[-1]
        if holder.kind == "tensor":
            # data_location is not asked for: a singular tensor that stands twice is merged by parsers
            if key == "location" and len(self.locations) < _KEPT:
                self.locations.setdefault(value, holder.texts.get(8, "")[:120])
        elif len(self.metadata) < _KEPT:
            self.metadata.append((key, value))

    def _graph(self, message: Message, around: list[Message]) -> None:
        self.graphs += 1
        if len(around) == 1:
            self.name = message.texts.get(2, "")[:200]

    def _function(self, message: Message, _: list[Message]) -> None:
        if len(self.functions) < _KEPT:
            self.functions.add((message.texts.get(10, ""), message.texts.get(1, "")))

    def _attribute(self, message: Message, around: list[Message]) -> None:
        if message.texts.get(1) in (*CONTEXT_PATHS, "embed_mode"):
            self.attributes.setdefault(len(around), []).append(message)

    def _node(self, message: Message, around: list[Message]) -> None:
        key = (message.texts.get(7, "")[:200], message.texts.get(4, "")[:200])
        held = self.attributes.pop(len(around) + 1, [])
        if key == CONTEXT:
            apart = any(a.texts[1] == "embed_mode" and a.numbers.get(3, 0) == 0 for a in held)
            for attribute in held:
                path = attribute.texts.get(4, "")
                if path and (apart or attribute.texts[1] != CONTEXT_PATHS[0]) and len(self.locations) < _KEPT:
                    self.locations.setdefault(path, "EPContext")
        if key in self.operators or len(self.operators) < _KEPT:
            self.operators[key] += 1
        else:
            raise Incomplete("limit", f"more than {_KEPT:,} different operators")

    def _tensor(self, message: Message, around: list[Message]) -> None:
        dimensions = message.lists.get(1, [])
        name, bits = TYPES.get(message.numbers.get(2, 0), ("", 0))
        elements = prod(dimensions)
        label = f"tensor {shown(message.texts.get(8, ''), 120)!r}"
        size = message.numbers.get(9)
        if any(n < 0 for n in dimensions):
            self._lie(f"{label} has negative dimensions")
        elif size is not None and bits and 3 not in message.numbers and size != (elements * bits + 7) // 8:
            self._lie(f"{label} has another size than its type and shape say")
        if around and around[-1].kind in {"graph", "sparse"} and message.number in {1, 5}:
            self.initializers += 1
            self.parameters += max(elements, 0)
            self.types[name or "unknown"] += 1

    def _lie(self, reason: str) -> None:
        if len(self.lies) < _TOLD:
            self.lies.append(reason)

    def _dimension(self, message: Message, around: list[Message]) -> None:
        if len(around) < 7 and len(self.value[1]) < 32:  # model, graph, value, type, tensor_type, shape
            self.value[1].append(message.texts.get(2, "")[:60] or str(message.numbers.get(1, "?")))

    def _tensor_type(self, message: Message, _: list[Message]) -> None:
        self.value = (TYPES.get(message.numbers.get(1, 0), ("?", 0))[0], self.value[1])

    def _value(self, message: Message, around: list[Message]) -> None:
        kind, dimensions = self.value
        self.value = ("", [])
        into = self.inputs if message.number == 11 else self.outputs
        if len(around) == 2 and len(into) < 100:
            shape = f"[{', '.join(dimensions)}]" if kind else ""
            into.append(f"{message.texts.get(1, '')[:100]}: {kind or 'no tensor'}{shape}")


def _fits(artifact: Artifact, wires: dict[int, int]) -> list[tuple[int, int, int, int]]:
    """The first fields, when all of them are such that a message with these wire types has them; else none."""
    found = shallow(artifact.head, artifact.source.size) or []
    return found if all(wires.get(number) == wire for number, wire, _, _ in found) else []


def _is_model(artifact: Artifact) -> bool:
    """Whether the bytes are an ONNX model: it starts with its IR version, and a graph follows."""
    if artifact.head[:1] != b"\x08" or not 0 < int.from_bytes(artifact.head[1:2], "big") < 64:
        return False
    return any(number == 7 and length > 2 for number, _, length, _ in _fits(artifact, _MODEL_WIRES))


def _is_tensor(artifact: Artifact) -> bool:
    """Whether a `.pb` file is one ONNX tensor, as ONNX's own tests keep their data."""
    if not artifact.name.lower().endswith(".pb"):
        return False
    # dims may be packed or not
    found = [f for f in shallow(artifact.head, artifact.source.size) or [(0, 0, 0, 0)] if f[:2] not in {(1, 0), (1, 2)}]
    right = all(_TENSOR_WIRES.get(number) == wire for number, wire, _, _ in found)
    # TensorFlow's graphs begin with a block too, and skip a number that an attacker puts beside it
    return (
        right
        and not holds_node(artifact.head, artifact.source.size)
        and any(number == 2 and value in TYPES for number, _, value, _ in found)
    )


def _claims(artifact: Artifact) -> bool:
    return artifact.name.lower().endswith(".onnx") or _is_model(artifact) or _is_tensor(artifact)


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    tensor = _is_tensor(artifact) and not _is_model(artifact)
    if not tensor and not _is_model(artifact) and artifact.formats:
        yield from not_it(artifact, "onnx")
        return
    if artifact.source.size == 0:
        raise Incomplete("truncated", "the file is empty")
    model = _Model()
    stop = None
    try:
        Walker(artifact.source, SCHEMA, model.closed).walk("tensor" if tensor else "model")
    except Incomplete as error:
        stop = error
    yield _data(artifact) if tensor else _component(artifact, model)
    yield from _external(artifact, model)
    yield from _operators(artifact, model)
    for reason in model.lies:
        yield rules.finding(LAYOUT, artifact.at(), f"{reason}.", evidence=reason)
    yield from judge_metadata(artifact, "metadata", model.metadata)
    if stop is not None:
        raise stop
    if not tensor and not model.graphs:
        raise Incomplete("malformed", "there is no graph in the model")


def _external(artifact: Artifact, model: _Model) -> Iterator[Observation]:
    told = 0
    for location, tensor in model.locations.items():
        reason = _escape(location)
        if reason and told < _TOLD:
            told += 1
            message = f"The data of tensor {shown(tensor, 120)!r} is at {shown(location, 200)!r}, which {reason}."
            yield rules.finding(EXTERNAL, artifact.at(), message, evidence=f"external data {shown(location, 200)}")


def _escape(location: str) -> str:
    """Why a location does not stay beside the model, or "". Both separators count: the loader's system is not known."""
    parts = re.split(r"[/\\]", location)
    if location == _MEMORY:
        return "is an address in the loader's memory"
    if not location.strip():
        return "is no name"
    if re.match(r"[A-Za-z][\w+.-]+:/", location, re.ASCII):
        return "is a URL"
    if location[:1] in "/\\" or re.match(r"[A-Za-z]:", location):
        return "is an absolute path"
    if ".." in parts:
        return "leaves the model's folder"
    if any(ord(char) < 32 for char in location):
        return "holds control characters"
    return ""


def _operators(artifact: Artifact, model: _Model) -> Iterator[Observation]:
    local = {domain for domain, _ in model.functions}
    needed: dict[str, list[str]] = {}
    for domain, name in sorted(model.operators):
        opaque = None if (domain, name) in model.functions else OPAQUE.get((domain, name))
        if opaque := OPAQUE_ANYWHERE.get(name, opaque):
            what = f"{shown(domain, 80) or 'ai.onnx'}::{name}"
            severity, does = opaque
            message = f"Operator {what} {does}."
            yield rules.finding(OPAQUE_OPERATOR, artifact.at(), message, evidence=what, severity=severity)
        elif domain not in OFFICIAL and (domain, name) not in model.functions:
            needed.setdefault(domain, []).append(name)
    for domain, names in sorted(needed.items())[:_TOLD]:
        which = shown(", ".join(names[:5]), 150) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        more = " besides the functions that the model brings" if domain in local else ""
        message = f"Domain {shown(domain, 80)!r}{more}: {which}."
        evidence = f"{shown(domain, 80)}: {which}"
        yield rules.finding(CUSTOM, artifact.at(), message, evidence=evidence, facts=(("domain", shown(domain, 80)),))


def _data(artifact: Artifact) -> Component:
    where = f"{artifact.path}!{artifact.member}" if artifact.member else artifact.path
    return Component(
        kind=Kind.DATASET,
        identity=f"dataset:file:{where}",
        name=artifact.name,
        occurrences=(Occurrence(location=artifact.at()),),
        properties=(("onnx:content", "one tensor"),),
    )


def _component(artifact: Artifact, model: _Model) -> Component:
    told = dict(model.metadata)
    opsets = ", ".join(f"{domain or 'ai.onnx'} {version}" for domain, version in sorted(model.opsets.items())[:_TOLD])
    facts = ModelFacts(
        format="onnx",
        architecture=model.name,
        task=told.get("task", "")[:200],
        parameters=model.parameters,
        inputs=tuple(model.inputs),
        outputs=tuple(model.outputs),
        other=(
            ("ir-version", str(model.ir_version)),
            ("opsets", opsets[:500]),
            ("producer", model.producer),
            ("nodes", str(model.operators.total())),
            ("initializers", ", ".join(f"{name}: {count}" for name, count in sorted(model.types.items()))),
            ("functions", str(len(model.functions))),
        ),
    )
    pairs = [("onnx:external-data", location[:200]) for location in sorted(model.locations)[:_TOLD]]
    pairs += [(f"onnx:metadata:{key[:100]}", value[:200]) for key, value in sorted(told.items())[:_TOLD]]
    licences = [told[key] for key in ("license", "licence") if key in told]
    return component(artifact, facts, licenses=licences, properties=tuple(pairs))


INSPECTOR = Inspector(
    name="onnx",
    claims=_claims,
    inspect=_inspect,
    rules=(EXTERNAL, CUSTOM, OPAQUE_OPERATOR, LAYOUT, *SHARED_RULES),
    suffixes=(".onnx", ".pb"),
    model=True,
    reads="The protobuf wire format of the whole model without loading tensors: graphs, functions and nested "
    "graphs, operator domains, external data (paths that leave the folder, offsets and lengths), inputs "
    "and outputs, metadata, training info.",
    misses="Whether a custom operator's library does harm: that it is needed is what can be told. External data "
    "files are not checked against their tensors.",
)
