"""Wheels and sdists made by hand, honest and hostile. They hold no program that does anything."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import tarfile
from collections.abc import Mapping

from tests.builders.archives import Entry, archive

METADATA = (
    "Metadata-Version: 2.4\nName: Demo_Pkg\nVersion: 1.2\nLicense-Expression: MIT\nRequires-Dist: numpy>=1.20\n"
    "Requires-Dist: six==1.16.0\nRequires-Dist: pytest; extra == 'test'\nProvides-Extra: test\n\nName: not-a-field\n"
)


def _hash(data: bytes) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def wheel(
    files: Mapping[str, bytes] | None = None,
    *,
    metadata: str = METADATA,
    changed: tuple[str, ...] = (),
    unlisted: tuple[str, ...] = (),
    record: bool = True,
) -> bytes:
    """A wheel; RECORD states other hashes for the `changed` files and leaves out the `unlisted` ones."""
    info = "demo_pkg-1.2.dist-info"
    content = {
        "demo_pkg/__init__.py": b"VALUE = 1\n",
        **(files or {}),
        f"{info}/METADATA": metadata.encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\n",
    }
    rows = [
        f"{name},{_hash(data + b'x' if name in changed else data)},{len(data)}"
        for name, data in content.items()
        if name not in unlisted
    ]
    if record:
        content[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,"]).encode()
    return archive(*(Entry(name=name, data=data, method=8) for name, data in content.items()))


def sdist(folder: str = "demo_pkg-1.2", metadata: str = METADATA) -> bytes:
    """A `.tar.gz` with PKG-INFO in its only folder, and once more where setuptools leaves it."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name in (f"{folder}/PKG-INFO", f"{folder}/src/demo_pkg.egg-info/PKG-INFO"):
            info = tarfile.TarInfo(name)
            info.size = len(metadata)
            tar.addfile(info, io.BytesIO(metadata.encode()))
    return gzip.compress(out.getvalue(), mtime=0)


def egg(metadata: str = METADATA) -> bytes:
    return archive(Entry(name="EGG-INFO/PKG-INFO", data=metadata.encode()), Entry(name="demo_pkg/a.py", data=b""))
