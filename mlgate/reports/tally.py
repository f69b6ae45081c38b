"""What every report counts and says the same way: order, numbers, the headline, the comparison, the place."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from mlgate.records import Action, Category, Decision, Inventory, Kind, Severity, Verdict
from mlgate.reports.escape import clip

NOT_SAFE = (
    "No known indicator found does not mean safe, and a pin fixes which bytes are used, not whether they are benign."
)
_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
ACTIONS: tuple[Action, ...] = (Action.BLOCK, Action.WARN, Action.NOTE, Action.WAIVED)


class State(StrEnum):
    """The one word that a reader needs first."""

    BLOCKED = "blocked"
    WOULD_BLOCK = "would-block"
    WARNED = "warned"
    CLEAN = "clean"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Decisions by action, each in report order, and the numbers that the reports give."""

    block: tuple[Decision, ...]
    warn: tuple[Decision, ...]
    note: tuple[Decision, ...]
    waived: tuple[Decision, ...]
    state: State
    severities: Mapping[Severity, int]
    files: int
    unread: tuple[str, ...]
    models: int
    datasets: int
    packages: int
    services: int
    vulnerabilities: int

    @property
    def shown(self) -> tuple[Decision, ...]:
        """What somebody has to do something about: blocking findings, then warnings."""
        return self.block + self.warn


def order(decision: Decision) -> tuple[object, ...]:
    """Action, then worst first, then by place; nothing depends on the order of discovery."""
    finding = decision.finding
    place = finding.location
    return (
        ACTIONS.index(decision.action),
        -finding.severity.rank,
        finding.rule.id,
        place.path,
        place.member or "",
        place.cell or 0,
        place.line or 0,
        place.offset or 0,
        finding.evidence,
        finding.message,
        decision.fingerprint,
    )


def tally(inventory: Inventory, verdict: Verdict) -> Tally:
    """Counts and sorts once for a report."""
    decisions = sorted(verdict.decisions, key=order)
    by_action = {action: tuple(d for d in decisions if d.action is action) for action in ACTIONS}
    kinds = Counter(component.kind for component in inventory.components)
    return Tally(
        block=by_action[Action.BLOCK],
        warn=by_action[Action.WARN],
        note=by_action[Action.NOTE],
        waived=by_action[Action.WAIVED],
        state=_state(verdict, by_action),
        severities=severities(by_action[Action.BLOCK] + by_action[Action.WARN] + by_action[Action.NOTE]),
        files=len(inventory.scanned),
        unread=tuple(sorted(file.path for file in inventory.scanned if not file.complete)),
        models=kinds[Kind.MODEL],
        datasets=kinds[Kind.DATASET],
        packages=kinds[Kind.PACKAGE],
        services=kinds[Kind.SERVICE],
        vulnerabilities=len(inventory.vulnerabilities),
    )


def would_block(decision: Decision) -> bool:
    """Whether a finding blocks, or only does not because the policy's mode is `warn`."""
    return decision.action is Action.BLOCK or decision.clause.startswith("mode: warn (else ")


def severities(decisions: Iterable[Decision]) -> Mapping[Severity, int]:
    """How many findings of each severity, worst first, without the zeros."""
    counts = Counter(decision.finding.severity for decision in decisions)
    return {severity: counts[severity] for severity in Severity if counts[severity]}


def _state(verdict: Verdict, by_action: Mapping[Action, tuple[Decision, ...]]) -> State:
    if not verdict.passed:
        return State.BLOCKED
    if any(map(would_block, by_action[Action.BLOCK] + by_action[Action.WARN])):
        return State.WOULD_BLOCK
    return State.WARNED if by_action[Action.WARN] else State.CLEAN


def count(number: int, one: str, many: str = "") -> str:
    """`1 finding`, `3,000 findings`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def headline(counts: Tally) -> str:
    """The verdict in one line without a verdict's sign."""
    would = counts.state is State.WOULD_BLOCK
    block = sum(map(would_block, counts.shown)) if would else len(counts.block)
    warn = len(counts.shown) - block
    warnings = f", {count(warn, 'warning')}" if warn else ""
    if counts.state is State.BLOCKED:
        # The run can fail for something that is no finding (a policy clause about the run): never say "0 findings".
        what = f"{count(block, 'finding')} to fix before merge" if block else "the policy is violated"
        return f"Blocked: {what}{warnings}"
    if counts.state is State.WOULD_BLOCK:
        return f"Passed in warn mode: {count(block, 'finding')} would block{warnings}"
    if counts.state is State.WARNED:
        return f"Passed with {count(warn, 'warning')}"
    if not counts.files:
        return "Passed: there was nothing here that mlgate reads"
    return "Passed: nothing to block or warn about"


def unread_line(counts: Tally) -> str:
    """What could not be looked into, or empty."""
    incomplete = sum(d.finding.rule.category is Category.INCOMPLETE for d in counts.shown)
    number = max(incomplete, len(counts.unread))
    if not number:
        return ""
    rest = "it" if number == 1 else "them"
    return f"{count(number, 'place')} could not be looked into completely: nothing is known about the rest of {rest}."


def comparison(verdict: Verdict, counts: Tally) -> str:
    """The "versus base" sentence: what is new, in plain words. The base is quoted as code."""
    base = verdict.base[:12] if _SHA.fullmatch(verdict.base) else clip(verdict.base.replace("`", "'"), 80)
    if not verdict.compared:
        why = f"No comparison with `{base}`" if base else "No base to compare with"
        return f"{why}: everything found counts."
    new_block = sum(decision.new for decision in counts.block)
    new_warn = sum(decision.new for decision in counts.warn)
    old = sum(not decision.new for decision in counts.block + counts.warn + counts.note)
    parts = [count(new_block, "new blocking finding")] if new_block else []
    parts += [count(new_warn, "new warning")] if new_warn else []
    parts = parts or ["nothing new to block or warn about"]
    parts += [f"{old:,} there before"] if old else []
    return f"Versus base{f' `{base}`' if base else ''}: {', '.join(parts)}."


def scope_line(inventory: Inventory, counts: Tally) -> str:
    """What was looked at, in one line."""
    services = [count(counts.services, "hosted model")] if counts.services else []
    parts = [
        count(counts.files, "file"),
        count(counts.models, "model"),
        *services,
        count(counts.datasets, "dataset"),
        count(counts.packages, "package"),
    ]
    advisories = f" Advisories: {inventory.advisory_source}." if inventory.advisory_source else ""
    return f"Looked at {', '.join(parts[:-1])} and {parts[-1]}.{advisories}"


def by_rule(decisions: Iterable[Decision]) -> tuple[tuple[str, str, int], ...]:
    """(rule id, title, how many), most first: what is said of findings that have no room of their own."""
    rows = Counter((d.finding.rule.id, d.finding.rule.title) for d in decisions)
    return tuple((rule, title, number) for (rule, title), number in sorted(rows.items(), key=lambda r: (-r[1], r[0])))
