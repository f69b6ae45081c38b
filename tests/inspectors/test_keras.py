from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlgate.identify import HEAD, identify
from mlgate.inspectors import hdf5, keras
from mlgate.inspectors._keras_objects import judge
from mlgate.records import Artifact, Finding, Severity
from mlgate.registry import inspectors
from mlgate.sources import BytesSource
from mlgate.worker import Examination
from tests.builders import hdf5 as containers
from tests.builders import keras as builders
from tests.builders.keras import archive, function, gadget, model, named_lambda, new_lambda, obj, old, old_lambda
from tests.reading import Said, artifact, read

CODE, IMPORT, GADGET, LOADS, FILES, CUSTOM, ADDRESS, TAG = (f"MLG-MDL-{number:03}" for number in range(53, 61))


def look(config: Any, path: str = "m/config.json") -> Said:
    return read(keras.INSPECTOR, path, json.dumps(config))


def claimed(data: bytes, name: str) -> bool:
    head = data[:HEAD]
    source = BytesSource(data)
    return keras.claims(Artifact(path=name, name=name, source=source, head=head, formats=identify(source, head)))


FUNCTIONAL = obj(
    "keras.src.models.functional",
    "Functional",
    {
        "name": "net",
        "layers": [
            obj("keras.layers", "InputLayer", {"batch_shape": [None, 8, 8, 3], "dtype": "float32", "name": "image"}),
            obj("keras.layers", "Rescaling", {"scale": 0.1}),
            obj("keras.layers", "StringLookup", {"vocabulary": ["a", "b/c", "/d"], "name": "words"}),
            obj("keras.layers", "Activation", {"activation": function("builtins", "swish")}),
            obj("keras.layers", "Activation", {"activation": function("keras.activations", "gelu")}),
            obj("keras.layers", "Lambda", {"function": function("keras.applications.resnet", "preprocess_input")}),
            obj("keras.src.ops.numpy", "Add", {"name": "add"}),
            obj("keras.layers", "TextVectorization", {"vocabulary": None, "split": "whitespace"}),
        ],
        "input_layers": [["image", 0, 0]],
        "output_layers": [["words", 0, 0], ["add", 0, 0]],
    },
)
SOUND = [
    model(),
    FUNCTIONAL,
    old(),
    {"class_name": "Sequential", "config": [{"class_name": "Convolution2D", "config": {"nb_row": 3}}]},
    old(named_lambda("keras.applications.vgg16", "preprocess_input")),
    old({"class_name": "TFOpLambda", "config": {"name": "t", "function": "math.multiply"}}),
    old({"class_name": "TFOpLambda", "config": {"name": "t", "function": "io.decode_jpeg"}}),
    old({"class_name": "TimeDistributed", "config": {"layer": {"class_name": "Dense", "config": {}}}}),
    model(obj("tensorflow.python.keras.layers.core", "Flatten", {})),
]


@pytest.mark.parametrize("config", SOUND)
def test_sound_models_say_nothing(config: Any) -> None:
    said = look(config)
    assert (said.rules, said.stopped) == ([], None)
    assert look(config).one("config.json").model is not None


def test_facts_of_a_model() -> None:
    facts = look(FUNCTIONAL).one("config.json").model
    assert facts is not None
    assert (facts.format, facts.architecture_family, facts.architecture) == ("keras-json", "Functional", "net")
    assert facts.inputs == ("image float32 ?x8x8x3",)
    assert facts.outputs == ("words", "add")
    assert dict(facts.other)["layers"] == "8"


@pytest.mark.parametrize("layer", [new_lambda(), old_lambda()])
def test_code_in_a_lambda_layer_blocks(layer: Any) -> None:
    said = look(model(layer))
    assert said.rules == [CODE]
    assert said.findings[0].severity is Severity.HIGH


@pytest.mark.parametrize("text", ["__import__('os').system('id')", "exec(x)", "(lambda o: o.popen)(x)"])
@pytest.mark.parametrize("build", [new_lambda, old_lambda])
def test_code_that_reaches_the_system_is_critical(build: Any, text: str) -> None:
    (finding,) = look(model(build(text))).findings
    assert finding.rule.id == CODE
    assert finding.severity is Severity.CRITICAL


