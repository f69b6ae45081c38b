"""Model files that people really ship, from pinned packages that tests/run.py downloads."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from mlgate.identify import promised

WHEELS = Path(__file__).parent.parent / ".cache" / "packages"

pytestmark = [
    pytest.mark.packages,
    pytest.mark.skipif(not any(WHEELS.glob("*.whl")), reason="the pinned packages are not downloaded: tests/run.py"),
]


@pytest.mark.parametrize("package", ["lpips", "silero_vad", "magika", "resemblyzer"])
def test_real_models_are_read_to_the_end_and_not_blocked(package: str, tmp_path: Path) -> None:
    (wheel,) = (path for path in WHEELS.glob("*.whl") if path.name.lower().startswith(package))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    command = [sys.executable, "-m", "mlgate", "scan", str(tmp_path), "--no-advisories", "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    report = json.loads(done.stdout)
    blocked = [f for f in report["findings"] if f["action"] == "block"]
    assert blocked == []
    assert done.returncode == 0
    models = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if promised(path.name)}
    scanned = {entry["path"]: entry["status"] for entry in report["scanned"]}
    assert models
    assert {scanned.get(path) for path in models} == {"complete"}
