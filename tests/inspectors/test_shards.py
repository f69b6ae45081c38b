from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.inspectors.shards import INSPECTOR, names_digest
from tests.builders import safetensors as build
from tests.reading import artifact, read
from tests.test_pipeline import look

A, B = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"


def index(weights: dict[str, str], **other: Any) -> str:
    return json.dumps({"metadata": {"total_size": 8}, "weight_map": weights, **other})


def shard(*names: str) -> bytes:
    return build.safetensors({name: ("F32", [1]) for name in names})


def tree(tmp_path: Path, weights: dict[str, str], **files: bytes) -> list[tuple[str, str]]:
    """(rule, path) of what is found in a folder with an index and these files."""
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "model.safetensors.index.json").write_text(index(weights))
    for name, data in files.items():
        (tmp_path / "m" / name).write_bytes(data)
    return [(f.rule.id, f.location.path) for f in look(tmp_path).inventory.findings]


def test_a_set_that_is_what_its_index_says(tmp_path: Path) -> None:
    assert tree(tmp_path, {"a": A, "b": A, "c": B}, **{A: shard("b", "a"), B: shard("c")}) == []


def test_a_shard_with_other_tensors_is_told(tmp_path: Path) -> None:
    found = tree(tmp_path, {"a": A, "c": B}, **{A: shard("a"), B: shard("x")})
    assert found == [("MLG-MDL-161", f"m/{B}")]


def test_shards_that_changed_places_are_told(tmp_path: Path) -> None:
    found = tree(tmp_path, {"a": A, "c": B}, **{A: shard("c"), B: shard("a")})
    assert found == [("MLG-MDL-161", f"m/{A}"), ("MLG-MDL-161", f"m/{B}")]


def test_a_missing_shard_is_no_complete_model(tmp_path: Path) -> None:
    assert tree(tmp_path, {"a": A, "c": B}, **{A: shard("a")}) == [("MLG-INC-008", "m/model.safetensors.index.json")]


def test_an_index_whose_model_is_elsewhere_misses_nothing(tmp_path: Path) -> None:
    assert tree(tmp_path, {"a": A, "c": B}) == []


def test_one_shard_that_is_checked_alone_misses_nothing(tmp_path: Path) -> None:
    tree(tmp_path, {"a": A, "c": B}, **{A: shard("a"), B: shard("c")})
    files = (tmp_path / "m" / "model.safetensors.index.json", tmp_path / "m" / A)
    assert look(tmp_path, files=files).inventory.findings == ()


def test_a_shard_too_many_is_told(tmp_path: Path) -> None:
    extra = "model-00003-of-00003.safetensors"
    found = tree(tmp_path, {"a": A, "c": B}, **{A: shard("a"), B: shard("c"), extra: shard("z")})
    assert found == [("MLG-MDL-162", f"m/{extra}")]


def test_another_model_in_the_folder_is_no_shard_too_many(tmp_path: Path) -> None:
    files = {A: shard("a"), B: shard("c"), "other-00001-of-00001.safetensors": shard("z")}
    assert tree(tmp_path, {"a": A, "c": B}, **files) == []


@pytest.mark.parametrize(
    "name",
    ["/etc/passwd", "../other/model.safetensors", "a/../../b.bin", "https://host/model.bin", "C:\\model.bin", "..\\x"],
)
def test_names_that_leave_the_folder(name: str) -> None:
    said = read(INSPECTOR, "model.safetensors.index.json", index({"a": name}))
    assert said.rules == ["MLG-MDL-160"]
    assert said.components[0].properties == ()


@pytest.mark.parametrize("name", ["model.safetensors", "part/model-1.safetensors", "a..b.bin"])
def test_names_that_stay_in_it(name: str) -> None:
    assert read(INSPECTOR, "pytorch_model.bin.index.json", index({"a": name})).rules == []


def test_numbers_that_do_not_add_up_and_tensors_that_stand_twice() -> None:
    gap = read(INSPECTOR, "m.safetensors.index.json", index({"a": "m-00001-of-00003.bin", "b": "m-00003-of-00003.bin"}))
    assert gap.rules == ["MLG-MDL-163"]
    twice = '{"weight_map": {"a": "x.bin", "a": "y.bin"}}'
    assert read(INSPECTOR, "m.bin.index.json", twice).rules == ["MLG-MDL-163"]


@pytest.mark.parametrize("data", ["", "[]", "{}", '{"weight_map": []}', '{"weight_map": {"a": 1}}', "[" * 10_000])
def test_an_index_that_cannot_be_read_is_incomplete(data: str) -> None:
    assert INSPECTOR.claims(artifact("model.safetensors.index.fp16.json", data.encode()))
    said = read(INSPECTOR, "model.safetensors.index.json", data)
    assert said.stopped
    assert said.stopped.reason == "malformed"


def test_other_json_is_not_claimed() -> None:
    assert not INSPECTOR.claims(artifact("index.json", b"{}"))


@given(st.lists(st.text()), st.lists(st.text()))
def test_digests_tell_lists_of_names_apart(one: list[str], two: list[str]) -> None:
    split = "\0" in "".join(one + two)
    assert split or (names_digest(one) == names_digest(two)) == (sorted(one) == sorted(two))
