"""`mlgate bom --graph`: what is drawn, and that no name can leave its label.

The grammars below are the part of Mermaid's and DOT's that is written: a line that fits one of them can be nothing else
there. The pictures of these inventories were also read by Mermaid 11 and Graphviz themselves.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.cli import main
from mlgate.records import Component, Inventory, Kind, Location, Reference, Relation
from mlgate.reports import graph, lineage, summary
from tests.bom.test_build import repository
from tests.builders import verdicts, verdicts_hostile

_TEXT = r'"(?:[^"\\\x00-\x1f`<>|#;&%$(){}\[\]]|\(not pinned\))+"'
MERMAID = re.compile(
    rf"flowchart LR|  n0\(\[{_TEXT}\]\)|  n\d+(?:\[{_TEXT}\]|\[\({_TEXT}\)\]|>{_TEXT}\]|\{{\{{{_TEXT}\}}\}})"
    rf"|  more\[{_TEXT}\]|  n\d+ (?:-->|-- {_TEXT} -->) n\d+"
    r"|  classDef flagged stroke:#cf222e,stroke-width:3px|  class n\d+(?:,n\d+)* flagged|"
)
_STRING = r'"(?:[^"\\\x00-\x1f]|\\["\\])*"'
DOT = re.compile(
    rf"digraph lineage \{{|  rankdir=LR;|  label={_STRING};|  n\d+ \[label={_STRING}, shape=[a-z]+(?:, style=dashed)?"
    rf"(?:, color=red)?\];|  n\d+ -> n\d+(?: \[label={_STRING}\])?;|\}}|"
)


def _fits(inventory: Inventory) -> None:
    drawing = graph.graph(inventory, frozenset({"hf:acme/base"}))
    for pattern, text in ((MERMAID, graph.mermaid(drawing)), (DOT, graph.dot(drawing))):
        for line in text.split("\n"):
            assert pattern.fullmatch(line), line
    assert len(graph.mermaid(drawing)) < 50_000


def model(identity: str, **parts: str) -> Component:
    return Component(kind=Kind.MODEL, identity=identity, name=identity, **parts)  # type: ignore[arg-type]


def load(path: str, identity: str | None) -> Reference:
    return Reference(kind=Kind.MODEL, identity=identity, location=Location(path=path), symbol="load")


def test_code_leads_to_models_and_these_to_what_they_come_from() -> None:
    drawing = graph.graph(repository())
    labels = {node.key: node.label for node in drawing.nodes}
    assert {(labels[a], labels[b], kind) for a, b, kind in drawing.edges} == {
        ("this repository", "a.py", "contains"),
        ("this repository", "nb.ipynb", "contains"),
        ("this repository", "m/adapter.safetensors", "contains"),
        ("this repository", "m/old.h5", "contains"),
        ("nb.ipynb", "acme/base @ 3f49326eb077", "loads"),
        ("a.py", "model named when it runs", "loads"),
        ("m/adapter.safetensors", "acme/base @ 3f49326eb077", "adapter-of"),
        ("m/adapter.safetensors", "acme/signs", "trained-on"),
        ("acme/base @ 3f49326eb077", "meta/root", "derived-from"),
    }
    assert drawing.note == ""


@pytest.mark.parametrize("name", [*verdicts_hostile.NAMES, '"]\n  n9["x', "a\\", '\\"', "&quot;", "%%{init: {}}%%"])
def test_hostile_names_stay_in_their_labels(name: str) -> None:
    _fits(verdicts_hostile.hostile_inventory(name))


@given(st.text(min_size=1, max_size=20))
def test_any_name_stays_in_its_label(name: str) -> None:
    _fits(Inventory(root=name, components=(model(f"hf:{name}", version=name),), references=(load(name, None),)))


def test_too_much_is_cut_and_said() -> None:
    models = tuple(model(f"hf:m/{number:04}") for number in range(300))
    loads = tuple(load(f"{number % 250:03}.py", f"hf:m/{number % 280:04}") for number in range(7_000))
    drawing = graph.graph(Inventory(root="", components=models, references=loads), {"hf:m/0299"})
    assert len(drawing.nodes) == graph.NODES
    assert len(drawing.edges) <= graph.EDGES
    kinds = [node.kind for node in drawing.nodes]
    assert (kinds.count("model"), kinds.count("code")) == (100, 99)
    assert drawing.left_out == 300 + 250 - 199
    assert any(node.flagged for node in drawing.nodes)
    assert '  more["351 more nodes' in graph.mermaid(drawing)
    assert '  label="351 more nodes' in graph.dot(drawing)
    ring = tuple(Relation(source=f"hf:m/{n}", target=f"hf:m/{(n + k) % 60}") for n in range(60) for k in range(1, 12))
    full = graph.graph(Inventory(root="", relations=ring))
    assert (len(full.edges), full.edges_left_out) == (graph.EDGES, 160)


def test_packages_are_no_nodes_and_nothing_is_drawn_twice() -> None:
    drawing = graph.graph(repository())
    assert not any("torch" in node.label for node in drawing.nodes)
    shuffled = Inventory(
        root="",
        components=repository().components[::-1],
        references=repository().references[::-1],
        relations=repository().relations[::-1],
        scanned=repository().scanned[::-1],
    )
    assert graph.graph(shuffled) == drawing


def test_the_summary_shows_code_where_the_picture_stays_small() -> None:
    assert '>"nb.ipynb"]' in summary.render(repository(), verdicts.clean(), verdicts.CONTEXT)
    many = Inventory(
        root="",
        components=tuple(model(f"hf:m/{number}") for number in range(70)),
        references=(load("train.py", "hf:m/1"),),
    )
    text = summary.render(many, verdicts.clean(), verdicts.CONTEXT)
    assert "```mermaid" in text
    assert '"train.py"' not in text


def test_the_command_draws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.py").write_text("from transformers import AutoModel\nAutoModel.from_pretrained('acme/base')\n")
    assert main(["bom", str(tmp_path), "--no-advisories", "--graph", "mermaid"]) == 0
    assert capsys.readouterr().out == (
        'flowchart LR\n  n0(["this repository"])\n  n1["model: acme/base (not pinned)"]\n  n2>"a.py"]\n'
        '  n2 -- "loads" --> n1\n  n0 -- "contains" --> n2\n'
    )
    output = tmp_path / "out.dot"
    assert main(["bom", str(tmp_path), "--no-advisories", "--graph", "dot", "-o", str(output)]) == 0
    assert output.read_text().startswith("digraph lineage {\n")


def test_every_kind_of_component_can_be_drawn() -> None:
    kinds = [kind for kind in Kind if kind is not Kind.PACKAGE]
    components = tuple(Component(kind=kind, identity=f"x:{kind.value}", name=kind.value) for kind in kinds)
    drawing = graph.graph(Inventory(root="", components=components))
    for kind in kinds:
        assert f"x:{kind.value}" in graph.mermaid(drawing)
        assert f"x:{kind.value}" in graph.dot(drawing)
    assert "x:service" in lineage.mermaid(lineage.graph(Inventory(root="", components=components)))
