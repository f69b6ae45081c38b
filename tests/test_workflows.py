"""Our own workflows and action are what we ask of others."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TOOLS = Path(sys.executable).parent
WORKFLOWS = sorted([*(ROOT / ".github" / "workflows").glob("*.yml"), *(ROOT / "docs" / "workflows").glob("*.yml")])
EXAMPLES = ("docs/workflows/gate.yml", "docs/workflows/comment.yml")


@pytest.mark.parametrize(
    "command",
    [
        ["zizmor", "--offline", "--no-progress", ".github", "action.yml", *EXAMPLES],
        ["actionlint", "-shellcheck=", "-pyflakes="],
        ["actionlint", "-shellcheck=", "-pyflakes=", *EXAMPLES],
    ],
    ids=lambda command: command[0],
)
def test_linters_have_nothing_to_say(command: list[str]) -> None:
    done = subprocess.run([TOOLS / command[0], *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_action_is_pinned_and_nothing_has_more_rights_than_it_says() -> None:
    assert WORKFLOWS
    for path in WORKFLOWS:
        text = path.read_text()
        for uses in re.findall(r"uses: (\S+)", text):
            assert uses.startswith("./") or re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}", uses), (path.name, uses)
        assert re.search(r"^permissions: \{\}$", text, re.MULTILINE), path.name


def test_the_base_image_is_pinned_by_digest_and_is_the_one_that_dependabot_moves() -> None:
    (pinned,) = re.findall(
        r"^ARG BASE=(python:3\.13-slim@sha256:[0-9a-f]{64})$", (ROOT / "Dockerfile").read_text(), re.MULTILINE
    )
    assert f"\nFROM {pinned}\n" in (ROOT / ".github" / "base" / "Dockerfile").read_text()
