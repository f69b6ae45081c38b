"""The table, what is measured by it, and that the measure is what the BOM really says."""

from __future__ import annotations

import dataclasses
import json
import re
import struct
from datetime import date
from pathlib import Path
from typing import Any, get_args

import pytest

from mlgate import bom, cli
from mlgate.bom.completeness import measured
from mlgate.completeness import Filled, Measured, Standing, elements
from mlgate.completeness.fields import of_component
from mlgate.pipeline import scan
from mlgate.policy import demands, information
from mlgate.policy.elements import ModelElement
from mlgate.policy.load import load
from mlgate.records import (
    Component,
    DataFacts,
    Hash,
    Inventory,
    Kind,
    Location,
    ModelFacts,
    Occurrence,
    Relation,
    Scanned,
)
from mlgate.reports import completeness
from mlgate.settings import Settings
from tests.bom.test_docs import example

SHA = "3f49326eb077187dfe1c2a2bb15fbd74e6ab91e3"
NAMED = re.compile(r"(.+)\[([^\]]+)\]")

FULL = Component(
    kind=Kind.MODEL,
    identity="file:m.gguf",
    name="m.gguf",
    licenses=("MIT",),
    model=ModelFacts(
        format="gguf",
        architecture_family="llama",
        architecture="Llama",
        task="text-generation",
        quantization="Q4_K_M",
        parameters=7,
        inputs=("text",),
        outputs=("text",),
        other=(("context-length", "4096"), ("vocabulary", "32000"), ("rank", "8"), ("alpha", "16"), ("tokenizer", "x")),
        metrics=(("accuracy", "0.9", "glue"),),
    ),
)
BARE = Component(kind=Kind.MODEL, identity="torchhub:a/b:c", name="c", pinned=False, licenses=("unknown",))
HUB = Component(kind=Kind.MODEL, identity="hf:a/b", name="a/b", version=SHA, pinned=True)
ODD = Component(
    kind=Kind.MODEL, identity="hf:a b/c", name="c", hashes=(Hash(algorithm="MD5", value="zz", declared=True),)
)
HOSTED = Component(kind=Kind.SERVICE, identity="api:openai:gpt-4o", name="gpt-4o")
DATA = Component(
    kind=Kind.DATASET,
    identity="dataset:file:d.csv",
    name="d.csv",
    hashes=(Hash(algorithm="MD5", value="a" * 32, declared=True),),
    data=DataFacts(
        format="csv",
        columns=(("x", "int"),),
        rows=3,
        description="Numbers.",
        classification="internal",
        sensitive=("names",),
        owners=("us",),
    ),
)
NAMED_DATA = Component(kind=Kind.DATASET, identity="dataset:hf:a/d", name="a/d")
PACKAGE = Component(kind=Kind.PACKAGE, identity="pkg:pypi/x", name="x", purl="pkg:pypi/x@1", version="1")
UNREAD = Component(kind=Kind.MODEL, identity="file:cut.onnx", name="cut.onnx")

REPOSITORY = Inventory(
    root="r",
    components=(FULL, BARE, HUB, ODD, HOSTED, DATA, NAMED_DATA, PACKAGE, UNREAD),
    relations=(
        Relation(source="file:m.gguf", target="hf:a/b", kind="derived-from"),
        Relation(source="file:m.gguf", target="dataset:file:d.csv", kind="trained-on"),
        Relation(source="torchhub:a/b:c", target="hf:only/named", kind="adapter-of"),
    ),
    scanned=(
        Scanned(path="m.gguf", format="gguf", sha256="b" * 64, size=1, complete=True),
        Scanned(path="cut.onnx", format="onnx", sha256="c" * 64, size=1, complete=False),
    ),
    timestamp=1,
    head=SHA,
)


def there(value: Any, path: str) -> bool:
    """Whether the field of a document, in the table's notation, holds anything."""
    for step in re.findall(r"(?:[^.\[]|\[[^\]]*\])+", path):  # dots inside of brackets are part of a name
        if step.endswith("[]"):
            value = (value or {}).get(step[:-2], [None])[0]
            continue
        match = NAMED.fullmatch(step)
        key, pick = (match[1], match[2]) if match else (step, "")
        value = value.get(key) if isinstance(value, dict) else None
        if pick:
            value = [entry for entry in value or [] if pick in {entry.get("type"), entry.get("name")}]
    return value not in (None, "", [], {})


