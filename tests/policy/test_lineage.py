"""Lineage: what a policy says of bases, data, terms, and of weights and templates that change."""

from __future__ import annotations

import dataclasses
from datetime import date
from pathlib import Path

import pytest

from mlgate.judge import Base, judge
from mlgate.policy import lineage, load
from mlgate.policy.terms import Terms, conflict, known_license, terms
from mlgate.records import Component, Hash, Inventory, Kind, ModelFacts, Relation, Rule
from tests.builders.gguf import chat
from tests.builders.safetensors import safetensors
from tests.repositories import commit
from tests.test_pipeline import look

CARD = "---\nlicense: {}\nbase_model: {}\n---\n# x\n"


def told(inventory: Inventory, rule: Rule, policy: str = "version: 1\n") -> list[tuple[str, str, str]]:
    verdict = judge(load.load(policy, "p"), inventory, today=date(2026, 1, 1), base=None, policy_source="p")
    return [
        (d.finding.subject, str(d.action), d.clause.partition(":")[0])
        for d in verdict.decisions
        if d.finding.rule is rule
    ]


def model(identity: str, license_name: str = "", form: str = "transformers") -> Component:
    licenses = (license_name,) if license_name else ()
    return Component(
        kind=Kind.MODEL, identity=identity, name=identity, licenses=licenses, model=ModelFacts(format=form)
    )


@pytest.mark.parametrize(
    ("above", "below", "asked"),
    [
        ("cc-by-nc-4.0", "apache-2.0", Terms.NON_COMMERCIAL),
        ("CC-BY-NC-SA-4.0", "MIT", Terms.NON_COMMERCIAL),
        ("cc-by-nc-4.0", "cc-by-nc-sa-4.0", None),
        ("llama3.1", "apache-2.0", Terms.RESTRICTED),
        ("llama3.1", "llama3.2", None),
        ("gemma", "llama2", Terms.RESTRICTED),
        ("openrail++", "mit", Terms.RESTRICTED),
        ("creativeml-openrail-m", "openrail", None),
        ("bigscience-bloom-rail-1.0", "bigscience-bloom-rail-1.0", None),
        ("gpl-3.0", "apache-2.0", Terms.SHARE_ALIKE),
        ("gpl-3.0", "agpl-3.0", None),
        ("agpl-3.0", "gpl-3.0", Terms.SHARE_ALIKE),
        ("cc-by-sa-4.0", "gpl-3.0", Terms.SHARE_ALIKE),
        # near misses: nothing is asked, or nothing is known
        ("apache-2.0", "cc-by-nc-4.0", None),
        ("mit", "proprietary", None),
        ("other", "apache-2.0", None),
        ("cc-by-4.0", "apache-2.0", None),
        ("cc-by-nc-4.0", "other", None),
        ("lgpl-3.0", "apache-2.0", None),
    ],
)
def test_what_a_licence_hands_on(above: str, below: str, asked: Terms | None) -> None:
    assert conflict(above, below) == asked


def test_names_that_only_look_like_a_licence_have_no_class() -> None:
    assert [terms(name) for name in ("llama-index", "gemmaX", "commercial", "openrailway", "", "bsd-ish")] == [None] * 6
    assert known_license("hf:meta-llama/Llama-3.1-8B-Instruct") == "llama3.1"
    assert known_license("hf:evil/Llama-3.1-8B") == ""


def test_a_conflict_along_the_line_is_told_by_its_clause() -> None:
    inventory = Inventory(
        root="r",
        components=(model("file:own", "apache-2.0"), model("hf:meta-llama/Llama-2-7b-hf"), model("hf:a/b", "mit")),
        relations=(
            Relation(source="file:own", target="hf:meta-llama/Llama-2-7b-hf", kind="fine-tuned-from"),
            Relation(source="file:own", target="hf:a/b", kind="merged-from"),
        ),
    )
    assert told(inventory, lineage.CONFLICT) == [("file:own", "warn", "models.lineage.license-conflict")]
    strict = "version: 1\nmodels: {lineage: {license-conflict: block}}\n"
    assert told(inventory, lineage.CONFLICT, strict)[0][1] == "block"
    assert [action for _, action, _ in told(inventory, lineage.PUBLIC)] == ["note", "note"]


