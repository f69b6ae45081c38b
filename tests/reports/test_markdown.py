"""comment.md and summary.md: verdict first, one table, within the budgets, inert whatever a name holds."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Literal

import pytest

from mlgate.records import Action, Inventory, Location, Verdict
from mlgate.reports import comment, summary
from mlgate.reports.context import ReportContext
from mlgate.rules import INCOMPLETE, finding
from tests.builders import verdicts, verdicts_hostile
from tests.reports.pages import ACTIVE, INVISIBLE, RUNNER, rendered

Report = Callable[[Inventory, Verdict, ReportContext], str]
MADE = pytest.mark.parametrize("report", [comment.render, summary.render, comment.resolved])
TAGS = {
    *("h2", "h3", "p", "br", "strong", "em", "code", "pre", "a", "ul", "li", "sub", "details", "summary"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}


def _safe(text: str) -> None:
    page = rendered(text)
    assert set(page.tags) <= TAGS
    assert {name for name, _ in page.attributes} <= {"href", "style", "class"}
    assert all(link.startswith("https://github.com/acme/vision/") for link in page.links), page.links
    assert all(value in ("text-align:left", "text-align:right") for name, value in page.attributes if name == "style")
    assert page.comments in ([], [" mlgate:. "])
    assert not ACTIVE.search("".join(page.prose)), ACTIVE.search("".join(page.prose))
    assert not INVISIBLE.search(text)
    assert not RUNNER.search(text)
    assert set(page.rows) <= {2, 3, 4, 5, 6}


@MADE
@pytest.mark.parametrize("name", verdicts_hostile.NAMES)
def test_hostile_names_are_text(report: Report, name: str) -> None:
    text = report(verdicts_hostile.hostile_inventory(name), verdicts_hostile.hostile(name), verdicts.CONTEXT)
    _safe(text)
    assert len(text.encode()) <= comment.BUDGET


@MADE
@pytest.mark.parametrize("name", verdicts_hostile.NAMES)
def test_hostile_context_makes_no_link(report: Report, name: str) -> None:
    context = ReportContext(
        tool_version=name, repository=name, server_url=name, head_sha=name, run_url=name, artifact=name, notes=(name,)
    )
    page = rendered(report(verdicts.inventory(), verdicts.three(), context))
    assert page.links == []
    assert set(page.tags) <= TAGS


def test_three_findings() -> None:
    text = comment.render(verdicts.inventory(), verdicts.three(), verdicts.CONTEXT)
    _safe(text)
    lines = text.split("\n")
    assert lines[0] == "<!-- mlgate:. -->"
    assert lines[1] == "## \N{CROSS MARK} Blocked: 2 findings to fix before merge, 1 warning"
    assert "Versus base `89abcdef0123`: 2 new blocking findings, 1 new warning." in text
    table = [line for line in lines if line.startswith("| ")]
    shown = [word for line in table[2:] for word in ("critical", "high", "medium") if f";{word}<br>" in line]
    assert shown == ["critical", "high", "medium"]
    blob = f"https://github.com/acme/vision/blob/{verdicts.HEAD}"
    assert f"{blob}/src/train.py#L41-L43" in text
    assert f"{blob}/models/resnet.pt)" in text
    assert "`torch==2.6.0`" in table[3]
    assert 'AutoModel.from_pretrained("acme/encoder", revision="<40-character commit>")' in lines
    assert "```mermaid\nflowchart LR" in text
    assert "does not mean safe" in text


def test_a_flood_is_cut_with_the_worst_kept() -> None:
    text = comment.render(verdicts.inventory(), verdicts.many(3_000), verdicts.CONTEXT)
    assert len(text.encode()) <= comment.BUDGET
    assert "3,000 findings to fix" in text
    assert text.index("zzz/last.pkl") < text.index("src/module_0000.py")
    assert "**2,991 more** are not shown here: 2,991 \N{MULTIPLICATION SIGN} Model from the hub" in text
    assert "artifact `mlgate-report` of the [workflow run](https://github.com/acme/vision/actions/runs/4242)" in text
    full = summary.render(verdicts.inventory(), verdicts.many(3_000), verdicts.CONTEXT)
    assert comment.BUDGET < len(full.encode()) <= summary.BUDGET


@pytest.mark.parametrize("letter", ["A", "\U0001f600", "\x1b", "|", "`", "\u05d0"])
def test_the_budget_holds_for_the_longest_names(letter: str) -> None:
    name = letter * 4_000
    one = verdicts_hostile.hostile(name)
    flood = dataclasses.replace(one, decisions=one.decisions * 500, notes=(name,) * 200)
    inventory = verdicts_hostile.hostile_inventory(name)
    inventory = dataclasses.replace(
        inventory,
        components=tuple(dataclasses.replace(c, version=f"{i}") for c in inventory.components for i in range(300)),
    )
    text = comment.render(inventory, flood, verdicts.CONTEXT)
    assert text.startswith("<!-- mlgate:. -->\n## \N{CROSS MARK} Blocked: 500 findings to fix before merge\n")
    assert len(text.encode()) <= comment.BUDGET
    assert len(summary.render(inventory, flood, verdicts.CONTEXT).encode()) <= summary.BUDGET


@pytest.mark.parametrize(
    ("made", "line"),
    [
        (verdicts.clean(), "## \N{WHITE HEAVY CHECK MARK} Passed: nothing to block or warn about"),
        (verdicts.policy_change(), "## \N{CROSS MARK} Blocked: 1 finding to fix before merge"),
        (verdicts.waived(), "## \N{WARNING SIGN}\ufe0f Passed with 1 warning"),
        (verdicts.warn_only(), "## \N{WARNING SIGN}\ufe0f Passed in warn mode: 2 findings would block, 1 warning"),
        (verdicts.old_only(), "## \N{WHITE HEAVY CHECK MARK} Passed: nothing to block or warn about"),
    ],
)
def test_headlines(made: Verdict, line: str) -> None:
    assert comment.render(verdicts.inventory(), made, verdicts.CONTEXT).split("\n")[1] == line


def test_an_incomplete_look_is_said_beside_the_verdict() -> None:
    text = comment.render(verdicts.incomplete_inventory(), verdicts.incomplete(), verdicts.CONTEXT)
    assert "**1 place could not be looked into completely" in text.split("\n")[3]


def test_waived_findings_stay_visible_with_their_reason() -> None:
    text = comment.render(verdicts.inventory(), verdicts.waived(), verdicts.CONTEXT)
    assert "<summary>1 waived finding</summary>" in text
    assert "legacy/scaler.pkl" in text
    assert "converted in Q1" in text
    assert "`@acme/sec`;" in text
    assert "ends in 8 days" in text


def test_what_is_not_new_is_told_apart() -> None:
    text = comment.render(verdicts.inventory(), verdicts.old_only(), verdicts.CONTEXT)
    assert "nothing new to block or warn about, 1 there before" in text
    alone = dataclasses.replace(verdicts.three(), compared=False, base="")
    assert "No base to compare with: everything found counts." in comment.render(
        verdicts.inventory(), alone, verdicts.CONTEXT
    )


def test_resolved() -> None:
    text = comment.resolved(verdicts.inventory(), verdicts.clean(), verdicts.CONTEXT)
    assert text.startswith("<!-- mlgate:. -->\n## \N{WHITE HEAVY CHECK MARK} Resolved at [`0123456789ab`](")


@pytest.mark.parametrize(
    ("made", "setting", "exists", "what"),
    [
        (verdicts.clean(), "always", False, "leave"),
        (verdicts.clean(), "always", True, "resolve"),
        (verdicts.clean(), "never", True, "leave"),
        (verdicts.old_only(), "always", False, "leave"),
        (verdicts.three(), "on-failure", False, "write"),
        (verdicts.waived(), "on-failure", False, "leave"),
        (verdicts.waived(), "on-failure", True, "write"),
        (verdicts.waived(), "always", False, "write"),
        (verdicts.three(), "never", False, "leave"),
    ],
)
def test_when_a_comment_is_wanted(
    made: Verdict, setting: Literal["always", "on-failure", "never"], exists: bool, what: str
) -> None:
    assert comment.wanted(made, setting, exists=exists) == what


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("", "<!-- mlgate:. -->"),
        (".", "<!-- mlgate:. -->"),
        ("./services/vision/", "<!-- mlgate:services/vision -->"),
        ("a-->b", "<!-- mlgate:a%2D%2D%3Eb -->"),
        ("x\n<b>", "<!-- mlgate:x%0A%3Cb%3E -->"),
    ],
)
def test_the_marker_stays_a_comment(path: str, line: str) -> None:
    assert comment.marker(path) == line
    assert rendered(line + "\nx").comments == [line[4:-3]]


def test_the_same_input_gives_the_same_bytes() -> None:
    made = verdicts.many(50)
    turned = dataclasses.replace(made, decisions=made.decisions[::-1])
    for report in (comment.render, summary.render):
        assert report(verdicts.inventory(), made, verdicts.CONTEXT) == report(
            verdicts.inventory(), turned, verdicts.CONTEXT
        )


def test_what_became_of_models_is_listed_in_ten_lines() -> None:
    made = dataclasses.replace(verdicts.three(), changes=tuple(verdicts_hostile.changes("acme")))
    for report in (comment.render, summary.render):
        text = report(verdicts.inventory(), made, verdicts.CONTEXT)
        _, _, section = text.partition("Models and datasets changed")
        lines = [line for line in section.split("\n\n")[1].split("\n") if line]
        assert len(lines) == 11
        assert lines[0].startswith("- added acme `hf:acme`: ")
        assert lines[10] == "- 2 more"
        none = report(verdicts.inventory(), dataclasses.replace(made, changes=()), verdicts.CONTEXT)
        assert "Models and datasets changed" not in none


def test_what_is_said_of_several_places_is_one_row_with_all_of_them() -> None:
    places = [Location(path=f"{name}/requirements.txt") for name in "abcdefg"]
    found = [finding(INCOMPLETE["unavailable"], place, "No advisory source answered.") for place in places]
    verdict = verdicts.verdict([verdicts.decide(each, Action.BLOCK) for each in found])
    text = comment.render(verdicts.inventory(), verdict, verdicts.CONTEXT)
    (row,) = [line for line in text.split("\n") if "**blocks**" in line]
    assert all(f"{name}/requirements.txt" in row for name in "abcde")
    assert "and 2 more" in row
    assert "7 findings" in text
