"""Keras configurations and archives: sound ones of each generation, and what is known to have attacked loaders."""

from __future__ import annotations

import base64
import io
import json
import marshal
import zipfile
from typing import Any

from tests.builders.hdf5 import written

Config = dict[str, Any]

METADATA = {"keras_version": "3.11.3", "date_saved": "2025-09-01@10:00:00"}


def obj(module: str | None, name: str, config: Any, registered: str | None = None, **more: Any) -> Config:
    """An object as Keras 3 writes it."""
    return {"module": module, "class_name": name, "config": config, "registered_name": registered, **more}


def function(module: str, name: str, registered: str = "function") -> Config:
    """A function as Keras 3 writes it."""
    return obj(module, "function", name, registered)


def model(*layers: Any) -> Config:
    """A sequential model of Keras 3 with these layers after its input."""
    policy = obj("keras", "DTypePolicy", {"name": "float32"})
    first = obj("keras.layers", "InputLayer", {"batch_shape": [None, 3], "dtype": "float32", "name": "inp"})
    dense = obj(
        "keras.layers",
        "Dense",
        {
            "name": "dense",
            "dtype": policy,
            "units": 2,
            "activation": "relu",
            "kernel_initializer": obj("keras.initializers", "GlorotUniform", {"seed": None}),
            "kernel_regularizer": None,
        },
        build_config={"input_shape": [None, 3]},
    )
    compiled = {"optimizer": obj("keras.optimizers", "Adam", {"learning_rate": 0.001}), "loss": "mse"}
    config = {"name": "tiny", "trainable": True, "dtype": policy, "layers": [first, dense, *layers]}
    build = {"input_shape": [None, 3]}
    return obj("keras", "Sequential", config, build_config=build, compile_config=compiled)


def old(*layers: Any) -> Config:
    """A sequential model of Keras 2 with these layers."""
    first = {"class_name": "Dense", "config": {"name": "d", "batch_input_shape": [None, 3], "units": 2}}
    return {"class_name": "Sequential", "config": {"name": "tiny", "layers": [first, *layers]}}


def weights() -> bytes:
    """What Keras 3 puts into model.weights.h5."""

    def fill(file: Any) -> None:
        file.create_dataset("layers/dense/vars/0", data=[[0.0] * 2] * 3, dtype="f4")
        file.create_dataset("layers/dense/vars/1", data=[0.0] * 2, dtype="f4")
        file.create_dataset("optimizer/vars/0", data=[0.0] * 8, dtype="f4")

    return written(fill)


def archive(config: Any, *, packed: bool = False, extra: dict[str, bytes] | None = None) -> bytes:
    """A `.keras` archive; `config` as a document or as the bytes of config.json."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as file:
        file.writestr("metadata.json", json.dumps(METADATA))
        file.writestr("config.json", config if isinstance(config, bytes) else json.dumps(config))
        file.writestr("model.weights.h5", weights())
        for name, data in (extra or {}).items():
            file.writestr(name, data)
    return buffer.getvalue()


def code(text: str) -> str:
    """A lambda as func_dump writes it; `text` is the expression."""
    inner = compile(f"lambda x: {text}", "f", "eval").co_consts[0]
    return base64.b64encode(marshal.dumps(inner)).decode()


def new_lambda(text: str = "x * 2") -> Config:
    config = {"code": code(text), "defaults": None, "closure": None}
    return obj("keras.layers", "Lambda", {"name": "l", "function": {"class_name": "__lambda__", "config": config}})


def old_lambda(text: str = "x * 2") -> Config:
    config = {"name": "l", "function": [code(text), None, None], "function_type": "lambda", "module": "__main__"}
    return {"class_name": "Lambda", "config": config}


def named_lambda(module: str | None, name: str, field: str = "function") -> Config:
    """Keras 2's Lambda layer of a function by its name."""
    config: Config = {"name": "l", "arguments": {}}
    config |= {field: name, f"{field}_type": "function", "module" if field == "function" else f"{field}_module": module}
    return {"class_name": "Lambda", "config": config}


def gadget(module: str, name: str, **arguments: Any) -> Config:
    """A Lambda layer of Keras 3 that calls a function of any module (CVE-2025-1550, CVE-2025-8747)."""
    return obj("keras.layers", "Lambda", {"name": "l", "function": function(module, name), "arguments": arguments})


def qualified(module: str, name: str) -> Config:
    """A function by `outer.inner`, which Keras 2 looks up in what the module has imported."""
    return obj("keras.layers", "Lambda", {"name": "l", "function": obj(module, "function", name, name)})


def registered_as(real: str, **config: Any) -> Config:
    """A layer by a class name that its module does not have, so that Keras 2 takes the registered name."""
    return obj("keras.layers", "Dense2", {"name": "l", **config}, real)


def residual_lambda(text: str = "x * 2") -> Config:
    """A wrapper of RNN cells, which has its lambda under a key of its own."""
    config = {"name": "r", "residual_fn": [code(text), None, None], "residual_fn_type": "lambda"}
    return {"class_name": "ResidualWrapper", "config": config}
