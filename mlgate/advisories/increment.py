"""Only those records of a dump that changed, by `<ecosystem>/modified_id.csv` (google.github.io/osv.dev/data): lines of
the time when a record was modified and its id. What cannot be brought up to date exactly is downloaded whole instead.
"""

from __future__ import annotations

import re
import shutil
import zipfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import msgspec

from mlgate.advisories import download, offline
from mlgate.advisories.records import decode, moment
from mlgate.errors import MlgateError

MOST = 500  # records asked for one by one; with more of them the whole is less work
_LISTING = 64 * 2**20
_RECORD = 16 * 2**20
_PARALLEL = 8
_LINE = re.compile(
    r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}[0-9.]{0,12}(?:Z|\+00:00)),([A-Za-z0-9][\w.:-]{0,150})", re.ASCII
)


class _Brief(msgspec.Struct, frozen=True):
    id: str
    modified: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What an old dump needs: records by member name, members to leave out, and the listing's mark."""

    records: Mapping[str, bytes]
    gone: frozenset[str]
    listing: str
    count: int

    @property
    def nothing(self) -> bool:
        """Whether the dump is what the server has."""
        return not self.records and not self.gone


def difference(
    archive: Path, url: str, ecosystem: str, listing: str, *, seconds: float, timeout: float
) -> Difference | None:
    """How the dump differs from what `url` (the ecosystem's folder) has; None when only the whole tells.

    `listing` is the mark of the list that the dump was last compared with, or "".
    """
    try:
        reply = download.get(f"{url}/modified_id.csv", seconds=seconds, timeout=timeout, largest=_LISTING, etag=listing)
        if reply.status == 304:
            return Difference(records={}, gone=frozenset(), listing=listing, count=0)
        there, here = _listed(reply.body), _held(archive)
        if there is None or here is None:
            return None
        changed = [name for name, when in there.items() if name not in here or here[name][1] != when]
        gone = frozenset(member for name, (member, _) in here.items() if name not in there)
        # a list that leaves out much of what is here may be half a list
        if len(changed) > MOST or len(gone) > min(MOST, 5 + len(here) // 20) or _mostly_waste(archive):
            return None
        with ThreadPoolExecutor(_PARALLEL) as pool:
            jobs = [pool.submit(_record, url, name, ecosystem, there[name], seconds, timeout) for name in changed]
            bodies = [job.result() for job in jobs]
    except MlgateError:
        return None  # the whole is tried, and says why it cannot be had
    if any(body is None for body in bodies):
        return None
    records = {
        here[n][0] if n in here else f"{n}.json": b for n, b in zip(changed, bodies, strict=True) if b is not None
    }
    return Difference(records=records, gone=gone, listing=download.etag_of(reply), count=len(there))


def apply(archive: Path, target: Path, found: Difference) -> None:
    """Writes the dump with the difference to `target`; the old bytes of changed members stay in it, unreachable.

    Raises OSError or zipfile.BadZipFile.
    """
    shutil.copyfile(archive, target)
    with zipfile.ZipFile(target, "a", zipfile.ZIP_DEFLATED) as made:
        drop = found.gone | found.records.keys()
        made.filelist[:] = [member for member in made.filelist if member.filename not in drop]
        for name in drop & made.NameToInfo.keys():
            del made.NameToInfo[name]
        made._didModify = True  # type: ignore[attr-defined]  # noqa: SLF001  (else leaving members out is not written)
        for name, body in sorted(found.records.items()):
            made.writestr(name, body)


def _listed(data: bytes) -> dict[str, str] | None:
    """Times by id; None when a line is none, or an id stands twice, or there are no lines."""
    found: dict[str, str] = {}
    try:
        lines = data.decode("ascii").splitlines()
    except UnicodeDecodeError:
        return None
    for line in lines:
        match = _LINE.fullmatch(line)
        if match is None or match[2] in found:
            return None
        found[match[2]] = moment(match[1])
    return found or None


def _held(archive: Path) -> dict[str, tuple[str, str]] | None:
    """Member names and times by id; None when something in the dump cannot be read or stands twice."""
    decoder = msgspec.json.Decoder(_Brief)
    found: dict[str, tuple[str, str]] = {}
    try:
        with zipfile.ZipFile(archive) as opened:
            for member in opened.infolist():
                body = offline.read_member(opened, member)
                brief = decoder.decode(body or b"")
                if brief.id in found:
                    return None
                found[brief.id] = member.filename, moment(brief.modified)
    except (OSError, ValueError, zipfile.BadZipFile):
        return None
    return found


def _mostly_waste(archive: Path) -> bool:
    with zipfile.ZipFile(archive) as opened:
        used = sum(member.compress_size + 2 * len(member.filename) + 150 for member in opened.infolist())
    return archive.stat().st_size > 2 * used + 4096


def _record(url: str, name: str, ecosystem: str, when: str, seconds: float, timeout: float) -> bytes | None:
    """The record's bytes, if they are of that id, of the ecosystem and not older than was listed."""
    from urllib.parse import quote  # noqa: PLC0415

    target = f"{url}/{quote(name, safe='')}.json"
    body = download.get(target, seconds=seconds, timeout=timeout, largest=_RECORD).body
    try:
        record = decode(body)
    except ValueError:
        return None
    about = any(named.package.ecosystem.partition(":")[0] == ecosystem for named in record.affected or ())
    return body if record.id == name and about and moment(record.modified) >= when else None
