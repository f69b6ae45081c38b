"""Is this a pickle? Protocols 2 to 5 announce themselves, 0 and 1 do not: their program has to make sense."""

from __future__ import annotations

from mlgate.errors import Incomplete
from mlgate.pickles.machine import Machine
from mlgate.pickles.state import Event
from mlgate.pickles.table import look_up
from mlgate.pickles.values import Call, Global
from mlgate.records import Source
from mlgate.sources import SliceSource

# Opcodes that need nothing on the stack, so that a program can begin with them.
STARTS = frozenset(
    bytes([code]) for code in b"(NIJKLMFGSTUVXBCPc]})\x80\x82\x83\x84\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f\x95\x96\x97"
)
_REACH = 1 << 16  # bytes that are tried
_EVENTS = 64


def is_pickle(source: Source, start: int) -> bool:
    """Whether a pickle that imports or calls something, or a whole one, begins at `start`.

    With PROTO and a known protocol: if the next opcode exists. Without: if the program gets to a call, to a
    dangerous import, or to STOP with an import behind it, before it breaks.
    """
    head = source.read_at(start, 3)
    if head[:1] not in STARTS:
        return False
    if head[:1] == b"\x80":
        return len(head) > 2 and head[1] <= 5 and (head[1] >= 2 or _makes_sense(source, start))
    return _makes_sense(source, start)


def _makes_sense(source: Source, start: int) -> bool:
    size = min(source.size - start, _REACH)
    machine = Machine(SliceSource(source, start, size))
    events: list[Event] = []
    try:
        for event in machine.run():
            events.append(event)
            if len(events) >= _EVENTS:
                return True
    except Incomplete as stop:
        cut = stop.reason == "truncated" and size == _REACH and bool(events)
        return cut or any(isinstance(event, Call) for event in events) or any(map(_dangerous, events))
    # text is often a string and a STOP by chance; a program that imports nothing can do nothing
    return bool(events)


def _dangerous(event: Event) -> bool:
    return isinstance(event, Global) and look_up(event.module, event.name).level == "dangerous"
