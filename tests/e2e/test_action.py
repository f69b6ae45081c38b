"""The container as the runner starts it, against an API that we did not write."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from mlgate.reports.comment import marker
from tests.builders import signatures
from tests.e2e.github import REPOSITORY, Api
from tests.e2e.prepare import IMAGE
from tests.e2e.runner import docker_environment, pull_request_event, push_event, run
from tests.repositories import commit, git

HOSTILE = b"cos\nsystem\n(S'echo hacked'\ntR."
CODE = 'from transformers import AutoModel\n\nmodel = AutoModel.from_pretrained("org/name")\n'
ATTACK: dict[str, bytes | str | None] = {
    "models/encoder.pkl": HOSTILE,
    "train.py": CODE,
    "requirements.txt": "numpy==2.3.5\ntorch==2.0.0\n",
}
MENDED: dict[str, bytes | str | None] = {
    "models/encoder.pkl": None,
    "train.py": CODE.replace('"org/name"', f'"org/name", revision="{"a" * 40}"'),
    "requirements.txt": "numpy==2.3.5\ntorch==2.6.0\n",
}


def change(root: Path, files: dict[str, bytes | str | None]) -> str:
    """Commits on the checkout; gives the parent."""
    before = git(root, "rev-parse", "HEAD")
    commit(root, files)
    return before


def test_the_image_is_small(image_size: int) -> None:
    print(f"image size: {image_size / 1e6:.0f} MB")
    assert image_size < 400e6


def test_a_pull_request_from_attack_to_mended(api: Api, workspace: Path, tmp_path: Path) -> None:
    base = git(workspace, "rev-parse", "HEAD")
    change(workspace, ATTACK)
    number = api.pull_request()

    first = run(api, workspace, "pull_request", pull_request_event(workspace, number, base=base), tmp_path / "1")
    assert first.code == 1, first.log
    (comment,) = api.comments(number)
    assert comment["body"].startswith(marker("."))
    for told in ("models/encoder.pkl", "torch==2.6.0", "train.py", "MLG-PKL-001"):
        assert told in comment["body"]
    assert {f["path"] for f in first.findings if f["action"] == "block"} == {"models/encoder.pkl", "requirements.txt"}
    assert first.outputs["verdict"] == "fail"
    assert first.outputs["exit-code"] == "1"
    for name in ("bom", "sarif", "findings", "report"):
        assert (workspace / first.outputs[name]).is_file(), name
    assert json.loads(first.outputs["summary-json"])
    assert "models/encoder.pkl" in first.summary
    assert "::error " in first.log
    assert "file=requirements.txt,line=2" in first.log
    assert not {"ghs_test_token", "runtime-secret"} & set(first.log.replace("'", " ").split())

    again = run(api, workspace, "pull_request", pull_request_event(workspace, number, base=base), tmp_path / "2")
    assert again.code == 1
    assert [c["id"] for c in api.comments(number)] == [comment["id"]]

    change(workspace, {"models/second.pkl": HOSTILE})
    more = run(api, workspace, "pull_request", pull_request_event(workspace, number, base=base), tmp_path / "3")
    assert more.code == 1
    (updated,) = api.comments(number)
    assert updated["id"] == comment["id"]
    assert "models/second.pkl" in updated["body"]

    change(workspace, MENDED | {"models/second.pkl": None})
    event = pull_request_event(workspace, number, base=base)
    mended = run(api, workspace, "pull_request", event, tmp_path / "4")
    assert mended.code == 0, mended.log
    (resolved,) = api.comments(number)
    assert resolved["id"] == comment["id"]
    assert "resolved" in resolved["body"].lower()
    assert event["pull_request"]["head"]["sha"][:7] in resolved["body"]


def test_a_clean_pull_request_gets_no_comment(api: Api, workspace: Path, tmp_path: Path) -> None:
    base = change(workspace, {"notes.md": "nothing bad\n"})
    number = api.pull_request()
    done = run(api, workspace, "pull_request", pull_request_event(workspace, number, base=base), tmp_path / "1")
    assert done.code == 0, done.log
    assert api.comments(number) == []
    assert done.outputs["verdict"] == "pass"


def test_a_read_only_token_costs_a_warning_and_nothing_else(api: Api, workspace: Path, tmp_path: Path) -> None:
    base = change(workspace, ATTACK)
    number = api.pull_request()
    api.read_only = True
    event = pull_request_event(workspace, number, base=base, fork=True)
    done = run(api, workspace, "pull_request", event, tmp_path / "1")
    assert done.code == 1, done.log
    assert api.comments(number) == []
    assert "comment" in done.summary.lower()
    assert "::warning" in done.log
    change(workspace, MENDED)
    done = run(api, workspace, "pull_request", pull_request_event(workspace, number, base=base), tmp_path / "2")
    assert done.code == 0, done.log


def test_the_policy_of_the_base_counts_and_a_broken_one_has_a_line(api: Api, workspace: Path, tmp_path: Path) -> None:
    base = change(workspace, ATTACK | {".mlgate.yml": "version: 1\nmode: warn\n"})
    number = api.pull_request()
    done = run(api, workspace, "pull_request", pull_request_event(workspace, number, base=base), tmp_path / "1")
    assert done.code == 1
    assert "MLG-POL-001" in {f["rule"] for f in done.findings}
    base = change(workspace, {".mlgate.yml": "version: 1\nmodee: warn\n"})
    base = change(workspace, {"x": "y"})
    done = run(api, workspace, "pull_request", pull_request_event(workspace, number, base=base), tmp_path / "2")
    assert done.code == 2
    assert '.mlgate.yml:2: unknown key "modee"' in done.log.replace("%3A", ":")


def test_pull_request_target_is_refused(api: Api, workspace: Path, tmp_path: Path) -> None:
    base = change(workspace, ATTACK)
    event = pull_request_event(workspace, 1, base=base)
    done = run(api, workspace, "pull_request_target", event, tmp_path / "1")
    assert done.code == 2
    assert "pull_request_target" in done.log
    assert api.requests == []


@pytest.mark.parametrize("event", ["push", "merge_group"])
def test_other_events(api: Api, workspace: Path, tmp_path: Path, event: str) -> None:
    before = change(workspace, ATTACK)
    payload = push_event(workspace, before)
    if event == "merge_group":
        head = git(workspace, "rev-parse", "HEAD")
        group = {"head_sha": head, "base_sha": before, "base_ref": "refs/heads/main", "head_ref": "refs/heads/queue"}
        payload = {"action": "checks_requested", "merge_group": group, "repository": {"full_name": REPOSITORY}}
    done = run(api, workspace, event, payload, tmp_path / "1")
    assert done.code == 1, done.log
    assert not [r for r in api.requests if "comments" in r.path]


def test_names_cannot_command_the_runner(api: Api, workspace: Path, tmp_path: Path) -> None:
    name = "::stop-commands::x/\n::error::hacked ##[error]y @octocat <img src=x>|`.pkl"
    base = change(workspace, {name: HOSTILE})
    number = api.pull_request()
    done = run(api, workspace, "pull_request", pull_request_event(workspace, number, base=base), tmp_path / "1")
    assert done.code == 1, done.log
    lines = done.log.splitlines()
    assert not any(line.startswith(("::error::hacked", "::stop-commands::x")) for line in lines)
    (comment,) = api.comments(number)
    shown = MarkdownIt("commonmark", {"html": True}).enable("table").render(comment["body"])
    assert "<img" not in shown
    assert "<code>" in shown


WORKFLOW = "on: pull_request\njobs: {{gate: {{steps: [{{uses: mlgate/mlgate@{}}}]}}}}\n"
WAIVER = """waivers:
  items:
    - {rule: MLG-INC-008, path: models/encoder.pkl, sha256: "%s", reason: trust me, owner: "@me", expires: "2026-12-01"}
