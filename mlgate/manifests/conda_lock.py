"""conda-lock.yml (conda-lock's unified format, version 1: a list of files with their hashes and what they need)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlgate.errors import Incomplete
from mlgate.manifests._common import SHARED_RULES, read_text
from mlgate.manifests._conda import Match, from_url
from mlgate.manifests._conda_locked import LARGEST, MOST, Entry, locked
from mlgate.manifests._rules import CONDA
from mlgate.records import Artifact, Inspector, Observation
from mlgate.yaml_events import Map, Node, Sequence, documents, get, scalar

_NAME = re.compile(r"(.*[-_.])?conda-lock\.ya?ml", re.IGNORECASE)


def value(node: Node | None, key: str) -> str:
    """The text under a key, or nothing."""
    found = scalar(get(node, key))
    return "" if found is None or found.value in {"null", "~"} else found.value


def entries(artifact: Artifact, packages: Sequence) -> Iterator[Entry]:
    """The packages of a lockfile in conda-lock's form, which pixi's first versions have, too."""
    for item in packages.items:
        name, version, url = value(item, "name"), value(item, "version"), value(item, "url")
        if not isinstance(item, Map) or not name:
            raise Incomplete("malformed", f"a package without a name at line {item.line}")
        file = from_url(url)
        match = Match(
            name=name.lower(),
            specifier=f"=={version}",
            version=version or None,
            build=value(item, "build") or (file.build if file else ""),
            channel=file.channel if file else "",
            subdir=(file.subdir if file else "") or value(item, "platform"),
            url=url,
            kind=file.kind if file else "",
        )
        digests = get(item, "hash")
        category = value(item, "category") or "main"
        needs = get(item, "dependencies")
        conda = value(item, "manager") != "pip"
        yield Entry(
            conda=conda,
            name=name,
            version=version,
            location=artifact.at(line=item.line),
            match=match,
            hashes=tuple(f"{kind}:{value(digests, kind)}" for kind in ("sha256", "md5") if value(digests, kind)),
            scope="optional" if value(item, "optional") == "true" else "runtime" if category == "main" else "dev",
            group="" if category == "main" else category,
            needs=names(needs),
        )


def names(node: Node | None) -> tuple[str, ...]:
    """The packages that a package needs: keys of a mapping, or first words of a list; virtual ones are none."""
    found: list[str] = []
    if isinstance(node, Map):
        found = [key for key, _ in node.pairs]
    elif isinstance(node, Sequence):
        found = [re.split(r"[\s\[=<>!~;(]", s.value.strip(), maxsplit=1)[0] for s in map(scalar, node.items) if s]
        found = [name.rpartition("::")[2] for name in found]
    return tuple(dict.fromkeys(name.lower() for name in found if name and not name.startswith("__")))


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    for document in documents(read_text(artifact), largest=LARGEST, most=MOST):
        packages = get(document, "package")
        if isinstance(packages, Sequence):
            yield from locked(artifact, list(entries(artifact, packages)))
            return
    raise Incomplete("malformed", "a conda-lock file without packages")


INSPECTOR = Inspector(
    name="conda-lock",
    claims=lambda artifact: artifact.depth == 0 and bool(_NAME.fullmatch(artifact.name)),
    inspect=_inspect,
    rules=(*SHARED_RULES, CONDA),
)
