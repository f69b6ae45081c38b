from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.advisories import offline
from mlgate.advisories.source import Unavailable
from tests.builders.osv import record


def archive(*, kind: int = zipfile.ZIP_DEFLATED) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", kind) as opened:
        for n in range(3):
            opened.writestr(f"GHSA-{n}.json", json.dumps(record(f"GHSA-{n}", f"package-{n}")))
    return written.getvalue()


def read(folder: Path, data: bytes) -> list[str]:
    (folder / "PyPI").mkdir(exist_ok=True)
    (folder / "PyPI" / "all.zip").write_bytes(data)
    return [each.id if each else "broken" for each in offline.records(folder, "PyPI")]


@pytest.mark.parametrize("kind", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_both_forms_of_a_dump(tmp_path: Path, kind: int) -> None:
    assert read(tmp_path, archive(kind=kind)) == ["GHSA-0", "GHSA-1", "GHSA-2"]
    assert read(tmp_path, b"something before it" + archive(kind=kind)) == ["GHSA-0", "GHSA-1", "GHSA-2"]


def test_what_is_not_as_the_directory_says_is_broken_and_counted(tmp_path: Path) -> None:
    stored = archive(kind=zipfile.ZIP_STORED)
    assert read(tmp_path, stored.replace(b"package-1", b"package-9")) == ["GHSA-0", "broken", "GHSA-2"]  # its CRC
    assert read(tmp_path, archive(kind=zipfile.ZIP_BZIP2)) == ["broken"] * 3
    start = stored.index(b"PK\x03\x04", 4)
    assert read(tmp_path, stored[:start] + b"XX" + stored[start + 2 :]) == ["GHSA-0", "broken", "GHSA-2"]


@given(st.integers(0, 2000), st.integers(0, 255))
def test_a_changed_byte_is_never_another_record(
    tmp_path_factory: pytest.TempPathFactory, place: int, byte: int
) -> None:
    data = bytearray(archive())
    data[place % len(data)] = byte
    try:
        found = read(tmp_path_factory.getbasetemp(), bytes(data))
    except Unavailable:
        return
    assert set(found) <= {"GHSA-0", "GHSA-1", "GHSA-2", "broken"}
