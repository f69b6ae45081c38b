"""PaddlePaddle's programs: ProgramDesc (paddle/fluid/framework/framework.proto), and PIR's JSON since version 3.

PIR: paddle/fluid/pir/serialize_deserialize/include/schema.h for the keys, its DialectIdMap for the shortened names.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod
from typing import Any

from mlgate import rules
from mlgate.errors import Incomplete
from mlgate.inspectors._model_metadata import shown
from mlgate.inspectors._protobuf import INT, INTS, TEXT, Message, Schema
from mlgate.inspectors._runtime_rules import BACKEND, CUSTOM, FILES, NETWORK, RUNS
from mlgate.records import Artifact, Finding, Rule, Severity

_KEPT = 10_000
_TOLD = 20
_LARGEST = 1 << 62
_PIECES = 20_000_000

SCHEMA: Schema = {
    "program": {1: "block", 4: "version"},
    "version": {1: INT},
    "block": {3: "variable", 4: "operator"},
    "variable": {1: TEXT, 2: "type", 3: INT},
    "type": {1: INT, 3: "tensor"},
    "tensor": {1: "description"},
    "description": {1: INT, 2: INTS},
    "operator": {1: "slot", 2: "slot", 3: TEXT, 4: "attribute"},
    "slot": {1: TEXT, 2: TEXT},
    "attribute": {1: TEXT, 5: TEXT},
}
# VarType.Type: name and bytes of an element.
TYPES = {
    0: ("bool", 1), 1: ("int16", 2), 2: ("int32", 4), 3: ("int64", 8), 4: ("float16", 2), 5: ("float32", 4),
    6: ("float64", 8), 19: ("size_t", 8), 20: ("uint8", 1), 21: ("int8", 1), 22: ("bfloat16", 2),
    23: ("complex64", 8), 24: ("complex128", 16), 32: ("float8_e4m3fn", 1), 33: ("float8_e5m2", 1),
}  # fmt: skip

_READS, _WRITES = "reads a file", "writes a file"
_SERVES, _TALKS = "opens a port", "talks to a server"
_FILES = {
    **dict.fromkeys(("load", "load_combine", "sparse_load", "sparse_large_scale_load", "read_file"), _READS),
    **dict.fromkeys(("open_files", "create_recordio_file_reader", "create_random_data_generator"), _READS),
    **dict.fromkeys(("save", "save_combine", "sparse_tensor_save", "checkpoint_notify", "recv_save"), _WRITES),
}
_NETWORK = {
    **dict.fromkeys(("listen_and_serv", "heter_listen_and_serv", "fl_listen_and_serv"), _SERVES),
    **dict.fromkeys(("send", "recv", "send_barrier", "fetch_barrier", "send_and_recv", "prefetch"), _TALKS),
    **dict.fromkeys(("gen_nccl_id", "gen_bkcl_id", "gen_hccl_id", "c_gen_nccl_id", "c_gen_bkcl_id"), _TALKS),
    **dict.fromkeys(("c_gen_hccl_id", "c_gen_cncl_id", "c_gen_xccl_id", "distributed_lookup_table"), _TALKS),
    **dict.fromkeys(("distributed_push_sparse", "pull_sparse", "pull_sparse_v2", "push_sparse"), _TALKS),
    **dict.fromkeys(("push_sparse_v2", "push_dense", "pull_box_sparse", "push_box_sparse"), _TALKS),
}
_CODE = {
    "py_func": "calls a Python function by its number",
    "py_layer": "calls a Python class",
}
# Parts that another engine has compiled or interprets, out of bytes in an attribute.
_ENGINES = frozenset(
    {"tensorrt_engine", "tensorrt_engine_instruction", "lite_engine", "dlnne_engine", "ascend_trigger", "cinn_launch"}
    | {"onnxruntime_engine", "openvino_engine", "xpu_engine"}
)
_PATHS = frozenset({"file_path", "filename", "file_names", "file_name", "endpoint", "endpoints", "epmap", "dirname"})


@dataclass(slots=True)
class Program:
    """What a program says, in either form."""

    version: int = 0
    blocks: int = 0
    operators: Counter[str] = field(default_factory=Counter)
    custom: set[str] = field(default_factory=set)
    paths: dict[str, str] = field(default_factory=dict)
    parameters: int = 0
    types: Counter[str] = field(default_factory=Counter)
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    shape: list[int] = field(default_factory=list)
    kind: int = -1
    pending: dict[str, str] = field(default_factory=dict)
    slots: list[tuple[int, str]] = field(default_factory=list)

    def closed(self, message: Message, _: list[Message]) -> None:
        """Takes what a message of a ProgramDesc says when it ends."""
        take = getattr(self, f"on_{message.kind}", None)
        if take is not None:
            take(message)

    def on_version(self, message: Message) -> None:
        """The version of the library, as 3000100 for 3.0.1 or so."""
        self.version = message.numbers.get(1, 0)

    def on_block(self, _: Message) -> None:
        """A block."""
        self.blocks += 1

    def on_description(self, message: Message) -> None:
        """A tensor's type and shape."""
        self.kind, self.shape = message.numbers.get(1, 0), message.lists.get(2, [])

    def on_variable(self, message: Message) -> None:
        """A variable: the ones that are kept are the model's parameters."""
        if message.numbers.get(3) and self.kind >= 0:
            self.add_parameter(self.shape, TYPES.get(self.kind, ("other", 0))[0])
        self.kind, self.shape = -1, []

    def add_parameter(self, shape: list[int], kind: str) -> None:
        """Counts a parameter."""
        elements = prod(shape)
        if 0 < elements < _LARGEST:
            self.parameters = min(self.parameters + elements, _LARGEST)
        self.types[kind] += 1

    def on_slot(self, message: Message) -> None:
        """An operator's inputs or outputs under one name."""
        if len(self.slots) < 8:
            self.slots.append((message.number, message.texts.get(2, "")[:100]))

    def on_attribute(self, message: Message) -> None:
        """An attribute that is text."""
        name = message.texts.get(1, "")
        if name in _PATHS and 5 in message.texts:
            self.pending[name] = message.texts[5][:300]

    def on_operator(self, message: Message) -> None:
        """An operator; what feeds and fetches is the model's interface."""
        name = message.texts.get(3, "")
        self.add(name, next(iter(self.pending.values()), ""))
        wanted = {"feed": (2, self.inputs), "fetch": (1, self.outputs)}.get(name)
        if wanted is not None and len(wanted[1]) < 100:
            wanted[1].extend(text for number, text in self.slots if number == wanted[0])
        self.pending, self.slots = {}, []

    def add(self, name: str, path: str = "") -> None:
        """Counts an operator and keeps the file or address that it names. Raises Incomplete (limit)."""
        if name not in self.operators and len(self.operators) >= _KEPT:
            raise Incomplete("limit", f"more than {_KEPT:,} different operators")
        self.operators[name] += 1
        if path:
            self.paths.setdefault(name, path)

    def pir(self, document: Any) -> None:
        """Takes a program of PIR: regions hold blocks, blocks hold operators, operators hold regions."""
        pending: list[Any] = [document]
        seen = 0
        while pending:
            item = pending.pop()
            seen += 1
            if seen > _PIECES:
                raise Incomplete("limit", f"more than {_PIECES:,} parts")
            if isinstance(item, list):
                pending.extend(part for part in item if isinstance(part, dict | list))
            elif isinstance(item, dict):
                self.blocks += isinstance(item.get("ops"), list)
                for operator in item["ops"] if isinstance(item.get("ops"), list) else ():
                    if isinstance(operator, dict):
                        self._pir_operator(operator)
                pending.extend(part for part in item.values() if isinstance(part, dict | list))

    def _pir_operator(self, operator: dict[str, Any]) -> None:
        name = str(operator.get("#"))
        dialect, _, plain = name.rpartition(".")
        texts = _pir_attributes(operator.get("A"))
        if dialect in {"3", "custom_op"}:
            self.custom.add(plain[:100])
        if name == "p":
            self._pir_parameter(operator.get("O"))
        if plain in {"data", "fetch"} and len(self.inputs) + len(self.outputs) < 200:
            (self.inputs if plain == "data" else self.outputs).append(texts.get("name", "")[:100])
        # an operator that works in place has the same name with a line below
        self.add((plain or name).rstrip("_")[:100], next((texts[key][:300] for key in texts if key in _PATHS), ""))

    def _pir_parameter(self, result: Any) -> None:
        """The type is {"#": "0.t_dtensor", "D": [{"#": "0.t_f32"}, shape, ...]}."""
        kind = result.get("TT") if isinstance(result, dict) else None
        data = kind.get("D") if isinstance(kind, dict) else None
        if not isinstance(data, list) or len(data) < 2 or not isinstance(data[1], list):
            return
        shape = [n for n in data[1] if isinstance(n, int)]
        element = data[0].get("#") if isinstance(data[0], dict) else ""
        self.add_parameter(shape[:16], str(element).rpartition("_")[2][:20])


