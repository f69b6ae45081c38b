"""`mlgate db update` and `mlgate db status`."""

from __future__ import annotations

import os
import tempfile
import zipfile
from pathlib import Path
from urllib.parse import quote

from mlgate import http
from mlgate.advisories import offline
from mlgate.advisories.source import Unavailable
from mlgate.errors import MlgateError

_LARGEST = 4 * 2**30
_DEADLINE = 1800.0  # seconds for one file
_SILENCE = 60.0
_HINT = "Run it again, or fetch the dumps yourself into <dir>/<ecosystem>/all.zip."


def update(folder: Path, ecosystems: tuple[str, ...], url: str, *, largest: int = _LARGEST) -> str:
    """Downloads `<url>/<ecosystem>/all.zip` of each ecosystem; what is there stays until the new one is whole.

    Gives what was done, in words. Raises MlgateError when a download fails, is too large, or holds no OSV records.
    """
    told = []
    for ecosystem in ecosystems:
        if not ecosystem.replace(".", "").replace("-", "").replace(" ", "").isalnum():
            raise MlgateError(f"{ecosystem!r} is no ecosystem.", "OSV's names are PyPI, npm, Maven, Go, crates.io, ...")
        target = folder / ecosystem
        try:
            target.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=target, prefix="all.", suffix=".part", delete=False) as part:
                temporary = Path(part.name)
            try:
                _download(f"{url.rstrip('/')}/{quote(ecosystem)}/all.zip", temporary, largest)
                count = _checked(temporary, ecosystem)
                temporary.chmod(0o644)
                os.replace(temporary, target / "all.zip")  # noqa: PTH105  (atomic, over what is there)
            finally:
                temporary.unlink(missing_ok=True)
        except OSError as error:
            raise MlgateError(f"{target} cannot be written: {error.strerror}.", "Name a folder of yours.") from None
        told.append(f"{ecosystem}: {count:,} records\n")
    return "".join(told)


def _download(url: str, target: Path, largest: int) -> None:
    try:
        with http.session() as session, target.open("wb") as out:
            reply = http.fetch(
                session,
                "GET",
                url,
                seconds=_DEADLINE,
                timeout=_SILENCE,
                largest=largest,
                sink=out.write,
                body_of=frozenset({200}),
            )
    except http.TooLarge:
        raise MlgateError(f"{url} is larger than {largest:,} bytes.", _HINT) from None
    except http.NoReply as error:
        raise MlgateError(f"{url} cannot be downloaded: {error}.", _HINT) from None
    if reply.status != 200:
        raise MlgateError(f"{url} answered {reply.status}.", _HINT)


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
        raise MlgateError(f"What came for {ecosystem} holds no advisories.", _HINT)
    return count


def status(folder: Path) -> str:
    """What is in the database, a line an ecosystem. Raises MlgateError when there is nothing."""
    try:
        found = offline.status(folder)
    except Unavailable as error:
        raise MlgateError(f"{error}.", _HINT) from None
    if not found:
        raise MlgateError(f"{str(folder)!r} holds no dumps.", "`mlgate db update --db DIR` downloads them.")
    return "".join(
        f"{s.ecosystem}: {s.count:,} records, newest {s.newest or 'unknown'}"
        f"{f', {s.broken:,} unreadable' if s.broken else ''}\n"
        for s in found
    )
