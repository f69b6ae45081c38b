"""The lineage graph as SVG: columns by distance from the code, drawn with attributes only (no style, no script)."""

from __future__ import annotations

from collections import defaultdict
from html import escape as entities
from itertools import accumulate, pairwise

from mlgate.reports import escape
from mlgate.reports.lineage import Graph, Node

_WIDTH, _HEIGHT, _GAP_X, _GAP_Y, _MARGIN = 240, 44, 96, 14, 12
_BEND = 16
_COLUMNS = 6
_SWEEPS = 4
_LABEL = 29
_KIND = 15

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
            wanted = min(depth[source] + 1, _COLUMNS)
            if target != "n0" and depth[target] < wanted:
                depth[target] = wanted
                moved = True
        if not moved:
            break
    return depth


def _routes(graph: Graph, depth: dict[str, int]) -> tuple[tuple[str, ...], ...]:
    """Each edge once as the places it runs through: one that skips columns gets a place of its own in each of them."""
    pairs = dict.fromkeys((source, target) for source, target, _kind in graph.edges)
    return tuple(
        (source, *(f"{source}>{target}@{column}" for column in range(depth[source] + 1, depth[target])), target)
        for source, target in pairs
    )


def _places(graph: Graph) -> tuple[dict[str, tuple[int, int]], tuple[tuple[str, ...], ...]]:
    """Where each node and each bend stands, and the routes of the edges.

    A column's members are ordered by the height of what they are linked with, so that few lines cross
    (the barycentre heuristic), and every column is centred.
    """
    depth = _columns(graph)
    routes = _routes(graph, depth)
    for route in routes:
        depth |= {key: depth[route[0]] + number for number, key in enumerate(route[1:-1], start=1)}
    columns: dict[int, list[str]] = defaultdict(list)
    for key, column in depth.items():
        columns[column].append(key)
    near: dict[str, list[str]] = defaultdict(list)
    for route in routes:
        for one, other in pairwise(route):
            if depth[one] != depth[other]:  # neighbours in the same column would hold each other
                near[one].append(other)
                near[other].append(one)

    def stacked(keys: list[str]) -> dict[str, float]:
        heights = [_BEND if "@" in key else _HEIGHT + _GAP_Y for key in keys]
        tops = accumulate(heights, initial=(tallest - sum(heights)) / 2)
        return {key: top + height / 2 for key, height, top in zip(keys, heights, tops, strict=False)}

    tallest = float(max(sum(_BEND if "@" in key else _HEIGHT + _GAP_Y for key in keys) for keys in columns.values()))
    middle: dict[str, float] = {}
    for keys in columns.values():
        middle |= stacked(keys)
    for sweep in range(_SWEEPS):
        for column in sorted(columns, reverse=bool(sweep % 2)):
            keys = columns[column]
            pull = {key: sum(middle[other] for other in near[key]) / len(near[key]) for key in keys if near[key]}
            keys.sort(key=lambda key: (pull.get(key, middle[key]), middle[key]))
            middle |= stacked(keys)
    left = {key: _MARGIN + depth[key] * (_WIDTH + _GAP_X) for key in middle}
    return {key: (left[key], _MARGIN + round(middle[key])) for key in middle}, routes


def svg(graph: Graph) -> str:
    """The picture as markup, every label escaped; "" for an empty graph."""
    if not graph.nodes:
        return ""
    at, routes = _places(graph)
    width = max(x for x, _ in at.values()) + _WIDTH + _MARGIN
    height = max(y for _, y in at.values()) + _HEIGHT // 2 + _MARGIN
    edges = "".join(_edge([at[key] for key in route]) for route in routes)
    nodes = "".join(_node(node, *at[node.key]) for node in graph.nodes)
    kinds: dict[str, list[str]] = defaultdict(list)
    for _source, target, kind in graph.edges:
        if kind and kind not in kinds[target]:
            kinds[target].append(kind)
    labels = "".join(_kinds(named, *at[key]) for key, named in kinds.items())
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    label = 'role="img" aria-label="Lineage of models and datasets; the list below says the same"'
    return f'<svg class="lineage" {size} {label}>{_TIP}{edges}{nodes}{labels}</svg>'


def links(graph: Graph) -> tuple[tuple[str, str, str], ...]:
    """The edges in words for those who cannot see the picture: (what, "needs" or the relation's kind, what)."""
    names = {node.key: escape.clip_path(node.label, 200) + _suffix(node) for node in graph.nodes}
    return tuple((names[source], kind or "needs", names[target]) for source, target, kind in graph.edges)


def _suffix(node: Node) -> str:
    said = [_PINS[node.pinned]] if _PINS[node.pinned] else []
    said += ["findings"] if node.flagged else []
    return f" ({', '.join(said)})" if said else ""


_PINS = {True: "pinned", False: "not pinned", None: ""}


def _edge(points: list[tuple[int, int]]) -> str:
    """A curve from the right side of the first place to the left side of the last, straight through bends."""
    x, y = points[0][0] + _WIDTH, points[0][1]
    path = f"M{x} {y}"
    for number, (left, down) in enumerate(points[1:], start=2):
        half = max((left - x) // 2, 30)
        path += f"C{x + half} {y} {left - half} {down} {left} {down}"
        if number < len(points):
            path += f"H{left + _WIDTH}"
        x, y = left + _WIDTH, down
    return f'<path class="edge" d="{path}" marker-end="url(#tip)"/>'


def _kinds(kinds: list[str], x: int, y: int) -> str:
    """What the lines that end at a node are called, once, where they end: halfway they would stand on each other."""
    return "".join(
        f'<text class="link" x="{x - 10}" y="{down}" text-anchor="end">{entities(escape.html(kind, _KIND))}</text>'
        for kind, down in zip(kinds, (y - 6, y + 14), strict=False)
    )


def _node(node: Node, x: int, y: int) -> str:
    said = (node.kind if node.kind != "application" else "", _PINS[node.pinned], "findings" if node.flagged else "")
    second = " \N{MIDDLE DOT} ".join(part for part in said if part)
    name = escape.clip_path(escape.html(node.label, 200), _LABEL)
    classes = f"{node.kind}{' flagged' if node.flagged else ''}{' loose' if node.pinned is False else ''}"
    y -= _HEIGHT // 2
    radius = {"application": 20, "dataset": 14}.get(node.kind, 4)
    first_y = y + (19 if second else 27)
    lines = f'<text class="name" x="{x + 12}" y="{first_y}">{entities(name)}</text>'
    if second:
        lines += f'<text class="kind" x="{x + 12}" y="{y + 35}">{second}</text>'
    return (
        f'<g class="{classes}"><title>{entities(escape.html(node.label, 300))}</title>'
        f'<rect x="{x}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}" rx="{radius}"/>{lines}</g>'
    )
