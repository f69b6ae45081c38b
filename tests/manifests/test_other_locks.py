from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packageurl import PackageURL

from mlgate.manifests import composer_json, composer_lock, gemfile_lock, nuget_lock, renv_lock
from mlgate.manifests._ecosystems import CARGO, COMPOSER, CRAN, GEM, GO, MAVEN, NPM, NUGET, Ecosystem, Entry, component
from mlgate.records import Location, Pairs, Relation
from tests.reading import read

SHA = "c" * 64
COMMIT = "0123456789abcdef0123456789abcdef01234567"

# The examples of the purl specification's type definitions.
SPECIFICATION: list[tuple[Ecosystem, str, str, Pairs, str]] = [
    (NPM, "foobar", "12.3.1", (), "pkg:npm/foobar@12.3.1"),
    (NPM, "@angular/animation", "12.3.1", (), "pkg:npm/%40angular/animation@12.3.1"),
    (CARGO, "rand", "0.7.2", (), "pkg:cargo/rand@0.7.2"),
    (CARGO, "structopt", "0.3.11", (), "pkg:cargo/structopt@0.3.11"),
    (COMPOSER, "laravel/laravel", "5.5.0", (), "pkg:composer/laravel/laravel@5.5.0"),
    (CRAN, "A3", "1.0.0", (), "pkg:cran/A3@1.0.0"),
    (CRAN, "caret", "6.0-88", (), "pkg:cran/caret@6.0-88"),
    (GEM, "ruby-advisory-db-check", "0.12.4", (), "pkg:gem/ruby-advisory-db-check@0.12.4"),
    (GEM, "jruby-launcher", "1.1.2", (("platform", "java"),), "pkg:gem/jruby-launcher@1.1.2?platform=java"),
    (GO, "github.com/gorilla/context", "234fd47e07d1", (), "pkg:golang/github.com/gorilla/context@234fd47e07d1"),
    (GO, "github.com/Azure/Go-AutoRest", "v1.0.0", (), "pkg:golang/github.com/azure/go-autorest@v1.0.0"),
    (NUGET, "EnterpriseLibrary.Common", "6.0.1304", (), "pkg:nuget/EnterpriseLibrary.Common@6.0.1304"),
    (MAVEN, "org.apache.commons:io", "1.3.4", (), "pkg:maven/org.apache.commons/io@1.3.4"),
    (
        MAVEN,
        "org.apache.xmlgraphics:batik-anim",
        "1.9.1",
        (("classifier", "sources"), ("type", "zip")),
        "pkg:maven/org.apache.xmlgraphics/batik-anim@1.9.1?classifier=sources&type=zip",
    ),
]


@pytest.mark.parametrize(("ecosystem", "name", "version", "qualifiers", "purl"), SPECIFICATION)
def test_purls_are_the_specifications(
    ecosystem: Ecosystem, name: str, version: str, qualifiers: Pairs, purl: str
) -> None:
    entry = Entry(name=name, version=version, location=Location(path="x"), qualifiers=qualifiers)
    made = component(ecosystem, entry)
    assert made.purl == purl
    assert made.name == name
    assert PackageURL.from_string(made.identity).version is None