@pytest.mark.parametrize(
    "layer",
    [
        {"class_name": "Lambda", "config": {"function": builders.code("x"), "function_type": "lambda"}},
        {"class_name": "Lambda", "config": {"function": "f", "output_shape": [builders.code("x"), None, None]}},
        {"class_name": "Custom>Lambda", "config": {"mask": [builders.code("x"), None, None]}},
        {"class_name": "__lambda__", "config": {"value": [builders.code("x"), None, None]}},
        {"class_name": "Lambda", "config": {"function": ["not base64 at all", None, None]}},
    ],
)
def test_every_place_for_code(layer: Any) -> None:
    assert CODE in look(old(layer)).rules


def test_an_output_shape_is_no_code() -> None:
    config = {"function": "f", "function_type": "function", "output_shape": [3, 4], "output_shape_type": "raw"}
    layer = {"class_name": "Lambda", "config": config}
    assert look(old(layer)).rules == []


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "system"),
        ("subprocess", "Popen"),
        ("builtins", "eval"),
        ("builtins", "exec"),
        ("pip._internal", "main"),
        ("numpy", "load"),
        ("torch", "load"),
        ("shutil", "rmtree"),
        ("heapq", "nsmallest"),
        ("posix", "system"),
    ],
)
def test_functions_of_other_modules_block(module: str, name: str) -> None:
    configs: tuple[Any, ...] = (
        model(gadget(module, name)),
        old(named_lambda(module, name)),
        old(named_lambda(module, name, "mask")),
        model(obj(module, name, {"args": ["id"]})),
        model(obj(module, "x", {}, name)),
        {"class_name": "__typespec__", "spec_name": name, "module": module, "registered_name": None, "config": []},
    )
    for config in configs:
        said = look(config)
        assert IMPORT in said.rules, config
        assert {f.severity for f in said.findings if f.rule.id == IMPORT} <= {Severity.HIGH, Severity.CRITICAL}


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("keras.utils", "get_file"),
        ("keras.src.utils.file_utils", "get_file"),
        ("keras.models", "load_model"),
        ("keras.saving", "load_model"),
        ("keras.config", "enable_unsafe_deserialization"),
        ("keras.src.backend.common.global_state", "set_global_attribute"),
        ("keras.src.utils.python_utils", "func_load"),
        ("tf_keras.utils", "get_file"),
        ("tensorflow.keras.utils", "get_file"),
        ("tensorflow", "load_op_library"),
        ("tensorflow.io", "write_file"),
        ("tensorflow.io.gfile", "copy"),
        ("keras.datasets.mnist", "load_data"),
        ("keras.applications", "VGG16".lower()),
        ("keras_hub.utils", "load_model"),
    ],
)
def test_functions_of_keras_that_reach_out_block(module: str, name: str) -> None:
    assert GADGET in look(model(gadget(module, name))).rules
    assert GADGET in look(model(obj(module, name, {}))).rules
    assert GADGET in look(old(named_lambda(module, name))).rules


def test_the_switch_of_the_safe_mode_blocks_wherever_it_stands() -> None:
    assert GADGET in look(model(obj("keras.layers", "Dense", {"name": ["enable_unsafe_deserialization"]}))).rules
    assert look(model(obj("keras.layers", "Dense", {"name": "unsafe_deserialization"}))).rules == []


@pytest.mark.parametrize(
    "name", ["io.read_file", "io.write_file", "py_function", "raw_ops.ReadFile", "io.gfile.rmtree"]
)
def test_tensorflow_functions_as_layers(name: str) -> None:
    assert look(old({"class_name": "TFOpLambda", "config": {"function": name}})).rules == [GADGET]
    place, _, method = name.rpartition(".")
    layer = {"class_name": "ClassMethod", "config": {"cls_ref": place, "method_name": method}}
    assert look(old(layer)).rules == [GADGET]


@pytest.mark.parametrize("node", [{"op": "ReadFile"}, 'name: "x" op: "PyFunc"', '{"op": "WriteFile"}'])
def test_tensorflow_operations_as_layers(node: Any) -> None:
    assert look(old({"class_name": "TensorFlowOpLayer", "config": {"node_def": node}})).rules == [GADGET]
    harmless = {"class_name": "TensorFlowOpLayer", "config": {"node_def": {"op": "AddV2", "name": "load"}}}
    assert look(old(harmless)).rules == []


