from __future__ import annotations

import dataclasses
import functools
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from mlgate import action
from mlgate.errors import MlgateError
from mlgate.github.client import Client
from mlgate.github.inputs import INPUTS, Inputs, read_inputs
from mlgate.pipeline import Result, Settings
from mlgate.records import Inventory, Verdict
from tests.builders import verdicts, verdicts_hostile
from tests.github.gitserver import backend, commit, git, merge, repository, shallow
from tests.github.server import Reply, Request, Server, serve
from tests.github.test_commands import runner
from tests.github.test_comment import Hub

REPO = "octo/hello"
TOKEN = "ghs_secret"
ROOT = Path(__file__).parents[1]


@dataclass(slots=True)
class World:
    """A server with git and API, a checkout as actions/checkout leaves it, and the runner's files beside it."""

    place: Path
    server: Server
    hub: Hub
    environ: dict[str, str]
    base: str
    log: io.StringIO = field(default_factory=io.StringIO)
    settings: list[Settings] = field(default_factory=list)

    @property
    def workspace(self) -> Path:
        return self.place / "work"

    def run(self, **inputs: str) -> int:
        given = {f"INPUT_{name.upper().replace('_', '-')}": value for name, value in inputs.items()}
        return action.main(self.environ | given, stream=self.log)

    @property
    def outputs(self) -> dict[str, str]:
        text = (self.place / "output").read_text()
        return dict(re.findall(r"^([a-z-]+)<<(?:ghadelimiter_\w+)\n(.*)\nghadelimiter_\w+$", text, re.MULTILINE))

    @property
    def summary(self) -> str:
        return (self.place / "summary").read_text()

    @property
    def bodies(self) -> list[str]:
        return [str(comment["body"]) for comment in self.hub.comments]


Judge = Callable[[Settings], Result]


def says(verdict: Verdict, inventory: Inventory | None = None) -> Judge:
    return lambda _: Result(inventory=inventory or verdicts.inventory(), verdict=verdict)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    origin = repository(tmp_path / "projects" / f"{REPO}.git")
    base = commit(origin, {"a.py": "1\n", "services/a/b.py": "\n"}, "base")
    git(origin, "checkout", "-q", "-b", "topic")
    head = commit(origin, {"c.pkl": "3\n"}, "the change")
    git(origin, "checkout", "-q", "--detach", "main")
    merged = merge(origin, "topic")
    shallow(origin, tmp_path / "work", merged)
    hub = Hub(head=head)

    def answer(request: Request) -> Reply:
        return backend(tmp_path / "projects", request) if ".git/" in request.path else hub(request)

    event = {
        "pull_request": {
            "number": 5,
            "head": {"sha": head, "ref": "topic", "repo": {"full_name": REPO}},
            "base": {"sha": base, "ref": "main", "repo": {"full_name": REPO}},
        }
    }
    (tmp_path / "event.json").write_text(json.dumps(event))
    with serve(answer) as server:
        found = World(
            place=tmp_path,
            server=server,
            hub=hub,
            base=base,
            environ={
                "PATH": os.environ["PATH"],
                "HOME": "/github/home",
                "ACTIONS_RUNTIME_TOKEN": "runtime",
                "GITHUB_ACTIONS": "true",
                "GITHUB_API_URL": server.url,
                "GITHUB_SERVER_URL": server.url,
                "GITHUB_EVENT_NAME": "pull_request",
                "GITHUB_EVENT_PATH": str(tmp_path / "event.json"),
                "GITHUB_OUTPUT": str(tmp_path / "output"),
                "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
                "GITHUB_REPOSITORY": REPO,
                "GITHUB_REF": "refs/pull/5/merge",
                "GITHUB_RUN_ID": "77",
                "GITHUB_SHA": merged,
                "GITHUB_WORKSPACE": str(tmp_path / "work"),
                "INPUT_TOKEN": TOKEN,
            },
        )
        answers(monkeypatch, found, says(verdicts.three()))
        yield found


def answers(monkeypatch: pytest.MonkeyPatch, world: World, judge: Judge) -> None:
    """The pipeline says this; what it was asked is kept."""

    def scan(settings: Settings) -> Result:
        world.settings.append(settings)
        return judge(settings)

    monkeypatch.setattr(action, "scan", scan)


def test_a_failing_pull_request(world: World) -> None:
    assert world.run() == 1
    report = world.workspace / "mlgate-report"
    assert {path.name for path in report.iterdir()} == {
        "bom.cdx.json",
        "comment.md",
        "findings.json",
        "mlgate.sarif",
        "report.html",
        "summary.md",
    }
    assert world.bodies == [(report / "comment.md").read_text()]
    assert world.summary == (report / "summary.md").read_text()
    outputs = world.outputs
    assert {name: outputs[name] for name in ("verdict", "exit-code", "bom", "sarif", "findings", "report")} == {
        "verdict": "fail",
        "exit-code": "1",
        "bom": "mlgate-report/bom.cdx.json",
        "sarif": "mlgate-report/mlgate.sarif",
        "findings": "mlgate-report/findings.json",
        "report": "mlgate-report/report.html",
    }
    assert json.loads(outputs["summary-json"])["verdict"] == "fail"
    commands = runner(world.log.getvalue())
    assert commands[0] == ("add-mask", TOKEN)
    assert {name for name, _ in commands[1:]} <= {"error", "warning", "notice"}
    assert sum(name == "error" for name, _ in commands) == 2
    assert TOKEN not in "".join(world.log.getvalue().split("\n", 1)[1:]) + world.summary + "".join(world.bodies)
    (settings,) = world.settings
    assert settings.root == world.workspace
    assert settings.base == world.base


