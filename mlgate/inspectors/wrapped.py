"""Compression around something else: unpacked within the budgets, then looked at as an artifact again.

gzip, bzip2, xz, lzma, zlib, lz4 and zstd streams one after another as their tools read them. The content is only ever
bytes: nothing is written under its name.
"""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterator
from typing import IO

from mlgate.errors import Incomplete
from mlgate.identify import HEAD, identify, promised
from mlgate.inspectors._streams import CODECS, Streams, headless
from mlgate.inspectors.pickles import claims as packed_pickle
from mlgate.pickles.sniff import is_pickle
from mlgate.records import Artifact, Inspector, Observation, Source
from mlgate.sources import FdSource

_FREE = 64 * 2**20  # below this, a high expansion ratio is harmless: text logs reach 1000
_COMPRESS = b"\x1f\x9d"  # compress(1); no loader of models reads it
_SKIPPABLE = tuple(bytes([first]) + b"\x2a\x4d\x18" for first in range(0x50, 0x60))


def _codec(artifact: Artifact) -> str | None:
    found = next((label for label in artifact.formats if label in CODECS), None)
    if found is None and artifact.head[:4] == b"\x02\x21\x4c\x18":
        return "lz4"
    if found is None and artifact.head.startswith(_SKIPPABLE):  # both formats may begin with user data
        return "lz4" if artifact.name.lower().endswith(CODECS["lz4"].endings) else "zstd"
    if found is None and not artifact.formats:
        found = headless(artifact.head)
        return None if found and packed_pickle(artifact) else found  # joblib's files are the pickle reader's
    return found


def _claims(artifact: Artifact) -> bool:
    return _codec(artifact) is not None or _unreadable(artifact)


def _unreadable(artifact: Artifact) -> bool:
    return artifact.head[:2] == _COMPRESS and artifact.name.lower().endswith((".z", ".taz"))


def _unpack(artifact: Artifact, codec: str, out: IO[bytes]) -> None:
    """Writes the decompressed bytes to `out`.

    Raises Incomplete on a broken stream or when a budget ends it; what was written until then is kept in `out`.
    """
    limits = artifact.limits
    streams = Streams(artifact.source, codec)
    written = 0
    for piece in streams:
        written += len(piece)
        if written > limits.unpacked or (written > _FREE and written > limits.ratio * max(streams.consumed, 1)):
            raise Incomplete("limit", f"unpacks to more than {written:,} bytes")
        out.write(piece)


def _name(artifact: Artifact, codec: str) -> str:
    name = artifact.name
    ending = next((ending for ending in CODECS[codec].endings if name.lower().endswith(ending)), "")
    name = name[: len(name) - len(ending)] or name
    return f"{name}.tar" if ending.startswith(".t") else name


def _serious(artifact: Artifact, content: Source) -> bool:
    """Whether something could load this stream: a stream without a magic number may only look like one."""
    return (
        promised(artifact.name) is not None
        or artifact.name.lower().endswith(tuple(ending for codec in CODECS.values() for ending in codec.endings))
        or bool(identify(content, content.read_at(0, HEAD)))
        or is_pickle(content, 0)
    )


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    codec = _codec(artifact)
    if codec is None:
        raise Incomplete("unsupported", "packed by compress, which is not unpacked here")
    with tempfile.TemporaryFile() as out:
        stop = None
        try:
            _unpack(artifact, codec, out)
        except Incomplete as error:
            stop = error
        out.flush()
        size = out.tell()
        content = FdSource(out.fileno(), size)
        if size:  # what came before a break is what a loader would have run
            name = _name(artifact, codec)
            head = content.read_at(0, HEAD)
            yield dataclasses.replace(
                artifact,
                name=name,
                source=content,
                head=head,
                formats=identify(content, head),
                member=(f"{artifact.member}!{name}" if artifact.member else name)[:1000],
                depth=artifact.depth + 1,
                limits=dataclasses.replace(artifact.limits, unpacked=max(0, artifact.limits.unpacked - size)),
            )
        if stop and (codec not in ("zlib", "lzma") or stop.reason == "limit" or _serious(artifact, content)):
            raise stop


INSPECTOR = Inspector(
    name="wrapped",
    claims=_claims,
    inspect=_inspect,
    container=True,
    reads="Compressed files under any name: gzip, bzip2, xz, lzma, zlib, lz4 (also legacy frames) and zstd, several "
    "streams one after another, with padding and skippable frames. The content is unpacked within the limits and goes "
    "through all readers again.",
    misses="Streams that need a dictionary from elsewhere or a window over 64 MiB, and files of compress (`.Z`), are "
    "incomplete. Brotli has no signature: it is incomplete under a model's name (`model.pkl.br`) and not noticed under "
    "others.",
)
