from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.errors import MlgateError
from mlgate.github import event
from mlgate.github.event import Event, parse_event, read_payload

HEAD, BASE, MERGE = "a" * 40, "b" * 40, "c" * 40
ZERO = "0" * 40


def parse(name: str, payload: object, **more: Any) -> Event:
    return parse_event(name, json.dumps(payload).encode(), repository="octo/hello", sha=MERGE, **more)


def pull(head_repo: object = None, **more: object) -> dict[str, object]:
    repo = {"full_name": "octo/hello", "fork": False}
    head = {"sha": HEAD, "ref": "topic", "repo": repo if head_repo is None else head_repo}
    return {
        "action": "synchronize",
        "number": 5,
        "pull_request": {"number": 5, "head": head, "base": {"sha": BASE, "ref": "main", "repo": repo}, **more},
        "repository": repo,
    }


def test_pull_request() -> None:
    assert parse("pull_request", pull()) == Event(
        name="pull_request",
        repository="octo/hello",
        head_sha=HEAD,
        merge_sha=MERGE,
        base_sha=BASE,
        base_ref="main",
        pr_number=5,
    )


def test_a_fork_is_seen_and_so_is_a_deleted_one() -> None:
    assert parse("pull_request", pull({"full_name": "mallory/hello"})).is_fork
    gone = pull()
    gone["pull_request"]["head"]["repo"] = None  # type: ignore[index]
    assert parse("pull_request", gone).is_fork
    assert not parse("pull_request", pull({"full_name": "Octo/Hello"})).is_fork


def test_push_first_push_and_forced_push() -> None:
    assert parse("push", {"before": BASE, "after": HEAD, "ref": "refs/heads/main"}).base_sha == BASE
    first = parse("push", {"before": ZERO, "after": HEAD, "ref": "refs/heads/new", "created": True})
    assert (first.base_sha, first.head_sha) == (None, HEAD)
    assert parse("push", {"before": BASE, "after": HEAD, "forced": True}).forced
    with pytest.raises(MlgateError, match="deleted"):
        parse("push", {"before": BASE, "after": ZERO, "deleted": True})


def test_merge_group() -> None:
    found = parse("merge_group", {"merge_group": {"head_sha": HEAD, "base_sha": BASE, "base_ref": "refs/heads/main"}})
    assert (found.head_sha, found.base_sha, found.pr_number) == (HEAD, BASE, None)


@pytest.mark.parametrize("name", ["schedule", "workflow_dispatch"])
def test_events_without_a_base(name: str) -> None:
    found = parse(name, {"schedule": "0 0 * * *"})
    assert (found.head_sha, found.base_sha) == (MERGE, None)


def test_pull_request_target_needs_an_explicit_input() -> None:
    with pytest.raises(MlgateError, match="refused") as caught:
        parse("pull_request_target", pull())
    assert "allow-pull-request-target" in caught.value.hint
    assert parse("pull_request_target", pull(), allow_target=True).pr_number == 5


@pytest.mark.parametrize("name", ["", "workflow_run", "issue_comment", "x" * 1000])
def test_other_events_are_refused(name: str) -> None:
    with pytest.raises(MlgateError, match="not offered"):
        parse(name, {})


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"pull_request": None},
        {"pull_request": {"number": "5"}},
        pull() | {"pull_request": {"number": 0, "head": {"sha": HEAD}, "base": {"sha": BASE}}},
        {"pull_request": {"number": 1, "head": {"sha": "HEAD"}, "base": {"sha": BASE}}},
        {"pull_request": {"number": 1, "head": {"sha": HEAD}, "base": {"sha": "--upload-pack=x"}}},
        {"pull_request": {"number": 1, "head": {"sha": HEAD}, "base": {"sha": ZERO}}},
    ],
)
def test_a_payload_without_the_documented_fields_is_refused(payload: object) -> None:
    with pytest.raises(MlgateError):
        parse("pull_request", payload)


@pytest.mark.parametrize("repository", ["", "octo", "octo/../x", "../..", "octo/a b", "octo/a/b", "octo/a\n"])
def test_a_repository_that_cannot_stand_in_a_url_is_refused(repository: str) -> None:
    with pytest.raises(MlgateError):
        parse_event("schedule", b"{}", repository=repository, sha=MERGE)


@given(st.binary(max_size=200), st.sampled_from(sorted(event._READERS)))
def test_no_payload_ends_otherwise_than_in_an_event_or_a_user_error(payload: bytes, name: str) -> None:
    try:
        found = parse_event(name, payload, repository="octo/hello", sha=MERGE, allow_target=True)
    except MlgateError:
        return
    assert event.is_sha(found.head_sha)


def test_the_payload_is_read_up_to_its_cap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "event.json"
    path.write_bytes(b"{}")
    assert read_payload(str(path)) == b"{}"
    monkeypatch.setattr(event, "MAX_PAYLOAD", 1)
    for wrong in (str(path), str(tmp_path / "none.json"), ""):
        with pytest.raises(MlgateError):
            read_payload(wrong)
