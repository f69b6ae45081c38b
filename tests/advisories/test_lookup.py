from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from mlgate.advisories import update
from mlgate.advisories.lookup import Advice, AdvisorySource, lookup
from mlgate.advisories.osv import Client
from mlgate.advisories.source import Query, Unavailable
from mlgate.errors import MlgateError
from mlgate.manifests._common import package
from mlgate.records import Component, Location, Occurrence, PackageFacts
from tests.builders.osv import V31_CRITICAL, database, record, serve

RANGE = ({"introduced": "0"}, {"fixed": "2.6.0"})


def component(
    name: str = "torch", version: str | None = "2.0.0", *, path: str = "requirements.txt", **facts: Any
) -> Component:
    kinds = {"PyPI": "pypi", "npm": "npm", "Maven": "maven"}
    ecosystem = facts.pop("ecosystem", "PyPI")
    return package(
        kind=kinds[ecosystem],
        name=name,
        version=version,
        location=Location(path=path, line=3),
        facts=PackageFacts(ecosystem=ecosystem, **facts),
        namespace=None if ecosystem != "Maven" else "org.apache",
    )


def ask(tmp_path: Path, *records: dict[str, Any] | bytes, of: tuple[Component, ...] | None = None) -> Advice:
    return lookup(of or (component(),), AdvisorySource(database=database(tmp_path, *records)))


def rules(advice: Advice) -> list[str]:
    return [finding.rule.id for finding in advice.findings]


def test_a_vulnerable_pin_is_one_finding_with_place_score_and_fix(tmp_path: Path) -> None:
    advice = ask(
        tmp_path,
        record("PYSEC-1", events=RANGE, aliases=("CVE-1",)),
        record("GHSA-1", events=RANGE, aliases=("CVE-1",), vector=V31_CRITICAL),
        record("GHSA-2", events=({"introduced": "0"}, {"fixed": "2.8.0"})),
        record("GHSA-3", events=({"introduced": "0"}, {"fixed": "1.0"})),
    )
    assert rules(advice) == ["MLG-DEP-001", "MLG-DEP-001"]
    first, second = sorted(advice.findings, key=lambda f: f.evidence)
    assert first.evidence == "pkg:pypi/torch@2.0.0 GHSA-1"
    assert first.fact("cvss") == "9.8"
    assert first.fact("aliases") == "CVE-1,GHSA-1,PYSEC-1"
    assert (first.location.line, first.fix) == (3, "torch==2.8.0")
    assert second.fact("unscored") == "true"
    vulnerability = advice.vulnerabilities[0]
    assert (vulnerability.id, vulnerability.aliases, vulnerability.fixed) == (
        "GHSA-1",
        ("CVE-1", "PYSEC-1"),
        ("2.6.0",),
    )


def test_each_manifest_gets_its_finding_and_its_fix(tmp_path: Path) -> None:
    places = tuple(
        Occurrence(location=Location(path=path, line=1))
        for path in ("requirements.txt", "uv.lock", "requirements.txt", "pyproject.toml")
    )
    import dataclasses

    found = dataclasses.replace(component(), occurrences=places)
    advice = ask(tmp_path, record("GHSA-1", events=RANGE), of=(found,))
    assert {f.location.path: f.fix for f in advice.findings} == {
        "requirements.txt": "torch==2.6.0",
        "uv.lock": "uv lock --upgrade-package torch==2.6.0",
        "pyproject.toml": '"torch==2.6.0"',
    }


def test_malware_blocks_at_the_versions_it_names(tmp_path: Path) -> None:
    named = record("MAL-2026-1", "evil", versions=("1.0",))
    assert rules(ask(tmp_path, named, of=(component("evil", "1.0"),))) == ["MLG-DEP-002"]
    assert rules(ask(tmp_path, named, of=(component("evil", "1.1"),))) == []
    assert rules(ask(tmp_path, named, of=(component("evil", None),))) == ["MLG-DEP-003"]
    every = record("MAL-2026-2", "evil")
    assert rules(ask(tmp_path, every, of=(component("evil", "9"),))) == ["MLG-DEP-002"]
    withdrawn = record("MAL-2026-3", "fastapi", versions=("1.0",), withdrawn=True)
    assert rules(ask(tmp_path, withdrawn, of=(component("fastapi", "1.0"), component("fastapi", None)))) == []


