"""Commands to references, by the table."""

from __future__ import annotations

import itertools
import posixpath
import re
from collections.abc import Iterator

from mlgate.records import Kind, Reference, Resolution
from mlgate.references import _commands_targets as targets
from mlgate.references._calls import cut
from mlgate.references._commands_functions import Function, functions
from mlgate.references._commands_loads import Loads, Locate
from mlgate.references._commands_match import Options, image_of, match, options, program, starts_container
from mlgate.references._commands_python import python
from mlgate.references._commands_shell import MOST_DEPTH, Arg, Command, Shell, arg
from mlgate.references._commands_table import Commands, Row
from mlgate.references._domain import UNKNOWN

_SILENT = frozenset({"echo", "printf", ":", "#", "cat", "grep", "sed", "pip", "pip3", "apt-get", "apt", "rm", "mkdir"})
_SHELLS = frozenset(
    {
        "sh",
        "bash",
        "zsh",
        "dash",
        "ksh",
        "eval",
        "powershell",
        "pwsh",
        "cmd",
        "ssh",
        "su",
        "runuser",
        "tmux",
        "screen",
        "watch",
    }
)
_WRAPPERS = _SHELLS | frozenset(
    {
        "sudo",
        "env",
        "time",
        "nohup",
        "exec",
        "nice",
        "ionice",
        "timeout",
        "xargs",
        "srun",
        "mpirun",
        "mpiexec",
        "stdbuf",
    }
    | {"command", "unbuffer", "parallel", "retry", "numactl", "taskset", "xvfb-run", "setsid", "trap", "gosu", "tini"}
    | {"poetry", "uv", "uvx", "pdm", "hatch", "pipenv", "pipx", "rye", "pixi", "conda", "mamba", "micromamba", "modal"}
    | {
        "docker",
        "podman",
        "nerdctl",
        "kubectl",
        "docker-compose",
        "singularity",
        "apptainer",
        "sky",
        "ray",
        "caffeinate",
    }
)
_CONTAINERS = frozenset({"docker", "podman", "nerdctl"})
_MOST_CALLS = 500
_SCRIPT = re.compile(r"\s*#![^\n]*\b(?:sh|bash)\b")
_URL = re.compile(r"(?:[a-z][a-z0-9+.-]*://|git@)", re.IGNORECASE)