"""


def test_every_trick_of_one_pull_request_is_named(api: Api, workspace: Path, tmp_path: Path) -> None:
    base = commit(workspace, {".mlgate.yml": "version: 1\n", ".github/workflows/gate.yml": WORKFLOW.format("a" * 40)})
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'b' * 64}\nsize 90\n"
    change(
        workspace,
        {
            # allows everything, and waives what it does not
            ".mlgate.yml": "version: 1\nmode: warn\non-incomplete: note\n" + WAIVER % ("b" * 64),
            ".github/workflows/gate.yml": None,
            ".github/workflows/harmless.yml": WORKFLOW.format("c" * 40),
            "models/encoder.pkl": pointer,
            ".gitattributes": "*.pkl filter=lfs -diff -text\n",
            ".lfsconfig": "[lfs]\n\turl = https://evil.example/lfs\n",
            "::stop-commands::pwned/model.pkl": HOSTILE,
        },
    )
    number = api.pull_request()
    done = run(api, workspace, "pull_request", pull_request_event(workspace, number, base=base), tmp_path / "1")
    assert done.code == 1, done.log
    (comment,) = api.comments(number)
    body = comment["body"]
    assert "Blocked" in body.splitlines()[1]
    blocked = {f["path"] for f in done.findings if f["action"] == "block"}
    assert blocked == {"models/encoder.pkl", "::stop-commands::pwned/model.pkl"}
    changed = {f["path"] for f in done.findings if f["rule"] == "MLG-POL-001"}
    assert changed == {
        ".mlgate.yml",
        ".github/workflows/gate.yml",
        ".github/workflows/harmless.yml",
        ".gitattributes",
        ".lfsconfig",
    }
    for named in (*changed, "models/encoder.pkl", "pwned/model.pkl"):
        assert named in body, named
    assert not any(line.startswith("::stop-commands::pwned") for line in done.log.splitlines())
    assert "evil.example" not in "".join(request.path for request in api.requests)


def test_a_snapshot_of_the_packages_is_what_github_describes(api: Api, workspace: Path, tmp_path: Path) -> None:
    before = change(workspace, {"requirements.txt": "numpy==2.3.5\ntorch==2.6.0\n"})
    event = push_event(workspace, before=before)
    done = run(api, workspace, "push", event, tmp_path / "1", dependency_snapshot="true")
    (sent,) = [request for request in api.requests if "dependency-graph" in request.path]
    assert sent.body["sha"] == git(workspace, "rev-parse", "HEAD")
    assert "pkg:pypi/torch@2.6.0" in sent.body["manifests"]["requirements.txt"]["resolved"]
    assert done.code == 0, done.log


def test_a_signed_model_is_verified_in_the_image(api: Api, workspace: Path, tmp_path: Path) -> None:
    private, weights = signatures.key(), b"\x02" + b"\0" * 7 + b"{}"
    policy = "version: 1\nmodels: {signature: [{models: ['prod/**'], key: {public-key: k.pem}}]}\n"
    policy += "licenses: {unknown: note}\n"
    change(workspace, {".mlgate.yml": policy, "k.pem": signatures.public(private)})
    signed = signatures.signature(private, signatures.statement({"m.safetensors": weights}))
    before = change(workspace, {"prod/m.safetensors": weights, "prod/model.sig": signed})
    done = run(api, workspace, "push", push_event(workspace, before=before), tmp_path / "1")
    assert done.code == 0, done.log
    before = change(workspace, {"prod/m.safetensors": b"\x03" + b"\0" * 7 + b"{ }"})
    done = run(api, workspace, "push", push_event(workspace, before=before), tmp_path / "2")
    assert {f["rule"] for f in done.findings if f["action"] == "block"} == {"MLG-LIN-023"}
    code = "from mlgate.signing.crypto import Identity; Identity('a@b.c', 'https://x.test'); print('ready')"
    command = ["docker", "run", "--rm", "--network", "none", "--entrypoint", "python", IMAGE, "-I", "-c", code]
    ready = subprocess.run(command, env=docker_environment(), capture_output=True, text=True, check=False)
    assert ready.stdout == "ready\n", ready.stderr


def test_workers_are_confined_in_the_image(api: Api) -> None:
    code = (
        "import os; from mlgate.confine import confine; print(confine(1 << 29, 1 << 20), os.getuid())\n"
        "try:\n import socket; socket.socket(); print('open')\nexcept PermissionError: print('closed')"
    )
    command = ["docker", "run", "--rm", "--entrypoint", "python", IMAGE, "-I", "-c", code]
    done = subprocess.run(command, env=docker_environment(), capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["{'nobody': True, 'seccomp': True, 'memory': True} 65534", "closed"]
