"""The commands about policies that need more than the policy: `policy init`, `policy test` and `waive`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from mlgate import beginning, git, judge, waive
from mlgate.advisories.rules import CIRCUMSTANCES
from mlgate.errors import MlgateError
from mlgate.pipeline import catalogue
from mlgate.policy import commands, demands, load
from mlgate.policy.schema import Policy
from mlgate.records import Action, Decision, Verdict
from mlgate.reports import saved
from mlgate.reports.escape import terminal
from mlgate.reports.findings import FindingsFile
from mlgate.settings import Result

_NOBODY = "@owner"
# Only a policy that asks for something has these.
_OWN = frozenset(rule.id for rule in (*demands.RULES, *CIRCUMSTANCES) if not rule.clause or rule in CIRCUMSTANCES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What a policy makes of an earlier run's findings: text for a person, and the verdict."""

    text: str
    passed: bool


def init(file: Path, result: Result, *, root: Path, today: date) -> str:
    """Writes the first policy of the repository that was looked at. Raises MlgateError when the file is there."""
    owner = _email(root)
    made = beginning.first(result, owner=owner or _NOBODY, today=today)
    commands.create(file, made.text)
    told = [f"{file} is written. It takes effect when it is on the base branch.\n"]
    if not owner and _NOBODY in made.text:
        told.append(f"Put whoever answers for its waivers in the place of {_NOBODY!r}.\n")
    if made.left:
        told.append("Under it the gate still fails, until you have dealt with:\n")
        told += [f"  {line}\n" for line in made.left[:20]]
        told += [f"  and {len(made.left) - 20:,} more\n"] if len(made.left) > 20 else []
    else:
        told.append("A scan of everything passes under it; what it lets pass for now is written in it.\n")
    return "".join(told)


def test(policy_file: Path | None, findings_file: Path, *, today: date, fetch: load.Fetch | None) -> Tried:
    """Judges a saved findings.json by a policy. Raises MlgateError when one of the two cannot be read.

    Findings that the earlier policy itself asked for (formats, sources, licences, required facts) are left out: whether
    another policy asks for them can only be said of the repository.
    """
    policy = commands.read(policy_file, fetch)
    before = saved.load(findings_file)
    entries = {entry.fingerprint: entry for entry in before.findings}
    found = [(finding, key) for finding, key in saved.found(before, catalogue()) if finding.rule.id not in _OWN]
    old = frozenset(entry.fingerprint for entry in before.findings if not entry.new)
    base = judge.Base(ref=before.policy.base, fingerprints=old) if before.policy.compared else None
    source = str(policy_file or commands.DEFAULT)
    verdict = judge.decided(policy, found, hashes=_hashes(before), today=today, base=base, policy_source=source)
    lines = []
    for decision in verdict.decisions:
        was = entries[decision.fingerprint].action
        if decision.action is not Action.NOTE or was is not Action.NOTE:
            lines.append(_line(decision, was))
    lines += [f"note: {terminal(note)}\n" for note in verdict.notes]
    left = sum(entry.rule in _OWN for entry in before.findings)
    if left:
        lines.append(
            f"Left out: {left:,} findings of what the earlier policy asked for itself; `mlgate scan` judges those.\n"
        )
    return Tried(text="".join([*lines, _closing(verdict, before)]), passed=verdict.passed)


def _line(decision: Decision, was: Action) -> str:
    finding = decision.finding
    now = str(decision.action) if decision.action is was else f"{decision.action} (was {was})"
    return f"{now:<18} {finding.rule.id} {terminal(str(finding.location))}: {terminal(decision.clause)}\n"


def _closing(verdict: Verdict, before: FindingsFile) -> str:
    now, then = "passes" if verdict.passed else "fails", "passed" if before.verdict == "pass" else "failed"
    blocks = sum(decision.action is Action.BLOCK for decision in verdict.decisions)
    return f"The run {now} under this policy ({blocks:,} blocking); it {then} then.\n"


def waiver(
    fingerprint: str,
    *,
    findings_file: Path,
    policy_file: Path | None,
    reason: str,
    owner: str,
    expires: str,
    today: date,
    fetch: load.Fetch | None = None,
) -> str:
    """The YAML that waives a finding, to paste below `waivers: items:`. Raises MlgateError where none would work."""
    policy: Policy = (
        commands.read(policy_file, fetch) if policy_file or commands.DEFAULT.is_file() else load.preset("starter")
    )
    waive.check_end(policy, expires, today)
    before = saved.load(findings_file)
    entry = waive.chosen(before, fingerprint)
    finding = next(f for f, key in saved.found(before, catalogue()) if key == entry.fingerprint)
    told = waive.item(finding, _hashes(before), reason=reason, owner=owner or _owner(Path()), expires=expires)
    text = f"waivers:\n  items:\n{waive.yaml_of(told, indent='    ')}"
    load.load(f"version: 1\n{text}", "the waiver")  # what is printed has to be accepted
    return text


def _hashes(before: FindingsFile) -> dict[str, str]:
    return {file.path: file.sha256 for file in before.scanned if file.sha256}


def _email(root: Path) -> str:
    """Who commits here, as git knows, or ""."""
    repository = git.find(root)
    return repository.setting("user.email") if repository else ""


def _owner(root: Path) -> str:
    """Who answers for a waiver where nobody is named: who commits here. Raises MlgateError when git does not know."""
    email = _email(root)
    if not email:
        raise MlgateError("A waiver needs an owner, and git has no user.email here.", "Give --owner.")
    return email
