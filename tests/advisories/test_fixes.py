from __future__ import annotations

from typing import Any

import pytest

from mlgate.advisories.fixes import pasteable
from mlgate.advisories.match import is_affected, smallest_upgrade
from mlgate.advisories.source import Answer, Query, Unavailable
from mlgate.advisories.upgrades import upgrades
from mlgate.records import Component, Kind, Location, Occurrence, PackageFacts
from tests.advisories.test_match import FIXED, INTRODUCED, LAST, made


def component(ecosystem: str, name: str, path: str, symbol: str = "", **facts: Any) -> Component:
    return Component(
        kind=Kind.PACKAGE,
        identity=f"pkg:x/{name}",
        name=name,
        version="1.0.0",
        occurrences=(
            Occurrence(location=Location(path="other.txt"), symbol="other[x]==1"),
            Occurrence(location=Location(path=path), symbol=symbol),
        ),
        package=PackageFacts(ecosystem=ecosystem, **facts),
    )


LINES = [
    ("PyPI", "torch", "requirements.txt", "torch==1.0.0", True, "torch==2.0"),
    (
        "PyPI",
        "torch",
        "a/requirements.txt",
        "torch[a,B]==1.0.0 ; os_name == 'nt' # x",
        True,
        "torch[B,a]==2.0 ; os_name == 'nt'",
    ),
    ("PyPI", "torch", "r.txt", f"torch==1 --hash=sha256:{'a' * 64}", True, "torch==2.0  # and the hashes of its files"),
    ("PyPI", "torch", "environment.yml", "torch==1.0.0", True, "torch==2.0"),
    ("PyPI", "torch", "setup.py", "torch[a]==1.0.0", True, '"torch[a]==2.0"'),
    ("PyPI", "torch", "pyproject.toml", "torch ==1.0.0", True, '"torch==2.0"'),
    ("PyPI", "torch", "pyproject.toml", "torch 1.0.0", True, 'torch = "2.0"'),
    ("PyPI", "torch", "Pipfile", "torch ==1.0.0", True, 'torch = "==2.0"'),
    ("PyPI", "torch", "Pipfile.lock", "torch==1", True, "pipenv upgrade torch==2.0"),
    ("PyPI", "torch", "uv.lock", "torch==1", True, "uv lock --upgrade-package torch==2.0"),
    ("npm", "lodash", "package.json", "lodash@1.0.0", True, '"lodash": "2.0"'),
    ("npm", "lodash", "package.json", "l@npm:lodash@1.0.0", True, '"l": "npm:lodash@2.0"'),
    ("npm", "@a/b", "package-lock.json", "", True, "npm install @a/b@2.0"),
    ("npm", "@a/b", "package-lock.json", "", False, '"overrides": {"@a/b": "2.0"}'),
    ("npm", "lodash", "yarn.lock", "", False, '"resolutions": {"lodash": "2.0"}'),
    ("npm", "lodash", "pnpm-lock.yaml", "", False, '"pnpm": {"overrides": {"lodash": "2.0"}}'),
    ("Maven", "g:a", "pom.xml", "", True, "<version>2.0</version>"),
    ("Maven", "g:a", "build.gradle.kts", "", True, '"g:a:2.0"'),
    ("Maven", "g:a", "gradle.lockfile", "", False, 'constraints { implementation("g:a:2.0") }'),
    ("Maven", "g:a", "gradle/libs.versions.toml", "", True, '{ module = "g:a", version = "2.0" }'),
    ("Go", "golang.org/x/net", "go.mod", "", True, "go get golang.org/x/net@v2.0"),
    ("Go", "stdlib", "go.mod", "", True, "go get go@2.0"),
    ("crates.io", "tokio", "Cargo.toml", "", True, 'tokio = "=2.0"'),
    ("crates.io", "tokio", "Cargo.lock", "", False, "cargo update tokio@1.0.0 --precise 2.0"),
    ("RubyGems", "rack", "Gemfile.lock", "", True, 'gem "rack", "2.0"'),
    ("RubyGems", "rack", "Gemfile.lock", "", False, "bundle update --conservative rack  # to 2.0 or later"),
    ("Packagist", "a/b", "composer.json", "", True, '"a/b": "2.0"'),
    ("Packagist", "a/b", "composer.lock", "", True, "composer require a/b:2.0"),
    ("Packagist", "a/b", "composer.lock", "", False, "composer update a/b --with a/b:2.0"),
    ("NuGet", "A.B", "packages.lock.json", "", False, "dotnet add package A.B --version 2.0"),
    ("CRAN", "dplyr", "renv.lock", "", False, 'renv::install("dplyr@2.0"); renv::snapshot()'),
]


