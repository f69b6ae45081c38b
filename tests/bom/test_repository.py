"""A whole repository to its BOM: everything is in it, and validators that share nothing with ours accept it.

Ours is jsonschema-rs. Here it is the Python library jsonschema with every format checked, and CycloneDX's own
JavaScript library with its own copies of the schemas, when `python -m tests.e2e.prepare` has got it.
"""

from __future__ import annotations

import copy
import dataclasses
import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion, _res
from jsonschema import Draft7Validator, FormatChecker
from referencing import Registry, Resource

from mlgate import bom
from mlgate.pipeline import Result
from tests.builders import mlrepo
from tests.builders.mlrepo import Item
from tests.e2e.node import VALIDATOR
from tests.e2e.place import STATE
from tests.test_pipeline import look

Json = dict[str, Any]
SPECS: tuple[bom.SpecVersion, ...] = ("1.7", "1.6")
MODULES = STATE / VALIDATOR[1] / "node_modules"
BEING_BUILT = frozenset({"download in a Dockerfile"})


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Result:
    root = tmp_path_factory.mktemp("whole") / "repo"
    mlrepo.build(root)
    return look(root)


@pytest.fixture(scope="module")
def documents(result: Result) -> dict[str, Json]:
    inventory = result.inventory
    return {
        spec: json.loads(bom.build(inventory, result.verdict, name=inventory.root, version=inventory.head, spec=spec))
        for spec in SPECS
    }


def properties(component: Json) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for entry in component.get("properties", ()):
        found.setdefault(entry["name"], []).append(entry["value"])
    return found


def matching(document: Json, item: Item) -> list[Json]:
    return [
        component
        for component in document["components"]
        if properties(component)["mlgate:identity"] == [item.identity] and component.get("version") == item.version
    ]


def hashes(component: Json) -> set[tuple[str, str, bool]]:
    declared = set(properties(component).get("mlgate:hash:declared", ()))
    return {
        (entry["alg"], entry["content"], f"{entry['alg']}:{entry['content']}" in declared)
        for entry in component.get("hashes", ())
    }


def ancestors(component: Json) -> set[tuple[str, str]]:
    found = [properties(entry) for entry in component.get("pedigree", {}).get("ancestors", ())]
    return {(told["mlgate:lineage:kind"][0], told["mlgate:lineage:component"][0]) for told in found}


@pytest.mark.parametrize(
    "item",
    [
        pytest.param(item, id=item.what, marks=[pytest.mark.xfail(strict=True)] if item.what in BEING_BUILT else [])
        for item in mlrepo.EXPECTED
    ],
)
@pytest.mark.parametrize("spec", SPECS)
def test_everything_of_the_repository_is_in_it(documents: dict[str, Json], spec: str, item: Item) -> None:
    (component,) = matching(documents[spec], item)
    assert properties(component).get("mlgate:pinned") == (None if item.pinned is None else [str(item.pinned).lower()])
    places = [place["location"] for place in component.get("evidence", {}).get("occurrences", ())]
    assert not item.place or item.place in places
    assert hashes(component) == item.hashes
    assert ancestors(component) == item.relations
    kind = "data" if item.identity.startswith("dataset:") else "machine-learning-model"
    assert component["type"] == ("library" if item.identity.startswith("pkg:") else kind)


def test_nothing_else_is_in_it(documents: dict[str, Json]) -> None:
    """What a reader of the repository would not expect in its BOM."""
    expected = {item.identity for item in mlrepo.EXPECTED}
    found = {properties(component)["mlgate:identity"][0] for component in documents["1.7"]["components"]}
    # the adapter's own file, and the pickle that MLmodel names and nobody committed
    assert found - expected == {"file:adapter/adapter_model.safetensors", "file:mlflow/model.pkl"}


def load(path: str | None) -> Any:
    assert path is not None
    return json.loads(Path(path).read_text("utf-8"))


def formats(schema: Any) -> Iterator[str]:
    pending = [schema]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            if isinstance(value.get("format"), str):
                yield value["format"]
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)


def python_says(document: Json) -> list[str]:
    version = {"1.7": SchemaVersion.V1_7, "1.6": SchemaVersion.V1_6}[document["specVersion"]]
    schema = load(_res.BOM_JSON_STRICT[version])
    # a document of the three is named as the schema's own $id makes it out of "$ref": "spdx.SNAPSHOT.schema.json"
    base = schema["$id"].rpartition("/")[0]
    others = {
        f"{base}/{Path(str(path)).name}": load(path) for path in (_res.SPDX_JSON, _res.JSF, _res.CRYPTOGRAPHY_DEFS)
    }
    resources = [(name, Resource.from_contents(other)) for name, other in others.items()]
    checker = FormatChecker()
    unchecked = {name for one in (schema, *others.values()) for name in formats(one)} - set(checker.checkers)
    assert not unchecked, "a format that no installed library checks would pass unseen"
    validator = Draft7Validator(schema, registry=Registry().with_resources(resources), format_checker=checker)
    return [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(document)]


def javascript_says(document: Json) -> list[str]:
    done = subprocess.run(
        [MODULES / ".bin" / "node", VALIDATOR[0] / "validate.cjs"],
        input=json.dumps(document),
        env={"NODE_PATH": str(MODULES)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode in {0, 1}, done.stderr
    return [str(wrong) for wrong in json.loads(done.stdout)] if done.returncode else []


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
        marks=pytest.mark.skipif(
            not (MODULES / "@cyclonedx").exists(), reason="no JavaScript validator: python -m tests.e2e.prepare"
        ),
    ),
]


@pytest.mark.parametrize("says", VALIDATORS)
@pytest.mark.parametrize("spec", SPECS)
def test_other_validators_accept_it(documents: dict[str, Json], spec: str, says: Callable[[Json], list[str]]) -> None:
    assert says(documents[spec]) == []


@pytest.mark.parametrize("says", VALIDATORS)
@pytest.mark.parametrize("spoil", BREAKS, ids=lambda spoil: spoil.__name__)
def test_other_validators_can_refuse(
    documents: dict[str, Json], spoil: Callable[[Json], None], says: Callable[[Json], list[str]]
) -> None:
    document = copy.deepcopy(documents["1.7"])
    spoil(document)
    assert says(document)


def test_addresses_are_checked(documents: dict[str, Json]) -> None:
    """By the one in Python: CycloneDX's JavaScript library takes any text for an address."""
    document = copy.deepcopy(documents["1.7"])
    no_address(document)
    assert python_says(document)


def test_it_is_the_same_from_another_folder(result: Result, tmp_path: Path) -> None:
    root = tmp_path / "elsewhere" / "repo"
    mlrepo.build(root)
    texts = [
        bom.build(dataclasses.replace(one.inventory, timestamp=0), None, name="repo", version="")
        for one in (result, look(root, jobs=1))  # the two commits are of another second
    ]
    assert texts[0] == texts[1]
