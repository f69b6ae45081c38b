from __future__ import annotations

import base64
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mlgate.errors import MlgateError
from mlgate.github.basis import Basis, find_basis
from mlgate.github.checkout import Remote, fetch_commit, fetch_environment, has_commit, head_commit, repository_root
from mlgate.github.client import Client
from mlgate.github.event import Event
from tests.github.gitserver import backend, commit, git, merge, repository, shallow
from tests.github.server import Answers, Reply, Request, Server, serve

REPO = "octo/hello"
TOKEN = "ghs_secret"
POLICIES = (".mlgate.yml", ".github/mlgate.yml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pull:
    """A repository in which `base` was the base branch when the pull request was opened, and `tip` is now."""

    projects: Path
    origin: Path
    base: str
    tip: str
    head: str
    merged: str

    def event(self, name: str = "pull_request", **more: str) -> Event:
        fields = {"head_sha": self.head, "merge_sha": self.merged, "base_sha": self.base} | more
        return Event(name=name, repository=REPO, pr_number=5, **fields)  # type: ignore[arg-type]


@pytest.fixture
def pull(tmp_path: Path) -> Pull:
    origin = repository(tmp_path / "projects" / f"{REPO}.git")
    base = commit(origin, {"a.py": "1\n", ".mlgate.yml": "version: 1\n"}, "base")
    git(origin, "branch", "topic")
    tip = commit(origin, {"b.py": "2\n"}, "somebody else's merge")
    git(origin, "checkout", "-q", "topic")
    head = commit(origin, {"c.pkl": "3\n"}, "the change")
    git(origin, "checkout", "-q", "--detach", "main")
    return Pull(
        projects=tmp_path / "projects", origin=origin, base=base, tip=tip, head=head, merged=merge(origin, "topic")
    )


@pytest.fixture
def hub(pull: Pull) -> Iterator[Server]:
    with serve(lambda request: backend(pull.projects, request)) as server:
        yield server


def basis(event: Event, root: Path, url: str, api: str = "http://127.0.0.1:1") -> Basis:
    return find_basis(
        event,
        root,
        remote=Remote(server_url=url, repository=REPO, token=TOKEN),
        policies=POLICIES,
        connect=lambda: Client(api, TOKEN, timeout=5, sleep=lambda _: None),
        environ={"PATH": os.environ["PATH"]},
    )


def test_a_shallow_merge_is_compared_with_its_own_first_parent(pull: Pull, hub: Server, tmp_path: Path) -> None:
    root = shallow(pull.origin, tmp_path / "work", pull.merged)
    assert head_commit(root) == (pull.merged, (pull.tip, pull.head))
    assert not has_commit(root, pull.tip)
    assert basis(pull.event(), root, hub.url) == Basis(sha=pull.tip)
    assert has_commit(root, pull.tip)
    assert git(root, "rev-list", "--count", pull.tip) == "1"
    expected = "basic " + base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()
    assert {request.headers.get("authorization") for request in hub.requests} == {expected}


def test_what_the_checkout_left_does_not_double_the_header(pull: Pull, hub: Server, tmp_path: Path) -> None:
    root = shallow(pull.origin, tmp_path / "work", pull.merged)
    git(root, "config", f"http.{hub.url}/.extraheader", "AUTHORIZATION: basic b2xk")
    remote = Remote(server_url=hub.url, repository=REPO, token="")
    assert fetch_commit(root, pull.tip, remote, environ=dict(os.environ)) == ""
    assert {request.headers.get("authorization") for request in hub.requests} == {None}


def test_nothing_is_fetched_when_it_is_there(pull: Pull, hub: Server) -> None:
    assert basis(pull.event(), pull.origin, hub.url) == Basis(sha=pull.tip)
    git(pull.origin, "checkout", "-q", "--detach", pull.head)
    assert basis(pull.event(), pull.origin, hub.url) == Basis(sha=pull.base)
    assert hub.requests == []


def test_a_full_checkout_stays_full(pull: Pull, hub: Server, tmp_path: Path) -> None:
    root = repository(tmp_path / "work")
    git(root, "-c", f"safe.directory={pull.origin}/.git", "fetch", "-q", f"file://{pull.origin}", pull.base)
    git(root, "checkout", "-q", "--detach", pull.base)
    remote = Remote(server_url=hub.url, repository=REPO, token=TOKEN)
    assert fetch_commit(root, pull.merged, remote, environ=dict(os.environ)) == ""
    assert git(root, "rev-parse", "--is-shallow-repository") == "false"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act for another user")
def test_what_is_fetched_belongs_to_the_checkouts_owner(pull: Pull, hub: Server) -> None:
    # Not below tmp_path, whose parents only root may enter.
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        root = shallow(pull.origin, Path(place) / "work", pull.merged)
        for path in (root, *root.rglob("*")):
            os.chown(path, 1001, 1001, follow_symlinks=False)
        assert basis(pull.event(), root, hub.url).sha == pull.tip
        assert {path.lstat().st_uid for path in root.rglob("*")} == {1001}


@pytest.mark.parametrize("scheme", ["file", "ext", "ssh", "git"])
def test_only_the_servers_own_protocol_is_spoken(pull: Pull, tmp_path: Path, scheme: str) -> None:
    root = shallow(pull.origin, tmp_path / "work", pull.merged)
    victim = tmp_path / "victim"
    target = {"file": f"file://{pull.origin}", "ext": f"ext::sh -c touch% {victim}"}.get(scheme, f"{scheme}://x/y")
    git(root, "config", f"url.{target}.insteadOf", f"http://127.0.0.1:9/{REPO}.git")
    git(root, "config", f"protocol.{scheme}.allow", "always")
    remote = Remote(server_url="http://127.0.0.1:9", repository=REPO, token=TOKEN)
    assert fetch_commit(root, pull.tip, remote, environ=dict(os.environ)) != ""
    assert not victim.exists()
    assert not has_commit(root, pull.tip)


def test_hooks_of_the_checkout_do_not_run(pull: Pull, hub: Server, tmp_path: Path) -> None:
    root = shallow(pull.origin, tmp_path / "work", pull.merged)
    victim = tmp_path / "victim"
    for name in ("reference-transaction", "fsmonitor-watchman", "post-index-change"):
        hook = root / ".git/hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch {victim}\n")
        hook.chmod(0o755)
    git(root, "config", "core.fsmonitor", f"touch {victim}")
    assert basis(pull.event(), root, hub.url).sha == pull.tip
    assert not victim.exists()


