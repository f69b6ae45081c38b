"""What every source of advisories is asked and answers."""

from __future__ import annotations

from dataclasses import dataclass

from mlgate.advisories.records import Record


class Unavailable(Exception):  # noqa: N818  (a state of the source: the caller decides what it means)
    """The source could not answer completely, so nothing it said may be taken for all there is."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Query:
    """A package in OSV's terms; without a version only malware is asked for."""

    ecosystem: str
    name: str
    version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Records that may concern the queries, by query, where they came from, and how many could not be read."""

    records: dict[Query, tuple[Record, ...]]
    origin: str
    broken: int = 0
