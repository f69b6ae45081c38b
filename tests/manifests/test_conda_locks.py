"""conda-lock.yml, explicit lists and pixi.lock in all their versions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.manifests import conda_explicit, conda_lock, pixi_lock, requirements
from mlgate.records import Inspector, Relation
from tests.reading import artifact, read

SHA = "e" * 64
COMMIT = "0123456789abcdef0123456789abcdef01234567"
FORGE = "https://conda.anaconda.org/conda-forge"

LOCK = f"""version: 1
metadata:
  channels:
  - url: conda-forge
package:
- name: numpy
  version: 1.26.0
  manager: conda
  platform: linux-64
  dependencies:
    libgcc-ng: '>=12'
    __glibc: '>=2.17'
  url: {FORGE}/linux-64/numpy-1.26.0-py311h64a7726_0.conda
  hash:
    md5: {"1" * 32}
    sha256: {SHA}
  category: main
  optional: false
- name: numpy
  version: 1.26.0
  manager: conda
  platform: osx-64
  dependencies: {{}}
  url: {FORGE}/osx-64/numpy-1.26.0-py311hc43a94b_0.conda
  hash:
    sha256: {"f" * 64}
  category: main
  optional: false
- name: libgcc-ng
  version: 13.2.0
  manager: conda
  platform: linux-64
  dependencies: {{}}
  url: {FORGE}/linux-64/libgcc-ng-13.2.0-h807b86a_3.conda
  hash:
    sha256: {SHA}
  category: dev
  optional: true
- name: Torch
  version: 2.0.0
  manager: pip
  platform: linux-64
  dependencies:
    sympy: '*'
  url: https://files.pythonhosted.org/packages/aa/bb/torch-2.0.0-py3-none-any.whl
  hash:
    sha256: {SHA}
  category: main
  optional: false
"""


def test_conda_lock_joins_the_files_of_a_package() -> None:
    said = read(conda_lock.INSPECTOR, "conda-lock.yml", LOCK)
    assert said.stopped is None
    assert [c.purl for c in said.components] == [
        "pkg:conda/numpy@1.26.0?channel=conda-forge",
        "pkg:conda/libgcc-ng@13.2.0?build=h807b86a_3&channel=conda-forge&subdir=linux-64&type=conda",
        "pkg:pypi/torch@2.0.0",
    ]
    numpy = said.one("numpy")
    assert [(h.algorithm, h.value[0]) for h in numpy.hashes] == [("MD5", "1"), ("SHA-256", "e"), ("SHA-256", "f")]
    assert ("package:build", "linux-64/py311h64a7726_0") in numpy.properties
    facts = {c.name: (c.package.direct, c.package.scope, c.package.index) for c in said.components if c.package}
    assert facts == {
        "numpy": (True, "runtime", "conda-forge"),
        "libgcc-ng": (False, "optional", "conda-forge"),
        "torch": (True, "runtime", "https://pypi.org/simple"),
    }
    assert numpy.occurrences[0].location.line == 6
    assert said.relations == (
        Relation(source="pkg:conda/numpy", target="pkg:conda/libgcc-ng"),
        Relation(source="pkg:pypi/torch", target="pkg:pypi/sympy"),
    )
    assert said.rules == ["MLG-DEP-021"]


PIXI_6 = f"""version: 6
environments:
  default:
    channels:
    - url: {FORGE}/
    packages:
      linux-64:
      - conda: {FORGE}/linux-64/python-3.12.13-hd63d673_0_cpython.conda
      - pypi: https://files.pythonhosted.org/packages/22/30/certifi-2026.4.22-py3-none-any.whl
      - pypi: ./
  docs:
    packages:
      linux-64:
      - conda: {FORGE}/noarch/sphinx-8.0-pyhd8ed1ab_0.conda
packages:
- conda: {FORGE}/linux-64/python-3.12.13-hd63d673_0_cpython.conda
  sha256: {SHA}
  md5: {"2" * 32}
  depends:
  - __glibc >=2.17,<3.0.a0
  - bzip2 >=1.0.8,<2.0a0
  license: Python-2.0
  size: 31608571
- conda: {FORGE}/noarch/sphinx-8.0-pyhd8ed1ab_0.conda
  sha256: {SHA}
- pypi: https://files.pythonhosted.org/packages/22/30/certifi-2026.4.22-py3-none-any.whl
  name: certifi
  version: 2026.4.22
  sha256: {SHA}
  requires_dist:
  - idna>=2 ; python_version < '3'
  - pytest ; extra == 'test'
- pypi: git+https://git@github.com/a/b?rev=main#{COMMIT}
  name: b
  version: '1'
- pypi: ./
  name: demo
  version: 0.1.0
  editable: true
"""

PIXI_5 = f"""version: 5
environments:
  default:
    packages:
      linux-64:
      - conda: {FORGE}/linux-64/python-3.12.13-hd63d673_0_cpython.conda
      - pypi: https://download.test/certifi-2026.4.22-py3-none-any.whl
packages:
- kind: conda
  name: python
  version: 3.12.13
  build: hd63d673_0_cpython
  subdir: linux-64
  url: {FORGE}/linux-64/python-3.12.13-hd63d673_0_cpython.conda
  sha256: {SHA}
  depends:
  - bzip2 >=1.0.8,<2.0a0
