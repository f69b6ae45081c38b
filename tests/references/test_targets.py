"""What a call loads: names, constants and flow, hub ids and paths, and what is not guessed."""

from __future__ import annotations

import pytest

from mlgate.records import Kind, Reference, Resolution
from mlgate.references import notebook, python
from tests.builders import code
from tests.reading import read


def references(source: str, path: str = "app/run.py") -> tuple[Reference, ...]:
    said = read(python.INSPECTOR, path, source)
    assert said.stopped is None, said.stopped
    return said.references


def one(source: str) -> Reference:
    (reference,) = references(source)
    return reference


HF = "from transformers import AutoModel\n"


@pytest.mark.parametrize(
    ("source", "identity"),
    [
        ("import transformers as t\nt.AutoModel.from_pretrained('org/name')", "hf:org/name"),
        ("from transformers import BertModel as B\nB.from_pretrained('bert-base-uncased')", "hf:bert-base-uncased"),
        ("def f():\n    from transformers import AutoModel\n    AutoModel.from_pretrained('a/b')", "hf:a/b"),
        ("from transformers import *\nAutoModel.from_pretrained('a/b')", "hf:a/b"),
        ("from transformers import pipeline\npipeline('summarization', model='a/b')", "hf:a/b"),
        ("import importlib\nm = importlib.import_module('transformers')\nm.pipeline('x', 'a/b')", "hf:a/b"),
        ("import torch\nload = torch.hub.load\nload('o/r:main', 'net')", "torchhub:o/r:net"),
        ("from peft import PeftModel\nPeftModel.from_pretrained(base, 'o/lora')", "hf:o/lora"),
        ("from peft import AutoPeftModelForCausalLM as P\nP.from_pretrained('o/lora')", "hf:o/lora"),
        (
            "from sentence_transformers import SentenceTransformer\nSentenceTransformer('all-MiniLM-L6-v2')",
            "hf:sentence-transformers/all-MiniLM-L6-v2",
        ),
        (
            "from sentence_transformers import SentenceTransformer\nSentenceTransformer('bert-base-uncased')",
            "hf:bert-base-uncased",
        ),
        ("from huggingface_hub import HfApi\nHfApi().hf_hub_download('o/n', 'x.bin')", "hf:o/n"),
        ("import timm\ntimm.create_model('hf-hub:o/n', pretrained=True)", "hf:o/n"),
        ("import timm\ntimm.create_model('resnet50', pretrained=True)", "timm:resnet50"),
        ("import whisper\nwhisper.load_model('large-v2')", "whisper:large-v2"),
        ("import spacy\nspacy.load('en_core_web_sm')", "spacy:en_core_web_sm"),
        ("import mlflow.sklearn\nmlflow.sklearn.load_model('models:/churn/3')", "mlflow:churn"),
        ("import kagglehub\nkagglehub.model_download('google/gemma/keras/2b/1')", "kaggle:google/gemma/keras/2b"),
        ("import onnxruntime as ort\nort.InferenceSession('./m/../net.onnx')", "file:net.onnx"),
        ("import joblib\njoblib.load(open('a/b.joblib', 'rb'))", "file:a/b.joblib"),
        (
            "import torch\ntorch.hub.load_state_dict_from_url('https://u:secret@x.org/w.pth?token=1')",
            "https://x.org/w.pth",
        ),
        (HF + "AutoModel.from_pretrained('https://huggingface.co/o/n/resolve/main/x.bin')", "hf:o/n"),
        (HF + "AutoModel.from_pretrained('s3://bucket/m')", "s3://bucket/m"),
        ("from .nets import Net\nNet.from_pretrained('o/n')", "hf:o/n"),
        ("class Net(Base): pass\nNet.from_pretrained('bert-base-uncased')", "hf:bert-base-uncased"),
    ],
)
def test_a_loader_is_known_through_imports_and_aliases(source: str, identity: str) -> None:
    assert one(source).identity == identity


