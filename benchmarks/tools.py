"""The scanners that are compared, each in a virtual environment of its own, and how their answers are read."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import venv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from measure import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How many files the tool says it scanned, found bad, and could not (fully) read; None: it does not say."""

    scanned: int | None
    blocked: int | None
    incomplete: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A scanner: what to install, the arguments for a folder or a file, and the reading of its answer."""

    name: str
    requirement: str
    arguments: Callable[[Path], list[str]]
    read: Callable[[Run], Answer]
    besides: str = ""  # what it needs and does not install by itself


def _json(text: str) -> Any:
    start = text.find("{")
    try:
        return json.loads(text[start:], strict=False) if start >= 0 else None
    except ValueError:
        return None


def _mlgate(run: Run) -> Answer:
    answer = _json(run.stdout)
    if not isinstance(answer, dict):
        return Answer(scanned=None, blocked=None, incomplete=None)
    blocking = [found for found in answer["findings"] if found.get("action") == "block"]
    bad = {found["path"] for found in blocking if not found["rule"].startswith("MLG-INC")}
    unread = {found["path"] for found in blocking if found["rule"].startswith("MLG-INC")}
    return Answer(scanned=len(answer["scanned"]), blocked=len(bad), incomplete=len(unread - bad))


def _picklescan(run: Run) -> Answer:
    numbers = {key: int(value) for key, value in re.findall(r"^(\w+ files): (\d+)", run.stdout, re.MULTILINE)}
    said = re.findall(r"^ERROR: \w+ [\w ]+ in (.+?): ", run.stdout + run.stderr, re.MULTILINE)
    return Answer(
        scanned=numbers.get("Scanned files"), blocked=numbers.get("Infected files"), incomplete=len(set(said))
    )


def _modelscan(run: Run) -> Answer:
    answer = _json(run.stdout[run.stdout.find('{"summary"') :])
    if not isinstance(answer, dict):
        return Answer(scanned=None, blocked=None, incomplete=None)

    def files(entries: list[dict[str, Any]]) -> set[str]:
        return {str(entry.get("source", "")).split(":", 1)[0] for entry in entries}

    bad = files(answer["issues"])
    scanned = answer["summary"].get("scanned", {}).get("total_scanned")
    return Answer(scanned=scanned, blocked=len(bad), incomplete=len(files(answer["errors"]) - bad))


def _hayward(run: Run) -> Answer:
    answer = _json(run.stdout)
    if not isinstance(answer, dict):
        return Answer(scanned=None, blocked=None, incomplete=None)
    bad = {entry["file"] for entry in answer["findings"] if entry["severity"] in {"critical", "high"}}
    gaps = {str(gap["file"] if isinstance(gap, dict) else gap) for gap in answer["coverage_gaps"]}
    scanned = len(re.findall(r"^hayward: scanned ", run.stderr, re.MULTILINE))
    # a single file is scanned without a word
    return Answer(scanned=scanned or None, blocked=len(bad), incomplete=len(gaps - bad))


def _scan(target: Path) -> list[str]:
    return ["scan", str(target), "--no-advisories", "--format", "json"]


def _check(target: Path) -> list[str]:
    # a file, or all files of a folder, at once
    files = sorted(str(file) for file in target.rglob("*") if file.is_file() and ".git" not in file.parts)
    return ["check", "--format", "json", *(files or [str(target)])]


MLGATE_SCAN = Tool(name="mlgate scan", requirement="", arguments=_scan, read=_mlgate)
MLGATE_CHECK = Tool(name="mlgate check", requirement="", arguments=_check, read=_mlgate)
PEERS = (
    Tool(
        name="picklescan",
        requirement="picklescan==1.0.5",
        arguments=lambda target: ["-p", str(target)],
        read=_picklescan,
        besides="numpy==2.4.6",  # without it the scan of a folder ends at the first npz
    ),
    Tool(
        name="modelscan",
        requirement="modelscan[h5py]==0.8.8",
        arguments=lambda target: ["scan", "-p", str(target), "-r", "json"],
        read=_modelscan,
        besides="numpy==1.26.4",  # with numpy 2 no npy file can be read
    ),
    Tool(
        name="hayward",
        requirement="hayward==1.4.1",
        arguments=lambda target: ["scan", "-f", "json", "--verbose", "--jobs", str(os.cpu_count() or 1), str(target)],
        read=_hayward,
    ),
)


def program(tool: Tool, cache: Path) -> Path | str:
    """The tool's program, installed when it is not there yet, or the reason why it cannot be had."""
    if not tool.requirement:
        own = Path(sys.executable).with_name("mlgate")
        return own if own.exists() else "mlgate is not installed beside this Python"
    folder = cache / "tools" / re.sub(r"[^\w.]+", "-", tool.requirement)
    script = folder / "bin" / tool.name
    if not script.exists():
        print(f"installing {tool.requirement} ...", flush=True)
        venv.create(folder, with_pip=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        wanted = [tool.requirement, *filter(None, [tool.besides])]
        done = subprocess.run([*pip, *wanted], capture_output=True, text=True, check=False)
        if done.returncode:
            lines = done.stderr.strip().splitlines() or ["pip failed"]
            return f"does not install: {lines[-1][:120]}"
    return script if script.exists() else f"has no program {tool.name}"
