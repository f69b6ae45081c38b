"""summary.md: the job summary, with nearly everything that one file of Markdown can hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mlgate.records import Decision, Inventory, Verdict
from mlgate.reports import escape, graph, lineage, templating
from mlgate.reports.comment import SIGNS, artifact_sentence, changed, flagged
from mlgate.reports.context import ReportContext
from mlgate.reports.escape import Markdown
from mlgate.reports.inventory import Table, tables
from mlgate.reports.rows import Row, row
from mlgate.reports.tally import (
    NOT_SAFE,
    Tally,
    by_rule,
    comparison,
    count,
    headline,
    scope_line,
    tally,
    unread_line,
)

# GitHub drops the whole summary of a step over 1 MiB.
BUDGET = 900 * 1024
_MOST_NODES = 59


@dataclass(frozen=True, slots=True, kw_only=True)
class _Room:
    """How many findings to act on, noted and waived ones, and rows of each inventory table are shown."""

    act: int
    side: int
    listed: int


_ROOMS = tuple(
    _Room(act=act, side=side, listed=listed)
    for act, side, listed in ((1_500, 300, 500), (500, 100, 150), (100, 25, 40), (30, 10, 10), (5, 2, 2), (0, 0, 0))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """What takes time to write, made once for the largest room and cut for the smaller ones."""

    act: tuple[Row, ...]
    note: tuple[Row, ...]
    waived: tuple[Row, ...]
    tables: tuple[tuple[Table, tuple[Markdown, ...]], ...]
    graph: Markdown


def render(inventory: Inventory, verdict: Verdict, context: ReportContext) -> str:
    """The summary, never over BUDGET bytes."""
    counts = tally(inventory, verdict)
    parts = _parts(inventory, verdict, context, counts)
    fixed = _fixed(inventory, verdict, context, counts)
    text = ""
    for room in _ROOMS:
        text = templating.markdown("summary.md.j2", fixed | _sized(counts, parts, room))
        if len(text.encode()) <= BUDGET:
            break
    return text


def _cell(text: str) -> Markdown:
    return escape.prose(text, 160) if text else Markdown(" ")


def _parts(inventory: Inventory, verdict: Verdict, context: ReportContext, counts: Tally) -> _Parts:
    most = _ROOMS[0]

    def rows(decisions: Sequence[Decision]) -> tuple[Row, ...]:
        return tuple(row(decision, context, compared=verdict.compared) for decision in decisions)

    return _Parts(
        act=rows(counts.shown[: most.act]),
        note=rows(counts.note[: most.side]),
        waived=rows(counts.waived[: most.side]),
        tables=tuple(
            (table, tuple(Markdown(f"| {' | '.join(map(_cell, line))} |") for line in table.rows))
            for table in tables(inventory, most.listed)
        ),
        graph=_lineage(inventory, flagged(counts)),
    )


def _lineage(inventory: Inventory, marked: frozenset[str]) -> Markdown:
    """With the code that loads it where that is still a picture, else what the comment draws."""
    drawing = lineage.graph(inventory, marked)
    if not drawing.nodes:
        return Markdown("")
    whole = graph.graph(inventory, marked, most=_MOST_NODES)
    drawn = lineage.mermaid(drawing if whole.note else whole)
    return Markdown(f"```mermaid\n{drawn}\n```")


def _fixed(inventory: Inventory, verdict: Verdict, context: ReportContext, counts: Tally) -> dict[str, Any]:
    return {
        "sign": Markdown(SIGNS[counts.state]),
        "headline": Markdown(headline(counts)),
        "folder": escape.code(context.folder, 120) if context.folder else Markdown(""),
        "comparison": escape.prose(comparison(verdict, counts)),
        "unread": Markdown(unread_line(counts)),
        "severities": [(Markdown(severity), number) for severity, number in counts.severities.items()],
        "scope": escape.prose(scope_line(inventory, counts)),
        "policy": escape.code(verdict.policy_source or "starter"),
        "mode": escape.code(verdict.mode),
        "bom": escape.prose(context.bom_summary),
        "artifact": artifact_sentence(context),
        "version": escape.prose(context.tool_version),
        "not_safe": Markdown(NOT_SAFE),
        "waived_count": Markdown(count(len(counts.waived), "waived finding")),
        "noted_count": Markdown(count(len(counts.note), "finding")),
        "changes": changed(verdict),
        "all_notes": (*context.notes, *verdict.notes),
    }


def _sized(counts: Tally, parts: _Parts, room: _Room) -> dict[str, Any]:
    rest = (*counts.shown[room.act :], *counts.note[room.side :], *counts.waived[room.side :])
    return {
        "rows": parts.act[: room.act],
        "noted": parts.note[: room.side],
        "waived": parts.waived[: room.side],
        "note_room": room.side,
        "rest_count": len(rest),
        "rest": [(Markdown(rule), title, number) for rule, title, number in by_rule(rest)[:20]],
        "graph": parts.graph if room.listed else Markdown(""),
        "tables": [
            {
                "title": Markdown(f"{table.title}: {table.total:,}"),
                "head": Markdown(f"| {' | '.join(table.columns)} |"),
                "rule": Markdown("|" + " :-- |" * len(table.columns)),
                "rows": lines[: room.listed],
                "more": table.total - len(lines[: room.listed]),
            }
            for table, lines in parts.tables
        ],
    }