def test_gemfile_lock() -> None:
    said = read(
        gemfile_lock.INSPECTOR,
        "Gemfile.lock",
        f"""GIT
  remote: https://h.test/forked.git
  revision: {COMMIT}
  branch: main
  specs:
    forked (2.0)

PATH
  remote: .
  specs:
    own (0.1)
      nokogiri

GEM
  remote: https://rubygems.org/
  specs:
    mini_portile2 (2.8.0)
    nokogiri (1.15.0)
      mini_portile2 (~> 2.8.2)
      racc (~> 1.4, >= 1.4.0)
    nokogiri (1.15.0-x86_64-linux)
      racc (~> 1.4)
    racc (1.7.0)

GEM
  remote: http://gems.example.test/
  specs:
    private (1.0)

PLATFORMS
  ruby

DEPENDENCIES
  forked!
  nokogiri (~> 1.15)
  own!

CHECKSUMS
  forked (2.0)
  mini_portile2 (2.8.0) sha256={SHA}
  nokogiri (1.15.0) sha256={SHA}
  nokogiri (1.15.0-x86_64-linux) sha256={SHA}
  racc (1.7.0)

BUNDLED WITH
   2.6.0
""",
    )
    assert said.stopped is None
    assert [(c.name, c.version, c.package.direct, c.package.index) for c in said.components if c.package] == [
        ("forked", "2.0", True, ""),
        ("mini_portile2", "2.8.0", False, ""),
        ("nokogiri", "1.15.0", True, ""),
        ("nokogiri", "1.15.0", True, ""),
        ("racc", "1.7.0", False, ""),
        ("private", "1.0", False, "http://gems.example.test/"),
    ]
    assert set(said.relations) == {
        Relation(source="pkg:gem/nokogiri", target="pkg:gem/mini_portile2"),
        Relation(source="pkg:gem/nokogiri", target="pkg:gem/racc"),
    }
    assert [(f.rule.id, f.location.line) for f in said.findings] == [("MLG-DEP-030", 28), ("MLG-DEP-031", 23)]
    assert read(gemfile_lock.INSPECTOR, "Gemfile.lock", "GEM\n  specs:\n<<<<<<< HEAD\n").stopped


def test_composer() -> None:
    document = {
        "packages": [
            {
                "name": "monolog/monolog",
                "version": "2.9.1",
                "source": {"type": "git", "url": "https://github.com/Seldaek/monolog.git", "reference": COMMIT},
                "dist": {"type": "zip", "url": "https://api.github.com/x", "reference": COMMIT, "shasum": ""},
                "require": {"php": ">=7.2", "psr/log": "^1", "ext-json": "*"},
                "license": ["MIT"],
                "notification-url": "https://packagist.org/downloads/",
            },
            {
                "name": "own/fork",
                "version": "dev-main",
                "source": {"type": "git", "url": "https://h.test/fork.git", "reference": "main"},
            },
        ],
        "packages-dev": [
            {
                "name": "psr/log",
                "version": "1.1.4",
                "dist": {"type": "zip", "url": "http://satis.example.test/log.zip", "shasum": ""},
                "notification-url": "https://satis.example.test/downloads/",
            }
        ],
    }
    said = read(composer_lock.INSPECTOR, "composer.lock", json.dumps(document, indent=4))
    assert [(c.purl, c.package.scope, c.package.origin, c.package.index) for c in said.components if c.package] == [
        ("pkg:composer/monolog/monolog@2.9.1", "runtime", "registry", ""),
        ("pkg:composer/own/fork?vcs_url=git%2Bhttps://h.test/fork.git%23main", "runtime", "vcs", ""),
        ("pkg:composer/psr/log@1.1.4", "dev", "registry", "https://satis.example.test/downloads/"),
    ]
    assert said.one("psr/log").occurrences[0].location.line
    assert said.relations == (Relation(source="pkg:composer/monolog/monolog", target="pkg:composer/psr/log"),)
    assert said.rules == ["MLG-DEP-013", "MLG-DEP-030", "MLG-DEP-031", "MLG-DEP-080"]
    asked = {"require": {"php": ">=8", "a/b": "^1.0"}, "require-dev": {"c/d": "v2.0.1"}}
    said = read(composer_json.INSPECTOR, "composer.json", json.dumps(asked, indent=4))
    assert [(c.name, c.version, c.package.scope) for c in said.components if c.package] == [
        ("a/b", None, "runtime"),
        ("c/d", "v2.0.1", "dev"),
    ]
    assert said.rules == ["MLG-DEP-032"]


