"""Runs one reader on bytes, as a worker would: what it said, and what stopped it."""

from __future__ import annotations

from dataclasses import dataclass

from mlgate.errors import Incomplete
from mlgate.identify import HEAD, identify
from mlgate.records import Artifact, Component, Finding, Include, Inspector, Limits, Observation, Reference, Relation
from mlgate.sources import BytesSource


@dataclass(frozen=True)
class Said:
    """All observations of one reader, sorted into kinds."""

    observations: tuple[Observation, ...]
    stopped: Incomplete | None

    @property
    def components(self) -> tuple[Component, ...]:
        return tuple(o for o in self.observations if isinstance(o, Component))

    @property
    def findings(self) -> tuple[Finding, ...]:
        return tuple(o for o in self.observations if isinstance(o, Finding))

    @property
    def references(self) -> tuple[Reference, ...]:
        return tuple(o for o in self.observations if isinstance(o, Reference))

    @property
    def relations(self) -> tuple[Relation, ...]:
        return tuple(o for o in self.observations if isinstance(o, Relation))

    @property
    def includes(self) -> tuple[Include, ...]:
        return tuple(o for o in self.observations if isinstance(o, Include))

    @property
    def rules(self) -> list[str]:
        return [finding.rule.id for finding in self.findings]

    def one(self, name: str) -> Component:
        """The only component of that name."""
        (component,) = (c for c in self.components if c.name == name)
        return component


def artifact(path: str, data: bytes, limits: Limits | None = None) -> Artifact:
    source = BytesSource(data)
    head = data[:HEAD]
    name = path.rsplit("/", 1)[-1]
    return Artifact(
        path=path, name=name, source=source, head=head, formats=identify(source, head), limits=limits or Limits()
    )


def read(inspector: Inspector, path: str, data: bytes | str) -> Said:
    """What the reader says of these bytes under that path."""
    observations: list[Observation] = []
    stopped = None
    try:
        for observation in inspector.inspect(artifact(path, data.encode() if isinstance(data, str) else data)):
            observations.append(observation)  # noqa: PERF402  (what came before a stop must be kept)
    except Incomplete as stop:
        stopped = stop
    return Said(tuple(observations), stopped)
