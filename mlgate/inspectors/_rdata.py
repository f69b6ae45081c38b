"""R's serialised objects, walked without recursion: who is defined where, and what code would run.

Format: R Internals, "Serialization Formats", and src/main/serialize.c (versions 2 and 3; XDR, native and ASCII).
An item is a word of flags (type in the low byte, then: is object, has attributes, has tag) and what its type has.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from mlgate.errors import Incomplete
from mlgate.inspectors._cursor import Cursor
from mlgate.records import Source

_ITEMS = 20_000_000
_STACK = 4_000_000
_NAME = 10_000
_OUTER = 8
_REFS = 5_000_000
_SYM, _LIST, _CLO, _ENV, _PROM, _LANG, _SPECIAL, _BUILTIN, _CHAR, _LGL = range(1, 11)
_INT, _REAL, _CPLX, _STR, _DOT = 13, 14, 15, 16, 17
_VEC, _EXPR, _BCODE, _EXTPTR, _WEAK, _RAW, _S4 = range(19, 26)
_ALTREP, _ATTRLIST, _ATTRLANG, _BASEENV, _EMPTYENV, _BCREF, _BCDEF = 238, 239, 240, 241, 242, 243, 244
_PERSIST, _PACKAGE, _NAMESPACE, _BASENAMESPACE, _MISSING, _UNBOUND, _GLOBAL, _NIL, _REF = range(247, 256)
_EMPTY = frozenset({_BASEENV, _EMPTYENV, _BASENAMESPACE, _MISSING, _UNBOUND, _GLOBAL, _NIL})
_WIDTH = {_LGL: 4, _INT: 4, _REAL: 8, _CPLX: 16, _RAW: 1}
_PAIRS = frozenset({_LIST, _LANG, _CLO, _PROM, _DOT})
_ATTRIBUTES, _TAG = 0x200, 0x400
_ESCAPES = {b"n": b"\n", b"t": b"\t", b"v": b"\v", b"b": b"\b", b"r": b"\r", b"f": b"\f", b"a": b"\a"}
_ACTIVE = 1 << 15  # in the levels of a binding: its value is a function that is called at each access


@dataclass(slots=True)
class Code:
    """A promise, function or active binding: where it is, what names it uses, and whether a promise is still to run."""

    kind: str
    offset: int
    name: str = ""
    inside: bool = False  # in an environment, where R keeps such things itself
    bound: bool = False  # a variable of the workspace
    pending: bool = False
    names: set[str] = field(default_factory=set)
    outer: Code | None = None


@dataclass(slots=True)
class _Task:
    """What is to be read next: "item", "bytecode", "constants" and "constant" of byte code, "language" in it.

    `code` is what the item is a part of, `owner` what it names (a tag) or whose value it is.
    """

    kind: str = "item"
    code: Code | None = None
    inside: bool = False
    role: str = ""
    owner: Code | None = None


class _Binary:
    """Words in XDR or the writer's own (little-endian) order."""

    def __init__(self, source: Source, order: str, at: int) -> None:
        self._cursor = Cursor(source, order=order, at=at)

    @property
    def at(self) -> int:
        return self._cursor.at

    @property
    def left(self) -> int:
        return self._cursor.end - self._cursor.at

    def integer(self) -> int:
        return self._cursor.number("i")

    def text(self, length: int) -> bytes:
        kept = self._cursor.take(min(length, _NAME))
        self._cursor.skip(length - len(kept))
        return kept

    def skip(self, count: int, width: int) -> None:
        self._cursor.skip(count * width)


class _Ascii:
    """The same as text: one value a line, strings with C's escapes."""

    def __init__(self, source: Source, at: int) -> None:
        self._cursor = Cursor(source, at=at)

    @property
    def at(self) -> int:
        return self._cursor.at

    @property
    def left(self) -> int:
        return self._cursor.end - self._cursor.at

    def _word(self) -> bytes:
        word = bytearray()
        while True:
            byte = self._cursor.take(1)
            if byte not in b" \t\r\n":
                word += byte
            elif word:
                return bytes(word)
            if len(word) > 100:
                raise Incomplete("malformed", "a number that is longer than any", offset=self.at)

    def integer(self) -> int:
        word = self._word()
        if word == b"NA":
            return -(1 << 31)
        try:
            return int(word)
        except ValueError:
            raise Incomplete("malformed", f"{word[:20]!r} is no number", offset=self.at) from None

    def text(self, length: int) -> bytes:
        kept = bytearray()
        byte = self._cursor.take(1)
        while byte in b" \t\r\n":
            byte = self._cursor.take(1)
        for index in range(length):
            char = byte if index == 0 else self._cursor.take(1)
            if char == b"\\":
                char = self._escape()
            if len(kept) < _NAME:
                kept += char
        return bytes(kept)

    def _escape(self) -> bytes:
        char = self._cursor.take(1)
        if char in b"01234567":
            digits = char + self._cursor.take(2)
            try:
                return bytes([int(digits, 8) & 0xFF])
            except ValueError:
                raise Incomplete("malformed", "an escape that is none", offset=self.at) from None
        return _ESCAPES.get(char, char)

    def skip(self, count: int, width: int) -> None:
        for _ in range(count * (2 if width == 16 else 1)):
            self._word()


