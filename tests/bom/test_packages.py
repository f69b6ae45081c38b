"""Packages of several languages in the ML-BOM: purls, scopes, licences and edges as the lockfiles have them."""

from __future__ import annotations

import json

import pytest
from packageurl import PackageURL

from mlgate import bom
from mlgate.bom.validate import problems
from tests.bom.validators import Json
from tests.test_pipeline import look


def crate(name: str, version: str, *needs: str) -> str:
    source = "registry+https://github.com/rust-lang/crates.io-index"
    asked = f"dependencies = {json.dumps(needs)}\n" if needs else ""
    return f'[[package]]\nname = "{name}"\nversion = "{version}"\nsource = "{source}"\n{asked}'


FILES = {
    "js/package-lock.json": json.dumps(
        {
            "lockfileVersion": 3,
            "packages": {
                "": {"dependencies": {"@hf/jinja": "^0.3"}, "devDependencies": {"typescript": "^5"}},
                "node_modules/@hf/jinja": {"version": "0.3.2", "license": "MIT", "dependencies": {"tslib": "2"}},
                "node_modules/tslib": {"version": "2.8.1", "license": "0BSD"},
                "node_modules/typescript": {"version": "5.9.2", "license": "Apache 2.0", "dev": True},
                "node_modules/fsevents": {"version": "2.3.3", "license": "MIT", "optional": True},
            },
        }
    ),
    "php/composer.lock": json.dumps(
        {
            "packages": [{"name": "Acme/Tokenizer", "version": "v1.2.0", "license": ["MIT", "GPL-3.0+"]}],
            "packages-dev": [{"name": "phpunit/phpunit", "version": "11.0.0", "license": ["BSD-3-Clause"]}],
        }
    ),
    "py/requirements.txt": "Scikit_Learn==1.7.2\n",
    "rust/Cargo.lock": "version = 4\n"
    '[[package]]\nname = "ours"\nversion = "0.1.0"\ndependencies = ["half 2.6.0", "crunchy"]\n'
    + crate("half", "1.8.3", "cfg-if")
    + crate("half", "2.6.0")
    + crate("cfg-if", "1.0.0")
    + crate("crunchy", "0.2.4", "half 1.8.3"),
}


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Json:
    root = tmp_path_factory.mktemp("packages")
    for name, text in FILES.items():
        place = root / name
        place.parent.mkdir()
        place.write_text(text)
    result = look(root)
    for spec in ("1.6", "1.7"):
        text = bom.build(result.inventory, result.verdict, name="r", version="1", spec=spec)
        made: Json = json.loads(text)
        assert problems(made, spec) == ()
    return made


def packages(document: Json) -> dict[str, Json]:
    return {item["purl"]: item for item in document["components"] if item["type"] == "library"}


def test_purls_are_in_their_canonical_form(document: Json) -> None:
    found = packages(document)
    assert {
        "pkg:npm/%40hf/jinja@0.3.2",
        "pkg:composer/acme/tokenizer@v1.2.0",
        "pkg:pypi/scikit-learn@1.7.2",
        "pkg:cargo/half@2.6.0",
    } <= set(found)
    assert all(PackageURL.from_string(purl).to_string() == purl for purl in found)


def test_scopes_say_what_takes_part_at_run_time(document: Json) -> None:
    found = packages(document)
    assert found["pkg:npm/%40hf/jinja@0.3.2"]["scope"] == "required"
    assert found["pkg:npm/typescript@5.9.2"]["scope"] == "excluded"
    assert found["pkg:npm/fsevents@2.3.3"]["scope"] == "optional"
    assert found["pkg:composer/phpunit/phpunit@11.0.0"]["scope"] == "excluded"


def test_licences_of_lockfiles_are_in_spdx_spelling(document: Json) -> None:
    said = {purl: item.get("licenses") for purl, item in packages(document).items()}
    assert said["pkg:npm/tslib@2.8.1"] == [{"license": {"id": "0BSD", "acknowledgement": "declared"}}]
    assert said["pkg:npm/typescript@5.9.2"] == [{"license": {"id": "Apache-2.0", "acknowledgement": "declared"}}]
    (choice,) = said["pkg:composer/acme/tokenizer@v1.2.0"] or []
    assert choice["expression"] == "MIT OR GPL-3.0-or-later"
    assert said["pkg:pypi/scikit-learn@1.7.2"] is None


def test_edges_are_those_of_the_lockfile(document: Json) -> None:
    edges = {entry["ref"]: entry.get("dependsOn", []) for entry in document["dependencies"]}
    assert edges["pkg:npm/%40hf/jinja@0.3.2"] == ["pkg:npm/tslib@2.8.1"]
    assert "pkg:npm/%40hf/jinja@0.3.2" in edges["mlgate:application"]
    assert "pkg:npm/tslib@2.8.1" not in edges["mlgate:application"]
    assert edges["pkg:cargo/crunchy@0.2.4"] == ["pkg:cargo/half@1.8.3"]  # of two versions the one that is meant
    assert edges["pkg:cargo/half@1.8.3"] == ["pkg:cargo/cfg-if@1.0.0"]
    assert edges["pkg:cargo/half@2.6.0"] == []
    assert "pkg:cargo/half@1.8.3" not in edges["mlgate:application"]
