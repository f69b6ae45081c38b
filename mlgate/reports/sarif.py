"""mlgate.sarif: SARIF 2.1.0 within what GitHub's code scanning takes."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Sequence
from importlib import resources
from typing import Any

from mlgate.records import Decision, Inventory, Rule, Severity, Verdict
from mlgate.reports import escape
from mlgate.reports.context import ReportContext, encoded, repository_uri
from mlgate.reports.findings import dumps
from mlgate.reports.tally import tally

# GitHub keeps the 5,000 worst results of a run, 20 tags a rule, and takes 10 MB gzipped
# (docs.github.com, "SARIF support for code scanning").
RESULTS = 5_000
TAGS = 20
GZIPPED = 10_000_000

_LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "note",
}
# The middle of the band in which GitHub shows the same word (over 9.0 critical, 7.0 high, 4.0 medium).
_SCORES = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.5",
    Severity.LOW: "2.0",
    Severity.INFO: "0.0",
}


class InvalidSarif(Exception):  # noqa: N818  (what is wrong is the document)
    """What was made does not fit the SARIF schema: a defect of mlgate, never written to a file."""


def render(inventory: Inventory, verdict: Verdict, context: ReportContext) -> str:
    """The file's text, checked against the bundled schema. Raises InvalidSarif when it does not fit."""
    counts = tally(inventory, verdict)
    # The platform cuts by severity too: what was cut is said in the comment, findings.json has all.
    decisions = (counts.block + counts.warn + counts.note + counts.waived)[:RESULTS]
    while True:
        document = _document(inventory, verdict, context, decisions)
        validate(document)
        text = dumps(document)
        if not decisions or len(gzip.compress(text.encode("ascii"), 6)) <= GZIPPED:
            return text
        decisions = decisions[: len(decisions) // 2]


def validate(document: Any) -> None:
    """Raises InvalidSarif, with the place and what is wrong there."""
    import jsonschema_rs  # noqa: PLC0415  (only this output and the BOM need it)

    source = resources.files("mlgate.reports").joinpath("schemas/sarif-2.1.0.json").read_text("utf-8")
    schema = json.loads(source)
    # The official file has a stray bracket in these patterns, which strict readers of regular expressions refuse.
    for owner in ("run", "toolComponent"):
        del schema["definitions"][owner]["properties"]["language"]["pattern"]
    error = next(jsonschema_rs.Draft4Validator(schema).iter_errors(document), None)
    if error is not None:
        place = "/".join(str(part) for part in error.instance_path)
        raise InvalidSarif(f"{place}: {error.message[:300]}")


def _document(
    inventory: Inventory, verdict: Verdict, context: ReportContext, decisions: Sequence[Decision]
) -> dict[str, Any]:
    rules = sorted({d.finding.rule.id: d.finding.rule for d in decisions}.items())
    index = {rule_id: number for number, (rule_id, _) in enumerate(rules)}
    run: dict[str, Any] = {
        "tool": {
            "driver": {
                "name": "mlgate",
                "semanticVersion": context.tool_version,
                "rules": [_rule(rule, _worst(rule, decisions)) for _, rule in rules],
            }
        },
        # The part before the last slash is GitHub's category: one for each scanned folder of a monorepo.
        "automationDetails": {"id": f"mlgate/{encoded(context.folder)}/" if context.folder else "mlgate/"},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"%SRCROOT%": {"description": {"text": "The root of the repository."}}},
        "invocations": [{"executionSuccessful": True}],
        "results": [_result(decision, index, context) for decision in decisions],
        "properties": {
            "verdict": "pass" if verdict.passed else "fail",
            "findings": len(verdict.decisions),
            "filesLookedAt": len(inventory.scanned),
        },
    }
    if context.repository_url and context.sha:
        run["versionControlProvenance"] = [
            {"repositoryUri": context.repository_url, "revisionId": context.sha, "mappedTo": {"uriBaseId": "%SRCROOT%"}}
        ]
    return {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}


def _worst(rule: Rule, decisions: Iterable[Decision]) -> Severity:
    """GitHub shows the rule's severity for each of its alerts, so it has to be the worst that the rule said."""
    return max((d.finding.severity for d in decisions if d.finding.rule.id == rule.id), key=lambda s: s.rank)


def _rule(rule: Rule, severity: Severity) -> dict[str, Any]:
    tags = ["security", "supply-chain", "machine-learning", str(rule.category)]
    tags += [f"external/cwe/{cwe.lower()}" for cwe in rule.cwe]
    tags += [f"atlas/{technique}" for technique in rule.atlas] + [f"owasp/{item}" for item in rule.owasp]
    return {
        "id": rule.id,
        "name": rule.title,
        "shortDescription": {"text": escape.sarif(rule.title)},
        "fullDescription": {"text": escape.sarif(rule.help)},
        "help": {
            "text": f"{escape.sarif(rule.help)}\n\nWhat to do: {escape.sarif(rule.remediation)}",
            "markdown": f"{escape.prose(rule.help, 2000)}\n\n**What to do:** {escape.prose(rule.remediation, 2000)}",
        },
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {
            "tags": sorted(set(tags), key=tags.index)[:TAGS],
            "precision": "high",
            "problem.severity": {"error": "error", "warning": "warning", "note": "recommendation"}[_LEVELS[severity]],
            "security-severity": _SCORES[severity],
        },
    }


def _message(decision: Decision) -> str:
    finding = decision.finding
    parts = [escape.sarif(finding.message)]
    if finding.evidence and finding.evidence not in finding.message:
        parts.append(f"Evidence: {escape.sarif(finding.evidence)}")
    if finding.location.member:
        parts.append(f"In the member {escape.sarif(finding.location.member)}.")
    parts.append(f"What to do: {escape.sarif(finding.fix or finding.rule.remediation)}")
    return "\n".join(parts)


def _result(decision: Decision, index: dict[str, int], context: ReportContext) -> dict[str, Any]:
    finding, place = decision.finding, decision.finding.location
    # GitHub drops results without a line; an offset in a binary file is no line, so it goes to the properties.
    region: dict[str, int] = {"startLine": max(place.line or 1, 1)}
    if place.line and place.end_line and place.end_line > place.line:
        region["endLine"] = place.end_line
    location: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": {"uri": repository_uri(context, place.path), "uriBaseId": "%SRCROOT%"},
            "region": region,
        }
    }
    if place.member:
        location["logicalLocations"] = [{"fullyQualifiedName": escape.visible(place.member, 1000), "kind": "member"}]
    properties: dict[str, Any] = {
        "action": str(decision.action),
        "new": decision.new,
        "severity": str(finding.severity),
        "clause": decision.clause,
    }
    extra = {"offset": place.offset, "cell": place.cell, "subject": escape.visible(finding.subject) or None}
    properties |= {key: value for key, value in extra.items() if value is not None}
    result: dict[str, Any] = {
        "ruleId": finding.rule.id,
        "ruleIndex": index[finding.rule.id],
        "level": _LEVELS[finding.severity],
        "message": {"text": _message(decision)},
        "locations": [location],
        # GitHub tells alerts apart by primaryLocationLineHash only. Computed from the line by the upload it would
        # make one alert of all advisories of one requirement, and of all globals in one pickle.
        "partialFingerprints": {
            "primaryLocationLineHash": f"{decision.fingerprint}:1",
            "mlgate/v1": decision.fingerprint,
        },
        "properties": properties,
    }
    if decision.action == "waived":
        justification = escape.visible(decision.waiver, 1000) or "waived by the policy"
        result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": justification}]
    return result
