"""Unsafe loads: what is found, how severe, and the near misses that are not."""

from __future__ import annotations

import pytest

from mlgate.records import Finding, Severity
from mlgate.references import notebook, python
from tests.builders import code
from tests.reading import read


def found(source: str | bytes) -> list[tuple[str, str]]:
    said = read(python.INSPECTOR, "app.py", source)
    assert said.stopped is None, said.stopped
    return [(f.rule.id.removeprefix("MLG-COD-"), f.severity.value) for f in said.findings]


def finding(source: str) -> Finding:
    (said,) = read(python.INSPECTOR, "app.py", source).findings
    return said


TORCH = "import torch, functools\n"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("torch.load(p)", [("001", "low")]),
        ("torch.load(p, weights_only=None)", [("001", "low")]),
        ("torch.load(p, weights_only=False)", [("001", "high")]),
        ("torch.load(p, pickle_module=dill)", [("001", "high")]),
        ("torch.load(p, weights_only=flag())", [("011", "low")]),
        ("torch.load(p, **options)", [("011", "low")]),
        ("kw = {'weights_only': False}\ntorch.load(p, **kw)", [("001", "high")]),
        ("def f(p, weights_only=True):\n    torch.load(p, weights_only=weights_only)\nf(1, False)", [("001", "high")]),
        ("def f(p, **kw):\n    torch.load(p, weights_only=True)\nf(1, weights_only=False)", [("001", "high")]),
        ("f = functools.partial(torch.load, map_location='cpu')", [("001", "low")]),
        ("read(loader=torch.load)", [("001", "low")]),
        ("self.load = torch.load", [("001", "low")]),
        ("torch.load = functools.partial(torch.load, weights_only=False)\ntorch.load(p)", [("001", "high")]),
        (
            (
                "old = torch.load\ndef new(*a, **k):\n    k['weights_only'] = False\n    return old(*a, **k)\n"
                "torch.load = new\ntorch.load(p)"
            ),
            [("001", "high")],
        ),
        ("torch.load(p, weights_only=0)", [("001", "high")]),
        ("torch.load(p, weights_only=not True)", [("001", "high")]),
        ("kw = dict(weights_only=False)\ntorch.load(p, **kw)", [("001", "high")]),
        ("kw = {}\nkw.update(weights_only=False)\ntorch.load(p, **kw)", [("001", "high")]),
        ("kw = {'weights_only': True}\nkw.pop('weights_only')\ntorch.load(p, **kw)", [("011", "low")]),
        ("kw = {'weights_only': True}\ndel kw['weights_only']\ntorch.load(p, **kw)", [("011", "low")]),
        ("vars(torch)['load'](p, weights_only=False)", [("001", "high")]),
        ("model.load_from_checkpoint(p, weights_only=False)", [("001", "medium")]),
        ("model.load_from_checkpoint('a.ckpt')", []),
        # near misses
        ("torch.load(p, weights_only=True)", []),
        ("W = True\ntorch.load(p, weights_only=W)", []),
        ("kw = dict(map_location='cpu')\nkw['weights_only'] = True\ntorch.load(p, **kw)", []),
        ("def f(p, **kw):\n    kw.setdefault('weights_only', True)\n    torch.load(p, **kw)", []),
        ("def f(p, weights_only=True):\n    torch.load(p, weights_only=weights_only)", []),
        ("f = functools.partial(torch.load, weights_only=True)\nf(p)", []),
        ("torch.load = functools.partial(torch.load, weights_only=True)\ntorch.load(p)", []),
        ("import io\nb = io.BytesIO()\ntorch.save(m, b)\ntorch.load(b)", []),
        ("load = torch.load\nload(p, weights_only=True)", []),
        ("import inspect\ninspect.signature(torch.load)", []),
        ("torch.save(m, p, weights_only=False)", []),
    ],
)
def test_torch_load(source: str, expected: list[tuple[str, str]]) -> None:
    assert found(TORCH + source) == expected


