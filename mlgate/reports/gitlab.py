"""GitLab's code quality report (docs.gitlab.com, "Code Quality", section "Code Quality report format").

GitLab compares the report of a merge request with that of its target by itself, so everything that was found is in it.
"""

from __future__ import annotations

from typing import Any

from mlgate.records import Decision, Inventory, Severity, Verdict
from mlgate.reports import escape
from mlgate.reports.context import ReportContext
from mlgate.reports.findings import dumps
from mlgate.reports.tally import tally

_SEVERITIES = {
    Severity.CRITICAL: "blocker",
    Severity.HIGH: "critical",
    Severity.MEDIUM: "major",
    Severity.LOW: "minor",
    Severity.INFO: "info",
}


def render(inventory: Inventory, verdict: Verdict, context: ReportContext) -> str:
    """The report as JSON text; findings that are waived are left out."""
    counts = tally(inventory, verdict)
    return dumps([_issue(decision, context) for decision in counts.block + counts.warn + counts.note])


def _issue(decision: Decision, context: ReportContext) -> dict[str, Any]:
    finding, place = decision.finding, decision.finding.location
    member = f" (in {escape.visible(place.member, 120)})" if place.member else ""
    path = f"{context.folder}/{place.path}" if context.folder else place.path
    return {
        "description": f"{escape.visible(finding.rule.title)}: {escape.visible(finding.message, 1000)}{member}",
        "check_name": finding.rule.id,
        "fingerprint": decision.fingerprint,
        "severity": _SEVERITIES[finding.severity],
        "categories": ["Security"],
        "location": {"path": escape.visible(path, 4096) or ".", "lines": {"begin": max(place.line or 1, 1)}},
        "content": {"body": escape.visible(finding.fix or finding.rule.remediation, 2000)},
    }
