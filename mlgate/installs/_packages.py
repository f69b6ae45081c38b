"""What commands install as components, and what to say of where it comes from."""

from __future__ import annotations

import dataclasses
import posixpath
import re
from collections.abc import Callable, Iterator

from mlgate import rules
from mlgate.errors import Incomplete
from mlgate.installs._reader import Index
from mlgate.installs._rules import UNTOLD
from mlgate.installs._tools import Install
from mlgate.installs._words import name_in, texts
from mlgate.manifests._conda import channel_name, component, note, spec
from mlgate.manifests._declared import index_findings, without_login
from mlgate.manifests._ecosystems import NPM, Entry, unlocked
from mlgate.manifests._ecosystems import component as npm_component
from mlgate.manifests._npm import wanted
from mlgate.manifests._rules import LOCAL, OUTSIDE, UNHASHED, UNPINNED
from mlgate.manifests.requirements import read_lines
from mlgate.records import Artifact, Component, Finding, Include, Location, Observation
from mlgate.references._commands_loads import Locate
from mlgate.references._commands_shell import Arg

Paths = Callable[[str, str | None], list[str]]
_ARCHIVE = (".whl", ".tar.gz", ".zip", ".tar.bz2", ".tgz")
_DIRECT = re.compile(r"[\w.-]+(?:\[[^\]]*\])?\s*@\s*")
_READ_ELSEWHERE = (".toml", ".py", ".cfg", ".lock")


