"""A tree of files through the workers: what each file said, by path."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

import msgspec

from mlgate import discover, rules
from mlgate.assemble import Reading
from mlgate.cache import state as cached_state
from mlgate.identify import promised
from mlgate.inspectors._packages import WHOLE
from mlgate.records import (
    Artifact,
    Component,
    File,
    FileKind,
    Finding,
    Hash,
    Include,
    Kind,
    Limits,
    Location,
    ModelFacts,
    Rule,
    Scanned,
)
from mlgate.registry import inspectors
from mlgate.sandbox import Done, Job, Pool
from mlgate.sources import BytesSource
from mlgate.wire import Line, decode

Progress = Callable[[int, int, str], None]


class Kept(Protocol):
    """What was read before, or elsewhere. `incomplete` says that looks which did not come to their end are kept too."""

    incomplete: bool

    def get(self, path: str, reader: str, descriptor: int) -> tuple[bytes, ...] | None: ...

    def put(self, path: str, reader: str, state: bytes, lines: tuple[bytes, ...]) -> None: ...

    def pointed(self, path: str) -> tuple[bytes, ...] | None: ...


_MOST_INCLUDES = 1000
_DATA = (".csv", ".tsv", ".parquet", ".arrow", ".feather", ".jsonl", ".tfrecord")
# What people keep in LFS that no program takes for a model, a manifest or code.
_MEDIA = (
    *(".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg", ".bmp", ".tif", ".tiff", ".ico", ".psd", ".pdf", ".md", ".txt"),
    *(".mp3", ".mp4", ".wav", ".flac", ".ogg", ".mov", ".avi", ".mkv", ".webm", ".ttf", ".otf", ".woff", ".woff2"),
)


class _Scanned(msgspec.Struct, frozen=True):
    format: str
    sha256: str
    size: int
    complete: bool


# made once: msgspec looks at the annotations of a type for each new decoder
_SCANNED = msgspec.json.Decoder(tuple[str, _Scanned])


def collect(
    root: Path,
    entries: Iterable[File | Finding],
    *,
    catalogue: Mapping[str, Rule],
    limits: Limits,
    pool: Pool,
    progress: Progress | None = None,
    cache: Kept | None = None,
    included: bool = True,
) -> dict[str, Reading]:
    """Every entry's reading. Findings of the walk itself are readings of their path.

    `limits.total` seconds after the start, what is left is incomplete. What `cache` has is not read again. Without
    `included`, files that others include are not read for that.
    """
    files: dict[str, File] = {}
    readings: dict[str, Reading] = {}
    pointers: list[File] = []
    for entry in entries:
        if isinstance(entry, Finding):
            _add(readings, entry.location.path, (entry,))
        elif entry.kind is FileKind.REGULAR:
            files[entry.path] = entry
        elif entry.kind is FileKind.LFS_POINTER:
            pointers.append(entry)
    deadline = time.monotonic() + limits.total
    root_fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        run = _Run(pool, root_fd, files, readings, catalogue, limits, deadline, progress, cache)
        for entry in pointers:
            readings[entry.path] = run.elsewhere(entry) or _pointer(entry)
        run.all((path, "") for path in files)
        if included:
            run.includes()
    finally:
        os.close(root_fd)
    return readings


@dataclasses.dataclass(slots=True)
class _Run:
    pool: Pool
    root_fd: int
    files: Mapping[str, File]
    readings: dict[str, Reading]
    catalogue: Mapping[str, Rule]
    limits: Limits
    deadline: float
    progress: Progress | None
    cache: Kept | None = None
    states: dict[str, tuple[str, bytes]] = dataclasses.field(default_factory=dict)
    wanted: list[Include] = dataclasses.field(default_factory=list)
    count: int = 0

    def all(self, targets: Iterable[tuple[str, str]]) -> None:
        for done in self.pool.run(self._jobs(targets)):
            self._told(done)

    def _told(self, done: Done) -> None:
        self.count += 1
        reading = self._reading(done)
        _add(self.readings, reading.path, reading.lines, reading.scanned)
        if self.progress:
            self.progress(self.count, len(self.files), done.key)
        reader, state = self.states.pop(done.key, ("", b""))
        whole = reading.scanned is None or reading.scanned.complete
        if self.cache and state and not done.failure and (whole or self.cache.incomplete):
            self.cache.put(done.key, reader, state, done.lines)

    def elsewhere(self, pointer: File) -> Reading | None:
        """What was read of the content that an LFS pointer stands for."""
        lines = self.cache.pointed(pointer.path) if self.cache else None
        reading = self._reading(Done(key=pointer.path, lines=lines)) if lines else None
        same = reading and reading.scanned and pointer.lfs and reading.scanned.sha256 == pointer.lfs.oid
        return reading if same else None

    def _kept(self, file: File, path: str, reader: str) -> bool:
        """Whether the cache says what the file would; if not, its state is noted before it is read."""
        if self.cache is None:
            return False
        try:
            descriptor = discover.open_file(self.root_fd, file)
        except OSError:
            return False  # the pool meets the same and says so
        try:
            lines = self.cache.get(path, reader, descriptor)
            if lines is None:
                self.states[path] = (reader, cached_state(descriptor))
                return False
        finally:
            os.close(descriptor)
        self._told(Done(key=path, lines=lines))
        return True

    def includes(self) -> None:
        """Files that a manifest names are read as its format, whatever they are called; cycles end by `seen`."""
        seen: set[tuple[str, str]] = set()
        while self.wanted:
            batch, self.wanted = self.wanted, []
            targets = []
            for include in batch:
                key = (include.path, include.reader)
                known = self.readings.get(include.path)
                if key in seen or (known and known.scanned and include.reader in known.scanned.format.split("+")):
                    continue
                seen.add(key)
                if include.path in self.files and len(seen) <= _MOST_INCLUDES:
                    targets.append(key)
                elif not include.optional:
                    told = rules.incomplete(
                        "missing", include.location, f"{include.path[:200]!r} is included and not there"
                    )
                    _add(self.readings, include.location.path, (told,))
            self.all(targets)

    def _jobs(self, targets: Iterable[tuple[str, str]]) -> Iterator[Job]:
        for path, reader in targets:
            file = self.files[path]
            left = self.deadline - time.monotonic()
            if left <= 0:
                location = Location(path=path)
                told = rules.incomplete("timeout", location, "the run's time budget was used up before this file")
                scanned = Scanned(path=path, format="", sha256="", size=file.size, complete=False)
                _add(self.readings, path, (told,), scanned)
                continue
            if self._kept(file, path, reader):
                continue
            limits = dataclasses.replace(self.limits, per_file=min(self.limits.per_file, left))
            yield Job(
                key=path,
                open=lambda file=file: discover.open_file(self.root_fd, file),  # type: ignore[misc]
                spec={"path": path, "reader": reader, "limits": dataclasses.asdict(limits)},
                wall=limits.per_file,
            )

    def _reading(self, done: Done) -> Reading:
        lines: list[Line] = []
        scanned: Scanned | None = None
        failure, detail = done.failure, done.detail
        try:
            for raw in done.lines:
                if raw.startswith(b'["scanned"'):
                    fields = _SCANNED.decode(raw)[1]
                    scanned = Scanned(
                        path=done.key,
                        format=fields.format,
                        sha256=fields.sha256,
                        size=fields.size,
                        complete=fields.complete,
                    )
                else:
                    line = decode(raw, self.catalogue)
                    if isinstance(line, Include):
                        self.wanted.append(line)
                    lines.append(line)
        except ValueError as error:
            failure, detail = "crashed", f"the worker said what is no observation: {error}"
        if failure:
            lines.append(rules.incomplete(failure, Location(path=done.key), detail))
            size = self.files[done.key].size
            scanned = Scanned(
                path=done.key, format=scanned.format if scanned else "", sha256="", size=size, complete=False
            )
        if scanned is not None:
            lines = [_with_digest(line, done.key, scanned) for line in lines]
        return Reading(path=done.key, lines=tuple(lines), scanned=scanned)


def _with_digest(line: Line, path: str, scanned: Scanned) -> Line:
    """The content's SHA-256 goes to the model, dataset or package that the file is, or is a part of."""
    if not isinstance(line, Component) or not scanned.sha256:
        return line
    if line.data is not None and line.data.parts:
        parts = tuple((name, scanned.sha256) for name, _ in line.data.parts)
        return dataclasses.replace(line, data=dataclasses.replace(line.data, parts=parts))
    if line.identity in (f"file:{path}", f"dataset:file:{path}") or (WHOLE, path) in line.properties:
        digest = Hash(algorithm="SHA-256", value=scanned.sha256)
        return dataclasses.replace(line, hashes=(*line.hashes, digest))
    return line


