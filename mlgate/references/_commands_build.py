"""Dockerfiles, Makefiles and justfiles to commands.

Formats: docs.docker.com/reference/dockerfile, the GNU make manual (3 and 6), just.systems/man.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from mlgate.records import Reference, Resolution
from mlgate.references._commands_read import Reader
from mlgate.references._commands_shell import Arg, Command, Shell, arg
from mlgate.references._commands_tokens import OPAQUE

_INSTRUCTION = re.compile(r"[ \t]*([A-Za-z]+)(?:[ \t]+|(?=\\\n)|$)")
_FLAGS = re.compile(r"(?:\s|\\\n)*--[a-z]+(?:=\S*)?(?=\s|\\)")
_HEREDOC = re.compile(r"<<-?[\"']?([A-Za-z_]\w*)[\"']?")
_MAKE_SET = re.compile(r"(?:export[ \t]+|override[ \t]+)*([\w.-]+)[ \t]*(:::?=|[?+:!]?=)[ \t]*(.*)", re.DOTALL)
_MAKE_VARIABLE = re.compile(r"\$\(([\w.-]+)\)|\$\{([\w.-]+)\}|\$\([^()]*(?:\([^()]*\)[^()]*)*\)|\$\$|\$[@<^*?+%|]")
_JUST_SET = re.compile(r"(?:export[ \t]+)?([A-Za-z_][\w-]*)[ \t]*:=[ \t]*(.*)")
_JUST_PARAMETER = re.compile(r"[+*$]?([A-Za-z_][\w-]*)=(\"[^\"]*\"|'[^']*')")
_JUST_NAME = re.compile(r"\{\{[ \t]*([A-Za-z_][\w-]*)[ \t]*\}\}")


@dataclass
class _Stage:
    """One FROM of a Dockerfile: what its containers begin with."""

    image: str = ""
    shell: Shell = field(default_factory=Shell)
    given: list[tuple[str, Arg]] = field(default_factory=list)
    entry: tuple[Arg, ...] = ()
    words: tuple[Arg, ...] = ()
    entry_text: str = ""
    words_text: str = ""
    line: int = 1

    def run(self, reader: Reader) -> Iterator[Reference]:
        """What a container of the stage loads when it is started."""
        if self.entry_text or self.words_text:
            yield from reader.script(self.shell.copy(), self.entry_text or self.words_text, self.line)
            command = Command(args=(), line=self.line, end=self.line)
            yield from reader.variables(tuple(self.given), command, (self.image,))
            return
        args = (*self.entry, *self.words)
        lines = [a.line for a in args] or [self.line]
        command = Command(args=args, line=min(lines), end=max(lines))
        yield from reader.container(self.shell, command, tuple(self.given), self.image, args, 0)


def dockerfile(reader: Reader, text: str) -> Iterator[Reference]:
    """What the instructions of a Dockerfile load, and what its containers load when they are started."""
    stage = _Stage()
    for name, body, line in _instructions(text):
        match name:
            case "FROM":
                yield from stage.run(reader)
                image = next((a for a in _words(stage.shell, body, line) if not a.text.startswith("--")), None)
                stage = _Stage(image=(image.plain or image.text) if image else "", shell=stage.shell, line=line)
            case "ENV" | "ARG":
                yield from _set(stage, name, body, line)
            case "RUN":
                listed = _json(body, line)
                if listed:
                    command = Command(args=listed, line=line, end=line)
                    yield from reader.command(stage.shell, command)
                else:
                    script = _HEREDOC.sub("", body, count=1) if body.lstrip().startswith("<<") else body
                    yield from reader.script(stage.shell.copy(), script, line)
            case "ADD" if "://" in body:
                yield from reader.script(stage.shell.copy(), f"ADD {body}", line)
            case "ENTRYPOINT":
                stage.entry, stage.line = _json(body, line), line
                stage.entry_text = "" if stage.entry else body
            case "CMD":
                stage.words, stage.line = _json(body, line), line
                stage.words_text = "" if stage.words else body
    yield from stage.run(reader)


def _instructions(text: str) -> Iterator[tuple[str, str, int]]:
    """Name, body and line of each instruction. In a body, continued lines are still lines."""
    found = re.match(r"(?:#[^\n]*\n)*?#[ \t]*escape[ \t]*=[ \t]*`", text, re.IGNORECASE)
    lines = text.split("\n")
    end = "`" if found else "\\"
    at = 0
    while at < len(lines):
        first = at
        name = _INSTRUCTION.match(lines[at] + "\n") if not lines[at].lstrip().startswith("#") else None
        if name is None:
            at += 1
            continue
        at_name = name.end()
        if name[1].upper() == "ONBUILD" and (later := _INSTRUCTION.match(lines[at] + "\n", at_name)):
            name, at_name = later, later.end()  # run by whoever builds on this image
        body = [lines[at][at_name:]]
        while lines[at].rstrip().endswith(end) and at + 1 < len(lines):
            body[-1] = body[-1].rstrip().removesuffix(end) + "\\"
            at += 1
            while at + 1 < len(lines) and (not lines[at].strip() or lines[at].lstrip().startswith("#")):
                body.append("\\")
                at += 1
            body.append(lines[at])
        if name[1].upper() in {"RUN", "COPY"} and (here := _HEREDOC.findall("\n".join(body))):
            for word in here[:20]:
                while at + 1 < len(lines):
                    at += 1
                    body.append(lines[at])
                    if lines[at].strip() == word:
                        break
            if body[0].lstrip().startswith("<<"):
                body.pop()  # the body is the script
        at += 1
        rest = "\n".join(body)
        if name[1].upper() in {"RUN", "ADD", "COPY", "FROM"}:
            rest = _without_flags(rest)
        yield name[1].upper(), rest, first + 1


def _without_flags(body: str) -> str:
    """An instruction's words behind its own options; the lines that those take are still lines."""
    at = 0
    while flag := _FLAGS.match(body, at):
        at = flag.end()
    return "\\\n" * body.count("\n", 0, at) + " " + body[at:] if at else body


