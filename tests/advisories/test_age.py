"""How old a database may be."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from mlgate import cli
from mlgate.advisories import state
from mlgate.errors import Exit
from tests.builders.exploited import epss, kev, write
from tests.builders.osv import database, record, serve

HARMLESS = record("GHSA-1", events=({"introduced": "0"}, {"fixed": "1.0"}))  # of 2026-01-02


@pytest.fixture
def scan(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Scans on a day a folder with torch under `dependencies: {...}`; gives the code and what is said of age."""

    def run(day: str, dependencies: str, *options: str) -> tuple[int, list[str]]:
        seconds = int(datetime.fromisoformat(f"{day}T12:00:00+00:00").timestamp())
        monkeypatch.setenv("SOURCE_DATE_EPOCH", str(seconds))
        root = tmp_path / "repo"
        root.mkdir(exist_ok=True)
        (root / "requirements.txt").write_text("torch==2.0.0\n")
        (root / ".mlgate.yml").write_text(f"version: 1\ndependencies: {{{dependencies}}}\n")
        code = cli.main(["scan", str(root), "--format", "json", "--jobs", "1", *options])
        found = json.loads(capsys.readouterr().out)["findings"]
        return code, [entry["message"] for entry in found if entry["rule"] == "MLG-DEP-061"]

    return run


def test_a_dump_is_as_old_as_its_newest_record_or_its_last_update(scan: Any, tmp_path: Path) -> None:
    folder = database(tmp_path / "db", HARMLESS)
    options = ("--offline", "--db", str(folder))
    assert scan("2026-01-09", "database-max-age: 7d", *options) == (Exit.PASS, [])
    code, said = scan("2026-01-10", "database-max-age: 7d", *options)
    assert (code, len(said)) == (Exit.FAIL, 1)
    assert "PyPI is of 2026-01-02, 8 days old; the policy allows 7 days" in said[0]
    assert scan("2030-01-01", "", *options) == (Exit.PASS, [])
    assert scan("2030-01-01", "database-max-age: 9999d", *options) == (Exit.PASS, [])
    assert scan("2020-01-01", "database-max-age: 0d", *options) == (Exit.PASS, [])
    state.put(folder, "PyPI/all.zip", url="https://mirror.test/PyPI")
    assert scan("2026-01-10", "database-max-age: 7d", *options) == (Exit.PASS, [])  # checked today, which is later
    database(folder, HARMLESS, record("GHSA-2"))  # another dump than the one that was checked
    assert len(scan("2026-01-10", "database-max-age: 7d", *options)[1]) == 1


def test_a_dump_of_an_unknown_day_is_too_old(scan: Any, tmp_path: Path) -> None:
    folder = database(tmp_path / "db", {**HARMLESS, "modified": "lately"})
    code, said = scan("2026-01-10", "database-max-age: 999d", "--offline", "--db", str(folder))
    assert code == Exit.FAIL
    assert "does not say how old" in said[0]


def test_a_service_has_no_age_and_lists_that_are_asked_for_have(
    scan: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write(database(tmp_path / "db", HARMLESS), kev("CVE-1"), epss({"CVE-1": "0.1"}))
    with serve(HARMLESS) as server:
        monkeypatch.setenv("MLGATE_OSV_URL", server.url)
        assert scan("2030-01-01", "database-max-age: 7d", "--db", str(folder)) == (Exit.PASS, [])
        limits = 'database-max-age: 7d, block-if: [{kev: true}, {epss: ">=0.9"}]'
        assert scan("2026-11-27", limits, "--db", str(folder)) == (Exit.PASS, [])
        code, said = scan("2026-11-28", limits, "--db", str(folder))
        assert (code, len(said)) == (Exit.FAIL, 1)  # the catalogue's day is the 20th, the scores' the 22nd
        assert "for kev" in said[0]
