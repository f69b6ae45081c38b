"""The recipes of docs/ci.md and the hooks for pre-commit are run as they stand there."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import regopy
import yaml

from tests.builders import pickles as build
from tests.repositories import commit

ROOT = Path(__file__).parent.parent
TOOLS = Path(sys.executable).parent


def _examples() -> list[str]:
    return re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "ci.md").read_text(encoding="utf-8"), re.DOTALL)


def _change(tmp_path: Path) -> tuple[Path, str]:
    """A repository whose change adds a hostile pickle and a file that cannot be read, and the commit before it."""
    repo = tmp_path / "repo"
    base = commit(repo, {".mlgate.yml": "version: 1\nextends: starter\n", "prod/old.pkl": build.os_system()})
    commit(repo, {"new.pkl": build.os_system(), "cut.pkl": build.ordinary(4)[:-1]})
    return repo, base


def _run(command: list[str], folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": f"{TOOLS}:{os.environ['PATH']}", "HOME": str(folder), "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


def test_the_gitlab_job_gates_a_merge_request_by_its_base(tmp_path: Path) -> None:
    folder, base = _change(tmp_path)
    (job,) = [yaml.safe_load(text)["mlgate"] for text in _examples() if "gitlab" in text]
    (script,) = job["script"]
    script = script.replace("mlgate scan .", "mlgate scan . --no-advisories")
    done = _run(["sh", "-c", script], folder, CI_MERGE_REQUEST_DIFF_BASE_SHA=base)
    assert done.returncode == 1, done.stderr
    report = json.loads((folder / job["artifacts"]["reports"]["codequality"]).read_text())
    # GitLab compares with the target's report by itself, so what is old is in it as well.
    assert {"new.pkl", "cut.pkl", "prod/old.pkl"} <= {entry["location"]["path"] for entry in report}
    findings = json.loads((folder / job["artifacts"]["paths"][0] / "findings.json").read_text())
    assert {x["path"] for x in findings["findings"] if x["action"] == "block" and x["new"]} == {"new.pkl", "cut.pkl"}


def test_the_rego_example_denies_what_it_says(tmp_path: Path) -> None:
    folder, _ = _change(tmp_path)
    assert _run(["mlgate", "scan", ".", "--no-advisories", "--output", "out"], folder).returncode == 1
    findings = json.loads((folder / "out" / "findings.json").read_text())
    for entry in findings["findings"]:
        if entry["path"] == "prod/old.pkl" and entry["action"] == "block":
            entry["action"] = "waived"
    findings["findings"] += [findings["findings"][0] | {"action": "warn", "new": True}] * 11

    rego = regopy.Interpreter()
    rego.add_module("mlgate", (ROOT / "docs" / "rego" / "mlgate.rego").read_text())
    rego.set_input(findings)

    def said(name: str) -> list[str]:
        # regopy 1.5 writes quotes in strings unescaped, so the messages come in base64.
        found = json.loads(str(rego.query(f"x = [m | some said in data.main.{name}; m := base64.encode(said)]")))
        return sorted(base64.b64decode(text).decode() for text in found["bindings"]["x"])

    denied = said("deny")
    assert {message.partition(": ")[0] for message in denied} == {"cut.pkl", "new.pkl", "prod/old.pkl"}
    assert "prod/old.pkl: MLG-PKL-001 is waived, and nothing under prod/ may be" in denied
    assert "cut.pkl: mlgate could not read all of it" in denied
    assert said("warn") == ["11 new warnings in one change"]


def test_pre_commits_hooks_run_commands_that_exist(tmp_path: Path) -> None:
    hooks = {hook["id"]: hook for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}
    (config,) = [yaml.safe_load(text) for text in _examples() if "pre-commit" in text]
    assert [hook["id"] for hook in config["repos"][0]["hooks"]] == list(hooks)
    folder, _ = _change(tmp_path)
    check = hooks["mlgate"]["entry"].split()
    done = _run([*check, "new.pkl", ".mlgate.yml"], folder)
    assert done.returncode == 1
    assert "MLG-PKL-001" in done.stdout
    assert _run([*hooks["mlgate-scan"]["entry"].split(), "--no-advisories"], folder).returncode == 1
