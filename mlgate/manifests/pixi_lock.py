"""pixi.lock (rattler_lock: versions 4 to 6; versions 1 to 3 are conda-lock's form)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from packaging.utils import InvalidSdistFilename, InvalidWheelFilename, parse_sdist_filename, parse_wheel_filename

from mlgate.errors import Incomplete
from mlgate.manifests._common import SHARED_RULES, read_text
from mlgate.manifests._conda import Match, channel_name, from_url
from mlgate.manifests._conda_locked import LARGEST, MOST, Entry, locked
from mlgate.manifests._rules import CONDA
from mlgate.manifests.conda_lock import entries, names, value
from mlgate.records import Artifact, Inspector, Observation
from mlgate.yaml_events import Map, Node, Sequence, documents, get, scalar

_EXTRA = re.compile(r"\bextra\s*==")


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    for document in documents(read_text(artifact), largest=LARGEST, most=MOST):
        old, new = get(document, "package"), get(document, "packages")
        if isinstance(old, Sequence):
            yield from locked(artifact, list(entries(artifact, old)))
            return
        if isinstance(new, Sequence):
            used = _used(get(document, "environments"))
            found = [_entry(artifact, item, used) for item in new.items]
            yield from locked(artifact, [entry for entry in found if entry])
            return
        if get(document, "version"):
            return  # an environment of nothing
    raise Incomplete("malformed", "a pixi.lock without packages")


def _used(environments: Node | None) -> dict[str, set[str]]:
    """The environments that each address is installed into."""
    found: dict[str, set[str]] = {}
    for environment, content in environments.pairs if isinstance(environments, Map) else ():
        platforms = get(content, "packages")
        for _, items in platforms.pairs if isinstance(platforms, Map) else ():
            for item in items.items if isinstance(items, Sequence) else ():
                for key in ("conda", "pypi"):
                    if value(item, key):
                        found.setdefault(value(item, key), set()).add(environment)
    return found


def _entry(artifact: Artifact, item: Node, used: dict[str, set[str]]) -> Entry | None:
    kind = value(item, "kind") or next((key for key in ("conda", "pypi") if value(item, key)), "")
    if not isinstance(item, Map) or kind not in {"conda", "pypi"}:
        raise Incomplete("unsupported", f"a package of another kind at line {item.line}")
    url = value(item, kind) or value(item, "url") or value(item, "path")
    name, version = value(item, "name"), value(item, "version")
    file = from_url(url) if kind == "conda" else None
    if kind == "conda":
        name, version = name or (file.name if file else ""), version or (file.version or "" if file else "")
    elif not name:
        name, version = _python_file(url)
    if not name:
        if "://" not in url:
            return None  # a folder of the repository, with a manifest of its own
        raise Incomplete("malformed", f"a package without a name at line {item.line}")
    inside = used.get(url, {"default"})
    match = Match(
        name=name.lower(),
        specifier=f"=={version}",
        version=version or None,
        build=value(item, "build") or (file.build if file else ""),
        channel=channel_name(value(item, "channel")) or (file.channel if file else ""),
        subdir=value(item, "subdir") or (file.subdir if file else ""),
        url=url,
        kind=file.kind if file else "",
    )
    return Entry(
        conda=kind == "conda",
        name=name,
        version=version,
        location=artifact.at(line=item.line),
        match=match,
        hashes=tuple(f"{digest}:{value(item, digest)}" for digest in ("sha256", "md5") if value(item, digest)),
        license=value(item, "license")[:200],
        scope="runtime" if "default" in inside else "optional",
        group="" if "default" in inside else ",".join(sorted(inside)),
        needs=names(get(item, "depends")) if kind == "conda" else _python_needs(get(item, "requires_dist")),
    )


def _python_needs(node: Node | None) -> tuple[str, ...]:
    """What a Python package needs in any case; what its extras need may not be there."""
    if not isinstance(node, Sequence):
        return ()
    always = [s for s in map(scalar, node.items) if s and not _EXTRA.search(s.value)]
    return names(Sequence(node.line, list(always)))


def _python_file(url: str) -> tuple[str, str]:
    """Name and version by a file's name (PEP 427, PEP 625), as far as it tells."""
    last = url.partition("#")[0].rpartition("/")[2]
    try:
        parsed = parse_wheel_filename(last)[:2] if last.endswith(".whl") else parse_sdist_filename(last)
    except (InvalidWheelFilename, InvalidSdistFilename):
        return "", ""
    return parsed[0], str(parsed[1])


INSPECTOR = Inspector(
    name="pixi-lock",
    claims=lambda artifact: artifact.depth == 0 and artifact.name == "pixi.lock",
    inspect=_inspect,
    rules=(*SHARED_RULES, CONDA),
)
