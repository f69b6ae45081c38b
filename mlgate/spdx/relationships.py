"""Edges of the graph to relationships, each between one element and all that it relates to in the same way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from mlgate.bom.extension import compositions
from mlgate.bom.graph import APPLICATION, Graph, Node
from mlgate.bom.texts import clean
from mlgate.records import Inventory, Kind
from mlgate.spdx.names import Json, Names

PLAIN, SCOPED = "Relationship", "LifecycleScopedRelationship"
_LINEAGE = {"trained-on": "trainedOn", "evaluated-on": "testedOn"}
# Which part of the life of the application needs a package; LifecycleScopeType of SPDX 3.0.1.
_SCOPES = {"dev": "development", "build": "build"}
_OPTIONAL = frozenset({"optional", "constraint"})
_LOCAL = ("file:", "dataset:file:")
_COMPLETE = {"complete": "complete", "incomplete": "incomplete", "unknown": "noAssertion"}

# What tells two relationships of one element apart: type, lifecycle scope, comment.
_Way = tuple[str, str, str]


@dataclass(slots=True, kw_only=True)
class Relationships:
    """Collects the targets of every (source, way), so that each becomes one element."""

    names: Names
    completeness: Mapping[str, str] = field(default_factory=dict)
    _targets: dict[tuple[str, _Way], set[str]] = field(default_factory=dict)

    def add(self, source: str, kind: str, target: str, *, scope: str = "", comment: str = "") -> None:
        """One more target, by spdxIds."""
        self._targets.setdefault((source, (kind, scope, comment)), set()).add(target)

    def elements(self) -> Iterator[Json]:
        """All relationships. How complete a list of dependencies is comes from the compositions of the BOM."""
        for (source, (kind, scope, comment)), targets in sorted(self._targets.items()):
            told = {
                "from": source,
                "to": sorted(targets),
                "relationshipType": kind,
                "scope": scope,
                "comment": comment,
                "completeness": self.completeness.get(source) if kind == "dependsOn" else None,
            }
            yield self.names.element(SCOPED if scope else PLAIN, f"{source}\0{kind}\0{scope}\0{comment}", **told)


def completeness(graph: Graph, inventory: Inventory, ids: Mapping[str, str]) -> Mapping[str, str]:
    """RelationshipCompleteness by spdxId."""
    return {
        ids[ref]: _COMPLETE[group["aggregate"]]
        for group in compositions(graph, inventory)
        for ref in group["dependencies"]
    }


def relate(graph: Graph, inventory: Inventory, ids: Mapping[str, str], into: Relationships) -> None:
    """Adds every edge under the names of the lineage, where the repository says more than that one needs the other."""
    kinds: dict[tuple[str, str], set[str]] = {}
    for relation in inventory.relations:
        kinds.setdefault((relation.source, relation.target), set()).add(relation.kind)
    for source, targets in graph.edges.items():
        for target in targets:
            node = graph.nodes[target]
            if source == APPLICATION:
                kind, scope = _needed(node)
                into.add(ids[source], kind, ids[target], scope=scope)
                continue
            if _holds(graph.nodes[source], node):
                into.add(ids[source], "contains", ids[target])
                continue
            for said in sorted(_said(graph.nodes[source], node, kinds)):
                kind, comment = _lineage(said, node.component.kind)
                into.add(ids[source], kind, ids[target], comment=comment)


def _needed(node: Node) -> tuple[str, str]:
    """How the application needs what it names itself."""
    record = node.component
    if record.package is not None:
        scope = _SCOPES.get(record.package.scope, "")
        return "hasOptionalDependency" if record.package.scope in _OPTIONAL else "dependsOn", scope
    return "contains" if record.identity.startswith(_LOCAL) else "dependsOn", ""


def _holds(source: Node, target: Node) -> bool:
    """Whether the one is a folder of the repository with the other in it."""
    folder, inner = source.component.identity, target.component.identity
    return folder.startswith(_LOCAL) and inner.partition("file:")[2].startswith(f"{folder.partition('file:')[2]}/")


def _said(source: Node, target: Node, kinds: Mapping[tuple[str, str], set[str]]) -> set[str]:
    ends = ({node.component.identity, node.component.purl or node.component.identity} for node in (source, target))
    here, there = ends
    return {kind for one in here for other in there for kind in kinds.get((one, other), ())} or {"depends-on"}


def _lineage(said: str, target: Kind) -> tuple[str, str]:
    """The relationship of a relation, and the relation's own word where SPDX's says less."""
    if said in _LINEAGE and target is Kind.DATASET:
        return _LINEAGE[said], ""
    if said == "depends-on":
        return "dependsOn", ""
    return "descendantOf", clean(said, 100)
