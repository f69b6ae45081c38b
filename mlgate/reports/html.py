"""report.html: the whole report as one page that loads nothing and runs one script, its own."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from importlib import resources
from typing import Any

from mlgate.records import Action, Decision, Inventory, Verdict
from mlgate.reports import browse, changes, drawing, lineage, templating
from mlgate.reports.comment import flagged
from mlgate.reports.context import ReportContext, blob_url
from mlgate.reports.escape import clip, clip_path, visible
from mlgate.reports.rows import VERBS, place_suffix
from mlgate.reports.tally import (
    NOT_SAFE,
    State,
    by_rule,
    comparison,
    headline,
    scope_line,
    tally,
    unread_line,
)

# What a browser still lays out at once; findings.json has no limit.
FINDINGS = 3_000
ROWS = 2_000
_CHANGES = 200

_WORDS = {State.BLOCKED: "Fail", State.WOULD_BLOCK: "Warn", State.WARNED: "Pass", State.CLEAN: "Pass"}


def render(inventory: Inventory, verdict: Verdict, context: ReportContext) -> str:
    """The page. Its policy allows one style sheet and one script by their hashes and nothing else.

    The script filters and sorts what is there; without it the page shows everything.
    """
    from markupsafe import Markup  # noqa: PLC0415  (comes with jinja2)

    counts = tally(inventory, verdict)
    css, style_hash = _part("report.css")
    script, script_hash = _part("report.js")
    groups = (
        ("Blocks the merge" if counts.state is State.BLOCKED else "Would block", counts.block, True),
        ("Warnings", counts.warn, True),
        ("Noted, not acted on by the policy", counts.note, False),
        ("Waived", counts.waived, False),
    )
    shown: list[dict[str, Any]] = []
    on_page: dict[str, tuple[Decision, ...]] = {}
    room = FINDINGS
    for title, decisions, opened in groups:
        if decisions:
            cards = [_card(decision, context, verdict.compared) for decision in decisions[:room]]
            on_page[title] = decisions[:room]
            rest = by_rule(decisions[room:])
            shown.append({"title": title, "number": len(decisions), "open": opened, "cards": cards, "rest": rest})
            room = max(room - len(decisions), 0)
    lines = verdict.changes or ()
    graph = lineage.graph(inventory, flagged(counts))
    return templating.html(
        "report.html.j2",
        {
            "css": Markup(css),  # noqa: S704  (ours, and its hash is in the policy)
            "style_hash": style_hash,
            "script": Markup(script),  # noqa: S704  (ours, and its hash is in the policy)
            "script_hash": script_hash,
            "state": counts.state.value,
            "word": _WORDS[counts.state],
            "headline": headline(counts),
            "subject": context.repository or inventory.root or "repository",
            "folder": context.folder,
            "comparison": _inline(comparison(verdict, counts)),
            "unread": unread_line(counts),
            "scope": scope_line(inventory, counts),
            "facts": _facts(verdict, context),
            "run": context.run,
            "notes": [clip(note, 500) for note in (*verdict.notes, *context.notes)],
            "severities": [(severity.value, f"{number:,}") for severity, number in counts.severities.items()],
            "groups": shown,
            "total": f"{sum(map(len, (counts.block, counts.warn, counts.note, counts.waived))):,}",
            "filters": browse.filters(on_page),
            "rules": _rules(on_page.values()),
            "changes": [_inline(changes.line(change)) for change in lines[:_CHANGES]],
            "graph": Markup(drawing.svg(graph)),  # noqa: S704  (escaped there)
            "graph_note": graph.note,
            "links": drawing.links(graph),
            "sections": browse.sections(inventory, counts.shown, context, ROWS),
            "not_safe": NOT_SAFE,
            "version": context.tool_version,
        },
    )


def _part(name: str) -> tuple[str, str]:
    """A file of ours that stands inside the page, and its hash as the page's policy names it."""
    text = resources.files("mlgate.reports").joinpath(f"templates/{name}").read_text("utf-8").strip()
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
    return text, f"sha256-{digest}"


def _rules(groups: Iterable[Sequence[Decision]]) -> list[dict[str, Any]]:
    """What the rules on the page mean, once for each: thousands of findings have a handful of rules."""
    rules = {decision.finding.rule.id: decision.finding.rule for decisions in groups for decision in decisions}
    return [
        {
            "id": rule.id,
            "title": rule.title,
            "help": _inline(rule.help),
            "references": (*rule.cwe, *rule.atlas, *rule.owasp),
        }
        for _, rule in sorted(rules.items())
    ]


def _inline(text: str) -> Any:
    """A sentence as HTML in which backticks mark code."""
    from markupsafe import Markup  # noqa: PLC0415
    from markupsafe import escape as entities  # noqa: PLC0415

    parts = visible(text, 2_000).split("`")
    if len(parts) % 2 == 0:  # an odd number of backticks marks nothing
        return entities("`".join(parts))
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if number % 2 else entities(part) for number, part in enumerate(parts)
    )


def _facts(verdict: Verdict, context: ReportContext) -> list[tuple[str, str]]:
    facts = [
        ("Policy", verdict.policy_source or "starter"),
        ("Mode", verdict.mode),
        ("Base", verdict.base if verdict.compared else ""),
        ("Head", context.sha),
        ("ML-BOM", context.bom_summary),
    ]
    return [(name, clip(value, 300)) for name, value in facts if value]


def _card(decision: Decision, context: ReportContext, compared: bool) -> dict[str, Any]:
    finding = decision.finding
    return {
        "severity": finding.severity.value,
        "verb": VERBS[decision.action],
        "old": compared and not decision.new and decision.action is not Action.WAIVED,
        "rule": finding.rule.id,
        "title": finding.rule.title,
        "message": _inline(finding.message),
        "action": decision.action.value,
        "place": browse.Cell(
            text=clip_path(finding.location.path, 300) or ".", url=blob_url(context, finding.location)
        ),
        "member": finding.location.member or "",
        "suffix": place_suffix(finding.location),
        "evidence": finding.evidence if finding.evidence not in finding.message else "",
        "remediation": _inline(finding.rule.remediation),
        "fix": finding.fix.split("\n")[:100] if finding.fix else [],
        "clause": decision.clause,
        "waiver": decision.waiver,
        "fingerprint": decision.fingerprint,
    }
