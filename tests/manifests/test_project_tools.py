"""The tables of poetry, uv, pdm, hatch, pixi and others in pyproject.toml, and pixi.toml."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mlgate.manifests import pixi_toml, pyproject
from tests.reading import Said, read

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def facts(said: Said, *names: str) -> set[tuple[Any, ...]]:
    """Name, version and these facts of each component."""
    return {(c.name, c.version, *(getattr(c.package, name) for name in names)) for c in said.components}


def test_poetry() -> None:
    said = read(
        pyproject.INSPECTOR,
        "pyproject.toml",
        f"""[tool.poetry]
name = "demo"
[tool.poetry.dependencies]
python = "^3.11"
torch = {{ version = "2.0.0", source = "pytorch" }}
numpy = "^1.26"
any = "*"
extra = {{ version = ">=1", optional = true }}
fork = {{ git = "https://github.com/a/fork.git", branch = "main" }}
fixed = {{ git = "https://github.com/a/fixed.git", rev = "{COMMIT}" }}
near = {{ path = "../near", develop = true }}
wheel = {{ url = "https://f.test/wheel-1.0-py3-none-any.whl" }}
many = [
  {{ version = "<2", python = "<3.12" }},
  {{ version = ">=2", python = ">=3.12" }},
]
[tool.poetry.dev-dependencies]
black = "23.1"
[tool.poetry.group.docs.dependencies]
mkdocs = "==1.6"
[tool.poetry.extras]
more = ["extra"]
[[tool.poetry.source]]
name = "pytorch"
url = "https://download.pytorch.org/whl/cu118"
priority = "explicit"
[[tool.poetry.source]]
name = "own"
url = "http://own.test/simple"
priority = "supplemental"
""",
    )
    assert said.stopped is None
    assert facts(said, "scope", "group", "origin", "specifier", "index") == {
        ("torch", "2.0.0", "runtime", "", "registry", "2.0.0", "https://download.pytorch.org/whl/cu118"),
        ("numpy", None, "runtime", "", "registry", "^1.26", ""),
        ("any", None, "runtime", "", "registry", "", ""),
        ("extra", None, "optional", "more", "registry", ">=1", ""),
        ("fork", None, "runtime", "", "vcs", "", ""),
        ("fixed", COMMIT, "runtime", "", "vcs", "", ""),
        ("near", None, "runtime", "", "path", "", ""),
        ("wheel", None, "runtime", "", "url", "", ""),
        ("many", None, "runtime", "", "registry", "<2", ""),
        ("many", None, "runtime", "", "registry", ">=2", ""),
        ("black", "23.1", "dev", "dev", "registry", "23.1", ""),
        ("mkdocs", "1.6", "dev", "docs", "registry", "==1.6", ""),
    }
    assert said.one("numpy").occurrences[0].location.line == 6
    told = sorted((f.rule.id, f.location.line) for f in said.findings)
    assert told == [("MLG-DEP-010", 29), ("MLG-DEP-013", 9), ("MLG-DEP-014", 29), ("MLG-DEP-015", 12)]


def test_uv() -> None:
    said = read(
        pyproject.INSPECTOR,
        "pyproject.toml",
        f"""[project]
dependencies = ["torch==2.0.0", "fork", "member", "plain>=1"]
[tool.uv]
dev-dependencies = ["pytest"]
constraint-dependencies = ["low<2"]
override-dependencies = ["high==3"]
allow-insecure-host = ["a.test"]
[tool.uv.sources]
torch = [
  {{ index = "cu", marker = "sys_platform == 'linux'" }},
  {{ index = "cpu", marker = "sys_platform != 'linux'" }},
]
fork = {{ git = "https://github.com/a/fork", rev = "{COMMIT}" }}
member = {{ workspace = true }}
[[tool.uv.index]]
name = "cu"
url = "https://download.pytorch.org/whl/cu118"
explicit = true
[[tool.uv.index]]
name = "cpu"
url = "https://download.pytorch.org/whl/cpu"
explicit = true
[[tool.uv.index]]
name = "main"
url = "https://own.test/simple"
default = true
""",
    )
    assert said.stopped is None
    assert facts(said, "scope", "origin", "index", "marker") == {
        ("torch", "2.0.0", "runtime", "registry", "https://download.pytorch.org/whl/cu118", "sys_platform == 'linux'"),
        ("torch", "2.0.0", "runtime", "registry", "https://download.pytorch.org/whl/cpu", "sys_platform != 'linux'"),
        ("fork", COMMIT, "runtime", "vcs", "", ""),
        ("member", None, "runtime", "path", "", ""),
        ("plain", None, "runtime", "registry", "https://own.test/simple", ""),
        ("pytest", None, "dev", "registry", "https://own.test/simple", ""),
        ("low", None, "constraint", "registry", "https://own.test/simple", ""),
        ("high", "3", "constraint", "registry", "https://own.test/simple", ""),
    }
    assert said.rules == ["MLG-DEP-080", "MLG-DEP-014"]
    text = '[tool.uv]\nindex-strategy = "unsafe-best-match"\nextra-index-url = ["https://own.test/simple"]\n'
    assert read(pyproject.INSPECTOR, "pyproject.toml", text).rules == ["MLG-DEP-010"]
    assert read(pyproject.INSPECTOR, "pyproject.toml", text.replace("unsafe-best-match", "first-index")).rules == []


def test_pdm_hatch_rye_flit_and_setuptools() -> None:
    said = read(
        pyproject.INSPECTOR,
        "pkg/pyproject.toml",
        """[build-system]
