"""`policy init`, `policy test` and `waive`: what they write works, and what they cannot do they say."""

from __future__ import annotations

import json
import subprocess
from datetime import date, timedelta
from pathlib import Path

import pytest

from mlgate import cli
from mlgate.policy import load
from tests.builders.pickles import glob, os_system, text
from tests.repositories import commit

CODE = 'import torch\nm = torch.load("x.pt")\nn = torch.load("y.pt", weights_only=False)\n'
OWN = glob("mycorp.nn", "build") + b"(" + text("x") + b"tR."
EPOCH = 1_767_225_600  # 2026-01-01
TODAY = date(2026, 1, 1)


@pytest.fixture(autouse=True)
def _fixed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(EPOCH))


def repository(root: Path, files: dict[str, str | bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    commit(root, files)
    subprocess.run(["git", "config", "user.email", "ml@example.org"], cwd=root, check=True)
    monkeypatch.chdir(root)


def scanned(capsys: pytest.CaptureFixture[str], *more: str) -> int:
    code = cli.main(["scan", ".", "--no-advisories", "--output", "mlgate-report", *more])
    capsys.readouterr()
    return code


def test_the_first_policy_passes_and_says_what_it_lets_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files: dict[str, str | bytes] = {
        "a.py": CODE,
        "own.pkl": OWN,
        "cut.pkl": b"\x80\x04\x95",
    }
    repository(tmp_path / "r", files, monkeypatch)
    assert cli.main(["policy", "init", "--no-advisories"]) == 0
    assert "passes under it" in capsys.readouterr().out
    text = Path(".mlgate.yml").read_text("utf-8")
    policy = load.load(text, "p")
    assert "torch-load-unsafe: warn      # 1 finding" in text
    assert policy.models.pickle.allow_globals == ("mycorp.nn.build",)
    (waiver,) = policy.waivers.items
    assert (waiver.path, waiver.owner, waiver.expires) == ("cut.pkl", "ml@example.org", "2026-01-31")
    assert scanned(capsys) == 0
    assert cli.main(["policy", "init", "--no-advisories"]) == 2
    assert "is there already" in capsys.readouterr().err


def test_the_first_policy_never_lets_a_hostile_pickle_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    repository(tmp_path / "r", {"evil.pkl": os_system(), "a b.py": CODE}, monkeypatch)
    assert cli.main(["policy", "init", "--no-advisories"]) == 0
    said = capsys.readouterr().out
    assert "the gate still fails" in said
    assert "evil.pkl" in said
    assert load.load(Path(".mlgate.yml").read_text("utf-8"), "p").waivers.items == ()
    assert scanned(capsys) == 1


def test_a_clean_repository_has_a_short_first_policy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    repository(tmp_path / "r", {"a.py": "print()\n"}, monkeypatch)
    assert cli.main(["policy", "init", "--no-advisories"]) == 0
    capsys.readouterr()
    lines = [line for line in Path(".mlgate.yml").read_text("utf-8").splitlines() if not line.startswith("#")]
    assert [line.partition("#")[0].strip() for line in lines] == ["version: 1", "extends: starter"]


def test_a_policy_is_tried_on_saved_findings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    repository(tmp_path / "r", {"a.py": CODE}, monkeypatch)
    assert scanned(capsys) == 1
    lax = Path("lax.yml")
    lax.write_text("version: 1\ncode: {torch-load-unsafe: note}\n")
    assert cli.main(["policy", "test", "mlgate-report/findings.json", "--policy", "lax.yml"]) == 0
    said = capsys.readouterr().out
    assert said.count("note (was block)") == 1
    assert said.endswith("The run passes under this policy (0 blocking); it failed then.\n")
    lax.write_text("version: 1\n")
    assert cli.main(["policy", "test", "mlgate-report/findings.json", "--policy", "lax.yml"]) == 1
    assert "code.torch-load-unsafe: block" in capsys.readouterr().out


def test_what_was_there_before_stays_so_when_a_policy_is_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "r"
    repository(root, {"a.py": CODE}, monkeypatch)
    commit(root, {"a.py": CODE, "b.py": CODE})
    assert scanned(capsys, "--base", "HEAD~1") == 1
    Path("p.yml").write_text("version: 1\n")
    assert cli.main(["policy", "test", "mlgate-report/findings.json", "--policy", "p.yml"]) == 1
    said = capsys.readouterr().out
    assert said.count("block ") == 1
    assert "a.py" not in said


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": 1}', "[" * 100_000, '{"version": 2}'])
def test_what_is_no_findings_file_is_refused(tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "f.json").write_text(text)
    (tmp_path / "p.yml").write_text("version: 1\n")
    assert cli.main(["policy", "test", str(tmp_path / "f.json"), "--policy", str(tmp_path / "p.yml")]) == 2
    assert "no findings.json of mlgate" in capsys.readouterr().err


def test_a_printed_waiver_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    repository(tmp_path / "r", {"evil.pkl": os_system()}, monkeypatch)
    assert scanned(capsys) == 1
    (entry,) = [
        one
        for one in json.loads(Path("mlgate-report/findings.json").read_text())["findings"]
        if one["action"] == "block"
    ]
    until = (TODAY + timedelta(days=9)).isoformat()
    given = ["waive", entry["fingerprint"][:12], "--reason", 'a "test": yes', "--expires", until]
    assert cli.main(given) == 0
    Path(".mlgate.yml").write_text(f"version: 1\n{capsys.readouterr().out}")
    assert scanned(capsys) == 0
    Path("evil.pkl").write_bytes(os_system("whoami"))
    assert scanned(capsys) == 1


@pytest.mark.parametrize(
    ("fingerprint", "expires", "message"),
    [
        ("0" * 32, "2026-01-09", "No finding has the fingerprint"),
        ("ab", "2026-01-09", "at least 8 characters"),
        ("", "2026-01-09", "at least 8 characters"),
        ("x", "2025-12-31", "does not work"),
        ("x", "2026-06-01", "waivers.max-days: 90"),
        ("x", "soon", "is no day"),
    ],
)
def test_a_waiver_that_would_not_work_is_not_printed(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    fingerprint: str,
    expires: str,
    message: str,
) -> None:
    repository(tmp_path / "r", {"a.py": CODE}, monkeypatch)
    scanned(capsys)
    assert cli.main(["waive", fingerprint, "--reason", "ours", "--expires", expires, "--owner", "@me"]) == 2
    assert message in capsys.readouterr().err


def test_without_git_the_first_policy_says_whom_to_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cut.pkl").write_bytes(b"\x80\x04\x95")
    monkeypatch.chdir(tmp_path)
    assert cli.main(["policy", "init", "--no-advisories"]) == 0
    assert "in the place of '@owner'" in capsys.readouterr().out
    assert 'owner: "@owner"' in Path(".mlgate.yml").read_text("utf-8")
