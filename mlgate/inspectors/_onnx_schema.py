"""The parts of ONNX's messages that are read (onnx/onnx-ml.proto), and its numbers."""

from __future__ import annotations

from mlgate.inspectors._protobuf import INT, INTS, SIZE, TEXT, Schema
from mlgate.records import Severity

SCHEMA: Schema = {
    "model": {
        1: INT,  # ir_version
        2: TEXT,  # producer_name
        3: TEXT,  # producer_version
        4: TEXT,  # domain
        5: INT,  # model_version
        7: "graph",
        8: "opset",
        14: "entry",  # metadata_props
        20: "training",
        25: "function",
    },
    "opset": {1: TEXT, 2: INT},
    "entry": {1: TEXT, 2: TEXT},
    "training": {1: "graph", 2: "graph"},
    "graph": {
        1: "node",
        2: TEXT,
        5: "tensor",  # initializer
        11: "value",  # input
        12: "value",  # output
        15: "sparse",
        16: "entry",
    },
    "function": {1: TEXT, 7: "node", 9: "opset", 10: TEXT, 11: "attribute", 14: "entry"},
    "node": {4: TEXT, 5: "attribute", 7: TEXT},
    "attribute": {
        1: TEXT,
        3: INT,
        4: TEXT,
        5: "tensor",
        6: "graph",
        10: "tensor",
        11: "graph",
        22: "sparse",
        23: "sparse",
    },
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {1: INTS, 2: INT, 3: SIZE, 8: TEXT, 9: SIZE, 13: "entry", 14: INT},
    "value": {1: TEXT, 2: "type"},
    "type": {1: "tensor_type"},
    "tensor_type": {1: INT, 2: "shape"},
    "shape": {1: "dimension"},
    "dimension": {1: INT, 2: TEXT},
}

# TensorProto.DataType: name and bits of an element; strings have none.
TYPES: dict[int, tuple[str, int]] = {
    1: ("float32", 32), 2: ("uint8", 8), 3: ("int8", 8), 4: ("uint16", 16), 5: ("int16", 16), 6: ("int32", 32),
    7: ("int64", 64), 8: ("string", 0), 9: ("bool", 8), 10: ("float16", 16), 11: ("float64", 64), 12: ("uint32", 32),
    13: ("uint64", 64), 14: ("complex64", 64), 15: ("complex128", 128), 16: ("bfloat16", 16), 17: ("float8e4m3fn", 8),
    18: ("float8e4m3fnuz", 8), 19: ("float8e5m2", 8), 20: ("float8e5m2fnuz", 8), 21: ("uint4", 4), 22: ("int4", 4),
    23: ("float4e2m1", 4), 24: ("float8e8m0", 8), 25: ("uint2", 2), 26: ("int2", 2),
}  # fmt: skip

# Domains whose operators the ONNX project or ONNX Runtime itself ships; all others need a library that is registered
# when the model is loaded.
OFFICIAL = frozenset(
    {"", "ai.onnx", "ai.onnx.ml", "ai.onnx.training", "ai.onnx.preview.training", "ai.onnx.preview"}
    | {"com.microsoft", "com.microsoft.nchwc", "com.microsoft.experimental", "com.ms.internal.nhwc"}
)

# Operators that hand the computation to code or to a binary that the model does not show. The two that are in use
# (PyTorch's by ORTModule, compiled contexts by NPU vendors) weigh less.
OPAQUE = {
    ("com.microsoft", "PythonOp"): (Severity.HIGH, "calls a Python function by its name"),
    ("com.microsoft", "PythonOpGrad"): (Severity.HIGH, "calls a Python function by its name"),
    ("com.microsoft", "ATen"): (Severity.MEDIUM, "calls a PyTorch operator by its name"),
    ("com.microsoft", "EPContext"): (Severity.MEDIUM, "runs a compiled binary, in the model or in a file beside it"),
}
# onnxruntime-extensions' operators that call a service; its address and model are attributes and inputs of the node.
_SERVICE = (Severity.HIGH, "sends what it is given to a service on the network that the model names")
for _name in ("AzureAudioToText", "AzureTextToText", "AzureTritonInvoker", "OpenAIAudioToText", "AzureAudioInvoker"):
    OPAQUE[("com.microsoft.extensions", _name)] = OPAQUE[("ai.onnx.contrib", _name)] = _SERVICE
# Attributes of EPContext that are paths of files: the first one when its `embed_mode` is 0 (onnxruntime, EPContext).
CONTEXT = ("com.microsoft", "EPContext")
CONTEXT_PATHS = ("ep_cache_context", "onnx_model_filename")
# Builds of onnxruntime with language interop import what a PyOp names before they look at its domain or at the model's
# functions (onnxruntime/core/language_interop_ops, LoadInterOp); onnxruntime-extensions has one in ai.onnx.contrib.
OPAQUE_ANYWHERE = {"PyOp": (Severity.HIGH, "imports a Python module and calls it by its name")}
