"""The checkout as `actions/checkout` leaves it on a pull request: GitHub's test merge, one commit deep.

The base is not in it; the container fetches it from the server, as the workspace's owner.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.builders.osv import V31_CRITICAL, database, record
from tests.e2e.github import REPOSITORY, Api
from tests.e2e.runner import Run, pull_request_event, run
from tests.e2e.test_action import ATTACK
from tests.github.gitserver import repository, shallow
from tests.repositories import commit, git

BASE: dict[str, bytes | str | None] = {"old/requirements.txt": "torch==2.0.0\n", "requirements.txt": "numpy==2.3.5\n"}


@dataclass(slots=True)
class Server:
    """The repository on the server, with main and a pull request's branch."""

    api: Api
    place: Path
    base: str = ""

    @property
    def origin(self) -> Path:
        return self.place / "projects" / f"{REPOSITORY}.git"

    def start(self, files: dict[str, bytes | str | None]) -> None:
        repository(self.origin)
        self.base = commit(self.origin, files)
        git(self.origin, "checkout", "-q", "-b", "feature")

    def gate(self, files: dict[str, bytes | str | None]) -> Run:
        """Runs on the test merge of the branch with this change."""
        head = commit(self.origin, files)
        git(self.origin, "checkout", "-q", "--detach", "main")
        git(self.origin, "merge", "-q", "--no-ff", "-m", "merge", "feature")
        merged = git(self.origin, "rev-parse", "HEAD")
        workspace = shallow(self.origin, self.place / "workspace", merged)
        events = ({"introduced": "0"}, {"fixed": "2.6.0"})
        database(self.place / "run" / "temp" / "osv", record("GHSA-53q9-r3pm-6pq6", events=events, vector=V31_CRITICAL))
        payload = pull_request_event(workspace, self.api.pull_request(), base=self.base)
        payload["pull_request"]["head"]["sha"] = head
        place = self.place / "run"
        return run(self.api, workspace, "pull_request", payload, place, db="/github/runner_temp/osv")


@pytest.fixture
def server(api: Api, tmp_path: Path) -> Iterator[Server]:
    api.projects = tmp_path / "projects"
    yield Server(api, tmp_path)
    api.projects = None


def test_the_missing_base_is_fetched(server: Server) -> None:
    server.start(BASE)
    done = server.gate(ATTACK)
    assert done.code == 1, done.log
    blocked = {finding["path"] for finding in done.findings if finding["action"] == "block"}
    assert blocked == {"models/encoder.pkl", "requirements.txt"}
    old = [finding for finding in done.findings if finding["path"] == "old/requirements.txt"]
    assert old
    assert not any(finding["new"] for finding in old)
    # Nothing of root is in the way of later steps; `git diff` renews the index, which git replaces by rename.
    left = {path.name for path in (done.workspace / ".git").rglob("*") if path.lstat().st_uid == 0}
    assert left <= {"index"}


def test_a_clean_change_passes(server: Server) -> None:
    server.start(BASE)
    assert server.gate({"requirements.txt": "numpy==2.3.5\nrich==14.0.0\n"}).code == 0


def test_a_base_that_cannot_be_had_is_an_error(server: Server) -> None:
    server.start({"README.md": "x\n"})
    server.api.projects = server.place / "nothing"
    done = server.gate(ATTACK)
    # The emulator does not know the commit either: never a policy by default.
    assert done.code == 2, done.log
    assert server.base[:12] in done.log
