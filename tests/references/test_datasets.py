"""Croissant, dataset_info.json and MLflow's files, in the forms that their tools write."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.records import Hash, Relation
from mlgate.references import croissant, datasetinfo, mlruns
from tests.reading import artifact, read

SHA = "8aa3448a866b4901cf3d93c6cdee75eadfb72cf1cde0baab2f14665fb07010b0"
CONTEXT = {"@vocab": "https://schema.org/", "cr": "http://mlcommons.org/croissant/", "sc": "https://schema.org/"}
CROISSANT: dict[str, Any] = {
    "@context": CONTEXT,
    "@type": "sc:Dataset",
    "name": "Signs",
    "conformsTo": "http://mlcommons.org/croissant/1.0",
    "url": "https://signs.example.org/data",
    "version": "1.2.0",
    "license": ["https://creativecommons.org/licenses/by/4.0/"],
    "citeAs": "Signs, 2024",
    "rai:personalSensitiveInformation": ["faces"],
    "distribution": [
        {
            "@type": "cr:FileObject",
            "@id": "a.zip",
            "name": "a.zip",
            "contentUrl": "https://u:secret@signs.example.org/a.zip?token=1",
            "sha256": SHA.upper(),
        },
        {"@type": "cr:FileObject", "@id": "t", "name": "t.csv", "contentUrl": "data/t.csv", "md5": "x"},
        {"@type": "cr:FileObject", "@id": "i", "contentUrl": "in.csv", "containedIn": {"@id": "a.zip"}},
        {
            "@type": "cr:FileObject",
            "@id": "repo",
            "contentUrl": "https://huggingface.co/datasets/acme/signs/tree/refs%2Fconvert%2Fparquet",
            "sha256": "https://github.com/mlcommons/croissant/issues/80",
        },
        {"@type": "cr:FileSet", "@id": "s", "includes": "*.jpg"},
    ],
    "recordSet": [
        {
            "name": "train",
            "field": [{"name": "image", "dataType": "sc:ImageObject"}, {"name": "y", "dataType": "sc:Text"}],
        }
    ],
}
INFO: dict[str, Any] = {
    "license": "mit",
    "features": {"id": {"dtype": "string", "_type": "Value"}, "label": {"_type": "ClassLabel"}, "xs": [{}]},
    "builder_name": "clue",
    "version": {"version_str": "1.0.0"},
    "splits": {"train": {"name": "train", "num_examples": 34334}, "test": {"name": "test", "num_examples": 3861}},
    "download_checksums": {
        "https://storage.example.org/afqmc.zip": {"num_bytes": 1195044, "checksum": SHA},
        "https://storage.example.org/none.zip": {"num_bytes": 1, "checksum": None},
        f"hf://datasets/acme/raw@{'a' * 40}/x.csv": {"num_bytes": 1, "checksum": None},
    },
}
MLMODEL = """\
artifact_path: model
flavors:
  transformers:
    source_model_name: distilbert-base-uncased
    source_model_revision: main
  sklearn:
    pickled_model: model.pkl
  python_function:
    model_path: model.pkl
    data: data
    loader_module: mlflow.sklearn
