"""Advisories and waivers to CycloneDX's vulnerabilities."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal

from cyclonedx.model import Property, XsUri
from cyclonedx.model.impact_analysis import ImpactAnalysisResponse, ImpactAnalysisState
from cyclonedx.model.vulnerability import (
    BomTarget,
    VulnerabilityAdvisory,
    VulnerabilityAnalysis,
    VulnerabilityRating,
    VulnerabilityReference,
    VulnerabilityScoreSource,
    VulnerabilitySeverity,
    VulnerabilitySource,
)
from cyclonedx.model.vulnerability import Vulnerability as CdxVulnerability

from mlgate.bom.texts import clean, url
from mlgate.records import Action, Severity, Verdict, Vulnerability

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
    refs = sorted({ref for record in records for ref in targets.get(record.purl, ())})
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
        affects=[BomTarget(ref=ref) for ref in refs],
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
        score=Decimal(str(round(record.score, 1))) if record.score is not None and 0 <= record.score <= 10 else None,
        severity=severity,
        method=VulnerabilityScoreSource.get_from_vector(vector) if vector else None,
        vector=vector or None,
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

    A waiver accepts a risk until a date. It does not say that the code cannot be reached (`not_affected`), nor that
    somebody showed the contrary (`exploitable`), nor that anything was repaired (`resolved`): what remains is
    `in_triage`, with the waiver's own words as detail, and the upgrade as the response where there is one.
    """
    if verdict is None:
        return None
    waivers: dict[str, str] = {}
    for decision in verdict.decisions:
        finding = decision.finding
        ids = {finding.fact("advisory") or "", *(finding.fact("aliases") or "").split(",")}
        for record in records:
            if ids & {record.id, *record.aliases} and record.purl in {finding.fact("purl"), finding.subject}:
                if decision.action is not Action.WAIVED:
                    return None
                waivers[record.purl] = decision.waiver
    if set(waivers) != {record.purl for record in records}:
        return None
    detail = "; ".join(f"{purl}: waived ({clean(text, 300)})" for purl, text in sorted(waivers.items()))
    fixed = any(record.fixed for record in records)
    return VulnerabilityAnalysis(
        state=ImpactAnalysisState.IN_TRIAGE,
        responses=[ImpactAnalysisResponse.UPDATE] if fixed else [],
        detail=detail,
    )
