"""Opcodes that import and call: what a loader would run is put down here, in order, and not run."""

from __future__ import annotations

from collections.abc import Sequence

from mlgate.errors import Incomplete
from mlgate.pickles.names import python3_name
from mlgate.pickles.state import Oddity, Planted, State
from mlgate.pickles.values import ELIDED, Bag, Call, Global, Opaque, Settled, Value, as_tuple, items_of, shallow
from mlgate.pickles.window import Window

_IMPORTS = 50_000
_NOT_CALLABLE = frozenset(
    {"str", "bytes", "int", "float", "bool", "NoneType", "tuple", "list", "dict", "set", "frozenset"}
)
# Attributes that unpicklers and the harmless callables of pickles look up on an instance and call.
_METHODS = frozenset(
    {"append", "extend", "add", "keys", "items", "update"}
    | {"get", "pop", "popitem", "replace", "setdefault", "copy"}
    | {"to", "detach", "set_", "as_subclass", "read", "readline"}
    | {"readinto", "write", "handle", "emit", "persistent_load", "find_class"}
    | {"close", "flush", "clone", "view", "__class__", "__setstate__"}
    | {"__new__", "__init__", "__call__", "__reduce__", "__reduce_ex__", "__getstate__"}
    | {"__getattr__", "__getattribute__", "__setattr__", "__setitem__", "__getitem__", "__missing__"}
    | {"__iter__", "__next__", "__len__", "__contains__", "__bool__", "__hash__"}
    | {"__eq__", "__del__", "__get__", "__set__", "__set_name__", "__init_subclass__"}
    | {"__mro_entries__", "__prepare__", "__instancecheck__", "__subclasscheck__", "__array__", "__array_wrap__"}
    | {
        "__array_prepare__",
        "__array_ufunc__",
        "__array_function__",
        "__array_finalize__",
        "__torch_function__",
        "__fspath__",
    }
    | {"__index__", "__int__", "__float__", "__str__", "__repr__", "__bytes__"}
    | {"__enter__", "__exit__", "__copy__", "__deepcopy__"}
)
_LONGEST = max(map(len, _METHODS))
_MAPPINGS = frozenset({"dict", "OrderedDict", "defaultdict", "Counter", "UserDict", "ChainMap", "Bunch"})
_PLANTED = 50_000  # containers with methods in them, and names of keys, that are remembered
_NOT_ITERABLE = frozenset({"int", "float", "bool", "NoneType"})


class Calls(State):
    """GLOBAL, INST, EXT and what calls."""

    def __init__(self, window: Window, older: State | None = None) -> None:
        super().__init__(window, older)
        self._known: dict[tuple[str, str, int], Global] = {}
        # containers, by identity, that map names of methods to something that could be called
        self.planted: dict[int, tuple[Value, list[tuple[str, Value]]]] = {}
        self._method_names: dict[int, str] = {}

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
        if state.__class__ is not int:
            self._tell_planted(state, at)
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

    def plant(self, target: Value, items: Sequence[Value]) -> None:
        """Takes note of pairs that give `target` an entry with a method's name and a value that could be called.

        It matters when the container becomes the state of an instance (BUILD): unpicklers and constructors call
        what they find under these names.
        """
        for index in range(1, len(items), 2):
            value, key = items[index], items[index - 1]
            if isinstance(key, int) and (value.__class__ is Global or _may_be_called(value)):
                name = self._method_name(key)
                if name:
                    pairs = self.planted.setdefault(id(target), (target, []))[1]
                    pairs.append((name, value))
                    if len(self.planted) > _PLANTED or len(pairs) > _PLANTED:
                        raise Incomplete("limit", "too many entries with names of methods", offset=self.at)

    def _method_name(self, key: int) -> str:
        """The constant when it is a method's name, else ""."""
        known = self._method_names.get(key)
        if known is None:
            known = ""
            extent = self.window.extent(key)
            if extent is None or extent[1] <= _LONGEST:
                text = self.window.constant(key)
                known = text if isinstance(text, str) and text in _METHODS else ""
            if len(self._method_names) < _PLANTED:
                self._method_names[key] = known
        return known

    def _tell_planted(self, state: Value, at: int) -> None:
        """An event for each method that a state, or a dict in a pair of states, brings with it."""
        pair = isinstance(state, Bag) and state.kind == "tuple"
        parts = (state, *items_of(state)[:2]) if pair else (state,)
        for part in parts:
            if isinstance(part, Call) and _is_mapping(part) and (items_of(part.args) or part.kwargs is not None):
                self.events.append(Planted(name="", value=part, offset=at))
        for part in parts if self.planted else ():
            found = self.planted.values() if part is ELIDED else (self.planted.get(id(part), (part, [])),)
            for _, pairs in tuple(found):
                self.events.extend(Planted(name=name, value=value, offset=at) for name, value in pairs)

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
        if self.planted:
            for item in (*items_of(args), kwargs or ()):
                if id(item) in self.planted:
                    self._tell_planted(item, at)
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
        if kind == "setitems":
            self.plant(target, items)
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


def _may_be_called(value: Value) -> bool:
    """Whether a call makes something to call: a partial, or nobody knows what. Most calls make instances."""
    if value.__class__ is not Call or not isinstance(value, Call):
        return False
    return not isinstance(value.callee, Global) or value.callee.name.rsplit(".", 1)[-1] == "partial"


def _is_mapping(made: Call) -> bool:
    return isinstance(made.callee, Global) and made.callee.name in _MAPPINGS
