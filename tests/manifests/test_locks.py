from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.manifests import package_lock, poetry_lock, pom, pylock, pyproject, unread, uv_lock
from mlgate.records import Inspector, Relation
from tests.reading import artifact, read

SHA = "c" * 64


def test_pyproject_tells_scopes_groups_and_lines() -> None:
    said = read(
        pyproject.INSPECTOR,
        "pyproject.toml",
        """[project]
name = "demo"
dependencies = [
  "torch==2.0.0",
  "numpy>=1.26; python_version < '3.13'",
]
[project.optional-dependencies]
gpu = ["cupy @ git+https://github.com/cupy/cupy@main"]
[dependency-groups]
test = ["pytest", {include-group = "lint"}]
lint = ["ruff==0.14.0"]
[build-system]
requires = ["hatchling"]
""",
    )
    assert said.stopped is None
    found = {(c.name, c.package.scope, c.package.group) for c in said.components if c.package}
    assert found == {
        ("torch", "runtime", ""),
        ("numpy", "runtime", ""),
        ("cupy", "optional", "gpu"),
        ("pytest", "dev", "test"),
        ("ruff", "dev", "test"),
        ("ruff", "dev", "lint"),
        ("hatchling", "build", ""),
    }
    assert said.one("torch").occurrences[0].location.line == 4
    assert said.rules == ["MLG-DEP-013"]


def test_a_group_that_includes_itself_is_not_followed_for_ever() -> None:
    text = '[dependency-groups]\na = ["x==1", {include-group = "b"}]\nb = [{include-group = "a"}]\n'
    said = read(pyproject.INSPECTOR, "pyproject.toml", text)
    assert [c.name for c in said.components] == ["x"]
    assert said.stopped is not None


def test_uv_lock_tells_direct_dev_hashes_edges_and_commits() -> None:
    said = read(
        uv_lock.INSPECTOR,
        "uv.lock",
        f"""version = 1
[[package]]
name = "demo"
version = "0.1"
source = {{ editable = "." }}
dependencies = [{{ name = "torch" }}]
[package.dev-dependencies]
dev = [{{ name = "pytest" }}]

[[package]]
name = "torch"
version = "2.0.0"
source = {{ registry = "https://pypi.org/simple" }}
dependencies = [{{ name = "sympy" }}]
wheels = [{{ url = "https://files.pythonhosted.org/packages/torch-2.0.0-py3-none-any.whl", hash = "sha256:{SHA}" }}]

[[package]]
name = "sympy"
version = "1.12"
source = {{ registry = "https://pypi.org/simple" }}

[[package]]
name = "pytest"
version = "8.0"
source = {{ git = "https://github.com/pytest-dev/pytest?rev=main#0123456789abcdef0123456789abcdef01234567" }}
""",
    )
    facts = {c.name: (c.package.direct, c.package.scope, c.package.origin) for c in said.components if c.package}
    assert facts == {
        "torch": (True, "runtime", "registry"),
        "sympy": (False, "runtime", "registry"),
        "pytest": (True, "dev", "vcs"),
    }
    assert said.one("torch").occurrences[0].location.line == 10
    assert said.one("torch").hashes[0].value == SHA
    assert said.relations == (Relation(source="pkg:pypi/torch", target="pkg:pypi/sympy"),)
    assert said.rules == []


def test_poetry_lock_old_and_new() -> None:
    old = f"""[[package]]
name = "Torch"
version = "2.0.0"
category = "main"
[package.dependencies]
sympy = "*"
[[package]]
name = "black"
version = "23.1"
category = "dev"
[metadata.files]
Torch = [{{file = "t.whl", hash = "sha256:{SHA}"}}]
"""
    new = f"""[[package]]
name = "torch"
version = "2.0.0"
groups = ["main"]
files = [{{file = "t.whl", hash = "sha256:{SHA}"}}]
[package.dependencies]
sympy = "*"
[[package]]
name = "black"
version = "23.1"
groups = ["dev"]
"""
    for text in (old, new):
        said = read(poetry_lock.INSPECTOR, "poetry.lock", text)
        assert [(c.purl, c.package.scope) for c in said.components if c.package] == [
            ("pkg:pypi/torch@2.0.0", "runtime"),
            ("pkg:pypi/black@23.1", "dev"),
        ]
        assert said.one("torch").hashes[0].value == SHA
        assert said.relations == (Relation(source="pkg:pypi/torch", target="pkg:pypi/sympy"),)


def test_pylock() -> None:
    said = read(
        pylock.INSPECTOR,
        "pylock.toml",
        f"""lock-version = "1.0"
[[packages]]
name = "torch"
version = "2.0.0"
index = "https://pypi.org/simple"
wheels = [{{ name = "t.whl", hashes = {{ sha256 = "{SHA}" }} }}]
[[packages]]
name = "tool"
vcs = {{ type = "git", url = "https://h.test/tool", requested-revision = "main" }}
[[packages]]
name = "here"
directory = {{ path = "." }}
""",
    )
    assert [c.name for c in said.components] == ["torch", "tool"]
    assert said.one("torch").hashes[0].value == SHA
    assert said.rules == ["MLG-DEP-013"]


