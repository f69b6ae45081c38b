"""report.html in Chromium: it runs no script of its input, asks for nothing, fits a phone, and its filters work.

Skipped where there is no Chromium (see tests/chromium.py); MLGATE_CHROMIUM names one, and one that is named has to be
there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from mlgate.records import Inventory, Verdict
from mlgate.reports import comment, html
from mlgate.reports.context import ReportContext
from tests import chromium
from tests.builders import verdicts, verdicts_hostile

_HERE = bool(chromium.find() or os.environ.get(chromium.VARIABLE))
pytestmark = [pytest.mark.browser, pytest.mark.skipif(not _HERE, reason=f"no Chromium: set {chromium.VARIABLE}")]


@pytest.fixture(scope="module")
def browser() -> Iterator[chromium.Browser]:
    with chromium.Browser() as running:
        yield running


def _show(
    browser: chromium.Browser,
    folder: Path,
    given: tuple[Inventory, Verdict],
    context: ReportContext = verdicts.CONTEXT,
    *,
    width: int = 1000,
) -> None:
    page = folder / "report.html"
    page.write_text(html.render(*given, context), encoding="utf-8")
    browser.open(page.as_uri(), width=width)


def _visible(browser: chromium.Browser) -> int:
    return int(browser.script("[...document.querySelectorAll('article.card')].filter(c => c.offsetParent).length"))


def _type(browser: chromium.Browser, field: str, text: str) -> None:
    browser.script(
        f"(() => {{ const f = document.getElementById({field!r}); f.value = {text!r};"
        "f.dispatchEvent(new Event('input', {bubbles: true})); })()"
    )
    browser.script("new Promise(done => setTimeout(done, 250))")


@pytest.mark.parametrize("width", [390, 1000])
def test_hostile_reports_open_ask_and_run_nothing_and_fit_the_window(
    browser: chromium.Browser, tmp_path: Path, width: int
) -> None:
    attacks = (
        *verdicts_hostile.NAMES,
        "</style></script><script>alert(1)</script>",
        "\"><svg onload=alert(1)><a href='javascript:alert(1)'>x</a>",
        "'-alert(1)-' {{7*7}} ${alert(1)}",
    )
    for name in attacks:
        given = verdicts_hostile.hostile_inventory(name), verdicts_hostile.hostile(name)
        context = ReportContext(tool_version=name, repository=name, bom_summary=name, path=name, notes=(name,))
        for known in (verdicts.CONTEXT, context):
            _show(browser, tmp_path, given, known, width=width)
            assert browser.seen == chromium.Seen(), name
            assert browser.overflow() <= 0, name
            assert browser.script("document.querySelectorAll('script').length") == 1


def test_the_policy_stops_what_gets_in_all_the_same(browser: chromium.Browser, tmp_path: Path) -> None:
    """The second line of defence, with the first one taken away: markup put into a finished page."""
    text = html.render(verdicts.inventory(), verdicts.three(), verdicts.CONTEXT)
    attack = "<img src=https://evil.example/x onerror=alert(1)><script>alert(2)</script><body onload=alert(3)><main>"
    page = tmp_path / "report.html"
    page.write_text(text.replace("<main>", attack, 1), encoding="utf-8")
    browser.open(page.as_uri())
    assert not browser.seen.dialogs
    assert browser.script("document.querySelector('#filters').hidden") is False  # ours ran
    assert len(browser.seen.console) >= 3, "the browser reports each violation"


def test_filters(browser: chromium.Browser, tmp_path: Path) -> None:
    _show(browser, tmp_path, (verdicts.inventory(), verdicts.three()))
    assert _visible(browser) == 3
    _type(browser, "filter-text", "TORCH 2.6")
    assert _visible(browser) == 1
    assert browser.script("document.getElementById('filter-shown').textContent") == "Showing 1 of 3 findings"
    browser.script("document.getElementById('filter-clear').click()")
    assert _visible(browser) == 3
    _type(browser, "filter-action", "warn")
    assert _visible(browser) == 1
    _type(browser, "filter-rule", "MLG-PKL-001")
    assert _visible(browser) == 0
    browser.script("document.getElementById('filter-clear').click()")
    browser.script("document.querySelector('#filters input[value=critical]').click()")
    browser.script("new Promise(done => setTimeout(done, 250))")
    assert _visible(browser) == 2


def test_the_inventory_is_filtered_and_sorted(browser: chromium.Browser, tmp_path: Path) -> None:
    _show(browser, tmp_path, (verdicts.inventory(), verdicts.three()))
    _type(browser, "inventory-text", "numpy")
    rows = "[...document.querySelectorAll('#inventory tbody tr')].filter(r => r.offsetParent).length"
    assert browser.script(rows) == 1
    _type(browser, "inventory-text", "")
    names = "[...document.querySelectorAll('#packages tbody tr')].map(r => r.cells[0].textContent)"
    assert browser.script(names) == ["numpy", "transformers"]
    click = "document.querySelector('#packages th button').click()"
    browser.script(f"{click};{click}")
    assert browser.script(names) == ["transformers", "numpy"]
    assert browser.script("document.querySelector('#packages th').getAttribute('aria-sort')") == "descending"


def test_a_flood_is_quick(browser: chromium.Browser, tmp_path: Path) -> None:
    _show(browser, tmp_path, (verdicts.inventory(), verdicts.many(3_000)), width=390)
    assert browser.overflow() <= 0
    assert _visible(browser) == 3_000
    loaded = browser.script("performance.timing.loadEventEnd - performance.timing.navigationStart")
    assert loaded < 10_000, "a slow machine has time, a page that hangs has not"
    _type(browser, "filter-text", "module_2990")
    assert _visible(browser) == 1


def test_where_the_script_does_not_run_everything_is_there(browser: chromium.Browser, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    text = html.render(verdicts.inventory(), verdicts.three(), verdicts.CONTEXT)
    page.write_text(text.replace("script-src 'sha256-", "script-src 'sha256-A"), encoding="utf-8")
    browser.open(page.as_uri())
    assert _visible(browser) == 3
    assert browser.script("document.getElementById('filters').hidden") is True
    assert browser.script("document.querySelectorAll('th button').length") == 0


def test_it_can_be_printed(browser: chromium.Browser, tmp_path: Path) -> None:
    _show(browser, tmp_path, (verdicts.incomplete_inventory(), verdicts.waived()))
    assert browser.pdf().startswith(b"%PDF-")
    page = tmp_path / "report.html"
    browser.open(page.as_uri(), width=700, media="print")
    assert browser.script("getComputedStyle(document.querySelector('.bar')).display") == "none"
    assert browser.script(
        "document.querySelector('details.group:not([open]) article').getBoundingClientRect().height > 20"
    )


@pytest.mark.parametrize("width", [390, 800])
def test_the_comment_fits_and_its_sentences_are_no_column_of_words(
    browser: chromium.Browser, tmp_path: Path, width: int
) -> None:
    """A table that does not fit scrolls by itself, as at GitHub, and what stands in it can be read then."""
    style = "table{display:block;width:max-content;max-width:100%;overflow:auto}td,th{padding:6px 13px}"
    cases = (
        *((verdicts.inventory(), one) for one in (verdicts.three(), verdicts.policy_change(), verdicts.warn_only())),
        (verdicts.incomplete_inventory(), verdicts.waived()),
        *((verdicts_hostile.hostile_inventory(n), verdicts_hostile.hostile(n)) for n in verdicts_hostile.NAMES),
    )
    page = tmp_path / "comment.html"
    for given in cases:
        markdown = comment.render(*given, verdicts.CONTEXT)
        body = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(markdown)
        head = f"<!doctype html><meta charset=utf-8><meta name=viewport content=width=device-width><style>{style}"
        page.write_text(f"{head}body{{overflow-wrap:break-word}}</style>{body}", encoding="utf-8")
        browser.open(page.as_uri(), width=width)
        assert browser.seen == chromium.Seen()
        assert browser.overflow() <= 0
        narrow = "Math.min(...[...document.querySelectorAll('td:nth-child(2)')].map(cell => cell.clientWidth), 999)"
        assert browser.script(narrow) > 120