@pytest.mark.parametrize(
    ("source", "identity", "resolution"),
    [
        ("M = 'o/n'\ndef f():\n    AutoModel.from_pretrained(M)", "hf:o/n", "constant"),
        ("AutoModel.from_pretrained('o/' + 'n')", "hf:o/n", "constant"),
        ("o = 'o'\nAutoModel.from_pretrained(f'{o}/n')", "hf:o/n", "constant"),
        ("AutoModel.from_pretrained('{}/{}'.format('o', 'n'))", "hf:o/n", "constant"),
        ("AutoModel.from_pretrained('%s/n' % 'o')", "hf:o/n", "constant"),
        ("C = {'m': {'name': 'o/n'}}\nAutoModel.from_pretrained(C['m']['name'])", "hf:o/n", "constant"),
        ("a, b = 'x', 'o/n'\nAutoModel.from_pretrained(b)", "hf:o/n", "constant"),
        ("def f(m='o/n'):\n    AutoModel.from_pretrained(m)", "hf:o/n", "default"),
        ("def f(m='o/n'):\n    AutoModel.from_pretrained(m)\nf('p/q')", "hf:p/q", "constant"),
        ("def f(m=None):\n    m = m or 'o/n'\n    AutoModel.from_pretrained(m)", "hf:o/n", "default"),
        ("import os\nAutoModel.from_pretrained(os.getenv('M', 'o/n'))", "hf:o/n", "default"),
        (
            (
                "class A:\n    def __init__(self):\n        self.m = 'o/n'\n    def f(self):\n"
                "        AutoModel.from_pretrained(self.m)"
            ),
            "hf:o/n",
            "constant",
        ),
        (
            (
                "from dataclasses import dataclass\n@dataclass\nclass C:\n    m: str = 'o/n'\n"
                "c = C()\nAutoModel.from_pretrained(c.m)"
            ),
            "hf:o/n",
            "default",
        ),
        (
            (
                "import argparse\np = argparse.ArgumentParser()\np.add_argument('--model-id', default='o/n')\n"
                "a = p.parse_args()\nAutoModel.from_pretrained(a.model_id)"
            ),
            "hf:o/n",
            "default",
        ),
        ("n = 'x/y'\nn = 'o/n'\nAutoModel.from_pretrained(n)\nn = 'z/z'", "hf:o/n", "constant"),
        ("kw = dict(revision='main')\nAutoModel.from_pretrained('o/n', **kw)", "hf:o/n", "literal"),
    ],
)
def test_a_constant_is_followed_within_the_file(source: str, identity: str, resolution: str) -> None:
    reference = one(HF + source)
    assert (reference.identity, reference.resolution.value) == (identity, resolution)


def test_every_choice_is_a_reference() -> None:
    source = HF + "for m in ('o/a', 'o/b'):\n    AutoModel.from_pretrained(m if big else 'o/c')\n"
    assert {r.identity for r in references(source)} == {"hf:o/a", "hf:o/b", "hf:o/c"}
    table = HF + "M = {'s': 'o/a', 'l': 'o/b'}\nAutoModel.from_pretrained(M[size])\n"
    assert {r.identity for r in references(table)} == {"hf:o/a", "hf:o/b"}


@pytest.mark.parametrize(
    "source",
    [
        "AutoModel.from_pretrained(path)",
        "def f(p):\n    AutoModel.from_pretrained(p)",
        "AutoModel.from_pretrained(f'o/{size}')",
        "AutoModel.from_pretrained('/opt/models/x')",
        "AutoModel.from_pretrained('../x')",
        "AutoModel.from_pretrained('~/x')",
        "AutoModel.from_pretrained('output/checkpoint-500')",
        "AutoModel.from_pretrained('o--x/n')",
        "n = 'o/n'\nn += suffix\nAutoModel.from_pretrained(n)",
        "import sys\nAutoModel.from_pretrained(sys.argv[1])",
        "AutoModel.from_pretrained(**options)",
    ],
)
def test_a_dynamic_target_is_said_and_not_guessed(source: str) -> None:
    reference = one(HF + source)
    assert reference.identity is None
    assert reference.resolution is Resolution.UNKNOWN
    assert reference.expression


