from __future__ import annotations

import time
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlgate.identify import HEAD, identify
from mlgate.inspectors import hdf5
from mlgate.inspectors.hdf5 import INSPECTOR
from mlgate.records import Artifact, Severity
from mlgate.sources import BytesSource
from tests.builders import hdf5 as builders
from tests.reading import Said, read


def look(data: bytes, path: str = "m/model.h5") -> Said:
    return read(INSPECTOR, path, data)


def claimed(data: bytes, name: str = "x.bin") -> bool:
    source = BytesSource(data)
    head = data[:HEAD]
    return hdf5.claims(Artifact(path=name, name=name, source=source, head=head, formats=identify(source, head)))


@pytest.mark.parametrize("version", builders.VERSIONS)
def test_a_keras_model_of_every_version_of_the_format(version: str) -> None:
    said = look(builders.keras_model(version=version))
    assert said.stopped is None
    assert said.rules == []
    model = said.one("model.h5").model
    assert model is not None
    assert model.format == "keras-hdf5"
    assert model.architecture_family == "Sequential"
    assert model.architecture == "tiny"
    assert model.parameters == 3 * 2 + 2
    assert model.quantization == "float32"
    assert model.inputs == ("d float32 ?x3",)
    assert dict(model.other)["keras-version"] == "2.15.0"
    assert dict(model.other)["layer-classes"] == "Dense: 1"


@pytest.mark.parametrize("version", builders.VERSIONS)
@pytest.mark.parametrize(("groups", "attributes"), [(3, 3), (300, 60), (4000, 10)])
def test_no_object_is_missed_whatever_the_trees(version: str, groups: int, attributes: int) -> None:
    said = look(builders.many(version, groups, attributes))
    assert said.stopped is None
    model = said.one("model.h5").model
    assert model is not None
    assert dict(model.other)["datasets"] == str(groups)


def test_long_attributes_are_read_from_the_heap() -> None:
    said = look(builders.with_attribute("big", np.array([b"<script>" + b"x" * 200_000]), "latest"))
    assert said.stopped is None
    said = look(builders.with_attribute("big", np.bytes_(b"<script>" + b"x" * 200_000), "latest"))
    assert said.rules == ["MLG-MDL-023"]


@pytest.mark.parametrize("version", ["earliest", "v110", "latest"])
@pytest.mark.parametrize("build", [builders.external_link, builders.external_storage])
def test_other_files_are_told_by_name(build: Any, version: str) -> None:
    said = look(build(version))
    assert said.stopped is None
    assert said.rules == ["MLG-MDL-050"]
    assert said.findings[0].evidence == "/etc/passwd"
    assert said.findings[0].severity is Severity.HIGH


def test_virtual_datasets_name_other_files() -> None:
    said = look(builders.virtual())
    assert said.stopped is None
    assert [finding.evidence for finding in said.findings] == ["a.h5", "/etc/b.h5"]
    assert set(said.rules) == {"MLG-MDL-050"}


def test_a_virtual_dataset_of_the_same_file_is_none() -> None:
    assert look(builders.virtual(names=(".",))).rules == []


def test_soft_links_stay_in_the_file() -> None:
    def fill(file: Any) -> None:
        file["a"] = h5py.SoftLink("/etc/passwd")
        file["b"] = file.create_group("c")

    said = look(builders.written(fill))
    assert (said.rules, said.stopped) == ([], None)


@pytest.mark.parametrize("version", ["earliest", "latest"])
def test_a_group_in_itself_ends(version: str) -> None:
    said = look(builders.cyclic(version))
    assert said.rules == ["MLG-MDL-052"]
    assert said.stopped is None


def test_links_of_a_users_own_kind_are_told() -> None:
    said = look(builders.user_link())
    assert said.rules == ["MLG-MDL-052"]
    assert said.stopped is None


@pytest.mark.parametrize(("number", "expected"), [(1, []), (32000, []), (32001, []), (256, ["MLG-MDL-051"])])
def test_filters_that_nobody_registered_need_a_plugin(number: int, expected: list[str]) -> None:
    said = look(builders.filtered(number))
    assert said.rules == expected
    assert said.stopped is None


@pytest.mark.parametrize("protocol", range(6))
def test_pickles_in_attributes_go_another_round(protocol: int) -> None:
    said = look(builders.pickled_attribute(protocol))
    (inner,) = (item for item in said.observations if isinstance(item, Artifact))
    assert inner.member == "/@info.pkl"
    assert inner.depth == 1
    assert b"system" in inner.source.read_at(0, 200)


@pytest.mark.parametrize("text", ["A description.", "(see the paper).", "I'm done.", "."])
def test_a_sentence_is_no_pickle(text: str) -> None:
    said = look(builders.with_attribute("title", np.bytes_(text.encode())))
    assert not any(isinstance(item, Artifact) for item in said.observations)
    assert said.stopped is None


def test_user_blocks_of_text_are_usual_and_others_are_told() -> None:
    def fill(file: Any) -> None:
        file["a"] = 1

    data = builders.written(fill, user_block=512)
    matlab = b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + bytes(8) + b"\x00\x02IM"
    sound = matlab + data[len(matlab) :]
    assert claimed(sound)
    assert (look(sound).rules, look(sound).stopped) == ([], None)
    hidden = b"\x80\x04\x8c\x05posix" + data[9:]
    assert look(hidden).rules == ["MLG-MDL-052"]
    far = builders.written(fill, user_block=8192)
    assert claimed(far, "x.h5")
    assert not claimed(far[:4096], "x.h5")
    assert look(far).stopped is None


