"""WebDataset: a tar archive of samples, each the files that share a name up to its first dot, one after another.

Format: the WebDataset documentation, "File Format" (`train-000000.tar` with `0001.jpg`, `0001.json`, ...). What is in
the members is looked at by the reader of tar archives; here the archive is only known as data, by its first samples.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

from mlgate.errors import Incomplete
from mlgate.inspectors._datasets import dataset
from mlgate.inspectors._tarheaders import Walked, entries
from mlgate.records import Artifact, Inspector, Observation

_FIRST = 200  # members that are looked at
_EXTENSION = re.compile(r"[A-Za-z0-9][\w.-]{0,40}")
_NUMBERED = re.compile(r"(?P<stem>.*?)-?(?P<number>\d{3,})\.tar", re.IGNORECASE)
# Archives of programs and models have files of one name, too.
_OTHERS = frozenset({"py", "pyc", "c", "cc", "cpp", "h", "hpp", "o", "so", "js", "ts", "html", "css", "index", "pb"})


def _claims(artifact: Artifact) -> bool:
    return not artifact.depth and "tar" in artifact.formats and artifact.name.lower().endswith(".tar")


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    try:
        kinds = _kinds(artifact)
    except Incomplete:
        return  # the reader of tar archives says so
    if not kinds:
        return
    made = dataset(artifact, "webdataset", [(kind, "member") for kind in kinds])
    match = _NUMBERED.fullmatch(artifact.name)
    if match:
        name = f"{match['stem']}-*.tar" if match["stem"] else "*.tar"
        folder = artifact.path[: -len(artifact.name)]
        data = dataclasses.replace(made.data, parts=((artifact.name, ""),)) if made.data else None
        made = dataclasses.replace(made, identity=f"dataset:file:{folder}{name}", name=name, data=data)
    yield made


def _kinds(artifact: Artifact) -> list[str]:
    """The extensions of the samples; none where the first members are no samples."""
    samples: list[tuple[str, set[str]]] = []
    for number, entry in enumerate(entries(artifact.source, Walked())):
        if number >= _FIRST:
            break
        if entry.kind not in "0\0" and entry.kind:
            if entry.kind == "5":
                continue  # folders may stand between
            return []
        folder, slash, name = entry.name.rpartition("/")
        key, _, extension = name.partition(".")
        if not key or not _EXTENSION.fullmatch(extension) or extension.lower() in _OTHERS:
            return []
        whole = f"{folder}{slash}{key}"
        if samples and samples[-1][0] == whole:
            if extension in samples[-1][1]:
                return []
            samples[-1][1].add(extension)
        else:
            samples.append((whole, {extension}))
    several = [found for _, found in samples if len(found) > 1]
    distinct = len({key for key, _ in samples}) == len(samples)
    # the last sample may be cut by the limit
    return sorted(set().union(*several)) if distinct and several and len(several) >= len(samples) - 1 else []


INSPECTOR = Inspector(
    name="webdataset",
    claims=_claims,
    inspect=_inspect,
    reads="The extensions of the first samples of a WebDataset archive, which makes it a dataset of the ML-BOM.",
    misses="Archives with one file a sample, which are like any other archive.",
)
