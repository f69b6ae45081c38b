"""findings.json of an earlier run, read again: for trying a policy on it, and for writing a waiver."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from mlgate.errors import MlgateError
from mlgate.records import Finding, Location, Rule
from mlgate.reports.findings import FindingEntry, FindingsFile

_LARGEST = 256 * 2**20
_HINT = "Make one with `mlgate scan . --output mlgate-report`."


def load(path: Path) -> FindingsFile:
    """The file as records. Raises MlgateError when it cannot be read or is none that this version wrote."""
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except OSError as error:
        raise MlgateError(f"{str(path)!r} cannot be read: {error.strerror}.", _HINT) from None
    if len(data) > _LARGEST:
        raise MlgateError(f"{str(path)!r} is larger than {_LARGEST:,} bytes.", _HINT)
    return read(data, str(path))


def read(data: bytes, name: str) -> FindingsFile:
    """The bytes of a findings.json as records. Raises MlgateError when they are none that this version wrote."""
    try:
        return msgspec.json.decode(data, type=FindingsFile)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MlgateError(f"{name!r} is no findings.json of mlgate: {str(error)[:300]}.", _HINT) from None


def found(saved: FindingsFile, rules: Mapping[str, Rule]) -> Iterator[tuple[Finding, str]]:
    """Its findings with their fingerprints. Raises MlgateError for a rule that this version does not have."""
    for entry in saved.findings:
        rule = rules.get(entry.rule)
        if rule is None:
            raise MlgateError(f"There is no rule {entry.rule!r} in this version of mlgate.", _HINT)
        yield _finding(entry, rule), entry.fingerprint


def _finding(entry: FindingEntry, rule: Rule) -> Finding:
    return Finding(
        rule=rule,
        location=Location(
            path=entry.path,
            line=entry.line,
            end_line=entry.end_line,
            cell=entry.cell,
            member=entry.member,
            offset=entry.offset,
        ),
        message=entry.message,
        evidence=entry.evidence,
        severity=entry.severity,
        subject=entry.subject,
        fix=entry.fix,
        facts=tuple((key, value) for key, values in entry.facts.items() for value in values),
    )
