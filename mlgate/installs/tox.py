"""tox: what its environments install and run (tox's documentation, "Configuration"): tox.ini, tox.toml, pyproject.toml.

`deps` are lines for pip, with conditions before a colon and substitutions in braces.
"""

from __future__ import annotations

import collections
import configparser
import posixpath
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from mlgate.errors import Incomplete
from mlgate.installs._packages import Packages
from mlgate.installs._paths import repository_paths
from mlgate.installs._reader import Installs
from mlgate.installs.commands import RULES, said
from mlgate.manifests._common import Lines, read_text, read_toml, rows, table
from mlgate.manifests._rules import UNPINNED
from mlgate.records import Artifact, Finding, Inspector, Location, Observation
from mlgate.references._commands_shell import Command, Shell, arg

_FACTORS = re.compile(r"[\w{},!.*-]+\s*:\s+(.*)")
_FOLDER = re.compile(r"\{(?:toxinidir|tox_root|tox_ini_dir)\}/?")
_DEFAULT = re.compile(r"\{env:[\w.-]+:([^{}]*)\}")
_REFERENCE = re.compile(r"\{\[([^\]{}]{1,100})\]([\w.-]{1,100})\}")
_BRACES = re.compile(r"\{[^{}]*\}")
_COMMENT = re.compile(r"(?:^|\s)#.*")
_RUN = ("commands_pre", "commands", "commands_post", "install_command")
_DEPTH = 8
_MOST = 5000


@dataclass(slots=True)
class _Told:
    """What the file says, with lines: words for pip, variables, scripts."""

    wanted: list[tuple[str, int]] = field(default_factory=list)
    set: list[tuple[str, int]] = field(default_factory=list)
    scripts: list[tuple[str, int]] = field(default_factory=list)

    def into(self, key: str) -> list[tuple[str, int]] | None:
        """Where the lines of a key belong."""
        if key in {"deps", "requires"}:
            return self.wanted
        if key in {"setenv", "set_env"}:
            return self.set
        return self.scripts if key in _RUN else None


class _Parser(configparser.RawConfigParser):
    """Keeps the case of variables."""

    def optionxform(self, optionstr: str) -> str:
        return optionstr


def _ini(text: str) -> _Told:
    parser = _Parser(strict=False)
    try:
        parser.read_string(text)
    except configparser.Error as error:
        told = " ".join(str(error).split())[:100]
        raise Incomplete("malformed", f"not a configuration: {told}") from None
    lines, found = Lines(text), _Told()
    for name in parser.sections():
        header = lines.find(f"[{name}]") or 1
        for key, value in parser[name].items():
            into = found.into(key)
            if into is None or not value:
                continue
            line = lines.key(key, after=header) or lines.find(key, after=header) or header
            for each in _lines(parser, value, 0):
                into.append((each, lines.find(each, after=line - 1) or line))
    return found


def _lines(parser: configparser.RawConfigParser, value: str, depth: int) -> Iterator[str]:
    """The lines of a value; those that are another key's are taken from there."""
    for written in value.replace("\\\n", " ").split("\n"):
        line = _COMMENT.sub("", written).strip()
        reference = _REFERENCE.fullmatch(line)
        if reference and depth < _DEPTH and parser.has_option(reference[1], reference[2]):
            yield from _lines(parser, parser.get(reference[1], reference[2]) or "", depth + 1)
        elif line:
            yield line


def _toml(document: dict[str, Any], lines: Lines) -> _Told:
    found = _Told()
    pending: list[Any] = [document]
    for _ in range(_MOST):
        if not pending:
            break
        node = pending.pop()
        for key, value in node.items():
            into = found.into(key)
            if into is None:
                pending += [value] if isinstance(value, dict) else []
            elif into is found.set:
                pairs = [(name, text) for name, text in table(value).items() if isinstance(text, str)]
                into += [(f"{name}={text}", lines.find(name, text) or lines.find(text) or 1) for name, text in pairs]
            elif into is found.wanted:
                texts = [text for text in (rows(value) or [value]) if isinstance(text, str)]
                into += [(text.strip(), lines.find(text) or 1) for text in texts]
            else:
                listed = rows(value)
                for command in listed if listed and isinstance(listed[0], list) else [listed]:
                    words = [word for word in command if isinstance(word, str)]
                    into.append((shlex.join(words), lines.find(*words) or lines.find(*words[:1]) or 1))
    return found


def _told(artifact: Artifact) -> _Told | None:
    """What the file says; None for a pyproject.toml without settings of tox. Raises Incomplete."""
    if artifact.name == "tox.ini":
        return _ini(read_text(artifact))
    if artifact.name == "tox.toml":
        document, text = read_toml(artifact)
        return _toml(document, Lines(text))
    if "legacy_tox_ini" not in (text := read_text(artifact)) and "tool.tox" not in text:
        return None
    try:
        own = table(table(read_toml(artifact)[0].get("tool")).get("tox"))
    except Incomplete:
        return None  # the file's own reader says so
    legacy = own.get("legacy_tox_ini")
    if not isinstance(legacy, str):
        return _toml(own, Lines(text))
    # as many lines down as the text stands in the file
    start = text.count("\n", 0, text.find(legacy.strip().partition("\n")[0]))
    return _ini("\n" * start + legacy.strip())


def _plain(text: str) -> str:
    """A line without its condition and with the substitutions that the file itself settles."""
    condition = _FACTORS.fullmatch(text)
    text = condition[1] if condition else text
    return _DEFAULT.sub(r"\1", _FOLDER.sub("", text)).strip()


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    told = _told(artifact)
    if told is None:
        return

    def locate(line: int, end: int) -> Location:
        return Location(path=artifact.path, line=line, end_line=end if end != line else None)

    reader = Installs(locate, path=artifact.path, base=posixpath.dirname(artifact.path))
    packages = Packages(artifact, locate, repository_paths(artifact.path), scope="dev")
    for text, line in told.set[:_MOST]:
        name, _, value = _plain(text).partition("=")
        _script(reader, f"export {name.strip()}={shlex.quote(_BRACES.sub('${tox}', value.strip()))}", line)
    for text, line in told.wanted[:_MOST]:
        word = _plain(text)
        if word.startswith("-"):
            flag, _, value = word.partition(" ")
            words = [flag, value.strip()] if value else [flag]
        else:
            words = [word]
        if any(_BRACES.search(each) for each in words):
            packages.unknown(word, line)
        elif word:
            args = tuple(arg(each, line) for each in ("pip", "install", *words))
            collections.deque(reader.command(Shell(), Command(args=args, line=line, end=line)), maxlen=0)
    for text, line in told.scripts[:_MOST]:
        command = _plain(text).removeprefix("-").removeprefix("!").replace("{opts}", "").replace("{packages}", ".")
        _script(reader, _BRACES.sub("${tox}", command), line)
    # everybody leaves the versions of test tools open: what is told is where they come from
    for each in (*said(reader, packages), *packages.rest()):
        if not (isinstance(each, Finding) and each.rule is UNPINNED):
            yield each


def _script(reader: Installs, text: str, line: int) -> None:
    collections.deque(reader.script(Shell(), text, line), maxlen=0)


INSPECTOR = Inspector(
    name="tox",
    claims=lambda artifact: artifact.depth == 0 and artifact.name in {"tox.ini", "tox.toml", "pyproject.toml"},
    inspect=_inspect,
    rules=RULES,
    reads="tox's settings: what environments install, variables that name indexes, commands.",
    misses="Substitutions that other sections or the command line fill in, and versions that are left open.",
)
