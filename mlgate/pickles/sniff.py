"""Is this a pickle? Protocols 2 to 5 announce themselves, 0 and 1 do not: their program has to make sense."""

from __future__ import annotations

import re

from mlgate.errors import Incomplete
from mlgate.pickles.machine import Machine
from mlgate.pickles.state import Event
from mlgate.pickles.table import look_up
from mlgate.pickles.values import Call, Global, Opaque
from mlgate.records import Source

# Opcodes that need nothing on the stack, so that a program can begin with them.
STARTS = frozenset(
    bytes([code]) for code in b"(NIJKLMFGSTUVXBCPc]})\x80\x82\x83\x84\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f\x95\x96\x97"
)
_WINDOWS = 16  # chunks of opcodes (constants are jumped over) after which a program that makes sense is one
_STREAMS = 16
_EVENTS = 64
_NO_MODULE = re.compile(r"[\s()\[\]{}'\"`;=<>,]|^$")  # what the name of nothing that can be imported has
_LEGACY = b"\x8a\x0a" + (0x1950A86A20F9469CFC6C).to_bytes(10, "little")


def is_torch_legacy(source: Source) -> bool:
    """Whether torch's format before 1.6 begins: a pickle of its magic number (LONG1 of ten bytes), by any protocol."""
    head = source.read_at(0, 32)
    return head[:1] == b"\x80" and _LEGACY in head


class _Sniffer(Machine):
    """A machine that has seen enough after so many chunks: nothing but a pickle is a valid program for that long."""

    windows = 0

    def _check_bounds(self, offset: int) -> None:
        super()._check_bounds(offset)
        self.windows += 1
        if self.windows > _WINDOWS:
            raise Incomplete("limit", "enough was seen", offset=offset)


def is_pickle(source: Source, start: int, *, cut: bool = False) -> bool:
    """Whether a pickle that imports or calls something, or a whole one, begins at `start`.

    With PROTO and a known protocol: if the next opcode exists. Without: if the program gets to a call, to a
    dangerous import, or to STOP with an import behind it, before it breaks; streams that do nothing may come before.
    `cut` says that the source is only the beginning of something, so that its end breaks nothing.
    """
    head = source.read_at(start, 3)
    if head[:1] not in STARTS:
        return False
    if head[:1] == b"\x80":
        return len(head) > 2 and head[1] <= 5 and (head[1] >= 2 or _makes_sense(source, start, cut=cut))
    return _makes_sense(source, start, cut=cut)


def _makes_sense(source: Source, start: int, *, cut: bool) -> bool:
    for _ in range(_STREAMS):
        machine = _Sniffer(source, start)
        events: list[Event] = []
        asked = False
        try:
            for event in machine.run():
                if isinstance(event, Global) and (not event.name or _NO_MODULE.search(event.module)):
                    # text whose lines begin like opcodes; were it loaded, it would end at this import
                    return any(isinstance(before, Call) for before in events)
                if isinstance(event, Opaque):  # every line of text that begins with P asks for something by id
                    asked = True
                    continue
                events.append(event)
                if len(events) >= _EVENTS:
                    return True
        except Incomplete as stop:
            if asked and not events:
                return False
            alive = stop.reason == "limit" or (cut and stop.reason == "truncated")
            return alive or any(isinstance(event, Call) for event in events) or any(map(_dangerous, events))
        # text is often a string and a STOP by chance; a program that imports nothing can do nothing
        if events:
            return True
        start = machine.end
        if source.read_at(start, 1) not in STARTS:
            return False
    return True  # whatever comes next: so many whole programs in a row are no chance


def _dangerous(event: Event) -> bool:
    return isinstance(event, Global) and look_up(event.module, event.name).level == "dangerous"
