from __future__ import annotations

import gzip
import json
import lzma
import os
import pickle
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from mlgate import rules
from mlgate.errors import Incomplete
from mlgate.inspectors import pickles, wrapped
from mlgate.records import Artifact, Inspector, Limits, Observation
from mlgate.sources import FdSource
from mlgate.worker import Hasher, examine

KNOWN = rules.RULES[0]
HASHER = Hasher()


def look(
    tmp_path: Path, name: str, data: bytes, *readers: Inspector, **limits: Any
) -> tuple[list[Any], dict[str, Any]]:
    """(lines without the last, the scanned record or {})"""
    file = tmp_path / name
    file.write_bytes(data)
    lines: list[bytes] = []
    descriptor = os.open(file, os.O_RDONLY)
    try:
        spec = {"path": name, "reader": "", "limits": asdict(replace(Limits(), **limits))}
        examine(spec, descriptor, readers, lines.append, HASHER)
    finally:
        os.close(descriptor)
    said = [json.loads(line) for line in lines]
    return [x for x in said if x[0] != "scanned"], next((x[1] for x in said if x[0] == "scanned"), {})


def reader(name: str, error: Exception | None = None, *, suffix: str = "", inside: int = 0) -> Inspector:
    def inspect(artifact: Artifact) -> Iterator[Observation]:
        yield rules.finding(KNOWN, artifact.at(), f"{name} looked at depth {artifact.depth}")
        for _ in range(inside):
            yield replace(artifact, depth=artifact.depth + 1)
        if error:
            raise error

    return Inspector(
        name=name, claims=lambda a: a.name.endswith(suffix), inspect=inspect, model=True, suffixes=(suffix,)
    )


@pytest.mark.parametrize(
    ("error", "rule"),
    [
        (Incomplete("truncated", "ends"), "MLG-INC-002"),
        (MemoryError(), "MLG-INC-004"),
        (RecursionError(), "MLG-INC-004"),
        (ZeroDivisionError("ours"), "MLG-INC-006"),
    ],
)
def test_what_stops_a_reader_is_a_finding_and_nothing_before_it_is_lost(
    tmp_path: Path, error: Exception, rule: str
) -> None:
    lines, scanned = look(tmp_path, "m.pkl", b"x", reader("first", error), reader("second"))
    assert [x[1]["message"].split(" looked")[0] for x in lines if "looked" in x[1]["message"]] == ["first", "second"]
    assert rule in [x[1]["rule"] for x in lines]
    assert scanned["complete"] is False


def test_a_file_that_changes_while_it_is_read_is_incomplete(tmp_path: Path) -> None:
    def inspect(artifact: Artifact) -> Iterator[Observation]:
        with (tmp_path / artifact.name).open("ab") as file:
            file.write(b"more")
        yield from ()

    writer = Inspector(name="writer", claims=lambda _: True, inspect=inspect)
    lines, scanned = look(tmp_path, "m.bin", b"x", writer)
    assert [x[1]["rule"] for x in lines] == ["MLG-INC-009"]
    assert scanned["complete"] is False


def test_a_file_that_becomes_shorter_stops_its_reader(tmp_path: Path) -> None:
    def inspect(artifact: Artifact) -> Iterator[Observation]:
        os.truncate(tmp_path / artifact.name, 10)
        while artifact.source.read_at(50, 10) == b"":
            pass
        yield from ()

    cutter = Inspector(name="cutter", claims=lambda a: a.depth == 0, inspect=inspect)
    (tmp_path / "m.bin").write_bytes(b"x" * 100)
    with (tmp_path / "m.bin").open("rb") as file:
        artifact = Artifact(path="m.bin", name="m.bin", source=FdSource(file.fileno(), 100), head=b"x")
        with pytest.raises(OSError, match="shorter"):
            list(cutter.inspect(artifact))