@pytest.mark.parametrize(
    ("name", "config"),
    [("TFSMLayer", {"filepath": "saved/"}), ("KerasLayer", {"handle": "https://tfhub.dev/x/1"})],
)
def test_layers_that_load_models_block(name: str, config: Any) -> None:
    assert LOADS in look(model(obj("keras.layers", name, config))).rules
    assert LOADS in look(old({"class_name": name, "config": config})).rules


def test_a_torch_module_is_looked_at_as_a_pickle() -> None:
    data = base64.b64encode(b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x02id\x85R." + bytes(60)).decode()
    said = look(model(obj("keras.layers", "TorchModuleWrapper", {"module": data})))
    assert said.rules == [LOADS]
    (inner,) = (item for item in said.observations if isinstance(item, Artifact))
    assert inner.member == "TorchModuleWrapper.pt"
    assert "pickle" in inner.formats


@pytest.mark.parametrize("path", ["/etc/passwd", "vocabulary.txt", "https://evil.example/v.txt", "../secrets"])
@pytest.mark.parametrize("name", ["StringLookup", "IntegerLookup", "TextVectorization", "WordPieceTokenizer"])
def test_vocabularies_in_files_block(name: str, path: str) -> None:
    assert FILES in look(model(obj("keras.layers", name, {"vocabulary": path}))).rules


def test_vocabularies_in_the_model_are_data() -> None:
    proto = base64.b64encode(bytes(200)).decode()
    for config in ({"vocabulary": ["/etc/passwd"]}, {"vocabulary": None}, {"proto": proto}, {"vocabulary": ""}):
        found = look(model(obj("keras_hub.tokenizers", "SentencePieceTokenizer", config))).rules
        assert FILES not in found


@pytest.mark.parametrize(
    ("layer", "evidence"),
    [
        (obj("my_package.layers", "Attend", {}, "my_package>Attend"), "my_package.layers.Attend"),
        (obj(None, "Attend", {}, "Custom>Attend"), "Custom>Attend"),
        ({"class_name": "Addons>GroupNormalization", "config": {}}, "Addons>GroupNormalization"),
        ({"class_name": "SqueezeLayer", "config": {}}, "SqueezeLayer"),
        (obj("__main__", "Attend", {}, "Attend"), "__main__.Attend"),
    ],
)
def test_classes_that_need_code_warn(layer: Any, evidence: str) -> None:
    said = look(old(layer))
    assert said.rules == [CUSTOM]
    assert said.findings[0].severity is Severity.MEDIUM
    assert said.findings[0].evidence == evidence


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://evil.example/x", [ADDRESS]),
        ("file:///etc/passwd", [FILES]),
        ("/home/me/data", [ADDRESS]),
        ("C:\\data\\x", [ADDRESS]),
        ("block1/conv", []),
        ("/", []),
        ("see https://keras.io", []),
    ],
)
def test_addresses_and_paths(text: str, expected: list[str]) -> None:
    assert look(model(obj("keras.layers", "Dense", {"name": "d", "extra": text}))).rules == expected


@pytest.mark.parametrize(
    ("key", "text", "expected"),
    [
        ("fn", "get_file", [GADGET]),
        ("anything", "keras.utils.get_file", [GADGET]),
        ("anything", "tf.keras.models.load_model", [GADGET]),
        ("activation", "tf.io.read_file", [GADGET]),
        ("func", "os.system", [IMPORT]),
        ("activation", "builtins.eval", [IMPORT]),
        ("name", "get_file", []),
        ("note", "os.system", []),
        ("description", "keras.utils.get_file can download files in user code.", []),
        ("activation", "tf.nn.relu", []),
        ("activation", "keras.activations.relu", []),
        ("fn", "mycorp.layers.norm", []),
    ],
)
def test_functions_named_as_text(key: str, text: str, expected: list[str]) -> None:
    assert look(model(obj("keras.layers", "Dense", {"name": "d"} | {key: text}))).rules == expected


# -- archives


