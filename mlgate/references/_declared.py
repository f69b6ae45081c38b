"""What the readers of declarations share: hub names, places of words in a text, the identity of a folder.

A declaration is a file that names models and datasets for a tool (DVC, cards, Croissant, catalogs). Only what the
tool's own keys name is taken; what cannot be a name of a hub, a file of the repository or an address is left out.
"""

from __future__ import annotations

import posixpath
import re
from typing import Any

from mlgate.records import Artifact, Component, Kind, Location, Occurrence, Pairs
from mlgate.references import _targets
from mlgate.references._table import Loader

_HUB = Loader(call=(), source="hub", scheme="hf")
_PLAIN = Loader(call=(), source="")
# What people write where a name of the hub is asked for.
_NO_NAMES = frozenset(
    {
        *("custom", "private", "proprietary", "other", "none", "unknown", "n/a", "na", "own", "internal", "synthetic"),
        *("dataset", "datasets", "data", "model", "local", "null", "tbd", "todo", "imagefolder", "csv", "json", "text"),
        *("parquet", "generator", "audiofolder", "pandas", "arrow"),
    }
)


_LINES = 100_000  # further down things have no line


class Lines:
    """Where a word stands: the first line whose value (after `key:`, `-` and quotes) it is."""

    def __init__(self, content: str) -> None:
        self._found: dict[str, int] = {}
        for number, line in enumerate(content.split("\n", _LINES)[:_LINES], 1):
            value = line.strip().lstrip("- ")
            self._found.setdefault(_bare(value), number)
            key, colon, rest = value.partition(":")
            if colon:
                self._found.setdefault(_bare(rest), number)
                self._found.setdefault(_bare(key), number)

    def at(self, artifact: Artifact, *words: str) -> Location:
        """The location of the first of these words that is found, or of the file."""
        numbers = (self._found.get(word.strip()) for word in words if word.strip())
        return artifact.at(line=next((number for number in numbers if number is not None), None))


def _bare(value: str) -> str:
    return value.strip().rstrip(",").rstrip(":").strip().strip("\"'[]{} ")[:1000]


def folder(path: str) -> str:
    """The identity of the model that the folder of this file is: what `from_pretrained("./folder")` names too.

    The folder at the root is `file:.`.
    """
    return f"file:{posixpath.dirname(path) or '.'}"


def hub(name: Any, kind: Kind, base: str = "") -> _targets.Target:
    """What a name or path in a declaration of a Hugging Face tool names, as the tool would look it up.

    A path is taken from the repository's root (where commands run), or from `base`. NOWHERE when it can be neither.
    """
    if not isinstance(name, str) or name.strip().lower() in _NO_NAMES:
        return _targets.NOWHERE
    found = _targets.read(_HUB, name, kind=kind, base=base)
    if found.hub and kind is Kind.MODEL and "/" not in name and _targets.FIRST.fullmatch(name.strip()) is None:
        return _targets.NOWHERE
    return found


def place(value: str, kind: Kind, base: str = "") -> str | None:
    """The identity of an address or of a path of the repository; None when it leaves the repository."""
    value = re.sub(r"^([a-z][a-z0-9+.-]*)://[^/@\s]*@", r"\1://", value.strip())
    return _targets.read(_PLAIN, value, kind=kind, base=base).identity


def named(target: _targets.Target, kind: Kind, seen: Location, symbol: str, extra: Pairs = ()) -> Component:
    """The component of a target that a declaration names and does not load."""
    identity = target.identity or ""
    return Component(
        kind=kind,
        identity=identity,
        name=title(identity),
        version=target.revision,
        purl=target.purl,
        pinned=_targets.is_commit(target.revision) if target.hub and target.revision else None,
        occurrences=(Occurrence(location=seen, symbol=symbol),),
        properties=extra,
    )


def title(identity: str) -> str:
    """What people call it: the part after the scheme, the last part of a path, the whole of an address."""
    plain = identity.removeprefix("dataset:")
    if "://" in plain:
        return plain
    scheme, _, rest = plain.partition(":")
    return rest.rpartition("/")[2] if scheme == "file" else rest or plain
