"""Registries that are set for other languages: another server or plain http is told, the public one is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.manifests.registry_settings import INSPECTOR
from tests.reading import artifact, read

REPOSITORY = "<repository><id>a</id><url>{}</url></repository>"
SOURCE = '<add key="a" value="https://h/v3/index.json"/>'
POM = f"<project>\n<repositories>\n{REPOSITORY}\n</repositories></project>"


@pytest.mark.parametrize(
    ("path", "text", "wanted"),
    [
        (".yarnrc.yml", "npmRegistryServer: 'https://h/npm'\n", [("080", 1)]),
        (".yarnrc.yml", "npmRegistryServer: https://registry.npmjs.org\n", []),
        (".yarnrc.yml", "npmScopes:\n  acme:\n    npmRegistryServer: https://h/npm\n", []),
        (".yarnrc.yml", "npmScopes:\n  acme:\n    npmRegistryServer: http://h/npm\n", [("014", 3)]),
        (".yarnrc.yml", "enableStrictSsl: false\n", [("014", 1)]),
        (
            ".cargo/config.toml",
            '[source.crates-io]\nreplace-with = "m"\n[source.m]\nregistry = "sparse+https://h/i"\n',
            [("080", 4)],
        ),
        (".cargo/config.toml", '[source.crates-io]\nreplace-with = "v"\n[source.v]\ndirectory = "vendor"\n', []),
        (".cargo/config.toml", '[registries.m]\nindex = "http://h/i"\n', [("014", 2)]),
        ("cargo/config.toml", '[registries.m]\nindex = "http://h/i"\n', None),
        (
            "NuGet.config",
            f"<configuration>\n<packageSources>\n{SOURCE}\n</packageSources><apikeys>{SOURCE}</apikeys></configuration>",
            [("080", 3)],
        ),
        ("nuget.config", '<packageSources><add value="https://api.nuget.org/v3/index.json"/></packageSources>', []),
        ("pom.xml", POM.format("http://h/m"), [("014", 3)]),
        ("pom.xml", POM.format("https://h/m"), [("080", 3)]),
        ("pom.xml", POM.format("https://repo1.maven.org/maven2"), []),
        ("pom.xml", f"<project><!-- {REPOSITORY.format('http://h/m')} --></project>", []),
        (
            "pom.xml",
            f"<project><distributionManagement>{REPOSITORY.format('http://h/m')}</distributionManagement></project>",
            [],
        ),
        (
            "settings.xml",
            "<settings><mirrors><mirror><url>https://h/m</url></mirror></mirrors></settings>",
            [("080", 1)],
        ),
        ("settings.xml", "<keymap><url>https://h/m</url></keymap>", None),
        ("build.gradle", "repositories {\n  maven { url 'http://h/m' }\n  mavenCentral()\n}\n", [("014", 2)]),
        ("build.gradle.kts", 'repositories {\n  maven("https://h/m")\n}\n', [("080", 2)]),
        ("settings.gradle.kts", 'maven { url = uri("https://h/m") }\n', [("080", 1)]),
        ("build.gradle", "// maven { url 'http://h/m' }\n/* maven { url 'http://h/m' } */\n", []),
        ("build.gradle", "pom { url = 'https://h/x' }\n", []),
        ("build.gradle", "maven {\n  name = 'x'\n  setUrl('https://h/m')\n}\n", [("080", 3)]),
        ("build.gradle", "pom { scm { connection = 'scm:git:https://h/x' } }\n", []),
        ("Gemfile", 'source "http://h"\ngem "a"\n', [("014", 1)]),
        ("Gemfile", "source 'https://rubygems.org'\n", []),
    ],
)
def test_what_is_told(path: str, text: str, wanted: list[tuple[str, int]] | None) -> None:
    assert INSPECTOR.claims(artifact(path, text.encode())) is (wanted is not None)
    said = read(INSPECTOR, path, text) if wanted is not None else None
    if said:
        assert [(f.rule.id[-3:], f.location.line) for f in said.findings] == wanted
        assert said.stopped is None


@pytest.mark.parametrize("unit", ["<repository>", "<repository><url>", "<add ", "url(", "/*", "<packageSources "])
@pytest.mark.parametrize("path", ["pom.xml", "NuGet.config", "build.gradle"])
def test_repeated_beginnings_cost_little(unit: str, path: str) -> None:
    said = read(INSPECTOR, path, unit * (200_000 // len(unit)))  # would not end if the time were quadratic
    assert (said.rules, said.stopped) == ([], None)


@given(st.sampled_from([".yarnrc.yml", ".cargo/config", "NuGet.config", "pom.xml", "a.gradle", "Gemfile"]), st.text())
def test_any_text_ends_in_an_answer(path: str, text: str) -> None:
    read(INSPECTOR, path, text)
