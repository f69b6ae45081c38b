from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.inspectors.caffe import INSPECTOR
from mlgate.records import ModelFacts
from tests.builders.caffe import blob, layer, net, old_blob, old_layer, prototxt, python, saving, source
from tests.builders.onnx import block
from tests.reading import Said, artifact, read

SOUND = net(layer("Input"), layer("Convolution", blobs=(blob(4, 3, 1, 1), blob(4))), layer("Softmax"))


def look(data: bytes, path: str = "m/birds.caffemodel") -> Said:
    return read(INSPECTOR, path, data)


def text(data: bytes) -> Said:
    assert INSPECTOR.claims(artifact("deploy.prototxt", data))
    return look(data, "m/deploy.prototxt")


def facts(said: Said) -> ModelFacts:
    (found,) = [c.model for c in said.components]
    assert found is not None
    return found


def test_a_network_is_described_by_what_it_says() -> None:
    said = look(SOUND)
    assert (said.rules, said.stopped) == ([], None)
    found = facts(said)
    assert (found.architecture, found.parameters, found.inputs) == ("birds", 16, ("l",))
    assert dict(found.other)["types"] == "Convolution: 1, Input: 1, Softmax: 1"


def test_a_network_in_text_is_described_too() -> None:
    said = text(prototxt())
    assert (said.rules, said.stopped) == ([], None)
    assert dict(facts(said).other)["types"] == "Input: 1, ReLU: 1"


@pytest.mark.parametrize(
    "said",
    [
        look(net(layer("Python", python("os", "system")))),
        look(net(layer("Other", python("os", "system")))),
        text(prototxt("Python", 'python_param { module: "os" layer: "system" }')),
        text(prototxt("Python", "python_param: < module: 'os' layer: 'sys' 'tem' >")),
        text(prototxt("\\x50ython", 'python_param { module: "\\157s" layer: "system" }')),
    ],
)
def test_python_layers_are_told_with_what_they_import(said: Said) -> None:
    assert (said.rules, said.stopped) == (["MLG-MDL-093"], None)
    assert "'os.system'" in said.findings[0].message


def test_a_python_layer_without_parameters_is_told() -> None:
    assert look(net(layer("Python"))).rules == ["MLG-MDL-093"]


def test_names_that_only_look_like_it_are_not() -> None:
    assert look(net(layer("PythonLike"), layer("Input", block(131, b"")))).rules == []
    assert text(prototxt("ReLU", '# python_param { module: "os" }')).rules == []


SAVES = 'detection_output_param { save_output_param { output_directory: "r" } }'


@pytest.mark.parametrize(
    ("said", "severity"),
    [
        (look(net(layer("HDF5Output", source("/etc/x.h5", 113)))), "high"),
        (look(net(old=(old_layer(10, source("x.h5", 14)),))), "high"),
        (text(prototxt("HDF5Output", 'hdf5_output_param { file_name: "x.h5" }')), "high"),
        (look(net(layer("DetectionOutput", saving("/home/user/data")))), "medium"),
        (
            text(prototxt("DetectionOutput", 'detection_output_param { save_output_param { output_directory: "r" } }')),
            "medium",
        ),
        (look(net(layer("Data", source("/data/imagenet")))), "low"),
        (look(net(layer("ImageData", source("../list.txt", 115)))), "low"),
        (look(net(layer("Data", block(100, block(4, "/data/mean.binaryproto"))))), "low"),
        (look(net(old=(old_layer(5, source("/data/imagenet", 11)),))), "low"),
    ],
)
def test_files_weigh_by_what_is_done_with_them(said: Said, severity: str) -> None:
    assert (said.rules, said.stopped) == (["MLG-MDL-094"], None)
    assert said.findings[0].severity == severity


def test_data_beside_the_network_is_no_finding() -> None:
    said = look(net(layer("Data", source("examples/mnist/train_lmdb"))))
    assert said.rules == []
    assert ("caffe:data", "examples/mnist/train_lmdb") in said.components[0].properties


def test_weights_of_all_versions_fit_their_shape() -> None:
    assert facts(look(net(old=(old_layer(4, blobs=(old_blob(1, 2, 3, 4, 24),)),)))).parameters == 24
    for one in (blob(4, 3, count=11), blob(1 << 40, 1 << 40, count=1), old_blob(1, 2, 3, 4, 23)):
        assert look(net(layer("Convolution", blobs=(one,)))).rules == ["MLG-MDL-096"]


@pytest.mark.parametrize(
    ("path", "data", "reason"),
    [
        ("a.caffemodel", b"", "truncated"),
        ("a.caffemodel", SOUND[:-2], "truncated"),
        ("a.caffemodel", b"\x0b\x0b\x0b", "malformed"),
        ("a.caffemodel", block(1, "empty"), "malformed"),
        ("a.prototxt", prototxt()[:-3], "truncated"),
        ("a.prototxt", b"layer { ] }", "malformed"),
        ("a.prototxt", b"layer {" * 200, "limit"),
        ("a.prototxt", prototxt("ReLU", "#" + "x" * (17 << 20)), "limit"),
    ],
)
def test_what_cannot_be_read_is_incomplete(path: str, data: bytes, reason: str) -> None:
    stopped = look(data, path).stopped
    assert stopped is not None
    assert stopped.reason == reason


def test_another_content_is_a_mismatch_and_other_text_not_ours() -> None:
    assert look(b"PK\x03\x04" + bytes(60)).rules == ["MLG-MDL-001"]
    assert not INSPECTOR.claims(artifact("labels.prototxt", b'item { name: "none" label: 0 }'))
    assert not INSPECTOR.claims(artifact("solver.prototxt", b'net: "train.prototxt" base_lr: 0.1'))


@given(st.sampled_from([SOUND, prototxt()]), st.binary(max_size=20), st.integers(0, 200), st.integers(0, 20))
def test_any_bytes_end_in_an_answer(data: bytes, noise: bytes, at: int, cut: int) -> None:
    changed = data[:at] + noise + data[at + cut :]
    look(changed)
    look(changed, "m/deploy.prototxt")
