from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from mlgate import cli
from mlgate.errors import Exit, Incomplete
from mlgate.pickles.scan import Scan
from mlgate.records import Artifact, Explanation, Finding, Limits
from mlgate.sources import BytesSource
from tests.builders import pickles as build


def explain(data: bytes, lines: int = 50) -> list[list[str]]:
    source = BytesSource(data)
    artifact = Artifact(path="m.pkl", name="m.pkl", source=source, head=data[:4096], limits=Limits(explain=lines))
    found: list[Finding | Explanation] = []
    try:
        found.extend(Scan(artifact).findings())  # extend keeps what came before the stop
    except Incomplete:
        assert isinstance(found[-1], Explanation)
    return [list(said.lines) for said in found if isinstance(said, Explanation)]


def plain(lines: list[str]) -> list[str]:
    return [line.rpartition("  # byte ")[0] for line in lines]


def test_calls_get_names_and_are_used_by_them() -> None:
    getter = build.call(
        build.glob("builtins", "getattr"),
        build.call(build.glob("builtins", "__import__"), build.text("os")),
        build.text("system"),
    )
    data = build.proto(4) + getter + b"\x940" + build.call(b"h\x00", build.text("echo")) + b"."
    assert plain(explain(data)[0]) == [
        "from builtins import getattr",
        "from builtins import __import__",
        '_0 = builtins.__import__("os")',
        '_1 = builtins.getattr(_0, "system")',
        '_2 = _1("echo")',
        "result = _2",
    ]


def test_instances_state_and_changes() -> None:
    data = build.proto(2) + build.glob("app", "Rec") + b")\x81}X\x01\0\0\0kK\x01sb" + b"(X\x01\0\0\0kK\x02u."
    assert plain(explain(data)[0]) == [
        "from app import Rec",
        "_0 = app.Rec.__new__(app.Rec)",
        '_0.__setstate__({"k": 1})',
        '_0.update(["k", 2])',
        "result = _0",
    ]


def test_the_offset_is_where_the_opcode_stands() -> None:
    data = build.proto(2) + build.SYSTEM + build.args(build.text("x")) + b"R."
    line = explain(data)[0][1]
    assert data[int(line.rpartition(" ")[2])] == ord("R")


def test_a_stream_that_breaks_says_so_after_what_it_did() -> None:
    data = build.proto(2) + build.SYSTEM + build.args(build.text("x")) + b"R\xff"
    assert [line.partition("(")[0] for line in plain(explain(data)[0])] == [
        "from os import system",
        "_0 = os.system",
        "raise UnpicklingError",
    ]


def test_long_accounts_are_cut_and_say_by_how_much() -> None:
    data = build.proto(2) + build.glob("app", "Rec") + b"0" + (build.glob("app", "Rec") + b")\x810") * 30 + b"N."
    (lines,) = explain(data, 5)
    assert len(lines) == 7
    assert lines[5] == "# ... 26 more"
    assert plain(lines)[6] == "result = None"


def test_one_pickle_after_another_and_one_inside() -> None:
    inner = build.os_system()
    assert len(explain(inner + inner)) == 2
    nested = explain(build.proto(4) + build.data(inner) + b".")
    assert any("os.system" in line for line in nested[0])
    assert plain(nested[1])[-1].startswith('result = b"')


def test_hostile_names_stay_on_their_line() -> None:
    data = build.proto(4) + build.short("a\nb") + build.short("c\x1b[2J") + b"\x93."
    (lines,) = explain(data)
    assert all(line.isascii() and line.isprintable() for line in lines)


def test_check_explains_members_of_archives(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with zipfile.ZipFile(tmp_path / "m.pt", "w") as archive:
        archive.writestr("m/data.pkl", build.os_system())
        archive.writestr("m/version", "3\n")
    assert cli.main(["check", str(tmp_path / "m.pt"), "--explain"]) == Exit.FAIL
    text = capsys.readouterr().out
    assert "m.pt!m/data.pkl, pickle at byte 0:\n    from os import system  # byte" in text
    assert text.index("= os.system(") < text.index("FAIL")


def test_explanations_are_for_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "m.pkl").write_bytes(build.os_system())
    assert cli.main(["check", str(tmp_path / "m.pkl"), "--explain", "--format", "json"]) == Exit.USAGE
    assert "--explain" in capsys.readouterr().err
    cli.main(["check", str(tmp_path / "m.pkl"), "--format", "json"])
    assert json.loads(capsys.readouterr().out)["verdict"] == "fail"
