"""DVC's files, in the structures of iterative/example-get-started and iterative/dataset-registry."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.bom.graph import graph
from mlgate.records import Hash, Kind, Relation
from mlgate.references._dvc_kinds import kind_of
from mlgate.references.dvc import INSPECTOR
from tests.reading import artifact, read
from tests.repositories import commit
from tests.test_pipeline import look

MD5 = "a304afb96060aad90176268345e10355"
ADDED = f"outs:\n- md5: {MD5}\n  size: 37891850\n  hash: md5\n  path: data.xml\n"
FOLDER = "outs:\n- md5: 52bd18ec57173426ccde6e377838b7b4.dir\n  size: 171226948\n  nfiles: 4\n  path: satellite-data\n"
IMPORT = f"""\
md5: 96fd8e791b0ee4824fc1ceffd13b1b49
frozen: true
deps:
- path: use-cases/cats-dogs
  repo:
    url: git@github.com:iterative/dataset-registry.git
    rev_lock: f31f5c4cdae787b4bdeb97a717687d44667d9e62
outs:
- md5: {MD5}
  path: cats-dogs.zip
"""
FROM_URL = """\
deps:
- etag: '"f432e270cd634c51296ecd2bc2f5e752-5"'
  size: 14445097
  path: https://user:secret@data.example.org/raw/data.csv?token=abc
outs:
- md5: a304afb96060aad90176268345e10355
  path: data.csv
"""
OLD_STAGE = """\
cmd: python src/train.py data/features model.pkl
deps:
- md5: d05e0201a3fb47c878defea65bd85e4d
  path: src/train.py
- md5: 3338d2c21bdb521cda0ba4add89e1cb0.dir
  path: data/features
outs:
- md5: 43630cce66a2432dcecddc9dd006d0a7
  path: model.pkl
- md5: 43630cce66a2432dcecddc9dd006d0a8
  path: auc.metric
  metric: true
"""
PIPELINE = """\
artifacts:
  text-classification:
    path: out/best
    type: model
    labels: [nlp, classification]
stages:
  featurize:
    cmd: python src/featurization.py
    deps: [data/prepared, src/featurization.py, src/data]
    outs: [data/features]
  train:
    wdir: work
    cmd: python ../src/train.py
    deps:
    - ../data/features
    - ../src/train.py
    outs:
    - ../out/best:
        cache: false
    - report.html
    metrics:
    - models/scores.csv
  each:
    foreach: [us, uk]
    do:
      cmd: train ${item}
      deps: [data/x.csv]
      outs: ["models/${item}.pkl"]
"""
LOCK = f"""\
schema: '2.0'
stages:
  train:
    cmd: python src/train.py
    deps:
    - path: data/features
      md5: 52c1fddf9b7b11dff75bffbeff7958d3.dir
      nfiles: 2
    - path: src/train.py
      md5: 9ab95496b29b6ea3418bbf20b9fe3473
    outs:
    - path: model.pkl
      hash: md5
      md5: {MD5}
      size: 2206748
    - path: prc.json
      md5: 2acb90f3ea12e111a21683cf7dd2518a