@pytest.mark.parametrize("packed", [False, True])
def test_an_archive_is_one_model(packed: bool) -> None:
    said = read(keras.INSPECTOR, "m.keras", archive(model(), packed=packed))
    assert (said.rules, said.stopped) == ([], None)
    facts = said.one("m.keras").model
    assert facts is not None
    assert (facts.format, facts.architecture, facts.parameters) == ("keras", "tiny", 8)
    assert facts.inputs == ("inp float32 ?x3",)
    assert dict(facts.other)["keras-version"] == "3.11.3"


def through(data: bytes, name: str = "m.keras") -> set[str]:
    """Rules of the archive's own reader and of the reader of its members, as the worker sends them round."""
    from mlgate.inspectors import zips

    said = read(zips.INSPECTOR, name, data)
    found = {*said.rules, *read(keras.INSPECTOR, name, data).rules}
    for item in said.observations:
        if isinstance(item, Artifact):
            for reader in (keras.INSPECTOR, hdf5.INSPECTOR):
                if reader.claims(item):
                    found |= {o.rule.id for o in reader.inspect(item) if hasattr(o, "rule")}
    return found


def test_a_configuration_in_an_archive_is_judged_under_any_disguise() -> None:
    plain = json.dumps(model(gadget("os", "system"))).encode()
    assert through(archive(plain)) == {IMPORT}
    assert through(archive(plain.replace(b"class_name", b"class\\u005fname"))) == {IMPORT}
    assert through(archive(plain.decode().encode("utf-16"))) == {IMPORT}
    assert through(archive(b" " * 5_000_000 + plain)) == {IMPORT}
    bare = json.dumps({"a": obj("os", "system", {})}).encode().replace(b"class_name", b"class_nam\\u0065")
    assert through(archive(bare)) == {IMPORT}
    assert through(archive(model())) == set()


def test_weights_in_an_archive_that_read_files() -> None:
    extra = {"assets/other.h5": containers.external_storage()}
    assert through(archive(model(), extra=extra)) == {"MLG-MDL-050"}


@pytest.mark.parametrize("data", [b"{", b"", b"[" * 100_000, b"\xff{}"])
def test_an_archive_with_a_broken_configuration_is_incomplete(data: bytes) -> None:
    said = read(keras.INSPECTOR, "m.keras", archive(data))
    assert said.stopped is not None
    assert len(said.components) == 1


def test_what_is_claimed() -> None:
    assert claimed(archive(model()), "m.keras")
    assert claimed(archive(model()), "m.zip")
    assert claimed(json.dumps(old()).encode(), "model.json")
    assert claimed(json.dumps(model()).encode().replace(b"class", b"cla\\u0073s"), "model.json")
    assert not claimed(json.dumps(old()).encode(), "model.txt")
    assert not claimed(b'{"model_type": "bert", "architectures": ["BertModel"]}', "config.json")
    assert not claimed(b'{"class_name": "Truck", "config": 1}', "labels.json")


# -- YAML

YAML = "backend: tensorflow\nclass_name: Sequential\nconfig:\n  name: s\n  layers:\n"
DENSE = "  - class_name: Dense\n    config:\n      batch_input_shape: !!python/tuple\n      - null\n      - 3\n"


def test_yaml_that_keras_wrote() -> None:
    said = read(keras.INSPECTOR, "model.yaml", YAML + DENSE + "keras_version: 2.4.0\n")
    assert (said.rules, said.stopped) == ([], None)
    facts = said.one("model.yaml").model
    assert facts is not None
    assert facts.inputs == ("?x3",)
    assert claimed((YAML + DENSE).encode(), "model.yaml")


@pytest.mark.parametrize(
    "tag", ["!!python/object/apply:os.system [id]", "!<tag:yaml.org,2002:python/name:os.system> x"]
)
def test_yaml_that_makes_objects(tag: str) -> None:
    said = read(keras.INSPECTOR, "model.yaml", f"{YAML}{DENSE}  - class_name: X\n    config: {tag}\n")
    assert TAG in said.rules


