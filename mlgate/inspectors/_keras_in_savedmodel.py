"""Keras layers in a SavedModel: their configurations, from which Keras builds Python objects when it loads one.

Keras 2 wrote them into the object graph (`metadata`) until TensorFlow 2.4 and into keras_metadata.pb since 2.5.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from mlgate.errors import Incomplete
from mlgate.inspectors._tensorflow_ops import JUDGED, SINKS

_LARGEST = 8 * 2**20
_VALUES = 2_000_000
_OPS = frozenset({"TFOpLambda", "SlicingOpLambda", "ClassMethod"})
# TensorFlow's own API by exported name, as TFOpLambda looks it up: what leaves the computation.
_REACH = ("io.", "data.", "saved_model.", "summary.", "train.", "distribute.", "lite.", "profiler.", "debugging.",
          "keras.", "estimator.", "tpu.", "config.", "sysconfig.", "queue.", "autograph.")  # fmt: skip
_REACH_NAMES = frozenset(
    {
        "load_op_library", "load_library", "py_function", "py_func", "numpy_function", "print", "read_file",
        "write_file", "matching_files", "import_graph_def", "gfile", "WholeFileReader", "TFRecordReader",
    }
)  # fmt: skip
_HARMLESS = frozenset({"debugging.check_numerics", "io.decode_raw", "io.decode_jpeg", "io.decode_png"})


def python_in(text: bytes, largest: int = _LARGEST) -> Iterator[tuple[bool, str]]:
    """What a layer's configuration makes Keras run: whether it is code in the file itself, and what it is.

    Raises Incomplete when the configuration is no JSON, or too large.
    """
    if len(text) > largest:
        raise Incomplete("limit", f"the configuration of a Keras layer has {len(text):,} bytes")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise Incomplete("malformed", "the configuration of a Keras layer is no JSON") from None
    pending: list[Any] = [document]
    count = 0
    while pending:
        value = pending.pop()
        count += 1
        if count > _VALUES:
            raise Incomplete("limit", "the configuration of a Keras layer has too many values")
        if isinstance(value, dict):
            yield from _layer(value)
            pending += value.values()
        elif isinstance(value, list):
            pending += value


def _layer(value: dict[str, Any]) -> Iterator[tuple[bool, str]]:
    name = str(value.get("class_name"))
    config = value.get("config")
    config = config if isinstance(config, dict) else {}
    if name in {"Lambda", "__lambda__"}:
        stated = [config.get(key) for key in ("function_type", "output_shape_type", "mask_type")]
        types = {str(kind) for kind in stated if kind is not None}
        inside = not types or not types <= {"function", "raw"}
        yield inside, f"{name} layer {str(config.get('name'))[:60]!r}"
    elif name in _OPS:
        function = str(config.get("function"))
        short = function.removeprefix("compat.v1.").removeprefix("compat.v2.").removeprefix("raw_ops.")
        raw = function.rpartition("raw_ops.")[2]
        if (
            raw in JUDGED
            or raw in SINKS
            or (short not in _HARMLESS and (short.startswith(_REACH) or short.rpartition(".")[2] in _REACH_NAMES))
        ):
            yield False, f"TensorFlow's function {function[:80]!r}"
