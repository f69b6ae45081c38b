"""How often a real name is taken for a typosquat, and how fast: the numbers behind mlgate/policy/typosquats.py.

    python benchmarks/typosquats.py [NAMES.txt ...] [--show 20]

Judges the shipped list's own tail (the names from place 5,001 on) against its first 5,000 as if the tail were unknown,
and then every file of names, one a line, of which those in the list are left out as a scan leaves them out. Prints for
each how many names are told, by which likeness, with examples to look at, and milliseconds a name. Loading the list
has a goal of 20 ms on two cores.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter
from pathlib import Path

from packaging.utils import canonicalize_name

from mlgate.policy import typosquats


def report(label: str, names: list[str], targets: typosquats.Targets, show: int) -> None:
    start = time.perf_counter()
    told = [(name, found) for name in names if (found := typosquats.among(name, targets))]
    each = (time.perf_counter() - start) / max(len(names), 1)
    rate = len(told) / max(len(names), 1)
    print(f"{label}: {len(told):,} of {len(names):,} names told ({rate:.2%}), {each * 1000:.2f} ms a name")
    for how, count in Counter(found.how for _, found in told).most_common():
        print(f"  {count:5,}  {how}")
    for name, found in random.Random(0).sample(told, min(show, len(told))):  # noqa: S311  (examples)
        print(f"         {name} for {found.name} ({found.rank:,}): {found.how}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--show", type=int, default=20)
    options = parser.parse_args()
    start = time.perf_counter()
    known = typosquats.ranks()
    loaded = time.perf_counter()
    targets = typosquats.Targets(list(known)[: typosquats.TARGETS])
    indexed = time.perf_counter()
    print(
        f"list: {len(known):,} names in {(loaded - start) * 1000:.1f} ms, index in {(indexed - loaded) * 1000:.1f} ms"
    )
    report("tail of the list", list(known)[typosquats.TARGETS :], targets, options.show)
    for file in options.files:
        lines = file.read_text(encoding="utf-8").splitlines()
        names = sorted({str(canonicalize_name(line.strip())) for line in lines if line.strip()})
        unknown = [name for name in names if name not in known]
        print(f"{file.name}: {len(names):,} names, of which {len(names) - len(unknown):,} are in the list")
        report(file.name, unknown, targets, options.show)


if __name__ == "__main__":
    main()
