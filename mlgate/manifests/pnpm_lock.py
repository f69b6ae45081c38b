"""pnpm-lock.yaml, lockfileVersion 5.x, 6.0 and 9.0 (github.com/pnpm/spec, `lockfile/`; pnpm/pnpm, `lockfile/types`)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mlgate.errors import Incomplete
from mlgate.manifests._ecosystems import NPM, RULES, Entry, Origin, observations
from mlgate.manifests._npm import EXACT, integrity, source
from mlgate.manifests._yaml import fields, tables, text, texts
from mlgate.records import Artifact, Inspector, Observation
from mlgate.yaml_events import Map, Node

_SECTIONS = (("dependencies", "runtime"), ("optionalDependencies", "optional"), ("devDependencies", "dev"))
_HOST = re.compile(r"[\w-]+(?:\.[\w-]+)+(?::\d+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Key:
    """What the key of a package says; `version` may be an address."""

    name: str
    version: str
    host: str = ""


def _key(key: str, old: bool) -> _Key:
    """`/name/1.0.0_peers` of version 5 (`old`), `/name@1.0.0(peers)` of 6, `name@1.0.0(peers)` of 9."""
    plain = key.partition("(")[0]
    if "://" not in plain and not plain.startswith(("/", "@", "file:")) and old:
        host, _, rest = plain.partition("/")  # another registry than the project's first one
        if _HOST.fullmatch(host) and rest:
            return _Key(**{**_parts(rest, old), "host": host})
    return _Key(**_parts(plain.removeprefix("/"), old))


def _parts(plain: str, old: bool) -> dict[str, str]:
    if old:
        name, _, version = plain.rpartition("/")
        return {"name": name, "version": version.partition("_")[0]}
    at = plain.find("@", 1)
    return {"name": plain[:at], "version": plain[at + 1 :]} if at > 0 else {"name": plain, "version": ""}


def _points(name: str, value: str, old: bool) -> tuple[str, str] | None:
    """(name, version) of what a dependency was resolved to; None for a folder of the project."""
    if value.startswith(("link:", "workspace:")):
        return None
    plain = value.partition("(")[0]
    if plain.startswith("/") or (not old and "@" in plain[1:] and "://" not in plain.partition("@")[0]):
        found = _key(value, old)
        return found.name, found.version
    return name, plain.partition("_")[0] if old else plain


class _Lock:
    """One document of the file."""

    def __init__(self, document: Map) -> None:
        self.top = fields(document)
        version = text(self.top.get("lockfileVersion"))
        if not re.match(r"\d{1,2}(\.|$)", version):
            raise Incomplete("malformed", "no lockfileVersion")
        self.number = int(re.split(r"\D", version)[0])
        if not 5 <= self.number <= 9:
            raise Incomplete("unsupported", f"lockfileVersion {version[:20]}")
        self.old = self.number == 5
        self.packages = self.top.get("packages")
        self.snapshots = fields(self.top.get("snapshots"))
        self.names = {self.named(key, value).name for key, value in self.pairs()}

    def pairs(self) -> list[tuple[str, Node]]:
        fields(self.packages)  # refuses what this would lose
        return self.packages.pairs if isinstance(self.packages, Map) else []

    def named(self, key: str, value: Node) -> _Key:
        """The package of a key: what comes from elsewhere than a registry has its name in fields."""
        stated, found = fields(value), _key(key, self.old)
        name, version = text(stated.get("name")) or found.name, text(stated.get("version")) or found.version
        return _Key(name=name, version=version, host="" if text(stated.get("name")) else found.host)

    def wanted(self) -> Iterator[tuple[str, str, str]]:
        """(name, resolved to, scope) of what the projects ask for."""
        for project in [self.top, *map(fields, fields(self.top.get("importers")).values())]:
            for section, scope in _SECTIONS:
                for name, value in fields(project.get(section)).items():
                    yield name, text(value) or text(fields(value).get("version")), scope

    def scopes(self) -> dict[str, str]:
        """Version 9 does not say what is for development only: the scope of each snapshot, by who reaches it."""
        found: dict[str, str] = {}
        for wanted in ("runtime", "optional", "dev"):
            pending = [self.snapshot(name, value) for name, value, scope in self.wanted() if scope == wanted]
            while pending:
                key = pending.pop()
                if key in found:
                    continue
                found[key] = wanted
                stated = fields(self.snapshots.get(key))
                each = [*texts(stated.get("dependencies")).items(), *texts(stated.get("optionalDependencies")).items()]
                pending.extend(self.snapshot(name, value) for name, value in each)
        plain: dict[str, str] = {}
        for key, scope in found.items():  # in the order of importance
            plain.setdefault(key.partition("(")[0], scope)
        return plain

    @staticmethod
    def snapshot(name: str, value: str) -> str:
        plain = value.partition("(")[0]
        return value if "@" in plain[1:] and "://" not in plain.partition("@")[0] else f"{name}@{value}"

    def needs(self, stated: Iterable[dict[str, Node]]) -> tuple[str, ...]:
        found = []
        for each in stated:
            for section in ("dependencies", "optionalDependencies"):
                for name, value in texts(each.get(section)).items():
                    target = _points(name, value, self.old)
                    found += [target[0]] if target and target[0] in self.names else []
        return tuple(found)


def _entries(artifact: Artifact, lock: _Lock) -> Iterator[Entry]:
    direct = {target for name, value, _ in lock.wanted() if (target := _points(name, value, lock.old))}
    scopes = lock.scopes() if lock.number >= 9 else {}
    peers: dict[str, list[dict[str, Node]]] = {}
    for key, value in lock.snapshots.items():
        peers.setdefault(key.partition("(")[0], []).append(fields(value))
    for key, value in lock.pairs():
        stated = fields(value)
        found, plain = lock.named(key, value), _key(key, lock.old)
        resolution = fields(stated.get("resolution"))
        told = _told(resolution, plain)
        exact = EXACT.fullmatch(found.version)
        hashes = integrity(text(resolution.get("integrity")))
        shots = peers.get(key.partition("(")[0], [])
        spare = bool(shots) and all(text(shot.get("optional")) == "true" for shot in shots)
        flags = {flag for flag in ("dev", "optional") if text(stated.get(flag)) == "true"}
        scope = "dev" if "dev" in flags else "optional" if flags else "runtime"
        reached = scopes.get(key.partition("(")[0], scope)
        yield Entry(
            name=found.name,
            location=artifact.at(line=max(1, value.line - 1)),  # a block begins below its key
            version=found.version if exact else (told.commit or None),
            direct=(plain.name, plain.version) in direct or (found.name, plain.version) in direct,
            scope="optional" if spare and reached == "runtime" else reached,
            origin=told.origin,
            url=told.url,
            commit=told.commit,
            index=told.index or (f"https://{found.host}" if found.host else ""),
            hashes=hashes,
            needs=lock.needs([stated, *shots]),
            bare=not hashes,
            insecure=told.insecure,
        )


def _told(resolution: dict[str, Node], key: _Key) -> Origin:
    repository, commit = text(resolution.get("repo")), text(resolution.get("commit"))
    if repository:
        return source(f"git+{repository.removeprefix('git+')}#{commit}")
    if "directory" in resolution or key.version.startswith("file:") or key.name.startswith("file:"):
        return Origin(origin="path")
    tarball = text(resolution.get("tarball"))
    address = key.version if "://" in key.version else ""
    return source(tarball or address)


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    for document in tables(artifact):
        yield from observations(NPM, artifact, _entries(artifact, _Lock(document)))


INSPECTOR = Inspector(
    name="pnpm-lock",
    claims=lambda artifact: artifact.depth == 0 and artifact.name == "pnpm-lock.yaml",
    inspect=_inspect,
    rules=RULES,
)
