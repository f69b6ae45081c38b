"""The frozen records that travel between stages. This package imports nothing of ours."""

from mlgate.records.findings import Category, Explanation, Finding, Location, Pairs, Rule, Severity
from mlgate.records.inventory import (
    Component,
    Hash,
    Inventory,
    Kind,
    ModelFacts,
    Occurrence,
    PackageFacts,
    Reference,
    Relation,
    Resolution,
    Scanned,
    Vulnerability,
)
from mlgate.records.reading import Artifact, File, FileKind, Include, Inspector, LfsPointer, Limits, Observation, Source
from mlgate.records.verdict import Action, Decision, Verdict

__all__ = [
    "Action",
    "Artifact",
    "Category",
    "Component",
    "Decision",
    "Explanation",
    "File",
    "FileKind",
    "Finding",
    "Hash",
    "Include",
    "Inspector",
    "Inventory",
    "Kind",
    "LfsPointer",
    "Limits",
    "Location",
    "ModelFacts",
    "Observation",
    "Occurrence",
    "PackageFacts",
    "Pairs",
    "Reference",
    "Relation",
    "Resolution",
    "Rule",
    "Scanned",
    "Severity",
    "Source",
    "Verdict",
    "Vulnerability",
]
