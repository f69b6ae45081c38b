"""TensorFlow.js: model.json with its topology and weights manifest, and the shards with the weights.

tensorflow/tfjs, tfjs-core/src/io/types.ts (ModelJSON, WeightsManifestConfig) and tfjs-converter's graph JSON.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod
from typing import Any

from mlgate import rules
from mlgate.errors import Incomplete
from mlgate.inspectors import _tensorflow_ops as ops
from mlgate.inspectors import keras
from mlgate.inspectors._json_marks import json_text
from mlgate.inspectors._keras_objects import judge
from mlgate.inspectors._keras_rules import RULES as KERAS_RULES
from mlgate.inspectors._model_metadata import SHARED_RULES, component, judge_metadata, not_it, shown
from mlgate.inspectors._tensorflow_flow import escape
from mlgate.inspectors._tensorflow_known import KNOWN
from mlgate.inspectors._tensorflow_rules import CODE, CUSTOM, FILES, NETWORK, OPAQUE
from mlgate.records import Artifact, Category, Component, Finding, Inspector, ModelFacts, Observation, Rule, Severity

_TOLD = 20
_LARGEST = 16 * 2**20
_ELEMENTS = 1 << 50
_RULES = {ops.FILES: FILES, ops.CODE: CODE, ops.NETWORK: NETWORK, ops.OPAQUE: OPAQUE}
_SHARD = re.compile(r"group\d+-shard(\d+)of(\d+)(\.bin)?", re.IGNORECASE)
_HEAD = re.compile(rb'"(modelTopology|weightsManifest)"\s*:|"format"\s*:\s*"(layers|graph)-model"')
_MANIFEST = re.compile(rb'\s*\[\s*\{\s*"(weights|paths)"\s*:\s*\[')
_NO_NUMBERS = frozenset({"elf", "hdf5", "npy", "gguf", "7z", "rar", "xz"})
# Operators that only TensorFlow.js has.
_OWN = frozenset({"Prelu", "FusedDepthwiseConv2dNative"})
_WIDTHS = {"float32": 4, "int32": 4, "bool": 1, "complex64": 8, "uint8": 1, "uint16": 2, "float16": 2}

PATHS = Rule(
    id="MLG-MDL-084",
    title="TensorFlow.js model with weights elsewhere",
    severity=Severity.HIGH,
    category=Category.MODEL_FILE,
    help="The weights manifest names a URL, an absolute path or a place above the model's folder. TensorFlow.js "
    "fetches it when the model is loaded: weights that nobody reviewed, or a file of the server under Node.js.",
    remediation="Put the weights beside the model and name them without a folder: convert the model again with "
    "`tensorflowjs_converter`.",
    cwe=("CWE-22", "CWE-829"),
    atlas=("AML.T0010",),
)
LAYOUT = Rule(
    id="MLG-MDL-085",
    title="TensorFlow.js manifest that contradicts itself",
    severity=Severity.MEDIUM,
    category=Category.MODEL_FILE,
    help="A weight of the manifest has an impossible shape or stands twice, or a group has weights and no file. "
    "Loaders cut the weights' bytes by these numbers.",
    remediation="Convert the model again with `tensorflowjs_converter`.",
    cwe=("CWE-130",),
)


@dataclass(slots=True)
class _Model:
    """What model.json says."""

    paths: list[str] = field(default_factory=list)
    lies: list[str] = field(default_factory=list)
    operators: Counter[str] = field(default_factory=Counter)
    functions: set[str] = field(default_factory=set)
    types: Counter[str] = field(default_factory=Counter)
    parameters: int = 0
    size: int = 0


def _claims(artifact: Artifact) -> bool:
    name = artifact.name.lower()
    if _SHARD.fullmatch(name):
        return True
    if not name.endswith(".json"):
        return False
    if name.endswith("weights_manifest.json"):
        return _MANIFEST.match(json_text(artifact)) is not None
    return _HEAD.search(json_text(artifact)) is not None


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    shard = _SHARD.fullmatch(artifact.name)
    if shard is not None:
        if artifact.source.size == 0:
            raise Incomplete("truncated", "the file is empty")
        facts = ModelFacts(format="tfjs-shard", other=(("shard", f"{shard[1]} of {shard[2]}"),))
        yield component(artifact, facts)
        if _NO_NUMBERS & set(artifact.formats):
            yield from not_it(artifact, "tfjs")
        return
    document = _document(artifact)
    if isinstance(document, list):
        document = {"format": "weights-manifest", "weightsManifest": document}
    if not isinstance(document, dict):
        raise Incomplete("malformed", "no object")
    model = _Model()
    _manifest(document.get("weightsManifest"), model)
    topology = document.get("modelTopology")
    for graph in (topology, document.get("modelInitializer")):
        _graph(graph, model)
    yield _component(artifact, document, model)
    yield from judge_metadata(artifact, "metadata", _texts(document))
    for path in model.paths:
        reason = escape(path)
        if reason:
            message = f"Weights are at {shown(path, 200)!r}, which {reason}."
            yield rules.finding(PATHS, artifact.at(), message, evidence=shown(path, 200))
    for reason in model.lies:
        yield rules.finding(LAYOUT, artifact.at(), f"{reason}.", evidence=shown(reason))
    yield from _operators(artifact, model)
    if isinstance(topology, dict) and "node" not in topology:
        # the browser has no Python, but tensorflowjs converts the model back with Keras; its reader sees most of them
        if keras.INSPECTOR.claims(artifact):
            return
        yield from judge(artifact, "configuration", topology)


def _document(artifact: Artifact) -> Any:
    if artifact.source.size > _LARGEST:
        raise Incomplete("limit", f"{artifact.source.size:,} bytes are more than such a file has")
    data = artifact.source.read_at(0, _LARGEST)
    try:
        return json.loads(data.decode("utf-8-sig", "surrogateescape"))
    except RecursionError:
        raise Incomplete("limit", "the JSON is nested too deep") from None
    except ValueError as error:
        raise Incomplete("malformed", f"not JSON: {error}") from None


def _manifest(groups: Any, model: _Model) -> None:
    names: set[str] = set()
    for group in groups if isinstance(groups, list) else []:
        if not isinstance(group, dict):
            continue
        paths = group.get("paths")
        paths = [str(path) for path in paths] if isinstance(paths, list) else []
        model.paths += paths
        weights = group.get("weights")
        for weight in weights if isinstance(weights, list) else []:
            if isinstance(weight, dict):
                _weight(weight, model, names)
        if weights and not paths:
            model.lies.append("A group of the manifest has weights and no file")
    del model.lies[_TOLD:]


def _weight(weight: dict[str, Any], model: _Model, names: set[str]) -> None:
    name, shape = str(weight.get("name")), weight.get("shape")
    if name in names:
        model.lies.append(f"The weight {shown(name, 100)!r} stands twice")
    names.add(name)
    sizes = shape if isinstance(shape, list) and len(shape) <= 64 else [None]
    whole: list[int] = [size for size in sizes if isinstance(size, int) and 0 <= size < _ELEMENTS]
    elements = prod(whole)
    if len(whole) < len(sizes) or elements >= _ELEMENTS:
        model.lies.append(f"The weight {shown(name, 100)!r} has an impossible shape")
        return
    quantization = weight.get("quantization")
    stored = quantization.get("dtype") if isinstance(quantization, dict) else None
    kind = str(stored or weight.get("dtype"))
    model.types[kind[:20]] += 1
    model.parameters += elements
    model.size += elements * _WIDTHS.get(kind, 0)


def _graph(graph: Any, model: _Model) -> None:
    """Operators of the main graph and of all functions of a GraphDef in JSON."""
    if not isinstance(graph, dict):
        return
    library = graph.get("library")
    functions = library.get("function") if isinstance(library, dict) else None
    groups = [graph.get("node")]
    for function in functions if isinstance(functions, list) else []:
        if isinstance(function, dict):
            groups.append(function.get("nodeDef", function.get("node_def")))
            signature = function.get("signature")
            if isinstance(signature, dict):
                model.functions.add(str(signature.get("name")))
    for nodes in groups:
        for node in nodes if isinstance(nodes, list) else []:
            if isinstance(node, dict):
                model.operators[str(node.get("op"))] += 1


def _operators(artifact: Artifact, model: _Model) -> Iterator[Finding]:
    unknown = []
    for op in sorted(model.operators):
        found = ops.judged(op)
        if found is not None:
            # TensorFlow.js has none of these operators itself; who converts the model back to Python has
            message = f"Operator {shown(op, 60)} {found[1]}, when TensorFlow runs the model."
            rule = _RULES[found[0]]
            yield rules.finding(rule, artifact.at(), message, evidence=shown(op, 100), severity=Severity.MEDIUM)
        elif op not in KNOWN and op not in model.functions and op not in _OWN:
            unknown.append(shown(op, 80))
    if unknown:
        which = ", ".join(unknown[:_TOLD]) + (f" and {len(unknown) - _TOLD} more" if len(unknown) > _TOLD else "")
        yield rules.finding(CUSTOM, artifact.at(), f"Not TensorFlow's own: {which}.", evidence=which[:300])


def _texts(document: dict[str, Any]) -> list[tuple[str, str]]:
    found = [(key, value) for key, value in document.items() if isinstance(value, str)]
    more = document.get("userDefinedMetadata")
    if isinstance(more, dict):
        found += [(key, value) for key, value in more.items() if isinstance(value, str)]
    return found[:200]


def _component(artifact: Artifact, document: dict[str, Any], model: _Model) -> Component:
    topology = document.get("modelTopology")
    config = topology.get("model_config") if isinstance(topology, dict) else None
    signature = document.get("signature")
    ends: list[tuple[str, ...]] = []
    for key in ("inputs", "outputs"):
        names = signature.get(key) if isinstance(signature, dict) else None
        ends.append(tuple(shown(name, 150) for name in list(names)[:100]) if isinstance(names, dict) else ())
    facts = ModelFacts(
        format="tfjs",
        architecture=shown(str(config.get("class_name")), 100) if isinstance(config, dict) else "",
        parameters=model.parameters or None,
        quantization=model.types.most_common(1)[0][0] if model.types else "",
        inputs=ends[0],
        outputs=ends[1],
        other=(
            ("form", shown(str(document.get("format") or ""), 50)),
            ("generated-by", shown(str(document.get("generatedBy") or ""), 100)),
            ("converted-by", shown(str(document.get("convertedBy") or ""), 100)),
            ("operators", str(model.operators.total() or "")),
            ("weights", ", ".join(f"{kind}: {count}" for kind, count in sorted(model.types.items()))),
            ("bytes-of-weights", str(model.size or "")),
        ),
    )
    pairs = tuple(("tfjs:weights", shown(path, 200)) for path in model.paths[:_TOLD])
    return component(artifact, facts, properties=pairs)


INSPECTOR = Inspector(
    name="tfjs",
    claims=_claims,
    inspect=_inspect,
    rules=(PATHS, LAYOUT, FILES, CODE, NETWORK, OPAQUE, CUSTOM, *KERAS_RULES, *SHARED_RULES),
    model=True,
    reads="TensorFlow.js models: the operators of `model.json`'s graph and functions or its Keras layers, the weights "
    "manifest with the paths it names, and its free text. Shards of weights hold numbers only and are listed.",
    misses="The JavaScript that loads the model and registers custom operators, and whether the shards are as long as "
    "the manifest says, since each file is looked at alone.",
)
