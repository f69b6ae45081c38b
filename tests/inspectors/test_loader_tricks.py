"""Files that a framework's own loader acts on and that say it where a reader of the format might not look."""

from __future__ import annotations

import pytest

from mlgate.inspectors import onnx, tensorflow
from mlgate.inspectors._protobuf import shallow
from tests.builders import onnx as onnx_builders
from tests.builders import tensorflow as tf
from tests.reading import read

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
