"""Pipenv's and PDM's files, and the lines of requirements files."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from mlgate.manifests import pdm_lock, pipfile, pipfile_lock, requirements
from mlgate.records import Relation
from tests.reading import read

SHA = "d" * 64
COMMIT = "0123456789abcdef0123456789abcdef01234567"

PIPFILE = f"""[[source]]
url = "http://mirror.test/simple"
verify_ssl = false
name = "mirror"

[[source]]
url = "https://user:secret@own.test/simple"
verify_ssl = false
name = "own"

[packages]
torch = "==2.0.0"
"Foo.bar" = {{version = ">=1,<2", extras = ["x"], markers = "python_version < '3.12'", index = "own"}}
anything = "*"
fork = {{git = "https://github.com/a/fork.git", ref = "main"}}
fixed = {{git = "https://github.com/a/fixed.git", ref = "{COMMIT}"}}
wheel = {{file = "https://f.test/wheel-1.0.tar.gz"}}
own = {{path = ".", editable = true}}
win = {{version = "*", sys_platform = "== 'win32'"}}

[dev-packages]
torch = "*"

[docs]
mkdocs = "==1.6"

[requires]
python_version = "3.11"
"""


def test_pipfile() -> None:
    said = read(pipfile.INSPECTOR, "Pipfile", PIPFILE)
    assert said.stopped is None
    found = {
        (c.name, c.version, c.package.scope, c.package.origin, c.package.index, c.occurrences[0].location.line)
        for c in said.components
        if c.package
    }
    assert found == {
        ("torch", "2.0.0", "runtime", "registry", "", 12),
        ("foo-bar", None, "runtime", "registry", "https://own.test/simple", 13),
        ("anything", None, "runtime", "registry", "", 14),
        ("fork", None, "runtime", "vcs", "", 15),
        ("fixed", COMMIT, "runtime", "vcs", "", 16),
        ("wheel", None, "runtime", "url", "", 17),
        ("own", None, "runtime", "path", "", 18),
        ("win", None, "runtime", "registry", "", 19),
        ("torch", None, "dev", "registry", "", 22),
        ("mkdocs", "1.6", "optional", "registry", "", 25),
    }
    assert said.one("win").package.marker == "sys_platform == 'win32'"  # type: ignore[union-attr]
    assert sorted(said.rules) == ["MLG-DEP-013", "MLG-DEP-014", "MLG-DEP-014", "MLG-DEP-015"]
    assert "secret" not in repr(said.findings)


def test_pipfile_lock() -> None:
    body = {
        "_meta": {"sources": [{"name": "pypi", "url": "https://pypi.org/simple", "verify_ssl": True}]},
        "default": {
            "torch": {"version": "==2.0.0", "hashes": [f"sha256:{SHA}"], "index": "pypi"},
            "sympy": {"version": "==1.12", "markers": "python_version >= '3.8'"},
            "fork": {"git": "https://github.com/a/fork.git", "ref": COMMIT},
        },
        "develop": {"pytest": {"version": "==8.0"}},
    }
    said = read(pipfile_lock.INSPECTOR, "Pipfile.lock", json.dumps(body, indent=4))
    found = {(c.purl, c.package.scope, c.package.direct) for c in said.components if c.package}
    assert found == {
        ("pkg:pypi/torch@2.0.0", "runtime", True),
        ("pkg:pypi/sympy@1.12", "runtime", False),
        (f"pkg:pypi/fork@{COMMIT}?vcs_url=git%2Bhttps://github.com/a/fork.git", "runtime", True),
        ("pkg:pypi/pytest@8.0", "dev", False),
    }
    assert said.one("torch").hashes[0].value == SHA
    assert said.one("sympy").package.index == "https://pypi.org/simple"  # type: ignore[union-attr]
    assert said.one("pytest").occurrences[0].location.line == 29
    assert said.rules == []


def test_pdm_lock_of_two_generations() -> None:
    new = f"""[metadata]
groups = ["default", "test"]
lock_version = "4.5.0"
[[package]]
name = "torch"
version = "2.0.0"
groups = ["default"]
marker = "python_version >= '3.11'"
dependencies = ["sympy", "Typing_Extensions>=4; python_version < '3.13'"]
files = [{{file = "t.whl", hash = "sha256:{SHA}"}}]
[[package]]
name = "torch"
version = "2.0.0"
extras = ["opt"]
groups = ["default"]
dependencies = ["torch==2.0.0"]
[[package]]
name = "sympy"
version = "1.12"
groups = ["default", "test"]
[[package]]
name = "pytest"
version = "8.0"
groups = ["test"]
git = "https://github.com/pytest-dev/pytest"
ref = "main"
revision = "{COMMIT}"
"""
    said = read(pdm_lock.INSPECTOR, "pdm.lock", new)
    found = {
        (c.name, c.version, c.package.scope, c.package.group, c.package.direct) for c in said.components if c.package
    }
    assert found == {
        ("torch", "2.0.0", "runtime", "", True),
        ("sympy", "1.12", "runtime", "", False),
        ("pytest", "8.0", "optional", "test", True),
    }
    assert said.components[0].hashes[0].value == SHA
    assert Relation(source="pkg:pypi/torch", target="pkg:pypi/typing-extensions") in said.relations
    assert said.rules == []
    old = f'[[package]]\nname = "a"\nversion = "1"\n[metadata.files]\n"a 1" = [{{file = "a", hash = "sha256:{SHA}"}}]\n'
    assert read(pdm_lock.INSPECTOR, "pdm.lock", old).one("a").hashes[0].value == SHA


def test_what_a_path_installs_is_told() -> None:
    said = read(
        requirements.INSPECTOR, "a/requirements.txt", "-e .\n./wheels/x.whl\n-e ../../other\n/opt/x\nfile:../b\n"
    )
    assert [(f.rule.id, f.location.line) for f in said.findings] == [
        ("MLG-DEP-016", 3),
        ("MLG-DEP-016", 4),
        ("MLG-DEP-022", 1),
    ]
    assert said.components == () or [c.package.origin for c in said.components if c.package] == ["path"]


def test_an_index_without_a_choice_is_the_packages_own() -> None:
    said = read(requirements.INSPECTOR, "requirements.txt", "--index-url https://u:p@own.test/simple\nx==1\n")
    assert said.one("x").package.index == "https://own.test/simple"  # type: ignore[union-attr]
    said = read(
        requirements.INSPECTOR, "requirements.txt", "-i https://a.test\n--extra-index-url https://b.test\nx==1\n"
    )
    assert said.one("x").package.index == ""  # type: ignore[union-attr]


VALUES = st.recursive(
    st.none() | st.booleans() | st.text(max_size=5) | st.sampled_from(["==1.0", "*", "https://h.test/a", "sha256:00"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["_meta", "sources", "default", "name", "version", "git", "ref", "url", "hashes", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(VALUES)
def test_any_json_under_pipenvs_name_is_read_or_refused(value: object) -> None:
    read(pipfile_lock.INSPECTOR, "Pipfile.lock", json.dumps(value))


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for module in (pipfile, pipfile_lock, pdm_lock):
        read(module.INSPECTOR, "x", data)
        read(module.INSPECTOR, "x", b"[packages]\na = " + data)
