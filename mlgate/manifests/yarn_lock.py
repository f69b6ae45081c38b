"""yarn.lock: Yarn 1's own format (yarnpkg/lockfile) and the YAML of Yarn 2 and later (yarnpkg.com, "Lockfile")."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote

from mlgate.errors import Incomplete
from mlgate.manifests._common import is_commit, read_text
from mlgate.manifests._ecosystems import NPM, RULES, Entry, Origin, observations
from mlgate.manifests._npm import EXACT, alias, integrity, source
from mlgate.manifests._yaml import fields, tables, text, texts
from mlgate.records import Artifact, Hash, Inspector, Observation

_PATTERN = re.compile(r'"((?:[^"\\]|\\.)*)"|([^",]+)')
_PAIR = re.compile(r'(?:"([^"]+)"|([^\s":]+)) (?:"([^"]*)"|([^\s"]+))')
_PATHS = ("file:", "link:", "portal:", "./", "../", "/")


@dataclass(slots=True)
class _Block:
    """One entry of Yarn 1's format."""

    patterns: list[str]
    line: int
    values: dict[str, str] = field(default_factory=dict)
    needs: list[tuple[str, str]] = field(default_factory=list)


def _parted(descriptor: str) -> tuple[str, str]:
    """Name and range of `name@range`; a scope begins with the same sign."""
    at = descriptor.find("@", 1)
    return (descriptor[:at], descriptor[at + 1 :]) if at > 0 else (descriptor, "")


def _blocks(content: str) -> Iterator[_Block]:
    """The entries of a file of Yarn 1. Raises Incomplete at the end when lines were not understood."""
    block: _Block | None = None
    broken: list[int] = []
    inside = False
    for number, raw in enumerate(content.split("\n"), 1):
        line = raw.rstrip()
        if not line or line.lstrip().startswith("#"):
            continue
        indent = len(line) - len(line.lstrip(" "))
        if indent == 0:
            if block:
                yield block
            found = (quoted or bare.strip() for quoted, bare in _PATTERN.findall(line.removesuffix(":")))
            patterns = [each for each in found if each]
            block, inside = (_Block(patterns, number) if line.endswith(":") and patterns else None), False
            broken += [] if block else [number]
        elif block is None:
            broken.append(number)
        elif indent == 2 and line.endswith(":"):
            inside = line.strip(" :") in {"dependencies", "optionalDependencies"}
        else:
            pair = _PAIR.fullmatch(line.strip())
            name, value = (pair[1] or pair[2], pair[3] or pair[4] or "") if pair else ("", "")
            if indent == 2 and pair:
                block.values[name] = value
            elif pair and inside:
                block.needs.append((name, value))
            elif not pair:
                broken.append(number)
    if block:
        yield block
    if broken:
        raise Incomplete("malformed", f"lines {', '.join(map(str, broken[:10]))} are not of Yarn's format")


def _first(artifact: Artifact, content: str) -> Iterator[Entry]:
    for block in _blocks(content):
        name, asked = _parted(block.patterns[0])
        real, asked = alias(name, asked)
        resolved = block.values.get("resolved", "")
        told = source(resolved) if resolved or not asked.startswith(_PATHS) else Origin(origin="path")
        fragment = resolved.rpartition("#")[2]
        hashes = integrity(block.values.get("integrity"))
        if not hashes and told.origin != "vcs" and re.fullmatch(r"[0-9a-f]{40}", fragment):
            hashes = (Hash(algorithm="SHA-1", value=fragment, declared=True),)
        version = block.values.get("version", "")
        if not version:
            raise Incomplete("malformed", f"the entry on line {block.line} has no version")
        yield Entry(
            name=real,
            location=artifact.at(line=block.line),
            version=version,
            origin=told.origin,
            url=told.url,
            commit=told.commit,
            index=told.index,
            hashes=hashes,
            needs=tuple(alias(needed, spec)[0] for needed, spec in block.needs),
            bare=not hashes,
            insecure=told.insecure,
            address=resolved,
        )


def _second(artifact: Artifact) -> Iterator[Entry]:
    for document in tables(artifact):
        entries = [(key, value) for key, value in document.pairs if key != "__metadata"]
        fields(document)  # refuses what this would lose
        wanted: set[str] = set()
        names: set[str] = set()
        for _, value in entries:
            stated = fields(value)
            name, place = _parted(text(stated.get("resolution")))
            if place.startswith("workspace:"):
                asked = texts(stated.get("dependencies")).items()
                wanted.update(f"{n}@{spec}" for n, spec in asked)
                wanted.update(f"{n}@npm:{spec}" for n, spec in asked)
            else:
                names.add(name)
        for key, value in entries:
            stated = fields(value)
            name, place = _parted(text(stated.get("resolution")))
            if not name or not place:
                raise Incomplete("malformed", f"no resolution on line {value.line}")
            if place.startswith("workspace:"):
                continue  # the project's own folders
            told, version = _place(place), text(stated.get("version"))
            checksum = text(stated.get("checksum"))
            asked = texts(stated.get("dependencies")).items()
            yield Entry(
                name=name,
                location=artifact.at(line=max(1, value.line - 1)),
                version=version if EXACT.fullmatch(version) and version != "0.0.0-use.local" else None,
                direct=any(each.strip() in wanted for each in key.split(",")),
                origin=told.origin,
                url=told.url,
                commit=told.commit,
                index=told.index,
                needs=tuple(real for real, _ in (alias(n, spec) for n, spec in asked) if real in names),
                # of the archive that Yarn makes, not of the registry's: no hash of the package
                properties=(("yarn:checksum", checksum[:200]),) if checksum else (),
                # what other systems would need is listed without a checksum, a builtin patch is Yarn's own
                bare=not checksum and place.startswith("npm:") and "conditions" not in stated,
                insecure=told.insecure,
            )


def _place(place: str) -> Origin:
    """Where the second half of a resolution leads (`npm:1.0.0`, `patch:...`, an address, a path)."""
    plain, _, parameters = place.partition("::")
    address = next((p[13:] for p in parameters.split("&") if p.startswith("__archiveUrl=")), "")
    if plain.startswith("npm:"):
        return source(unquote(address)) if address else Origin()
    if plain.startswith("patch:"):
        return Origin()  # a package of the registry with a patch that lies in the repository or in Yarn
    if plain.startswith(_PATHS):
        return Origin(origin="path")
    told = source(plain)
    if told.origin == "registry" or is_commit(told.commit):
        return told
    commit = re.search(r"[#&]commit=([0-9a-f]{40})", plain)
    return Origin(origin="vcs", url=told.url, commit=commit[1], insecure=told.insecure) if commit else told


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    content = read_text(artifact)
    new = re.search(r"^__metadata:", content, re.MULTILINE) is not None
    return observations(NPM, artifact, _second(artifact) if new else _first(artifact, content))


INSPECTOR = Inspector(
    name="yarn-lock",
    claims=lambda artifact: artifact.depth == 0 and artifact.name == "yarn.lock",
    inspect=_inspect,
    rules=RULES,
)
