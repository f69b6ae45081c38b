"""TensorFlow.js models as their converter writes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Json = dict[str, Any]


def weight(name: str, *shape: int, dtype: str = "float32", stored: str = "") -> Json:
    """One entry of the manifest; `stored` is the type of quantized weights."""
    out: Json = {"name": name, "shape": list(shape), "dtype": dtype}
    return out | ({"quantization": {"dtype": stored, "min": -1.0, "scale": 0.01}} if stored else {})


def manifest(*weights: Json, paths: Sequence[str] = ("group1-shard1of1.bin",)) -> list[Json]:
    """A weights manifest of one group."""
    return [{"paths": list(paths), "weights": list(weights)}]


def graph_model(*ops: str, inner: Sequence[str] = (), **changed: Any) -> Json:
    """A graph model with these operators, and a function with the inner ones."""
    nodes = [{"name": f"n{number}", "op": op, "attr": {}} for number, op in enumerate(ops)]
    topology: Json = {"node": nodes, "versions": {"producer": 1}}
    if inner:
        function = {"signature": {"name": "f"}, "nodeDef": [{"name": "i", "op": op} for op in inner]}
        topology["library"] = {"function": [function]}
    out: Json = {
        "format": "graph-model",
        "generatedBy": "2.18.0",
        "convertedBy": "TensorFlow.js Converter v4.22.0",
        "signature": {"inputs": {"x": {"name": "x:0"}}, "outputs": {"y": {"name": "y:0"}}},
        "modelTopology": topology,
        "weightsManifest": manifest(weight("w", 2, 3)),
    }
    return out | changed


def layers_model(*layers: Json) -> Json:
    """A layers model: Keras's own configuration."""
    config = {"class_name": "Sequential", "config": {"name": "s", "layers": list(layers)}}
    return {
        "format": "layers-model",
        "modelTopology": {"keras_version": "2.15.0", "backend": "tensorflow", "model_config": config},
        "weightsManifest": manifest(weight("dense/kernel", 4, 2, stored="uint8")),
    }