class Reader:
    """Walks one serialisation. Afterwards: `codes` in order, `packages` that R loads for it, R's version `writer`."""

    def __init__(self, source: Source, at: int) -> None:
        form = source.read_at(at, 2)
        if form == b"X\n":
            self._in: _Binary | _Ascii = _Binary(source, ">", at + 2)
        elif form == b"B\n":
            self._in = _Binary(source, "<", at + 2)
        elif form == b"A\n":
            self._in = _Ascii(source, at + 2)
        else:
            raise Incomplete("unsupported", f"a serialisation that begins with {form!r}", offset=at)
        self.codes: list[Code] = []
        self.packages: set[str] = set()
        self.writer = ""
        self._refs: list[str] = []
        self._stack: list[_Task] = []
        self._items = 0
        self._last = ""

    @property
    def at(self) -> int:
        """The offset that was reached."""
        return self._in.at

    def walk(self, *, workspace: bool) -> None:
        """Reads to the end of the object. `workspace` says that it is a list of variables (save, not saveRDS).

        Raises Incomplete.
        """
        version, written = self._in.integer(), self._in.integer()
        self._in.integer()
        if version not in (2, 3):
            raise Incomplete("unsupported", f"serialisation version {version}", offset=self.at)
        self.writer = f"{written >> 16}.{written >> 8 & 255}.{written & 255}"
        if version == 3:
            self._in.text(self._count(1))
        self._stack = [_Task(role="workspace" if workspace else "")]
        steps: dict[str, Callable[[_Task], None]] = {
            "item": self._item,
            "bytecode": self._bytecode,
            "constants": self._constants,
            "constant": self._constant,
            "language": lambda task: self._language(self._in.integer(), task),
        }
        while self._stack:
            self._items += 1
            if self._items > _ITEMS or len(self._stack) > _STACK:
                raise Incomplete("limit", "too many items", offset=self.at)
            task = self._stack.pop()
            steps[task.kind](task)

    def _count(self, width: int) -> int:
        """A length that the rest of the data can hold. Raises Incomplete."""
        count = self._in.integer()
        if count == -1:
            high = self._in.integer()
            count = (high << 32) + (self._in.integer() & 0xFFFFFFFF)
        if count < 0:
            raise Incomplete("malformed", "a negative length", offset=self.at)
        if count * width > self._in.left and not isinstance(self._in, _Ascii):
            raise Incomplete("truncated", f"{count:,} values are announced", offset=self.at)
        if count > self._in.left:
            raise Incomplete("truncated", f"{count:,} values are announced", offset=self.at)
        return count

    def _push(self, *tasks: _Task) -> None:
        self._stack.extend(reversed(tasks))

    @staticmethod
    def _like(task: _Task, role: str = "", kind: str = "item", code: Code | None = None) -> _Task:
        """A task in the same place."""
        return _Task(kind, code or task.code, task.inside, role)

    def _item(self, task: _Task) -> None:  # noqa: C901  (one branch for each type)
        at = self.at
        flags = self._in.integer()
        kind = flags & 0xFF
        if task.role == "value" and task.owner is not None:
            task.owner.pending = kind == _UNBOUND
        if kind in _EMPTY:
            return
        if kind == _REF:
            self._reference(flags, task)
        elif kind == _SYM:
            self._push(_Task("item", task.code, task.inside, f"symbol {task.role}", task.owner))
        elif kind in (_PERSIST, _PACKAGE, _NAMESPACE):
            self._names(kind)
        elif kind == _CHAR:
            self._char(task)
        elif kind in _PAIRS:
            self._pair(kind, flags, task, at)
        elif kind == _ENV:
            self._remember("")
            self._in.integer()
            inner = _Task("item", task.code, inside=True)
            self._push(self._like(task), inner, inner, self._like(task))
        elif kind in (_EXTPTR, _WEAK):
            self._remember("")
            items = [self._like(task)] * (2 if kind == _EXTPTR else 0)
            self._push(*items, *self._attributes(flags, task))
        elif kind in (_SPECIAL, _BUILTIN):
            self._use(self._text().decode("utf-8", "replace"), task)
        elif kind == _ALTREP:
            self._push(self._like(task), self._like(task), self._like(task))
        elif kind == _BCODE:
            self._in.integer()
            self._push(self._like(task, kind="bytecode"), *self._attributes(flags, task))
        elif kind in _WIDTH:
            self._in.skip(self._count(_WIDTH[kind]), _WIDTH[kind])
            self._push(*self._attributes(flags, task))
        elif kind == _STR:
            self._texts()
            self._push(*self._attributes(flags, task))
        elif kind in (_VEC, _EXPR):
            self._vector(flags, task)
        elif kind == _S4:
            self._push(*self._attributes(flags, task))
        else:
            raise Incomplete("malformed", f"an item of the unknown type {kind}", offset=at)

    def _attributes(self, flags: int, task: _Task) -> tuple[_Task, ...]:
        return (self._like(task),) if flags & _ATTRIBUTES else ()

    def _vector(self, flags: int, task: _Task) -> None:
        count = self._count(4)
        if count > _STACK:
            raise Incomplete("limit", f"a vector of {count:,} items", offset=self.at)
        item = self._like(task)
        self._push(*[item] * count, *self._attributes(flags, task))

    def _texts(self) -> None:
        for _ in range(self._count(4)):
            self._in.integer()
            self._text()

    def _text(self) -> bytes:
        """The bytes of a text; a missing one has the length -1."""
        length = self._in.integer()
        if length > self._in.left:
            raise Incomplete("truncated", f"a text of {length:,} bytes is announced", offset=self.at)
        return self._in.text(length) if length > 0 else b""

    def _names(self, kind: int) -> None:
        """The name of a package or namespace, which R loads when it meets it."""
        self._in.integer()
        count = self._count(4)
        words = []
        for _ in range(min(count, 100)):
            self._in.integer()
            words.append(self._text().decode("utf-8", "replace"))
        if count > 100:
            raise Incomplete("malformed", "a namespace with too many names", offset=self.at)
        if kind != _PERSIST and words:
            self.packages.add(words[0][:100])
        self._remember("")

    def _char(self, task: _Task) -> None:
        text = self._text().decode("utf-8", "replace")
        if task.role.startswith("symbol"):
            self._remember(text)
            self._use(text, task)

    def _remember(self, name: str) -> None:
        if len(self._refs) >= _REFS:
            raise Incomplete("limit", "too many references", offset=self.at)
        self._refs.append(name)

    def _reference(self, flags: int, task: _Task) -> None:
        index = flags >> 8 or self._in.integer()
        if not 0 < index <= len(self._refs):
            raise Incomplete("malformed", f"a reference to {index}, which is not there", offset=self.at)
        if self._refs[index - 1]:
            self._use(self._refs[index - 1], task)

    def _use(self, name: str, task: _Task) -> None:
        """A tag names what follows it; any other name in code is one that the code uses."""
        name = name[:200]
        if task.role.endswith("tag"):
            self._last = name
            if task.owner is not None:
                task.owner.name = name
            return
        code = task.code
        for _ in range(_OUTER):  # what a function inside of a promise uses, the promise uses
            if code is None:
                return
            if len(code.names) < _NAME:
                code.names.add(name)
            code = code.outer

    def _pair(self, kind: int, flags: int, task: _Task, at: int) -> None:
        attributes = self._attributes(flags, task)
        if kind in (_CLO, _PROM):
            bound = task.role == "variable"
            code = Code("promise" if kind == _PROM else "function", at, self._last, task.inside, bound, outer=task.code)
            self.codes.append(code)
            first = _Task("item", code, task.inside, "value" if kind == _PROM else "", code)
            self._push(*attributes, *([self._like(task)] if flags & _TAG else []), first, self._like(task, code=code))
            return
        binding: Code | None = None
        if kind == _LIST and flags >> 12 & _ACTIVE:
            binding = Code("active binding", at, inside=task.inside, pending=True)
            self.codes.append(binding)
        tags = [_Task("item", task.code, task.inside, "tag", binding)] if flags & _TAG else []
        car = self._like(task, "variable" if task.role == "workspace" else "", code=binding)
        self._push(*attributes, *tags, car, self._like(task, task.role if task.role == "workspace" else ""))

    # -- byte code: R's compiler keeps the expressions that it was made of among its constants

    def _bytecode(self, task: _Task) -> None:
        self._push(self._like(task), self._like(task, kind="constants"))

    def _constants(self, task: _Task) -> None:
        count = self._count(4)
        if count > _STACK:
            raise Incomplete("limit", f"byte code with {count:,} constants", offset=self.at)
        self._push(*[self._like(task, kind="constant")] * count)

    def _constant(self, task: _Task) -> None:
        kind = self._in.integer()
        if kind == _BCODE:
            self._push(self._like(task, kind="bytecode"))
        elif kind in (_LANG, _LIST, _BCDEF, _BCREF, _ATTRLANG, _ATTRLIST):
            self._language(kind, task)
        else:
            self._push(self._like(task))

    def _language(self, kind: int, task: _Task) -> None:
        if kind == _BCREF:
            self._in.integer()
            return
        if kind == _BCDEF:
            self._in.integer()
            kind = self._in.integer()
        if kind in (_LANG, _LIST, _ATTRLANG, _ATTRLIST):
            attributes = (self._like(task),) if kind in (_ATTRLANG, _ATTRLIST) else ()
            rest = self._like(task, kind="language")
            self._push(*attributes, self._like(task), rest, self._like(task, kind="language"))
        else:
            self._push(self._like(task))
