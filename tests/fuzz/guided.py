"""The atheris side of tests/fuzz/run.py: the first two bytes choose the name, the rest is the file."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

import atheris  # type: ignore[import-untyped,import-not-found,unused-ignore]  # noqa: E402

with atheris.instrument_imports(include=["mlgate"]):
    from mlgate.registry import inspectors
    from tests.fuzz.look import Watcher

    inspectors()  # imports the readers, which have to be instrumented too
from tests.fuzz.mutate import Mutator  # noqa: E402
from tests.fuzz.run import CACHE, keep  # noqa: E402


def main() -> None:
    """Called with the reader's name, the corpus folder and libFuzzer's options."""
    reader, corpus = sys.argv[1], Path(sys.argv[2])
    watcher = Watcher(reader)
    names = (CACHE / "names").read_text().split("\n")
    seeds = [file.read_bytes()[2:] for file in sorted(corpus.iterdir())[:500]]

    def one(data: bytes) -> None:
        if len(data) < 2:
            return
        name = names[int.from_bytes(data[:2], "big") % len(names)]
        if defect := watcher.look(name, data[2:]):
            keep(defect, name, data[2:], watcher)

    def custom(data: bytes, size: int, seed: int) -> bytes:
        if seed % 2:
            return bytes(atheris.Mutate(data, size))
        return data[:2] + Mutator(seeds, seed).mutate(data[2:])[: size - 2]

    atheris.Setup([sys.argv[0], *sys.argv[2:]], one, custom_mutator=custom)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
