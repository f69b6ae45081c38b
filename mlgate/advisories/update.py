"""`mlgate db update` and `mlgate db status`."""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from urllib.parse import quote

from mlgate.advisories import download, exploited, increment, offline, state
from mlgate.advisories.download import HINT
from mlgate.advisories.source import Unavailable
from mlgate.errors import MlgateError

_LARGEST = 4 * 2**30
_LARGEST_LIST = 64 * 2**20
_DEADLINE = 1800.0  # seconds for one file
_SILENCE = 60.0


def update(folder: Path, ecosystems: tuple[str, ...], url: str, *, largest: int = _LARGEST) -> str:
    """Brings `<folder>/<ecosystem>/all.zip` of each ecosystem up to date with `url`, OSV's dumps or a mirror of them.

    A dump that an earlier update left is compared with the server's list and gets only what changed; otherwise, and
    where that cannot be done exactly, `<ecosystem>/all.zip` is downloaded, if the server has another one. What is there
    stays until the new one is whole. Gives what was done, in words. Raises MlgateError when a download fails, is too
    large, or holds no OSV records.
    """
    told = []
    for ecosystem in ecosystems:
        if not ecosystem.replace(".", "").replace("-", "").replace(" ", "").isalnum():
            raise MlgateError(f"{ecosystem!r} is no ecosystem.", "OSV's names are PyPI, npm, Maven, Go, crates.io, ...")
        try:
            (folder / ecosystem).mkdir(parents=True, exist_ok=True)
            done = _updated(folder, ecosystem, f"{url.rstrip('/')}/{quote(ecosystem)}", largest)
            told.append(f"{ecosystem}: {done}\n")
        except OSError as error:
            place = folder / ecosystem
            raise MlgateError(f"{place} cannot be written: {error.strerror}.", "Name a folder of yours.") from None
    return "".join(told)


def _updated(folder: Path, ecosystem: str, url: str, largest: int) -> str:
    name = f"{ecosystem}/all.zip"
    note = state.get(folder, name)
    note = note if note and note.url == url else None
    with tempfile.NamedTemporaryFile(dir=folder / ecosystem, prefix="all.", suffix=".part", delete=False) as part:
        temporary = Path(part.name)
    try:
        if note:
            found = increment.difference(
                folder / name, url, ecosystem, note.listing, seconds=_DEADLINE, timeout=_SILENCE
            )
            if found and found.nothing:
                state.put(folder, name, url=url, etag=note.etag, listing=found.listing)
                return "nothing changed"
            if found and _applied(folder / name, temporary, found):
                _replaced(temporary, folder / name)
                state.put(folder, name, url=url, listing=found.listing)
                return f"{found.count:,} records, {len(found.records):,} changed, {len(found.gone):,} gone"
        with temporary.open("wb") as out:
            reply = download.get(
                f"{url}/all.zip",
                seconds=_DEADLINE,
                timeout=_SILENCE,
                largest=largest,
                etag=note.etag if note else "",
                sink=out.write,
            )
        if reply.status == 304:
            state.put(folder, name, url=url, etag=note.etag if note else "")
            return "nothing changed"
        count = _checked(temporary, ecosystem)
        _replaced(temporary, folder / name)
        state.put(folder, name, url=url, etag=download.etag_of(reply))
    finally:
        temporary.unlink(missing_ok=True)
    return f"{count:,} records"


def _applied(old: Path, new: Path, found: increment.Difference) -> bool:
    try:
        increment.apply(old, new, found)
        with zipfile.ZipFile(new) as made:
            return len(made.infolist()) == found.count
    except zipfile.BadZipFile:
        return False


def _replaced(temporary: Path, target: Path) -> None:
    temporary.chmod(0o644)
    os.replace(temporary, target)  # noqa: PTH105  (atomic, over what is there)


def _checked(path: Path, ecosystem: str) -> int:
    """The number of readable records that speak of the ecosystem. Raises MlgateError when there are none."""
    count = 0
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                record = offline.read_record(archive, member)
                named = record.affected or () if record else ()
                count += any(a.package.ecosystem.partition(":")[0] == ecosystem for a in named)
    except zipfile.BadZipFile:
        count = 0
    if not count:
        raise MlgateError(f"What came for {ecosystem} holds no advisories.", HINT)
    return count


def update_lists(folder: Path, urls: Mapping[str, str]) -> str:
    """Downloads the lists of what is exploited, where the server has another one: `urls` by "kev" and "epss".

    Gives what was done, in words. Raises MlgateError when a download fails or is no such list; the old one then stays.
    """
    told = []
    for kind, url in urls.items():
        names: tuple[str, ...] = (exploited.KEV,) if kind == "kev" else exploited.EPSS
        notes = {name: state.get(folder, name) for name in names}
        name, note = next(((n, s) for n, s in notes.items() if s and s.url == url), (names[0], None))
        reply = download.get(
            url, seconds=_DEADLINE, timeout=_SILENCE, largest=_LARGEST_LIST, etag=note.etag if note else ""
        )
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if reply.status == 304:
                state.put(folder, name, url=url, etag=note.etag if note else "")
                told.append(f"{kind}: nothing changed\n")
                continue
            day = exploited.check(names[0], reply.body)
            name = names[0] if kind == "kev" or reply.body[:2] == b"\x1f\x8b" else names[1]
            state.replace(folder / name, reply.body)
            for other in set(names) - {name}:
                (folder / other).unlink(missing_ok=True)
            state.put(folder, name, url=url, etag=download.etag_of(reply))
        except Unavailable as error:
            raise MlgateError(f"What came from {url} {error}.", "Run it again.") from None
        except OSError as error:
            raise MlgateError(f"{folder} cannot be written: {error.strerror}.", "Name a folder of yours.") from None
        told.append(f"{kind}: of {day or 'an unknown day'}\n")
    return "".join(told)


def status(folder: Path, today: date) -> str:
    """What is in the database and how old, a line an ecosystem or list. Raises MlgateError when there is nothing."""
    try:
        found = offline.status(folder)
    except Unavailable as error:
        raise MlgateError(f"{error}.", HINT) from None
    told = []
    for dump in found:
        broken = f", {dump.broken:,} unreadable" if dump.broken else ""
        aged = _age(state.day(folder, f"{dump.ecosystem}/all.zip"), today)
        told.append(f"{dump.ecosystem}: {dump.count:,} records, newest {dump.newest or 'unknown'}{broken}{aged}\n")
    lists = exploited.read(folder, ())
    for kind, held in (("kev", lists.kev), ("epss", lists.epss)):
        if held:
            told.append(f"{kind}: of {held.day or 'an unknown day'}{_age(held.checked, today)}\n")
    told += [f"{name} {why}\n" for name, why in lists.broken]
    if not told:
        raise MlgateError(f"{str(folder)!r} holds no dumps.", "`mlgate db update --db DIR` downloads them.")
    return "".join(told)


def _age(checked: str, today: date) -> str:
    if not checked:
        return ""
    days = max(0, (today - date.fromisoformat(checked)).days)
    return f", last updated {checked} ({days:,} days ago)"