@pytest.mark.parametrize(
    "source",
    [
        "name = 'org/name'\nimport transformers\n",  # no call
        "from mylib import load_dataset\nload_dataset('org/name')\n",
        "def load_dataset(x): ...\nload_dataset('org/name')\n",
        "import timm\ntimm.create_model('resnet50')\n",  # no weights are loaded
        "import torch\nfrom huggingface_hub import hf_hub_url\ntorch.nn.Linear(1, 2)\n",
        (
            "from transformers import AutoModel, pipeline\nclass M(AutoModel):\n"
            "    @classmethod\n    def from_pretrained(cls, name):\n        return super().from_pretrained(name)\n"
        ),
        "import io, torch\nb = io.BytesIO()\ntorch.save(1, b)\ntorch.load(b, weights_only=True)\n",
        "# AutoModel.from_pretrained('o/n') with transformers\n'''AutoModel.from_pretrained('o/n')'''\n",
    ],
)
def test_what_only_looks_like_a_load_is_none(source: str) -> None:
    assert references(source) == ()


def test_only_a_commit_is_a_pin() -> None:
    pinned = one(HF + f"AutoModel.from_pretrained('Org/Name', revision='{code.COMMIT.upper()}')")
    assert pinned.pinned
    assert pinned.purl == f"pkg:huggingface/Org/Name@{code.COMMIT}"
    tag = one(HF + "AutoModel.from_pretrained('Org/Name', revision='v1.0')")
    assert (tag.pinned, tag.revision, tag.purl) == (False, "v1.0", "pkg:huggingface/Org/Name")
    hub = one(f"import torch\ntorch.hub.load('o/r:{code.COMMIT}', 'm')")
    assert hub.pinned


def test_a_dataset_is_one_and_a_builder_names_its_files() -> None:
    source = (
        "from datasets import load_dataset\nfrom huggingface_hub import snapshot_download\n"
        "load_dataset('glue', 'mrpc')\nload_dataset('csv', data_files='d/x.csv')\n"
        "snapshot_download(repo_id='o/d', repo_type='dataset')\nsnapshot_download(repo_id='o/s', repo_type='space')\n"
    )
    found = references(source)
    assert [r.identity for r in found] == ["dataset:hf:glue", "dataset:file:d/x.csv", "dataset:hf:o/d"]
    assert {r.kind for r in found} == {Kind.DATASET}


def test_what_one_loader_gives_to_another_is_one_reference() -> None:
    source = (
        "import torch\nfrom huggingface_hub import hf_hub_download as get\np = get('o/n', 'w.bin')\ntorch.load(p)\n"
    )
    assert one(source).symbol == "huggingface_hub.hf_hub_download"


def test_the_place_is_the_call() -> None:
    reference = one("\n\n" + HF + "m = AutoModel.from_pretrained(\n    'o/n',\n)\n")
    assert (reference.location.line, reference.location.end_line) == (4, 6)
    assert reference.symbol == "AutoModel.from_pretrained"


@pytest.mark.parametrize("nbformat", [3, 4])
def test_a_notebook_is_read_by_cell(nbformat: int) -> None:
    book = code.notebook(
        "!pip install transformers \\\n   torch\n%matplotlib inline\nfrom transformers import AutoModel",
        ["%%time\n", "\n", "files = !ls\n", "m = AutoModel.from_pretrained('o/n')\n"],
        "%%bash\nAutoModel.from_pretrained('o/shell')",
        "%time AutoModel.from_pretrained('o/timed')\nAutoModel?\nawait x",
        "x = 7\ny = (100\n  % x)\ntorch.load('w.pt')" if nbformat == 3 else "import torch\ntorch.load('w.pt')",
        nbformat=nbformat,
    )
    said = read(notebook.INSPECTOR, "nb/demo.ipynb", book)
    assert said.stopped is None
    found = [(r.identity, r.location.cell, r.location.line) for r in said.references]
    assert found[:2] == [("hf:o/n", 2, 4), ("hf:o/timed", 4, 1)]
    assert found[2:] == ([] if nbformat == 3 else [("file:nb/w.pt", 5, 2)])  # in 3, torch was never imported


