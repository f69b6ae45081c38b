"""Compression and tar around something else: unpacked within the budgets, then looked at as an artifact again.

gzip (RFC 1952), bzip2, xz and lzma streams one after another as their tools read them; tar as POSIX.1-2001 pax, GNU
and ustar. Members are only ever bytes: nothing is written under their names.
"""

from __future__ import annotations

import bz2
import lzma
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Iterator
from typing import IO, Any

from mlgate import rules
from mlgate.errors import Incomplete
from mlgate.identify import HEAD, identify
from mlgate.records import Artifact, Category, Inspector, Observation, Rule, Severity, Source
from mlgate.sources import FdSource, SliceSource

_CHUNK = 1 << 18
_FREE = 64 * 2**20  # below this, a high expansion ratio is harmless: text logs reach 1000
_MEMBERS = 50_000
_LZMA_MEMORY = 256 * 2**20  # the largest preset needs 65 MiB

LINK = Rule(
    id="MLG-ARC-020",
    title="Archive member that points elsewhere",
    severity=Severity.MEDIUM,
    category=Category.MODEL_FILE,
    help="The archive holds a link, a device or a path that leaves the folder it is unpacked into, which writes or "
    "reads files of the machine that unpacks it.",
    remediation="Build the archive again from plain files with relative names.",
    cwe=("CWE-22", "CWE-59"),
)


class _Gzip:
    """zlib's object with the two names that bz2 and lzma have."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)


_OPENERS: dict[str, tuple[Callable[[], Any], tuple[str, ...]]] = {
    "gzip": (_Gzip, (".gz", ".tgz", ".gzip")),
    "bzip2": (bz2.BZ2Decompressor, (".bz2", ".tbz2", ".tbz")),
    "xz": (lambda: lzma.LZMADecompressor(memlimit=_LZMA_MEMORY), (".xz", ".txz", ".lzma")),
}


def _codec(artifact: Artifact) -> str | None:
    found = next((label for label in artifact.formats if label in _OPENERS), None)
    # lzma's old stream has no magic; the properties byte and a power-of-two dictionary are as near as it gets
    if found is None and artifact.head[:3] == b"\x5d\x00\x00" and artifact.name.lower().endswith(".lzma"):
        return "xz"
    return found


def _claims(artifact: Artifact) -> bool:
    return _codec(artifact) is not None or "tar" in artifact.formats


def _unpack(artifact: Artifact, codec: str, out: IO[bytes]) -> int:
    """Writes the decompressed bytes to `out` and gives their count.

    Raises Incomplete on a broken stream or when a budget ends it; what was written until then is kept in `out`.
    """
    source, limits = artifact.source, artifact.limits
    make = _OPENERS[codec][0]
    decompressor = make()
    written = offset = 0
    pending = b""
    while True:
        if not pending and offset < source.size and getattr(decompressor, "needs_input", True):
            pending = source.read_at(offset, _CHUNK)
            offset += len(pending)
        try:
            data = decompressor.decompress(pending, _CHUNK)
        except (OSError, zlib.error, lzma.LZMAError, EOFError) as error:
            raise Incomplete("malformed", f"not a {codec} stream: {error}", offset=offset) from None
        pending = b""
        written += len(data)
        if written > limits.unpacked or (written > _FREE and written > limits.ratio * max(offset, 1)):
            raise Incomplete("limit", f"unpacks to more than {written:,} bytes")
        out.write(data)
        if decompressor.eof:
            rest = decompressor.unused_data or source.read_at(offset, _CHUNK)
            offset += 0 if decompressor.unused_data else len(rest)
            if not rest.strip(b"\x00"):
                return written
            decompressor, pending = make(), rest
        elif not data and offset >= source.size and getattr(decompressor, "needs_input", True):
            raise Incomplete("truncated", f"the {codec} stream ends early", offset=offset)


def _inner(artifact: Artifact, name: str, source: Source, *, path: str) -> Artifact:
    head = source.read_at(0, HEAD)
    member = f"{artifact.member}!{path}" if artifact.member else path
    return Artifact(
        path=artifact.path,
        name=name,
        source=source,
        head=head,
        formats=identify(source, head),
        member=member[:1000],
        depth=artifact.depth + 1,
        limits=artifact.limits,
    )


def _decompressed(artifact: Artifact, codec: str) -> Iterator[Observation]:
    name = artifact.name
    ending = next((e for e in _OPENERS[codec][1] if name.lower().endswith(e)), "")
    name = name[: len(name) - len(ending)] or name
    if ending.startswith(".t"):
        name += ".tar"
    with tempfile.TemporaryFile() as out:
        stop = None
        try:
            _unpack(artifact, codec, out)
        except Incomplete as error:
            stop = error
        out.flush()
        size = out.tell()
        if size:  # what came before a break is what a loader would have run
            yield _inner(artifact, name, FdSource(out.fileno(), size), path=name)
        if stop:
            raise stop


class _Reader:
    """The little of a file object that tarfile needs, over a source."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._at = 0

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0, /) -> int:
        self._at = offset + (self._at if whence == 1 else self._source.size if whence == 2 else 0)
        return self._at

    def read(self, length: int = -1, /) -> bytes:
        data = self._source.read_at(self._at, self._source.size if length < 0 else min(length, 1 << 24))
        self._at += len(data)
        return data


def _tar(artifact: Artifact) -> Iterator[Observation]:
    try:
        archive = tarfile.TarFile(fileobj=_Reader(artifact.source), errorlevel=0)  # type: ignore[arg-type]
        for count, member in enumerate(archive):
            if count > _MEMBERS:
                raise Incomplete("limit", f"more than {_MEMBERS:,} members")
            for name in (member.name, member.linkname if member.issym() or member.islnk() else ""):
                if name.startswith("/") or ".." in name.split("/"):
                    message = f"Member {member.name[:200]!r} reaches out of the folder to {name[:200]!r}."
                    yield rules.finding(LINK, artifact.at(), message, evidence=f"{member.name} {name}"[:300])
            if member.ischr() or member.isblk() or member.isfifo():
                message = f"Member {member.name[:200]!r} is a device or a pipe."
                yield rules.finding(LINK, artifact.at(), message, evidence=member.name[:300])
            if member.isreg() and member.sparse is None:
                inside = SliceSource(artifact.source, member.offset_data, member.size)
                if member.offset_data + member.size > artifact.source.size:
                    raise Incomplete("truncated", f"member {member.name[:200]!r} goes past the end")
                yield _inner(artifact, member.name.rpartition("/")[2], inside, path=member.name)
            elif member.isreg():
                raise Incomplete("unsupported", f"member {member.name[:200]!r} is stored sparse")
    except (tarfile.TarError, UnicodeError, ValueError, OverflowError) as error:
        raise Incomplete("malformed", f"not a tar archive: {error}") from None


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    codec = _codec(artifact)
    if codec is not None:
        yield from _decompressed(artifact, codec)
    if "tar" in artifact.formats:
        yield from _tar(artifact)


INSPECTOR = Inspector(name="wrapped", claims=_claims, inspect=_inspect, rules=(LINK,), container=True)
