from __future__ import annotations

import base64

from hypothesis import given
from hypothesis import strategies as st

from mlgate.manifests import cargo_lock, cargo_toml, go_mod, go_sum
from mlgate.records import Relation
from tests.reading import read

SHA = "c" * 64
COMMIT = "0123456789abcdef0123456789abcdef01234567"
INDEX = "registry+https://github.com/rust-lang/crates.io-index"


def test_cargo_lock_tells_sources_checksums_and_edges() -> None:
    said = read(
        cargo_lock.INSPECTOR,
        "Cargo.lock",
        f"""version = 4
[[package]]
name = "demo"
version = "0.1.0"
dependencies = ["serde", "rand 0.8.5"]

[[package]]
name = "serde"
version = "1.0.200"
source = "{INDEX}"
checksum = "{SHA}"
dependencies = ["rand 0.7.3", "demo"]

[[package]]
name = "rand"
version = "0.7.3"
source = "registry+http://crates.example.test/index"

[[package]]
name = "rand"
version = "0.8.5"
source = "sparse+https://index.crates.io/"
checksum = "{SHA}"

[[package]]
name = "fork"
version = "2.0.0"
source = "git+https://h.test/fork?branch=main#{COMMIT}"
""",
    )
    assert said.stopped is None
    assert {(c.purl, c.package.direct, c.package.index) for c in said.components if c.package} == {
        ("pkg:cargo/serde@1.0.200", True, ""),
        ("pkg:cargo/rand@0.7.3", False, "http://crates.example.test/index"),
        ("pkg:cargo/rand@0.8.5", True, ""),
        (
            "pkg:cargo/fork@2.0.0?vcs_url=git%2Bhttps://h.test/fork%3Fbranch%3Dmain%23" + COMMIT,
            False,
            "",
        ),
    }
    assert said.one("serde").hashes[0].value == SHA
    assert said.one("serde").occurrences[0].location.line == 7
    assert said.relations == (Relation(source="pkg:cargo/serde", target="pkg:cargo/rand@0.7.3"),)
    assert said.rules == ["MLG-DEP-030", "MLG-DEP-031"]


def test_checksums_of_the_first_version_stand_at_the_end() -> None:
    said = read(
        cargo_lock.INSPECTOR,
        "Cargo.lock",
        f"""[root]
name = "demo"
version = "0.1.0"
dependencies = ["libc 0.2.1 ({INDEX})"]
[[package]]
name = "libc"
version = "0.2.1"
source = "{INDEX}"
[metadata]
"checksum libc 0.2.1 ({INDEX})" = "{SHA}"
""",
    )
    assert [(c.name, c.hashes[0].value, c.package.direct) for c in said.components if c.package] == [
        ("libc", SHA, True)
    ]
    assert said.rules == []


def test_cargo_toml() -> None:
    said = read(
        cargo_toml.INSPECTOR,
        "Cargo.toml",
        """[package]
name = "demo"
[dependencies]
serde = "1.0"
renamed = { package = "real", version = "=1.2.3", optional = true }
own = { path = "../own" }
shared.workspace = true
forked = { git = "https://h.test/forked", branch = "main" }
[target.'cfg(windows)'.dev-dependencies]
winapi = "0.3"
""",
    )
    assert {(c.name, c.version, c.package.scope, c.package.marker) for c in said.components if c.package} == {
        ("serde", None, "runtime", ""),
        ("real", "1.2.3", "optional", ""),
        ("forked", None, "runtime", ""),
        ("winapi", None, "dev", "cfg(windows)"),
    }
    assert said.rules == ["MLG-DEP-013", "MLG-DEP-032"]
    assert said.findings[1].location.line == 4
    assert read(cargo_toml.INSPECTOR, "Cargo.toml", "[dependencies]\na = 1\n").stopped


GO = """module example.test/demo // the module

go 1.22.1
toolchain go1.23.0

require github.com/BurntSushi/toml v1.3.2
require (
\tgopkg.in/yaml.v3 v3.0.1 // indirect
\tgithub.com/old/one v1.0.0+incompatible
\texample.test/here v0.0.0
\t// a comment
)
exclude github.com/old/one v0.9.0
replace (
\tgithub.com/old/one v1.0.0+incompatible => github.com/new/one v1.1.0
\texample.test/here => ./here
\tgithub.com/never/required => github.com/x/y v1.0.0
)
retract [v1.0.0, v1.0.5] // published by mistake
"""


def test_go_mod_tells_direct_replaced_and_local_modules() -> None:
    said = read(go_mod.INSPECTOR, "go.mod", GO)
    assert said.stopped is None
    assert {(c.name, c.version, c.package.direct, c.package.scope) for c in said.components if c.package} == {
        ("github.com/BurntSushi/toml", "v1.3.2", True, "runtime"),
        ("gopkg.in/yaml.v3", "v3.0.1", False, "runtime"),
        ("github.com/new/one", "v1.1.0", True, "runtime"),
        ("stdlib", None, True, "build"),
    }
    assert said.one("github.com/BurntSushi/toml").purl == "pkg:golang/github.com/burntsushi/toml@v1.3.2"
    assert said.one("github.com/BurntSushi/toml").occurrences[0].location.line == 6
    assert said.one("github.com/new/one").properties == (("go:replaces", "github.com/old/one@v1.0.0+incompatible"),)


def test_a_line_of_go_mod_that_is_not_understood_is_told() -> None:
    said = read(
        go_mod.INSPECTOR, "go.mod", "module m\nrequire a.test/b v1.0.0\nrequire a.test/c latest\n<<<<<<< HEAD\n"
    )
    assert [c.name for c in said.components] == ["a.test/b"]
    assert said.stopped
    assert "3, 4" in said.stopped.detail


def test_go_sum_gives_hashes_of_modules_and_not_of_their_manifests() -> None:
    value = base64.b64encode(bytes.fromhex(SHA)).decode()
    text = f"a.test/b v1.0.0 h1:{value}\na.test/b v1.0.0/go.mod h1:{value}\na.test/c v2.0.0/go.mod h1:{value}\n"
    said = read(go_sum.INSPECTOR, "go.sum", text)
    assert [(c.purl, c.hashes[0].value, c.hashes[0].declared) for c in said.components] == [
        ("pkg:golang/a.test/b@v1.0.0", SHA, True)
    ]
    assert said.stopped is None
    assert read(go_sum.INSPECTOR, "go.sum", text + "a.test/d v1\n").stopped


WORDS = st.lists(
    st.sampled_from(
        [
            "module m",
            "require (",
            ")",
            "replace",
            "=>",
            " a.test/b v1.0.0",
            "// indirect",
            "go 1",
            "toolchain",
            '"a',
            "\n",
            "[[package]]",
            'name = "a"',
            'source = "git+x"',
            "[dependencies]",
            'a = {git = "x"}',
            "a.test/b v1.0.0 h1:AAAA",
        ]
    )
    | st.text(max_size=5),
    max_size=10,
)


@given(WORDS, st.sampled_from([" ", "\n"]))
def test_nothing_but_a_stop_comes_out(words: list[str], between: str) -> None:
    for reader in (go_mod, go_sum, cargo_lock, cargo_toml):
        read(reader.INSPECTOR, "x", between.join(words))
