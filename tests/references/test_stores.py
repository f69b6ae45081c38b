"""Model stores, services that run models, sharded data sets, and tables of another library's models."""

from __future__ import annotations

import pytest

from mlgate.inspectors import mlflow
from mlgate.records import Component, Reference, Resolution
from mlgate.references.python import INSPECTOR
from tests.reading import read


def told(source: str) -> list[tuple[str | None, str | None, str]]:
    said = read(INSPECTOR, "a.py", source)
    assert said.stopped is None, said.stopped
    return [(r.identity, r.revision, r.resolution.value) for r in said.references]


SAGEMAKER = "from sagemaker.huggingface import HuggingFace, HuggingFaceModel\n"
WDS = "import webdataset as wds\n"
BENTO = "import bentoml\n"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            SAGEMAKER + "hub = {'HF_MODEL_ID': 'o/n', 'HF_TASK': 'x'}\nHuggingFaceModel(env=hub, role=r)",
            [("hf:o/n", None, "literal")],
        ),
        (
            SAGEMAKER + "HuggingFaceModel(env={'SM_X': '1'}, model_data='s3://b/model.tar.gz')",
            [("s3://b/model.tar.gz", None, "literal")],
        ),
        (
            SAGEMAKER + "HuggingFaceModel(env={'HF_MODEL_ID': name}, role=r)",
            [(None, None, "unknown")],
        ),
        (SAGEMAKER + "HuggingFace(hyperparameters={'model_name_or_path': 'o/n'})", [("hf:o/n", None, "literal")]),
        (SAGEMAKER + "HuggingFace(entry_point='train.py', hyperparameters={'epochs': 1})", []),
        (
            "from sagemaker.jumpstart.model import JumpStartModel as J\nJ(model_id='hf-llm-7b', model_version='1.2.0')",
            [("jumpstart:hf-llm-7b", "1.2.0", "literal")],
        ),
        (
            WDS + "wds.WebDataset('https://x.org/a/{0..9}.tar')",
            [("dataset:https://x.org/a/{0..9}.tar", None, "literal")],
        ),
        (
            WDS + "wds.WebDataset('pipe:curl -sL https://x.org/b.tar?t=1 || true')",
            [("dataset:https://x.org/b.tar", None, "literal")],
        ),
        (
            WDS + "wds.WebDataset(['s/{0..9}.tar', url])",
            [("dataset:file:s/{0..9}.tar", None, "literal"), (None, None, "unknown")],
        ),
        (WDS + "wds.WebDataset(urls)", [(None, None, "unknown")]),
        (BENTO + "bentoml.models.get('churn:v1')", [("bentoml:churn", "v1", "literal")]),
        (BENTO + "bentoml.sklearn.load_model('iris')", [("bentoml:iris", None, "literal")]),
        (BENTO + "bentoml.models.HuggingFaceModel('o/n')", [("hf:o/n", None, "literal")]),
        ("from zenml import Model\nModel(name='churn', version='3')", [("zenml:churn", "3", "literal")]),
        (
            "import datasets as d\nd.load_dataset('json', data_files={'train': 'a.jsonl', 'test': ['b.jsonl']})",
            [("dataset:file:a.jsonl", None, "literal"), ("dataset:file:b.jsonl", None, "literal")],
        ),
    ],
)
def test_stores_and_services(source: str, expected: list[tuple[str | None, str | None, str]]) -> None:
    assert told(source) == expected


ALIGN = """\
import torchaudio
from transformers import Wav2Vec2Processor

TORCH = {"en": "WAV2VEC2_ASR_BASE_960H", "fr": "VOXPOPULI_ASR_BASE_10K_FR"}
HF = {"ja": "o/ja"}

def load(language, model_name=None):
    if model_name is None:
        if language in TORCH:
            model_name = TORCH[language]
        elif language in HF:
            model_name = HF[language]
    if model_name in torchaudio.pipelines.__all__:
        bundle = torchaudio.pipelines.__dict__[model_name]
        return bundle.get_model()
    return Wav2Vec2Processor.from_pretrained(model_name)
"""


def test_bundles_of_torchaudio_are_no_repositories_of_the_hub() -> None:
    references: tuple[Reference, ...] = read(INSPECTOR, "a.py", ALIGN).references
    found = {(r.symbol.partition(".")[0], r.identity) for r in references}
    assert found == {
        ("torchaudio", "torchaudio:WAV2VEC2_ASR_BASE_960H"),
        ("torchaudio", "torchaudio:VOXPOPULI_ASR_BASE_10K_FR"),
        ("Wav2Vec2Processor", "hf:o/ja"),
    }


def test_a_table_of_forty_models_is_read_whole() -> None:
    table = {f"l{number}": f"o/m{number}" for number in range(45)}
    source = f"from transformers import AutoModel\nT = {table!r}\nAutoModel.from_pretrained(T[language])"
    assert {identity for identity, _, _ in told(source)} >= {f"hf:{name}" for name in table.values()}


def test_a_field_without_field_is_a_default() -> None:
    source = (
        "from dataclasses import dataclass\nfrom transformers import AutoModel, HfArgumentParser\n"
        "@dataclass\nclass Arguments:\n    model: str = 'o/n'\n"
        "(args,) = HfArgumentParser(Arguments).parse_args_into_dataclasses()\nAutoModel.from_pretrained(args.model)"
    )
    assert told(source) == [("hf:o/n", None, Resolution.DEFAULT.value)]


def test_a_field_that_a_method_reads_is_a_default() -> None:
    source = (
        "from dataclasses import dataclass\nfrom transformers import AutoModel\n"
        "@dataclass\nclass Embedder:\n    model: str = 'o/n'\n"
        "    def __post_init__(self):\n        AutoModel.from_pretrained(self.model)"
    )
    assert told(source) == [("hf:o/n", None, "default")]


def test_a_signature_of_aliases_is_not_written_out() -> None:
    levels = "\n".join(f"  b{n}: &b{n} [{', '.join([f'*b{n - 1}'] * 9)}]" for n in range(1, 9))
    signature = f"signature: {{inputs: *b8, outputs: '[1]'}}\nrun_id: 0x{'f' * 5000}\n"
    document = f"flavors: {{}}\nx:\n  b0: &b0 [a]\n{levels}\n{signature}"
    said = read(mlflow.INSPECTOR, "m/MLmodel", document.encode())
    (component,) = (x for x in said.observations if isinstance(x, Component))
    assert component.model is not None
    assert component.model.inputs == ()
    assert component.model.outputs == ("[1]",)
