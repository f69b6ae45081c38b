"""The lineage graph that comment, summary and page draw: code, models, datasets and what they descend from."""

from __future__ import annotations

from dataclasses import dataclass

from mlgate.records import Component, Inventory, Kind
from mlgate.reports import escape

APPLICATION = "this repository"
NODES = 30
"""More make no picture that anybody reads; the ML-BOM has all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """`kind` is application, code, model, dataset or unknown; `pinned` is None where no reference could be pinned."""

    key: str
    label: str
    kind: str
    pinned: bool | None = None
    flagged: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """Nodes in drawing order, edges as (source key, target key, what it is called), and what was left out."""

    nodes: tuple[Node, ...] = ()
    edges: tuple[tuple[str, str, str], ...] = ()
    left_out: int = 0
    edges_left_out: int = 0

    @property
    def note(self) -> str:
        """What was left out, in words; empty when nothing was."""
        counted = ((self.left_out, "nodes"), (self.edges_left_out, "edges"))
        parts = [f"{number:,} more {what}" for number, what in counted if number]
        return f"{' and '.join(parts)} left out; the ML-BOM has all" if parts else ""


def _label(identity: str, component: Component | None) -> str:
    name = identity.removeprefix("dataset:").removeprefix("hf:").removeprefix("file:")
    version = component.version if component else None
    if not version:
        return name
    return f"{name} @ {version[:12]}"


def graph(inventory: Inventory, flagged: frozenset[str] = frozenset()) -> Graph:
    """Models and datasets with their relations; `flagged` are identities that findings are about.

    Empty when there is no model: a list of datasets needs no drawing. What nothing else needs hangs on the
    application.
    """
    components: dict[str, Component] = {}
    for component in inventory.components:
        if component.kind is not Kind.PACKAGE:
            components.setdefault(component.identity, component)
    if not any(component.kind is Kind.MODEL for component in components.values()):
        return Graph()
    relations = [r for r in inventory.relations if r.target in components and r.source != r.target]
    linked = {r.source for r in relations} | {r.target for r in relations}
    # Flagged ones first, then those with relations, then the rest: the cut takes what says least.
    ranked = sorted(components, key=lambda i: (i not in flagged, i not in linked, components[i].kind, i))
    kept = ranked[:NODES]
    keys = {identity: f"n{number}" for number, identity in enumerate(kept, start=1)}
    edges: list[tuple[str, str, str]] = []
    for relation in relations:
        if relation.target in keys:
            source = keys.get(relation.source, "n0" if relation.source not in components else "")
            if source:
                edges.append((source, keys[relation.target], "" if relation.kind == "depends-on" else relation.kind))
    fed = {target for _, target, _ in edges}
    edges += [("n0", key, "") for key in keys.values() if key not in fed]
    nodes = [Node(key="n0", label=APPLICATION, kind="application")]
    nodes += [
        Node(
            key=keys[identity],
            label=_label(identity, components[identity]),
            kind=str(components[identity].kind),
            pinned=components[identity].pinned,
            flagged=identity in flagged,
        )
        for identity in kept
    ]
    return Graph(nodes=tuple(nodes), edges=tuple(sorted(set(edges), key=_edge)), left_out=len(ranked) - len(kept))


def _edge(edge: tuple[str, str, str]) -> tuple[int, int, str]:
    return int(edge[0][1:]), int(edge[1][1:]), edge[2]


_SHAPES = {
    "application": ("([", "])"),
    "code": (">", "]"),
    "model": ("[", "]"),
    "dataset": ("[(", ")]"),
    "service": ("[[", "]]"),
    "unknown": ("{{", "}}"),
}


def mermaid(drawing: Graph) -> str:
    """The graph in Mermaid's language, every label reduced to characters that mean nothing there; "" for none."""
    if not drawing.nodes:
        return ""
    lines = ["flowchart LR"]
    for node in drawing.nodes:
        left, right = _SHAPES[node.kind]
        pin = " (not pinned)" if node.pinned is False else ""
        prefix = f"{node.kind}: " if node.kind in {"model", "dataset", "service"} else ""
        lines.append(f'  {node.key}{left}"{prefix}{escape.mermaid(node.label)}{pin}"{right}')
    for source, target, kind in drawing.edges:
        arrow = f'-- "{escape.mermaid(kind, 30)}" -->' if kind else "-->"
        lines.append(f"  {source} {arrow} {target}")
    flagged = [node.key for node in drawing.nodes if node.flagged]
    if flagged:
        lines.append("  classDef flagged stroke:#cf222e,stroke-width:3px")
        lines.append(f"  class {','.join(flagged)} flagged")
    return "\n".join(lines)
