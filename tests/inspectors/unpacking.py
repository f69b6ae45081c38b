"""Runs one reader of archives on bytes: what it gave back, said, and was stopped by."""

from __future__ import annotations

from mlgate.errors import Incomplete
from mlgate.records import Artifact, Finding, Inspector, Limits
from tests.reading import artifact

Unpacked = tuple[dict[str, bytes], list[str], str]


def unpack(inspector: Inspector, path: str, data: bytes, limits: Limits | None = None) -> Unpacked:
    """(content by member, the end of the rule's id and the evidence of each finding, reason of the stop)"""
    members: dict[str, bytes] = {}
    told = []
    try:
        for said in inspector.inspect(artifact(path, data, limits)):
            if isinstance(said, Artifact):
                members[said.member or ""] = said.source.read_at(0, said.source.size)
            elif isinstance(said, Finding):
                told.append(f"{said.rule.id[-3:]} {said.evidence}")
    except Incomplete as stop:
        return members, told, stop.reason
    return members, told, ""
