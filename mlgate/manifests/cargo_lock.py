"""Cargo.lock, versions 1 to 4 (rust-lang/cargo, `resolver/encode.rs`: its module documentation is the format's)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from mlgate.errors import Incomplete
from mlgate.manifests._common import Lines, is_commit, read_toml, rows, table, word
from mlgate.manifests._ecosystems import CARGO, RULES, Entry, Origin, identity, observations, without_login
from mlgate.records import Artifact, Hash, Inspector, Observation

PUBLIC = ("registry+https://github.com/rust-lang/crates.io-index", "sparse+https://index.crates.io/")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def _source(text: str) -> Origin:
    """`registry+URL`, `sparse+URL` or `git+URL?branch=x#commit`; nothing for a crate of the workspace."""
    kind, _, rest = without_login(text).partition("+")
    if kind == "git":
        commit = rest.partition("#")[2]
        return Origin(origin="vcs", url=f"git+{rest}", commit=commit, insecure=rest.startswith("http://"))
    if kind in {"registry", "sparse"}:
        public = text.rstrip("/") in {each.rstrip("/") for each in PUBLIC}
        return Origin(index="" if public else rest, insecure=rest.startswith("http://"))
    return Origin(origin="url" if "://" in text else "path", url=without_login(text) if "://" in text else "")


def _name(need: object) -> str:
    return word(need).partition(" ")[0]


def _needed(need: str, count: Counter[str]) -> str:
    """The crate that a dependency is, with its version where several are locked: then Cargo writes it."""
    name, _, rest = need.partition(" ")
    version = rest.partition(" ")[0]
    return f"{identity(CARGO, name)}@{version}" if version and count[name] > 1 else name


def _entries(artifact: Artifact) -> Iterator[Entry]:
    document, text = read_toml(artifact)
    packages = [table(item) for item in rows(document.get("package"))]
    if "package" not in document and "version" not in document:
        raise Incomplete("malformed", "neither packages nor a version")
    lines = Lines(text).tables("package", len(packages))
    # versions before 2 keep the checksums in a table at the end, under "checksum NAME VERSION (SOURCE)"
    old = {tuple(key.split(" ")[1:4]): value for key, value in table(document.get("metadata")).items()}
    own = [package for package in [table(document.get("root")), *packages] if package and "source" not in package]
    direct = {tuple(word(need).split(" ")[:2]) for package in own for need in rows(package.get("dependencies"))}
    count = Counter(word(package.get("name")) for package in packages if "source" in package)
    for package, line in zip(packages, lines, strict=True):
        name, version, source = (word(package.get(key)) for key in ("name", "version", "source"))
        if not name or not version:
            raise Incomplete("malformed", f"a package without a name or version near line {line}")
        if not source:
            continue  # a crate of the repository itself
        told = _source(source)
        checksum = word(package.get("checksum")) or word(old.get((name, version, f"({source})")))
        fixed = (Hash(algorithm="SHA-256", value=checksum, declared=True),) if _SHA256.fullmatch(checksum) else ()
        yield Entry(
            name=name,
            location=artifact.at(line=line),
            version=version,
            direct=bool({(name,), (name, version)} & direct),
            origin=told.origin,
            url=told.url,
            commit=told.commit if is_commit(told.commit) else "",
            index=told.index,
            hashes=fixed,
            needs=tuple(
                _needed(word(need), count) for need in rows(package.get("dependencies")) if _name(need) in count
            ),
            several=count[name] > 1,
            bare=not fixed,
            insecure=told.insecure,
        )


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    return observations(CARGO, artifact, _entries(artifact))


INSPECTOR = Inspector(
    name="cargo-lock",
    claims=lambda artifact: artifact.depth == 0 and artifact.name == "Cargo.lock",
    inspect=_inspect,
    rules=RULES,
)
