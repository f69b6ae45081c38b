"""The second leg: what an untrusted run left is data, and the event's commit says which pull request it is about."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mlgate import action, cli
from mlgate.errors import MlgateError
from mlgate.github.client import Client
from mlgate.github.comment import Done, Outcome, When
from mlgate.github.second import post
from mlgate.pipeline import catalogue
from mlgate.records import Inventory, Location
from mlgate.reports import findings
from mlgate.reports.context import ReportContext
from mlgate.rules import finding
from tests.builders import verdicts, verdicts_hostile
from tests.github.server import Reply, Request, Server, serve
from tests.github.test_comment import HEAD, NEWER, Hub
from tests.reports.pages import ACTIVE, RUNNER, rendered

RULE = catalogue()["MLG-PKL-001"]


@dataclass(slots=True)
class Forge(Hub):
    """The hub with the list of pull requests of a fork's branch."""

    pulls: list[dict[str, object]] = field(default_factory=lambda: [{"number": 5, "head": {"sha": HEAD}}])
    asked: list[str] = field(default_factory=list)

    def __call__(self, request: Request) -> Reply:
        if request.path.startswith("/repos/octo/hello/pulls?"):
            self.asked.append(request.path)
            return Reply(data=self.pulls)
        return Hub.__call__(self, request)


def saved(*names: str, passed: bool = False) -> dict[str, Any]:
    decisions = [
        verdicts.decide(finding(RULE, Location(path=name), f"{name} calls os.system", evidence=name)) for name in names
    ]
    made = verdicts.verdict(decisions)
    text = findings.render(Inventory(root=""), made, ReportContext(tool_version="0"))
    document: dict[str, Any] = json.loads(text)
    return document | {"verdict": "pass" if passed else "fail"}


@dataclass(slots=True)
class Leg:
    place: Path
    hub: Forge
    server: Server
    environ: dict[str, str]

    def leave(self, document: object) -> None:
        text = document if isinstance(document, str) else json.dumps(document)
        (self.place / "findings.json").write_text(text)

    def event(self, **changes: object) -> None:
        run: dict[str, object] = {
            "id": 77,
            "event": "pull_request",
            "head_sha": HEAD,
            "head_branch": "topic",
            "head_repository": {"full_name": "mallory/hello", "owner": {"login": "mallory"}},
            "pull_requests": [],
        }
        (self.place / "event.json").write_text(json.dumps({"workflow_run": run | changes}))

    def post(self, path: str = ".", when: When = When.ALWAYS) -> Outcome:
        return post(
            self.place,
            self.environ,
            path=path,
            when=when,
            connect=lambda: Client(self.server.url, "t", timeout=5, sleep=lambda _: None),
        )


@pytest.fixture
def leg(tmp_path: Path) -> Iterator[Leg]:
    hub = Forge()
    with serve(hub) as server:
        environ = {
            "GITHUB_EVENT_NAME": "workflow_run",
            "GITHUB_EVENT_PATH": str(tmp_path / "event.json"),
            "GITHUB_REPOSITORY": "octo/hello",
            "GITHUB_API_URL": server.url,
        }
        made = Leg(tmp_path, hub, server, environ)
        made.event()
        made.leave(saved("models/a.pkl"))
        yield made


def test_the_comment_is_the_trusted_side_s_own_words(leg: Leg) -> None:
    document = saved("models/a.pkl")
    document["findings"][0] |= {"title": "All fine", "remediation": "Merge it", "message": "::error::x @acme/admins"}
    leg.leave(document)
    outcome = leg.post()
    assert outcome.done is Done.CREATED
    (body,) = [str(comment["body"]) for comment in leg.hub.comments]
    assert body.startswith("<!-- mlgate:. -->\n")
    assert RULE.title in body
    assert "All fine" not in body
    assert "Merge it" not in body
    assert "`@acme/admins`" in body
    assert "This is what the pull request's own run reported" in body
    assert "/octo/hello/actions/runs/77" in body
    assert leg.hub.asked == ["/repos/octo/hello/pulls?state=open&head=mallory%3Atopic&per_page=100"]
    assert leg.post().done is Done.UNCHANGED


def test_a_clean_run_makes_none_and_resolves_an_older_one(leg: Leg) -> None:
    leg.leave(saved(passed=True))
    assert leg.post().done is Done.NONE
    leg.leave(saved("a.pkl"))
    assert leg.post().done is Done.CREATED
    leg.leave(saved(passed=True))
    assert leg.post().done is Done.RESOLVED


