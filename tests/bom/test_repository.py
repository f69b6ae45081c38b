"""One repository with every kind of item: all are found, both versions are valid by two validators, bytes repeat."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest

from mlgate import bom
from tests.bom.validators import MODULES, Json, javascript_says, python_says
from tests.builders import mlrepo
from tests.repositories import commit
from tests.test_pipeline import look


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


def unknown_type(document: Json) -> None:
    document["components"][0]["type"] = "model"


def unknown_property(document: Json) -> None:
    document["components"][0]["bomRef"] = "x"


def no_name(document: Json) -> None:
    del document["components"][0]["name"]


def short_hash(document: Json) -> None:
    document["components"][0]["hashes"] = [{"alg": "SHA-256", "content": "abc"}]


def no_date(document: Json) -> None:
    document["metadata"]["timestamp"] = "yesterday"


def no_address(document: Json) -> None:
    document["components"][0]["externalReferences"] = [{"type": "website", "url": "http://[bad"}]


def unknown_license(document: Json) -> None:
    document["components"][0]["licenses"] = [{"license": {"id": "Apache-2"}}]


BREAKS = (unknown_type, unknown_property, no_name, short_hash, no_date, unknown_license)
VALIDATORS = [
    python_says,
    pytest.param(
        javascript_says,
        marks=[  # with the container tests, whose preparation gets it
            pytest.mark.container,
            pytest.mark.skipif(
                not (MODULES / "@cyclonedx").exists(), reason="no JavaScript validator: python -m tests.e2e.prepare"
            ),
        ],
    ),
]


@pytest.mark.parametrize("says", VALIDATORS)
@pytest.mark.parametrize("spec", ["1.7", "1.6"])
def test_other_validators_accept_it(
    repository: Path, spec: Literal["1.7", "1.6"], says: Callable[[Json], list[str]]
) -> None:
    assert says(json.loads(build(repository, spec))) == []


@pytest.mark.parametrize("says", VALIDATORS)
@pytest.mark.parametrize("spoil", BREAKS, ids=lambda spoil: spoil.__name__)
def test_other_validators_can_refuse(
    document: Json, spoil: Callable[[Json], None], says: Callable[[Json], list[str]]
) -> None:
    spoiled = copy.deepcopy(document)
    spoil(spoiled)
    assert says(spoiled)


def test_addresses_are_checked(document: Json) -> None:
    """By the one in Python: CycloneDX's JavaScript library takes any text for an address."""
    spoiled = copy.deepcopy(document)
    no_address(spoiled)
    assert python_says(spoiled)


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
