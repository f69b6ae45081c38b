from __future__ import annotations

import time
from pathlib import Path

import pytest

from mlgate import http
from mlgate.advisories import update
from mlgate.advisories.osv import Client
from mlgate.advisories.source import Query, Unavailable
from mlgate.errors import MlgateError
from mlgate.github import api
from mlgate.github.client import ApiError
from mlgate.github.client import Client as GitHub
from tests.builders.trickle import BODY, KINDS, trickling
from tests.github.server import Reply, Request, serve

kinds = pytest.mark.parametrize("start", list(KINDS.values()), ids=list(KINDS))


@kinds
def test_a_trickle_holds_no_request_longer_than_its_time(start: bytes) -> None:
    began = time.monotonic()
    with trickling(start) as url, http.session() as session, pytest.raises(http.NoReply, match="timed out"):
        http.fetch(session, "GET", url, seconds=0.5, largest=1 << 20)
    assert time.monotonic() - began < 2


@kinds
def test_a_trickle_holds_no_client_longer_than_its_deadline(start: bytes) -> None:
    began = time.monotonic()
    with trickling(start) as url:
        client = Client(url=url, timeout=0.3, deadline=0.6, sleep=lambda _: None)
        with pytest.raises(Unavailable):
            client.ask([Query(ecosystem="PyPI", name="torch", version="1")])
        github = GitHub(url, "", timeout=0.1, sleep=lambda _: None)
        with github, pytest.raises(ApiError):
            api.pull_head(github, "o/r", 1)
    assert time.monotonic() - began < 4


def test_a_trickle_holds_no_download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(update, "_DEADLINE", 0.5)
    with trickling(BODY) as url, pytest.raises(MlgateError, match="timed out"):
        update.update(tmp_path, ("PyPI",), url)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_redirect_is_an_answer_and_its_body_is_not_read_where_nobody_wants_it() -> None:
    def moved(_: Request) -> Reply:
        return Reply(302, raw=b"x" * 5000, headers={"Location": "/x"})

    with serve(moved) as server, http.session() as session:
        reply = http.fetch(session, "GET", server.url, seconds=5, largest=10, body_of=frozenset({200}))
        assert (reply.status, reply.headers["location"], reply.body) == (302, "/x", b"")
        with pytest.raises(http.TooLarge):
            http.fetch(session, "GET", server.url, seconds=5, largest=10)
        assert len(server.requests) == 2


def test_a_compressed_answer_that_was_not_asked_for_is_none() -> None:
    def zipped(_: Request) -> Reply:
        return Reply(raw=b"\x1f\x8b", headers={"Content-Encoding": "gzip"})

    with serve(zipped) as server, http.session() as session, pytest.raises(http.NoReply, match="compressed"):
        http.fetch(session, "GET", server.url, seconds=5, largest=10)
    assert server.requests[0].headers["accept-encoding"] == "identity"
