"""A model in several files is one component, and its files are its parts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mlgate import bom, spdx
from mlgate.bom import diff, diff_document, diff_inventory
from mlgate.records.changes import Aspect
from tests.bom.validators import python_says
from tests.builders.gguf import chat
from tests.builders.safetensors import safetensors
from tests.repositories import commit
from tests.test_pipeline import look

Json = dict[str, Any]
ONE, TWO = safetensors({"a": ("F32", [2])}, {"format": "pt"}), safetensors({"b": ("F32", [3])}, {"format": "pt"})
INDEX = json.dumps(
    {
        "metadata": {"total_size": 20},
        "weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"},
    }
)
FILES: dict[str, bytes | str | None] = {
    "m/config.json": '{"model_type": "bert", "architectures": ["BertModel"]}',
    "m/model.safetensors.index.json": INDEX,
    "m/model-00001-of-00002.safetensors": ONE,
    "m/model-00002-of-00002.safetensors": TWO,
}
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'a' * 64}\nsize 9000\n"


def document(root: Path, spec: Any = "1.7") -> Json:
    result = look(root)
    made: Json = json.loads(bom.build(result.inventory, result.verdict, name="r", version="", spec=spec))
    return made


def models(made: Json) -> dict[str, Json]:
    return {c["bom-ref"]: c for c in made["components"] if c["type"] == "machine-learning-model"}


@pytest.mark.parametrize("spec", ["1.7", "1.6"])
def test_an_index_and_its_shards(tmp_path: Path, spec: str) -> None:
    commit(tmp_path / "r", FILES)
    made = document(tmp_path / "r", spec)
    found = models(made)
    assert set(found) == {"file:m", "file:m/model.safetensors.index.json"}
    model = found["file:m/model.safetensors.index.json"]
    assert model["name"] == "model.safetensors"
    assert [part["name"] for part in model["components"]] == [
        "m/model-00001-of-00002.safetensors",
        "m/model-00002-of-00002.safetensors",
    ]
    for part in model["components"]:
        assert part["type"] == "file"
        assert [entry["alg"] for entry in part["hashes"]] == ["SHA-256"]
    told = {entry["name"]: entry["value"] for entry in model["modelCard"]["properties"]}
    assert told["mlgate:model:parameters"] == "5"
    assert told["mlgate:model:format"] == "safetensors"
    edges = {entry["ref"]: entry.get("dependsOn", []) for entry in made["dependencies"]}
    assert edges["file:m"] == ["file:m/model.safetensors.index.json"]
    assert python_says(made) == []


def test_files_that_number_themselves(tmp_path: Path) -> None:
    gguf = chat("{{ messages }}")
    names = [f"big-{number:05}-of-00003.gguf" for number in (1, 2, 3)]
    commit(tmp_path / "r", {**dict.fromkeys(names, gguf), "other-00001-of-00002.gguf": gguf})
    found = models(document(tmp_path / "r"))
    assert set(found) == {"file:big-00001-of-00003.gguf", "file:other-00001-of-00002.gguf"}
    model = found["file:big-00001-of-00003.gguf"]
    assert model["name"] == "big.gguf"
    assert [part["name"] for part in model["components"]] == names
    assert "components" not in found["file:other-00001-of-00002.gguf"]


def test_pointers_have_declared_hashes_and_changed_bytes_are_told(tmp_path: Path) -> None:
    root = tmp_path / "r"
    commit(root, FILES)
    before = look(root).inventory
    old = diff_document.read(json.dumps(document(root)).encode(), "old")
    commit(root, {"m/model-00002-of-00002.safetensors": POINTER})
    made = document(root)
    part = models(made)["file:m/model.safetensors.index.json"]["components"][1]
    assert part["hashes"] == [{"alg": "SHA-256", "content": "a" * 64}]
    assert part["properties"] == [{"name": "mlgate:hash:declared", "value": f"SHA-256:{'a' * 64}"}]
    (change,) = diff_inventory.changes(before, look(root).inventory)
    assert [detail.aspect for detail in change.details if detail.aspect is Aspect.BYTES] == [Aspect.BYTES]
    new = diff_document.read(json.dumps(made).encode(), "new")
    told = diff.compare(old.entries, new.entries)
    assert [c.identity for c in told] == ["file:m/model.safetensors.index.json"]


def test_the_spdx_package_contains_its_files(tmp_path: Path) -> None:
    commit(tmp_path / "r", FILES)
    inventory = look(tmp_path / "r").inventory
    made = json.loads(spdx.build(inventory, name="r", version=""))["@graph"]
    files = {e["spdxId"]: e["name"] for e in made if e["type"] == "software_File"}
    held = [e for e in made if e.get("relationshipType") == "contains"]
    contained = {files[end] for e in held for end in e["to"] if end in files}
    assert contained >= {"m/model-00001-of-00002.safetensors", "m/model-00002-of-00002.safetensors"}
