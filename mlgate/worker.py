"""The worker's side: one descriptor in, every reader that claims its bytes, observations out as they come."""

from __future__ import annotations

import hashlib
import json
import os
import queue
import re
import socket
import sys
import threading
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import Any

from mlgate import rules
from mlgate.confine import confine, cpu_budget
from mlgate.errors import Incomplete
from mlgate.identify import HEAD, MISMATCH, MODEL_CONTENT, identify, is_text, promised
from mlgate.manifests import unread
from mlgate.records import Artifact, Category, Finding, Inspector, Limits, Location, Severity
from mlgate.registry import inspectors
from mlgate.sandbox import MEMORY
from mlgate.sources import FdSource
from mlgate.wire import Line, encode

# A folder of a project template (cookiecutter, copier): what is in it is no manifest yet.
_TEMPLATED = re.compile(r"\{\{[^/]*\}\}")

Emit = Callable[[Line], None]
_SAME = {"torch": ("torch", "pickles")}  # torch.load takes both, under the same names
_BLOCK = 1 << 20
_ONE_INSIDE = frozenset({"gzip", "bzip2", "xz", "lz4", "zstd"})
_ARTIFACTS = 100_000  # members one file may unfold into, over all levels
_SAID = 5_000  # findings of one rule about one file: all of them are held by the process that judges
_COUNTED = frozenset({Category.MODEL_FILE, Category.UNSAFE_CODE, Category.INCOMPLETE})


class Examination:
    """One file through all readers: `complete` and `formats` are known when `run` returns."""

    def __init__(
        self,
        readers: tuple[Inspector, ...],
        emit: Emit,
        forced: str = "",
        on_claim: Callable[[], None] = lambda: None,
    ) -> None:
        self._readers = readers
        self._emit = emit
        self._forced = forced
        self._on_claim = on_claim
        self._count = 0
        self._said: Counter[tuple[str, Severity]] = Counter()
        self.complete = True
        self.formats: list[str] = []
        self.claimed = False

    def claim(self) -> None:
        """The file is somebody's: from now on its digest is wanted."""
        if not self.claimed:
            self.claimed = True
            self._on_claim()

    def _say(self, line: Line) -> None:
        """Passes the line on; more findings of one kind than anybody reads are left out, and that is said."""
        if isinstance(line, Finding) and line.rule.category in _COUNTED:
            kind = (line.rule.id, line.severity)
            self._said[kind] += 1
            if self._said[kind] > _SAID:
                if self._said[kind] == _SAID + 1:
                    self.complete = False
                    detail = f"more than {_SAID:,} findings of {line.rule.id}, and the rest is not listed"
                    self._emit(rules.incomplete("limit", Location(path=line.location.path), detail))
                return
        self._emit(line)

    def run(self, artifact: Artifact) -> None:
        """Looks at the artifact, then at each artifact that its readers find inside, depth first."""
        pending: list[Iterator[Artifact]] = [iter((artifact,))]
        while pending:
            inner = next(pending[-1], None)
            if inner is None:
                pending.pop()
                continue
            self._count += 1
            if self._count > _ARTIFACTS:  # said once: the answer is the same for all that would follow
                self._stopped("limit", inner.at(), "too many members")
                return
            if inner.depth > inner.limits.depth:
                self._stopped("limit", inner.at(), "archives are nested too deep")
                continue
            pending.append(self._readings(inner))

    def _readings(self, artifact: Artifact) -> Iterator[Artifact]:
        readers = [r for r in self._readers if r.claims(artifact) or (artifact.depth == 0 and r.name == self._forced)]
        self._judge_name(artifact, readers)
        for reader in readers:
            if artifact.depth == 0:
                self.claim()
            # a model inside of an archive is one of the file's formats: a policy about formats must see it
            if (artifact.depth == 0 or reader.model) and reader.name not in self.formats:
                self.formats.append(reader.name)
            yield from self._guarded(artifact, reader)

    def _judge_name(self, artifact: Artifact, readers: list[Inspector]) -> None:
        """Says when nobody understands a model, and when the name promised another format than the bytes are."""
        understood = [reader for reader in readers if reader.model]
        # a container gives its content back under the name inside, and the promise is that one's
        promise = promised(artifact.name, unwrap=not any(reader.container for reader in readers))
        content = [label for label in artifact.formats if label in MODEL_CONTENT]
        if not content and is_text(artifact.name, artifact.head):
            promise = None
        if not understood and _ONE_INSIDE.issuperset(artifact.formats) and any(r.name == "wrapped" for r in readers):
            promise = None  # what is inside comes back under the same name, and has to keep the promise
        if not understood and (promise or content):
            self.claim()
            label = content[0] if content else promise or ""
            if artifact.depth == 0:
                self.formats.append(label)
            self._stopped(
                "unsupported", artifact.at(), f"content looks like {', '.join(artifact.formats) or 'unknown'}"
            )
            return
        promise = promised(artifact.name, unwrap=False)
        if promise is None or not understood:
            return
        suffix = PurePosixPath(artifact.name.lower()).suffix
        if any(reader.name in _SAME.get(promise, (promise,)) or suffix in reader.suffixes for reader in understood):
            return
        actual = "+".join(reader.name for reader in understood)
        message = f"The name says {promise}, the content is {actual}."
        self._say(rules.finding(MISMATCH, artifact.at(), message, evidence=f"{promise} is {actual}"))

    def _guarded(self, artifact: Artifact, reader: Inspector) -> Iterator[Artifact]:
        """The one guard of every reader: whatever stops it is a finding, and what it said before stays."""
        try:
            for observation in reader.inspect(artifact):
                if isinstance(observation, Artifact):
                    yield observation
                else:
                    if isinstance(observation, Finding) and observation.rule in rules.RULES:
                        self.complete = False
                    self._say(observation)
        except Incomplete as stop:
            if stop.reason == "malformed" and _TEMPLATED.search(artifact.path) and _is_manifest(reader):
                # no tool reads it before the placeholders are filled in
                self._say(unread.template(artifact, f"{stop.detail} ({reader.name})"))
                return
            self._stopped(stop.reason, artifact.at(offset=stop.offset), f"{stop.detail} ({reader.name})")
        except MemoryError:
            self._stopped("limit", artifact.at(), f"the {reader.name} reader reached its memory limit")
        except RecursionError:
            self._stopped("limit", artifact.at(), f"the {reader.name} reader met too deep a nesting")
        except Exception as error:  # noqa: BLE001  (a defect of ours or a hostile file: both are "could not look")
            frame = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{PurePosixPath(frame.filename).name}:{frame.lineno}"
            self._stopped("crashed", artifact.at(), f"{type(error).__name__} in the {reader.name} reader at {where}")

    def _stopped(self, reason: str, location: Location, detail: str) -> None:
        self.complete = False
        self._say(rules.incomplete(reason, location, detail))


