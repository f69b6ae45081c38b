"""The hub's API with everything that goes wrong on the way to it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.errors import MlgateError
from mlgate.hub import HubSettings, read_settings
from mlgate.hub import client as client_module
from mlgate.hub.answer import Info, NoAnswer, read, reduced
from mlgate.hub.client import Client
from mlgate.records import Kind
from tests.builders import hub
from tests.github.server import Reply, Request, serve

SECRET = "hf_verysecret"


def ask(url: str, *, waits: list[float] | None = None, revision: str = "main", **settings: Any) -> Info:
    client = Client(HubSettings(url=url, **settings), sleep=(waits if waits is not None else []).append)
    return client.info(Kind.MODEL, "acme/tiny", revision)


def reason(call: Callable[[], object]) -> str:
    with pytest.raises(NoAnswer) as raised:
        call()
    assert SECRET not in str(raised.value)
    return str(raised.value)


def test_a_branch_is_asked_without_and_a_commit_with_its_files() -> None:
    with serve(lambda _: Reply(data=hub.model())) as server:
        found = ask(server.url, revision="refs/pr/1")
        assert found.commit == hub.COMMIT
        assert (found.gated, found.task, found.library) == ("manual", "text-generation", "transformers")
        assert (found.licenses, found.bases) == (("apache-2.0",), (("fine-tuned-from", "acme/base"),))
        assert ask(server.url, revision=hub.COMMIT).files == (("model.safetensors", hub.DIGEST),)
        assert [request.path for request in server.requests] == [
            "/api/models/acme/tiny/revision/refs%2Fpr%2F1",
            f"/api/models/acme/tiny/revision/{hub.COMMIT}?blobs=true",
        ]
        assert reason(lambda: ask(server.url, revision=hub.OTHER)) == "the answer is about another commit"


@pytest.mark.parametrize("revision", ["..", ".", "a b", "a\nb", "a?b", "x" * 201])
def test_what_is_no_revision_is_not_asked(revision: str) -> None:
    with serve(lambda _: Reply(data=hub.model())) as server:
        assert "none that the hub can have" in reason(lambda: ask(server.url, revision=revision))
        assert server.requests == []


def test_the_token_goes_to_the_hub_alone() -> None:
    with serve(lambda _: Reply(data=hub.model())) as elsewhere:

        def answers(request: Request) -> Reply:
            if "/tiny/" in request.path:
                return Reply(status=307, headers={"Location": "/api/models/acme/renamed/revision/main"})
            return Reply(data=hub.model("acme/renamed"))

        with serve(answers) as server:
            assert ask(server.url, token=SECRET).name == "acme/renamed"
            assert {r.headers["authorization"] for r in server.requests} == {f"Bearer {SECRET}"}
        places = (
            elsewhere.url + "/api/models/x",
            "//evil.test/api/",
            "/login",
            "",
            "http://u:p@127.0.0.1/api/",
            "http://[",
        )
        for place in places:
            moved = Reply(status=302, headers={"Location": place})
            with serve(lambda _, moved=moved: moved) as server:  # type: ignore[misc]
                said = reason(lambda url=server.url: ask(url, token=SECRET))  # type: ignore[misc]
                assert said.startswith("redirected to ")
        assert elsewhere.requests == []
    assert SECRET not in repr(HubSettings(token=SECRET))


def test_a_ring_of_redirects_ends() -> None:
    around = Reply(status=307, headers={"Location": "/api/models/acme/tiny"})
    with serve(lambda _: around) as server:
        assert "307" in reason(lambda: ask(server.url))
        assert len(server.requests) == 4


@pytest.mark.parametrize(
    ("reply", "said", "requests"),
    [
        (Reply(status=401, headers={"X-Error-Code": "RepoNotFound"}), "status 401 RepoNotFound", 1),
        (Reply(status=403, headers={"X-Error-Code": "GatedRepo"}), "status 403 GatedRepo", 1),
        (Reply(status=404, headers={"X-Error-Code": "<b>::error::"}), "status 404:", 1),
        (Reply(status=500), "status 500", 3),
        (Reply(status=503, headers={"Retry-After": "3600"}), "status 503", 1),
        (Reply(status=418), "status 418", 1),
        (Reply(raw=b'{"id": "acme/tiny", "sha": "3f4'), "no JSON", 1),
        (Reply(raw=b"[" * 100_000), "no JSON", 1),
        (Reply(raw=b"<html>"), "no JSON", 1),
        (Reply(data=[]), "another form", 1),
        (Reply(data={"id": "../../x", "sha": hub.COMMIT}), "names no repository", 1),
        (Reply(data={"id": "acme/tiny", "sha": "main"}), "names no commit", 1),
    ],
)
def test_each_failure_has_its_reason(reply: Reply, said: str, requests: int) -> None:
    with serve(lambda _: reply) as server:
        assert said in reason(lambda: ask(server.url, token=SECRET))
        assert len(server.requests) == requests


@pytest.mark.parametrize(
    ("headers", "wait"),
    [({"Retry-After": "7"}, 7.0), ({"RateLimit": '"api";r=0;t=11'}, 12.0), ({"RateLimit": '"api";r=3;t=11'}, 0.5)],
)
def test_a_limit_that_is_soon_over_is_waited_for(headers: dict[str, str], wait: float) -> None:
    replies = [Reply(status=429, headers=headers), Reply(data=hub.model())]
    waits: list[float] = []
    with serve(lambda _: replies.pop(0)) as server:
        assert ask(server.url, waits=waits).commit == hub.COMMIT
    assert waits == [wait]


def test_a_limit_that_is_long_ends_all_questions() -> None:
    limited = Reply(status=429, headers={"RateLimit": '"api";r=0;t=280'})
    with serve(lambda _: limited) as server:
        client = Client(HubSettings(url=server.url))
        for name in ("acme/a", "acme/b", "acme/c"):
            assert "rate limit" in reason(lambda name=name: client.info(Kind.MODEL, name, ""))  # type: ignore[misc]
        assert len(server.requests) == 1


def test_a_run_sends_no_more_than_its_requests() -> None:
    with serve(lambda _: Reply(status=500)) as server:
        client = Client(HubSettings(url=server.url, requests=4), sleep=lambda _: None)
        assert "500" in reason(lambda: client.info(Kind.MODEL, "acme/a", ""))
        assert "used up" in reason(lambda: client.info(Kind.MODEL, "acme/b", ""))
        assert len(server.requests) == 4


def test_an_answer_that_is_too_large_is_asked_for_without_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "LARGEST", 5_000)

    def answers(request: Request) -> Reply:
        siblings = hub.model()["siblings"] * 100 if "blobs" in request.path else []
        return Reply(data=hub.model(siblings=siblings))

    with serve(answers) as server:
        assert ask(server.url, revision=hub.COMMIT).files == ()
    with serve(lambda _: Reply(data=hub.model(padding="x" * 6_000))) as server:
        assert "larger than" in reason(lambda: ask(server.url, revision=hub.COMMIT))
        assert "larger than" in reason(lambda: ask(server.url))


@pytest.mark.parametrize(
    ("answer", "drip", "said"),
    [
        (hub.cut_off(), False, "not to the end"),
        (hub.trickle(), True, "not to the end"),
        (hub.trickling_redirect(), True, "redirected to what is no address"),
        (hub.silence(), True, "does not answer"),
        (hub.silence(), False, "does not answer"),
    ],
)
def test_a_hub_that_hangs_holds_nobody_up(answer: bytes, *, drip: bool, said: str) -> None:
    start = time.monotonic()
    with hub.raw_server(answer, drip=drip) as url:
        assert said in reason(lambda: ask(url, timeout=0.5))
    assert time.monotonic() - start < 5


def test_no_hub_is_asked_three_times_and_not_for_each_name() -> None:
    client = Client(HubSettings(url="http://127.0.0.1:9"), sleep=lambda _: None)
    assert reason(lambda: client.info(Kind.MODEL, "acme/a", "")) == "the hub does not answer in time, or not to the end"
    assert reason(lambda: client.info(Kind.MODEL, "acme/b", "")) == "the hub does not answer in time, or not to the end"


def test_a_netrc_is_not_the_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password mine\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    with serve(lambda _: Reply(data=hub.model())) as server:
        ask(server.url)
        assert "authorization" not in server.requests[0].headers


@pytest.mark.parametrize(
    "endpoint",
    ["http://hub.test", "https://me:pw@hub.test", "https://", "hub.test", "https://h/?x=1", "https://h\\e", "file:///"],
)
def test_only_a_plain_https_address_is_a_hub(endpoint: str) -> None:
    with pytest.raises(MlgateError) as raised:
        read_settings({"HF_ENDPOINT": endpoint})
    assert "pw" not in str(raised.value)


def test_the_environment_says_where_and_with_what() -> None:
    plain = read_settings({})
    assert (plain.url, plain.token, plain.cache) == ("https://huggingface.co", "", None)
    full = read_settings(
        {"HF_ENDPOINT": "https://hub.test/", "HUGGING_FACE_HUB_TOKEN": SECRET, "XDG_CACHE_HOME": "/c", "HOME": "/h"}
    )
    assert (full.url, full.token, full.cache) == ("https://hub.test", SECRET, Path("/c/mlgate/hub"))
    assert read_settings({"XDG_CACHE_HOME": "relative", "HOME": "/h"}).cache == Path("/h/.cache/mlgate/hub")
    with pytest.raises(MlgateError) as raised:
        read_settings({"HF_TOKEN": f"{SECRET}\nX-Header: 1"})
    assert SECRET not in str(raised.value)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["lfs", "sha256", "x"]), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*hub.model()]), _JSON))
def test_any_json_is_an_answer_or_none(fields: dict[str, Any]) -> None:
    try:
        raw = reduced(json.dumps({**hub.model(), **fields}).encode())
        found = read(raw)
    except NoAnswer:
        return
    assert read(raw) == found
    assert all(text.isprintable() for text in (*found.licenses, found.task, found.library))


@given(st.binary(max_size=60))
def test_any_bytes_are_an_answer_or_none(body: bytes) -> None:
    try:
        read(reduced(body))
    except NoAnswer:
        return
