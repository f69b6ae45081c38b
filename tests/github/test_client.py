from __future__ import annotations

import time

import pytest

from mlgate.errors import MlgateError
from mlgate.github import api
from mlgate.github.client import MAX_BODY, ApiError, Client
from tests.github.server import Answers, Reply, Request, serve

TOKEN = "ghs_secret"
REPO = "octo/hello"


def answers(*replies: Reply) -> Answers:
    """The replies in turn, the last one again and again."""
    waiting = list(replies)
    return lambda _: waiting.pop(0) if len(waiting) > 1 else waiting[0]


def client(url: str, sleeps: list[float] | None = None, timeout: float = 5.0) -> Client:
    return Client(url, TOKEN, timeout=timeout, sleep=(sleeps if sleeps is not None else []).append)


def test_every_request_names_the_api_version_and_carries_the_token() -> None:
    with serve(answers(Reply(data={"head": {"sha": "a" * 40}}))) as server, client(f"{server.url}/api/v3") as github:
        assert api.pull_head(github, REPO, 7) == "a" * 40
    (request,) = server.requests
    assert request.path == f"/api/v3/repos/{REPO}/pulls/7"
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert request.headers["x-github-api-version"] == "2022-11-28"
    assert request.headers["user-agent"].startswith("mlgate/")


@pytest.mark.parametrize(
    ("reply", "waits"),
    [
        (Reply(502), [1.0]),
        (Reply(503, headers={"Retry-After": "7"}), [7.0]),
        (Reply(429, headers={"Retry-After": "3"}), [3.0]),
        (Reply(403, {"message": "You have exceeded a secondary rate limit."}), [60.0]),
        (Reply(403, {"message": "slow down"}, {"Retry-After": "2"}), [2.0]),
    ],
)
def test_what_passes_is_waited_for(reply: Reply, waits: list[float]) -> None:
    sleeps: list[float] = []
    with (
        serve(answers(reply, Reply(data={"head": {"sha": "b" * 40}}))) as server,
        client(server.url, sleeps) as github,
    ):
        assert api.pull_head(github, REPO, 1) == "b" * 40
    assert sleeps == waits


def test_a_spent_rate_limit_is_waited_for_until_its_reset() -> None:
    reset = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(time.time()) + 20)}
    sleeps: list[float] = []
    replies = answers(Reply(403, headers=reset), Reply(data={"head": {"sha": "b" * 40}}))
    with serve(replies) as server, client(server.url, sleeps) as github:
        api.pull_head(github, REPO, 1)
    assert 15 < sleeps[0] <= 20


@pytest.mark.parametrize(
    ("reply", "status", "requests"),
    [
        (Reply(403, {"message": "Resource not accessible by integration"}), 403, 1),
        (Reply(404, {"message": "Not Found"}), 404, 1),
        (Reply(422, {"message": "Validation Failed"}), 422, 1),
        (Reply(429, headers={"Retry-After": "3600"}), 429, 1),  # an hour is not waited
        (Reply(403, headers={"x-ratelimit-remaining": "0", "x-ratelimit-reset": "99999999999"}), 403, 1),
        (Reply(500), 500, 4),
    ],
)
def test_what_is_final_is_told(reply: Reply, status: int, requests: int) -> None:
    with serve(answers(reply)) as server, client(server.url) as github:
        with pytest.raises(ApiError) as caught:
            api.pull_head(github, REPO, 1)
        assert caught.value.status == status
        assert TOKEN not in str(caught.value)
        assert len(server.requests) == requests


def test_a_comment_is_not_sent_twice_when_its_answer_is_a_server_error() -> None:
    with serve(answers(Reply(502))) as server, client(server.url) as github:
        with pytest.raises(ApiError):
            api.create_comment(github, REPO, 1, "text")
        assert len(server.requests) == 1


def test_no_answer_at_all_is_an_api_error() -> None:
    with serve(answers(Reply())) as server:
        url = server.url
    with client(url) as github, pytest.raises(ApiError) as caught:
        api.pull_head(github, REPO, 1)
    assert caught.value.status == 0


def test_a_slow_answer_ends_at_the_timeout() -> None:
    def slow(_: Request) -> Reply:
        time.sleep(0.6)
        return Reply(data={})

    with serve(slow) as server, client(server.url, timeout=0.05) as github, pytest.raises(ApiError, match="timed out"):
        api.pull_head(github, REPO, 1)


def test_a_redirect_on_the_same_host_is_followed_and_one_to_another_never() -> None:
    with serve(answers(Reply(data={"head": {"sha": "c" * 40}}))) as elsewhere:

        def moved(request: Request) -> Reply:
            if request.path.startswith("/repositories/"):
                return Reply(data={"head": {"sha": "d" * 40}})
            target = "/repositories/1/pulls/2" if "pulls/2" in request.path else f"{elsewhere.url}/x"
            return Reply(301, headers={"Location": target})

        with serve(moved) as server, client(server.url) as github:
            assert api.pull_head(github, REPO, 2) == "d" * 40
            with pytest.raises(ApiError, match="another host"):
                api.pull_head(github, REPO, 3)
        assert elsewhere.requests == []


