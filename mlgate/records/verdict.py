"""What the policy makes of it."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from mlgate.records.changes import Change
from mlgate.records.findings import Finding


class Action(enum.StrEnum):
    """What the policy does with a finding."""

    BLOCK = "block"
    WARN = "warn"
    NOTE = "note"
    WAIVED = "waived"


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """What a waiver says of a vulnerability, in CycloneDX's words; empty where it says nothing."""

    state: str = ""
    justification: str = ""
    responses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The judgement on one finding: `clause` names the policy key that spoke, `new` compares with the base."""

    finding: Finding
    action: Action
    new: bool
    fingerprint: str
    clause: str
    waiver: str = ""
    analysis: Analysis = Analysis()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Pass or fail, every decision (worst first) and what to say about the policy itself.

    `changes` is what became of models and datasets since the base; None where the base was not looked at, or not whole.
    """

    passed: bool
    decisions: tuple[Decision, ...]
    policy_source: str
    mode: str
    compared: bool
    base: str = ""
    notes: tuple[str, ...] = field(default=())
    changes: tuple[Change, ...] | None = None
