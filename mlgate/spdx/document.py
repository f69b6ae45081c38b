"""Inventory to one SPDX 3.0.1 document: elements, relationships, one order, names made of the content."""

from __future__ import annotations

import hashlib
import json
import uuid
from datetime import UTC, datetime

from mlgate import __version__
from mlgate.bom.document import LATEST, unresolved
from mlgate.bom.graph import APPLICATION, Graph, graph
from mlgate.bom.texts import clean
from mlgate.records import Inventory, Kind
from mlgate.spdx.elements import PACKAGE, made, told_of
from mlgate.spdx.licenses import NO_ASSERTION, declared
from mlgate.spdx.names import CREATION, Json, Names, order
from mlgate.spdx.profiles import conformance
from mlgate.spdx.relationships import Relationships, completeness, relate

# SPDX 3.0.1, annex "RDF model definition and serializations".
CONTEXT = "https://spdx.org/rdf/3.0.1/spdx-context.jsonld"
_NO_TIME = "The tree has no time of its own (no commit, no SOURCE_DATE_EPOCH), so this is none."


def document(inventory: Inventory, *, name: str, version: str) -> Json:
    """The document, sorted. It is made twice: its content gives the names of its elements."""
    parts = graph(inventory)
    first = _document(inventory, parts, Names(document=uuid.NAMESPACE_URL), name=name, version=version)
    digest = hashlib.sha256(json.dumps(first, sort_keys=True, separators=(",", ":")).encode("ascii")).hexdigest()
    content = uuid.uuid5(uuid.NAMESPACE_URL, f"mlgate:spdx:{digest}")
    return _document(inventory, parts, Names(document=content), name=name, version=version)


def _document(inventory: Inventory, parts: Graph, names: Names, *, name: str, version: str) -> Json:
    application = names.element(
        PACKAGE,
        APPLICATION,
        name=clean(name, 300) or "application",
        software_packageVersion=clean(version, 1024),
        software_primaryPurpose="application",
        extension=told_of(unresolved(inventory)),
    )
    agent = names.element("SoftwareAgent", "mlgate", name="mlgate")
    tool = names.element("Tool", "mlgate", name=f"mlgate {__version__}")
    ids = {APPLICATION: application["spdxId"]}
    found: dict[str, Json] = {}
    components = {ref: made(node, parts, names) for ref, node in parts.nodes.items()}
    ids |= {ref: one.package["spdxId"] for ref, one in components.items()}
    relations = Relationships(names=names, completeness=completeness(parts, inventory, ids))
    for ref, one in components.items():
        for element in (one.package, *one.agents):
            found[element["spdxId"]] = element
        for file in one.files:
            found[file["spdxId"]] = file
            relations.add(ids[ref], "contains", file["spdxId"])
        record = parts.nodes[ref].component
        terms = declared(record, names)
        found |= {element["spdxId"]: element for element in terms}
        if terms or record.kind is not Kind.PACKAGE:
            for target in [element["spdxId"] for element in terms] or [NO_ASSERTION]:
                relations.add(ids[ref], "hasDeclaredLicense", target)
        if record.kind is not Kind.PACKAGE:
            relations.add(ids[ref], "hasConcludedLicense", NO_ASSERTION)
    relate(parts, inventory, ids, relations)
    elements = sorted([application, agent, tool, *found.values(), *relations.elements()], key=order)
    return {"@context": CONTEXT, "@graph": [*_frame(inventory, names, application, agent, tool, elements), *elements]}


def _frame(
    inventory: Inventory, names: Names, application: Json, agent: Json, tool: Json, elements: list[Json]
) -> list[Json]:
    """The document, the SBOM in it, and who made them when."""
    profiles, lacking = conformance(elements)
    inner = sorted(element["spdxId"] for element in elements)
    sbom = names.element(
        "software_Sbom",
        "",
        name=application["name"],
        software_sbomType=["source"],
        profileConformance=list(profiles),
        rootElement=[application["spdxId"]],
        element=inner,
    )
    whole = names.element(
        "SpdxDocument",
        "",
        name=application["name"],
        comment=lacking,
        profileConformance=list(profiles),
        rootElement=[sbom["spdxId"]],
        element=sorted([sbom["spdxId"], *inner]),
    )
    known = 0 < inventory.timestamp <= LATEST
    created = datetime.fromtimestamp(inventory.timestamp if known else 0, UTC)
    creation = {
        "type": "CreationInfo",
        "@id": CREATION,
        "specVersion": "3.0.1",
        "created": f"{created.replace(tzinfo=None).isoformat(timespec='seconds')}Z",
        "createdBy": [agent["spdxId"]],
        "createdUsing": [tool["spdxId"]],
    }
    return [whole, sbom, creation | ({} if known else {"comment": _NO_TIME})]


def dumps(document: Json) -> str:
    """JSON in ASCII, as the CycloneDX document is."""
    return json.dumps(document, sort_keys=True, indent=2) + "\n"
