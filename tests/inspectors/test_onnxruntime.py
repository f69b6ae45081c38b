from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.inspectors.onnxruntime import INSPECTOR
from mlgate.records import ModelFacts
from tests.builders.flatbuffers import Fields, flatbuffer
from tests.builders.onnxruntime import graph, held, node, session, subgraph, subgraphs, tensor
from tests.reading import Said, artifact, read

SOUND = session(
    graph(node("MatMul"), node("FusedConv", "com.microsoft"), tensors=(tensor("w", 2, 3, raw=bytes(24)),)),
    metadata=(("license", "MIT"),),
)


def look(data: bytes, path: str = "m/birds.ort") -> Said:
    return read(INSPECTOR, path, data)


def facts(said: Said) -> ModelFacts:
    (found,) = [c.model for c in said.components]
    assert found is not None
    return found


def test_a_model_is_described_by_what_it_says() -> None:
    said = look(SOUND)
    assert (said.rules, said.stopped) == ([], None)
    found = facts(said)
    assert (found.parameters, found.inputs, found.outputs) == (6, ("x",), ("y",))
    assert dict(found.other)["producer"] == "pytorch 2.1"
    assert said.components[0].licenses == ("MIT",)
    assert INSPECTOR.claims(artifact("model.bin", SOUND))


def inside(one: Fields, where: str) -> Fields:
    deep = graph(node("If", "", subgraph(graph(one))))
    return {
        "top": lambda: graph(node("Relu"), one),
        "body": lambda: graph(node("Loop", "", subgraph(graph(one)))),
        "bodies": lambda: graph(node("If", "", subgraphs(graph(node("Relu")), deep))),
    }[where]()


@pytest.mark.parametrize(
    ("op", "domain", "expected"),
    [
        ("Conv", "ai.onnx.ml", []),
        ("PyOp", "ai.onnx.contrib", ["MLG-MDL-032"]),
        ("PythonOp", "com.microsoft", ["MLG-MDL-032"]),
        ("Thing", "acme", ["MLG-MDL-031"]),
    ],
)
@pytest.mark.parametrize("where", ["top", "body", "bodies"])
def test_operators_are_judged_in_every_graph(op: str, domain: str, expected: list[str], where: str) -> None:
    said = look(session(inside(node(op, domain), where)))
    assert (said.rules, said.stopped) == (expected, None)


@pytest.mark.parametrize("where", ["top", "body", "bodies"])
@pytest.mark.parametrize("one", [tensor("w", 2, 3, raw=bytes(20)), tensor("w", -2, 3), tensor("w", 1 << 40, 1 << 40)])
def test_tensors_that_lie_block_in_every_graph(one: Fields, where: str) -> None:
    assert look(session(inside(node("Constant", "", held(one)), where))).rules == ["MLG-MDL-033"]
    assert look(session(graph(tensors=(one,)))).rules == ["MLG-MDL-033"]


def test_metadata_that_is_code_is_told() -> None:
    hostile = (("note", "__import__('os').system('id')"),)
    assert look(session(graph(node("Relu")), metadata=hostile)).rules == ["MLG-MDL-024"]


def nested(depth: int) -> bytes:
    inner = graph(node("Relu"))
    for _ in range(depth):
        inner = graph(node("Loop", "", subgraph(inner)))
    return session(inner)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (SOUND[:60], "truncated"),
        (b"", "truncated"),
        (b"no flatbuffer", "malformed"),
        (flatbuffer({0: "5"}, b"ORTM"), "malformed"),
        (flatbuffer({0: "5", 1: {0: ("q", 8)}}, b"ORTM"), "malformed"),
        (nested(70), "limit"),
    ],
)
def test_what_cannot_be_read_is_incomplete(data: bytes, reason: str) -> None:
    stopped = look(data).stopped
    assert stopped is not None
    assert stopped.reason == reason


def test_another_content_is_a_mismatch() -> None:
    assert look(b"PK\x03\x04" + bytes(60)).rules == ["MLG-MDL-001"]


@given(st.binary(max_size=8), st.integers(8, len(SOUND)), st.integers(0, 8))
def test_any_bytes_end_in_an_answer(noise: bytes, at: int, cut: int) -> None:
    look(SOUND[:at] + noise + SOUND[at + cut :])
