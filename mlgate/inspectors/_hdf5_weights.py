"""Counts the weights in an HDF5 file from the shapes of its datasets, as Keras 2 and 3 name the groups."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

from mlgate.errors import Incomplete
from mlgate.inspectors._hdf5 import Dataset, Node, walk
from mlgate.inspectors._hdf5_file import Hdf5File, superblock_offset
from mlgate.records import Source

# state of training, which is no part of the network
_OPTIMIZER = frozenset({"optimizer_weights", "optimizer"})


@dataclass(slots=True)
class Weights:
    """The sum over all datasets of numbers, and how many datasets there are of each type."""

    parameters: int = 0
    datasets: int = 0
    kinds: Counter[str] = field(default_factory=Counter)

    @property
    def kind(self) -> str:
        """The type of most datasets, "" without any."""
        return self.kinds.most_common(1)[0][0] if self.kinds else ""

    def add(self, path: str, dataset: Dataset) -> None:
        """Counts one dataset."""
        self.datasets += 1
        if dataset.type.kind in ("float", "integer") and not _OPTIMIZER & set(path.split("/")):
            self.parameters += math.prod(dataset.shape)
            self.kinds[dataset.type.label] += 1

    @staticmethod
    def of(source: Source) -> Weights | None:
        """Of a whole file; None when it does not let itself be read, which its own reader tells."""
        found = Weights()
        start = superblock_offset(source)
        try:
            for item in walk(Hdf5File(source, start)) if start is not None else ():
                if isinstance(item, Node) and item.dataset is not None:
                    found.add(item.path, item.dataset)
        except Incomplete:
            return None
        return found
