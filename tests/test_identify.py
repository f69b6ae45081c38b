from __future__ import annotations

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.identify import HEAD, identify, promised
from mlgate.sources import BytesSource


def labels(data: bytes) -> tuple[str, ...]:
    return identify(BytesSource(data), data[:HEAD])


def archive(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as zipped:
        for name, data in members.items():
            zipped.writestr(name, data)
    return out.getvalue()


def test_content_speaks_and_polyglots_speak_twice() -> None:
    assert labels(archive(a=b"x")) == ("zip",)
    assert labels(b"\x80\x04N." + archive(a=b"x")) == ("zip", "pickle")
    assert labels(b"#!/bin/sh\n" * 50 + archive(a=b"x")) == ("zip",)
    assert labels(b"\x08\x00\x00\x00\x00\x00\x00\x00{}      ") == ("safetensors",)
    assert labels(b"GGUF\x03\x00\x00\x00") == ("gguf",)
    assert labels(bytes(257) + b"ustar\x0000" + bytes(250)) == ("tar",)


@pytest.mark.parametrize(
    "data",
    [
        b"import os\n",
        b"the end record is PK\x05\x06, says the specification, and more text follows here",
        b"PK\x05\x06 in a string" * 3,
        b"\xff\xff\xff\xff\xff\xff\xff\xff{",
        b"",
    ],
)
def test_near_misses_are_nothing(data: bytes) -> None:
    assert "zip" not in labels(b" " + data)
    assert labels(b" " + data) == ()


@given(st.binary(max_size=600))
def test_any_bytes_get_labels_and_no_error(data: bytes) -> None:
    labels(data)


@pytest.mark.parametrize(
    ("name", "format_"),
    [
        ("model.PKL", "pickles"),
        ("model.pt", "torch"),
        ("pytorch_model.bin", "torch"),
        ("pytorch_model-00001-of-00002.bin", "torch"),
        ("model.pkl.gz", "pickles"),
        ("weights.h5", "keras"),
        ("variables.data-00000-of-00001", "tfcheckpoint"),
        ("model.ckpt-12.meta", "tensorflow"),
        ("group1-shard1of1.bin", "tfjs"),
        ("book.index", None),
        ("firmware.bin", None),
        ("data.bin", None),
        (".pkl", None),
        ("notes.txt", None),
        ("archive.zip", None),
    ],
)
def test_names_promise(name: str, format_: str | None) -> None:
    assert promised(name) == format_
