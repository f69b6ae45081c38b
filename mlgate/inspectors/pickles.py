"""Pickle files by content, under any name; joblib's files too, plain or packed with zlib."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from mlgate import rules as catalogue
from mlgate.errors import Incomplete
from mlgate.identify import HEAD, identify, promised
from mlgate.inspectors._streams import headless
from mlgate.inspectors._zipunpack import Budget, Inflate, unpack
from mlgate.pickles import rules
from mlgate.pickles.scan import Scan
from mlgate.pickles.sniff import is_pickle, is_torch_legacy
from mlgate.records import Artifact, Component, Inspector, Kind, ModelFacts, Observation, Severity

SUFFIXES = (".pkl", ".pickle", ".p", ".pck", ".pcl", ".pik", ".dill", ".joblib", ".jbl", ".cloudpickle", ".sav")
# Names under which pickles are usual although the suffix says little.
_LOOSE = frozenset(
    {*SUFFIXES, ".bin", ".dat", ".data", ".model", ".mdl", ".obj", ".cache", ".gpickle", ".pt", ".pth", ".ckpt", ".db"}
)
# Names that promise another kind of content altogether.
_HARMLESS = frozenset(
    {".txt", ".md", ".rst", ".json", ".jsonl", ".csv", ".tsv", ".xml", ".html", ".yaml", ".yml", ".toml", ".ini"}
    | {".cfg", ".log", ".lock", ".py", ".js", ".css", ".sh", ".c", ".h", ".pdf", ".ttf", ".woff", ".parquet", ".arrow"}
    | {".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".ico", ".wav", ".mp3", ".mp4"}
)
_ZLIB = (b"x\x01", b"x\x5e", b"x\x9c", b"x\xda")
# joblib before 0.10: "ZF", the size in hexadecimal padded to 18 bytes, zlib (numpy_pickle_compat.read_zfile)
_ZFILE = re.compile(rb"ZF0x[0-9a-f]{1,16}L? *(?=x[\x01\x5e\x9c\xda])")


def _zlib_start(artifact: Artifact) -> int | None:
    """Where joblib's zlib stream (RFC 1950) begins: bare under a pickle's name, or behind its old header."""
    if artifact.head[:2] in _ZLIB and artifact.name.lower().endswith(SUFFIXES):
        return 0
    old = _ZFILE.match(artifact.head)
    return old.end() if old else None


def claims(artifact: Artifact) -> bool:
    """Content that is a pickle; and under a pickle's name whatever is not evidently something else."""
    if is_torch_legacy(artifact.source):
        return False
    if is_pickle(artifact.source, 0) or _zlib_start(artifact) is not None:
        return True
    named = artifact.name.lower().endswith(SUFFIXES) and not artifact.formats
    return named and headless(artifact.head) is None and not _is_statistics(artifact)


def _is_statistics(artifact: Artifact) -> bool:
    """SPSS and IDL save under .sav too, with marks of their own."""
    return artifact.name.lower().endswith(".sav") and artifact.head.startswith((b"$FL2", b"$FL3", b"SR\x00"))


def _component(artifact: Artifact) -> Iterator[Observation]:
    if artifact.depth == 0:
        yield Component(
            kind=Kind.MODEL,
            identity=f"file:{artifact.path}",
            name=artifact.name,
            model=ModelFacts(format="pickle"),
        )


def _innocent(artifact: Artifact) -> Iterator[Observation]:
    suffix = PurePosixPath(artifact.name.lower()).suffix
    if suffix in _LOOSE or promised(artifact.name) is not None:
        return
    severity = Severity.MEDIUM if suffix in _HARMLESS else Severity.LOW
    message = f"The content of {artifact.name[:100]!r} is a pickle."
    yield catalogue.finding(rules.INNOCENT, artifact.at(), message, evidence="pickle", severity=severity)


def inspect(artifact: Artifact) -> Iterator[Observation]:
    """The component and the findings of all streams. Raises Incomplete (truncated, malformed, limit)."""
    yield from _component(artifact)
    if not artifact.source.size:
        return  # nothing is in it, and loaders say so
    packed = _zlib_start(artifact)
    if packed is not None and not is_pickle(artifact.source, 0):
        yield from _unpacked(artifact, packed)
        return
    yield from _innocent(artifact)
    yield from Scan(artifact).findings()


def _unpacked(artifact: Artifact, start: int) -> Iterator[Observation]:
    """The pickle inside; what joblib packs otherwise is the bare bytes of an array."""
    limits = artifact.limits
    budget = Budget(left=limits.unpacked, ratio=limits.ratio)
    unpacked = unpack(artifact.source, start, artifact.source.size - start, lambda: Inflate(15), budget)
    head = unpacked.source.read_at(0, HEAD)
    if start == 0 or is_pickle(unpacked.source, 0):
        yield dataclasses.replace(
            artifact,
            name=artifact.name if start == 0 else "joblib.pkl",
            source=unpacked.source,
            head=head,
            formats=identify(unpacked.source, head),
            member=f"{artifact.member}!zlib" if artifact.member else "zlib",
            depth=artifact.depth + 1,
            limits=dataclasses.replace(limits, unpacked=max(0, budget.left)),
        )
    if unpacked.problem:
        raise Incomplete("truncated", f"the zlib stream breaks: {unpacked.problem}")


INSPECTOR = Inspector(
    name="pickles",
    claims=claims,
    inspect=inspect,
    rules=rules.RULES,
    suffixes=tuple(sorted(_LOOSE)),
    model=True,
    reads="Pickles of protocols 0 to 5 under any name, bare or packed by joblib, dill, cloudpickle or pandas: every "
    "stream of a file is interpreted opcode by opcode without running it, array bytes of joblib are stepped "
    "over as joblib does, and pickles in bytes constants and behind the end are looked at as if they were "
    "loaded. Every imported name, every call with its arguments, and every attribute that Python would call by "
    "itself is judged by a table of names (`mlgate/pickles/globals.toml`); fickling gives a second opinion on "
    "small streams.",
    misses="What a class of yours or of a package that is not in the table does in `__setstate__` with the state the "
    "file gives it: such classes are reported as unknown (medium). Functions that are only referred to and run later, "
    "when the model is used. Programs that load many streams with one `Unpickler` and its memo are followed for the "
    "last eight streams, and a loader with its own `find_class` or `persistent_load` can do anything. Defects of "
    "native parsers that get their bytes from a state (boosted trees, tokenizers).",
)
