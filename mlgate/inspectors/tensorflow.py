"""TensorFlow: SavedModel, frozen graph and metagraph, binary or text, with all functions and Keras's metadata.

tensorflow/core/protobuf/saved_model.proto, meta_graph.proto, saved_object_graph.proto, core/framework/graph.proto.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

from mlgate import rules
from mlgate.errors import Incomplete
from mlgate.inspectors import _tensorflow_ops as ops
from mlgate.inspectors._keras_config import LARGEST, parse
from mlgate.inspectors._keras_objects import judge
from mlgate.inspectors._keras_rules import CUSTOM as KERAS_CUSTOM
from mlgate.inspectors._keras_rules import RULES as KERAS_RULES
from mlgate.inspectors._model_metadata import component, not_it, shown
from mlgate.inspectors._protobuf import Walker, shallow
from mlgate.inspectors._prototext import TextWalker
from mlgate.inspectors._tensorflow_flow import Flow, escape
from mlgate.inspectors._tensorflow_graph import Graph
from mlgate.inspectors._tensorflow_known import KNOWN
from mlgate.inspectors._tensorflow_rules import (
    CODE,
    CUSTOM,
    FILES,
    NETWORK,
    OPAQUE,
    PATHS,
    TENSORFLOW_RULES,
)
from mlgate.inspectors._tensorflow_schema import NAMES, SCHEMA, TYPE_NAMES
from mlgate.records import Artifact, Component, Finding, Inspector, ModelFacts, Observation, Rule, Severity

_TOLD = 20
_TEXT = 24 * 2**20
_RULES = {ops.FILES: FILES, ops.CODE: CODE, ops.NETWORK: NETWORK, ops.OPAQUE: OPAQUE}
_NAMED = {
    "saved_model.pb": "saved_model",
    "saved_model.pbtxt": "saved_model",
    "keras_metadata.pb": "saved_metadata",
    "fingerprint.pb": "fingerprint",
    "saved_model_debug_info.pb": "debug_info",
    "tfhub_module.pb": "hub_module",
}
# Wire types of the fields of GraphDef, MetaGraphDef and NodeDef.
_GRAPH = {1: 2, 2: 2, 3: 0, 4: 2, 5: 2}
_META = {1: 2, 2: 2, 3: 2, 4: 2, 5: 2, 6: 2, 7: 2}
_INFO = {1: 2, 2: 2, 3: 2, 4: 2, 5: 2, 6: 2, 7: 0, 8: 2}
_OPERATOR = re.compile(rb"[A-Za-z_][\w>.-]*")
_TEXT_HEAD = re.compile(
    rb"(?:\s|#[^\n]*\n)*(?:(meta_graphs|saved_model_schema_version|meta_info_def|graph_def)"
    rb"|node|library|versions?|debug_info)\s*[:{<\[]"
)
_TEXT_NODE = re.compile(rb"\bop\s*(#[^\n]*\n\s*)*:|\bsignature\s*:?\s*[{<]")
_FORMATS = {
    "saved_model": "tensorflow-savedmodel",
    "graph": "tensorflow-graph",
    "meta_graph": "tensorflow-metagraph",
    "saved_metadata": "tensorflow-keras-metadata",
}


def _inner(head: bytes, number: int, found: list[tuple[int, int, int, int]]) -> list[tuple[int, int, int, int]]:
    """The fields of the first message that stands under this number, as far as the head goes."""
    for field, wire, length, start in found:
        if field == number and wire == 2:
            return [(n, w, v, start + at) for n, w, v, at in shallow(head[start : start + length], length) or []]
    return []


def _fits(found: list[tuple[int, int, int, int]], wires: dict[int, int]) -> bool:
    return bool(found) and all(wires.get(number) == wire for number, wire, _, _ in found)


def _binary(head: bytes, size: int) -> str:
    """Which message the bytes begin like, or ""."""
    found = shallow(head, size) or []
    if _fits(found, {1: 0, 2: 2}) and any(number == 2 for number, *_ in found):
        meta = _inner(head, 2, found)
        version = [value for number, _, value, _ in found if number == 1]
        if all(value == 1 for value in version) and _fits(meta, _META) and _fits(_inner(head, 1, meta), _INFO):
            return "saved_model"
    if _fits(found, _GRAPH):
        node = _inner(head, 1, found)
        named = [head[start : start + length] for number, _, length, start in node if number in {1, 2}]
        if len(named) > 1 and _fits(node, _META) and all(map(_OPERATOR.match, named)) and _printable(named[:2]):
            return "graph"
    # ONNX's tensors begin with a block too, but never with one that has the fields of MetaInfoDef and a graph after it
    if _fits(found, _META) and found[0][0] == 1:
        info = _inner(head, 1, found)
        if _fits(info, _INFO) and {number for number, *_ in info} & {2, 4, 5} and found[0][2] > 8:
            return "meta_graph"
    return ""


def holds_node(head: bytes, size: int) -> bool:
    """Whether a field 1 is a NodeDef with a printable name and operator, whatever stands beside it.

    Parsers skip fields of another number or wire type than theirs, so these do not make it another format.
    """
    for number, wire, length, start in shallow(head, size) or []:
        if (number, wire) == (1, 2):
            inner = shallow(head[start : start + length], length) or []
            texts = {n: head[start + at : start + at + v] for n, w, v, at in inner if w == 2}
            if {1, 2} <= texts.keys() and _printable([texts[1], texts[2]]) and _OPERATOR.fullmatch(texts[2]):
                return True
    return False


def _printable(texts: list[bytes]) -> bool:
    return all(text and not re.search(rb"[^\x20-\x7e]", text) for text in texts)


def _kind(artifact: Artifact) -> tuple[str, bool]:
    """The root message ("" when it is none of ours), and whether it is in text."""
    name = artifact.name.lower()
    head = artifact.head
    # comments may stand before everything, and in `.pbtxt` that is all there can be of what is not looked at
    shown_ = artifact.source.read_at(0, _TEXT) if name.endswith(".pbtxt") else head
    text = _TEXT_HEAD.match(shown_) if name.endswith((".pbtxt", ".pb", ".meta", ".txt")) else None
    if text is not None and (text[1] or _TEXT_NODE.search(shown_)):
        if name.startswith("saved_model") or text[1] in {b"meta_graphs", b"saved_model_schema_version"}:
            return "saved_model", True
        return ("meta_graph" if text[1] else "graph"), True
    if name in _NAMED:
        return _NAMED[name], name.endswith(".pbtxt")
    kind = _binary(head, artifact.source.size)
    if not kind and name.endswith(".pb") and holds_node(head, artifact.source.size):
        kind = "graph"
    # what import_meta_graph loads is read as a metagraph, whatever else it could be
    if name.endswith(".meta") and (kind or re.fullmatch(r".+\.ckpt(-\d+)?\.meta", name)):
        return "meta_graph", False
    return kind, False


def _split(artifact: Artifact) -> bool:
    return artifact.name.lower() == "saved_model.cpb"


def _claims(artifact: Artifact) -> bool:
    return bool(_kind(artifact)[0]) or _split(artifact)


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    if _split(artifact):
        raise Incomplete("unsupported", "a SavedModel in several chunks (proto_splitter) is not read")
    kind, text = _kind(artifact)
    if artifact.source.size == 0:
        raise Incomplete("truncated", "the file is empty")
    if not kind or (artifact.formats and not text and not shallow(artifact.head, artifact.source.size)):
        yield from not_it(artifact, "tensorflow")
        return
    stop = None
    graph = Graph(artifact.source.read_at)
    try:
        if text:
            _walk_text(artifact, graph, kind)
        else:
            Walker(artifact.source, SCHEMA, graph.closed).walk(kind)
    except Incomplete as error:
        stop = error
    if kind in _FORMATS:
        yield _component(artifact, graph, kind)
    yield from _operators(artifact, graph)
    yield from _said(artifact, graph)
    try:
        yield from _names(artifact, graph)
        yield from _keras(artifact, graph)
    except Incomplete as error:
        stop = stop or error
    if stop is not None:
        raise stop
    if kind == "saved_model" and graph.schema_version != 1:
        raise Incomplete("unsupported", f"a SavedModel of schema version {graph.schema_version}")
    if kind in {"saved_model", "meta_graph", "graph"} and not graph.graphs:
        raise Incomplete("malformed", "there is no graph in the model")
    if kind == "saved_metadata" and not graph.keras and artifact.source.size:
        raise Incomplete("malformed", "the metadata of Keras has no object where Keras looks for them")


def _walk_text(artifact: Artifact, graph: Graph, kind: str) -> None:
    if artifact.source.size > _TEXT:
        raise Incomplete("limit", f"a graph of {artifact.source.size:,} bytes as text")
    walker = TextWalker(artifact.source.read_at(0, _TEXT), NAMES, graph.closed, TYPE_NAMES)
    graph.read = lambda offset, length: bytes(walker.data[offset : offset + length])
    walker.walk(kind)


def _operators(artifact: Artifact, graph: Graph) -> Iterator[Finding]:
    functions = {name for _, name in graph.functions}
    unknown: list[str] = []
    for op, count in sorted(graph.operators.items()):
        found = ops.judged(op)
        if found is not None:
            kind, does = found
            where = ", ".join(shown(name, 80) for name in graph.places.get(op, []))
            times = f" ({count:,} times)" if count > 1 else ""
            message = f"Operator {shown(op, 60)} {does}{times}: {where}."
            severity = Severity.MEDIUM if op in ops.MILD else None
            yield rules.finding(_RULES[kind], artifact.at(), message, evidence=shown(op, 100), severity=severity)
        elif op not in KNOWN and op not in functions:
            unknown.append(shown(op, 80))
    if unknown:
        more = f" and {len(unknown) - _TOLD} more" if len(unknown) > _TOLD else ""
        which = ", ".join(unknown[:_TOLD]) + more
        yield rules.finding(CUSTOM, artifact.at(), f"Not TensorFlow's own: {which}.", evidence=which[:300])


def _said(artifact: Artifact, graph: Graph) -> Iterator[Finding]:
    """Operators that an attribute makes reach a file or a service."""
    for (op, text), node in sorted(graph.said.items()):
        rule: Rule | None = None
        if op == "PrintV2":
            rule = FILES if "://" in text and not text.startswith("log(") else None
        elif op in {"DecodeProtoV2", "EncodeProto"}:
            rule = FILES if text and not text.startswith(("local://", "bytes://")) else None
        elif op.startswith("Debug"):
            rule = NETWORK if text.startswith("grpc") else FILES if text and not text.startswith("memcbk://") else None
        elif text:
            rule = FILES
        if rule is not None:
            message = f"Operator {op} of node {shown(node, 100)!r} is told to use {shown(text, 150)!r}."
            yield rules.finding(rule, artifact.at(), message, evidence=f"{op} {shown(text, 150)}")
    for callback, node in sorted(graph.callbacks.items()):
        message = f"The compiled program of {shown(node, 150)} calls {callback}, a Python function of the process."
        yield rules.finding(CODE, artifact.at(), message, evidence=callback)


def _names(artifact: Artifact, graph: Graph) -> Iterator[Finding]:
    told: set[tuple[str, str]] = set()
    for _, name in graph.assets:
        reason = escape(name)
        if reason and len(told) < _TOLD and ("asset", name) not in told:
            told.add(("asset", name))
            message = f"The asset {shown(name, 150)!r} {reason}."
            yield rules.finding(PATHS, artifact.at(), message, evidence=f"asset {shown(name, 150)}")
    for found in Flow(graph).reached():
        if len(told) < _TOLD and (found.op, found.name) not in told:
            told.add((found.op, found.name))
            which = f"{shown(found.name, 150)!r}, which {found.reason}" if found.name else f"a name that {found.reason}"
            message = f"Operator {found.op} of node {shown(found.node, 100)!r} {found.does} {which}."
            yield rules.finding(PATHS, artifact.at(), message, evidence=f"{found.op} {shown(found.name, 150)}".strip())


def _keras(artifact: Artifact, graph: Graph) -> Iterator[Observation]:
    """What the configurations of Keras's layers make their loader build, each told once."""
    told: set[tuple[str, str]] = set()
    stop = None
    for identifier, start, length in graph.metadata:
        if not length:
            continue
        try:
            document = parse(graph.read(start, min(length, LARGEST + 1)))
            for item in judge(artifact, f"Keras metadata ({shown(identifier, 60)})", document):
                if not isinstance(item, Finding):
                    yield item
                elif (item.rule.id, item.evidence) not in told and len(told) < 5 * _TOLD:
                    told.add((item.rule.id, item.evidence))
                    # a class that is missing is made from the functions of the graph
                    harmless = item.rule.id == KERAS_CUSTOM.id
                    yield dataclasses.replace(item, severity=Severity.LOW) if harmless else item
        except Incomplete as error:
            stop = stop or error
    if stop is not None:
        raise stop


