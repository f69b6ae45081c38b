"""Names that the policy calls internal: where a public index could answer, and where it cannot."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlgate.records import Action
from tests.test_pipeline import look

POLICY = 'version: 1\ndependencies: {internal-names: ["mycorp-*", "@mycorp/*"], unpinned: note}\n'
HASH = f"--hash=sha256:{'a' * 64}"
INDEX = "https://nexus.mycorp.example/simple"
PROJECT = '[project]\nname = "x"\nversion = "1"\ndependencies = ["mycorp-ml"]\n'
UV = f'{PROJECT}[[tool.uv.index]]\nname = "corp"\nurl = "{INDEX}"\n'
POETRY = (
    '[tool.poetry.dependencies]\nmycorp-ml = {version = "1.0", source = "corp"}\n'
    f'[[tool.poetry.source]]\nname = "corp"\nurl = "{INDEX}"\npriority = "explicit"\n'
)
LOCK = (
    'version = 1\n[[package]]\nname = "mycorp-ml"\nversion = "1.0"\nsource = {{ registry = "{index}" }}\n'
    f'sdist = {{{{ url = "https://x.example/mycorp_ml-1.0.tar.gz", hash = "sha256:{"b" * 64}" }}}}\n'
)
OPEN = {
    "a requirement": {"requirements.txt": "MyCorp_ML==1.0\nnumpy\n"},
    "PyPI by name": {"requirements.txt": "--index-url https://pypi.org/simple\nmycorp-ml==1.0\n"},
    "a mirror of PyPI": {"requirements.txt": "-i https://pypi.tuna.tsinghua.edu.cn/simple\nmycorp-ml==1.0\n"},
    "a second index": {"requirements.txt": f"--extra-index-url {INDEX}\nmycorp-ml==1.0\n"},
    "a project": {"pyproject.toml": '[project]\nname = "x"\nversion = "1"\ndependencies = ["mycorp-ml>=1"]\n'},
    "an index for others": {"pyproject.toml": UV + "explicit = true\n"},
    "setup.py": {"setup.py": 'from setuptools import setup\nsetup(install_requires=["mycorp-ml"])\n'},
    "npm": {"package.json": '{"dependencies": {"@mycorp/ui": "1.0.0"}}'},
    "a lock elsewhere": {
        "a/pyproject.toml": PROJECT,
        "b/uv.lock": LOCK.format(index=INDEX),
    },
}
CLOSED = {
    "a hash": {"requirements.txt": f"mycorp-ml==1.0 {HASH}\n"},
    "one index": {"requirements.txt": f"--index-url {INDEX}\nmycorp-ml==1.0\n"},
    "an address": {"requirements.txt": f"mycorp-ml @ https://x.example/mycorp_ml-1.0.whl#sha256={'a' * 64}\n"},
    "a folder": {"requirements.txt": "-e ./mycorp-ml\n"},
    "uv's source": {"pyproject.toml": UV + 'explicit = true\n[tool.uv.sources]\nmycorp-ml = {index = "corp"}\n'},
    "uv's workspace": {"pyproject.toml": UV + "[tool.uv.sources]\nmycorp-ml = {workspace = true}\n"},
    "uv's default": {"pyproject.toml": UV + "default = true\n"},
    "poetry's source": {"pyproject.toml": POETRY},
    "a lock": {
        "pyproject.toml": PROJECT,
        "uv.lock": LOCK.format(index="https://pypi.org/simple"),
    },
    "another name": {"requirements.txt": "mycorp==1.0\nxmycorp-ml==1.0\n"},
}


def told(root: Path, files: dict[str, str], policy: str = POLICY) -> list[tuple[str, str, Action]]:
    for name, text in {**files, ".mlgate.yml": policy}.items():
        place = root / name
        place.parent.mkdir(exist_ok=True)
        place.write_text(text)
    found = [d for d in look(root).verdict.decisions if d.finding.rule.id == "MLG-DEP-071"]
    return [(d.finding.subject, d.finding.location.path, d.action) for d in found]


@pytest.mark.parametrize("files", OPEN.values(), ids=OPEN)
def test_what_a_public_index_could_provide_is_told_once(tmp_path: Path, files: dict[str, str]) -> None:
    ((name, path, action),) = told(tmp_path, files)
    assert name in {"pkg:pypi/mycorp-ml", "pkg:npm/%40mycorp/ui"}
    assert (path, action) == (next(iter(files)), Action.BLOCK)


@pytest.mark.parametrize("files", CLOSED.values(), ids=CLOSED)
def test_an_index_or_a_hash_of_its_own_keeps_a_package(tmp_path: Path, files: dict[str, str]) -> None:
    assert told(tmp_path, files) == []


def test_one_finding_a_name_and_the_policy_decides(tmp_path: Path) -> None:
    files = {"requirements.txt": "mycorp-ml==1.0\nmycorp-ml>=1\n", "dev-requirements.txt": "mycorp-ml==2\n"}
    policy = POLICY.replace("unpinned", "internal-from-public: warn, unpinned")
    assert [action for _, _, action in told(tmp_path, files, policy)] == [Action.WARN]
    assert told(tmp_path, files, "version: 1\n") == []
