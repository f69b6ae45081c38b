"""Cards and configurations of Hugging Face folders, in the forms that the hub's own files have."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.bom import build
from mlgate.records import Kind, Relation, Resolution
from mlgate.references import card, folder
from tests.builders.safetensors import safetensors
from tests.reading import artifact, read
from tests.repositories import commit
from tests.test_pipeline import look

MODEL = """\
---
license: other
license_name: llama-3
language: [en, no]
library_name: peft
pipeline_tag: text-generation
base_model:
- meta-llama/Llama-3-8B
- /content/drive/base
- Llama-3-8B
datasets:
- acme/chat
- squad
- custom
model-index:
- name: tiny
  results:
  - task: {type: text-generation}
    dataset: {name: MMLU, type: cais/mmlu, config: all, split: test}
    metrics:
    - {type: acc, value: 0.62}
---
# Tiny
"""
DATASET = """\
---
pretty_name: NusaX-MT
license:
- cc-by-sa-4.0
size_categories:
- 10K<n<100K
source_datasets:
- original
- extended|acme/raw
- extended|other-foo
task_categories:
- translation
dataset_info:
  features:
  - name: id
    dtype: string
  - name: label
    dtype:
      class_label: {names: {'0': a}}
  splits:
  - name: train
    num_examples: 240