def test_yaml_with_code_and_yaml_that_grows() -> None:
    layer = f"  - class_name: Lambda\n    config:\n      function: [{builders.code('x')}, null, null]\n"
    assert CODE in read(keras.INSPECTOR, "m.yml", YAML + layer).rules
    rows = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))
    said = read(keras.INSPECTOR, "m.yml", f"a0: &a0 x\n{rows}class_name: Sequential\nconfig: 1\n")
    assert said.stopped is None
    told = f"a0: &a0 x\n{rows}class_name: Sequential\nconfig: {{fn_module: subprocess, deep: *a11}}\n"
    assert "MLG-MDL-054" in read(keras.INSPECTOR, "m.yml", told).rules


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["os", "Lambda", "function", "keras.layers", "", ">"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["class_name", "config", "module", "registered_name", "function", "layers", "function_type"]
            )
            | st.sampled_from(["node_def", "vocabulary", "spec_name", "batch_shape", "output_layers", "name"]),
            inner,
            max_size=6,
        )
    ),
    max_leaves=40,
)


@settings(max_examples=300, deadline=None)
@given(JSON)
def test_no_document_makes_the_reader_fail(document: Any) -> None:
    assert look(document).stopped is None


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_archive_makes_the_reader_fail(data: st.DataObject) -> None:
    changed = bytearray(archive(model(new_lambda()), packed=data.draw(st.booleans())))
    for _ in range(data.draw(st.integers(1, 5))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    started = time.monotonic()
    if claimed(bytes(changed), "m.keras"):
        read(keras.INSPECTOR, "m.keras", bytes(changed))
    assert time.monotonic() - started < 5


def test_training_configurations_and_models_in_hdf5_are_judged_alike() -> None:
    data = containers.keras_model(old(old_lambda("x.os.system")), training={"loss": function("os", "system")})
    said = read(hdf5.INSPECTOR, "m.h5", data)
    assert set(said.rules) == {CODE, IMPORT}


def examined(data: bytes, name: str) -> tuple[set[str], Examination]:
    """Rules of all readers together, as a worker runs them."""
    lines: list[Any] = []
    examination = Examination(inspectors(), lines.append)
    examination.run(artifact(name, data))
    return {line.rule.id for line in lines if isinstance(line, Finding)}, examination


WRAPPER = base64.b64encode(b"\x80\x02cposix\nsystem\nX\x02\x00\x00\x00id\x85R.").decode()
TORCH = obj("keras.layers", "TorchModuleWrapper", {"module": WRAPPER})


@pytest.mark.parametrize(
    ("data", "name", "expected"),
    [
        (archive(model()), "m.keras", set()),
        (archive(model(gadget("os", "system"))), "m.keras", {IMPORT}),
        (archive(model(), extra={"assets/w.h5": containers.external_link()}), "m.keras", {"MLG-MDL-050"}),
        (containers.keras_model(), "m.h5", set()),
        (containers.keras_model(), "m.keras", set()),
        (containers.pickled_attribute(), "m.h5", {"MLG-PKL-001"}),
        (containers.object_rows(2), "frame.hdf", {"MLG-PKL-001"}),
        (json.dumps(model(TORCH)).encode(), "model.json", {LOADS, "MLG-PKL-001"}),
    ],
)
def test_all_readers_together(data: bytes, name: str, expected: set[str]) -> None:
    found, examination = examined(data, name)
    assert expected <= found
    if not expected:
        assert found == set()
        assert examination.complete


@pytest.mark.parametrize(
    ("config", "rules"),
    [
        ({"function": 'lambda x: eval(\'__import__("os").system("id")\')'}, {"MLG-MDL-053"}),
        ({"function": "relu", "function_type": "function", "fn_module": "subprocess"}, {"MLG-MDL-054"}),
        ({"function": "relu", "function_type": "function", "function_module": "mycorp.layers"}, set()),
        ({"function": "relu", "function_type": "function", "name": "evaluate (os)"}, set()),
        ({"function": "lambda x: x * 2"}, {"MLG-MDL-053"}),  # no form that any Keras writes, and so not understood
        ({"function_name": "io.system", "module": "tensorflow"}, {"MLG-MDL-053"}),
        ({"name": "lambda"}, {"MLG-MDL-053"}),
    ],
)
def test_lambda_layers_with_code_as_text_or_a_module_beside(config: dict[str, str], rules: set[str]) -> None:
    layer = {"class_name": "Lambda", "config": config}
    document = {"class_name": "Sequential", "config": {"layers": [layer]}}
    found = [said for said in judge(artifact("m.keras", b""), "configuration", document) if isinstance(said, Finding)]
    assert {finding.rule.id for finding in found} & {"MLG-MDL-053", "MLG-MDL-054"} == rules
