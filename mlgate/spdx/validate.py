"""What must hold of a finished document: mandatory properties, unique names, references to what is there.

The official JSON schema is no dependency: the tests hold the output against SPDX's own bindings, which are made from
the official model.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from mlgate.spdx.licenses import NO_ASSERTION
from mlgate.spdx.names import CREATION, Json

_ELEMENT = ("spdxId", "creationInfo")
# Properties whose minCount is 1 in the SPDX 3.0.1 model, for the classes that we make; inner objects are no elements.
_MANDATORY: Mapping[str, tuple[str, ...]] = {
    "SpdxDocument": (*_ELEMENT, "element", "rootElement", "profileConformance"),
    "software_Sbom": (*_ELEMENT, "element", "rootElement", "profileConformance"),
    "software_Package": (*_ELEMENT, "name"),
    "ai_AIPackage": (*_ELEMENT, "name"),
    "dataset_DatasetPackage": (*_ELEMENT, "name", "dataset_datasetType"),
    "software_File": (*_ELEMENT, "name"),
    "Relationship": (*_ELEMENT, "from", "to", "relationshipType"),
    "LifecycleScopedRelationship": (*_ELEMENT, "from", "to", "relationshipType", "scope"),
    "simplelicensing_LicenseExpression": (*_ELEMENT, "simplelicensing_licenseExpression"),
    "Agent": (*_ELEMENT, "name"),
    "Organization": (*_ELEMENT, "name"),
    "SoftwareAgent": (*_ELEMENT, "name"),
    "Tool": (*_ELEMENT, "name"),
    "CreationInfo": ("specVersion", "created", "createdBy"),
    "Hash": ("algorithm", "hashValue"),
    "ExternalIdentifier": ("externalIdentifierType", "identifier"),
    "DictionaryEntry": ("key",),
    "extension_CdxPropertiesExtension": ("extension_cdxProperty",),
    "extension_CdxPropertyEntry": ("extension_cdxPropName",),
}
_REFERENCES = ("element", "rootElement", "from", "to", "createdBy", "createdUsing", "originatedBy", "suppliedBy")
_CREATED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def problems(document: Json) -> tuple[str, ...]:
    """Everything that is wrong with the document, in words; empty for a sound one."""
    return tuple(_problems(document["@graph"]))


def _problems(graph: list[Json]) -> Iterator[str]:
    counted = Counter(element.get("spdxId", element.get("@id", "")) for element in graph)
    yield from (f"{name!r} stands {count} times" for name, count in counted.items() if count > 1 or not name)
    known = {*counted, NO_ASSERTION}
    for element in graph:
        name = element.get("spdxId", CREATION)
        if element.get("creationInfo", CREATION) != CREATION:
            yield f"{name!r} has creation information that is not there"
        yield from (f"{name!r}: {what}" for what in _lacking(element))
        for key in _REFERENCES:
            named = element.get(key, [])
            for end in [named] if isinstance(named, str) else named:
                if end not in known:
                    yield f"{name!r} refers by {key} to {end!r}, which is not there"
        if element.get("from") is not None and element["from"] in element["to"]:
            yield f"{name!r} relates an element to itself"
        if "created" in element and not _CREATED.fullmatch(element["created"]):
            yield f"created is {element['created']!r}"


def _lacking(value: Json) -> Iterator[str]:
    """Mandatory properties that are not there, in the element and the objects in it."""
    pending = [value]
    while pending:
        one = pending.pop()
        kind = one.get("type", "")
        if kind not in _MANDATORY:
            yield f"the class {kind!r} is none of ours"
        yield from (f"no {name}" for name in _MANDATORY.get(kind, ()) if one.get(name) in (None, "", []))
        for inner in one.values():
            pending.extend(item for item in inner if isinstance(item, dict)) if isinstance(inner, list) else None
