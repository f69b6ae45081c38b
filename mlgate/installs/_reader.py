"""The commands of one file, in order: what they install, from where, and what they download and run."""

from __future__ import annotations

import dataclasses
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from mlgate.errors import Incomplete
from mlgate.installs._fetched import Fetched
from mlgate.installs._python import Script, started
from mlgate.installs._tools import Install, install
from mlgate.installs._words import called
from mlgate.records import Finding, Reference, Resolution
from mlgate.references._commands_functions import functions
from mlgate.references._commands_loads import Locate
from mlgate.references._commands_match import image_of, program, starts_container
from mlgate.references._commands_read import _CONTAINERS, _SCRIPT, _SHELLS, _SILENT, _WRAPPERS, Reader
from mlgate.references._commands_shell import MOST_DEPTH, Arg, Command, Shell, arg
from mlgate.references._commands_table import commands
from mlgate.references._source import parse

_QUIET = (_SILENT - {"pip", "pip3"}) | {"awk", "tee", "git", "ls", "alias", "die", "log", "warn", "info", "error"}
_INSTALLERS = frozenset({"pip", "uv", "uvx", "pipx", "poetry", "pipenv", "pdm", "rye", "conda", "mamba", "micromamba"})
_OTHERS = frozenset({"npm", "pnpm", "yarn", "npx", "bun", "bunx", "python"})
_MOST = 3000
_ASSIGNED = re.compile(r"([A-Za-z_]\w*)=", re.ASCII)
_VARIABLES = {
    "PIP_INDEX_URL": ("--index-url", True),
    "PIP_EXTRA_INDEX_URL": ("--extra-index-url", True),
    "PIP_FIND_LINKS": ("--find-links", True),
    "PIP_TRUSTED_HOST": ("--trusted-host", True),
    "UV_INDEX_URL": ("--index-url", False),
    "UV_DEFAULT_INDEX": ("--index-url", False),
    "UV_EXTRA_INDEX_URL": ("--extra-index-url", False),
    "UV_INDEX": ("--extra-index-url", False),
    "UV_FIND_LINKS": ("--find-links", False),
    "UV_INSECURE_HOST": ("--trusted-host", False),
}
# Where pip and uv read settings from: what stands there was looked at only when it is in the repository.
_FILES = frozenset({"PIP_CONFIG_FILE", "UV_CONFIG_FILE", "CONDARC", "NPM_CONFIG_USERCONFIG"})
_READ = frozenset({"/dev/null", "os.devnull", "pip.conf", "pip.ini", "uv.toml", ".condarc", ".npmrc"})
_SETTINGS = {
    "index-url": "--index-url",
    "extra-index-url": "--extra-index-url",
    "find-links": "--find-links",
    "trusted-host": "--trusted-host",
}


@dataclass(frozen=True, slots=True)
class Index:
    """A setting of an index that holds for what comes after: `flag` is pip's option, `source` how it was set."""

    flag: str
    value: Arg
    source: str
    best: bool


