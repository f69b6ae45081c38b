"""Loaders beyond the hubs: data read from addresses, downloads, and functions whose name says what they load."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlgate.records import Kind
from mlgate.references.python import INSPECTOR
from tests.reading import read
from tests.repositories import commit
from tests.test_pipeline import look

TORCHVISION = "from torchvision.models import resnet50, ResNet50_Weights\n"


@pytest.mark.parametrize(
    ("source", "kind", "identity", "revision"),
    [
        ("import pandas as pd\npd.read_csv('https://x.org/a.csv?t=1')", Kind.DATASET, "https://x.org/a.csv", None),
        ("import polars as pl\npl.scan_parquet('hf://datasets/a/b/x.parquet')", Kind.DATASET, "hf:a/b", None),
        ("from sklearn.datasets import fetch_20newsgroups as f\nf()", Kind.DATASET, "sklearn:20newsgroups", None),
        ("from sklearn.datasets import fetch_openml as f\nf('mnist_784')", Kind.DATASET, "openml:mnist_784", None),
        ("import torchvision\ntorchvision.datasets.MNIST('x')", Kind.DATASET, "torchvision:MNIST", None),
        ("from tensorflow import keras\nkeras.datasets.mnist.load_data()", Kind.DATASET, "keras:mnist", None),
        ("import tensorflow_datasets as tfds\ntfds.load('mnist')", Kind.DATASET, "tfds:mnist", None),
        ("import wget\nwget.download('https://x.org/d.csv')", Kind.DATASET, "https://x.org/d.csv", None),
        ("import requests\nrequests.get('https://x.org/w.onnx')", Kind.MODEL, "https://x.org/w.onnx", None),
        (
            "from keras.utils import get_file\nget_file('w', 'https://x.org/w.h5')",
            Kind.MODEL,
            "https://x.org/w.h5",
            None,
        ),
        (
            "import keras\nkeras.applications.ResNet50(weights='imagenet')",
            Kind.MODEL,
            "keras:ResNet50",
            "imagenet",
        ),
        (
            TORCHVISION + "resnet50(weights=ResNet50_Weights.IMAGENET1K_V2)",
            Kind.MODEL,
            "torchvision:resnet50",
            "IMAGENET1K_V2",
        ),
        (TORCHVISION + "resnet50(pretrained=True)", Kind.MODEL, "torchvision:resnet50", None),
        ("from flair.models import SequenceTagger as S\nS.load('ner')", Kind.MODEL, "flair:ner", None),
        ("from fastembed import TextEmbedding as T\nT('BAAI/bge-small-en')", Kind.MODEL, "hf:BAAI/bge-small-en", None),
        ("from FlagEmbedding import FlagReranker as F\nF('BAAI/bge-r')", Kind.MODEL, "hf:BAAI/bge-r", None),
        ("from trl import SFTTrainer\nSFTTrainer(model='Qwen/Q', args=None)", Kind.MODEL, "hf:Qwen/Q", None),
        ("import keras\nkeras.saving.load_model('hf://keras/g')", Kind.MODEL, "hf:keras/g", None),
        ("from TTS.api import TTS\nTTS('tts_models/en/x/y')", Kind.MODEL, "coqui:tts_models/en/x/y", None),
        ("import nemo.collections.asr as a\na.models.M.from_pretrained('stt_en')", Kind.MODEL, "nemo:stt_en", None),
        ("import xgboost as x\nb = x.Booster()\nb.load_model('m.json')", Kind.MODEL, "file:m.json", None),
        ("import lightgbm as l\nl.Booster(model_file='m.txt')", Kind.MODEL, "file:m.txt", None),
        (
            "from pytorch_lightning import LightningModule as L\nclass M(L): ...\nM.load_from_checkpoint('a.ckpt')",
            Kind.MODEL,
            "file:a.ckpt",
            None,
        ),
        ("import wandb\nwandb.init().use_artifact('a/p/m:v3', type='model')", Kind.MODEL, "wandb:a/p/m", "v3"),
        ("import wandb\nwandb.init().use_artifact('d:v1', type='dataset')", Kind.DATASET, "wandb:d", "v1"),
        ("from smolagents import HfApiModel as H\nH(model_id='Qwen/Q')", Kind.MODEL, "hf:Qwen/Q", None),
        ("from crewai import LLM\nLLM(model='ollama/phi3')", Kind.MODEL, "ollama:phi3", None),
        ("from langchain_community.llms import Ollama\nOllama(model='phi3:mini')", Kind.MODEL, "ollama:phi3", "mini"),
    ],
)
def test_what_is_loaded(source: str, kind: Kind, identity: str, revision: str | None) -> None:
    (reference,) = read(INSPECTOR, "a.py", source).references
    prefix = "dataset:" if kind is Kind.DATASET else ""
    assert (reference.kind, reference.identity, reference.revision) == (kind, prefix + identity, revision)
    assert not reference.pinned


@pytest.mark.parametrize(
    "source",
    [
        TORCHVISION + "resnet50()",
        TORCHVISION + "resnet50(weights=None)",
        "import keras\nkeras.applications.ResNet50(weights=None)",
        "import requests\nrequests.get('https://x.org/api/v1/model')",
        "import requests\nrequests.get(url)  # a .csv",
        "import pandas\npandas.read_csv(path)",
        "def fetch_20newsgroups(): ...\nfetch_20newsgroups()",
    ],
)
def test_what_loads_nothing_that_can_be_told(source: str) -> None:
    assert read(INSPECTOR, "a.py", source).references == ()


def test_a_table_that_code_reads_is_a_dataset_when_it_is_there(tmp_path: Path) -> None:
    code = "import pandas as pd\npd.read_csv('in/x.csv')\npd.read_csv('out/y.csv')\n"
    commit(tmp_path, {"a.py": code, "in/x.csv": "a,b\n", "other.csv": "a,b\n"})
    inventory = look(tmp_path).inventory
    assert [c.identity for c in inventory.components] == ["dataset:file:in/x.csv"]
    assert [r.identity for r in inventory.references] == ["dataset:file:in/x.csv"]


USE = "AutoModel.from_pretrained(m.model_name_or_path)\n"
ARGUMENTS = """
from dataclasses import dataclass, field
from transformers import AutoModel, HfArgumentParser, TrainingArguments

@dataclass
class ModelArguments:
    model_name_or_path: str = field(default="a/b")
    other: str = None

"""


@pytest.mark.parametrize(
    ("use", "identity"),
    [
        (
            "m, t = HfArgumentParser((ModelArguments, TrainingArguments)).parse_args_into_dataclasses()\n" + USE,
            "hf:a/b",
        ),
        (
            "m = HfArgumentParser(ModelArguments).parse_json_file('x')[0]\n" + USE,
            "hf:a/b",
        ),
        ("m, = HfArgumentParser(ModelArguments).parse_dict({})\nAutoModel.from_pretrained(m.other)\n", None),
        ("m = other.parse_args_into_dataclasses()[0]\n" + USE, None),
    ],
)
def test_arguments_as_dataclasses(use: str, identity: str | None) -> None:
    (reference,) = read(INSPECTOR, "a.py", ARGUMENTS + use).references
    assert reference.identity == identity
