"""Opcodes that import and call: what a loader would run is put down here, in order, and not run."""

from __future__ import annotations

from collections.abc import Sequence

from mlgate.errors import Incomplete
from mlgate.pickles.names import python3_name
from mlgate.pickles.state import Oddity, State
from mlgate.pickles.values import Bag, Call, Global, Opaque, Settled, Value, as_tuple, shallow
from mlgate.pickles.window import Window

_IMPORTS = 50_000
_NOT_CALLABLE = frozenset(
    {"str", "bytes", "int", "float", "bool", "NoneType", "tuple", "list", "dict", "set", "frozenset"}
)
_NOT_ITERABLE = frozenset({"int", "float", "bool", "NoneType"})


class Calls(State):
    """GLOBAL, INST, EXT and what calls."""

    def __init__(self, window: Window, older: State | None = None) -> None:
        super().__init__(window, older)
        self._known: dict[tuple[str, str, int], Global] = {}

    def _import(self, module: str, name: str, at: int, opcode: str, *, computed: bool = False) -> Global:
        """Puts down an import, once for each name, and returns its symbol. Raises Incomplete (limit)."""
        key = (module, name, self.proto)
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= _IMPORTS:
                raise Incomplete("limit", "too many different imports", offset=at)
            mapped = python3_name(module, name) if self.proto < 3 else (module, name)
            known = Global(*mapped, raw=(module, name), offset=at, opcode=opcode, computed=computed)
            self._known[key] = known
            self.events.append(known)
        return known

    def op_global(self, at: int) -> int:
        module, following = self.window.line(at + 1)
        name, following = self.window.line(following)
        self.stack.append(self._import(module.decode(), name.decode(), at, "GLOBAL"))
        return following

    def op_stack_global(self, at: int) -> int:
        name, module = self.stack.pop(), self.stack.pop()
        texts = [self._operand(module), self._operand(name)]
        computed = None in texts
        shown = [text if text is not None else "<computed>" for text in texts]
        self.stack.append(self._import(shown[0], shown[1], at, "STACK_GLOBAL", computed=computed))
        return at + 1

    def _operand(self, value: Value) -> str | None:
        """A str operand; None when a call made it. Raises ValueError when it surely is no str."""
        if isinstance(value, (Call, Opaque)):
            return None
        text = self.window.constant(value) if isinstance(value, int) else None
        if not isinstance(text, str):
            raise ValueError("STACK_GLOBAL requires str")  # noqa: TRY004  (the machine's word for "CPython refuses")
        return text

    def op_inst(self, at: int) -> int:
        module, following = self.window.line(at + 1)
        name, following = self.window.line(following)
        callee = self._import(module.decode("ascii"), name.decode("ascii"), at, "INST")
        self._call("inst", callee, as_tuple(self.pop_mark()), at)
        return following

    def op_obj(self, at: int) -> int:
        items = self.pop_mark()
        callee = items.pop(0)
        self._call("obj", callee, as_tuple(items), at)
        return at + 1

    def op_reduce(self, at: int) -> int:
        args = self.stack.pop()
        callee = self.stack[-1]
        self._check_arguments(args)
        self.stack.pop()
        self._call("reduce", callee, args, at)
        return at + 1

    def op_newobj(self, at: int) -> int:
        args, callee = self.stack.pop(), self.stack.pop()
        self._check_arguments(args)
        self._call("newobj", callee, args, at)
        return at + 1

    def op_newobj_ex(self, at: int) -> int:
        kwargs, args, callee = self.stack.pop(), self.stack.pop(), self.stack.pop()
        self._check_arguments(args)
        if isinstance(kwargs, (int, tuple)) or (isinstance(kwargs, Bag) and kwargs.kind != "dict"):
            raise ValueError("NEWOBJ_EX keyword arguments must be a dict")
        self._call("newobj_ex", callee, args, at, kwargs)
        return at + 1

    def op_build(self, at: int) -> int:
        state = self.stack.pop()
        target = self.stack[-1]
        if isinstance(target, (Call, Global, Opaque)):
            if isinstance(target, Call):
                target.state = shallow(state)
            self.events.append(Call("build", target, state, at))
            return self.built(target, state, at)
        self._check_state(target, state)
        return at + 1

    def built(self, target: Value, state: Value, at: int) -> int:  # noqa: ARG002  (for those who override it)
        """The offset after BUILD; loaders that read more from the file at that moment override it."""
        return at + 1

    def _check_state(self, target: Value, state: Value) -> None:
        """A constant or container has no __setstate__ and no __dict__: only an empty state passes CPython."""
        empty = isinstance(state, Bag) and not state.count
        if isinstance(state, int):
            empty = not self.window.constant(state)
        if isinstance(state, tuple):
            empty = not state
        if not empty and not (isinstance(state, tuple) and len(state) == 2):
            raise ValueError(f"BUILD on a {self.name_of(target)}")

    def _call(self, kind: str, callee: Value, args: Value, at: int, kwargs: Value | None = None) -> None:
        if isinstance(callee, (int, tuple)) or (isinstance(callee, Bag) and callee.kind in _NOT_CALLABLE):
            raise ValueError(f"a {self.name_of(callee)} is called")
        call = Call(kind, callee, args, at, kwargs)
        self.events.append(call)
        self.stack.append(call)

    def _check_arguments(self, args: Value) -> None:
        if isinstance(args, Global) or (isinstance(args, int) and self.name_of(args) in _NOT_ITERABLE):
            raise ValueError("the arguments of a call are not a tuple")

    def mutate(self, kind: str, target: Value, items: Sequence[Value], allowed: tuple[str, ...]) -> None:
        """A method of `target` is called with these contents. Raises ValueError when it surely has none."""
        if not items:
            return  # nothing to do for CPython either, whatever the target is
        certain = self.name_of(target)
        if certain:
            if certain in allowed or ("bytearray" in allowed and self._is_bytearray(target)):
                return
            raise ValueError(f"{kind} on a {certain}")
        if target.__class__ is Settled:
            target.calls += 1
            return
        self.events.append(Call(kind, target, Bag("list", items), self.at))

    def _is_bytearray(self, value: Value) -> bool:
        return isinstance(value, int) and self.window.read(value, 1) == b"\x96"

    # -- values from outside the stream

    def op_persid(self, at: int) -> int:
        line, following = self.window.line(at + 1)
        return self._persistent(line.decode("ascii")[:300], at, following)

    def op_binpersid(self, at: int) -> int:
        return self._persistent(self.stack.pop(), at, at + 1)

    def _persistent(self, detail: Value | str, at: int, following: int) -> int:
        value = Opaque("persistent", detail, at)
        self.events.append(value)
        self.stack.append(value)
        return following

    def op_ext1(self, at: int) -> int:
        return self._extension(at, 1)

    def op_ext2(self, at: int) -> int:
        return self._extension(at, 2)

    def op_ext4(self, at: int) -> int:
        return self._extension(at, 4)

    def _extension(self, at: int, size: int) -> int:
        """A code that only the loading program's copyreg registry can turn into a name."""
        code = int.from_bytes(self.window.read(at + 1, size), "little", signed=size == 4)
        if code <= 0:
            raise ValueError("EXT specifies code <= 0")
        self.events.append(Oddity(kind="ext", detail=f"extension code {code}", offset=at))
        self.stack.append(Opaque("ext", str(code), at))
        return at + 1 + size
