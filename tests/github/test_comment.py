from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

import pytest

from mlgate.github.client import Client
from mlgate.github.comment import Done, Outcome, Sticky, When, publish
from tests.github.server import Reply, Request, Server, serve

HEAD, NEWER = "a" * 40, "d" * 40
MARKER = "<!-- mlgate:. -->"
BODY = f"{MARKER}\n## mlgate: fail\n3 findings\n"
LIST = "/repos/octo/hello/issues/5/comments"


def resolved(sha: str) -> str:
    return f"{MARKER}\n## mlgate: resolved at {sha[:12]}\n"


WANT = Sticky(
    repository="octo/hello",
    number=5,
    head_sha=HEAD,
    marker=MARKER,
    body=BODY,
    resolved=resolved(HEAD),
    warranted=True,
    failed=True,
)
CLEAN = dataclasses.replace(WANT, warranted=False, failed=False)
WARNED = dataclasses.replace(WANT, failed=False)


@dataclass(slots=True)
class Hub:
    """As much of GitHub as a comment needs; `writable` is what the token may do, `app` whether it is an app's."""

    comments: list[dict[str, object]] = field(default_factory=list)
    head: str = HEAD
    writable: bool = True
    app: bool = True

    @property
    def login(self) -> str:
        return "github-actions[bot]" if self.app else "octo"

    def add(self, body: str, login: str = "", kind: str = "") -> None:
        user = {"login": login or self.login, "type": kind or ("Bot" if self.app else "User")}
        number = len(self.comments) + 1
        self.comments.append({"id": number, "body": body, "user": user, "html_url": f"https://x/{number}"})

    def __call__(self, request: Request) -> Reply:
        path = request.path.partition("?")[0]
        if path == "/user":
            return Reply(403, {"message": "no"}) if self.app else Reply(data={"login": "octo", "type": "User"})
        if path == "/repos/octo/hello/pulls/5":
            return Reply(data={"head": {"sha": self.head}})
        if path == LIST and request.method == "GET":
            return Reply(data=self.comments)
        if "/comments" not in path:
            return Reply(404, {"message": "Not Found"})
        if not self.writable:
            return Reply(403, {"message": "Resource not accessible by integration"})
        if path == LIST:
            self.add(str(request.json["body"]))
            return Reply(201, self.comments[-1])
        comment = self.comments[int(path.rpartition("/")[2]) - 1]
        comment["body"] = request.json["body"]
        return Reply(data=comment)


def run(server: Server, want: Sticky = WANT, when: When = When.ALWAYS) -> Outcome:
    return publish(lambda: Client(server.url, "t", timeout=5, sleep=lambda _: None), want, when)


def test_created_then_left_then_updated_then_resolved_then_quiet() -> None:
    hub = Hub()
    with serve(hub) as server:
        assert run(server).done is Done.CREATED
        assert run(server).done is Done.UNCHANGED
        assert run(server, dataclasses.replace(WANT, body=BODY + "1 more\n")).done is Done.UPDATED
        assert run(server, CLEAN).done is Done.RESOLVED
        assert run(server, CLEAN).done is Done.UNCHANGED
        hub.head = NEWER
        later = dataclasses.replace(CLEAN, head_sha=NEWER, resolved=resolved(NEWER))
        assert run(server, later).done is Done.UNCHANGED
        assert len(server.sent("POST")) == 1
        assert len(server.sent("PATCH")) == 2
    assert [comment["body"] for comment in hub.comments] == [resolved(HEAD)]


def test_line_ends_that_github_changes_are_no_change() -> None:
    hub = Hub()
    hub.add(BODY.replace("\n", "\r\n").rstrip())
    with serve(hub) as server:
        assert run(server).done is Done.UNCHANGED


@pytest.mark.parametrize(
    ("want", "when", "done"),
    [
        (CLEAN, When.ALWAYS, Done.NONE),
        (CLEAN, When.ON_FAILURE, Done.NONE),
        (WARNED, When.ALWAYS, Done.CREATED),
        (WARNED, When.ON_FAILURE, Done.NONE),
        (WANT, When.ON_FAILURE, Done.CREATED),
        (WANT, When.NEVER, Done.NONE),
    ],
)
def test_when_a_first_comment_is_made(want: Sticky, when: When, done: Done) -> None:
    with serve(Hub()) as server:
        assert run(server, want, when).done is done
        assert len(server.sent("POST")) == (done is Done.CREATED)
        assert when is not When.NEVER or not server.requests


def test_a_forged_marker_is_not_ours() -> None:
    hub = Hub()
    hub.add(BODY, "mallory", "User")
    hub.add(BODY, "github-actions[bot]", "User")
    hub.add(f"quoted:\n{BODY}")
    with serve(hub) as server:
        assert run(server).done is Done.CREATED
        assert not server.sent("PATCH")
    with serve(hub) as server:
        assert run(server, CLEAN).done is Done.RESOLVED
        assert server.sent("PATCH")[0].path.endswith("/comments/4")


def test_another_paths_comment_is_left_alone() -> None:
    hub = Hub()
    hub.add(BODY.replace("mlgate:.", "mlgate:services/a"))
    with serve(hub) as server:
        assert run(server).done is Done.CREATED


def test_a_users_token_finds_its_own_comment_whatever_the_type() -> None:
    hub = Hub(app=False)
    hub.add("first")
    hub.add(BODY)
    with serve(hub) as server:
        assert run(server, CLEAN).done is Done.RESOLVED


def test_a_newer_head_wins() -> None:
    hub = Hub(head=NEWER)
    with serve(hub) as server:
        outcome = run(server)
        assert outcome.done is Done.SUPERSEDED
        assert NEWER[:12] in outcome.note
        assert not server.sent("POST")
    hub.add("something newer")
    hub.comments[0]["body"] = f"{MARKER}\nnewer\n"
    with serve(hub) as server:
        assert run(server, CLEAN).done is Done.SUPERSEDED
        assert not server.sent("PATCH")


def test_a_read_only_token_costs_one_sentence() -> None:
    with serve(Hub(writable=False)) as server:
        outcome = run(server)
        assert outcome.done is Done.DENIED
        assert "pull-requests: write" in outcome.note
        assert len(server.sent("POST")) == 1


@pytest.mark.parametrize("status", [422, 500, 451])
def test_any_other_failure_is_told_and_not_raised(status: int) -> None:
    with serve(lambda _: Reply(status)) as server:
        outcome = run(server)
        assert outcome.done is Done.FAILED
        assert str(status) in outcome.note


def test_a_body_over_githubs_limit_is_not_sent() -> None:
    with serve(Hub()) as server:
        assert run(server, dataclasses.replace(WANT, body=BODY + "x" * 65_536)).done is Done.FAILED
        assert not server.requests
