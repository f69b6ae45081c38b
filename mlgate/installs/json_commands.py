"""Commands in JSON: npm's scripts (npm documentation, "scripts"), development containers (containers.dev, reference).

What `npm install` runs by itself (`postinstall` and its like) runs on every machine that takes the repository.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator
from typing import Any

from mlgate.errors import Incomplete
from mlgate.installs import _images as images
from mlgate.installs._packages import Packages
from mlgate.installs._paths import repository_paths
from mlgate.installs._reader import Installs
from mlgate.installs.commands import RULES, said
from mlgate.manifests._common import Lines, read_text, table
from mlgate.records import Artifact, Inspector, Location, Observation
from mlgate.references._commands_loads import Locate
from mlgate.references._commands_shell import Command, Shell, arg

_DEV = frozenset({"devcontainer.json", ".devcontainer.json"})
_CONTAINER = (
    "initializeCommand",
    "onCreateCommand",
    "updateContentCommand",
    "postCreateCommand",
    "postStartCommand",
    "postAttachCommand",
)
_HINT = re.compile(r"\b(?:install|curl|wget|npx|pnpx|bunx|uvx|docker|podman|add)\b|\"image\"|\"features\"")
_COMMENTS = re.compile(r'"(?:[^"\\]|\\.)*+"|//[^\n]*|/\*.*?(?:\*/|\Z)', re.DOTALL)
_COMMAS = re.compile(r'"(?:[^"\\]|\\.)*+"|,(?=\s*+[}\]])', re.DOTALL)
_MOST = 500


def _claims(artifact: Artifact) -> bool:
    return artifact.depth == 0 and (artifact.name == "package.json" or artifact.name in _DEV)


def _document(artifact: Artifact, text: str) -> dict[str, Any]:
    """The object. Development containers may have comments and commas at the end. Raises Incomplete."""
    if artifact.name in _DEV:
        for pattern in (_COMMENTS, _COMMAS):  # texts are passed over whole
            text = pattern.sub(lambda found: found[0] if found[0].startswith('"') else "", text)
    try:
        return table(json.loads(text))
    except ValueError as error:
        raise Incomplete("malformed", f"not JSON: {error}") from None
    except RecursionError:
        raise Incomplete("limit", "nested too deep") from None


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    text = read_text(artifact)
    if not _HINT.search(text):
        return
    try:
        document = _document(artifact, text)
    except Incomplete:
        if artifact.name == "package.json":
            return  # its own reader says so
        raise
    lines = Lines(text)

    def locate(line: int, end: int) -> Location:
        return Location(path=artifact.path, member=artifact.member, line=line, end_line=end if end != line else None)

    reader = Installs(locate, path=artifact.path, base=posixpath.dirname(artifact.path))
    packages = Packages(artifact, locate, repository_paths(artifact.path), scope="dev")
    dev = artifact.name in _DEV
    settings = document if dev else table(document.get("scripts"))
    named = [(key, settings[key]) for key in _CONTAINER if key in settings] if dev else [*settings.items()][:_MOST]
    for key, given in named:
        line = lines.find(json.dumps(key)) or 1
        for each in [*given.values()][:_MOST] if isinstance(given, dict) else [given]:
            _run(reader, each, line)
    yield from said(reader, packages)
    if dev:
        yield from _used(document, lines, locate, packages)
    yield from images.started(reader.images, locate, packages, "dev")
    yield from packages.rest()


def _run(reader: Installs, given: Any, line: int) -> None:
    """A text is a shell's, a list is a program with its words."""
    if isinstance(given, str):
        # the script stands in one line of the file, whatever lines it has itself
        for command in Shell().run(given.replace("\n", " ; "), line, 0):
            for _ in reader.command(Shell(), command):
                pass
    elif isinstance(given, list) and all(isinstance(word, str) for word in given):
        words = tuple(arg(word, line) for word in given[:_MOST])
        for _ in reader.command(Shell(), Command(args=words, line=line, end=line)):
            pass


def _used(document: dict[str, Any], lines: Lines, locate: Locate, packages: Packages) -> Iterator[Observation]:
    """The container's image, and its features: those of a registry run as root while it is made."""
    found = [("image", document.get("image")), *(("feature", key) for key in table(document.get("features")))]
    for group, name in found[:_MOST]:
        if isinstance(name, str) and not name.startswith((".", "http://", "https://")) and "$" not in name:
            line = lines.find(json.dumps(name)) or 1
            yield from images.named([arg(name, line)], locate, packages, "dev", f"devcontainer {group}")


INSPECTOR = Inspector(
    name="json-commands",
    claims=_claims,
    inspect=_inspect,
    rules=RULES,
    reads="The scripts of `package.json`; of development containers the image, the features and all commands.",
)
