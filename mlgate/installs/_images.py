"""Container images by name: Dockerfiles, Compose files, Kubernetes manifests, workflows (docs.docker.com, "Dockerfile
reference"; the distribution specification's grammar of references; purl-spec's type `docker`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from packageurl import PackageURL

from mlgate import rules
from mlgate.errors import Incomplete
from mlgate.installs._packages import Packages
from mlgate.installs._rules import MUTABLE_IMAGE
from mlgate.installs._words import texts
from mlgate.manifests._common import URL_WITHOUT_HASH, hashes
from mlgate.manifests._declared import without_login
from mlgate.records import (
    Component,
    Finding,
    Kind,
    Location,
    Observation,
    Occurrence,
    PackageFacts,
    Resolution,
    Severity,
)
from mlgate.references._commands_build import _instructions, _words
from mlgate.references._commands_loads import Locate
from mlgate.references._commands_shell import Arg, Shell, arg
from mlgate.references._commands_tokens import OPAQUE
from mlgate.references._commands_yaml import _CONTROL, _EXPRESSION, _expanded, _scope
from mlgate.yaml_events import Map, Node, Sequence, documents, get, scalar

_HOST = re.compile(r"(?:[a-z0-9.-]+\.[a-z0-9-]+|localhost)(?::\d+)?|[a-z0-9.-]+:\d+", re.IGNORECASE)
_PATH = re.compile(r"[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*")
_TAG = re.compile(r"\w[\w.-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-fA-F]{64}")
_FROM_FLAG = re.compile(
    r"^[ \t]*(?:COPY|ADD)(?:[ \t]|\\\n)+(?:--(?!from)\S+(?:[ \t]|\\\n)+)*--from=(\S+)", re.IGNORECASE | re.MULTILINE
)
_MOUNT = re.compile(r"--mount=\S*?(?<=[=,])from=([^,\s]+)|--mount=\S*")
_ALIAS = re.compile(r"\s+AS\s+(\S+)\s*$", re.IGNORECASE)
_DIRECTIVE = re.compile(r"#\s*(\w+)\s*=\s*(\S+)")
_FRONTEND = re.compile(r"(?:docker\.io/)?docker/dockerfile(?:-upstream)?[:@]", re.IGNORECASE)
_COMMIT = re.compile(r"#[0-9a-f]{40}")
_HUB = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"})
_NOT_IMAGES = frozenset(
    [
        "with",
        "inputs",
        "outputs",
        "env",
        "environment",
        "variables",
        "labels",
        "annotations",
        "properties",
        "metadata",
        "build",
        "x-build",
    ]
)
_MOST_NODES = 100_000
_MOST_IMAGES = 2000


def image(text: str, location: Location, *, scope: str, group: str) -> Component | None:
    """The component of an image's name with tag or digest, or None when the text is no such name."""
    plain = text.removeprefix("docker://").strip()
    name, _, digest = plain.partition("@")
    if digest and not _DIGEST.fullmatch(digest):
        return None
    head, slash, last = name.rpartition("/")
    last, colon, tag = last.partition(":")
    name = head + slash + last
    first, slash, rest = name.partition("/")
    host = first.lower() if slash and _HOST.fullmatch(first) else ""
    path = rest if host else name
    if not _PATH.fullmatch(path) or len(path) > 255 or (colon and not _TAG.fullmatch(tag)):
        return None
    if host in _HUB:
        host = ""
    namespace, _, short = path.removeprefix("library/").rpartition("/")
    qualifiers = {"repository_url": host} if host else None
    version = digest.lower() or tag or None
    base = PackageURL(type="docker", namespace=namespace or None, name=short, qualifiers=qualifiers)
    return Component(
        kind=Kind.PACKAGE,
        identity=base.to_string(),
        name=f"{host}/{path}" if host else path.removeprefix("library/"),
        version=version,
        purl=base._replace(version=version).to_string(),
        pinned=bool(digest),
        hashes=hashes([digest]) if digest else (),
        occurrences=(Occurrence(location=location, symbol=f"{group} {plain}"[:300]),),
        package=PackageFacts(
            ecosystem="Docker",
            requirement=plain[:300],
            specifier=tag,
            scope=scope,
            group=group,
            index=host[:300],
        ),
    )


class _Images:
    """The images of one file, each told once."""

    def __init__(self, locate: Locate, packages: Packages, scope: str) -> None:
        self.locate = locate
        self.packages = packages
        self.scope = scope
        self.said: set[tuple[str, str]] = set()
        self.count = 0

    def add(self, word: Arg, group: str, *, local: frozenset[str] = frozenset()) -> Iterator[Observation]:
        where = self.locate(word.line, word.line)
        known = texts(word)
        if word.values.unknown or not word.values.known:
            self.packages.unknown(f"{group} {word.text}", word.line)
        for text in known:
            if text.lower() in local or text == "scratch":
                continue
            self.count += 1
            if self.count > _MOST_IMAGES:
                raise Incomplete("limit", "more images than one file has")
            made = image(text, where, scope=self.scope, group=group)
            if made is None:
                self.packages.unknown(f"{group} {text}", word.line)
                continue
            yield made
            if not made.pinned and (made.identity, made.version or "") not in self.said:
                yield _mutable(made, where)
            self.said.add((made.identity, made.version or ""))


