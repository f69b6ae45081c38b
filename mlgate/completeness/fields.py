"""Which CycloneDX fields the ML-BOM fills for a component, told from its record.

Said here once more than `bom` itself does, because the policy asks for elements where no document is made; the tests
compare the two.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlgate.completeness import Filled
from mlgate.records import Component, DataFacts, Inventory, Kind, ModelFacts, Scanned

_HUB = re.compile(r"(dataset:)?hf:[A-Za-z0-9][\w.-]{0,95}(/[A-Za-z0-9_][\w.-]{0,95})?", re.ASCII)
_DIGEST = re.compile(r"[0-9a-fA-F]{32}|[0-9a-fA-F]{40}|[0-9a-fA-F]{64}|[0-9a-fA-F]{96}|[0-9a-fA-F]{128}")
# What people write for a licence to say that they do not know it: SPDX's word, and that of the hub's licence list.
UNKNOWN_LICENCES = frozenset({"noassertion", "unknown"})
_PARAMETERS = "modelCard.modelParameters."
_CONTENTS = "data[].contents.properties"
_METRICS = "modelCard.quantitativeAnalysis.performanceMetrics"
# What a header says, and so is not known of a file that was not read to its end.
_HEADER = {
    Kind.MODEL: frozenset(
        {
            *(f"{_PARAMETERS}{name}" for name in ("architectureFamily", "modelArchitecture", "inputs", "outputs")),
            *(f"modelCard.properties[mlgate:model:{name}]" for name in ("parameters", "quantization")),
        }
    ),
    Kind.DATASET: frozenset(f"{_CONTENTS}[mlgate:data:{name}]" for name in ("format", "columns", "rows")),
}


def of_component(
    component: Component, scanned: Scanned | None = None, *, ancestors: bool = False, datasets: bool = False
) -> Filled:
    """The fields of a model, dataset or hosted model.

    `scanned` is the file it is, if it is one; `ancestors` and `datasets` say whether lineage names any.
    """
    present = {"name", "bom-ref", "dependencies"} if ancestors or datasets else {"name", "bom-ref"}
    if component.kind is Kind.SERVICE:
        return Filled(present=frozenset({*present, "provider"}))
    present |= set(_common(component, scanned))
    if component.kind is Kind.MODEL:
        present |= set(_model(component.model or ModelFacts(), datasets=datasets))
        present |= {"pedigree.ancestors"} if ancestors else set()
    else:
        present |= set(_data(component.data or DataFacts()))
    return Filled(present=frozenset(present), unknown=frozenset(_unknown(component, scanned)) - present)


def _common(component: Component, scanned: Scanned | None) -> Iterator[str]:
    yield "type"
    hub = _HUB.fullmatch(component.identity)
    if component.version:
        yield "version"
    if component.purl or (hub and component.kind is Kind.MODEL):
        yield "purl"
    if (scanned and scanned.sha256) or any(_DIGEST.fullmatch(found.value) for found in component.hashes):
        yield "hashes"
    if any(text.strip() and text.strip().lower() not in UNKNOWN_LICENCES for text in component.licenses):
        yield "licenses"
    if hub:
        yield from ("externalReferences", "externalReferences[distribution]")


def _model(facts: ModelFacts, *, datasets: bool) -> Iterator[str]:
    card = {
        "task": facts.task,
        "architectureFamily": facts.architecture_family,
        "modelArchitecture": facts.architecture,
        "datasets": datasets,
        "inputs": facts.inputs,
        "outputs": facts.outputs,
    }
    yield from (f"{_PARAMETERS}{name}" for name, value in card.items() if value)
    if facts.metrics:
        yield _METRICS
    parameters = "" if facts.parameters is None else str(facts.parameters)
    told = (*facts.other, ("format", facts.format), ("quantization", facts.quantization), ("parameters", parameters))
    yield from (f"modelCard.properties[mlgate:model:{name}]" for name, value in told if value)


def _data(facts: DataFacts) -> Iterator[str]:
    entry = {
        "description": facts.description,
        "classification": facts.classification,
        "sensitiveData": facts.sensitive,
        "governance.owners": facts.owners,
    }
    yield from (f"data[].{name}" for name, value in entry.items() if value)
    rows = "" if facts.rows is None else str(facts.rows)
    told = {"format": facts.format, "split": facts.split, "columns": facts.columns, "rows": rows}
    yield from (f"{_CONTENTS}[mlgate:data:{name}]" for name, value in told.items() if value)


def _unknown(component: Component, scanned: Scanned | None) -> Iterator[str]:
    """What the BOM says that it does not know: `mlgate:pinned` false without a version, a licence named unknown, a file
    whose `mlgate:scan:status` is incomplete, a digest in `mlgate:hash:unusable`; and `compositions`, which calls the
    dependencies of models and datasets unknown.
    """
    yield "dependencies"
    if component.pinned is False:
        yield "version"
    if component.licenses:
        yield "licenses"
    if component.hashes:
        yield "hashes"
    if scanned and not scanned.complete:
        yield from _HEADER[component.kind]


def of_document(inventory: Inventory) -> Filled:
    """The fields of the BOM itself."""
    present = {"version", "bomFormat", "specVersion", "serialNumber", "metadata.tools", "metadata.lifecycles"}
    present |= {"dependencies", "metadata.component.name"}
    told = {
        "metadata.timestamp": inventory.timestamp > 0,
        "metadata.component.version": bool(inventory.head),
        "components": any(one.kind is not Kind.SERVICE for one in inventory.components),
        "services": any(one.kind is Kind.SERVICE for one in inventory.components),
        "components[library]": any(one.kind is Kind.PACKAGE for one in inventory.components),
        f"components[].{_METRICS}": any(one.model and one.model.metrics for one in inventory.components),
        "vulnerabilities": bool(inventory.vulnerabilities),
        "metadata.properties[mlgate:advisories:source]": bool(inventory.advisory_source),
    }
    return Filled(present=frozenset(present | {name for name, there in told.items() if there}))
