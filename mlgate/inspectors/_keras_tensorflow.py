"""Which functions of TensorFlow a Keras configuration may name: those that compute on tensors.

Source: the API reference of TensorFlow 2.20 and the packages of its source (tensorflow/python). The rest of it opens
files, starts servers, loads libraries and evaluates code, in more functions than a list of bad ones could name.
"""

from __future__ import annotations

import re

from mlgate.inspectors import _keras_names as names
from mlgate.inspectors._tensorflow_ops import judged


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Below `tensorflow`, after `compat.v1`, `_api.v2` and the like.
_PUBLIC = _words(
    "audio autodiff bitwise debugging dtypes image initializers io keras layers linalg losses math metrics nn operators"
    " ops quantization ragged random raw_ops sets signal sparse strings tensor tensors train_utils feature_column"
    " experimental nest __operators__ __internal__"
)
_SOURCE = _words("eager feature_column framework keras ops trackable tracking types util")
_PACKAGING = frozenset({"_api", "compat", "v1", "v2", "python", "training", "core", "api", "legacy"})
# Modules of tensorflow.python.ops and .framework that are not about tensors.
_APART = _words(
    "io_ops gen_io_ops script_ops gen_script_ops summary_ops_v2 summary_ops gen_summary_ops gen_dataset_ops rpc_ops"
    " gen_experimental_dataset_ops gen_rpc_ops gen_debug_ops gen_sdca_ops load_library importer meta_graph graph_io"
    " graph_io_lib op_def_library test_util file_io checkpoint_ops gen_checkpoint_ops numpy_io context remote"
)


def reaches(path: str) -> bool:
    """Whether a dotted name below TensorFlow (`io.write_file`, `python.lib.io.file_io.rename`) does more than compute.

    Names of operators are looked up with those of graphs.
    """
    parts = [part for part in path.split(".") if part]
    if not parts:
        return False
    if set(parts) & (names.TENSORFLOW | _APART) or judged(parts[-1]) is not None:
        return True
    below = [part for part in parts[:-1] if part not in _PACKAGING]
    if not below:  # tf.reshape, tf.cast
        return False
    if below[0] == "experimental":
        return len(below) > 1 and below[1] not in {"numpy", "tensor", "dlpack"}
    if below[0] == "debugging":
        return re.match(r"assert|check_|is_", parts[-1]) is None
    if below[0] == "util":
        return below[1:] not in (["nest"], ["dispatch"])
    return below[0] not in _PUBLIC | _SOURCE