def test_a_name_that_no_feed_has_is_known(tmp_path: Path) -> None:
    assert rules(ask(tmp_path, of=(component("torchtriton", "3.0.0"),))) == ["MLG-DEP-002"]
    assert rules(ask(tmp_path, of=(component("torchtriton", None),))) == ["MLG-DEP-003"]
    assert rules(ask(tmp_path, of=(component("torchtriton", "2.0.0"),))) == []


def test_known_malware_needs_neither_network_nor_database() -> None:
    nobody = AdvisorySource(url="", database=None)
    assert rules(lookup([component("torchtriton", "3.0.0")], nobody)) == ["MLG-INC-010", "MLG-DEP-002"]
    assert rules(lookup([component("torchtriton", None)], nobody)) == ["MLG-INC-010", "MLG-DEP-003"]
    assert rules(lookup([component("triton", "3.0.0")], nobody)) == ["MLG-INC-010"]


def test_what_is_not_from_a_registry_is_not_looked_up_by_name(tmp_path: Path) -> None:
    advice = ask(
        tmp_path, record("MAL-1"), of=(component(origin="path"), component(origin="vcs", url="git+https://h/x"))
    )
    assert rules(advice) == []


def test_a_version_without_order_is_incomplete(tmp_path: Path) -> None:
    assert rules(ask(tmp_path, record("GHSA-1", events=RANGE), of=(component(version="latest"),))) == ["MLG-DEP-004"]


def test_log4shell_in_maven(tmp_path: Path) -> None:
    log4shell = record(
        "GHSA-jfh8",
        "org.apache:log4j-core",
        ecosystem="Maven",
        events=({"introduced": "2.0-beta9"}, {"fixed": "2.15.0"}),
    )
    for version, expected in (("2.14.1", ["MLG-DEP-001"]), ("2.15.0", []), ("2.0-beta8", [])):
        found = component("log4j-core", version, ecosystem="Maven", path="pom.xml")
        assert rules(ask(tmp_path, log4shell, of=(found,))) == expected


@pytest.mark.parametrize("broken", [b"{", b'{"id": 3}', b"\xff", b"[" * 10_000], ids=["json", "type", "utf-8", "deep"])
def test_a_broken_record_of_the_database_is_told(tmp_path: Path, broken: bytes) -> None:
    advice = ask(tmp_path, broken, record("GHSA-1", events=RANGE))
    assert rules(advice) == ["MLG-INC-010", "MLG-DEP-001"]


def test_no_database_for_an_ecosystem_is_incomplete(tmp_path: Path) -> None:
    advice = ask(tmp_path, of=(component("lodash", "1.0.0", ecosystem="npm", path="package-lock.json"),))
    assert rules(advice) == ["MLG-INC-010"]
    assert advice.findings[0].location.path == "package-lock.json"
    (tmp_path / "PyPI" / "all.zip").write_bytes(b"no zip")
    assert rules(lookup((component(),), AdvisorySource(database=tmp_path))) == ["MLG-INC-010"]
    assert rules(lookup((component(),), AdvisorySource())) == ["MLG-INC-010"]
    assert rules(lookup((), AdvisorySource())) == []


def client(url: str, **changes: Any) -> Client:
    defaults: dict[str, Any] = {"timeout": 1.0, "deadline": 10.0, "largest": 1 << 20, "sleep": lambda _: None}
    return Client(url=url, **{**defaults, **changes})


TORCH = Query(ecosystem="PyPI", name="torch", version="2.0.0")


@pytest.mark.parametrize(
    "failure",
    ["503", "429-long", "400", "truncated", "cut", "schema", "empty", "fewer", "huge", "redirect", "loop", "hang"],
)
def test_no_failure_of_the_service_ends_in_clean(failure: str) -> None:
    with serve(record("GHSA-1", events=RANGE), failure=failure) as server, pytest.raises(Unavailable):
        client(server.url, deadline=4.0).ask([TORCH])


@pytest.mark.parametrize("failure", ["503", "cut", "429"])
def test_a_burst_is_waited_out(failure: str) -> None:
    waits: list[float] = []
    with serve(record("GHSA-1", events=RANGE), failure=failure, times=3) as server:
        answer = client(server.url, sleep=waits.append).ask([TORCH])
    assert [r.id for r in answer.records[TORCH]] == ["GHSA-1"]
    assert len(waits) == 3
    if failure == "429":
        assert waits == [2.0, 2.0, 2.0]


def test_a_dead_server_is_unavailable_and_the_database_steps_in(tmp_path: Path) -> None:
    source = AdvisorySource(url="http://127.0.0.1:9", database=database(tmp_path, record("GHSA-1", events=RANGE)))
    advice = lookup((component(),), source)
    assert rules(advice) == ["MLG-DEP-006", "MLG-DEP-001"]
    assert "offline database" in advice.source


