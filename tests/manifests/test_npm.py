from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mlgate.manifests import package_json, package_lock
from mlgate.records import Relation
from tests.reading import Said, artifact, read

SRI = "sha512-" + "A" * 86 + "=="
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def locked(packages: dict[str, Any]) -> Said:
    text = json.dumps({"lockfileVersion": 3, "packages": packages}, indent=2)
    return read(package_lock.INSPECTOR, "package-lock.json", text)


def test_a_lockfile_tells_aliases_sources_and_workspaces() -> None:
    said = locked(
        {
            "": {"dependencies": {"low": "npm:lodash@^4"}, "peerDependencies": {"react": "*"}},
            "packages/own": {"version": "1.0.0", "devDependencies": {"chalk": "^4"}},
            "node_modules/own": {"resolved": "packages/own", "link": True},
            "node_modules/out": {"resolved": "../elsewhere", "link": True},
            "node_modules/low": {"name": "lodash", "version": "4.17.21", "integrity": SRI},
            "node_modules/react": {
                "version": "18.0.0",
                "resolved": "https://npm.example.test/repo/react/-/react-18.0.0.tgz",
                "integrity": SRI,
                "dependencies": {"deep": "npm:@s/Deep@1"},
                "optionalDependencies": {"not-installed": "1"},
            },
            "node_modules/react/node_modules/deep": {"name": "@s/Deep", "version": "1.0.0", "inBundle": True},
            "packages/own/node_modules/chalk": {"version": "4.0.0", "integrity": SRI, "dev": True},
            "node_modules/fork": {"version": "1.0.0", "resolved": f"git+ssh://git@github.com/o/fork.git#{COMMIT}"},
            "node_modules/moves": {"version": "1.0.0", "resolved": "git+ssh://git@github.com/o/moves.git#main"},
            "node_modules/tar": {"version": "1.0.0", "resolved": "https://cdn.example.test/tar.tgz"},
        }
    )
    assert said.stopped is None
    facts = {c.name: (c.package.direct, c.package.origin, c.package.index) for c in said.components if c.package}
    assert facts == {
        "out": (False, "path", ""),
        "lodash": (True, "registry", ""),
        "react": (True, "registry", "https://npm.example.test/repo"),
        "@s/Deep": (False, "registry", ""),
        "chalk": (True, "registry", ""),
        "fork": (False, "vcs", ""),
        "moves": (False, "vcs", ""),
        "tar": (False, "url", ""),
    }
    assert said.relations == (Relation(source="pkg:npm/react", target="pkg:npm/%40s/deep"),)
    assert [(f.rule.id, f.subject) for f in said.findings] == [
        ("MLG-DEP-013", "pkg:npm/moves"),
        ("MLG-DEP-015", "pkg:npm/tar"),
        ("MLG-DEP-080", ""),
    ]
    assert said.one("chalk").occurrences[0].location.line


def test_http_and_missing_integrity_are_told_once_a_file() -> None:
    address = "http://registry.npmjs.org/{0}/-/{0}-1.0.0.tgz"
    plain = {f"node_modules/{name}": {"version": "1.0.0", "resolved": address.format(name)} for name in "abcd"}
    said = locked({"": {}, **plain})
    assert said.rules == ["MLG-DEP-030", "MLG-DEP-031"]
    assert said.findings[0].message.startswith("4 of 4 ")
    assert all(c.package and c.package.origin == "registry" for c in said.components)


def test_the_first_version_of_the_lockfile() -> None:
    document = {
        "lockfileVersion": 1,
        "dependencies": {
            "low": {"version": "npm:lodash@4.17.21", "integrity": SRI},
            "own": {"version": "file:packages/own", "dependencies": {"semver": {"version": "6.0.0", "integrity": SRI}}},
            "git": {
                "version": f"git+https://h.test/git.git#{COMMIT}",
                "from": "x",
                "requires": {"low": "npm:lodash@4"},
            },
        },
    }
    said = read(package_lock.INSPECTOR, "npm-shrinkwrap.json", json.dumps(document, indent=1))
    assert [(c.name, c.version) for c in said.components] == [
        ("lodash", "4.17.21"),
        ("semver", "6.0.0"),
        ("git", COMMIT),
    ]
    assert said.relations == (Relation(source="pkg:npm/git", target="pkg:npm/lodash"),)
    assert said.rules == []


def test_package_json_tells_ranges_exact_versions_and_sources() -> None:
    text = """{
  "dependencies": {
    "exact": "1.2.3",
    "range": "^1.2.3",
    "alias": "npm:@s/real@2.0.0",
    "short": "owner/repo#main",
    "own": "workspace:*",
    "tar": "https://cdn.example.test/x.tgz"
  },
  "peerDependencies": {"host": "*"},
  "peerDependenciesMeta": {"host": {"optional": true}},
  "devDependencies": {"latest": "latest"}
}"""
    said = read(package_json.INSPECTOR, "web/package.json", text)
    assert {(c.name, c.version, c.package.scope) for c in said.components if c.package} == {
        ("exact", "1.2.3", "runtime"),
        ("range", None, "runtime"),
        ("@s/real", "2.0.0", "runtime"),
        ("short", None, "runtime"),
        ("tar", None, "runtime"),
        ("host", None, "optional"),
        ("latest", None, "dev"),
    }
    assert said.one("range").occurrences[0].location.line == 4
    assert sorted(said.rules) == ["MLG-DEP-013", "MLG-DEP-015", "MLG-DEP-032"]
    assert not package_json.INSPECTOR.claims(artifact("node_modules/a/package.json", b""))
    assert read(package_json.INSPECTOR, "package.json", '{"dependencies": ["a"]}').stopped


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.sampled_from(["npm:a@1", "git+x:#", "1.0.0", "http://[", "../x"])
    | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["", "packages", "dependencies", "name", "version", "node_modules/a", "resolved", "requires", "link"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_nothing_but_a_stop_comes_out(value: object) -> None:
    read(package_lock.INSPECTOR, "package-lock.json", json.dumps(value))
    read(package_json.INSPECTOR, "package.json", json.dumps(value))
