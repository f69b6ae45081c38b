"""Documents that schemas accept or not, and input that must not be able to make a bad one."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlgate import bom
from mlgate.bom.form import serial
from mlgate.bom.validate import problems
from mlgate.records import (
    Component,
    Hash,
    Inventory,
    Kind,
    Location,
    ModelFacts,
    Occurrence,
    PackageFacts,
    Reference,
    Relation,
    Scanned,
    Vulnerability,
)
from tests.bom.test_build import repository

Json = dict[str, Any]
SOUND: Json = json.loads(bom.build(repository(), None, name="vision", version=""))


def component(document: Json, ref: str) -> Json:
    (found,) = (item for item in document["components"] if item["bom-ref"] == ref)
    assert isinstance(found, dict)
    return found


def dangling(document: Json) -> None:
    document["dependencies"][0].setdefault("dependsOn", []).append("pkg:pypi/nothing")


def repeated(document: Json) -> None:
    document["components"].append(component(document, "pkg:pypi/torch@2.0.0") | {"name": "other"})


def card_on_data(document: Json) -> None:
    component(document, "dataset:hf:acme/signs")["modelCard"] = {}


def data_on_model(document: Json) -> None:
    component(document, "file:m/adapter.safetensors")["data"] = [{"type": "dataset"}]


def bad_purl(document: Json) -> None:
    component(document, "pkg:pypi/torch@2.0.0")["purl"] = "pypi/torch"


def purl_of_another_version(document: Json) -> None:
    component(document, "pkg:pypi/torch@2.0.0")["purl"] = "pkg:pypi/torch@2.0.1"


def unreachable(document: Json) -> None:
    document["dependencies"] = [d for d in document["dependencies"] if d["ref"] != "mlgate:application"]


def lost_dataset(document: Json) -> None:
    card = component(document, "file:m/adapter.safetensors")["modelCard"]
    card["modelParameters"]["datasets"][0]["ref"] = "dataset:hf:gone"


def lost_affects(document: Json) -> None:
    document["vulnerabilities"][0]["affects"][0]["ref"] = "pkg:pypi/torch@9"


def lost_composition(document: Json) -> None:
    document["compositions"][0]["dependencies"].append("nowhere")


def on_itself(document: Json) -> None:
    document["dependencies"][1]["dependsOn"] = [document["dependencies"][1]["ref"]]


DEFECTS = (
    (dangling, "not there"),
    (repeated, "stands 2 times"),
    (card_on_data, "is no model"),
    (data_on_model, "is no data"),
    (bad_purl, "purl that is none"),
    (purl_of_another_version, "its purl another"),
    (unreachable, "nothing leads to"),
    (lost_dataset, "dataset that is not there"),
    (lost_affects, "vulnerabilities refer to"),
    (lost_composition, "compositions refer to"),
    (on_itself, "depends on itself"),
)


@pytest.mark.parametrize(("spoil", "expected"), DEFECTS, ids=lambda x: getattr(x, "__name__", ""))
def test_what_the_schema_accepts_our_check_does_not(spoil: Callable[[Json], None], expected: str) -> None:
    assert problems(SOUND, "1.7") == ()
    document = copy.deepcopy(SOUND)
    spoil(document)
    document["serialNumber"] = serial(document)
    assert any(expected in text for text in problems(document, "1.7"))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("colour", "red"),
        ("scope", "sometimes"),
        ("licenses", [{"license": {"id": "Apache-2"}}]),
        ("hashes", [{"alg": "SHA-256", "content": "xyz"}]),
        ("externalReferences", [{"type": "vcs", "url": "http://["}]),
    ],
)
def test_the_schema_is_the_strict_one_with_formats(key: str, value: object) -> None:
    document = copy.deepcopy(SOUND)
    component(document, "pkg:pypi/torch@2.0.0")[key] = value
    document["serialNumber"] = serial(document)
    assert problems(document, "1.7")


def test_a_changed_document_does_not_keep_its_serial_number() -> None:
    document = copy.deepcopy(SOUND)
    document["metadata"]["component"]["name"] = "other"
    assert problems(document, "1.7") == ("the serial number is not that of the content",)


def test_an_unsound_document_is_never_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlgate.bom.validate.semantics", lambda _: ("made up",))
    with pytest.raises(bom.InvalidBom, match="made up"):
        bom.build(repository(), None, name="vision", version="")


texts = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        ("\udcff", "x" * 5000, "%", "#", "a#derived-from:b", "mlgate:application", "urn:cdx:1", "pkg:pypi/a", "hf:a/b")
    ),
)
names = texts.filter(bool)
places = st.builds(Location, path=names, line=st.none() | st.integers(-1, 9), member=st.none() | texts)
kinds = st.sampled_from(Kind)
flags = st.booleans()
identities = st.one_of(
    names,
    st.sampled_from(("hf:a/b", "dataset:hf:a/b", "file:a", "pkg:pypi/a", "pkg:npm/%40a/b")),
    names.map("hf:{}".format),
)
hashes = st.builds(
    Hash, algorithm=st.sampled_from(("SHA-256", "MD5", "CRC")), value=st.sampled_from(("ab" * 32, "z", ""))
)
packages = st.builds(PackageFacts, ecosystem=names, url=texts, origin=st.sampled_from(("vcs", "url")), marker=texts)
models = st.builds(
    ModelFacts, format=texts, task=texts, inputs=st.tuples(texts), other=st.tuples(st.tuples(texts, texts))
)
components = st.builds(
    Component,
    kind=kinds,
    identity=identities,
    name=texts,
    version=st.none() | texts,
    purl=st.none() | texts | identities,
    hashes=st.tuples(hashes),
    licenses=st.tuples(texts, texts) | st.tuples(texts),
    occurrences=st.tuples(st.builds(Occurrence, location=places, symbol=texts)),
    package=st.none() | packages,
    model=st.none() | models,
    properties=st.tuples(st.tuples(texts, texts)),
)
inventories = st.builds(
    Inventory,
    root=texts,
    components=st.lists(components, max_size=4).map(tuple),
    references=st.lists(
        st.builds(Reference, kind=kinds, identity=st.none() | identities, location=places, symbol=texts),
        max_size=2,
    ).map(tuple),
    relations=st.lists(st.builds(Relation, source=identities, target=identities, kind=texts), max_size=4).map(tuple),
    scanned=st.lists(
        st.builds(Scanned, path=names, format=texts, sha256=st.just("ab" * 32), size=st.just(1), complete=flags),
        max_size=2,
    ).map(tuple),
    timestamp=st.integers(),
    vulnerabilities=st.lists(
        st.builds(Vulnerability, id=texts, purl=identities, url=texts, vector=texts, aliases=st.tuples(texts),
                  score=st.none() | st.floats(), fixed=st.tuples(texts)),
        max_size=2,
    ).map(tuple),
)  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(inventory=inventories, name=texts, version=texts, spec=st.sampled_from(("1.7", "1.6")))
def test_no_input_makes_an_invalid_document(
    inventory: Inventory, name: str, version: str, spec: bom.SpecVersion
) -> None:
    text = bom.build(inventory, None, name=name, version=version, spec=spec)
    assert bom.build(inventory, None, name=name, version=version, spec=spec) == text
