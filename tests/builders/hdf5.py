"""HDF5 files: sound ones as h5py writes them in all versions, and ones with single fields changed."""

from __future__ import annotations

import io
import json
import os
import pickle
from collections.abc import Callable
from typing import Any

import h5py
import numpy as np

VERSIONS = ("earliest", "v108", "v110", "v112", "latest")

DENSE = {
    "class_name": "Sequential",
    "config": {
        "name": "tiny",
        "layers": [
            {
                "class_name": "Dense",
                "config": {"name": "d", "batch_input_shape": [None, 3], "dtype": "float32", "units": 2},
            }
        ],
    },
    "keras_version": "2.15.0",
}


def written(fill: Callable[[Any], None], version: str = "earliest", *, user_block: int = 0) -> bytes:
    """A file that `fill` wrote into."""
    buffer = io.BytesIO()
    libver = ("earliest", "v108") if version == "earliest" else (version, version)
    with h5py.File(buffer, "w", libver=libver, userblock_size=user_block) as file:
        fill(file)
    return buffer.getvalue()


def keras_model(config: Any = None, *, version: str = "earliest", training: Any = None, text: str = "") -> bytes:
    """What `model.save("m.h5")` of Keras 2 writes; `text` in place of the configuration's JSON."""

    def fill(file: Any) -> None:
        file.attrs["keras_version"] = b"2.15.0"
        file.attrs["backend"] = b"tensorflow"
        file.attrs["model_config"] = text or json.dumps(config or DENSE)
        if training is not None:
            file.attrs["training_config"] = json.dumps(training).encode()
        weights = file.create_group("model_weights")
        weights.attrs["layer_names"] = [b"d"]
        weights.create_group("d/d").create_dataset("kernel:0", data=np.zeros((3, 2), "f4"))
        weights["d/d"].create_dataset("bias:0", data=np.zeros(2, "f4"))
        file.create_group("optimizer_weights").create_dataset("m:0", data=np.zeros((3, 2), "f4"))

    return written(fill, version)


def many(version: str, groups: int = 300, attributes: int = 60) -> bytes:
    """Enough links and attributes for trees of several levels."""

    def fill(file: Any) -> None:
        for number in range(groups):
            file.create_dataset(f"group/with_a_longer_name_{number:05}", data=number)
        for number in range(attributes):
            file["group"].attrs[f"attribute_{number:05}"] = f"text {number}"

    return written(fill, version)


def external_link(version: str = "earliest", name: str = "/etc/passwd") -> bytes:
    def fill(file: Any) -> None:
        file["g/weights"] = h5py.ExternalLink(name, "/data")

    return written(fill, version)


def external_storage(version: str = "earliest", name: str = "/etc/passwd") -> bytes:
    return written(lambda file: file.create_dataset("w", (16,), "u1", external=[(name, 0, 16)]), version)


def virtual(version: str = "v110", names: tuple[str, ...] = ("a.h5", "/etc/b.h5")) -> bytes:
    """A virtual dataset of several kinds of selection."""

    def fill(file: Any) -> None:
        layout = h5py.VirtualLayout(shape=(len(names), 100), dtype="f4")
        for row, name in enumerate(names):
            layout[row, 0:50:2] = h5py.VirtualSource(name, "data", shape=(100,))[0:50:2]
            layout[row, 60:] = h5py.VirtualSource(name, "more", shape=(40,))
        file.create_virtual_dataset("v", layout)

    return written(fill, version)


def cyclic(version: str = "earliest") -> bytes:
    def fill(file: Any) -> None:
        group = file.create_group("a")
        group.create_group("b")["up"] = group

    return written(fill, version)


def user_link() -> bytes:
    """The link's type changed from external to the first of a user's own."""
    data = external_link("v110", "elsewhere")
    # version, flags, type, what else the flags say, length of the name, name
    place = data.rindex(b"\x40", 0, data.index(b"weights"))
    return data[:place] + b"\x41" + data[place + 1 :]


def filtered(number: int) -> bytes:
    """A dataset with the deflate filter's number replaced (object header of version 1)."""
    data = written(lambda file: file.create_dataset("w", data=np.zeros((8, 8)), chunks=(4, 4), compression="gzip"))
    at = data.index(b"deflate")
    return data[: at - 8] + number.to_bytes(2, "little") + data[at - 6 :]


def with_attribute(name: str, value: Any, version: str = "earliest") -> bytes:
    def fill(file: Any) -> None:
        file.attrs[name] = value

    return written(fill, version)


class Command:
    """Pickles into a call of os.system."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("true",)


def pickled_attribute(protocol: int = 0) -> bytes:
    """An attribute as PyTables keeps objects, which it unpickles when the attribute is read."""
    return with_attribute("info", np.bytes_(pickle.dumps(Command(), protocol)))


def object_rows() -> bytes:
    """Rows of pickles, as PyTables keeps object arrays."""

    def fill(file: Any) -> None:
        rows = file.create_dataset("values", (1,), dtype=h5py.vlen_dtype(np.uint8), chunks=(1,), maxshape=(None,))
        rows[0] = np.frombuffer(pickle.dumps(Command(), 4), np.uint8)
        rows.attrs["PSEUDOATOM"] = np.bytes_(b"object")

    return written(fill)
