"""One target of a command to references."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator

from mlgate.records import Kind, Location, Reference, Resolution
from mlgate.references import _commands_targets as targets
from mlgate.references import _targets
from mlgate.references._calls import cut
from mlgate.references._commands_shell import Arg, Command
from mlgate.references._commands_table import Commands, Row
from mlgate.references._commands_tokens import OPAQUE

Locate = Callable[[int, int], Location]

_CREDENTIALS = re.compile(r"://[^/@\s]*@")
_QUERY = re.compile(r"(?<=[^\s?])\?[^\s\"']*(?=[\"']?$)")


class Loads:
    """Makes the references of one file.

    `base` is the folder that relative paths start from, None when it is not known. `path` is the file's own.
    """

    def __init__(self, table: Commands, locate: Locate, *, path: str, base: str | None) -> None:
        self.table = table
        self.locate = locate
        self.path = path
        self.base = base
        self.folder = ""  # what the last `cd` named
        self.made: set[str] = set()  # what commands before this one wrote

    def make(self, *paths: str) -> None:
        self.made.update(posixpath.normpath(path) for path in paths if path.strip("./"))

    def is_made(self, text: str) -> bool:
        """Whether the path is, or is in, something that a command before this one wrote."""
        if not self.made or len(text) > 1000:
            return False
        parts = posixpath.normpath(text).split("/")
        is_file = targets.promise(parts[-1]) is not None
        above = ("/".join(parts[:end]) for end in range(1, len(parts) + 1))
        return (is_file and parts[-1] in self.made) or not self.made.isdisjoint(above)

    def references(
        self, row: Row, kind: Kind, value: Arg, symbol: str, revision: Arg | None, at: Command, outputs: str
    ) -> Iterator[Reference]:
        location = self.locate(at.line, at.end)
        stated = revision.plain or None if revision else None
        told = False
        for text, how in value.values.texts():
            if not text or self.is_made(text):
                told = True
                continue
            found = targets.read(
                row,
                text,
                kind=kind,
                base=self.base,
                outputs=outputs,
                path=f"{self.path} {self.folder}",
                table=self.table,
            )
            told = True
            if found is None:
                continue
            if found.hub and stated:
                found = _targets.with_revision(found, cut(stated))
            is_data = found.identity.startswith("dataset:") if found.identity else kind is Kind.DATASET
            yield Reference(
                kind=Kind.DATASET if is_data else Kind.MODEL,
                identity=found.identity,
                location=location,
                symbol=symbol,
                revision=found.revision,
                pinned=found.hub and _targets.is_commit(found.revision),
                resolution=how if found.identity else Resolution.UNKNOWN,
                purl=found.purl,
                expression=_public(text if found.identity is None else value.text),
            )
        if told or not value.values.unknown:
            return
        if row.source in {"download", "git"} and (found := targets.on_hub(row, value.start)) is not None:
            kind = Kind.DATASET if "datasets/" in value.start else kind
            if found.identity:
                yield Reference(
                    kind=kind,
                    identity=found.identity,
                    location=location,
                    symbol=symbol,
                    revision=found.revision,
                    pinned=_targets.is_commit(found.revision),
                    resolution=Resolution.CONSTANT,
                    purl=found.purl,
                    expression=_public(value.text),
                )
                return
        elif row.source in {"download", "git", "gdrive", "storage"}:
            promised = targets.promise(targets.name_of(value.end), "") if value.end else None
            kinds = (targets.promise(targets.name_of(output)) for output in outputs.split())
            promised = promised or next(filter(None, kinds), None)
            if row.source != "download" or promised is None:
                return
            kind = promised
        yield Reference(
            kind=kind,
            identity=None,
            location=location,
            symbol=symbol,
            revision=cut(stated) if stated else None,
            resolution=Resolution.UNKNOWN,
            expression=_public(value.text),
        )


def _public(text: str) -> str:
    """Source text without what can be a secret: credentials and queries of URLs."""
    return cut(_QUERY.sub("", _CREDENTIALS.sub("://", text.replace(OPAQUE, "{{...}}"))))
