"""Names that lie: what is inside is found under every name, with all readers as a worker runs them."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
import zlib
from pathlib import Path

import h5py
import pytest

from mlgate.registry import inspectors
from tests.builders import archives, pickles, sevenzips, streams, tars
from tests.test_worker import look

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(17) + b"\0\0\0\0IEND\xaeB`\x82"
PAYLOAD = pickles.os_system()
ZIP = archives.plain(method=8)
TORCH = archives.torch_zip({}, pkl=PAYLOAD)


def tensors_around(data: bytes) -> bytes:
    """A whole safetensors file whose one tensor is an archive, so that it ends as one."""
    header = b'{"a":{"dtype":"U8","shape":[%d],"data_offsets":[0,%d]}}' % (len(data), len(data))
    header += b" " * (-len(header) % 8)
    return struct.pack("<Q", len(header)) + header + data


CONTENTS = {
    "pickle": PAYLOAD,
    "torch": TORCH,
    "zip": ZIP,
    "7z": sevenzips.archive(sevenzips.packed("lzma", PAYLOAD)),
    "gzip": gzip.compress(PAYLOAD),
    "tar": tars.tar(tars.Member(name="m.pkl", data=PAYLOAD)),
    "zlib": zlib.compress(PAYLOAD),
    "lzma": streams.lzma_alone(PAYLOAD),
    "legacy lz4": streams.lz4_legacy(PAYLOAD),
    "png+zip": PNG + ZIP,
    "png+torch": PNG + TORCH,
    "pdf+zip": b"%PDF-1.4\n%%EOF\n" + ZIP,
    "script+zip": b"#!/bin/sh\nexit 0\n" + ZIP,
    "safetensors+zip": tensors_around(ZIP),
    "wheel": archives.archive(archives.Entry(name="pkg/data/m.bin", data=PAYLOAD, method=8)),
}
NAMES = (
    *("x", "x.txt", "x.json", "x.png", "x.safetensors", "model.pkl.png", "config.p", "m.pkl ", "m.pkl.", "MODEL.PKL"),
    *("m\u202egnp.lkp", "x.onnx", "x.gguf", "x.h5", "x.pt", "x.bin", "x.npy", "x.tflite", "x.docx", "x.whl", "x.py"),
)


@pytest.mark.parametrize("content", CONTENTS)
def test_the_payload_is_found_under_every_name(tmp_path: Path, content: str) -> None:
    readers = inspectors()
    for name in NAMES:
        lines, _ = look(tmp_path, name, CONTENTS[content], *readers)
        told = {line[1]["rule"] for line in lines if "rule" in line[1]}
        assert "MLG-PKL-001" in told, name


def user_block(size: int) -> bytes:
    out = io.BytesIO()
    with h5py.File(out, "w", userblock_size=size) as file:
        file["weights"] = [1.0, 2.0]
    return out.getvalue()


@pytest.mark.parametrize("size", [512, 1024, 65536])
def test_hdf5_is_found_where_the_library_finds_it(tmp_path: Path, size: int) -> None:
    _, scanned = look(tmp_path, "notes.txt", user_block(size))
    assert scanned["format"] == "hdf5"


def document() -> bytes:
    """What office programs write: a plain archive of XML, its type first and not packed."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("mimetype", "application/vnd.oasis.opendocument.text")
        made.writestr("content.xml", "<text>words</text>" * 100, zipfile.ZIP_DEFLATED)
        made.writestr("META-INF/manifest.xml", "<manifest/>", zipfile.ZIP_DEFLATED)
    return out.getvalue()


@pytest.mark.parametrize("name", ["x.odt", "x.docx", "x.jar", "x.epub", "x.whl", "x.apk", "x.zip"])
def test_documents_and_packages_are_no_alarm(tmp_path: Path, name: str) -> None:
    assert look(tmp_path, name, document(), *inspectors())[0] == []


@pytest.mark.parametrize("name", ["photo.png", "paper.pdf"])
def test_an_image_with_a_document_behind_it_does_not_block(tmp_path: Path, name: str) -> None:
    lines, _ = look(tmp_path, name, PNG + document(), *inspectors())
    assert {(line[1]["rule"], line[1]["severity"]) for line in lines} == {("MLG-ARC-006", "medium")}


@pytest.mark.parametrize(
    "name",
    ["m.pkl.br", "m.pt.Z", "m.onnx.lzo", "m.h5.rar", "m.gguf.squashfs", "m.pkl.iso", "m.pth.tar", "m.h5 ", "m.h5."],
)
def test_wrappers_that_nobody_opens_are_incomplete_under_a_models_name(tmp_path: Path, name: str) -> None:
    lines, scanned = look(tmp_path, name, b"\x01 not to be read \x02" * 100, *inspectors())
    assert scanned["complete"] is False
    assert {line[1]["rule"] for line in lines} == {"MLG-INC-001"}


def test_an_archive_with_too_many_members_says_so_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlgate.worker._ARTIFACTS", 20)
    data = archives.archive(*(archives.Entry(name=f"{n}.txt", data=b"x") for n in range(50)))
    lines, scanned = look(tmp_path, "m.zip", data, *inspectors())
    assert [line[1]["rule"] for line in lines] == ["MLG-INC-004"]
    assert scanned["complete"] is False
