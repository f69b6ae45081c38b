"""The lineage graph as SVG: columns by distance from the code, drawn with attributes only (no style, no script)."""

from __future__ import annotations

from html import escape as entities

from mlgate.reports import escape
from mlgate.reports.lineage import Graph, Node

_WIDTH, _HEIGHT, _GAP_X, _GAP_Y, _MARGIN = 230, 44, 110, 18, 12

_TIP = (
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    '<path d="M0 0L8 4L0 8z" class="tip"/></marker></defs>'
)


def _columns(graph: Graph) -> dict[str, int]:
    """The longest distance from the application, cut at the number of nodes so that a cycle ends."""
    depth = {node.key: 0 if node.kind == "application" else 1 for node in graph.nodes}
    for _ in graph.nodes:
        moved = False
        for source, target, _kind in graph.edges:
            wanted = min(depth[source] + 1, 6)
            if target != "n0" and depth[target] < wanted:
                depth[target] = wanted
                moved = True
        if not moved:
            break
    return depth


def svg(graph: Graph) -> str:
    """The picture as markup, every label escaped; "" for an empty graph."""
    if not graph.nodes:
        return ""
    depth = _columns(graph)
    rows: dict[int, int] = {}
    at: dict[str, tuple[int, int]] = {}
    for node in graph.nodes:
        column = depth[node.key]
        at[node.key] = (
            _MARGIN + column * (_WIDTH + _GAP_X),
            _MARGIN + rows.get(column, 0) * (_HEIGHT + _GAP_Y),
        )
        rows[column] = rows.get(column, 0) + 1
    width = max(x for x, _ in at.values()) + _WIDTH + _MARGIN
    height = max(y for _, y in at.values()) + _HEIGHT + _MARGIN
    edges = "".join(_edge(at[source], at[target], kind) for source, target, kind in graph.edges)
    nodes = "".join(_node(node, *at[node.key]) for node in graph.nodes)
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    label = 'role="img" aria-label="Lineage of models and datasets"'
    return f'<svg class="lineage" {size} {label}>{_TIP}{edges}{nodes}</svg>'


def _edge(start: tuple[int, int], end: tuple[int, int], kind: str) -> str:
    x1, y1 = start[0] + _WIDTH, start[1] + _HEIGHT // 2
    x2, y2 = end[0], end[1] + _HEIGHT // 2
    bend = max((x2 - x1) // 2, 30)
    path = f'<path class="edge" d="M{x1} {y1}C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}" marker-end="url(#tip)"/>'
    if not kind:
        return path
    label = entities(escape.html(kind, 18))
    return f'{path}<text class="kind" x="{(x1 + x2) // 2}" y="{(y1 + y2) // 2 - 5}" text-anchor="middle">{label}</text>'


def _node(node: Node, x: int, y: int) -> str:
    pin = {True: "pinned", False: "not pinned", None: ""}[node.pinned]
    second = " \N{MIDDLE DOT} ".join(part for part in (node.kind if node.kind != "application" else "", pin) if part)
    name = escape.clip_path(escape.html(node.label, 200), 28)
    flagged = " flagged" if node.flagged else ""
    radius = 20 if node.kind == "application" else 6
    first_y = y + (19 if second else 27)
    lines = f'<text class="name" x="{x + 12}" y="{first_y}">{entities(name)}</text>'
    if second:
        lines += f'<text class="kind" x="{x + 12}" y="{y + 35}">{second}</text>'
    return (
        f'<g class="{node.kind}{flagged}"><title>{entities(escape.html(node.label, 300))}</title>'
        f'<rect x="{x}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}" rx="{radius}"/>{lines}</g>'
    )
