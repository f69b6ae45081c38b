"""The whole lineage for `mlgate bom --graph`: the application, its code, what that loads, and what that comes from.

`lineage` draws the same for a reader with thirty seconds, without the code. Mermaid takes at most 500 edges and 50,000
characters (its `maxEdges` and `maxTextSize`), and GitHub draws nothing above that.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from mlgate.identify import MODEL_CONTENT, promised
from mlgate.records import Component, Inventory, Kind
from mlgate.reports import escape, lineage
from mlgate.reports.lineage import APPLICATION, Graph, Node

NODES = 200
EDGES = 500
_LABEL = 60
_OURS = re.compile(r"(?!pkg:)[a-z]+:.+", re.DOTALL)
_CODE = "code:"
_UNKNOWN = "unknown:"
_ROOT = ""

_Edges = dict[tuple[str, str], set[str]]


def graph(inventory: Inventory, flagged: Collection[str] = (), *, most: int = NODES) -> Graph:
    """Models, datasets, the files that load them and the application, at most `most` nodes; packages are left out.

    One node for an identity, whatever its versions. A load that only the running program resolves goes to a node of
    its own, so that the picture does not look complete. Models and datasets come before code where there are too many.
    """
    components = _components(inventory)
    edges = _edges(inventory, components)
    linked = {end for edge in edges for end in edge}
    code = {source for source, _ in edges if source.startswith(_CODE)}
    others = sorted(
        {*components, *linked} - code - {_ROOT}, key=lambda name: (name not in flagged, name not in linked, name)
    )
    room = max(most - 1, 0)
    kept = others[: room - min(len(code), room // 2)]
    there = set(kept)
    useful = {source for source, target in edges if target in there}
    kept += sorted(code, key=lambda name: (name not in useful, name))[: room - len(kept)]
    keys = {_ROOT: "n0"} | {name: f"n{number}" for number, name in enumerate(kept, start=1)}
    fed = {target for source, target in edges if source in keys}
    for name in kept:
        if name not in fed:
            edges[_ROOT, name] = {"contains" if name.startswith((_CODE, "file:", "dataset:file:")) else ""}
    drawn = sorted(
        (keys[source], keys[target], kind)
        for (source, target), kinds in edges.items()
        if source in keys and target in keys
        for kind in kinds
    )
    # What the application contains is the least that an edge can say.
    drawn.sort(key=lambda edge: (edge[0] == "n0", int(edge[0][1:]), int(edge[1][1:]), edge[2]))
    return Graph(
        nodes=(
            Node(key="n0", label=APPLICATION, kind="application"),
            *(_node(keys[name], name, components.get(name, ()), flagged) for name in kept),
        ),
        edges=tuple(drawn[:EDGES]),
        left_out=len(others) + len(code) - len(kept),
        edges_left_out=max(len(drawn) - EDGES, 0),
    )


def _components(inventory: Inventory) -> Mapping[str, list[Component]]:
    found: dict[str, list[Component]] = {}
    for component in inventory.components:
        if component.kind is not Kind.PACKAGE:
            found.setdefault(component.identity, []).append(component)
    for scanned in inventory.scanned:  # a model file that no reader understood is a model all the same
        name = scanned.path.rpartition("/")[2]
        identity = f"file:{scanned.path}"
        model = promised(name) is not None or MODEL_CONTENT.intersection(scanned.format.split("+"))
        if model and not {identity, f"dataset:{identity}"} & found.keys():
            found[identity] = [Component(kind=Kind.MODEL, identity=identity, name=name)]
    return found


def _edges(inventory: Inventory, components: Mapping[str, object]) -> _Edges:
    edges: _Edges = {}
    for reference in inventory.references:
        target = reference.identity or f"{_UNKNOWN}{reference.kind.value}"
        edges.setdefault((f"{_CODE}{reference.location.path}", target), set()).add("loads")
    files = {scanned.path for scanned in inventory.scanned}
    packages = {component.identity for component in inventory.components if component.kind is Kind.PACKAGE}
    for relation in inventory.relations:
        source, target = relation.source, relation.target
        if {source, target} & packages or source == target:
            continue
        if target not in components and not _OURS.fullmatch(target):
            continue
        if source in files and source not in components:
            source = f"{_CODE}{source}"
        elif source not in components and not _OURS.fullmatch(source):
            source = _ROOT if not source.startswith("pkg:") else source
        if not source.startswith("pkg:"):
            edges.setdefault((source, target), set()).add(relation.kind)
    return edges


def _node(key: str, name: str, components: Collection[Component], flagged: Collection[str]) -> Node:
    if name.startswith(_CODE):
        path = name.removeprefix(_CODE)
        return Node(key=key, label=escape.clip_path(path, _LABEL), kind="code", flagged=f"file:{path}" in flagged)
    if name.startswith(_UNKNOWN):
        what = name.removeprefix(_UNKNOWN)
        return Node(key=key, label=f"{what} named when it runs", kind="unknown")
    kind = "dataset" if name.startswith("dataset:") else "model"
    pins = [component.pinned for component in components if component.pinned is not None]
    return Node(
        key=key,
        label=_label(name, sorted({component.version for component in components if component.version})),
        kind=next((component.kind.value for component in components), kind),
        pinned=all(pins) if pins else None,
        flagged=name in flagged,
    )


def _label(identity: str, versions: list[str]) -> str:
    name = escape.clip_path(identity.removeprefix("dataset:").removeprefix("hf:").removeprefix("file:"), 40)
    if not versions:
        return name
    return f"{name} @ {versions[0][:12]}" if len(versions) == 1 else f"{name} @ {len(versions)} versions"


def mermaid(drawing: Graph) -> str:
    """The graph in Mermaid's language, with what was left out as a node that hangs on nothing."""
    note = f'\n  more["{escape.mermaid(drawing.note, 100)}"]' if drawing.note else ""
    return f"{lineage.mermaid(drawing)}{note}\n"


_DOT = {
    "application": "shape=oval",
    "code": "shape=note",
    "model": "shape=box",
    "dataset": "shape=cylinder",
    "service": "shape=component",
    "unknown": "shape=box, style=dashed",
}


def dot(drawing: Graph) -> str:
    """The graph in Graphviz's language, in which every label is a quoted string and nothing else."""
    lines = ["digraph lineage {", "  rankdir=LR;"]
    note = drawing.note
    if note:
        lines.append(f"  label={quoted(note)};")
    for node in drawing.nodes:
        pin = " (not pinned)" if node.pinned is False else ""
        flag = ", color=red" if node.flagged else ""
        lines.append(f"  {node.key} [label={quoted(node.label + pin)}, {_DOT[node.kind]}{flag}];")
    for source, target, kind in drawing.edges:
        lines.append(f"  {source} -> {target}{f' [label={quoted(kind, 30)}]' if kind else ''};")
    return "\n".join((*lines, "}", ""))


def quoted(text: str, limit: int = 100) -> str:
    r"""A quoted string of DOT that shows the text: no escape of its own (`\N`, `\l`), no character reference.

    https://graphviz.org/doc/info/lang.html, "double-quoted strings", and https://graphviz.org/docs/attr-types/escString/
    """
    shown = escape.visible(text, limit).replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"')
    return f'"{shown}"'
