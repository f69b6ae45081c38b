"""A pull request on a server with git and API, for tests of the whole action."""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mlgate import action
from mlgate.records import Inventory, Verdict
from mlgate.settings import Result, Settings
from tests.builders import verdicts
from tests.github.gitserver import backend, commit, git, merge, repository, shallow
from tests.github.server import Reply, Request, Server, serve
from tests.github.test_comment import Hub

REPO = "octo/hello"
TOKEN = "ghs_secret"


@dataclass(slots=True)
class World:
    """A server with git and API, a checkout as actions/checkout leaves it, and the runner's files beside it."""

    place: Path
    server: Server
    hub: Hub
    environ: dict[str, str]
    base: str
    log: io.StringIO = field(default_factory=io.StringIO)
    settings: list[Settings] = field(default_factory=list)

    @property
    def workspace(self) -> Path:
        return self.place / "work"

    def run(self, **inputs: str) -> int:
        given = {f"INPUT_{name.upper().replace('_', '-')}": value for name, value in inputs.items()}
        return action.main(self.environ | given, stream=self.log)

    @property
    def outputs(self) -> dict[str, str]:
        text = (self.place / "output").read_text()
        return dict(re.findall(r"^([a-z-]+)<<(?:ghadelimiter_\w+)\n(.*)\nghadelimiter_\w+$", text, re.MULTILINE))

    @property
    def summary(self) -> str:
        return (self.place / "summary").read_text()

    @property
    def bodies(self) -> list[str]:
        return [str(comment["body"]) for comment in self.hub.comments]


Judge = Callable[[Settings], Result]


def says(verdict: Verdict, inventory: Inventory | None = None) -> Judge:
    return lambda _: Result(inventory=inventory or verdicts.inventory(), verdict=verdict)


@contextmanager
def opened(tmp_path: Path) -> Iterator[World]:
    """A pull request that adds c.pkl, checked out as its merge with a depth of one."""
    origin = repository(tmp_path / "projects" / f"{REPO}.git")
    base = commit(origin, {"a.py": "1\n", "services/a/b.py": "\n"}, "base")
    git(origin, "checkout", "-q", "-b", "topic")
    head = commit(origin, {"c.pkl": "3\n"}, "the change")
    git(origin, "checkout", "-q", "--detach", "main")
    merged = merge(origin, "topic")
    shallow(origin, tmp_path / "work", merged)
    hub = Hub(head=head)

    def answer(request: Request) -> Reply:
        return backend(tmp_path / "projects", request) if ".git/" in request.path else hub(request)

    event = {
        "pull_request": {
            "number": 5,
            "head": {"sha": head, "ref": "topic", "repo": {"full_name": REPO}},
            "base": {"sha": base, "ref": "main", "repo": {"full_name": REPO}},
        }
    }
    (tmp_path / "event.json").write_text(json.dumps(event))
    with serve(answer) as server:
        found = World(
            place=tmp_path,
            server=server,
            hub=hub,
            base=base,
            environ={
                "PATH": os.environ["PATH"],
                "HOME": "/github/home",
                "ACTIONS_RUNTIME_TOKEN": "runtime",
                "GITHUB_ACTIONS": "true",
                "GITHUB_API_URL": server.url,
                "GITHUB_SERVER_URL": server.url,
                "GITHUB_EVENT_NAME": "pull_request",
                "GITHUB_EVENT_PATH": str(tmp_path / "event.json"),
                "GITHUB_OUTPUT": str(tmp_path / "output"),
                "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
                "GITHUB_REPOSITORY": REPO,
                "GITHUB_REF": "refs/pull/5/merge",
                "GITHUB_RUN_ID": "77",
                "GITHUB_SHA": merged,
                "GITHUB_WORKSPACE": str(tmp_path / "work"),
                "INPUT_TOKEN": TOKEN,
            },
        )
        yield found


def answers(monkeypatch: pytest.MonkeyPatch, world: World, judge: Judge) -> None:
    """The pipeline says this; what it was asked is kept."""

    def scan(settings: Settings) -> Result:
        world.settings.append(settings)
        return judge(settings)

    monkeypatch.setattr(action, "scan", scan)
