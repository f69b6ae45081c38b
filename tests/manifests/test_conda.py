"""Conda's environment files, its lockfiles and pixi's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.advisories.lookup import AdvisorySource, lookup
from mlgate.manifests import conda_environment
from mlgate.manifests._conda import spec
from tests.reading import artifact, read

ENVIRONMENT = """name: demo
channels:
  - pytorch
  - https://user:secret@repo.test/own
  - http://plain.test/c
dependencies:
  - python=3.10.*  # the usual
  - pytorch::pytorch=2.0.0=py3.10_cuda11.7_cudnn8.5.0_0
  - numpy==1.26.0
  - scipy=1.11
  - pandas >=2, <3
  - "xarray[version='2024.1.0', channel=conda-forge]"
  - https://conda.anaconda.org/conda-forge/linux-64/zlib-1.3.1-h4ab18f5_1.conda
  - pip
  - pip:
      - --extra-index-url https://download.pytorch.org/whl/cu118
      - torchvision==0.15.1
      - -r more.txt
      - git+https://github.com/a/b.git@main#egg=b
variables:
  X: 1
"""


def test_an_environment_is_read_with_its_pip_list() -> None:
    said = read(conda_environment.INSPECTOR, "a/environment.yml", ENVIRONMENT)
    assert said.stopped is None
    conda = {
        c.name: (c.version, c.occurrences[0].location.line)
        for c in said.components
        if c.identity.startswith("pkg:conda")
    }
    assert conda == {
        "python": (None, 7),
        "pytorch": ("2.0.0", 8),
        "numpy": ("1.26.0", 9),
        "scipy": (None, 10),
        "pandas": (None, 11),
        "xarray": ("2024.1.0", 12),
        "zlib": ("1.3.1", 13),
        "pip": (None, 14),
    }
    assert said.one("pytorch").purl == "pkg:conda/pytorch@2.0.0?build=py3.10_cuda11.7_cudnn8.5.0_0&channel=pytorch"
    assert (
        said.one("zlib").purl == "pkg:conda/zlib@1.3.1?build=h4ab18f5_1&channel=conda-forge&subdir=linux-64&type=conda"
    )
    assert ("package:channel", "pytorch") in said.one("numpy").properties
    assert said.one("torchvision").occurrences[0].location.line == 17
    assert [i.path for i in said.includes] == ["a/more.txt"]
    assert "secret" not in repr((said.findings, said.components))
    told = [(f.rule.id, f.location.line) for f in said.findings if f.rule.id not in {"MLG-DEP-011", "MLG-DEP-012"}]
    assert sorted(told) == [("MLG-DEP-010", 16), ("MLG-DEP-013", 19), ("MLG-DEP-014", 5), ("MLG-DEP-021", 7)]


@pytest.mark.parametrize(
    ("text", "specifier", "version", "build"),
    [
        ("a", "", None, ""),
        ("a=1.2", "=1.2", None, ""),
        ("a==1.2", "==1.2", "1.2", ""),
        ("a=1.2=b_0", "==1.2", "1.2", "b_0"),
        ("a==1.2=b_0", "==1.2", "1.2", "b_0"),
        ("a 1.2 b_0", "==1.2", "1.2", "b_0"),
        ("a 1.2.*", "1.2.*", None, ""),
        ("a>=1, <2", ">=1,<2", None, ""),
        ("a = 1.2", "=1.2", None, ""),
        ("a ~=1.2", "~=1.2", None, ""),
        ("a=1.2=*cuda*", "==1.2", "1.2", "*cuda*"),
        ("a 1.2|1.3", "1.2|1.3", None, ""),
        ("a[version='>=1,<2']", ">=1,<2", None, ""),
        ("_openmp_mutex=4.5", "=4.5", None, ""),
    ],
)
def test_specifications(text: str, specifier: str, version: str | None, build: str) -> None:
    found = spec(text)
    assert found is not None
    assert (found.specifier, found.version, found.build) == (specifier, version, build)


@pytest.mark.parametrize("text", ["", "{{ x }}", "-e .", "a b]c[", "@EXPLICIT", "https://h.test/no-file"])
def test_no_specifications(text: str) -> None:
    assert spec(text) is None


def test_what_is_no_package_is_told_after_the_others() -> None:
    said = read(
        conda_environment.INSPECTOR, "environment.yml", "dependencies:\n  - a\n  - {{ x }}\n  - npm: [b]\n  - c\n"
    )
    assert [c.name for c in said.components] == ["a", "c"]
    assert said.stopped is not None


@pytest.mark.parametrize(
    ("path", "head", "claimed"),
    [
        ("environment.yml", b"", True),
        ("docs/environment-gpu.yaml", b"name: x\ndependencies:\n- a\n", True),
        ("model/conda.yaml", b"dependencies:\n- a\n", True),
        ("model/python_env.yaml", b"python: 3.10\nbuild_dependencies:\n- pip\n", True),
        ("envs/qc.yaml", b"dependencies:\n- a\n", True),
        ("docs/env.yaml", b"services: {}\n", False),
        ("chart/Chart.yaml", b"dependencies:\n- name: x\n", False),
    ],
)
def test_names(path: str, head: bytes, claimed: bool) -> None:
    assert conda_environment.INSPECTOR.claims(artifact(path, head)) is claimed


def test_mlflows_python_env() -> None:
    text = (
        "python: 3.10.12\nbuild_dependencies:\n- pip==23.1.2\n- setuptools==67\ndependencies:\n- -r requirements.txt\n"
    )
    said = read(conda_environment.INSPECTOR, "m/python_env.yaml", text)
    assert {(c.name, c.version, c.package.scope) for c in said.components if c.package} == {
        ("pip", "23.1.2", "build"),
        ("setuptools", "67", "build"),
    }
    assert [i.path for i in said.includes] == ["m/requirements.txt"]


def test_no_service_is_asked_about_conda_packages() -> None:
    said = read(conda_environment.INSPECTOR, "environment.yml", "dependencies:\n  - numpy==1.26.0\n")
    advice = lookup(said.components, AdvisorySource())
    assert advice.findings == ()
    assert said.rules == ["MLG-DEP-021"]


@given(st.text(max_size=60))
def test_any_specification_is_read_or_refused(text: str) -> None:
    spec(text)
    spec("a" + text)


@given(st.text(max_size=100) | st.binary(max_size=100).map(lambda b: b.decode("latin-1")))
def test_any_text_is_read_or_refused(text: str) -> None:
    read(conda_environment.INSPECTOR, "environment.yml", "dependencies:\n- " + text)
    read(conda_environment.INSPECTOR, "environment.yml", text)
