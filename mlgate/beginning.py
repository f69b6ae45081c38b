"""`mlgate policy init`: the first policy of a repository, which passes today and says what it lets pass."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from mlgate import judge, waive
from mlgate.errors import MlgateError
from mlgate.policy import load
from mlgate.policy.schema import Policy
from mlgate.records import Action, Decision
from mlgate.reports.escape import visible
from mlgate.settings import Result

DAYS = 30  # how long what is found today may stay
_REASON = "there when mlgate was introduced"
_GLOBALS = "models.pickle.unknown-"
_HEAD = """\
# What mlgate accepts in this repository; it takes effect when it is on the base branch.
# Every key: docs/policy.md of mlgate, or `mlgate policy schema`; what is in force: `mlgate policy show`.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class First:
    """The policy's text, and what stays to be done by hand before it passes, a line each."""

    text: str
    left: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What has to be let pass: keys to `warn`, names, waivers that work and waivers that are written as comments."""

    keys: tuple[tuple[str, int], ...] = ()
    names: tuple[str, ...] = ()
    waivers: tuple[dict[str, str], ...] = ()
    by_hand: tuple[dict[str, str], ...] = ()
    left: tuple[str, ...] = ()


def first(result: Result, *, owner: str, today: date) -> First:
    """A policy over `starter` under which a scan of everything passes but for malicious findings.

    What a key of the policy decides is set to `warn` with its number of findings; unknown globals are allowed by
    name; the rest is waived for 30 days. Malicious findings are never let pass: their waivers are comments.
    """
    verdict = judge.judge(load.preset("starter"), result.inventory, today=today, base=None, policy_source="")
    blocking = [decision for decision in verdict.decisions if decision.action is Action.BLOCK]
    plan = _plan(blocking, {file.path: file.sha256 for file in result.inventory.scanned}, owner, today)
    text = _text(plan)
    after = judge.judge(load.load(text, "policy"), result.inventory, today=today, base=None, policy_source="")
    stays = [f"{d.finding.rule.id} {visible(str(d.finding.location))}" for d in after.decisions if d.action == "block"]
    return First(text=text, left=tuple(dict.fromkeys((*plan.left, *stays))))


def _plan(blocking: Iterable[Decision], hashes: dict[str, str], owner: str, today: date) -> _Plan:
    keys: Counter[str] = Counter()
    names: set[str] = set()
    waivers: dict[str, dict[str, str]] = {}
    by_hand: dict[str, dict[str, str]] = {}
    left: list[str] = []
    expires = (today + timedelta(days=DAYS)).isoformat()
    for decision in blocking:
        finding = decision.finding
        key = decision.clause.partition(":")[0]
        name = finding.fact("global") or ""
        if key.startswith(_GLOBALS) and name:
            names.add(name)
        elif not finding.rule.malicious and _decides(key):
            keys[key] += 1
        else:
            try:
                told = waive.item(finding, hashes, reason=_REASON, owner=owner, expires=expires)
            except MlgateError:
                left.append(f"{finding.rule.id} {visible(str(finding.location))}")
                continue
            (by_hand if finding.rule.malicious else waivers)[json.dumps(told)] = told
    return _Plan(
        keys=tuple(sorted(keys.items())),
        names=tuple(sorted(names)),
        waivers=tuple(waivers[one] for one in sorted(waivers)),
        by_hand=tuple(by_hand[one] for one in sorted(by_hand)),
        left=tuple(left),
    )


def _decides(key: str) -> bool:
    """Whether `warn` can be written for a key of the policy. Looks that failed are waived one by one instead."""
    try:
        return Policy(version=1).clause(key) in {"block", "warn", "note"} and key not in {"mode", "on-incomplete"}
    except (KeyError, AttributeError):
        return False


def _text(plan: _Plan) -> str:
    return "".join(_lines(plan))


def _lines(plan: _Plan) -> Iterator[str]:
    yield f"{_HEAD}version: 1\nextends: starter             # or strict\n"
    table = ""
    keys = dict(plan.keys)
    names = {"models.pickle.allow-globals": plan.names} if plan.names else {}
    for key in sorted({*keys, *names}):
        *tables, last = key.split(".")
        here = ".".join(tables)
        if here != table:
            shared = 0
            while shared < len(tables) and tables[: shared + 1] == table.split(".")[: shared + 1]:
                shared += 1
            yield from (f"{'  ' * depth}{tables[depth]}:\n" for depth in range(shared, len(tables)))
            table = here
        indent = "  " * len(tables)
        if key in names:
            yield f"{indent}{last}:               # looked at? take out what is not yours\n"
            yield from (f"{indent}  - {json.dumps(name)}\n" for name in names[key])
        else:
            found = keys[key]
            what = "1 finding" if found == 1 else f"{found:,} findings"
            yield f"{indent}{last}: warn      # {what} when this was written; `block` once there are none\n"
    if plan.waivers:
        yield f"waivers:\n  items:                     # each ends by itself after {DAYS} days\n"
        yield from (waive.yaml_of(told, indent="    ") for told in plan.waivers)
    if plan.by_hand:
        yield "# Not waived: it runs code when it is loaded, or is malware. Remove it, or take over what is yours\n"
        yield f"# into {'the items above' if plan.waivers else '`waivers: {items: [...]}`'}:\n"
        for told in plan.by_hand:
            yield from (f"#{line}\n" for line in waive.yaml_of(told, indent="    ").splitlines())
