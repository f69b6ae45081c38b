"""A small repository with every kind of item that an ML-BOM is made of, and what has to be found of each."""

from __future__ import annotations

import json

from tests.builders.datafiles import parquet
from tests.builders.gguf import Gguf
from tests.builders.safetensors import safetensors

COMMIT = "3f49326eb077187dfe1c2a2bb15fbd74e6ab91e3"
OID = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393"
MD5 = "a304afb96060aad90176268345e10355"

CODE = f"""import timm, torch
from datasets import load_dataset
from diffusers import DiffusionPipeline
from openai import OpenAI
from peft import PeftModel
from sentence_transformers import SentenceTransformer
from transformers import AutoModel

BASE = "acme/base"
base = AutoModel.from_pretrained(BASE, revision="{COMMIT}")
other = AutoModel.from_pretrained("acme/other")
lora = PeftModel.from_pretrained(base, "acme/lora")
image = DiffusionPipeline.from_pretrained("acme/image")
sentences = SentenceTransformer("all-MiniLM-L6-v2")
net = timm.create_model("resnet50", pretrained=True)
hub = torch.hub.load("acme/hub:v1", "net")
data = load_dataset("acme/data", revision="{COMMIT}")
OpenAI().chat.completions.create(model="gpt-4o-2024-08-06", messages=[])
secret = AutoModel.from_pretrained(pick())
"""

NOTEBOOK = json.dumps(
    {
        "cells": [{"cell_type": "code", "source": "from datasets import load_dataset\nload_dataset('acme/signs')"}],
        "metadata": {"language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
)

CARD = """---
license: openrail
base_model: acme/base
base_model_relation: finetune
datasets: [acme/data]
pipeline_tag: text-generation
---
# A model
"""

CROISSANT = json.dumps(
    {
        "@context": {
            "@vocab": "https://schema.org/",
            "cr": "http://mlcommons.org/croissant/",
            "sc": "https://schema.org/",
        },
        "@type": "sc:Dataset",
        "name": "signs",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "license": "https://creativecommons.org/licenses/by/4.0/",
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": "images.zip",
                "contentUrl": "https://example.com/images.zip",
                "sha256": OID,
                "encodingFormat": "application/zip",
            }
        ],
    }
)

MLMODEL = (
    "flavors:\n  python_function:\n    loader_module: mlflow.sklearn\n    model_path: model.pkl\nmodel_uuid: abc\n"
)


def files() -> dict[str, bytes | str]:
    """All files of the repository, by path."""
    return {
        "train.py": CODE,
        "explore.ipynb": NOTEBOOK,
        "app.ts": "import { pipeline } from '@huggingface/transformers';\npipeline('x', 'acme/web');\n",
        "Dockerfile": f"FROM python:3.12\nRUN hf download acme/served --revision {COMMIT}\n",
        "requirements.txt": "torch==2.6.0\ntransformers>=4.40\n",
        "models/tiny.gguf": Gguf().build(),
        "models/tuned/README.md": CARD,
        "models/tuned/config.json": json.dumps({"model_type": "llama", "architectures": ["LlamaForCausalLM"]}),
        "models/tuned/model.safetensors": safetensors({"w": ("F32", [2])}, {"format": "pt"}),
        "models/big.safetensors": f"version https://git-lfs.github.com/spec/v1\noid sha256:{OID}\nsize 9000\n",
        "mlflow/MLmodel": MLMODEL,
        "data/raw.csv.dvc": f"outs:\n- md5: {MD5}\n  size: 10\n  path: raw.csv\n",
        "data/train.parquet": parquet({1: 2, 4: b"label"}, rows=7),
        "data/croissant.json": CROISSANT,
    }


# bom-ref to a fact of the component, as (path of keys, value)
FOUND = {
    f"hf:acme/base@{COMMIT}": ("purl", f"pkg:huggingface/acme/base@{COMMIT}"),
    "hf:acme/other": ("type", "machine-learning-model"),
    "hf:acme/lora": ("type", "machine-learning-model"),
    "hf:acme/image": ("type", "machine-learning-model"),
    "hf:sentence-transformers/all-MiniLM-L6-v2": ("type", "machine-learning-model"),
    "timm:resnet50": ("type", "machine-learning-model"),
    "torchhub:acme/hub:net@v1": ("version", "v1"),
    "hf:acme/web": ("type", "machine-learning-model"),
    f"hf:acme/served@{COMMIT}": ("version", COMMIT),
    f"dataset:hf:acme/data@{COMMIT}": ("version", COMMIT),
    "dataset:hf:acme/signs": ("type", "data"),
    "file:models/tiny.gguf": ("type", "machine-learning-model"),
    "file:models/tuned": ("licenses", [{"license": {"acknowledgement": "declared", "name": "openrail"}}]),
    "file:models/tuned/model.safetensors": ("type", "machine-learning-model"),
    "file:models/big.safetensors": ("hashes", [{"alg": "SHA-256", "content": OID}]),
    "file:mlflow/MLmodel": ("type", "machine-learning-model"),
    "dataset:file:data/raw.csv": ("hashes", [{"alg": "MD5", "content": MD5}]),
    "dataset:file:data/train.parquet": ("type", "data"),
    "dataset:file:data": ("licenses", [{"license": {"acknowledgement": "declared", "id": "CC-BY-4.0"}}]),
    "dataset:https://example.com/images.zip": ("hashes", [{"alg": "SHA-256", "content": OID}]),
    "api:openai:gpt-4o-2024-08-06": ("x-trust-boundary", True),
    "pkg:pypi/torch@2.6.0": ("version", "2.6.0"),
    "pkg:pypi/transformers": ("type", "library"),
}
