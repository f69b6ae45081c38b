"""The script that takes the pictures of the documentation still does, from a real run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import chromium

ROOT = Path(__file__).resolve().parent.parent
PICTURES = {
    *(f"comment-{what}.png" for what in ("light", "dark", "phone-light", "phone-dark")),
    *(f"report-{what}.png" for what in ("light", "dark", "phone", "print")),
}


@pytest.mark.browser
@pytest.mark.skipif(not chromium.find(), reason=f"no Chromium: set {chromium.VARIABLE}")
def test_all_pictures_are_taken(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "examples" / "screenshots.py"), "--output", str(tmp_path)]
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-2000:]
    assert {path.name for path in tmp_path.iterdir()} == PICTURES
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in tmp_path.iterdir())


def test_the_pictures_of_the_documentation_are_there_and_small() -> None:
    pictures = {path.name: path.stat().st_size for path in (ROOT / "docs" / "images").glob("*.png")}
    assert set(pictures) >= PICTURES
    assert all(size <= 150_000 for size in pictures.values()), pictures
