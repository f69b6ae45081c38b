from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.manifests import pnpm_lock, yarn_lock
from mlgate.records import Relation
from tests.reading import read

SRI = "sha512-" + "A" * 86 + "=="
SHA1 = "a" * 40
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def test_yarn_1() -> None:
    said = read(
        yarn_lock.INSPECTOR,
        "yarn.lock",
        f"""# yarn lockfile v1


"@s/a@^1.0.0", "@s/a@^1.2.0":
  version "1.2.3"
  resolved "https://registry.yarnpkg.com/@s/a/-/a-1.2.3.tgz#{SHA1}"
  integrity {SRI}
  dependencies:
    "@s/b" "^2.0.0"
    low "npm:lodash@4"

low@npm:lodash@4, low@npm:lodash@^4.17.0:
  version "4.17.21"
  resolved "https://npm.example.test/x/lodash/-/lodash-4.17.21.tgz#{SHA1}"

"@s/b@^2.0.0":
  version "2.0.0"
  resolved "http://registry.npmjs.org/@s/b/-/b-2.0.0.tgz"

"g@git+https://h.test/g.git#main":
  version "1.0.0"
  resolved "git+https://h.test/g.git#{COMMIT}"

"here@file:../here":
  version "0.0.0"
""",
    )
    assert said.stopped is None
    facts = {(c.name, c.version, c.package.origin, c.package.index) for c in said.components if c.package}
    assert facts == {
        ("@s/a", "1.2.3", "registry", ""),
        ("lodash", "4.17.21", "registry", "https://npm.example.test/x"),
        ("@s/b", "2.0.0", "registry", ""),
        ("g", "1.0.0", "vcs", ""),
        ("here", "0.0.0", "path", ""),
    }
    assert said.one("lodash").hashes[0].algorithm == "SHA-1"
    assert said.one("lodash").occurrences[0].location.line == 12
    assert said.relations == (
        Relation(source="pkg:npm/%40s/a", target="pkg:npm/%40s/b"),
        Relation(source="pkg:npm/%40s/a", target="pkg:npm/lodash"),
    )
    assert said.rules == ["MLG-DEP-030", "MLG-DEP-031", "MLG-DEP-080"]


def test_yarn_2_and_later() -> None:
    said = read(
        yarn_lock.INSPECTOR,
        "yarn.lock",
        f"""__metadata:
  version: 8

"demo@workspace:.":
  version: 0.0.0-use.local
  resolution: "demo@workspace:."
  dependencies:
    low: "npm:lodash@^4"
  languageName: unknown

"low@npm:lodash@^4, low@npm:lodash@~4.17":
  version: 4.17.21
  resolution: "lodash@npm:4.17.21"
  dependencies:
    g: "h.test/g"
  checksum: 10c0/{"a" * 128}
  linkType: hard

"bare@npm:1":
  version: 1.0.0
  resolution: "bare@npm:1.0.0"

"other@npm:1":
  version: 1.0.0
  resolution: "other@npm:1.0.0::__archiveUrl=https%3A%2F%2Fnpm.example.test%2Fother%2F-%2Fother-1.0.0.tgz"
  conditions: os=darwin

"g@https://h.test/g.git":
  version: 2.0.0
  resolution: "g@https://h.test/g.git#commit={COMMIT}"
""",
    )
    assert said.stopped is None
    assert {(c.name, c.version, c.package.origin, c.package.direct) for c in said.components if c.package} == {
        ("lodash", "4.17.21", "registry", True),
        ("bare", "1.0.0", "registry", False),
        ("other", "1.0.0", "registry", False),
        ("g", "2.0.0", "vcs", False),
    }
    assert said.relations == (Relation(source="pkg:npm/lodash", target="pkg:npm/g"),)
    assert [(f.rule.id, f.location.line) for f in said.findings] == [("MLG-DEP-031", 19), ("MLG-DEP-080", 23)]