def test_a_flood_of_findings_is_cut_and_said(tmp_path: Path) -> None:
    def inspect(artifact: Artifact) -> Iterator[Observation]:
        for number in range(7_000):
            yield rules.finding(KNOWN, artifact.at(), f"one more: {number}")

    flood = Inspector(name="flood", claims=lambda _: True, inspect=inspect)
    lines, scanned = look(tmp_path, "m.bin", b"x", flood)
    told = [x[1]["message"] for x in lines]
    assert (len(told), told[-1].split(":")[1][:40]) == (5_001, " more than 5,000 findings of MLG-INC-001")
    assert scanned["complete"] is False


@pytest.mark.parametrize("name", ["m.pkl", "m.h5", "m.keras", "pytorch_model.bin", "m.pt.zst"])
def test_a_model_that_nobody_understands_is_incomplete(tmp_path: Path, name: str) -> None:
    lines, scanned = look(tmp_path, name, b"whatever")
    assert [x[1]["rule"] for x in lines] == ["MLG-INC-001"]
    assert scanned["complete"] is False


def test_model_content_under_any_name_is_incomplete_when_nobody_understands_it(tmp_path: Path) -> None:
    lines, _ = look(tmp_path, "notes.txt", b"\x89HDF\r\n\x1a\n rest")
    assert [x[1]["rule"] for x in lines] == ["MLG-INC-001"]


@pytest.mark.parametrize("name", ["deploy.plan", "run.params", "site.pth", "x.engine"])
def test_text_under_a_name_that_text_has_too_is_no_model(tmp_path: Path, name: str) -> None:
    assert look(tmp_path, name, b"import site\nplain = text\n") == ([], {})
    assert look(tmp_path, name, b"bin\x00ary")[0]


def test_other_files_are_nothing(tmp_path: Path) -> None:
    assert look(tmp_path, "notes.txt", b"hello") == ([], {})


def test_content_that_breaks_the_promise_of_the_name_is_told(tmp_path: Path) -> None:
    lines, _ = look(tmp_path, "m.safetensors", b"x", reader("pickles"))
    assert "MLG-MDL-001" in [x[1]["rule"] for x in lines]
    lines, _ = look(tmp_path, "m.pt", b"x", reader("pickles"))
    assert "MLG-MDL-001" not in [x[1]["rule"] for x in lines]


def test_a_container_hands_the_promise_of_its_name_to_what_is_inside(tmp_path: Path) -> None:
    opened = replace(reader("opens", suffix=".gz"), model=False, container=True)
    everything = replace(opened, claims=lambda _: True)
    for name, reading, missed in (("m.pkl.gz", opened, 0), ("m.pkl.zst", opened, 1), ("m.keras", everything, 1)):
        lines, _ = look(tmp_path, name, b"x", reading)
        assert sum("content looks like" in x[1]["message"] for x in lines) == missed


def test_nesting_and_member_counts_end(tmp_path: Path) -> None:
    lines, scanned = look(tmp_path, "m.pkl", b"x", reader("nest", inside=1), depth=3)
    assert [x[1]["rule"] for x in lines].count("MLG-INC-004") == 1
    assert not scanned["complete"]


def test_a_file_over_the_limit_is_hashed_and_incomplete(tmp_path: Path) -> None:
    lines, scanned = look(tmp_path, "m.pkl", b"x" * 100, reader("any"), file=50)
    assert [x[1]["rule"] for x in lines] == ["MLG-INC-004"]
    assert scanned["sha256"]
    assert not scanned["complete"]


def test_packed_content_under_a_model_name_without_an_ending_is_judged_by_the_content(tmp_path: Path) -> None:
    readers = (wrapped.INSPECTOR, pickles.INSPECTOR)
    _, scanned = look(tmp_path, "m.joblib", gzip.compress(pickle.dumps({"a": 1})), *readers)
    assert scanned["complete"]
    _, scanned = look(tmp_path, "m.joblib", lzma.compress(pickle.dumps({"a": 1}), lzma.FORMAT_ALONE), *readers)
    assert scanned["complete"]
    _, scanned = look(tmp_path, "m.pt", gzip.compress(b"no model at all" * 99), *readers)
    assert not scanned["complete"]
