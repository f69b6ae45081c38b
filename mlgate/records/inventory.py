"""What there is: components, references, their links, and what became of each file."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from mlgate.records.findings import Explanation, Finding, Location, Pairs, Severity


class Kind(enum.StrEnum):
    """Kinds of component. A service is a model that somebody else runs, behind an API."""

    MODEL = "model"
    DATASET = "dataset"
    PACKAGE = "package"
    SERVICE = "service"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hash:
    """A digest in CycloneDX's names ("SHA-256"), lower-case hex; `declared` when we did not compute it."""

    algorithm: str
    value: str
    declared: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """Where a component was seen and by which call, line or header (`symbol`)."""

    location: Location
    symbol: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One of the files that a model is stored in; `hash` is None where its content is not here."""

    path: str
    hash: Hash | None = None
    size: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageFacts:
    """What a manifest says of a package. `ecosystem` is OSV's name ("PyPI", "npm", "Maven").

    `version` on the component is set only when the manifest fixes one. `origin` is registry, vcs, url or
    path; `scope` is runtime, dev, optional, build or constraint.
    """

    ecosystem: str
    requirement: str = ""
    specifier: str = ""
    direct: bool = True
    scope: str = "runtime"
    group: str = ""
    marker: str = ""
    index: str = ""
    origin: str = "registry"
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """What a model's own header or card says; every field as found, empty when not stated.

    `metrics` are (metric, value, what it was measured on).
    """

    format: str = ""
    architecture_family: str = ""
    architecture: str = ""
    task: str = ""
    quantization: str = ""
    parameters: int | None = None
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    other: Pairs = ()
    metrics: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFacts:
    """What a data file's own header, or a card, says of a dataset; every field as found, empty when not stated.

    `columns` are names with their types in the format's own words. `parts` are the files of a dataset in several, each
    with its digest; `rows` counts those of all. `named` says that it is a dataset only where something calls it one.
    """

    format: str = ""
    split: str = ""
    columns: Pairs = ()
    rows: int | None = None
    parts: Pairs = ()
    description: str = ""
    classification: str = ""
    sensitive: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    named: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """A model, dataset or package. One per (`kind`, `identity`, `version`) after assembly.

    `identity` has no version: `hf:org/name`, `torchhub:owner/repo:entry`, `file:models/a.pkl`,
    `dataset:hf:org/name`, `api:openai:gpt-4o`, or a versionless purl for packages. `pinned` says whether `version`
    fixes bytes. `parts` are the files of a model that is stored in several.
    """

    kind: Kind
    identity: str
    name: str
    version: str | None = None
    purl: str | None = None
    pinned: bool | None = None
    hashes: tuple[Hash, ...] = ()
    licenses: tuple[str, ...] = ()
    occurrences: tuple[Occurrence, ...] = ()
    package: PackageFacts | None = None
    model: ModelFacts | None = None
    data: DataFacts | None = None
    parts: tuple[Part, ...] = ()
    properties: Pairs = ()


class Resolution(enum.StrEnum):
    """How the target of a reference in code was found out."""

    LITERAL = "literal"
    CONSTANT = "constant"
    CONFIG = "config"
    DEFAULT = "default"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Code that loads a model or dataset. `identity` is None when the argument is dynamic: said, not guessed.

    A `tentative` one reads a file that is a dataset only if it is in the repository: output is read again, too. `via`
    is the dotted import path of a target that another file of the repository holds, `loader` the qualified name of
    what is called with it, and `dynamic_revision` says that a revision is given that cannot be told; `revision_via` is
    the path of one that another file holds.
    """

    kind: Kind
    identity: str | None
    location: Location
    symbol: str
    revision: str | None = None
    pinned: bool = False
    resolution: Resolution = Resolution.LITERAL
    purl: str | None = None
    expression: str = ""
    tentative: bool = False
    via: str = ""
    loader: str = ""
    dynamic_revision: bool = False
    revision_via: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exports:
    """What other files can import from the module at `path`: constants (`MODEL`, `Settings.model`), and names that
    stand for something else: a class of the file (`settings` for `Settings`), an import (`MODEL` for `.config.MODEL`).
    """

    path: str
    constants: Pairs = ()
    names: Pairs = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """A lineage edge between identities: source needs, descends from or was trained on target."""

    source: str
    target: str
    kind: str = "depends-on"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """What became of one file: complete, or incomplete with the reason told by an MLG-INC finding."""

    path: str
    format: str
    sha256: str
    size: int
    complete: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Vulnerability:
    """An advisory that matched a package. `score` is CVSS 0.0 to 10.0 or None when unscored.

    `ranges` are what the advisory calls affected, in the VERS notation ("vers:pypi/>=1.0|<2.0").
    `kev` is the day since when CISA lists it as exploited ("yes" when the day is unknown, "" when it does not),
    `epss` FIRST's probability of that, 0.0 to 1.0, or None when there is none.
    """

    id: str
    purl: str
    aliases: tuple[str, ...] = ()
    summary: str = ""
    severity: Severity | None = None
    score: float | None = None
    vector: str = ""
    fixed: tuple[str, ...] = ()
    ranges: tuple[str, ...] = ()
    url: str = ""
    malicious: bool = False
    kev: str = ""
    epss: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """All that the stages left of `judge` know. Sorted and merged: one component per identity and version."""

    root: str
    components: tuple[Component, ...] = ()
    references: tuple[Reference, ...] = ()
    relations: tuple[Relation, ...] = ()
    findings: tuple[Finding, ...] = ()
    scanned: tuple[Scanned, ...] = ()
    head: str = ""
    timestamp: int = 0
    vulnerabilities: tuple[Vulnerability, ...] = ()
    advisory_source: str = ""
    explanations: tuple[Explanation, ...] = ()
