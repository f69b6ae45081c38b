"""Where the end-to-end tests keep what is slow to get, and what was found there."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Outside the checkout: a socket's path may have 107 bytes, and a fresh clone finds what an earlier one got.
PLACE = Path("/var/tmp") / f"mlgate-e2e-{os.getuid()}"
_STATE = PLACE / "state.json"


class Missing(Exception):  # noqa: N818  (a fact about the machine: the tests are skipped, loudly)
    """Something that the container tests need cannot be had on this machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What was found or made.

    `docker` is the client, `host` the daemon's address, `started` says that the daemon is ours to stop. `base` is the
    stand-in for the base image, "" when the one that the Dockerfile names was pulled. `node` is Node.js, `modules` the
    folder with the emulator and GitHub's API description.
    """

    docker: str
    host: str
    started: bool
    base: str
    node: str
    modules: str


def folder() -> Path:
    """The folder, made when it is missing. Raises Missing when it is not this user's."""
    PLACE.mkdir(mode=0o700, exist_ok=True)
    if PLACE.is_symlink() or PLACE.stat().st_uid != os.getuid():
        raise Missing(f"{PLACE} belongs to somebody else")
    return PLACE


def save(state: State) -> None:
    """Keeps the state for the tests."""
    (folder() / "state.json").write_text(json.dumps(asdict(state)))


def load() -> State | None:
    """The state that `prepare` left, or None."""
    try:
        return State(**json.loads(_STATE.read_text()))
    except (OSError, ValueError, TypeError):
        return None


def forget() -> None:
    """No state: the next tests are not run on what is gone."""
    _STATE.unlink(missing_ok=True)
