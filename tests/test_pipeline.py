"""The stages together on real repositories, in this process."""

from __future__ import annotations

import dataclasses
import os
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from mlgate.errors import MlgateError
from mlgate.pipeline import scan
from mlgate.records import Action
from mlgate.settings import Result, Settings
from tests.repositories import commit, git

TODAY = date(2026, 11, 23)
HOSTILE = b"cos\nsystem\n(S'echo hacked'\ntR."
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'a' * 64}\nsize 12345\n"


def look(root: Path, **settings: Any) -> Result:
    return scan(Settings(**{"root": root, "today": TODAY, "advisories": False, "jobs": 2, **settings}))


def told(result: Result) -> set[tuple[str, str]]:
    return {(d.finding.rule.id, d.finding.location.path) for d in result.verdict.decisions}


def blocked(result: Result) -> set[str]:
    return {d.finding.location.path for d in result.verdict.decisions if d.action is Action.BLOCK}


def test_an_lfs_pointer_is_incomplete_and_its_oid_a_declared_hash(tmp_path: Path) -> None:
    missed = {"m.safetensors", "requirements.txt", "train.py", "uv.lock", "weights.dat", "w.gz", "data.zip"}
    commit(tmp_path, dict.fromkeys((*missed, "data/x.parquet", "notes.txt", "logo.png"), POINTER))
    result = look(tmp_path)
    # a manifest or source that is not there was not read either, and any other name can hold a pickle
    assert blocked(result) == missed
    hashes = {c.identity: [(h.value, h.declared) for h in c.hashes] for c in result.inventory.components}
    assert hashes == {
        "file:m.safetensors": [("a" * 64, True)],
        "dataset:file:data/x.parquet": [("a" * 64, True)],
    }


def test_every_file_that_decides_about_changes_is_told(tmp_path: Path) -> None:
    workflow = "on: push\njobs: {a: {runs-on: x, steps: [{uses: mlgate/mlgate@main}]}}\n"
    commit(tmp_path, {".github/workflows/gate.yml": workflow, ".github/workflows/other.yml": "on: push\n", "a": "1"})
    changes: dict[str, bytes | str | None] = {
        ".mlgate.yml": "version: 1\nmode: warn\n",
        ".gitattributes": "*.pkl -diff\n",
        "sub/.gitattributes": "*.pkl filter=x\n",
        ".lfsconfig": "[lfs]\nurl = https://evil.test\n",
        ".gitmodules": "",
        ".github/workflows/gate.yml": None,
        ".github/workflows/renamed.yml": workflow,
        ".github/workflows/other.yml": "on: pull_request\n",
        "m.pkl": HOSTILE,
    }
    commit(tmp_path, changes)
    result = look(tmp_path, base="HEAD~1")
    gate = {path for rule, path in told(result) if rule == "MLG-POL-001"}
    assert gate == set(changes) - {".github/workflows/other.yml", "m.pkl"}
    assert blocked(result) == {"m.pkl"}


def test_requirements_are_read_under_any_name_that_another_file_gives_them(tmp_path: Path) -> None:
    files = {
        "requirements.txt": "-r deps/common.in.list\n-r missing.txt\n",
        "deps/common.in.list": "-r ../requirements.txt\nx==1\n",
    }
    commit(tmp_path, dict(files))
    result = look(tmp_path)
    assert [c.purl for c in result.inventory.components] == ["pkg:pypi/x@1"]
    assert ("MLG-INC-008", "requirements.txt") in told(result)


@pytest.mark.parametrize(
    ("changed", "expected"), [(frozenset({"new.pkl"}), {"new.pkl"}), (None, {"new.pkl", "old.pkl"})]
)
def test_a_base_that_only_the_api_has(tmp_path: Path, changed: frozenset[str] | None, expected: set[str]) -> None:
    bad = b"\x80\x04\x8c\x02os\x8c\x04path\x93."
    commit(tmp_path, {"old.pkl": bad[:-1], "new.pkl": bad[:-1]})
    remote = {"base": "b" * 40, "remote_base": True, "changed": changed}
    assert blocked(look(tmp_path, **remote)) == expected
    policy = {"policy_text": "version: 1\nmode: warn\n", "policy_source": ".mlgate.yml"}
    assert look(tmp_path, **remote, **policy).verdict.passed
    commit(tmp_path, {".gitattributes": ""})
    gate = {path for rule, path in told(look(tmp_path, **remote)) if rule == "MLG-POL-001"}
    assert gate == ({".gitattributes"} if changed is None else set())
    with pytest.raises(MlgateError, match="no policy"):
        look(tmp_path, **remote, policy_file="other.yml")


