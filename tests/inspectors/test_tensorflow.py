from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlgate.inspectors import _tensorflow_ops
from mlgate.inspectors.tensorflow import INSPECTOR
from mlgate.records import Severity
from tests.builders import tensorflow as tf
from tests.builders.onnx import block, number
from tests.reading import Said, artifact, read

NODES, FUNCTIONS = tf.tf2_saver()
SOUND = tf.saved_model(
    tf.graph(*NODES, functions=FUNCTIONS),
    objects=tf.objects(tf.variable_object(3, 4), tf.keras_object(json.dumps({"class_name": "Dense", "config": {}}))),
)


def look(data: bytes, path: str = "m/saved_model.pb") -> Said:
    return read(INSPECTOR, path, data)


def ops(*nodes: bytes, functions: tuple[bytes, ...] = ()) -> Said:
    return look(tf.saved_model(tf.graph(*nodes, functions=functions)))


def test_what_a_saved_model_says_of_itself() -> None:
    said = look(SOUND)
    assert said.stopped is None
    assert said.rules == []
    facts = said.one("saved_model.pb").model
    assert facts is not None
    assert facts.format == "tensorflow-savedmodel"
    assert facts.parameters == 12
    assert facts.inputs == ("image: float32[?, 3]",)
    assert facts.outputs == ("out: float32[?, 3]",)
    told = dict(facts.other)
    assert told["tensorflow-version"] == "2.18.0"
    assert told["tags"] == "serve"
    assert told["functions"] == "2"


def test_a_frozen_graph_counts_its_constants() -> None:
    data = tf.graph(tf.node("x", "Placeholder"), tf.weights("w", 3, 5), tf.node("y", "MatMul", "x", "w"))
    said = look(data, "frozen.pb")
    assert (said.rules, said.stopped) == ([], None)
    facts = said.one("frozen.pb").model
    assert facts is not None
    assert (facts.format, facts.parameters) == ("tensorflow-graph", 15)


def test_the_savers_of_both_versions_are_no_findings() -> None:
    data = tf.metagraph(tf.graph(*tf.tf1_saver()))
    said = look(data, "model.ckpt-7.meta")
    assert (said.rules, said.stopped) == ([], None)
    assert look(SOUND).rules == []


REACH = [
    ("ReadFile", "MLG-MDL-070"),
    ("WriteFile", "MLG-MDL-070"),
    ("MatchingFiles", "MLG-MDL-070"),
    ("WholeFileReaderV2", "MLG-MDL-070"),
    ("TFRecordDatasetV2", "MLG-MDL-070"),
    ("ExperimentalLMDBDataset", "MLG-MDL-070"),
    ("ImmutableConst", "MLG-MDL-070"),
    ("DatasetToTFRecord", "MLG-MDL-070"),
    ("IO>FileInit", "MLG-MDL-070"),
    ("PyFunc", "MLG-MDL-071"),
    ("PyFuncStateless", "MLG-MDL-071"),
    ("EagerPyFunc", "MLG-MDL-071"),
    ("DatasetFromGraph", "MLG-MDL-071"),
    ("RpcCall", "MLG-MDL-072"),
    ("DataServiceDatasetV4", "MLG-MDL-072"),
    ("XlaCallModule", "MLG-MDL-075"),
    ("TRTEngineOp", "MLG-MDL-075"),
    ("NMSRotated", "MLG-MDL-073"),
    ("IO>DecodeWebP", "MLG-MDL-073"),
]


@pytest.mark.parametrize(("op", "rule"), REACH)
def test_operators_are_found_in_graphs_and_in_functions(op: str, rule: str) -> None:
    inner = tf.function("inner", ["a"], [tf.node("n", op, "a")], {})
    outer = tf.function("outer", ["a"], [tf.node("c", "PartitionedCall", "a", f=tf.calls("inner"))], {})
    unused = ops(tf.node("x", "Placeholder"), functions=(inner, outer))
    for said in (ops(tf.node("n", op)), unused, look(tf.graph(tf.node("n", op)), "weights.bin")):
        assert said.rules == [rule]
        assert said.stopped is None
        (finding,) = said.findings
        assert op in finding.evidence
        assert finding.severity is (Severity.MEDIUM if rule[-3:] in {"073", "075"} else Severity.HIGH)


