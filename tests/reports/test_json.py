"""findings.json and mlgate.sarif: their schemas, their order, GitHub's limits."""

from __future__ import annotations

import dataclasses
import gzip
import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jsonschema
import pytest

from mlgate.records import Location, Severity
from mlgate.reports import findings, sarif
from mlgate.reports.context import ReportContext, blob_url, encoded
from tests.builders import verdicts, verdicts_hostile
from tests.reports.pages import RUNNER

SCHEMA = Path(__file__).parents[2] / "docs" / "findings.schema.json"


def _findings(made: Any, inventory: Any = None) -> dict[str, Any]:
    text = findings.render(inventory or verdicts.inventory(), made, verdicts.CONTEXT)
    assert text.isascii()
    assert not RUNNER.search(text)
    document: dict[str, Any] = json.loads(text)
    jsonschema.Draft202012Validator(json.loads(findings.schema())).validate(document)
    return document


def _sarif(made: Any, context: ReportContext = verdicts.CONTEXT) -> dict[str, Any]:
    text = sarif.render(verdicts.inventory(), made, context)
    assert text.isascii()
    assert not RUNNER.search(text)
    run: dict[str, Any] = json.loads(text)["runs"][0]
    return run


def test_the_schema_in_the_docs_is_the_one_in_the_code() -> None:
    assert SCHEMA.read_text("utf-8") == findings.schema()


def test_the_schema_refuses_what_the_types_do_not_allow() -> None:
    document = _findings(verdicts.three())
    validator = jsonschema.Draft202012Validator(json.loads(findings.schema()))
    assert not validator.is_valid({**document, "verdict": "maybe"})
    assert not validator.is_valid({key: value for key, value in document.items() if key != "scanned"})


def test_findings_have_the_contract_keys() -> None:
    document = _findings(verdicts.three())
    assert (document["version"], document["verdict"]) == (1, "fail")
    assert document["policy"]["source"].startswith(".mlgate.yml at ")
    assert document["scanned"][0] == {
        "path": "models/resnet.pt",
        "format": "zip",
        "sha256": "ab" * 32,
        "size": 102_400_000,
        "status": "complete",
    }
    first = document["findings"][0]
    assert {key: first[key] for key in ("rule", "severity", "path", "member", "offset", "action", "new")} == {
        "rule": "MLG-PKL-001",
        "severity": "critical",
        "path": "models/resnet.pt",
        "member": "archive/data.pkl",
        "offset": 124,
        "action": "block",
        "new": True,
    }
    assert "line" not in first
    assert [entry["action"] for entry in document["findings"]] == ["block", "block", "warn"]
    assert document["summary"]["severities"] == {"critical": 1, "high": 1, "medium": 1}
    assert json.loads(findings.summary(verdicts.inventory(), verdicts.three()))["block"] == 2


@pytest.mark.parametrize("name", verdicts_hostile.NAMES)
def test_hostile_names_survive_unchanged(name: str) -> None:
    document = _findings(verdicts_hostile.hostile(name), verdicts_hostile.hostile_inventory(name))
    expected = name.encode("utf-8", "backslashreplace").decode()
    assert document["findings"][0]["evidence"] == expected


def test_order_does_not_matter() -> None:
    made = verdicts.many(40)
    turned = dataclasses.replace(made, decisions=made.decisions[::-1])
    for render in (findings.render, sarif.render):
        assert render(verdicts.inventory(), made, verdicts.CONTEXT) == render(
            verdicts.inventory(), turned, verdicts.CONTEXT
        )


def test_sarif_for_code_scanning() -> None:
    run = _sarif(verdicts.three())
    assert run["automationDetails"]["id"] == "mlgate/"
    rules = {rule["id"]: rule for rule in run["tool"]["driver"]["rules"]}
    assert rules["MLG-PKL-001"]["properties"]["security-severity"] == "9.5"
    assert "external/cwe/cwe-502" in rules["MLG-PKL-001"]["properties"]["tags"]
    assert all(len(rule["properties"]["tags"]) <= sarif.TAGS for rule in rules.values())
    pickle, package, code = run["results"]
    assert [result["level"] for result in run["results"]] == ["error", "error", "warning"]
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    assert pickle["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "models/resnet.pt", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 1},
    }
    assert pickle["properties"]["offset"] == 124
    assert package["locations"][0]["physicalLocation"]["region"] == {"startLine": 3}
    assert code["locations"][0]["physicalLocation"]["region"] == {"startLine": 41, "endLine": 43}
    assert run["versionControlProvenance"][0]["revisionId"] == verdicts.HEAD


