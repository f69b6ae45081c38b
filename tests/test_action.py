from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from mlgate import action, pipeline
from mlgate.github.client import Client
from mlgate.github.inputs import INPUTS, Inputs, read_inputs
from mlgate.hub import Enriched, HubSettings
from mlgate.records import Inventory
from tests.builders import verdicts
from tests.github.gitserver import backend
from tests.github.server import Reply, Request, serve
from tests.github.test_commands import runner
from tests.github.world import TOKEN, World, answers, opened, says

ROOT = Path(__file__).parents[1]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with opened(tmp_path) as found:
        answers(monkeypatch, found, says(verdicts.three()))
        yield found


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


@pytest.mark.parametrize("status", [201, 403])
def test_packages_are_handed_to_the_dependency_graph_when_asked(world: World, status: int) -> None:
    accepted: list[Request] = []

    def take(request: Request) -> Reply:
        if "/dependency-graph/snapshots" in request.path:
            accepted.append(request)
            return Reply(status, {"message": "Resource not accessible by integration"})
        return backend(world.place / "projects", request) if ".git/" in request.path else world.hub(request)

    with serve(take) as server:
        world.environ |= {"GITHUB_API_URL": server.url, "GITHUB_WORKFLOW": "gate", "GITHUB_JOB": "scan"}
        assert world.run() == 1
        assert accepted == []
        assert world.run(dependency_snapshot="true") == 1
    assert "'correlator': 'gate scan mlgate'" in str(accepted[0].json["job"])
    assert accepted[0].json["ref"] == "refs/pull/5/merge"
    assert ("contents: write" in world.log.getvalue()) is (status == 403)


def test_warn_mode_shows_no_errors(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    passed = dataclasses.replace(verdicts.three(), passed=True, mode="warn")
    answers(monkeypatch, world, says(passed))
    assert world.run() == 0
    assert "error" not in [name for name, _ in runner(world.log.getvalue())]


@pytest.mark.parametrize("by_api", [False, True])
def test_the_whole_pipeline_with_the_base_from_git_or_the_api(
    world: World, monkeypatch: pytest.MonkeyPatch, by_api: bool
) -> None:
    monkeypatch.setattr(action, "scan", pipeline.scan)

    def answer(request: Request) -> Reply:
        if f"/git/commits/{world.base}" in request.path:
            return Reply(data={"sha": world.base})
        if "/pulls/5/files" in request.path:
            return Reply(data=[{"filename": "c.pkl"}])
        return world.hub(request)

    with serve(answer) as server:
        world.environ |= {"GITHUB_API_URL": server.url} | ({"GITHUB_SERVER_URL": server.url} if by_api else {})
        assert world.run(offline="true") == 1
    assert "c.pkl" in world.bodies[0]
    assert world.base[:12] in world.bodies[0]
    assert ("came from GitHub's API" in world.log.getvalue()) is by_api


def test_the_hub_is_asked_when_told_and_the_verdict_stays(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[HubSettings] = []

    def answer(inventory: Inventory, settings: HubSettings) -> Enriched:
        asked.append(settings)
        marked = tuple(dataclasses.replace(c, properties=(("hub:error", "x"),)) for c in inventory.components)
        return Enriched(inventory=dataclasses.replace(inventory, components=marked), notes=("no answer",))

    monkeypatch.setattr("mlgate.hub.enriched", answer)
    world.environ |= {"HF_TOKEN": "hf_verysecret", "HOME": "/home/shared"}
    assert world.run() == 1
    assert asked == []
    assert world.run(hub="true") == 1
    assert [(settings.token, settings.cache) for settings in asked] == [("hf_verysecret", None)]
    assert "hub: no answer" in world.log.getvalue()
    assert "hf_verysecret" not in world.log.getvalue()
    assert world.run(hub="true", offline="true") == 2
    assert len(asked) == 1


def test_the_metadata_offers_exactly_what_is_read_and_written(world: World) -> None:
    described = yaml.safe_load((ROOT / "action.yml").read_text())
    assert tuple(described["inputs"]) == INPUTS
    assert described["runs"] == {"using": "docker", "image": "Dockerfile"}
    defaults = {f"INPUT_{name.upper()}": given["default"] for name, given in described["inputs"].items()}
    assert defaults.pop("INPUT_TOKEN") == "${{ github.token }}"
    assert read_inputs(defaults) == Inputs()
    world.run()
    assert set(described["outputs"]) == set(world.outputs)
