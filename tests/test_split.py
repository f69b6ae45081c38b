"""A scan in shares says what the whole scan says, and nothing less than all shares of it is judged."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import msgspec
import pytest

from mlgate.cli import main
from mlgate.records import File, FileKind
from mlgate.split import NAME, share
from tests.builders import pickles
from tests.repositories import commit

CODE = "from transformers import AutoModel\nAutoModel.from_pretrained('a/b')\n"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    files: dict[str, bytes | str | None] = {f"models/{n}.pkl": pickles.ordinary(2) for n in range(9)}
    files |= {"evil.pkl": pickles.os_system(), "cut.pkl": pickles.ordinary(4)[:-1], "a.py": CODE}
    files |= {"requirements.txt": "-r more.list\n", "more.list": "torch==2.0.0\n"}
    commit(tmp_path / "repo", files)
    return tmp_path / "repo"


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    code = main([*map(str, arguments), "--no-advisories"])
    said = capsys.readouterr()
    return code, said.out + said.err


def shards(repo: Path, place: Path, capsys: pytest.CaptureFixture[str], of: int) -> list[Path]:
    folders = [place / f"part{index}" for index in range(1, of + 1)]
    for index, folder in enumerate(folders, 1):
        assert run(capsys, "scan", repo, "--shard", f"{index}/{of}", "--output", folder)[0] == 0
    return folders


@pytest.mark.parametrize("of", [1, 3, 40])
def test_shares_together_say_what_one_scan_says(
    repo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], of: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, whole = run(capsys, "scan", repo, "--format", "json")
    folders = shards(repo, tmp_path, capsys, of)
    monkeypatch.setattr("mlgate.sandbox.Pool._give", _only_includes(monkeypatch))
    merged = run(capsys, "merge", *folders, "--path", repo, "--output", tmp_path / "out", "--format", "json")
    assert merged == (code, whole)
    assert json.loads((tmp_path / "out" / "findings.json").read_text()) == json.loads(whole)


def _only_includes(monkeypatch: pytest.MonkeyPatch) -> object:
    from mlgate.sandbox import Pool

    give = Pool._give

    def given(pool: Pool, worker: object, job: object) -> object:
        assert job.spec["reader"], f"{job} was read again"  # type: ignore[attr-defined]
        return give(pool, worker, job)  # type: ignore[arg-type]

    return given


def test_content_that_only_a_shard_fetched_is_known_by_its_digest(
    repo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = shards(repo, tmp_path, capsys, 2)
    data = (repo / "evil.pkl").read_bytes()
    for oid, told in ((hashlib.sha256(data).hexdigest(), "MLG-PKL-001"), ("0" * 64, "MLG-INC-008")):
        pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(data)}\n"
        (repo / "evil.pkl").write_text(pointer)
        _, text = run(capsys, "merge", *folders, "--path", repo, "--output", tmp_path / "out", "--format", "json")
        assert told in {x["rule"] for x in json.loads(text)["findings"] if x["path"] == "evil.pkl"}


def test_a_file_that_is_another_now_is_read_again(
    repo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = shards(repo, tmp_path, capsys, 2)
    (repo / "models" / "1.pkl").write_bytes(pickles.os_system())
    (repo / "new.pkl").write_bytes(pickles.os_system())
    _, text = run(capsys, "merge", *folders, "--path", repo, "--output", tmp_path / "out", "--format", "json")
    hostile = {x["path"] for x in json.loads(text)["findings"] if x["rule"] == "MLG-PKL-001"}
    assert hostile == {"models/1.pkl", "new.pkl", "evil.pkl"}


def test_less_than_all_shares_of_this_scan_is_the_users_mistake(
    repo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = shards(repo, tmp_path, capsys, 3)

    def merged(*given: Path) -> str:
        code, text = run(capsys, "merge", *given, "--path", repo, "--output", tmp_path / "out")
        assert code == 2
        return text

    assert "not all shards of one scan: 1/3, 2/3" in merged(*folders[:2])
    assert "not all shards" in merged(*folders, folders[0])
    assert "holds no shard" in merged(*folders, tmp_path)
    assert "--output" in run(capsys, "scan", repo, "--shard", "1/2")[1]
    for wrong in ("0/2", "3/2", "1", "1/0"):
        with pytest.raises(SystemExit):
            main(["scan", str(repo), "--shard", wrong])
    capsys.readouterr()
    kept = msgspec.msgpack.decode((folders[0] / NAME).read_bytes())
    for broken in (b"", b"\x80", msgspec.msgpack.encode(kept | {"readings": {"a": 1}})):
        (folders[0] / NAME).write_bytes(broken)
        assert "is no shard of mlgate" in merged(*folders)
    size = (repo / "evil.pkl").stat().st_size
    others = [{**msgspec.msgpack.decode((x / NAME).read_bytes()), "readings": {}} for x in folders[1:]]
    for folder, other in zip(folders[1:], others, strict=True):
        (folder / NAME).write_bytes(msgspec.msgpack.encode(other))
    (folders[0] / NAME).write_bytes(msgspec.msgpack.encode(kept | {"readings": {":evil.pkl": (size, [b"nonsense"])}}))
    code, text = run(capsys, "merge", *folders, "--path", repo, "--output", tmp_path / "out")
    assert code == 1
    assert "the worker said what is no observation" in text
    commit(repo, {"x": "y"})
    assert "is of another commit" in merged(*folders)


def test_shares_are_about_equal_and_the_same_wherever_content_was_fetched() -> None:
    files = [File(path=f"{n}", raw=b"%d" % n, kind=FileKind.REGULAR, size=n * 1000) for n in range(100)]
    parts = [list(share(files, index, 4)) for index in (1, 2, 3, 4)]
    assert sorted(file.path for part in parts for file in part) == sorted(file.path for file in files)
    sizes = [sum(file.size for file in part) for part in parts]
    assert max(sizes) - min(sizes) < 100_000
    assert [list(share(reversed(files), index, 4)) for index in (1, 2, 3, 4)] == parts
