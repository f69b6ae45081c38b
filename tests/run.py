"""Sets everything up and runs every check: `python3 tests/run.py` on a machine with Python 3.11+ and git.

    python3 tests/run.py           # all
    python3 tests/run.py --fast    # without containers

Fast checks come first. What cannot be run here (no Docker daemon, no download) is skipped and said at the end; with
GITHUB_ACTIONS set in the environment that is a failure.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from fresh import ROOT, environment  # type: ignore[import-not-found]

CACHE = ROOT / ".cache"
NOT_HERE = 3  # what tests.e2e.prepare says on a machine that cannot have containers


def packages(python: Path) -> bool:
    """Downloads the packages with real models, by hash; False when that cannot be done here."""
    target = CACHE / "packages"
    target.mkdir(parents=True, exist_ok=True)
    listed = ROOT / "tests" / "packages.txt"
    names = [line.split("==")[0] for line in listed.read_text().splitlines() if "==" in line]
    have = {path.name.lower().replace("_", "-").split("-")[0] for path in target.glob("*.whl")}
    if all(name.split("-")[0] in have for name in names):
        return True
    command = [str(python), "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps"]
    done = subprocess.run([*command, "--require-hashes", "-r", str(listed), "-d", str(target)], check=False)
    return done.returncode == 0


def _run(name: str, command: list[str], tools: Path) -> bool:
    """Whether the step passed; tells how long it took."""
    start = time.monotonic()
    print(f"\n== {name}: {' '.join(Path(c).name if c.startswith('/') else c for c in command)}", flush=True)
    env = os.environ | {"PATH": f"{tools}:{os.environ.get('PATH', '')}"}
    passed = subprocess.run(command, cwd=ROOT, check=False, env=env).returncode == 0
    print(f"== {name}: {'ok' if passed else 'FAILED'} in {time.monotonic() - start:.0f} s", flush=True)
    return passed


def main() -> int:
    """0 when everything that was run passed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fast", action="store_true", help="without the container tests")
    options = parser.parse_args()
    python = environment("requirements-dev.lock", ROOT / ".venv")
    tools = python.parent
    workers = str(min(4, os.cpu_count() or 1))
    skipped = []
    if not packages(python):
        skipped.append("real models: the pinned packages could not be downloaded")
    pytest = [str(python), "-m", "pytest", "-q"]
    steps: list[tuple[str, list[str]]] = [
        ("lint", [str(tools / "ruff"), "check", "."]),
        ("format", [str(tools / "ruff"), "format", "--check", "."]),
        ("types", [str(tools / "mypy")]),
        ("tests", [*pytest, "-n", workers, "-m", "not container and not packages"]),
        ("real models", [*pytest, "-m", "packages"]),
    ]
    failed = [name for name, command in steps if not _run(name, command, tools)]
    if not options.fast:
        prepare = [str(python), "-m", "tests.e2e.prepare"]
        code = subprocess.run(prepare, cwd=ROOT, check=False).returncode
        if code == NOT_HERE:
            skipped.append("containers: no Docker daemon, base image or emulator can be had here (see above)")
        elif code or not _run("containers", [*pytest, "-n", workers, "-m", "container"], tools):
            failed.append("containers")
        subprocess.run([*prepare, "--stop"], cwd=ROOT, check=False)
    print()
    for reason in skipped:
        print(f"!!!! SKIPPED !!!! {reason}")
    if skipped and os.environ.get("GITHUB_ACTIONS"):
        failed.append("a hosted runner has all that is needed, so nothing may be skipped there")
    print(f"FAILED: {', '.join(failed)}" if failed else "all checks passed")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
