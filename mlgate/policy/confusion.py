"""Names of packages that somebody else could answer to: look-alikes of popular ones, and your own on a public index."""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Iterable, Iterator

from mlgate import rules
from mlgate.policy import information
from mlgate.policy.indexes import is_public
from mlgate.policy.schema import Policy
from mlgate.records import Category, Component, Finding, Inventory, Kind, Location, Rule, Severity

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
INTERNAL = Rule(
    id="MLG-DEP-071",
    title="Internal package that a public index could provide",
    severity=Severity.HIGH,
    category=Category.DEPENDENCY,
    help="The policy says that packages of this name are internal, and nothing in the manifest keeps an installer from "
    "taking it from the public index, where anybody can register the name: this is dependency confusion (Birsan, "
    "February 2021; PyTorch's torchtriton, December 2022).",
    remediation="Fix the index of this package (uv's `[tool.uv.sources]`, poetry's `source` with priority `explicit`, "
    "one `--index-url` and no other), or its bytes by a hash, and register the name on the public index yourself.",
    clause="dependencies.internal-from-public",
    cwe=("CWE-427", "CWE-829"),
    atlas=("AML.T0010.001",),
    owasp=("LLM03:2025",),
)
RULES = (TYPOSQUAT, INTERNAL)
_POPULAR = 1_000
_MANIFESTS = frozenset({"pyproject.toml", "Pipfile", "package.json", "Cargo.toml", "composer.json", "pixi.toml"})
_LOCK = re.compile(r".*lock(?:\.(?:json|toml|ya?ml))?|pylock\..*\.toml|npm-shrinkwrap\.json")


def typosquats(policy: Policy, inventory: Inventory) -> Iterator[Finding]:
    """One finding for each name from PyPI that resembles a much more downloaded one, where it was seen first."""
    from mlgate.policy.typosquats import resembled  # noqa: PLC0415  (start-up)

    known = policy.dependencies.known_names + policy.dependencies.internal_names
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


def internal(policy: Policy, inventory: Inventory) -> Iterator[Finding]:
    """One finding for each internal name that an installer may take from a public index, at the first place.

    An index of its own or a hash keeps a requirement; and a lockfile that fixes the package keeps the manifest beside
    it. What comes from a repository, a path or an address asks no index.
    """
    patterns = policy.dependencies.internal_names
    if not patterns:
        return
    named = [c for c in inventory.components if c.kind is Kind.PACKAGE and c.package and _listed(_plain(c), patterns)]
    kept = {(c.identity, folder) for c in named if _is_kept(c) for folder in _locked(c)}
    told: set[str] = set()
    for component in named:
        facts = component.package
        if facts is None or facts.origin != "registry" or component.identity in told or _is_kept(component):
            continue
        for seen in component.occurrences:
            place = seen.location
            if _settles(place) and (component.identity, posixpath.dirname(place.path)) in kept:
                continue
            told.add(component.identity)
            where = f"the public index {facts.index[:100]!r}" if facts.index else "whatever index the installer asks"
            yield rules.finding(
                INTERNAL,
                place,
                f"{component.name} is internal by the policy, and comes from {where}, without a hash.",
                evidence=seen.symbol[:200] or component.name,
                subject=component.identity,
            )
            break


def _plain(component: Component) -> str:
    """The name by which patterns speak: PEP 503's for PyPI, lower case for the others."""
    return component.name.lower().replace("_", "-")


def _is_kept(component: Component) -> bool:
    """Whether the package's own index or bytes are fixed."""
    facts = component.package
    return bool(component.hashes) or bool(facts and facts.index and not is_public(facts.index))


def _locked(component: Component) -> Iterator[str]:
    """The folders of the lockfiles that have the component."""
    for seen in component.occurrences:
        folder, name = posixpath.split(seen.location.path)
        if _LOCK.fullmatch(name):
            yield folder


def _settles(place: Location) -> bool:
    """Whether a lockfile beside this manifest says what is installed."""
    return posixpath.basename(place.path) in _MANIFESTS


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
    plain = name.replace(".", "-")
    return any(fnmatch.fnmatchcase(plain, pattern.lower().replace("_", "-").replace(".", "-")) for pattern in patterns)
