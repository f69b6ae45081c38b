"""Opcodes of pickle protocols 0 to 5, as numbers (CPython Lib/pickle.py and Lib/pickletools.py describe them)."""

from __future__ import annotations

MARK, STOP, POP, POP_MARK, DUP = b"(.012"
FLOAT, INT, BININT, BININT1, LONG, BININT2, NONE = b"FIJKLMN"
PERSID, BINPERSID, REDUCE, STRING, BINSTRING, SHORT_BINSTRING = b"PQRSTU"
UNICODE, BINUNICODE, APPEND, BUILD, GLOBAL, DICT, EMPTY_DICT = b"VXabcd}"
APPENDS, GET, BINGET, INST, LONG_BINGET, LIST, EMPTY_LIST, OBJ = b"eghijl]o"
PUT, BINPUT, LONG_BINPUT, SETITEM, TUPLE, EMPTY_TUPLE, SETITEMS, BINFLOAT = b"pqrst)uG"
BINBYTES, SHORT_BINBYTES = b"BC"
PROTO, NEWOBJ, EXT1, EXT2, EXT4, TUPLE1, TUPLE2, TUPLE3, NEWTRUE, NEWFALSE, LONG1, LONG4 = range(0x80, 0x8C)
SHORT_BINUNICODE, BINUNICODE8, BINBYTES8, EMPTY_SET, ADDITEMS, FROZENSET = range(0x8C, 0x92)
NEWOBJ_EX, STACK_GLOBAL, MEMOIZE, FRAME, BYTEARRAY8, NEXT_BUFFER, READONLY_BUFFER = range(0x92, 0x99)

HIGHEST_PROTOCOL = 5

# Whole length in bytes of the opcodes that push a constant of fixed size, 0 for all others.
_SIZES = {NONE: 1, NEWTRUE: 1, NEWFALSE: 1, BININT1: 2, BININT2: 3, BININT: 5, BINFLOAT: 9}
FIXED: tuple[int, ...] = tuple(_SIZES.get(op, 0) for op in range(256))

# Opcodes whose argument is a length (its size in bytes) and then so many bytes.
COUNTED = {
    SHORT_BINSTRING: 1,
    SHORT_BINBYTES: 1,
    SHORT_BINUNICODE: 1,
    LONG1: 1,
    BINSTRING: 4,
    BINBYTES: 4,
    BINUNICODE: 4,
    LONG4: 4,
    BINBYTES8: 8,
    BINUNICODE8: 8,
    BYTEARRAY8: 8,
}
# Opcodes whose argument ends with a newline.
LINES = frozenset({INT, LONG, FLOAT, STRING, UNICODE})
TEXT = frozenset({UNICODE, BINUNICODE, SHORT_BINUNICODE, BINUNICODE8, STRING, BINSTRING, SHORT_BINSTRING})
