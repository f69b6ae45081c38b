"""The comparison with the base: what it had already, and which changes decide about the gate itself."""

from __future__ import annotations

import os
import posixpath
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from mlgate import discover, git, judge
from mlgate.assemble import Reading
from mlgate.policy.schema import Policy
from mlgate.policy_source import LARGEST, PLACES
from mlgate.records import Component, Finding, Include, Inventory, Kind, Limits
from mlgate.settings import Settings

_RENAMED = 1 << 20  # bytes of a file that is compared for renames
_RENAMES = 200  # files that are compared for renames; with more of them what moved is new, which is the careful side
_DECIDING = {
    ".gitattributes": "what git filters and hides in diffs",
    ".lfsconfig": "where Git LFS content comes from",
    ".gitmodules": "where submodules come from",
}


def compared(
    settings: Settings,
    repository: git.Repository,
    base: str,
    policy: Policy,
    readings: Mapping[str, Reading],
    links: Mapping[str, bytes],
    read: Callable[[Path], dict[str, Reading]],
    assembled: Callable[[Mapping[str, Reading], frozenset[str]], Inventory],
    limits: Limits,
) -> judge.Base:
    """What the base already had: the same stages over it, with the unchanged files' readings taken from the head.

    `links` are the targets of the tree's links by path. `read` gives the readings of a folder, `assembled` the
    inventory of readings, of which those of the given paths are the base's.
    """
    if settings.remote_base:
        everything = frozenset(discover.escape_path(entry.path) for entry in repository.index())
        gate = _gate(settings, repository, "", everything if settings.changed is None else settings.changed)
        return judge.Base(ref=base, changed=_shown(settings, repository, settings.changed), gate=gate)
    start = repository.fork_point(base, repository.head()[0])
    prefix = settings.root.resolve().relative_to(repository.top)
    changed = repository.changed(start)
    again = _looked_at_again(repository, prefix, changed, readings)
    folders = tuple(discover.escape_path(raw) + "/" for raw in again)  # a changed submodule is all of its content
    shown = {discover.escape_path(raw) for raw in again}
    wanted = {raw: raw for raw in again}
    for path, target in links.items():  # a link says what its target said, as long as it is the same link
        if target in again and path not in shown:
            shown.add(path)
            wanted[os.fsencode(path)] = target
    with tempfile.TemporaryDirectory(prefix="mlgate-base-") as name:
        folder = Path(name)
        whole = _materialise(repository, start, prefix, wanted, folder, limits)
        before = read(folder)
    kept = {p: reading for p, reading in readings.items() if p not in shown and not p.startswith(folders)}
    inventory = assembled({**kept, **before}, frozenset(shown))
    after = [reading for path, reading in readings.items() if path not in kept]
    whole = whole and all(path in kept or path in shown for path in readings)  # a moved submodule has no content here
    return judge.Base(
        ref=base,
        fingerprints=judge.fingerprints(policy, inventory),
        places=judge.places(policy, inventory),
        renamed=_renamed(repository, start, prefix, changed, readings),
        gate=_gate(settings, repository, start, frozenset(discover.escape_path(raw) for raw in changed)),
        inventory=inventory if whole and not _cut_short((*before.values(), *after)) else None,
    )


def _renamed(
    repository: git.Repository, start: str, prefix: Path, changed: frozenset[bytes], readings: Mapping[str, Reading]
) -> dict[str, str]:
    """New path to old one of renamed text files about which something is said."""
    inside = {discover.escape_path(raw): path for path in changed if (raw := _below(prefix, path)) is not None}
    about = {p: raw for p, raw in inside.items() if p in readings and _speaks(readings[p])}
    kinds = {posixpath.splitext(path)[1] for path in about}
    gone = {p: raw for p, raw in inside.items() if p not in readings and posixpath.splitext(p)[1] in kinds}
    if not (about and gone) or len(about) + len(gone) > _RENAMES:
        return {}
    names = {raw: path for path, raw in inside.items()}
    found = repository.renamed(start, {*about.values(), *gone.values()})
    return {names[new]: names[old] for new, old in found.items() if new in names and old in names}


