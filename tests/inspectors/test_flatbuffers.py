from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.errors import Incomplete
from mlgate.inspectors._flatbuffers import Buffer
from mlgate.sources import BytesSource
from tests.builders.flatbuffers import Vector, flatbuffer

ROOT = {
    0: ("I", 3),
    2: "name",
    3: [{0: "first"}, {1: ("q", -7)}],
    4: Vector("i", (1, -2, 3)),
    5: ["a", "bc"],
    6: b"\1\2\3",
    7: {0: ("b", -1)},
}
SOUND = flatbuffer(ROOT, b"TEST")


def buffer(data: bytes, looks: int = 1000) -> Buffer:
    return Buffer(BytesSource(data), looks=looks)


def walk(data: bytes, at: int = 0) -> list[object]:
    table = buffer(data).root(at)
    inner = table.table(7)
    return [
        table.integer(0, "I"),
        table.integer(1, "I", 9),
        table.text(2),
        [(t.text(0), t.integer(1, "q")) for t in table.vector(3).tables()],
        table.vector(4).numbers("i"),
        list(table.vector(5).texts()),
        table.vector(6, 1).data(2),
        inner.integer(0, "b") if inner else None,
        table.text(99),
    ]


def test_every_kind_of_field_is_read() -> None:
    expected = [3, 9, "name", [("first", 0), ("", -7)], (1, -2, 3), ["a", "bc"], b"\1\2", -1, ""]
    assert walk(SOUND) == expected
    assert walk(flatbuffer(ROOT, b"TEST", prefixed=True), 4) == expected
    assert buffer(SOUND).identifier() == b"TEST"


def test_values_across_pages() -> None:
    data = flatbuffer({0: b"x" * 65_500, 1: "y" * 200, 2: b"z" * 300_000})
    table = buffer(data).root()
    assert table.text(1) == "y" * 200
    assert table.vector(2, 1).data(1 << 20) == b"z" * 300_000


def test_an_element_that_is_not_there_is_none() -> None:
    vector = buffer(SOUND).root().vector(3)
    assert vector.table(1) is not None
    assert vector.table(2) is None
    assert vector.table(-1) is None


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "truncated"),
        (struct.pack("<I", 0) + bytes(64), "truncated"),
        (struct.pack("<I", 1 << 30) + bytes(64), "truncated"),
        (struct.pack("<Ii", 4, 1 << 20) + bytes(64), "truncated"),
        (struct.pack("<IiHH", 4, -4, 2, 4) + bytes(64), "malformed"),
        (struct.pack("<IiHHH", 4, -4, 6, 8, 9) + bytes(64), "malformed"),
        (struct.pack("<IiHHH", 4, -4, 6, 8, 6) + bytes(64), "malformed"),
    ],
)
def test_what_is_no_table_is_told(data: bytes, reason: str) -> None:
    with pytest.raises(Incomplete) as stop:
        buffer(data).root().text(0)
    assert stop.value.reason == reason


def test_vectors_and_strings_end_in_the_buffer() -> None:
    place = SOUND.index(b"name") - 4
    broken = SOUND[:place] + struct.pack("<I", 1 << 31) + SOUND[place + 4 :]
    with pytest.raises(Incomplete, match="string"):
        buffer(broken).root().text(2)
    with pytest.raises(Incomplete, match="vector"):
        buffer(broken).root().vector(2, 1)


def test_shared_targets_do_not_multiply() -> None:
    table = buffer(flatbuffer({0: [{} for _ in range(500)]}), looks=200).root()
    with pytest.raises(Incomplete) as stop:
        list(table.vector(0).tables())
    assert stop.value.reason == "limit"


@given(st.integers(0, len(SOUND) - 1), st.binary(min_size=1, max_size=8), st.integers(0, len(SOUND)))
def test_any_bytes_are_read_or_incomplete(at: int, noise: bytes, cut: int) -> None:
    reasons = set()
    for data in (SOUND[:at] + noise + SOUND[at + len(noise) :], SOUND[:cut], noise):
        try:
            walk(data)
        except Incomplete as stop:
            reasons.add(stop.reason)
    assert reasons <= {"truncated", "malformed", "limit"}
