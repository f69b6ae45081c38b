"""A small repository with one of everything that an ML-BOM lists, each in the structure that real repositories have.

`EXPECTED` says by which identity and version the BOM has to know each of them.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from tests.builders.code import COMMIT, notebook
from tests.builders.gguf import Gguf
from tests.builders.safetensors import safetensors
from tests.repositories import commit

SHA256 = "9f" * 32
OID = "5d" * 32
MD5 = "a304afb96060aad90176268345e10355"
REVISION = "3f49326eb077187dfe1c2a2bb15fbd74e6ab91e3"

_MODELS = f"""\
import timm
import torch
from datasets import load_dataset
from diffusers import StableDiffusionPipeline
from peft import PeftModel
from sentence_transformers import SentenceTransformer
from transformers import AutoModel, AutoModelForCausalLM

MODEL = "acme/pinned-encoder"
encoder = AutoModel.from_pretrained(MODEL, revision="{COMMIT}")
writer = AutoModelForCausalLM.from_pretrained("acme/floating-writer")
painter = StableDiffusionPipeline.from_pretrained("acme/painter", revision="fp16")
sentences = SentenceTransformer("acme/sentences")
base = AutoModelForCausalLM.from_pretrained("acme/adapted-base")
adapted = PeftModel.from_pretrained(base, "acme/lora-adapter")
backbone = timm.create_model("hf-hub:acme/backbone", pretrained=True)
detector = torch.hub.load("ultralytics/yolov5:v7.0", "yolov5s")
rows = load_dataset("acme/questions", revision="{REVISION}")
"""
_ADAPTER = {"base_model_name_or_path": "acme/adapted-base", "peft_type": "LORA", "task_type": "CAUSAL_LM", "r": 16}
_CARD = """\
---
pretty_name: Street Signs
license: cc-by-4.0
language: [en]
task_categories: [image-classification]
size_categories: [1K<n<10K]
source_datasets: [acme/raw-signs]
---
# Street Signs
"""
_MLMODEL = """\
artifact_path: model
flavors:
  python_function:
    loader_module: mlflow.sklearn
    model_path: model.pkl
    python_version: 3.11.7
  sklearn:
    pickled_model: model.pkl
    serialization_format: cloudpickle
    sklearn_version: 1.5.0
