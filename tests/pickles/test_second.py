"""fickling's opinion counts where it is worse, is not asked where it would cost too much, and cannot hang a scan."""

from __future__ import annotations

import pickle
import signal

import pytest

from mlgate.pickles import second
from mlgate.pickles.scan import Scan
from mlgate.records import Artifact, Finding, Severity
from mlgate.sources import BytesSource
from tests.builders import pickles as build


def opinions(data: bytes) -> list[Finding]:
    artifact = Artifact(path="m.pkl", name="m.pkl", source=BytesSource(data), head=data[:4096])
    return [
        f for f in Scan(artifact).findings() if isinstance(f, Finding) and f.rule.id in ("MLG-PKL-013", "MLG-PKL-014")
    ]


def test_a_name_that_only_fickling_knows_is_raised_to_its_rating() -> None:
    data = build.proto(2) + build.glob("difflib", "Differ") + b")\x81."
    assert [(f.rule.id, f.severity) for f in opinions(data)] == [("MLG-PKL-013", Severity.HIGH)]


@pytest.mark.parametrize(
    "data",
    [
        build.ordinary(4),
        build.own_class(),
        build.os_system(),
        build.proto(2) + build.call(build.glob("functools", "partial"), build.glob("numpy", "log1p")) + b".",
        build.proto(2) + build.call(build.glob("uuid", "UUID"), build.text("0" * 32)) + b".",
    ],
)
def test_its_words_on_what_is_argued_already_add_nothing(data: bytes) -> None:
    assert opinions(data) == []


def test_large_streams_are_not_given_to_it_and_that_is_said() -> None:
    data = pickle.dumps([build.own_class(), complex(1, 2), "x" * second.BUDGET])
    assert [(f.rule.id, f.severity, f.evidence) for f in opinions(data)] == [
        ("MLG-PKL-014", Severity.INFO, "too large")
    ]


def test_what_it_cannot_finish_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(second, "_SECONDS", 1)
    before = signal.getsignal(signal.SIGVTALRM)
    body = b"".join(b"(h" + bytes([i]) + b"h" + bytes([i]) + b"lq" + bytes([i + 1]) for i in range(60))
    data = b"]q\x00" + body + build.glob("collections", "OrderedDict") + b"h\x3c\x85R."
    assert [f.evidence for f in opinions(data)] == ["too slow"]
    assert signal.getsignal(signal.SIGVTALRM) is before
