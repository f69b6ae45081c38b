"""One whole workflow as GitHub would run it, through `act`: checkout, the action, its outputs in a later step."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.builders.osv import V31_CRITICAL, database, record
from tests.e2e.github import REPOSITORY, TOKEN, Api
from tests.e2e.prepare import OURS, ROOT, STAND_IN
from tests.e2e.runner import docker_environment, pull_request_event
from tests.e2e.test_action import ATTACK, MENDED
from tests.repositories import commit, git

WORKFLOW = """name: mlgate
on: pull_request
permissions: {contents: read, pull-requests: write}
jobs:
  gate:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v6
      - id: mlgate
        uses: ./.action
        with: {offline: "true", db: .advisories}
      - if: always()
        run: echo "the verdict is ${{ steps.mlgate.outputs.verdict }}"
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository that brings the action along; for a stand-in with FROM edited, as act passes no build-arg."""
    root = tmp_path / "repository"
    names = ("Dockerfile", "action.yml", "entrypoint.py", "pyproject.toml", "requirements-image.lock", ".dockerignore")
    for name in names:
        (root / ".action").mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, root / ".action" / name)
    for name in ("README.md", "LICENSE"):
        shutil.copy(ROOT / name, root / ".action" / name)
    shutil.copytree(ROOT / "mlgate", root / ".action/mlgate", ignore=shutil.ignore_patterns("__pycache__"))
    if Path(OURS.removeprefix("unix://")).exists():
        dockerfile = root / ".action" / "Dockerfile"
        lines = dockerfile.read_text().splitlines()
        lines = [f"ARG BASE={STAND_IN}" if line.startswith("ARG BASE=") else line for line in lines]
        dockerfile.write_text("\n".join(lines) + "\n")
    events = ({"introduced": "0"}, {"fixed": "2.6.0"})
    database(root / ".advisories", record("GHSA-53q9-r3pm-6pq6", events=events, vector=V31_CRITICAL))
    commit(root, {".github/workflows/mlgate.yml": WORKFLOW, "requirements.txt": "numpy==2.3.5\n"})
    # act takes the repository's name from here; nothing is fetched from it.
    git(root, "remote", "add", "origin", f"https://github.com/{REPOSITORY}.git")
    return root


def test_the_whole_workflow(api: Api, repository: Path, tmp_path: Path) -> None:
    base = git(repository, "rev-parse", "HEAD")
    number = api.pull_request()
    for files, code, word in ((ATTACK, 1, "fail"), (MENDED, 0, "pass")):
        commit(repository, files)
        payload = pull_request_event(repository, number, base=base)
        api.head = payload["pull_request"]["head"]["sha"]
        event = tmp_path / "event.json"
        event.write_text(json.dumps(payload))
        act = Path(sys.executable).parent / "act"
        command = [str(act), "pull_request", "-P", f"ubuntu-latest={STAND_IN}", "--pull=false", "--action-offline-mode"]
        command += ["-e", str(event), "-s", f"GITHUB_TOKEN={TOKEN}", "--container-daemon-socket", "-"]
        command += ["--env", f"GITHUB_API_URL={api.url}", "--network", "host", "--rm"]
        done = subprocess.run(
            command, cwd=repository, env=docker_environment(), capture_output=True, text=True, timeout=500, check=False
        )
        log = done.stdout + done.stderr
        assert done.returncode == code, log[-6000:]
        assert f"the verdict is {word}" in log
        (comment,) = api.comments(number)
        assert ("resolved" in comment["body"].lower()) is (code == 0), comment["body"]
