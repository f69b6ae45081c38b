"""findings.json: every decision for programs, in a versioned schema that the types below generate."""

from __future__ import annotations

import json
from inspect import cleandoc
from typing import Any, Literal

import msgspec

from mlgate.records import Action, Category, Decision, Inventory, Severity, Verdict
from mlgate.reports import escape
from mlgate.reports.context import ReportContext
from mlgate.reports.tally import tally

SCHEMA = "urn:mlgate:schema:findings:1"
VERSION: Literal[1] = 1


class ScannedFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that was looked at. `sha256` is empty when its content could not be read to the end."""

    path: str
    format: str
    sha256: str
    size: int
    status: Literal["complete", "incomplete"]


class FindingEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A finding with its decision. Optional keys are absent where they would be empty.

    `line`, `end_line` and `cell` count from 1, `offset` is in bytes of the file or of `member`. `fingerprint`
    stays when lines move. `clause` is the policy key that decided. `evidence` and `message` quote the file.
    """

    rule: str
    title: str
    category: Category
    severity: Severity
    path: str
    message: str
    evidence: str
    action: Action
    new: bool
    fingerprint: str
    clause: str
    remediation: str
    line: int | None = None
    end_line: int | None = None
    cell: int | None = None
    member: str | None = None
    offset: int | None = None
    subject: str = ""
    fix: str = ""
    waiver: str = ""
    facts: dict[str, list[str]] = {}


class PolicyEntry(msgspec.Struct, frozen=True, kw_only=True):
    """Where the policy came from and how it was applied; `base` is empty when nothing was compared."""

    source: str
    mode: str
    compared: bool
    base: str
    notes: list[str]


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers. `severities` leaves out waived findings; `new` counts those that the base does not have."""

    block: int
    warn: int
    note: int
    waived: int
    new: int
    severities: dict[Severity, int]
    files: int
    incomplete: int
    models: int
    datasets: int
    packages: int
    services: int
    vulnerabilities: int


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """What wrote the file."""

    name: str
    version: str


class FindingsFile(msgspec.Struct, frozen=True, kw_only=True):
    """The whole file. Findings are sorted by action, then severity, then rule and place."""

    schema: str
    version: Literal[1]
    tool: Tool
    verdict: Literal["pass", "fail"]
    policy: PolicyEntry
    summary: Summary
    scanned: list[ScannedFile]
    findings: list[FindingEntry]


def _entry(decision: Decision) -> FindingEntry:
    finding, place = decision.finding, decision.finding.location
    facts: dict[str, list[str]] = {}
    for key, value in finding.facts:
        facts.setdefault(key, []).append(value)
    return FindingEntry(
        rule=finding.rule.id,
        title=finding.rule.title,
        category=finding.rule.category,
        severity=finding.severity,
        path=place.path,
        line=place.line,
        end_line=place.end_line,
        cell=place.cell,
        member=place.member,
        offset=place.offset,
        message=finding.message,
        evidence=finding.evidence,
        action=decision.action,
        new=decision.new,
        fingerprint=decision.fingerprint,
        clause=decision.clause,
        remediation=finding.rule.remediation,
        subject=finding.subject,
        fix=finding.fix,
        waiver=decision.waiver,
        facts=dict(sorted(facts.items())),
    )


def document(inventory: Inventory, verdict: Verdict, context: ReportContext) -> FindingsFile:
    """The file as records."""
    counts = tally(inventory, verdict)
    decisions = counts.block + counts.warn + counts.note + counts.waived
    return FindingsFile(
        schema=SCHEMA,
        version=VERSION,
        tool=Tool(name="mlgate", version=context.tool_version),
        verdict="pass" if verdict.passed else "fail",
        policy=PolicyEntry(
            source=verdict.policy_source,
            mode=verdict.mode,
            compared=verdict.compared,
            base=verdict.base,
            notes=list(verdict.notes),
        ),
        summary=Summary(
            block=len(counts.block),
            warn=len(counts.warn),
            note=len(counts.note),
            waived=len(counts.waived),
            new=sum(decision.new for decision in decisions),
            severities=dict(counts.severities),
            files=counts.files,
            incomplete=len(counts.unread),
            models=counts.models,
            datasets=counts.datasets,
            packages=counts.packages,
            services=counts.services,
            vulnerabilities=counts.vulnerabilities,
        ),
        scanned=[
            ScannedFile(
                path=file.path,
                format=file.format,
                sha256=file.sha256,
                size=file.size,
                status="complete" if file.complete else "incomplete",
            )
            for file in sorted(inventory.scanned, key=lambda file: file.path)
        ],
        findings=[_entry(decision) for decision in decisions],
    )


def dumps(value: Any) -> str:
    """JSON in ASCII that no terminal, log or runner acts on; lone surrogates become visible escapes."""
    text = json.dumps(_encodable(value), indent=2, ensure_ascii=True)
    return escape.json_text(text) + "\n"


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_encodable(key): _encodable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_encodable(item) for item in value]
    return value


def render(inventory: Inventory, verdict: Verdict, context: ReportContext) -> str:
    """findings.json."""
    return dumps(msgspec.to_builtins(document(inventory, verdict, context)))


def summary(inventory: Inventory, verdict: Verdict) -> str:
    """The numbers alone on one line with the verdict: the action's `summary-json` output."""
    numbers = msgspec.to_builtins(document(inventory, verdict, ReportContext(tool_version="")).summary)
    text = json.dumps({"verdict": "pass" if verdict.passed else "fail", **numbers}, ensure_ascii=True)
    return escape.json_text(text)


def _plain(value: Any) -> Any:
    """The schema with its descriptions as Python 3.13 keeps docstrings, on every version: without indentation."""
    if isinstance(value, dict):
        kept = {key: _plain(item) for key, item in value.items()}
        return {key: cleandoc(i) if key == "description" and isinstance(i, str) else i for key, i in kept.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def schema() -> str:
    """The JSON Schema (2020-12) of findings.json, as docs/findings.schema.json holds it."""
    generated = _plain(msgspec.json.schema(FindingsFile))
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA, "title": "mlgate findings"}
    return json.dumps({**head, **generated}, indent=2) + "\n"
