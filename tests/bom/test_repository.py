"""One repository with every kind of item: all are found, both versions are valid by two validators, bytes repeat."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import jsonschema
import pytest
from cyclonedx.schema import SchemaVersion, _res
from referencing import Registry, Resource

from mlgate import bom
from tests.builders import mlrepo
from tests.repositories import commit
from tests.test_pipeline import look

Json = dict[str, Any]


def build(root: Path, spec: Literal["1.7", "1.6"] = "1.7") -> str:
    result = look(root)
    return bom.build(result.inventory, result.verdict, name="repo", version=result.inventory.head, spec=spec)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("one") / "repo"
    commit(root, mlrepo.files())
    return root


@pytest.fixture(scope="module")
def document(repository: Path) -> Json:
    made: Json = json.loads(build(repository))
    return made


def parts(document: Json) -> dict[str, Json]:
    return {item["bom-ref"]: item for item in [*document["components"], *document["services"]]}


@pytest.mark.parametrize("ref", mlrepo.FOUND)
def test_every_item_is_found(document: Json, ref: str) -> None:
    found = parts(document)
    assert ref in found, sorted(found)
    key, value = mlrepo.FOUND[ref]
    assert found[ref][key] == value


def test_nothing_else_is_a_model_or_a_dataset(document: Json) -> None:
    found = parts(document)
    kinds = ("machine-learning-model", "data")
    others = {ref for ref, item in found.items() if item.get("type") in kinds} - set(mlrepo.FOUND)
    assert others == {"file:mlflow/model.pkl"}  # which MLmodel names, and which is not there


def test_lineage_and_what_is_unknown(document: Json) -> None:
    tuned = parts(document)["file:models/tuned"]
    (ancestor,) = tuned["pedigree"]["ancestors"]
    assert ancestor["purl"] == f"pkg:huggingface/acme/base@{mlrepo.COMMIT}"
    assert tuned["modelCard"]["modelParameters"]["datasets"] == [{"ref": f"dataset:hf:acme/data@{mlrepo.COMMIT}"}]
    unknown = [p["value"] for p in document["metadata"]["component"]["properties"] if "unresolved" in p["name"]]
    assert unknown == ["train.py:19 AutoModel.from_pretrained(pick())"]


@pytest.mark.parametrize("spec", ["1.7", "1.6"])
def test_another_validator_agrees(repository: Path, spec: Literal["1.7", "1.6"]) -> None:
    """Jsonschema in Python with the official files; the product uses another implementation (jsonschema-rs)."""
    document = json.loads(build(repository, spec))
    main = _res.BOM_JSON_STRICT[SchemaVersion.V1_7 if spec == "1.7" else SchemaVersion.V1_6]
    assert main is not None
    schema = json.loads(Path(main).read_text("utf-8"))
    others = [json.loads(Path(path).read_text("utf-8")) for path in (_res.SPDX_JSON, _res.JSF, _res.CRYPTOGRAPHY_DEFS)]
    registry: Registry[Any] = Registry().with_resources(
        (f"http://cyclonedx.org/schema/{Path(path).name}", Resource.from_contents(each))
        for path, each in zip((_res.SPDX_JSON, _res.JSF, _res.CRYPTOGRAPHY_DEFS), others, strict=True)
    )
    validator = jsonschema.Draft7Validator(schema, registry=registry, format_checker=jsonschema.FormatChecker())
    assert [error.message for error in validator.iter_errors(document)] == []
    document["components"][0]["type"] = "model"
    assert list(validator.iter_errors(document))


def test_the_bytes_are_the_same_again_and_elsewhere(repository: Path, tmp_path: Path) -> None:
    first = build(repository)
    assert build(repository) == first
    elsewhere = tmp_path / "deep" / "other" / "repo"
    elsewhere.parent.mkdir(parents=True)
    repository.rename(elsewhere)
    try:
        assert build(elsewhere) == first
    finally:
        elsewhere.rename(repository)
