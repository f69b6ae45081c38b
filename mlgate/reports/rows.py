"""A decision as cells for people: the same words in comment, summary and page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

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
# What fits a cell without making the table wider than a comment; the whole is folded below it.
_INLINE_FIX = 60
_WORD = 32
_PATH = 26
_DO = 150
_PLACES = 5  # of one row


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A finding's Markdown: four cells of the table, and what is folded below it.

    `remedy` is all that is to do, where the table has only the beginning of it.
    """

    severity: Markdown
    what: Markdown
    where: Markdown
    place: Markdown
    do: Markdown
    remedy: Markdown | None
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


def located(location: Location, context: ReportContext, *, room: int = 120) -> tuple[str, ...]:
    """The parts of a place, the path linked to the head commit when every part of the link is well formed."""
    url = blob_url(context, location)
    path = escape.code(escape.clip_path(location.path, room))
    parts = [f"[{path}]({url})" if url else str(path)]
    if location.member:
        parts.append(f"in {escape.code(escape.clip_path(location.member, room))}")
    suffix = place_suffix(location)
    return (*parts, suffix) if suffix else tuple(parts)


def _cell(location: Location, context: ReportContext) -> Markdown:
    """A place for a narrow column: the folder above the name, and both cut."""
    url = blob_url(context, location)
    folder, slash, name = location.path.rpartition("/")
    parts = [folder + slash, name] if slash and len(location.path) > _PATH else [location.path]
    lines = [str(escape.code(escape.clip_path(part, _PATH))) for part in parts]
    path = "<br>".join(f"[{line}]({url})" if url else line for line in lines)
    return Markdown("<br>".join((path, *located(location, context, room=_PATH)[1:])))


def _begun(remediation: str) -> str:
    """The first sentences of it, as many as are read at a glance and one at least."""
    sentences = re.split(r"(?<=[.;]) (?=[A-Z`])", remediation)
    kept = sentences[0]
    for sentence in sentences[1:]:
        if len(kept) + len(sentence) >= _DO:
            break
        kept += f" {sentence}"
    return kept.removesuffix(";")


def grouped(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Rows for a table: those that say the same of several places as one, at the place of the first."""
    groups: dict[tuple[str, str, str, str], list[Row]] = {}
    for each in rows:
        own = each.fingerprint if each.fix else Markdown("")  # lines to paste are one place's
        groups.setdefault((each.severity, each.what, each.do, own), []).append(each)
    return tuple(replace(found[0], where=_places([each.where for each in found])) for found in groups.values())


def _places(found: Sequence[Markdown]) -> Markdown:
    shown = list(dict.fromkeys(found))
    more = f"<br>and {len(shown) - _PLACES} more" if len(shown) > _PLACES else ""
    return Markdown("<br>".join(shown[:_PLACES]) + more)


def row(decision: Decision, context: ReportContext, *, compared: bool) -> Row:
    """The cells of a decision."""
    finding = decision.finding
    old = "<br>_not new_" if compared and not decision.new else ""
    verb = VERBS[decision.action]
    verb = f"**{verb}**" if decision.action is Action.BLOCK else verb
    remediation = finding.rule.remediation
    begun = _begun(remediation)
    do = str(escape.prose(begun, 400, word=_WORD))
    short = len(finding.fix) <= _INLINE_FIX and all(len(word) <= _WORD for word in finding.fix.split(" "))
    inline = bool(finding.fix) and short and "\n" not in finding.fix
    if inline:
        do += f"<br>{escape.code(finding.fix)}"
    return Row(
        severity=Markdown(f"{SIGNS[finding.severity]}&nbsp;{finding.severity}<br>{verb}{old}"),
        what=Markdown(f"**{escape.prose(finding.rule.title)}**<br>{escape.prose(finding.message, 240, word=_WORD)}"),
        where=_cell(finding.location, context),
        place=Markdown(", ".join(located(finding.location, context))),
        do=Markdown(do),
        remedy=escape.prose(remediation, 1_000) if begun != remediation else None,
        rule=Markdown(finding.rule.id),
        clause=escape.code(decision.clause) if decision.clause else Markdown("none"),
        fingerprint=escape.code(decision.fingerprint[:16]),
        evidence=escape.fence(finding.evidence) if finding.evidence else None,
        fix=escape.fence(finding.fix) if finding.fix and not inline else None,
        waiver=escape.prose(decision.waiver, 200, word=_WORD) if decision.waiver else Markdown(""),
    )
