from __future__ import annotations

import json
from typing import Any

import pytest

from mlgate.inspectors.huggingface import INSPECTOR
from tests.reading import artifact, read

HOSTILE = "{{ ''.__class__.__mro__[1].__subclasses__() }}"
HARMLESS = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}{% endfor %}"


@pytest.mark.parametrize(
    ("path", "document"),
    [
        ("m/tokenizer_config.json", {"chat_template": HOSTILE}),
        ("m/tokenizer_config.json", {"chat_template": [{"name": "tool_use", "template": HOSTILE}]}),
        ("m/chat_template.json", {"chat_template": {"default": HARMLESS, "rag": HOSTILE}}),
        ("m/processor_config.json", {"chat_template": HOSTILE}),
        ("m/chat_template.jinja", HOSTILE),
        ("m/additional_chat_templates/tool.jinja", HOSTILE),
    ],
)
def test_templates_are_found_wherever_transformers_reads_them(path: str, document: Any) -> None:
    data = document if isinstance(document, str) else json.dumps(document)
    assert INSPECTOR.claims(artifact(path, data.encode()))
    assert set(read(INSPECTOR, path, data).rules) == {"MLG-MDL-040"}
    assert read(INSPECTOR, path, data.replace(json.dumps(HOSTILE)[1:-1], HARMLESS)).rules == []


def test_code_that_a_configuration_names() -> None:
    document = {
        "model_type": "x",
        "auto_map": {"AutoModel": "modeling_x.Model", "AutoTokenizer": ["other/repo--tok.Tok", None]},
    }
    said = read(INSPECTOR, "m/config.json", json.dumps(document, indent=1))
    assert [(f.rule.id, f.evidence) for f in said.findings] == [
        ("MLG-MDL-042", "modeling_x.Model"),
        ("MLG-MDL-042", "other/repo--tok.Tok"),
    ]
    assert "other/repo" in said.findings[1].message
    assert said.findings[0].location.line == 4


@pytest.mark.parametrize("data", ['{"name": "app"}', "// comment\n{}", "[1, 2]", '"text"', "{" * 5000, "", b"\xff{}"])
def test_other_peoples_config_json_is_nothing(data: str | bytes) -> None:
    said = read(INSPECTOR, "config.json", data)
    assert said.findings == ()
    assert said.stopped is None


@pytest.mark.parametrize("data", ['{"chat_template": "x",', '{"auto_map": {', b'\xff{"auto_map"'])
def test_what_speaks_of_code_and_cannot_be_read_is_incomplete(data: str | bytes) -> None:
    assert read(INSPECTOR, "config.json", data).stopped is not None


def test_code_that_other_keys_name() -> None:
    nested = {"vision_config": {"auto_map": {"AutoConfig": "conf.C"}}, "custom_pipelines": {"x": {"impl": "pipe.P"}}}
    said = read(INSPECTOR, "config.json", json.dumps(nested))
    assert sorted(f.evidence for f in said.findings) == ["conf.C", "pipe.P"]
    kernel = read(INSPECTOR, "config.json", json.dumps({"attn_implementation": "someone/flash"}))
    assert kernel.rules == ["MLG-MDL-042"]
    assert read(INSPECTOR, "config.json", json.dumps({"attn_implementation": "flash_attention_2"})).rules == []


@pytest.mark.parametrize(
    ("kind", "rules"),
    [
        ("sentence_transformers.models.Transformer", []),
        ("custom_st.Layer", ["MLG-MDL-042"]),
        ("sentence_transformers_evil.x.Y", ["MLG-MDL-042"]),
        ("subprocess.Popen", ["MLG-MDL-043"]),
        ("runpy.run_path", ["MLG-MDL-043"]),
    ],
)
def test_modules_that_sentence_transformers_imports(kind: str, rules: list[str]) -> None:
    modules = [{"idx": 0, "name": "0", "path": "", "type": kind}]
    assert read(INSPECTOR, "modules.json", json.dumps(modules)).rules == rules


