"""summary.md: the job summary, with nearly everything that one file of Markdown can hold."""

from __future__ import annotations

from typing import Any

from mlgate.records import Inventory, Verdict
from mlgate.reports import escape, lineage, templating
from mlgate.reports.comment import SIGNS, artifact_sentence, flagged
from mlgate.reports.context import ReportContext
from mlgate.reports.escape import Markdown
from mlgate.reports.inventory import tables
from mlgate.reports.rows import row
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

# Findings to act on, noted and waived findings, rows of each inventory table.
_ROOMS = ((1_500, 300, 500), (700, 150, 250), (300, 75, 100), (100, 25, 40), (30, 10, 10), (5, 2, 2), (0, 0, 0))


def render(inventory: Inventory, verdict: Verdict, context: ReportContext) -> str:
    """The summary, never over BUDGET bytes."""
    counts = tally(inventory, verdict)
    text = ""
    for room in _ROOMS:
        text = templating.markdown("summary.md.j2", _values(inventory, verdict, context, counts, room))
        if len(text.encode()) <= BUDGET:
            break
    return text


def _cell(text: str) -> Markdown:
    return escape.prose(text, 160) if text else Markdown(" ")


def _values(
    inventory: Inventory, verdict: Verdict, context: ReportContext, counts: Tally, room: tuple[int, int, int]
) -> dict[str, Any]:
    act, side, listed = room
    drawn = lineage.mermaid(lineage.graph(inventory, flagged(counts))) if listed else ""
    rest = (*counts.shown[act:], *counts.note[side:], *counts.waived[side:])

    def rows(decisions: tuple[Any, ...]) -> list[Any]:
        return [row(decision, context, compared=verdict.compared) for decision in decisions]

    return {
        "sign": Markdown(SIGNS[counts.state]),
        "headline": Markdown(headline(counts)),
        "folder": escape.code(context.folder, 120) if context.folder else Markdown(""),
        "comparison": escape.prose(comparison(verdict, counts)),
        "unread": Markdown(unread_line(counts)),
        "severities": [(Markdown(severity), number) for severity, number in counts.severities.items()],
        "rows": rows(counts.shown[:act]),
        "noted": rows(counts.note[:side]),
        "waived": rows(counts.waived[:side]),
        "rest_count": len(rest),
        "rest": [(Markdown(rule), title, number) for rule, title, number in by_rule(rest)[:20]],
        "graph": Markdown(f"```mermaid\n{drawn}\n```") if drawn else Markdown(""),
        "tables": [
            {
                "title": Markdown(f"{table.title}: {table.total:,}"),
                "head": Markdown("| " + " | ".join(table.columns) + " |"),
                "rule": Markdown("|" + " :-- |" * len(table.columns)),
                "rows": [Markdown("| " + " | ".join(_cell(cell) for cell in line) + " |") for line in table.rows],
                "more": table.more,
            }
            for table in tables(inventory, listed)
        ],
        "scope": escape.prose(scope_line(inventory, counts)),
        "policy": escape.code(verdict.policy_source or "starter"),
        "mode": escape.code(verdict.mode),
        "notes": [escape.prose(note) for note in (*verdict.notes, *context.notes)[: max(side, 1)]],
        "bom": escape.prose(context.bom_summary),
        "artifact": artifact_sentence(context),
        "version": escape.prose(context.tool_version),
        "not_safe": Markdown(NOT_SAFE),
        "waived_count": Markdown(count(len(counts.waived), "waived finding")),
        "noted_count": Markdown(count(len(counts.note), "finding")),
    }
