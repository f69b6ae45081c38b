from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlgate import action
from mlgate.errors import MlgateError
from mlgate.settings import Result, Settings
from tests.builders import verdicts, verdicts_hostile
from tests.github.test_commands import runner
from tests.github.world import TOKEN, World, answers, opened, says

ROOT = Path(__file__).parents[2]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with opened(tmp_path) as found:
        answers(monkeypatch, found, says(verdicts.three()))
        yield found


@pytest.mark.parametrize(
    "change",
    [
        {"INPUT_MODE": "off"},
        {"INPUT_PATH": "../.."},
        {"INPUT_PATH": "nowhere"},
        {"INPUT_POLICY": "/etc/passwd"},
        {"INPUT_OUTPUT-DIR": "../out"},
        {"INPUT_DB": "nowhere"},
        {"INPUT_DB": "/nowhere"},
        {"GITHUB_EVENT_NAME": "pull_request_target"},
        {"GITHUB_EVENT_NAME": "issues"},
        {"GITHUB_EVENT_PATH": "/nowhere"},
        {"GITHUB_REPOSITORY": ""},
        {"GITHUB_WORKSPACE": "/nowhere"},
    ],
)
def test_the_users_errors_are_exit_2(world: World, change: dict[str, str]) -> None:
    world.environ |= change
    assert world.run() == 2
    assert not world.settings
    assert (world.outputs["verdict"], world.outputs["exit-code"]) == ("error", "2")
    assert "no verdict" in world.summary
    assert [name for name, _ in runner(world.log.getvalue())] == ["add-mask", "error"]


def test_a_broken_policy_is_exit_2(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Settings) -> Result:
        raise MlgateError(".mlgate.yml:7: unknown key `fail-onn`.", "Did you mean `fail-on`?")

    answers(monkeypatch, world, broken)
    assert world.run() == 2
    assert ".mlgate.yml:7" in world.summary
    assert "fail-on" in world.log.getvalue()


def test_a_defect_of_ours_is_exit_3_and_its_traceback_no_command(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(_: Settings) -> Result:
        raise RuntimeError("quoted\n::set-output name=verdict::pass\n##[error]forged")

    answers(monkeypatch, world, crash)
    assert world.run() == 3
    assert "RuntimeError" in world.log.getvalue()
    assert [name for name, _ in runner(world.log.getvalue())] == ["add-mask", "error"]
    assert world.outputs["verdict"] == "error"


def test_what_a_library_prints_while_scanning_is_no_command(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def chatty(settings: Settings) -> Result:
        world.log.write("::set-output name=verdict::pass\n##[error]forged\n")
        return says(verdicts.clean())(settings)

    answers(monkeypatch, world, chatty)
    assert world.run() == 0
    assert [name for name, _ in runner(world.log.getvalue())] == ["add-mask"]


def test_hostile_names_end_as_text(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "a\n::set-output name=verdict::pass\r##[error]x\u202e|@team.pkl"
    answers(monkeypatch, world, says(verdicts_hostile.hostile(name), verdicts_hostile.hostile_inventory(name)))
    world.run()
    assert {found for found, _ in runner(world.log.getvalue())} <= {"add-mask", "error", "warning", "notice"}
    assert "\u202e" not in world.log.getvalue()
    assert world.outputs["verdict"] in {"pass", "fail"}


def test_a_flood_keeps_to_the_limits(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, world, says(verdicts.many()))
    world.run()
    names = [name for name, _ in runner(world.log.getvalue())]
    assert names.count("error") <= 10
    assert names.count("warning") <= 10
    assert names.count("notice") == 1
    assert len(world.summary.encode()) <= 900 * 1024
    assert all(len(body) <= 65_536 for body in world.bodies)


def test_links_in_the_output_folder_are_not_followed(world: World) -> None:
    outside = world.place / "outside"
    outside.mkdir()
    (world.workspace / "mlgate-report").symlink_to(outside)
    assert world.run() == 2
    assert list(outside.iterdir()) == []


def test_tokens_and_the_runners_home_are_not_handed_on() -> None:
    environ = {
        "PATH": "/bin",
        "HOME": "/github/home",
        "INPUT_TOKEN": TOKEN,
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "x",
        "GIT_DIR": "/x",
        "GITHUB_TOKEN": "y",
        "GITHUB_SHA": "z",
    }
    action.isolate(environ, "/private")
    assert environ == {"PATH": "/bin", "HOME": "/private", "XDG_CONFIG_HOME": "/private", "GITHUB_SHA": "z"}


def test_the_entry_point_imports_nothing_of_the_workspace(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    for name in ("mlgate", "requests", "msgspec", "sitecustomize", "usercustomize"):
        (tmp_path / f"{name}.py").write_text(f"open({str(victim)!r}, 'w')\n")
    done = subprocess.run(
        [sys.executable, "-I", str(ROOT / "entrypoint.py")],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path), "PYTHONSTARTUP": str(tmp_path / "mlgate.py")},
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (2, b"")
    assert b"GITHUB_EVENT_PATH is not set" in done.stdout
    assert not victim.exists()
