"""Advisories and waivers to CycloneDX's vulnerabilities."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal

from cyclonedx.model import Property, XsUri
from cyclonedx.model.impact_analysis import (
    ImpactAnalysisAffectedStatus,
    ImpactAnalysisJustification,
    ImpactAnalysisResponse,
    ImpactAnalysisState,
)
from cyclonedx.model.vulnerability import (
    BomTarget,
    BomTargetVersionRange,
    VulnerabilityAdvisory,
    VulnerabilityAnalysis,
    VulnerabilityRating,
    VulnerabilityReference,
    VulnerabilityScoreSource,
    VulnerabilitySeverity,
    VulnerabilitySource,
)
from cyclonedx.model.vulnerability import Vulnerability as CdxVulnerability
from packageurl import PackageURL

from mlgate.bom.texts import clean, url
from mlgate.records import Action, Analysis, Severity, Verdict, Vulnerability

_SEVERITIES = {
    Severity.CRITICAL: VulnerabilitySeverity.CRITICAL,
    Severity.HIGH: VulnerabilitySeverity.HIGH,
    Severity.MEDIUM: VulnerabilitySeverity.MEDIUM,
    Severity.LOW: VulnerabilitySeverity.LOW,
    Severity.INFO: VulnerabilitySeverity.INFO,
}
_SOURCES = (
    ("CVE-", "NVD", "https://nvd.nist.gov/vuln/detail/{}"),
    ("GHSA-", "GitHub Advisories", "https://github.com/advisories/{}"),
)
_ID = re.compile(r"[A-Za-z0-9][\w.:-]{1,99}", re.ASCII)
_LONGEST_RANGE = 1_024
_EMBEDDED_MALICIOUS_CODE = 506


def vulnerabilities(
    found: Iterable[Vulnerability], targets: Mapping[str, tuple[str, ...]], verdict: Verdict | None
) -> list[CdxVulnerability]:
    """One entry for each advisory id, with all packages that it affects.

    `targets` gives the bom-refs of a package by its purl with version.
    """
    grouped: dict[str, list[Vulnerability]] = {}
    for record in found:
        grouped.setdefault(clean(record.id, 100), []).append(record)
    return [_entry(records, targets, verdict) for _, records in sorted(grouped.items())]


def _entry(
    records: list[Vulnerability], targets: Mapping[str, tuple[str, ...]], verdict: Verdict | None
) -> CdxVulnerability:
    records = sorted(records, key=lambda r: r.purl)
    first = records[0]
    name = clean(first.id, 100)
    page = url(first.url)
    aliases = sorted({alias for record in records for alias in record.aliases if alias != first.id})
    properties = [Property(name="mlgate:purl", value=clean(r.purl, 500)) for r in records if not targets.get(r.purl)]
    if any(record.malicious for record in records):
        properties.append(Property(name="mlgate:malicious", value="true"))
    listed = sorted(record.kev for record in records if record.kev)
    if listed:
        properties.append(Property(name="mlgate:kev", value=clean(listed[0], 100)))
    scores = [record.epss for record in records if record.epss is not None]
    if scores:  # no rating, since those are written with one digit after the point
        properties.append(Property(name="mlgate:epss", value=f"{max(scores):.5f}"))
    return CdxVulnerability(
        bom_ref=f"vulnerability:{name}",
        id=name,
        source=_source(name, page),
        references=[VulnerabilityReference(id=clean(alias, 100), source=_source(alias, None)) for alias in aliases],
        ratings=[_rating(first)],
        cwes=[_EMBEDDED_MALICIOUS_CODE] if any(record.malicious for record in records) else [],
        description=clean(first.summary) or None,
        recommendation=_recommendation(records),
        advisories=[VulnerabilityAdvisory(url=XsUri(page))] if page else [],
        analysis=_analysis(records, verdict),
        affects=_affected(records, targets),
        properties=properties,
    )


def _source(name: str, page: str | None) -> VulnerabilitySource:
    for prefix, source, address in _SOURCES:
        if name.startswith(prefix) and _ID.fullmatch(name):
            return VulnerabilitySource(name=source, url=XsUri(address.format(name)))
    if page is None and _ID.fullmatch(name):
        page = f"https://osv.dev/vulnerability/{name}"
    return VulnerabilitySource(name="OSV", url=XsUri(page) if page else None)


def _rating(record: Vulnerability) -> VulnerabilityRating:
    """What the advisory says; "unknown" where it gives no severity, which is not the same as low."""
    vector = clean(record.vector, 300)
    severity = _SEVERITIES[record.severity] if record.severity else VulnerabilitySeverity.UNKNOWN
    return VulnerabilityRating(
        source=_source(clean(record.id, 100), url(record.url)),
        score=Decimal(str(round(record.score, 1))) if record.score is not None and 0 <= record.score <= 10 else None,
        severity=severity,
        method=_method(vector),
        vector=vector or None,
    )


def _method(vector: str) -> VulnerabilityScoreSource | None:
    """The method of a vector; CVSS 2 has no prefix (FIRST, "A Complete Guide to CVSS v2.0")."""
    if not vector:
        return None
    return (
        VulnerabilityScoreSource.CVSS_V2
        if vector.removeprefix("(").startswith("AV:")
        else VulnerabilityScoreSource.get_from_vector(vector)
    )


def _recommendation(records: Iterable[Vulnerability]) -> str | None:
    lines = [
        f"Upgrade {record.purl.rpartition('@')[0] or record.purl} to {' or '.join(record.fixed)}."
        for record in records
        if record.fixed
    ]
    return clean(" ".join(lines)) or None


def _analysis(records: list[Vulnerability], verdict: Verdict | None) -> VulnerabilityAnalysis | None:
    """The waiver of every affected package, as VEX.

    A waiver accepts a risk until a date. By itself it does not say that the code cannot be reached (`not_affected`),
    nor that somebody showed the contrary (`exploitable`): what remains is `in_triage`, with the waiver's own words as
    detail, and the upgrade as the response where there is one. Where the waivers of all packages state the same
    analysis, it is theirs.
    """
    if verdict is None:
        return None
    waivers: dict[str, str] = {}
    stated: set[Analysis] = set()
    for decision in verdict.decisions:
        finding = decision.finding
        ids = {finding.fact("advisory") or "", *(finding.fact("aliases") or "").split(",")}
        for record in records:
            if ids & {record.id, *record.aliases} and record.purl in {finding.fact("purl"), finding.subject}:
                if decision.action is not Action.WAIVED:
                    return None
                waivers[record.purl] = decision.waiver
                stated.add(decision.analysis)
    if set(waivers) != {record.purl for record in records}:
        return None
    told = stated.pop() if len(stated) == 1 else Analysis()
    responses = told.responses or (("update",) if any(record.fixed for record in records) else ())
    return VulnerabilityAnalysis(
        state=ImpactAnalysisState(told.state or "in_triage"),
        justification=ImpactAnalysisJustification(told.justification) if told.justification else None,
        responses=[ImpactAnalysisResponse(response) for response in responses],
        detail="; ".join(f"{purl}: waived ({clean(text, 300)})" for purl, text in sorted(waivers.items())),
    )


def _affected(records: Iterable[Vulnerability], targets: Mapping[str, tuple[str, ...]]) -> list[BomTarget]:
    """Each component with the version that is here, and the ranges that the advisory calls affected."""
    found: dict[str, set[tuple[str, str]]] = {}
    for record in records:
        version = _version(record.purl)
        for ref in targets.get(record.purl, ()):
            versions = found.setdefault(ref, set())
            versions |= {("version", version)} if version else set()
            versions |= {("range", text) for text in record.ranges if len(text) <= _LONGEST_RANGE}
    affected = ImpactAnalysisAffectedStatus.AFFECTED
    return [
        BomTarget(
            ref=ref,
            versions=[
                BomTargetVersionRange(version=text, status=affected)
                if kind == "version"
                else BomTargetVersionRange(range=text, status=affected)
                for kind, text in sorted(versions)
            ],
        )
        for ref, versions in sorted(found.items())
    ]


def _version(purl: str) -> str:
    try:
        return clean(PackageURL.from_string(purl).version or "", 1024)
    except ValueError:
        return ""