---
"""
SPACE = "---\ntitle: Demo\nemoji: x\nsdk: gradio\nmodels: [acme/tiny]\ndatasets: [acme/chat]\nlicense: mit\n---\n"
CONFIG = {
    "_name_or_path": "meta-llama/Llama-3-8B",
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "torch_dtype": "bfloat16",
    "transformers_version": "4.44.0",
    "quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_quant_type": "nf4"},
}
COMMIT = "3f49326eb077187dfe1c2a2bb15fbd74e6ab91e3"
ADAPTER = {
    "base_model_name_or_path": "meta-llama/Llama-3-8B",
    "revision": COMMIT,
    "peft_type": "LORA",
    "task_type": "CAUSAL_LM",
    "r": 16,
    "auto_mapping": None,
}


def test_a_model_card_is_about_its_folder() -> None:
    said = read(card.INSPECTOR, "models/tiny/README.md", MODEL)
    own = said.one("tiny")
    assert (own.kind, own.identity, own.licenses) == (Kind.MODEL, "file:models/tiny", ("llama-3",))
    assert own.model is not None
    assert own.model.task == "text-generation"
    assert own.model.metrics == (("acc", "0.62", "text-generation / MMLU / all / test"),)
    assert ("card:language", "en, no") in own.properties
    # a path of somebody's machine, a name without owner and a word are no models and datasets of the hub
    assert set(said.relations) == {
        Relation(source="file:models/tiny", target="hf:meta-llama/Llama-3-8B", kind="derived-from"),
        Relation(source="file:models/tiny", target="dataset:hf:acme/chat", kind="trained-on"),
        Relation(source="file:models/tiny", target="dataset:hf:squad", kind="trained-on"),
        Relation(source="file:models/tiny", target="dataset:hf:cais/mmlu", kind="evaluated-on"),
    }
    base = said.one("meta-llama/Llama-3-8B")
    assert base.purl == "pkg:huggingface/meta-llama/Llama-3-8B"
    assert (base.occurrences[0].symbol, base.occurrences[0].location.line) == ("base_model", 8)


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("finetune", "fine-tuned-from"),
        ("adapter", "adapter-of"),
        ("quantized", "quantized-from"),
        ("merge", "merged-from"),
        ("[1]", "derived-from"),
    ],
)
def test_the_stated_relation_to_the_base(word: str, kind: str) -> None:
    text = f"---\nbase_model: bert-base-uncased\nbase_model_relation: {word}\n---\n"
    assert read(card.INSPECTOR, "README.md", text).relations == (
        Relation(source="file:.", target="hf:bert-base-uncased", kind=kind),
    )


def test_a_dataset_card() -> None:
    said = read(card.INSPECTOR, "data/README.md", DATASET)
    own = said.one("data")
    assert (own.kind, own.identity, own.licenses) == (Kind.DATASET, "dataset:file:data", ("cc-by-sa-4.0",))
    told = dict(own.properties)
    assert told["card:features"] == "id: string, label: class_label"
    assert told["card:splits"] == "train: 240"
    assert said.relations == (Relation(source="dataset:file:data", target="dataset:hf:acme/raw", kind="derived-from"),)


def test_what_a_space_uses_are_references_and_the_space_is_no_model() -> None:
    said = read(card.INSPECTOR, "README.md", SPACE)
    assert said.components == ()
    assert [(r.identity, r.location.line) for r in said.references] == [
        ("hf:acme/tiny", 5),
        ("dataset:hf:acme/chat", 6),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "# A project\n",
        "---\ntitle: Page\nlayout: default\n---\n",  # Jekyll
        "---\nid: intro\nsidebar_position: 1\ntags: [model]\n---\n",  # Docusaurus
        "---\nlicense: mit\ntags: [cli]\n---\n",
        "---\ntags: [transformers]\ntitle: A post\n---\n",
        "---\nbase_model: {{ base_model }}\nlibrary_name: peft\n---\n",  # a template of cards
        "---\n\nA rule, and base_model: in the text\n\n---\n",
        "text\n---\nbase_model: a/b\n---\n",
    ],
)
def test_other_front_matter_is_no_card(text: str) -> None:
    claimed = card.INSPECTOR.claims(artifact("README.md", text.encode()))
    said = read(card.INSPECTOR, "README.md", text) if claimed else None
    assert said is None or (said.observations == () and said.stopped is None)


def test_a_card_that_is_no_yaml_is_incomplete() -> None:
    assert read(card.INSPECTOR, "README.md", "---\nbase_model: [a\ntags: x\n---\n").stopped is not None
    aliases = "---\nbase_model: &a [x]\ntags: [" + "*a, " * 1000 + "*a]\n---\n"
    assert read(card.INSPECTOR, "README.md", aliases).stopped is None


def test_long_results_are_left_out_and_the_rest_is_read() -> None:
    results = "model-index:\n- name: x\n  results:\n" + "  - task:\n      type: a\n" * 10_000
    said = read(card.INSPECTOR, "README.md", f"---\n{results}base_model: acme/base\n---\n")
    assert [r.target for r in said.relations] == ["hf:acme/base"]


def test_a_configuration_says_what_the_folder_is_and_where_it_came_from() -> None:
    said = read(folder.INSPECTOR, "m/config.json", json.dumps(CONFIG, indent=1))
    facts = said.one("m").model
    assert facts is not None
    assert (facts.format, facts.architecture_family, facts.architecture, facts.quantization) == (
        "transformers",
        "llama",
        "LlamaForCausalLM",
        "bitsandbytes 4-bit nf4",
    )
    assert said.relations == (Relation(source="file:m", target="hf:meta-llama/Llama-3-8B", kind="derived-from"),)


@pytest.mark.parametrize(
    "name", ["", "./out", "/home/me/x", "my-model", "output/final", "me/checkpoint-500", "C:\\x", "a/b/c", None, 3]
)
def test_folders_of_somebodys_machine_are_no_origin(name: Any) -> None:
    assert read(folder.INSPECTOR, "m/config.json", json.dumps({**CONFIG, "_name_or_path": name})).relations == ()


@pytest.mark.parametrize("document", [{"name": "app"}, {"model_type": "car"}, [], "x", {"_class_name": "Bean"}])
def test_other_peoples_config_json_is_nothing(document: Any) -> None:
    said = read(folder.INSPECTOR, "config.json", json.dumps(document))
    assert said.observations == ()
    assert read(folder.INSPECTOR, "config.json", "// text").stopped is None


def test_an_adapter_needs_its_base_at_a_revision() -> None:
    said = read(folder.INSPECTOR, "lora/adapter_config.json", json.dumps(ADAPTER, indent=1))
    (reference,) = said.references
    assert (reference.identity, reference.revision, reference.pinned) == ("hf:meta-llama/Llama-3-8B", COMMIT, True)
    assert reference.location.line == 2
    assert said.relations == (Relation(source="file:lora", target="hf:meta-llama/Llama-3-8B", kind="adapter-of"),)
    loose = read(folder.INSPECTOR, "a/adapter_config.json", json.dumps({**ADAPTER, "revision": "main"})).references[0]
    assert (loose.revision, loose.pinned) == ("main", False)
    local = {**ADAPTER, "base_model_name_or_path": "/data/llama"}
    unknown = read(folder.INSPECTOR, "a/adapter_config.json", json.dumps(local)).references[0]
    assert (unknown.identity, unknown.resolution) == (None, Resolution.UNKNOWN)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(JSON, st.sampled_from([*CONFIG, *ADAPTER, "dataset_info", "model-index", "datasets", "license", "sdk", "tags"]))
def test_strange_values_stop_nothing(value: object, key: str) -> None:
    for name in ("config.json", "adapter_config.json", "model_index.json"):
        document = {**CONFIG, **ADAPTER, "_class_name": "A", "_diffusers_version": "1", key: value}
        assert read(folder.INSPECTOR, name, json.dumps(document)).stopped is None
    for own in ({"base_model": "a/b"}, {"task_ids": "a"}, {"sdk": "x", "emoji": "y"}):
        front = json.dumps({**own, key: value, "results": value, "models": value})
        read(card.INSPECTOR, "README.md", f"---\n{front}\n---\n")


def test_a_folder_is_one_model_of_all_its_files(tmp_path: Path) -> None:
    weights = safetensors({"w": ("F32", [1])})
    commit(
        tmp_path,
        {
            "lora/README.md": MODEL,
            "lora/adapter_config.json": json.dumps(ADAPTER),
            "lora/adapter_model.safetensors": weights,
            "lora/tokenizer.json": "{}",
            "lora/chat_template.jinja": "{{ messages }}",
            "lora/onnx/model.safetensors": weights,
            "config/config.json": json.dumps(CONFIG),
            "local/config.json": json.dumps(CONFIG),
            "use.py": "from transformers import AutoModel\nAutoModel.from_pretrained('./local/')\n",
            "pipe/model_index.json": json.dumps({"_class_name": "P", "_diffusers_version": "1"}),
            "pipe/unet/config.json": json.dumps({"_class_name": "U", "_diffusers_version": "1"}),
            "pipe/unet/model.safetensors": weights,
        },
    )
    result = look(tmp_path)
    inventory = result.inventory
    models = {c.identity: c for c in inventory.components if c.kind is Kind.MODEL}
    assert "file:config" not in models  # a configuration alone is no model
    assert "file:local" in models  # but what code loads is
    own = models["file:lora"]
    assert own.model is not None
    assert (own.model.format, own.model.task) == ("peft", "text-generation")
    assert models["file:lora/adapter_model.safetensors"].licenses == ("llama-3",)
    told = dict(own.properties)
    assert told["sha256:tokenizer.json"] == hashlib.sha256(b"{}").hexdigest()
    assert told["sha256:chat_template.jinja"] == hashlib.sha256(b"{{ messages }}").hexdigest()
    relations = {(r.source, r.target, r.kind) for r in inventory.relations}
    assert ("file:lora", "hf:meta-llama/Llama-3-8B", "adapter-of") in relations
    assert ("file:lora", "hf:meta-llama/Llama-3-8B", "derived-from") not in relations
    assert ("file:lora", "file:lora/onnx/model.safetensors", "depends-on") in relations
    assert ("file:pipe", "file:pipe/unet", "depends-on") in relations
    assert not any(r.source == "file:config" for r in inventory.relations)
    document = json.loads(build(inventory, result.verdict, name="x", version=""))
    made = next(c for c in document["components"] if c["bom-ref"] == "file:lora")
    assert made["modelCard"]["quantitativeAnalysis"]["performanceMetrics"][0]["value"] == "0.62"
    # the card says no version, so its word is about the one that the adapter needs and no other
    ancestors = [ancestor["bom-ref"] for ancestor in made["pedigree"]["ancestors"]]
    assert ancestors == [f"file:lora#adapter-of:hf:meta-llama/Llama-3-8B@{COMMIT}"]
