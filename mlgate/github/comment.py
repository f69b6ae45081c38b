"""The sticky comment: one for each scanned path, found by marker and author, quiet when nothing changed."""

from __future__ import annotations

import enum
import re
from collections.abc import Callable
from dataclasses import dataclass

from mlgate.github import api
from mlgate.github.client import ApiError, Client

MAX_BODY = 65_536  # characters that GitHub takes
_HEX = re.compile(r"\b[0-9a-f]{7,64}\b")


class When(enum.StrEnum):
    """The input `comment`."""

    ALWAYS = "always"
    ON_FAILURE = "on-failure"
    NEVER = "never"


class Done(enum.StrEnum):
    """What became of the comment."""

    NONE = "none"
    CREATED = "created"
    UPDATED = "updated"
    RESOLVED = "resolved"
    UNCHANGED = "unchanged"
    SUPERSEDED = "superseded"
    DENIED = "denied"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of the comment, its address, and a sentence for the log when it was not written."""

    done: Done
    url: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sticky:
    """The comment that the run would like to have.

    `marker` is the first line of `body` and of `resolved`. `warranted` says that there is something to say,
    `failed` that the gate does not pass. `head_sha` is the commit that was scanned.
    """

    repository: str
    number: int
    head_sha: str
    marker: str
    body: str
    resolved: str
    warranted: bool
    failed: bool


def _same(one: str, other: str) -> bool:
    return one.replace("\r\n", "\n").rstrip() == other.replace("\r\n", "\n").rstrip()


def _resolved_before(body: str, resolved: str) -> bool:
    # The text names the commit; a later clean commit is no news.
    return _same(_HEX.sub("", body), _HEX.sub("", resolved))


def find(found: tuple[api.Comment, ...], marker: str, author: api.Author) -> api.Comment | None:
    """The oldest comment that starts with the marker and is by the author; anyone can forge the marker alone."""
    return next(
        (
            comment
            for comment in found
            if comment.body.split("\n", 1)[0].rstrip() == marker
            and comment.author.lower() == author.login.lower()
            and author.type in ("", comment.author_type)
        ),
        None,
    )


def _write(client: Client, want: Sticky, when: When, graphql: str) -> Outcome:
    existing = find(api.comments(client, want.repository, want.number), want.marker, api.author(client, graphql))
    if existing is None and not (want.failed or (want.warranted and when is When.ALWAYS)):
        return Outcome(done=Done.NONE)
    clean = not (want.failed or want.warranted)
    body = want.resolved if clean else want.body
    if existing and (_same(existing.body, body) or (clean and _resolved_before(existing.body, body))):
        return Outcome(done=Done.UNCHANGED, url=existing.url)
    # Last thing before writing: a run for an older commit may end after a newer one's.
    head = api.pull_head(client, want.repository, want.number)
    if head != want.head_sha:
        return Outcome(
            done=Done.SUPERSEDED,
            note=f"No comment: the pull request has moved from {want.head_sha[:12]} to {head[:12]}.",
        )
    if existing is None:
        return Outcome(done=Done.CREATED, url=api.create_comment(client, want.repository, want.number, body).url)
    done = Done.RESOLVED if clean else Done.UPDATED
    return Outcome(done=done, url=api.update_comment(client, want.repository, existing.id, body).url)


def _denied(fork: bool) -> str:
    if fork:
        return (
            "No comment: GitHub gives a pull request from a fork a read-only token. The verdict, the annotations "
            "and this summary are complete."
        )
    return (
        "No comment: the token may not write to the pull request. Give the job `permissions: pull-requests: write`, "
        "or set `comment: never`. The verdict, the annotations and this summary are complete."
    )


def publish(
    connect: Callable[[], Client], want: Sticky, when: When, *, fork: bool = False, graphql: str = ""
) -> Outcome:
    """Creates, updates or resolves the comment, or leaves it. Never raises for what GitHub does or answers."""
    if when is When.NEVER:
        return Outcome(done=Done.NONE)
    if max(len(want.body), len(want.resolved)) > MAX_BODY:
        return Outcome(done=Done.FAILED, note="No comment: it is longer than GitHub takes.")
    try:
        with connect() as client:
            return _write(client, want, when, graphql)
    except ApiError as error:
        if error.denied:
            return Outcome(done=Done.DENIED, note=_denied(fork))
        return Outcome(done=Done.FAILED, note=f"No comment: GitHub's API failed ({error}).")
