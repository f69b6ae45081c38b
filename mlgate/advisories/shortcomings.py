"""What a database lacks for a policy: lists that it decides by, and youth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

from mlgate import rules
from mlgate.advisories.exploited import Exploitation
from mlgate.advisories.rules import OUTDATED, UNKNOWN_EXPLOITATION
from mlgate.advisories.source import AdvisorySource
from mlgate.records import Finding, Location


def shortcomings(
    days: Mapping[str, str], exploited: Exploitation, source: AdvisorySource, place: Location
) -> Iterator[Finding]:
    """A finding for each list that is broken, or needed and not there, and for each file that is too old.

    `days` are those of the dumps that were used, by ecosystem.
    """
    for name, why in exploited.broken:
        yield rules.finding(UNKNOWN_EXPLOITATION, place, f"{name} in the database folder {why}.", evidence=name)
    lists = {"kev": exploited.kev, "epss": exploited.epss}
    broken = {name.partition(".")[0] for name, _ in exploited.broken}
    used = dict(days)
    for kind in sorted(source.needs - broken):
        found = lists[kind]
        if found is None:
            message = f"The policy's block-if asks for {kind}, and there is no file with that (--db DIR)."
            yield rules.finding(UNKNOWN_EXPLOITATION, place, message, evidence=kind)
        else:
            used[kind] = found.checked or found.day
    if source.oldest is None or source.today is None:
        return
    for name, day in sorted(used.items()):
        age = _age(day, source.today)
        if age is None or age > source.oldest:
            told = f"is of {day}, {age:,} days old" if age is not None else "does not say how old it is"
            message = f"What the database has for {name} {told}; the policy allows {source.oldest:,} days."
            yield rules.finding(OUTDATED, place, message, evidence=name)


def _age(day: str, today: date) -> int | None:
    """Days since; what is of tomorrow by our clock is new."""
    try:
        return max(0, (today - date.fromisoformat(day)).days)
    except ValueError:
        return None
