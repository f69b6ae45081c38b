from __future__ import annotations

import json
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlgate.inspectors.boosting import INSPECTOR
from tests.builders import ubjson as build
from tests.reading import artifact, read

LIGHTGBM = b"tree\nversion=v4\nnum_class=1\nobjective=binary sigmoid:1\n\nTree=0\nnum_leaves=3\n\nend of trees\n"
CATBOOST = b"CBM1" + struct.pack("<I", 64) + struct.pack("<I", 16) + b"\0" * 60
JSON = json.dumps(
    {"learner": {"attributes": {}, "objective": {"name": "reg:squarederror"}, "gradient_booster": {"name": "gbtree"}}}
).encode()


@pytest.mark.parametrize(
    ("name", "data", "form"),
    [
        ("m.ubj", build.model(), "xgboost-ubjson"),
        ("m.bin", build.model(), "xgboost-ubjson"),
        ("m.json", JSON, "xgboost-json"),
        ("m.txt", LIGHTGBM, "lightgbm"),
        ("m.lgb", LIGHTGBM.replace(b"\n", b"\r\n"), "lightgbm"),
        ("m.cbm", CATBOOST, "catboost"),
    ],
)
def test_models_are_read_by_content(name: str, data: bytes, form: str) -> None:
    assert INSPECTOR.claims(artifact(name, data))
    said = read(INSPECTOR, name, data)
    assert said.stopped is None
    assert said.rules == []
    model = said.components[0].model
    assert model
    assert model.format == form


def test_what_the_header_says_is_in_the_component() -> None:
    model = read(INSPECTOR, "m.ubj", build.model()).components[0].model
    assert model
    assert dict(model.other) == {"objective": "binary:logistic", "booster": "gbtree"}


def test_attributes_are_free_text() -> None:
    said = read(INSPECTOR, "m.ubj", build.model(note="__import__('os').system('id')"))
    assert said.rules == ["MLG-MDL-024"]
    assert read(INSPECTOR, "m.ubj", build.model(best_iteration="5")).rules == []


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("m.ubj", build.model()[:-5], "truncated"),
        ("m.ubj", build.model() + b"x", "malformed"),
        ("m.ubj", b"{L" + struct.pack(">q", 7) + b"learner[$U#L" + struct.pack(">q", 1 << 60), "truncated"),
        ("m.ubj", b"{L" + struct.pack(">q", 7) + b"learner" + b"[" * 1000, "limit"),
        ("m.ubj", b"{L" + struct.pack(">q", 7) + b"learnerS" + b"L" + struct.pack(">q", -1), "malformed"),
        ("m.ubj", b"no model", "malformed"),
        ("m.xgb", b"binf" + b"\0" * 100, "unsupported"),
        ("m.json", JSON[:-2], "malformed"),
        ("m.txt", LIGHTGBM[:60], "truncated"),
        ("m.cbm", CATBOOST[:40], "truncated"),
        ("m.cbm", b"CBM1" + struct.pack("<II", 64, 1 << 30) + b"\0" * 60, "malformed"),
    ],
)
def test_what_cannot_be_read_is_incomplete(name: str, data: bytes, reason: str) -> None:
    said = read(INSPECTOR, name, data)
    assert said.stopped
    assert said.stopped.reason == reason


@pytest.mark.parametrize(
    "data", [b'{"learner": "me"}', b'{"version": [1], "x": 2}', b"tree\nof life\n", b"tree", b'{"a": {"learner": {}}}']
)
def test_other_files_are_not_claimed(data: bytes) -> None:
    assert not INSPECTOR.claims(artifact("notes.json", data))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_changed_bytes_never_crash_it(data: st.DataObject) -> None:
    changed = bytearray(data.draw(st.sampled_from([build.model(a="b"), CATBOOST, LIGHTGBM, JSON])))
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    read(INSPECTOR, "m.ubj", bytes(changed[: data.draw(st.integers(0, len(changed)))]))
