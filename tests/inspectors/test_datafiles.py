from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.inspectors import arrow, parquet, records, tables
from mlgate.records import Component, Inspector, Kind
from tests.builders import datafiles, pickles
from tests.builders.datafiles import FLOAT, INT, UTF8, column
from tests.reading import artifact, read
from tests.test_pipeline import look

PICKLED = ("arrow.py_extension_type", pickles.protocol_2())
COLUMNS = (
    column("text", UTF8),
    column("label", INT, {0: ("i", 64), 1: ("B", 1)}),
    column("score", FLOAT, {0: ("h", 1)}),
)


def of(reader: Inspector, path: str, data: bytes | str) -> Component:
    said = read(reader, path, data)
    assert said.stopped is None
    (component,) = said.components
    assert component.data
    return component


def columns(reader: Inspector, path: str, data: bytes | str) -> dict[str, str]:
    facts = of(reader, path, data).data
    assert facts
    return dict(facts.columns)


@pytest.mark.parametrize(
    ("path", "is_dataset"),
    [
        ("data/x.csv", True),
        ("src/datasets/imdb/x.csv", True),
        ("train.csv", True),
        ("val-00000-of-00003.parquet", True),
        ("splits/test/part.csv", True),
        ("results/metrics.csv", False),
        ("training_log.csv", True),
        ("tests/data/x.csv", False),
        ("test/data.csv", False),
        ("contrast.csv", False),
        ("trainer.csv", False),
    ],
)
def test_a_table_is_a_dataset_by_its_place(path: str, is_dataset: bool) -> None:
    facts = of(tables.INSPECTOR, path, "a,b\n1,2\n").data
    assert facts
    assert facts.named is not is_dataset


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.csv", "id,text\n1,x\n", {"id": "", "text": ""}),
        ("a.csv", "\ufeffid;text\n1;x\n", {"id": "", "text": ""}),
        ("a.tsv", "id\ttext\n", {"id": "", "text": ""}),
        ("a.csv", "1,2\n3,4\n", {}),
        ("a.csv", "x,x\n3,4\n", {}),
        ("a.csv", "", {}),
        ("a.csv", '"never closed', {}),
        ("a.jsonl", '{"q": "a", "n": 1, "l": [], "b": true}\n{', {"q": "string", "n": "int", "l": "list", "b": "bool"}),
        ("a.jsonl", "[" * 100_000, {}),
    ],
)
def test_columns_of_tables_in_text(name: str, text: str, expected: dict[str, str]) -> None:
    found = columns(tables.INSPECTOR, f"data/{name}", text)
    assert found == expected or (name, list(found)) == ("a.csv", ["never closed"])


def test_json_is_a_table_only_as_a_list_in_a_data_folder() -> None:
    assert tables.INSPECTOR.claims(artifact("data/x.json", b' [{"a": 1}]'))
    assert not tables.INSPECTOR.claims(artifact("data/x.json", b'{"a": 1}'))
    assert not tables.INSPECTOR.claims(artifact("x.json", b'[{"a": 1}]'))


def test_arrow_streams_and_files() -> None:
    for data in (datafiles.arrow_stream(*COLUMNS, batches=(2, 3)), datafiles.arrow_file(*COLUMNS, batches=(2, 3))):
        facts = of(arrow.INSPECTOR, "data/x.arrow", data).data
        assert facts
        assert dict(facts.columns) == {"text": "utf8", "label": "int64", "score": "float32"}
        assert facts.rows == 5


def test_parquet_says_its_columns_and_rows() -> None:
    nested = ({4: b"l", 5: 1, 6: 3}, {4: b"list", 5: 1}, {1: 5, 4: b"element"}, {1: 6, 4: b"t", 6: 0})
    component = of(parquet.INSPECTOR, "data/x.parquet", datafiles.parquet({1: 2, 4: b"n"}, *nested, rows=7))
    assert component.data
    assert dict(component.data.columns) == {"n": "int64", "l": "list", "t": "string"}
    assert component.data.rows == 7
    assert dict(component.properties) == {"mlgate:data:writer": "parquet-cpp 1.0"}


