"""Scripts, build files, containers, workflows and notebooks: what their commands install, and from where."""

from __future__ import annotations

import dataclasses
import posixpath
import re
from collections.abc import Iterator

from mlgate.errors import Incomplete
from mlgate.installs import _images as images
from mlgate.installs._packages import Packages
from mlgate.installs._paths import repository_paths
from mlgate.installs._reader import Installs
from mlgate.installs._rules import FETCHED, MUTABLE_IMAGE, UNTOLD
from mlgate.manifests._common import SHARED_RULES
from mlgate.manifests._ecosystems import UNLOCKED
from mlgate.manifests._rules import CONDA, EXTRA_INDEX, INSECURE_INDEX, LOCAL, OUTSIDE, UNPINNED
from mlgate.records import Artifact, Inspector, Location, Observation, Reference
from mlgate.references import _commands_build as build
from mlgate.references import _commands_windows as windows
from mlgate.references import _commands_yaml as documents
from mlgate.references._commands_build import _instructions
from mlgate.references._commands_cells import _cell
from mlgate.references._commands_shell import Shell
from mlgate.references.commands import form
from mlgate.references.notebook import _cells
from mlgate.yaml_events import Map, Node, Scalar, Sequence
from mlgate.yaml_events import documents as yaml_documents

_MOST = 4 * 2**20
_MOST_NOTEBOOK = 64 * 2**20
_MOST_LOOKED = 64 * 2**20
_CHUNK = 1 << 20
_HINT = re.compile(
    r"\b(?:pip|pip3|pipx|uvx?|poetry|pipenv|pdm|rye|conda|mamba|micromamba|npm|pnpm|yarn|npx|bunx?|curl|wget|iex|"
    r"Invoke-Expression|PIP_[A-Z_]+|UV_[A-Z_]+|docker|podman|nerdctl)\b|pip[\d.]+|\bPIP\b",
    re.IGNORECASE,
)
_IMAGE = re.compile(r"^\s*(?:FROM|COPY|RUN|-?\s*image\s*:|container\s*:|-?\s*uses\s*:)", re.IGNORECASE | re.MULTILINE)
_MAGIC = re.compile(r"^([ \t]*)%(pip|conda|mamba|micromamba|uv)\b", re.MULTILINE)
_AUTO = re.compile(r"^([ \t]*)((?:pip3?|conda|mamba|uv pip)[ \t]+install[ \t])", re.MULTILINE)
_CI = re.compile(
    r"(.*/)?(\.github/.*|\.gitlab-ci[^/]*|\.circleci/.*|\.buildkite/.*|\.travis|\.?azure-pipelines.*|\.?readthedocs|"
    r"[Tt]askfile[^/]*|bitbucket-pipelines|\.drone|\.woodpecker.*|\.?appveyor|buildspec|\.gitpod|\.cirrus|noxfile\.py)(\.ya?ml)?"
)
_CHECKED = re.compile(r"^[ \t]*ADD[ \t][^\n]*--checksum=\S+[ \t]+(?:--\S+[ \t]+)*(\S+)", re.IGNORECASE | re.MULTILINE)
_GIVEN = re.compile(r"\b(?:pip3?|conda|mamba|npm|pnpm|yarn|pipx|poetry)\s+(?:install|add)\s")


def _is_notebook(artifact: Artifact) -> bool:
    return artifact.depth == 0 and artifact.name.lower().endswith(".ipynb")


def _text(artifact: Artifact, kind: str) -> str | None:
    """The text, or None when nothing in it installs. Raises Incomplete(limit)."""
    size = artifact.source.size
    if size <= _MOST:
        text = artifact.source.read_at(0, size).decode("utf-8-sig", "replace").replace("\r\n", "\n")
        wanted = _HINT.search(text) or (kind in {"docker", "yaml"} and _IMAGE.search(text))
        return text if wanted else None
    rest = ""
    for offset in range(0, min(size, _MOST_LOOKED), _CHUNK):  # installers carry archives behind their script
        text = rest + artifact.source.read_at(offset, _CHUNK).decode("utf-8", "replace")
        if re.search(r"\b(?:pip|conda|npm|uv)\d?\s+install\s", text):
            raise Incomplete("limit", f"{size:,} bytes of script that installs packages")
        rest = text[-200:]
    return None


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    if _is_notebook(artifact):
        yield from _notebook(artifact)
        return
    kind = form(artifact)
    text = _text(artifact, kind)
    if text is None:
        return

    def locate(line: int, end: int) -> Location:
        return Location(path=artifact.path, member=artifact.member, line=line, end_line=end if end != line else None)

    scope = "dev" if _CI.fullmatch(artifact.path) else "runtime"
    base = None if kind == "docker" else posixpath.dirname(artifact.path) if kind != "yaml" else ""
    reader = Installs(locate, path=artifact.path, base=base)
    paths = repository_paths(artifact.path, text if kind == "docker" else "")
    packages = Packages(artifact, locate, paths, scope=scope)
    reader.fetched.checked = frozenset(_CHECKED.findall(text) if kind == "docker" else ())
    for reference in _run(reader, kind, text):
        if reference.symbol == "template":
            packages.unknown(reference.expression, reference.location.line or 1)
    if kind in {"powershell", "batch", "yaml", "docker", "make", "just"}:
        reader.findings += reader.fetched.powershell(text)
    ran = {found.evidence.partition(";")[0].removeprefix("ADD ") for found in reader.findings}
    yield from said(reader, packages)
    if kind == "docker":
        yield from images.frontend(text, locate, packages, scope)
        yield from images.dockerfile(text, locate, packages, scope)
        yield from images.added(text, locate, ran | reader.fetched.checked)
    elif kind == "yaml":
        yield from images.manifest(text, locate, packages, scope)
    yield from images.started(reader.images, locate, packages, scope)
    yield from packages.rest()
    if reader.over:
        raise Incomplete("limit", "more commands that install or fetch than one file has")


