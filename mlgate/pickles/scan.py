"""All streams of a file or member: pickle after pickle, what stands inside them, and what is left at the end."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

from mlgate import rules as catalogue
from mlgate.errors import Incomplete
from mlgate.pickles import rules
from mlgate.pickles.encoded import DECODED, decoded
from mlgate.pickles.explain import Explainer
from mlgate.pickles.joblib import JoblibMachine, PlainMachine
from mlgate.pickles.machine import Machine
from mlgate.pickles.programs import find_program
from mlgate.pickles.second import second_opinion
from mlgate.pickles.sniff import is_pickle, is_torch_legacy
from mlgate.pickles.state import Blob
from mlgate.pickles.values import Call
from mlgate.pickles.verdicts import CHANGES, Judge
from mlgate.records import Artifact, Explanation, Finding, Source
from mlgate.sources import SliceSource

_STREAMS = 10_000
_TRIED = 20_000  # bytes constants that are tried as pickles
_ASKED = 50  # nested pickles that fickling is asked about
_NESTING = 4
_OLDER = 8  # streams whose memos are kept for loaders that go on with one Unpickler
_SEARCHED = 256 << 20
_EFFORT = 32 << 20  # bytes of programs that are tried behind the end
_TRIAL = 1 << 10  # what one more trial counts
_EVENT = 32  # and what one event of it does, in bytes that take as long
_CALLS = frozenset({rules.DANGEROUS_CALL, rules.UNKNOWN_CALL, rules.UNUSUAL_ARGUMENTS})
# An opcode of a beginning behind PROTO, or a GLOBAL of protocol 0.
_HIDDEN = re.compile(rb"\x80[\x02-\x05][\x95\x8ccX(}\])]|c[A-Za-z_][\w.]{0,60}\n[A-Za-z_][\w.]{0,60}\n")
_TORCH_STREAMS = 5
_NESTED = "A bytes constant holds another pickle"
_ALL_DECODED = 64 << 20


class Scan:
    """One pickle file or member. Iterate `findings`; it raises Incomplete after the last one when it had to stop.

    `streams` limits how many pickles are read one after the other (a container that knows how many there are);
    afterwards `end` is the offset after the last STOP and `judge` holds the imports and persistent ids.
    """

    def __init__(
        self,
        artifact: Artifact,
        source: Source | None = None,
        *,
        start: int = 0,
        streams: int = _STREAMS,
        torch: bool = False,
        safe_prefixes: tuple[str, ...] = (),
        depth: int = 0,
        asked: bool = True,
    ) -> None:
        self.artifact = artifact
        self.source = artifact.source if source is None else source
        self.start = start
        self.end = start
        self.streams = streams
        self.last: Machine | None = None
        self.count = 0
        self.heard = 0
        self._options = (torch, safe_prefixes)
        self._depth = depth
        self._place = 0  # where the source begins in the artifact, for explanations
        self._asked = asked
        self._decoded = 0
        self._tried = 0
        self._judge: Judge | None = None
        self._unread: Incomplete | None = None

    @property
    def judge(self) -> Judge:
        """The judge of the last stream. Raises RuntimeError before the first finding was asked for."""
        if self._judge is None:
            raise RuntimeError("the scan has not begun")
        return self._judge

    @property
    def begun(self) -> bool:
        """Whether there is a judge yet."""
        return self._judge is not None

    def findings(self) -> Iterator[Finding | Explanation]:
        """Everything there is to say, in the order of the stream."""
        older: Machine | None = None
        while self.count < self.streams:
            machine = JoblibMachine(self.source, self.end, older)
            yield from self._stream(machine)
            self.end = machine.end
            self.last = older = machine
            machine.close(_OLDER)
            self.count += 1
            if self.end >= self.source.size or not is_pickle(self.source, self.end):
                break
        else:
            if self.streams == _STREAMS:
                raise Incomplete("limit", "too many pickles in one file", offset=self.end)
        if self.streams == _STREAMS:
            yield from self.rest(self.end)
        if self._unread is not None and self._depth == 0:
            raise self._unread

    def _stream(self, machine: JoblibMachine) -> Iterator[Finding | Explanation]:
        lines = self.artifact.limits.explain
        if not lines:
            yield from self._judged(machine, None)
            return
        explainer = Explainer(self.source, lines)
        place = self.artifact.at(offset=self._place + machine.start)
        try:
            yield from self._judged(machine, explainer)
        except Incomplete as stop:
            yield explainer.end(place, machine, stop)
            raise
        yield explainer.end(place, machine, None)

    def _judged(self, machine: JoblibMachine, explainer: Explainer | None) -> Iterator[Finding | Explanation]:
        torch, prefixes = self._options
        judge = Judge(self.artifact, machine.window, expect_persistent=torch, safe_prefixes=prefixes)
        if self._judge is not None:
            judge.continues(self._judge)
        self._judge = judge
        try:
            yield from self._events(machine, judge, explainer)
        except Incomplete as stop:
            yield from judge.flush()
            if machine.arrays:
                yield from self._plain(machine, judge)
            if judge.ran:
                yield self._broken(stop)
            raise
        yield from judge.flush()
        if machine.arrays:
            yield from self._plain(machine, judge)
        if judge.arguments.stopped is not None:
            raise judge.arguments.stopped
        if self._asked:
            yield from second_opinion(self.artifact, self.source, machine, judge)

    def _events(
        self, machine: Machine, judge: Judge, explainer: Explainer | None = None
    ) -> Iterator[Finding | Explanation]:
        for event in machine.run():
            if explainer:
                explainer.event(event)
            if event.__class__ is Call and judge.passes(event):
                if event.kind not in CHANGES and not explainer:
                    machine.settle(event)
                continue
            self.heard += 1
            if isinstance(event, Blob):
                yield from self._inner(event, judge)
            else:
                yield from judge.judge(event)
        judge.events += machine.skipped

    def _plain(self, machine: JoblibMachine, judge: Judge) -> Iterator[Finding | Explanation]:
        """The same stream for pickle.load, which takes joblib's array bytes for opcodes and soon fails on them."""
        with contextlib.suppress(Incomplete):  # the stream was read to its end the other way
            yield from self._events(PlainMachine(self.source, machine.start), judge)
        yield from judge.flush()

    def _inner(self, blob: Blob, judge: Judge) -> Iterator[Finding | Explanation]:
        """A pickle in a bytes constant is reported as if it were loaded.

        What was not read of it is put down: it matters when a call turns out to load it (see Judge.unread).
        """
        inner: Source = SliceSource(self.source, blob.offset, blob.length)
        if blob.encoding:
            self._decoded += min(blob.length, DECODED)
            if self._decoded > _ALL_DECODED:
                self._unread = self._unread or Incomplete("limit", "too many encoded pickles", offset=blob.offset)
                return
            inner_text = decoded(inner, blob.encoding)
            if inner_text is None:
                return
            inner = inner_text
        if self._depth >= _NESTING or self._tried >= _TRIED:
            what = "pickles are nested too deep" if self._depth >= _NESTING else "too many nested pickles"
            stop = Incomplete("limit", what, offset=blob.offset)
            judge.arguments.skipped(blob.offset, stop)
            if self._tried < _TRIED and is_pickle(inner, 0):
                self._unread = self._unread or stop
            self._tried += 1
            return
        self._tried += 1
        if not is_pickle(inner, 0):
            return
        streams = _TORCH_STREAMS if is_torch_legacy(inner) else _STREAMS
        scan = Scan(
            self.artifact, inner, depth=self._depth + 1, torch=True, streams=streams, asked=self._tried <= _ASKED
        )
        scan._place = self._place + blob.offset
        found: list[Finding] = []
        try:
            for said in scan.findings():
                if isinstance(said, Explanation):
                    yield said
                else:
                    found.append(said)
        except Incomplete as stop:
            judge.arguments.skipped(
                blob.offset, Incomplete(stop.reason, f"{stop.detail} (nested pickle)", offset=blob.offset)
            )
        self._put_down(scan, blob.offset)
        location = self.artifact.at(offset=blob.offset)
        if any(entry.level != "safe" for entry in scan.judge.imports.values()):
            what = f"A constant holds another pickle in {blob.encoding}" if blob.encoding else _NESTED
            yield catalogue.finding(rules.NESTED, location, f"{what}.", evidence="nested")
        yield from self._within(found, blob.offset, "a nested pickle")

    def _put_down(self, scan: Scan, offset: int) -> None:
        """Pickles in pickles that are too deep for the scan of one of them are too deep for this one."""
        if scan._unread is not None and self._unread is None:
            self._unread = Incomplete(scan._unread.reason, scan._unread.detail, offset=offset)

    def _within(self, found: list[Finding], offset: int, where: str) -> Iterator[Finding]:
        location = self.artifact.at(offset=offset)
        for finding in found:
            if finding.rule not in (rules.NOT_ASKED, rules.TRAILING):
                yield catalogue.finding(
                    finding.rule,
                    location,
                    f"In {where}: {finding.message}",
                    evidence=finding.evidence,
                    severity=finding.severity,
                    facts=finding.facts,
                )

    def _broken(self, stop: Incomplete) -> Finding:
        location = self.artifact.at(offset=stop.offset)
        message = f"The stream breaks ({stop.detail}) after it has made calls."
        return catalogue.finding(rules.BROKEN, location, message, evidence=stop.reason)

    def rest(self, end: int) -> Iterator[Finding]:
        """Data from `end` on that no loader reads; padding is nothing to speak of."""
        left = self.source.size - end
        for offset in range(end, self.source.size, 1 << 20):
            if self.source.read_at(offset, 1 << 20).strip(b"\0\r\n "):
                break
        else:
            return
        yield catalogue.finding(
            rules.TRAILING,
            self.artifact.at(offset=end),
            f"{left:,} bytes follow the end of the pickle.",
            evidence="data after STOP",
        )
        if (program := find_program(self.source, end)) is not None:
            kind, offset = program
            message = f"A program ({kind}) stands {offset - end:,} bytes behind the end of the pickle."
            yield catalogue.finding(rules.PROGRAM, self.artifact.at(offset=offset), message, evidence=kind)
        yield from self.hidden(end)

    def hidden(self, end: int) -> Iterator[Finding]:
        """Pickles in the rest that call something: some loader (torch's for tar archives) reads between them.

        Bytes that are none break within a few opcodes. Raises Incomplete (limit) when they go on and on.
        """
        if self._depth >= _NESTING:
            return
        reached, effort = end, 0
        for offset in self._places(end):
            if offset < reached:
                continue
            scan = Scan(self.artifact, self.source, start=offset, depth=_NESTING, torch=True, streams=1, asked=False)
            found: list[Finding] = []
            parsed = 0
            try:
                found.extend(said for said in scan.findings() if isinstance(said, Finding))
            except Incomplete as stop:  # mostly bytes that are no pickle after all
                parsed = (stop.offset or offset) - offset
            if scan.count:
                reached = scan.end
            effort += _TRIAL + max(parsed, scan.end - offset, _EVENT * scan.heard)
            told = [finding for finding in found if scan.count or finding.rule in _CALLS]
            if scan.count:
                self._put_down(scan, offset)
            if scan.judge.ran or scan.count:
                yield from self._within(told, offset, "a pickle after the end")
            if effort > _EFFORT:
                raise Incomplete("limit", "too much that could be pickles follows the end", offset=offset)

    def _places(self, end: int) -> Iterator[int]:
        step, overlap = 1 << 20, 128
        for start in range(end, min(self.source.size, end + _SEARCHED), step):
            for match in _HIDDEN.finditer(self.source.read_at(start, step + overlap)):
                if match.start() < step:
                    yield start + match.start()
