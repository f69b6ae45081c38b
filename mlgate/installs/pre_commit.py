"""pre-commit: what its hooks install and run (pre-commit.com, "Adding pre-commit plugins" and "Creating new hooks").

Hooks run on the machine of everybody who commits, and in CI. `additional_dependencies` are words for `pip install`
or `npm install`, options among them.
"""

from __future__ import annotations

import collections
import posixpath
import re
from collections.abc import Iterator

from mlgate import rules
from mlgate.errors import Incomplete
from mlgate.installs._packages import Packages
from mlgate.installs._paths import repository_paths
from mlgate.installs._reader import Installs
from mlgate.installs.commands import RULES, said
from mlgate.manifests._common import MUTABLE_VCS, read_text
from mlgate.manifests._declared import without_login
from mlgate.manifests._rules import UNPINNED
from mlgate.records import Artifact, Finding, Inspector, Location, Observation
from mlgate.references._commands_shell import Command, Shell, arg
from mlgate.yaml_events import Map, Node, Scalar, Sequence, documents, get, scalar

_SETTINGS = (".pre-commit-config.yaml", ".pre-commit-config.yml")
_HOOKS = ".pre-commit-hooks.yaml"
_HASH = re.compile(r"[0-9a-f]{7,64}", re.IGNORECASE)
_NPM = re.compile(r"@[\w.-]+/[\w.-]+(?:@.+)?|[\w.-]+@[\^~]?\d.*")
_NODE = re.compile(r"\b(?:eslint|prettier|stylelint|commitlint|markdownlint|node|pyright)\b")
_RUN = frozenset({"", "system", "unsupported", "script", "unsupported_script"})
_MOST = 2000


def _claims(artifact: Artifact) -> bool:
    return artifact.depth == 0 and artifact.name in (*_SETTINGS, _HOOKS)


def _items(node: Node | None) -> list[Node]:
    return node.items[:_MOST] if isinstance(node, Sequence) else []


def _text(node: Node | None, key: str) -> str:
    found = scalar(get(node, key))
    return found.value.strip() if found else ""


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    def locate(line: int, end: int) -> Location:
        return Location(path=artifact.path, line=line, end_line=end if end != line else None)

    reader = Installs(locate, path=artifact.path, base=posixpath.dirname(artifact.path))
    packages = Packages(artifact, locate, repository_paths(artifact.path), scope="dev")
    for document in documents(read_text(artifact)):
        if artifact.name == _HOOKS:
            for hook in _items(document):
                _hook(reader, hook, "", local=True)
            continue
        if not isinstance(document, Map):
            raise Incomplete("malformed", "the settings of pre-commit are a mapping")
        for repository in _items(get(document, "repos")):
            address, revision = _text(repository, "repo"), scalar(get(repository, "rev"))
            if revision and _moves(revision.value.strip()):
                shown = without_login(address)[:200]
                message = f"The hooks of {shown} are taken at {revision.value.strip()[:100]!r}, which can move."
                where = locate(revision.line, revision.line)
                evidence = f"{shown}@{revision.value.strip()[:100]}"
                yield rules.finding(
                    MUTABLE_VCS, where, message, evidence=evidence, fix="pre-commit autoupdate --freeze"
                )
            for hook in _items(get(repository, "hooks")):
                _hook(reader, hook, address, local=address == "local")
    # everybody leaves the versions of linters' plugins open: what is told is where they come from
    for each in (*said(reader, packages), *packages.rest()):
        if not (isinstance(each, Finding) and each.rule is UNPINNED):
            yield each


def _moves(revision: str) -> bool:
    """Whether a revision is a branch, as pre-commit itself warns of them: no dot in it, and no commit's hash."""
    return bool(revision) and "." not in revision and not _HASH.fullmatch(revision) and not re.search(r"\d", revision)


def _hook(reader: Installs, hook: Node, address: str, *, local: bool) -> None:
    language = _text(hook, "language")
    wanted = [item for item in _items(get(hook, "additional_dependencies")) if isinstance(item, Scalar)]
    if wanted:
        line = wanted[0].line
        node = language == "node" or (
            not language and (_NODE.search(address) or any(_NPM.fullmatch(item.value.strip()) for item in wanted))
        )
        if node or language in {"", "python"}:
            words = [arg(word, line) for word in (("npm", "install") if node else ("pip", "install"))]
            words += [arg(item.value.strip(), item.line) for item in wanted]
            command = Command(args=tuple(words), line=line, end=line)
            collections.deque(reader.command(Shell(), command), maxlen=0)
    entry = scalar(get(hook, "entry"))
    if entry and local and language in _RUN:
        collections.deque(reader.script(Shell(), entry.value, entry.first), maxlen=0)


INSPECTOR = Inspector(
    name="pre-commit",
    claims=_claims,
    inspect=_inspect,
    rules=RULES,
    reads="pre-commit's settings: hooks at branches that move, the additional dependencies of hooks in Python and "
    "Node, the commands of local hooks.",
    misses="What the hooks' repositories themselves install, and versions that are left open.",
)
