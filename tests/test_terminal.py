"""The command at a real terminal (a pty) and without one: colours, width, progress, the last line."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios
from dataclasses import dataclass
from pathlib import Path

import pytest

ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


@dataclass(frozen=True, kw_only=True)
class _Seen:
    code: int
    out: str
    err: str


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pickle that runs a command, and code that loads a model without a revision; one name is not ASCII."""
    folder = tmp_path_factory.mktemp("repository")
    (folder / "modèle.pkl").write_bytes(b"cos\nsystem\n(S'id'\ntR.")
    (folder / "train.py").write_text("from transformers import AutoModel\n\nAutoModel.from_pretrained('org/name')\n")
    return folder


def _scan(
    folder: Path, *, columns: int = 80, out: bool = True, err: bool = True, variables: dict[str, str] | None = None
) -> _Seen:
    """`mlgate scan` with stdout and stderr on terminals of this width, or on pipes."""
    ends = [pty.openpty() if terminal else os.pipe() for terminal in (out, err)]
    if out:
        fcntl.ioctl(ends[0][1], termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS", "FORCE_COLOR")}
    process = os.posix_spawn(
        sys.executable,
        [sys.executable, "-P", "-m", "mlgate", "scan", str(folder), "--offline", "--no-advisories", "--jobs", "1"],
        kept | {"TERM": "xterm-256color", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))} | (variables or {}),
        file_actions=[(os.POSIX_SPAWN_DUP2, theirs, number) for number, (_, theirs) in enumerate(ends, start=1)],
    )
    data = {ours: b"" for ours, _ in ends}
    for _, theirs in ends:
        os.close(theirs)
    left = set(data)
    while left:
        for ours in select.select(list(left), [], [], 120)[0] or left.copy():
            try:
                more = os.read(ours, 1 << 16)
            except OSError:  # Linux says so when the other side of a pty is gone
                more = b""
            data[ours] += more
            if not more:
                left.discard(ours)
                os.close(ours)
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    said, told = (text.decode().replace("\r\n", "\n") for text in data.values())
    return _Seen(code=code, out=said, err=told)


@pytest.mark.parametrize("columns", [80, 120])
def test_a_terminal_gets_a_table_in_colour_that_fits(repository: Path, columns: int) -> None:
    seen = _scan(repository, columns=columns)
    assert seen.code == 1
    assert ANSI.search(seen.out)
    lines = ANSI.sub("", seen.out).splitlines()
    table = [line for line in lines if line[:1] in "┏┃┡│├└"]
    assert {len(line) for line in table} == {columns}
    plain = ANSI.sub("", seen.out)
    assert plain[plain.rindex("Next: ") :].startswith("Next: modèle.pkl: ")
    assert "mlgate: 2 of 2 files" in seen.err


@pytest.mark.parametrize("variables", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_no_colour_where_none_is_wanted(repository: Path, variables: dict[str, str]) -> None:
    seen = _scan(repository, variables=variables)
    assert "\x1b" not in seen.out
    assert "┃ Severity" in seen.out
    assert ("\x1b" in seen.err) is ("TERM" not in variables), "a dumb terminal gets no counter that overwrites itself"


def test_a_pipe_gets_lines_and_no_progress(repository: Path) -> None:
    seen = _scan(repository, out=False, err=False)
    assert seen.err == ""
    assert "\x1b" not in seen.out
    assert "┃" not in seen.out
    assert seen.out.splitlines()[-1].startswith("Next: modèle.pkl: ")


def test_the_counter_needs_a_terminal_of_its_own(repository: Path) -> None:
    assert _scan(repository, err=False).err == ""
    assert "mlgate: 2 of 2 files" in _scan(repository, out=False).err


def test_a_locale_that_cannot_write_a_name_costs_no_verdict(repository: Path) -> None:
    for out in (True, False):
        seen = _scan(repository, out=out, variables={"PYTHONIOENCODING": "ascii"})
        assert seen.code == 1
        assert seen.out.isascii()
        assert "mod\\xe8le.pkl" in seen.out


def test_a_terminal_that_does_not_know_its_width_has_80_columns(repository: Path) -> None:
    seen = _scan(repository, columns=0, variables={"NO_COLOR": "1"})
    assert max(len(line) for line in seen.out.splitlines() if line[:1] == "┃") == 80
