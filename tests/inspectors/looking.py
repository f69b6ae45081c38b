"""Runs one inspector, and all levels below it, on bytes."""

from __future__ import annotations

from dataclasses import dataclass

from mlgate.errors import Incomplete
from mlgate.identify import HEAD, identify
from mlgate.inspectors import numpy, pickles, torch, wrapped, zips
from mlgate.records import Artifact, Component, Finding, Limits
from mlgate.sources import BytesSource

INSPECTORS = (numpy.INSPECTOR, pickles.INSPECTOR, torch.INSPECTOR, wrapped.INSPECTOR, zips.INSPECTOR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What was said, without notes: ids of rules, reasons of incomplete looks, and formats of components."""

    findings: tuple[Finding, ...]
    reasons: tuple[str, ...]
    formats: tuple[str, ...]
    members: tuple[str, ...]

    @property
    def rules(self) -> set[str]:
        """The ids."""
        return {finding.rule.id for finding in self.findings}


def look(data: bytes, name: str = "m.bin", limits: Limits | None = None) -> Look:
    """All these readers on a file with these bytes, members included, as the worker runs them."""
    source, head = BytesSource(data), data[:HEAD]
    findings: list[Finding] = []
    reasons: list[str] = []
    formats: list[str] = []
    members: list[str] = []

    def visit(artifact: Artifact) -> None:
        members.append(artifact.member or "")
        if artifact.depth > artifact.limits.depth:
            reasons.append("depth")
            return
        for inspector in INSPECTORS:
            if inspector.claims(artifact):
                try:
                    for item in inspector.inspect(artifact):
                        if isinstance(item, Finding):
                            findings.append(item)
                        elif isinstance(item, Component):
                            formats.append(item.model.format if item.model else "")
                        elif isinstance(item, Artifact):
                            visit(item)  # at once: its content may be gone afterwards
                except Incomplete as stop:
                    reasons.append(stop.reason)

    labels = identify(source, head)
    visit(Artifact(path=name, name=name, source=source, head=head, formats=labels, limits=limits or Limits()))
    told = tuple(finding for finding in findings if finding.rule.id != "MLG-PKL-014")
    return Look(findings=told, reasons=tuple(reasons), formats=tuple(formats), members=tuple(members))
