"""The kinds of error and the exit codes. Only cli and action turn one into the other."""

from __future__ import annotations

import enum


class Exit(enum.IntEnum):
    """The process exit codes; users rely on them."""

    PASS = 0
    FAIL = 1
    USAGE = 2
    INTERNAL = 3


class MlgateError(Exception):
    """The user's error (exit 2): what happened in one sentence, and what to do about it."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()


class Incomplete(Exception):  # noqa: N818  (a state of the look, not a failure of ours)
    """The input stopped the reader: becomes an MLG-INC finding with this reason.

    `reason` is a key of rules.INCOMPLETE ("truncated", "malformed", "limit", "encrypted", "unsupported",
    "timeout", "crashed", "missing", "unavailable").
    """

    def __init__(self, reason: str, detail: str, *, offset: int | None = None) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.offset = offset
