"""One file through the readers in this process, and what must not happen while they look."""

from __future__ import annotations

import contextlib
import faulthandler
import re
import resource
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from mlgate import identify, rules
from mlgate.pickles import second
from mlgate.records import Artifact, Finding, Inspector, Limits
from mlgate.registry import inspectors
from mlgate.sources import BytesSource
from mlgate.wire import Line, decode, encode
from mlgate.worker import Examination

SECONDS = 2.0  # of processor time for each started 100 KB
PER = 100_000
GROWTH = 200 << 20
LIMITS = Limits(per_file=20, file=1 << 30, unpacked=64 << 20)
_STOP = 20.0


class _TooLong(BaseException):
    """Not an Exception, so that no reader's guard takes it."""


def _too_long(number: int, frame: FrameType | None) -> None:
    raise _TooLong


@dataclass(frozen=True, slots=True)
class Defect:
    """What went wrong, in words that are the same for the same defect."""

    kind: str
    detail: str


class Watcher:
    """Runs files through all readers, `reader` also when it does not claim them."""

    def __init__(self, reader: str = "", readers: tuple[Inspector, ...] = ()) -> None:
        self._reader = reader
        self._readers = readers or inspectors()
        self._catalogue = rules.catalogue([rules.RULES, identify.RULES, *(each.rules for each in self._readers)])
        self._crash = re.compile(r"(\w+) in the (\S+) reader at (\S+)")
        signal.signal(signal.SIGPROF, _too_long)
        second._SECONDS = 1  # what fickling may take of a file's 2 seconds

    def look(self, name: str, data: bytes) -> Defect | None:
        """The first defect that the file brought out, or None."""
        defects: list[Defect] = []

        def emit(line: Line) -> None:
            if isinstance(line, Finding) and line.rule is rules.INCOMPLETE["crashed"]:
                defects.append(Defect("crash", self._said(line.message)))
            try:
                decode(encode(line), self._catalogue)
            except ValueError as error:
                defects.append(Defect("wire", f"{type(line).__name__} {type(error).__name__}"))

        source, head = BytesSource(data), data[: identify.HEAD]
        before, start = _reset_peak(), time.process_time()
        allowed = SECONDS * (1 + len(data) // PER)
        signal.setitimer(signal.ITIMER_PROF, _STOP * (1 + len(data) // PER))
        faulthandler.dump_traceback_later(600, exit=True)
        try:
            Examination(self._readers, emit, self._reader).run(
                Artifact(
                    path=name,
                    name=name,
                    source=source,
                    head=head,
                    formats=identify.identify(source, head),
                    limits=LIMITS,
                )
            )
        except _TooLong as error:
            defects.append(Defect("endless", _where(error)))
        except Exception as error:  # noqa: BLE001  (that is what is looked for)
            defects.append(Defect("escaped", f"{type(error).__name__} at {_where(error)}"))
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            faulthandler.cancel_dump_traceback_later()
        took = time.process_time() - start
        if took > allowed:
            defects.append(Defect("slow", f"over {allowed:.0f} s"))
        if _peak() - before > GROWTH:
            defects.append(Defect("memory", f"over {GROWTH >> 20} MB"))
        return defects[0] if defects else None

    def _said(self, message: str) -> str:
        found = self._crash.search(message)
        return " ".join(found.groups()) if found else message


def _where(error: BaseException) -> str:
    place, trace = "", error.__traceback__
    while trace:
        code = trace.tb_frame.f_code
        if "/mlgate/" in code.co_filename:
            place = f"{Path(code.co_filename).name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place


def _reset_peak() -> int:
    """Forgets the highest memory so far (proc(5), clear_refs) and says what is used now, in bytes."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return _peak()


def _peak() -> int:
    try:
        status = Path("/proc/self/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024
    except (OSError, IndexError, ValueError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
