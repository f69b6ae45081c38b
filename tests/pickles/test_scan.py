"""Each known trick gives its finding, and what ordinary programs save gives none."""

from __future__ import annotations

import base64
import pickle
from collections.abc import Callable

import pytest

from mlgate.errors import Incomplete
from mlgate.pickles.scan import Scan
from mlgate.records import Artifact, Explanation, Finding, Severity
from mlgate.sources import BytesSource
from tests.builders import pickles as build


def look(data: bytes) -> tuple[list[Finding], str]:
    """Findings without notes, and why the look ended early."""
    scan = Scan(Artifact(path="m.pkl", name="m.pkl", source=BytesSource(data), head=data[:4096]))
    found: list[Finding | Explanation] = []
    reason = ""
    try:
        found.extend(scan.findings())  # extend keeps what came before the stop
    except Incomplete as stop:
        reason = stop.reason
    return [f for f in found if isinstance(f, Finding) and f.rule.id != "MLG-PKL-014"], reason


@pytest.mark.parametrize(
    ("make", "evidence"),
    [
        (build.os_system, 'os.system("echo pwned")'),
        (build.protocol_2, 'posix.system("echo pwned")'),
        (build.by_stack_global, 'os.system("echo pwned")'),
        (build.names_from_memo, 'os.system("id")'),
        (build.name_computed, '<computed>.system("id")'),
        (build.dotted, 'logging.os.system("id")'),
        (build.python_2_builtin, 'builtins.eval("1+1")'),
        (build.inst, 'os.system("id")'),
        (build.obj_then_pop, 'os.system("id")'),
        (build.newobj, 'subprocess.Popen("id")'),
        (build.newobj_ex, 'subprocess.Popen("id", **{"shell": True})'),
        (build.getattr_chain, 'builtins.getattr(builtins.__import__("os"), "system")("id")'),
        (build.attrgetter_chain, 'operator.attrgetter("system")(importlib.import_module("os"))("id")'),
        (build.partial, 'functools.partial(os.system, "id")()'),
        (build.ufunc_import, 'numpy.core._ufunc_reconstruct("os", "system")("id")'),
        (build.reconstructor, "copyreg._reconstructor(subprocess.Popen, builtins.object, None)"),
        (build.payload_in_second_stream, 'os.system("echo pwned")'),
        (build.payload_nested, 'posix.system("echo pwned")'),
    ],
)
def test_dangerous_calls_are_critical_and_shown_as_python(make: Callable[[], bytes], evidence: str) -> None:
    found, stopped = look(make())
    calls = {f.evidence: f for f in found if f.rule.id == "MLG-PKL-001"}
    assert stopped == ""
    assert calls[evidence].severity is Severity.CRITICAL
    assert calls[evidence].location.offset is not None


@pytest.mark.parametrize(
    ("make", "name"),
    [(build.getattr_chain, "os.system"), (build.attrgetter_chain, "os.system"), (build.ufunc_import, "os.system")],
)
def test_the_end_of_a_chain_is_named(make: Callable[[], bytes], name: str) -> None:
    assert name in {f.fact("global") for f in look(make())[0]}


@pytest.mark.parametrize(
    ("make", "rule", "severity"),
    [
        (build.partial_rewired, "MLG-PKL-002", Severity.HIGH),
        (build.build_changes_class, "MLG-PKL-015", Severity.HIGH),
        (build.item_of_import, "MLG-PKL-015", Severity.HIGH),
        (build.extension, "MLG-PKL-008", Severity.HIGH),
        (build.persistent, "MLG-PKL-009", Severity.MEDIUM),
        (build.codec, "MLG-PKL-005", Severity.HIGH),
        (build.frame_straddled, "MLG-PKL-012", Severity.HIGH),
        (build.frame_divergence, "MLG-PKL-012", Severity.HIGH),
        (build.payload_nested, "MLG-PKL-006", Severity.LOW),
        (build.own_function, "MLG-PKL-004", Severity.HIGH),
    ],
)
def test_other_tricks_have_their_rule(make: Callable[[], bytes], rule: str, severity: Severity) -> None:
    assert (rule, severity) in {(f.rule.id, f.severity) for f in look(make())[0]}


