from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from mlgate import cli
from mlgate.advisories import increment, state, update
from mlgate.errors import Exit, MlgateError
from tests.builders import exploited
from tests.builders.dumps import Dumps, serving
from tests.builders.osv import record


def made(name: str, day: int = 1, package: str = "torch") -> dict[str, Any]:
    return {**record(name, package, events=({"introduced": "0"},)), "modified": f"2026-03-{day:02}T01:02:03.450Z"}


@pytest.fixture
def dumps() -> Iterator[Dumps]:
    with serving() as server:
        yield server


@pytest.fixture
def refresh(dumps: Dumps, tmp_path: Path) -> Callable[[], str]:
    return lambda: update.update(tmp_path, ("PyPI",), dumps.url)


def held(folder: Path) -> dict[str, str]:
    import json

    with zipfile.ZipFile(folder / "PyPI" / "all.zip") as archive:
        found = [json.loads(archive.read(name)) for name in archive.namelist()]
    assert len(found) == len({entry["id"] for entry in found})
    return {entry["id"]: entry["modified"][8:10] for entry in found}


def test_only_what_changed_is_asked_for(dumps: Dumps, refresh: Callable[[], str], tmp_path: Path) -> None:
    dumps.publish(made("GHSA-1"), made("GHSA-2"), made("GHSA-3"))
    assert refresh() == "PyPI: 3 records\n"
    assert dumps.paths() == ["/PyPI/all.zip"]
    assert refresh() == "PyPI: nothing changed\n"
    assert refresh() == "PyPI: nothing changed\n"
    assert dumps.paths() == ["/PyPI/modified_id.csv", "/PyPI/modified_id.csv 304"]
    dumps.publish(made("GHSA-1"), made("GHSA-2", 5), made("MAL-4", 2))
    assert refresh() == "PyPI: 3 records, 2 changed, 1 gone\n"
    assert sorted(dumps.paths()) == ["/PyPI/GHSA-2.json", "/PyPI/MAL-4.json", "/PyPI/modified_id.csv"]
    assert held(tmp_path) == {"GHSA-1": "01", "GHSA-2": "05", "MAL-4": "02"}
    assert refresh() == "PyPI: nothing changed\n"
    dumps.publish(made("GHSA-1", 9), made("GHSA-2", 5), made("MAL-4", 2))
    assert refresh() == "PyPI: 3 records, 1 changed, 0 gone\n"
    assert held(tmp_path) == {"GHSA-1": "09", "GHSA-2": "05", "MAL-4": "02"}
    assert "PyPI: 3 records, newest 2026-03-09, last updated" in update.status(tmp_path, date(2030, 1, 1))


