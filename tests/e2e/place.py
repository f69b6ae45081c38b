"""Where the end-to-end tests keep what is slow to get."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Outside the checkout: a socket's path may have 107 bytes, and a fresh clone finds what an earlier one got.
STATE = Path("/var/tmp/mlgate-e2e")


class Missing(Exception):  # noqa: N818  (a fact about the machine: the tests are skipped, loudly)
    """Something that the container tests need cannot be had on this machine."""


def folder() -> Path:
    """The folder, made when it is missing. Raises Missing when it is not this user's."""
    STATE.mkdir(mode=0o700, exist_ok=True)
    if STATE.is_symlink() or STATE.stat().st_uid != os.getuid():
        raise Missing(f"{STATE} belongs to somebody else")
    return STATE