class Reader(Loads):
    """Reads the commands of one file in order."""

    def __init__(self, table: Commands, locate: Locate, *, path: str, base: str | None) -> None:
        super().__init__(table, locate, path=path, base=base)
        self.functions: dict[str, Function] = {}
        self.called: list[str] = []

    def script(self, shell: Shell, text: str, line: int = 1, depth: int = 0) -> Iterator[Reference]:
        """What the commands of a script load."""
        if depth > MOST_DEPTH:
            return
        found, text = functions(text)
        self.functions.update(found)
        for command in shell.run(text, line, depth):
            yield from self.command(shell, command, depth)
        for name in found:
            if name not in self.called:
                yield from self._call(shell, name, None, depth)

    def _call(self, shell: Shell, name: str, args: tuple[Arg, ...] | None, depth: int) -> Iterator[Reference]:
        """A call of the script's own function, or what it would do with arguments that are not known."""
        if depth >= MOST_DEPTH or len(self.called) >= _MOST_CALLS:
            return
        self.called.append(name)
        function = self.functions[name]
        inner = shell.copy()
        for number in range(1, 10):
            inner.variables.pop(str(number), None)
            if args and number < len(args):
                inner.assign(str(number), args[number].values)
        base = self.base
        for command in inner.run(function.body, function.line, depth):
            yield from self.command(inner, command, depth + 1)
        self.base = base if args is None else self.base

    def command(self, shell: Shell, command: Command, depth: int = 0) -> Iterator[Reference]:
        """What one command loads, wrapped as it may be in others."""
        args = command.args
        name = program(args[0]) if args else ""
        yield from self.variables(command.set, command, (name,))
        if name == "cd":
            self._go(args[1:])
        if name in self.functions:
            yield from self._call(shell, name, args, depth)
            return
        document = command.document
        if document and _SCRIPT.match(document.text):  # a script that is written here and run later
            yield from self.script(shell.copy(), document.text, document.line, depth + 1)
        if not args or name in _SILENT:
            return
        yield from self._found(shell, command, depth)

    def variables(
        self, given: tuple[tuple[str, Arg], ...], command: Command, images: tuple[str, ...]
    ) -> Iterator[Reference]:
        """What environment variables tell a server to load, where `images` (or programs) are known to read them."""
        values = dict(given)
        for name, value in given:
            row = self.table.variables.get(name)
            if row is None or (row.image and not any(p.search(image) for p in row.image for image in images)):
                continue
            revision = next((values[other] for other in row.revision if other in values), None)
            if not value.values.known and not value.values.unknown:
                continue
            at = Command(args=command.args, line=value.line, end=value.line)
            yield from self.references(row, row.kind, value, name, revision, at, "")

    def _go(self, args: tuple[Arg, ...]) -> None:
        """After `cd` relative paths start from elsewhere; only the script's own folder is known."""
        text = args[0].text if args else ""
        self.folder = args[0].plain if args else ""
        found = re.fullmatch(r'.*dirname.*(?:\$0|BASH_SOURCE|\$\{0\}).*?\)["}]*((?:/\.\.)*)/?"?', text)
        folder = posixpath.normpath(posixpath.dirname(self.path) + (found[1] if found else ""))
        self.base = None if found is None or folder.startswith("..") else "" if folder == "." else folder

    def _found(self, shell: Shell, command: Command, depth: int) -> Iterator[Reference]:
        args, name = command.args, program(command.args[0])
        if name.startswith("python") or command.document:
            yield from self._code(shell, command, name, depth)
        if name in _SHELLS:
            for each in args[1:]:
                if any(map(str.isspace, each.plain or each.text)):
                    yield from self._text(shell, each, depth)
        if name in _CONTAINERS and starts_container(args) and (image := image_of(args)):
            yield from self.container(shell, command, *image, depth)
            return
        for at in range(len(args) if name in _WRAPPERS else 1):
            rows = match(self.table, args[at:])
            if rows:
                for row, rest in rows:
                    yield from self._row(row, args[at].line, args[at:], rest, command)
                return
            inner = program(args[at]) if at else ""
            if inner in _SHELLS or inner in _CONTAINERS or inner == "python":
                rest_of = Command(args=args[at:], line=args[at].line, end=command.end, document=command.document)
                yield from self._found(shell, rest_of, depth + 1) if depth < MOST_DEPTH else ()
                return
        yield from self._flags(command)

    def _text(self, shell: Shell, given: Arg, depth: int) -> Iterator[Reference]:
        """An argument that is a script. Its source is read, so that what it does not know stays apart."""
        text = given.text
        text = (
            text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' and given.values.unknown else given.plain or text
        )
        yield from self.script(shell.copy(), text.strip("'"), given.line, depth + 1)

    def container(
        self,
        shell: Shell,
        command: Command,
        given: tuple[tuple[str, Arg], ...],
        image: str,
        rest: tuple[Arg, ...],
        depth: int,
    ) -> Iterator[Reference]:
        """A container of an image with these variables and words; the image's own program stands before the words."""
        words = self.table.program(image)
        inner = shell.copy()
        for name, value in given:
            inner.assign(name, value.values.at_best(Resolution.CONSTANT))
        yield from self.variables(given, command, (image, *(program(a) for a in rest[:1])))
        if not rest:
            return
        first = rest[0].plain
        named = words and (first.startswith("-") or program(rest[0]) not in {words[0], *_WRAPPERS, "python"})
        args = (*(arg(word, rest[0].line) for word in words), *rest) if named else rest
        at = Command(args=args, line=command.line, end=command.end, document=command.document)
        if depth < MOST_DEPTH:
            yield from self._found(inner, at, depth + 1)

    def _code(self, shell: Shell, command: Command, name: str, depth: int) -> Iterator[Reference]:
        """Python after -c or on standard input; a here-document of a shell."""
        args, document = command.args, command.document
        if name.startswith("python"):
            for option, value in itertools.pairwise(args):
                if option.plain in {"-c", "-uc", "-Ic"}:
                    yield from python(
                        value.plain or value.text.strip("'\""), value.line, self.locate, self.path, self.base
                    )
            if document and not any(a.plain.endswith(".py") for a in args):
                yield from python(document.text, document.line, self.locate, self.path, self.base)
        elif document and name in _SHELLS | {"docker", "kubectl", "sudo"}:
            yield from self.script(shell.copy(), document.text, document.line, depth + 1)

    def _row(
        self, row: Row, line: int, words: tuple[Arg, ...], rest: tuple[Arg, ...], command: Command
    ) -> Iterator[Reference]:
        given = options(rest, row)
        kind = row.kind
        stated = given.first(row.repo_type)
        if (stated and stated.plain == "space") or (stated and stated.values.unknown):
            return
        if (stated and stated.plain == "dataset") or any(name in given.named for name in row.dataset):
            kind = Kind.DATASET
        outputs = _outputs(given, row, command, rest)
        symbol = cut(" ".join(_shown(words[: len(words) - len(rest)])))
        revision = given.first(row.revision)
        place = Command(args=command.args, line=min(line, command.line), end=command.end)
        for value in given.targets(row):
            if not row.key:
                yield from self.references(row, kind, value, symbol, revision, place, outputs)
                continue
            for target, stated_at in _named(row, value):
                yield from self.references(row, kind, target, symbol, stated_at, place, outputs)
        self._remember(row, given, outputs)

    def _flags(self, command: Command) -> Iterator[Reference]:
        """Options of a Python program that have one meaning wherever they are."""
        given = options(command.args, None)
        for row in self.table.flags:
            for name in row.name:
                for value in given.named.get(name, ()):
                    beside = not row.beside or any(other in given.named for other in row.beside)
                    if not beside and "/" not in value.plain:
                        continue
                    at = Command(args=command.args, line=value.line, end=value.line)
                    symbol = name.replace("-", "_").replace("__", "--", 1)
                    yield from self.references(row, row.kind, value, symbol, given.first(row.revision), at, "")
        for name in ("--output-dir", "--save-dir", "--output-path"):
            self.make(*(value.plain for value in given.named.get(name, ())))

    def _remember(self, row: Row, given: Options, outputs: str) -> None:
        """Files and folders that now are there, and are what was downloaded."""
        self.make(*outputs.split())
        if row.source == "download":
            self.make(*(targets.name_of(a.plain) for a in given.urls))