def _component(artifact: Artifact, graph: Graph, kind: str) -> Component:
    functions = sum(1 for _ in graph.functions)
    parameters = graph.variables or graph.constants
    facts = ModelFacts(
        format=_FORMATS[kind],
        task=", ".join(shown(method, 60) for method in graph.methods if method)[:200],
        parameters=parameters or None,
        inputs=tuple(shown(text, 200) for text in graph.inputs),
        outputs=tuple(shown(text, 200) for text in graph.outputs),
        other=(
            ("tensorflow-version", shown(graph.version, 50)),
            ("tags", shown(", ".join(graph.tags), 200)),
            ("nodes", str(graph.operators.total())),
            ("functions", str(functions)),
            ("tensors", ", ".join(f"{name}: {count}" for name, count in sorted(graph.types.items()))),
            ("assets", ", ".join(shown(name, 80) for _, name in graph.assets[:_TOLD])),
            ("keras-objects", str(graph.keras) if graph.keras else ""),
        ),
    )
    pairs = tuple(("tensorflow:registered-class", shown(name, 100)) for name in list(graph.registered)[:_TOLD])
    return component(artifact, facts, properties=pairs)


INSPECTOR = Inspector(
    name="tensorflow",
    claims=_claims,
    inspect=_inspect,
    rules=(*TENSORFLOW_RULES, *KERAS_RULES),
    suffixes=(".pb", ".pbtxt", ".meta"),
    model=True,
    reads="SavedModels (`saved_model.pb`, `saved_model.pbtxt`, `keras_metadata.pb`), frozen graphs and metagraphs, "
    "under any name that their content shows: every operator of the graph and of all functions of its library, the "
    "file names that its constants give to operators that save, restore or fill tables (followed through functions), "
    "assets, signatures and variables, and the Keras layers that the file describes. Compiled StableHLO programs are "
    "searched for calls back into Python.",
    misses="What custom operators do (their library is not in the file), what a compiled TensorRT engine or XLA "
    "program does, names that the caller gives at run time, and whether an operator that is there is ever run. "
    "SavedModels that are split into chunks (`saved_model.cpb`) are reported as not understood. Lists of operators "
    "are those of TensorFlow 2.18: newer ones are reported as custom.",
)
