"""What every source of advisories is asked and answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

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
    """Records that may concern the queries, by query, where they came from, and how many could not be read.

    `days` has the day of each dump that was used, by ecosystem ("" when unknown); a service that answers has none.
    """

    records: dict[Query, tuple[Record, ...]]
    origin: str
    broken: int = 0
    days: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AdvisorySource:
    """Where to ask: `url` of OSV's API ("" for no network) and the folder of the offline database, or None.

    `cache` is a folder for records of the API that did not change, or None. `needs` are which of "kev" and "epss" the
    policy decides by: that they are not in the database's folder is then a finding, as is, where `oldest` is given,
    what was last updated more than that many days before `today`.
    """

    url: str = ""
    database: Path | None = None
    cache: Path | None = None
    needs: frozenset[str] = frozenset()
    oldest: int | None = None
    today: date | None = None