def test_pipelines_of_diffusers() -> None:
    plain = {"_class_name": "StableDiffusionPipeline", "unet": ["diffusers", "UNet2D"], "safety_checker": [None, None]}
    assert read(INSPECTOR, "model_index.json", json.dumps(plain)).rules == []
    own = plain | {"unet": ["my_unet", "UNet"], "_class_name": ["my_pipeline", "Pipe"]}
    said = read(INSPECTOR, "model_index.json", json.dumps(own))
    assert [f.evidence for f in said.findings] == ["my_pipeline.Pipe", "my_unet.UNet"]


@pytest.mark.parametrize(
    ("library", "rules"),
    [
        ("transformers.models.llama.modeling_llama", []),
        ("own_models", ["MLG-MDL-042"]),
        ("antigravity", ["MLG-MDL-043"]),
    ],
)
def test_the_library_that_peft_imports(library: str, rules: list[str]) -> None:
    document = {"auto_mapping": {"base_model_class": "X", "parent_library": library}, "peft_type": "LORA"}
    assert read(INSPECTOR, "adapter_config.json", json.dumps(document)).rules == rules


def test_a_configuration_too_large_to_walk_is_incomplete() -> None:
    assert not read(INSPECTOR, "config.json", json.dumps({"a": [0] * 3_000_000})).stopped
    said = read(INSPECTOR, "config.json", json.dumps({"a": [0] * 3_000_000, "auto_map": {}}))
    assert said.stopped
    assert said.stopped.reason == "limit"


@pytest.mark.parametrize(
    ("name", "template", "rules"),
    [
        ("vicuna.jinja", HOSTILE, ["MLG-MDL-040"]),
        ("page.html.j2", "{{ lipsum.__globals__.os.popen('id') }}", ["MLG-MDL-040"]),
        ("page.html.j2", "{% extends 'base.html' %}{{ url_for('x') }}{{ 9 ** 9 ** 9 }}", []),
        ("page.html.j2", "{% trans %}x{% endtrans %}", []),
        ("chat.jinja", "{% for m in messages %}{{ url_for(m) }}{% endfor %}", ["MLG-MDL-040"]),
    ],
)
def test_templates_of_any_name(name: str, template: str, rules: list[str]) -> None:
    said = read(INSPECTOR, f"templates/{name}", template)
    assert sorted(set(said.rules)) == rules
    assert said.stopped is None


def test_a_chat_template_that_does_not_parse_is_incomplete() -> None:
    assert read(INSPECTOR, "templates/chat.jinja", "{% for m in messages %}{% trans %}").stopped


@pytest.mark.parametrize(
    ("name", "text", "rules"),
    [
        ("prompts/llama.json", json.dumps({"chat_template": HOSTILE}), ["MLG-MDL-040"]),
        ("serve.yaml", f"model: x\nserver:\n  chat_template: {json.dumps(HOSTILE)}\n", ["MLG-MDL-040"]),
        ("serve.yaml", "chat_template: templates/llama.jinja\n", []),
        ("chart.yaml", "chat_template: {{ .Values.template }}\n{{- if .x }}\n", []),
        ("llama.template", "{% for m in messages %}{{ m.__class__ }}{% endfor %}", ["MLG-MDL-040"]),
    ],
)
def test_templates_in_files_of_other_names(name: str, text: str, rules: list[str]) -> None:
    assert INSPECTOR.claims(artifact(name, text.encode()))
    said = read(INSPECTOR, name, text)
    assert (sorted(set(said.rules)), said.stopped) == (rules, None)


def test_templates_of_other_programs_are_not_claimed() -> None:
    assert not INSPECTOR.claims(artifact("nginx.conf.template", b"{{ host }} {% if x %}"))
    assert not INSPECTOR.claims(artifact("package.json", b'{"name": "x"}'))


def test_more_templates_than_are_read_is_incomplete() -> None:
    many = {"chat_template": [{"name": str(i), "template": "x"} for i in range(1_001)]}
    assert read(INSPECTOR, "tokenizer_config.json", json.dumps(many)).stopped