def test_nuget() -> None:
    value = base64.b64encode(b"x" * 64).decode()
    document = {
        "version": 1,
        "dependencies": {
            "net8.0": {
                "Microsoft.ML": {
                    "type": "Direct",
                    "requested": "[3.0.0, )",
                    "resolved": "3.0.0",
                    "contentHash": value,
                    "dependencies": {"newtonsoft.json": "13.0.1"},
                },
                "Newtonsoft.Json": {"type": "Transitive", "resolved": "13.0.1"},
                "own.project": {"type": "Project"},
            }
        },
    }
    said = read(nuget_lock.INSPECTOR, "packages.lock.json", json.dumps(document, indent=2))
    assert [(c.purl, c.package.direct, len(c.hashes)) for c in said.components if c.package] == [
        ("pkg:nuget/Microsoft.ML@3.0.0", True, 1),
        ("pkg:nuget/Newtonsoft.Json@13.0.1", False, 0),
    ]
    assert said.relations == (Relation(source="pkg:nuget/Microsoft.ML", target="pkg:nuget/Newtonsoft.Json"),)
    assert said.rules == ["MLG-DEP-031"]


def test_renv() -> None:
    document = {
        "R": {"Version": "4.3.1", "Repositories": [{"Name": "CRAN", "URL": "http://cran.example.test"}]},
        "Packages": {
            "dplyr": {
                "Package": "dplyr",
                "Version": "1.1.2",
                "Source": "Repository",
                "Repository": "RSPM",
                "Requirements": ["R", "rlang", "limma"],
                "Hash": "dea6970ff715ca541c387de363ff405e",
            },
            "rlang": {"Package": "rlang", "Version": "1.1.1", "Source": "Repository", "Repository": "CRAN"},
            "limma": {"Package": "limma", "Version": "3.56.2", "Source": "Bioconductor"},
            "fork": {
                "Package": "fork",
                "Version": "0.1",
                "Source": "GitHub",
                "RemoteType": "github",
                "RemoteUsername": "o",
                "RemoteRepo": "fork",
                "RemoteRef": "main",
                "RemoteSha": COMMIT,
                "Imports": ["dplyr (>= 1.0)", "stats"],
            },
        },
    }
    said = read(renv_lock.INSPECTOR, "renv.lock", json.dumps(document, indent=2))
    assert [
        (c.identity, c.package.ecosystem, c.package.origin, c.package.index) for c in said.components if c.package
    ] == [
        ("pkg:cran/dplyr", "CRAN", "registry", ""),
        ("pkg:cran/rlang", "CRAN", "registry", "http://cran.example.test"),
        ("pkg:bioconductor/limma", "Bioconductor", "registry", ""),
        ("pkg:cran/fork", "CRAN", "vcs", ""),
    ]
    assert {(r.source, r.target) for r in said.relations} == {
        ("pkg:cran/dplyr", "pkg:cran/rlang"),
        ("pkg:cran/dplyr", "pkg:bioconductor/limma"),
        ("pkg:cran/fork", "pkg:cran/dplyr"),
    }
    assert said.rules == ["MLG-DEP-030"]


KEYS = ["packages", "packages-dev", "dependencies", "Packages", "name", "version", "type", "resolved", "source", "url"]
JSON = st.recursive(
    st.none() | st.booleans() | st.sampled_from(["a/b", "http://[", "1.0", "git"]) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*KEYS, "require", "R", "Source"]), inner, max_size=4)
    ),
    max_leaves=12,
)
LINES = st.lists(
    st.sampled_from(
        ["GEM", "GIT", "  remote: http://[", "  specs:", "    a (1.0)", "      b", "CHECKSUMS", "  a (1)", ""]
    )
    | st.text(max_size=5),
    max_size=10,
)


@given(JSON, LINES)
def test_nothing_but_a_stop_comes_out(value: object, lines: list[str]) -> None:
    for reader in (composer_lock, composer_json, nuget_lock, renv_lock):
        read(reader.INSPECTOR, "x", json.dumps(value))
    read(gemfile_lock.INSPECTOR, "Gemfile.lock", "\n".join(lines))