def test_the_token_is_in_no_argument_and_bound_to_one_address() -> None:
    remote = Remote(server_url="https://ghes.example", repository=REPO, token=TOKEN)
    env = fetch_environment(remote, {"PATH": "/bin", "GIT_DIR": "/x", "ACTIONS_RUNTIME_TOKEN": "y", "HOME": "/h"})
    assert TOKEN not in repr(remote)
    assert set(env) & {"GIT_DIR", "ACTIONS_RUNTIME_TOKEN"} == set()
    assert env["HOME"] != "/h"
    keys = [value for key, value in env.items() if key.startswith("GIT_CONFIG_KEY") and "extraheader" in value]
    assert keys == [f"http.https://ghes.example/{REPO}.git.extraheader"] * 2
    for url in ("ext::sh", "https://user@host", "file:///x", "https://host?q", ""):
        assert Remote(server_url=url, repository=REPO).url == ""


def hub_api(pull: Pull, *, files: int = 1, readable: bool = True, place: str = ".mlgate.yml") -> Answers:
    content = {"type": "file", "encoding": "base64", "size": 11, "content": base64.b64encode(b"version: 1\n").decode()}

    def reply(request: Request) -> Reply:
        if not readable:
            return Reply(404, {"message": "Not Found"})
        if f"/contents/{place}" in request.path:
            return Reply(data=content)
        if f"/git/commits/{pull.tip}" in request.path:
            return Reply(data={"sha": pull.tip})
        if "/pulls/5/files" in request.path:
            return Reply(data=[{"filename": "c.pkl"}] * files)
        return Reply(404, {"message": "Not Found"})

    return reply