class Packages:
    """The installs of one file to observations. `paths` are the files of the tree that a path may mean."""

    def __init__(self, artifact: Artifact, locate: Locate, paths: Paths, *, scope: str) -> None:
        self.artifact = artifact
        self.locate = locate
        self.paths = paths
        self.scope = scope
        self.loose: dict[str, Component] = {}
        self.told = 0
        self.conda: list[Component] = []
        self.entries: list[Entry] = []
        self.untold: dict[str, Location] = {}
        self.local: dict[str, Location] = {}
        self.seen: set[Observation] = set()

    def install(self, found: Install, base: str | None, indexes: list[Index]) -> Iterator[Observation]:
        """What one command installs."""
        for said in self._install(found, base, indexes):
            if said not in self.seen:
                self.seen.add(said)
                yield said

    def _install(self, found: Install, base: str | None, indexes: list[Index]) -> Iterator[Observation]:
        scope = "dev" if found.dev else self.scope
        if not found.packages and not found.files and not found.environments and found.tool.endswith(("pip install",)):
            self._unknown(found.tool, found.line)
        match found.family:
            case "python":
                yield from self._python(found, scope, indexes)
            case "conda":
                yield from self._conda(found, scope)
            case _:
                yield from self._npm(found, scope)
        for one in found.files:
            reader = "requirements" if found.family == "python" else ""
            yield from self._file(one, found, base, reader)
        for one in found.environments:
            yield from self._file(one, found, base, "conda-environment")

    def _python(self, found: Install, scope: str, indexes: list[Index]) -> Iterator[Observation]:
        lines, loose = self._lines(found)
        for flag, text, line in self._options(found):
            if found.best or flag in {"--index-url", "--trusted-host"}:
                lines.append((line, f"{flag} {text}"))
        index = _default_index(found, indexes)
        for said in self._read(lines, scope, found.tool):
            if isinstance(said, Component) and said.package:
                package = said.package
                if index and package.origin == "registry" and not package.index:
                    package = dataclasses.replace(package, index=without_login(index)[:300])
                written = loose.get(package.requirement)
                if written:
                    package = dataclasses.replace(package, requirement=written.strip("'\"")[:300])
                yield dataclasses.replace(said, package=package)
            else:
                yield said

    def _lines(self, found: Install) -> tuple[list[tuple[int, str]], dict[str, str]]:
        """Its packages as lines of a requirements file, and by name how those of unknown version are written."""
        lines: list[tuple[int, str]] = []
        loose: dict[str, str] = {}
        for one in found.packages:
            known = texts(one)
            for text in known:
                if _is_path(text):
                    self._path(text, one.line)
                else:
                    lines.append((one.line, text))
            if one.values.unknown or not (known or one.values.known):
                name = name_in(one)
                if name:
                    lines.append((one.line, name))
                    loose[name] = one.text
                elif not _is_path(one.start or one.text.strip("'\"")):
                    self._unknown(f"{found.tool} {one.text}", one.line)
        return lines, loose

    def _options(self, found: Install) -> Iterator[tuple[str, str, int]]:
        for flag, value in found.indexes:
            known = [part for text in texts(value) for part in text.split()]
            if value.values.unknown and not known and flag != "--index-url":
                known = [_partly(value)]
            for text in known:
                yield flag, text, value.line

    def _read(self, lines: list[tuple[int, str]], scope: str, group: str) -> Iterator[Observation]:
        """Through the reader of requirements files; what it says of each line's version is said once a file here."""
        try:
            for said in read_lines(self.artifact, lines, scope=scope, group=group):
                placed = self._placed(said)
                if isinstance(placed, Finding) and placed.rule in (UNPINNED, UNHASHED):
                    continue
                if isinstance(placed, Component):
                    self.told += 1
                    if placed.version is None and placed.package and placed.package.origin == "registry":
                        self.loose.setdefault(placed.name, placed)
                yield placed
        except Incomplete as stop:
            number = re.match(r"pip would not take line (\d+)", stop.detail)
            wrong = int(number[1]) if number else lines[0][0]
            text = next((text for line, text in lines if line == wrong), "")
            self._unknown(f"{group} {text}", wrong)

    def _placed(self, said: Observation) -> Observation:
        """The same where the file's own reader has it: in a notebook, the line is one of a cell."""
        if isinstance(said, Component):
            moved = tuple(dataclasses.replace(o, location=self._moved(o.location)) for o in said.occurrences)
            return dataclasses.replace(said, occurrences=moved)
        if isinstance(said, (Finding, Include)):
            return dataclasses.replace(said, location=self._moved(said.location))
        return said

    def _moved(self, place: Location) -> Location:
        line = place.line or 1
        return self.locate(line, line)

    def _conda(self, found: Install, scope: str) -> Iterator[Observation]:
        channels = []
        for one in found.channels:
            for text in texts(one):
                yield from index_findings(self.locate(one.line, one.line), text)
                channels.append(channel_name(text))
        for one in found.packages:
            for text in texts(one):
                match = spec(text)
                if match is None:
                    self._unknown(f"{found.tool} {text}", one.line)
                    continue
                yield self._conda_package(one, match.name, text, channels, scope, found.tool)
            if one.values.unknown or not one.values.known:
                name = name_in(one)
                if name:
                    yield self._conda_package(one, name, name, channels, scope, found.tool)
                else:
                    self._unknown(f"{found.tool} {one.text}", one.line)

    def _conda_package(self, one: Arg, name: str, text: str, channels: list[str], scope: str, tool: str) -> Observation:
        match = spec(text) or spec(name)
        if match is None:
            raise Incomplete("malformed", f"{name[:100]!r} is no package name")
        index = match.channel or (channels[0] if len(channels) == 1 else "")
        written = one.text.strip("'\"") if one.values.unknown else text
        made = component(
            match,
            self.locate(one.line, one.line),
            requirement=written,
            scope=scope,
            group=tool,
            index=index,
            channels=() if index else channels,
        )
        self.conda.append(made)
        return made

    def _npm(self, found: Install, scope: str) -> Iterator[Observation]:
        for _, value in found.indexes:
            for text in texts(value):
                yield from index_findings(self.locate(value.line, value.line), text)
        for one in found.packages:
            if one.values.unknown or not one.values.known:
                self._unknown(f"{found.tool} {one.text}", one.line)
            for text in texts(one):
                name, asked = _npm_parts(text)
                where = self.locate(one.line, one.line)
                entry = wanted(name, asked, where, scope=scope, group=found.tool)
                if not name or entry is None:
                    continue
                entry = dataclasses.replace(entry, requirement=text)
                try:
                    made = npm_component(NPM, entry)
                except Incomplete:
                    self._unknown(f"{found.tool} {text}", one.line)
                    continue
                self.entries.append(entry)
                yield made

    def _file(self, one: Arg, found: Install, base: str | None, reader: str) -> Iterator[Observation]:
        """The files that a command names, each where it may be in the repository."""
        where = self.locate(one.line, one.line)
        known = texts(one)
        if one.values.unknown or not known or not reader:
            self._unknown(f"{found.tool} -r {one.text}", one.line)
        for text in known if reader else ():
            if "://" in text:
                message = "The command installs what a file says that is not in the repository, so it was not read."
                yield rules.finding(OUTSIDE, where, message, evidence=without_login(text)[:200])
            elif not text.endswith(_READ_ELSEWHERE) and text not in {"-", "/dev/stdin"}:
                for path in self.paths(text, base):
                    yield Include(path=path, reader=reader, location=where, optional=True)

    def _path(self, text: str, line: int) -> None:
        """A path: the repository's own folder says what it needs itself; a package file from elsewhere is told."""
        if text.partition("[")[0].endswith(_ARCHIVE):
            self.local.setdefault(text[:100], self.locate(line, line))

    def _unknown(self, text: str, line: int) -> None:
        shown = without_login(" ".join(text.split()))[:120]
        self.untold.setdefault(shown, self.locate(line, line))

    def unknown(self, text: str, line: int) -> None:
        """Something else of the file that cannot be told, to be said with the rest."""
        self._unknown(text, line)

    def index(self, index: Index) -> Iterator[Observation]:
        """What to say of an index that a variable or a setting names."""
        known = [part for text in texts(index.value) for part in text.split()]
        lines = [(index.value.line, f"{index.flag} {part}") for part in known]
        if index.flag in {"--extra-index-url", "--find-links"} and not index.best:
            lines = [(line, f"--index-url {text.partition(' ')[2]}") for line, text in lines]
        yield from self._read(lines, self.scope, index.source) if lines else ()

    def rest(self) -> Iterator[Observation]:
        """What is said once a file."""
        if self.loose:
            first = next(iter(self.loose.values()))
            names = ", ".join([*self.loose][:5]) + (", ..." if len(self.loose) > 5 else "")
            message = f"{len(self.loose)} of {self.told} packages that commands install have no exact version: {names}."
            where = first.occurrences[0].location
            yield rules.finding(UNPINNED, where, message, evidence=" ".join(sorted(self.loose))[:300])
        yield from unlocked(NPM, self.entries)
        for said in note(self.artifact, self.conda):
            yield dataclasses.replace(said, location=self.conda[0].occurrences[0].location)
        if self.local:
            where = next(iter(self.local.values()))
            message = "Package files are installed from paths, and what is in them is not known."
            yield rules.finding(LOCAL, where, message, evidence=" ".join(sorted(self.local))[:300])
        if self.untold:
            where = next(iter(self.untold.values()))
            lines = ", ".join(dict.fromkeys(str(each.line) for each in [*self.untold.values()][:20]))
            message = f"What these commands install cannot be told from this file: line {lines}."
            if where.cell:
                message = f"What these commands install cannot be told from this file ({len(self.untold)})."
            yield rules.finding(UNTOLD, where, message, evidence="; ".join(sorted(self.untold))[:300])


