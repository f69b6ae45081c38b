"""How long a user waits before anything happens: `mlgate --version`, and a scan of 200 files without models.

    python benchmarks/startup.py [--files 200] [--runs 7]

Prints the minimum, median and maximum of whole-process wall time in seconds. Goals on two cores: 0.25 s and 1.5 s.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MODULE = '''"""Module {number} of a service that has nothing to do with models."""

from __future__ import annotations

import json
from dataclasses import dataclass


@dataclass
class Record{number}:
    name: str
    value: int = {number}

    def dump(self) -> str:
        return json.dumps({{"name": self.name, "value": self.value}})


def build(names: list[str]) -> list[Record{number}]:
    return [Record{number}(name) for name in names if name]
'''


def repository(root: Path, files: int) -> None:
    """A git repository of plain modules, a README and a pinned requirements file."""
    for number in range(files - 2):
        folder = root / f"package{number % 10}"
        folder.mkdir(exist_ok=True)
        (folder / f"module{number}.py").write_text(MODULE.format(number=number) * 4)
    (root / "README.md").write_text("# A service\n")
    (root / "requirements.txt").write_text("requests==2.32.4\n")
    git = ["git", "-c", "user.name=b", "-c", "user.email=b@example.test", "-c", "init.defaultBranch=main"]
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "all"]):
        subprocess.run([*git, *arguments], cwd=root, check=True)


def measure(command: list[str], runs: int) -> str:
    """min/median/max wall seconds of the command, after one run that is not counted."""
    times = []
    for run in range(runs + 1):
        start = time.perf_counter()
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
        if done.returncode not in {0, 1}:
            raise SystemExit(f"{command} ended with {done.returncode}: {done.stderr.decode()[:500]}")
        if run:
            times.append(time.perf_counter() - start)
    return f"min {min(times):.3f}  median {statistics.median(times):.3f}  max {max(times):.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--runs", type=int, default=7)
    options = parser.parse_args()
    mlgate = [sys.executable, "-m", "mlgate"]
    print(f"python {sys.version.split()[0]}, {os.cpu_count()} cores, {options.runs} runs")
    print(f"mlgate --version                {measure([*mlgate, '--version'], options.runs)}")
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        repository(root, options.files)
        scan = [*mlgate, "scan", str(root), "--no-advisories"]
        print(f"mlgate scan ({options.files} files)         {measure(scan, options.runs)}")


if __name__ == "__main__":
    main()