@pytest.mark.parametrize(
    ("make", "reason"), [(build.breaks_after_payload, "malformed"), (build.truncated_after_payload, "truncated")]
)
def test_a_payload_before_the_break_is_reported(make: Callable[[], bytes], reason: str) -> None:
    found, stopped = look(make())
    assert stopped == reason
    assert {"MLG-PKL-001", "MLG-PKL-010"} <= {f.rule.id for f in found}


def test_callables_that_safe_functions_are_given_decide() -> None:
    assert "MLG-PKL-001" in {f.rule.id for f in look(build.random_generator(build.SYSTEM))[0]}
    own = look(build.random_generator(build.glob("mycorp.io", "rebuild")))[0]
    assert ("MLG-PKL-004", Severity.HIGH) in {(f.rule.id, f.severity) for f in own}
    ordinary = build.random_generator(build.glob("numpy.random._pickle", "__bit_generator_ctor"))
    assert look(ordinary) == ([], "")
    assert {f.rule.id for f in look(build.booster_from_file())[0]} == {"MLG-PKL-005"}


def test_an_own_class_is_medium_and_decided_by_policy() -> None:
    found, stopped = look(build.own_class())
    assert stopped == ""
    assert [(f.rule.id, f.severity, f.fact("global"), f.rule.clause) for f in found] == [
        ("MLG-PKL-003", Severity.MEDIUM, "mycorp.nn.Encoder", "models.pickle.unknown-globals")
    ]


@pytest.mark.parametrize("version", range(6))
def test_ordinary_data_gives_nothing(version: int) -> None:
    assert look(build.ordinary(version)) == ([], "")


@pytest.mark.parametrize(
    "data",
    [
        # Python 3.4, protocol 2: collections under the name of one of the modules it was put together from
        b"\x80\x02cUserString\ndefaultdict\nc__builtin__\nlong\n\x85R.",
        # scikit-learn 0.18, protocol 0: a class of dict with its content
        b"ccopy_reg\n_reconstructor\n(csklearn.datasets.base\nBunch\nc__builtin__\ndict\n(dS'a'\nNstR.",
    ],
)
def test_old_spellings_of_harmless_names(data: bytes) -> None:
    assert look(data) == ([], "")


def test_data_after_stop_is_low_and_padding_is_nothing() -> None:
    assert [(f.rule.id, f.severity) for f in look(build.ordinary(2) + b"hello")[0]] == [("MLG-PKL-007", Severity.LOW)]
    assert look(build.ordinary(2) + b"\0\0\r\n") == ([], "")


def test_pickles_in_pickles_are_looked_at_or_incomplete() -> None:
    for count in (1, 4, 5, 6, 50):
        found, reason = look(build.payload_nested_times(count))
        told = {f.rule.id for f in found}
        assert ("MLG-PKL-001" in told, reason) == ((True, "") if count <= 4 else (False, "limit"))
    assert look(build.ordinary(2) + b"\xff" + build.payload_nested_times(1))[1] == "limit"
    hashes = build.proto(4) + b"(" + b"".join(b"C\x10" + bytes([n]) * 16 for n in range(256)) + b"t."
    assert look(hashes) == ([], "")


def test_bombs_end_in_their_bounds() -> None:
    assert look(build.memo_bomb(150_000))[1] == "limit"
    assert look(build.marks(300_000))[1] == "limit"
    assert look(build.nested_tuples(300_000))[1] == ""
    found, _ = look(build.laughs(60))
    assert "MLG-PKL-001" in {f.rule.id for f in found}
    assert all(len(f.message) < 600 and len(f.evidence) <= 300 for f in found)


@pytest.mark.parametrize("count", [1, 201, 2_001])
def test_no_storage_in_a_plain_pickle_goes_unread(count: int) -> None:
    found, stopped = look(build.storage_after_many(count))
    assert "MLG-PKL-001" in {finding.rule.id for finding in found}
    assert stopped == ""


def test_storages_in_storages_are_read_or_incomplete() -> None:
    assert "MLG-PKL-001" in {finding.rule.id for finding in look(build.storages_in_storages(4))[0]}
    assert look(build.storages_in_storages(5))[1] == "limit"
    assert look(build.broken_storage())[1] == "truncated"


