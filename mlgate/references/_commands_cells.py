"""Commands in notebook cells: `!` lines, and cells that are a shell's (IPython's documentation, "Magics")."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from mlgate.records import Artifact, Location, Reference
from mlgate.references._commands_read import Reader
from mlgate.references._commands_shell import Shell, arg
from mlgate.references._commands_table import commands

_SHELL_CELL = re.compile(r"%%(?:bash|sh|script\s+(?:ba)?sh|shell)\b")
_LINE = re.compile(r"[ \t]*(?:[\w., \t]+=[ \t]*)?(?:!!?|%(?:sx|system)\s)(?!=)(.*)", re.DOTALL)
_RUN = re.compile(r"[ \t]*%run\s+(.*)", re.DOTALL)
_CD = re.compile(r"[ \t]*%?cd\s")
_ENV = re.compile(r"[ \t]*%env\s+([A-Za-z_]\w*)[= ]\s*(\S+)\s*", re.ASCII)
_SET = re.compile(
    r"(?:([A-Za-z_]\w*)|os\.environ\[[\"']([A-Za-z_]\w*)[\"']\])[ \t]*=[ \t]*(\"[^\"\\]*\"|'[^'\\]*')[ \t]*(?:#.*)?",
    re.ASCII,
)
_OTHER = re.compile(r"([A-Za-z_]\w*)[ \t]*(?::[^=]*)?=(?!=)", re.ASCII)
_BRACES = re.compile(r"(?<![\\${])\{([A-Za-z_]\w*)\}(?!\})", re.ASCII)


def in_cells(sources: list[str], artifact: Artifact) -> Iterator[Reference]:
    """What the commands in these cells load. Python's variables are theirs, as far as they are set to plain texts."""
    table = commands()
    if not any(table.hint.search(source) for source in sources):
        return
    cell = 1

    def locate(line: int, end: int) -> Location:
        return Location(path=artifact.path, member=artifact.member, cell=cell, line=line, end_line=end)

    shell = Shell()
    reader = Reader(table, locate, path=artifact.path, base=posixpath.dirname(artifact.path))
    seen: set[Reference] = set()
    for cell, source in enumerate(sources, 1):  # noqa: B007  (`locate` reads it)
        for reference in _cell(reader, shell, source.replace("\r\n", "\n")):
            if reference not in seen:
                seen.add(reference)
                yield reference


def _cell(reader: Reader, shell: Shell, source: str) -> Iterator[Reference]:
    lines = source.split("\n")
    first = next((i for i, line in enumerate(lines) if line.strip()), 0)
    if _SHELL_CELL.match(lines[first]):
        yield from reader.script(shell.copy(), "\n".join(lines[first + 1 :]), first + 2)
        return
    if lines[first].startswith("%%") and not re.match(r"%%(capture|time|timeit)\b", lines[first]):
        return
    at = 0
    while at < len(lines):
        start, text = at, lines[at]
        running = text.lstrip()[:1] in {"!", "%"} or _LINE.match(text)
        while running and lines[at].rstrip().endswith("\\") and at + 1 < len(lines):
            at += 1
            text += "\n" + lines[at]
        at += 1
        if found := _LINE.fullmatch(text):
            yield from reader.script(shell.copy(), _BRACES.sub(r"${\1}", found[1]), start + 1)
        elif found := _RUN.fullmatch(text):
            yield from reader.script(shell.copy(), "python " + _BRACES.sub(r"${\1}", found[1]), start + 1)
        elif _CD.match(text):
            reader.base = None
        elif found := _ENV.fullmatch(text):
            yield from reader.script(shell, f"export {found[1]}={found[2]}", start + 1)
        elif found := _SET.fullmatch(text):
            shell.assign(found[1] or found[2], arg(found[3][1:-1], start + 1).values)
            if found[2]:
                yield from reader.script(shell.copy(), f"export {found[2]}={found[3]}", start + 1)
        elif found := _OTHER.match(text):
            shell.variables.pop(found[1], None)
