"""Downloads by helpers under common names, clients of other servers, classes that inherit a loader, what is dynamic."""

from __future__ import annotations

import pytest

from mlgate.references.python import INSPECTOR
from tests.reading import read

DRIVE = "1N0GL8ehwbz2eZQWz2b0A5XBdXdxZhg"
OPENAI = "from openai import OpenAI\nimport os\n"
CREATE = "client.chat.completions.create(model={}, messages=[])"


def told(source: str) -> list[str | None]:
    said = read(INSPECTOR, "app/a.py", source)
    assert said.stopped is None, said.stopped
    return [r.identity for r in said.references]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            (
                "from .commons import weight_utils\nURL = 'https://h.org/v1/arcface.h5'\n"
                "weight_utils.download_weights_if_necessary(file_name='arcface.h5', source_url=URL)"
            ),
            ["https://h.org/v1/arcface.h5"],
        ),
        (
            (
                "from .commons import weight_utils\nweight_utils.download_weights_if_necessary(\n"
                f"    file_name='b/w.onnx', source_url='https://drive.google.com/uc?export=download&confirm=x&id={DRIVE}')"
            ),
            [f"https://drive.google.com/file/d/{DRIVE}"],
        ),
        (
            (
                "from basicsr.utils.download_util import load_file_from_url\n"
                "load_file_from_url(url='https://h.org/RealESRGAN_x4plus.pth', model_dir=d)"
            ),
            ["https://h.org/RealESRGAN_x4plus.pth"],
        ),
        ("from u import cached_path\ncached_path('https://h.org/license.txt', d)  # url", []),
        ("from u import download_file\ndownload_file(url, path)", []),
        (
            f"import gdown\ngdown.download(id='{DRIVE}', output='train.csv')",
            [f"dataset:https://drive.google.com/file/d/{DRIVE}"],
        ),
        ("import gdown\ngdown.download(url, out)", [None]),
        ("import urllib.request as r\nr.urlretrieve(f'https://h.org/{name}.onnx', 'x')", [None]),
        ("import urllib.request as r\nr.urlretrieve(f'https://h.org/{name}.zip', 'x.onnx')", []),
        ("from sentence_transformers import SentenceTransformer as S\nS(name)\nS(modules=[a])", [None]),
        (
            "from faster_whisper import WhisperModel\nclass W(WhisperModel):\n    pass\nW('large-v3')",
            ["faster-whisper:large-v3"],
        ),
        (
            (
                "from faster_whisper import WhisperModel\nclass W(WhisperModel):\n"
                "    def __init__(self, device):\n        pass\nW('cpu')"
            ),
            [],
        ),
        ("from peft import PeftModel\ndef f(model):\n    model.load_adapter('o/lora', 'x')", ["hf:o/lora"]),
        (
            "import litellm\nlitellm.completion(model='gpt-4o')\nlitellm.completion(model='mine')",
            ["api:openai:gpt-4o", None],
        ),
        (OPENAI + "client = OpenAI()\n" + CREATE.format("'gpt-4o'"), ["api:openai:gpt-4o"]),
        (
            OPENAI + "client = OpenAI(base_url='https://api.deepseek.com/v1')\n" + CREATE.format("'deepseek-chat'"),
            ["api:deepseek:deepseek-chat"],
        ),
        (
            OPENAI + "client = OpenAI(base_url='https://openrouter.ai/api/v1')\n" + CREATE.format("'google/gemini-2'"),
            ["api:openrouter:google/gemini-2"],
        ),
        (
            OPENAI + "client = OpenAI()\nd = OpenAI(base_url='https://api.deepseek.com')\n" + CREATE.format("'gpt-4o'"),
            ["api:openai:gpt-4o"],
        ),
        (
            OPENAI + "client = OpenAI()\nd = OpenAI(base_url='http://localhost/v1')\n" + CREATE.format("'mine'"),
            [None],
        ),
        (OPENAI + "client = OpenAI(base_url='http://localhost:8000/v1')\n" + CREATE.format("'o/n'"), [None]),
        (
            OPENAI + "client = OpenAI(base_url=os.environ.get('BASE'))\n" + CREATE.format("'gpt-4o'"),
            ["api:openai:gpt-4o"],
        ),
        (
            (
                "from u import download_file\nURLS = ['https://h.org/a.pth', 'https://hf.co/o/n/resolve/main/a.pth']\n"
                "def load(url=URLS):\n    download_file(url, 'x')"
            ),
            ["https://h.org/a.pth", "hf:o/n"],
        ),
        (
            "from u import cached_path\ndata_url = 'https://h.org/CLL_corpus.tar.gz'\ncached_path(data_url)",
            ["dataset:https://h.org/CLL_corpus.tar.gz"],
        ),
        (
            "import urllib.request as r\ndef f(lang=None):\n    r.urlretrieve(f'https://h.org/{lang}-1M.npy', 'x')",
            [None],
        ),
        (
            "from cached_path import cached_path\ncached_path('hf://o/n/m.safetensors')\ncached_path(f'hf://o/{x}/m.pt')",
            ["hf:o/n", None],
        ),
        (
            "from cached_path import cached_path\nfor x in ('a', 'b'):\n    cached_path(f'hf://o/n/{x}.safetensors')",
            ["hf:o/n"],
        ),
        (
            "from gfpgan import GFPGANer\nGFPGANer(model_path='https://h.org/GFPGANv1.3.pth', upscale=2)",
            ["https://h.org/GFPGANv1.3.pth"],
        ),
        ("from funasr import AutoModel\nAutoModel(model='paraformer-zh')", ["funasr:paraformer-zh"]),
        (
            "from u import cached_path\nB = 'https://h.org/c/'\ncached_path(f'{B}train.txt', Path('datasets') / url)",
            ["dataset:https://h.org/c/train.txt"],
        ),
        ("from u import cached_path\ncached_path('https://h.org/vocab.txt', Path('cache') / url)", []),
        ("from torch import nn\nnn.Embedding.from_pretrained(vectors)", []),
        (
            "from colbert.modeling import ColBERT\nColBERT.from_pretrained('bert-base-uncased')",
            ["hf:bert-base-uncased"],
        ),
        ("from colbert.modeling import ColBERT\nColBERT.from_pretrained('mine')", [None]),
        ("from u import cached_path\ncached_path('https://github.com/o/data/archive/main.zip')  # url", []),
        ("from basicsr.utils import load_file_from_url as g\nimport torch\np = g(url=u)\ntorch.load(p)", [None]),
        (
            "from audiocraft.models import MusicGen\nMusicGen.get_pretrained('facebook/musicgen-small')",
            ["hf:facebook/musicgen-small"],
        ),
        (
            "from txtai import Embeddings\nEmbeddings({'path': 'o/n'})\nEmbeddings(path='o/m')\nEmbeddings()",
            ["hf:o/n", "hf:o/m"],
        ),
        (
            "from keybert import KeyBERT\nKeyBERT(model='all-MiniLM-L6-v2')\nKeyBERT()",
            ["hf:sentence-transformers/all-MiniLM-L6-v2"],
        ),
        (
            "from flair.embeddings import TransformerWordEmbeddings as T\nT('xlm-roberta-large')",
            ["hf:xlm-roberta-large"],
        ),
    ],
)
def test_what_is_loaded(source: str, expected: list[str | None]) -> None:
    assert told(source) == expected
