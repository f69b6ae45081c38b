"""Configurations of serving and training tools, in the forms of their documentation and of public repositories."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.records import Kind
from mlgate.references.served import INSPECTOR
from tests.reading import artifact, read

LITELLM = """\
model_list:
  - model_name: gpt-4o
    litellm_params: {model: gpt-4o, api_key: os.environ/OPENAI_API_KEY}
  - model_name: claude
    litellm_params:
      model: anthropic/claude-3-5-sonnet-20240620
  - model_name: llama2
    litellm_params:
      model: ollama/llama2:70b
      api_base: http://localhost:11434
  - model_name: r1
    litellm_params: {model: huggingface/together/deepseek-ai/DeepSeek-R1}
  - model_name: own
    litellm_params: {model: hosted_vllm/Qwen/Qwen2.5-7B-Instruct, api_base: "http://gpu:8000"}
  - model_name: fast
    litellm_params: {model: openai/qwen2.5-7b-exl2, api_base: "http://localhost:5000"}
  - model_name: all
    litellm_params: {model: "openai/*"}
general_settings: {master_key: os.environ/KEY}
"""
RAY = """\
applications:
- name: llm
  import_path: ray.serve.llm:build_openai_app
  args:
    llm_configs:
    - model_loading_config: {model_id: my-llama, model_source: unsloth/Llama-3.1-8B}
    - model_loading_config:
        model_id: Qwen/Qwen2.5-0.5B-Instruct
    - model_loading_config: {model_id: x, model_source: {bucket_uri: s3://b/x}}
"""
CATALOG = """\
companies:
  type: pandas.CSVDataSet
  filepath: data/01_raw/companies.csv
regressor:
  type: pickle.PickleDataset
  filepath: data/06_models/regressor.pkl
features:
  type: kedro_mlflow.io.artifacts.MlflowArtifactDataset
  dataset:
    type: pandas.ParquetDataset
    filepath: data/05_model_input/df_train.pkl
metrics:
  type: json.JSONDataset
  filepath: data/08_reporting/metrics.json
plot: {type: matplotlib.MatplotlibDataset, filepath: data/08_reporting/x.csv}
"{ns}.pattern": {type: pandas.CSVDataset, filepath: "data/{ns}.csv"}
reviews: {type: huggingface.HFDataset, dataset_name: acme/reviews}
_base: &base {type: spark.SparkDataset}
no_type: {filepath: data/y.csv}
"""
AXOLOTL = """\
base_model: mistralai/Mistral-Nemo-Base-2407
adapter: lora
sequence_len: 8192
datasets:
  - path: anthracite-org/kalo-opus
    type: sharegpt
  - path: data/mine.jsonl
    type: chat_template
"""
MERGE = """\
merge_method: slerp
base_model: mlabonne/A-7B
slices:
  - sources:
      - {model: mlabonne/A-7B, layer_range: [0, 32]}
      - {model: acme/B-7B, layer_range: [0, 32]}
"""


def named(path: str, text: str) -> list[tuple[str | None, str | None, int | None]]:
    assert INSPECTOR.claims(artifact(path, text.encode()))
    return [(r.identity, r.revision, r.location.line) for r in read(INSPECTOR, path, text).references]


def test_litellm_routes_to_services_and_to_open_models() -> None:
    found = named("config.yaml", LITELLM)
    assert [identity for identity, _, _ in found] == [
        "api:openai:gpt-4o",
        "api:anthropic:claude-3-5-sonnet-20240620",
        "ollama:llama2",
        "hf:deepseek-ai/DeepSeek-R1",
        "hf:Qwen/Qwen2.5-7B-Instruct",
        None,  # some server that speaks the protocol
        None,  # all that there are
    ]
    assert found[1][2] == 6
    assert found[2] == ("ollama:llama2", "70b", 9)
    unknown = read(INSPECTOR, "config.yaml", LITELLM).references[-1]
    assert unknown.expression == "openai/*"


def test_ray_serve_vllm_and_kserve() -> None:
    assert [identity for identity, _, _ in named("serve.yaml", RAY)] == [
        "hf:unsloth/Llama-3.1-8B",
        "hf:Qwen/Qwen2.5-0.5B-Instruct",
    ]
    vllm = "model: meta-llama/Llama-3.1-8B\nrevision: abc\ntensor-parallel-size: 2\n"
    assert named("vllm.yaml", vllm) == [("hf:meta-llama/Llama-3.1-8B", "abc", 1)]
    kserve = "kind: InferenceService\nspec:\n  predictor:\n    model:\n      storageUri: {}\n"
    assert named("k.yaml", kserve.format("hf://acme/tiny:v1")) == [("hf:acme/tiny", "v1", 5)]
    assert named("k.yaml", kserve.format("s3://bucket/m")) == [("s3://bucket/m", None, 5)]
    assert named("k.yaml", kserve.format("pvc://claim/m")) == []
    kubeai = "apiVersion: kubeai.org/v1\nkind: Model\nspec:\n  url: hf://acme/tiny?model=a\n"
    assert named("k.yaml", kubeai) == [("hf:acme/tiny", None, 4)]
    stack = "servingEngineSpec:\n  modelSpec:\n  - name: a\n    modelURL: acme/tiny\n"
    assert named("values.yaml", stack) == [("hf:acme/tiny", None, 4)]


def test_a_kedro_catalog_has_data_and_models() -> None:
    said = read(INSPECTOR, "conf/base/catalog.yml", CATALOG)
    assert [(r.kind, r.identity) for r in said.references] == [
        (Kind.DATASET, "dataset:file:data/01_raw/companies.csv"),
        (Kind.MODEL, "file:data/06_models/regressor.pkl"),
        (Kind.DATASET, "dataset:file:data/05_model_input/df_train.pkl"),
        (Kind.DATASET, "dataset:hf:acme/reviews"),
    ]
    assert not INSPECTOR.claims(artifact("docs/catalog.yml", CATALOG.encode()))


def test_trainers_name_models_and_data() -> None:
    assert [identity for identity, _, _ in named("gemma.yaml", AXOLOTL)] == [
        "hf:mistralai/Mistral-Nemo-Base-2407",
        "dataset:hf:anthracite-org/kalo-opus",
        "dataset:file:data/mine.jsonl",
    ]
    assert [identity for identity, _, _ in named("m.yaml", MERGE)] == [
        "hf:mlabonne/A-7B",
        "hf:mlabonne/A-7B",
        "hf:acme/B-7B",
    ]
    sft = "model_name_or_path: Qwen/Qwen3-4B\nmodel_revision: main\ndataset_name: trl-lib/Capybara\n"
    assert named("sft.yaml", sft) == [("hf:Qwen/Qwen3-4B", "main", 1), ("dataset:hf:trl-lib/Capybara", None, 3)]
    bento = 'service: "service:svc"\nmodels:\n  - "iris_clf:latest"\n  - tag: "ner:v2"\n'
    assert named("bentofile.yaml", bento) == [("bentoml:iris_clf", "latest", 3), ("bentoml:ner", "v2", 4)]


@pytest.mark.parametrize(
    "text",
    [
        "model: acme/tiny\nname: x\n",
        "base_model: acme/tiny\nname: x\n",
        "models:\n  - model: acme/tiny\n",
        "spec:\n  model: acme/tiny\nkind: Deployment\n",
        "max_model_len: 3\n",
        "model_list: [acme/tiny]\n",
        "{{- if .x }}\nmodel_list:\n- {{ .y }}\n",
    ],
)
def test_words_that_anybody_uses_name_nothing(text: str) -> None:
    claimed = INSPECTOR.claims(artifact("config.yaml", text.encode()))
    said = read(INSPECTOR, "config.yaml", text) if claimed else None
    assert said is None or (said.references == () and said.stopped is None)


def test_a_variable_is_said_and_not_guessed() -> None:
    (reference,) = read(INSPECTOR, "sft.yaml", "model_name_or_path: ${MODEL:-acme/tiny}\n").references
    assert (reference.identity, reference.expression) == (None, "${MODEL:-acme/tiny}")


def test_merge_keys_end() -> None:
    levels = "".join(f"l{n}: &l{n}\n  <<: [*l{n - 1}, *l{n - 1}]\n" for n in range(1, 60))
    said = read(INSPECTOR, "config.yaml", f"l0: &l0 {{a: 1, b: 2}}\n{levels}model_list: []\n")
    assert said.stopped is not None
    assert said.stopped.reason == "limit"


JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_strange_values_stop_nothing(value: object) -> None:
    keys = ("model_list", "model_loading_config", "spec", "merge_method", "models", "slices", "base_model", "datasets")
    document = {**dict.fromkeys(keys, value), "kind": "InferenceService", "adapter": 1, "sequence_len": 1}
    document |= {"model_name_or_path": value, "max_model_len": 1, "model": value}
    inner = {"model_list": [{"litellm_params": {"model": value, "api_base": value}}], "models": [value, {"tag": value}]}
    entry = {"a": {"type": "pandas.CSVDataset", "filepath": value, "dataset": value}, "b": value}
    for path, held in (("x.yaml", document), ("bentofile.yaml", inner), ("x.yml", inner), ("conf/catalog.yml", entry)):
        assert read(INSPECTOR, path, json.dumps(held)).stopped is None


def test_training_arguments_in_json() -> None:
    arguments = {"model_name_or_path": "o/base", "dataset_name": "o/data", "output_dir": "out", "seed": 1}
    said = read(INSPECTOR, "runs/training_args.json", json.dumps(arguments, indent=1))
    assert [(r.identity, r.location.line) for r in said.references] == [("hf:o/base", 2), ("dataset:hf:o/data", 3)]
    assert not INSPECTOR.claims(artifact("m/config.json", b'{"_name_or_path": "o/base", "model_type": "bert"}'))
    assert not INSPECTOR.claims(artifact("t/tokenizer_config.json", b'{"name_or_path": "o/base"}'))