def _add(readings: dict[str, Reading], path: str, lines: tuple[Line, ...], scanned: Scanned | None = None) -> None:
    old = readings.get(path)
    if old is not None:
        lines = tuple(dict.fromkeys(old.lines + lines))
        scanned = _joined(old.scanned, scanned)
    readings[path] = Reading(path=path, lines=lines, scanned=scanned)


def _joined(old: Scanned | None, new: Scanned | None) -> Scanned | None:
    if old is None or new is None:
        return old or new
    formats = dict.fromkeys([*old.format.split("+"), *new.format.split("+")])
    return dataclasses.replace(new, format="+".join(f for f in formats if f), complete=old.complete and new.complete)


def _pointer(file: File) -> Reading:
    """A Git LFS pointer: its digest is known and its content is not, which matters where a model is promised."""
    pointer = file.lfs
    if pointer is None:
        raise ValueError(f"{file.path} is an LFS pointer without one")
    name = file.path.rsplit("/", 1)[-1]
    location = Location(path=file.path)
    promise = promised(name)
    told = rules.incomplete("missing", location, f"a Git LFS pointer to {pointer.size:,} bytes that were not fetched")
    told = dataclasses.replace(told, evidence=f"missing sha256:{pointer.oid}")
    scanned = Scanned(path=file.path, format="lfs-pointer", sha256="", size=file.size, complete=False)
    empty = Artifact(path=file.path, name=name, source=BytesSource(b""))
    is_data = name.lower().endswith(_DATA)
    harmless = is_data or (name.lower().endswith(_MEDIA) and not any(each.claims(empty) for each in inspectors()))
    if promise is None and not harmless:
        return Reading(path=file.path, lines=(told,), scanned=scanned)  # a manifest, source, archive, or anything
    if promise is None and not is_data:
        return Reading(path=file.path)
    kind = Kind.MODEL if promise else Kind.DATASET
    component = Component(
        kind=kind,
        identity=f"file:{file.path}" if promise else f"dataset:file:{file.path}",
        name=name,
        hashes=(Hash(algorithm="SHA-256", value=pointer.oid, declared=True),),
        model=ModelFacts(format=promise) if promise else None,
        properties=(("mlgate:lfs:size", str(pointer.size)),),
    )
    if not promise:
        return Reading(path=file.path, lines=(component,))
    return Reading(path=file.path, lines=(component, told), scanned=scanned)
