from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.inspectors.native import INSPECTOR
from mlgate.records import ModelFacts
from tests.reading import Said, artifact, read


def ultralytics(metadata: object) -> bytes:
    """A TensorRT engine as Ultralytics exports it."""
    raw = json.dumps(metadata).encode()
    return len(raw).to_bytes(4, "little") + raw + b"ftrt" + bytes(40)


def look(data: bytes, path: str) -> Said:
    return read(INSPECTOR, path, data)


def facts(said: Said) -> ModelFacts:
    (found,) = [c.model for c in said.components]
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("a.engine", b"ptrt\0\0\0\0", "tensorrt"),
        ("a.plan", b"ftrt\0\0\0\0", "tensorrt"),
        ("a.trt", b"\0\1\2", "tensorrt"),
        ("a.rknn", b"RKNN\0\0\0\0", "rknn"),
        ("a.hef", b"\x01HEF\0\0\0\2", "hailo"),
        ("a.kmodel", b"LDMK\0", "kendryte"),
        ("a.om", b"IMOD\0", "ascend"),
        ("a.MNN", b"\x18\0\0\0", "mnn"),
        ("a.dnn", b"\x08\x01\x12\x11\n\x07version\x12\x06\x08\x01", "cntk"),
        ("a.cmf", b"B\0C\0N\0\0\0", "cntk"),
    ],
)
def test_compiled_models_are_listed_and_incomplete(name: str, data: bytes, kind: str) -> None:
    assert INSPECTOR.claims(artifact(name, data))
    said = look(data, name)
    assert facts(said).format == kind
    assert said.stopped is not None
    assert said.stopped.reason == "unsupported"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("release.plan", b"1. ship it\n"),
        ("poll.engine", b"<xml/>"),
        ("a.om", b"\0\1\2"),
        ("a.hef", b"text"),
        ("a.dnn", b"\0\1\2\3\4"),
        ("a.bin", b"ptrt"),
    ],
)
def test_other_files_of_the_name_are_not_ours(name: str, data: bytes) -> None:
    assert not INSPECTOR.claims(artifact(name, data))


def test_what_ultralytics_writes_is_told_and_judged() -> None:
    said = look(ultralytics({"task": "detect", "license": "AGPL-3.0", "names": {"0": "person"}}), "yolo.engine")
    assert said.rules == []
    assert said.components[0].licenses == ("AGPL-3.0",)
    assert dict(facts(said).other)["task"] == "detect"
    assert look(ultralytics({"names": "__import__('os').system('id')"}), "y.engine").rules == ["MLG-MDL-024"]


def test_another_content_is_a_mismatch() -> None:
    assert look(b"\x80\x02}q\0.", "a.engine").rules == ["MLG-MDL-001"]
    assert look(b"GGUF" + bytes(40), "a.rknn").rules == ["MLG-MDL-001"]
    stopped = look(b"", "a.trt").stopped
    assert stopped is not None
    assert stopped.reason == "truncated"


@given(st.binary(max_size=60))
def test_any_bytes_end_in_an_answer(data: bytes) -> None:
    said = look(data, "a.engine")
    assert said.stopped is not None or said.rules
    look(len(data).to_bytes(4, "little") + b"{" + data, "a.engine")
