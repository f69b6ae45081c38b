"""Programs among bytes that nobody reads: ELF, PE and Mach-O by more of their headers than the first letters.

Source: System V ABI (ELF header), PE format ("MS-DOS stub", "Signature"), Apple's mach-o/loader.h.
"""

from __future__ import annotations

import re

from mlgate.records import Source

_STEP = 1 << 20
_SEARCHED = 64 << 20
_STUB = 0x40
_PE = 1 << 16  # the header of a PE stands near its beginning
_MARKS = re.compile(
    rb"\x7fELF[\x01\x02][\x01\x02]\x01"  # class, byte order, version
    rb"|\xcf\xfa\xed\xfe(?:\x07\0\0\x01|\x0c\0\0\x01)"  # Mach-O for x86-64 and arm64
    rb"|\xca\xfe\xba\xbe\0\0\0[\x01-\x08]\x01\0\0[\x07\x0c]"  # both in one
    rb"|MZ",
    re.DOTALL,
)


def find_program(source: Source, start: int) -> tuple[str, int] | None:
    """The kind ("ELF", "PE", "Mach-O") and the offset of the first program from `start` on, of the next 64 MB."""
    for at in range(start, min(source.size, start + _SEARCHED), _STEP):
        for match in _MARKS.finditer(source.read_at(at, _STEP + 16)):
            offset = at + match.start()
            if match.start() >= _STEP:
                break
            if match[0] != b"MZ":
                return ("ELF" if match[0][1:4] == b"ELF" else "Mach-O"), offset
            if _is_pe(source, offset):
                return "PE", offset
    return None


def _is_pe(source: Source, offset: int) -> bool:
    header = source.read_at(offset, _STUB)
    place = int.from_bytes(header[0x3C:0x40], "little")
    return _STUB <= place <= _PE and source.read_at(offset + place, 4) == b"PE\0\0"
