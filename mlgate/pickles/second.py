"""fickling's static analysis as a second opinion on pickles small enough for it.

Only `fickling.fickle` (a parser and symbolic interpreter) and `fickling.analysis` are used: neither unpickles. The
worse opinion counts where fickling names an import or call as overtly or likely overtly malicious; its words on
style ("non-standard import", unused variables) are about what mlgate's own table already judges.
"""

from __future__ import annotations

import contextlib
import io
import re
import signal
from collections.abc import Iterator
from types import FrameType

from mlgate import rules as catalogue
from mlgate.pickles import rules
from mlgate.pickles.machine import Machine
from mlgate.pickles.verdicts import Judge
from mlgate.records import Artifact, Finding, Severity, Source

# The densest streams of 128 KiB that were measured take 1.6 s and 94 MB, 8,000 calls 0.7 s and 65 MB.
BUDGET = 128 * 1024
_CALLS = 8_000
_SECONDS = 5  # shared contents, written out again at each use, double with each level: only that comes here
_LEVELS = {"LIKELY_OVERTLY_MALICIOUS": Severity.HIGH, "OVERTLY_MALICIOUS": Severity.CRITICAL}
_ABOUT_NAMES = frozenset({"UnsafeImports", "UnsafeImportsML", "BadCalls", "OvertlyBadEval", "ScannerDeactivation"})
_FROM = re.compile(r"from\s+([\w.]+)\s+import\s+([\w.]+)")


def second_opinion(artifact: Artifact, source: Source, machine: Machine, judge: Judge) -> Iterator[Finding]:
    """Findings where fickling rates a name worse than the table did, or a note that it was not asked."""
    if not judge.imports or judge.critical:
        return  # nothing imported is nothing called; and nothing is worse than critical
    place = artifact.at(offset=machine.start)
    length = machine.end - machine.start
    if length > BUDGET or judge.events > _CALLS:
        yield catalogue.finding(
            rules.NOT_ASKED,
            place,
            f"{length:,} bytes and {judge.events:,} calls are too much for fickling.",
            evidence="too large",
        )
        return
    data = source.read_at(machine.start, length)
    try:
        with _time_limit(_SECONDS):
            results = _ask(data)
    except _ExpiredError:
        message = f"fickling took more than {_SECONDS} seconds; mlgate's own answer stands."
        yield catalogue.finding(rules.NOT_ASKED, place, message, evidence="too slow")
        return
    except Exception as error:  # noqa: BLE001  (another project's parser on hostile bytes: ours has read them all)
        message = f"fickling could not read the stream ({type(error).__name__}); mlgate's own answer stands."
        yield catalogue.finding(rules.NOT_ASKED, place, message, evidence="not readable by fickling")
        return
    for severity, analysis, trigger, message in results:
        if analysis in _ABOUT_NAMES and severity in _LEVELS and not _known(judge, trigger):
            yield catalogue.finding(
                rules.SECOND_OPINION,
                place,
                f"fickling: {message[:300]}",
                evidence=f"{analysis}: {trigger}"[:200],
                severity=_LEVELS[severity],
            )


class _ExpiredError(BaseException):
    """Not an Exception, so that nobody on the way can take it for one of theirs."""


@contextlib.contextmanager
def _time_limit(seconds: int) -> Iterator[None]:
    """Raises _ExpiredError after so many seconds of CPU time. Raises ValueError outside of the main thread.

    CPU time, not wall time: the budgets above decide in all but hostile cases, and the same file gets the same
    answer on a busy machine.
    """

    def expire(_signal: int, _frame: FrameType | None) -> None:
        raise _ExpiredError

    before = signal.signal(signal.SIGVTALRM, expire)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _ask(data: bytes) -> list[tuple[str, str, str, str]]:
    """(severity, analysis, trigger, message) of each result. Raises whatever fickling raises."""
    from fickling.analysis import Analyzer  # type: ignore[import-untyped]  # noqa: PLC0415  (70 ms at start-up)
    from fickling.fickle import Pickled  # type: ignore[import-untyped]  # noqa: PLC0415

    with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):  # it prints warnings
        results = Analyzer.default_instance.analyze(Pickled.load(data)).results
    return [
        (result.severity.name, str(result.analysis_name), str(result.trigger or ""), str(result.message or ""))
        for result in results
    ]


def _known(judge: Judge, trigger: str) -> bool:
    """Whether the names fickling speaks of are ones that the table has argued as safe, or has reported itself."""
    names = [f"{module}.{name}" for module, name in _FROM.findall(trigger)]
    if not names:
        return any(entry.level == "dangerous" for entry in judge.imports.values())
    return all(name in judge.imports and judge.imports[name].level in ("safe", "dangerous") for name in names)