def test_features_that_the_datasets_library_notes_go_first() -> None:
    features = {"label": {"names": ["a"], "_type": "ClassLabel"}, "t": {"dtype": "string", "_type": "Value"}}
    noted = json.dumps({"info": {"features": features}}).encode()
    data = datafiles.parquet({1: 2, 4: b"n"}, pairs={b"huggingface": noted})
    assert columns(parquet.INSPECTOR, "x.parquet", data) == {"label": "ClassLabel", "t": "Value(string)"}


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("x.arrow", datafiles.arrow_file(column("e", INT, extension=PICKLED))),
        ("x.feather", datafiles.arrow_stream(column("s", 13, children=(column("e", INT, extension=PICKLED),)))),
        ("x.parquet", datafiles.parquet_of_arrow(datafiles.arrow_stream(column("e", INT, extension=PICKLED)))),
    ],
)
def test_column_types_that_pyarrow_unpickles(tmp_path: Path, name: str, data: bytes) -> None:
    """CVE-2023-47248."""
    (tmp_path / name).write_bytes(data)
    found = [finding.rule.id for finding in look(tmp_path).inventory.findings]
    assert {"MLG-MDL-148", "MLG-PKL-001"} <= set(found)


def test_other_extension_types_are_data() -> None:
    plain = column("e", INT, extension=("arrow.json", b"{}"))
    assert read(arrow.INSPECTOR, "x.arrow", datafiles.arrow_file(plain)).rules == []
    assert read(parquet.INSPECTOR, "x.parquet", datafiles.parquet_of_arrow(datafiles.arrow_stream(plain))).rules == []


def test_records() -> None:
    data = datafiles.tfrecord(image="bytes", label="int64")
    assert columns(records.INSPECTOR, "train.tfrecord-00000-of-00002", data) == {"image": "bytes", "label": "int64"}
    data = datafiles.avro(a=["null", "string"], b={"type": "array", "items": "int"})
    assert columns(records.INSPECTOR, "x.avro", data) == {"a": "null or string", "b": "array"}


@pytest.mark.parametrize(
    ("reader", "name"),
    [(arrow, "x.arrow"), (parquet, "x.parquet"), (records, "x.avro"), (records, "x.tfrecord")],
)
@pytest.mark.parametrize("data", [b"", b"PAR1", b"Obj\x01\xff", b"\xff" * 100, b"PAR1\xff\xff\xff\x7fPAR1" * 2])
def test_what_cannot_be_read_is_said_and_stops_nothing(reader: object, name: str, data: bytes) -> None:
    component = of(reader.INSPECTOR, f"data/{name}", data)  # type: ignore[attr-defined]
    assert dict(component.properties)["mlgate:data:header"].startswith("unreadable")


def test_parts_are_one_dataset_and_tables_that_nothing_names_are_none(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for number in range(2):
        (tmp_path / "data" / f"train-0000{number}-of-00002.parquet").write_bytes(datafiles.parquet({1: 2, 4: b"n"}))
    (tmp_path / "metrics.csv").write_text("a,b\n")
    found = [each for each in look(tmp_path).inventory.components if each.kind is Kind.DATASET]
    (component,) = found
    assert component.identity == "dataset:file:data/train-*-of-00002.parquet"
    assert component.data
    assert (component.data.rows, component.data.split) == (6, "train")
    assert [len(digest) for _, digest in component.data.parts] == [64, 64]


@given(
    st.sampled_from([(arrow, "x.arrow"), (parquet, "x.parquet"), (records, "x.avro"), (records, "x.tfrecord")]),
    st.data(),
)
def test_damaged_files_end(reader: tuple[object, str], draw: st.DataObject) -> None:
    whole = {
        "x.arrow": datafiles.arrow_file(*COLUMNS, batches=(1,)),
        "x.parquet": datafiles.parquet_of_arrow(datafiles.arrow_stream(*COLUMNS)),
        "x.avro": datafiles.avro(a="int"),
        "x.tfrecord": datafiles.tfrecord(a="bytes"),
    }[reader[1]]
    at = draw.draw(st.integers(0, len(whole)))
    junk = draw.draw(st.binary(max_size=8))
    assert read(reader[0].INSPECTOR, reader[1], whole[:at] + junk + whole[at + len(junk) :]).stopped is None  # type: ignore[attr-defined]