def _is_manifest(reader: Inspector) -> bool:
    return bool(reader.rules) and all(rule.category is Category.DEPENDENCY for rule in reader.rules)


class Hasher:
    """SHA-256 of files in a thread of its own, beside the readers: hashlib lets go of the interpreter meanwhile.

    The thread has to be there before the process is confined, because a confined one cannot start any.
    """

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[FdSource] = queue.SimpleQueue()
        self._results: queue.SimpleQueue[str | OSError] = queue.SimpleQueue()
        before = threading.stack_size(1 << 18)
        try:
            threading.Thread(target=self._serve, daemon=True).start()
        finally:
            threading.stack_size(before)  # a decoder at the limit of recursion needs more than this in any other thread

    def _serve(self) -> None:
        while True:
            source = self._jobs.get()
            digest = hashlib.sha256()
            try:
                for offset in range(0, source.size, _BLOCK):
                    digest.update(source.read_at(offset, _BLOCK))
            except OSError as error:
                self._results.put(error)
            else:
                self._results.put(digest.hexdigest())

    def start(self, source: FdSource) -> None:
        """Begins with a file; each start needs its `result`, before the descriptor is closed."""
        self._jobs.put(source)

    def result(self) -> str:
        """The digest in hex. Raises OSError when the file could not be read."""
        result = self._results.get()
        if isinstance(result, OSError):
            raise result
        return result


def examine(
    spec: dict[str, Any],
    descriptor: int,
    readers: tuple[Inspector, ...],
    write: Callable[[bytes], None],
    hasher: Hasher,
) -> None:
    """Looks at one file and writes its lines; the last one is ["scanned", {...}].

    `spec` has `path`, `reader` (a reader asked for by name, or "") and `limits`.
    """
    limits = Limits(**spec["limits"])
    before = os.fstat(descriptor)
    source = FdSource(descriptor, before.st_size)
    head = source.read_at(0, HEAD)
    path = spec["path"]
    examination = Examination(
        readers, lambda line: write(encode(line) + b"\n"), spec["reader"], lambda: hasher.start(source)
    )
    artifact = Artifact(
        path=path,
        name=path.rsplit("/", 1)[-1],
        source=source,
        head=head,
        formats=identify(source, head),
        limits=limits,
    )
    if source.size > limits.file:
        examination.claim()
        write(
            encode(
                rules.incomplete("limit", artifact.at(), f"{source.size:,} bytes are over the limit of {limits.file:,}")
            )
            + b"\n"
        )
        examination.complete = False
    else:
        examination.run(artifact)
    if examination.claimed:
        after = os.fstat(descriptor)
        if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
            examination.complete = False
            told = rules.incomplete("unreadable", artifact.at(), "the file changed while it was read")
            write(encode(told) + b"\n")
        scanned = {
            "format": "+".join(examination.formats),
            "sha256": hasher.result(),
            "size": source.size,
            "complete": examination.complete,
        }
        write(json.dumps(["scanned", scanned]).encode() + b"\n")


def _receive(channel: socket.socket) -> tuple[dict[str, Any], int] | None:
    data, descriptors, _, _ = socket.recv_fds(channel, 1 << 16, 1)
    if not data:
        return None
    while len(data) < 4 or len(data) < 4 + int.from_bytes(data[:4], "big"):
        data += channel.recv(1 << 16)
    return json.loads(data[4:]), descriptors[0]


def main(descriptor: int) -> None:
    """Serves jobs on the inherited socket until the parent closes it."""
    channel = socket.socket(fileno=descriptor)
    readers = inspectors()
    hasher = Hasher()
    sys.setrecursionlimit(2000)
    confine(MEMORY, Limits().unpacked)
    while (received := _receive(channel)) is not None:
        spec, file = received
        cpu_budget(spec["limits"]["per_file"])
        try:
            examine(spec, file, readers, channel.sendall, hasher)
        finally:
            os.close(file)
        channel.sendall(b"\n")
