"""The only writer of a GitHub job's log, annotations, outputs and summary.

The runner reads every line that a container prints as a possible command: `::name key=value::data` at the
start of a line, `##[name]` anywhere in it. So commands are stopped with a random token from the start to the
end of the run ("Stopping and starting workflow commands" in GitHub's documentation) and let through only for
the lines that this module writes itself; all text is encoded as well, in case a line passes anyway.
"""

from __future__ import annotations

import os
import secrets
import stat
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TextIO

from mlgate.records import Location
from mlgate.reports.escape import visible, workflow_data, workflow_property

MAX_ANNOTATIONS = 10  # of each level in one step; the runner drops more
MAX_MESSAGE = 4096  # bytes of an annotation's message
MAX_TITLE = 255
MAX_LINE = 2000  # characters of one log line
MAX_LINES = 5000
MAX_OUTPUTS = 1_000_000  # bytes of all outputs of one step: GitHub's limit is 1 MB
SUMMARY_BUDGET = 900 * 1024  # bytes; GitHub drops a summary of more than 1 MiB whole
_CUT = "\n\n_The summary was cut here: GitHub shows 1 MiB at most. The report in the output folder has everything._\n"


def _token() -> str:
    return secrets.token_hex(16)


def cut(text: str, limit: int) -> str:
    """The longest beginning of the text that has at most `limit` bytes in UTF-8, whole characters only."""
    raw = text.encode("utf-8", "backslashreplace")
    return raw.decode() if len(raw) <= limit else raw[:limit].decode("utf-8", "ignore")


def _append(path: str, text: str) -> None:
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(path, flags, 0o644)
    with os.fdopen(descriptor, "a", encoding="utf-8", newline="") as stream:
        stream.write(text)


def _size(path: str) -> int:
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return 0
    return found.st_size if stat.S_ISREG(found.st_mode) else 0


@dataclass(slots=True)
class Commands:
    """Writes to the runner. `output_path` and `summary_path` are GITHUB_OUTPUT and GITHUB_STEP_SUMMARY ("": none).

    `plain` leaves the commands out, for a log that no runner reads.
    """

    stream: TextIO = field(default_factory=lambda: sys.stdout)
    output_path: str = ""
    summary_path: str = ""
    plain: bool = False
    token: Callable[[], str] = _token
    _stopped: str = ""
    _annotations: dict[str, int] = field(default_factory=dict)
    _written: int = 0

    def _print(self, line: str) -> None:
        self.stream.write(f"{line}\n")
        self.stream.flush()

    def stop(self) -> None:
        """From here no line is a command, whoever prints it to the same log."""
        if not self._stopped and not self.plain:
            self._stopped = self.token()
            self._print(f"::stop-commands::{self._stopped}")

    def resume(self) -> None:
        """Lets commands through again; a token is used once."""
        if self._stopped:
            self._print(f"::{self._stopped}::")
            self._stopped = ""

    def command(self, name: str, data: str, **properties: str) -> None:
        """One command line, `name` and property names being ours and everything else encoded."""
        if self.plain:
            return
        stopped = bool(self._stopped)
        self.resume()
        pairs = ",".join(f"{key}={workflow_property(value)}" for key, value in properties.items() if value)
        self._print(f"::{name}{' ' if pairs else ''}{pairs}::{workflow_data(data)}")
        if stopped:
            self.stop()

    def mask(self, secret: str) -> None:
        """Asks the runner to show *** for the secret from here on. Nothing is printed where no runner listens."""
        if secret:
            self.command("add-mask", secret)

    def log(self, text: str) -> None:
        """Lines for people, whatever they quote: control and bidi characters shown, commands broken."""
        lines = text.split("\n", MAX_LINES)
        for line in lines[:MAX_LINES]:
            self._print(visible(line, MAX_LINE))
        if len(lines) > MAX_LINES:
            self._print("... and more lines, not shown")

    def traceback(self, error: BaseException) -> None:
        """The traceback of an error of ours, which may quote what was being read."""
        self.log("".join(traceback.format_exception(error)))

    def annotate(self, level: str, message: str, *, title: str = "", location: Location | None = None) -> bool:
        """An annotation (`level`: error, warning or notice), or False when the step's ten of that level are used.

        `location.path` must be relative to the repository's root. Line ends inside `message` are kept.
        """
        if self._annotations.get(level, 0) >= MAX_ANNOTATIONS:
            return False
        self._annotations[level] = self._annotations.get(level, 0) + 1
        text = "\n".join(visible(line, MAX_MESSAGE) for line in message.split("\n"))
        properties = {"title": visible(title, MAX_TITLE)} if title else {}
        if location is not None:
            properties["file"] = visible(location.path, 1024)
            if location.line is not None and location.member is None and location.cell is None:
                properties["line"] = str(location.line)
                properties["endLine"] = str(location.end_line or location.line)
        self.command(level, cut(text, MAX_MESSAGE), **properties)
        return True

    def warning(self, message: str) -> None:
        """A warning that is no finding: an annotation while there is room, and always a line of the log."""
        self.annotate("warning", message, title="mlgate")
        self.log(f"warning: {message}")

    def error(self, message: str) -> None:
        """What ended the run, the same way."""
        self.annotate("error", message, title="mlgate")
        self.log(f"error: {message}")

    def output(self, name: str, value: str) -> None:
        """Sets an output of the step, between delimiters that no value can know.

        Raises ValueError when all outputs together are over what GitHub takes.
        """
        if not self.output_path:
            return
        delimiter = f"ghadelimiter_{self.token()}"
        block = f"{name}<<{delimiter}\n{value}\n{delimiter}\n"
        self._written += len(block.encode("utf-8", "backslashreplace"))
        if delimiter in value or self._written > MAX_OUTPUTS:
            raise ValueError(f"output {name} cannot be written")
        _append(self.output_path, block.encode("utf-8", "backslashreplace").decode())

    def summary(self, markdown: str) -> None:
        """Appends to the job summary. Over the budget of the step it is cut at a line and says so."""
        if not self.summary_path:
            return
        room = SUMMARY_BUDGET - _size(self.summary_path)
        text = cut(markdown, SUMMARY_BUDGET + 1)
        if len(text.encode()) + 1 > room:
            text = cut(text, max(room - len(_CUT) - 2, 0)).rpartition("\n")[0] + _CUT
            if len(text.encode()) > room:
                self.log("warning: no room was left in the job summary")
                return
        _append(self.summary_path, text if text.endswith("\n") else f"{text}\n")