@pytest.mark.parametrize("version", [1, 2, 3])
def test_package_lock_of_every_version(version: int) -> None:
    flat = {
        "": {"dependencies": {"@hf/jinja": "^0.5", "left": "1"}},
        "node_modules/@hf/jinja": {"version": "0.5.1", "license": "MIT", "dependencies": {"left": "1"}},
        "node_modules/@hf/jinja/node_modules/left": {"version": "1.0.0"},
        "node_modules/left": {"version": "1.3.0", "dev": True, "integrity": "sha512-" + "A" * 86 + "=="},
        "packages/own": {"version": "1.0.0"},
    }
    nested = {
        "@hf/jinja": {"version": "0.5.1", "requires": {"left": "1"}, "dependencies": {"left": {"version": "1.0.0"}}},
        "left": {"version": "1.3.0", "dev": True, "integrity": "sha512-" + "A" * 86 + "=="},
    }
    body = {"packages": flat} if version > 1 else {"dependencies": nested}
    said = read(package_lock.INSPECTOR, "package-lock.json", json.dumps({"lockfileVersion": version} | body, indent=1))
    assert [c.purl for c in said.components] == [
        "pkg:npm/%40hf/jinja@0.5.1",
        "pkg:npm/left@1.0.0",
        "pkg:npm/left@1.3.0",
    ]
    assert all(c.occurrences[0].location.line for c in said.components)
    assert said.components[2].hashes[0].algorithm == "SHA-512"
    assert Relation(source="pkg:npm/%40hf/jinja", target="pkg:npm/left") in said.relations


def test_pom_resolves_what_the_file_tells_and_says_the_rest() -> None:
    said = read(
        pom.INSPECTOR,
        "pom.xml",
        """<project xmlns="http://maven.apache.org/POM/4.0.0">
 <version>3</version>
 <properties><log4j.version>2.14.1</log4j.version><a>${b}</a><b>${a}</b></properties>
 <dependencyManagement><dependencies>
  <dependency><groupId>g</groupId><artifactId>managed</artifactId><version>1.1</version></dependency>
 </dependencies></dependencyManagement>
 <dependencies>
  <dependency>
   <groupId>org.apache.logging.log4j</groupId><artifactId>log4j-core</artifactId><version>${log4j.version}</version>
  </dependency>
  <dependency><groupId>g</groupId><artifactId>managed</artifactId><scope>test</scope></dependency>
  <dependency><groupId>g</groupId><artifactId>own</artifactId><version>[${project.version}]</version></dependency>
  <dependency><groupId>g</groupId><artifactId>range</artifactId><version>[1,2)</version></dependency>
  <dependency><groupId>g</groupId><artifactId>absent</artifactId></dependency>
  <dependency><groupId>g</groupId><artifactId>loop</artifactId><version>${a}</version></dependency>
 </dependencies>
</project>""",
    )
    versions = {c.name: c.version for c in said.components if c.package and c.package.scope != "constraint"}
    assert versions == {
        "org.apache.logging.log4j:log4j-core": "2.14.1",
        "g:managed": "1.1",
        "g:own": "3",
        "g:range": None,
        "g:absent": None,
        "g:loop": None,
    }
    assert said.one("org.apache.logging.log4j:log4j-core").occurrences[0].location.line == 8
    assert [f.subject for f in said.findings] == ["pkg:maven/g/range", "pkg:maven/g/absent", "pkg:maven/g/loop"]


def test_what_is_not_read_is_said() -> None:
    assert read(unread.INSPECTOR, "a/Gemfile", "").rules == ["MLG-DEP-018"]
    assert not unread.INSPECTOR.claims(artifact("requirements.txt", b""))
    text = '[project]\ndynamic = ["dependencies"]\n[tool.ruff]\nx = 1\n[build-system]\nbuild-backend = "own"\n'
    said = read(pyproject.INSPECTOR, "pyproject.toml", text)
    assert [(f.rule.id, f.evidence) for f in said.findings] == [("MLG-DEP-018", "project.dynamic")]


HOSTILE = [
    (pyproject.INSPECTOR, "a = " + "[" * 100_000),
    (uv_lock.INSPECTOR, "a = " + "{b=" * 50_000),
    (package_lock.INSPECTOR, '{"packages":' + '{"a":' * 100_000),
    (package_lock.INSPECTOR, '{"packages": {}, "packages": {"x": 1}}'),
    (package_lock.INSPECTOR, '{"name": "nothing to see"}'),
    (package_lock.INSPECTOR, '{"dependencies": {" ": null}}'),
    (pom.INSPECTOR, '<!DOCTYPE x [<!ENTITY a "b"><!ENTITY c "&a;&a;">]><project>&c;</project>'),
    (pom.INSPECTOR, '<!DOCTYPE x SYSTEM "file:///etc/passwd"><project/>'),
    (pom.INSPECTOR, "<project>" + "<a>" * 10_000),
    (pom.INSPECTOR, "<project><dependencies>"),
    (pyproject.INSPECTOR, '[project]\ndependencies = ["not a requirement!!"]'),
    (uv_lock.INSPECTOR, "version = " + "9" * 5000),
    (package_lock.INSPECTOR, '{"packages": {"node_modules/a": {"version": "\\ud800"}}}'),
]


@pytest.mark.parametrize(("inspector", "text"), HOSTILE, ids=range(len(HOSTILE)))
def test_what_cannot_be_read_is_never_clean(inspector: Inspector, text: str) -> None:
    said = read(inspector, "x", text)
    assert said.stopped is not None
    assert said.stopped.reason in {"malformed", "limit"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["packages", "dependencies", "name", "version", "node_modules/a", "resolved", "requires", ""]
            )
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_any_json_under_a_lock_name_is_read_or_refused(value: object) -> None:
    read(package_lock.INSPECTOR, "package-lock.json", json.dumps(value))


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for module in (pyproject, uv_lock, poetry_lock, pylock, package_lock, pom):
        read(module.INSPECTOR, "x", data)
