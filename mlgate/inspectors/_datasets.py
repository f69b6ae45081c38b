"""What makes a file a dataset: its place and its name, never its suffix alone.

A table in `data/`, `datasets/`, `corpus/`, or named after a split (`train.csv`, `val-00000-of-00003.parquet`) is one. A
table elsewhere (results, fixtures, vocabularies) is one only when code or another file calls it so; it is read all the
same, and what nothing calls a dataset is dropped when the inventory is put together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from mlgate.inspectors._model_metadata import shown
from mlgate.records import Artifact, Component, DataFacts, Kind, Occurrence, Pairs

COLUMNS = 300  # that are told of one file
_FOLDERS = frozenset({"data", "dataset", "datasets", "corpus", "corpora", "raw_data", "training_data", "train_data"})
_SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "validation"),
    **dict.fromkeys(("test", "testing", "eval", "evaluation", "holdout"), "test"),
}
_OTHERS = frozenset({"tests", "fixtures", "testdata", "test_data", "__tests__", "node_modules", "vendor", "docs"})
_PART = re.compile(r"^(?P<stem>.*?)-(?P<number>\d{5})-of-(?P<count>\d{5})(?P<rest>(\.[\w.]+)?)$", re.ASCII)


def is_place(path: str) -> bool:
    """Whether a data file under this path of the repository is a dataset by its place or name."""
    folders = [part.lower() for part in PurePosixPath(path).parts[:-1]]
    if not _OTHERS.isdisjoint(folders):
        return False
    if any(folder in _FOLDERS for folder in folders):
        return True
    return bool(split(path)) and "test" not in folders[:1]


def split(path: str) -> str:
    """The split that the file's name, or its folder's, begins with: train, validation, test, or nothing."""
    pure = PurePosixPath(path)
    for text in (pure.name, pure.parent.name):
        word = re.split(r"[^a-z]", text.lower(), maxsplit=1)[0]
        if word in _SPLITS:
            return _SPLITS[word]
    return ""


def dataset(
    artifact: Artifact,
    fmt: str,
    columns: Iterable[tuple[str, str]] = (),
    *,
    rows: int | None = None,
    properties: Pairs = (),
) -> Component:
    """The dataset that the file is, or is a part of: `train-00000-of-00012.parquet` is one of twelve."""
    path = artifact.path
    told = tuple((shown(name, 100), shown(kind, 60)) for (name, kind), _ in zip(columns, range(COLUMNS), strict=False))
    part = _PART.match(artifact.name)
    folder = path[: -len(artifact.name)] if path.endswith(artifact.name) else ""
    name = f"{part['stem']}-*-of-{part['count']}{part['rest']}" if part else artifact.name
    return Component(
        kind=Kind.DATASET,
        identity=f"dataset:file:{folder}{name}",
        name=name,
        occurrences=(Occurrence(location=artifact.at()),),
        data=DataFacts(
            format=fmt,
            split=split(path),
            columns=told,
            rows=rows,
            parts=((artifact.name, ""),) if part else (),
            named=not is_place(path),
        ),
        properties=properties,
    )


def unread(reason: str) -> Pairs:
    """The property of a data file whose header says nothing that can be read: no model, so no reason to stop."""
    return (("mlgate:data:header", f"unreadable: {shown(reason, 200)}"),)
