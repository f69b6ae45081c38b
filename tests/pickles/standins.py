"""CPython's own unpickler with inert stand-ins: what it imports and calls, without importing or calling anything."""

from __future__ import annotations

import io
import pickle
from typing import Any

Seen = tuple[str, ...]


class _Method:
    """An attribute that is callable on classes and on instances, and puts down that it was called."""

    def __init__(self, kind: str, *, many: bool = False) -> None:
        self._kind = kind
        self._many = many

    def __get__(self, instance: Any, owner: Any) -> Any:
        def called(*items: Any) -> None:
            if not self._many or items[0]:
                owner.log.append((self._kind, owner.label))

        return called


class _Meta(type):
    log: list[Seen]
    label: str

    def __call__(cls: Any, *args: Any, **kwargs: Any) -> Any:
        return cls.__new__(cls, *args, **kwargs)

    def __setitem__(cls, key: Any, value: Any) -> None:
        cls.log.append(("setitems", cls.label))


def stand_in(module: str, name: str, log: list[Seen]) -> type:
    """A class under that name: calling it, or its __new__, is put down in `log` and gives an instance."""

    def new(cls: Any, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(cls, type):
            log.append(("call", "", str(len(args))))
            return object.__new__(made)
        log.append(("call", f"{module}.{name}", str(len(args))))
        return object.__new__(cls)

    def call(self: Any, *args: Any) -> Any:
        log.append(("call", "", str(len(args))))
        return object.__new__(made)

    def put(self: Any, key: Any, value: Any) -> None:
        log.append(("setitems", ""))

    body = {
        "__new__": new,
        "__call__": call,
        "__setitem__": put,
        "__setstate__": _Method("build"),
        "append": _Method("appends"),
        "extend": _Method("appends", many=True),
        "add": _Method("additems"),
        "log": log,
        "label": "",
    }
    made: Any = _Meta("StandIn", (), body)
    return made  # type: ignore[no-any-return]


class Recorder(pickle._Unpickler):
    """Imports are put down once for each (module, name, protocol), as the machine does."""

    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data))
        self.log: list[Seen] = []
        self._known: dict[tuple[str, str, int], type] = {}

    def find_class(self, module: str, name: str) -> Any:
        key = (module, name, self.proto)
        if key not in self._known:
            self.log.append(("import", module, name))
            self._known[key] = stand_in(module, name, self.log)
        return self._known[key]

    proto: int

    def persistent_load(self, pid: Any) -> Any:  # noqa: ARG002  (the interface of pickle)
        self.log.append(("persistent",))
        return object.__new__(stand_in("", "", self.log))


def record(data: bytes) -> tuple[list[Seen], bool]:
    """(what happened, whether it came to STOP)."""
    recorder = Recorder(data)
    try:
        recorder.load()
    except Exception:  # noqa: BLE001  (any refusal of CPython's counts)
        return recorder.log, False
    return recorder.log, True