def test_again_fixed_and_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (world.run(), world.run()) == (1, 1)
    assert len(world.bodies) == 1
    answers(monkeypatch, world, says(verdicts.clean()))
    assert (world.run(), world.run()) == (0, 0)
    assert len(world.bodies) == 1
    assert "Resolved" in world.bodies[0]
    assert len(world.server.sent("POST", "/comments")) == 1
    assert len(world.server.sent("PATCH")) == 1
    assert world.outputs["verdict"] == "pass"


def test_clean_and_no_comment_before(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, world, says(verdicts.clean()))
    assert world.run() == 0
    assert world.bodies == []


@pytest.mark.parametrize("code", [0, 1])
def test_a_read_only_token_is_one_warning(world: World, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    answers(monkeypatch, world, says(verdicts.three() if code else verdicts.warn_only()))
    world.hub.writable = False
    assert world.run() == code
    assert world.summary.count("No comment") == 1
    assert sum("No comment" in data for _, data in runner(world.log.getvalue())) == 1


def test_an_api_that_is_down_changes_no_exit_code(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(action, "Client", functools.partial(Client, sleep=lambda _: None))
    world.environ["GITHUB_API_URL"] = "http://127.0.0.1:9"
    assert world.run(sarif="upload") == 1
    assert world.outputs["verdict"] == "fail"
    assert "No comment" in world.summary
    assert "SARIF" in world.summary


def test_inputs_reach_the_pipeline(world: World) -> None:
    (world.place / "osv").mkdir()
    code = world.run(
        path="services/a",
        policy="gate.yml",
        mode="warn",
        enforce="all",
        offline="true",
        db=str(world.place / "osv"),
        output_dir="out/a",
        sarif="false",
        comment="never",
    )
    assert code == 1
    (settings,) = world.settings
    assert (settings.root, settings.policy_file) == (world.workspace / "services/a", "gate.yml")
    assert (settings.mode, settings.enforce) == ("warn", "all")
    assert (settings.offline, settings.database) == (True, world.place / "osv")
    assert world.outputs["sarif"] == ""
    assert world.outputs["bom"] == "out/a/bom.cdx.json"
    assert not (world.workspace / "out/a/mlgate.sarif").exists()
    assert world.bodies == []
    assert "file=services/a/models/resnet.pt" in world.log.getvalue()


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


def test_a_push_has_no_comment(world: World) -> None:
    event = {"before": "0" * 40, "after": world.environ["GITHUB_SHA"], "ref": "refs/heads/new"}
    (world.place / "event.json").write_text(json.dumps(event))
    world.environ["GITHUB_EVENT_NAME"] = "push"
    assert world.run() == 1
    assert world.settings[0].base == ""
    assert world.bodies == []


def test_the_fork_is_told_why_there_is_no_comment(world: World) -> None:
    event = json.loads((world.place / "event.json").read_text())
    event["pull_request"]["head"]["repo"]["full_name"] = "mallory/hello"
    (world.place / "event.json").write_text(json.dumps(event))
    world.hub.writable = False
    assert world.run() == 1
    assert "from a fork" in world.summary


def test_sarif_is_handed_over_when_asked(world: World) -> None:
    accepted: list[Request] = []

    def take(request: Request) -> Reply:
        if "/code-scanning/sarifs" in request.path:
            accepted.append(request)
            return Reply(202, {"id": "1"})
        return backend(world.place / "projects", request) if ".git/" in request.path else world.hub(request)

    with serve(take) as server:
        world.environ |= {"GITHUB_API_URL": server.url}
        assert world.run(sarif="upload") == 1
    (request,) = accepted
    assert request.json["commit_sha"] == world.environ["GITHUB_SHA"]
    assert request.json["ref"] == "refs/pull/5/merge"


def test_warn_mode_shows_no_errors(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    passed = dataclasses.replace(verdicts.three(), passed=True, mode="warn")
    answers(monkeypatch, world, says(passed))
    assert world.run() == 0
    assert "error" not in [name for name, _ in runner(world.log.getvalue())]


def test_the_metadata_offers_exactly_what_is_read_and_written(world: World) -> None:
    described = yaml.safe_load((ROOT / "action.yml").read_text())
    assert tuple(described["inputs"]) == INPUTS
    assert described["runs"] == {"using": "docker", "image": "Dockerfile"}
    defaults = {f"INPUT_{name.upper()}": given["default"] for name, given in described["inputs"].items()}
    assert defaults.pop("INPUT_TOKEN") == "${{ github.token }}"
    assert read_inputs(defaults) == Inputs()
    world.run()
    assert set(described["outputs"]) == set(world.outputs)


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
    assert b"is not offered" in done.stdout
    assert not victim.exists()