@pytest.mark.parametrize("payload", [build.os_system(), build.protocol_2(), build.by_stack_global()])
def test_pickles_behind_bytes_that_are_none_are_found(payload: bytes) -> None:
    found, stopped = look(build.behind_raw_bytes(payload))
    assert {finding.rule.id for finding in found} == {"MLG-PKL-007", "MLG-PKL-001"}
    assert stopped == ""


@pytest.mark.parametrize(
    "rest", [bytes(range(256)) * 500, b"chapter\none\n" * 500, b"csys\nexit\n", b"\x80\x02cos\nsystem\n\xff"]
)
def test_other_bytes_behind_a_pickle_are_only_told(rest: bytes) -> None:
    found, stopped = look(build.ordinary(2) + b"\xff" + rest)
    assert [finding.rule.id for finding in found] == ["MLG-PKL-007"]
    assert stopped == ""


def test_logs_of_many_streams_are_read_to_the_end() -> None:
    assert look(build.many_streams(3_000)) == ([], "")
    assert "MLG-PKL-001" in {f.rule.id for f in look(build.many_streams(3_000) + build.os_system())[0]}


@pytest.mark.parametrize("between", [0, 5])
def test_names_from_the_memo_of_older_streams_are_known(between: int) -> None:
    assert "MLG-PKL-001" in {f.rule.id for f in look(build.memo_of_an_older_stream(between))[0]}


def test_memos_of_streams_long_ago_are_missed_and_it_is_said() -> None:
    assert look(build.memo_of_an_older_stream(50))[1] == "malformed"


def test_too_many_streams_are_incomplete() -> None:
    assert look((build.proto(4) + b"N.") * 10_001)[1] == "limit"
    assert look((build.proto(4) + b"N.") * 9_999)[1] == ""


def test_programs_without_end_behind_a_pickle_are_incomplete(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlgate.pickles.scan._EFFORT", 100_000)
    assert look(build.ordinary(2) + b"\xff" + b"\x80\x04\x95" * 30_000)[1] == "limit"


def test_programs_behind_a_pickle_count_by_what_they_do_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mlgate.pickles.scan._EFFORT", 2_000_000)
    assert look(build.ordinary(2) + b"\xff" + (build.proto(4) + build.frame(b"", 8)) * 400)[1] == "limit"


@pytest.mark.parametrize("encoding", ["base64", "base64url", "hex"])
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_payload_as_text_is_read_as_if_it_were_loaded(encoding: str, protocol: int) -> None:
    found, stopped = look(build.payload_as_text(encoding, protocol))
    assert stopped == ""
    assert {f.rule.id for f in found} == {"MLG-PKL-001", "MLG-PKL-006"}
    assert all("nested" in f.message or encoding[:6] in f.message for f in found)


@pytest.mark.parametrize(
    "text", ["gASV no Base64 at all, but long enough", "8004958g" * 8, "gARh" * 20, "8002" + "7d2e" * 20]
)
def test_text_that_only_begins_like_an_encoded_pickle_is_text(text: str) -> None:
    assert look(pickle.dumps([text, text.encode()])) == ([], "")


def test_a_harmless_pickle_as_text_is_nothing_to_speak_of() -> None:
    inner = pickle.dumps({"weights": list(range(50))})
    assert look(pickle.dumps([base64.b64encode(inner).decode(), inner.hex()])) == ([], "")


@pytest.mark.parametrize(
    ("rest", "kind"),
    [
        (build.elf(), "ELF"),
        (bytes(512) + build.elf(), "ELF"),
        (bytes((1 << 20) - 3) + build.elf(), "ELF"),
        (build.windows_program(), "PE"),
        (b"\xcf\xfa\xed\xfe\x0c\0\0\x01" + bytes(24), "Mach-O"),
        (build.windows_program(b"XX"), None),
        (b"MZ" + bytes(200), None),
        (b"\x7fELF" + bytes(60), None),
    ],
)
def test_a_program_behind_the_end_blocks(rest: bytes, kind: str | None) -> None:
    found, _ = look(build.ordinary(2) + rest)
    programs = [(f.evidence, f.severity) for f in found if f.rule.id == "MLG-PKL-017"]
    assert programs == ([(kind, Severity.HIGH)] if kind else [])
