"""What CycloneDX has and cyclonedx-python-lib 11.12 has not: model cards, component data, compositions.

The only module that writes CycloneDX's JSON by hand. A serialisable subclass of the library's Component would write
inherited properties under wrong names, so these parts are added by bom-ref to the document that the library made.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mlgate.bom.graph import APPLICATION, Graph, Node
from mlgate.bom.texts import clean, hub_page
from mlgate.records import DataFacts, Inventory, Kind, ModelFacts

Json = dict[str, Any]

# Lockfiles that list what each package needs, completely.
_LOCKS = frozenset({"uv.lock", "poetry.lock", "package-lock.json", "npm-shrinkwrap.json"})


def extend(document: Json, graph: Graph, inventory: Inventory) -> None:
    """Adds the missing parts to the document, in place."""
    for component in document.get("components", []):
        node = graph.nodes[component["bom-ref"]]
        if node.component.kind is Kind.MODEL:
            card = model_card(node, graph)
            if card:
                component["modelCard"] = card
        elif node.component.kind is Kind.DATASET:
            component["data"] = [data(node)]
    document["compositions"] = list(compositions(graph, inventory))


def model_card(node: Node, graph: Graph) -> Json:
    """The parts of a model card that the model's own header and the lineage give; empty when they give nothing."""
    facts = node.component.model or ModelFacts()
    parameters: Json = {
        "task": clean(facts.task, 200),
        "architectureFamily": clean(facts.architecture_family, 200),
        "modelArchitecture": clean(facts.architecture, 200),
        "datasets": [{"ref": ref} for ref in graph.datasets.get(node.ref, ())],
        "inputs": [{"format": clean(text, 300)} for text in facts.inputs],
        "outputs": [{"format": clean(text, 300)} for text in facts.outputs],
    }
    told = (
        ("format", facts.format),
        ("parameters", "" if facts.parameters is None else str(facts.parameters)),
        ("quantization", facts.quantization),
        *facts.other,
    )
    card: Json = {
        "modelParameters": {key: value for key, value in parameters.items() if value},
        "quantitativeAnalysis": {"performanceMetrics": [_metric(*found) for found in facts.metrics]}
        if facts.metrics
        else {},
        "properties": [_property(f"mlgate:model:{key}", value) for key, value in told if value],
    }
    return {key: value for key, value in card.items() if value}


def _metric(name: str, value: str, where: str) -> Json:
    metric = {"type": clean(name, 200), "value": clean(value, 200), "slice": clean(where, 500)}
    return {key: text for key, text in metric.items() if text}


def data(node: Node) -> Json:
    """The data entry of a dataset component. Sensitivity and governance only where somebody declared them."""
    record = node.component
    facts = record.data or DataFacts()
    contents: Json = {}
    page = hub_page(record.identity)
    if page:
        contents["url"] = page
    told = (
        ("format", facts.format),
        ("split", facts.split),
        ("columns", ", ".join(f"{name}: {kind}" if kind else name for name, kind in facts.columns)),
        ("rows", "" if facts.rows is None else str(facts.rows)),
    )
    properties = [_property(f"mlgate:data:{key}", value) for key, value in told if value]
    if properties:
        contents["properties"] = properties
    entry: Json = {
        "type": "dataset",
        "name": clean(record.name or record.identity, 300),
        "contents": contents,
        "classification": clean(facts.classification, 200),
        "sensitiveData": [clean(text, 300) for text in facts.sensitive],
        "description": clean(facts.description),
        "governance": {"owners": [{"organization": {"name": clean(name, 200)}} for name in facts.owners]}
        if facts.owners
        else {},
    }
    return {key: value for key, value in entry.items() if value}


def compositions(graph: Graph, inventory: Inventory) -> Iterable[Json]:
    """How complete each list of dependencies is. Nothing that was only read, and not run, is called complete but
    what a lockfile lists.
    """
    unresolved = any(reference.identity is None for reference in inventory.references)
    unread = any(not scanned.complete for scanned in inventory.scanned)
    grouped: dict[str, list[str]] = {"complete": [], "incomplete": [], "unknown": []}
    grouped["incomplete" if unresolved or unread else "unknown"].append(APPLICATION)
    for ref, node in graph.nodes.items():
        grouped[_completeness(node)].append(ref)
    for aggregate, refs in grouped.items():
        if refs:
            yield {"bom-ref": f"mlgate:composition:{aggregate}", "aggregate": aggregate, "dependencies": sorted(refs)}


def _completeness(node: Node) -> str:
    if node.missing:
        return "incomplete"
    places = (seen.location.path.rpartition("/")[2] for seen in node.component.occurrences)
    return "complete" if node.component.package and not _LOCKS.isdisjoint(places) else "unknown"


def _property(name: str, value: str) -> Mapping[str, str]:
    return {"name": clean(name, 200), "value": clean(value)}
