"""Gemfile.lock and gems.locked (rubygems/rubygems, `bundler/lib/bundler/lockfile_parser.rb`; Bundler documentation)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from mlgate.errors import Incomplete
from mlgate.manifests._common import hashes, is_commit, read_text
from mlgate.manifests._ecosystems import GEM, RULES, Entry, observations, without_login
from mlgate.records import Artifact, Inspector, Observation

_SOURCES = frozenset({"GEM", "GIT", "PATH", "PLUGIN SOURCE"})
_OTHER = frozenset({"PLATFORMS", "DEPENDENCIES", "CHECKSUMS", "RUBY VERSION", "BUNDLED WITH"})
_OPTIONS = re.compile(r"  (remote|revision|ref|branch|tag|glob|submodules|type|specs|name|uri): ?(.*)")
_SPEC = re.compile(r"    (\S{1,200}) \(([0-9][^()\s]{0,200})\)")
_NEED = re.compile(r"      (\S{1,200})(?: \([^()]{1,300}\))?!?")
_SUM = re.compile(r"  (\S{1,200}) \(([^()\s]{1,200})\)(?: (\S+))?")
_PLATFORM = re.compile(r"([0-9][0-9A-Za-z.]*)-(.+)")


@dataclass(frozen=True, slots=True)
class _Source:
    section: str
    options: dict[str, str]
    remotes: list[str]


@dataclass(slots=True)
class _Spec:
    name: str
    version: str
    line: int
    source: _Source
    needs: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Lock:
    specs: list[_Spec] = field(default_factory=list)
    direct: set[str] = field(default_factory=set)
    sums: dict[tuple[str, str], str] | None = None
    broken: list[int] = field(default_factory=list)


def _source(lock: _Lock, line: str, number: int, source: _Source) -> bool:
    """Takes one line of a source's section; whether it was understood."""
    option, spec, need = _OPTIONS.fullmatch(line), _SPEC.fullmatch(line), _NEED.fullmatch(line)
    if option:
        source.options[option[1]] = option[2]
        source.remotes.extend([option[2]] if option[1] == "remote" else [])
    elif spec:
        lock.specs.append(_Spec(spec[1], spec[2], number, source))
    elif need and lock.specs:
        lock.specs[-1].needs.append(need[1])
    return bool(option or spec or (need and lock.specs))


def _parsed(text: str) -> _Lock:
    found = _Lock()
    section, options, remotes = "", dict[str, str](), list[str]()
    for number, line in ((n, raw.rstrip()) for n, raw in enumerate(text.split("\n"), 1) if raw.strip()):
        if not line.startswith(" "):
            section, options, remotes = line, {}, []
            if section == "CHECKSUMS":
                found.sums = {}
            elif section not in _SOURCES | _OTHER:
                found.broken.append(number)
        elif section in _SOURCES:
            understood = _source(found, line, number, _Source(section, options, remotes))
            found.broken += [] if understood else [number]
        elif section == "DEPENDENCIES":
            found.direct.add(line.split()[0].removesuffix("!"))
        elif section == "CHECKSUMS" and found.sums is not None:
            told = _SUM.fullmatch(line)
            if told:
                found.sums[told[1], told[2]] = told[3] or ""
            else:
                found.broken.append(number)
        elif section not in _OTHER:
            found.broken.append(number)
    return found


def _entries(artifact: Artifact, lock: _Lock) -> Iterator[Entry]:
    known = {spec.name for spec in lock.specs}
    for spec in lock.specs:
        platform = _PLATFORM.fullmatch(spec.version)
        remote = without_login(spec.source.remotes[0] if spec.source.remotes else "")
        revision = spec.source.options.get("revision", "")
        origin = {"GIT": "vcs", "PATH": "path"}.get(spec.source.section, "registry")
        if origin == "path" and not remote.startswith(("../", "/")):
            continue  # a gem of the repository itself
        fixed = hashes((lock.sums or {}).get((spec.name, spec.version), "").split(","))
        public = remote.rstrip("/") in {f"https://{host}" for host in GEM.hosts} or remote.startswith(
            "http://rubygems.org"
        )
        yield Entry(
            name=spec.name,
            location=artifact.at(line=spec.line),
            version=platform[1] if platform else spec.version,
            requirement=f"{spec.name} ({spec.version})",
            direct=spec.name in lock.direct,
            origin=origin,
            url=f"git+{remote}#{revision}" if origin == "vcs" else "",
            commit=revision if is_commit(revision) else spec.source.options.get("branch", ""),
            index="" if origin != "registry" or public else ", ".join(map(without_login, spec.source.remotes)),
            hashes=fixed,
            needs=tuple(name for name in spec.needs if name in known),
            properties=(("gem:platform", platform[2][:100]),) if platform else (),
            bare=lock.sums is not None and not fixed,  # before Bundler 2.6 the format had no place for them
            insecure=origin != "path" and any(each.startswith("http://") for each in spec.source.remotes),
        )


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    lock = _parsed(read_text(artifact))
    yield from observations(GEM, artifact, _entries(artifact, lock))
    if lock.broken:
        raise Incomplete("malformed", f"lines {', '.join(map(str, lock.broken[:10]))} are not of Bundler's format")


INSPECTOR = Inspector(
    name="gemfile-lock",
    claims=lambda artifact: artifact.depth == 0 and artifact.name in {"Gemfile.lock", "gems.locked"},
    inspect=_inspect,
    rules=RULES,
)