def test_bytes_after_the_end_are_told() -> None:
    assert look(builders.keras_model() + b"#!/bin/sh\n").rules == ["MLG-MDL-052"]
    assert look(builders.keras_model() + b"\n\n").rules == []


@pytest.mark.parametrize("version", ["earliest", "latest"])
def test_a_file_that_is_cut_is_incomplete(version: str) -> None:
    data = builders.keras_model(version=version)
    for length in (60, 100, len(data) // 2, len(data) - 1):
        assert look(data[:length]).stopped is not None


def test_a_configuration_that_is_no_json_is_incomplete() -> None:
    said = look(builders.keras_model(text="{"))
    assert said.stopped is not None
    assert said.stopped.reason == "malformed"


ROWS: list[dict[str, Any]] = [
    {},
    {"chunks": (1,), "maxshape": (None,)},
    {"chunks": (3,), "compression": "gzip", "shuffle": True},
]


@pytest.mark.parametrize("options", ROWS)
@pytest.mark.parametrize("count", [3, 7, 1000])
def test_rows_of_objects_are_pickles(options: dict[str, Any], count: int) -> None:
    said = look(builders.object_rows(count, **options))
    inner = [item for item in said.observations if isinstance(item, Artifact)]
    assert said.stopped is None
    assert [item.member for item in inner] == [f"/values@{number}.pkl" for number in range(count)]
    assert all(item.source.read_at(0, 2) == b"\x80\x04" for item in inner)


def test_rows_of_objects_that_cannot_be_unpacked_are_incomplete() -> None:
    said = look(builders.object_rows(4, chunks=(2,), compression="lzf"))
    assert said.stopped is not None
    assert said.stopped.reason == "unsupported"


def test_types_by_name_and_of_every_class() -> None:
    def fill(file: Any) -> None:
        file["named"] = np.dtype("f4")
        file.create_dataset("a", (3, 2), dtype=file["named"])
        file["a"].attrs.create("shared", 1.0, dtype=file["named"])
        record = np.dtype([("x", "i4"), ("y", "f8", (3,)), ("s", "S5")])
        file.create_dataset("record", (2,), dtype=record)
        file.create_dataset("enum", (2,), dtype=h5py.enum_dtype({"A": 0, "B": 1}))
        file.create_dataset("vlen", (2,), dtype=h5py.vlen_dtype(h5py.string_dtype()))
        file.create_dataset("opaque", (2,), dtype="V8")
        file.create_dataset("complex", (2,), dtype="c16")
        file.create_dataset("bool", (2,), dtype="?")
        file.create_dataset("reference", (1,), dtype=h5py.ref_dtype)
        file.create_dataset("array", (1,), dtype=np.dtype(("f4", (2, 2))))
        file.create_dataset("empty", data=h5py.Empty("f4"))
        file.attrs["reference"] = file["a"].ref

    for version in builders.VERSIONS:
        said = look(builders.written(fill, version))
        assert (said.rules, said.stopped) == ([], None)
        model = said.one("model.h5").model
        assert model is not None
        assert model.parameters == 6
        assert dict(model.other)["datasets"] == "10"


def test_a_file_over_several_files_is_incomplete() -> None:
    data = builders.keras_model()
    said = look(data[:48] + (96).to_bytes(8, "little") + data[56:])
    assert said.stopped is not None
    assert said.stopped.reason == "unsupported"


@pytest.mark.parametrize("address", [1 << 20, 1 << 62, (1 << 64) - 2])
def test_objects_outside_of_the_file_are_incomplete(address: int) -> None:
    data = builders.keras_model()
    said = look(data[:64] + address.to_bytes(8, "little") + data[72:])
    assert said.stopped is not None
    assert said.stopped.reason == "truncated"
    weights = builders.written(lambda file: file.create_dataset("w", data=np.arange(64.0)))
    place = weights.index(np.arange(64.0).tobytes()).to_bytes(8, "little")
    said = look(weights.replace(place, address.to_bytes(8, "little")))
    assert said.stopped is not None
    assert said.stopped.reason == "truncated"


def test_one_object_that_cannot_be_read_hides_no_other() -> None:
    def fill(file: Any) -> None:
        file.create_dataset("a", data=np.arange(64.0))
        file["b"] = h5py.ExternalLink("/etc/passwd", "/x")

    data = builders.written(fill)
    place = data.index(np.arange(64.0).tobytes()).to_bytes(8, "little")
    said = look(data.replace(place, (1 << 40).to_bytes(8, "little")))
    assert said.rules == ["MLG-MDL-050"]
    assert said.stopped is not None


def test_data_files_are_no_models() -> None:
    def fill(file: Any) -> None:
        file.create_dataset("X", data=np.zeros((4, 3)))
        file.attrs["encoding-type"] = "anndata"

    said = look(builders.written(fill), "cells.h5ad")
    assert said.components == ()
    assert said.rules == []


SAMPLES = [
    builders.keras_model(),
    builders.keras_model(version="latest"),
    builders.virtual(),
    builders.many("latest", 40, 20),
    builders.filtered(256),
    builders.external_storage(),
    builders.object_rows(5, **ROWS[2]),
]


@settings(max_examples=250, deadline=None)
@given(st.data())
def test_no_bytes_make_the_reader_fail(data: st.DataObject) -> None:
    changed = bytearray(data.draw(st.sampled_from(SAMPLES)))
    places = [at for at in range(len(changed)) if changed[at]]
    for _ in range(data.draw(st.integers(1, 6))):
        changed[data.draw(st.sampled_from(places))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.sampled_from([len(changed), len(changed), data.draw(st.integers(0, len(changed)))]))
    started = time.monotonic()
    look(bytes(changed[:cut]))
    assert time.monotonic() - started < 5
