"""Files that a framework's own loader acts on and that say it where a reader of the format might not look."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlgate.inspectors import (
    coreml,
    hdf5,
    huggingface,
    keras,
    mlflow,
    mxnet,
    nemo,
    onnx,
    openvino,
    paddle,
    skops,
    spacy,
    tensorflow,
    tfjs,
)
from mlgate.inspectors._bundle_expressions import reaching
from mlgate.inspectors._keras_tensorflow import reaches
from mlgate.inspectors._protobuf import shallow
from mlgate.records import Artifact, Inspector
from tests.builders import hdf5 as containers
from tests.builders import keras as layers
from tests.builders import mxnet as mx
from tests.builders import onnx as onnx_builders
from tests.builders import openvino as vino
from tests.builders import paddle as paddles
from tests.builders import tensorflow as tf
from tests.builders import tfjs as js
from tests.inspectors.test_skops import pack
from tests.reading import artifact, read

_COMPUTING = (
    "math.multiply reshape __operators__.getitem compat.v1.transpose image.resize nn.space_to_depth cast raw_ops.Add"
    " debugging.assert_equal experimental.numpy.mean io.decode_jpeg strings.lower linalg.matmul clip_by_value"
)
OUTSIDE = onnx_builders.tensor("w", [2], 1, None, "/etc/passwd")


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("m/net.onnx", onnx_builders.model(onnx_builders.graph()) + onnx_builders.wide(7, onnx_builders.graph())),
        ("m/net.onnx", onnx_builders.model(onnx_builders.graph() + onnx_builders.wide(5, OUTSIDE))),
        ("saved_model.pb", tf.saved_model(tf.graph() + onnx_builders.wide(1, tf.node("w", "WriteFile", "n", "c")))),
    ],
)
def test_a_tag_of_more_than_32_bits_is_no_unknown_field(path: str, data: bytes) -> None:
    reader = onnx.INSPECTOR if path.endswith("onnx") else tensorflow.INSPECTOR
    said = read(reader, path, data)
    assert said.stopped is not None
    assert said.stopped.reason == "malformed"
    assert shallow(onnx_builders.wide(1, b"x"), 100) is None


@pytest.mark.parametrize(
    ("layer", "rule"),
    [
        (layers.qualified("keras.src.backend", "os.system"), "MLG-MDL-054"),
        (layers.qualified("tf_keras.src.layers.core.lambda_layer", "sys.exit"), "MLG-MDL-054"),
        (layers.qualified("keras.src.ops.numpy", "np.load"), "MLG-MDL-054"),
        (layers.registered_as("TFSMLayer", filepath="evil"), "MLG-MDL-056"),
        (layers.registered_as("Lambda", **layers.old_lambda()["config"]), "MLG-MDL-053"),
        ({"class_name": "MyLambda", "config": layers.old_lambda()["config"]}, "MLG-MDL-053"),
        (layers.residual_lambda(), "MLG-MDL-053"),
        (layers.gadget("tensorflow.python.lib.io.file_io", "delete_recursively_v2"), "MLG-MDL-055"),
        (layers.gadget("tensorflow.python.tools.saved_model_cli", "preprocess_input_exprs_arg_string"), "MLG-MDL-055"),
        (layers.gadget("tensorflow.summary", "create_file_writer"), "MLG-MDL-055"),
        (layers.gadget("tensorflow.config", "experimental_connect_to_cluster"), "MLG-MDL-055"),
        (layers.gadget("tensorflow.python.ops.script_ops", "eager_fn"), "MLG-MDL-055"),
        ({"class_name": "TFOpLambda", "config": {"function": "train.load_checkpoint"}}, "MLG-MDL-055"),
        ({"class_name": "TFOpLambda", "config": {"function": "raw_ops.SqlDataset"}}, "MLG-MDL-055"),
        ({"class_name": "TensorFlowOpLayer", "config": {"node_def": "op: 'Write' 'File'"}}, "MLG-MDL-055"),
    ],
)
def test_a_keras_layer_by_another_way(layer: dict[str, Any], rule: str) -> None:
    said = read(keras.INSPECTOR, "m/config.json", json.dumps(layers.model(layer)))
    assert rule in said.rules


@pytest.mark.parametrize(
    "name",
    _COMPUTING.split(),
)
def test_operations_that_compute_are_no_finding(name: str) -> None:
    called = {"class_name": "TFOpLambda", "config": {"name": "l", "function": name}}
    module, _, last = f"tensorflow.{name}".rpartition(".")
    for layer in (called, layers.gadget(module, last), layers.gadget("tensorflow.python.ops.math_ops", last)):
        assert read(keras.INSPECTOR, "m/config.json", json.dumps(layers.model(layer))).rules == []


def test_an_object_of_keras_without_keras_name_in_it() -> None:
    data = json.dumps({"x": [{"class_name": "function", "module": "os", "config": "system"}]}).encode()
    assert keras.claims(artifact("m/arch.json", data))
    assert read(keras.INSPECTOR, "m/arch.json", data).rules == ["MLG-MDL-054"]
    apart = json.dumps({"class_name": "Server", "inner": {"module": "os", "config": "system"}}).encode()
    assert not keras.claims(artifact("m/arch.json", apart))
    far = b'{"x": "' + b" " * (3 << 20) + b'", "layer": ' + json.dumps(layers.old_lambda()).encode() + b"}"
    assert read(keras.INSPECTOR, "m/arch.json", far).rules == ["MLG-MDL-053"]


PIPELINE = {"_class_name": "StableDiffusionPipeline", "_diffusers_version": "0.20"}
TYPES = {"structure": {"query": ["q"]}, "parameters": {}}
HOSTILE = "{{ messages.__class__ }}"


@pytest.mark.parametrize(
    ("path", "document", "rule"),
    [
        ("m/router_config.json", {"types": {"q": "os.system"}, **TYPES}, "MLG-MDL-043"),
        ("m/1_Asym/config.json", {"types": {"q": "subprocess.Popen"}, **TYPES}, "MLG-MDL-043"),
        ("m/1_Asym/config.json", {"types": {"q": "own.Layer"}, **TYPES}, "MLG-MDL-042"),
        ("m/1_Asym/config.json", {"types": {"../../q": "sentence_transformers.models.Dense"}, **TYPES}, "MLG-MDL-172"),
        ("m/2_Dense/config.json", {"in_features": 4, "activation_function": "antigravity.x"}, "MLG-MDL-043"),
        ("m/config.json", {"sbert_ce_default_activation_function": "pdb.set_trace"}, "MLG-MDL-043"),
        ("m/config.json", {"sentence_transformers": {"activation_fn": "code.interact"}}, "MLG-MDL-043"),
        ("m/modules.json", [{"path": "", "type": "sentence_transformers.util.misc.os"}], "MLG-MDL-043"),
        ("m/modules.json", [{"path": "../x", "type": "sentence_transformers.models.Dense"}], "MLG-MDL-172"),
        ("m/sentence_bert_config.json", {"model_args": {"trust_remote_code": True}}, "MLG-MDL-171"),
        ("m/model_index.json", {**PIPELINE, "scheduler": ["os", "system"]}, "MLG-MDL-043"),
        ("m/modular_model_index.json", {"unet": [None, None, {"type_hint": ["os", "system"]}]}, "MLG-MDL-043"),
        ("m/adapter_config.json", {"megatron_config": {"a": 1}, "megatron_core": "subprocess"}, "MLG-MDL-043"),
        ("m/config.json", {"model_type": "x", "transformers_weights": "../x.safetensors"}, "MLG-MDL-172"),
        ("m/processor_config.json", {"tokenizer": {"chat_template": HOSTILE}}, "MLG-MDL-040"),
        ("m/config.json", {"text_config": {"attn_implementation": "evil/kernel"}}, "MLG-MDL-042"),
    ],
)
def test_what_a_folder_makes_its_loader_import(path: str, document: Any, rule: str) -> None:
    data = json.dumps(document)
    assert huggingface.INSPECTOR.claims(artifact(path, data.encode()))
    assert read(huggingface.INSPECTOR, path, data).rules == [rule]


def test_a_key_may_be_spelled_in_escapes() -> None:
    data = '{"model_type": "x", "auto\\u005fmap": {"AutoModel": "m.M"}}'
    assert read(huggingface.INSPECTOR, "m/config.json", data).rules == ["MLG-MDL-042"]


def test_code_for_generation_is_told() -> None:
    path = "m/custom_generate/generate.py"
    assert huggingface.INSPECTOR.claims(artifact(path, b"x = 1"))
    assert read(huggingface.INSPECTOR, path, b"x = 1").rules == ["MLG-MDL-042"]
    assert not huggingface.INSPECTOR.claims(artifact("m/generate.py", b"x = 1"))


@pytest.mark.parametrize(
    ("path", "document"),
    [
        ("m/2_Dense/config.json", {"in_features": 4, "activation_function": "torch.nn.modules.activation.Tanh"}),
        ("m/config.json", {"model_type": "gpt2", "activation_function": "gelu_new", "types": {"a": "b.c"}}),
        ("m/config.json", {"sbert_ce_default_activation_function": "torch.nn.modules.linear.Identity"}),
        ("m/modules.json", [{"idx": 0, "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}]),
        ("m/sentence_bert_config.json", {"max_seq_length": 512, "model_args": {"trust_remote_code": False}}),
        ("m/model_index.json", {**PIPELINE, "unet": ["diffusers", "UNet"], "feature_extractor": [None, None]}),
        ("m/adapter_config.json", {"megatron_config": None, "megatron_core": "megatron.core"}),
        ("m/config.json", {"_attn_implementation": {"": "sdpa"}, "attn_implementation": "flash_attention_2"}),
    ],
)
def test_what_libraries_write_themselves_is_nothing(path: str, document: Any) -> None:
    assert read(huggingface.INSPECTOR, path, json.dumps(document)).rules == []


@pytest.mark.parametrize(
    "template",
    [
        "{% set d = dict(_=1) %}{% set u = d|list|first %}{{ messages[u*2 ~ 'class' ~ u*2] }}",
        "{{ messages['{0}{0}class{0}{0}'.format('_')] }}",
        "{{ messages['__{m}__'.format(m='class')] }}",
        "{{ messages['__%(m)s__' % {'m': 'class'}] }}",
        "{% set k = 'XXclassXX'.translate({88: '_'}) %}{{ messages[k] }}",
        "{{ messages['class'.center(9, '_')] }}",
        "{% set l = ['__cl', 'ass__'] %}{{ messages[l[0] ~ l[1]] }}",
        "{% set x = 'QQclassQQ'.split('Q') %}{{ messages[x|join('_')] }}",
        "{% set l = [] %}{% set _ = l.append('_') %}{% set u = l[0] %}{{ messages[u~u~'class'~u~u] }}",
        "{% set u = '&#95;'|striptags %}{{ messages[u~u~'class'~u~u] }}",
        "{% set k %}{% filter replace('X','_') %}XXclassXX{% endfilter %}{% endset %}{{ messages[k] }}",
        "{% set k | replace('X','_') %}XXclassXX{% endset %}{{ messages[k] }}",
    ],
)
def test_a_word_that_a_template_puts_together(template: str) -> None:
    assert "MLG-MDL-040" in read(huggingface.INSPECTOR, "m/chat_template.jinja", template).rules


@pytest.mark.parametrize(
    "template",
    [
        "{% set names = ['role', 'content'] %}{{ messages[0][names[1]] }}{{ '%s: %d' % ('a', 1) }}{{ '{}'.format(x) }}",
        "{% set ns = namespace(i=0, key='a') %}{% set ns.key = 'b' %}{{ messages[ns.i] }}{{ x[ns.key ~ '_x'] }}",
        "{% set x = '=' * 80 %}{{ x.center(90) }}{{ 'a'.join(tools) }}{% for i in range(1000) %}{{ i }}{% endfor %}",
        "{% set x = x ~ x %}{{ x[x] }}{{ 'a' * 10 ** 9 % 3 }}{{ '{0.a}'.format(x) }}{{ ('a' * 20000) * 20000 }}",
    ],
)
def test_templates_that_put_words_together_for_people(template: str) -> None:
    said = read(huggingface.INSPECTOR, "m/chat_template.jinja", template)
    assert "MLG-MDL-040" not in said.rules
    assert said.stopped is None


def test_a_loop_to_a_computed_number() -> None:
    template = "{% for i in range(10 ** 9) %}{{ messages }}{% endfor %}"
    assert read(huggingface.INSPECTOR, "m/chat_template.jinja", template).rules == ["MLG-MDL-041"]


WRITES = tf.graph(tf.const("n", "/tmp/x"), tf.const("c", "hi"), tf.node("w", "WriteFile", "n", "c"))


@pytest.mark.parametrize(
    "before", [onnx_builders.number(2, 1), onnx_builders.number(100, 1), onnx_builders.block(9, b"x")]
)
def test_a_frozen_graph_with_a_field_that_it_skips(before: bytes) -> None:
    found = artifact("m/frozen.pb", before + WRITES)
    assert tensorflow.INSPECTOR.claims(found)
    assert not onnx.INSPECTOR.claims(found)
    assert read(tensorflow.INSPECTOR, "m/frozen.pb", before + WRITES).rules == ["MLG-MDL-070"]


@pytest.mark.parametrize(
    "text",
    [
        'node { name: "a" op: "Wr\\u0069te\\U00000046ile" }',
        'node < name: "a" op: "WriteFile" >',
        'node [{ name: "a" op # what it does\n : "WriteFile" }]',
        'version: 3 node { name: "a" op: "WriteFile" }',
    ],
)
def test_a_graph_in_text_of_any_spelling(text: str) -> None:
    assert tensorflow.INSPECTOR.claims(artifact("m/graph.pbtxt", text.encode()))
    assert read(tensorflow.INSPECTOR, "m/graph.pbtxt", text).rules == ["MLG-MDL-070"]


def test_other_peoples_text_format_is_nothing() -> None:
    for text in ('node { calculator: "PassThrough" input_stream: "in" }', "item { id: 1 name: 'cat' }", 'name: "x"'):
        assert not tensorflow.INSPECTOR.claims(artifact("m/graph.pbtxt", text.encode()))


def context(path: str, mode: int, key: str = "ep_cache_context") -> bytes:
    """A model of one compiled part; the node in a graph of its own attribute is of no account."""
    inner = onnx_builders.subgraph(onnx_builders.graph(onnx_builders.node("EPContext", "com.microsoft")))
    told = onnx_builders.block(1, key) + onnx_builders.block(4, path)
    how = onnx_builders.block(1, "embed_mode") + onnx_builders.number(3, mode)
    return onnx_builders.model(onnx_builders.graph(onnx_builders.node("EPContext", "com.microsoft", told, inner, how)))


def test_a_compiled_part_outside_of_the_folder() -> None:
    rules = read(onnx.INSPECTOR, "m/net.onnx", context("../../tmp/x.bin", 0)).rules
    assert "MLG-MDL-030" in rules
    assert "MLG-MDL-030" in read(onnx.INSPECTOR, "m/net.onnx", context("/x", 1, "onnx_model_filename")).rules
    for sound in (context("net_qnn.bin", 0), context("/../ is code", 1)):
        assert read(onnx.INSPECTOR, "m/net.onnx", sound).rules == ["MLG-MDL-032"]


def test_an_operator_that_calls_a_service() -> None:
    data = onnx_builders.model(onnx_builders.graph(onnx_builders.node("AzureTextToText", "com.microsoft.extensions")))
    (finding,) = read(onnx.INSPECTOR, "m/net.onnx", data).findings
    assert (finding.rule.id, str(finding.severity)) == ("MLG-MDL-032", "high")


def test_a_function_of_old_skops() -> None:
    content = {"module_path": "os", "function": "system"}
    old = {"__class__": "function", "__module__": "sklearn.x", "__loader__": "FunctionNode", "content": content}
    assert read(skops.INSPECTOR, "m.skops", pack(old)).rules == ["MLG-MDL-125"]
    old["content"] = {"module_path": "numpy", "function": "log1p"}
    assert read(skops.INSPECTOR, "m.skops", pack(old)).rules == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("m: os.system\na:\n  _target_: ${m}\n", ["MLG-MDL-130"]),
        ("p:\n  m: os\na:\n  _target_: ${p.m}.${..x}\n  x: system\n", ["MLG-MDL-130"]),
        ("a:\n  _target_: ${oc.env:HOME_MADE, os.system}\n", ["MLG-MDL-130"]),
        ("m: torch.nn\na:\n  _target_: ${m}.Linear\n", []),
        ("a:\n  _target_: ${a}\nb: ${b}${b}\nc:\n  _target_: ${b}\n", []),
    ],
)
def test_a_target_that_references_put_together(text: str, expected: list[str]) -> None:
    assert read(nemo.INSPECTOR, "conf/model.yaml", text).rules == expected


@pytest.mark.parametrize(
    ("flavor", "expected"),
    [
        ("    artifacts:\n      a:\n        path: /etc/passwd\n        uri: file:///home/me/a\n", ["MLG-MDL-135"]),
        ("    artifacts:\n      a:\n        path: artifacts/a\n        uri: file:///home/me/a\n", []),
        ("    model_code_path: /Workspace/me/agent.py\n", ["MLG-MDL-134"]),
        ("    model_binary: ../../x\n", ["MLG-MDL-135"]),
    ],
)
def test_paths_of_an_mlflow_model(flavor: str, expected: list[str]) -> None:
    text = f"flavors:\n  python_function:\n    loader_module: mlflow.pyfunc.model\n{flavor}"
    assert read(mlflow.INSPECTOR, "m/MLmodel", text).rules == expected


def padded(document: bytes, *, length: int = 200_000) -> bytes:
    """A JSON object with much before its keys."""
    return b'{"_": "' + b" " * length + b'", ' + document.lstrip()[1:]


PATHS = [{"paths": ["../../x.bin"], "weights": []}]
MANIFEST = {"itemInfoEntries": {"a": {"path": "../../x.mlmodel"}}, "rootModelIdentifier": "a"}


@pytest.mark.parametrize(
    ("reader", "path", "data"),
    [
        (tfjs.INSPECTOR, "m/model.json", json.dumps(js.graph_model("Add", weightsManifest=PATHS)).encode()),
        (paddle.INSPECTOR, "m/inference.json", paddles.pir(paddles.pir_operator("1.py_func"))),
        (mxnet.INSPECTOR, "m/model.json", mx.symbol(mx.node("Custom", op_type="x"))),
        (coreml.INSPECTOR, "m/Manifest.json", json.dumps(MANIFEST).encode()),
    ],
)
def test_keys_far_from_the_beginning(reader: Inspector, path: str, data: bytes) -> None:
    sound = read(reader, path, data).rules
    assert sound
    far = padded(data)
    assert reader.claims(artifact(path, far))
    assert read(reader, path, far).rules == sound


def test_what_stands_behind_long_comments() -> None:
    graph = b"# " + b"x" * 100_000 + b"\n" + b'node { name: "a" op: "WriteFile" }'
    assert tensorflow.INSPECTOR.claims(artifact("m/graph.pbtxt", graph))
    net = vino.net(vino.parameter(0))
    assert openvino.INSPECTOR.claims(artifact("m/net.xml", net))
    for far in (b"<!-- " + b"<!-- " * 40_000 + b"-->" + net, b"<?x " + b" " * 100_000 + b"?>" + net):
        assert openvino.INSPECTOR.claims(artifact("m/net.xml", far))
    assert not openvino.INSPECTOR.claims(artifact("m/net.xml", b"<!-- " * 100_000))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('{"trust_remote_code": ${vars.t}}', ["MLG-MDL-147"]),
        ('{"trust_remote_code": false, "x": ${vars.t}}', []),
        ('{"use_fast": true}', []),
    ],
)
def test_a_variable_of_spacy_can_be_anything(value: str, expected: list[str]) -> None:
    text = f'[nlp]\nlang = "en"\n\n[vars]\nt = true\n\n[components.x.model]\ntransformer_config = {value}\n'
    assert read(spacy.INSPECTOR, "m/config.cfg", text).rules == expected


BUNDLE = {
    "imports": ["$import glob", "$import os", "$import scripts as s"],
    "bundle_root": ".",
    "device": "$torch.device('cuda:0' if torch.cuda.is_available() else 'cpu')",
    "files": "$list(sorted(glob.glob(os.path.join(@bundle_root, 'x', '*.nii'))))",
    "made": "$os.makedirs(@out) if not os.path.exists(@out) else None",
    "net": {"_target_": "monai.networks.nets.UNet", "channels": "$@n * 2"},
    "home": "${oc.env:HOME}",
}


@pytest.mark.parametrize(
    "bad",
    [
        {"x": "$__import__('os').system('echo')"},
        {"imports": ["$import os as scripts"], "x": "$scripts.popen('echo')"},
        {"x": "$os.system('echo ' + @bundle_root)"},
        {"imports": ["$from subprocess import run as go"], "x": "$go(['echo'])"},
        {"x": "$().__class__"},
        {"x": {"_target_": "$os.system", "command": "echo"}},
    ],
)
def test_expressions_of_a_bundle(bad: dict[str, Any]) -> None:
    path, sound = "m/configs/inference.json", json.dumps(BUNDLE)
    assert nemo.INSPECTOR.claims(artifact(path, sound.encode()))
    assert read(nemo.INSPECTOR, path, sound).rules == []
    assert "MLG-MDL-173" in read(nemo.INSPECTOR, path, json.dumps({**BUNDLE, **bad})).rules


def test_a_target_in_json() -> None:
    data = json.dumps({"net": {"_target_": "os.system", "command": "echo"}}, indent="\t")
    assert nemo.INSPECTOR.claims(artifact("m/config.json", data.encode()))
    assert read(nemo.INSPECTOR, "m/config.json", data).rules == ["MLG-MDL-130"]


PICKLE = b"\x80\x02cos\nsystem\nX\x04\x00\x00\x00echo\x85R."


@pytest.mark.parametrize(
    "options", [{}, {"compression": "gzip"}, {"chunks": (8,), "shuffle": True, "fletcher32": True}]
)
@pytest.mark.parametrize("attribute", ["base_type", "other"])
def test_a_pickle_in_a_dataset_of_bytes(options: dict[str, Any], attribute: str) -> None:
    def fill(file: Any) -> None:
        held = file.create_dataset("data", data=np.frombuffer(PICKLE, "u1"), **options)
        held.attrs[attribute] = b"pickle"
        file.create_dataset("pixels", data=np.full((4, 4), 0x80, "u1"), **({} if "chunks" in options else options))

    said = read(hdf5.INSPECTOR, "m/x.h5", containers.written(fill))
    assert [o.source.read_at(0, 100) for o in said.observations if isinstance(o, Artifact)] == [PICKLE]
    assert said.stopped is None


def test_a_pickle_in_an_opaque_attribute_is_not_filled_up() -> None:
    for held in (PICKLE, PICKLE + b"rest"):

        def fill(file: Any, held: bytes = held) -> None:
            file.attrs["type"] = np.void(held)

        said = read(hdf5.INSPECTOR, "m/x.h5", containers.written(fill))
        assert [o.source.read_at(0, 100) for o in said.observations if isinstance(o, Artifact)] == [held]


@pytest.mark.parametrize("name", ["model.zip", "model", "model.skops"])
def test_a_skops_archive_under_any_name(name: str) -> None:
    node = {"__class__": "Popen", "__module__": "subprocess", "__loader__": "ObjectNode", "content": None}
    found = artifact(name, pack(node))
    assert skops.INSPECTOR.claims(found)
    assert read(skops.INSPECTOR, name, pack(node)).rules == ["MLG-MDL-125"]
    assert name.endswith("skops") or read(skops.INSPECTOR, name, pack({"a": 1})).components == ()


def test_a_keras_archive_of_a_configuration_alone() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("config.json", json.dumps(layers.model(layers.new_lambda())).encode("utf-16"))
    assert keras.claims(artifact("m.keras", out.getvalue()))
    assert "MLG-MDL-053" in read(keras.INSPECTOR, "m.keras", out.getvalue()).rules


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("m/hyperparams.yaml", "x: !apply:os.system [echo]\n", ["MLG-MDL-130"]),
        ("m/hyperparams.yaml", "x: !app%6cy:os.system [echo]\n", ["MLG-MDL-130"]),
        ("m/hyperparams.yaml", "x: !new:subprocess.Popen\n  args: echo\n", ["MLG-MDL-130"]),
        ("m/hyperparams.yaml", "x: !apply:torch.manual_seed [1]\nm: !new:speechbrain.lobes.features.Fbank\n", []),
        ("m/config.yaml", "pipeline:\n  name: subprocess.Popen\n  params:\n    args: echo\n", ["MLG-MDL-130"]),
        ("m/config.yaml", "pipeline:\n  name: pyannote.audio.pipelines.VAD\n  params:\n    a: 1\n", []),
        ("m/config.yaml", "pipeline: {{ x }}\nparams: [\n", []),
    ],
)
def test_names_that_yaml_of_speech_models_calls(path: str, text: str, expected: list[str]) -> None:
    assert nemo.INSPECTOR.claims(artifact(path, text.encode()))
    said = read(nemo.INSPECTOR, path, text)
    assert (said.rules, said.stopped) == (expected, None)


def test_a_model_file_of_mlx() -> None:
    data = json.dumps({"model_type": "x", "model_file": "own.py"})
    assert read(huggingface.INSPECTOR, "m/config.json", data).rules == ["MLG-MDL-042"]


_PIECES = st.sampled_from(
    [
        "x",
        "'_'",
        "'%s'",
        "95",
        "0",
        "[",
        "]",
        "(",
        ")",
        "|",
        "~",
        "+",
        "*",
        "%",
        ".",
        ",",
        "{",
        "}",
        ":",
        "-",
        "join",
        "first",
        "format",
        "replace",
        "center",
        "translate",
        "striptags",
        "list",
        "dict(",
        "messages[",
        "a=",
    ]
)
_KEYS = st.sampled_from(
    [
        "types",
        "structure",
        "path",
        "type",
        "activation_fn",
        "auto_mapping",
        "parent_library",
        "megatron_core",
        "model_file",
        "unet",
        "_class_name",
        "type_hint",
        "auto_map",
        "chat_template",
        "attn_implementation",
        "_target_",
        "params",
        "name",
    ]
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=150, deadline=None)
@given(st.lists(_PIECES, max_size=14))
def test_any_expression_of_a_template_ends_in_an_answer(pieces: list[str]) -> None:
    read(huggingface.INSPECTOR, "m/chat_template.jinja", "{% set x = 'a' %}{{ messages[" + " ".join(pieces) + "] }}")


@settings(max_examples=150, deadline=None)
@given(_JSON, st.sampled_from(["config.json", "modules.json", "modular_model_index.json", "adapter_config.json"]))
def test_any_configuration_ends_in_an_answer(document: Any, name: str) -> None:
    read(huggingface.INSPECTOR, f"m/{name}", json.dumps(document))
    read(nemo.INSPECTOR, f"m/{name}", json.dumps(document))


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_an_expression_or_a_path(text: str) -> None:
    list(reaching([f"${text}", "$import os"]))
    reaches(text)
    read(tensorflow.INSPECTOR, "m/graph.pbtxt", f"node {text}")
