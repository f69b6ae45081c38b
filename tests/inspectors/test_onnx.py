from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.inspectors.onnx import INSPECTOR
from mlgate.records import Component
from tests.builders.onnx import block, entry, function, graph, model, node, number, subgraph, tensor, varint
from tests.reading import Said, artifact, read

WEIGHT = tensor("w", [2, 3], 1, bytes(24))
SOUND = model(graph(node("MatMul"), node("Relu"), tensors=(WEIGHT,)), block(14, entry("license", "MIT")))


def look(data: bytes, path: str = "m/net.onnx") -> Said:
    return read(INSPECTOR, path, data)


def test_a_sound_model_is_a_component_and_no_finding() -> None:
    said = look(SOUND)
    assert said.stopped is None
    assert said.rules == []
    found = said.one("net.onnx")
    assert found.licenses == ("MIT",)
    assert found.model is not None
    assert found.model.parameters == 6
    assert found.model.inputs == ("x: float32[batch, 3]",)
    assert found.model.outputs == ("y: int64[]",)
    told = dict(found.model.other)
    assert (told["opsets"], told["ir-version"], told["nodes"]) == ("ai.onnx 17", "8", "2")


def outside(location: str) -> bytes:
    return tensor("w", [2], 1, None, location)


ESCAPES = (
    "/etc/passwd",
    "../secret",
    "data/../../secret",
    "..\\..\\secret",
    "C:\\windows\\win.ini",
    "\\\\server\\share",
    "file:///etc/passwd",
    "http://evil.example/w",
    "*/_ORT_MEM_ADDR_/*",
    "",
    "a\nb",
)


@pytest.mark.parametrize("location", ESCAPES)
def test_data_outside_of_the_folder_is_found(location: str) -> None:
    said = look(model(graph(node("Relu"), tensors=(outside(location),))))
    assert said.rules == ["MLG-MDL-030"]


@pytest.mark.parametrize("location", ["weights.bin", "data/w.bin", "./w.bin", "a..b", "model:1.bin", "..."])
def test_data_beside_the_model_is_noted(location: str) -> None:
    said = look(model(graph(node("Relu"), tensors=(outside(location),))))
    assert said.rules == []
    assert ("onnx:external-data", location) in said.components[0].properties


def deep(inner: bytes, levels: int) -> bytes:
    for _ in range(levels):
        inner = graph(node("If", "", subgraph(inner)))
    return inner


BAD = outside("../x")
PLACES = {
    "initializer": model(graph(tensors=(BAD,))),
    "attribute": model(graph(node("Constant", "", block(1, "value") + block(5, BAD)))),
    "attribute list": model(graph(node("Constant", "", block(10, BAD)))),
    "sparse": model(graph(node("Relu")) + block(15, block(1, BAD))),
    "subgraph": model(deep(graph(tensors=(BAD,)), 20)),
    "function": model(graph(node("F", "mine")), function("mine", "F", node("Constant", "", block(5, BAD)))),
    "training": model(graph(node("Relu")), block(20, block(1, graph(tensors=(BAD,))))),
    "second graph": model(graph(node("Relu")), block(7, graph(tensors=(BAD,)))),
    "second location": model(graph(tensors=(tensor("w", [2], 1, None, "fine.bin", "../x"),))),
    "without data_location": model(graph(tensors=(tensor("w", [2]) + block(13, entry("location", "../x")),))),
    "merged tensor": model(
        graph(node("C", "", block(5, number(14, 1)) + block(5, block(13, entry("location", "/x")))))
    ),
}


@pytest.mark.parametrize("data", PLACES.values(), ids=PLACES)
def test_data_outside_is_found_wherever_a_tensor_can_stand(data: bytes) -> None:
    said = look(data)
    assert said.rules == ["MLG-MDL-030"]
    assert said.stopped is None


def test_custom_operators_need_a_library_and_own_functions_do_not() -> None:
    assert look(model(graph(node("Conv", "acme.ops"), node("Gelu", "com.microsoft"), node("LSTM")))).rules == [
        "MLG-MDL-031"
    ]
    brought = model(graph(node("Conv", "acme.ops")), function("acme.ops", "Conv", node("Relu")))
    assert look(brought).rules == []
    other = model(graph(node("Conv", "acme.ops")), function("acme.ops", "Pool", node("Relu")))
    assert look(other).rules == ["MLG-MDL-031"]
    inside = model(graph(node("Conv", "acme.ops")), function("acme.ops", "Conv", node("Run", "evil")))
    assert look(inside).findings[0].evidence == "evil: Run"


