"""The machine against CPython's own unpickler: the same imports and calls, in the same order."""

from __future__ import annotations

import io
import itertools
import pickle
import struct
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlgate.errors import Incomplete
from mlgate.pickles.machine import Machine
from mlgate.pickles.names import python3_name
from mlgate.pickles.state import Event
from mlgate.pickles.values import Bag, Call, Global, Opaque, Settled, Value
from mlgate.sources import BytesSource
from tests.builders import pickles as build
from tests.pickles.standins import Seen, record

_CALLS = frozenset({"reduce", "newobj", "newobj_ex", "inst", "obj"})


def watch(data: bytes) -> tuple[list[Seen], bool]:
    """The machine's account in the recorder's words."""
    seen: list[Seen] = []
    machine = Machine(BytesSource(data))
    try:
        for event in machine.run():
            if isinstance(event, Global):
                seen.append(("import", event.raw_module, event.raw_name))
            elif isinstance(event, Opaque):
                seen.append(("persistent",))
            elif isinstance(event, Call) and event.kind in _CALLS:
                callee = event.callee
                label = f"{callee.raw_module}.{callee.raw_name}" if isinstance(callee, Global) else ""
                seen.append(("call", label, str(_count(event))))
            elif isinstance(event, Call) and (event.kind == "build" or _count(event)):
                seen.append((event.kind, ""))
    except Incomplete:
        return seen, False
    return seen, True


def _count(call: Call) -> int | str:
    """How many arguments; "any" for what is no tuple, which only the Python unpickler unpacks."""
    if isinstance(call.args, Bag):
        return call.args.count if call.args.kind == "tuple" or call.kind not in _CALLS else "any"
    return len(call.args) if isinstance(call.args, tuple) else "any"


def begins(ours: list[Seen], real: list[Seen]) -> bool:
    """Whether the machine's account begins with all that CPython did."""
    pairs = zip(merged(ours), merged(real), strict=False)
    same = all(x == y or (x[-1] == "any" and x[:-1] == y[:-1]) for x, y in pairs)
    return same and len(merged(ours)) >= len(merged(real))


def merged(seen: list[Seen]) -> list[Seen]:
    """One opcode that sets several items is several method calls: neighbours count once."""
    kept: list[Seen] = []
    for item in seen:
        if item[0] in ("setitems", "additems", "appends") and kept and kept[-1] == item:
            continue
        kept.append(item)
    return kept


# Pieces of programs: (what they need above the last MARK, what they leave there, bytes).
_PUSH = [
    *(b"N", b"\x88", b"K\x05", b"M\x05\x01", b"J\xff\xff\xff\xff", b"G" + b"\0" * 8, b"I5\n", b"I01\n", b"L7L\n"),
    *(
        b"F1.5\n",
        b"S'a'\n",
        b'S"it\'s"\n',
        b"Vx\\u0041\n",
        b"X\x01\0\0\0z",
        b"\x8c\x02os",
        b"\x8c\x06system",
        b"C\x02ab",
    ),
    *(b"B\x01\0\0\0c", b"T\x01\0\0\0d", b"U\x01e", b"\x8a\x01\x05", b"\x8b\x01\0\0\0\x05", b"]", b"}", b")", b"\x8f"),
    *(b"\x96\x02" + b"\0" * 7 + b"ab", b"cos\nsystem\n", b"cpkg.mod\nClass\n", b"c_x\n_y\n", b"Ppid\n"),
    *(build.stack_global("a.b", "C.d"), build.args(b"K\x01", b"N"), build.glob("m", "f") + b")R"),
    *(build.glob("m", "K") + b")\x81}b", b"}X\x01\0\0\0kNs", b"](K\x01K\x02e"),
]
_STEPS: list[tuple[int, int, bytes]] = [
    *((0, 1, piece) for piece in _PUSH),
    *((0, 1, code) for code in (b"h\x00", b"h\x01", b"g2\n", b"j\x03\0\0\0")),
    *((0, 0, code) for code in (b"\x80\x02", b"\x80\x04")),
    *((1, 1, code) for code in (b"\x85", b"Q", b"\x94", b"q\x00", b"q\x01", b"p2\n", b"r\x03\0\0\0")),
    *((2, 1, code) for code in (b"\x86", b"R", b"\x81", b"b", b"a", b"\x93")),
    *((3, 1, code) for code in (b"\x87", b"\x92", b"s")),
    *((1, 0, b"0"), (1, 2, b"2")),
]
_CLOSE = [b"t", b"l", b"d", b"\x91", b"imod\nname\n", b"o", b"1"]
_CLOSE_ONTO = [b"e", b"u", b"\x90"]