def test_an_adapter_without_a_base_and_data_that_can_change(tmp_path: Path) -> None:
    commit(
        tmp_path / "r",
        {
            "a/adapter_config.json": '{"peft_type": "LORA", "base_model_name_or_path": null}',
            "a/adapter_model.safetensors": safetensors({"x": ("F32", [1])}),
            "b/adapter_config.json": '{"peft_type": "LORA", "base_model_name_or_path": "acme/base"}',
            "b/adapter_model.safetensors": safetensors({"x": ("F32", [1])}),
            "c/README.md": "---\nlicense: mit\ndatasets: [acme/data]\n---\n# c\n",
            "c/config.json": '{"model_type": "bert", "architectures": ["BertModel"]}',
            "c/model.safetensors": safetensors({"x": ("F32", [1])}),
        },
    )
    inventory = look(tmp_path / "r").inventory
    assert told(inventory, lineage.UNDECLARED) == [("file:a", "warn", "models.lineage.base-model-declared")]
    assert told(inventory, lineage.UNPINNED_DATA) == [("file:c", "note", "models.lineage.unpinned-dataset")]


Files = dict[str, str | bytes]
WEIGHTS: Files = {
    "m/model.safetensors": safetensors({"x": ("F32", [1])}),
    "m/config.json": '{"model_type": "bert", "d_model": 1}',
}
OTHER = safetensors({"x": ("F32", [2])})
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 9000\n"


@pytest.mark.parametrize(
    ("before", "after", "rules"),
    [
        ({}, {"m/model.safetensors": OTHER}, ["MLG-LIN-012"]),
        ({}, {"m/model.safetensors": OTHER, "README.md": "# other words\n"}, ["MLG-LIN-012"]),
        ({}, {"m/model.safetensors": OTHER, "train.py": "lr = 2\n"}, []),
        ({}, {"m/model.safetensors": OTHER, "m/config.json": '{"model_type": "bert", "d_model": 2}'}, []),
        ({"w.pt": POINTER.format("a" * 64)}, {"w.pt": POINTER.format("b" * 64)}, ["MLG-LIN-012"]),
        ({}, {"n/model.safetensors": OTHER}, []),
        ({}, {"m/chat_template.jinja": "{{ messages }}"}, ["MLG-LIN-014"]),
        ({}, {"n/chat_template.jinja": "{{ messages }}"}, []),
        ({"m/tokenizer.json": "{}"}, {"m/tokenizer.json": '{"a": 1}'}, ["MLG-LIN-014"]),
        ({"m/tokenizer.json": "{}"}, {}, []),
        ({}, {"m/additional_chat_templates/tool.jinja": "{{ tools }}"}, ["MLG-LIN-014"]),
    ],
)
def test_what_changes_of_models(tmp_path: Path, before: Files, after: Files, rules: list[str]) -> None:
    root = tmp_path / "r"
    first: Files = {**WEIGHTS, "train.py": "lr = 1\n", "README.md": "# words\n", **before}
    base = commit(root, first)
    commit(root, after)
    verdict = look(root, base=base).verdict
    found = [d.finding.rule.id for d in verdict.decisions if d.finding.rule in (lineage.ALONE, lineage.TEMPLATE)]
    assert found == rules
    assert all(d.action == "warn" and d.new for d in verdict.decisions if d.finding.rule.id in rules)


def test_a_template_inside_of_a_gguf_file(tmp_path: Path) -> None:
    root = tmp_path / "r"
    base = commit(root, {"m.gguf": chat("{{ messages }}"), "a.py": "x = 1\n"})
    commit(root, {"m.gguf": chat("{{ messages[0] }}"), "a.py": "x = 2\n"})
    verdict = look(root, base=base).verdict
    (found,) = [d.finding for d in verdict.decisions if d.finding.rule is lineage.TEMPLATE]
    assert "tokenizer.chat_template in m.gguf changed" in found.message


def test_without_the_base_s_inventory_nothing_is_said_to_have_changed() -> None:
    inventory = Inventory(root="r", components=(model("file:own"),))
    base = Base(ref="x" * 40)
    verdict = judge(load.preset("starter"), inventory, today=date(2026, 1, 1), base=base, policy_source="p")
    assert not [d for d in verdict.decisions if d.finding.rule in (lineage.ALONE, lineage.TEMPLATE)]


def test_data_from_an_address_needs_a_checksum(tmp_path: Path) -> None:
    code = 'import pandas as pd\npd.read_csv("https://data.example.org/train.csv")\npd.read_csv("data/own.csv")\n'
    commit(tmp_path / "r", {"a.py": code})
    inventory = look(tmp_path / "r").inventory
    address = "dataset:https://data.example.org/train.csv"
    assert told(inventory, lineage.UNCHECKED) == [(address, "note", "datasets.url-without-checksum")]
    fixed = dataclasses.replace(
        inventory,
        components=tuple(
            dataclasses.replace(one, hashes=(Hash(algorithm="SHA-256", value="ab" * 32, declared=True),))
            for one in inventory.components
        ),
    )
    assert told(fixed, lineage.UNCHECKED) == []