def test_all_elements_of_both_lists_are_in_the_table_once() -> None:
    g7 = [e.g7 for e in elements() if e.g7]
    owasp = [e.owasp for e in elements() if e.owasp]
    counts = {"MD": 10, "SLP": 9, "MDL": 13, "DP": 10, "INF": 2, "SP": 4, "KPI": 2}
    assert sorted(g7) == sorted(f"G7AI-{part}-{n:02}" for part, last in counts.items() for n in range(1, last + 1))
    assert len(owasp) == len(set(owasp)) == 48
    assert len({e.name for e in elements()}) == len(elements())
    assert {e.kind for e in elements()} == {"document", "model", "dataset"}
    assert tuple(e.name for e in elements("model")) == get_args(ModelElement)
    assert elements("service") == elements("model")


@pytest.mark.parametrize("inventory", [REPOSITORY, example()[0]], ids=["all-sorts", "page"])
def test_what_is_called_present_stands_in_the_document_and_nothing_else_does(inventory: Inventory) -> None:
    made = json.loads(bom.build(inventory, None, name="r", version=inventory.head))
    needs = {entry["ref"]: entry.get("dependsOn", []) for entry in made["dependencies"]}
    listed = {
        next(p["value"] for p in one["properties"] if p["name"] == "mlgate:identity"): one
        for one in [*made["components"], *made.get("services", [])]
    }
    found = measured(inventory)
    assert {one.identity for one in found[1:]} == {name for name in listed if not name.startswith("pkg:")}
    for one in found[1:]:
        entry = listed[one.identity]
        for element in elements(one.kind):
            fields = [field for field in element.fields if field != "dependencies"]
            real = any(there(entry, field) for field in fields)
            if "dependencies" in element.fields:
                ref = entry["bom-ref"]
                real = bool(needs.get(ref)) or any(
                    ref in {d["ref"] for d in c.get("modelCard", {}).get("modelParameters", {}).get("datasets", [])}
                    for c in made["components"]
                )
            if element.name == "model-license" and "unknown" in json.dumps(entry.get("licenses", "")):
                real = False  # stated to be unknown
            assert (one.elements[element.name] is Standing.PRESENT) is real, (one.identity, element.name)
    own = {"components[library]": any(c["type"] == "library" for c in made["components"])}
    metrics = "components[].modelCard.quantitativeAnalysis.performanceMetrics"
    own[metrics] = any(there(c, metrics.partition("[].")[2]) for c in made["components"])
    for element in elements("document"):
        real = any(own[f] if f in own else there(made, f) for f in element.fields)
        assert (found[0].elements[element.name] is Standing.PRESENT) is real, element.name


def of(identity: str) -> Measured:
    return next(one for one in measured(REPOSITORY) if one.identity == identity)


def test_what_the_document_says_it_does_not_know_is_not_missing() -> None:
    assert of("torchhub:a/b:c").names(Standing.UNKNOWN) == ("model-version", "model-license")
    unread = of("file:cut.onnx")
    assert {"model-properties", "type-of-model", "model-input-output-properties"} <= {*unread.names(Standing.UNKNOWN)}
    assert unread.elements["model-license"] is Standing.MISSING
    assert of("hf:a b/c").elements["model-hash-value"] is Standing.UNKNOWN
    assert of("dataset:hf:a/d").elements["dataset-dependency-relationship"] is Standing.UNKNOWN
    assert of("file:m.gguf").elements["model-timestamp"] is Standing.MISSING
    assert of("api:openai:gpt-4o").names(Standing.PRESENT) == ("model-name", "model-identifier", "model-producer")


def required(text: str, *components: Component) -> list[tuple[str, str, str]]:
    policy = load(f"version: 1\nmodels: {{require: [{text}]}}\n", "p")
    found = demands.demands(policy, Inventory(root="", components=components, scanned=REPOSITORY.scanned))
    ours = (information.UNINFORMED, demands.MISSING)
    return [(f.rule.id, f.subject, f.evidence) for f in found if f.rule in ours]


def test_the_policy_asks_for_elements_of_models_only() -> None:
    assert required("model-license, model-hash-value, model-name", FULL, NAMED_DATA, PACKAGE) == []
    assert required("primary-purpose, model-hash-value", FULL, HUB, HOSTED) == [
        ("MLG-MDL-170", "hf:a/b", "primary-purpose,model-hash-value"),
        ("MLG-MDL-170", "api:openai:gpt-4o", "primary-purpose,model-hash-value"),
    ]
    # said to be unknown is not said, and the facts of old keep their rule
    assert required("license, model-license", HUB, BARE) == [
        ("MLG-LIN-002", "hf:a/b", "license"),
        ("MLG-MDL-170", "hf:a/b", "model-license"),
        ("MLG-MDL-170", "torchhub:a/b:c", "model-license"),
    ]
    with pytest.raises(Exception, match='"model-licence" is not one of'):
        required("model-licence", FULL)
    with pytest.raises(Exception, match="is not one of"):
        required("dataset-license", FULL)