def _pir_attributes(attributes: Any) -> dict[str, str]:
    """Attributes that are text: {"N": name, "AT": {"#": "0.a_str", "D": text}}."""
    found = {}
    for attribute in attributes if isinstance(attributes, list) else ():
        value = attribute.get("AT") if isinstance(attribute, dict) else None
        if isinstance(value, dict) and isinstance(value.get("D"), str):
            found[str(attribute.get("N"))] = value["D"]
    return found


def findings(artifact: Artifact, program: Program) -> Iterator[Finding]:
    """What the operators can do beyond computing."""
    kinds: tuple[tuple[Rule, dict[str, str]], ...] = ((RUNS, _CODE), (FILES, _FILES), (NETWORK, _NETWORK))
    for rule, table in kinds:
        for name in sorted(table.keys() & program.operators.keys()):
            path = program.paths.get(name)
            message = f"Operator {name!r} {table[name]}{f': {shown(path, 200)!r}' if path else ''}."
            yield rules.finding(rule, artifact.at(), message, evidence=f"{name} {shown(path or '', 200)}".strip())
    for name in sorted(_ENGINES & program.operators.keys()):
        message = f"Operator {name!r} hands bytes of the model to another engine."
        yield rules.finding(BACKEND, artifact.at(), message, evidence=name, severity=Severity.MEDIUM)
    for name in sorted(program.custom)[:_TOLD]:
        message = f"Operator {shown(name, 100)!r} is from a library of custom operators."
        yield rules.finding(CUSTOM, artifact.at(), message, evidence=shown(name, 100))
