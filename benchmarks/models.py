"""mlgate beside other model scanners, in one run on the same files.

    python benchmarks/models.py [--corpus NAME]... [--size-scale 1] [--runs 3] [--out results.md]
    python benchmarks/models.py --detect DIR [--out results.md]

Corpora and tools (each in a virtual environment of its own, pinned) are made in --cache. Of each run are measured:
wall seconds, processor seconds of the process and its children, the peak of the summed resident memory of the process
tree (sampled every 20 ms; pages that processes share count in each), and what the tool says of itself. Plain SHA-256
over the same bytes on all cores is the floor for a tool that identifies what it looked at. With --detect each tool
gets each file of a folder alone, and the table says what it did with it.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from corpora import NAMES, build
from measure import Run, hashes, run
from tools import MLGATE_CHECK, MLGATE_SCAN, PEERS, Answer, Tool, program

_MB = 1 << 20


def _number(value: int | None) -> str:
    return "—" if value is None else f"{value:,}"


def _row(name: str, runs: list[Run], answer: Answer) -> str:
    last = runs[-1]
    wall, cpu = (statistics.median(getattr(each, field) for each in runs) for field in ("wall", "cpu"))
    memory = statistics.median(each.memory for each in runs) / _MB
    code = "stopped" if last.code is None else str(last.code)
    cells = (f"{wall:.2f}", f"{cpu:.2f}", f"{memory:.0f}", code)
    said = (_number(answer.scanned), _number(answer.blocked), _number(answer.incomplete))
    return f"| {name} | {' | '.join((*cells, *said))} |"


def compare(name: str, folder: Path, options: argparse.Namespace) -> list[str]:
    """The table of one corpus."""
    files = [path for path in folder.rglob("*") if path.is_file() and ".git" not in path.relative_to(folder).parts]
    size = sum(file.stat().st_size for file in files)
    lines = ["", f"### {name}: {len(files):,} files, {size / _MB:,.0f} MB", ""]
    lines += [
        "| Tool | wall s | CPU s | peak MB | exit | scanned | blocked | incomplete |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    floor = [hashes(files) for _ in range(options.runs)]
    wall, cpu = (statistics.median(each[part] for each in floor) for part in (0, 1))
    lines.append(f"| SHA-256 alone | {wall:.2f} | {cpu:.2f} | — | — | {len(files):,} | — | — |")
    for tool in (MLGATE_SCAN, MLGATE_CHECK, *PEERS):
        script = program(tool, options.cache)
        if isinstance(script, str):
            lines.append(f"| {tool.name} | {script} | | | | | | |")
            continue
        command = [str(script), *tool.arguments(folder)]
        runs = [run(command, cwd=folder, timeout=options.timeout) for _ in range(options.runs)]
        lines.append(_row(tool.requirement or tool.name, runs, tool.read(runs[-1])))
        print(lines[-1], flush=True)
    return lines


def _verdict(tool: Tool, script: Path, file: Path, timeout: float) -> str:
    done = run([str(script), *tool.arguments(file)], cwd=file.parent, timeout=timeout)
    answer = tool.read(done)
    if answer.blocked:
        return "blocked"
    if done.code is None:
        return "stopped"
    if answer.incomplete or answer.blocked is None:
        return "incomplete"
    return "passed" if answer.scanned != 0 else "not scanned"


def detect(folder: Path, options: argparse.Namespace) -> list[str]:
    """The table of what each tool says of each file, and how often each said what."""
    tools = {tool: program(tool, options.cache) for tool in (MLGATE_CHECK, *PEERS)}
    ready = {tool: script for tool, script in tools.items() if isinstance(script, Path)}
    lines = [f"- {tool.name}: {script}" for tool, script in tools.items() if isinstance(script, str)]
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.stat().st_size)
    names = [tool.requirement or "mlgate" for tool in ready]
    rows, counts = [], {tool: Counter[str]() for tool in ready}
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        jobs = [
            (file, {tool: pool.submit(_verdict, tool, script, file, options.timeout) for tool, script in ready.items()})
            for file in files
        ]
        for file, each in jobs:
            said = {tool: job.result() for tool, job in each.items()}
            for tool, verdict in said.items():
                counts[tool][verdict] += 1
            name = str(file.relative_to(folder)).replace("|", "\\|")
            rows.append(f"| {name} | {' | '.join(said.values())} |")
    lines += ["", f"| {len(files)} files of {folder.name} | {' | '.join(names)} |", f"|---|{'---|' * len(names)}"]
    for verdict in ("blocked", "incomplete", "stopped", "not scanned", "passed"):
        lines.append(f"| **{verdict}** | {' | '.join(str(counts[tool][verdict]) for tool in ready)} |")
    return [*lines, *rows]


def main() -> int:
    """Prints the tables and, with --out, writes them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", action="append", choices=NAMES, help="may be given more than once (default: all)")
    parser.add_argument("--size-scale", type=float, default=1.0, help="of the built corpora (default 1)")
    parser.add_argument("--runs", type=int, default=3, help="of which the median is printed (default 3)")
    parser.add_argument("--timeout", type=float, default=900.0, help="seconds for one run of a tool (default 900)")
    parser.add_argument("--detect", type=Path, metavar="DIR", help="a folder of hostile files")
    parser.add_argument("--cache", type=Path, default=Path(__file__).resolve().parent.parent / ".cache" / "benchmarks")
    parser.add_argument("--out", type=Path, metavar="FILE")
    options = parser.parse_args()
    lines = [f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}, {options.runs} runs"]
    if options.detect:
        lines += detect(options.detect.resolve(), options)
    for name in options.corpus or ([] if options.detect else NAMES):
        lines += compare(name, build(name, options.size_scale, options.cache), options)
    text = "\n".join(lines) + "\n"
    print(text)
    if options.out:
        options.out.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
