from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlgate.inspectors.tflite import INSPECTOR
from mlgate.records import Artifact, Severity
from tests.builders import tflite as lite
from tests.builders.flatbuffers import Vector
from tests.reading import Said, artifact, read

SOUND = lite.model()


def look(data: bytes, path: str = "m/tiny.tflite") -> Said:
    return read(INSPECTOR, path, data)


def test_what_a_model_says_of_itself() -> None:
    metadata = lite.described("labels.txt", name="Tiny", license="Apache-2.0", author="Somebody", version="v1")
    data = lite.model(metadata={"TFLITE_METADATA": metadata, "min_runtime_version": b"1.5.0" + bytes(11)})
    said = look(data)
    assert (said.rules, said.stopped) == ([], None)
    model = said.one("tiny.tflite")
    assert model.licenses == ("Apache-2.0",)
    facts = model.model
    assert facts is not None
    assert (facts.format, facts.architecture, facts.parameters) == ("tflite", "Tiny", 6)
    assert facts.inputs == ("x: float32[1, 3]",)
    assert facts.outputs == ("y: float32[1, 2]",)
    assert dict(facts.other)["author"] == "Somebody"


@pytest.mark.parametrize(
    ("name", "expected"),
    [("edgetpu-custom-op", "MLG-MDL-080"), ("MyOp", "MLG-MDL-080"), ("TFLite_Detection_PostProcess", "")],
)
def test_custom_operators(name: str, expected: str) -> None:
    said = look(lite.model(codes=[lite.code(lite.CUSTOM, name)]))
    assert said.rules == ([expected] if expected else [])
    assert all(f.severity is Severity.MEDIUM for f in said.findings)


@pytest.mark.parametrize(
    ("name", "op", "expected"),
    [
        ("ReadFile", None, ["MLG-MDL-070"]),
        ("WriteFile", None, ["MLG-MDL-070"]),
        ("SaveV2", None, ["MLG-MDL-070"]),
        ("PyFunc", None, ["MLG-MDL-071"]),
        ("RpcCall", None, ["MLG-MDL-072"]),
        ("AddV2", "ReadFile", ["MLG-MDL-070"]),
        ("AddV2", "EagerPyFunc", ["MLG-MDL-071"]),
        ("AddV2", None, []),
        ("NoSuchOp", None, ["MLG-MDL-080"]),
    ],
)
def test_operators_that_run_in_tensorflow(name: str, op: str | None, expected: list[str]) -> None:
    assert look(lite.flex(name, op)).rules == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [("file:///etc/cron.d/x", "MLG-MDL-070"), ("grpc://evil.example:80", "MLG-MDL-072"), ("stderr", "")],
)
def test_operators_in_tensorflow_that_are_told_where_to_write(url: str, expected: str) -> None:
    options = lite.flex_options("PrintV2") + bytes([len(url)]) + url.encode()
    codes, operators = [lite.code(lite.CUSTOM, "FlexPrintV2")], [lite.operator(0, [0], [2], options)]
    said = look(lite.model(codes=codes, operators=operators))
    assert said.rules == ([expected] if expected else [])


WRONG: list[tuple[str, dict[str, Any]]] = [
    ("takes or gives tensor 7", {"inputs": (7,)}),
    ("takes or gives tensor -1", {"outputs": (-1,)}),
    ("tensor that is not there", {"operators": [lite.operator(0, [0, 99], [2])]}),
    ("tensor that is not there", {"operators": [lite.operator(0, [0, -2], [2])]}),
    ("has code 5 of 1", {"operators": [lite.operator(5, [0], [2])]}),
    ("buffer 9 of 2", {"tensors": [lite.tensor("x", [1]), lite.tensor("w", [1], 9), lite.tensor("y", [1])]}),
    ("bytes of data", {"buffers": [{}, {0: bytes(23)}]}),
    ("impossible shape", {"tensors": [lite.tensor("x", [1]), lite.tensor("w", [-5, 2]), lite.tensor("y", [1])]}),
    ("buffer that is not there", {"more": {6: [{0: "TFLITE_METADATA", 1: ("I", 77)}]}}),
]


@pytest.mark.parametrize(("reason", "changed"), WRONG)
def test_lies_are_told(reason: str, changed: dict[str, Any]) -> None:
    said = look(lite.model(**changed))
    assert said.rules == ["MLG-MDL-081"]
    assert reason in said.findings[0].message
    assert said.stopped is None


def test_optional_inputs_and_other_types_are_no_lies() -> None:
    tensors = [lite.tensor("x", [1, 3]), lite.tensor("w", [3, 3], 1, kind=17), lite.tensor("y", [1, 2])]
    assert look(lite.model(tensors=tensors, buffers=[{}, {0: bytes(5)}])).rules == []
    sparse = lite.tensor("w", [100, 100], 1) | {6: {}}
    assert look(lite.model(tensors=[lite.tensor("x", [1]), sparse, lite.tensor("y", [1])])).rules == []