@pytest.mark.parametrize("place", [*POLICIES, "nowhere"])
def test_the_api_answers_where_git_cannot(pull: Pull, tmp_path: Path, place: str) -> None:
    root = shallow(pull.origin, tmp_path / "work", pull.merged)
    with serve(hub_api(pull, place=place)) as server:
        found = basis(pull.event(), root, "http://127.0.0.1:9", server.url)
    assert (found.sha, found.local, found.changed) == (pull.tip, False, frozenset(("c.pkl",)))
    assert (found.policy, found.policy_path) == ((None, "") if place == "nowhere" else ("version: 1\n", place))
    assert found.notes


def test_too_many_changed_files_are_all_changed(pull: Pull, tmp_path: Path) -> None:
    root = shallow(pull.origin, tmp_path / "work", pull.merged)
    with serve(hub_api(pull, files=3000)) as server:
        assert basis(pull.event(), root, "http://127.0.0.1:9", server.url).changed is None


def test_a_base_that_cannot_be_read_is_an_error_and_no_default(pull: Pull, tmp_path: Path) -> None:
    root = shallow(pull.origin, tmp_path / "work", pull.merged)
    with serve(hub_api(pull, readable=False)) as server, pytest.raises(MlgateError, match="cannot be read") as caught:
        basis(pull.event(), root, "http://127.0.0.1:9", server.url)
    assert "fetch-depth: 0" in caught.value.hint
    assert TOKEN not in str(caught.value)


def test_a_checkout_that_is_not_the_pull_requests_is_refused(pull: Pull, hub: Server, tmp_path: Path) -> None:
    base = shallow(pull.origin, tmp_path / "base", pull.base)
    with pytest.raises(MlgateError, match="neither"):
        basis(pull.event(), base, hub.url)
    # Under pull_request_target GITHUB_SHA is the base branch: being there is no proof of anything.
    target = pull.event("pull_request_target", merge_sha=pull.base)
    with pytest.raises(MlgateError, match="neither"):
        basis(target, base, hub.url)
    head = shallow(pull.origin, tmp_path / "head", pull.head)
    assert basis(target, head, hub.url).sha == pull.base


def test_a_merge_that_the_author_made_names_no_base(pull: Pull, hub: Server) -> None:
    git(pull.origin, "checkout", "-q", "--detach", pull.base)
    evil = commit(pull.origin, {".mlgate.yml": "mode: warn\n"}, "evil")
    git(pull.origin, "checkout", "-q", "--detach", evil)
    head = merge(pull.origin, pull.head)
    event = pull.event(head_sha=head, merge_sha=head)
    assert basis(event, pull.origin, hub.url).sha == pull.base


def test_push_and_merge_group_and_events_without_a_base(pull: Pull, hub: Server, tmp_path: Path) -> None:
    root = shallow(pull.origin, tmp_path / "work", pull.merged)

    def event(name: str, base: str | None) -> Event:
        return Event(name=name, repository=REPO, head_sha=pull.merged, merge_sha=pull.merged, base_sha=base)

    assert basis(event("schedule", None), root, hub.url) == Basis()
    assert basis(event("push", None), root, hub.url) == Basis()
    gone = basis(event("push", "e" * 40), root, hub.url)
    assert (gone.sha, len(gone.notes)) == ("", 1)
    with pytest.raises(MlgateError):
        basis(event("merge_group", "e" * 40), root, hub.url)
    assert basis(event("push", pull.tip), root, hub.url) == Basis(sha=pull.tip)
    assert basis(event("merge_group", pull.base), root, hub.url) == Basis(sha=pull.base)
    stale = shallow(pull.origin, tmp_path / "stale", pull.tip)
    assert "checkout is at" in basis(event("schedule", None), stale, hub.url).notes[0]


def test_the_repository_is_looked_for_up_to_the_workspace(pull: Pull, tmp_path: Path) -> None:
    inner = pull.origin / "services" / "a"
    inner.mkdir(parents=True)
    assert repository_root(pull.origin, inner) == pull.origin
    assert repository_root(pull.projects, inner) == pull.origin
    with pytest.raises(MlgateError, match="no git repository"):
        repository_root(inner, inner)
    with pytest.raises(MlgateError, match="HEAD"):
        head_commit(repository(tmp_path / "empty"))
