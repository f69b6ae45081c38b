"""Inventory to one CycloneDX document: the library's model, our extension, one order, one serial number."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Literal

from cyclonedx.model import Property
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component as CdxComponent
from cyclonedx.model.component import ComponentType
from cyclonedx.model.dependency import Dependency
from cyclonedx.model.lifecycle import LifecyclePhase, PredefinedLifecycle
from cyclonedx.model.service import Service
from cyclonedx.model.tool import ToolRepository
from cyclonedx.schema.schema import SchemaVersion1Dot6, SchemaVersion1Dot7

from mlgate import __version__
from mlgate.bom.citations import citations
from mlgate.bom.components import component, service
from mlgate.bom.extension import extend
from mlgate.bom.form import ordered, serial
from mlgate.bom.graph import APPLICATION, TOOL, Graph, graph
from mlgate.bom.texts import clean
from mlgate.bom.vulnerabilities import vulnerabilities
from mlgate.records import Inventory, Kind, Resolution, Verdict

Json = dict[str, Any]

_VIEWS = {"1.7": SchemaVersion1Dot7, "1.6": SchemaVersion1Dot6}
LATEST = 253_402_300_799  # 9999-12-31T23:59:59Z; a commit can claim any date


def document(
    inventory: Inventory, verdict: Verdict | None, *, name: str, version: str, spec: Literal["1.7", "1.6"]
) -> Json:
    """The document, sorted and with its serial number; not yet validated."""
    parts = graph(inventory)
    bom = _bom(inventory, verdict, parts, name=name, version=version)
    # What the library's outputter does besides is to search all dependencies once for each component, which is
    # quadratic, and to number bom-refs that stand twice, which ours do not.
    made: Json = json.loads(bom.as_json(view_=_VIEWS[spec]))  # type: ignore[attr-defined]
    made |= {
        "$schema": f"http://cyclonedx.org/schema/bom-{spec}.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": spec,
    }
    extend(made, parts, inventory)
    if not 0 < inventory.timestamp <= LATEST:
        del made["metadata"]["timestamp"]  # the library puts the current time where none is given
    del made["serialNumber"]
    made = ordered(made)
    cited = citations(made, parts) if spec == "1.7" else []
    if cited:
        made["citations"] = cited
    made["serialNumber"] = serial(made)
    return made


def _bom(inventory: Inventory, verdict: Verdict | None, parts: Graph, *, name: str, version: str) -> Bom:
    resolved = _resolved(inventory)
    services = {ref: service(node) for ref, node in parts.nodes.items() if node.component.kind is Kind.SERVICE}
    components = {ref: component(node, parts, resolved) for ref, node in parts.nodes.items() if ref not in services}
    application = CdxComponent(
        type=ComponentType.APPLICATION,
        bom_ref=APPLICATION,
        name=clean(name, 300) or "application",
        version=clean(version, 1024) or None,
        properties=[Property(name=key, value=value) for key, value in unresolved(inventory)],
    )
    tool = CdxComponent(type=ComponentType.APPLICATION, bom_ref=TOOL, name="mlgate", version=__version__)
    known: dict[str, CdxComponent | Service] = {APPLICATION: application, **components, **services}
    targets: dict[str, list[str]] = {}
    for ref, node in parts.nodes.items():
        if node.component.purl:
            targets.setdefault(node.component.purl, []).append(ref)
            targets.setdefault(node.component.purl.partition("?")[0], []).append(ref)
    stamp = inventory.timestamp if 0 < inventory.timestamp <= LATEST else 0
    return Bom(
        components=components.values(),
        services=services.values(),
        metadata=BomMetaData(
            tools=ToolRepository(components=[tool]),
            component=application,
            timestamp=datetime.fromtimestamp(stamp, UTC),
            lifecycles=[PredefinedLifecycle(LifecyclePhase.PRE_BUILD)],
            properties=[Property(name=key, value=value) for key, value in _about(inventory, verdict)],
        ),
        dependencies=[
            Dependency(known[ref].bom_ref, [Dependency(known[target].bom_ref) for target in needed])
            for ref, needed in parts.edges.items()
        ],
        vulnerabilities=vulnerabilities(
            inventory.vulnerabilities, {purl: tuple(refs) for purl, refs in targets.items()}, verdict
        ),
    )


def _about(inventory: Inventory, verdict: Verdict | None) -> Iterator[tuple[str, str]]:
    if inventory.advisory_source:
        yield "mlgate:advisories:source", clean(inventory.advisory_source, 300)
    if verdict is not None:
        yield "mlgate:verdict", "pass" if verdict.passed else "fail"
        yield "mlgate:policy:source", clean(verdict.policy_source, 300)


def unresolved(inventory: Inventory) -> Iterator[tuple[str, str]]:
    """References whose target only the running program knows: said on the application, not guessed."""
    for reference in inventory.references:
        if reference.identity is None:
            text = f"{reference.location} {reference.symbol}({reference.expression})"
            yield f"mlgate:unresolved:{reference.kind.value}", clean(text, 500)


def _resolved(inventory: Inventory) -> dict[str, Resolution]:
    order = list(Resolution)
    best: dict[str, Resolution] = {}
    for reference in inventory.references:
        if reference.identity and reference.resolution is not Resolution.UNKNOWN:
            known = best.get(reference.identity, reference.resolution)
            best[reference.identity] = min(known, reference.resolution, key=order.index)
    return best
