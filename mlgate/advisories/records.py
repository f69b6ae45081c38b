"""Advisories in OSV's form (OSV schema 1.7), as far as matching needs it; everything else is passed over.

The records come over a network or from a file that somebody put there, so they are decoded by type.
"""

from __future__ import annotations

import re
from typing import Any, cast

import msgspec


class Event(msgspec.Struct, frozen=True):
    """One boundary of a range; exactly one field is set."""

    introduced: str = ""
    fixed: str = ""
    last_affected: str = ""
    limit: str = ""


class Range(msgspec.Struct, frozen=True):
    """Affected versions as boundaries, in the order of `type` (SEMVER, ECOSYSTEM; GIT is of no use here)."""

    type: str
    events: tuple[Event, ...] = ()


class Package(msgspec.Struct, frozen=True):
    """The name as the ecosystem writes it."""

    ecosystem: str = ""
    name: str = ""


class Severity(msgspec.Struct, frozen=True):
    """A CVSS vector with its version ("CVSS_V3")."""

    type: str
    score: str


class Affected(msgspec.Struct, frozen=True):
    """Which versions of one package."""

    package: Package = Package()
    ranges: tuple[Range, ...] = ()
    listed: Any = msgspec.field(default=(), name="versions")
    severity: tuple[Severity, ...] = ()
    database_specific: Any = None
    ecosystem_specific: Any = None

    @property
    def versions(self) -> tuple[str, ...]:
        """The listed versions; some exports have a number in the list's place, and then the ranges alone tell."""
        if not isinstance(self.listed, tuple):  # what was read; asked for often, and lists have hundreds
            kept = tuple(v for v in self.listed if isinstance(v, str)) if isinstance(self.listed, list) else ()
            msgspec.structs.force_setattr(self, "listed", kept)
        return cast(tuple[str, ...], self.listed)


class Record(msgspec.Struct, frozen=True):
    """One advisory."""

    id: str
    modified: str = ""
    withdrawn: str = ""
    summary: str = ""
    details: str = ""
    aliases: tuple[str, ...] | None = ()
    affected: tuple[Affected, ...] | None = ()
    severity: tuple[Severity, ...] | None = ()
    database_specific: Any = None

    @property
    def day(self) -> str:
        """The day of the last change, YYYY-MM-DD, or "" when it is not stated."""
        return self.modified[:10] if re.match(r"\d{4}-\d{2}-\d{2}", self.modified) else ""

    @property
    def malicious(self) -> bool:
        """Whether it tells of malware (the OpenSSF malicious-packages prefix)."""
        return self.id.startswith("MAL-")


_DECODER = msgspec.json.Decoder(Record)


def decode(data: bytes) -> Record:
    """The record in the bytes. Raises msgspec.DecodeError or ValidationError (both ValueError) when it is none."""
    return _DECODER.decode(data)


def moment(text: str) -> str:
    """A time of RFC 3339 in UTC that compares: without the zeros that some write at its end and others do not."""
    seconds, _, fraction = text.removesuffix("Z").removesuffix("+00:00").partition(".")
    return f"{seconds}.{fraction.rstrip('0')}".rstrip(".") if seconds else ""