"""


def test_an_added_file_has_the_declared_hash_of_its_content() -> None:
    (found,) = read(INSPECTOR, "get-started/data.xml.dvc", ADDED).components
    assert (found.kind, found.identity, found.name) == (
        Kind.DATASET,
        "dataset:file:get-started/data.xml",
        "data.xml",
    )
    assert found.hashes == (Hash(algorithm="MD5", value=MD5, declared=True),)
    assert found.pinned is True
    assert found.occurrences[0].location.line == 5
    assert ("dvc:size", "37891850") in found.properties


def test_the_hash_of_a_folder_is_of_a_list_and_no_digest_of_content() -> None:
    (found,) = read(INSPECTOR, "workshop/satellite-data.dvc", FOLDER).components
    assert found.identity == "dataset:file:workshop/satellite-data"
    assert found.hashes == ()
    assert ("dvc:folder-md5", "52bd18ec57173426ccde6e377838b7b4.dir") in found.properties


def test_an_import_is_pinned_by_its_commit() -> None:
    said = read(INSPECTOR, "data/cats-dogs.zip.dvc", IMPORT)
    (reference,) = said.references
    assert reference.identity == "dataset:https://github.com/iterative/dataset-registry/use-cases/cats-dogs"
    assert (reference.revision, reference.pinned) == ("f31f5c4cdae787b4bdeb97a717687d44667d9e62", True)
    assert reference.location.line == 7
    assert said.relations == (Relation(source="dataset:file:data/cats-dogs.zip", target=reference.identity),)
    loose = read(INSPECTOR, "data/cats-dogs.zip.dvc", IMPORT.replace("rev_lock: f31f5c4c", "rev: main #")).references
    assert (loose[0].revision, loose[0].pinned) == ("main", False)


def test_an_import_from_an_address_keeps_no_secret() -> None:
    said = read(INSPECTOR, "data.csv.dvc", FROM_URL)
    assert said.references[0].identity == "dataset:https://data.example.org/raw/data.csv"
    assert said.references[0].pinned
    assert "secret" not in repr(said)
    assert "token" not in repr(said)


def test_a_stage_of_old_files_and_of_locks_trains_a_model() -> None:
    trained = Relation(source="file:model.pkl", target="dataset:file:data/features", kind="trained-on")
    old = read(INSPECTOR, "train.dvc", OLD_STAGE)
    assert old.relations == (trained,)
    assert {c.identity for c in old.components} == {"file:model.pkl", "dataset:file:data/features"}
    locked = read(INSPECTOR, "dvc.lock", LOCK)
    assert locked.relations == (trained,)
    assert {c.identity for c in locked.components} == {"file:model.pkl", "dataset:file:data/features"}
    assert locked.one("model.pkl").hashes == (Hash(algorithm="MD5", value=MD5, declared=True),)
    first = LOCK.replace("schema: '2.0'\nstages:\n", "").replace("\n  ", "\n").removeprefix("  ")
    assert read(INSPECTOR, "dvc.lock", first).relations == (trained,)  # before schema 2.0 the stages stand alone


def test_a_pipeline_takes_paths_from_its_folders_and_leaves_code_and_reports_out() -> None:
    said = read(INSPECTOR, "ml/dvc.yaml", PIPELINE)
    assert {(c.kind.value, c.identity) for c in said.components} == {
        ("model", "file:ml/out/best"),
        ("dataset", "dataset:file:ml/data/prepared"),
        ("dataset", "dataset:file:ml/data/features"),
        ("dataset", "dataset:file:ml/data/x.csv"),
    }
    assert set(said.relations) == {
        Relation(source="dataset:file:ml/data/features", target="dataset:file:ml/data/prepared", kind="derived-from"),
        Relation(source="file:ml/out/best", target="dataset:file:ml/data/features", kind="trained-on"),
    }


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("model.pkl", "model"),
        ("models/rf", "model"),
        ("artifacts/checkpoint-best", "model"),
        ("models/model.json", "model"),
        ("data/models/clf.joblib", "model"),
        ("data/features/train.pkl", "dataset"),
        ("train.npz", "dataset"),
        ("data/prepared", "dataset"),
        ("raw_data", "dataset"),
        ("iris.csv", "dataset"),
        ("src/train.py", None),
        ("src/data", None),
        ("models/metrics.json", None),
        ("eval/prc/test.json", None),
        ("scores.json", None),
        ("params.yaml", None),
        ("data/README.md", None),
    ],
)
def test_kinds_by_ending_and_folder(path: str, kind: str | None) -> None:
    assert kind_of(path) == (kind and Kind(kind))


def test_pictures_and_documents_that_are_added_are_no_datasets() -> None:
    for name in ("owl_sticker.png", "report.pdf"):
        assert read(INSPECTOR, f"images/{name}.dvc", ADDED.replace("data.xml", name)).components == ()


@pytest.mark.parametrize("path", ["../../etc/data.csv", "/data/x.csv", "~/data/x.csv", "C:\\data\\x.csv"])
def test_paths_that_leave_the_repository_are_nothing(path: str) -> None:
    assert read(INSPECTOR, "a/x.dvc", ADDED.replace("data.xml", f"'{path}'")).components == ()


def test_other_peoples_files_are_not_claimed() -> None:
    assert not INSPECTOR.claims(artifact("notes.dvc", b"a diary"))
    assert not INSPECTOR.claims(artifact(".git/config", b"[core]"))
    assert not INSPECTOR.claims(artifact("my.dvc/config", b"[core]"))


@pytest.mark.parametrize("data", ["outs:\n- [", "outs:\n- a: &a [*a", "- 1\n", "outs: " + "[" * 5000])
def test_what_cannot_be_read_is_incomplete(data: str) -> None:
    assert read(INSPECTOR, "dvc.yaml", data).stopped is not None


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=9), st.lists))
def test_strange_values_stop_nothing(value: object) -> None:
    import json

    for key in ("outs", "deps", "stages", "artifacts", "wdir", "cmd"):
        document = {"outs": [{"path": "data.csv", "md5": value}], "deps": [{"path": value, "repo": value}], key: value}
        read(INSPECTOR, "x.dvc", json.dumps(document))
        read(INSPECTOR, "dvc.yaml", json.dumps({"stages": {"a": document}, "artifacts": {"b": document}}))


def test_remotes_go_to_what_is_tracked_and_secrets_stay(tmp_path: Path) -> None:
    config = (
        "[core]\n    remote = storage\n['remote \"storage\"']\n    url = s3://me:hush@bucket/dvc?key=1\n"
        "    secret_access_key = hush\n"
    )
    commit(tmp_path, {".dvc/config": config, "data/data.xml.dvc": ADDED, "dvc.lock": LOCK})
    inventory = look(tmp_path).inventory
    tracked = {c.identity: dict(c.properties).get("dvc:remote") for c in inventory.components}
    assert tracked == dict.fromkeys(
        ("dataset:file:data/data.xml", "dataset:file:data/features", "file:model.pkl"),
        "storage (default): s3://bucket/dvc",
    )
    drawn = graph(inventory)
    assert drawn.datasets == {"file:model.pkl": ("dataset:file:data/features",)}
    assert "hush" not in repr(inventory)
