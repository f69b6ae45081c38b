"""Sets everything up and runs every check: `python3 tests/run.py` on a machine with Python 3.11+ and git.

    python3 tests/run.py           # all
    python3 tests/run.py --fast    # without containers

Fast checks come first. What cannot be run here (no Docker daemon, no download) is skipped and said at the end.
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
    if not options.fast:
        prepared = subprocess.run([str(python), "-m", "tests.e2e.prepare"], cwd=ROOT, check=False)
        if prepared.returncode == 0:
            steps.append(("containers", [*pytest, "-m", "container", "-p", "no:randomly"]))
        else:
            skipped.append("containers: no Docker daemon, image or emulator could be had (see above)")
    failed = []
    for name, command in steps:
        start = time.monotonic()
        print(f"\n== {name}: {' '.join(Path(c).name if c.startswith('/') else c for c in command)}", flush=True)
        env = os.environ | {"PATH": f"{tools}:{os.environ.get('PATH', '')}"}
        done = subprocess.run(command, cwd=ROOT, check=False, env=env)
        print(
            f"== {name}: {'ok' if done.returncode == 0 else 'FAILED'} in {time.monotonic() - start:.0f} s", flush=True
        )
        if done.returncode != 0:
            failed.append(name)
            if name in {"lint", "format", "types", "tests"}:
                continue
    print()
    for reason in skipped:
        print(f"!!!! SKIPPED !!!! {reason}")
    print(f"FAILED: {', '.join(failed)}" if failed else "all checks passed")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
