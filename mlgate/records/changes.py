"""What became of components between two states of a repository."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Status(enum.StrEnum):
    """Whether a component is there only after, only before, or on both sides with a difference."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


class Aspect(enum.StrEnum):
    """What of a component is compared, in the order of the reports.

    `BYTES` are digests that contradict each other. `HASHES` are digests that are stated on one side only, and say
    nothing about the bytes. `SEVERITY` is told of what came or went, and not compared: advisories are rated anew.
    """

    VERSION = "version"
    PINNED = "pinned"
    BYTES = "bytes"
    HASHES = "hashes"
    LICENSE = "license"
    ANCESTORS = "ancestors"
    DATASETS = "datasets"
    DEPENDENCIES = "dependencies"
    FORMAT = "format"
    FAMILY = "architecture-family"
    ARCHITECTURE = "architecture"
    TASK = "task"
    PARAMETERS = "parameters"
    QUANTIZATION = "quantization"
    ENDPOINTS = "endpoints"
    AUTHENTICATED = "authenticated"
    TRUST_BOUNDARY = "trust-boundary"
    PROVIDER = "provider"
    DATA = "data"
    SEVERITY = "severity"
    AFFECTS = "affects"
    ANALYSIS = "analysis"


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """One difference: the values that were there before, and those that came instead; sorted, either may be empty.

    An empty string among the values of VERSION is a component without a version. `version` says which of several
    versions of a component differs, "" where there is one.
    """

    aspect: Aspect
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What became of one component, service or vulnerability; `kind` is model, dataset, package, service, ..."""

    status: Status
    kind: str
    identity: str
    details: tuple[Detail, ...] = ()
