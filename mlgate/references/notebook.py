"""Jupyter notebooks, read by cell (nbformat 3 and 4): magics and shell lines out, line numbers kept."""

from __future__ import annotations

import ast
import posixpath
import re
from bisect import bisect_right
from collections.abc import Iterator

import msgspec

from mlgate.errors import Incomplete
from mlgate.records import Artifact, Inspector, Location, Observation
from mlgate.references._commands_cells import in_cells
from mlgate.references._read import Reader
from mlgate.references._rules import RULES, UNREAD
from mlgate.references._source import MOST_SOURCE, decode, names_a_call, parse, words
from mlgate.references._table import table
from mlgate.rules import finding

_MOST_BYTES = 64 * 2**20
_MOST_CELLS = 20_000
_PYTHON_CELLS = frozenset({"time", "timeit", "capture", "prun", "python", "python3", "memit", "mprun", "local"})
_PYTHON_NAMES = ("python", "ipython", "conda", "sage", "xpython", "pyspark")
_CODE_MAGICS = re.compile(r"(\s*)%(?:time|timeit|prun|memit|lprun)\b(?:\s+-\w+(?:\s+\d+)?)*\s+(?=\S)")
_MAGIC_LINE = re.compile(r"\s*(?:[!?]|%{1,2}[A-Za-z_])|\s*[\w.]+\?{1,2}\s*$")
_MAGIC_VALUE = re.compile(r"(\s*+[A-Za-z_][\w.,\s]*+=\s*+)(?:!|%(?!%)[A-Za-z_])")


class _Cell(msgspec.Struct):
    cell_type: str = ""
    source: str | list[str] = ""
    input: str | list[str] = ""
    language: str = "python"


class _Sheet(msgspec.Struct):
    cells: list[_Cell] = []


class _Language(msgspec.Struct):
    name: str = ""
    language: str = ""


class _Metadata(msgspec.Struct):
    kernelspec: _Language | None = None
    language_info: _Language | None = None


class _Notebook(msgspec.Struct):
    cells: list[_Cell] = []
    worksheets: list[_Sheet] = []
    metadata: _Metadata | None = None


def _cells(data: bytes) -> list[str]:
    """The sources of the code cells, in order; none when the notebook's language is not Python."""
    try:
        book = msgspec.json.decode(data, type=_Notebook)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Incomplete("malformed", f"not a notebook: {str(error)[:150]}") from error
    meta = book.metadata or _Metadata()
    kernel, info = meta.kernelspec or _Language(), meta.language_info or _Language()
    told = [text.lower() for text in (kernel.name, kernel.language, info.name) if text]
    # Jupyter goes by the kernel's name; one word for Python is enough, since the others may be there to mislead
    if told and not any(text.startswith(_PYTHON_NAMES) for text in told):
        return []
    cells = [*book.cells, *(cell for sheet in book.worksheets for cell in sheet.cells)]
    code = [cell for cell in cells if cell.cell_type == "code" and cell.language.lower() in {"python", ""}]
    if len(code) > _MOST_CELLS:
        raise Incomplete("limit", f"{len(code):,} code cells")
    sources = [cell.source or cell.input for cell in code]
    return [source if isinstance(source, str) else "".join(source) for source in sources]


def python_only(source: str) -> str:
    """A cell without IPython's own lines, each left empty so that the others keep their numbers."""
    lines = source.split("\n")
    first = next((i for i, line in enumerate(lines) if line.strip()), 0)
    cell_magic = re.match(r"%%(\w+)[ \t]*(.*)", lines[first]) if lines else None
    if cell_magic:
        is_file = cell_magic[1] in {"writefile", "file"} and cell_magic[2].strip().endswith(".py")
        if cell_magic[1] not in _PYTHON_CELLS and not is_file:
            return ""
        lines[first] = ""
    out = []
    running = False
    for line in lines:
        if running:
            running = line.rstrip().endswith("\\")
            out.append("")
        elif _CODE_MAGICS.match(line):
            out.append(_CODE_MAGICS.sub(r"\1", line, count=1))
        elif _MAGIC_LINE.match(line):
            running = line.rstrip().endswith("\\")
            out.append(line[: len(line) - len(line.lstrip())] + "pass")
        elif value := _MAGIC_VALUE.match(line):
            running = line.rstrip().endswith("\\")
            out.append(value[1] + "None")
        else:
            out.append(line)
    return "\n".join(out)


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    size = artifact.source.size
    if size > _MOST_BYTES:
        raise Incomplete("limit", f"{size:,} bytes of notebook")
    data = artifact.source.read_at(0, size)
    if not data.strip():
        return
    sources = _cells(data)
    if sum(map(len, sources)) > MOST_SOURCE:
        raise Incomplete("limit", "too much code in one notebook")
    yield from in_cells(sources, artifact)
    loaders = table()
    known = frozenset[str]().union(*(words(source) for source in sources))
    if not loaders.worth_parsing(known):
        return
    module = ast.Module(body=[], type_ignores=[])
    starts: list[int] = []
    numbers: list[int] = []
    line = 0
    broken: list[int] = []
    for number, source in enumerate(sources, 1):
        text = decode(source.encode("utf-8", "replace"))
        tree = parse(text, top_level_await=True) or parse(python_only(text), top_level_await=True)
        if tree is None:
            broken.append(number)
            continue
        ast.increment_lineno(tree, line)
        module.body.extend(tree.body)
        starts.append(line)
        numbers.append(number)
        line += text.count("\n") + 1

    def locate(node: ast.AST) -> Location:
        at: int = getattr(node, "lineno", 1)
        index = bisect_right(starts, at - 1) - 1
        first = at - starts[index]
        last = (getattr(node, "end_lineno", None) or at) - starts[index]
        return Location(path=artifact.path, member=artifact.member, cell=numbers[index], line=first, end_line=last)

    base = posixpath.dirname(artifact.path)  # Jupyter runs a notebook in its own folder
    yield from Reader(module, loaders, locate, path=artifact.path, base=base).read(known)
    stops = [number for number in broken if names_a_call(sources[number - 1], loaders, known)]
    for number in broken:
        if number not in stops:
            yield finding(UNREAD, artifact.at(cell=number, line=1), "The cell is not valid Python 3 and was not read.")
    if stops:
        cells = ", ".join(map(str, stops[:10]))
        raise Incomplete("malformed", f"cell {cells} is not Python 3 and looks as if it calls a model loader")


INSPECTOR = Inspector(
    name="notebook",
    claims=lambda artifact: artifact.depth == 0 and artifact.name.lower().endswith(".ipynb"),
    inspect=_inspect,
    rules=RULES,
)
