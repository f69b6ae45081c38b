"""Targets that another file of the repository holds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlgate.records import Resolution
from mlgate.references._exports import exports
from tests.repositories import commit
from tests.test_pipeline import look

LOAD = "from transformers import AutoModel\nAutoModel.from_pretrained({})\n"
COMMIT = "3f49326eb077187dfe1c2a2bb15fbd74e6ab91e3"


def found(tmp_path: Path, files: dict[str, str]) -> list[tuple[str | None, str]]:
    commit(tmp_path, dict(files))
    references = look(tmp_path).inventory.references
    return [(reference.identity, reference.resolution.value) for reference in references]


@pytest.mark.parametrize(
    "files",
    [
        {"a.py": "from config import MODEL\n" + LOAD.format("MODEL"), "config.py": "MODEL = 'a/b'\n"},
        {"a.py": "import config\n" + LOAD.format("config.MODEL"), "config.py": "MODEL: str = 'a/b'  # ours\n"},
        {"p/a.py": "from .config import M as X\n" + LOAD.format("X"), "p/config.py": 'M = "a/b"\n'},
        {"p/q/a.py": "from .. import config\n" + LOAD.format("config.M"), "p/config.py": 'M = "a/b"\n'},
        {"src/p/a.py": "from p.c import M\n" + LOAD.format("M"), "src/p/c.py": "M = 'a/b'\n"},
        {"a.py": "from c import C\n" + LOAD.format("C.model"), "c.py": "class C:\n    model = 'a/b'\n"},
        {
            "a.py": "from app.s import settings\n" + LOAD.format("settings.model"),
            "app/s.py": "class Settings(Base):\n    model: str = 'a/b'\n\n\nsettings = Settings()\n",
        },
        {
            "a.py": "from p import M\n" + LOAD.format("M"),
            "p/__init__.py": "from .inner import (\n    M,\n    other as O,\n)\n",
            "p/inner.py": "M = 'a/b'\n",
        },
        {"a.py": "import config\nname = config.M\n" + LOAD.format("name"), "config.py": "M = 'a/b'\n"},
    ],
)
def test_constants_of_other_modules(tmp_path: Path, files: dict[str, str]) -> None:
    assert found(tmp_path, files) == [("hf:a/b", "constant")]


@pytest.mark.parametrize(
    "files",
    [
        {"a.py": "from config import MODEL\n" + LOAD.format("MODEL"), "config.py": "MODEL = 'a/b'\nMODEL = 'c/d'\n"},
        {"a.py": "from config import MODEL\n" + LOAD.format("MODEL"), "config.py": "MODEL = pick('a/b')\n"},
        {"a.py": "from config import MODEL\n" + LOAD.format("MODEL"), "x/config.py": "M = 'a/b'\n"},
        {
            "a.py": "from config import MODEL\n" + LOAD.format("MODEL"),
            "x/config.py": "MODEL = 'a/b'\n",
            "y/config.py": "MODEL = 'c/d'\n",
        },
        {"a.py": "from b import M\n" + LOAD.format("M"), "b.py": "from a import M\nN = 'a/b'\n"},
        {"a.py": "from numpy import MODEL\n" + LOAD.format("MODEL"), "config.py": "MODEL = 'a/b'\n"},
    ],
)
def test_what_is_not_certain_stays_unknown(tmp_path: Path, files: dict[str, str]) -> None:
    assert found(tmp_path, files) == [(None, "unknown")]


def test_the_revision_at_the_call_counts(tmp_path: Path) -> None:
    code = f"from c import M\nfrom transformers import AutoModel\nAutoModel.from_pretrained(M, revision='{COMMIT}')\n"
    commit(tmp_path, {"a.py": code, "c.py": "M = 'a/b'\n"})
    (reference,) = look(tmp_path).inventory.references
    assert (reference.pinned, reference.revision, reference.purl) == (True, COMMIT, f"pkg:huggingface/a/b@{COMMIT}")
    assert reference.resolution is Resolution.CONSTANT


def test_hosted_models_and_optional_targets(tmp_path: Path) -> None:
    code = "import openai\nfrom c import LLM\nfrom d import gone\n"
    code += "openai.OpenAI().responses.create(model=LLM)\nopenai.OpenAI().responses.create(model=gone)\n"
    assert found(tmp_path, {"a.py": code, "c.py": "LLM = 'gpt-4o'\n"}) == [
        ("api:openai:gpt-4o", "constant"),
        (None, "unknown"),
    ]


def test_only_what_a_loader_could_be_given_is_exported() -> None:
    text = "MODEL = 'a/b'\nENCODING = 'utf-8'\nMODE = 'rb'\nTITLE = 'two words'\nMODEL_ID = 'bert-base'\nx = 1\n"
    said = exports(text, "c.py")
    assert said
    assert dict(said.constants) == {"MODEL": "a/b", "MODEL_ID": "bert-base"}
    assert exports("x = 1\n", "c.py") is None
    large = "".join(f"MODEL_{number} = 'a/b{number}'\n" for number in range(100_000))
    assert len((exports(large, "c.py") or said).constants) == 300


HYDRA = """import hydra
from transformers import AutoModel

