"""setup.py, setup.cfg and the comments of scripts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.manifests import script, setup_cfg, setup_py
from tests.reading import artifact, read

SETUP = """import os
from setuptools import setup

HERE = os.path.dirname(__file__)
VERSION = "1.26"
base = ["torch==2.0.0", "numpy>=%s" % VERSION, f"scipy=={VERSION}"]
base += ["pandas"]
if os.name == "nt":
    base.append("pywin32")
extras = {"test": ["pytest"], ":python_version < '3.8'": ["typing"]}
extras["all"] = extras["test"] + base
MORE = '''
# comment
requests>=2
tqdm
'''.strip().split("\\n")

def read(name):
    with open(os.path.join(HERE, name)) as f:
        return f.read().splitlines()

setup(
    name="demo",
    install_requires=base + MORE + read("requirements.txt"),
    extras_require=extras,
    setup_requires=["cython"] if os.environ.get("X") else [],
    tests_require=open(os.path.join(HERE, "ci", "tests.txt")).readlines(),
    dependency_links=["git+https://github.com/a/b@main#egg=b-1.0", "https://download.test/torch_stable.html"],
)
"""


def test_setup_py_is_read_without_running_it() -> None:
    said = read(setup_py.INSPECTOR, "pkg/setup.py", SETUP)
    assert said.stopped is None
    found = {
        (c.name, c.version, c.package.scope, c.package.group, c.package.marker) for c in said.components if c.package
    }
    assert found == {
        ("torch", "2.0.0", "runtime", "", ""),
        ("numpy", None, "runtime", "", ""),
        ("scipy", "1.26", "runtime", "", ""),
        ("pandas", None, "runtime", "", ""),
        ("pywin32", None, "runtime", "", ""),
        ("requests", None, "runtime", "", ""),
        ("tqdm", None, "runtime", "", ""),
        ("pytest", None, "optional", "test", ""),
        ("typing", None, "optional", "", "python_version < '3.8'"),
        ("pytest", None, "optional", "all", ""),
        ("torch", "2.0.0", "optional", "all", ""),
        ("numpy", None, "optional", "all", ""),
        ("scipy", "1.26", "optional", "all", ""),
        ("pandas", None, "optional", "all", ""),
        ("pywin32", None, "optional", "all", ""),
        ("cython", None, "build", "", ""),
        ("b", None, "runtime", "", ""),
    }
    assert said.one("tqdm").occurrences[0].location.line == 15
    assert [i.path for i in said.includes] == ["pkg/requirements.txt", "pkg/ci/tests.txt"]
    assert sorted(said.rules) == ["MLG-DEP-010", "MLG-DEP-013"]


@pytest.mark.parametrize(
    ("text", "names", "includes", "rules"),
    [
        ("setup(install_requires=compute())", [], [], ["MLG-DEP-020"]),
        ("setup(install_requires=['a', *compute()])", ["a"], [], ["MLG-DEP-020"]),
        ("setup(install_requires=[x for x in y])", [], [], ["MLG-DEP-020"]),
        ("setup(install_requires=[l.strip() for l in open('requirements.txt')])", [], ["requirements.txt"], []),
        ("setup(install_requires=Path('reqs/base.txt').read_text().split())", [], ["reqs/base.txt"], []),
        ("setup(install_requires=(HERE / 'requirements' / 'a.txt').read_text())", [], ["requirements/a.txt"], []),
        ("setup(install_requires=parse_requirements('../out.txt'))", [], [], ["MLG-DEP-020"]),
        ("k = dict(install_requires=['a'])\nk['extras_require'] = {'x': 'b'}\nsetup(**k)", ["a", "b"], [], []),
        ("args = load()\nsetup(**args)", [], [], ["MLG-DEP-020"]),
        ("setup(name='x', **(load() if a else {}))", [], [], ["MLG-DEP-020"]),
        ("a = {'name': 'x'}\na['version'] = load()\nsetup(**a)", [], [], []),
        ("r = {'i': ['a'], 't': ['b']}\nsetup(extras_require={k: v for k, v in r.items() if k})", ["a", "b"], [], []),
        ("setuptools.setup(name='x', install_requires='a\\nb')", ["a", "b"], [], []),
        ("def m():\n  r = ['a']\n  setup(install_requires=r)", ["a"], [], []),
        ("d = {'a': 'a>=1'}\nsetup(install_requires=[d['a']])", ["a"], [], []),
        ("setup(name='x')", [], [], []),
        ("print 'install_requires'", [], [], ["MLG-DEP-020"]),
        ("setup(install_requires=['a b c'])", [], [], ["MLG-DEP-020"]),
        ("setup(install_requires=[f'a=={version()}', 'b==%s' % V])", ["a", "b"], [], ["MLG-DEP-020"]),
        (
            "def r(d, n): pass\nD = join(H, 'q')\nsetup(install_requires=r(D, 'a.txt'))",
            [],
            ["q/a.txt"],
            ["MLG-DEP-020"],
        ),
        (
            "with open('no.txt') as f: x = f\nwith open('r.txt') as f: y = list(f)\nsetup(install_requires=y)",
            [],
            ["r.txt"],
            [],
        ),
        ("def r(n='r.txt'):\n  return list(open(n))\nsetup(install_requires=r())", [], ["r.txt"], []),
        ("r = ['a', 'b']\nsetup(install_requires=[x.strip() for x in r if x])", ["a", "b"], [], []),
        ("a = a + ['x']\nsetup(install_requires=a)", ["x"], [], []),
    ],
)
def test_what_a_setup_py_says(text: str, names: list[str], includes: list[str], rules: list[str]) -> None:
    said = read(setup_py.INSPECTOR, "setup.py", text)
    assert sorted(c.name for c in said.components) == names
    assert [i.path for i in said.includes] == includes
    assert said.rules == rules


PICKED = """import re
_deps = ["numpy>=1.17", "torch>=2.0,<3", "tqdm", "ruff==0.4.4", "Pillow>=10"]
deps = {b: a for a, b in (re.findall(r"(([^!=<>]+).*)", x)[0] for x in _deps)}
def deps_list(*pkgs):
    return [deps[pkg] for pkg in pkgs]
