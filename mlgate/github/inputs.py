"""The action's inputs, from INPUT_* and nowhere else: `args` would put them on a command line."""

from __future__ import annotations

import difflib
import enum
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from mlgate.errors import MlgateError
from mlgate.github.comment import When

INPUTS = (
    "path",
    "policy",
    "mode",
    "enforce",
    "comment",
    "sarif",
    "offline",
    "db",
    "hub",
    "dependency-snapshot",
    "token",
    "output-dir",
    "api-timeout",
    "allow-pull-request-target",
)
MAX_TIMEOUT = 600.0
_YES = frozenset(("true", "yes", "on", "1"))
_NO = frozenset(("false", "no", "off", "0", ""))

_E = TypeVar("_E", bound=enum.StrEnum)


class Mode(enum.StrEnum):
    """The input `mode`; POLICY when it is left empty."""

    POLICY = ""
    BLOCK = "block"
    WARN = "warn"


class Enforce(enum.StrEnum):
    """The input `enforce`; POLICY when it is left empty."""

    POLICY = ""
    CHANGED = "changed"
    ALL = "all"


class Sarif(enum.StrEnum):
    """The input `sarif`: not written, written, or written and handed to code scanning."""

    NO = "false"
    YES = "true"
    UPLOAD = "upload"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """The inputs as they were meant; paths are still text, relative to the workspace. `api_timeout` is in seconds."""

    path: str = "."
    policy: str = ""
    mode: Mode = Mode.POLICY
    enforce: Enforce = Enforce.POLICY
    comment: When = When.ALWAYS
    sarif: Sarif = Sarif.YES
    offline: bool = False
    db: str = ""
    hub: bool = False
    dependency_snapshot: bool = False
    token: str = field(default="", repr=False)
    output_dir: str = "mlgate-report"
    api_timeout: float = 30.0
    allow_pull_request_target: bool = False


def _flag(name: str, text: str) -> bool:
    if text.lower() in _YES:
        return True
    if text.lower() in _NO:
        return False
    raise MlgateError(f"The input `{name}` is {text[:40]!r}.", "Give true or false.")


def _choice(name: str, text: str, kind: type[_E]) -> _E:
    try:
        return kind(text)
    except ValueError:
        offered = [value.value for value in kind if value.value]
        close = difflib.get_close_matches(text, offered, 1)
        hint = f"Did you mean `{close[0]}`?" if close else f"Give one of: {', '.join(offered)}."
        raise MlgateError(f"The input `{name}` is {text[:40]!r}.", hint) from None


def _seconds(name: str, text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= MAX_TIMEOUT:  # false for NaN
        raise MlgateError(f"The input `{name}` is {text[:40]!r}.", f"Give seconds, over 0 and at most {MAX_TIMEOUT:g}.")
    return seconds


def _token(text: str) -> str:
    if not text.isascii() or not text.isprintable() or " " in text or len(text) > 4096:
        raise MlgateError("The input `token` is not a token.", "Give a secret without spaces or line ends.")
    return text


def read_inputs(environ: Mapping[str, str]) -> Inputs:
    """The inputs. The runner upper-cases names, turns spaces to `_` and keeps hyphens: INPUT_OUTPUT-DIR.

    An input that is missing or empty has its default. Raises MlgateError for a value that is not offered.
    """
    given = {name: environ.get(f"INPUT_{name.upper()}", "").strip() for name in INPUTS}
    return Inputs(
        path=given["path"] or ".",
        policy=given["policy"],
        mode=_choice("mode", given["mode"], Mode),
        enforce=_choice("enforce", given["enforce"], Enforce),
        comment=_choice("comment", given["comment"] or When.ALWAYS, When),
        sarif=_choice("sarif", given["sarif"] or Sarif.YES, Sarif),
        offline=_flag("offline", given["offline"]),
        db=given["db"],
        hub=_flag("hub", given["hub"]),
        dependency_snapshot=_flag("dependency-snapshot", given["dependency-snapshot"]),
        token=_token(given["token"]),
        output_dir=given["output-dir"] or "mlgate-report",
        api_timeout=_seconds("api-timeout", given["api-timeout"] or "30"),
        allow_pull_request_target=_flag("allow-pull-request-target", given["allow-pull-request-target"]),
    )
