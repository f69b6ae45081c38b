"""What GitHub's dependency graph is told ("Create a snapshot of dependencies for a repository", REST API)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mlgate.records import Component, Inventory, Kind
from mlgate.reports import escape
from mlgate.reports.context import ReportContext

_DEVELOPMENT = frozenset({"dev", "build"})
_URL = "https://github.com/mlgate/mlgate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """The run that submits. Of two snapshots with one `correlator` GitHub keeps the later one."""

    correlator: str
    id: str
    url: str = ""


def render(inventory: Inventory, context: ReportContext, *, job: Job, ref: str) -> dict[str, Any]:
    """The body of the request: the packages of each manifest with what they need, as far as lockfiles tell."""
    packages = [one for one in inventory.components if one.kind is Kind.PACKAGE and _named(one)]
    manifests: defaultdict[str, dict[str, Component]] = defaultdict(dict)
    for component in packages:
        for occurrence in component.occurrences:
            manifests[occurrence.location.path][component.purl or ""] = component
    needs: defaultdict[str, list[str]] = defaultdict(list)
    for relation in inventory.relations:
        needs[relation.source].append(relation.target)
    return {
        "version": 0,
        "sha": context.head_sha,
        "ref": ref,
        "job": {"correlator": job.correlator, "id": job.id} | ({"html_url": job.url} if job.url else {}),
        "detector": {"name": "mlgate", "version": context.tool_version, "url": _URL},
        "scanned": datetime.fromtimestamp(inventory.timestamp, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "manifests": {
            place: {
                "name": place,
                "file": {"source_location": place},
                "resolved": _resolved(found, needs),
            }
            for place, found in sorted((_place(path, context), found) for path, found in manifests.items())
        },
    }


def _named(component: Component) -> bool:
    """Whether other tools can know the package by its purl: paths and the like are the repository's own."""
    return bool(component.purl) and (component.package is None or component.package.origin != "path")


def _place(path: str, context: ReportContext) -> str:
    return escape.visible(f"{context.folder}/{path}" if context.folder else path, 4096)


def _resolved(found: Mapping[str, Component], needs: Mapping[str, list[str]]) -> dict[str, Any]:
    purls: defaultdict[str, list[str]] = defaultdict(list)
    for purl, component in found.items():
        purls[component.identity].append(purl)
    return {
        purl: {
            "package_url": purl,
            "relationship": "direct" if component.package is None or component.package.direct else "indirect",
            "scope": "development" if component.package and component.package.scope in _DEVELOPMENT else "runtime",
            "dependencies": sorted({x for need in needs.get(component.identity, ()) for x in purls.get(need, ())}),
        }
        for purl, component in sorted(found.items())
    }
