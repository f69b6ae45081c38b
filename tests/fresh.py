"""Sets a fresh machine up: a virtual environment from a lock file with hashes, and this project in it."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def environment(lock: str, folder: Path) -> Path:
    """The Python of a virtual environment that holds what the lock file names and this checkout of mlgate.

    Nothing is done when the environment was made from the same lock, pyproject.toml and interpreter.
    """
    if sys.version_info < (3, 11):  # noqa: UP036  (this runs before anything checked it)
        sys.exit("mlgate needs Python 3.11 or newer")
    python = folder / "bin" / "python"
    inputs = [ROOT / lock, ROOT / "pyproject.toml"]
    state = hashlib.sha256(sys.version.encode() + b"".join(path.read_bytes() for path in inputs)).hexdigest()
    stamp = folder / f"made-from-{lock}"
    if python.exists() and stamp.exists() and stamp.read_text() == state:
        return python
    print(f"setting up {folder.name} from {lock} ...", flush=True)
    if not python.exists():
        venv.create(folder, with_pip=True)
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    env = os.environ | {"PIP_REQUIRE_VIRTUALENV": "1"}
    subprocess.run([*pip, "--require-hashes", "-r", str(ROOT / lock)], check=True, env=env)
    # The checkout itself, as a line in a .pth file and a script: no build step, nothing else to download.
    purelib = subprocess.run(
        [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    (Path(purelib) / "mlgate-checkout.pth").write_text(f"{ROOT}\n")
    script = folder / "bin" / "mlgate"
    script.write_text(f"#!{python}\nimport sys\n\nfrom mlgate.cli import main\n\nsys.exit(main())\n")
    script.chmod(0o755)
    stamp.write_text(state)
    return python
