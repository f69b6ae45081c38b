"""Arguments of calls: whether they are what picklers write for a name that is harmless only with the right ones."""

from __future__ import annotations

import re
from collections.abc import Callable

from mlgate.errors import Incomplete
from mlgate.pickles.expressions import constant, resolve
from mlgate.pickles.table import Entry, look_up_path, looks_like_class
from mlgate.pickles.values import Bag, Call, Global, Opaque, Value, items_of
from mlgate.pickles.window import Window

_NOTED = 50_000
# Functions that give out objects that the loading program shares.
LIVE = frozenset({"logging.getLogger", "numpy.core._ufunc_reconstruct", "numpy._core._ufunc_reconstruct"})
PARTIALS = frozenset({"functools.partial", "_functools.partial"})
GETATTR = frozenset({"builtins.getattr", "__builtin__.getattr"})
_TEXTS = frozenset({"builtins.str", "builtins.bytes", "builtins.int", "builtins.float"})
_ARRAYS = frozenset({"torch", "numpy", "collections", "_codecs", "codecs"})
_ANNOUNCED = re.compile(rb"\x80[\x00-\x05]")
_TEXT_CODECS = frozenset({"latin1", "latin-1", "latin_1", "iso-8859-1", "utf-8", "utf8", "utf_8", "ascii"})


class Arguments:
    """Looks at arguments for a judge. `entry` is the table's word on an import.

    `plain` holds names that are settled with constants as arguments; `stopped` says that a nested pickle which a call
    loads was not read to its end.
    """

    def __init__(self, window: Window, entry: Callable[[Global], Entry]) -> None:
        self.window = window
        self.plain: set[Value] = set()
        self.stopped: Incomplete | None = None
        self._entry = entry
        self._unread: dict[int, Incomplete] = {}
        self._lost: Incomplete | None = None

    def skipped(self, offset: int, stop: Incomplete) -> None:
        """Takes note that the bytes constant at `offset` holds a pickle that was not read to its end."""
        if len(self._unread) < _NOTED:
            self._unread[offset] = stop
        else:
            self._lost = stop

    def is_method(self, call: Call) -> bool:
        """Whether getattr gets a public method of a data type: how `str.split` is pickled. It is not called by that."""
        items = items_of(call.args)
        name = constant(self.window, items[1]) if len(items) == 2 else None
        return (
            isinstance(items[0] if items else None, Global)
            and resolve(self.window, items[0]) in _TEXTS
            and isinstance(name, str)
            and name.isidentifier()
            and not name.startswith(("_", "format"))
        )

    def reaches(self, argument: Value) -> bool:
        """Whether a constructor gets something to call or a place to read or write: a function or a path."""
        if isinstance(argument, int):
            text = constant(self.window, argument)
            return isinstance(text, str) and ("/" in text or "\\" in text)
        if isinstance(argument, Global):
            entry = self._entry(argument)
            return entry.level == "dangerous" or (entry.level == "unknown" and not looks_like_class(argument.path))
        if isinstance(argument, Call) and isinstance(argument.callee, Global) and argument.callee.path in PARTIALS:
            path = resolve(self.window, argument)
            return path is None or look_up_path(path)[0].level != "safe"
        return False

    def fits(self, call: Call, entry: Entry, items: tuple[Value, ...]) -> bool:
        """Whether the arguments are what every pickler writes for this name."""
        if entry.args == "refer":
            return False
        if entry.args == "bare":
            return call.args.__class__ is tuple and not items and call.kwargs is None
        if entry.args == "nested":
            return self._holds_pickle(items)
        if entry.args in ("plain", "factory", "partial", "tensor"):
            if entry.args == "plain" and isinstance(call.callee, Global) and call.callee.path not in LIVE:
                self.plain.add(call.callee)
            return self._are_data(call, entry.args, items)
        words = [constant(self.window, item) for item in items]
        return bool(words) and isinstance(words[0], str) and (len(words) == 1 or words[1] in _TEXT_CODECS)

    def _are_data(self, call: Call, args: str, items: tuple[Value, ...]) -> bool:
        """Whether all arguments are data; the first of `factory` and `partial` is what is called later."""
        if call.kwargs is not None or not isinstance(call.args, (tuple, Bag)):
            return False
        if isinstance(call.args, Bag) and call.args.count > len(call.args.items):
            return False
        if args == "partial":
            return bool(items)
        for item in items[args == "factory" :]:
            if isinstance(item, Global):
                if args != "tensor" or self._entry(item).level != "safe":
                    return False
            elif (isinstance(item, Call) and not self._makes_data(item)) or (
                isinstance(item, Opaque) and args != "tensor"
            ):
                return False
        return True

    def is_data(self, item: Value) -> bool:
        """Whether a value is a constant, a container, or what a function that makes data returns."""
        return isinstance(item, (int, tuple, Bag)) or (isinstance(item, Call) and self._makes_data(item))

    def makes_a_mapping(self, call: Call) -> bool:
        """Whether a state made by a call is what picklers write: a defaultdict of something harmless, nothing else."""
        items = items_of(call.args)
        named = isinstance(call.callee, Global) and call.callee.name == "defaultdict" and len(items) == 1
        if not named or call.kwargs is not None:
            return all(isinstance(item, int) for item in items) and call.kwargs is None
        path = resolve(self.window, items[0])
        return path is not None and look_up_path(path)[0].level == "safe"

    def _makes_data(self, call: Call) -> bool:
        """Whether a call returns arrays, tensors, or containers."""
        if not isinstance(call.callee, Global):
            return False
        entry = self._entry(call.callee)
        return entry.level == "safe" and (
            entry.args in ("plain", "codec") or call.callee.module.partition(".")[0] in _ARRAYS
        )

    def _holds_pickle(self, items: tuple[Value, ...]) -> bool:
        """Whether the argument is one bytes constant that holds a pickle, which the scan looks at by itself."""
        extent = self.window.extent(items[0]) if len(items) == 1 and isinstance(items[0], int) else None
        if extent is None or not _ANNOUNCED.match(self.window.source.read_at(extent[0], 2)):
            return False
        self.stopped = self.stopped or self._unread.get(extent[0], self._lost)
        return True