PNPM = {
    "5.4": f"""lockfileVersion: 5.4
specifiers: {{low: npm:lodash@^4, tool: '1'}}
dependencies:
  low: /lodash/4.17.21
devDependencies:
  tool: 1.0.0_peer@2.0.0
packages:
  /lodash/4.17.21:
    resolution: {{integrity: {SRI}}}
    dev: false
  /tool/1.0.0_peer@2.0.0:
    resolution: {{integrity: {SRI}}}
    dependencies: {{'@s/p': 2.0.0}}
    dev: true
  /@s/p/2.0.0:
    resolution: {{integrity: {SRI}}}
    dev: true
  github.com/o/r/{COMMIT}:
    resolution: {{tarball: https://codeload.github.com/o/r/tar.gz/{COMMIT}}}
    name: r
    version: 3.0.0
    dev: true
""",
    "6.0": f"""lockfileVersion: '6.0'
dependencies:
  low: {{specifier: npm:lodash@^4, version: /lodash@4.17.21}}
devDependencies:
  tool: {{specifier: '1', version: 1.0.0(peer@2.0.0)}}
packages:
  /lodash@4.17.21:
    resolution: {{integrity: {SRI}}}
    dev: false
  /tool@1.0.0(peer@2.0.0):
    resolution: {{integrity: {SRI}}}
    dependencies: {{'@s/p': 2.0.0}}
    dev: true
  /@s/p@2.0.0:
    resolution: {{integrity: {SRI}}}
    dev: true
  github.com/o/r/{COMMIT}:
    resolution: {{tarball: https://codeload.github.com/o/r/tar.gz/{COMMIT}}}
    name: r
    version: 3.0.0
    dev: true
""",
    "9.0": f"""lockfileVersion: '9.0'
importers:
  .:
    dependencies:
      low: {{specifier: npm:lodash@^4, version: lodash@4.17.21}}
    devDependencies:
      tool: {{specifier: '1', version: 1.0.0(@s/p@2.0.0)}}
packages:
  lodash@4.17.21:
    resolution: {{integrity: {SRI}}}
  tool@1.0.0:
    resolution: {{integrity: {SRI}}}
  '@s/p@2.0.0':
    resolution: {{integrity: {SRI}}}
  r@https://codeload.github.com/o/r/tar.gz/{COMMIT}:
    resolution: {{tarball: https://codeload.github.com/o/r/tar.gz/{COMMIT}}}
    version: 3.0.0
snapshots:
  lodash@4.17.21: {{}}
  tool@1.0.0(@s/p@2.0.0):
    dependencies:
      '@s/p': 2.0.0
      r: https://codeload.github.com/o/r/tar.gz/{COMMIT}
      not-there: 1.0.0
  '@s/p@2.0.0': {{}}
  r@https://codeload.github.com/o/r/tar.gz/{COMMIT}: {{}}
""",
}


@pytest.mark.parametrize("version", PNPM)
def test_pnpm(version: str) -> None:
    said = read(pnpm_lock.INSPECTOR, "pnpm-lock.yaml", PNPM[version])
    assert said.stopped is None
    assert {
        (c.name, c.version, c.package.scope, c.package.direct, c.package.origin) for c in said.components if c.package
    } == {
        ("lodash", "4.17.21", "runtime", True, "registry"),
        ("tool", "1.0.0", "dev", True, "registry"),
        ("@s/p", "2.0.0", "dev", False, "registry"),
        ("r", "3.0.0", "dev", False, "vcs"),
    }
    assert Relation(source="pkg:npm/tool", target="pkg:npm/%40s/p") in said.relations
    assert said.rules == []
    assert (
        said.one("lodash").occurrences[0].location.line
        == PNPM[version]
        .split("\n")
        .index("  lodash@4.17.21:" if version == "9.0" else f"  /lodash{'@' if version == '6.0' else '/'}4.17.21:")
        + 1
    )


@pytest.mark.parametrize(
    "text",
    ["", "a: 1\n", "lockfileVersion: 12\n", "- a\n", "lockfileVersion: '9.0'\npackages: {<<: {a: 1}}\n", "x: [" * 9000],
)
def test_what_pnpm_did_not_write_is_not_clean(text: str) -> None:
    said = read(pnpm_lock.INSPECTOR, "pnpm-lock.yaml", text)
    assert said.stopped is not None or (text == "" and said.observations == ())


def test_a_merge_conflict_is_not_lost() -> None:
    said = read(yarn_lock.INSPECTOR, "yarn.lock", 'a@1:\n  version "1.0.0"\n<<<<<<< HEAD\nb@1:\n  version "1.0.0"\n')
    assert [c.name for c in said.components] == ["a", "b"]
    assert said.stopped is not None


LINES = st.lists(
    st.sampled_from(
        [
            "__metadata:",
            "a@^1:",
            '"@a/b@npm:c@1", x@2:',
            '  version "1.0.0"',
            "  dependencies:",
            "    x 1",
            "\t",
            '  "',
            "y",
            "lockfileVersion: '9.0'",
            "packages:",
            "  a@1:",
            "  /a/1: {resolution: {tarball: 'http://['}}",
            "snapshots:",
            "lockfileVersion: 5",
            "  a: &a {dependencies: {b: link:x}}",
            "  resolution: 'a@patch:b'",
        ]
    )
    | st.text(max_size=6),
    max_size=10,
)


@given(LINES)
def test_nothing_but_a_stop_comes_out(lines: list[str]) -> None:
    read(yarn_lock.INSPECTOR, "yarn.lock", "\n".join(lines))
    read(pnpm_lock.INSPECTOR, "pnpm-lock.yaml", "\n".join(lines))
