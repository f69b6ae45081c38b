"""Finds the readers: every module of a plural folder must hold its constant, or mlgate does not start."""

from __future__ import annotations

import importlib
import pkgutil

from mlgate.records import Inspector

FOLDERS = ("mlgate.inspectors", "mlgate.manifests", "mlgate.references")


def inspectors() -> tuple[Inspector, ...]:
    """All readers, by folder then name.

    A module whose name starts with `_` is a helper of its folder. Raises AttributeError when a module has no
    INSPECTOR: a reader that is quietly skipped would be a hole in the gate.
    """
    found: list[Inspector] = []
    for folder in FOLDERS:
        package = importlib.import_module(folder)
        for module in sorted(pkgutil.iter_modules(package.__path__), key=lambda m: m.name):
            if not module.name.startswith("_"):
                found.append(importlib.import_module(f"{folder}.{module.name}").INSPECTOR)
    return tuple(found)
