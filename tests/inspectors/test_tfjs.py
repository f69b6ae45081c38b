from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.inspectors import keras
from mlgate.inspectors.tfjs import INSPECTOR
from mlgate.records import ModelFacts, Severity
from tests.builders import tfjs
from tests.reading import Said, artifact, read

SOUND = tfjs.graph_model("Placeholder", "Const", "_FusedConv2D", "FusedDepthwiseConv2dNative", "f", inner=["Relu"])


def look(document: Any, path: str = "m/model.json") -> Said:
    return read(INSPECTOR, path, json.dumps(document))


def facts(said: Said) -> ModelFacts:
    (found,) = (c.model for c in said.components if c.model)
    return found


def test_what_a_graph_model_says() -> None:
    said = look(SOUND)
    assert (said.rules, said.stopped) == ([], None)
    assert (facts(said).format, facts(said).parameters) == ("tfjs", 6)
    assert facts(said).inputs == ("x",)
    told = dict(facts(said).other)
    assert told["bytes-of-weights"] == "24"
    assert told["converted-by"] == "TensorFlow.js Converter v4.22.0"


def test_what_a_layers_model_says() -> None:
    said = look(tfjs.layers_model({"class_name": "Dense", "config": {"units": 2}}))
    assert (said.rules, said.stopped) == ([], None)
    assert facts(said).architecture == "Sequential"
    assert dict(facts(said).other)["bytes-of-weights"] == "8"


@pytest.mark.parametrize(
    ("path", "bad"),
    [
        ("group1-shard1of1.bin", False),
        ("weights/group1-shard1of1", False),
        ("https://evil.example/w.bin", True),
        ("file:///etc/passwd", True),
        ("/etc/passwd", True),
        ("../../secrets.bin", True),
        ("a/../../b", True),
        ("..\\x", True),
    ],
)
def test_weights_stay_beside_the_model(path: str, bad: bool) -> None:
    manifest = tfjs.manifest(tfjs.weight("w", 1), paths=[path])
    for said in (
        look(tfjs.graph_model("Const", weightsManifest=manifest)),
        look(manifest, "m/face_model-weights_manifest.json"),
    ):
        assert said.rules == (["MLG-MDL-084"] if bad else [])
        assert all(f.severity is Severity.HIGH for f in said.findings)


@pytest.mark.parametrize(
    ("op", "rule"), [("ReadFile", "MLG-MDL-070"), ("PyFunc", "MLG-MDL-071"), ("MyOp", "MLG-MDL-073"), ("Relu6", "")]
)
def test_operators_of_graphs_functions_and_initializers(op: str, rule: str) -> None:
    initializer = {"node": [{"name": "i", "op": op}]}
    for document in (
        tfjs.graph_model("Const", op),
        tfjs.graph_model("Const", inner=[op]),
        tfjs.graph_model("Const", modelInitializer=initializer),
    ):
        said = look(document)
        assert said.rules == ([rule] if rule else [])
        assert all(f.severity is Severity.MEDIUM for f in said.findings)


def test_lambda_layers_are_told_once_by_one_of_two_readers() -> None:
    layer = {"class_name": "Lambda", "config": {"function_type": "lambda", "function": ["4wEA", None, None]}}
    for document in (tfjs.layers_model(layer), {"weightsManifest": [{"pad": "x" * 5000}]} | tfjs.layers_model(layer)):
        found = look(document).rules
        if keras.INSPECTOR.claims(artifact("model.json", json.dumps(document).encode())):
            found += read(keras.INSPECTOR, "model.json", json.dumps(document)).rules
        assert found == ["MLG-MDL-053"]


@pytest.mark.parametrize(
    "weights",
    [
        [tfjs.weight("w", -1)],
        [tfjs.weight("w", 1 << 40, 1 << 40)],
        [tfjs.weight("w", 1), tfjs.weight("w", 1)],
        [{"name": "w", "shape": ["a"]}],
    ],
)
def test_contradictions_are_told(weights: list[dict[str, Any]]) -> None:
    assert look(tfjs.graph_model("Const", weightsManifest=tfjs.manifest(*weights))).rules == ["MLG-MDL-085"]


def test_weights_without_a_file_are_told() -> None:
    assert look(tfjs.graph_model("Const", weightsManifest=tfjs.manifest(tfjs.weight("w", 1), paths=[]))).rules == [
        "MLG-MDL-085"
    ]


def test_descriptions_are_only_text() -> None:
    said = look(tfjs.graph_model("Const", userDefinedMetadata={"about": "<script>alert(1)</script>"}))
    assert said.rules == ["MLG-MDL-023"]


def test_shards_are_listed() -> None:
    said = read(INSPECTOR, "m/group1-shard1of2.bin", bytes(10))
    assert (said.rules, said.stopped) == ([], None)
    assert facts(said).format == "tfjs-shard"
    assert read(INSPECTOR, "m/group1-shard1of2", b"\x7fELF" + bytes(60)).rules == ["MLG-MDL-001"]


@pytest.mark.parametrize(
    ("path", "data", "reason"),
    [
        ("model.json", b'{"modelTopology": ', "malformed"),
        ("model.json", b'{"modelTopology": ' + b"[" * 100_000, "limit"),
        ("model.json", b'{"modelTopology": "' + b"x" * (17 << 20), "limit"),
        ("model.json", b'"weightsManifest"', "malformed"),
        ("group1-shard1of1.bin", b"", "truncated"),
    ],
)
def test_what_cannot_be_read_is_incomplete(path: str, data: bytes, reason: str) -> None:
    stopped = read(INSPECTOR, path, data).stopped
    assert stopped is not None
    assert stopped.reason == reason


def test_other_peoples_json_is_not_ours() -> None:
    for name, document in (
        ("model.json", {"learner": {}}),
        ("package.json", {"name": "x"}),
        ("weights_manifest.json", {"a": 1}),
        ("model.json", ["modelTopology"]),
    ):
        assert not INSPECTOR.claims(artifact(name, json.dumps(document).encode()))
    for name in ("model.json", "model-v2.json"):
        assert INSPECTOR.claims(artifact(name, json.dumps(SOUND).encode()))


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just("ReadFile"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["node", "op", "paths", "weights", "shape", "library", "class_name"]), inner)
    ),
    max_leaves=15,
)


@given(ANY, ANY, ANY, ANY)
def test_any_values_end_in_an_answer(manifest: Any, topology: Any, signature: Any, metadata: Any) -> None:
    document = {
        "weightsManifest": manifest,
        "modelTopology": topology,
        "signature": signature,
        "userDefinedMetadata": metadata,
    }
    assert look(document).stopped is None


@given(st.binary(max_size=40), st.integers(0, 300))
def test_any_bytes_end_in_an_answer(noise: bytes, at: int) -> None:
    data = json.dumps(SOUND).encode()
    read(INSPECTOR, "model.json", data[:at] + noise + data[at:])