def test_batches_pages_and_unversioned_packages() -> None:
    records = [record(f"GHSA-{n:03}", events=RANGE) for n in range(25)]
    records += [record("MAL-1", "evil", versions=("1",)), record("GHSA-x", "evil", events=RANGE)]
    queries = [TORCH, Query(ecosystem="PyPI", name="evil")]
    queries += [Query(ecosystem="PyPI", name=f"p{n}", version="1") for n in range(1500)]
    with serve(*records, page=10) as server:
        answer = client(server.url, deadline=60.0).ask(queries)
    batches = [len(body["queries"]) for path, body in server.asked if path == "/v1/querybatch"]
    assert max(batches) == 1000
    assert len(answer.records[TORCH]) == 25
    assert [r.id for r in answer.records[queries[1]]] == ["MAL-1"]
    hydrated = [path for path, _ in server.asked if path.startswith("/v1/vulns/")]
    assert len(hydrated) == len(set(hydrated)) == 26


def test_the_database_is_downloaded_whole_or_not_at_all(tmp_path: Path) -> None:
    import functools
    import http.server
    import threading

    origin = database(tmp_path / "origin", record("GHSA-1", events=RANGE))
    (origin / "npm").mkdir()
    (origin / "npm" / "all.zip").write_bytes(b"an error page")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(origin))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as http_server:
        threading.Thread(target=http_server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{http_server.server_address[1]}"
        target = tmp_path / "db"
        assert update.update(target, ("PyPI",), url) == "PyPI: 1 records\n"
        assert "PyPI: 1 records, newest 2026-01-02, last updated 20" in update.status(target, date(2030, 1, 1))
        for wrong in ("npm", "Maven", "../x"):
            with pytest.raises(MlgateError):
                update.update(target, (wrong,), url)
        with pytest.raises(MlgateError, match="larger"):
            update.update(target, ("PyPI",), url, largest=10)
        http_server.shutdown()
    files = sorted(p.relative_to(target).as_posix() for p in target.rglob("*") if p.is_file())
    assert files == ["PyPI/all.zip", "mlgate-db.json"]


def test_malware_by_version_by_name_withdrawn_and_unpinned(tmp_path: Path) -> None:
    records = (
        record("MAL-1", "listed", versions=("2.6.2", "2.6.3")),
        record("MAL-2", "withdrawn", versions=("1",), withdrawn=True),
        record("MAL-3", "whole", events=({"introduced": "0"},)),
        record("MAL-4", "named"),
        record("MAL-5", "ranged", events=({"introduced": "0"}, {"fixed": "2"})),
    )
    of = {
        ("listed", "2.6.2"): ["MLG-DEP-002"],
        ("listed", "2.6.2.0"): ["MLG-DEP-002"],
        ("listed", "2.6.1"): [],
        ("listed", None): ["MLG-DEP-003"],
        ("withdrawn", "1"): [],
        ("withdrawn", None): [],
        ("whole", "9"): ["MLG-DEP-002"],
        ("whole", None): ["MLG-DEP-002"],
        ("named", None): ["MLG-DEP-002"],
        ("ranged", "1"): ["MLG-DEP-002"],
        ("ranged", "2"): [],
        ("ranged", None): ["MLG-DEP-003"],
        ("torchtriton", "3.0.0"): ["MLG-DEP-002"],
        ("torchtriton", "2.0.0"): [],
        ("torchtriton", None): ["MLG-DEP-003"],
        ("ultralytics", "8.3.42"): ["MLG-DEP-002"],
        ("ultralytics", "8.3.43"): [],
        ("jeIlyfish", None): ["MLG-DEP-002"],
        ("jellyfish", "1.0"): [],
        ("numipy", None): ["MLG-DEP-002"],
    }
    for (name, version), expected in of.items():
        assert rules(ask(tmp_path, *records, of=(component(name, version),))) == expected, (name, version)


def test_the_table_of_known_malware_is_whole() -> None:
    import importlib.resources
    import tomllib

    text = importlib.resources.files("mlgate.advisories").joinpath("known.toml").read_text(encoding="utf-8")
    packages = tomllib.loads(text)["package"]
    assert len({entry["name"] for entry in packages}) == len(packages) >= 9
    for entry in packages:
        assert entry["source"].startswith("https://")
        assert entry["summary"]
        assert entry["name"] == entry["name"].lower()
        assert all(isinstance(version, str) for version in entry.get("versions", ()))
