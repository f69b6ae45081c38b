"""Names of packages that somebody else could answer to: look-alikes of popular ones."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator

from mlgate import rules
from mlgate.policy import information
from mlgate.policy.schema import Policy
from mlgate.records import Category, Component, Finding, Inventory, Kind, Rule, Severity

TYPOSQUAT = Rule(
    id="MLG-DEP-070",
    title="Package name that looks like a popular one's",
    severity=Severity.MEDIUM,
    category=Category.DEPENDENCY,
    help="The name is not among the most downloaded of PyPI, and it is what a slip of the hand or a squatter makes of "
    "one that is. Squatters register such names and wait: an install runs their code. That the names are alike proves "
    "nothing about the package; whoever wrote it down knows which was meant.",
    remediation="If the popular package was meant, mend the name. If this one was, put it in "
    "`dependencies.known-names` on the base branch.",
    clause="dependencies.typosquat",
    cwe=("CWE-1357", "CWE-829"),
    atlas=("AML.T0010.001",),
    owasp=("LLM03:2025",),
)
RULES = (TYPOSQUAT,)
_POPULAR = 1_000


def typosquats(policy: Policy, inventory: Inventory) -> Iterator[Finding]:
    """One finding for each name from PyPI that resembles a much more downloaded one, where it was seen first."""
    from mlgate.policy.typosquats import resembled  # noqa: PLC0415  (start-up)

    known = policy.dependencies.known_names
    for component in _named(inventory, "PyPI", ("registry",)):
        if _listed(component.name, known):
            continue
        found = resembled(component.name)
        if found is None:
            continue
        yield rules.finding(
            TYPOSQUAT,
            information.place(component),
            f"{component.name} looks like {found.name}, number {found.rank:,} of PyPI by downloads: {found.how}.",
            evidence=f"{component.name} for {found.name}",
            severity=TYPOSQUAT.severity if found.rank <= _POPULAR else Severity.LOW,
            subject=component.identity,
            fix=found.name,
            facts=(("resembles", f"pkg:pypi/{found.name}"),),
        )


def _named(inventory: Inventory, ecosystem: str, origins: Iterable[str]) -> Iterator[Component]:
    """The packages of an ecosystem that come from there, one for each name."""
    seen: set[str] = set()
    for component in inventory.components:
        facts = component.package
        if component.kind is not Kind.PACKAGE or facts is None or component.identity in seen:
            continue
        if facts.ecosystem == ecosystem and facts.origin in origins:
            seen.add(component.identity)
            yield component


def _listed(name: str, patterns: Iterable[str]) -> bool:
    """Whether a name is one of these, however case and separators are written (PEP 503)."""
    return any(fnmatch.fnmatchcase(name, pattern.lower().replace("_", "-").replace(".", "-")) for pattern in patterns)