def test_a_notebook_in_another_language_is_not_python() -> None:
    book = code.notebook("AutoModel.from_pretrained('o/n')", language="julia")
    assert read(notebook.INSPECTOR, "x.ipynb", book).observations == ()


@pytest.mark.parametrize(
    ("source", "kind", "identity", "pinned"),
    [
        (
            "from openai import OpenAI\nc = OpenAI()\nc.chat.completions.create(model='gpt-4o', messages=[])",
            Kind.SERVICE,
            "api:openai:gpt-4o",
            False,
        ),
        (
            "import openai\nclass A:\n    def f(self):\n        self.c.responses.create(model='gpt-4o-2024-08-06')",
            Kind.SERVICE,
            "api:openai:gpt-4o-2024-08-06",
            True,
        ),
        (
            "import anthropic\nM = 'claude-3-5-sonnet-20241022'\nanthropic.Anthropic().messages.create(model=M)",
            Kind.SERVICE,
            "api:anthropic:claude-3-5-sonnet-20241022",
            True,
        ),
        (
            "from openai import AzureOpenAI as O\nO().embeddings.create(model='my-deployment', input='')",
            Kind.SERVICE,
            "api:azure:my-deployment",
            False,
        ),
        (
            "from google import genai\ngenai.Client().models.generate_content(model='gemini-2.0-flash', contents='')",
            Kind.SERVICE,
            "api:google:gemini-2.0-flash",
            False,
        ),
        (
            "import boto3\nb = boto3.client('bedrock-runtime')\nb.converse(modelId='anthropic.claude-v2:1')",
            Kind.SERVICE,
            "api:bedrock:anthropic.claude-v2:1",
            False,
        ),
        ("import litellm\nlitellm.completion('groq/llama-3-8b', [])", Kind.SERVICE, "api:groq:llama-3-8b", False),
        ("import litellm\nlitellm.completion(model='ollama/llama3:8b')", Kind.MODEL, "ollama:llama3", False),
        ("import ollama\nollama.chat(model='llama3')", Kind.MODEL, "ollama:llama3", False),
        (
            "from langchain_openai import ChatOpenAI\nChatOpenAI(model_name='gpt-4o-mini')",
            Kind.SERVICE,
            "api:openai:gpt-4o-mini",
            False,
        ),
        (
            "from langchain.chat_models import init_chat_model\ninit_chat_model('openai:gpt-4o')",
            Kind.SERVICE,
            "api:openai:gpt-4o",
            False,
        ),
        (
            "from llama_index.llms.anthropic import Anthropic\nAnthropic(model='claude-3-opus-20240229')",
            Kind.SERVICE,
            "api:anthropic:claude-3-opus-20240229",
            True,
        ),
    ],
)
def test_models_behind_an_api(source: str, kind: Kind, identity: str, pinned: bool) -> None:
    reference = one(source)
    assert (reference.kind, reference.identity, reference.pinned) == (kind, identity, pinned)


@pytest.mark.parametrize(
    "source",
    [
        "client.messages.create(model='x', to='+1')",  # Twilio's, and nothing speaks of Anthropic
        "from openai import OpenAI\nOpenAI().chat.completions.create(**kwargs)",
        "import litellm\nlitellm.completion(model='https://x.org/y')",
        "import stripe\nstripe.responses.create(model='x')",
    ],
)
def test_calls_that_name_no_model_behind_an_api(source: str) -> None:
    assert [reference for reference in references(source) if reference.identity] == []
