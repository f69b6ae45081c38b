"""Finds the readers: every module of a plural folder must hold its constant, or mlgate does not start."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

from mlgate.records import Inspector

FOLDERS = ("mlgate.inspectors", "mlgate.installs", "mlgate.manifests", "mlgate.references")


def _modules() -> Iterator[str]:
    for folder in FOLDERS:
        package = importlib.import_module(folder)
        names = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
        yield from (f"{folder}.{name}" for name in names if not name.startswith("_"))


def inspectors() -> tuple[Inspector, ...]:
    """All readers, by folder then name.

    A module whose name starts with `_` is a helper of its folder. Raises AttributeError when a module has no
    INSPECTOR: a reader that is quietly skipped would be a hole in the gate.
    """
    return tuple(importlib.import_module(name).INSPECTOR for name in _modules())
