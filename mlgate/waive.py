"""`mlgate waive`: the YAML that accepts one finding, in the form that the policy wants; and items for `policy init`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, timedelta

from mlgate.errors import MlgateError
from mlgate.judge import BY_HASH
from mlgate.policy.schema import Policy
from mlgate.records import Finding
from mlgate.reports.findings import FindingEntry, FindingsFile

_SHORTEST = 8


def chosen(saved: FindingsFile, fingerprint: str) -> FindingEntry:
    """The finding of that fingerprint, or of one that begins so. Raises MlgateError for none or several."""
    wanted = fingerprint.lower()
    fits = [entry for entry in saved.findings if entry.fingerprint.startswith(wanted)]
    if len(wanted) < _SHORTEST or not fits:
        raise MlgateError(
            f"No finding has the fingerprint {fingerprint!r}.",
            f"Give at least {_SHORTEST} characters of one in findings.json; the comment shows it with each finding.",
        )
    if len({entry.fingerprint for entry in fits}) > 1:
        raise MlgateError(f"{len(fits)} findings begin with {fingerprint!r}.", "Give more characters.")
    return fits[0]


def check_end(policy: Policy, expires: str, today: date) -> None:
    """Raises MlgateError for a day on which a waiver of this policy cannot end."""
    try:
        ends = date.fromisoformat(expires)
    except ValueError:
        raise MlgateError(f"{expires!r} is no day.", "Write it as YYYY-MM-DD.") from None
    latest = today + timedelta(days=policy.waivers.max_days)
    if not today <= ends <= latest:
        raise MlgateError(
            f"A waiver that ends on {expires} does not work.",
            f"Give a day from {today} to {latest} (`waivers.max-days: {policy.waivers.max_days}`).",
        )


def item(finding: Finding, hashes: Mapping[str, str], *, reason: str, owner: str, expires: str) -> dict[str, str]:
    """The waiver of a finding: by package where it is about one, else by path, with the hash where it is about bytes.

    Raises MlgateError when the finding is about bytes that have no hash.
    """
    purl = finding.fact("purl") or (finding.subject if finding.subject.startswith("pkg:") else "")
    told = {"rule": finding.rule.id}
    path = finding.location.path
    if purl:
        told["purl"] = purl
    else:
        told["path"] = path
        if finding.rule.category in BY_HASH:
            digest = hashes.get(path, "")
            if not digest:
                raise MlgateError(
                    f"{finding.rule.id} is about the bytes of {path!r}, and they were not hashed.",
                    "What could not be read at all cannot be waived; mend or remove it.",
                )
            told["sha256"] = digest
    return told | {"reason": reason, "owner": owner, "expires": expires}


def yaml_of(told: Mapping[str, str], *, indent: str) -> str:
    """An item of `waivers.items` as YAML; values are JSON strings, which YAML reads as they are."""
    lines = [f"{key}: {json.dumps(value)}" for key, value in told.items()]
    return f"{indent}- " + f"\n{indent}  ".join(lines) + "\n"
