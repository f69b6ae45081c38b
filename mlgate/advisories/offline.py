"""The offline database: a folder with `<ecosystem>/all.zip`, each as OSV publishes it (flat `<ID>.json` members)."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mlgate.advisories import state
from mlgate.advisories.match import same_name
from mlgate.advisories.records import Record, decode
from mlgate.advisories.source import Answer, Query, Unavailable

_LARGEST_RECORD = 16 * 2**20
_MOST_RECORDS = 5_000_000


def ask(folder: Path, queries: Iterable[Query]) -> Answer:
    """The records of the database that name any of the packages.

    Raises Unavailable when the dump of an ecosystem that is asked for is not there or is no zip.
    """
    wanted: dict[str, dict[str, list[Query]]] = {}
    for query in queries:
        wanted.setdefault(query.ecosystem, {}).setdefault(same_name(query.ecosystem, query.name), []).append(query)
    found: dict[Query, list[Record]] = {}
    newest, broken = dict.fromkeys(wanted, ""), 0
    for ecosystem, names in sorted(wanted.items()):
        for record in records(folder, ecosystem):
            if record is None:
                broken += 1
                continue
            newest[ecosystem] = max(newest[ecosystem], record.day)
            named = {
                same_name(ecosystem, affected.package.name)
                for affected in record.affected or ()
                if affected.package.ecosystem.partition(":")[0] == ecosystem
            }
            for name in named & names.keys():
                for query in names[name]:
                    found.setdefault(query, []).append(record)
    answer = {query: tuple(sorted(records_, key=lambda r: r.id)) for query, records_ in found.items()}
    return Answer(
        records=answer,
        origin=f"offline database, newest record of {max(newest.values(), default='') or 'unknown date'}",
        broken=broken,
        days={name: state.day(folder, f"{name}/all.zip") or found for name, found in newest.items()},
    )


def records(folder: Path, ecosystem: str) -> Iterator[Record | None]:
    """All records of an ecosystem's dump, None for each that cannot be read. Raises Unavailable without a dump."""
    path = folder / ecosystem / "all.zip"
    try:
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.infolist() if m.filename.endswith(".json")]
            if len(members) > _MOST_RECORDS:
                raise Unavailable(f"{path} has more than {_MOST_RECORDS:,} records")
            for member in members:
                yield read_record(archive, member)
    except (OSError, zipfile.BadZipFile) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise Unavailable(f"no advisories for {ecosystem} in the database: {reason}") from None


def read_record(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Record | None:
    """The record of a member, or None when it is none."""
    data = read_member(archive, member)
    try:
        return None if data is None else decode(data)
    except ValueError:
        return None  # counted by the caller, and told


def read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes | None:
    """The bytes of a member, or None when it cannot be read or is too large for a record.

    A dump has ten thousands of small members, and zipfile spends most of its time on opening each, so the two forms
    that dumps have (stored, deflated) are read here by the directory's sizes (APPNOTE.TXT 4.3.7, 4.4.4) and checked by
    its CRC-32.
    """
    try:
        data = _content(archive, member)
    except (ValueError, OSError, EOFError, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError):
        return None
    return data if data is not None and len(data) <= _LARGEST_RECORD else None


def _content(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes | None:
    """The member's bytes, or None when they are not what the directory says; at most one more than may be."""
    file = archive.fp
    if file is None or member.flag_bits & 1 or max(member.compress_size, member.file_size) > _LARGEST_RECORD:
        return None
    file.seek(member.header_offset)
    head = file.read(30)
    if len(head) < 30 or head[:4] != b"PK\x03\x04":
        return None
    file.seek(int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little"), 1)
    data = file.read(member.compress_size)
    if member.compress_type == zipfile.ZIP_DEFLATED:
        inflated = zlib.decompressobj(-zlib.MAX_WBITS)
        data = inflated.decompress(data, member.file_size + 1)
    elif member.compress_type != zipfile.ZIP_STORED:
        return None
    return data if len(data) == member.file_size and zlib.crc32(data) == member.CRC else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What a dump holds."""

    ecosystem: str
    count: int
    broken: int
    newest: str


def status(folder: Path) -> tuple[Status, ...]:
    """Each ecosystem's dump in the folder. Raises Unavailable when one cannot be opened."""
    told = []
    for path in sorted(folder.glob("*/all.zip")):
        count = broken = 0
        newest = ""
        for record in records(folder, path.parent.name):
            count += 1
            if record is None:
                broken += 1
            else:
                newest = max(newest, record.day)
        told.append(Status(ecosystem=path.parent.name, count=count, broken=broken, newest=newest))
    return tuple(told)