def said(reader: Installs, packages: Packages) -> Iterator[Observation]:
    """What was collected, without what is said twice because a command was read twice."""
    seen: set[Observation] = set()
    for index in reader.indexes:
        told = dataclasses.replace(index, best=index.best or reader.unsafe)
        for said in packages.index(told):
            if said not in seen:
                seen.add(said)
                yield said
    for found, base in reader.installs:
        best = found.best or (reader.unsafe and found.tool.startswith("uv"))
        yield from packages.install(dataclasses.replace(found, best=best), base, reader.indexes)
    yield from dict.fromkeys(reader.findings)
    for text, line in reader.untold:
        packages.unknown(text, line)
    reader.untold.clear()
    reader.installs.clear()
    reader.indexes.clear()
    reader.findings.clear()


def _run(reader: Installs, kind: str, text: str) -> Iterator[Reference]:
    match kind:
        case "docker":
            yield from build.dockerfile(reader, text)
            for name, body, line in _instructions(text):
                if name == "ARG":  # pip reads build arguments as it reads other variables
                    reader.defaults(body, line)
        case "make":
            yield from build.makefile(reader, text)
        case "just":
            yield from build.justfile(reader, text)
        case "yaml":
            yield from documents.read(reader, text)
            yield from _handed_over(reader, text)
        case "batch":
            yield from reader.script(Shell(), windows.batch(text))
        case "powershell":
            yield from reader.script(Shell(), windows.powershell(text))
        case _:
            yield from reader.script(Shell(), text)


def _handed_over(reader: Installs, text: str) -> Iterator[Reference]:
    """Commands that a workflow gives to an action, or to a program by a variable (`CIBW_BEFORE_ALL`)."""
    if not _GIVEN.search(text):
        return
    try:
        for document in yaml_documents(text):
            pending: list[Node] = [document]
            seen: set[int] = set()
            while pending:
                node = pending.pop()
                if id(node) in seen:
                    continue
                seen.add(id(node))
                if isinstance(node, Sequence):
                    pending.extend(node.items)
                for key, value in node.pairs if isinstance(node, Map) else ():
                    pending.append(value)
                    for _, given in value.pairs if key in {"with", "env"} and isinstance(value, Map) else ():
                        if isinstance(given, Scalar) and _GIVEN.match(given.value.lstrip()):
                            yield from reader.script(Shell(), given.script(text), given.first)
    except Incomplete:
        return  # a template, of which that is said already


def _notebook(artifact: Artifact) -> Iterator[Observation]:
    """The cells of a notebook. `%pip`, `!pip` and a bare `pip install` are one and the same to IPython."""
    size = artifact.source.size
    if size > _MOST_NOTEBOOK:
        raise Incomplete("limit", f"{size:,} bytes of notebook")
    data = artifact.source.read_at(0, size)
    if not data.strip() or not _HINT.search(data.decode("utf-8", "replace")):
        return
    cell = 1

    def locate(line: int, end: int) -> Location:
        last = end if end != line else None
        return Location(path=artifact.path, member=artifact.member, cell=cell, line=line, end_line=last)

    shell = Shell()
    base = posixpath.dirname(artifact.path)
    reader = Installs(locate, path=artifact.path, base=base)
    packages = Packages(artifact, locate, repository_paths(artifact.path, ""), scope="runtime")
    for cell, source in enumerate(_cells(data), 1):  # noqa: B007  (`locate` reads it)
        text = source.replace("\r\n", "\n")
        if not text.lstrip().startswith("%%") or text.lstrip().startswith("%%capture"):
            text = _AUTO.sub(r"\1!\2", _MAGIC.sub(r"\1!\2", text))
        for _ in _cell(reader, shell, text):
            pass
        yield from said(reader, packages)
    yield from packages.rest()


RULES = (
    *SHARED_RULES,
    FETCHED,
    MUTABLE_IMAGE,
    UNTOLD,
    EXTRA_INDEX,
    INSECURE_INDEX,
    UNPINNED,
    OUTSIDE,
    LOCAL,
    CONDA,
    UNLOCKED,
)

INSPECTOR = Inspector(
    name="installs",
    claims=lambda artifact: _is_notebook(artifact) or bool(form(artifact)),
    inspect=_inspect,
    rules=RULES,
    reads="Commands in shell scripts, batch files, PowerShell scripts, Makefiles, justfiles, Dockerfiles, Compose "
    "files, Kubernetes manifests, CI workflows and notebooks: packages that `pip`, `uv`, `pipx`, `poetry`, `pdm`, "
    "`pipenv`, `conda`, `mamba`, `npm`, `yarn` and `pnpm` install, their indexes and channels, files of requirements, "
    "scripts that are downloaded and run; and container images.",
    misses="System packages (`apt-get`), and files of requirements that are not in the repository.",
)
