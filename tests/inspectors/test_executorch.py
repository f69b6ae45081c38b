from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.inspectors.executorch import INSPECTOR
from mlgate.records import ModelFacts
from tests.builders.executorch import delegate, instruction, plan, program, tensor, tensors
from tests.builders.flatbuffers import Fields
from tests.reading import Said, artifact, read

SOUND = program()
SEGMENTS = program(plan(delegates=(delegate("XnnpackBackend", segment=True),)), segments=((0, 24),), data=bytes(24))


def look(data: bytes, path: str = "m/birds.pte") -> Said:
    return read(INSPECTOR, path, data)


def facts(said: Said) -> ModelFacts:
    (found,) = [c.model for c in said.components]
    assert found is not None
    return found


@pytest.mark.parametrize("data", [SOUND, SEGMENTS])
def test_a_program_is_described_by_what_it_says(data: bytes) -> None:
    said = look(data)
    assert (said.rules, said.stopped) == ([], None)
    found = facts(said)
    assert (found.parameters, found.quantization) == (6, "float32")
    assert found.inputs == ("forward: float32[1, 3]",)
    assert found.outputs == ("forward: float32[2, 3]",)
    assert dict(found.other)["methods"] == "forward"


def test_programs_are_known_by_their_content() -> None:
    assert INSPECTOR.claims(artifact("model.bin", SOUND))
    assert not INSPECTOR.claims(artifact("model.bin", b"    ET99"))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("aten::mm", []),
        ("llama::sdpa_with_kv_cache", []),
        ("aten::from_file", ["MLG-MDL-094"]),
        ("acme::run", ["MLG-MDL-092"]),
        ("run", ["MLG-MDL-092"]),
    ],
)
def test_operators_are_judged(name: str, expected: list[str]) -> None:
    said = look(program(plan(), plan(operators=("aten::add", name))))
    assert (said.rules, said.stopped) == (expected, None)


def test_compiled_parts_are_told_with_their_backend() -> None:
    for name, expected in (("XnnpackBackend", []), ("QnnBackend", ["MLG-MDL-097"])):
        said = look(program(plan(delegates=(delegate(name),))))
        assert (said.rules, said.stopped) == (expected, None)
        assert name in dict(facts(said).other)["backends"]


LIES: list[Fields] = [
    plan(instruction(1, 7, (0,))),
    plan(instruction(1, -1, (0,))),
    plan(instruction(1, 0, (0, 2))),
    plan(instruction(2, 0, (0,))),
    plan(instruction(3, 0, 2)),
    plan(instruction(4, 0, 5)),
    plan(instruction(5, 9)),
    plan(instruction(9, 0)),
    plan(takes=(5,)),
    plan(values=(tensor(1, -3), tensor(1))),
    plan(values=(tensor(*[1 << 30] * 4), tensor(1))),
    plan(values=(tensor(1), tensor(1, place=9))),
    plan(values=(tensor(1), tensors(0, 5))),
    plan(delegates=(delegate("XnnpackBackend", index=3),)),
    plan(delegates=(delegate("XnnpackBackend", segment=True),)),
]


@pytest.mark.parametrize("number", range(len(LIES)))
def test_numbers_that_point_at_nothing_block(number: int) -> None:
    said = look(program(plan(), LIES[number]))
    assert (set(said.rules), said.stopped) == ({"MLG-MDL-096"}, None)


@pytest.mark.parametrize(
    "one",
    [
        plan(instruction(1, 0, (0, 1)), instruction(3, 0, 1), instruction(4, 0, 3), instruction(5, 1)),
        plan(instruction(2, 0, (0, 1)), delegates=(delegate("XnnpackBackend"),)),
        plan(values=(tensor(), tensor(0), tensors(0, 1))),
        plan(values=(tensor(1), tensor(4, place=200, external=True))),
    ],
)
def test_numbers_that_point_at_something_do_not(one: Fields) -> None:
    said = look(program(one))
    assert (said.rules, said.stopped) == ([], None)


def test_segments_are_in_the_file_and_constants_in_their_segment() -> None:
    assert look(program(segments=((0, 24),), offsets=(0, (0, 16)), data=bytes(24))).rules == []
    assert look(program(segments=((0, 24),), offsets=(0, (0, 99)), data=bytes(24))).rules == ["MLG-MDL-096"]
    assert look(program(segments=((0, 24),), offsets=(3, (0, 16)), data=bytes(24))).rules == ["MLG-MDL-096"]
    assert look(program(segments=((1 << 63, 24),), data=bytes(24))).rules == ["MLG-MDL-096"]
    said = look(program(segments=((0, 2400),), data=bytes(24)))
    assert said.rules == []
    assert said.stopped is not None
    assert said.stopped.reason == "truncated"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (SOUND[:40], "truncated"),
        (program(identifier=b"ET13"), "unsupported"),
        (b"", "truncated"),
        (b"not a program", "malformed"),
    ],
)
def test_what_cannot_be_read_is_incomplete(data: bytes, reason: str) -> None:
    stopped = look(data).stopped
    assert stopped is not None
    assert stopped.reason == reason


def test_another_content_is_a_mismatch() -> None:
    assert look(b"PK\x03\x04" + bytes(60)).rules == ["MLG-MDL-001"]


@given(st.sampled_from([SOUND, SEGMENTS]), st.binary(max_size=8), st.integers(8, 500), st.integers(0, 8))
def test_any_bytes_end_in_an_answer(data: bytes, noise: bytes, at: int, cut: int) -> None:
    look(data[:at] + noise + data[at + cut :])
