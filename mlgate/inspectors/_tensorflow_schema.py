"""The parts of TensorFlow's messages that are read (tensorflow/core/protobuf, tensorflow/core/framework).

saved_model.proto, meta_graph.proto, graph.proto, function.proto, node_def.proto, attr_value.proto, tensor.proto,
saved_object_graph.proto, saver.proto, tsl's fingerprint.proto. The names are those of the text format (.pbtxt).
"""

from __future__ import annotations

from mlgate.inspectors._protobuf import INT, LONG_INTS, SPAN, TEXT, TEXTS, Schema

_FIELDS: dict[str, dict[str, tuple[int, str]]] = {
    "saved_model": {"saved_model_schema_version": (1, INT), "meta_graphs": (2, "meta_graph")},
    "meta_graph": {
        "meta_info_def": (1, "meta_info"),
        "graph_def": (2, "graph"),
        "saver_def": (3, "saver"),
        "collection_def": (4, "collection_entry"),
        "signature_def": (5, "signature_entry"),
        "asset_file_def": (6, "asset"),
        "object_graph_def": (7, "objects"),
    },
    "meta_info": {"tags": (4, TEXTS), "tensorflow_version": (5, TEXT)},
    # where TensorFlow 1 kept its assets
    "collection_entry": {"key": (1, TEXT), "value": (2, "collection")},
    "collection": {"any_list": (5, "any_list")},
    "any_list": {"value": (1, "any")},
    "any": {"type_url": (1, TEXT), "value": (2, SPAN)},
    "saver": {"filename_tensor_name": (1, TEXT)},
    "asset": {"tensor_info": (1, "asset_tensor"), "filename": (2, TEXT)},
    "asset_tensor": {"name": (1, TEXT)},
    "signature_entry": {"key": (1, TEXT), "value": (2, "signature")},
    "signature": {"inputs": (1, "input_entry"), "outputs": (2, "output_entry"), "method_name": (3, TEXT)},
    "input_entry": {"key": (1, TEXT), "value": (2, "tensor_info")},
    "output_entry": {"key": (1, TEXT), "value": (2, "tensor_info")},
    "tensor_info": {"name": (1, TEXT), "dtype": (2, INT), "tensor_shape": (3, "shape")},
    "graph": {"node": (1, "node"), "library": (2, "library"), "versions": (4, "versions")},
    "versions": {"producer": (1, INT)},
    "library": {"function": (1, "function")},
    "function": {"signature": (1, "signature_def"), "node_def": (3, "node"), "ret": (4, "ret_entry")},
    "signature_def": {"name": (1, TEXT), "input_arg": (2, "arg")},
    "arg": {"name": (1, TEXT)},
    "ret_entry": {"key": (1, TEXT), "value": (2, TEXT)},
    "node": {"name": (1, TEXT), "op": (2, TEXT), "input": (3, TEXTS), "attr": (5, "attr_entry")},
    "attr_entry": {"key": (1, TEXT), "value": (2, "attr")},
    "attr": {
        "list": (1, "attr_list"),
        "s": (2, SPAN),
        "type": (6, INT),
        "tensor": (8, "tensor"),
        "func": (10, "func"),
    },
    "attr_list": {"s": (2, SPAN), "tensor": (8, "tensor"), "func": (9, "func")},
    "func": {"name": (1, TEXT)},
    "tensor": {"dtype": (1, INT), "tensor_shape": (2, "shape"), "tensor_content": (4, SPAN), "string_val": (8, TEXTS)},
    "shape": {"dim": (2, "dim"), "unknown_rank": (3, INT)},
    "dim": {"size": (1, INT)},
    "objects": {"nodes": (1, "object"), "concrete_functions": (2, "concrete_entry")},
    "object": {
        "user_object": (4, "user_object"),
        "asset": (5, "object_asset"),
        "variable": (7, "variable"),
        "constant": (9, "constant"),
        "registered_name": (13, TEXT),
    },
    "user_object": {"identifier": (1, TEXT), "metadata": (3, SPAN)},
    "object_asset": {"asset_file_def_index": (1, INT)},
    "variable": {"dtype": (1, INT), "shape": (2, "shape"), "trainable": (3, INT), "name": (6, TEXT)},
    "constant": {"operation": (1, TEXT)},
    "concrete_entry": {"key": (1, TEXT), "value": (2, "concrete")},
    "concrete": {"bound_inputs": (2, LONG_INTS)},
    "saved_metadata": {"nodes": (1, "keras_object")},
    "keras_object": {
        "node_path": (3, TEXT),
        "identifier": (4, TEXT),
        "metadata": (5, SPAN),
    },
    # beside a SavedModel, without anything that is run: graph_debug_info.proto, hub's module_def.proto
    "fingerprint": {"saved_model_checksum": (1, INT)},
    "debug_info": {"files": (1, TEXTS)},
    "hub_module": {"format": (1, INT)},
}

SCHEMA: Schema = {kind: dict(fields.values()) for kind, fields in _FIELDS.items()}
NAMES = _FIELDS

# DataType of types.proto; references are 100 more.
TYPES = {
    1: "float32", 2: "float64", 3: "int32", 4: "uint8", 5: "int16", 6: "int8", 7: "string", 8: "complex64",
    9: "int64", 10: "bool", 11: "qint8", 12: "quint8", 13: "qint32", 14: "bfloat16", 15: "qint16", 16: "quint16",
    17: "uint16", 18: "complex128", 19: "float16", 20: "resource", 21: "variant", 22: "uint32", 23: "uint64",
    24: "float8_e5m2", 25: "float8_e4m3fn", 29: "int4", 30: "uint4",
}  # fmt: skip
STRING = 7
# The text format writes types by their names.
TYPE_NAMES = {
    "DT_FLOAT": 1, "DT_DOUBLE": 2, "DT_INT32": 3, "DT_UINT8": 4, "DT_INT16": 5, "DT_INT8": 6, "DT_STRING": 7,
    "DT_COMPLEX64": 8, "DT_INT64": 9, "DT_BOOL": 10, "DT_QINT8": 11, "DT_QUINT8": 12, "DT_QINT32": 13,
    "DT_BFLOAT16": 14, "DT_QINT16": 15, "DT_QUINT16": 16, "DT_UINT16": 17, "DT_COMPLEX128": 18, "DT_HALF": 19,
    "DT_RESOURCE": 20, "DT_VARIANT": 21, "DT_UINT32": 22, "DT_UINT64": 23, "true": 1, "false": 0,
}  # fmt: skip
WIDTHS = {
    1: 4, 2: 8, 3: 4, 4: 1, 5: 2, 6: 1, 8: 8, 9: 8, 10: 1, 11: 1, 12: 1, 13: 4, 14: 2, 15: 2, 16: 2, 17: 2, 18: 16,
    19: 2, 22: 4, 23: 8, 24: 1, 25: 1,
}  # fmt: skip