requires = ["setuptools>=61"]
build-backend = "setuptools.build_meta"
[project]
dynamic = ["dependencies", "optional-dependencies"]
[tool.setuptools.dynamic]
dependencies = { file = ["requirements.txt"] }
[tool.setuptools.dynamic.optional-dependencies]
dev = { file = "deps/dev.txt" }
[tool.pdm.dev-dependencies]
test = ["pytest==8.0", "-e file:///${PROJECT_ROOT}/sub#egg=sub"]
[tool.pdm.resolution.overrides]
low = "1.0"
[[tool.pdm.source]]
name = "own"
url = "https://own.test/simple"
verify_ssl = false
[tool.hatch.envs.docs]
dependencies = ["mkdocs", "own @ {root:uri}/own"]
extra-dependencies = ["mike"]
[tool.hatch.envs.test.overrides]
matrix.version.dependencies = [{ value = "x", if = ["1"] }]
[tool.hatch.build.hooks.custom]
dependencies = ["hatch-build-scripts"]
[tool.rye]
dev-dependencies = ["ruff"]
[tool.flit.metadata]
requires = ["requests"]
""",
    )
    assert said.stopped is None
    assert facts(said, "scope", "group", "origin") == {
        ("setuptools", None, "build", "", "registry"),
        ("pytest", "8.0", "dev", "test", "registry"),
        ("sub", None, "dev", "test", "path"),
        ("low", "1.0", "constraint", "", "registry"),
        ("mkdocs", None, "dev", "docs", "registry"),
        ("own", None, "dev", "docs", "path"),
        ("mike", None, "dev", "docs", "registry"),
        ("hatch-build-scripts", None, "build", "", "registry"),
        ("ruff", None, "dev", "dev", "registry"),
        ("requests", None, "runtime", "", "registry"),
    }
    assert [i.path for i in said.includes] == ["pkg/requirements.txt", "pkg/deps/dev.txt", "pkg/hatch_build.py"]
    assert sorted(said.rules) == ["MLG-DEP-010", "MLG-DEP-014", "MLG-DEP-018"]


PIXI = f"""[workspace]
channels = ["conda-forge", "http://plain.test/c"]
platforms = ["linux-64"]
[dependencies]
python = "3.11.*"
numpy = "==1.26.0"
pytorch = {{ version = "==2.0.0", build = "py3.10_cuda11.7_0", channel = "pytorch" }}
[host-dependencies]
cmake = ">=3"
[pypi-dependencies]
torchvision = "==0.15.1"
own = {{ path = ".", editable = true }}
fork = {{ git = "https://github.com/a/fork", rev = "{COMMIT}" }}
[feature.gpu.dependencies]
cuda = "*"
[feature.gpu.target.linux-64.pypi-dependencies]
triton = ">=2"
"""


def test_pixi() -> None:
    said = read(pixi_toml.INSPECTOR, "pixi.toml", PIXI)
    assert said.stopped is None
    assert facts(said, "ecosystem", "scope", "group", "marker") == {
        ("python", None, "conda", "runtime", "", ""),
        ("numpy", "1.26.0", "conda", "runtime", "", ""),
        ("pytorch", "2.0.0", "conda", "runtime", "", ""),
        ("cmake", None, "conda", "build", "", ""),
        ("torchvision", "0.15.1", "PyPI", "runtime", "", ""),
        ("own", None, "PyPI", "runtime", "", ""),
        ("fork", COMMIT, "PyPI", "runtime", "", ""),
        ("cuda", None, "conda", "optional", "gpu", ""),
        ("triton", None, "PyPI", "optional", "gpu", "linux-64"),
    }
    assert said.one("pytorch").purl == "pkg:conda/pytorch@2.0.0?build=py3.10_cuda11.7_0&channel=pytorch"
    assert said.one("triton").occurrences[0].location.line == 17
    assert sorted(said.rules) == ["MLG-DEP-014", "MLG-DEP-021"]
    inside = "".join(
        f"[tool.pixi.{line[1:]}" if line.startswith("[") else line for line in PIXI.splitlines(keepends=True)
    )
    again = read(pyproject.INSPECTOR, "pyproject.toml", inside)
    assert {c.purl for c in again.components} == {c.purl for c in said.components}
    assert {c.occurrences[0].location.line for c in again.components} == {5, 6, 7, 9, 11, 12, 13, 15, 17}


WORDS = [
    "tool",
    "project",
    "dependencies",
    "poetry",
    "uv",
    "pdm",
    "hatch",
    "envs",
    "pixi",
    "group",
    "source",
    "sources",
]
WORDS += ["index", "overrides", "dev-dependencies", "feature", "target", "version", "git", "x", "file", "dynamic"]
VALUES = st.recursive(
    st.booleans() | st.integers(0, 9) | st.sampled_from(["a==1", "*", "^1", "https://h.test/a", "-e x", "{root}"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4),
    max_leaves=15,
)


def toml(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return f'"{value}"' if isinstance(value, str) else str(value).lower()


@given(st.sampled_from(WORDS), VALUES, VALUES)
def test_any_tables_are_read_or_refused(tool: str, value: object, other: object) -> None:
    text = f"tool = {{{tool} = {toml(value)}}}\nproject = {toml(other)}\n"
    read(pyproject.INSPECTOR, "pyproject.toml", text)
    read(pixi_toml.INSPECTOR, "pixi.toml", f"{tool} = {toml(value)}\n")
