"""What is said of a hub target whose revision is not a commit, whoever finds out what the target is."""

from __future__ import annotations

from mlgate.records import Finding, Location, Severity
from mlgate.references import _rules as rule
from mlgate.references._calls import cut
from mlgate.rules import finding


def about_revision(
    where: Location,
    what: str,
    *,
    dataset: bool,
    stated: str | None,
    dynamic: bool,
    evidence: str,
    subject: str,
    fix: str = "",
) -> Finding:
    """The finding. `what` is "X loads Y", `stated` the revision if it is known, `dynamic` that there is one."""
    severity = Severity.LOW if dataset else None
    if stated is not None:
        how = f"{cut(stated)!r} as revision, which is a branch, a tag or a shortened hash and can move"
    elif dynamic:
        how, severity = "a revision that is computed at run time", Severity.LOW
    else:
        how = "no revision, so whatever its main branch holds"
    return finding(
        rule.UNPINNED,
        where,
        f"{what} with {how}.",
        evidence=evidence,
        severity=severity,
        subject=subject,
        fix=fix,
        facts=(("pinned", "false"),),
    )
