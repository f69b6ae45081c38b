"""report.html: the whole report as one page that loads nothing and runs nothing but its own filters."""

from __future__ import annotations

import base64
import hashlib
from importlib import resources
from typing import Any

from mlgate.records import Action, Decision, Inventory, Severity, Verdict
from mlgate.reports import drawing, lineage, templating
from mlgate.reports.comment import flagged
from mlgate.reports.context import ReportContext, blob_url
from mlgate.reports.escape import clip_path, visible
from mlgate.reports.inventory import tables
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

_WORDS = {State.BLOCKED: "Fail", State.WOULD_BLOCK: "Warn", State.WARNED: "Pass", State.CLEAN: "Pass"}


def render(inventory: Inventory, verdict: Verdict, context: ReportContext) -> str:
    """The page. Its policy allows one style sheet and one script, both ours and by hash, and nothing else."""
    from markupsafe import Markup  # noqa: PLC0415  (comes with jinja2)

    counts = tally(inventory, verdict)
    css, style_hash = _own("report.css")
    script, script_hash = _own("report.js")
    groups = (
        ("block", "Blocks the merge" if counts.state is State.BLOCKED else "Would block", counts.block, True),
        ("warn", "Warnings", counts.warn, True),
        ("note", "Noted, not acted on by the policy", counts.note, False),
        ("waived", "Waived", counts.waived, False),
    )
    shown: list[dict[str, Any]] = []
    room = FINDINGS
    for action, title, decisions, opened in groups:
        if decisions:
            cards = [_card(decision, context, verdict.compared) for decision in decisions[:room]]
            rest = by_rule(decisions[room:])
            group = {"action": action, "title": title, "number": f"{len(decisions):,}", "open": opened}
            shown.append({**group, "cards": cards, "rest": rest})
            room = max(room - len(decisions), 0)
    return templating.html(
        "report.html.j2",
        {
            "css": Markup(css),  # noqa: S704  (ours, and its hash is in the policy)
            "style_hash": style_hash,
            "script": Markup(script),  # noqa: S704  (as well)
            "script_hash": script_hash,
            "levels": [severity.value for severity in sorted(Severity, key=lambda each: -each.rank)],
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
            "notes": (*verdict.notes, *context.notes),
            "severities": [(severity.value, f"{number:,}") for severity, number in counts.severities.items()],
            "groups": shown,
            "graph": Markup(drawing.svg(lineage.graph(inventory, flagged(counts)))),  # noqa: S704  (escaped there)
            "tables": tables(inventory, ROWS),
            "not_safe": NOT_SAFE,
            "version": context.tool_version,
        },
    )


def _own(name: str) -> tuple[str, str]:
    """A file of ours for the page, and its hash for the page's policy."""
    text = resources.files("mlgate.reports").joinpath(f"templates/{name}").read_text("utf-8").strip()
    return text, f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}"


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
    return [(name, value) for name, value in facts if value]


def _card(decision: Decision, context: ReportContext, compared: bool) -> dict[str, Any]:
    finding = decision.finding
    return {
        "severity": finding.severity.value,
        "verb": VERBS[decision.action],
        "old": compared and not decision.new and decision.action is not Action.WAIVED,
        "rule": finding.rule.id,
        "title": finding.rule.title,
        "message": _inline(finding.message),
        "path": clip_path(finding.location.path, 300) or ".",
        "member": finding.location.member or "",
        "suffix": place_suffix(finding.location),
        "url": blob_url(context, finding.location),
        "evidence": finding.evidence if finding.evidence not in finding.message else "",
        "help": _inline(finding.rule.help),
        "remediation": _inline(finding.rule.remediation),
        "fix": finding.fix.split("\n")[:100] if finding.fix else [],
        "clause": decision.clause,
        "waiver": decision.waiver,
        "fingerprint": decision.fingerprint,
        "references": (*finding.rule.cwe, *finding.rule.atlas, *finding.rule.owasp),
    }