def _shown(words: tuple[Arg, ...]) -> Iterator[str]:
    """The program and its subcommands, without options."""
    for number, word in enumerate(words):
        text = program(word) if number == 0 else word.plain
        if text and (not text.startswith("-") or text == "-m"):
            yield text


def _named(row: Row, value: Arg) -> Iterator[tuple[Arg, Arg | None]]:
    """The target and the revision in each text of the form "name=value,name=value"."""
    for text, how in value.values.texts():
        pairs = {name.strip(): given.strip() for name, _, given in (pair.partition("=") for pair in text.split(","))}
        target = next((pairs[key] for key in sorted(row.key, reverse=True) if pairs.get(key)), "")
        if target:
            yield arg(target, value.line, how), arg(pairs["revision"], value.line) if "revision" in pairs else None
    if value.values.unknown and any(f"{key}=" in value.text for key in row.key):
        yield Arg(UNKNOWN, value.text, value.line), None


def _outputs(given: Options, row: Row, command: Command, rest: tuple[Arg, ...]) -> str:
    """The names that a command saves under, with blanks between."""
    found = [given.first((name,)) for name in row.output]
    if row.source == "download":
        short = itertools.pairwise(rest)
        found += [value for flag, value in short if re.fullmatch(r"-[A-Za-z]*[oOP]", flag.plain)]
        found += given.positions[1:] if not any(_URL.match(a.plain) for a in given.positions[1:]) else []
    return " ".join(a.plain or a.end for a in (*found, *command.outputs) if a is not None)[:2000]
