"""The trusted leg of a fork's comment: `workflow_run`, with a token that may write, on what an untrusted run left.

The first leg runs under `pull_request` with the fork's own workflow file, so all that it leaves is data of the author's
choice: one file of a fixed name, a size limit, a schema, rendered here. The pull request is not taken from the file but
from the event's head commit, and the comment is posted only while the pull request still stands there.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from mlgate import __version__
from mlgate.errors import MlgateError
from mlgate.github import api
from mlgate.github.client import ApiError, Client
from mlgate.github.comment import Done, Outcome, Sticky, When, publish
from mlgate.github.event import is_repository, is_sha, read_payload
from mlgate.pipeline import catalogue
from mlgate.reports import comment, saved, second
from mlgate.reports.context import ReportContext

EVENT = "workflow_run"
FILE = "findings.json"
_LARGEST = 32 << 20
_BRANCH = re.compile(r"[^\x00-\x20\x7f~^:?*\[\\]{1,255}")  # git check-ref-format
_HINT = "Run it as a step of a workflow `on: workflow_run`."


class _Owner(msgspec.Struct, frozen=True):
    login: str = ""


class _Home(msgspec.Struct, frozen=True):
    full_name: str = ""
    owner: _Owner | None = None


class _Run(msgspec.Struct, frozen=True):
    id: int
    event: str
    head_sha: str
    head_branch: str | None = None
    head_repository: _Home | None = None


class _Payload(msgspec.Struct, frozen=True):
    workflow_run: _Run


def post(folder: Path, environ: Mapping[str, str], *, path: str, when: When, connect: Callable[[], Client]) -> Outcome:
    """Comments what the first leg found, on the pull request that its commit belongs to.

    `folder` holds the first leg's findings.json, `path` is the scanned folder (each has its own comment). Raises
    MlgateError for what is no such event or no such file; what GitHub does is an outcome.
    """
    run = _run(environ)
    repository = environ.get("GITHUB_REPOSITORY", "")
    if not is_repository(repository):
        raise MlgateError("GITHUB_REPOSITORY is not `owner/name`.", _HINT)
    before = saved.read(_bytes(folder / FILE), str(folder / FILE))
    server = (environ.get("GITHUB_SERVER_URL") or "https://github.com").rstrip("/")
    context = ReportContext(
        tool_version=__version__,
        repository=repository,
        server_url=server,
        head_sha=run.head_sha,
        path=path,
        run_url=f"{server}/{repository}/actions/runs/{run.id}",
    )
    told = second.told(before, catalogue(), context)
    try:
        with connect() as client:
            number = _pull(client, repository, run)
    except ApiError as error:
        return Outcome(done=Done.FAILED, note=f"No comment: GitHub's API failed ({error}).")
    if number is None:
        note = f"No comment: no open pull request stands at {run.head_sha[:12]}."
        return Outcome(done=Done.SUPERSEDED, note=note)
    want = Sticky(
        repository=repository,
        number=number,
        head_sha=run.head_sha,
        marker=comment.marker(path),
        body=told.body,
        resolved=told.resolved,
        warranted=told.warranted,
        failed=told.failed,
    )
    return publish(connect, want, when, graphql=environ.get("GITHUB_GRAPHQL_URL", ""))


def _run(environ: Mapping[str, str]) -> _Run:
    """The run that ended. Raises MlgateError where the event is another one, or not about a pull request."""
    name = environ.get("GITHUB_EVENT_NAME", "")
    if name != EVENT:
        raise MlgateError(f"The event is {name[:80]!r}, and this is the second leg of two.", _HINT)
    try:
        run = msgspec.json.decode(read_payload(environ.get("GITHUB_EVENT_PATH", "")), type=_Payload).workflow_run
    except (msgspec.DecodeError, RecursionError) as error:
        raise MlgateError(f"The event's payload is not what GitHub documents: {str(error)[:300]}.", _HINT) from None
    if run.event != "pull_request":
        raise MlgateError(
            f"The run that ended was started by {run.event[:80]!r}.",
            "Give the job `if: github.event.workflow_run.event == 'pull_request'`.",
        )
    if not is_sha(run.head_sha) or run.id < 1:
        raise MlgateError("The event names no commit or no run.", _HINT)
    return run


def _bytes(path: Path) -> bytes:
    """The one file of the artifact. A link is refused: the artifact could point it at anything on this machine."""
    hint = "Download the first leg's artifact there before (`actions/download-artifact` with its `run-id`)."
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise MlgateError(f"{str(path)!r} cannot be read: {error.strerror}.", hint) from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise MlgateError(f"{str(path)!r} is no file.", hint)
    with os.fdopen(descriptor, "rb") as file:
        data = file.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise MlgateError(f"{str(path)!r} is larger than {_LARGEST:,} bytes.", hint)
    return data


def _pull(client: Client, repository: str, run: _Run) -> int | None:
    """The one open pull request from that branch whose head is that commit; None for none, or for several."""
    home = run.head_repository or _Home()
    owner = home.owner.login if home.owner else home.full_name.partition("/")[0]
    branch = run.head_branch or ""
    if not is_repository(f"{owner}/x") or not _BRANCH.fullmatch(branch):
        return None
    numbers = api.pulls_from(client, repository, head=f"{owner}:{branch}", sha=run.head_sha)
    return numbers[0] if len(numbers) == 1 else None