def test_the_absent_argument_is_told_apart_for_the_torch_version() -> None:
    said = finding(TORCH + "x = torch.load(path,\n    map_location='cpu')")
    assert said.fact("weights_only") == "absent"
    assert said.fix == 'torch.load(path, map_location="cpu", weights_only=True)'
    assert said.evidence == finding(TORCH + "\n\nx = torch.load(path, map_location = 'cpu')").evidence


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import pickle\npickle.load(f)", [("002", "medium")]),
        ("from joblib import load\nload('m.joblib')", [("002", "medium")]),
        ("import pandas as pd\npd.read_pickle(p)", [("002", "medium")]),
        ("import pickle, requests\nr = requests.get(u)\npickle.loads(r.content)", [("002", "high")]),
        ("import shelve\nshelve.open('cache')", [("002", "low")]),
        ("import pickle\nx = map(pickle.loads, blobs)", [("002", "medium")]),
        ("import json\nx = map(json.loads, blobs)", []),
        ("import pickle\nclass U(pickle.Unpickler): pass\nU(f).load()", [("002", "medium")]),
        ("__import__('pickle').loads(x)", [("002", "medium")]),
        ("import pickle\ngetattr(pickle, 'loads')(x)", [("002", "medium")]),
        ("import pickle\npickle.__dict__['loads'](x)", [("002", "medium")]),
        ("import sys\nsys.modules['pickle'].loads(x)", [("002", "medium")]),
        ("import pickle\npickle.loads(pickle.dumps(x))", []),
        ("import pickle\nb = pickle.dumps(x)\ny = pickle.loads(b)", []),
        ("import pickle\nclass U(pickle.Unpickler):\n    def find_class(self, m, n): ...\nU(f).load()", []),
        ("import json\njson.load(f)", []),
        ("import pickle\npickle.dump(x, f)", []),
        ("import yaml\nyaml.load(f, Loader=yaml.Loader)", [("005", "high")]),
        ("import yaml\nyaml.load(f)", [("005", "medium")]),
        ("from yaml import unsafe_load\nunsafe_load(f)", [("005", "high")]),
        ("from ruamel.yaml import YAML\nYAML(typ='unsafe')", [("005", "high")]),
        ("import yaml\nclass L(yaml.Loader): pass\nyaml.load(f, L)", [("005", "high")]),
        ("import yaml\nyaml.load(f, Loader=yaml.SafeLoader)", []),
        (
            (
                "import yaml\ntry:\n    from yaml import CSafeLoader as L\nexcept ImportError:\n"
                "    from yaml import SafeLoader as L\nyaml.load(f, Loader=L)"
            ),
            [],
        ),
        ("import yaml\nclass L(yaml.SafeLoader): pass\nyaml.load(f, L)", []),
        ("from ruamel.yaml import YAML\nYAML(typ='safe').load(f)", []),
        ("import numpy as np\nnp.load(p, allow_pickle=True)", [("006", "medium")]),
        ("import numpy as np\nnp.load(p, allow_pickle=1)", [("006", "medium")]),
        ("import numpy as np\nnp.load(p, allow_pickle=False)", []),
        ("import keras\nkeras.models.load_model(p, safe_mode=False)", [("008", "high")]),
        ("import keras\nkeras.config.enable_unsafe_deserialization()", [("008", "high")]),
        ("from tensorflow import keras\nkeras.models.load_model('m.keras')", []),
        ("import torch\ntorch.hub.load('o/r', 'm')", [("007", "high")]),
        (f"import torch\ntorch.hub.load('o/r:{code.COMMIT}', 'm')", [("012", "low")]),
        ("import torch\ntorch.hub.load('.', 'm', source='local')", []),
        ("import requests\nexec(requests.get(u).text)", [("010", "high")]),
        ("import requests\nr = requests.get(u)\nexec('x = 1')", []),
    ],
)
def test_objects_from_bytes(source: str, expected: list[tuple[str, str]]) -> None:
    assert found(source) == expected


