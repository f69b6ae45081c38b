"""Python files that install: programs that call pip, and scripts that download and run others."""

from __future__ import annotations

import collections
import posixpath
import re
from collections.abc import Iterator

from mlgate.errors import Incomplete
from mlgate.installs._packages import Packages
from mlgate.installs._paths import repository_paths
from mlgate.installs._python import Script, started
from mlgate.installs._reader import Installs
from mlgate.installs.commands import RULES, said
from mlgate.records import Artifact, Inspector, Location, Observation
from mlgate.references._commands_shell import Shell
from mlgate.references._source import MOST_SOURCE, decode, parse

_NAMES = (".py", ".pyw")
_HINT = re.compile(
    rb"subprocess|os\.(?:system|popen|exec|spawn)|\bpip(?:\.|main|\._internal)|session\.|get_ipython|\.run\(|\.sudo\("
)
_WORDS = (b"install", b"curl ", b"wget ")  # looked for first: a regular expression over all source would cost seconds
_TESTS = re.compile(r"(?:.*/)?(?:tests?|testing)/.*|(?:.*/)?(?:test_[^/]*|[^/]*_test|conftest|noxfile)\.pyw?")


def _claims(artifact: Artifact) -> bool:
    return artifact.depth == 0 and artifact.name.lower().endswith(_NAMES)


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    size = artifact.source.size
    if size > MOST_SOURCE:
        return  # the reader of loading code says that the file is too large
    data = artifact.source.read_at(0, size)
    if not any(word in data for word in _WORDS) or not _HINT.search(data):
        return
    try:
        module = parse(decode(data))
    except Incomplete:
        return  # said by the reader of loading code
    if module is None:
        return

    def locate(line: int, end: int) -> Location:
        return Location(path=artifact.path, member=artifact.member, line=line, end_line=end if end != line else None)

    scope = "dev" if _TESTS.fullmatch(artifact.path) else "runtime"
    reader = Installs(locate, path=artifact.path, base=posixpath.dirname(artifact.path))
    packages = Packages(artifact, locate, repository_paths(artifact.path), scope=scope)
    for each in started(module):
        if isinstance(each, Script):
            collections.deque(reader.script(Shell(), each.text, each.line), maxlen=0)
        else:
            collections.deque(reader.command(Shell(), each), maxlen=0)
    yield from said(reader, packages)
    yield from packages.rest()
    if reader.over:
        raise Incomplete("limit", "more commands that install or fetch than one file has")


INSPECTOR = Inspector(
    name="python-installs",
    claims=_claims,
    inspect=_inspect,
    rules=RULES,
    reads="Python files: commands that `subprocess`, `os.system`, pip's own `main`, nox sessions and IPython start, "
    "with words that are written out in the same file.",
    misses="Commands that are put together elsewhere, and programs that other libraries start.",
)
