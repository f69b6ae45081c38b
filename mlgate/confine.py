"""What a worker gives up before it reads its first hostile byte. Runs in the worker only."""

from __future__ import annotations

import ctypes
import os
import resource
import struct
import sys
import tempfile
from dataclasses import dataclass

_NOBODY = 65534
_PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 4, 38
_SECCOMP_SET_MODE_FILTER, _SECCOMP_FILTER_FLAG_TSYNC = 1, 1
_ALLOW, _EPERM, _ENOSYS = 0x7FFF0000, 0x00050001, 0x00050026
_KILL = 0x80000000
# struct seccomp_data: nr at 0, arch at 4, args from 16 (linux/seccomp.h); BPF opcodes from linux/bpf_common.h
_LOAD, _EQUAL, _GREATER_EQUAL, _SET, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_O_TMPFILE = 0x400000  # a file without a name, for unpacking what is too large for memory
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC

# Linux system call numbers (asm/unistd_64.h; asm-generic/unistd.h): network, new processes, other processes, and
# changes of names in the file system. `opens` is (number, index of the flags argument).


@dataclass(frozen=True, slots=True, kw_only=True)
class _Abi:
    audit: int
    seccomp: int
    deny: tuple[int, ...]
    opens: tuple[tuple[int, int], ...]


_ABIS = {
    "x86_64": _Abi(
        audit=0xC000003E,
        seccomp=317,
        deny=(
            *(41, 42, 43, 49, 50, 53, 288),  # socket connect accept bind listen socketpair accept4
            *(56, 57, 58, 59, 322),  # clone fork vfork execve execveat
            *(62, 101, 200, 234, 310, 311),  # kill ptrace tkill tgkill process_vm_readv/writev
            *(76, 82, 83, 84, 85, 86, 87, 88, 90, 92, 94, 133, 165, 166, 161),  # names and modes, mount, chroot
            *(258, 259, 260, 263, 264, 265, 266, 268, 316),  # the ..at family
            *(250, 248, 249, 272, 298, 308, 321),  # keyctl add_key request_key unshare perf setns bpf
        ),
        opens=((2, 1), (257, 2)),
    ),
    "aarch64": _Abi(
        audit=0xC00000B7,
        seccomp=277,
        deny=(
            *(198, 199, 200, 201, 202, 203, 242),
            *(220, 221, 281),
            *(129, 130, 131, 117, 270, 271),
            *(33, 34, 35, 36, 37, 38, 45, 52, 53, 54, 55, 276, 39, 40, 51),
            *(217, 218, 219, 97, 241, 268, 280),
        ),
        opens=((56, 2),),
    ),
}
_MISSING = (425, 435, 437)  # io_uring_setup, clone3, openat2: new interfaces that would go around the list


def _filter(machine: str) -> bytes:
    """The BPF program: default allow, listed calls fail with EPERM, opening to write fails, other ABIs kill."""
    abi = _ABIS[machine]

    def op(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
        return struct.pack("<HBBI", code, yes, no, value)

    program = [op(_LOAD, 4), op(_EQUAL, abi.audit, 1, 0), op(_RETURN, _KILL), op(_LOAD, 0)]
    program += [op(_GREATER_EQUAL, 0x40000000, 0, 1), op(_RETURN, _KILL)]  # the x32 ABI has numbers of its own
    for number in _MISSING:
        program += [op(_EQUAL, number, 0, 1), op(_RETURN, _ENOSYS)]
    for number in abi.deny:
        program += [op(_EQUAL, number, 0, 1), op(_RETURN, _EPERM)]
    for number, flags in abi.opens:
        program += [
            op(_EQUAL, number, 0, 6),
            op(_LOAD, 16 + 8 * flags),
            op(_SET, _O_TMPFILE, 0, 1),
            op(_RETURN, _ALLOW),
            op(_SET, _WRITING, 0, 1),
            op(_RETURN, _EPERM),
            op(_RETURN, _ALLOW),
        ]
    return b"".join([*program, op(_RETURN, _ALLOW)])


def _seccomp() -> bool:
    machine = os.uname().machine
    if sys.platform != "linux" or machine not in _ABIS:
        return False

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))

    code = _filter(machine)
    libc = ctypes.CDLL(None, use_errno=True)
    program = Program(len(code) // 8, code)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        return False
    # for all threads of the process: the one that hashes is running already
    number = ctypes.c_long(_ABIS[machine].seccomp)
    flags = ctypes.c_ulong(_SECCOMP_FILTER_FLAG_TSYNC)
    return bool(libc.syscall(number, ctypes.c_ulong(_SECCOMP_SET_MODE_FILTER), flags, ctypes.byref(program)) == 0)


def _become_nobody() -> bool:
    """Drops root for good, unless that would lock the worker out of its own library files."""
    if os.geteuid() != 0:
        return False
    os.seteuid(_NOBODY)
    readable = all(os.access(path, os.R_OK, effective_ids=True) for path in (os.__file__, __file__))
    os.seteuid(0)
    if not readable:
        return False
    os.setgroups([])
    os.setresgid(_NOBODY, _NOBODY, _NOBODY)
    os.setresuid(_NOBODY, _NOBODY, _NOBODY)
    return True


def _virtual() -> int:
    try:
        with open("/proc/self/statm", "rb") as statm:  # noqa: PTH123  (no pathlib in a worker's start)
            return int(statm.read(64).split()[0]) * resource.getpagesize()
    except OSError:
        return 0


def confine(memory: int, scratch: int) -> dict[str, bool]:
    """Gives up what a parser does not need; says what the platform allowed.

    `memory` is bytes of address space beyond what the interpreter has now, `scratch` the largest file in bytes
    that may be written (to nameless temporary files, the only ones that can be). Linux enforces all of it; macOS has
    the CPU limit only, which the parent's wall-clock limit backs up.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    tempfile.tempdir = "/tmp"  # noqa: S108  (its search for one would create named files, which is refused below)
    resource.setrlimit(resource.RLIMIT_FSIZE, (scratch, scratch))
    if sys.platform == "linux":
        bound = _virtual() + memory
        resource.setrlimit(resource.RLIMIT_AS, (bound, bound))
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    nobody = _become_nobody()
    return {"nobody": nobody, "seccomp": _seccomp(), "memory": sys.platform == "linux"}


def cpu_budget(seconds: float) -> None:
    """Lets this process use `seconds` more of CPU time; then the kernel ends it with SIGXCPU."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = int(used.ru_utime + used.ru_stime + seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))
