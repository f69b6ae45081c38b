"""The comment of a saved findings.json, for the trusted leg of two: whoever made the file may have forged it.

Nothing of the file's own wording of rules is used: titles, help and remediation come from this version's catalogue by
the rule's id, and everything else goes through the comment's escaping like what comes from a tree.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from mlgate.records import Decision, Inventory, Rule, Scanned, Verdict
from mlgate.reports import comment, saved
from mlgate.reports.context import ReportContext
from mlgate.reports.findings import FindingsFile
from mlgate.reports.tally import tally

NOTE = (
    "This is what the pull request's own run reported, and its author can change that run. What counts is the required "
    "check, and what its workflow says on the base branch."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The comment's text, what it becomes when all is clean, and whether there is something to say at all."""

    body: str
    resolved: str
    warranted: bool
    failed: bool


def told(before: FindingsFile, rules: Mapping[str, Rule], context: ReportContext) -> Told:
    """What to say of a saved run. Raises MlgateError for a rule that this version does not have."""
    verdict = _verdict(before, rules)
    inventory = Inventory(
        root="",
        scanned=tuple(
            Scanned(path=s.path, format=s.format, sha256=s.sha256, size=s.size, complete=s.status == "complete")
            for s in before.scanned
        ),
    )
    numbers = before.summary
    counts = dataclasses.replace(
        tally(inventory, verdict),
        models=numbers.models,
        datasets=numbers.datasets,
        packages=numbers.packages,
        services=numbers.services,
        vulnerabilities=numbers.vulnerabilities,
    )
    context = dataclasses.replace(context, notes=(NOTE, *context.notes))
    return Told(
        body=comment.render(inventory, verdict, context, counts=counts),
        resolved=comment.resolved(inventory, verdict, context, counts=counts),
        warranted=comment.wanted(verdict, "always", exists=False) == "write",
        failed=not verdict.passed,
    )


def _verdict(before: FindingsFile, rules: Mapping[str, Rule]) -> Verdict:
    found = saved.found(before, rules)
    decisions = tuple(
        Decision(
            finding=finding,
            action=entry.action,
            new=entry.new,
            fingerprint=key,
            clause=entry.clause,
            waiver=entry.waiver,
        )
        for entry, (finding, key) in zip(before.findings, found, strict=True)
    )
    return Verdict(
        passed=before.verdict == "pass",
        decisions=decisions,
        policy_source=before.policy.source,
        mode=before.policy.mode,
        compared=before.policy.compared,
        base=before.policy.base,
        notes=tuple(before.policy.notes),
    )