def test_two_advisories_on_a_line_are_two_alerts() -> None:
    made = verdicts.verdict(verdicts.decide(verdicts.vulnerable_finding(number)) for number in (1, 2))
    hashes = {result["partialFingerprints"]["primaryLocationLineHash"] for result in _sarif(made)["results"]}
    assert len(hashes) == 2


def test_a_rule_shows_the_worst_that_it_said() -> None:
    made = verdicts.verdict(
        verdicts.decide(verdicts.vulnerable_finding(number, severity))
        for number, severity in enumerate((Severity.LOW, Severity.CRITICAL))
    )
    (rule,) = _sarif(made)["tool"]["driver"]["rules"]
    assert rule["properties"]["security-severity"] == "9.5"


def test_waived_results_are_suppressed_with_their_reason() -> None:
    suppressed = [result for result in _sarif(verdicts.waived())["results"] if "suppressions" in result]
    assert [result["suppressions"][0]["justification"] for result in suppressed] == [
        "converted in Q1; @acme/sec; 2026-12-01"
    ]


def test_a_flood_keeps_the_worst_within_the_limits() -> None:
    text = sarif.render(verdicts.inventory(), verdicts.many(6_000), verdicts.CONTEXT)
    run = json.loads(text)["runs"][0]
    assert len(run["results"]) == sarif.RESULTS
    assert run["results"][0]["ruleId"] == "MLG-PKL-001"
    assert len(gzip.compress(text.encode())) <= sarif.GZIPPED


@pytest.mark.parametrize("name", verdicts_hostile.NAMES)
def test_hostile_names_are_valid_relative_uris(name: str) -> None:
    run = _sarif(verdicts_hostile.hostile(name))
    uri = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri.isascii()
    assert uri.isprintable()
    assert not set(uri) & set(' <>"\\^`{|}:#?[]')
    message = run["results"][0]["message"]["text"].replace("\\\\", "")
    assert "[" not in message.replace("\\[", "")


def test_an_invalid_document_is_never_returned() -> None:
    with pytest.raises(sarif.InvalidSarif, match="version"):
        sarif.validate({"version": "2.0", "runs": []})


def test_a_folder_of_a_monorepo() -> None:
    context = dataclasses.replace(verdicts.CONTEXT, path="services/vi sion")
    run = _sarif(verdicts.three(), context)
    assert run["automationDetails"]["id"] == "mlgate/services/vi%20sion/"
    uri = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "services/vi%20sion/models/resnet.pt"


def test_encoded_paths() -> None:
    assert encoded("a b/ü#?.pkl") == "a%20b/%C3%BC%23%3F.pkl"
    assert encoded("bad%FF.pkl") == "bad%FF.pkl"
    assert encoded("100%.pkl") == "100%25.pkl"
    assert unquote(encoded("x:y|z")) == "x:y|z"


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"repository": "a/b/c"}, Location(path="x")),
        ({"repository": "a/b?x=y"}, Location(path="x")),
        ({"server_url": "javascript:alert(1)"}, Location(path="x")),
        ({"server_url": "https://evil.example/@"}, Location(path="x")),
        ({"head_sha": "main"}, Location(path="x")),
        ({}, Location(path="../x")),
        ({}, Location(path="a/./x")),
        ({}, Location(path="")),
        ({"path": ".."}, Location(path="x")),
    ],
)
def test_no_link_from_a_part_that_is_not_what_it_should_be(change: dict[str, Any], place: Location) -> None:
    assert blob_url(dataclasses.replace(verdicts.CONTEXT, **change), place) == ""


def test_links_to_lines() -> None:
    base = f"https://github.com/acme/vision/blob/{verdicts.HEAD}"
    assert blob_url(verdicts.CONTEXT, Location(path="a b.py", line=3)) == f"{base}/a%20b.py#L3"
    assert blob_url(verdicts.CONTEXT, Location(path="README.md", line=3)) == f"{base}/README.md?plain=1#L3"
    assert blob_url(verdicts.CONTEXT, Location(path="x.zip", member="a.py", line=3)) == f"{base}/x.zip"
    assert blob_url(verdicts.CONTEXT, Location(path="n.ipynb", cell=2, line=3)) == f"{base}/n.ipynb"
    enterprise = dataclasses.replace(verdicts.CONTEXT, server_url="https://git.acme.example:8443/ghe")
    assert blob_url(enterprise, Location(path="x")).startswith("https://git.acme.example:8443/ghe/acme/vision/blob/")
