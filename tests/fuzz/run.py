"""Fuzzes a reader, or all of them: `python tests/fuzz/run.py READER --seconds N`.

Seeds are the files that the tests build for the readers (kept by tests/fuzz/record.py). With atheris installed
(`pip install --require-hashes -r requirements-fuzz.lock`, Python 3.11 to 3.13) its coverage guides the mutation; with
--random, or without atheris, a plain mutator makes the files. What is looked for: a reader that raises anything but
Incomplete, an input that takes over 2 s of processor time per 100 KB, memory that grows by over 200 MB, and a line that
the parent process would not read. Each defect's smallest file stays in .cache/fuzz/defects; the exit code is 1 then.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from mlgate.identify import HEAD, identify  # noqa: E402
from mlgate.records import Artifact  # noqa: E402
from mlgate.registry import inspectors  # noqa: E402
from mlgate.sources import BytesSource  # noqa: E402
from tests.fuzz.look import Defect, Watcher  # noqa: E402
from tests.fuzz.mutate import LARGEST, Mutator  # noqa: E402

CACHE = ROOT / ".cache" / "fuzz"
DEFECTS = CACHE / "defects"
Seed = tuple[str, bytes]


def record(folder: Path) -> None:
    """Runs the readers' tests once to get what they build."""
    print("recording seeds from the tests ...", flush=True)
    parts = ["inspectors", "installs", "manifests", "references", "pickles"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.fuzz.record", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, *(f"tests/{part}" for part in parts)],
        cwd=ROOT,
        env=os.environ | {"MLGATE_SEEDS": str(folder)},
        stdout=subprocess.DEVNULL,
        check=False,
    )
    if done.returncode:
        print(f"the tests ended with {done.returncode}; the seeds are what they built until then", flush=True)


def seeds_for(reader: str, folder: Path) -> list[Seed]:
    """The (name, bytes) of all seeds that the reader claims; of all for "all" and for a reader that claims none."""
    chosen = next((each for each in inspectors() if each.name == reader), None)
    found, everything = [], []
    for file in sorted(folder.iterdir()):
        name, data = file.name.partition("~")[2], file.read_bytes()
        source, head = BytesSource(data), data[:HEAD]
        artifact = Artifact(path=name, name=name, source=source, head=head, formats=identify(source, head))
        everything.append((name, data))
        if chosen is None or chosen.claims(artifact):
            found.append((name, data))
    return found or everything


def keep(defect: Defect, name: str, data: bytes, watcher: Watcher) -> Path:
    """Makes the file as small as it can be with the same defect, and writes it."""
    key = hashlib.sha256(f"{defect.kind} {defect.detail}".encode()).hexdigest()[:10]
    file = DEFECTS / f"{defect.kind}-{key}~{name}"
    if any(DEFECTS.glob(f"{defect.kind}-{key}~*")):
        return file
    DEFECTS.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    print(f"\n{defect.kind}: {defect.detail} ({name}, {len(data)} bytes)", flush=True)
    if defect.kind != "endless":
        data = minimise(defect, name, data, watcher)
        file.write_bytes(data)
    print(f"  {len(data)} bytes left: {file.relative_to(ROOT)}", flush=True)
    return file


def minimise(defect: Defect, name: str, data: bytes, watcher: Watcher) -> bytes:
    """Takes pieces out, halves first, as long as the same defect stays; 30 s at most."""
    until = time.monotonic() + 30
    size = len(data) // 2
    while size:
        at = 0
        while at < len(data) and time.monotonic() < until:
            shorter = data[:at] + data[at + size :]
            if watcher.look(name, shorter) == defect:
                data = shorter
            else:
                at += size
        size //= 2
    return data


def plain(reader: str, seeds: list[Seed], seconds: float, number: int) -> int:
    """The mutator's loop. Returns how many files were looked at."""
    watcher = Watcher(reader)
    mutator = Mutator([data for _, data in seeds], number)
    for name, data in seeds:
        if defect := watcher.look(name, data):
            keep(defect, name, data, watcher)
    until, count = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        name, data = seeds[(count * 7919 + count // len(seeds)) % len(seeds)]
        data = mutator.mutate(data)
        count += 1
        if defect := watcher.look(name, data):
            keep(defect, name, data, watcher)
    return count


def guided(reader: str, seeds: list[Seed], seconds: float, number: int) -> None:
    """Runs atheris in a process of its own, because libFuzzer ends the one it is in."""
    corpus = CACHE / "corpus" / (reader or "all")
    corpus.mkdir(parents=True, exist_ok=True)
    names = sorted({name for name, _ in seeds})[:65_536]
    (CACHE / "names").write_text("\n".join(names))
    for name, data in seeds:
        content = names.index(name).to_bytes(2, "big") + data
        (corpus / hashlib.sha256(content).hexdigest()[:20]).write_bytes(content)
    command = [sys.executable, str(Path(__file__).with_name("guided.py")), reader, str(corpus)]
    aside = f"-artifact_prefix={CACHE}{os.sep}"
    limits = [aside, f"-max_total_time={seconds:.0f}", f"-seed={number}", f"-max_len={LARGEST}", "-timeout=300"]
    subprocess.run([*command, *limits, "-rss_limit_mb=0", "-verbosity=0"], cwd=ROOT, check=False)


def main() -> int:
    """0 when no defect was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reader", nargs="?", default="all", help="a reader's name, or all (the default)")
    parser.add_argument("--seconds", type=float, default=60, help="for each reader")
    parser.add_argument("--seed", type=int, default=1, help="of the mutator")
    parser.add_argument("--random", action="store_true", help="the plain mutator even when atheris is there")
    parser.add_argument("--again", action="store_true", help="record the seeds anew")
    options = parser.parse_args()
    names = [each.name for each in inspectors()]
    if options.reader not in {*names, "all"}:
        parser.error(f"readers: {', '.join(names)}")
    folder = CACHE / "seeds"
    if options.again or not folder.is_dir():
        record(folder)
    before = set(DEFECTS.glob("*"))
    for reader in names if options.reader == "all" else [options.reader]:
        seeds = seeds_for(reader, folder)
        if not seeds:
            print(f"{reader}: no seeds", flush=True)
        elif options.random or not importlib.util.find_spec("atheris"):
            count = plain(reader, seeds, options.seconds, options.seed)
            print(f"{reader}: {count} files from {len(seeds)} seeds", flush=True)
        else:
            guided(reader, seeds, options.seconds, options.seed)
    found = sorted(set(DEFECTS.glob("*")) - before)
    for file in found:
        print(f"DEFECT {file.relative_to(ROOT)}")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
