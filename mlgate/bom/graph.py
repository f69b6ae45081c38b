"""What becomes a node of the BOM, under which bom-ref, and what depends on what."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from mlgate.bom.texts import clean
from mlgate.identify import MODEL_CONTENT, promised
from mlgate.records import Component, Inventory, Kind, Relation, Scanned

APPLICATION = "mlgate:application"
TOOL = "mlgate:tool"
_RESERVED = ("mlgate:", "vulnerability:", "urn:cdx:")

# Keys of cards and configurations that say where a model comes from and load nothing.
_NAMING = frozenset({"base_model", "datasets", "model-index", "_name_or_path", "source_datasets", "source_model_name"})
_FILE = re.compile(r"(dataset:)?file:")
_NODE = re.compile(r"(hf|file|path|torchhub|timm|openclip|ollama|url|dataset):.+", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A component under its bom-ref. `scanned` is the file it is, `stated` False when only a relation names it."""

    ref: str
    component: Component
    scanned: Scanned | None = None
    stated: bool = True
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """Nodes by bom-ref, sorted; what each depends on (APPLICATION included); the lineage among models and datasets."""

    nodes: Mapping[str, Node]
    edges: Mapping[str, tuple[str, ...]]
    ancestors: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    datasets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def graph(inventory: Inventory) -> Graph:
    """The graph of an inventory.

    Everything is reachable from the application. An edge names identities, which have no version: where several
    versions of the target are there, it goes to all of them. A package that is needed and not listed makes no node
    (a lockfile leaves out what does not apply); its name is kept in `missing` of the one that needs it. A model or
    dataset that only a relation names becomes a node, so that lineage has no loose end.
    """
    nodes = _nodes(inventory)
    index = _index(nodes.values())
    edges: dict[str, set[str]] = {ref: set() for ref in (APPLICATION, *nodes)}
    missing: dict[str, set[str]] = {}
    ancestors: dict[str, set[tuple[str, str]]] = {}
    datasets: dict[str, set[str]] = {}
    for relation in inventory.relations:
        targets = index.get(relation.target, ())
        for source in index.get(relation.source, (APPLICATION,)):
            if not targets and source != APPLICATION:
                missing.setdefault(source, set()).add(relation.target)
            for target in targets:
                if target == source:
                    continue
                edges[source].add(target)
                _lineage(nodes, relation, source, target, ancestors, datasets)
    edges[APPLICATION] |= set(_direct(inventory, nodes, edges))
    _reach(edges)
    return Graph(
        nodes={ref: _with_missing(node, missing.get(ref)) for ref, node in sorted(nodes.items())},
        edges={ref: tuple(sorted(targets)) for ref, targets in sorted(edges.items())},
        ancestors={ref: tuple(sorted(found)) for ref, found in sorted(ancestors.items())},
        datasets={ref: tuple(sorted(found)) for ref, found in sorted(datasets.items())},
    )


def _with_missing(node: Node, missing: set[str] | None) -> Node:
    if not missing:
        return node
    return Node(
        ref=node.ref,
        component=node.component,
        scanned=node.scanned,
        stated=node.stated,
        missing=tuple(sorted(missing)),
    )


def _lineage(
    nodes: Mapping[str, Node],
    relation: Relation,
    source: str,
    target: str,
    ancestors: dict[str, set[tuple[str, str]]],
    datasets: dict[str, set[str]],
) -> None:
    if source == APPLICATION or nodes[source].component.kind is not Kind.MODEL:
        return
    kind = nodes[target].component.kind
    if kind is Kind.DATASET:
        datasets.setdefault(source, set()).add(target)
    elif kind is Kind.MODEL and relation.kind != "depends-on":
        ancestors.setdefault(source, set()).add((target, relation.kind))