@st.composite
def programs(draw: st.DrawFn) -> bytes:
    """Programs that mostly keep to the stack's rules; draws choose among the steps that are possible."""
    parts = []
    depths = [0]
    for _ in range(draw(st.integers(1, 40))):
        possible = [step for step in _STEPS if step[0] <= depths[-1]]
        kind = draw(st.integers(0, 9))
        if kind == 0:
            parts.append(b"(")
            depths.append(0)
        elif kind == 1 and len(depths) > 1:
            depths.pop()
            onto = depths[-1] > 0 and draw(st.booleans())
            parts.append(draw(st.sampled_from(_CLOSE_ONTO if onto else _CLOSE)))
            depths[-1] += 0 if onto or parts[-1] == b"1" else 1
        elif kind == 2:
            parts.append(draw(st.sampled_from(_STEPS))[2])
        else:
            need, leave, code = draw(st.sampled_from(possible))
            parts.append(code)
            depths[-1] += leave - need
    return b"".join(parts) + draw(st.sampled_from([b".", b".", b".", b"", b"\xff"]))


@settings(max_examples=1500, deadline=None)
@given(programs())
def test_imports_and_calls_are_those_of_cpython(data: bytes) -> None:
    real, stopped = record(data)
    ours, ended = watch(data)
    assert begins(ours, real)
    if stopped:
        assert ended
        assert len(merged(ours)) == len(merged(real))


class _Eager(Machine):
    """Settles every name after its first call, as a judge does after the thousandth."""

    def _call(self, kind: str, callee: Value, args: Value, at: int, kwargs: Value | None = None) -> None:
        super()._call(kind, callee, args, at, kwargs)
        if isinstance(callee, Global):
            for table in (self.settled, self.instances):
                table.setdefault(callee, Settled(Call(kind, callee, args, at)))


def _account(machine: Machine) -> tuple[list[Event], str]:
    events = []
    try:
        for event in machine.run():
            events.append(event)  # noqa: PERF402  (what came before the stop is wanted)
    except Incomplete as stop:
        return events, stop.detail
    return events, ""


def _of_settled(event: Event) -> bool:
    """Whether it is a call of an imported name, or a change of what such a call returned."""
    if not isinstance(event, Call):
        return False
    target = event.callee if event.kind in _CALLS else event.callee.callee if isinstance(event.callee, Call) else None
    return isinstance(target, Global)


@settings(max_examples=800, deadline=None)
@given(programs())
def test_settled_names_lose_their_own_calls_and_nothing_else(data: bytes) -> None:
    exact, quick = Machine(BytesSource(data)), _Eager(BytesSource(data))
    every, stop = _account(exact)
    some, stopped = _account(quick)
    assert stopped == stop
    assert (quick.end, len(quick.stack), len(quick.memo)) == (exact.end, len(exact.stack), len(exact.memo))
    said = [(type(event), event.offset) for event in some]
    assert said == [key for event in every if (key := (type(event), event.offset)) in said]
    left = [event for event in every if (type(event), event.offset) not in said]
    assert all(_of_settled(event) for event in left)
    assert len(left) <= quick.skipped + sum(event.kind == "build" for event in left if isinstance(event, Call))


@given(st.binary(max_size=200))
def test_any_bytes_end_in_an_answer(data: bytes) -> None:
    real, stopped = record(data)
    ours, ended = watch(data)
    assert begins(ours, real)
    assert ended or not stopped


@pytest.mark.parametrize("version", range(6))
def test_what_pickle_writes_is_read_to_its_end(version: int) -> None:
    data = build.ordinary(version)
    machine = Machine(BytesSource(data))
    imports = [event.path for event in machine.run() if isinstance(event, Global)]
    assert machine.end == len(data)
    assert {"collections.OrderedDict", "datetime.date"} <= set(imports)


