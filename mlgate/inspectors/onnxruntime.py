"""ONNX Runtime's own format (`.ort`): an ONNX model as a flatbuffer.

Source: onnxruntime/core/flatbuffers/schema/ort.fbs (identifier ORTM).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod

from mlgate import rules
from mlgate.errors import Incomplete
from mlgate.inspectors._flatbuffers import Buffer, Table
from mlgate.inspectors._model_metadata import SHARED_RULES, component, judge_metadata, not_it, shown
from mlgate.inspectors._onnx_schema import OFFICIAL, OPAQUE, OPAQUE_ANYWHERE, TYPES
from mlgate.inspectors.onnx import CUSTOM, LAYOUT, OPAQUE_OPERATOR
from mlgate.records import Artifact, Component, Finding, Inspector, ModelFacts, Observation

_TOLD = 20
_KEPT = 10_000
_LARGEST = 1 << 62
_DEPTH = 64


@dataclass(slots=True)
class _Model:
    """What the tables say."""

    version: str = ""
    producer: str = ""
    opsets: dict[str, int] = field(default_factory=dict)
    operators: Counter[tuple[str, str]] = field(default_factory=Counter)
    types: Counter[str] = field(default_factory=Counter)
    parameters: int = 0
    external: int = 0
    graphs: int = 0
    lies: list[str] = field(default_factory=list)
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    metadata: list[tuple[str, str]] = field(default_factory=list)

    def read(self, root: Table) -> None:
        """Takes the session: the model, then its graphs with all that are nested in them."""
        self.version = root.text(0, 40)
        model = root.table(1)
        if model is None:
            raise Incomplete("malformed", "there is no model in the session")
        self.producer = f"{model.text(2, 100)} {model.text(3, 100)}".strip()
        for opset in model.vector(1).tables():
            if len(self.opsets) < _KEPT:
                self.opsets[opset.text(0, 200)] = opset.integer(1, "q")
        for entry in model.vector(9).tables():
            if len(self.metadata) < _KEPT:
                self.metadata.append((entry.text(0), entry.text(1)))
        graph = model.table(7)
        if graph is None:
            raise Incomplete("malformed", "there is no graph in the model")
        self.inputs = tuple(shown(name, 100) for name in _first(graph, 5))
        self.outputs = tuple(shown(name, 100) for name in _first(graph, 6))
        pending = [(graph, 1)]
        while pending:
            one, depth = pending.pop()
            if depth > _DEPTH:
                raise Incomplete("limit", f"graphs are nested deeper than {_DEPTH}")
            pending.extend((inner, depth + 1) for inner in self._graph(one))

    def _graph(self, graph: Table) -> Iterator[Table]:
        self.graphs += 1
        for tensor in graph.vector(0).tables():
            self._tensor(tensor, weight=True)
        for sparse in graph.vector(7).tables():
            for number in (0, 1):
                tensor_or_none = sparse.table(number)
                if tensor_or_none is not None:
                    self._tensor(tensor_or_none, weight=number == 0)
        for node in graph.vector(2).tables():
            key = (node.text(2, 200), node.text(5, 200))
            self.operators[key] += 1
            if len(self.operators) > _KEPT:
                raise Incomplete("limit", f"more than {_KEPT:,} different operators")
            for attribute in node.vector(10).tables():
                yield from self._attribute(attribute)

    def _attribute(self, attribute: Table) -> Iterator[Table]:
        for tensor in (attribute.table(6), *attribute.vector(11).tables()):
            if tensor is not None:
                self._tensor(tensor, weight=False)
        for graph in (attribute.table(7), *attribute.vector(12).tables()):
            if graph is not None:
                yield graph

    def _tensor(self, tensor: Table, *, weight: bool) -> None:
        dimensions = tensor.vector(2, 8).numbers("q", 64)
        name, bits = TYPES.get(tensor.integer(3, "i"), ("other", 0))
        elements = prod(dimensions)
        label = f"tensor {shown(tensor.text(0, 200), 120)!r}"
        if any(n < 0 for n in dimensions) or elements >= _LARGEST:
            self._lie(f"{label} has negative or overflowing dimensions")
            return
        if tensor.has(6) and tensor.integer(6, "q", -1) >= 0:
            self.external += 1
        elif tensor.has(4) and bits and tensor.vector(4, 1).count != (elements * bits + 7) // 8:
            self._lie(f"{label} has another size than its type and shape say")
        if weight:
            self.parameters = min(self.parameters + elements, _LARGEST)
            self.types[name] += 1

    def _lie(self, reason: str) -> None:
        if len(self.lies) < _TOLD:
            self.lies.append(reason)


def _first(graph: Table, number: int) -> list[str]:
    return [name for _, name in zip(range(100), graph.vector(number).texts(200), strict=False)]


def _claims(artifact: Artifact) -> bool:
    return "onnxruntime" in artifact.formats or artifact.name.lower().endswith(".ort")


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    if "onnxruntime" not in artifact.formats:
        yield from not_it(artifact, "onnxruntime")
        return
    model = _Model()
    stop = None
    try:
        model.read(Buffer(artifact.source).root())
    except Incomplete as error:
        stop = error
    yield _component(artifact, model)
    yield from _operators(artifact, model)
    for reason in model.lies:
        yield rules.finding(LAYOUT, artifact.at(), f"{reason}.", evidence=reason)
    yield from judge_metadata(artifact, "metadata", model.metadata)
    if stop is not None:
        raise stop


def _operators(artifact: Artifact, model: _Model) -> Iterator[Finding]:
    needed: dict[str, list[str]] = {}
    for domain, name in sorted(model.operators):
        opaque = OPAQUE.get((domain, name)) or OPAQUE_ANYWHERE.get(name)
        if opaque:
            severity, does = opaque
            what = f"{domain}::{name}"
            yield rules.finding(
                OPAQUE_OPERATOR, artifact.at(), f"Operator {what} {does}.", evidence=what, severity=severity
            )
        elif domain not in OFFICIAL:
            needed.setdefault(domain, []).append(name)
    for domain, names in sorted(needed.items())[:_TOLD]:
        which = shown(", ".join(names[:5]), 150) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        message = f"Domain {shown(domain, 80)!r}: {which}."
        evidence = f"{shown(domain, 80)}: {which}"
        yield rules.finding(CUSTOM, artifact.at(), message, evidence=evidence, facts=(("domain", shown(domain, 80)),))


def _component(artifact: Artifact, model: _Model) -> Component:
    told = dict(model.metadata)
    opsets = ", ".join(f"{domain or 'ai.onnx'} {version}" for domain, version in sorted(model.opsets.items())[:_TOLD])
    facts = ModelFacts(
        format="onnxruntime",
        parameters=model.parameters or None,
        quantization=model.types.most_common(1)[0][0] if model.types else "",
        inputs=model.inputs,
        outputs=model.outputs,
        other=(
            ("version", shown(model.version, 40)),
            ("producer", shown(model.producer, 100)),
            ("opsets", shown(opsets, 500)),
            ("nodes", str(model.operators.total())),
            ("graphs", str(model.graphs)),
            ("initializers", ", ".join(f"{name}: {count}" for name, count in sorted(model.types.items()))),
            ("external-tensors", str(model.external or "")),
        ),
    )
    pairs = tuple((f"onnx:metadata:{key[:100]}", value[:200]) for key, value in sorted(told.items())[:_TOLD])
    return component(artifact, facts, licenses=[told.get("license", "")], properties=pairs)


INSPECTOR = Inspector(
    name="onnxruntime",
    claims=_claims,
    inspect=_inspect,
    rules=(CUSTOM, OPAQUE_OPERATOR, LAYOUT, *SHARED_RULES),
    suffixes=(".ort",),
    model=True,
    reads="The whole model in ONNX Runtime's flatbuffer: graphs with all nested graphs, operators and their domains, "
    "sizes of tensors against type and shape, metadata.",
    misses="What a custom operator's library does; recorded optimisations, which name only operators that the runtime "
    "itself makes.",
)
