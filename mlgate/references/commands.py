"""Scripts, build files, containers and workflows: the models and datasets that their commands download and serve."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlgate.errors import Incomplete
from mlgate.records import Artifact, Inspector, Location, Observation, Reference
from mlgate.references import _commands_build as build
from mlgate.references import _commands_windows as windows
from mlgate.references import _commands_yaml as documents
from mlgate.references._commands_loads import Locate
from mlgate.references._commands_read import Reader
from mlgate.references._commands_shell import Shell
from mlgate.references._commands_table import commands

_MOST = 4 * 2**20
_MOST_LOOKED = 64 * 2**20
_CHUNK = 1 << 20
_MOST_REFERENCES = 5000
_SHELL_NAME = re.compile(r".+\.(sh|bash|zsh|ksh|slurm|sbatch|command)")
_SHEBANG = re.compile(rb"#![^\n]*\b(sh|bash|dash|zsh|ksh)\b")
_DOCKER_NAME = re.compile(r"(docker|container)file([.-].+)?|.+[.-](docker|container)file")
_MAKE_NAME = re.compile(r"(gnu)?makefile([.-].+)?|.+\.(mk|mak)")
_BATCH_NAME = re.compile(r".+\.(bat|cmd)")
_POWERSHELL_NAME = re.compile(r".+\.(ps1|psm1)")
_JUST_NAME = re.compile(r"\.?justfile|.+\.just")
_IGNORED = re.compile(r".+\.(dockerignore|md|rst|txt|html|am|in|py|ipynb|json|png|svg|pdf)")


def form(artifact: Artifact) -> str:
    """shell, batch, powershell, docker, make, just, yaml, or "" for a file that is none of them."""
    if artifact.depth:
        return ""
    name = artifact.name.lower()
    if not _IGNORED.fullmatch(name):
        if _DOCKER_NAME.fullmatch(name):
            return "docker"
        if _MAKE_NAME.fullmatch(name):
            return "make"
        if _JUST_NAME.fullmatch(name):
            return "just"
        if name.endswith((".yml", ".yaml")):
            return "yaml" if documents.claims(artifact) else ""
        for pattern, kind in ((_SHELL_NAME, "shell"), (_BATCH_NAME, "batch"), (_POWERSHELL_NAME, "powershell")):
            if pattern.fullmatch(name):
                return kind
    return "shell" if _SHEBANG.match(artifact.head) else ""


def _text(artifact: Artifact) -> str | None:
    """The text, or None when no row of the table can be about it. Raises Incomplete(limit)."""
    size, hint = artifact.source.size, commands().hint
    if size <= _MOST:
        text = artifact.source.read_at(0, size).decode("utf-8-sig", "replace").replace("\r\n", "\n")
        return text if hint.search(text) else None
    rest = ""
    for offset in range(0, min(size, _MOST_LOOKED), _CHUNK):  # installers carry archives behind their script
        text = rest + artifact.source.read_at(offset, _CHUNK).decode("utf-8", "replace")
        if hint.search(text):
            raise Incomplete("limit", f"{size:,} bytes of script that names tools which download models")
        rest = text[-200:]
    if size > _MOST_LOOKED:
        raise Incomplete("limit", f"{size:,} bytes of script")
    return None


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    text = _text(artifact)
    if text is None:
        return

    def locate(line: int, end: int) -> Location:
        return Location(path=artifact.path, member=artifact.member, line=line, end_line=end)

    seen: set[Reference] = set()
    for reference in _references(form(artifact), text, artifact.path, locate):
        if reference not in seen:
            seen.add(reference)
            yield reference
        if len(seen) > _MOST_REFERENCES:
            raise Incomplete("limit", f"more than {_MOST_REFERENCES:,} references in one file")


def _references(kind: str, text: str, path: str, locate: Locate) -> Iterator[Reference]:
    base = None if kind in {"docker", "yaml"} else ""
    reader = Reader(commands(), locate, path=path, base=base)
    match kind:
        case "docker":
            yield from build.dockerfile(reader, text)
        case "make":
            yield from build.makefile(reader, text)
        case "just":
            yield from build.justfile(reader, text)
        case "yaml":
            yield from documents.read(reader, text)
        case "batch":
            yield from reader.script(Shell(), windows.batch(text))
        case "powershell":
            yield from reader.script(Shell(), windows.powershell(text))
        case _:
            yield from reader.script(Shell(), text)


INSPECTOR = Inspector(
    name="commands",
    claims=lambda artifact: bool(form(artifact)),
    inspect=_inspect,
    reads="Shell scripts, batch files, PowerShell scripts, "
    "Makefiles, justfiles, Dockerfiles, Compose files, Kubernetes manifests and CI workflows: "
    "commands that download, serve, convert or train on models and datasets, variables that the same file sets, and "
    "Python in `python -c`.",
    misses="What functions are given, what other files set, and commands that are put together at run time.",
)