@pytest.mark.parametrize("cut", [1, 9, 10, 4096, 1 << 18, (1 << 18) + 3])
def test_chunk_borders_change_nothing(cut: int) -> None:
    """The same program moved through the border of the machine's window gives the same events."""
    padding = b"N0" * ((1 << 17) - cut // 2)
    body = build.by_stack_global() if cut % 2 else build.names_from_memo()
    body = body[2:-1] + build.text("x" * 70_000) + b"0" + build.line("y") + b"0" + build.os_system()
    assert watch(b"\x80\x04" + padding + body) == watch(b"\x80\x04" + body)


def _names() -> list[tuple[str, str]]:
    return [
        ("__builtin__", "eval"),
        ("copy_reg", "_reconstructor"),
        ("itertools", "izip"),
        ("cPickle", "loads"),
        ("os", "x"),
    ]


@pytest.mark.parametrize("name", _names())
def test_python_2_names_are_mapped_as_by_cpython(name: tuple[str, str]) -> None:
    asked: list[str] = []

    class Finder(pickle._Unpickler):
        def find_class(self, module: str, attribute: str) -> object:
            try:
                super().find_class(module, attribute)
            except (ImportError, AttributeError) as error:
                asked.append(str(error))
            return object

    Finder(io.BytesIO(f"c{name[0]}\n{name[1]}\n.".encode())).load()
    mapped = python3_name(*name)
    events = list(Machine(BytesSource(f"c{name[0]}\n{name[1]}\n.".encode())).run())
    assert [(e.module, e.name) for e in events if isinstance(e, Global)] == [mapped]
    later = list(Machine(BytesSource(b"\x80\x03" + f"c{name[0]}\n{name[1]}\n.".encode())).run())
    assert [(e.module, e.name) for e in later if isinstance(e, Global)] == [name]
    assert not asked or mapped == ("os", "x")


def test_memo_is_not_shared_upwards_but_read_from_streams_before() -> None:
    first = Machine(BytesSource(build.proto(2) + build.SYSTEM + b"q\x00."))
    list(first.run())
    second = Machine(BytesSource(build.proto(2) + b"h\x00" + build.text("id") + b"\x85R."), older=first)
    assert [event.kind for event in second.run() if isinstance(event, Call)] == ["reduce"]


def test_far_memo_indices_are_kept_apart() -> None:
    far = b"r" + struct.pack("<I", 2**31)
    data = build.SYSTEM + far + b"0N\x940" + b"j" + struct.pack("<I", 2**31) + build.args(build.line("id")) + b"R."
    assert watch(data)[0][-1] == ("call", "os.system", "1")
    assert record(data) == watch(data)


def test_strings_of_python_2_that_are_not_ascii_do_not_stop_it() -> None:
    data = b"U\x02\xe9\xff0T\x01\0\0\0\xe90" + build.os_system()
    assert watch(data) == ([("import", "os", "system"), ("call", "os.system", "1")], True)


def bad_programs() -> list[bytes]:
    return [
        b"X\x02\0\0\0\xff\xfe.",
        b"I12x\n.",
        b"F1,5\n.",
        b"Sabc\n.",
        b"h\x05.",
        b"p-1\n.",
        b"\x80\x06.",
        b"\x82\0.",
        b"N(N\x81.",
    ]


@pytest.mark.parametrize("data", bad_programs())
def test_it_stops_where_cpython_stops(data: bytes) -> None:
    assert record(data)[1] is False
    assert watch(data)[1] is False


def test_events_are_told_before_the_stop() -> None:
    events: list[object] = []
    with pytest.raises(Incomplete, match="invalid opcode") as stop:
        events.extend(Machine(BytesSource(build.breaks_after_payload())).run())
    assert [type(event) for event in events] == [Global, Call]
    assert stop.value.offset == len(build.os_system()) - 1


_BORDER: Callable[[int], bytes] = b"N".__mul__


def test_the_last_opcode_may_lie_anywhere() -> None:
    for size in itertools.chain(range(1, 12), range((1 << 18) - 3, (1 << 18) + 3)):
        assert watch(_BORDER(size) + b".")[1]
        assert not watch(_BORDER(size) + b"J\x01\x02")[1]