extras = {}
extras["torch"] = deps_list("torch", "pillow")
setup(install_requires=[deps["numpy"], deps["tqdm"]], extras_require=extras)
"""


def test_requirements_that_are_picked_from_a_table_by_name() -> None:
    said = read(setup_py.INSPECTOR, "setup.py", PICKED)
    assert {(c.name, c.package.scope, c.package.group, c.package.specifier) for c in said.components if c.package} == {
        ("numpy", "runtime", "", ">=1.17"),
        ("tqdm", "runtime", "", ""),
        ("torch", "optional", "torch", "<3,>=2.0"),
        ("pillow", "optional", "torch", ">=10"),
    }
    assert said.rules == ["MLG-DEP-020", "MLG-DEP-020"]  # that the names mean these lines is likely and not certain


CONFIG = """[metadata]
name = demo
[options]
install_requires =
    torch==2.0.0
    # comment
    numpy>=1.26; python_version < "3.13"
    scipy  # why
    own @ git+https://github.com/a/own@main
setup_requires = cython; wheel
tests_require = pytest >= 7 ; python_version > "3"
dependency_links =
    https://links.test/
[options.extras_require]
Docs = file: docs/requirements.txt
test =
    pytest
all =
    %(test)s
    mkdocs
[flake8]
max-line-length = 100
"""


def test_setup_cfg() -> None:
    said = read(setup_cfg.INSPECTOR, "setup.cfg", CONFIG)
    assert said.stopped is None
    found = {
        (c.name, c.package.scope, c.package.group, c.occurrences[0].location.line) for c in said.components if c.package
    }
    assert found == {
        ("torch", "runtime", "", 5),
        ("numpy", "runtime", "", 7),
        ("scipy", "runtime", "", 8),
        ("own", "runtime", "", 9),
        ("cython", "build", "", 10),
        ("wheel", "build", "", 10),
        ("pytest", "dev", "", 11),
        ("pytest", "optional", "test", 17),
        ("pytest", "optional", "all", 17),
        ("mkdocs", "optional", "all", 20),
    }
    assert [i.path for i in said.includes] == ["docs/requirements.txt"]
    assert sorted(said.rules) == ["MLG-DEP-010", "MLG-DEP-013"]


def test_settings_of_other_tools_are_nobodys_fault() -> None:
    assert read(setup_cfg.INSPECTOR, "setup.cfg", "[flake8]\nx = 1\nx = 2\n").stopped is None
    assert read(setup_cfg.INSPECTOR, "setup.cfg", "[options]\ninstall_requires = a\n[options]\n").stopped is not None


SCRIPT = """#!/usr/bin/env -S uv run
# /// script
# requires-python = ">=3.11"
# dependencies = [
#   "torch==2.0.0",
#   "fork",
# ]
# [tool.uv.sources]
# fork = { git = "https://github.com/a/fork", branch = "main" }
# ///
import torch
"""


def test_a_script_names_its_dependencies() -> None:
    assert script.INSPECTOR.claims(artifact("run.py", SCRIPT.encode()))
    assert script.INSPECTOR.claims(artifact("run.py", b"#" * 5000 + b"\n" + SCRIPT.encode()))
    assert not script.INSPECTOR.claims(artifact("run.py", b'text = "# /// script"\n'))
    assert not script.INSPECTOR.claims(artifact("run.md", SCRIPT.encode()))
    said = read(script.INSPECTOR, "run.py", SCRIPT)
    assert {(c.name, c.version, c.occurrences[0].location.line) for c in said.components} == {
        ("torch", "2.0.0", 5),
        ("fork", None, 6),
    }
    assert said.rules == ["MLG-DEP-013"]


def test_a_script_that_tools_would_refuse() -> None:
    assert read(script.INSPECTOR, "run.py", SCRIPT + SCRIPT).stopped is not None
    assert read(script.INSPECTOR, "run.py", SCRIPT.replace("# ///\n", "")).rules == ["MLG-DEP-020"]
    assert read(script.INSPECTOR, "run.py", SCRIPT.replace('"fork"', "fork")).stopped is not None


PIECES = ["setup(", "install_requires=", "extras_require=", "**", "[", "]", "{", "}", ":", ",", "'a==1'", "x", "+", ")"]
PIECES += ["open('r.txt')", ".read()", ".split()", "\n", "x = ", "x += ", "lambda: ", "f'{x}'", "['k']", "dict(", "%"]


@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join) | st.text(max_size=50))
def test_any_source_is_read_or_refused(text: str) -> None:
    read(setup_py.INSPECTOR, "setup.py", text)
    read(setup_py.INSPECTOR, "setup.py", f"x = [{text}]\nsetup(install_requires=x, extras_require={{'a': x}})")
    read(setup_cfg.INSPECTOR, "setup.cfg", text)
    read(setup_cfg.INSPECTOR, "setup.cfg", f"[options]\ninstall_requires = {text}")
    read(script.INSPECTOR, "a.py", text)
    read(script.INSPECTOR, "a.py", f"# /// script\n# {text}\n# ///\n")


@pytest.mark.parametrize(
    "text",
    [
        "a = b = [" + "'x', " * 5000 + "]\n" + "setup(install_requires=a)",
        "\n".join(f"a{n} = a{n + 1} + a{n + 1}" for n in range(60)) + "\na60 = ['x']\nsetup(install_requires=a0)",
        "setup(install_requires=" + "[" * 150 + "]" * 150 + ")",
        "setup(install_requires=" + "-" * 100_000 + "1)",
        "setup(install_requires=" + " + ".join(["['a']"] * 5000) + ")",
        "setup(install_requires=" + ".b" * 3000 + ")",
        "setup(install_requires=a" + ".b()" * 900 + ")",
    ],
    ids=["long", "doubling", "deep", "deeper", "sum", "no", "calls"],
)
def test_bombs_end(text: str) -> None:
    said = read(setup_py.INSPECTOR, "setup.py", text)
    assert said.components or said.rules or said.stopped
    assert len(said.components) <= 50_000
