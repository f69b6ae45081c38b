"""(policy, inventory, base, today) -> Verdict. Pure: no file, no clock, no network."""

from __future__ import annotations

import dataclasses
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from mlgate import rules
from mlgate.advisories import rules as advisories
from mlgate.policy import conditions, demands, lineage
from mlgate.policy.schema import Policy, Waiver, threshold
from mlgate.records import (
    Action,
    Analysis,
    Category,
    Decision,
    Finding,
    Inventory,
    Location,
    Rule,
    Severity,
    Verdict,
)

_SOON = timedelta(days=14)
# Looks that failed for reasons outside of the content: that the base failed too proves nothing about it.
CIRCUMSTANCES = {
    *(rules.INCOMPLETE[reason] for reason in ("unavailable", "timeout", "crashed", "unreadable")),
    *advisories.CIRCUMSTANCES,
}
# Rules about bytes: a waiver of one must name the bytes.
BY_HASH = (Category.MODEL_FILE, Category.INCOMPLETE)

GATE = Rule(
    id="MLG-POL-001",
    title="The gate's own files change",
    severity=Severity.MEDIUM,
    category=Category.POLICY_CHANGE,
    help="The change edits what decides about changes: the policy, its waivers, a workflow that runs mlgate, or files "
    "by which git decides what is checked out. This run was judged by the base's policy; the edit takes effect after "
    "merge.",
    remediation="Have the edit reviewed by whoever owns the gate (CODEOWNERS).",
    cwe=("CWE-284",),
)
RULES = (GATE, *demands.RULES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """What the run is compared with.

    `fingerprints` are those of the base's own findings; None when the base could not be scanned: then a finding is
    new when its path is in `changed` (None: every finding is). `gate` are (path, what it is) of changed files that
    decide about changes. Paths are relative to the scanned folder. `inventory` is the base's own; None where it was
    not looked at, or where what was looked at is not all of it. `places` are (first fingerprint, path) of the base's
    findings: of equal ones, those that stayed where they were are the old ones. `renamed` are new paths with the old.
    """

    ref: str
    fingerprints: frozenset[str] | None = None
    places: frozenset[tuple[str, str]] = frozenset()
    changed: frozenset[str] | None = None
    gate: tuple[tuple[str, str], ...] = ()
    inventory: Inventory | None = None
    renamed: Mapping[str, str] = field(default_factory=dict)


def fingerprint(finding: Finding, content: str = "", ordinal: int = 0) -> str:
    """32 hex digits over the rule, what it is about and the evidence; lines and offsets move, these do not.

    A finding about a file's bytes, and a look that did not come to its end, is about `content`, the SHA-256 of the
    file: renaming keeps it, and other bytes under the old name are a new matter.
    """
    place = finding.location
    if finding.rule.category in BY_HASH and content and not finding.subject:
        about = ("content", content, place.member or "")
    elif finding.subject and finding.rule.category is Category.LICENSE:
        about = ("subject", finding.subject, "")
    else:
        about = (finding.subject, place.path, place.member or "")
    text = "\0".join((finding.rule.id, *about, finding.evidence, str(ordinal)))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _numbered(
    findings: Iterable[Finding], inventory: Inventory, places: frozenset[tuple[str, str]] = frozenset()
) -> Iterator[tuple[Finding, str]]:
    """Each finding with its fingerprint; equal ones are counted, so that one more of them is a new one.

    Those at `places` are counted first.
    """
    seen: Counter[str] = Counter()
    keyed = list(_keyed(findings, inventory))
    keyed.sort(key=lambda one: (one[1], one[0].location.path) not in places)
    for finding, key, content in keyed:
        yield finding, fingerprint(finding, content, seen[key])
        seen[key] += 1


def _keyed(findings: Iterable[Finding], inventory: Inventory) -> Iterator[tuple[Finding, str, str]]:
    hashes = {scanned.path: scanned.sha256 for scanned in inventory.scanned}
    for finding in findings:
        content = hashes.get(finding.location.path, "")
        yield finding, fingerprint(finding, content), content


def fingerprints(policy: Policy, inventory: Inventory) -> frozenset[str]:
    """The fingerprints of everything a base has, for `Base.fingerprints`."""
    return frozenset(key for _, key in _numbered(_known(policy, inventory), inventory))


def places(policy: Policy, inventory: Inventory) -> frozenset[tuple[str, str]]:
    """Where a base has what, for `Base.places`."""
    keyed = _keyed(_known(policy, inventory), inventory)
    return frozenset((key, finding.location.path) for finding, key, _ in keyed)


def _known(policy: Policy, inventory: Inventory) -> list[Finding]:
    findings = [*inventory.findings, *demands.demands(policy, inventory)]
    return [finding for finding in findings if finding.rule not in CIRCUMSTANCES]


def judge(policy: Policy, inventory: Inventory, *, today: date, base: Base | None, policy_source: str) -> Verdict:
    """The verdict on an inventory. Without a base everything counts as new, and nothing is compared."""
    findings = [*inventory.findings, *demands.demands(policy, inventory), *_gate(base)]
    if base and base.inventory:
        findings += lineage.changed(base.inventory, inventory)
    hashes = {scanned.path: scanned.sha256 for scanned in inventory.scanned}
    numbered = list(_numbered(findings, inventory, base.places if base else frozenset()))
    if base and base.fingerprints and base.renamed:
        known = base.fingerprints | _moved(numbered, base.fingerprints, base.renamed)
        base = dataclasses.replace(base, fingerprints=known)
    return decided(policy, numbered, hashes=hashes, today=today, base=base, policy_source=policy_source)


def _moved(
    numbered: Iterable[tuple[Finding, str]], known: frozenset[str], renamed: Mapping[str, str]
) -> frozenset[str]:
    """The fingerprints of what the base says of the same file under its old name, as often as it says so.

    Only of what is told by its path: bytes are known by their digest.
    """
    seen: Counter[str] = Counter()
    found = set()
    for finding, key in numbered:
        old = renamed.get(finding.location.path)
        if old is None or finding.rule.category in BY_HASH:
            continue
        there = dataclasses.replace(finding, location=dataclasses.replace(finding.location, path=old))
        first = fingerprint(there)
        if fingerprint(there, ordinal=seen[first]) in known:
            found.add(key)
        seen[first] += 1
    return frozenset(found)


def decided(
    policy: Policy,
    found: Iterable[tuple[Finding, str]],
    *,
    hashes: Mapping[str, str],
    today: date,
    base: Base | None,
    policy_source: str,
) -> Verdict:
    """The verdict on findings with their fingerprints; `hashes` are the SHA-256 of files by path, for waivers."""
    waivers = _Waivers(policy, today, hashes)
    judged = (_decide(policy, finding, key, base, waivers) for finding, key in found)
    whole = base is None or policy.scope.report == "all"
    decisions = tuple(one for one in judged if whole or one.new or one.action is not Action.NOTE)
    order = list(Action)
    return Verdict(
        passed=not any(decision.action is Action.BLOCK for decision in decisions),
        decisions=tuple(sorted(decisions, key=lambda d: (order.index(d.action), -d.finding.severity.rank))),
        policy_source=policy_source,
        mode=policy.mode,
        compared=base is not None,
        base=base.ref if base else "",
        notes=waivers.notes(),
    )


def _gate(base: Base | None) -> Iterator[Finding]:
    for path, what in base.gate if base else ():
        yield rules.finding(GATE, Location(path=path), f"This change edits {what}.", evidence=what)


def _decide(policy: Policy, finding: Finding, key: str, base: Base | None, waivers: _Waivers) -> Decision:
    action, clause = _by_policy(policy, finding)
    new = _is_new(finding, key, base)
    waiver, analysis = waivers.of(finding) if action is not Action.NOTE else ("", Analysis())
    if waiver:
        action, clause = Action.WAIVED, "waivers"
    elif base is not None and not new and action is not Action.NOTE and not _always(policy, finding):
        action, clause = Action.NOTE, f"scope.enforce: changed (else {clause})"
    if action is Action.BLOCK and policy.mode == "warn":
        action, clause = Action.WARN, f"mode: warn (else {clause})"
    return Decision(
        finding=finding, action=action, new=new, fingerprint=key, clause=clause, waiver=waiver, analysis=analysis
    )


def _is_new(finding: Finding, key: str, base: Base | None) -> bool:
    if base is None or finding.rule is GATE:
        return True
    if base.fingerprints is not None:
        return key not in base.fingerprints
    return base.changed is None or finding.location.path in base.changed or finding.rule in CIRCUMSTANCES


def _always(policy: Policy, finding: Finding) -> bool:
    """Whether the finding is enforced where it is not new."""
    always = policy.scope.always_enforce
    return (
        policy.scope.enforce == "all"
        or (finding.rule.malicious and "malicious" in always)
        or (finding.rule.category is Category.INCOMPLETE and "incomplete" in always)
        or (finding.rule.category is Category.POLICY_CHANGE and "policy-change" in always)
    )


def _by_policy(policy: Policy, finding: Finding) -> tuple[Action, str]:
    """The action and the key that spoke."""
    rule = finding.rule
    if rule.category is Category.POLICY_CHANGE:
        return Action(policy.policy_change), f"policy-change: {policy.policy_change}"
    if rule.clause == "dependencies.block-if":
        return _vulnerability(policy, finding)
    if rule.clause.startswith("models.pickle.") and finding.fact("global") in policy.models.pickle.allow_globals:
        return Action.NOTE, f"models.pickle.allow-globals: {finding.fact('global')}"
    if rule.clause:
        value = policy.clause(rule.clause)
        # what is below medium is told, never enforced, by a key that speaks of the practice and not of the case
        if value == "block" and finding.severity.rank < Severity.MEDIUM.rank and rule.category is Category.UNSAFE_CODE:
            value = "warn"
        return Action(value), f"{rule.clause}: {value}"
    clause = finding.fact("clause")
    if clause == "licenses.review":
        return Action.WARN, clause
    if clause:
        return Action.BLOCK, clause
    return _by_severity(policy, finding)


def _by_severity(policy: Policy, finding: Finding) -> tuple[Action, str]:
    name = finding.rule.category.value
    least = policy.clause(f"fail-on.{name}")
    if threshold(finding.severity, least):
        return Action.BLOCK, f"fail-on.{name}: {least}"
    return (Action.NOTE if finding.severity is Severity.INFO else Action.WARN), f"fail-on.{name}: {least}"


def _vulnerability(policy: Policy, finding: Finding) -> tuple[Action, str]:
    for condition in policy.dependencies.block_if:
        if conditions.holds(condition, finding):
            return Action.BLOCK, f"dependencies.block-if: {conditions.words(condition)}"
    if finding.fact("unscored"):
        return Action(policy.dependencies.no_score), f"dependencies.no-score: {policy.dependencies.no_score}"
    return _by_severity(policy, finding)


def _analysis(waiver: Waiver) -> Analysis:
    told = waiver.analysis
    if told is None:
        return Analysis()
    return Analysis(state=told.state, justification=told.justification, responses=told.response)


class _Waivers:
    """Which waivers work today, which were used, and what to say of the others."""

    def __init__(self, policy: Policy, today: date, hashes: Mapping[str, str]) -> None:
        self._hashes = hashes
        self._today = today
        self._used: set[Waiver] = set()
        self._working: list[Waiver] = []
        self._notes: list[str] = []
        for waiver in policy.waivers.items:
            name = f"waiver of {waiver.rule} for {waiver.path or waiver.purl}"
            try:
                ends = date.fromisoformat(waiver.expires)
            except ValueError:
                self._notes.append(f"The {name} has no such day as {waiver.expires}, so it does not work.")
                continue
            if ends < today:
                self._notes.append(f"The {name} expired on {waiver.expires}.")
            elif ends > today + timedelta(days=policy.waivers.max_days):
                allowed = f"{policy.waivers.max_days} days"
                self._notes.append(
                    f"The {name} ends on {waiver.expires}, more than {allowed} ahead, so it does not work."
                )
            else:
                self._working.append(waiver)

    def of(self, finding: Finding) -> tuple[str, Analysis]:
        """Who waives the finding, until when and why, and what they found out; "" when nobody does."""
        for waiver in self._working:
            if waiver.rule == finding.rule.id and self._fits(waiver, finding):
                self._used.add(waiver)
                return f"{waiver.owner} until {waiver.expires}: {waiver.reason}", _analysis(waiver)
        return "", Analysis()

    def _fits(self, waiver: Waiver, finding: Finding) -> bool:
        if waiver.purl:
            return waiver.purl in {finding.subject, finding.fact("purl")}
        if waiver.path != finding.location.path:
            return False
        if not waiver.sha256:
            return finding.rule.category not in BY_HASH
        return self._hashes.get(waiver.path) == waiver.sha256

    def notes(self) -> tuple[str, ...]:
        """What to say of the waivers themselves, after all findings were judged."""
        told = list(self._notes)
        for waiver in self._working:
            name = f"waiver of {waiver.rule} for {waiver.path or waiver.purl}"
            if waiver not in self._used:
                told.append(f"The {name} is not used: nothing that it waives was found, or the file has another hash.")
            elif date.fromisoformat(waiver.expires) - self._today <= _SOON:
                told.append(f"The {name} expires soon, on {waiver.expires}.")
        return tuple(told)