@pytest.mark.parametrize("op", ["ReadVariableOp", "ReaderReadV2", "TensorArrayReadV3", "MapDataset", "FileIo", "Print"])
def test_operators_that_only_sound_like_it(op: str) -> None:
    assert "MLG-MDL-070" not in ops(tf.node("n", op)).rules


def test_every_judged_operator_has_a_rule() -> None:
    for op in _tensorflow_ops.JUDGED:
        said = ops(tf.node("n", op))
        assert len(said.rules) == 1
        assert said.rules[0] in {f"MLG-MDL-{n}" for n in ("070", "071", "072", "075")}


def test_a_function_under_an_operators_name_hides_nothing() -> None:
    same = tf.function("ReadFile", ["a"], [], {})
    assert ops(tf.node("n", "ReadFile"), functions=(same,)).rules == ["MLG-MDL-070"]
    assert ops(tf.node("n", "my_function"), functions=(tf.function("my_function", [], [], {}),)).rules == []


@pytest.mark.parametrize(
    ("op", "key", "value", "rule"),
    [
        ("PrintV2", "output_stream", "file:///etc/cron.d/x", "MLG-MDL-070"),
        ("PrintV2", "output_stream", "stderr", ""),
        ("DecodeProtoV2", "descriptor_source", "/tmp/x.pb", "MLG-MDL-070"),
        ("DecodeProtoV2", "descriptor_source", "local://", ""),
        ("FixedUnigramCandidateSampler", "vocab_file", "/etc/passwd", "MLG-MDL-070"),
        ("FixedUnigramCandidateSampler", "vocab_file", "", ""),
    ],
)
def test_attributes_that_name_files(op: str, key: str, value: str, rule: str) -> None:
    assert ops(tf.node("n", op, **{key: tf.text(value)})).rules == ([rule] if rule else [])


@pytest.mark.parametrize(
    ("url", "rule"), [("file:///tmp/d", "MLG-MDL-070"), ("grpc://evil.example:80", "MLG-MDL-072"), ("memcbk://x", "")]
)
def test_debug_operators_send_away(url: str, rule: str) -> None:
    said = ops(tf.node("n", "DebugIdentity", debug_urls=tf.texts(url)))
    assert said.rules == ([rule] if rule else [])


def test_compiled_programs_that_call_back() -> None:
    module = b"ML\xefR" + bytes(2_000_000) + b"xla_ffi_python_cpu_callback" + bytes(50)
    assert ops(tf.node("n", "XlaCallModule", module=tf.text(module))).rules == ["MLG-MDL-075", "MLG-MDL-071"]
    assert ops(tf.node("n", "XlaCallModule", module=tf.text(module[:99]))).rules == ["MLG-MDL-075"]


@pytest.mark.parametrize("path", ["/etc/cron.d/x", "../../x", "gs://bucket/x", "C:\\x", "~/x", "a/../../b", "x\ny"])
def test_a_saver_that_writes_elsewhere(path: str) -> None:
    said = look(tf.metagraph(tf.graph(*tf.tf1_saver(path))), "model.ckpt.meta")
    assert set(said.rules) == {"MLG-MDL-074"}
    assert {f.evidence.split()[0] for f in said.findings} == {"SaveV2", "RestoreV2", "MergeV2Checkpoints"}


def save(*nodes: bytes, functions: tuple[bytes, ...] = (), objects: bytes = b"") -> list[str]:
    """The rules for a main graph with these nodes, in which node `s` saves under the name `n`."""
    inner = tf.graph(*nodes, tf.node("s", "SaveV2", "n"), functions=functions)
    return look(tf.saved_model(inner, objects=objects)).rules