def test_a_renamed_policy_or_a_link_is_no_policy(tmp_path: Path) -> None:
    commit(tmp_path, {"a": "1", "real.yml": "version: 1\nmode: warn\n"})
    (tmp_path / ".mlgate.yml").symlink_to("real.yml")
    with pytest.raises(MlgateError, match="plain file"):
        look(tmp_path)
    (tmp_path / ".mlgate.yml").unlink()
    (tmp_path / ".mlgate.yml").write_text("version: 1 #" + "x" * (2 << 20))
    with pytest.raises(MlgateError, match="larger"):
        look(tmp_path)


def test_time_that_ran_out_is_incomplete_for_what_was_left(tmp_path: Path) -> None:
    commit(tmp_path, {"m.pkl": HOSTILE, "a.txt": "x"})
    result = look(tmp_path, timeout=0.0)
    assert {rule for rule, _ in told(result)} == {"MLG-INC-005"}
    assert not result.verdict.passed


def test_a_subfolder_is_judged_by_the_repositorys_policy_and_its_own_changes(tmp_path: Path) -> None:
    commit(tmp_path, {"one/m.pkl": "x", "two/m.pkl": "x", ".mlgate.yml": "version: 1\nmode: warn\n"})
    commit(tmp_path, {"two/new.pkl": HOSTILE})
    assert look(tmp_path / "one", base="HEAD~1").verdict.mode == "warn"
    result = look(tmp_path / "two", base="HEAD~1")
    assert {d.finding.location.path for d in result.verdict.decisions if d.new} == {"new.pkl"}


def test_a_file_that_cannot_be_opened_is_incomplete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit(tmp_path, {"m.pkl": HOSTILE})
    from mlgate import discover

    def refuse(*_: Any) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(discover, "open_file", refuse)
    result = look(tmp_path)
    assert {rule for rule, _ in told(result)} == {"MLG-INC-009"}
    assert not result.verdict.passed


def test_the_result_does_not_depend_on_the_number_of_workers(tmp_path: Path) -> None:
    commit(tmp_path, {f"m{n}.pkl": HOSTILE for n in range(12)} | {"r/requirements.txt": "a==1\nb\n"})
    one, two = (look(tmp_path, jobs=jobs) for jobs in (1, 3))
    assert dataclasses.replace(one.inventory, root="") == dataclasses.replace(two.inventory, root="")
    assert one.verdict == two.verdict


def test_names_with_newlines_and_other_bytes_are_compared_too(tmp_path: Path) -> None:
    commit(tmp_path, {"a": "1"})
    name = os.fsdecode(b"evil\n\xff.pkl")
    (tmp_path / name).write_bytes(HOSTILE)
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "x")
    result = look(tmp_path, base="HEAD~1")
    assert blocked(result) == {"evil\n%FF.pkl"}


def test_other_bytes_under_an_unreadable_name_are_new(tmp_path: Path) -> None:
    commit(tmp_path, {"m.h5": b"\x89HDF\r\n\x1a\n one", "n.7z": b"7z\xbc\xaf\x27\x1c one", "same.h5": b"x", "a": "1"})
    commit(
        tmp_path,
        {"m.h5": b"\x89HDF\r\n\x1a\n two", "n.7z": b"7z\xbc\xaf\x27\x1c two", "moved.h5": b"x", "same.h5": None},
    )
    assert blocked(look(tmp_path, base="HEAD~1")) == {"m.h5", "n.7z"}


def test_a_link_gives_its_target_the_name_that_counts(tmp_path: Path) -> None:
    commit(tmp_path, {"notes.md": "numpy==1\n", "old.md": "--extra-index-url https://a.test/\nx==1\n", "a": "1"})
    (tmp_path / "old-requirements.txt").symlink_to("old.md")
    base = commit(tmp_path, {})
    (tmp_path / "requirements.txt").symlink_to("notes.md")
    commit(tmp_path, {"notes.md": "--extra-index-url https://evil.test/\nx==1\n"})
    assert blocked(look(tmp_path, base=base)) == {"requirements.txt"}
    commit(tmp_path, {"old.md": "--extra-index-url https://a.test/\n--extra-index-url https://b.test/\nx==1\n"})
    result = look(tmp_path, base="HEAD~1")
    assert {d.finding.evidence for d in result.verdict.decisions if d.action is Action.BLOCK} == {
        "--extra-index-url https://b.test/"
    }


def test_what_an_inclusion_says_is_new_with_the_inclusion(tmp_path: Path) -> None:
    commit(tmp_path, {"docs/notes.md": "--extra-index-url https://evil.test/\nx==1\n", "requirements.txt": "y==1\n"})
    commit(tmp_path, {"requirements.txt": "y==1\n-r docs/notes.md\n"})
    assert blocked(look(tmp_path, base="HEAD~1")) == {"docs/notes.md"}
    commit(tmp_path, {"other": "1"})
    assert look(tmp_path, base="HEAD~1").verdict.passed