def _partly(value: Arg) -> str:
    """An address of which the end, or all, is not known: still one more place that packages come from."""
    start = value.start.split(maxsplit=1)
    return f"{start[0]}..." if start else "".join(value.text.split())[:100]


def _default_index(found: Install, indexes: list[Index]) -> str:
    """The index that variables and settings name, for a command that names none itself."""
    own = any(flag == "--index-url" for flag, _ in found.indexes) or found.tool.startswith(("poetry", "pdm"))
    several = any(each.flag == "--extra-index-url" for each in indexes)
    known = [each.value.plain for each in indexes if each.flag == "--index-url" and each.value.plain]
    return "" if own or several or not known else known[-1]


def _is_path(text: str) -> bool:
    """Whether pip takes a word as a path."""
    direct = _DIRECT.match(text)
    if direct:
        return "://" not in text and not text[direct.end() :].startswith("git@")  # `name @ .`
    if "://" in text or text.startswith(("git+", "git@")):
        return text.startswith("file:")
    plain = text.partition("[")[0]
    return (
        plain in {".", ".."} or plain.startswith((".", "/", "~", "file:")) or "/" in plain or plain.endswith(_ARCHIVE)
    )


def _npm_parts(text: str) -> tuple[str, str]:
    """Name and range of `name@range`; of an address, what it is called and itself."""
    if "://" in text or text.startswith(("git+", "github:", "git@", "gitlab:")):
        return posixpath.basename(text.partition("#")[0]).removesuffix(".git").removesuffix(".tgz"), text
    at = text.find("@", 1)
    if at > 0:
        return text[:at], text[at + 1 :]
    if text.startswith((".", "/", "~")):
        return text, "file:" + text
    if "/" in text and not text.startswith("@"):
        return text.rpartition("/")[2].partition("#")[0], text  # GitHub's owner/repo
    return text, ""