def test_an_oversized_answer_is_dropped() -> None:
    with (
        serve(answers(Reply(raw=b" " * (MAX_BODY + 1)))) as server,
        client(server.url) as github,
        pytest.raises(ApiError, match="over"),
    ):
        api.pull_head(github, REPO, 1)


@pytest.mark.parametrize("raw", [b"", b"<html>", b'{"head": 1}', b"[" * 100_000])
def test_an_answer_that_is_not_the_documented_one_is_an_api_error(raw: bytes) -> None:
    with serve(answers(Reply(raw=raw))) as server, client(server.url) as github, pytest.raises(ApiError):
        api.pull_head(github, REPO, 1)


def paged(count: int, next_host: str = "") -> Answers:
    def reply(request: Request) -> Reply:
        page = int(request.path.partition("&page=")[2] or "1")
        following = f'<{next_host}{request.path.partition("&")[0]}&page={page + 1}>; rel="next"'
        comment = {"id": page, "body": "x", "user": None}
        return Reply(data=[comment], headers={"Link": following} if page < count else {})

    return reply


def test_pages_are_followed_to_the_end_but_not_for_ever_and_not_elsewhere() -> None:
    with serve(paged(3)) as server, client(server.url) as github:
        assert [comment.id for comment in api.comments(github, REPO, 1)] == [1, 2, 3]
        assert "per_page=100" in server.requests[0].path
    with serve(paged(10**6)) as server, client(server.url) as github:
        with pytest.raises(ApiError, match="pages"):
            api.comments(github, REPO, 1)
        assert len(server.requests) == 30
    with serve(paged(2)) as other, serve(paged(2, other.url)) as server, client(server.url) as github:
        with pytest.raises(ApiError, match="another host"):
            api.comments(github, REPO, 1)
        assert other.requests == []


def content(raw: str, size: int) -> Reply:
    return Reply(data={"type": "file", "encoding": "base64", "content": raw, "size": size})


def test_a_file_at_a_commit_is_read() -> None:
    with serve(answers(content("dmVyc2lv\nbjogMQo=\n", 11))) as server, client(server.url) as github:
        assert api.file_at(github, REPO, ".mlgate.yml", "e" * 40, limit=1000) == b"version: 1\n"
        assert server.requests[0].path.endswith(f"/contents/.mlgate.yml?ref={'e' * 40}")


@pytest.mark.parametrize("reply", [Reply(data=[]), content("AAAA", 2000), Reply(data={"type": "symlink"})])
def test_what_is_no_small_file_at_the_base_is_refused(reply: Reply) -> None:
    with serve(answers(reply)) as server, client(server.url) as github, pytest.raises(MlgateError):
        api.file_at(github, REPO, ".mlgate.yml", "e" * 40, limit=1000)


def test_no_file_and_no_permission_are_not_the_same() -> None:
    commit = {"sha": "e" * 40}

    def absent(request: Request) -> Reply:
        return Reply(data=commit) if "/git/commits/" in request.path else Reply(404, {"message": "Not Found"})

    with serve(absent) as server, client(server.url) as github:
        assert api.file_at(github, REPO, ".mlgate.yml", "e" * 40, limit=1000) is None
    with serve(answers(Reply(404))) as server, client(server.url) as github, pytest.raises(ApiError):
        api.file_at(github, REPO, ".mlgate.yml", "e" * 40, limit=1000)


def test_changed_paths_name_both_sides_of_a_move_and_are_unknown_past_the_list() -> None:
    moved = {"filename": "new.pkl", "previous_filename": "old.pkl"}
    with serve(answers(Reply(data=[moved, {"filename": "a.py"}]))) as server, client(server.url) as github:
        assert api.pull_files(github, REPO, 1) == frozenset(("new.pkl", "old.pkl", "a.py"))
    with serve(answers(Reply(data={"files": [moved] * 300}))) as server, client(server.url) as github:
        assert api.compared_files(github, REPO, "a" * 40, "b" * 40) is None


def viewer(request: Request) -> Reply:
    if request.path == "/graphql":
        return Reply(data={"data": {"viewer": {"login": "my-app"}}})
    return Reply(403, {"message": "Resource not accessible by integration"})


def test_the_author_is_the_user_else_the_app_else_the_workflow_token() -> None:
    with serve(answers(Reply(data={"login": "octo", "type": "User"}))) as server, client(server.url) as github:
        assert api.author(github) == api.Author(login="octo")
    with serve(viewer) as server, client(server.url) as github:
        assert api.author(github, f"{server.url}/graphql") == api.Author(login="my-app[bot]", type="Bot")
        assert api.author(github) == api.Author(login="github-actions[bot]", type="Bot")
    with serve(viewer) as other, serve(viewer) as server, client(server.url) as github:
        assert api.author(github, f"{other.url}/graphql") == api.Author(login="github-actions[bot]", type="Bot")
        assert other.requests == []
