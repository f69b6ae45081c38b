"""Event, token, fork, place of the policy and depth of the clone: the exit code and the comment of each.

The base's policy only warns, in one of its two places; where the base has none, the change brings one. So an exit code
that is another than the table's shows a policy that was read from the wrong side.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlgate.reports.comment import marker
from tests.e2e.github import REPOSITORY, TOKEN, Api
from tests.e2e.runner import Run, pull_request_event, run
from tests.github.gitserver import repository, shallow
from tests.repositories import commit, git

HOSTILE = b"cos\nsystem\n(S'echo hacked'\ntR."
LAX = "version: 1\nmode: warn\n"
PLACES = (".mlgate.yml", ".github/mlgate.yml", "")
TOKENS = ("write", "read", "none")
DEPTHS = ("full", "shallow")
PULLS = list(itertools.product(TOKENS, (False, True), PLACES, DEPTHS))
OTHERS = list(itertools.product(("push", "merge_group", "schedule", "workflow_dispatch"), PLACES, DEPTHS))


class Place:
    """A repository on the server, and the checkout that the event's workflow would have."""

    def __init__(self, api: Api, folder: Path, policy: str) -> None:
        self.api, self.folder, self.policy = api, folder, policy
        self.origin = folder / "projects" / f"{REPOSITORY}.git"
        repository(self.origin)
        before: dict[str, bytes | str | None] = {"README.md": "demo\n"}
        self.base = commit(self.origin, before | ({policy: LAX} if policy else {}))
        git(self.origin, "checkout", "-q", "-b", "feature")
        # what the base accepts is taken away, or brought where it has nothing
        change: dict[str, bytes | str | None] = {policy: None} if policy else {".mlgate.yml": LAX}
        self.head = commit(self.origin, {"models/encoder.pkl": HOSTILE} | change)

    def merged(self) -> str:
        """GitHub's test merge."""
        git(self.origin, "checkout", "-q", "--detach", self.base)
        git(self.origin, "merge", "-q", "--no-ff", "-m", "merge", "feature")
        return git(self.origin, "rev-parse", "HEAD")

    def checkout(self, sha: str, depth: str) -> Path:
        to = self.folder / "workspace"
        if depth == "shallow":
            return shallow(self.origin, to, sha)
        git(self.folder, "clone", "-q", str(self.origin), str(to))
        git(to, "checkout", "-q", "--detach", sha)
        git(to, "remote", "remove", "origin")
        return to

    def run(self, event: str, payload: dict[str, Any], workspace: Path, **inputs: str) -> Run:
        database = self.folder / "run" / "temp" / "osv" / "PyPI"
        database.mkdir(parents=True)
        shutil.copyfile(_empty(self.folder), database / "all.zip")
        return run(self.api, workspace, event, payload, self.folder / "run", db="/github/runner_temp/osv", **inputs)


def _empty(folder: Path) -> Path:
    """A database without advisories: nothing in these repositories is a package."""
    import zipfile

    made = folder / "empty.zip"
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("NONE-1.json", '{"id": "NONE-1", "modified": "2020-01-01T00:00:00Z", "affected": []}')
    return made


@pytest.fixture
def served(api: Api, tmp_path: Path) -> Iterator[Api]:
    api.projects = tmp_path / "projects"
    yield api
    api.projects = None


@pytest.mark.parametrize(("token", "fork", "policy", "depth"), PULLS)
def test_pull_requests(served: Api, tmp_path: Path, *, token: str, fork: bool, policy: str, depth: str) -> None:
    place = Place(served, tmp_path, policy)
    merged = place.merged()
    workspace = place.checkout(merged, depth)
    number = served.pull_request()
    payload = pull_request_event(workspace, number, base=place.base, fork=fork)
    payload["pull_request"]["head"]["sha"] = place.head
    served.read_only = token != "write"
    done = place.run("pull_request", payload, workspace, token="" if token == "none" else TOKEN)
    served.read_only = False

    assert done.code == (0 if policy else 1), done.log
    assert done.outputs["verdict"] == ("pass" if policy else "fail")
    found = {f["rule"]: f for f in done.findings}
    assert found["MLG-PKL-001"]["new"]
    assert found["MLG-PKL-001"]["action"] == ("warn" if policy else "block")
    assert "MLG-POL-001" in found  # the change to the policy is told, and has no effect yet
    comments = served.comments(number)
    if token == "write":
        (comment,) = comments
        assert comment["body"].startswith(marker("."))
        assert "models/encoder.pkl" in comment["body"]
        assert ("would block" in comment["body"]) is bool(policy)
    else:
        assert comments == []
        assert "No comment" in done.summary
    assert "models/encoder.pkl" in done.summary


@pytest.mark.parametrize(("event", "policy", "depth"), OTHERS)
def test_other_events(served: Api, tmp_path: Path, event: str, policy: str, depth: str) -> None:
    place = Place(served, tmp_path, policy)
    workspace = place.checkout(place.head, depth)
    payload: dict[str, Any] = {"repository": {"full_name": REPOSITORY}}
    if event == "push":
        payload |= {"ref": "refs/heads/main", "before": place.base, "after": place.head}
    elif event == "merge_group":
        payload["merge_group"] = {"head_sha": place.head, "base_sha": place.base, "base_ref": "refs/heads/main"}
    done = place.run(event, payload, workspace)

    # A push and a merge group have a base, whose policy counts; a schedule judges the checkout by its own.
    compared = event in ("push", "merge_group")
    passes = bool(policy) if compared else not policy
    assert done.code == (0 if passes else 1), done.log
    assert not [request for request in served.requests if "comments" in request.path]
    assert ("MLG-POL-001" in {f["rule"] for f in done.findings}) is compared