def test_names_are_followed_to_where_they_come_from() -> None:
    evil, good = tf.const("c", "/etc/x"), tf.const("c", "x")
    caller = tf.node("n", "PartitionedCall", "c", f=tf.calls("f"))
    through = tf.function("f", ["a"], [tf.node("i", "Identity", "a")], {"r": "i:output:0"})
    for constant, expected in ((evil, ["MLG-MDL-074"]), (good, [])):
        assert save(constant, tf.node("n", "Identity", "c:0")) == expected
        assert save(constant, tf.node("n", "StringJoin", "c")) == expected
        assert save(constant, caller, functions=(through,)) == expected
        assert save(constant, tf.node("n", "f", "c"), functions=(through,)) == expected
        assert save(constant, tf.node("n", "If", "b", "c", then_branch=tf.calls("f")), functions=(through,)) == expected


def test_names_inside_of_functions_come_from_their_callers() -> None:
    saves = tf.function("f", ["a", "b"], [tf.node("s", "SaveV2", "b")], {})
    for path, expected in (("/x", ["MLG-MDL-074"]), ("x", [])):
        nodes = (tf.const("c", path), tf.node("p", "Placeholder"))
        call = tf.node("n", "StatefulPartitionedCall", "p", "c", f=tf.calls("f"))
        swapped = tf.node("n", "StatefulPartitionedCall", "c", "p", f=tf.calls("f"))
        assert ops(*nodes, call, functions=(saves,)).rules == expected
        assert ops(*nodes, swapped, functions=(saves,)).rules == []
        bound = tf.objects(tf.constant_object("c"), bound={"f": (0,)})
        said = look(tf.saved_model(tf.graph(*nodes, functions=(saves,)), objects=bound))
        assert said.rules == expected


def test_joined_names_are_put_together() -> None:
    assert save(tf.const("a", "."), tf.const("b", "./x"), tf.node("n", "StringJoin", "a", "b")) == ["MLG-MDL-074"]
    assert save(tf.const("a", ""), tf.const("b", "/x"), tf.node("n", "StringJoin", "a", "b")) == ["MLG-MDL-074"]
    assert save(tf.const("a", "a"), tf.const("b", "/x"), tf.node("n", "StringJoin", "a", "b")) == []
    assert save(tf.node("a", "Placeholder"), tf.const("b", "/x"), tf.node("n", "StringJoin", "a", "b")) == []
    assert save(tf.node("a", "Placeholder"), tf.const("b", "/../x"), tf.node("n", "StringJoin", "a", "b")) == [
        "MLG-MDL-074"
    ]


def test_names_that_are_computed_or_packed_are_told() -> None:
    assert save(tf.const("c", "L2V0Yy94"), tf.node("n", "DecodeBase64", "c")) == ["MLG-MDL-074"]
    packed = tf.node("n", "Const", value=block(8, tf.packed("a", "/etc/x")))
    assert save(packed) == ["MLG-MDL-074"]
    assert save(tf.node("n", "Const", value=block(8, tf.packed("a", "b")))) == []
    assert save(tf.const("n", *("x" for _ in range(100)))) == ["MLG-MDL-074"]


def test_vocabularies_are_assets() -> None:
    table = (tf.node("t", "HashTableV2"), tf.node("i", "InitializeTableFromTextFileV2", "t", "c"))
    inner = tf.graph(tf.const("c", "/home/me/vocab.txt"), *table)
    assert look(tf.saved_model(inner)).rules == ["MLG-MDL-074"]
    assert look(tf.saved_model(inner, assets=[tf.asset("c:0", "vocab.txt")])).rules == []
    assert look(tf.saved_model(inner, assets=[tf.asset("c:0", "../../vocab.txt")])).rules == ["MLG-MDL-074"]
    for name, expected in (("vocab.txt", []), ("/etc/vocab.txt", ["MLG-MDL-074"])):
        old = number(1, 1) + block(2, tf.metagraph(inner) + tf.old_asset("c:0", name))
        assert look(old).rules == expected
    bound = tf.objects(tf.asset_object(), bound={"f": (0,)})
    initializer = tf.function("f", ["a"], [tf.node("i", "InitializeTableFromTextFileV2", "t", "a")], {})
    inner = tf.graph(tf.const("c", "x"), functions=(initializer,))
    assert look(tf.saved_model(inner, assets=[tf.asset("c:0", "vocab.txt")], objects=bound)).rules == []


