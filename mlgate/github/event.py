"""The event that started the workflow, read from GITHUB_EVENT_PATH as data that may be hostile.

Field names follow GitHub's webhook payloads (docs: "Webhook events and payloads") and the list of events that
start a workflow ("Events that trigger workflows").
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import msgspec

from mlgate.errors import MlgateError

MAX_PAYLOAD = 25 * 2**20  # GitHub caps webhook payloads at 25 MB
EVENTS = ("pull_request", "push", "merge_group", "schedule", "workflow_dispatch")
_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_ZERO = re.compile(r"0+")
_REPOSITORY = re.compile(r"[A-Za-z0-9._-]{1,100}/[A-Za-z0-9._-]{1,100}")

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What the gate needs of an event.

    `head_sha` is what the comment speaks of (for a pull request the branch's tip, not GitHub's test merge).
    `merge_sha` is the commit the workflow was started for (GITHUB_SHA). `base_sha` is None when the event has
    nothing to compare with: everything is gated then.
    """

    name: str
    repository: str
    head_sha: str
    merge_sha: str = ""
    base_sha: str | None = None
    base_ref: str = ""
    pr_number: int | None = None
    is_fork: bool = False
    forced: bool = False


class _Repository(msgspec.Struct, frozen=True):
    full_name: str = ""


class _Branch(msgspec.Struct, frozen=True):
    sha: str
    ref: str = ""
    repo: _Repository | None = None


class _PullRequest(msgspec.Struct, frozen=True):
    number: int
    head: _Branch
    base: _Branch


class _PullRequestPayload(msgspec.Struct, frozen=True):
    pull_request: _PullRequest


class _PushPayload(msgspec.Struct, frozen=True):
    before: str = ""
    after: str = ""
    ref: str = ""
    deleted: bool = False
    forced: bool = False


class _MergeGroup(msgspec.Struct, frozen=True):
    head_sha: str
    base_sha: str
    base_ref: str = ""


class _MergeGroupPayload(msgspec.Struct, frozen=True):
    merge_group: _MergeGroup


def is_sha(text: str) -> bool:
    """Whether the text is a whole commit id that is not the all-zero one."""
    return _SHA.fullmatch(text) is not None and _ZERO.fullmatch(text) is None


def is_repository(text: str) -> bool:
    """Whether the text is `owner/name` and nothing else, so that it can stand in a URL."""
    return _REPOSITORY.fullmatch(text) is not None and not {".", ".."} & set(text.split("/"))


def _decode(payload: bytes, kind: type[_T], event: str) -> _T:
    try:
        return msgspec.json.decode(payload, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise MlgateError(
            f"The payload of the event {event!r} is not what GitHub documents: {str(error)[:300]}.",
            "Run mlgate from the event itself, not with a payload made by hand.",
        ) from None


def _commit(text: str, where: str) -> str:
    if not is_sha(text):
        raise MlgateError(f"The event names no commit in {where}.", "Give the payload that GitHub sent, unchanged.")
    return text


def _pull_request(event: Event, payload: bytes) -> Event:
    pull = _decode(payload, _PullRequestPayload, event.name).pull_request
    if pull.number < 1:
        raise MlgateError("The event names no pull request number.", "Give the payload that GitHub sent, unchanged.")
    home = pull.base.repo.full_name if pull.base.repo else event.repository
    return replace(
        event,
        head_sha=_commit(pull.head.sha, "pull_request.head.sha"),
        base_sha=_commit(pull.base.sha, "pull_request.base.sha"),
        base_ref=pull.base.ref,
        pr_number=pull.number,
        # The head's repository is null once a fork is deleted.
        is_fork=pull.head.repo is None or pull.head.repo.full_name.lower() != home.lower(),
    )


def _push(event: Event, payload: bytes) -> Event:
    push = _decode(payload, _PushPayload, event.name)
    if push.deleted:
        raise MlgateError("The push deleted a branch: there is nothing to scan.", "Leave deletions out of `on: push`.")
    return replace(
        event,
        head_sha=push.after if is_sha(push.after) else _commit(event.merge_sha, "after"),
        base_sha=push.before if is_sha(push.before) else None,
        base_ref=push.ref,
        forced=push.forced,
    )


def _merge_group(event: Event, payload: bytes) -> Event:
    group = _decode(payload, _MergeGroupPayload, event.name).merge_group
    return replace(
        event,
        head_sha=_commit(group.head_sha, "merge_group.head_sha"),
        base_sha=_commit(group.base_sha, "merge_group.base_sha"),
        base_ref=group.base_ref,
    )


def _whole(event: Event, payload: bytes) -> Event:
    _decode(payload, dict, event.name)
    return replace(event, head_sha=_commit(event.merge_sha, "GITHUB_SHA"))


_READERS: dict[str, Callable[[Event, bytes], Event]] = {
    "pull_request": _pull_request,
    "pull_request_target": _pull_request,
    "push": _push,
    "merge_group": _merge_group,
    "schedule": _whole,
    "workflow_dispatch": _whole,
}


def parse_event(name: str, payload: bytes, *, repository: str, sha: str, allow_target: bool = False) -> Event:
    """The event `name` (GITHUB_EVENT_NAME) for `repository` (GITHUB_REPOSITORY) at `sha` (GITHUB_SHA).

    Raises MlgateError for an event that is not offered, for pull_request_target unless `allow_target`, and for
    a payload without the documented fields.
    """
    if name == "pull_request_target" and not allow_target:
        raise MlgateError(
            "pull_request_target is refused: it runs with the secrets of the base repository, and a scan of a "
            "fork's files there hands them to whoever opens a pull request.",
            "Use `on: pull_request`. If no step of this workflow runs or installs the fork's code, the input "
            "`allow-pull-request-target: true` goes on.",
        )
    if name not in _READERS:
        raise MlgateError(
            f"The event {name[:80]!r} is not offered.", f"mlgate runs on {', '.join(EVENTS[:-1])} and {EVENTS[-1]}."
        )
    if not is_repository(repository):
        raise MlgateError("GITHUB_REPOSITORY is not `owner/name`.", "Run mlgate as a step of a GitHub workflow.")
    merge_sha = sha if is_sha(sha) else ""
    return _READERS[name](Event(name=name, repository=repository, head_sha="", merge_sha=merge_sha), payload)


def read_payload(path: str) -> bytes:
    """The event's JSON. Raises MlgateError when it is not there or over 25 MiB."""
    if not path:
        raise MlgateError("GITHUB_EVENT_PATH is not set.", "Run mlgate as a step of a GitHub workflow.")
    try:
        with Path(path).open("rb") as stream:
            payload = stream.read(MAX_PAYLOAD + 1)
    except OSError as error:
        raise MlgateError(f"The event's payload cannot be read: {error.strerror}.") from None
    if len(payload) > MAX_PAYLOAD:
        raise MlgateError("The event's payload is larger than GitHub sends (25 MiB).")
    return payload
