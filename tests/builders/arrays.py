"""Array files: made by numpy where it would write them, by hand where it would not."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np

from tests.builders import pickles as build
from tests.builders.archives import Entry, archive


def npy(array: np.ndarray[Any, Any]) -> bytes:
    out = io.BytesIO()
    np.save(out, array, allow_pickle=True)
    return out.getvalue()


def npz(**arrays: np.ndarray[Any, Any]) -> bytes:
    out = io.BytesIO()
    np.savez_compressed(out, allow_pickle=True, **arrays)
    return out.getvalue()


def header(text: str, data: bytes, version: int = 1) -> bytes:
    """A file with any header text (NPY 1.0 has two bytes of length, 2.0 and 3.0 four)."""
    raw = text.encode("utf-8" if version == 3 else "latin-1")
    length = struct.pack("<H" if version == 1 else "<I", len(raw))
    return b"\x93NUMPY" + bytes([version, 0]) + length + raw + data


def of_objects(pickled: bytes) -> bytes:
    """An object array whose pickle is this one."""
    return header("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n", pickled)


def hostile() -> bytes:
    return of_objects(build.os_system())


def hostile_npz() -> bytes:
    return archive(Entry(name="x.npy", data=hostile(), method=8))


def joblib(array_bytes: bytes, *, count: int, descr: str = "f8", payload: bytes = b"") -> bytes:
    """A joblib stream with one inline array (joblib.numpy_pickle), and `payload` opcodes after it."""
    dtype = build.call(build.glob("numpy", "dtype"), build.text(descr), b"\x89", b"\x88")
    size = bytes([0x4B, int(descr[1:]) * 4]) if descr[0] == "U" else b"J\xff\xff\xff\xff"
    flags = b"K\x3f" if descr == "O8" else b"K\x00"
    dtype += build.args(b"K\x03", build.text("<"), b"N", b"N", b"N", size, b"J\xff\xff\xff\xff", flags) + b"b"
    state = (
        build.text("subclass") + build.glob("numpy", "ndarray") + build.text("shape") + build.args(bytes([0x4B, count]))
    )
    state += build.text("order") + build.text("C") + build.text("dtype") + dtype + build.text("allow_mmap") + b"\x88"
    wrapper = build.glob("joblib.numpy_pickle", "NumpyArrayWrapper") + b")\x81"
    return build.proto(2) + b"(" + wrapper + b"}(" + state + b"ub" + array_bytes + payload + b"t."
