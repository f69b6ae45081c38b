from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlgate.errors import Incomplete
from mlgate.inspectors._leveldb_table import snappy
from mlgate.inspectors.tfcheckpoint import INSPECTOR
from mlgate.records import ModelFacts
from tests.builders import tfcheckpoint as tf
from tests.builders.onnx import block, varint
from tests.reading import Said, artifact, read

TENSORS = [(f"layer{n}/kernel", tf.entry([2, 3], 24 * n, 24)) for n in range(9)]
GRAPH = ("_CHECKPOINTABLE_OBJECT_GRAPH", tf.entry([], 216, 50, kind=7))
SOUND = tf.index(GRAPH, *TENSORS)


def look(data: bytes, path: str = "m/variables.index") -> Said:
    return read(INSPECTOR, path, data)


def facts(said: Said) -> ModelFacts:
    (found,) = (c.model for c in said.components if c.model)
    return found


@pytest.mark.parametrize("compress", [False, True])
def test_what_an_index_says(compress: bool) -> None:
    said = look(tf.index(GRAPH, *TENSORS, compress=compress))
    assert (said.rules, said.stopped) == ([], None)
    assert facts(said).parameters == 54
    assert dict(facts(said).other) == {"tensors": "float32: 9, string: 1", "shards": "1", "object-graph": "yes"}


@pytest.mark.parametrize(
    ("reason", "tensors"),
    [
        ("shard 1 of 1", [("a", tf.entry([1], 0, 4, shard=1))]),
        ("overlaps", [("a", tf.entry([2], 0, 8)), ("b", tf.entry([2], 4, 8))]),
        ("needs", [("a", tf.entry([2], 0, 9))]),
        ("impossible place", [("a", tf.entry([1], -4, 4))]),
        ("impossible shape", [("a", tf.entry([-2], 0, 0))]),
        ("twice", [("b", tf.entry([1], 0, 4)), ("a", tf.entry([1], 4, 4))]),
        ("twice", [("a", tf.entry([1], 0, 4)), ("a", tf.entry([1], 4, 4))]),
    ],
)
def test_lies_are_told(reason: str, tensors: list[tuple[str, bytes]]) -> None:
    said = look(tf.index(*tensors))
    assert set(said.rules) == {"MLG-MDL-077"}
    assert any(reason.removesuffix("s") in f.message for f in said.findings)
    assert said.stopped is None


def test_slices_and_shards_are_no_lies() -> None:
    sliced = tf.entry([4], 0, 0) + block(7, b"")
    assert look(tf.index(("a", sliced), ("b", tf.entry([1], 0, 4, shard=1)), shards=2)).rules == []


def test_old_checkpoints_list_their_tensors() -> None:
    data = tf.version1("w", "b")
    assert INSPECTOR.claims(artifact("model.ckpt", data))
    said = look(data, "model.ckpt")
    assert (said.rules, said.stopped) == ([], None)
    assert facts(said).format == "tensorflow-checkpoint-v1"
    assert facts(said).parameters == 12


def test_shards_are_numbered_from_nought() -> None:
    said = look(bytes(100), "m/variables.data-00000-of-00001")
    assert (said.rules, said.stopped) == ([], None)
    assert look(bytes(100), "variables.data-00001-of-00001").rules == ["MLG-MDL-077"]
    assert look(b"\x7fELF" + bytes(60), "variables.data-00000-of-00001").rules == ["MLG-MDL-001"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("model.ckpt-1000", []),
        ("/home/me/model.ckpt", ["low"]),
        ("../other/model.ckpt", ["low"]),
        ("gs://bucket/x", ["medium"]),
    ],
)
def test_the_file_that_names_the_latest(path: str, expected: list[str]) -> None:
    text = f'model_checkpoint_path: "{path}"\nall_model_checkpoint_paths: "{path}"\n'
    assert INSPECTOR.claims(artifact("checkpoint", text.encode()))
    said = look(text.encode(), "m/checkpoint")
    assert [f.severity.value for f in said.findings] == expected
    assert not INSPECTOR.claims(artifact("checkpoint", b"a diary"))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "truncated"),
        (SOUND[:-1], "truncated"),
        (tf.table([]), "malformed"),
        (tf.table([(b"a", b"")]), "malformed"),
        (tf.table([(b"", tf.header())], method=9), "unsupported"),
        (varint(1 << 40) * 4 + bytes(16) + tf.MAGIC, "truncated"),
        (b"\xff" * 60 + tf.MAGIC, "malformed"),
    ],
)
def test_what_cannot_be_read_is_incomplete(data: bytes, reason: str) -> None:
    stopped = look(data).stopped
    assert stopped is not None
    assert stopped.reason == reason


def test_other_tables_and_names_are_not_ours() -> None:
    assert not INSPECTOR.claims(artifact("000005.ldb", SOUND))
    assert not INSPECTOR.claims(artifact("search.index", b"words"))
    assert INSPECTOR.claims(artifact("step.index", SOUND))


def test_snappy_copies() -> None:
    assert snappy(b"\x0a\x04ab\x1e\x02\x00") == b"ababababab"
    assert snappy(b"\x08\x00a\x0d\x01") == b"aaaaaaaa"
    for data in (b"\x05\x00a\x0d\x02", b"\x09\x04ab", b"\x02\x08ab", b""):
        with pytest.raises(Incomplete):
            snappy(data)
    with pytest.raises(Incomplete) as stop:
        snappy(varint(1 << 40) + b"\x00a")
    assert stop.value.reason == "limit"


@settings(max_examples=100)
@given(st.integers(0, len(SOUND)), st.binary(min_size=1, max_size=8), st.binary(max_size=60))
def test_any_bytes_end_in_an_answer(at: int, noise: bytes, body: bytes) -> None:
    look(SOUND[:at] + noise + SOUND[at + len(noise) :])
    look(SOUND[:at] + tf.MAGIC)
    look(tf.version1("a", "bb")[at % 200 :], "x.ckpt")
    look(noise + body, "checkpoint")
    try:
        assert len(snappy(body)) <= 1 << 24
    except Incomplete as stop:
        assert stop.detail  # noqa: PT017  (either outcome is right)
