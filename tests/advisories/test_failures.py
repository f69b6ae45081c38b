"""A service that fails in any way, seen through the command: no way of failing ends in a pass."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import pytest

from mlgate import cli
from mlgate.advisories import osv
from mlgate.errors import Exit
from tests.builders.osv import database, record, serve
from tests.builders.trickle import KINDS, trickling

HARMLESS = record("GHSA-1", events=({"introduced": "0"}, {"fixed": "1.0"}))  # 2.0.0 is not affected: a clean answer
FAILURES = [
    *("429", "429-long", "429-date", "429-past", "429-nonsense", "503", "400", "truncated", "cut", "schema", "empty"),
    *("fewer", "40-mb", "redirect", "loop", "tokens", "html", "gzip", "no-json", "deep", "hang"),
    *("other-id", "other-package", "gone"),
]


@pytest.fixture
def scan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Scans a folder with one requirement against the API at a URL; gives the exit code and the findings' rules."""
    (tmp_path / "repo").mkdir()
    (tmp_path / "repo" / "requirements.txt").write_text("torch==2.0.0\n")
    quick = functools.partial(osv.Client, timeout=1.0, deadline=3.0, sleep=lambda _: None)
    monkeypatch.setattr(osv, "Client", quick)

    def run(url: str, *options: str) -> tuple[int, list[str]]:
        monkeypatch.setenv("MLGATE_OSV_URL", url)
        code = cli.main(["scan", str(tmp_path / "repo"), "--format", "json", "--jobs", "1", *options])
        return code, [found["rule"] for found in json.loads(capsys.readouterr().out)["findings"]]

    return run


def test_the_same_service_without_a_failure_is_a_pass(scan: Any) -> None:
    with serve(HARMLESS) as server:
        code, found = scan(server.url)
    assert code == Exit.PASS
    assert not {"MLG-INC-010", "MLG-DEP-001"} & set(found)


@pytest.mark.parametrize("failure", FAILURES)
def test_no_failure_is_a_pass(scan: Any, failure: str) -> None:
    with serve(HARMLESS, failure=failure) as server:
        code, found = scan(server.url)
    assert code == Exit.FAIL
    assert "MLG-INC-010" in found


@pytest.mark.parametrize("start", list(KINDS.values()), ids=list(KINDS))
def test_no_trickle_is_a_pass(scan: Any, start: bytes) -> None:
    with trickling(start) as url:
        code, found = scan(url)
    assert (code, "MLG-INC-010" in found) == (Exit.FAIL, True)


def test_a_failure_after_which_the_database_steps_in_is_told(scan: Any, tmp_path: Path) -> None:
    folder = database(tmp_path / "db", HARMLESS)
    with serve(HARMLESS, failure="other-package") as server:
        code, found = scan(server.url, "--db", str(folder))
    assert code == Exit.PASS
    assert "MLG-DEP-006" in found


def test_a_burst_that_ends_is_waited_out(scan: Any) -> None:
    for failure in ("503", "429-date", "cut"):
        with serve(HARMLESS, failure=failure, times=2) as server:
            assert scan(server.url)[0] == Exit.PASS


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("Thu, 01 Jan 1970 00:01:40 GMT", 50.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("soon", 1.5),
        ("", 1.5),
        ("-3", 1.5),
        ("9" * 5000, 999_999_999.0),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str, seconds: float) -> None:
    assert osv._retry_after(header, 50.0, 1.5) == seconds


def test_records_that_did_not_change_are_asked_for_once(scan: Any, tmp_path: Path) -> None:
    def asked(server: Any) -> list[str]:
        return [path for path, _ in server.asked if path.startswith("/v1/vulns/")]

    hit = record("GHSA-2", events=({"introduced": "0"}, {"fixed": "2.6.0"}))
    cache = ("--cache", str(tmp_path / "cache"))
    with serve(hit, HARMLESS) as server:
        for _ in range(2):
            assert "MLG-DEP-001" in scan(server.url, *cache)[1]
        assert sorted(asked(server)) == ["/v1/vulns/GHSA-1", "/v1/vulns/GHSA-2"]
        files = [path for path in (tmp_path / "cache" / "osv").rglob("*") if path.is_file()]
        assert len(files) == 2
        # damaged, of another record with the right digest, a link, a folder: each is the same as none
        other = next(path for path in files if b"GHSA-1" in path.read_bytes()).read_bytes()
        target = next(path for path in files if b"GHSA-2" in path.read_bytes())
        kept = target.read_bytes()
        for broken in (b"", b"\n", kept[:-1], kept + b" ", other, b"0" * 64 + kept[64:], b"\xff" * 1000):
            target.write_bytes(broken)
            assert "MLG-DEP-001" in scan(server.url, *cache)[1]
            assert target.read_bytes() == kept
        target.unlink()
        target.symlink_to("/dev/zero")
        assert "MLG-DEP-001" in scan(server.url, *cache)[1]
        assert target.read_bytes() == kept
        target.unlink()
        target.mkdir()
        assert "MLG-DEP-001" in scan(server.url, *cache)[1]