@pytest.mark.parametrize(("ecosystem", "name", "path", "symbol", "direct", "line"), LINES)
def test_lines(ecosystem: str, name: str, path: str, symbol: str, direct: bool, line: str) -> None:
    assert pasteable(component(ecosystem, name, path, symbol, direct=direct), path, "2.0") == line


@pytest.mark.parametrize("name", ["a;id", "a b", "-rf", "$(id)", "a\nb", 'a"b', "`id`", "a|b", "a&b", "a'b"])
def test_nothing_of_a_strangers_name_gets_into_a_shell(name: str) -> None:
    for ecosystem, _, path, *_ in LINES:
        assert pasteable(component(ecosystem, name, path), path, "2.0") == ""
        assert pasteable(component(ecosystem, "ok", path), path, name) == ""
    said = pasteable(component("npm", "ok", "package.json", f"{name}@npm:ok@1"), "package.json", "2.0")
    assert said == '"ok": "2.0"'


def test_an_upgrade_does_not_lead_into_another_advisory() -> None:
    one = made("X-1", events=({INTRODUCED: "0"}, {FIXED: "2.5"}))
    later = made("X-2", events=({INTRODUCED: "2.4"}, {FIXED: "2.6"}))
    malware = made("MAL-1", versions=("2.6",))
    last = made("X-3", events=({INTRODUCED: "2.7"}, {LAST: "2.7.1"}, {INTRODUCED: "2.8"}, {FIXED: "2.8.1"}))
    assert smallest_upgrade((one,), "PyPI", "torch", "2.0") == "2.5"
    assert smallest_upgrade((one, later), "PyPI", "torch", "2.0") == "2.6"
    assert smallest_upgrade((one, later, malware, last), "PyPI", "torch", "2.0") == "2.8.1"
    assert not any(is_affected(r, "PyPI", "torch", "2.8.1") for r in (one, later, malware, last))


@pytest.mark.parametrize(
    ("ecosystem", "version", "fixed", "expected"),
    [
        ("PyPI", "1.0", ("2.0rc1", "2.0"), "2.0"),
        ("PyPI", "2.0b1", ("2.0rc1", "2.0"), "2.0rc1"),
        ("PyPI", "1.0", ("2.0rc1",), "2.0rc1"),
        ("npm", "1.0.0", ("2.0.0-beta.1", "2.0.1"), "2.0.1"),
        ("Maven", "1.0", ("2.0-M1", "2.0-rc1", "2.0-jre"), "2.0-jre"),
        ("RubyGems", "1.0", ("2.0.pre", "2.0"), "2.0"),
        ("Packagist", "v1.0", ("2.0-RC1", "2.0"), "2.0"),
        ("NuGet", "1.0", ("2.0-preview.1", "2.0"), "2.0"),
        ("Go", "v0.0.0-20200101000000-aaaaaaaaaaaa", ("0.0.0-20210101000000-bbbbbbbbbbbb", "0.1.0"),
         "0.0.0-20210101000000-bbbbbbbbbbbb"),
        ("CRAN", "1.0-1", ("1.0-3",), "1.0-3"),
    ],
)  # fmt: skip
def test_who_has_a_release_is_given_a_release(
    ecosystem: str, version: str, fixed: tuple[str, ...], expected: str
) -> None:
    events = ({INTRODUCED: "0"}, *({FIXED: each} for each in fixed))
    records = [made("X-1", "p", ecosystem=ecosystem, events=events)]
    assert smallest_upgrade(tuple(records), ecosystem, "p", version) == expected


def test_an_upgrade_is_compared_by_the_api_before_it_is_offered() -> None:
    one = made("X-1", events=({INTRODUCED: "0"}, {FIXED: "2.5"}))
    later = made("X-2", events=({INTRODUCED: "2.4"}, {FIXED: "2.6"}))
    query = Query(ecosystem="PyPI", name="torch", version="2.0")
    asked: list[str] = []

    def api(queries: list[Query]) -> Answer:
        asked.extend(q.version for q in queries)
        hits = {q: tuple(r for r in (one, later) if is_affected(r, "PyPI", "torch", q.version)) for q in queries}
        return Answer(records=hits, origin="api")

    def gone(queries: list[Query]) -> Answer:
        raise Unavailable("gone")

    assert upgrades({query: (one,)}, api) == {query: "2.6"}
    assert asked == ["2.5", "2.6"]
    assert upgrades({query: (one,)}, None) == {query: "2.5"}
    assert upgrades({query: (one,)}, gone) == {query: ""}
    assert upgrades({Query(ecosystem="PyPI", name="torch", version="3"): (one,)}, gone) == {}
