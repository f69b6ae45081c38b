"""What a person at a terminal reads, and what a pipe gets: a table with colours, or one plain line a finding."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from mlgate.records import Action, Decision, Explanation, Inventory, Location, Severity, Verdict
from mlgate.reports import escape
from mlgate.reports.context import ReportContext
from mlgate.reports.rows import VERBS, place_suffix
from mlgate.reports.tally import (
    NOT_SAFE,
    State,
    Tally,
    by_rule,
    comparison,
    count,
    headline,
    scope_line,
    tally,
    unread_line,
    would_block,
)

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

# A screenful; everything is in the files.
ROWS = 50
# Below this many columns the place has none of its own.
_WIDE = 110
_CELL = 22
_FIX_LINES = 20

_STYLES = {
    Severity.CRITICAL: "bold red",
    Severity.HIGH: "red",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "blue",
    Severity.INFO: "dim",
}
_VERDICTS = {
    State.BLOCKED: ("FAIL", "bold white on red"),
    State.WOULD_BLOCK: ("WARN", "bold black on yellow"),
    State.WARNED: ("PASS", "bold black on yellow"),
    State.CLEAN: ("PASS", "bold white on green"),
}


def render(inventory: Inventory, verdict: Verdict, context: ReportContext) -> str:
    """Plain text: a line a finding as compilers write it, then what to do. Nothing in it moves a cursor."""
    counts = tally(inventory, verdict)
    lines = [_plain(decision) for decision in counts.shown]
    lines += [_plain(decision) for decision in counts.waived]
    lines += ["", *_closing(inventory, verdict, counts, context)]
    return "\n".join(lines).lstrip("\n") + "\n"


def explained(explanations: tuple[Explanation, ...]) -> str:
    """What pickles do, each under the place where it stands; "" when there are none."""
    parts = []
    for explanation in explanations:
        place = explanation.location
        where = f"{place.path}!{place.member}" if place.member else place.path
        lines = "".join(f"    {escape.terminal(line, 1000)}\n" for line in explanation.lines)
        parts.append(f"{escape.terminal(where, 1000)}, pickle at byte {place.offset or 0}:\n{lines}\n")
    return "".join(parts)


def rich(
    inventory: Inventory, verdict: Verdict, context: ReportContext, *, width: int, color: bool, boxes: bool = True
) -> str:
    """For a terminal of `width` columns; `color` is False where NO_COLOR is set, `boxes` where only ASCII is shown."""
    from rich import box  # noqa: PLC0415
    from rich.console import Console  # noqa: PLC0415  (heavy, and only terminals need it)
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    counts = tally(inventory, verdict)
    out = io.StringIO()
    # Markup, emoji codes and highlighting would let names style themselves.
    console = Console(
        file=out,
        width=max(width, 40),
        force_terminal=color,
        color_system="standard" if color else None,
        no_color=not color,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )
    if counts.shown:
        lines = box.HEAVY_HEAD if boxes else box.ASCII_DOUBLE_HEAD
        table = Table(show_lines=True, expand=True, border_style="dim", header_style="bold", box=lines)
        table.add_column("Severity", no_wrap=True)
        table.add_column("What", ratio=4, overflow="fold")
        wide = width >= _WIDE
        if wide:
            table.add_column("Where", ratio=3, overflow="fold")
        table.add_column("Do this", ratio=3, overflow="fold")
        shown = counts.shown[:ROWS]
        for decision in shown:
            table.add_row(*_cells(decision, wide=wide))
        console.print(table)
        for decision in shown:
            _paste(console, decision)
        for rule, title, number in by_rule(counts.shown[ROWS:]):
            console.print(Text(f"  and {number:,} more: {rule} {title}", style="dim"))
    word, style = _VERDICTS[counts.state]
    first, *rest = _closing(inventory, verdict, counts, context)
    console.print(Text.assemble((f" {word} ", style), f" {first.removeprefix(word).lstrip(': ')}"))
    for line in rest[:-1]:
        console.print(Text(line, style="dim"))
    console.print(Text(rest[-1], style="bold"))
    return out.getvalue()


def _cells(decision: Decision, *, wide: bool) -> tuple[Text, ...]:
    """The columns of a finding; where there is no room for one of its own, the place stands below the message."""
    from rich.text import Text  # noqa: PLC0415

    finding = decision.finding
    block = decision.action is Action.BLOCK
    style = _STYLES[finding.severity]
    do = Text(escape.terminal(finding.rule.remediation, 400))
    if finding.fix and not _apart(finding.fix):
        do.append(f"\n{escape.terminal(finding.fix)}", style="cyan")
    what = Text.assemble(
        (escape.terminal(finding.rule.title), "bold"),
        "\n",
        escape.terminal(finding.message),
        "\n",
        (finding.rule.id, "dim"),
    )
    where = Text(_place(finding.location))
    severity = Text.assemble((str(finding.severity), style), "\n", (VERBS[decision.action], "bold" if block else "dim"))
    if wide:
        return severity, what, where, do
    return severity, Text("\n").join((what, Text(", ".join(where.plain.split("\n"))))), do


def _apart(fix: str) -> bool:
    """Whether a fix is no short line: a cell would break it, and nobody could copy it from there."""
    return len(fix) > _CELL or "\n" in fix


def _paste(console: Console, decision: Decision) -> None:
    """The lines to paste of a finding, whole, under the name of the place they are for."""
    from rich.text import Text  # noqa: PLC0415

    finding = decision.finding
    if not (finding.fix and _apart(finding.fix)):
        return
    place = ", ".join(_place(finding.location).split("\n"))
    console.print(Text(f"Fix for {finding.rule.id} in {place}:", style="dim"))
    for line in finding.fix.split("\n")[:_FIX_LINES]:
        console.print(Text(f"    {escape.terminal(line)}", style="cyan"), soft_wrap=True)


def _place(location: Location) -> str:
    parts = [escape.terminal(escape.clip_path(location.path, 120))]
    if location.member:
        parts.append(f"in {escape.terminal(escape.clip_path(location.member, 120))}")
    suffix = place_suffix(location)
    return "\n".join([*parts, suffix] if suffix else parts)


def _plain(decision: Decision) -> str:
    finding, place = decision.finding, decision.finding.location
    where = escape.terminal(escape.clip_path(place.path, 200)) or "."
    if place.line is not None and place.cell is None:
        where += f":{place.line}"
    details = [f"in {escape.terminal(escape.clip_path(place.member, 120))}"] if place.member else []
    if place.cell is not None or place.line is None:
        details += [place_suffix(place)] if place_suffix(place) else []
    behind = f" ({', '.join(details)})" if details else ""
    message = escape.terminal(finding.message)
    line = f"{where}: {finding.severity} {finding.rule.id} {VERBS[decision.action]}: {message}{behind}"
    # A path may begin with anything; a line of a log may not begin like a runner's command.
    line = escape.terminal(line, 2_000)
    if finding.fix and decision.action in (Action.BLOCK, Action.WARN):
        line += f"\n    fix: {escape.terminal(finding.fix)}"
    return line


def _closing(inventory: Inventory, verdict: Verdict, counts: Tally, context: ReportContext) -> list[str]:
    word, _ = _VERDICTS[counts.state]
    lines = [f"{word}: {headline(counts)}.", escape.terminal(comparison(verdict, counts))]
    if unread_line(counts):
        lines.append(unread_line(counts))
    lines.append(escape.terminal(scope_line(inventory, counts)))
    lines.append(
        f"Policy: {escape.terminal(verdict.policy_source or 'starter')}, mode {escape.terminal(verdict.mode)}."
    )
    lines += [f"Note: {escape.terminal(note)}" for note in (*verdict.notes, *context.notes)[:20]]
    if context.bom_summary:
        lines.append(f"ML-BOM: {escape.terminal(context.bom_summary)}")
    return [*lines, _next_step(counts)]


def _next_step(counts: Tally) -> str:
    """The last line says what to do."""
    if counts.state in (State.BLOCKED, State.WOULD_BLOCK):
        block = [decision for decision in counts.shown if would_block(decision)]
        if not block:
            return "Next: read the notes above, they say which part of the policy failed."
        first = block[0].finding
        rules = len({decision.finding.rule.id for decision in block})
        more = f" Then {len(block) - 1:,} more." if len(block) > 1 else ""
        help_for = "it" if rules == 1 else "the first"
        place = escape.terminal(escape.clip_path(first.location.path, 80)) or "."
        return (
            f"Next: {place}: {first.rule.remediation}{more} `mlgate rules {first.rule.id}` explains {help_for}; "
            "a waiver in the policy takes a reason, an owner and an expiry."
        )
    if counts.state is State.WARNED:
        return f"Next: nothing has to be done now; look at the {count(len(counts.warn), 'warning')}."
    return NOT_SAFE
