"""Names that attack a mention, a link, a table, a log, a terminal or a reader's eye, in every field of a report."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from mlgate.records import (
    Action,
    Component,
    Finding,
    Inventory,
    Kind,
    Location,
    ModelFacts,
    Occurrence,
    PackageFacts,
    Relation,
    Scanned,
    Severity,
    Verdict,
    Vulnerability,
)
from mlgate.records.changes import Aspect, Change, Detail, Status
from tests.builders.verdicts import DANGEROUS, UNPINNED_MODEL, decide, verdict

NAMES = (
    "models/@acme/admins",
    "<img src=x onerror=alert(1)>",
    "a|b\\|c`d``e|",
    "[click](https://evil.example) https://evil.example www.evil.example x@evil.example",
    "\n\n## heading\n- [ ] task #12 GH-12 acme/vision#3",
    "::error file=x::owned\n::stop-commands::t",
    "x ##[error]owned",
    "\x1b[31mred\x1b[0m\r\x07",
    "\u202egnp.exe\u2066 \u200b\u200d",
    "<!-- mlgate:. --> --> </details></table>",
    "$x$ **bold** ~~gone~~ ![](https://evil.example/x.png) &lt;b&gt; :tada:",
    "\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627",
    "```\n~~~\n`````",
    "Z\u0335\u0321\u0322\u0321\u0322\u0301\u0302\u0303algo",
    "\ud800 lone \udcff",
    "0123456789abcdef0123456789abcdef01234567",
    "evil\x85\u2028\u2029line",
    "",
    " ",
    "A" * 5_000,
)


def hostile(name: str) -> Verdict:
    """One finding that carries the name everywhere it can."""
    what = Finding(
        rule=DANGEROUS,
        location=Location(path=name or "x", member=name or None, line=7),
        message=f"The file {name} calls {name}",
        evidence=name,
        severity=Severity.CRITICAL,
        subject=name,
        fix=name,
        facts=(("global", name),),
    )
    waived = dataclasses.replace(what, rule=UNPINNED_MODEL, severity=Severity.LOW)
    return dataclasses.replace(
        verdict((decide(what), decide(waived, Action.WAIVED, waiver=name)), notes=(f"unused waiver for {name}",)),
        policy_source=name,
        base=name,
        changes=tuple(changes(name)),
    )


def changes(name: str) -> Iterator[Change]:
    """The same name as identity, as kind and as every value that differs, twelve times."""
    details = tuple(Detail(aspect=aspect, before=(name,), after=(f"{name}2",) * 9, version=name) for aspect in Aspect)
    for status in (*Status, *Status, *Status, *Status):
        yield Change(status=status, kind=name, identity=f"hf:{name}", details=details)


def hostile_inventory(name: str) -> Inventory:
    """The same name as model, dataset, package and lineage."""
    place = Location(path=name or "x", line=1)
    shared = {"name": name, "occurrences": (Occurrence(location=place, symbol=name),), "licenses": (name,)}
    return Inventory(
        root=name,
        components=(
            Component(
                kind=Kind.MODEL,
                identity=f"hf:{name}",
                version=name,
                pinned=False,
                model=ModelFacts(format=name, architecture=name),
                **shared,  # type: ignore[arg-type]
            ),
            Component(kind=Kind.DATASET, identity=f"dataset:{name}", **shared),  # type: ignore[arg-type]
            Component(
                kind=Kind.PACKAGE,
                identity=f"pkg:pypi/{name}",
                package=PackageFacts(ecosystem=name, requirement=name),
                **shared,  # type: ignore[arg-type]
            ),
        ),
        relations=(Relation(source=f"hf:{name}", target=f"dataset:{name}", kind=name),),
        scanned=(Scanned(path=name, format=name, sha256="", size=1, complete=False),),
        vulnerabilities=(Vulnerability(id=name, purl=name, summary=name, fixed=(name,), url=f"https://{name}"),),
        advisory_source=name,
    )
