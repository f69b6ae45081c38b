"""The lowest version that no advisory of the package affects.

A dump holds every record of a package. The API answers for one version: it does not name what was brought in later
than that version, so what it would say of the upgrade is asked for as well, until an answer adds nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mlgate.advisories.match import is_affected, smallest_upgrade
from mlgate.advisories.orders import Incomparable
from mlgate.advisories.records import Record
from mlgate.advisories.source import Answer, Query, Unavailable

_ROUNDS = 6  # each round rises above another advisory; real chains have two or three

Ask = Callable[[list[Query]], Answer]


def upgrades(records: Mapping[Query, tuple[Record, ...]], again: Ask | None) -> dict[Query, str]:
    """For each query whose version is affected the lowest version above it that none of the records affects.

    `again` asks a source that answers by version, None when `records` are all there are. Where that fails, or comes to
    no end, there is no upgrade: one that nobody compared is not offered.
    """
    known = {query: live for query, all_ in records.items() if _hit(query, live := _live(all_))}
    found = {query: _smallest(query, live) for query, live in known.items()}
    unsure = {query for query, version in found.items() if version and again is not None}
    for _ in range(_ROUNDS):
        if not unsure or again is None:
            break
        risen = {query: _at(query, found[query]) for query in unsure}
        try:
            answer = again(sorted(set(risen.values())))
        except Unavailable:
            break
        if answer.broken:
            break
        for query, asked in risen.items():
            seen = {record.id for record in known[query]}
            more = tuple(r for r in _live(answer.records.get(asked, ())) if r.id not in seen)
            known[query] += more
            before, found[query] = found[query], _smallest(query, known[query]) if more else found[query]
            if found[query] in {before, ""}:
                unsure.discard(query)
    for query in unsure:
        found[query] = ""
    return found


def _at(query: Query, version: str) -> Query:
    return Query(ecosystem=query.ecosystem, name=query.name, version=version)


def _live(records: tuple[Record, ...]) -> tuple[Record, ...]:
    return tuple(record for record in records if not record.withdrawn)


def _smallest(query: Query, records: tuple[Record, ...]) -> str:
    return smallest_upgrade(records, query.ecosystem, query.name, query.version)


def _hit(query: Query, records: tuple[Record, ...]) -> bool:
    for record in records if query.version else ():
        try:
            if is_affected(record, query.ecosystem, query.name, query.version):
                return True
        except Incomparable:
            continue
    return False
