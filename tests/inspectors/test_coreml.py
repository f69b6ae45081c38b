from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.inspectors.coreml import INSPECTOR
from mlgate.records import ModelFacts
from tests.builders import coreml
from tests.builders.onnx import block, number
from tests.reading import Said, artifact, read

WEIGHTS = "@model_path/weights/weight.bin"
NETWORK = coreml.model(
    coreml.network(coreml.layer("a"), coreml.layer("b"), field=403),
    metadata=coreml.metadata(("com.github.apple.coremltools.version", "7.1")),
)
PROGRAM = coreml.model(
    coreml.program(coreml.operation("const", value=coreml.blob(WEIGHTS)), coreml.operation("linear")), version=8
)


def look(data: bytes, path: str = "m/birds.mlmodel") -> Said:
    return read(INSPECTOR, path, data)


def facts(said: Said) -> ModelFacts:
    (found,) = [c.model for c in said.components]
    assert found is not None
    return found


def test_a_network_is_described_by_what_it_says() -> None:
    said = look(NETWORK)
    assert (said.rules, said.stopped) == ([], None)
    assert said.components[0].licenses == ("MIT",)
    found = facts(said)
    assert found.architecture == "neuralNetworkClassifier"
    assert found.inputs == ("image: image",)
    assert found.outputs == ("out: float32[1, 3]",)
    assert dict(found.other)["layers"] == "2"
    assert dict(found.other)["producer"] == "7.1"


def test_a_program_counts_what_its_weights_file_holds() -> None:
    said = look(PROGRAM)
    assert (said.rules, said.stopped) == ([], None)
    assert facts(said).parameters == 6
    assert ("coreml:weights", WEIGHTS) in said.components[0].properties


CUSTOM = coreml.custom_layer("AcmeLayer")


@pytest.mark.parametrize(
    "data",
    [
        coreml.model(coreml.network(CUSTOM)),
        coreml.model(coreml.network(CUSTOM, field=303)),
        coreml.model(coreml.network(coreml.branch(coreml.layer("a"), CUSTOM))),
        coreml.model(coreml.network(coreml.loop(coreml.branch(CUSTOM)))),
        coreml.model(coreml.pipeline(NETWORK, coreml.model(coreml.network(CUSTOM)))),
        coreml.model(coreml.pipeline(coreml.model(coreml.pipeline(coreml.model(coreml.network(CUSTOM)))), field=200)),
        coreml.model(coreml.custom_model("AcmeLayer")),
    ],
)
def test_code_of_the_app_is_told_however_deep(data: bytes) -> None:
    said = look(data)
    assert (said.rules, said.stopped) == (["MLG-MDL-092"], None)
    assert "AcmeLayer" in said.findings[0].message


@pytest.mark.parametrize(
    ("name", "paths", "expected"),
    [
        ("Birds.mlmodelc", "", "MLG-MDL-091"),
        ("Birds.mlmodelc", "$BUNDLE_MAIN:.", "MLG-MDL-091"),
        ("Birds.mlmodelc", ".:/tmp", "MLG-MDL-090"),
        ("Birds.mlmodelc", "$BUNDLE_MAIN:models/../..", "MLG-MDL-090"),
        ("../Birds.mlmodelc", "", "MLG-MDL-090"),
    ],
)
def test_linked_models_are_told(name: str, paths: str, expected: str) -> None:
    assert look(coreml.model(coreml.linked(name, paths))).rules == [expected]


@pytest.mark.parametrize("path", ["/etc/passwd", "@model_path/../../x.bin", "https://a.example/w", "..\\w.bin"])
@pytest.mark.parametrize("where", ["attribute", "argument", "nested", "block"])
def test_weights_outside_of_the_package_block(path: str, where: str) -> None:
    value = coreml.blob(path)
    one = {
        "attribute": lambda: coreml.operation("const", value=value),
        "argument": lambda: coreml.operation("add", argument=value),
        "nested": lambda: coreml.operation("const", value=coreml.nested(value)),
        "block": lambda: coreml.operation("cond", body=coreml.program_block(coreml.operation("const", value=value))),
    }[where]()
    said = look(coreml.model(coreml.program(one)))
    assert (said.rules, said.stopped) == (["MLG-MDL-090"], None)


