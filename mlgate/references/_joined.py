"""What only several files together say: which weights are of a folder's model, and the remotes of tracked files.

A reader sees one file. What it says of others travels as a carrier: a component that is taken out again here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from mlgate.records import Component, Kind, Pairs

REMOTE = "dvc:remote"
_CARRIER = "carrier:"
_TRACKED = ("dvc:tracked", "true")


def carrier(folder: str, told: Pairs) -> Component:
    """A component that stands for no thing: its properties go to all that DVC tracks below `folder`."""
    return Component(kind=Kind.DATASET, identity=f"{_CARRIER}{folder}", name=folder or ".", properties=told)


def joined(components: Iterable[Component]) -> list[Component]:
    """The components without carriers, each with what the nearest carrier above it says."""
    listed = list(components)
    remotes = {c.identity.removeprefix(_CARRIER): c.properties for c in listed if c.identity.startswith(_CARRIER)}
    return [_with(c, remotes) for c in listed if not c.identity.startswith(_CARRIER)]


def _with(component: Component, remotes: dict[str, Pairs]) -> Component:
    if _TRACKED not in component.properties or not remotes:
        return component
    folder = component.identity.removeprefix("dataset:").removeprefix("file:")
    while folder:
        folder = folder.rpartition("/")[0]
        if folder in remotes:
            return dataclasses.replace(component, properties=component.properties + remotes[folder])
    return component