mlflow_version: 2.14.1
run_id: 0123456789abcdef0123456789abcdef
"""
_CROISSANT = {
    "@context": {
        "@vocab": "https://schema.org/",
        "sc": "https://schema.org/",
        "cr": "http://mlcommons.org/croissant/",
        "dct": "http://purl.org/dc/terms/",
        "conformsTo": "dct:conformsTo",
    },
    "@type": "sc:Dataset",
    "name": "Weather",
    "conformsTo": "http://mlcommons.org/croissant/1.0",
    "url": "https://weather.example.org/data",
    "license": "https://creativecommons.org/licenses/by/4.0/",
    "distribution": [
        {
            "@type": "cr:FileObject",
            "@id": "rows.csv",
            "name": "rows.csv",
            "contentUrl": "https://weather.example.org/rows.csv",
            "encodingFormat": "text/csv",
            "sha256": SHA256,
        }
    ],
}
_DOCKERFILE = f"""\
FROM python:3.12-slim
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
RUN huggingface-cli download acme/baked-in --revision {REVISION} --local-dir /models
CMD ["python", "serve.py"]
"""


def gguf() -> bytes:
    """A model that says which one it was made of."""
    return Gguf(
        keys=[
            ("general.architecture", "llama"),
            ("general.name", "Tiny"),
            ("general.license", "apache-2.0"),
            ("general.base_model.count", 1),
            ("general.base_model.0.name", "Tiny"),
            ("general.base_model.0.repo_url", "https://huggingface.co/acme/gguf-source"),
        ]
    ).build()


def weights() -> bytes:
    """A safetensors file as `save_pretrained` writes it."""
    return safetensors({"w": ("F16", [2, 2])}, {"format": "pt"})


def files() -> dict[str, bytes | str]:
    """Path to content."""
    return {
        "train.py": _MODELS,
        "explore.ipynb": notebook("from datasets import load_dataset", 'data = load_dataset("acme/notebook-data")'),
        "adapter/adapter_config.json": json.dumps(_ADAPTER),
        "adapter/adapter_model.safetensors": weights(),
        "models/tiny.gguf": gguf(),
        "models/weights.safetensors": weights(),
        "models/big.onnx": f"version https://git-lfs.github.com/spec/v1\noid sha256:{OID}\nsize 98765\n",
        "data/train.csv.dvc": f"outs:\n- md5: {MD5}\n  size: 37891850\n  hash: md5\n  path: train.csv\n",
        "mlflow/MLmodel": _MLMODEL,
        "weather/croissant.json": json.dumps(_CROISSANT),
        "signs/README.md": _CARD,
        "requirements.txt": "torch==2.6.0\ntransformers>=4.40\n",
        "Dockerfile": _DOCKERFILE,
    }


def build(root: Path) -> str:
    """Commits all of it; gives the commit's id."""
    return commit(root, dict(files()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """What the BOM has to say of one thing. `hashes` are (algorithm, digest, declared), `relations` (kind, target)."""

    what: str
    identity: str
    version: str | None = None
    pinned: bool | None = None
    place: str = ""
    hashes: frozenset[tuple[str, str, bool]] = frozenset()
    relations: frozenset[tuple[str, str]] = frozenset()


def _sha256(data: bytes) -> frozenset[tuple[str, str, bool]]:
    return frozenset({("SHA-256", hashlib.sha256(data).hexdigest(), False)})


EXPECTED = (
    Item(what="transformers, pinned", identity="hf:acme/pinned-encoder", version=COMMIT, pinned=True, place="train.py"),
    Item(what="transformers, unpinned", identity="hf:acme/floating-writer", pinned=False, place="train.py"),
    Item(what="diffusers", identity="hf:acme/painter", version="fp16", pinned=False, place="train.py"),
    Item(what="sentence-transformers", identity="hf:acme/sentences", pinned=False, place="train.py"),
    Item(what="peft adapter", identity="hf:acme/lora-adapter", pinned=False, place="train.py"),
    Item(what="base of the adapter", identity="hf:acme/adapted-base", pinned=False, place="train.py"),
    Item(
        what="adapter in the repository",
        identity="file:adapter",
        place="adapter/adapter_config.json",
        relations=frozenset({("adapter-of", "hf:acme/adapted-base")}),
    ),
    Item(what="timm", identity="hf:acme/backbone", pinned=False, place="train.py"),
    Item(what="torch.hub", identity="torchhub:ultralytics/yolov5:yolov5s", version="v7.0", pinned=False),
    Item(what="dataset in code", identity="dataset:hf:acme/questions", version=REVISION, pinned=True, place="train.py"),
    Item(what="dataset in a notebook", identity="dataset:hf:acme/notebook-data", pinned=False, place="explore.ipynb"),
    Item(
        what="GGUF",
        identity="file:models/tiny.gguf",
        hashes=_sha256(gguf()),
        relations=frozenset({("derived-from", "hf:acme/gguf-source")}),
    ),
    Item(what="base of the GGUF", identity="hf:acme/gguf-source"),
    Item(what="safetensors", identity="file:models/weights.safetensors", hashes=_sha256(weights())),
    Item(what="LFS pointer", identity="file:models/big.onnx", hashes=frozenset({("SHA-256", OID, True)})),
    Item(what="DVC", identity="dataset:file:data/train.csv", pinned=True, hashes=frozenset({("MD5", MD5, True)})),
    Item(what="MLflow", identity="file:mlflow/MLmodel", hashes=_sha256(_MLMODEL.encode())),
    Item(what="Croissant", identity="dataset:https://weather.example.org/data", place="weather/croissant.json"),
    Item(
        what="file of the Croissant",
        identity="dataset:https://weather.example.org/rows.csv",
        pinned=True,
        hashes=frozenset({("SHA-256", SHA256, True)}),
    ),
    Item(what="dataset card", identity="dataset:file:signs", place="signs/README.md"),
    Item(what="source of the dataset", identity="dataset:hf:acme/raw-signs"),
    Item(what="pinned package", identity="pkg:pypi/torch", version="2.6.0", pinned=True, place="requirements.txt"),
    Item(what="unpinned package", identity="pkg:pypi/transformers", pinned=False, place="requirements.txt"),
    Item(
        what="download in a Dockerfile", identity="hf:acme/baked-in", version=REVISION, pinned=True, place="Dockerfile"
    ),
)
