"""Packages to findings: which advisories concern them, one finding for each group of aliases and manifest."""

from __future__ import annotations

import importlib.resources
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mlgate import rules
from mlgate.advisories import exploited as exploitation
from mlgate.advisories import offline
from mlgate.advisories.exploited import Exploitation
from mlgate.advisories.fixes import pasteable
from mlgate.advisories.match import affected_ranges, affects_all, fixed_versions, is_affected
from mlgate.advisories.orders import Incomparable
from mlgate.advisories.records import Affected, Package, Record
from mlgate.advisories.rules import INCOMPARABLE, MALICIOUS, NOTE, POSSIBLE, RULES, VULNERABLE
from mlgate.advisories.severity import rate
from mlgate.advisories.shortcomings import shortcomings
from mlgate.advisories.source import AdvisorySource, Answer, Query, Unavailable
from mlgate.advisories.upgrades import Ask, upgrades
from mlgate.records import Component, Finding, Kind, Location, Pairs, Rule, Severity, Vulnerability

__all__ = ["RULES", "Advice", "AdvisorySource", "lookup"]

_MOST = 20_000
# ecosystems of which OSV has no advisories; their readers say so, once a file
_WITHOUT = frozenset({"conda", "Docker"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What the advisories say: `source` tells where that comes from, in words."""

    findings: tuple[Finding, ...] = ()
    vulnerabilities: tuple[Vulnerability, ...] = ()
    source: str = ""


def lookup(components: Iterable[Component], source: AdvisorySource) -> Advice:
    """The advisories on all packages that come from a registry; others have no name to look up there.

    A source that cannot answer is a finding (incomplete), never silence.
    """
    asked = {component: _query(component) for component in components if _has_name(component)}
    if not asked:
        return Advice(source="no packages to ask about")
    if len(asked) > _MOST:
        return _unavailable(asked, f"{len(asked):,} packages are more than can be asked about")
    findings: list[Finding] = []
    try:
        answer, again = _ask(source, sorted(set(asked.values())))
    except Unavailable as error:
        return _unavailable(asked, str(error))
    place = min(next(iter(_places(component))) for component in asked)
    if answer.broken:
        told = f"{answer.broken:,} records of the {answer.origin} cannot be read"
        findings.append(rules.incomplete("unavailable", Location(path=place), told))
    if source.url and answer.origin != source.url:
        message = f"{source.url} did not answer; the {answer.origin} was used."
        findings.append(rules.finding(NOTE, Location(path=place), message))
    known = _known()
    names = {name for records in answer.records.values() for record in records for name in _named(record)}
    exploited = exploitation.read(source.database, names) if names or source.needs else exploitation.Exploitation()
    findings += shortcomings(answer.days, exploited, source, Location(path=place))
    vulnerabilities: list[Vulnerability] = []
    concerning = {
        query: (*answer.records.get(query, ()), *known.get((query.ecosystem, query.name), ()))
        for query in set(asked.values())
    }
    risen = upgrades(concerning, again)
    for component, query in asked.items():
        for said in _judged(component, query, concerning[query], risen.get(query, ""), exploited):
            (findings if isinstance(said, Finding) else vulnerabilities).append(said)  # type: ignore[arg-type]
    return Advice(
        findings=tuple(findings),
        vulnerabilities=tuple(sorted(vulnerabilities, key=lambda v: (v.purl, v.id))),
        source=answer.origin,
    )


def _has_name(component: Component) -> bool:
    facts = component.package
    if component.kind is not Kind.PACKAGE or facts is None:
        return False
    return facts.origin == "registry" and facts.ecosystem not in _WITHOUT


def _query(component: Component) -> Query:
    ecosystem = component.package.ecosystem if component.package else ""
    return Query(ecosystem=ecosystem, name=component.name, version=component.version or "")


def _ask(source: AdvisorySource, queries: list[Query]) -> tuple[Answer, Ask | None]:
    """The API's answer with a way to ask it more, else the database's. Raises Unavailable when neither has one."""
    if source.url:
        from mlgate.advisories.osv import Client  # noqa: PLC0415  (start-up)

        client = Client(url=source.url, cache=source.cache)
        try:
            return client.ask(queries), client.ask
        except Unavailable:
            if source.database is None:
                raise
    if source.database is None:
        raise Unavailable("no network (--offline) and no database (--db)")
    return offline.ask(source.database, queries), None


def _unavailable(asked: Iterable[Component], reason: str) -> Advice:
    """One finding for each manifest whose packages were not asked about, and what needs nobody to be asked."""
    paths = sorted({path for component in asked for path in _places(component)})
    told = [rules.incomplete("unavailable", Location(path=path), reason) for path in paths]
    vulnerabilities = []
    known, unrated = _known(), exploitation.Exploitation()
    for component in asked:  # what is known without a source is said without one
        query = _query(component)
        for said in _judged(component, query, known.get((query.ecosystem, query.name), ()), "", unrated):
            if isinstance(said, Finding):
                told.append(said)
            else:
                vulnerabilities.append(said)
    return Advice(findings=tuple(told), vulnerabilities=tuple(vulnerabilities), source=f"none: {reason}")


def _places(component: Component) -> dict[str, Location]:
    """The first place in each file, by path in order; a component without one stands nowhere."""
    found: dict[str, Location] = {}
    for occurrence in component.occurrences:
        found.setdefault(occurrence.location.path, occurrence.location)
    return dict(sorted(found.items())) or {".": Location(path=".")}


def _known() -> dict[tuple[str, str], tuple[Record, ...]]:
    """The table of names that no feed carries, as records."""
    text = importlib.resources.files("mlgate.advisories").joinpath("known.toml").read_text(encoding="utf-8")
    found: dict[tuple[str, str], tuple[Record, ...]] = {}
    for entry in tomllib.loads(text)["package"]:
        package = Package(ecosystem=entry["ecosystem"], name=entry["name"])
        record = Record(
            id=f"MAL-known-{entry['name']}",
            summary=f"{entry['summary']} ({entry['source']})",
            affected=(Affected(package=package, listed=tuple(entry.get("versions", ()))),),
        )
        found[package.ecosystem, package.name] = (record,)
    return found


def _judged(
    component: Component, query: Query, records: tuple[Record, ...], upgrade: str, exploited: Exploitation
) -> Iterator[Finding | Vulnerability]:
    live = tuple(record for record in records if not record.withdrawn)
    if not query.version:
        for record in live:
            if record.malicious and affects_all(record, query.ecosystem, query.name):
                message = f"{component.name} is malware in every version ({record.id}): {_shown((record,))}"
                yield from _told(component, MALICIOUS, message, (record,), severity=Severity.CRITICAL)
            elif record.malicious:
                message = f"{component.name}: some versions are malware ({record.id}), and none is fixed here."
                yield from _told(component, POSSIBLE, message, (record,), severity=POSSIBLE.severity)
        return
    hits = []
    for record in live:
        try:
            if is_affected(record, query.ecosystem, query.name, query.version):
                hits.append(record)
        except Incomparable:
            message = f"{component.name} {query.version} has no place in the order that {record.id} speaks of."
            yield from _told(component, INCOMPARABLE, message, (record,), severity=INCOMPARABLE.severity)
    for group in _groups(hits):
        yield from _group(component, query, group, upgrade, exploited)


def _named(record: Record) -> Iterator[str]:
    """All ids of the record."""
    yield record.id
    yield from record.aliases or ()


def _groups(records: Iterable[Record]) -> list[tuple[Record, ...]]:
    """Records that are aliases of each other, directly or by a common alias; each group's first id is its name."""
    groups: list[tuple[set[str], list[Record]]] = []
    for record in sorted(records, key=_preference):
        names = set(_named(record))
        joined = [group for group in groups if group[0] & names]
        members = [member for group in joined for member in group[1]]
        for group in joined:
            names |= group[0]
            groups.remove(group)
        groups.append((names, [*members, record]))
    return [tuple(sorted(members, key=_preference)) for _, members in groups]


def _preference(record: Record) -> tuple[int, str]:
    order = ("MAL-", "GHSA-", "PYSEC-", "CVE-")
    return next((n for n, prefix in enumerate(order) if record.id.startswith(prefix)), len(order)), record.id


def _group(
    component: Component, query: Query, group: tuple[Record, ...], upgrade: str, exploited: Exploitation
) -> Iterator[Finding | Vulnerability]:
    first = group[0]
    malicious = any(record.malicious for record in group)
    rating = rate(group)
    names = {name for record in group for name in _named(record)}
    aliases = sorted(names - {first.id})
    kev, epss = exploited.of(names)
    probability = f"{epss or 0:.5f}".rstrip("0").rstrip(".")
    shown = _shown(group)
    if malicious:
        message = f"{component.name} {query.version} is malware ({first.id}): {shown}"
        yield from _told(component, MALICIOUS, message, group, severity=Severity.CRITICAL)
    else:
        score = (
            f", CVSS {rating.score}" if rating.score is not None else ", unscored" if rating.severity is None else ""
        )
        told = f"{', exploited (CISA KEV)' if kev else ''}{f', EPSS {probability}' if epss is not None else ''}"
        message = f"{component.name} {query.version}: {first.id}{score}{told}: {shown}"
        facts: Pairs = (("cvss", str(rating.score)),) if rating.score is not None else ()
        if rating.severity is None:
            facts = (("unscored", "true"),)
        facts += (("kev", kev),) if kev else ()
        facts += (("epss", probability),) if epss is not None else ()
        severity = rating.severity or Severity.MEDIUM
        yield from _told(component, VULNERABLE, message, group, severity=severity, facts=facts, upgrade=upgrade)
    yield Vulnerability(
        id=first.id,
        purl=component.purl or component.identity,
        aliases=tuple(aliases),
        summary=shown,
        severity=Severity.CRITICAL if malicious else rating.severity,
        score=rating.score,
        vector=rating.vector,
        fixed=fixed_versions(group, query.ecosystem, query.name),
        ranges=affected_ranges(group, query.ecosystem, query.name),
        url=f"https://osv.dev/vulnerability/{first.id}",
        malicious=malicious,
        kev=kev,
        epss=epss,
    )


def _shown(group: tuple[Record, ...]) -> str:
    """What the records are about, in one line."""
    summary = next((text for record in group for text in (record.summary, record.details) if text), "")
    return " ".join(summary.split())[:200]


def _told(
    component: Component,
    rule: Rule,
    message: str,
    group: tuple[Record, ...],
    *,
    severity: Severity,
    facts: Pairs = (),
    upgrade: str = "",
) -> Iterator[Finding]:
    """The finding in each manifest that names the component."""
    names = sorted({name for record in group for name in _named(record)})
    purl = component.purl or component.identity
    common: Pairs = (("purl", purl), ("advisory", group[0].id), ("aliases", ",".join(names)), *facts)
    for path, location in _places(component).items():
        yield rules.finding(
            rule,
            location,
            message,
            evidence=f"{purl} {group[0].id}",
            severity=severity,
            subject=purl,
            fix=pasteable(component, path, upgrade) if upgrade else "",
            facts=(*common, ("fixed", upgrade)) if upgrade else common,
        )
