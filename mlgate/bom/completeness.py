"""The elements that the ML-BOM's models and datasets have, component by component."""

from __future__ import annotations

import dataclasses

from mlgate.bom.graph import graph
from mlgate.completeness import Measured, measure
from mlgate.completeness.fields import of_component, of_document
from mlgate.records import Inventory, Kind


def measured(inventory: Inventory) -> tuple[Measured, ...]:
    """The document first, then its models, hosted models and datasets, in the order of their bom-refs."""
    parts = graph(inventory)
    trained_on = {ref for named in parts.datasets.values() for ref in named}
    found = [measure("document", "", "", of_document(inventory))]
    for ref, node in parts.nodes.items():
        record = node.component
        if record.kind is Kind.PACKAGE:
            continue
        filled = of_component(
            record, node.scanned, ancestors=bool(parts.ancestors.get(ref)), datasets=bool(parts.datasets.get(ref))
        )
        if parts.edges.get(ref) or ref in trained_on:
            filled = dataclasses.replace(filled, present=filled.present | {"dependencies"})
        found.append(measure(record.kind.value, record.identity, record.version or "", filled))
    return tuple(found)
