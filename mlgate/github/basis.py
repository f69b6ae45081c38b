"""What a run is compared with, and whether the checkout is what the event speaks of."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from mlgate.errors import MlgateError
from mlgate.github import api
from mlgate.github.checkout import Remote, fetch_commit, has_commit, head_commit
from mlgate.github.client import ApiError, Client
from mlgate.github.event import Event

MAX_POLICY = 1 << 20
_HINT = (
    "Give actions/checkout `fetch-depth: 0`, or the job `permissions: contents: read` so that the base commit can be "
    "fetched."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """The comparison of a run.

    `sha` is the base commit, "" when everything is gated and the policy is the checkout's own. With `local` its
    tree is in the checkout. Without, `policy` and `policy_path` are the policy as the API gave it (None: the
    base has no policy file) and `changed` the paths that the API says differ, relative to the repository's root
    (None: more than it lists, so everything counts as changed). `notes` are for the reports.
    """

    sha: str = ""
    local: bool = True
    policy: str | None = None
    policy_path: str = ""
    changed: frozenset[str] | None = None
    notes: tuple[str, ...] = ()


def verify(event: Event, head: str, parents: tuple[str, ...]) -> tuple[str, ...]:
    """Notes on a checkout that is not the event's. Raises MlgateError when it is not the pull request's.

    A workflow that checks out the base branch (the default of pull_request_target) would have the base scanned
    and the pull request passed.
    """
    merged = len(parents) == 2 and parents[1] == event.head_sha
    if event.pr_number is not None:
        expected = head == event.head_sha or merged or (event.name == "pull_request" and head == event.merge_sha)
        if not expected:
            raise MlgateError(
                f"The checkout is at {head[:12]}, which is neither the pull request's head {event.head_sha[:12]} nor "
                "its merge.",
                "Let actions/checkout choose the ref by itself on `pull_request`.",
            )
    elif head not in (event.head_sha, event.merge_sha):
        return (f"The checkout is at {head[:12]}, and the event speaks of {event.head_sha[:12]}.",)
    return ()


def base_commit(event: Event, head: str, parents: tuple[str, ...]) -> str:
    """The base commit's id, "" when the event has none.

    GitHub's test merge has the base branch as it was merged for its first parent; the event's own base may be
    older, and then other people's merges would look like this pull request's.
    """
    test_merge = event.name == "pull_request" and head == event.merge_sha != event.head_sha
    if test_merge and len(parents) == 2 and parents[1] == event.head_sha:
        return parents[0]
    return event.base_sha or ""


def _by_api(client: Client, event: Event, base: str, policies: tuple[str, ...]) -> Basis:
    policy, place = None, ""
    for path in policies:
        found = api.file_at(client, event.repository, path, base, limit=MAX_POLICY)
        if found is not None:
            place = path
            policy = found.decode("utf-8", "strict")
            break
    if event.pr_number is not None:
        changed = api.pull_files(client, event.repository, event.pr_number)
    else:
        changed = api.compared_files(client, event.repository, base, event.head_sha)
    note = "The base commit is not in the checkout: changed paths and policy came from GitHub's API, and every finding "
    return Basis(
        sha=base,
        local=False,
        policy=policy,
        policy_path=place,
        changed=changed,
        notes=(f"{note}in them counts as new.",),
    )


def find_basis(
    event: Event,
    root: Path,
    *,
    remote: Remote,
    policies: tuple[str, ...],
    connect: Callable[[], Client],
    environ: Mapping[str, str],
) -> Basis:
    """What the checkout at `root` is compared with: the base in the checkout, else fetched, else asked from the API.

    `policies` are the places of the policy, best first, relative to the repository's root. Raises MlgateError
    when a pull request's or merge group's base cannot be read by any of the three: a default there would be a
    policy of the attacker's choice.
    """
    head, parents = head_commit(root)
    notes = verify(event, head, parents)
    base = base_commit(event, head, parents)
    if not base:
        return Basis(notes=notes)
    why = "" if has_commit(root, base) else fetch_commit(root, base, remote, environ=environ)
    if not why and has_commit(root, base):
        return Basis(sha=base, notes=notes)
    if event.name == "push":
        gone = f"The commit before this push, {base[:12]}, cannot be had{' (forced push)' if event.forced else ''}"
        return Basis(notes=(*notes, f"{gone}: everything is gated, by the policy of the pushed commit."))
    try:
        with connect() as client:
            basis = _by_api(client, event, base, policies)
    except (ApiError, UnicodeDecodeError) as error:
        raise MlgateError(
            f"The base commit {base[:12]} cannot be read ({why or 'incomplete'}; {error}).", _HINT
        ) from None
    return dataclasses.replace(basis, notes=notes + basis.notes)
