"""Pickles that call a function without any call of it: they use what unpicklers and harmless types do by themselves.

Each of the first group was loaded with CPython 3.11 and wrote a file.
"""

from __future__ import annotations

from tests.builders import pickles as build
from tests.builders.pickles import args, proto, short, stack_global

WRITE = stack_global("pathlib", "PosixPath.write_text")
UNKNOWN = stack_global("somebodys.library", "run")


def path() -> bytes:
    return stack_global("pathlib", "PosixPath") + args(short("/tmp/x")) + b"R"


def partial(function: bytes, *items: bytes) -> bytes:
    return stack_global("functools", "partial") + args(function, *items) + b"R"


def namespace(**attributes: bytes) -> bytes:
    """An instance with these attributes."""
    pairs = b"".join(short(name) + value for name, value in attributes.items())
    return stack_global("types", "SimpleNamespace") + b")R}(" + pairs + b"ub"


def _whole(opcodes: bytes) -> bytes:
    return proto(4) + opcodes + build.STOP


def keys_of_dict(function: bytes = UNKNOWN) -> bytes:
    """dict(x) calls x.keys()."""
    return _whole(stack_global("builtins", "dict") + args(namespace(keys=partial(function, short("x")))) + b"R")


def append(function: bytes = UNKNOWN) -> bytes:
    """APPEND calls x.append(item)."""
    return _whole(namespace(append=function) + short("item") + b"a")


def extend(function: bytes = UNKNOWN) -> bytes:
    return _whole(namespace(extend=function) + b"(" + short("item") + b"e")


def setstate(function: bytes = UNKNOWN) -> bytes:
    """The second BUILD calls what the first one has set."""
    return _whole(namespace(__setstate__=function) + short("state") + b"b")


def behind_many_attributes(function: bytes = UNKNOWN) -> bytes:
    """More attributes before it than a dict keeps."""
    filler = {f"a{number}": b"N" for number in range(50)}
    return _whole(namespace(**filler, append=partial(function)) + short("item") + b"a")


def deep_in_slots(function: bytes = UNKNOWN) -> bytes:
    """The method is among the slots, in a state nested deeper than is kept."""
    slots = b"}(" + short("deep") + b"]" * 40 + b"a" * 39 + short("append") + function + b"u"
    return _whole(stack_global("types", "SimpleNamespace") + b")RN" + slots + b"\x86b" + short("item") + b"a")


def after_a_thousand(function: bytes = UNKNOWN) -> bytes:
    """A thousand harmless instances of the class come first."""
    return _whole(args(*[namespace(a=b"N")] * 1_200, namespace(append=partial(function)) + short("item") + b"a"))


def state_by_call(function: bytes = UNKNOWN) -> bytes:
    """The state is what dict() makes of pairs."""
    state = stack_global("builtins", "dict") + args(b"](" + short("append") + function + b"\x86e") + b"R"
    return _whole(stack_global("types", "SimpleNamespace") + b")R" + state + b"b" + short("item") + b"a")


def class_in_slots() -> bytes:
    """setattr(x, "__class__", ...) makes an instance of another class."""
    state = b"N}" + short("__class__") + stack_global("joblib.numpy_pickle", "NumpyArrayWrapper") + b"s\x86"
    return _whole(stack_global("types", "SimpleNamespace") + b")R" + state + b"b")


def replaced_partial(function: bytes = UNKNOWN) -> bytes:
    """partial(list), whose state puts another function in."""
    return _whole(partial(stack_global("builtins", "list")) + args(function, b")", b"}", b"N") + b"b")


def base_of_reconstructor(function: bytes = UNKNOWN) -> bytes:
    """copyreg._reconstructor calls base.__new__."""
    base = namespace(__new__=function)
    return _whole(
        stack_global("copyreg", "_reconstructor") + args(stack_global("builtins", "object"), base, b"N") + b"R"
    )


def constructor_that_calls(function: bytes = UNKNOWN) -> bytes:
    """LambdaLR calls its second argument."""
    return _whole(stack_global("torch.optim.lr_scheduler", "LambdaLR") + args(b"N", function) + b"R")


def ufunc_called(function: bytes = UNKNOWN) -> bytes:
    """A ufunc calls methods of the objects in an array."""
    return _whole(stack_global("numpy", "sqrt") + args(b"](" + namespace(sqrt=function) + b"e") + b"R")


def module_by_ufunc() -> bytes:
    """Numpy's lookup of ufuncs gives out any attribute of its modules, and BUILD changes it."""
    found = stack_global("numpy.core", "_ufunc_reconstruct") + short("numpy.linalg") + short("linalg") + b"\x86R"
    return _whole(found + b"}" + short("x") + b"]sb")


def standard_function() -> bytes:
    return _whole(WRITE)


def standard_constructor() -> bytes:
    """wave.Wave_write opens its argument for writing."""
    return _whole(stack_global("wave", "Wave_write") + args(short("/tmp/x")) + b"R")


def file_of_torch() -> bytes:
    return _whole(stack_global("torch._C", "PyTorchFileWriter") + args(short("/tmp/x")) + b"R")


def long_name() -> bytes:
    """A name that is longer than what is kept of it."""
    name = "RegexFlag." + "A." * 2_045 + "__class__.__init__.__globals__"
    return _whole(short("re") + build.text(name) + b"\x93")


def constructor(module: str, name: str, *items: bytes) -> bytes:
    """An instance made with arguments."""
    return _whole(stack_global(module, name) + args(*items) + b"R")


def instance(module: str, name: str, *, times: int = 1) -> bytes:
    """Instances that are filled with a state, as pickle writes them."""
    one = stack_global(module, name) + b")\x81}" + short("a") + b"Nsb"
    return _whole(args(*[one] * times))


def constructor_after_a_thousand(module: str, name: str, *items: bytes) -> bytes:
    """Harmless instances and harmless calls of the class come first."""
    harmless = stack_global(module, name) + b")\x81" + stack_global(module, name) + b"K\x01\x85R"
    return _whole(args(*[harmless] * 1_100, stack_global(module, name) + args(*items) + b"R"))


def factory_as_state(function: bytes = UNKNOWN) -> bytes:
    """random.Random takes state[0], and a defaultdict calls its factory for what is missing."""
    state = stack_global("collections", "defaultdict") + args(partial(function, short("x"))) + b"R"
    return _whole(stack_global("random", "Random") + b")R" + state + b"b")


def generator_of(function: bytes) -> bytes:
    """Numpy's helper calls its second argument with the first."""
    return _whole(stack_global("numpy.random._pickle", "__generator_ctor") + args(short("folder"), function) + b"R")
