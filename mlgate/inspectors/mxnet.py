"""MXNet: graphs in JSON (`-symbol.json`) and lists of arrays (`.params`, magic number 0x112).

Source: apache/mxnet, src/ndarray/ndarray.cc (NDArray::Save, versions 1 to 3 and the one before), 3rdparty nnvm's
saveload_json.cc, src/operator/custom/native_op-inl.h and ndarray_op-inl.h (whose `info` is an address), plugin/torch.
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
from mlgate.identify import is_text
from mlgate.inspectors._cursor import Cursor
from mlgate.inspectors._json_marks import json_text
from mlgate.inspectors._model_metadata import component, not_it, shown
from mlgate.inspectors._runtime_rules import BACKEND, CUSTOM, FILES, LAYOUT, RUNS
from mlgate.records import Artifact, Inspector, ModelFacts, Observation, Severity

_TOLD = 20
_KEPT = 10_000
_JSON = 16 * 2**20
_PARTS = 20_000_000
_ARRAYS = 1_000_000
_LARGEST = 1 << 62
_NODES = re.compile(rb'"nodes"\s*:\s*\[')
_VARIABLE = re.compile(rb'"op"\s*:\s*"null"')  # what graphs begin with
_NDARRAY = b"\x12\x01" + bytes(14)
_TVM = (0xF7E58D4F05049CB7).to_bytes(8, "little")
_V1, _V2, _V3 = 0xF993FAC8, 0xF993FAC9, 0xF993FACA
# mshadow's type flags: name and bytes of an element
_TYPES = {
    0: ("float32", 4), 1: ("float64", 8), 2: ("float16", 2), 3: ("uint8", 1), 4: ("int32", 4), 5: ("int8", 1),
    6: ("int64", 8), 7: ("bool", 1), 8: ("int16", 2), 9: ("uint16", 2), 10: ("uint32", 4), 11: ("uint64", 8),
    12: ("bfloat16", 2),
}  # fmt: skip
_AUXILIARY = {-1: 0, 0: 0, 1: 1, 2: 2}  # dense, dense, rows, compressed rows: how many arrays of indices

_RUNS = {
    "_Native": "calls the function at an address",
    "_NDArray": "calls the function at an address",
    "_CustomFunction": "calls the function at an address",
    "TorchModule": "runs Lua",
    "TorchCriterion": "runs Lua",
}
_NEEDS = {
    "Custom": "is a Python class that the process has registered",
    "CaffeOp": "is a layer of Caffe",
    "CaffeLoss": "is a layer of Caffe",
    "tvm_op": "is a function of a library that was compiled for the graph",
    "_custom_subgraph_op": "is of a library of custom operators",
}
_ENGINES = frozenset({"_TensorRT", "_trt_op"})


@dataclass(slots=True)
class _Graph:
    """What the nodes say."""

    operators: Counter[str] = field(default_factory=Counter)
    details: dict[str, set[str]] = field(default_factory=dict)
    variables: list[str] = field(default_factory=list)
    version: str = ""

    def read(self, document: Any) -> None:
        """Takes a graph and those in it: nodes of loops hold subgraphs. Raises Incomplete (limit)."""
        pending: list[Any] = [document]
        seen = 0
        while pending:
            item = pending.pop()
            seen += 1
            if seen > _PARTS:
                raise Incomplete("limit", f"more than {_PARTS:,} parts")
            if isinstance(item, dict):
                nodes = item.get("nodes")
                for node in nodes if isinstance(nodes, list) else ():
                    if isinstance(node, dict):
                        self._node(node)
                pending.extend(part for part in item.values() if isinstance(part, dict | list))
            else:
                pending.extend(part for part in item if isinstance(part, dict | list))

    def _node(self, node: dict[str, Any]) -> None:
        name = str(node.get("op"))[:200]
        if name == "null":
            if len(self.variables) < _KEPT:
                self.variables.append(str(node.get("name"))[:200])
            return
        if name not in self.operators and len(self.operators) >= _KEPT:
            raise Incomplete("limit", f"more than {_KEPT:,} different operators")
        self.operators[name] += 1
        for key in ("attrs", "attr", "param"):  # since 1.0, before it, and before 0.9
            values = node.get(key)
            for detail in ("op_type", "filename", "func_name", "lua_string", "prototxt", "info"):
                if isinstance(values, dict) and detail in values and len(self.details.setdefault(name, set())) < _TOLD:
                    self.details[name].add(str(values[detail])[:200])


def _claims(artifact: Artifact) -> bool:
    name = artifact.name.lower()
    if "mxnet" in artifact.formats:
        return True
    if name.endswith(".params"):
        return not is_text(artifact.name, artifact.head)
    if name.endswith("-symbol.json"):  # the name that MXNet gives: the nodes may be far from the beginning
        return _NODES.search(json_text(artifact)) is not None
    if not name.endswith(".json"):
        return False
    text = json_text(artifact)
    return all(part.search(text) for part in (_NODES, _VARIABLE))


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    if artifact.source.size == 0:
        raise Incomplete("truncated", "the file is empty")
    if "mxnet" in artifact.formats:
        yield from _arrays(artifact)
    elif artifact.name.lower().endswith(".json"):
        yield from _graph(artifact)
    elif artifact.head.startswith(_TVM):
        yield component(artifact, ModelFacts(format="tvm"))
        raise Incomplete("unsupported", "a list of TVM's arrays")
    else:
        yield from not_it(artifact, "mxnet")


def _graph(artifact: Artifact) -> Iterator[Observation]:
    if artifact.source.size > _JSON:
        raise Incomplete("limit", f"{artifact.source.size:,} bytes are more than a graph has")
    try:
        document = json.loads(artifact.source.read_at(0, _JSON).decode("utf-8-sig", "surrogateescape"))
    except RecursionError:
        raise Incomplete("limit", "the JSON is nested too deep") from None
    except ValueError as error:
        raise Incomplete("malformed", f"not JSON: {error}") from None
    if not isinstance(document, dict) or not isinstance(document.get("nodes"), list):
        raise Incomplete("malformed", "there are no nodes")
    graph = _Graph()
    graph.read(document)
    told = document.get("attrs")
    version = told.get("mxnet_version") if isinstance(told, dict) else None
    facts = ModelFacts(
        format="tvm" if "tvm_op" in graph.operators else "mxnet",
        inputs=tuple(shown(name, 100) for name in graph.variables if name in {"data", "x", "input"}),
        other=(
            ("version", shown(str(version[-1]), 20) if isinstance(version, list) and version else ""),
            ("operators", str(graph.operators.total())),
            ("variables", str(len(graph.variables))),
        ),
    )
    yield component(artifact, facts)
    for table, rule in ((_RUNS, RUNS), (_NEEDS, CUSTOM)):
        for name in sorted(table.keys() & graph.operators.keys()):
            what = shown(", ".join(sorted(graph.details.get(name, ()))), 200)
            message = f"Operator {name!r} {table[name]}{f': {what}' if what else ''}."
            yield rules.finding(rule, artifact.at(), message, evidence=f"{name} {what}".strip())
    if "_cvimread" in graph.operators:
        what = shown(", ".join(sorted(graph.details.get("_cvimread", ()))), 200)
        yield rules.finding(FILES, artifact.at(), f"Operator '_cvimread' opens {what!r}.", evidence=f"_cvimread {what}")
    for name in sorted(_ENGINES & graph.operators.keys()):
        message = f"Operator {name!r} hands bytes of the model to another engine."
        yield rules.finding(BACKEND, artifact.at(), message, evidence=name, severity=Severity.MEDIUM)


@dataclass(slots=True)
class _List:
    """What a list of arrays says."""

    types: Counter[str] = field(default_factory=Counter)
    parameters: int = 0
    sparse: int = 0

    def array(self, cursor: Cursor) -> None:
        """Goes over one array. Raises Incomplete (truncated, malformed)."""
        start = cursor.at
        magic = cursor.number("I")
        auxiliary = 0
        if magic in {_V2, _V3}:
            auxiliary = _AUXILIARY.get(cursor.number("i"), -1)
            if auxiliary < 0:
                raise Incomplete("malformed", "an array has an unknown kind of storage", offset=start)
        stored = _shape(cursor, wide=True) if auxiliary else None
        if magic in {_V1, _V2, _V3}:
            shape = _shape(cursor, wide=True)
            if shape is None or (not shape and magic != _V3):
                return  # none at all
        else:
            shape = _dimensions(cursor, magic, wide=False)
            if not shape:
                return
        cursor.skip(8)  # the device
        kind, width = self._kind(cursor)
        self.types[kind] += 1
        self.parameters = min(self.parameters + prod(shape), _LARGEST)
        self.sparse += bool(auxiliary)
        indices = []
        for _ in range(auxiliary):
            own = self._kind(cursor)[1]
            indices.append(own * prod(_shape(cursor, wide=True) or ()))
        cursor.skip(width * prod(stored if auxiliary and stored is not None else shape))
        for size in indices:
            cursor.skip(size)

    def _kind(self, cursor: Cursor) -> tuple[str, int]:
        at = cursor.at
        flag = cursor.number("i")
        if flag not in _TYPES:
            raise Incomplete("malformed", f"an array has the unknown type {flag}", offset=at)
        return _TYPES[flag]


def _shape(cursor: Cursor, *, wide: bool) -> list[int] | None:
    count = cursor.number("i")
    return None if count == -1 else _dimensions(cursor, count, wide=wide)


def _dimensions(cursor: Cursor, count: int, *, wide: bool) -> list[int]:
    if not 0 <= count <= 64:
        raise Incomplete("malformed", f"an array with {count:,} dimensions", offset=cursor.at)
    dimensions = [cursor.number("q" if wide else "I") for _ in range(count)]
    if any(n < 0 for n in dimensions):
        raise Incomplete("malformed", "an array has a negative dimension", offset=cursor.at)
    return dimensions


def _arrays(artifact: Artifact) -> Iterator[Observation]:
    found = _List()
    cursor = Cursor(artifact.source, at=len(_NDARRAY))
    names: list[str] = []
    count = stop = None
    try:
        count = cursor.number("Q")
        for _ in range(min(count, _ARRAYS)):
            found.array(cursor)
        names = _names(cursor, count)
    except Incomplete as error:
        stop = error
    facts = ModelFacts(
        format="mxnet-params",
        parameters=found.parameters,
        quantization=found.types.most_common(1)[0][0] if found.types else "",
        other=(
            ("arrays", ", ".join(f"{kind}: {number}" for kind, number in sorted(found.types.items()))),
            ("sparse", str(found.sparse or "")),
            ("names", str(len(names))),
        ),
    )
    yield component(artifact, facts)
    if stop is not None:
        raise stop
    if names and len(names) != count:
        message = f"There are {count:,} arrays and {len(names):,} names."
        yield rules.finding(LAYOUT, artifact.at(), message, evidence="names and arrays")
    left = cursor.end - cursor.at
    if left:
        message = f"{left:,} bytes after the last name belong to nothing."
        where = artifact.at(offset=cursor.at)
        yield rules.finding(LAYOUT, where, message, evidence="bytes after the end", severity=Severity.MEDIUM)


def _names(cursor: Cursor, arrays: int | None) -> list[str]:
    if arrays is None or arrays > _ARRAYS:
        raise Incomplete("limit", f"more than {_ARRAYS:,} arrays", offset=cursor.at)
    count = cursor.number("Q")
    if count > _ARRAYS:
        raise Incomplete("limit", f"more than {_ARRAYS:,} names", offset=cursor.at)
    names = []
    for _ in range(count):
        length = cursor.number("Q")
        at = cursor.at
        cursor.skip(length)
        cursor.at = at
        names.append(cursor.take(min(length, 200)).decode("utf-8", "backslashreplace"))
        cursor.at = at + length
    return names


INSPECTOR = Inspector(
    name="mxnet",
    claims=_claims,
    inspect=_inspect,
    rules=(RUNS, CUSTOM, FILES, BACKEND, LAYOUT),
    suffixes=(".params",),
    model=True,
    reads="Graphs in JSON with all subgraphs, in the forms of all versions: operators that call an address, run Lua, "
    "need a Python class or a library, or open a file. Lists of arrays in all versions, dense and sparse, are walked "
    "to their end.",
    misses="Operators of libraries that are loaded before the graph, when they are not marked as such; arrays of TVM, "
    "which are incomplete.",
)
