"""The models and datasets of an inventory as entries to compare: what the gate says of a change."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator

from mlgate.bom.diff import Entry, compare
from mlgate.bom.graph import Graph, Node, graph
from mlgate.bom.texts import clean
from mlgate.records import Inventory, Kind, ModelFacts
from mlgate.records.changes import Aspect, Change


def changes(old: Inventory, new: Inventory) -> tuple[Change, ...]:
    """What became of models and datasets from one inventory to the other; packages are left to the findings."""
    return compare(entries(old), entries(new))


def entries(inventory: Inventory) -> Iterator[Entry]:
    """Models and datasets with all that the ML-BOM would say of them."""
    others = tuple(component for component in inventory.components if component.kind is not Kind.PACKAGE)
    parts = graph(dataclasses.replace(inventory, components=others))
    for node in parts.nodes.values():
        yield _entry(node, parts)


def _entry(node: Node, parts: Graph) -> Entry:
    record = node.component
    ancestors = parts.ancestors.get(node.ref, ())
    datasets = _identities(parts, parts.datasets.get(node.ref, ()))
    origins = _identities(parts, (ref for ref, _ in ancestors))
    digests = {f"{found.algorithm}:{found.value.lower()}" for found in record.hashes}
    if node.scanned and node.scanned.sha256:
        digests.add(f"SHA-256:{node.scanned.sha256}")
    digests |= {f"{name} SHA-256:{digest}" for name, digest in (record.data.parts if record.data else ()) if digest}
    digests |= {f"{part.path} {part.hash.algorithm}:{part.hash.value.lower()}" for part in record.parts if part.hash}
    facts = record.model or ModelFacts()
    told = {
        Aspect.PINNED: () if record.pinned is None else (str(record.pinned).lower(),),
        Aspect.HASHES: digests,
        Aspect.LICENSE: record.licenses,
        Aspect.ANCESTORS: {f"{parts.nodes[ref].component.identity} ({kind})" for ref, kind in ancestors},
        Aspect.DATASETS: datasets,
        Aspect.DEPENDENCIES: _identities(parts, parts.edges.get(node.ref, ())) - datasets - origins,
        Aspect.FORMAT: (facts.format,),
        Aspect.FAMILY: (facts.architecture_family,),
        Aspect.ARCHITECTURE: (facts.architecture,),
        Aspect.TASK: (facts.task,),
        Aspect.PARAMETERS: () if facts.parameters is None else (str(facts.parameters),),
        Aspect.QUANTIZATION: (facts.quantization,),
    }
    return Entry(
        kind=record.kind.value,
        identity=clean(record.identity),
        version=clean(record.version or ""),
        facts={aspect: frozenset(clean(v) for v in values if v) for aspect, values in told.items() if any(values)},
        complete=node.scanned is None or node.scanned.complete,
    )


def _identities(parts: Graph, refs: Iterable[str]) -> set[str]:
    return {parts.nodes[ref].component.identity for ref in refs}