class Installs(Reader):
    """Collects what the commands of one file install; where to stop is the caller's."""

    def __init__(self, locate: Locate, *, path: str, base: str | None) -> None:
        super().__init__(commands(), locate, path=path, base=base)
        self.installs: list[tuple[Install, str | None]] = []  # with the folder that relative paths start from
        self.indexes: list[Index] = []
        self.fetched = Fetched(locate)
        self.findings: list[Finding] = []
        self.untold: list[tuple[str, int]] = []  # with their lines
        self.images: list[Arg] = []  # that commands start
        self.unsafe = False  # uv is told to look at all indexes
        self.over = False

    def script(self, shell: Shell, text: str, line: int = 1, depth: int = 0) -> Iterator[Reference]:
        """The commands of a script. The bodies of its functions are read where they are called, or after it."""
        if depth > MOST_DEPTH:
            return
        found, text = functions(text)
        self.functions.update(found)
        for command in shell.run(text, line, depth):
            yield from self.command(shell, command, depth)
        for name in found:
            if name not in self.called:
                yield from self._call(shell, name, None, depth)

    def command(self, shell: Shell, command: Command, depth: int = 0) -> Iterator[Reference]:
        """One command, wrapped as it may be in others."""
        args = command.args
        name = program(args[0]) if args else ""
        self._environment(command.set)
        if len(self.findings) < _MOST:
            self.findings += self.fetched.command(command)
        else:
            self.over = True
        if name == "cd":
            self._go(args[1:])
        if name in self.functions:
            yield from self._call(shell, name, args, depth)
            return
        document = command.document
        if document and (_SCRIPT.match(document.text) or name in _SHELLS | {"docker", "kubectl", "sudo"}):
            yield from self.script(shell.copy(), document.text, document.line, depth + 1)
        image = image_of(args) if name in _CONTAINERS and starts_container(args) else None
        if image and "$" not in image[1]:
            self.images += [arg(image[1], args[0].line)] if len(self.images) < _MOST else []
            yield from self.container(shell, command, *image, depth)
        elif args and name not in _QUIET:
            yield from self._unwrapped(shell, command, depth)

    def container(
        self,
        shell: Shell,
        command: Command,
        given: tuple[tuple[str, Arg], ...],
        image: str,  # noqa: ARG002  (the signature is the base's)
        rest: tuple[Arg, ...],
        depth: int,
    ) -> Iterator[Reference]:
        """A container's variables and words."""
        inner = shell.copy()
        for key, value in given:
            inner.assign(key, value.values.at_best(Resolution.CONSTANT))
        self._environment(given)
        if rest and depth < MOST_DEPTH:
            at = Command(args=rest, line=command.line, end=command.end, document=command.document)
            yield from self.command(inner, at, depth + 1)

    def variables(
        self,
        given: tuple[tuple[str, Arg], ...],
        command: Command,  # noqa: ARG002  (as above)
        images: tuple[str, ...],  # noqa: ARG002
    ) -> Iterator[Reference]:
        """What environment variables say of indexes."""
        self._environment(given)
        yield from ()

    def _environment(self, given: tuple[tuple[str, Arg], ...]) -> None:
        for name, value in given:
            if name in _VARIABLES:
                flag, best = _VARIABLES[name]
                self.indexes.append(Index(flag, value, name, best))
            elif name == "UV_INDEX_STRATEGY" and value.plain.startswith("unsafe"):
                self.unsafe = True
            elif name in _FILES and value.text and not {value.plain, posixpath.basename(value.plain)} & _READ:
                self.untold.append((f"{name}={value.text}", value.line))

    def defaults(self, body: str, line: int) -> None:
        """The defaults of a Dockerfile's build arguments, where they are settings of indexes."""
        for command in Shell().run(f"export {body}", line):
            self._environment(tuple((name, value) for name, value in command.set if value.plain))

    def _unwrapped(self, shell: Shell, command: Command, depth: int) -> Iterator[Reference]:
        args = command.args
        name = program(args[0])
        if name in _SHELLS:
            for each in args[1:]:
                if any(map(str.isspace, each.plain or each.text)):
                    yield from self._text(shell, each, depth)
        yield from self._inline(args, depth)
        wraps = name in _WRAPPERS or (not name and args[0].values.unknown)  # `$SUDO pip install`
        for at in range(min(len(args), 200) if wraps else 1):
            inner = called(args[at])
            if name in {"env", "sudo"} and (given := _ASSIGNED.match(args[at].plain or args[at].start)):
                self._environment(((given[1], args[at].after(given[0])),))
            if inner in _INSTALLERS | _OTHERS or (at + 1 < len(args) and args[at + 1].plain == "-m"):
                self._setting(inner, args[at:])
                found = install(args[at:])
                if found:
                    self._add(found, args[at].line)
                    return
            if at and (inner in _SHELLS or inner in self.functions):
                rest = Command(args=args[at:], line=args[at].line, end=command.end, document=command.document)
                yield from self.command(shell, rest, depth + 1) if depth < MOST_DEPTH else ()
                return

    def _inline(self, args: tuple[Arg, ...], depth: int) -> Iterator[Reference]:
        """What `python -c` starts in turn."""
        for at, word in enumerate(args[:-1][:50]):
            if word.plain != "-c" or depth >= MOST_DEPTH or called(args[max(0, at - 1)]) not in {"python", ""}:
                continue
            text = args[at + 1].plain
            try:
                module = parse(text) if "pip" in text or "install" in text else None
            except Incomplete:
                continue
            for each in started(module) if module else ():
                line = word.line + each.line - 1
                if isinstance(each, Script):
                    yield from self.script(Shell(), each.text, line, depth + 1)
                else:
                    words = tuple(dataclasses.replace(one, line=line) for one in each.args)
                    yield from self.command(Shell(), Command(args=words, line=line, end=line), depth + 1)

    def _add(self, found: Install, line: int) -> None:
        if len(self.installs) >= _MOST:
            self.over = True
            return
        placed = Install(
            **{name: getattr(found, name) for name in Install.__dataclass_fields__ if name != "line"}, line=line
        )
        self.installs.append((placed, self.base))

    def _setting(self, name: str, args: tuple[Arg, ...]) -> None:
        """`pip config set global.extra-index-url URL`."""
        plain = [a.plain for a in args]
        if name not in {"pip", "python"} or "config" not in plain or "set" not in plain:
            return
        at = plain.index("set")
        key = plain[at + 1].rpartition(".")[2] if at + 2 < len(args) else ""
        if key in _SETTINGS:
            self.indexes.append(Index(_SETTINGS[key], args[at + 2], "pip config set", best=True))