def _words(shell: Shell, text: str, line: int) -> tuple[Arg, ...]:
    """The words of a text with this shell's variables."""
    return next((command.args for command in shell.copy().run(f": {text}", line)), ())[1:]


def _json(body: str, line: int) -> tuple[Arg, ...]:
    """The words of an instruction in JSON form, or none."""
    if not body.lstrip(" \t\\\n").startswith("[") or len(body) > 100_000:
        return ()
    try:
        words = json.loads(body.replace("\\\n", " \n"))
    except (ValueError, RecursionError):
        return ()
    if not isinstance(words, list):
        return ()
    at = 0
    found: list[Arg] = []
    for word in words:
        if isinstance(word, str):
            place = body.find(json.dumps(word, ensure_ascii=False), at)
            at = max(place, at)
            found.append(arg(word, line + body.count("\n", 0, at)) if len(found) < 500 else arg(word, line))
    return tuple(found[:500])


def _set(stage: _Stage, name: str, body: str, line: int) -> Iterator[Reference]:
    """ENV and ARG. What a build argument is given is not known, so what stands here is its default."""
    old = re.match(r"\s*([A-Za-z_]\w*)[ \t]+(?!=)([^\n]*)", body)
    pairs = [f"{old[1]}={_quoted(old[2])}"] if old and name == "ENV" else [body]
    for command in stage.shell.copy().run(f"export {pairs[0]}", line):
        for key, value in command.set:
            values = value.values
            stage.shell.assign(key, values.at_best(Resolution.DEFAULT) if name == "ARG" else values)
            if name == "ENV":
                stage.given.append((key, value))
    yield from ()


def _quoted(text: str) -> str:
    text = text.strip()
    return text if text[:1] in {'"', "'"} else '"' + text.replace('"', "") + '"'


def makefile(reader: Reader, text: str) -> Iterator[Reference]:
    """What the recipes of a Makefile load. Variables have the values of the whole file, as recipes see them."""
    shell = Shell()
    recipes: list[tuple[str, int]] = []
    conditions = 0
    for line, number in _continued(text.split("\n")):
        if line.startswith("\t"):
            recipes.append((line, number))
            continue
        word = line.split(maxsplit=1)[0] if line.strip() else ""
        if word in {"ifeq", "ifneq", "ifdef", "ifndef"}:
            conditions += 1
        elif word == "endif":
            conditions = max(0, conditions - 1)
        elif ":" in line and ";" in line.partition(":")[2] and "=" not in line.partition(":")[0]:
            recipes.append(("\t" + line.partition(";")[2], number))
        elif found := _MAKE_SET.fullmatch(line.partition(" #")[0].strip()):
            how = Resolution.DEFAULT if found[2] == "?=" else Resolution.CONSTANT
            value = _quoted(_made(found[3].replace("\\\n", " ")))
            for command in Shell(dict(shell.variables)).run(f"x={value}", number):
                for _, given in command.set:
                    values = given.values.at_best(how)
                    shell.assign(_variable(found[1]), values, conditional=conditions > 0 and found[2] != "?=")
    for recipe, number in recipes:
        plain = "\n".join(part.removeprefix("\t") for part in recipe.split("\n")).lstrip("@-+ ")
        yield from reader.script(shell.copy(), _made(plain), number)


def _continued(lines: Iterable[str]) -> Iterator[tuple[str, int]]:
    """Logical lines, in which the ends of the lines that were continued are kept, with the number of the first."""
    held: list[str] = []
    first = 1
    for number, line in enumerate(lines, 1):
        if not held:
            first = number
        held.append(line)
        if not line.endswith("\\"):
            yield "\n".join(held), first
            held = []
    if held:
        yield "\n".join(held), first


def _variable(name: str) -> str:
    return re.sub(r"\W", "_", name)


def _made(text: str) -> str:
    """Make's variables as the shell's; `$$` is the shell's own, and functions are unknown."""

    def change(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        return f"${{{_variable(name)}}}" if name else "$" if found[0] == "$$" else OPAQUE

    return _MAKE_VARIABLE.sub(change, text)


def justfile(reader: Reader, text: str) -> Iterator[Reference]:
    """What the recipes of a justfile load."""
    shell = Shell()
    body: list[str] = []
    first, own = 1, shell
    for number, line in enumerate([*text.split("\n"), "end:"], 1):
        if line[:1] in {" ", "\t"} or (not line.strip() and body):
            if not body:
                first = number
            plain = line.strip().lstrip("@-")
            body.append(_JUST_NAME.sub(lambda m: f"${{{_variable(m[1])}}}", plain))
            continue
        if body:
            yield from reader.script(own.copy(), "\n".join(body), first)
            body = []
        if found := _JUST_SET.fullmatch(line.strip()):
            value = re.fullmatch(r"(\"[^\"]*\"|'[^']*')(?:[ \t]*#.*)?", found[2])
            script = f"x={value[1]}" if value else f"x={OPAQUE}"
            for command in shell.run(script, number):
                for _, given in command.set:
                    shell.assign(_variable(found[1]), given.values)
        elif not line.startswith("#"):
            own = shell.copy()
            for name, default in _JUST_PARAMETER.findall(line.partition(":")[0] if "://" not in line else line):
                own.assign(_variable(name), arg(default[1:-1], number, Resolution.DEFAULT).values)
