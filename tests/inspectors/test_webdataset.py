"""WebDataset archives are datasets, and other archives are not."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.inspectors.webdataset import INSPECTOR
from tests.reading import read
from tests.repositories import commit
from tests.test_pipeline import look


def archive(*names: str, kind: bytes = tarfile.REGTYPE) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as made:
        for name in names:
            entry = tarfile.TarInfo(name)
            entry.type, entry.size = kind, 1 if kind == tarfile.REGTYPE else 0
            made.addfile(entry, io.BytesIO(b"x"))
    return out.getvalue()


SAMPLES = tuple(f"a/{number:05}.{extension}" for number in range(150) for extension in ("jpg", "cls", "seg.png"))


def test_samples_make_a_dataset_and_numbered_archives_one(tmp_path: Path) -> None:
    data = archive(*SAMPLES)
    commit(tmp_path / "r", {"data/train-000000.tar": data, "data/train-000001.tar": data, "x/run.tar": data})
    result = look(tmp_path / "r")
    (found,) = [c for c in result.inventory.components if c.kind == "dataset"]
    assert (found.identity, found.name) == ("dataset:file:data/train-*.tar", "train-*.tar")
    assert found.data
    assert found.data.format == "webdataset"
    assert found.data.split == "train"
    assert [name for name, _ in found.data.columns] == ["cls", "jpg", "seg.png"]
    assert [name for name, digest in found.data.parts if digest] == ["train-000000.tar", "train-000001.tar"]
    assert not [d for d in result.verdict.decisions if d.action == "block"]


@pytest.mark.parametrize(
    "data",
    [
        archive("a.py", "a.json"),
        archive("weights.bin", "config.json"),
        archive("1.jpg", "2.jpg", "3.jpg"),
        archive("1.jpg", "2.jpg", "1.txt", "2.txt"),
        archive("1.jpg", "1.jpg"),
        archive("1.jpg", "1.txt", kind=tarfile.SYMTYPE),
        archive("README", "1.jpg", "1.txt"),
        archive(),
    ],
)
def test_other_archives_are_none(data: bytes) -> None:
    assert not read(INSPECTOR, "data/x.tar", data).components


@given(st.binary(max_size=2000), st.integers(0, 2000))
def test_any_bytes_are_read_or_left(noise: bytes, at: int) -> None:
    data = archive(*SAMPLES[:9])
    read(INSPECTOR, "data/x-000001.tar", data[:at] + noise + data[at + len(noise) :])
