"""Maven versions that a pom takes from a parent in the repository (Maven documentation, "Inheritance")."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

from packageurl import PackageURL

from mlgate.manifests.pom import CARRIER, UNRESOLVED, exact, resolved
from mlgate.records import Component, Finding

_DEEPEST = 10


def inherited(components: Iterable[Component], findings: Iterable[Finding]) -> tuple[list[Component], list[Finding]]:
    """Components without carriers, with the versions that parents tell, and the findings that are left."""
    listed = list(components)
    poms = {c.identity.removeprefix(CARRIER): dict(c.properties) for c in listed if c.identity.startswith(CARRIER)}
    if not poms:
        return listed, list(findings)
    known: dict[str, tuple[dict[str, str], dict[str, str]]] = {}
    told: set[tuple[str, int | None, str]] = set()
    made: list[Component] = []
    for each in listed:
        if each.identity.startswith(CARRIER):
            continue
        path = each.occurrences[0].location.path if each.occurrences else ""
        version = None
        if path in poms and each.version is None and each.package:
            if path not in known:
                known[path] = _effective(path, poms)
            version = _version(each, known[path])
        if version:
            told.add((path, each.occurrences[0].location.line, each.identity))
            made.append(_with(each, version))
        else:
            made.append(each)
    kept = [
        finding
        for finding in findings
        if finding.rule != UNRESOLVED or (finding.location.path, finding.location.line, finding.subject) not in told
    ]
    return made, kept


def _effective(path: str, poms: Mapping[str, Mapping[str, str]]) -> tuple[dict[str, str], dict[str, str]]:
    """The properties and managed versions that a pom states and inherits; its own word comes before its parent's."""
    found: dict[str, str] = {}
    seen: set[str] = set()
    while path in poms and path not in seen and len(seen) < _DEEPEST:
        seen.add(path)
        found = {**poms[path], **found}
        path = poms[path].get("parent", "")
    properties = {key[2:]: value for key, value in found.items() if key.startswith("p:")}
    managed = {resolved(key[2:], properties): value for key, value in found.items() if key.startswith("m:")}
    return properties, managed


def _version(component: Component, effective: tuple[Mapping[str, str], Mapping[str, str]]) -> str | None:
    properties, managed = effective
    stated = (component.package.specifier if component.package else "") or managed.get(component.name, "")
    return exact(resolved(stated, properties))


def _with(component: Component, version: str) -> Component:
    whole = PackageURL.from_string(component.purl or component.identity)
    package = component.package
    return dataclasses.replace(
        component,
        version=version,
        purl=whole._replace(version=version).to_string(),
        pinned=True,
        package=package and dataclasses.replace(package, specifier=version),
    )