HF = "from transformers import AutoModel\nfrom datasets import load_dataset\n"
PIN = f"revision='{code.COMMIT}'"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("AutoModel.from_pretrained('o/n')", [("004", "medium")]),
        ("AutoModel.from_pretrained('o/n', revision='main')", [("004", "medium")]),
        ("AutoModel.from_pretrained('o/n', revision=rev())", [("004", "low")]),
        (f"AutoModel.from_pretrained('o/n', revision='{code.COMMIT}' if x else 'main')", [("004", "medium")]),
        (f"AutoModel.from_pretrained('o/n', revision='{code.COMMIT}' if x else None)", [("004", "medium")]),
        (f"AutoModel.from_pretrained('o/n', revision=x or '{code.COMMIT}')", [("004", "low")]),
        (f"AutoModel.from_pretrained('o/n', trust_remote_code=1, {PIN})", [("003", "medium")]),
        ("load_dataset('o/d')", [("004", "low")]),
        ("import functools\nf = functools.partial(AutoModel.from_pretrained, 'o/n')", [("004", "medium")]),
        (f"import functools\nf = functools.partial(AutoModel.from_pretrained, 'o/n', {PIN})", []),
        (f"AutoModel.from_pretrained('o/n', {PIN})", []),
        ("AutoModel.from_pretrained('./local')", []),
        ("AutoModel.from_pretrained(unknown)", []),
        (f"AutoModel.from_pretrained('o/n', trust_remote_code=True, {PIN})", [("003", "medium")]),
        ("AutoModel.from_pretrained(unknown, trust_remote_code=True)", [("003", "high")]),
        ("kw = {'trust_remote_code': True}\nAutoModel.from_pretrained(unknown, **kw)", [("003", "high")]),
        ("Embed(model_kwargs={'trust_remote_code': True})", [("003", "high")]),
        ("other.build(x, trust_remote_code=True)", [("003", "high")]),
        ("CONFIG = {'trust_remote_code': True}", [("003", "medium")]),
        ("config.trust_remote_code = True", [("003", "medium")]),
        (
            (
                "def f(n, trust_remote_code=False):\n"
                "    AutoModel.from_pretrained(n, trust_remote_code=trust_remote_code)\n"
                "f(x, trust_remote_code=True)"
            ),
            [("003", "high")],
        ),
        ("AutoModel.from_pretrained(unknown, trust_remote_code=False)", []),
        ("describe(trust_remote_code='Whether to run code of the repository')", []),
        ("AutoModel.from_pretrained(unknown, trust_remote_code=args.trust)", []),
        (f"load_dataset('o/d', trust_remote_code=True, {PIN})", [("009", "high")]),
        ("load_dataset('./script.py')", [("009", "medium")]),
    ],
)
def test_code_and_bytes_from_the_hub(source: str, expected: list[tuple[str, str]]) -> None:
    assert found(HF + source) == expected


def test_the_fix_is_the_call_with_a_commit_to_fill_in() -> None:
    said = finding(HF + "m = AutoModel.from_pretrained('o/n', device_map='auto', revision='main')")
    assert said.fix == 'AutoModel.from_pretrained("o/n", device_map="auto", revision="<commit sha>")'
    assert said.subject == "hf:o/n"


def test_python_names_are_compared_as_python_does() -> None:
    assert found(code.fullwidth_source()) == [("001", "high")]
    said = read(notebook.INSPECTOR, "x.ipynb", code.escaped_notebook())
    assert [f.severity for f in said.findings] == [Severity.HIGH]
    assert (said.findings[0].location.cell, said.findings[0].location.line) == (1, 2)


def test_names_that_run_code_on_torchs_list_of_safe_globals() -> None:
    said = read(
        python.INSPECTOR,
        "a.py",
        "import os, torch\n"
        "from os import system as s\n"
        "from mine import Encoder\n"
        "torch.serialization.add_safe_globals([os.system])\n"
        "with torch.serialization.safe_globals([Encoder, (s, 'x.y'), eval]):\n"
        "    torch.load('m.pt', weights_only=True)\n"
        "torch.serialization.add_safe_globals([Encoder, set])\n",
    )
    told = [f.location.line for f in said.findings if f.rule.id == "MLG-COD-013"]
    assert told == [4, 5, 5]
