"""JUnit XML as GitLab, Jenkins, Azure and CircleCI read it: a test a finding, and one for the verdict.

There is no standard; the elements are those of the schema that Jenkins' xunit plugin publishes (junit-10.xsd).
"""

from __future__ import annotations

from xml.sax.saxutils import escape as text_of
from xml.sax.saxutils import quoteattr

from mlgate.records import Action, Decision, Inventory, Verdict
from mlgate.reports import escape
from mlgate.reports.context import ReportContext
from mlgate.reports.tally import comparison, headline, tally


def render(inventory: Inventory, verdict: Verdict, context: ReportContext) -> str:
    """The document. What blocks is a failure, what is waived is skipped, warnings pass and say so in their output."""
    counts = tally(inventory, verdict)
    shown = counts.block + counts.warn + counts.waived
    failures = (len(counts.block) if verdict.mode != "warn" else 0) + (not verdict.passed)
    numbers = f'tests="{len(shown) + 1}" failures="{failures}" errors="0" skipped="{len(counts.waived)}"'
    name = _attribute(f"mlgate {context.folder}".strip())
    said = f"{headline(counts)}. {comparison(verdict, counts)}"
    whole = (
        f"<failure message={_attribute(said)}/>" if not verdict.passed else f"<system-out>{_text(said)}</system-out>"
    )
    return "\n".join(
        (
            '<?xml version="1.0" encoding="UTF-8"?>',
            f'<testsuites name="mlgate" {numbers}>',
            f"  <testsuite name={name} {numbers}>",
            f'    <testcase classname="mlgate" name="verdict">{whole}</testcase>',
            *(_case(decision, fails=verdict.mode != "warn") for decision in shown),
            "  </testsuite>",
            "</testsuites>",
            "",
        )
    )


def _case(decision: Decision, *, fails: bool) -> str:
    finding, place = decision.finding, decision.finding.location
    where = f"{place.path}!{place.member}" if place.member else place.path
    number = f":{place.line}" if place.line else ""
    name = f"{escape.clip_path(where, 200)}{number} {decision.fingerprint[:8]}"
    place_of = (
        f' file={_attribute(place.path)} line="{place.line}"' if place.line else f" file={_attribute(place.path)}"
    )
    head = f"    <testcase classname={_attribute(finding.rule.id)} name={_attribute(name)}{place_of}>"
    if decision.action is Action.WAIVED:
        return f"{head}<skipped message={_attribute(decision.waiver or 'waived')}/></testcase>"
    todo = f"{finding.message}\nWhat to do: {finding.fix or finding.rule.remediation}"
    told = "\n".join(_text(line) for line in todo.split("\n"))
    if decision.action is Action.BLOCK and fails:
        title = _attribute(f"{finding.rule.title} ({finding.severity})")
        return f'{head}<failure type="{finding.severity}" message={title}>{told}</failure></testcase>'
    return f"{head}<system-out>{_text(finding.rule.title)}: {told}</system-out></testcase>"


def _attribute(text: str) -> str:
    return quoteattr(_ascii(text))


def _text(text: str) -> str:
    return text_of(_ascii(text))


def _ascii(text: str) -> str:
    """Visible text that XML 1.0 can hold: of what `visible` leaves only lone surrogates could not be encoded."""
    return escape.visible(text, 1000).encode("utf-8", "backslashreplace").decode("utf-8")
