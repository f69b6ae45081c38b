"""Policies of other repositories: what is asked of the API, and what its answers can be."""

from __future__ import annotations

import base64

import pytest

from mlgate.errors import MlgateError
from mlgate.github.client import Client
from mlgate.github.extend import by_environment, fetcher
from tests.github.server import Answers, Reply, Request, serve

SHA = "0123456789abcdef0123456789abcdef01234567"


def policy(data: bytes) -> Answers:
    content = {"type": "file", "encoding": "base64", "size": len(data), "content": base64.b64encode(data).decode()}
    return lambda _: Reply(data=content)


def test_the_file_is_asked_for_at_the_commit_with_the_token() -> None:
    with serve(policy(b"version: 1\n")) as server:
        got = fetcher(lambda: Client(server.url, "ghs_x"))("acme/gates", "ml/base.yml", SHA)
        (request,) = server.requests
    assert got == "version: 1\n"
    assert request.path == f"/repos/acme/gates/contents/ml/base.yml?ref={SHA}"
    assert request.headers["authorization"] == "Bearer ghs_x"


def no_file(request: Request) -> Reply:
    return Reply(data={"sha": SHA}) if "/git/commits/" in request.path else Reply(404, {"message": "Not Found"})


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        (no_file, "has no 'base.yml'"),
        (lambda _: Reply(404, {"message": "Not Found"}), "cannot be read"),
        (lambda _: Reply(403, {"message": "no"}), "cannot be read"),
        (policy(b"\xff\xfe"), "is not UTF-8"),
        (lambda _: Reply(raw=b"[]"), "is a folder"),
    ],
)
def test_no_answer_is_an_error_and_no_default(answers: Answers, message: str) -> None:
    with serve(answers) as server, pytest.raises(MlgateError) as caught:
        fetcher(lambda: Client(server.url, "", sleep=lambda _: None))("acme/gates", "base.yml", SHA)
    assert message in caught.value.message


def test_a_token_is_sent_over_https_only() -> None:
    with pytest.raises(MlgateError, match="no https address"):
        by_environment({"GITHUB_API_URL": "http://ghes.example", "GITHUB_TOKEN": "x"})
