"""The lineage graph: what it links, what it leaves out, and that it ends."""

from __future__ import annotations

import dataclasses
import re

from mlgate.records import Component, Inventory, Kind, Relation
from mlgate.reports import drawing, lineage
from tests.builders import verdicts


def _model(identity: str) -> Component:
    return Component(kind=Kind.MODEL, identity=identity, name=identity)


def test_models_hang_on_the_code_and_on_what_they_come_from() -> None:
    graph = lineage.graph(verdicts.inventory(), frozenset({"hf:acme/encoder"}))
    labels = {node.key: node.label for node in graph.nodes}
    assert {(labels[a], labels[b], kind) for a, b, kind in graph.edges} == {
        ("this repository", "acme/encoder", ""),
        ("this repository", "models/resnet.pt", ""),
        ("acme/encoder", "google/vit-base-patch16-224 @ 3f49326eb077", "base-model"),
        ("acme/encoder", "acme/street-signs", "trained-on"),
    }
    assert [node.label for node in graph.nodes if node.flagged] == ["acme/encoder"]


def test_no_model_no_graph() -> None:
    inventory = verdicts.inventory()
    data = tuple(c for c in inventory.components if c.kind is Kind.DATASET)
    graph = lineage.graph(dataclasses.replace(inventory, components=data))
    assert lineage.mermaid(graph) == ""
    assert drawing.svg(graph) == ""


def test_a_cycle_is_drawn_and_stays_reachable() -> None:
    ring = tuple(_model(f"hf:m/{number}") for number in range(3))
    edges = tuple(Relation(source=f"hf:m/{n}", target=f"hf:m/{(n + 1) % 3}") for n in range(3))
    graph = lineage.graph(Inventory(root="", components=ring, relations=edges))
    assert len(graph.edges) == 3
    assert drawing.svg(graph).count("<rect") == 4


def test_many_models_are_cut_with_the_flagged_ones_kept() -> None:
    models = tuple(_model(f"hf:m/{number:04}") for number in range(500))
    graph = lineage.graph(Inventory(root="", components=models), frozenset({"hf:m/0499"}))
    assert graph.left_out == 500 - lineage.NODES
    assert any(node.flagged for node in graph.nodes)


def test_a_relation_from_a_file_of_the_code_comes_from_the_repository() -> None:
    inventory = Inventory(
        root="", components=(_model("hf:m/1"),), relations=(Relation(source="src/train.py", target="hf:m/1"),)
    )
    assert lineage.graph(inventory).edges == (("n0", "n1", ""),)


def test_a_long_edge_runs_between_the_boxes_and_each_relation_is_in_the_list() -> None:
    chain = tuple(_model(f"hf:m/{number}") for number in range(4))
    edges = tuple(Relation(source=f"hf:m/{n}", target=f"hf:m/{n + 1}", kind="base-model") for n in range(3))
    skip = Relation(source="hf:m/0", target="hf:m/3", kind="adapter")
    graph = lineage.graph(Inventory(root="", components=chain, relations=(*edges, skip)))
    text = drawing.svg(graph)
    boxes = {(int(x), int(y)) for x, y in re.findall(r'<rect x="(\d+)" y="(\d+)"', text)}
    bends = [(int(x), int(y)) for x, y in re.findall(r" (\d+) (\d+)H", text)]
    assert len(bends) == 2
    for x, y in bends:
        assert not any(left == x and top <= y <= top + 44 for left, top in boxes)
    assert ("m/0", "adapter", "m/3") in drawing.links(graph)
    assert text.count("adapter") == 1