@hydra.main(config_path="conf", config_name="c")
def main(cfg):
    AutoModel.from_pretrained(cfg.model.name)
"""
YAML = "model:\n  name: a/b\n  other: [c/d]\n"


@pytest.mark.parametrize(
    ("code", "files"),
    [
        ("import yaml\ncfg = yaml.safe_load(open('conf/c.yaml'))\n" + LOAD.format("cfg['model']['name']"), {}),
        (
            "import yaml\nwith open('conf/c.yaml') as f:\n    cfg = yaml.safe_load(f)\n"
            + LOAD.format("cfg['model']['name']"),
            {},
        ),
        (
            "import yaml\nfrom pathlib import Path as P\ncfg = yaml.safe_load(P('conf/c.yaml').read_text())\n"
            + LOAD.format("cfg['model'].get('name')"),
            {},
        ),
        ("from omegaconf import OmegaConf\ncfg = OmegaConf.load('conf/c.yaml')\n" + LOAD.format("cfg.model.name"), {}),
        (
            HYDRA,
            {},
        ),
        (
            "import json\ncfg = json.load(open('c.json'))\n" + LOAD.format("cfg['model']"),
            {"c.json": '{"model": "a/b"}'},
        ),
        (
            "import tomllib\ncfg = tomllib.load(open('c.toml', 'rb'))\n" + LOAD.format("cfg['m']"),
            {"c.toml": "m = 'a/b'\n"},
        ),
    ],
)
def test_values_of_configuration_files(tmp_path: Path, code: str, files: dict[str, str]) -> None:
    assert found(tmp_path, {"a.py": code, "conf/c.yaml": YAML, **files}) == [("hf:a/b", "config")]


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"conf/c.yaml": "model: ["},
        {"conf/c.yaml": "model:\n  name: ${oc.env:MODEL}\n"},
        {"conf/c.yaml": "model:\n  other: a/b\n"},
    ],
)
def test_configurations_that_do_not_tell_stay_unknown_and_block_nothing(tmp_path: Path, files: dict[str, str]) -> None:
    code = "import yaml\ncfg = yaml.safe_load(open('conf/c.yaml'))\n" + LOAD.format("cfg['model']['name']")
    commit(tmp_path, {"a.py": code, **files})
    inventory = look(tmp_path).inventory
    assert [reference.identity for reference in inventory.references] == [None]
    assert inventory.findings == ()


@pytest.mark.parametrize(
    ("call", "told"),
    [
        ("AutoModel.from_pretrained(MODEL)", [("medium", "no revision")]),
        ("AutoModel.from_pretrained(MODEL, revision='main')", [("medium", "'main' as revision")]),
        ("AutoModel.from_pretrained(MODEL, revision=sys.argv[1])", [("low", "computed at run time")]),
        (f"AutoModel.from_pretrained(MODEL, revision='{COMMIT}')", []),
        ("load_dataset(MODEL)", [("low", "no revision")]),
        ("joblib.load(MODEL)", []),
    ],
)
def test_a_target_of_another_file_is_asked_for_its_revision(
    call: str, told: list[tuple[str, str]], tmp_path: Path
) -> None:
    head = "import joblib, sys\nfrom datasets import load_dataset\nfrom transformers import AutoModel\n"
    commit(tmp_path, {"a.py": f"{head}from c import MODEL\n{call}\n", "c.py": "MODEL = 'a/b'\n"})
    findings = [f for f in look(tmp_path).inventory.findings if f.rule.id == "MLG-COD-004"]
    assert [(f.severity.value, f.location.path, f.subject.rpartition(":")[2]) for f in findings] == [
        (severity, "a.py", "a/b") for severity, _ in told
    ]
    assert all(words in f.message for f, (_, words) in zip(findings, told, strict=True))


@pytest.mark.parametrize("revision", [COMMIT, "v2"])
def test_a_revision_beside_the_name_in_a_configuration(tmp_path: Path, revision: str) -> None:
    files = {
        "a.py": "import json\nfrom transformers import AutoModel\ncfg = json.load(open('c.json'))['m']\n"
        "AutoModel.from_pretrained(cfg['name'], revision=cfg['revision'])\n",
        "c.json": json.dumps({"m": {"name": "a/b", "revision": revision}}),
    }
    commit(tmp_path, dict(files))
    inventory = look(tmp_path).inventory
    (reference,) = inventory.references
    assert (reference.identity, reference.revision, reference.pinned) == ("hf:a/b", revision, revision == COMMIT)
    assert [f.rule.id for f in inventory.findings] == ([] if revision == COMMIT else ["MLG-COD-004"])


def test_a_revision_of_another_module(tmp_path: Path) -> None:
    commit(
        tmp_path,
        {
            "a.py": "from c import MODEL, REV\n" + LOAD.format("MODEL, revision=REV"),
            "c.py": f"MODEL = 'a/b'\nREV = '{COMMIT}'\n",
        },
    )
    (reference,) = look(tmp_path).inventory.references
    assert (reference.revision, reference.pinned) == (COMMIT, True)
