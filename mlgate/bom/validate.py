"""Two checks of a finished document: the bundled schema, and what schemas cannot say."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from mlgate.bom.form import serial

Json = dict[str, Any]

_SCHEMAS = "http://cyclonedx.org/schema/"


def problems(document: Json, spec: Literal["1.7", "1.6"]) -> tuple[str, ...]:
    """Everything that is wrong with the document, in words; empty for a sound one."""
    return (*against_schema(document, spec), *semantics(document))


def against_schema(document: Json, spec: Literal["1.7", "1.6"]) -> tuple[str, ...]:
    """What breaks the strict JSON schema that cyclonedx-python-lib bundles, formats included.

    The library's own validator means the same and costs a second to import; the tests compare the two.
    """
    import jsonschema_rs  # noqa: PLC0415  (only here)
    from cyclonedx.schema import SchemaVersion, _res  # noqa: PLC0415

    main = _res.BOM_JSON_STRICT[SchemaVersion.V1_7 if spec == "1.7" else SchemaVersion.V1_6]
    if main is None:
        return (f"no schema for CycloneDX {spec}",)
    others = [(_SCHEMAS + Path(path).name, _load(path)) for path in (_res.SPDX_JSON, _res.JSF, _res.CRYPTOGRAPHY_DEFS)]
    registry = jsonschema_rs.Registry(others, draft=jsonschema_rs.Draft7)
    validator = jsonschema_rs.Draft7Validator(_load(main), registry=registry, validate_formats=True)
    return tuple(
        f"/{'/'.join(map(str, error.instance_path))}: {error.message[:300]}"
        for error in validator.iter_errors(document)
    )


def _load(path: str) -> Any:
    return json.loads(Path(path).read_text("utf-8"))


def semantics(document: Json) -> tuple[str, ...]:
    """What schemas accept and is wrong: dangling or repeated references, cards on the wrong type, purls that are none,
    components that nothing leads to, a serial number that is not the content's.
    """
    return tuple(_semantics(document))


def _semantics(document: Json) -> Iterator[str]:
    counted = Counter(_bom_refs(document))
    yield from (f"bom-ref {ref!r} stands {count} times" for ref, count in sorted(counted.items()) if count > 1)
    application = document.get("metadata", {}).get("component", {}).get("bom-ref", "")
    listed = [*document.get("components", []), *document.get("services", [])]
    components = {item["bom-ref"]: item for item in listed if "bom-ref" in item}
    if len(components) != len(listed):
        yield "a component has no bom-ref, or shares it"
    yield from _graph(document, application, set(components))
    for name, lists in (("compositions", ("assemblies", "dependencies")), ("vulnerabilities", ("affects",))):
        for item in document.get(name, []):
            for key in lists:
                for entry in item.get(key, []):
                    ref = entry["ref"] if isinstance(entry, dict) else entry
                    if ref not in components and ref != application:
                        yield f"{name} refer to {ref!r}, which is not there"
    for ref, item in components.items():
        yield from _component(ref, item, components)
    for citation in document.get("citations", []):
        yield from (
            f"a citation points to {p!r}, which is not there" for p in citation["pointers"] if not _is(document, p)
        )
    if document.get("serialNumber") != serial(document):
        yield "the serial number is not that of the content"


def _is(document: Json, pointer: str) -> bool:
    """Whether a JSON Pointer leads to something."""
    value: Any = document
    for step in pointer.split("/")[1:]:
        try:
            value = value[int(step)] if isinstance(value, list) else value[step]
        except (KeyError, IndexError, ValueError, TypeError):
            return False
    return True


def _bom_refs(value: Any) -> Iterator[str]:
    pending = [value]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            if isinstance(value.get("bom-ref"), str):
                yield value["bom-ref"]
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)


def _graph(document: Json, application: str, components: set[str]) -> Iterator[str]:
    edges: dict[str, list[str]] = {}
    for entry in document.get("dependencies", []):
        if entry["ref"] in edges:
            yield f"dependencies of {entry['ref']!r} stand twice"
        edges[entry["ref"]] = entry.get("dependsOn", [])
    known = components | {application}
    for ref, needed in edges.items():
        yield from (f"dependencies refer to {end!r}, which is not there" for end in (ref, *needed) if end not in known)
        if ref in needed:
            yield f"{ref!r} depends on itself"
    reached: set[str] = set()
    pending = [application]
    while pending:
        ref = pending.pop()
        if ref not in reached:
            reached.add(ref)
            pending.extend(edges.get(ref, []))
    yield from (f"nothing leads to {ref!r}" for ref in sorted(components - reached))


def _component(ref: str, item: Json, components: dict[str, Json]) -> Iterator[str]:
    kind = item.get("type")
    if "modelCard" in item and kind != "machine-learning-model":
        yield f"{ref!r} has a model card and is no model"
    if "data" in item and kind != "data":
        yield f"{ref!r} has data and is no data"
    for entry in item.get("modelCard", {}).get("modelParameters", {}).get("datasets", []):
        if components.get(entry.get("ref", ""), {}).get("type") != "data":
            yield f"the card of {ref!r} refers to a dataset that is not there"
    if "purl" in item:
        from packageurl import PackageURL  # noqa: PLC0415

        try:
            parsed = PackageURL.from_string(item["purl"])
        except ValueError:
            yield f"{ref!r} has a purl that is none"
            return
        if parsed.version and item.get("version", "").lower() != parsed.version.lower():
            yield f"{ref!r} has one version and its purl another"