@pytest.mark.parametrize(
    ("domain", "name"),
    [("com.microsoft", "PythonOp"), ("ai.onnx.contrib", "PyOp"), ("pyopmulti_1", "PyOp"), ("", "PyOp")],
)
def test_operators_that_call_python_are_found(domain: str, name: str) -> None:
    assert look(model(deep(graph(node(name, domain)), 3))).rules == ["MLG-MDL-032"]


def test_a_function_of_the_model_hides_no_python() -> None:
    hidden = model(graph(node("PyOp", "acme.ops")), function("acme.ops", "PyOp", node("Relu")))
    assert look(hidden).rules == ["MLG-MDL-032"]


@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        (tensor("w", [2, 3], 1, bytes(23)), ["MLG-MDL-033"]),
        (tensor("w", [-1], 1, bytes(4)), ["MLG-MDL-033"]),
        (tensor("w", [3], 22, bytes(2)), []),
        (tensor("w", [], 7, bytes(8)), []),
        (tensor("w", [0], 7, b""), []),
        (tensor("w", [3], 8), []),
    ],
)
def test_sizes_fit_types_and_shapes(bad: bytes, expected: list[str]) -> None:
    assert look(model(graph(tensors=(bad,)))).rules == expected


def test_metadata_is_only_text() -> None:
    said = look(model(graph(node("Relu")), block(14, entry("names", "__import__('os').system('id')"))))
    assert said.rules == ["MLG-MDL-024"]
    said = look(model(graph(node("Relu")), block(14, entry("names", "{0: 'person', 1: 'os'}"))))
    assert said.rules == []


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "truncated"),
        (SOUND[:-3], "truncated"),
        (SOUND[:60], "truncated"),
        (b"these bytes are no model", "malformed"),
        (number(1, 8), "malformed"),
        (SOUND + b"\x0b", "malformed"),
        (number(1, 8) + block(7, block(1, b"\x22\x7f")), "malformed"),
        (number(1, 8) + block(7, b"\xff" * 11), "malformed"),
        (model(deep(graph(node("Relu")), 60)), "limit"),
    ],
)
def test_what_cannot_be_read_is_incomplete(data: bytes, reason: str) -> None:
    stopped = look(data).stopped
    assert stopped is not None
    assert stopped.reason == reason


def test_what_stood_before_the_break_is_kept() -> None:
    said = look(model(graph(tensors=(BAD,))) + b"\x0b")
    assert said.rules == ["MLG-MDL-030"]
    assert said.stopped is not None


def test_the_content_is_known_under_any_name() -> None:
    assert INSPECTOR.claims(artifact("weights.bin", SOUND))
    assert not INSPECTOR.claims(artifact("notes.txt", b"\x08\x08text that only begins like one"))
    assert look(b"\x80\x04N." + bytes(20)).rules == ["MLG-MDL-001"]


def test_a_tensor_file_is_data_and_is_looked_at() -> None:
    said = look(WEIGHT, "test_data/input_0.pb")
    assert [c.identity for c in said.components] == ["dataset:file:test_data/input_0.pb"]
    assert INSPECTOR.claims(artifact("input_0.pb", WEIGHT))
    assert look(BAD, "input_0.pb").rules == ["MLG-MDL-030"]
    assert not INSPECTOR.claims(artifact("saved_model.pb", b"\x0a\x04main\x12\x02\x08\x01" + number(31, 1)))


def test_a_tensor_of_a_gigabyte_costs_a_jump() -> None:
    class Sparse:
        size = 1 << 30

        def read_at(self, offset: int, length: int) -> bytes:
            return whole[offset : offset + length].ljust(min(length, self.size - offset), b"\0")

    raw = (1 << 30) - 200
    inner = block(1, varint(raw)) + number(2, 2) + varint(9 << 3 | 2) + varint(raw)
    padding = raw
    held = varint(5 << 3 | 2) + varint(len(inner) + padding) + inner
    whole = number(1, 8) + varint(7 << 3 | 2) + varint(len(held) + padding) + held
    Sparse.size = len(whole) + padding
    source = dataclasses.replace(artifact("big.onnx", whole), source=Sparse())
    (component,) = INSPECTOR.inspect(source)
    assert isinstance(component, Component)
    assert component.model is not None
    assert component.model.parameters == raw


@given(st.integers(0, 300), st.binary(min_size=1, max_size=12))
def test_any_bytes_end_in_an_answer(at: int, noise: bytes) -> None:
    look(SOUND[:at] + noise + SOUND[at + len(noise) :])
    look(noise)
    look(noise, "input_0.pb")
