"""Python sources and notebooks that load models: small copies of what real repositories hold, and of its tricks."""

from __future__ import annotations

import json
from typing import Any

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def notebook(*cells: str | list[str], language: str = "python", nbformat: int = 4) -> bytes:
    """A notebook of these code cells, with a text cell in front that must not count."""
    key = "input" if nbformat == 3 else "source"
    code: list[dict[str, Any]] = [{"cell_type": "markdown", "source": "# torch.load('no.pt')"}]
    code += [{"cell_type": "code", key: cell, "outputs": [], "metadata": {}} for cell in cells]
    book: dict[str, Any] = {"nbformat": nbformat, "metadata": {"language_info": {"name": language}}}
    if nbformat == 3:
        book["worksheets"] = [{"cells": code}]
    else:
        book["cells"] = code
    return json.dumps(book).encode()


def escaped_notebook() -> bytes:
    """The loader's name written with JSON escapes, for readers that search the raw bytes."""
    return notebook("import torch\ntorch.load('m.pt', weights_only=False)").replace(b"torch", b"\\u0074orch")


def fullwidth_source() -> str:
    """Identifiers in full-width letters, which Python folds to ASCII (PEP 3131)."""
    wide = str.maketrans({chr(c): chr(c + 0xFEE0) for c in range(ord("a"), ord("z") + 1)})
    torch, load = "torch".translate(wide), "load".translate(wide)
    return f"import {torch}\n{torch}.{load}('m.pt', weights_only=False)\n"


def utf7_source() -> bytes:
    """A source whose encoding says other things than its bytes show: the load is inside the comment."""
    return b"# coding: utf-7\nimport torch\n#+AAo-torch.load('m.pt', weights_only=False)\n"


def deep_source(depth: int = 50_000) -> str:
    """Brackets nested deeper than any parser goes, beside a call of a loader."""
    return "import torch\ntorch.load('m.pt')\nx = " + "(" * depth + ")" * depth + "\n"


def long_sum(terms: int = 30_000) -> str:
    """A tree as deep as it is long, without any brackets: `"a" + "a" + ...` as the target of a load."""
    return "import torch\ntorch.load(" + "+".join(["'a'"] * terms) + ")\n"


def python2_with_load() -> str:
    return "import cPickle\nprint cPickle.load(open('m.pkl'))\n"


def python2_without_load() -> str:
    return "import torch\nprint 'does not load'\n"


def growing_text(levels: int = 40) -> str:
    """Doubling a constant by its name until it would fill the memory."""
    lines = ["from transformers import AutoModel", "a0 = 'x' * 1000"]
    lines += [f"a{i + 1} = a{i} + a{i}" for i in range(levels)]
    return "\n".join([*lines, f"AutoModel.from_pretrained(a{levels})"])


def branching_values(levels: int = 30) -> str:
    """Two choices in each of many places: 2^30 texts for who enumerates them."""
    parts = " + ".join(f"('a' if c{i} else 'b')" for i in range(levels))
    return f"from transformers import AutoModel\nAutoModel.from_pretrained({parts})\n"


def cyclic_names() -> str:
    """Names, parameters and returns that are defined by each other."""
    return (
        "from transformers import AutoModel\n"
        "def f(x):\n    return g(x)\n"
        "def g(x):\n    return f(x)\n"
        "a = b\nb = a\nload = load2\nload2 = load\n"
        "AutoModel.from_pretrained(f(a))\nAutoModel.from_pretrained(b)\nload('x')\n"
    )
