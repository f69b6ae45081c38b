"""Settings of indexes: what adds a source or switches a check off is told, and no login is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.manifests.index_settings import INSPECTOR
from tests.reading import artifact, read

PIP = """\
[global]
index-url = https://user:secret@mirror.example/simple
extra-index-url =
    https://user:secret@a.example/simple
    http://b.example/simple
trusted-host = b.example
[install]
find-links = wheels
"""


def test_pip() -> None:
    said = read(INSPECTOR, "docker/pip.conf", PIP)
    assert [(f.rule.id, f.location.line, f.evidence) for f in said.findings] == [
        ("MLG-DEP-080", 2, "index-url https://mirror.example/simple"),
        ("MLG-DEP-010", 4, "extra-index-url = https://a.example/simple"),
        ("MLG-DEP-014", 5, "http://b.example/simple"),
        ("MLG-DEP-010", 5, "extra-index-url = http://b.example/simple"),
        ("MLG-DEP-014", 6, "trusted-host = b.example"),
    ]
    assert "secret" not in str(said.findings)


@pytest.mark.parametrize(
    ("path", "text", "wanted"),
    [
        ("pip.ini", "[global]\nindex-url = https://a/\n[list]\nformat = columns\n", ["080"]),
        ("uv.toml", 'extra-index-url = ["https://a/"]\n', []),
        ("uv.toml", '[[index]]\nurl = "https://a/"\n', ["080"]),
        ("uv.toml", '[[index]]\nurl = "https://a/"\nexplicit = true\n', []),
        ("uv.toml", '[[index]]\nurl = "https://pypi.org/simple"\ndefault = true\n', []),
        ("uv.toml", 'index-url = "https://download.pytorch.org/whl/cpu"\n', []),
        (".npmrc", "registry=https://a/\n@s:registry=https://b/\n", ["080"]),
        ("uv.toml", 'index-strategy = "unsafe-best-match"\n[[index]]\nurl = "http://a/"\n', ["014", "010"]),
        ("uv.toml", '[pip]\nallow-insecure-host = ["a"]\n', ["014"]),
        (".condarc", "channels:\n  - conda-forge\n  - http://a/b\nssl_verify: false\n", ["014", "014"]),
        (".condarc", "channels: [conda-forge, https://a/b]\nssl_verify: true\n", []),
        (".npmrc", "registry=http://a/\n@s:registry = https://b/\nstrict-ssl=false\n", ["014", "014"]),
        (".npmrc", "; registry=http://a/\n//registry.npmjs.org/:_authToken=secret\nsave-exact=true\n", []),
    ],
)
def test_what_is_told(path: str, text: str, wanted: list[str]) -> None:
    assert INSPECTOR.claims(artifact(path, text.encode()))
    said = read(INSPECTOR, path, text)
    assert sorted(rule[-3:] for rule in said.rules) == sorted(wanted)
    assert said.stopped is None
    assert "secret" not in str(said.findings)


def test_what_pip_would_not_take_is_said() -> None:
    assert read(INSPECTOR, "pip.conf", "index-url = https://a/\n").stopped


@given(st.sampled_from(["pip.conf", "uv.toml", ".condarc", ".npmrc"]), st.text(max_size=100))
def test_no_text_is_an_error(path: str, text: str) -> None:
    for start in ("", "[global]\nextra-index-url = ", "channels: [", "registry="):
        read(INSPECTOR, path, start + text)