def test_what_apple_does_not_publish_is_told() -> None:
    assert look(coreml.model(block(2000, number(1, 1) + block(100, b"x" * 40)))).rules == ["MLG-MDL-097"]
    assert look(coreml.model(block(2002, b""))).rules == []
    stopped = look(coreml.model(block(3000, block(1, "x") + block(2, b"y")))).stopped
    assert stopped is not None
    assert stopped.reason == "unsupported"


def test_a_description_that_is_code_is_told() -> None:
    hostile = coreml.metadata(("note", "__import__('os').system('id')"))
    assert look(coreml.model(coreml.network(coreml.layer("a")), metadata=hostile)).rules == ["MLG-MDL-024"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("com.apple.CoreML/model.mlmodel", []),
        ("../../secrets.mlmodel", ["MLG-MDL-090"]),
        ("/etc/passwd", ["MLG-MDL-090"]),
    ],
)
def test_items_of_a_package_stay_in_it(path: str, expected: list[str]) -> None:
    document = {"fileFormatVersion": "1.0.0", "itemInfoEntries": {"a": {"path": path}}, "rootModelIdentifier": "a"}
    data = json.dumps(document).encode()
    said = look(data, "m.mlpackage/Manifest.json")
    assert (said.rules, said.stopped) == (expected, None)
    assert INSPECTOR.claims(artifact("m.mlpackage/Manifest.json", data))


def test_other_manifests_are_not_ours() -> None:
    assert not INSPECTOR.claims(artifact("app/manifest.json", b'{"name": "app"}'))
    assert not INSPECTOR.claims(artifact("app/model.mil", b"<xml/>"))


def test_compiled_programs_name_their_weights() -> None:
    text = "program(1.0)\n{ tensor<fp16, [8]> w = const()[val = tensor<fp16, [8]>(BLOBFILE(path = tensor<string, []>("
    for path, expected in ((WEIGHTS, []), ("/etc/passwd", ["MLG-MDL-090"])):
        said = look(f'{text}"{path}"), offset = tensor<uint64, []>(64)))]; }}'.encode(), "m.mlmodelc/model.mil")
        assert (said.rules, said.stopped) == (expected, None)


@pytest.mark.parametrize(
    ("path", "data", "reason"),
    [
        ("m.mlmodel", b"", "truncated"),
        ("m.mlmodel", NETWORK[:-4], "truncated"),
        ("m.mlmodel", number(1, 4) + block(2, b"") + b"\x0b\x0b", "malformed"),
        ("m.mlmodel", coreml.model(), "unsupported"),
        ("m.mlmodel", coreml.model(block(4000, b"")), "unsupported"),
        ("m.mlmodelc/coremldata.bin", b"\x01\0\0\0", "unsupported"),
        ("m.mlmodelc/model.espresso.net", b"{}", "unsupported"),
        ("m.mlpackage/Manifest.json", b'{"itemInfoEntries": []}', "malformed"),
        ("m.mlpackage/Manifest.json", b'{"itemInfoEntries": {"a": {}}}', "malformed"),
        ("m.mlpackage/Manifest.json", b'{"itemInfoEntries": ' + b"[" * 100_000, "limit"),
    ],
)
def test_what_cannot_be_read_is_incomplete(path: str, data: bytes, reason: str) -> None:
    stopped = look(data, path).stopped
    assert stopped is not None
    assert stopped.reason == reason


def test_what_comes_before_the_break_is_kept() -> None:
    said = look(coreml.model(coreml.network(CUSTOM, b"\x0b")))
    assert said.rules == ["MLG-MDL-092"]
    assert said.stopped is not None


def test_pipelines_in_pipelines_end() -> None:
    data = coreml.model(coreml.network(coreml.layer("a")))
    for _ in range(100):
        data = coreml.model(coreml.pipeline(data))
    stopped = look(data).stopped
    assert stopped is not None
    assert stopped.reason == "limit"


def test_another_content_is_a_mismatch() -> None:
    assert look(b"PK\x03\x04" + bytes(60)).rules == ["MLG-MDL-001"]


@given(st.sampled_from([NETWORK, PROGRAM]), st.binary(max_size=20), st.integers(0, 200), st.integers(0, 20))
def test_any_bytes_end_in_an_answer(data: bytes, noise: bytes, at: int, cut: int) -> None:
    look(data[:at] + noise + data[at + cut :])
