from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlgate.inspectors.flax import INSPECTOR
from tests.builders.msgpack import Extension, pack
from tests.reading import read


def array(shape: list[int], dtype: str = "float32", data: bytes | None = None) -> Extension:
    size = 4
    for length in shape:
        size *= length
    return Extension(1, pack([shape, dtype, b"\0" * size if data is None else data]))


PLAIN = pack(
    {
        "params": {"dense": {"kernel": array([2, 3]), "bias": array([300])}},
        "step": Extension(3, pack([[], "int32", b"1234"])),
    }
)


def test_parameters_are_counted() -> None:
    said = read(INSPECTOR, "flax_model.msgpack", PLAIN)
    assert (said.rules, said.stopped) == ([], None)
    model = said.components[0].model
    assert model
    assert (model.parameters, dict(model.other)) == (306, {"arrays": "3", "dtypes": "float32, int32"})


@pytest.mark.parametrize(
    ("value", "rules"),
    [
        (array([2], "object", b"\x80\x04K\x01."), ["MLG-MDL-140"]),
        (array([2], "float32", b"\0" * 4), ["MLG-MDL-141"]),
        (array([2], "bfloat16", b"\0" * 4), []),
        (array([2], "bool", b"\0" * 2), []),
        (array([2], "float8_e4m3fn", b"\0" * 2), []),
        (array([2], "strange"), ["MLG-MDL-141"]),
        (Extension(9, b"x"), ["MLG-MDL-141"]),
        (Extension(2, b"x" * 16), []),
        ([1, "text", b"bytes", {"a": 200}], []),
    ],
)
def test_extensions(value: Any, rules: list[str]) -> None:
    said = read(INSPECTOR, "m.msgpack", pack({"a": [value]}))
    assert (said.rules, said.stopped) == (rules, None)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (PLAIN[:-1], "truncated"),
        (PLAIN + b"\0", "malformed"),
        (b"\xdf\xff\xff\xff\xff", "truncated"),
        (b"\x81\xa1a\xc1", "malformed"),
        (b"\x81\xa1a" + b"\x91" * 1000, "limit"),
        (b"\x81\xa1a\xc6\xff\xff\xff\xff", "truncated"),
        (pack({"a": Extension(1, b"\x93\x90")}), "truncated"),
        (b"text", "malformed"),
        (b"", "truncated"),
    ],
)
def test_what_cannot_be_read_is_incomplete(data: bytes, reason: str) -> None:
    said = read(INSPECTOR, "m.msgpack", data)
    assert said.stopped
    assert said.stopped.reason == reason


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_changed_bytes_never_crash_it(data: st.DataObject) -> None:
    changed = bytearray(PLAIN)
    for _ in range(data.draw(st.integers(1, 5))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    read(INSPECTOR, "m.msgpack", bytes(changed))
