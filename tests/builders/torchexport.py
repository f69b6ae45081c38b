"""Exported programs of PyTorch as JSON."""

from __future__ import annotations

import json
from typing import Any


def node(target: str, *, graph: Any = None) -> dict[str, Any]:
    inputs: list[Any] = [{"name": "self", "arg": {"as_tensor": {"name": "x"}}, "kind": 1}]
    if graph is not None:
        inputs.append({"name": "true_fn", "arg": {"as_graph": {"name": "g", "graph": graph}}})
    return {"target": target, "inputs": inputs, "outputs": [], "metadata": {"stack_trace": 'File "m.py", line 6\n'}}


def graph(*nodes: dict[str, Any], shapes: tuple[str, ...] = ()) -> dict[str, Any]:
    sizes = [{"as_expr": {"expr_str": text, "hint": {"as_int": 6}}} for text in shapes]
    return {"inputs": [], "outputs": [], "nodes": list(nodes), "tensor_values": {"x": {"dtype": 7, "sizes": sizes}}}


def program(inner: dict[str, Any], *, guards: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "graph_module": {"graph": inner, "signature": {"input_specs": []}, "metadata": {}},
        "opset_version": {"aten": 10},
        "range_constraints": {"s77": {"min_val": 2, "max_val": 100}},
        "schema_version": {"major": 8, "minor": 8},
        "verifiers": ["TRAINING"],
        "torch_version": "2.6.0",
        "guards_code": list(guards),
    }


def exported(*nodes: str, shapes: tuple[str, ...] = (), guards: tuple[str, ...] = ()) -> bytes:
    return json.dumps(program(graph(*map(node, nodes), shapes=shapes), guards=guards)).encode()