@pytest.mark.parametrize(
    ("path", "spoil"),
    [
        ("/PyPI/modified_id.csv", lambda data: data[: len(data) // 2]),
        ("/PyPI/modified_id.csv", lambda data: data + data),
        ("/PyPI/modified_id.csv", lambda data: data + b"2026-03-01T00:00:00Z,../../../etc/passwd\n"),
        ("/PyPI/modified_id.csv", lambda _: b""),
        ("/PyPI/modified_id.csv", lambda _: b"<html>\xff"),
        ("/PyPI/modified_id.csv", lambda _: b"2026-03-05T01:02:03.45Z,GHSA-2\n"),  # half a list
        ("/PyPI/GHSA-2.json", lambda data: data[:-1]),
        ("/PyPI/GHSA-2.json", lambda data: data.replace(b"GHSA-2", b"GHSA-9")),
        ("/PyPI/GHSA-2.json", lambda data: data.replace(b"2026-03-05", b"2026-03-04")),
        ("/PyPI/GHSA-2.json", lambda data: data.replace(b"PyPI", b"npm")),
    ],
)
def test_a_list_or_record_that_is_wrong_leads_to_the_whole(
    dumps: Dumps, refresh: Callable[[], str], tmp_path: Path, path: str, spoil: Callable[[bytes], bytes]
) -> None:
    many = [made(f"GHSA-{n}") for n in range(3, 30)]
    dumps.publish(made("GHSA-2"), *many)
    refresh()
    dumps.publish(made("GHSA-2", 5), *many)
    dumps.spoil[path] = spoil
    assert refresh() == "PyPI: 28 records\n"
    assert dumps.paths()[-1] == "/PyPI/all.zip"
    assert held(tmp_path)["GHSA-2"] == "05"


def test_a_mirror_without_the_list_sends_the_whole_only_when_it_is_another(
    dumps: Dumps, refresh: Callable[[], str], tmp_path: Path
) -> None:
    dumps.publish(made("GHSA-1"), listed=False)
    refresh()
    assert refresh() == "PyPI: nothing changed\n"
    dumps.publish(made("GHSA-1", 2), listed=False)
    assert refresh() == "PyPI: 1 records\n"
    assert held(tmp_path) == {"GHSA-1": "02"}
    asked = dumps.paths()
    assert asked.count("/PyPI/all.zip") == 2
    assert asked.count("/PyPI/all.zip 304") == 1


def test_many_changes_and_much_waste_lead_to_the_whole(
    dumps: Dumps, refresh: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    dumps.publish(*(made(f"GHSA-{n}") for n in range(10)))
    refresh()
    monkeypatch.setattr(increment, "MOST", 5)
    dumps.publish(*(made(f"GHSA-{n}", 2) for n in range(10)))
    assert refresh() == "PyPI: 10 records\n"
    monkeypatch.setattr(increment, "MOST", 500)
    said = []
    for day in range(3, 25):
        dumps.publish(*(made(f"GHSA-{n}", day) for n in range(10)))
        said.append(refresh())
    assert set(said) == {"PyPI: 10 records, 10 changed, 0 gone\n", "PyPI: 10 records\n"}


def test_a_dump_that_somebody_else_put_there_is_not_trusted_to_be_the_old_one(
    dumps: Dumps, refresh: Callable[[], str], tmp_path: Path
) -> None:
    dumps.publish(made("GHSA-1"))
    refresh()
    for data in (b"", b"PK", (tmp_path / "PyPI" / "all.zip").read_bytes()[:-1]):
        (tmp_path / "PyPI" / "all.zip").write_bytes(data)
        assert state.day(tmp_path, "PyPI/all.zip") == ""
        assert refresh() == "PyPI: 1 records\n"
    for note in (b"", b"{", b"[]", b'{"PyPI/all.zip": {"url": 3}}', b"\xff" * 100):
        (tmp_path / state.NAME).write_bytes(note)
        assert refresh() == "PyPI: 1 records\n"
    dumps.marks = False
    (tmp_path / state.NAME).unlink()
    assert [refresh(), refresh()] == ["PyPI: 1 records\n", "PyPI: nothing changed\n"]


def test_what_fails_leaves_what_was_there(dumps: Dumps, refresh: Callable[[], str], tmp_path: Path) -> None:
    dumps.publish(made("GHSA-1"))
    refresh()
    before = (tmp_path / "PyPI" / "all.zip").read_bytes()
    dumps.publish(made("GHSA-1", 2), listed=False)
    dumps.spoil["/PyPI/all.zip"] = lambda data: data[:-30]
    with pytest.raises(MlgateError, match="no advisories"):
        refresh()
    dumps.files.clear()
    with pytest.raises(MlgateError, match="404"):
        refresh()
    dumps.moved["/PyPI/all.zip"] = "http://127.0.0.1:9/all.zip"
    with pytest.raises(MlgateError, match="another place"):
        refresh()
    dumps.moved["/PyPI/all.zip"] = "/PyPI/all.zip"
    with pytest.raises(MlgateError, match="more than"):
        refresh()
    assert (tmp_path / "PyPI" / "all.zip").read_bytes() == before
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["all.zip", state.NAME]


def test_the_lists_of_what_is_exploited(
    dumps: Dumps, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLGATE_DUMPS_URL", dumps.url)
    monkeypatch.setenv("MLGATE_KEV_URL", dumps.url + "/kev")
    monkeypatch.setenv("MLGATE_EPSS_URL", dumps.url + "/current")
    dumps.publish(made("GHSA-1"))
    dumps.files["/kev"] = exploited.kev("CVE-1")
    dumps.files["/today.gz"] = exploited.epss({"CVE-1": "0.5"}, zipped=True)
    dumps.moved["/current"] = "/today.gz"
    command = ["db", "update", "--db", str(tmp_path), "--ecosystem", "PyPI"]
    assert cli.main(command) == Exit.PASS
    assert not {"/kev", "/current"} & set(dumps.paths())
    assert cli.main([*command, "--kev", "--epss"]) == Exit.PASS
    assert "kev: of 2026-11-20\nepss: of 2026-11-22\n" in capsys.readouterr().out
    assert cli.main([*command, "--kev", "--epss"]) == Exit.PASS
    assert "kev: nothing changed\nepss: nothing changed\n" in capsys.readouterr().out
    dumps.files["/today.gz"] = exploited.epss({"CVE-1": "0.5"}, day="2026-11-23")  # not compressed any more
    assert cli.main([*command, "--epss"]) == Exit.PASS
    assert cli.main(["db", "status", "--db", str(tmp_path)]) == Exit.PASS
    assert "epss: of 2026-11-23, last updated 2" in capsys.readouterr().out
    assert not (tmp_path / "epss.csv.gz").exists()
    dumps.spoil["/today.gz"] = lambda data: data[:-5]
    dumps.files["/today.gz"] += b"\n"
    assert cli.main([*command, "--epss"]) == Exit.USAGE
    assert (tmp_path / "epss.csv").read_bytes() == exploited.epss({"CVE-1": "0.5"}, day="2026-11-23")
