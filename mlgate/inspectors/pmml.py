"""PMML: predictive models in XML (Data Mining Group, PMML 2.0 to 4.4).

Functions beyond the standard's list and the file's own are looked up by the evaluator: JPMML loads a Java class of that
name (org.jpmml.evaluator.FunctionRegistry).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from mlgate import rules
from mlgate.errors import Incomplete
from mlgate.inspectors._model_metadata import SHARED_RULES, component, judge_metadata, not_it, shown
from mlgate.inspectors._runtime_rules import CUSTOM, ENTITIES, OUTSIDE, RUNS
from mlgate.inspectors._xml import opening, parse, root_is
from mlgate.inspectors.openvino import declared_findings
from mlgate.records import Artifact, Component, Inspector, ModelFacts, Observation, Severity

_TOLD = 20
_KEPT = 2_000
# PMML 4.4, "Built-in functions"
_BUILT_IN = """+ - * / min max sum avg median product log10 ln sqrt abs exp pow threshold floor ceil round rint modulo
isMissing isNotMissing isValid isNotValid equal notEqual lessThan lessOrEqual greaterThan greaterOrEqual isIn isNotIn
and or not if uppercase lowercase stringLength substring trimBlanks concat replace matches formatNumber formatDatetime
dateDaysSinceYear dateSecondsSinceYear dateSecondsSinceMidnight normalCDF normalPDF stdNormalCDF stdNormalPDF erf
normalIDF stdNormalIDF expm1 hypot ln1p sin asin sinh cos acos cosh tan atan tanh"""
_FUNCTIONS = frozenset(_BUILT_IN.split())
_KINDS = """AnomalyDetectionModel AssociationModel BaselineModel BayesianNetworkModel ClusteringModel
GaussianProcessModel GeneralRegressionModel MiningModel NaiveBayesModel NearestNeighborModel NeuralNetwork
RegressionModel RuleSetModel Scorecard SequenceModel SupportVectorMachineModel TextModel TimeSeriesModel TreeModel"""
_MODELS = frozenset(_KINDS.split())
_SCRIPTS = ("script", "javascript", "groovy", "python", "java", "code", "expression-language", "rscript")


@dataclass(slots=True)
class _Document:
    """What the elements say."""

    version: str = ""
    producer: str = ""
    copyright: str = ""
    models: Counter[str] = field(default_factory=Counter)
    task: str = ""
    fields: list[str] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)
    functions: set[str] = field(default_factory=set)
    applied: dict[str, None] = field(default_factory=dict)
    scripts: dict[str, None] = field(default_factory=dict)
    included: dict[str, None] = field(default_factory=dict)
    texts: list[tuple[str, str]] = field(default_factory=list)

    def start(self, name: str, attributes: Mapping[str, str], around: list[str]) -> None:
        """Takes an element's attributes."""
        if not around:
            self.version = attributes.get("version", "")
        elif name in _MODELS:
            self.models[name] += 1
            self.task = self.task or attributes.get("functionName", "")
        else:
            self._part(name, attributes)
        if name.lower() in _SCRIPTS:
            self._note(self.scripts, f"element {name}")

    def _part(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "Application":
            self.producer = f"{attributes.get('name', '')} {attributes.get('version', '')}".strip()
        elif name == "Header":
            self.copyright = attributes.get("copyright", "")
            self._text("Header", attributes)
        elif name == "DataField" and len(self.fields) < 100:
            self.fields.append(f"{attributes.get('name', '')[:100]}: {attributes.get('dataType', '')[:40]}")
        elif name == "MiningField" and attributes.get("usageType") in {"target", "predicted"}:
            self._keep(self.targets, attributes.get("name", ""))
        elif name == "DefineFunction" and len(self.functions) < _KEPT:
            self.functions.add(attributes.get("name", ""))
        elif name == "Apply":
            self._note(self.applied, attributes.get("function", ""))
        elif name == "Extension":
            self._extension(attributes)
        elif name == "include" and "href" in attributes:
            self._note(self.included, attributes["href"])

    def end(self, name: str, text: str, around: list[str]) -> None:
        """Takes an element's text where people or extensions write."""
        wanted = name in {"Annotation", "Extension"} or "Extension" in around
        if wanted and text.strip() and len(self.texts) < _KEPT:
            self.texts.append((name, text))

    def _extension(self, attributes: Mapping[str, str]) -> None:
        name = attributes.get("name", "")
        if any(word in _SCRIPTS for word in name.lower().replace("_", "-").split("-")):
            self._note(self.scripts, f"extension {name}")
        self._text("Extension", attributes)

    def _text(self, where: str, attributes: Mapping[str, str]) -> None:
        for key, value in attributes.items():
            if len(self.texts) < _KEPT:
                self.texts.append((f"{where}/@{key}", value))

    def _keep(self, into: list[str], name: str) -> None:
        if name not in into and len(into) < 100:
            into.append(name[:100])

    def _note(self, into: dict[str, None], name: str) -> None:
        if len(into) < _KEPT:
            into[name[:300]] = None


def _claims(artifact: Artifact) -> bool:
    name = artifact.name.lower()
    return name.endswith(".pmml") or (name.endswith(".xml") and root_is(opening(artifact), "PMML"))


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    if not opening(artifact):
        yield from not_it(artifact, "pmml")
        return
    document = _Document()
    stop = None
    try:
        declared = parse(artifact.source, document.start, document.end)
        yield from declared_findings(artifact, doctype=declared.doctype, entities=declared.entities)
        if declared.entities:
            stop = Incomplete("malformed", "entities are declared, and what comes after them was not looked at")
    except Incomplete as error:
        stop = error
    yield _component(artifact, document)
    yield from judge_metadata(artifact, "text of", document.texts)
    for name in list(document.scripts)[:_TOLD]:
        message = f"It holds a script: {shown(name, 100)}."
        yield rules.finding(RUNS, artifact.at(), message, evidence=shown(name, 100), severity=Severity.MEDIUM)
    for name in list(document.included)[:_TOLD]:
        message = f"It includes {shown(name, 200)!r}, which XML libraries fetch."
        yield rules.finding(OUTSIDE, artifact.at(), message, evidence=shown(name, 200))
    needed = [shown(name, 80) for name in document.applied if name not in _FUNCTIONS | document.functions]
    if needed:
        which = ", ".join(needed[:8]) + (f" and {len(needed) - 8} more" if len(needed) > 8 else "")
        message = f"It calls functions that neither PMML nor the file defines: {which}."
        yield rules.finding(CUSTOM, artifact.at(), message, evidence=which)
    if stop is not None:
        raise stop
    if not document.version and not document.models:
        raise Incomplete("malformed", "XML without a model of PMML")


def _component(artifact: Artifact, document: _Document) -> Component:
    facts = ModelFacts(
        format="pmml",
        architecture=", ".join(sorted(document.models))[:200],
        task=shown(document.task, 50),
        inputs=tuple(name for name in document.fields if name.split(":")[0] not in document.targets),
        outputs=tuple(document.targets),
        other=(
            ("version", shown(document.version, 20)),
            ("producer", shown(document.producer, 100)),
            ("copyright", shown(document.copyright, 100)),
            ("models", ", ".join(f"{name}: {count}" for name, count in sorted(document.models.items()))),
        ),
    )
    return component(artifact, facts)


INSPECTOR = Inspector(
    name="pmml",
    claims=_claims,
    inspect=_inspect,
    rules=(CUSTOM, ENTITIES, OUTSIDE, RUNS, *SHARED_RULES),
    suffixes=(".pmml",),
    model=True,
    reads="The whole document as a stream, under `.pmml` and as PMML in `.xml`: kinds of models, fields, functions "
    "that are applied and defined, extensions with their attributes and texts, inclusions. Entities are not expanded.",
    misses="Scripts of vendors whose extensions do not say that they are scripts, and what a function of the evaluator "
    "does.",
)
