"""A decision as cells for people: the same words in comment, summary and page."""

from __future__ import annotations

from dataclasses import dataclass

from mlgate.records import Action, Decision, Location, Severity
from mlgate.reports import escape
from mlgate.reports.context import ReportContext, blob_url
from mlgate.reports.escape import Markdown

SIGNS = {
    Severity.CRITICAL: "\N{LARGE RED CIRCLE}",
    Severity.HIGH: "\N{LARGE ORANGE CIRCLE}",
    Severity.MEDIUM: "\N{LARGE YELLOW CIRCLE}",
    Severity.LOW: "\N{LARGE BLUE CIRCLE}",
    Severity.INFO: "\N{MEDIUM WHITE CIRCLE}",
}
VERBS = {
    Action.BLOCK: "blocks",
    Action.WARN: "warns",
    Action.NOTE: "noted",
    Action.WAIVED: "waived",
}
# A longer fix does not fit a table's cell; it has a block of its own below.
_INLINE_FIX = 140


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A finding's Markdown: four cells of the table, and what is folded below it."""

    severity: Markdown
    what: Markdown
    where: Markdown
    place: Markdown
    do: Markdown
    rule: Markdown
    clause: Markdown
    fingerprint: Markdown
    evidence: Markdown | None
    fix: Markdown | None
    waiver: Markdown


def place_suffix(location: Location) -> str:
    """What stands behind the path: line, cell, or the offset in a binary."""
    if location.cell is not None:
        line = f" line {location.line}" if location.line is not None else ""
        return f"cell {location.cell}{line}"
    if location.line is not None:
        return f"line {location.line}"
    return f"byte {location.offset:,}" if location.offset is not None else ""


def located(location: Location, context: ReportContext) -> Markdown:
    """The place, a part a line, linked to the head commit when every part of the link is well formed."""
    url = blob_url(context, location)
    path = escape.code(escape.clip_path(location.path))
    text = f"[{path}]({url})" if url else str(path)
    if location.member:
        text += f"\nin {escape.code(escape.clip_path(location.member))}"
    suffix = place_suffix(location)
    return Markdown(f"{text}\n{suffix}" if suffix else text)


def row(decision: Decision, context: ReportContext, *, compared: bool) -> Row:
    """The cells of a decision."""
    finding = decision.finding
    where = located(finding.location, context)
    old = "<br>_not new_" if compared and not decision.new else ""
    verb = VERBS[decision.action]
    verb = f"**{verb}**" if decision.action is Action.BLOCK else verb
    do = str(escape.prose(finding.rule.remediation, 400))
    inline = bool(finding.fix) and "\n" not in finding.fix and len(finding.fix) <= _INLINE_FIX
    if inline:
        do += f"<br>{escape.code(finding.fix)}"
    elif finding.fix:
        do += "<br>The fix to paste is below."
    return Row(
        severity=Markdown(f"{SIGNS[finding.severity]} {finding.severity}<br>{verb}{old}"),
        what=Markdown(f"**{escape.prose(finding.rule.title)}**<br>{escape.prose(finding.message, 240)}"),
        where=Markdown(where.replace("\n", "<br>")),
        place=Markdown(where.replace("\n", ", ")),
        do=Markdown(do),
        rule=Markdown(finding.rule.id),
        clause=escape.code(decision.clause) if decision.clause else Markdown("none"),
        fingerprint=escape.code(decision.fingerprint[:16]),
        evidence=escape.fence(finding.evidence) if finding.evidence else None,
        fix=escape.fence(finding.fix) if finding.fix and not inline else None,
        waiver=escape.prose(decision.waiver, 200) if decision.waiver else Markdown(""),
    )