def test_a_folder_and_the_weights_in_it_are_one_model_to_the_policy() -> None:
    card = dataclasses.replace(FULL, identity="file:m")
    weights = [Component(kind=Kind.MODEL, identity=f"file:m/{n}", name=n) for n in ("a.gguf", "b.gguf")]
    other = Component(kind=Kind.MODEL, identity="file:mx.gguf", name="mx.gguf")
    inventory = Inventory(
        root="",
        components=(card, *weights, other),
        relations=tuple(Relation(source="file:m", target=one.identity) for one in weights),
        scanned=(Scanned(path="m/a.gguf", format="gguf", sha256="b" * 64, size=1, complete=True),),
    )
    policy = load("version: 1\nmodels: {require: [primary-purpose, model-hash-value]}\n", "p")
    found = information.uninformed(policy, inventory)
    assert [(f.subject, f.evidence) for f in found] == [
        ("file:m", "model-hash-value"),
        ("file:m/b.gguf", "model-hash-value"),
        ("file:mx.gguf", "primary-purpose,model-hash-value"),
    ]


def test_a_card_and_provenance_are_asked_of_models_that_are_here(tmp_path: Path) -> None:
    card = "---\nlicense: mit\npipeline_tag: text-generation\nbase_model: a/b\n---\n# m\n"
    weights = struct.pack("<Q", 2) + b"{}"
    for name, data in (
        ("good/README.md", card.encode()),
        ("good/model.safetensors", weights),
        ("bare/model.safetensors", weights),
        ("orphan/README.md", card.replace("base_model: a/b\n", "").encode()),
        ("orphan/model.safetensors", weights),
        ("a.py", b"from transformers import AutoModel\nAutoModel.from_pretrained('c/d')\n"),
        (".mlgate.yml", b"version: 1\nmodels: {require: [model-card, provenance]}\n"),
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    result = scan(Settings(root=tmp_path, today=date(2026, 11, 23), advisories=False))
    found = [d.finding for d in result.verdict.decisions if d.finding.rule == information.UNINFORMED]
    assert sorted((f.subject, f.evidence) for f in found) == [
        ("file:bare/model.safetensors", "model-card,provenance"),
        ("file:orphan", "provenance"),
        ("file:orphan/model.safetensors", "provenance"),
    ]


def test_one_field_of_several_is_enough() -> None:
    element = next(e for e in elements("model") if e.name == "model-properties")
    assert (
        Filled(present=frozenset(element.fields[:1]), unknown=frozenset(element.fields)).standing(element) == "present"
    )
    assert of_component(HOSTED).present == {"name", "bom-ref", "provider"}


def test_the_report_counts_and_is_inert(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evil = Component(
        kind=Kind.MODEL,
        identity="file:\x1b[31m.pkl",
        name="x",
        occurrences=(Occurrence(location=Location(path="\x1b[31m.pkl")),),
    )
    found = measured(Inventory(root="", components=(evil, DATA)))
    text = completeness.human(found, unresolved=2)
    assert text.isascii()
    assert "\x1b" not in text
    assert "Not counted: 2 references" in text
    told = json.loads(completeness.json_text(found, unresolved=2))
    assert told["summary"]["dataset"] == {"components": 1, "present": 7, "unknown": 1, "missing": 2}
    name = next(e for e in told["elements"] if e["name"] == "model-name")
    assert (name["g7"], name["owasp"], name["tier"], name["present"]) == ("G7AI-MDL-01", "name", "critical", 1)
    for one in told["components"]:
        whole = one["present"] + one["unknown"] + one["missing"]
        assert sorted(whole) == sorted(e["name"] for e in told["elements"] if e["kind"] == one["kind"])
    (tmp_path / "a.py").write_text("from transformers import AutoModel\nAutoModel.from_pretrained('a/b')\n")
    assert cli.main(["bom", "--no-advisories", "--completeness", str(tmp_path)]) == 0
    assert "hf:a/b: 6 present, 1 declared unknown, 44 missing" in capsys.readouterr().out
