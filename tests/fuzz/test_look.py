from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from mlgate.errors import Incomplete
from mlgate.records import Artifact, Inspector, Observation
from tests.builders import safetensors
from tests.fuzz.look import Watcher
from tests.fuzz.mutate import Mutator


def _reader(act: Callable[[], object]) -> tuple[Inspector, ...]:
    def inspect(artifact: Artifact) -> Iterator[Observation]:
        act()
        yield from ()

    return (Inspector(name="r", claims=lambda _: True, inspect=inspect),)


def _incomplete() -> None:
    raise Incomplete("malformed", "on purpose")


def _spin() -> None:
    start = time.process_time()
    while time.process_time() - start < 2.2:
        pass


@pytest.mark.parametrize(
    ("act", "kind"),
    [(lambda: int("x"), "crash"), (lambda: bytearray(300 << 20), "memory"), (_spin, "slow"), (_incomplete, "")],
    ids=["raises", "grows", "takes long", "stops as it should"],
)
def test_what_a_reader_must_not_do_is_seen(act: Callable[[], object], kind: str) -> None:
    defect = Watcher("r", _reader(act)).look("m.bin", b"x")
    assert (defect.kind if defect else "") == kind


def test_mutation_is_repeatable_and_changes_something() -> None:
    seeds = [safetensors.safetensors({"a": ("F16", [2])}), b'{"a": [1, 2]}', b"plain text"]
    made = [[Mutator(seeds, 3).mutate(seed) for seed in seeds] for _ in range(2)]
    assert made[0] == made[1]
    mutator = Mutator(seeds, 4)
    assert len({mutator.mutate(seed) for seed in seeds for _ in range(200)}) > 300
