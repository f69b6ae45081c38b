"""comment.md: the sticky comment on a pull request, for a reader with thirty seconds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from mlgate.records import Decision, Inventory, Verdict
from mlgate.reports import changes, escape, lineage, templating
from mlgate.reports.context import ReportContext, encoded
from mlgate.reports.escape import Markdown
from mlgate.reports.rows import grouped, row
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
)

# GitHub takes 65,536 characters; bytes are never fewer, and the rest is room for what GitHub adds.
BUDGET = 60_000

SIGNS = {
    State.BLOCKED: "\N{CROSS MARK}",
    State.WOULD_BLOCK: "\N{WARNING SIGN}\N{VARIATION SELECTOR-16}",
    State.WARNED: "\N{WARNING SIGN}\N{VARIATION SELECTOR-16}",
    State.CLEAN: "\N{WHITE HEAVY CHECK MARK}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Room:
    """How many of each part are shown: `side` is notes and waived findings."""

    rows: int
    details: int
    side: int
    graph: bool


# Lines on what became of models and datasets: who reads more takes `mlgate diff`.
_CHANGES = 10

# A flood of one rule leaves room for the others.
_EACH_RULE = 8

# From all that a reader could want down to marker, verdict and numbers, which always fit.
_ROOMS = (
    _Room(rows=40, details=40, side=20, graph=True),
    _Room(rows=40, details=15, side=10, graph=True),
    _Room(rows=40, details=5, side=5, graph=False),
    _Room(rows=25, details=0, side=5, graph=False),
    _Room(rows=10, details=0, side=2, graph=False),
    _Room(rows=3, details=0, side=0, graph=False),
    _Room(rows=0, details=0, side=0, graph=False),
)


def marker(path: str) -> str:
    """The hidden first line by which a comment is known: one for each scanned path of a repository."""
    context = ReportContext(tool_version="", path=path)
    key = encoded(context.folder)[:300].replace("--", "%2D%2D") or "."
    return f"<!-- mlgate:{key} -->"


def render(inventory: Inventory, verdict: Verdict, context: ReportContext, *, counts: Tally | None = None) -> str:
    """The comment, never over BUDGET bytes, its first line the marker; `counts` where the inventory is not whole."""
    counts = counts or tally(inventory, verdict)
    text = ""
    for room in _ROOMS:
        text = templating.markdown("comment.md.j2", _values(inventory, verdict, context, counts, room))
        if len(text.encode()) <= BUDGET:
            break
    return text


def resolved(inventory: Inventory, verdict: Verdict, context: ReportContext, *, counts: Tally | None = None) -> str:
    """What an older comment becomes when nothing is left to block or warn about."""
    counts = counts or tally(inventory, verdict)
    values = _values(inventory, verdict, context, counts, _ROOMS[-1])
    return templating.markdown("resolved.md.j2", values)


def wanted(
    verdict: Verdict, setting: Literal["always", "on-failure", "never"], *, exists: bool
) -> Literal["write", "resolve", "leave"]:
    """What to do with the comment: `write` render(), `resolve` to resolved(), or `leave` things as they are.

    A clean run makes no comment; a comment that exists never goes on saying what is no longer true.
    """
    state = tally(Inventory(root=""), verdict).state
    if setting == "never":
        return "leave"
    if state is State.CLEAN:
        return "resolve" if exists else "leave"
    if setting == "on-failure" and state is not State.BLOCKED and not exists:
        return "leave"
    return "write"


def flagged(counts: Tally) -> frozenset[str]:
    """Identities that findings to act on are about: the graph marks them."""
    return frozenset(
        identity
        for decision in counts.shown
        for identity in (decision.finding.subject, f"file:{decision.finding.location.path}")
        if identity
    )


def _chosen(decisions: Sequence[Decision], room: int) -> tuple[tuple[Decision, ...], tuple[Decision, ...]]:
    """What the table shows, worst first, and the rest."""
    if len(decisions) <= room:
        return tuple(decisions), ()
    chosen: list[Decision] = []
    rest: list[Decision] = []
    number: Counter[str] = Counter()
    for decision in decisions:
        rule = decision.finding.rule.id
        fits = len(chosen) < room and number[rule] < _EACH_RULE
        (chosen if fits else rest).append(decision)
        number[rule] += fits
    return tuple(chosen), tuple(rest)


def _more(rest: Sequence[Decision]) -> Markdown:
    if not rest:
        return Markdown("")
    rules = by_rule(rest)
    named = [f"{number:,} \N{MULTIPLICATION SIGN} {escape.prose(title)}" for _, title, number in rules[:8]]
    others = sum(number for _, _, number in rules[8:])
    if others:
        named.append(f"{others:,} of other rules")
    return Markdown(f"**{len(rest):,} more** are not shown here: {'; '.join(named)}.")


def _bullets(lines: Sequence[str], room: int, many: str) -> tuple[Markdown, ...]:
    shown = [escape.prose(line) for line in lines[:room]]
    if len(lines) > room:
        shown.append(Markdown(f"{len(lines) - room:,} more {many}"))
    return tuple(shown)


def _values(
    inventory: Inventory, verdict: Verdict, context: ReportContext, counts: Tally, room: _Room
) -> dict[str, Any]:
    chosen, rest = _chosen(counts.shown, room.rows)
    rows = [row(decision, context, compared=verdict.compared) for decision in chosen]
    drawing = lineage.graph(inventory, flagged(counts)) if room.graph else lineage.Graph()
    drawn = lineage.mermaid(drawing)
    sha = context.sha
    head = f"[`{sha[:12]}`]({context.repository_url}/commit/{sha})" if sha and context.repository_url else ""
    return {
        "marker": Markdown(marker(context.path)),
        "sign": Markdown(SIGNS[counts.state]),
        "headline": Markdown(headline(counts)),
        "folder": escape.code(context.folder, 120) if context.folder else Markdown(""),
        "comparison": escape.prose(comparison(verdict, counts)),
        "unread": Markdown(unread_line(counts)),
        "rows": grouped(rows),
        "folded": {item.fingerprint for item in rows[: room.details]},
        "details": [item for item in rows[: room.details] if item.evidence or item.fix or item.remedy],
        "more": _more(rest),
        "changes": changed(verdict, min(_CHANGES, room.side)),
        "graph": Markdown(f"```mermaid\n{drawn}\n```") if drawn else Markdown(""),
        "graph_title": Markdown(f"Lineage: {count(counts.models, 'model')}, {count(counts.datasets, 'dataset')}"),
        "graph_left_out": drawing.left_out,
        "waived": [row(d, context, compared=verdict.compared) for d in counts.waived[: room.side]],
        "waived_count": Markdown(count(len(counts.waived), "waived finding")),
        "waived_total": len(counts.waived),
        "waived_more": max(len(counts.waived) - room.side, 0),
        "noted": by_rule(counts.note)[: room.side],
        "noted_total": len(counts.note),
        "noted_count": Markdown(count(len(counts.note), "finding")),
        "notes": _bullets(verdict.notes + context.notes, room.side, "notes"),
        "scope": escape.prose(scope_line(inventory, counts)),
        "policy": escape.code(verdict.policy_source or "starter"),
        "mode": escape.code(verdict.mode),
        "bom": escape.prose(context.bom_summary),
        "artifact": artifact_sentence(context),
        "head": Markdown(head or (f"`{sha[:12]}`" if sha else "")),
        "version": escape.prose(context.tool_version),
        "not_safe": Markdown(NOT_SAFE),
    }


def changed(verdict: Verdict, room: int = _CHANGES) -> tuple[Markdown, ...]:
    """What became of models and datasets since the base, a line each, at most `room` and a count of the others."""
    lines = verdict.changes or ()
    shown = [changes.line(change) for change in lines[:room]]
    if shown and len(lines) > room:
        shown.append(Markdown(f"{len(lines) - room:,} more"))
    return tuple(shown)


def artifact_sentence(context: ReportContext) -> Markdown:
    """Where the whole report is, as a sentence; empty when there is no run to point to."""
    name = escape.code(context.artifact, 100) if context.artifact else ""
    if context.run:
        what = f"artifact {name} of the " if name else ""
        return Markdown(f"Everything is in the {what}[workflow run]({context.run}).")
    return Markdown(f"Everything is in {name}.") if name else Markdown("")