def test_a_submodule_that_moves_is_new_in_all_of_its_content(tmp_path: Path) -> None:
    inner, outer = tmp_path / "inner", tmp_path / "outer"
    commit(inner, {"x.py": "import torch\ntorch.load('a', weights_only=False)\n"})
    commit(outer, {"a": "1"})
    git(outer, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(inner), "vendor")
    git(outer, "config", "-f", ".gitmodules", "submodule.vendor.ignore", "all")
    git(outer, "add", "-A")
    git(outer, "commit", "-qm", "submodule")
    base = git(outer, "rev-parse", "HEAD")
    assert look(outer, base=base).verdict.passed
    sha = commit(outer / "vendor", {"y": "1"})
    git(outer, "update-index", "--cacheinfo", f"160000,{sha},vendor")
    git(outer, "commit", "-qm", "moved")
    assert blocked(look(outer, base=base)) == {"vendor/x.py"}
    assert look(outer, base=base).verdict.changes is None  # its former content is not here to compare with
    for child in (outer / "vendor").iterdir():
        if child.name != ".git":
            child.unlink()
    assert ("MLG-INC-008", "vendor") in told(look(outer, base=base))
    assert not look(outer, base=base).verdict.passed


def test_new_attributes_can_make_any_file_new(tmp_path: Path) -> None:
    hidden = "import torch\ntorch.load('a', weights_only=False)\n"
    commit(tmp_path, {"x.py": hidden.encode("utf-16-le").decode("latin-1").encode("latin-1"), "old.py": hidden})
    base = git(tmp_path, "rev-parse", "HEAD")
    commit(tmp_path, {".gitattributes": "x.py working-tree-encoding=UTF-16LE\n", "x.py": hidden.encode("utf-16-le")})
    (tmp_path / "x.py").write_text(hidden)
    result = look(tmp_path, base=base)
    assert "old.py" not in blocked(result)
    assert "x.py" in blocked(result)


def test_what_became_of_models_since_the_base_is_told(tmp_path: Path) -> None:
    code = "from transformers import AutoModel\nAutoModel.from_pretrained('acme/base'{})\n"
    same = "from transformers import AutoModel\nAutoModel.from_pretrained('acme/same')\n"
    commit(tmp_path, {"a.py": code.format(f", revision='{'a' * 40}'"), "b.py": same, "m.safetensors": POINTER})
    commit(tmp_path, {"a.py": code.format(", revision='main'"), "m.safetensors": POINTER.replace("a" * 64, "b" * 64)})
    changes = look(tmp_path, base="HEAD~1").verdict.changes
    assert changes is not None
    assert {c.identity: [(d.aspect.value, d.before, d.after) for d in c.details] for c in changes} == {
        "file:m.safetensors": [("bytes", (f"SHA-256:{'a' * 64}",), (f"SHA-256:{'b' * 64}",))],
        "hf:acme/base": [("version", ("a" * 40,), ("main",)), ("pinned", ("true",), ("false",))],
    }
    assert look(tmp_path).verdict.changes is None
    assert look(tmp_path, base="HEAD", remote_base=True).verdict.changes is None
    commit(tmp_path, {"notes.txt": "x"})
    assert look(tmp_path, base="HEAD~1").verdict.changes == ()


def test_a_folder_in_the_policy_s_place_is_the_user_s_mistake(tmp_path: Path) -> None:
    (tmp_path / ".mlgate.yml").mkdir()
    with pytest.raises(MlgateError, match="is no file"):
        look(tmp_path)


def test_a_renamed_file_keeps_its_old_findings_and_no_more_than_those(tmp_path: Path) -> None:
    code = "import torch\n\n\ndef load(path):\n    return torch.load(path, weights_only=False)\n"
    commit(tmp_path, {"train.py": code + "# a comment\n" * 20, "requirements.txt": "torch==2.0.0\n"})
    (tmp_path / "lib").mkdir()
    git(tmp_path, "mv", "train.py", "lib/load.py")
    git(tmp_path, "mv", "requirements.txt", "lib/requirements.txt")
    text = (tmp_path / "lib" / "load.py").read_text()
    (tmp_path / "lib" / "load.py").write_text("# moved\n" + text)
    commit(tmp_path, {})

    def new() -> list[str]:
        decisions = look(tmp_path, base="HEAD~1").verdict.decisions
        return sorted(d.finding.location.path for d in decisions if d.new)

    assert new() == []
    more = text + "\n\ndef again(path):\n    return torch.load(path, weights_only=False)\n"
    (tmp_path / "lib" / "load.py").write_text(more)
    assert new() == ["lib/load.py"]


def test_the_manifest_of_a_project_template_is_no_broken_manifest(tmp_path: Path) -> None:
    broken = "kedro~={{ cookiecutter.version }}\n"
    commit(tmp_path, {"{{ cookiecutter.name }}/requirements.txt": broken, "requirements.txt": broken})
    assert told(look(tmp_path)) == {
        ("MLG-DEP-018", "{{ cookiecutter.name }}/requirements.txt"),
        ("MLG-INC-003", "requirements.txt"),
    }
