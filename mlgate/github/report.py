"""The parts of a report that only GitHub shows: annotations at lines, and notices in the job summary."""

from __future__ import annotations

import dataclasses

from mlgate.github.commands import Commands
from mlgate.records import Action, Verdict
from mlgate.reports.context import ReportContext
from mlgate.reports.escape import prose

_LONGEST = 1000


def annotate(out: Commands, verdict: Verdict, context: ReportContext) -> None:
    """Annotations for what blocks and what warns, worst first, and one sentence on how many did not fit."""
    left = 0
    for decision in verdict.decisions:
        if decision.action not in {Action.BLOCK, Action.WARN}:
            continue
        # What would block is no error of a job that passes.
        level = "error" if decision.action is Action.BLOCK and not verdict.passed else "warning"
        finding = decision.finding
        path = f"{context.folder}/{finding.location.path}" if context.folder else finding.location.path
        done = out.annotate(
            level,
            f"{finding.message}\n{finding.fix or finding.rule.remediation}",
            title=f"{finding.rule.id} {finding.rule.title}",
            location=dataclasses.replace(finding.location, path=path),
        )
        left += not done
    if left:
        out.annotate("notice", f"{left:,} more findings: see the job summary and the report.", title="mlgate")


def notice(message: str) -> str:
    """A warning for the job summary."""
    return f"> [!WARNING]\n> {prose(message, _LONGEST)}\n\n"


def error_summary(message: str) -> str:
    """The job summary of a run without a verdict."""
    return f"## mlgate: no verdict\n\n> [!CAUTION]\n> {prose(message, _LONGEST)}\n"
