"""What mlgate asks of GitHub, as typed functions over the client.

Endpoint and field names are those of GitHub's REST description (issues/comments, pulls, pulls/files, compare,
contents, git/commits, users, code-scanning, dependency-graph). Only the fields named here are read.
"""

from __future__ import annotations

import base64
import binascii
import gzip
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import msgspec

from mlgate.errors import MlgateError
from mlgate.github.client import Answer, ApiError, Client, origin

MAX_CHANGED = 3000  # pulls/{n}/files lists no more
MAX_COMPARED = 300  # compare lists no more
BOT = "github-actions[bot]"

_T = TypeVar("_T")


class _User(msgspec.Struct, frozen=True):
    login: str = ""
    type: str = ""


class _Comment(msgspec.Struct, frozen=True):
    id: int
    body: str | None = None
    user: _User | None = None
    html_url: str = ""


class _Sha(msgspec.Struct, frozen=True):
    sha: str


class _Pull(msgspec.Struct, frozen=True):
    head: _Sha
    number: int = 0


class _ChangedFile(msgspec.Struct, frozen=True):
    filename: str
    previous_filename: str = ""


class _Comparison(msgspec.Struct, frozen=True):
    files: tuple[_ChangedFile, ...] = ()


class _Content(msgspec.Struct, frozen=True):
    type: str = ""
    encoding: str = ""
    content: str = ""
    size: int = 0


class _Viewer(msgspec.Struct, frozen=True):
    viewer: _User


class _Graph(msgspec.Struct, frozen=True):
    data: _Viewer | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """An issue comment; `author` is empty for a deleted account."""

    id: int
    body: str
    author: str
    author_type: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who the token writes as. `type` is empty when any type of that login is the one."""

    login: str
    type: str = ""


def _decode(answer: Answer, kind: type[_T]) -> _T:
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        where = urlsplit(answer.url).path
        raise ApiError(where, status=answer.status, detail=f"not the documented answer: {str(error)[:200]}") from None


def _comment(found: _Comment) -> Comment:
    user = found.user or _User()
    return Comment(id=found.id, body=found.body or "", author=user.login, author_type=user.type, url=found.html_url)


def comments(client: Client, repository: str, number: int) -> tuple[Comment, ...]:
    """All comments of a pull request, oldest first (at most 3,000; ApiError when there are more)."""
    pages = client.pages(f"/repos/{repository}/issues/{number}/comments")
    return tuple(_comment(found) for page in pages for found in _decode(page, tuple[_Comment, ...]))


def create_comment(client: Client, repository: str, number: int, body: str) -> Comment:
    """A new comment. Needs `pull-requests: write`."""
    answer = client.request("POST", f"/repos/{repository}/issues/{number}/comments", json={"body": body})
    return _comment(_decode(answer, _Comment))


def update_comment(client: Client, repository: str, comment: int, body: str) -> Comment:
    """Another body for a comment. Needs `pull-requests: write`."""
    answer = client.request("PATCH", f"/repos/{repository}/issues/comments/{comment}", json={"body": body})
    return _comment(_decode(answer, _Comment))


def pull_head(client: Client, repository: str, number: int) -> str:
    """The commit that the pull request's branch is at now."""
    return _decode(client.request("GET", f"/repos/{repository}/pulls/{number}"), _Pull).head.sha


def pulls_from(client: Client, repository: str, *, head: str, sha: str) -> tuple[int, ...]:
    """The numbers of open pull requests from the branch `head` ("owner:branch") that stand at the commit."""
    query = {"state": "open", "head": head, "per_page": "100"}
    answer = client.request("GET", f"/repos/{repository}/pulls", query=query)
    return tuple(pull.number for pull in _decode(answer, tuple[_Pull, ...]) if pull.head.sha == sha and pull.number > 0)


def _paths(files: tuple[_ChangedFile, ...]) -> set[str]:
    return {name for file in files for name in (file.filename, file.previous_filename) if name}


