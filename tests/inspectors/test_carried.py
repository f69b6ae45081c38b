"""Code that models bring along: in archives, in TorchScript, and as programs."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest

from tests.builders import gguf
from tests.builders import pickles as build
from tests.test_pipeline import look

ELF = b"\x7fELF\x02\x01\x01" + b"\0" * 57


def archive(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as written:
        for name, data in members.items():
            written.writestr(name, data)
    return out.getvalue()


def found(tmp_path: Path, name: str, data: bytes) -> list[tuple[str, str | None]]:
    (tmp_path / name).write_bytes(data)
    return [(f.rule.id, f.location.member) for f in look(tmp_path).inventory.findings]


PLAIN = {"m/archive_format": b"pt2", "m/models/model.json": b"{}", "m/data/weights/weight_0": b"\0" * 64}


def test_an_exported_program_is_understood(tmp_path: Path) -> None:
    assert found(tmp_path, "m.pt2", archive(PLAIN)) == []


@pytest.mark.parametrize(
    ("name", "data"),
    [("wrapper.so", ELF), ("kernel.cubin", b"\0"), ("wrapper.cpp", b"int x;"), ("weights_0", ELF), ("a.so.1", b"x")],
)
def test_native_code_of_aotinductor_is_told(tmp_path: Path, name: str, data: bytes) -> None:
    member = f"m/data/aotinductor/model/{name}"
    assert ("MLG-MDL-110", member) in found(tmp_path, "m.pt2", archive(PLAIN | {member: data}))


def test_handlers_of_torchserve_are_told(tmp_path: Path) -> None:
    manifest = json.dumps({"model": {"handler": "handler.py", "serializedFile": "m.safetensors"}}).encode()
    members = {"MAR-INF/MANIFEST.json": manifest, "handler.py": b"import os\n", "index_to_name.json": b"{}"}
    assert found(tmp_path, "m.mar", archive(members)) == [("MLG-MDL-111", "handler.py")]
    assert found(tmp_path, "m.mar", archive({"MAR-INF/MANIFEST.json": manifest})) == []


def test_torch_packages_bring_sources(tmp_path: Path) -> None:
    data = build.proto(2) + b"}."
    members = {"p/.data/extern_modules": b"", "p/model/data.pkl": data, "p/net/__init__.py": b"x = 1\n"}
    assert ("MLG-MDL-111", "p/net/__init__.py") in found(tmp_path, "m.pt", archive(members))


def test_code_in_archives_that_are_no_models_is_not_ours(tmp_path: Path) -> None:
    members = {"pkg/__init__.py": b"x = 1\n", "pkg/_native.so": ELF}
    assert found(tmp_path, "files.zip", archive(members)) == []
    told = {rule for rule, _ in found(tmp_path, "pkg-1.0-py3-none-any.whl", archive(members))}
    assert told == {"MLG-INC-003", "MLG-DEP-041"}  # neither METADATA nor RECORD


def test_an_archive_without_marks_is_incomplete(tmp_path: Path) -> None:
    assert found(tmp_path, "m.mar", archive({"a": b"b"})) == [("MLG-INC-001", None)]


def script(source: bytes, bytecode: bytes = b"\x80\x02).") -> bytes:
    return archive(
        {
            "m/data.pkl": build.proto(2) + build.glob("__torch__", "Net") + b")\x81}b.",
            "m/constants.pkl": build.proto(2) + b").",
            "m/bytecode.pkl": bytecode,
            "m/code/__torch__.py": source,
            "m/version": b"3\n",
        }
    )


FORWARD = b"def forward(self, x: Tensor) -> Tensor:\n  return "


@pytest.mark.parametrize(
    "source",
    [
        FORWARD + b'torch.from_file("/etc/passwd", False, 10)\n',
        FORWARD + b'ops.aten.save(x, "/home/user/.bashrc")\n',
        FORWARD + b'torch.save (x, "f")\n',
    ],
)
def test_operators_that_reach_files(tmp_path: Path, source: bytes) -> None:
    assert found(tmp_path, "m.pt", script(source)) == [("MLG-PKL-021", "m/code/__torch__.py")]


def test_byte_code_that_reaches_files(tmp_path: Path) -> None:
    program = build.proto(2) + build.text("aten::from_file") + b"\x85."
    assert found(tmp_path, "m.ptl", script(FORWARD + b"x\n", program)) == [("MLG-PKL-021", "m/bytecode.pkl")]


@pytest.mark.parametrize("begin", [ELF, b"MZqFpD='\n", b"jartsr='\n"])
def test_a_llamafile_is_a_program(tmp_path: Path, begin: bytes) -> None:
    data = begin + b"\0" * 4096
    assert found(tmp_path, "m.llamafile", data) == [("MLG-MDL-114", None)]


def test_the_model_in_a_llamafile_is_read(tmp_path: Path) -> None:
    data = ELF + archive({"m.gguf": gguf.chat("{{ x }}")[:40]})
    assert {rule for rule, _ in found(tmp_path, "m.llamafile", data)} >= {"MLG-MDL-114", "MLG-INC-002"}


@pytest.mark.parametrize("magic", [b"lmgg", b"fmgg", b"tjgg", b"algg"])
def test_formats_before_gguf_are_incomplete_under_any_name(tmp_path: Path, magic: bytes) -> None:
    assert [rule for rule, _ in found(tmp_path, "weights.dat", magic + b"\1\0\0\0" + b"\0" * 64)] == ["MLG-INC-001"]
