"""GitLab's code quality JSON and JUnit XML: what is in them, and that hostile names stay data."""

from __future__ import annotations

import dataclasses
import json
import re

import pytest
from defusedxml import ElementTree

from mlgate.records import Inventory, Verdict
from mlgate.reports import formats, gitlab, junit
from tests.builders import verdicts, verdicts_hostile
from tests.reports.pages import RUNNER

MADE = [verdicts.clean(), verdicts.three(), verdicts.waived(), *map(verdicts_hostile.hostile, verdicts_hostile.NAMES)]


@pytest.mark.parametrize("made", MADE)
def test_code_quality_has_what_gitlab_requires(made: Verdict) -> None:
    text = gitlab.render(verdicts.inventory(), made, verdicts.CONTEXT)
    assert text.isascii()
    assert not RUNNER.search(text)
    issues = json.loads(text)
    assert len(issues) == sum(d.action != "waived" for d in made.decisions)
    for issue in issues:
        assert issue["description"]
        assert re.fullmatch(r"MLG-[A-Z]{3}-\d{3}", issue["check_name"])
        assert issue["severity"] in {"info", "minor", "major", "critical", "blocker"}
        assert issue["location"]["lines"]["begin"] >= 1
        assert not issue["location"]["path"].startswith(("./", "/"))
    assert len({issue["fingerprint"] for issue in issues}) == len(issues)


def test_code_quality_paths_are_the_repository_s() -> None:
    context = dataclasses.replace(verdicts.CONTEXT, path="services/ranker")
    issues = json.loads(gitlab.render(verdicts.inventory(), verdicts.three(), context))
    assert {issue["location"]["path"].partition("/models")[0] for issue in issues} >= {"services/ranker"}


@pytest.mark.parametrize("made", MADE)
@pytest.mark.parametrize("mode", ["block", "warn"])
def test_junit_counts_are_those_of_its_tests(made: Verdict, mode: str) -> None:
    made = dataclasses.replace(made, mode=mode, passed=mode == "warn" or made.passed)
    text = junit.render(verdicts.inventory(), made, verdicts.CONTEXT)
    assert not RUNNER.search(text)
    (suite,) = ElementTree.fromstring(text.encode())
    cases = list(suite)
    for name, tag in (("tests", None), ("failures", "failure"), ("skipped", "skipped")):
        wanted = len(cases) if tag is None else sum(case.find(tag) is not None for case in cases)
        assert int(suite.attrib[name]) == wanted, name
    verdict = next(case for case in cases if case.get("name") == "verdict")
    assert (verdict.find("failure") is None) is made.passed
    assert len({(case.get("classname"), case.get("name")) for case in cases}) == len(cases)


def test_every_format_renders_a_run() -> None:
    empty = Inventory(root="r")
    for name in formats.FORMATS:
        assert isinstance(formats.render(name, empty, verdicts.clean(), verdicts.CONTEXT), str)
