"""Readings kept between runs: what changed is read again, and nothing that is not ours is believed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from mlgate import cache as module
from mlgate.cache import Cache
from mlgate.cli import main
from mlgate.errors import MlgateError
from tests.builders import pickles

LOAD = "from transformers import AutoModel\nAutoModel.from_pretrained('a/{}')\n"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    root = tmp_path / "repo"
    root.mkdir()
    (root / "a.py").write_text(LOAD.format("one"))
    (root / "m.pkl").write_bytes(pickles.os_system())
    return root


def scan(root: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, object]]:
    code = main(["scan", str(root), "--no-advisories", "--cache", str(folder), "--format", "json", "-v"])
    said = capsys.readouterr()
    assert "mlgate: inspect: " in said.err
    return code, json.loads(said.out)


def test_a_second_run_says_the_same_and_reads_nothing(
    repo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = scan(repo, tmp_path / "kept", capsys)
    assert first[0] == 1
    monkeypatch.setattr("mlgate.sandbox.Pool._give", _given)
    assert scan(repo, tmp_path / "kept", capsys) == first


def _given(*job: object) -> None:
    raise AssertionError(f"a worker was asked: {job}")


def test_what_changed_is_read_again(repo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scan(repo, tmp_path / "kept", capsys)
    before = (repo / "m.pkl").stat()
    (repo / "m.pkl").write_bytes(b"\x80\x02}." + b"\0" * (before.st_size - 4))
    os.utime(repo / "m.pkl", ns=(before.st_atime_ns, before.st_mtime_ns))  # the same size and time
    _, said = scan(repo, tmp_path / "kept", capsys)
    assert "MLG-PKL-001" not in json.dumps(said)
    (repo / "m.pkl").write_bytes(pickles.os_system())
    assert scan(repo, tmp_path / "kept", capsys)[0] == 1


@pytest.mark.parametrize("data", [b"", b"\x80", b"{}", b"\x82\xa5stamp\xa1x\xa8readings\x80"])
def test_what_is_not_ours_is_as_good_as_nothing(
    data: bytes, repo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "readings.msgpack").write_bytes(data)
    assert scan(repo, tmp_path / "kept", capsys)[0] == 1


def test_incomplete_looks_are_not_kept(repo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repo / "m.pkl").write_bytes(pickles.os_system()[:-3])
    scan(repo, tmp_path / "kept", capsys)
    assert b"m.pkl" not in (tmp_path / "kept" / "readings.msgpack").read_bytes()


def test_other_limits_and_other_versions_know_nothing_of_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "x"
    file.write_text("x")
    descriptor = os.open(file, os.O_RDONLY)
    kept = Cache(tmp_path, "limits")
    kept.put("x", "", module.state(descriptor), (b"[]",))
    kept.save()
    assert Cache(tmp_path, "limits").get("x", "", descriptor) == (b"[]",)
    assert Cache(tmp_path, "limits").get("x", "pickles", descriptor) is None
    assert Cache(tmp_path, "others").get("x", "", descriptor) is None
    os.close(descriptor)


def test_a_folder_that_is_none_is_the_users_mistake(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MlgateError, match="cannot be used"):
        Cache(tmp_path / "file", "")