"""
VERSION = """\
name: churn
version: 3
run_id: 0123456789abcdef0123456789abcdef
current_stage: Production
source: file:///home/me/ml/mlruns/1/0123456789abcdef0123456789abcdef/artifacts/model
"""


def test_a_croissant_file_describes_a_dataset_and_its_files() -> None:
    said = read(croissant.INSPECTOR, "meta/croissant.json", json.dumps(CROISSANT, indent=2))
    own = said.one("Signs")
    assert (own.identity, own.version, own.pinned) == ("dataset:https://signs.example.org/data", "1.2.0", False)
    assert own.licenses == ("https://creativecommons.org/licenses/by/4.0/",)
    told = dict(own.properties)
    assert told["croissant:records"] == "train: image ImageObject, y Text"
    assert told["croissant:sensitive"] == "faces"
    files = {c.identity: c.hashes for c in said.components if c is not own}
    assert files == {
        "dataset:https://signs.example.org/a.zip": (Hash(algorithm="SHA-256", value=SHA, declared=True),),
        "dataset:file:meta/data/t.csv": (),
        "dataset:hf:acme/signs": (),  # an address is no checksum
    }
    assert {(r.source, r.target) for r in said.relations} == {(own.identity, identity) for identity in files}
    assert "secret" not in repr(said)


def test_the_croissant_of_a_hub_is_the_hubs_dataset() -> None:
    for url, identity in (
        ("https://huggingface.co/datasets/acme/signs", "dataset:hf:acme/signs"),
        ("https://www.kaggle.com/datasets/acme/signs", "dataset:kaggle:acme/signs"),
        ("", "dataset:file:meta"),
        ("data", "dataset:file:meta"),
    ):
        said = read(croissant.INSPECTOR, "meta/croissant.json", json.dumps({**CROISSANT, "url": url}))
        assert said.one("Signs").identity == identity
        assert said.one("Signs").version is None  # it is no revision of the hub


@pytest.mark.parametrize(
    "document",
    [
        {"@context": "https://schema.org", "@type": "Dataset", "url": "https://a.example.org"},
        {"@context": CONTEXT, "@type": "sc:Person"},
        {"about": "mlcommons.org/croissant"},
        ["mlcommons.org/croissant"],
    ],
)
def test_other_json_is_no_croissant(document: Any) -> None:
    data = json.dumps(document)
    claimed = croissant.INSPECTOR.claims(artifact("x.json", data.encode()))
    assert not claimed or read(croissant.INSPECTOR, "x.json", data).observations == ()


def test_what_a_dataset_downloaded_has_declared_checksums() -> None:
    said = read(datasetinfo.INSPECTOR, "data/dataset_infos.json", json.dumps({"default": INFO}))
    own = said.one("data")
    told = dict(own.properties)
    assert (own.identity, own.licenses) == ("dataset:file:data", ("mit",))
    assert told["dataset:features"] == "id: string, label: ClassLabel, xs: list"
    assert told["dataset:splits"] == "train: 34334, test: 3861"
    found = {c.identity: (c.hashes, c.version, c.pinned) for c in said.components if c is not own}
    assert found == {
        "dataset:https://storage.example.org/afqmc.zip": (
            (Hash(algorithm="SHA-256", value=SHA, declared=True),),
            None,
            True,
        ),
        "dataset:https://storage.example.org/none.zip": ((), None, False),
        "dataset:hf:acme/raw": ((), "a" * 40, True),
    }


def test_tensorflow_datasets_and_llama_factory() -> None:
    tfds = {"name": "x", "fileFormat": "tfrecord", "splits": [{"name": "train", "shardLengths": ["10", "20"]}]}
    (own,) = read(datasetinfo.INSPECTOR, "x/1.0.0/dataset_info.json", json.dumps(tfds)).components
    assert dict(own.properties)["dataset:splits"] == "train: 30"
    catalogue = {
        "alpaca": {"hf_hub_url": "tatsu-lab/alpaca", "ms_hub_url": "x/y"},
        "mine": {"file_name": "mine.json", "columns": {}},
        "away": {"file_name": "/data/away.json"},
    }
    said = read(datasetinfo.INSPECTOR, "data/dataset_info.json", json.dumps(catalogue, indent=1))
    assert [(r.identity, r.location.line) for r in said.references] == [
        ("dataset:hf:tatsu-lab/alpaca", 3),
        ("dataset:file:data/mine.json", 7),
    ]


@pytest.mark.parametrize("document", [{"name": "x", "rows": 3}, {"splits": 3}, {"features": ["age"]}, [], 3, {"a": {}}])
def test_other_peoples_dataset_info_is_nothing(document: Any) -> None:
    said = read(datasetinfo.INSPECTOR, "dataset_info.json", json.dumps(document))
    assert said.observations == ()


def test_what_a_logged_model_consists_of_and_the_versions_of_a_registered_one() -> None:
    said = read(mlruns.INSPECTOR, "mlruns/1/0/artifacts/model/MLmodel", MLMODEL)
    own = "file:mlruns/1/0/artifacts/model/MLmodel"
    assert set(said.relations) == {
        Relation(source=own, target="file:mlruns/1/0/artifacts/model/model.pkl"),
        Relation(source=own, target="hf:distilbert-base-uncased", kind="derived-from"),
    }
    assert said.components[0].version == "main"
    path = "ml/mlruns/models/churn/version-3/meta.yaml"
    assert mlruns.INSPECTOR.claims(artifact(path, VERSION.encode()))
    assert not mlruns.INSPECTOR.claims(artifact("mlruns/1/meta.yaml", b"artifact_location: x"))
    said = read(mlruns.INSPECTOR, path, VERSION)
    (registered,) = said.components
    assert (registered.identity, registered.version, registered.pinned) == ("mlflow:churn", "3", False)
    target = "file:ml/mlruns/1/0123456789abcdef0123456789abcdef/artifacts/model/MLmodel"
    assert said.relations == (Relation(source="mlflow:churn", target=target),)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(JSON, st.sampled_from([*CROISSANT, *INFO, "flavors", "source", "field", "contentUrl", "sha256", "shardLengths"]))
def test_strange_values_stop_nothing(value: object, key: str) -> None:
    inner = {"distribution": [{"contentUrl": "https://a.b/c", key: value}], "recordSet": [{"field": [{key: value}]}]}
    for document in ({**CROISSANT, key: value}, {**CROISSANT, **inner}):
        assert read(croissant.INSPECTOR, "c.json", json.dumps(document)).stopped is None
    for info in ({**INFO, key: value}, {"a": {**INFO, key: value}}, {"a": {"hf_hub_url": value, "file_name": value}}):
        assert read(datasetinfo.INSPECTOR, "dataset_infos.json", json.dumps(info)).stopped is None
    flavors = {"flavors": {"a": {"source_model_name": value, "data": value, "model_path": value}}, key: value}
    read(mlruns.INSPECTOR, "MLmodel", json.dumps(flavors))
    read(
        mlruns.INSPECTOR,
        "a/b/version-1/meta.yaml",
        json.dumps({"name": "a", "version": 1, "source": value, key: value}),
    )