def _speaks(reading: Reading) -> bool:
    """Whether something is told of a file by its path; of a model file it is told by its bytes."""
    models = (line for line in reading.lines if isinstance(line, Component) and line.kind is Kind.MODEL)
    small = reading.scanned is not None and reading.scanned.size <= _RENAMED
    return small and bool(reading.lines) and not any(models)


def _cut_short(readings: Iterable[Reading]) -> bool:
    """Whether a file was not read for reasons outside of it: what it names is then not known, and not gone."""
    return any(
        isinstance(line, Finding) and line.rule in judge.CIRCUMSTANCES for reading in readings for line in reading.lines
    )


def _looked_at_again(
    repository: git.Repository, prefix: Path, changed: frozenset[bytes], readings: Mapping[str, Reading]
) -> set[bytes]:
    """The paths below the folder whose base version has to be read: changed ones, and what a change elsewhere reaches.

    New attributes can change how git writes any file, so then it is all of them. A file that is read because another
    one includes it says what it says by that inclusion, so both are read again.
    """
    paths = changed
    if any(raw.rpartition(b"/")[2] == b".gitattributes" for raw in changed):
        paths |= {entry.path for entry in repository.index()}
    inside = {path for path in (_below(prefix, raw) for raw in paths) if path is not None}
    for reading in readings.values():
        for line in reading.lines:
            if isinstance(line, Include):
                inside |= {os.fsencode(line.path), os.fsencode(line.location.path)}
    return inside


def _shown(settings: Settings, repository: git.Repository, paths: frozenset[str] | None) -> frozenset[str] | None:
    """Repository paths as seen from the scanned folder."""
    if paths is None or any("\ufffd" in path for path in paths):
        return None  # the API cannot say such a name, so it cannot be told from others
    prefix = settings.root.resolve().relative_to(repository.top)
    inside = (_below(prefix, path.encode()) for path in paths)
    return frozenset(discover.escape_path(raw) for raw in inside if raw is not None)


def _gate(
    settings: Settings, repository: git.Repository, base: str, changed: frozenset[str]
) -> tuple[tuple[str, str], ...]:
    """(path, what it is) of changed files that decide about changes, or about what is checked out."""
    found = []
    for path in sorted(changed):
        name = path.rpartition("/")[2]
        if path in PLACES or path == posixpath.normpath(settings.policy_file or "/"):
            found.append((path, "the policy"))
        elif name in _DECIDING:
            found.append((path, _DECIDING[name]))
        elif path.startswith(".github/") and path.endswith((".yml", ".yaml")) and _mentions(repository, base, path):
            found.append((path, "a workflow or action that runs mlgate"))
    return tuple(found)


def _mentions(repository: git.Repository, base: str, path: str) -> bool:
    """Whether a workflow speaks of mlgate before or after the change; a removed or renamed one counts too."""
    before = repository.read(base, path.encode(), LARGEST) if base else None
    after = b""
    file = repository.top / path
    if file.is_file() and not file.is_symlink():
        with file.open("rb") as opened:
            after = opened.read(LARGEST)
    return b"mlgate" in (before or b"") + after


def _below(prefix: Path, raw: bytes) -> bytes | None:
    """A repository path as seen from the scanned folder, or None when it is elsewhere."""
    start = b"" if prefix == Path() else os.fsencode(prefix) + b"/"
    return raw[len(start) :] if raw.startswith(start) else None


def _materialise(
    repository: git.Repository,
    commit: str,
    prefix: Path,
    wanted: Mapping[bytes, bytes],
    folder: Path,
    limits: Limits,
) -> bool:
    """Writes the base's versions (values of `wanted`) under names (its keys) that cannot leave the folder.

    Says whether all that the base has of them was written.
    """
    whole = True
    start = b"" if prefix == Path() else os.fsencode(prefix) + b"/"
    found = {
        path: (name, size)
        for path, name, size in repository.blobs(commit, sorted({start + w for w in wanted.values()}))
    }
    for raw, source in sorted(wanted.items()):
        name, size = found.get(start + source, ("", 0))
        if not name or size > limits.file or any(part in {b"", b".", b".."} for part in raw.split(b"/")):
            whole = whole and not name
            continue  # the head's findings there count as new, which is the careful side
        target = Path(folder, os.fsdecode(raw))
        target.parent.mkdir(parents=True, exist_ok=True)
        repository.save(name, target)
    return whole
