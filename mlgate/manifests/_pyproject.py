"""What the readers of pyproject.toml's tables share: where they are, what they could not read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from mlgate import rules
from mlgate.manifests._common import Lines, rows, table
from mlgate.manifests._declared import Given, pep508
from mlgate.manifests.unread import UNREAD
from mlgate.records import Artifact, Finding, Location


@dataclass(slots=True, kw_only=True)
class Reading:
    """The file that is read, and what in it is no requirement (`bad`)."""

    artifact: Artifact
    lines: Lines
    bad: list[str] = field(default_factory=list)

    def header(self, name: str) -> int:
        """The line of a table's header, or 0."""
        return self.lines.find(f"[{name}") or 0

    def at(self, text: str, *, header: str = "", key: str = "") -> Location:
        """Where a text stands: below its key, below its header, or anywhere."""
        start = self.header(header) if header else 0
        if key:
            start = (self.lines.key(key, after=start) or start + 1) - 1
        found = self.lines.find(text, after=start) or self.lines.find(text)
        return self.artifact.at(line=found or self.lines.find(text.replace('"', '\\"')))

    def key(self, name: str, *, header: str) -> Location:
        """Where a key is assigned below a header, or anywhere."""
        found = self.lines.key(name, after=self.header(header)) or self.lines.key(name)
        return self.artifact.at(line=found)

    def listed(self, texts: Any, *, scope: str, group: str = "", header: str = "", key: str = "") -> Iterator[Given]:
        """The requirements of a list of them (PEP 508)."""
        for text in rows(texts):
            where = self.at(text, header=header, key=key) if isinstance(text, str) else self.artifact.at()
            parsed = pep508(text, where, scope=scope, group=group)
            if parsed:
                yield parsed
            else:
                self.bad.append(str(text)[:100])
        if texts is not None and not isinstance(texts, list):
            self.bad.append(f"{key or header} is no list")

    def unread(self, name: str) -> Finding:
        """What to say of a table that names dependencies in a way that is not read."""
        message = f"The dependencies under `{name}` were not read."
        return rules.finding(UNREAD, self.artifact.at(line=self.header(name) or None), message, evidence=name)


def tables(value: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """The tables in a table, by their keys."""
    for key, inner in table(value).items():
        if isinstance(inner, dict):
            yield key, inner
