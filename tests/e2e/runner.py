"""Runs the image as GitHub's runner runs a container action (actions/runner 2.336.0, ContainerActionHandler.cs)."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.github import REPOSITORY, TOKEN, Api
from tests.e2e.prepare import IMAGE, OURS
from tests.repositories import git

OWNER = 1001  # the runner's own user, who owns the workspace and is not the container's


@dataclass(frozen=True, slots=True)
class Run:
    """What a run left behind."""

    code: int
    log: str
    summary: str
    outputs: dict[str, str]
    workspace: Path

    def report(self, name: str) -> str:
        return (self.workspace / "mlgate-report" / name).read_text()

    @property
    def findings(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.report("findings.json"))["findings"]
        return found


def pull_request_event(workspace: Path, number: int, *, base: str, fork: bool = False) -> dict[str, Any]:
    """The payload of `pull_request` for the repository's HEAD, as far as GitHub's has what is read."""
    head = git(workspace, "rev-parse", "HEAD")
    theirs = "mallory/hello" if fork else REPOSITORY
    return {
        "action": "synchronize",
        "number": number,
        "pull_request": {
            "number": number,
            "head": {"sha": head, "ref": "feature", "repo": {"full_name": theirs, "fork": fork}},
            "base": {"sha": base, "ref": "main", "repo": {"full_name": REPOSITORY}},
        },
        "repository": {"full_name": REPOSITORY, "default_branch": "main"},
    }


def push_event(workspace: Path, before: str) -> dict[str, Any]:
    """The payload of `push`."""
    after = git(workspace, "rev-parse", "HEAD")
    return {"ref": "refs/heads/main", "before": before, "after": after, "repository": {"full_name": REPOSITORY}}


def run(
    api: Api,
    workspace: Path,
    event: str,
    payload: Mapping[str, Any],
    folder: Path,
    **inputs: str,
) -> Run:
    """One step `uses: mlgate` with these inputs (underscores for hyphens)."""
    for name in ("home", "workflow", "file_commands", "temp"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "workflow" / "event.json").write_text(json.dumps(payload))
    for name in ("output", "summary"):
        (folder / "file_commands" / name).write_text("")
    subprocess.run(["chown", "-R", f"{OWNER}:{OWNER}", str(workspace)], check=True)
    head = git(workspace, "rev-parse", "HEAD")
    api.head = payload.get("pull_request", {}).get("head", {}).get("sha", head)
    defaults = {"token": TOKEN, "offline": "true", "db": ".advisories", "comment": "always", "path": "."}
    defaults |= {"output_dir": "mlgate-report", "sarif": "true", "api_timeout": "30", "policy": "", "mode": ""}
    environment = {
        "HOME": "/github/home",
        "GITHUB_ACTIONS": "true",
        "CI": "true",
        "GITHUB_EVENT_NAME": event,
        "GITHUB_EVENT_PATH": "/github/workflow/event.json",
        "GITHUB_WORKSPACE": "/github/workspace",
        "GITHUB_REPOSITORY": REPOSITORY,
        "GITHUB_SHA": head,
        "GITHUB_REF": "refs/pull/1/merge",
        "GITHUB_API_URL": api.url,
        "GITHUB_SERVER_URL": api.url,
        "GITHUB_GRAPHQL_URL": f"{api.url}/graphql",
        "GITHUB_RUN_ID": "42",
        "GITHUB_OUTPUT": "/github/file_commands/output",
        "GITHUB_STEP_SUMMARY": "/github/file_commands/summary",
        "RUNNER_TEMP": "/github/runner_temp",
        "ACTIONS_RUNTIME_TOKEN": "runtime-secret",
        **{f"INPUT_{name.upper().replace('_', '-')}": value for name, value in (defaults | inputs).items()},
    }
    mounts = {
        folder / "temp": "/github/runner_temp",
        folder / "home": "/github/home",
        folder / "workflow": "/github/workflow",
        folder / "file_commands": "/github/file_commands",
        workspace: "/github/workspace",
    }
    command = ["docker", "run", "--workdir", "/github/workspace", "--rm"]
    command += ["--network", "host"]  # the emulator listens on this machine's loopback
    for name, value in environment.items():
        command += ["-e", f"{name}={value}"]
    for source, target in mounts.items():
        command += ["-v", f"{source}:{target}"]
    done = subprocess.run([*command, IMAGE], env=docker_environment(), capture_output=True, timeout=300, check=False)
    return Run(
        code=done.returncode,
        log=(done.stdout + done.stderr).decode(errors="replace"),
        summary=(folder / "file_commands" / "summary").read_text(),
        outputs=_outputs((folder / "file_commands" / "output").read_text()),
        workspace=workspace,
    )


def docker_environment() -> dict[str, str]:
    """The environment that finds the daemon which prepare.py chose."""
    ours = Path(OURS.removeprefix("unix://"))
    path = f"/usr/bin:{os.environ['PATH']}" if ours.exists() else os.environ["PATH"]
    return os.environ | {"PATH": path} | ({"DOCKER_HOST": OURS} if ours.exists() else {})


def _outputs(text: str) -> dict[str, str]:
    """GITHUB_OUTPUT in its heredoc form."""
    found: dict[str, str] = {}
    lines = iter(text.splitlines())
    for line in lines:
        name, separator, rest = line.partition("<<")
        if not separator:
            name, _, rest = line.partition("=")
            found[name] = rest
            continue
        value = []
        for inner in lines:
            if inner == rest:
                break
            value.append(inner)
        found[name] = "\n".join(value)
    return found