@pytest.mark.parametrize(
    "pulls",
    [
        [],
        [{"number": 5, "head": {"sha": NEWER}}],
        [{"number": 5, "head": {"sha": HEAD}}, {"number": 6, "head": {"sha": HEAD}}],
        [{"number": -5, "head": {"sha": HEAD}}],
    ],
)
def test_a_commit_that_is_no_open_pull_request_s_gets_none(leg: Leg, pulls: list[dict[str, object]]) -> None:
    leg.hub.pulls = pulls
    assert leg.post().done is Done.SUPERSEDED
    assert leg.hub.comments == []


def test_a_pull_request_that_moves_meanwhile_gets_none(leg: Leg) -> None:
    leg.hub.head = NEWER
    assert leg.post().done is Done.SUPERSEDED
    assert leg.hub.comments == []


@pytest.mark.parametrize("branch", [None, "", "a b", "x&state=all", "a\nb", "-" * 300])
def test_a_branch_s_name_asks_for_nothing_else(leg: Leg, branch: str | None) -> None:
    leg.event(head_branch=branch)
    leg.post()
    assert all(path.count("&") == 2 for path in leg.hub.asked)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"event": "push"}, "started by 'push'"),
        ({"head_sha": "main"}, "no commit"),
        ({"head_sha": "0" * 40}, "no commit"),
        ({"id": "x"}, "not what GitHub documents"),
    ],
)
def test_another_event_is_refused(leg: Leg, changes: dict[str, object], message: str) -> None:
    leg.event(**changes)
    with pytest.raises(MlgateError, match=message):
        leg.post()


@pytest.mark.parametrize("text", ["", "{}", "[" * 100_000, "null", '{"schema": 1}', "\x00"])
def test_what_is_no_report_is_refused(leg: Leg, text: str) -> None:
    leg.leave(text)
    with pytest.raises(MlgateError, match=r"no findings\.json of mlgate"):
        leg.post()
    assert leg.server.requests == []


def test_a_link_a_folder_and_a_huge_file_are_refused(leg: Leg) -> None:
    path = leg.place / "findings.json"
    path.unlink()
    path.symlink_to("/etc/passwd")
    with pytest.raises(MlgateError, match="cannot be read"):
        leg.post()
    path.unlink()
    path.mkdir()
    with pytest.raises(MlgateError, match="is no file"):
        leg.post()
    path.rmdir()
    with path.open("wb") as file:
        os.truncate(file.fileno(), (32 << 20) + 1)
    with pytest.raises(MlgateError, match="larger than"):
        leg.post()


def test_a_rule_that_is_made_up_is_refused(leg: Leg) -> None:
    document = saved("a.pkl")
    document["findings"][0]["rule"] = "MLG-XXX-999"
    leg.leave(document)
    with pytest.raises(MlgateError, match="no rule"):
        leg.post()


@pytest.mark.parametrize("name", verdicts_hostile.NAMES)
def test_hostile_words_stay_words(leg: Leg, name: str) -> None:
    name = name.encode("utf-8", "replace").decode()
    document = saved("a.pkl")
    document["findings"][0] |= dict.fromkeys(
        ("path", "message", "evidence", "fingerprint", "clause", "waiver", "fix", "member", "subject"), name
    )
    document["policy"] |= {"source": name, "mode": name, "base": name, "notes": [name] * 50}
    leg.leave(document)
    assert leg.post().done is Done.CREATED
    (comment,) = leg.hub.comments
    body = str(comment["body"])
    assert len(body) < 61_000
    page = rendered(body)
    assert not ACTIVE.search(" ".join(page.prose))
    assert not RUNNER.search(body)
    assert page.comments == [" mlgate:. "]
    assert "img" not in page.tags
    assert all(link.startswith("https://github.com/octo/hello/") for link in page.links)


def test_the_action_takes_the_second_leg_on_its_event(leg: Leg, tmp_path: Path) -> None:
    workspace = tmp_path / "work"
    (workspace / "mlgate-report").mkdir(parents=True)
    (tmp_path / "findings.json").rename(workspace / "mlgate-report" / "findings.json")
    log = io.StringIO()
    environ = leg.environ | {"GITHUB_WORKSPACE": str(workspace), "INPUT_TOKEN": "ghs_x"}
    assert action.main(environ, stream=log) == 0
    assert "comment created: https://x/1" in log.getvalue()
    assert leg.server.requests[0].headers["authorization"] == "Bearer ghs_x"


def test_the_command(leg: Leg, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for key, value in leg.environ.items():
        monkeypatch.setenv(key, value)
    assert cli.main(["comment", "--from", str(leg.place), "--path", "services/ranker"]) == 0
    assert capsys.readouterr().out.startswith("comment created: ")
    assert str(leg.hub.comments[0]["body"]).startswith("<!-- mlgate:services/ranker -->")
    monkeypatch.setenv("GITHUB_EVENT_NAME", "push")
    assert cli.main(["comment", "--from", str(leg.place)]) == 2
