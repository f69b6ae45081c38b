from __future__ import annotations

import json
import os
import platform
import sys
from pathlib import Path

import pytest

from mlgate.sandbox import Done, Job, Pool

linux = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in {"x86_64", "aarch64"}, reason="seccomp needs Linux"
)


def run(tmp_path: Path, *acts: str, size: int = 1, wall: float = 20.0) -> list[Done]:
    file = tmp_path / "file"
    file.write_text("content")

    def job(number: int, act: str) -> Job:
        return Job(key=f"{number}:{act}", open=lambda: os.open(file, os.O_RDONLY), spec={"act": act}, wall=wall)

    with Pool("tests.builders.workers", size) as pool:
        return list(pool.run(job(number, act) for number, act in enumerate(acts)))


@linux
@pytest.mark.parametrize(
    "act",
    [
        *("open_network", "start_program", "fork", "write_named_file", "remove_file", "signal_parent"),
        *("open_network in an earlier thread", "write_named_file in an earlier thread"),
    ],
)
def test_a_worker_cannot_reach_out(tmp_path: Path, act: str) -> None:
    (done,) = run(tmp_path, act)
    assert [json.loads(line) for line in done.lines] == ["before", "PermissionError"]


@linux
def test_memory_and_scratch_space_end_where_the_kernel_says(tmp_path: Path) -> None:
    memory, scratch, over = run(tmp_path, "take_memory", "use_nameless_file", "overfill_nameless_file")
    assert json.loads(memory.lines[-1]) == "MemoryError"
    assert json.loads(scratch.lines[-1]) == "done"
    assert json.loads(over.lines[-1]) == "OSError"


def test_a_worker_inherits_no_secret_and_gets_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INPUT_TOKEN", "ghs_secret")
    (done,) = run(tmp_path, "report")
    answer = json.loads(done.lines[0])
    assert set(answer["environ"]) <= {"LC_ALL", "PATH", "LC_CTYPE", "MALLOC_ARENA_MAX"}
    assert answer["content"] == "content"


@pytest.mark.parametrize(
    ("act", "wall", "failure"),
    [("burn", 20, "timeout"), ("sleep", 0.5, "timeout"), ("die", 20, "crashed"), ("flood", 20, "limit")],
)
def test_a_dead_worker_is_one_file_and_keeps_its_word(tmp_path: Path, act: str, wall: float, failure: str) -> None:
    first, second = run(tmp_path, act, "report", wall=wall)
    assert first.failure == failure
    if act != "flood":
        assert first.lines == (b'"before"',)
    assert not second.failure


def test_all_jobs_are_answered_once_by_several_workers(tmp_path: Path) -> None:
    done = run(tmp_path, *(["report", "die"] * 20), size=2)
    assert sorted(d.key for d in done) == sorted(f"{n}:{'die' if n % 2 else 'report'}" for n in range(40))
    assert {d.failure for d in done if d.key.endswith("report")} == {""}


def test_a_file_that_cannot_be_opened_is_unreadable(tmp_path: Path) -> None:
    def missing() -> int:
        return os.open(tmp_path / "missing", os.O_RDONLY)

    with Pool("tests.builders.workers", 1) as pool:
        (done,) = pool.run(iter([Job(key="x", open=missing, spec={}, wall=5)]))
    assert done.failure == "unreadable"