def _mutable(made: Component, where: Location) -> Finding:
    tag = made.version or "latest"
    moving = tag in {"latest", "main", "master", "nightly", "edge", "dev", "stable"}
    said = f"by the tag {tag!r}" if made.version else "without a tag, which is `latest`"
    return rules.finding(
        MUTABLE_IMAGE,
        where,
        f"{made.name} is named {said}, and what is behind it can change.",
        evidence=f"{made.name}:{tag}",
        severity=Severity.LOW if moving else Severity.INFO,
        subject=made.identity,
        fix=f"{made.name}:{tag}@sha256:<digest>",
    )


def dockerfile(text: str, locate: Locate, packages: Packages, scope: str) -> Iterator[Observation]:
    """The images of FROM, COPY --from and RUN --mount; stages are none. Arguments have their defaults."""
    told = _Images(locate, packages, scope)
    shell = Shell()
    stages: set[str] = set()
    started = False
    for name, body, line in _instructions(text):
        if name == "ARG" and not started:
            for command in shell.copy().run(f"export {body}", line):
                for key, value in command.set:
                    shell.assign(key, value.values.at_best(Resolution.DEFAULT))
        elif name == "FROM":
            started = True
            alias = _ALIAS.search(body)
            words = _words(shell, _ALIAS.sub("", body), line)
            if words:
                yield from told.add(words[0], "FROM", local=frozenset(stages))
            if alias:
                stages.add(alias[1].lower())
    for pattern, group in ((_FROM_FLAG, "COPY --from"), (_MOUNT, "RUN --mount")):
        for found in filter(lambda each: each[1], pattern.finditer(text)):
            line = text.count("\n", 0, found.start(1)) + 1
            if text[text.rfind("\n", 0, found.start(1)) + 1 :].lstrip().startswith("#"):
                continue
            word = next(iter(_words(shell, found[1], line)), None)
            if word and not word.plain.isdigit():
                yield from told.add(word, group, local=frozenset(stages))


def frontend(text: str, locate: Locate, packages: Packages, scope: str) -> Iterator[Observation]:
    """The image that `# syntax=` lets read the Dockerfile, where it is not Docker's own."""
    for number, line in enumerate(text.split("\n")[:20], 1):
        found = _DIRECTIVE.match(line)
        if found is None:
            return
        if found[1].lower() == "syntax" and not _FRONTEND.match(found[2]):
            yield from _Images(locate, packages, scope).add(arg(found[2].strip(), number), "# syntax")


def added(text: str, locate: Locate, told: set[str]) -> Iterator[Observation]:
    """Addresses that ADD downloads without a checksum, of a repository without a commit; `told` needs no finding."""
    for name, body, line in _instructions(text):
        if name != "ADD":
            continue
        for word in _words(Shell(), body, line)[:-1]:
            url = word.plain or word.text
            if url.startswith(("https://", "http://", "ftp://", "git@")) and not _COMMIT.search(url):
                shown = without_login(url)[:200]
                if shown in told or url in told:
                    continue
                message = "ADD downloads this, and nothing fixes its bytes."
                fix = f"ADD --checksum=sha256:<hash> {shown}"
                yield rules.finding(URL_WITHOUT_HASH, locate(line, line), message, evidence=shown, fix=fix)


def started(found: list[Arg], locate: Locate, packages: Packages, scope: str) -> Iterator[Observation]:
    """The images of `docker run`."""
    return named(found, locate, packages, scope, "docker run")


def named(found: list[Arg], locate: Locate, packages: Packages, scope: str, group: str) -> Iterator[Observation]:
    """Images by their names; what is no name of one is left out."""
    told = _Images(locate, packages, scope)
    for word in found:
        if image(word.plain, locate(word.line, word.line), scope=scope, group=group):
            yield from told.add(word, group)


def manifest(text: str, locate: Locate, packages: Packages, scope: str) -> Iterator[Observation]:
    """The images of a Compose file, a Kubernetes manifest or a workflow."""
    told = _Images(locate, packages, scope)
    plain = _EXPRESSION.sub(OPAQUE, _CONTROL.sub("", text))
    try:
        for document in documents(plain):
            yield from _document(told, document)
    except Incomplete as stop:
        if plain == text or stop.reason != "malformed":
            raise
        found = re.search(r"^.*\bimage:.*$", text, re.MULTILINE)
        if found:
            packages.unknown(found[0], text.count("\n", 0, found.start()) + 1)


def _document(told: _Images, document: Node) -> Iterator[Observation]:
    pending: list[tuple[Node, Shell]] = [(document, Shell())]
    seen: set[int] = set()
    while pending:
        node, shell = pending.pop()
        if id(node) in seen or len(seen) > _MOST_NODES:
            continue
        seen.add(id(node))
        if isinstance(node, Sequence):
            pending.extend((item, shell) for item in reversed(node.items))
        if not isinstance(node, Map):
            continue
        shell = _scope(node, shell)
        yield from _named(told, node, shell)
        pending.extend((value, shell) for key, value in reversed(node.pairs) if key not in _NOT_IMAGES)


def _named(told: _Images, node: Map, shell: Shell) -> Iterator[Observation]:
    jobs = get(node, "steps") is not None or get(node, "runs-on") is not None
    for key, value in node.pairs:
        given = scalar(value)
        if given is None or not given.value.strip() or given.value.startswith("{"):
            continue
        built = get(node, "build") is not None or given.value.endswith(
            "Dockerfile"
        )  # what is built here has a name too
        wanted = (key == "image" and not built) or (key == "container" and jobs)
        if wanted or (key == "uses" and given.value.startswith("docker://")):
            word = _expanded(given.value, given.line, shell)
            if word.plain != "" or word.values.unknown or texts(word):
                yield from told.add(word, key)