def test_buffers_behind_the_flatbuffer() -> None:
    short = lite.model(buffers=[{}, {1: ("Q", 64), 2: ("Q", 24)}])
    assert (look(short).rules, look(short).stopped) == ([], None)
    stopped = look(lite.model(buffers=[{}, {1: ("Q", 64), 2: ("Q", 1 << 40)}])).stopped
    assert stopped is not None
    assert stopped.reason == "truncated"


@pytest.mark.parametrize("name", ["/etc/passwd", "../../x.bin", "https://evil.example/w"])
def test_files_outside_of_the_folder(name: str) -> None:
    assert look(lite.model(more={8: [{0: name}]})).rules == ["MLG-MDL-082"]
    assert set(look(lite.model(metadata={"TFLITE_METADATA": lite.described(name)})).rules) == {"MLG-MDL-082"}
    assert look(lite.model(more={8: [{0: "weights.bin"}]})).rules == []


def test_descriptions_are_only_text() -> None:
    metadata = lite.described(description="<script>alert(1)</script>")
    assert look(lite.model(metadata={"TFLITE_METADATA": metadata})).rules == ["MLG-MDL-023"]


def test_appended_files_are_no_finding_of_the_model() -> None:
    data = lite.with_files(SOUND, {"labels.txt": b"cat\ndog\n"})
    assert artifact("tiny.tflite", data).formats == ("tflite", "zip")
    said = look(data)
    assert (said.rules, said.stopped) == ([], None)


def test_bundles_are_models() -> None:
    data = lite.bundle({"detector.tflite": SOUND})
    assert INSPECTOR.claims(artifact("hand.task", data))
    said = look(data, "hand.task")
    assert said.one("hand.task").model is not None
    assert not INSPECTOR.claims(artifact("hand.zip", data))
    assert not INSPECTOR.claims(artifact("work.task", b"- [ ] write it down\n"))


def test_sections_are_looked_at_as_files() -> None:
    said = look(lite.litertlm(SOUND, b"plain"), "m/llm.litertlm")
    assert said.stopped is None
    inside = [o for o in said.observations if isinstance(o, Artifact)]
    assert [(a.name, a.formats, a.source.size) for a in inside] == [
        ("section0.tflite", ("tflite",), len(SOUND)),
        ("section1", (), 5),
    ]


@pytest.mark.parametrize(
    ("data", "path", "reason"),
    [
        (b"", "a.tflite", "truncated"),
        (b"no model at all", "a.tflite", "malformed"),
        (lite.model(version=2), "a.tflite", "unsupported"),
        (lite.model(more={2: []}), "a.tflite", "malformed"),
        (SOUND[:40], "a.tflite", "truncated"),
        (lite.litertlm(SOUND, major=2), "a.litertlm", "unsupported"),
        (lite.litertlm(SOUND, shift=1 << 30), "a.litertlm", "truncated"),
        (lite.litertlm(), "a.litertlm", "malformed"),
        (b"LITERTLM", "a.litertlm", "truncated"),
        (lite.model(metadata={"TFLITE_METADATA": b"\xff" * 20}), "a.tflite", "truncated"),
    ],
)
def test_what_cannot_be_read_is_incomplete(data: bytes, path: str, reason: str) -> None:
    stopped = look(data, path).stopped
    assert stopped is not None
    assert stopped.reason == reason


def test_content_is_known_under_any_name() -> None:
    assert INSPECTOR.claims(artifact("weights.bin", SOUND))
    assert look(b"PK\x03\x04" + bytes(30)).rules == ["MLG-MDL-001"]


RICH = lite.model(
    codes=[lite.code(9), lite.code(lite.CUSTOM, "FlexReadFile"), lite.code(173)],
    operators=[lite.operator(1, [0], [2], lite.flex_options("ReadFile")), lite.operator(2, [0], [2])],
    metadata={"TFLITE_METADATA": lite.described("a.txt", name="x")},
    more={7: [{2: "serve"}], 8: [{0: "w"}], 9: Vector("I", (1,))},
)
BUNDLE = lite.litertlm(SOUND)


@settings(max_examples=80)
@given(st.integers(0, len(RICH)), st.binary(min_size=1, max_size=8))
def test_any_bytes_end_in_an_answer(at: int, noise: bytes) -> None:
    look(RICH[:at] + noise + RICH[at + len(noise) :])
    look(RICH[:at])
    look(RICH[:8] + noise)
    look(BUNDLE[: at % 400] + noise + BUNDLE[at % 400 + len(noise) :], "a.litertlm")
