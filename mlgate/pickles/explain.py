"""What a stream does, as Python that people can read: imports, calls in their order, and the state they leave.

The text is for reading only. It is made of the machine's events; nothing of it is ever run. `__setstate__` stands for
BUILD, which updates `__dict__` where a class has no such method.
"""

from __future__ import annotations

import keyword

from mlgate.errors import Incomplete
from mlgate.pickles.expressions import quoted, render
from mlgate.pickles.machine import Machine
from mlgate.pickles.state import Blob, Event, Oddity
from mlgate.pickles.values import Call, Global, Opaque, Value, items_of
from mlgate.pickles.window import Window
from mlgate.records import Explanation, Location, Source

_CHANGES = {"setitems": "update", "appends": "extend", "additems": "update"}


class _Labels(Window):
    """A window that knows the names which results of calls were given."""

    __slots__ = ("names",)

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        self.names: dict[int, str] = {}

    def label(self, value: object) -> str:
        return self.names.get(id(value), "")


class Explainer:
    """Takes the events of one stream and gives their account, at most `most` lines of it."""

    def __init__(self, source: Source, most: int) -> None:
        self._window = _Labels(source)
        self._most = most
        self._lines: list[str] = []
        self._left = 0
        self._kept: list[Value] = []  # names go by identity, so what has one has to live

    def event(self, event: Event) -> None:
        """One more event."""
        if isinstance(event, Global):
            self._say(event.offset, self._imported(event))
        elif isinstance(event, Call):
            self._called(event)
        elif isinstance(event, Opaque):
            detail = event.detail if isinstance(event.detail, str) else self._shown(event.detail)
            self._say(event.offset, f"{self._name(event)} = persistent_load({detail})")
        elif isinstance(event, Oddity):
            self._say(event.offset, f"# {event.detail}")
        elif isinstance(event, Blob):
            what = f"{event.encoding} of a pickle" if event.encoding else "a pickle"
            self._say(event.offset, f"# {event.length:,} bytes that begin like {what}")

    def end(self, location: Location, machine: Machine, stop: Incomplete | None) -> Explanation:
        """The account, with what the stream gives back or what stopped it."""
        if stop is not None:
            self._say(stop.offset or machine.at, f"raise UnpicklingError({quoted(stop.detail)})", always=True)
        elif machine.result is not None:
            self._say(machine.end - 1, f"result = {self._shown(machine.result)}", always=True)
        lines = self._lines
        if self._left:
            lines.insert(len(lines) - 1, f"# ... {self._left:,} more")
        return Explanation(location=location, lines=tuple(lines))

    def _imported(self, event: Global) -> str:
        raw = (
            ""
            if (event.raw_module, event.raw_name) == (event.module, event.name)
            else (f"  # written as {_plain(event.raw_module)} {_plain(event.raw_name)}")
        )
        if event.computed:
            return f"import {_plain(event.module)}, {_plain(event.name)}  # made while loading"
        if all(part.isidentifier() and not keyword.iskeyword(part) for part in event.path.split(".")):
            top, _, rest = event.name.partition(".")
            return f"from {event.module} import {top}{f'  # and .{rest} of it' if rest else ''}{raw}"
        return f"__import__({quoted(event.module)}).{_plain(event.name)}{raw}"

    def _called(self, call: Call) -> None:
        if call.kind == "build":
            text = f"{self._shown(call.callee)}.__setstate__({self._shown(call.args)})"
        elif call.kind in _CHANGES:
            text = f"{self._shown(call.callee)}.{_CHANGES[call.kind]}({self._shown(call.args)})"
        elif call.kind.startswith("newobj"):
            callee = self._shown(call.callee)
            rest = f", {', '.join(map(self._shown, items_of(call.args)))}" if items_of(call.args) else ""
            text = f"{self._name(call)} = {callee}.__new__({callee}{rest})"
        else:
            text = self._shown(call)
            text = f"{self._name(call)} = {text}"
        self._say(call.offset, text)

    def _name(self, value: Value) -> str:
        name = f"_{len(self._window.names)}"
        if len(self._lines) < self._most:
            self._window.names[id(value)] = name
            self._kept.append(value)
        return name

    def _shown(self, value: Value) -> str:
        return render(self._window, value)

    def _say(self, offset: int, text: str, *, always: bool = False) -> None:
        if len(self._lines) < self._most or always:
            self._lines.append(f"{_printed(text)}  # byte {offset}")
        else:
            self._left += 1


def _printed(text: str) -> str:
    """One line of ASCII; names come from the stream as they are."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c.isascii() and c.isprintable() else ascii(c)[1:-1] for c in text)


def _plain(name: str) -> str:
    return name[:300].encode("unicode_escape", "backslashreplace").decode("ascii")