- kind: pypi
  name: certifi
  version: 2026.4.22
  url: https://download.test/certifi-2026.4.22-py3-none-any.whl
  sha256: {SHA}
"""


def test_pixi_lock_6() -> None:
    said = read(pixi_lock.INSPECTOR, "pixi.lock", PIXI_6)
    assert said.stopped is None
    found = {c.name: (c.version, c.package.scope, c.package.group) for c in said.components if c.package}
    assert found == {
        "python": ("3.12.13", "runtime", ""),
        "sphinx": ("8.0", "optional", "docs"),
        "certifi": ("2026.4.22", "runtime", ""),
        "b": (COMMIT, "runtime", ""),
        "demo": ("0.1.0", "runtime", ""),
    }
    python = said.one("python")
    assert python.purl == (
        "pkg:conda/python@3.12.13?build=hd63d673_0_cpython&channel=conda-forge&subdir=linux-64&type=conda"
    )
    assert python.licenses == ("Python-2.0",)
    assert python.occurrences[0].location.line == 16
    assert set(said.relations) == {
        Relation(source="pkg:conda/python", target="pkg:conda/bzip2"),
        Relation(source="pkg:pypi/certifi", target="pkg:pypi/idna"),
    }
    assert said.rules == ["MLG-DEP-021"]


def test_pixi_lock_5_and_3() -> None:
    said = read(pixi_lock.INSPECTOR, "pixi.lock", PIXI_5)
    assert {(c.name, c.version) for c in said.components} == {("python", "3.12.13"), ("certifi", "2026.4.22")}
    assert said.one("certifi").package.index == "https://download.test"  # type: ignore[union-attr]
    old = read(pixi_lock.INSPECTOR, "pixi.lock", LOCK.replace("version: 1\n", "version: 3\n"))
    assert len(old.components) == 3


def test_explicit_lists() -> None:
    text = f"# platform: linux-64\n@EXPLICIT\n{FORGE}/linux-64/zlib-1.3.1-h4ab18f5_1.conda#{'3' * 32}\n"
    text += f"# pip torch @ https://f.test/torch-2.0.0-py3-none-any.whl --hash=sha256:{SHA}\n"
    assert conda_explicit.INSPECTOR.claims(artifact("conda-linux-64.lock", text.encode()))
    assert not conda_explicit.INSPECTOR.claims(artifact("notes.txt", b"the @EXPLICIT mark"))
    said = read(conda_explicit.INSPECTOR, "conda-linux-64.lock", text)
    assert said.one("zlib").hashes[0].algorithm == "MD5"
    assert said.one("torch").hashes[0].value == SHA
    assert said.stopped is None
    assert read(conda_explicit.INSPECTOR, "x.lock", "@EXPLICIT\nnumpy\n").stopped is not None


def test_lists_of_conda_that_are_called_requirements() -> None:
    text = "# This file may be used to create an environment using:\n# $ conda create --name <env> --file <this file>\n"
    text += "# platform: linux-64\nnumpy=1.26.0=py311h64a7726_0\ntorch=2.0.0=pypi_0\n"
    assert conda_explicit.INSPECTOR.claims(artifact("requirements.txt", text.encode()))
    assert not requirements.INSPECTOR.claims(artifact("requirements.txt", text.encode()))
    for data in (text.encode(), text.replace("\n", "\r\n").encode("utf-16")):
        said = read(conda_explicit.INSPECTOR, "requirements.txt", data)
        assert said.stopped is None
        assert {c.purl for c in said.components} == {
            "pkg:conda/numpy@1.26.0?build=py311h64a7726_0",
            "pkg:pypi/torch@2.0.0",
        }
        assert not requirements.INSPECTOR.claims(artifact("requirements.txt", data))


BROKEN = [
    (conda_lock.INSPECTOR, "version: 1\n"),
    (conda_lock.INSPECTOR, "package:\n- 1\n"),
    (conda_lock.INSPECTOR, "package: " + "[" * 1000),
    (pixi_lock.INSPECTOR, "packages:\n- other: x\n"),
    (pixi_lock.INSPECTOR, "packages:\n- conda: https://h.test/no\n"),
    (pixi_lock.INSPECTOR, ""),
]


@pytest.mark.parametrize(("inspector", "text"), BROKEN, ids=range(len(BROKEN)))
def test_what_cannot_be_read_is_never_clean(inspector: Inspector, text: str) -> None:
    assert read(inspector, "x", text).stopped is not None


KEYS = st.sampled_from(
    ["version", "package", "packages", "name", "conda", "pypi", "kind", "url", "depends", "hash", "x"]
)
VALUES = st.recursive(
    st.none() | st.text(max_size=5) | st.sampled_from(["conda", "pypi", f"{FORGE}/noarch/a-1-0.conda", "a-1.whl"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_any_document_is_read_or_refused(value: object) -> None:
    import json

    for module in (conda_lock, pixi_lock, conda_explicit):
        read(module.INSPECTOR, "x", json.dumps(value))
        read(module.INSPECTOR, "x", json.dumps({"packages": [value], "environments": value}))
        read(module.INSPECTOR, "x", json.dumps({"package": [value]}))
