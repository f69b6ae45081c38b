"""torch's files: ordinary ones are complete and clean, payloads are found wherever the loader would run them."""

from __future__ import annotations

import pytest

from mlgate.records import Severity
from tests.builders import archives as build
from tests.builders import pickles
from tests.inspectors.looking import look

_EXTRA = pickles.text("evil") + pickles.os_system()[:-1]


@pytest.mark.parametrize(
    ("data", "form"),
    [
        (build.torch_zip({"w": 16, "b": 4}), "torch"),
        (build.torch_legacy({"w": 16, "b": 4}), "torch-legacy"),
        (build.torchscript(), "torchscript"),
    ],
)
def test_ordinary_checkpoints_are_complete_and_clean(data: bytes, form: str) -> None:
    seen = look(data, "m.pt")
    assert (seen.findings, seen.reasons, seen.formats) == ((), (), (form,))


@pytest.mark.parametrize(
    "data",
    [
        build.torch_zip({"w": 4}, extra=_EXTRA),
        build.torch_zip({"w": 4}, extra=_EXTRA, method=8),
        build.torch_zip({}, pkl=pickles.os_system()),
        build.torch_legacy({"w": 4}, extra=_EXTRA),
        build.archive(build.Entry(name="data.pkl", data=pickles.os_system())),
        build.archive(
            build.Entry(name="m/data.pkl", data=pickles.ordinary(2)), build.Entry(name="m/x", data=pickles.os_system())
        ),
        build.archive(
            build.Entry(name="m/data.pkl", data=pickles.ordinary(2)),
            build.Entry(name="m/version", data=pickles.os_system()),
        ),
        build.archive(
            build.Entry(name="m/constants.pkl", data=pickles.os_system()),
            build.Entry(name="m/data.pkl", data=pickles.breaks_after_payload()),
        ),
    ],
)
def test_payloads_are_found_and_placed(data: bytes) -> None:
    found = [f for f in look(data, "m.pt").findings if f.rule.id == "MLG-PKL-001"]
    assert found
    assert all(f.severity is Severity.CRITICAL and f.location.offset is not None for f in found)


def test_types_of_torchscript_are_no_python_imports_but_only_there() -> None:
    pkl = pickles.proto(2) + pickles.glob("__torch__.net", "Net") + b")\x81."
    assert look(build.torch_zip({}, pkl=pkl), "m.pt").rules == {"MLG-PKL-003"}


def test_members_that_torch_does_not_know_go_round_and_tensors_do_not() -> None:
    data = build.archive(
        build.Entry(name="m/data.pkl", data=build.state_dict({"w": 4})),
        build.Entry(name="m/data/0", data=pickles.protocol_2().ljust(64, b"\0")),
        build.Entry(name="m/data/1", data=pickles.protocol_2()),
    )
    found = [f for f in look(data, "m.pt").findings if f.rule.id == "MLG-PKL-001"]
    assert [f.location.member for f in found] == ["m/data/1"]


def test_a_link_in_a_checkpoint_blocks() -> None:
    data = build.linked("x", "../../etc/passwd", "archive/data.pkl")
    (link,) = [f for f in look(data, "m.pt").findings if f.rule.id.startswith("MLG-ARC")]
    assert (link.rule.id, link.severity) == ("MLG-ARC-008", Severity.HIGH)


def test_missing_and_short_storages_are_told() -> None:
    data = build.archive(
        build.Entry(name="m/data.pkl", data=build.state_dict({"a": 4, "b": 4})),
        build.Entry(name="m/data/1", data=b"12"),
    )
    assert [f.rule.id for f in look(data, "m.pt").findings] == ["MLG-MDL-002", "MLG-MDL-002"]


def test_legacy_sizes_are_checked_to_the_end_of_the_file() -> None:
    whole = build.torch_legacy({"w": 16, "b": 4})
    assert look(whole[:-1], "m.pt").reasons == ("truncated",)
    assert look(whole + b"more", "m.pt").rules == {"MLG-PKL-007"}
    broken = whole[:-24] + b"\x05" + whole[-23:]
    assert look(broken, "m.pt").reasons == ("malformed",)


def test_a_legacy_file_that_is_an_archive_too_is_read_both_ways() -> None:
    data = build.torch_legacy({"w": 4}) + build.torch_zip({"w": 4}, extra=_EXTRA)
    assert "MLG-PKL-001" in look(data, "m.pt").rules


def _module(imported: bytes) -> bytes:
    """A dict's entry: an instance of a class that a persistent id names with its source (_legacy_save)."""
    parts = pickles.args(pickles.text("module"), imported, pickles.text("linear.py"), pickles.text("class Linear"))
    return pickles.text("net") + parts + b"Q)\x81}" + pickles.text("training") + b"\x88sb"


def test_legacy_files_name_the_classes_of_modules_with_their_source() -> None:
    linear = _module(pickles.glob("torch.nn.modules.linear", "Linear"))
    assert look(build.torch_legacy({"w": 4}, extra=linear), "m.pt").rules == set()
    own = look(build.torch_legacy({"w": 4}, extra=_module(pickles.glob("my.net", "Net"))), "m.pt")
    assert {finding.severity for finding in own.findings} == {Severity.MEDIUM}
    popen = _module(pickles.glob("subprocess", "Popen"))
    assert "MLG-PKL-001" in look(build.torch_legacy({"w": 4}, extra=popen), "m.pt").rules
