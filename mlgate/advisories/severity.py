"""How bad an advisory is: CVSS vectors of any version, then the database's own word, else nobody said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from mlgate.advisories.records import Record
from mlgate.records import Severity

_WORDS = {
    "CRITICAL": Severity.CRITICAL,
    "HIGH": Severity.HIGH,
    "MODERATE": Severity.MEDIUM,
    "MEDIUM": Severity.MEDIUM,
    "LOW": Severity.LOW,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """`score` is a CVSS base score, 0.0 to 10.0; `severity` is None when neither score nor word is there."""

    severity: Severity | None = None
    score: float | None = None
    vector: str = ""


def of_score(score: float) -> Severity:
    """The qualitative rating of a score (CVSS v3.1 specification, section 5; v4.0, section 6)."""
    for least, severity in (
        (9.0, Severity.CRITICAL),
        (7.0, Severity.HIGH),
        (4.0, Severity.MEDIUM),
        (0.1, Severity.LOW),
    ):
        if score >= least:
            return severity
    return Severity.INFO


def base_score(kind: str, vector: str) -> float | None:
    """The base score of a vector as its CVSS version computes it, or None when it is no vector."""
    from cvss import CVSS2, CVSS3, CVSS4  # noqa: PLC0415  (start-up)
    from cvss.exceptions import CVSSError  # noqa: PLC0415

    parsers = {"CVSS_V2": CVSS2, "CVSS_V3": CVSS3, "CVSS_V4": CVSS4}
    if kind not in parsers or len(vector) > 500:
        return None
    try:
        return float(parsers[kind](vector).scores()[0])
    except (CVSSError, ValueError, TypeError):
        return None


def rate(records: Iterable[Record]) -> Rating:
    """The worst that any of the records says; records of one group are aliases of each other."""
    best = Rating()
    word: Severity | None = None
    for record in records:
        for kind, vector in _vectors(record):
            score = base_score(kind, vector)
            if score is not None and (best.score is None or score > best.score):
                best = Rating(severity=of_score(score), score=score, vector=vector)
        for said in _said(record):
            if word is None or said.rank > word.rank:
                word = said
    return best if best.score is not None else Rating(severity=word)


def _vectors(record: Record) -> Iterator[tuple[str, str]]:
    for severity in record.severity or ():
        yield severity.type, severity.score
    for affected in record.affected or ():
        for severity in affected.severity:
            yield severity.type, severity.score


def _said(record: Record) -> Iterator[Severity]:
    specific: list[Any] = [record.database_specific]
    for affected in record.affected or ():
        specific += [affected.database_specific, affected.ecosystem_specific]
    for table in specific:
        text = table.get("severity") if isinstance(table, dict) else None
        if isinstance(text, str) and text.upper() in _WORDS:
            yield _WORDS[text.upper()]
