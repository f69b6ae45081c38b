"""report.html in a real browser, where one is: MLGATE_BROWSER, or a Chromium or Chrome that is on the path."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from mlgate.records import Inventory, Verdict
from mlgate.reports import html
from tests.builders import verdicts, verdicts_hostile
from tests.reports.pages import Page, read

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BROWSER = os.environ.get("MLGATE_BROWSER") or next(filter(None, map(shutil.which, _NAMES)), "")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not BROWSER, reason="no Chromium or Chrome here; MLGATE_BROWSER names one"),
]
QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--enable-logging=stderr", "--v=0"),
)


@dataclass
class Site:
    """One page on a server that notes every request."""

    url: str = ""
    page: str = ""
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append(self.path)
            body = made.page.encode("utf-8", "replace") if self.path == "/report.html" else b""
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    made.url = f"http://127.0.0.1:{server.server_address[1]}/report.html"
    yield made
    server.shutdown()
    server.server_close()


def opened(site: Site, place: Path, inventory: Inventory, verdict: Verdict, *, fragment: str = "") -> tuple[Page, str]:
    """The document after its script ran, and what the browser had to say of it."""
    site.page = html.render(inventory, verdict, verdicts.CONTEXT)
    command = [BROWSER, *QUIET, f"--user-data-dir={place / 'profile'}", "--dump-dom", f"{site.url}#{fragment}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert set(site.asked) <= {"/report.html", "/favicon.ico"}, site.asked
    said = [line for line in done.stderr.splitlines() if "CONSOLE" in line and "favicon" not in line]
    return read(done.stdout), "\n".join(said)


@pytest.mark.parametrize("number", range(0, len(verdicts_hostile.NAMES), 4))
def test_names_run_nothing_ask_for_nothing_and_break_nothing(site: Site, tmp_path: Path, number: int) -> None:
    name = list(verdicts_hostile.NAMES)[number]
    inventory, verdict = verdicts_hostile.hostile_inventory(name), verdicts_hostile.hostile(name)
    page, console = opened(
        site, tmp_path, inventory, verdict, fragment="words=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E"
    )
    assert console == ""
    assert page.tags.count("script") == 1
    assert "img" not in page.tags
    assert "0 of" in "".join(page.text)  # the script is at work: nothing has those words


@pytest.mark.parametrize(
    ("fragment", "told"),
    [
        ("", ""),
        ("severity=critical", "1 of 3 findings"),
        ("words=torch+cve", "1 of 3 findings"),
        ("action=warn", "1 of 3 findings"),
        ("words=nothing+like+it", "0 of 3 findings"),
        ("severity=nonsense&unknown=1", ""),
    ],
)
def test_filters_are_kept_in_the_address(site: Site, tmp_path: Path, fragment: str, told: str) -> None:
    page, console = opened(site, tmp_path, verdicts.inventory(), verdicts.three(), fragment=fragment)
    assert console == ""
    assert ("findings" in "".join(page.text).split("Clear")[1][:40]) is bool(told)
    assert told in "".join(page.text)


def test_three_thousand_findings_are_laid_out(site: Site, tmp_path: Path) -> None:
    page, console = opened(site, tmp_path, verdicts.inventory(), verdicts.many(), fragment="severity=low")
    assert console == ""
    assert "of 3,000 findings" in "".join(page.text)
    assert len(site.page) < 5_000_000