def test_caches_on_disk_are_told() -> None:
    for path, expected in (("", []), ("cache", ["MLG-MDL-074"])):
        assert ops(tf.const("c", path), tf.node("d", "CacheDatasetV2", "x", "c")).rules == expected


LAMBDA = json.dumps(
    {"class_name": "Lambda", "config": {"function": ["4wEAAAA=", None, None], "function_type": "lambda"}}
)
NESTED = json.dumps({"class_name": "Functional", "config": {"layers": [json.loads(LAMBDA)]}})


@pytest.mark.parametrize("metadata", [LAMBDA, NESTED])
def test_lambda_layers_in_both_places(metadata: str) -> None:
    inside = tf.saved_model(tf.graph(tf.node("x", "Placeholder")), objects=tf.objects(tf.keras_object(metadata)))
    for said in (look(inside), look(tf.keras_metadata("{}", metadata), "m/keras_metadata.pb")):
        assert said.rules == ["MLG-MDL-053"]
        assert said.findings[0].severity is Severity.HIGH
        assert said.stopped is None


def test_a_class_that_is_missing_is_made_from_the_graph() -> None:
    metadata = json.dumps({"class_name": "MyLayer", "config": {}})
    said = look(tf.keras_metadata(metadata, metadata), "keras_metadata.pb")
    assert [(f.rule.id, f.severity) for f in said.findings] == [("MLG-MDL-058", Severity.LOW)]


@pytest.mark.parametrize(
    ("function", "expected"),
    [("io.read_file", True), ("load_op_library", True), ("raw_ops.WriteFile", True), ("math.add", False)],
)
def test_functions_by_name(function: str, expected: bool) -> None:
    metadata = json.dumps({"class_name": "TFOpLambda", "config": {"function": function}})
    said = look(tf.keras_metadata(metadata), "keras_metadata.pb")
    assert said.rules == (["MLG-MDL-055"] if expected else [])
    assert all(f.severity is Severity.HIGH for f in said.findings)


def test_a_layer_that_cannot_be_read_is_no_clean_one() -> None:
    said = look(tf.keras_metadata("{", LAMBDA), "keras_metadata.pb")
    assert said.rules == ["MLG-MDL-053"]
    assert said.stopped is not None
    assert said.stopped.reason == "malformed"


def test_metadata_where_keras_does_not_look_is_no_clean_one() -> None:
    said = look(block(2, LAMBDA), "keras_metadata.pb")  # field 2, and the objects are in field 1
    assert said.stopped is not None
    assert said.stopped.reason == "malformed"


TEXT_NODES = """
saved_model_schema_version: 1  # first
meta_graphs {
  meta_info_def { tags: "serve" any_info { [type.googleapis.com/x.Y] { a: 1 } } }
  graph_def {
    node { name: "c" op: "Const" attr { key: "value" value { tensor { dtype: DT_STRING string_val: "/etc" "/x" } } } }
    node: [ { name: "s" op: 'SaveV2' input: ["c", "d"] }, { name: "r" op: "Read\\106ile" } ]
    node { name: "p" op: "PrintV2" attr { key: "output_stream" value { s: "file:///x" } } }
    library { function { signature { name: "f" } node_def { name: "q" op: "PyFunc" input: "a" } } }
  }
}
"""


def test_text_is_read_like_wire_format() -> None:
    said = look(TEXT_NODES.encode(), "m/saved_model.pbtxt")
    assert said.stopped is None
    assert sorted(said.rules) == ["MLG-MDL-070", "MLG-MDL-070", "MLG-MDL-071", "MLG-MDL-074"]
    graph = 'node {\n  name: "a"\n  op: "ReadFile"\n}\nversions { producer: 22 }\n'
    for name in ("graph.pbtxt", "graph.pb"):
        assert INSPECTOR.claims(artifact(name, graph.encode()))
        assert look(graph.encode(), name).rules == ["MLG-MDL-070"]