def _nodes(inventory: Inventory) -> dict[str, Node]:
    files = {scanned.path: scanned for scanned in inventory.scanned}
    components = list(inventory.components)
    told = {component.identity for component in components}
    told |= {f"file:{part.path}" for component in components for part in component.parts}
    components += [
        made
        for scanned in inventory.scanned
        for made in _unread(scanned)
        if not {made.identity, f"dataset:{made.identity}"} & told
    ]
    told |= {component.identity for component in components}
    versioned = {component.identity for component in components if component.version}
    nodes: dict[str, Node] = {}
    for component in components:
        if component.identity in versioned and _only_named(component):
            continue
        ref = _free(nodes, component)
        scanned = files.get(_FILE.sub("", component.identity)) if _is_file(component) else None
        nodes[ref] = Node(ref=ref, component=component, scanned=scanned)
    for identity in sorted({end for r in inventory.relations for end in (r.source, r.target)} - told):
        if _NODE.fullmatch(identity):
            named = _named(identity)
            ref = _free(nodes, named)
            nodes[ref] = Node(ref=ref, component=named, stated=False)
    return nodes


def _only_named(component: Component) -> bool:
    """Whether a header or card names this model or dataset, without a version, and nothing here loads it so.

    Any version is it.
    """
    named = all(seen.symbol in _NAMING for seen in component.occurrences)
    return named and component.version is None and not component.hashes and component.kind is not Kind.PACKAGE


def _is_file(component: Component) -> bool:
    return _FILE.match(component.identity) is not None


def _free(nodes: Mapping[str, Node], component: Component) -> str:
    """A bom-ref from identity and version. Two kinds under one identity are told apart by the kind."""
    ref = f"{component.identity}@{component.version}" if component.version else component.identity
    ref = clean(ref, 1_000).replace("#", "%23")  # what follows a # is ours
    if ref.startswith(_RESERVED):
        ref = f"identity:{ref}"
    if ref in nodes:
        ref = f"{ref}#{component.kind.value}"
    number, free = 2, ref
    while free in nodes:
        free, number = f"{ref}#{number}", number + 1
    return free


def _unread(scanned: Scanned) -> Iterable[Component]:
    """A model file that no reader made a component of is still in the repository, and so in the BOM."""
    name = scanned.path.rpartition("/")[2]
    if promised(name) is not None or MODEL_CONTENT.intersection(scanned.format.split("+")):
        yield Component(kind=Kind.MODEL, identity=f"file:{scanned.path}", name=name)


def _named(identity: str) -> Component:
    kind = Kind.DATASET if identity.startswith("dataset:") else Kind.MODEL
    return Component(kind=kind, identity=identity, name=identity.removeprefix("dataset:").partition(":")[2])


def _index(nodes: Iterable[Node]) -> Mapping[str, tuple[str, ...]]:
    """bom-refs by everything that a relation may call a component: identity, identity@version, or purl with version."""
    found: dict[str, list[str]] = {}
    for node in nodes:
        names = {node.component.identity, node.component.purl or node.component.identity, node.ref}
        for name in names:
            found.setdefault(name, []).append(node.ref)
    return {name: tuple(sorted(refs)) for name, refs in found.items()}


def _direct(inventory: Inventory, nodes: Mapping[str, Node], edges: Mapping[str, set[str]]) -> Iterable[str]:
    """What the application itself names: direct packages, what its code loads, the model files in it, and orphans."""
    loaded = {(r.identity, r.revision or "") for r in inventory.references}
    needed = {target for targets in edges.values() for target in targets}
    for ref, node in nodes.items():
        component = node.component
        if component.package is not None:
            own = component.package.direct
        else:
            own = _is_file(component) or (component.identity, component.version or "") in loaded
        if own or ref not in needed:
            yield ref


def _reach(edges: dict[str, set[str]]) -> None:
    """Hangs what the application does not reach (rings of packages) on the application."""
    seen: set[str] = set()
    pending = [APPLICATION]
    rest = sorted(edges, reverse=True)
    while pending:
        ref = pending.pop()
        if ref not in seen:
            seen.add(ref)
            pending.extend(edges[ref])
        while not pending and rest:
            left = rest.pop()
            if left not in seen:
                edges[APPLICATION].add(left)
                pending.append(left)