def pull_files(client: Client, repository: str, number: int) -> frozenset[str] | None:
    """Paths that the pull request adds, changes, removes or moves; None when there are more than are listed."""
    files: list[_ChangedFile] = []
    for page in client.pages(f"/repos/{repository}/pulls/{number}/files"):
        files += _decode(page, tuple[_ChangedFile, ...])
    return None if len(files) >= MAX_CHANGED else frozenset(_paths(tuple(files)))


def compared_files(client: Client, repository: str, base: str, head: str) -> frozenset[str] | None:
    """Paths that differ between the merge base of two commits and the second; None when there are too many."""
    answer = client.request("GET", f"/repos/{repository}/compare/{base}...{head}", query={"per_page": "1"})
    files = _decode(answer, _Comparison).files
    return None if len(files) >= MAX_COMPARED else frozenset(_paths(files))


def file_at(client: Client, repository: str, path: str, ref: str, *, limit: int) -> bytes | None:
    """A file's bytes at a commit, or None when that commit can be read and has no such file.

    A 404 alone says nothing: it is also the answer to a token that may not read. Raises ApiError when the
    commit cannot be read, MlgateError when the path is no file or is over `limit` bytes.
    """
    try:
        answer = client.request("GET", f"/repos/{repository}/contents/{quote(path)}", query={"ref": ref})
    except ApiError as error:
        if error.status != 404:
            raise
        if _decode(client.request("GET", f"/repos/{repository}/git/commits/{ref}"), _Sha).sha != ref:
            raise ApiError(f"GET {path}", detail="the answer is about another commit") from None
        return None
    if answer.body.lstrip()[:1] == b"[":
        raise MlgateError(f"{path} is a folder at the base commit.", "A file is needed there.")
    found = _decode(answer, _Content)
    if found.type != "file" or found.encoding != "base64" or found.size > limit:
        raise MlgateError(f"{path} at the base commit is no regular file of at most {limit} bytes.")
    try:
        data = base64.b64decode(found.content)
    except binascii.Error:
        raise ApiError(f"GET {path}", detail="not base64") from None
    if len(data) > limit or len(data) != found.size:
        raise ApiError(f"GET {path}", detail="not the size that it says")
    return data


def author(client: Client, graphql: str = "") -> Author:
    """Who the token writes as.

    A user's token can ask `/user`. An app's, such as a workflow's own, gets 403 there; GraphQL's `viewer` names
    the app at `graphql` (GITHUB_GRAPHQL_URL, asked only on the API's own host). Without an answer it is the
    workflow's own token: comments of that are by `github-actions[bot]`.
    """
    try:
        login = _decode(client.request("GET", "/user"), _User).login
    except ApiError as error:
        if not error.denied:
            raise
    else:
        if login:
            return Author(login=login)
    if graphql and origin(graphql) == origin(client.base):
        try:
            found = _decode(client.request("POST", graphql, json={"query": "query{viewer{login}}"}), _Graph)
        except ApiError:
            return Author(login=BOT, type="Bot")
        if found.data and found.data.viewer.login:
            login = found.data.viewer.login
            return Author(login=login if login.endswith("[bot]") else f"{login}[bot]", type="Bot")
    return Author(login=BOT, type="Bot")


def upload_sarif(client: Client, repository: str, *, sha: str, ref: str, sarif: str) -> None:
    """Hands a SARIF file to code scanning. Needs `security-events: write`; GitHub takes 10 MB gzipped."""
    packed = base64.b64encode(gzip.compress(sarif.encode(), mtime=0)).decode()
    client.request(
        "POST",
        f"/repos/{repository}/code-scanning/sarifs",
        json={"commit_sha": sha, "ref": ref, "sarif": packed, "tool_name": "mlgate"},
    )


def submit_snapshot(client: Client, repository: str, snapshot: dict[str, Any]) -> None:
    """Hands the packages to the dependency graph. Needs `contents: write`; a later one of its job replaces it."""
    client.request("POST", f"/repos/{repository}/dependency-graph/snapshots", json=snapshot)