@pytest.mark.parametrize(
    "text",
    [
        'node {\n  calculator: "X"\n}',
        'item {\n  id: 1\n  name: "cat"\n}',
        'name: "m"\nplatform: "onnx"',
        "hello: world",
    ],
)
def test_other_peoples_text_is_not_ours(text: str) -> None:
    assert not INSPECTOR.claims(artifact("config.pbtxt", text.encode()))


@pytest.mark.parametrize(
    "text", ["meta_graphs {", 'meta_graphs { a: "b }', "meta_graphs }", "meta_graphs: }", "a", "}"]
)
def test_broken_text_is_incomplete(text: str) -> None:
    assert look(text.encode(), "saved_model.pbtxt").stopped is not None


def test_text_that_nests_too_deep_is_a_limit() -> None:
    for text in ("meta_graphs { graph_def { " + "x { " * 5000, "meta_graphs: [{ graph_def: [{ " + "x: [{ " * 5000):
        stopped = look(text.encode(), "saved_model.pbtxt").stopped
        assert stopped is not None
        assert stopped.reason == "limit"


def test_files_beside_a_saved_model() -> None:
    for name, data in (
        ("fingerprint.pb", number(1, 1 << 63) + number(2, 7)),
        ("saved_model_debug_info.pb", block(1, "/home/me/train.py")),
        ("tfhub_module.pb", number(1, 3)),
    ):
        said = look(data, f"m/{name}")
        assert (said.observations, said.stopped) == ((), None)
        assert look(data + b"\x0b", name).stopped is not None


@pytest.mark.parametrize(
    ("data", "path", "reason"),
    [
        (b"", "saved_model.pb", "truncated"),
        (SOUND[:200], "saved_model.pb", "truncated"),
        (tf.saved_model(tf.graph(tf.node("x", "Placeholder")), version=2), "saved_model.pb", "unsupported"),
        (number(1, 1), "saved_model.pb", "malformed"),
        (b"\x00" * 50, "saved_model.pb", "malformed"),
        (b"anything", "saved_model.cpb", "unsupported"),
        (b"\x0fanything", "model.ckpt.meta", "malformed"),
        (tf.graph(tf.node("x", "Placeholder")), "renamed.meta", "malformed"),
    ],
)
def test_what_cannot_be_read_is_incomplete(data: bytes, path: str, reason: str) -> None:
    stopped = look(data, path).stopped
    assert stopped is not None
    assert stopped.reason == reason


def test_what_stood_before_the_break_is_kept() -> None:
    said = look(tf.saved_model(tf.graph(tf.node("n", "ReadFile"), *NODES)) + SOUND[:-40])
    assert said.rules == ["MLG-MDL-070"]
    assert said.stopped is not None


def test_content_is_known_under_any_name() -> None:
    for data in (SOUND, tf.graph(tf.node("n", "ReadFile")), tf.metagraph(tf.graph(tf.node("n", "NoOp")))):
        assert INSPECTOR.claims(artifact("weights.bin", data))
    for data in (b"", b"\x0a\x00", b"plain text", block(1, "a") + block(2, "b"), bytes(100)):
        assert not INSPECTOR.claims(artifact("weights.bin", data))


RICH = tf.saved_model(
    tf.graph(*NODES, *tf.tf1_saver("/x"), tf.node("n", "ReadFile"), functions=FUNCTIONS),
    assets=[tf.asset("c:0", "v")],
    objects=tf.objects(tf.asset_object(), tf.keras_object(LAMBDA), bound={"traced_save": (0,)}),
)


@settings(max_examples=60)
@given(st.integers(0, len(RICH)), st.binary(min_size=1, max_size=12), st.integers(0, len(TEXT_NODES)))
def test_any_bytes_end_in_an_answer(at: int, noise: bytes, place: int) -> None:
    look(RICH[:at] + noise + RICH[at + len(noise) :])
    look(RICH[:at])
    look(noise)
    text = TEXT_NODES.encode()
    look(text[:place] + noise + text[place:], "saved_model.pbtxt")
    look(tf.graph(*NODES)[at:], "graph.pb")
