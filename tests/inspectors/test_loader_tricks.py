"""Files that a framework's own loader acts on and that say it where a reader of the format might not look."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mlgate.inspectors import keras, onnx, tensorflow
from mlgate.inspectors._protobuf import shallow
from tests.builders import keras as layers
from tests.builders import onnx as onnx_builders
from tests.builders import tensorflow as tf
from tests.reading import artifact, read

_COMPUTING = (
    "math.multiply reshape __operators__.getitem compat.v1.transpose image.resize nn.space_to_depth cast raw_ops.Add"
    " debugging.assert_equal experimental.numpy.mean io.decode_jpeg strings.lower linalg.matmul clip_by_value"
)
OUTSIDE = onnx_builders.tensor("w", [2], 1, None, "/etc/passwd")


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("m/net.onnx", onnx_builders.model(onnx_builders.graph()) + onnx_builders.wide(7, onnx_builders.graph())),
        ("m/net.onnx", onnx_builders.model(onnx_builders.graph() + onnx_builders.wide(5, OUTSIDE))),
        ("saved_model.pb", tf.saved_model(tf.graph() + onnx_builders.wide(1, tf.node("w", "WriteFile", "n", "c")))),
    ],
)
def test_a_tag_of_more_than_32_bits_is_no_unknown_field(path: str, data: bytes) -> None:
    reader = onnx.INSPECTOR if path.endswith("onnx") else tensorflow.INSPECTOR
    said = read(reader, path, data)
    assert said.stopped is not None
    assert said.stopped.reason == "malformed"
    assert shallow(onnx_builders.wide(1, b"x"), 100) is None


@pytest.mark.parametrize(
    ("layer", "rule"),
    [
        (layers.qualified("keras.src.backend", "os.system"), "MLG-MDL-054"),
        (layers.qualified("tf_keras.src.layers.core.lambda_layer", "sys.exit"), "MLG-MDL-054"),
        (layers.qualified("keras.src.ops.numpy", "np.load"), "MLG-MDL-054"),
        (layers.registered_as("TFSMLayer", filepath="evil"), "MLG-MDL-056"),
        (layers.registered_as("Lambda", **layers.old_lambda()["config"]), "MLG-MDL-053"),
        ({"class_name": "MyLambda", "config": layers.old_lambda()["config"]}, "MLG-MDL-053"),
        (layers.residual_lambda(), "MLG-MDL-053"),
        (layers.gadget("tensorflow.python.lib.io.file_io", "delete_recursively_v2"), "MLG-MDL-055"),
        (layers.gadget("tensorflow.python.tools.saved_model_cli", "preprocess_input_exprs_arg_string"), "MLG-MDL-055"),
        (layers.gadget("tensorflow.summary", "create_file_writer"), "MLG-MDL-055"),
        (layers.gadget("tensorflow.config", "experimental_connect_to_cluster"), "MLG-MDL-055"),
        (layers.gadget("tensorflow.python.ops.script_ops", "eager_fn"), "MLG-MDL-055"),
        ({"class_name": "TFOpLambda", "config": {"function": "train.load_checkpoint"}}, "MLG-MDL-055"),
        ({"class_name": "TFOpLambda", "config": {"function": "raw_ops.SqlDataset"}}, "MLG-MDL-055"),
        ({"class_name": "TensorFlowOpLayer", "config": {"node_def": "op: 'Write' 'File'"}}, "MLG-MDL-055"),
    ],
)
def test_a_keras_layer_by_another_way(layer: dict[str, Any], rule: str) -> None:
    said = read(keras.INSPECTOR, "m/config.json", json.dumps(layers.model(layer)))
    assert rule in said.rules


@pytest.mark.parametrize(
    "name",
    _COMPUTING.split(),
)
def test_operations_that_compute_are_no_finding(name: str) -> None:
    called = {"class_name": "TFOpLambda", "config": {"name": "l", "function": name}}
    module, _, last = f"tensorflow.{name}".rpartition(".")
    for layer in (called, layers.gadget(module, last), layers.gadget("tensorflow.python.ops.math_ops", last)):
        assert read(keras.INSPECTOR, "m/config.json", json.dumps(layers.model(layer))).rules == []


def test_an_object_of_keras_without_keras_name_in_it() -> None:
    data = json.dumps({"x": [{"class_name": "function", "module": "os", "config": "system"}]}).encode()
    assert keras.claims(artifact("m/arch.json", data))
    assert read(keras.INSPECTOR, "m/arch.json", data).rules == ["MLG-MDL-054"]
    apart = json.dumps({"class_name": "Server", "inner": {"module": "os", "config": "system"}}).encode()
    assert not keras.claims(artifact("m/arch.json", apart))
    far = b'{"x": "' + b" " * (3 << 20) + b'", "layer": ' + json.dumps(layers.old_lambda()).encode() + b"}"
    assert read(keras.INSPECTOR, "m/arch.json", far).rules == ["MLG-MDL-053"]
