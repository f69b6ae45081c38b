"""A pytest plugin that keeps the files which the tests build: seeds for every reader, also for those to come.

`pytest -p tests.fuzz.record tests/inspectors` with MLGATE_SEEDS set to a folder. A test gives at most a few files, so
that property tests do not fill the folder with what they made of them.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from mlgate.records import Artifact
from mlgate.sources import BytesSource

LARGEST = 1 << 18
EACH = 4
_ODD = re.compile(r"[^\w.@+-]")


class _Recorder:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.test = ""
        self.kept: Counter[str] = Counter()

    def keep(self, artifact: Artifact) -> None:
        """Writes the artifact's bytes as HASH~NAME, once."""
        source = artifact.source
        if artifact.depth or not isinstance(source, BytesSource) or not 0 < source.size <= LARGEST:
            return
        if self.kept[self.test] >= EACH:
            return
        name = _ODD.sub("_", artifact.name)[:80] or "m.bin"
        file = self.folder / f"{hashlib.sha256(source.data).hexdigest()[:16]}~{name}"
        if not file.exists():
            self.kept[self.test] += 1
            file.write_bytes(source.data)


_RECORDER: list[_Recorder] = []


def pytest_configure(config: pytest.Config) -> None:
    """Begins to listen when the folder is named."""
    folder = os.environ.get("MLGATE_SEEDS")
    if not folder:
        return
    recorder = _Recorder(Path(folder))
    recorder.folder.mkdir(parents=True, exist_ok=True)
    _RECORDER.append(recorder)
    made = Artifact.__init__

    def init(self: Artifact, *args: Any, **fields: Any) -> None:
        made(self, *args, **fields)
        recorder.keep(self)

    Artifact.__init__ = init  # type: ignore[method-assign]


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Notes which test runs."""
    for recorder in _RECORDER:
        recorder.test = item.nodeid.split("[")[0]
        recorder.kept[recorder.test] = 0 if "[" in item.nodeid else recorder.kept[recorder.test]
