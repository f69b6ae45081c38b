"""`models.require` with elements of the completeness table: what every model must say in the ML-BOM."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import get_args

from mlgate import rules
from mlgate.completeness import Standing, measure
from mlgate.completeness.fields import of_component
from mlgate.policy.schema import DatasetFact, ModelFact, ModelPaper, Policy
from mlgate.records import Category, Component, Finding, Inventory, Kind, Location, Rule, Severity

FACTS = frozenset((*get_args(ModelFact), *get_args(DatasetFact)))
_PAPERS = frozenset(get_args(ModelPaper))
_CARD = re.compile(r"(?:readme|model[-_]?card)\.md", re.IGNORECASE)

UNINFORMED = Rule(
    id="MLG-MDL-170",
    title="Model without required information",
    severity=Severity.HIGH,
    category=Category.LINEAGE,
    help="The policy requires elements of what a bill of materials for AI should say (the minimum elements of G7 and "
    "BSI, OWASP's AIBOM fields), and nothing in the repository states them for this model. What the ML-BOM declares as "
    "unknown is not stated either.",
    remediation="State what is missing in the model card or the model's own metadata, or pin the revision that has it; "
    "`mlgate bom --completeness` lists what each model has.",
    cwe=("CWE-1357",),
    owasp=("LLM03:2025",),
)


def place(component: Component) -> Location:
    """Where a component was seen first; a file that nothing names is its own place."""
    if component.occurrences:
        return component.occurrences[0].location
    return Location(path=component.identity.rpartition("file:")[2])


def uninformed(policy: Policy, inventory: Inventory) -> Iterator[Finding]:
    """One finding for each model, hosted ones included, without an element that `models.require` names.

    What the card of a folder says holds for the weights in it, and what all of these have, the folder has.
    """
    wanted = [name for name in policy.models.require if name not in FACTS]
    if not wanted:
        return
    has = _standings(inventory)
    folders, members = _folders(inventory)
    for component in inventory.components:
        if component.kind not in (Kind.MODEL, Kind.SERVICE):
            continue
        name = component.identity
        own, folder = has[name], has.get(folders.get(name, ""), frozenset())
        of_files = frozenset.intersection(*(has[file] for file in members[name])) if name in members else frozenset()
        lacking = [element for element in wanted if element not in own | folder | of_files]
        if lacking:
            yield rules.finding(
                UNINFORMED,
                place(component),
                f"{component.name} lacks {', '.join(lacking)}.",
                evidence=",".join(lacking),
                subject=name,
                facts=(("clause", "models.require"),),
            )


def _standings(inventory: Inventory) -> dict[str, frozenset[str]]:
    """The elements that each model has; of one in several versions, what all of them have."""
    files = {f"file:{scanned.path}": scanned for scanned in inventory.scanned}
    derived, trained = _lineage(inventory)
    found: dict[str, frozenset[str]] = {}
    for component in inventory.components:
        if component.kind not in (Kind.MODEL, Kind.SERVICE):
            continue
        name = component.identity
        filled = of_component(component, files.get(name), ancestors=name in derived, datasets=name in trained)
        measured = measure(component.kind.value, name, component.version or "", filled)
        present = frozenset(measured.names(Standing.PRESENT)) | _papers(component, derived | trained)
        found[name] = found.get(name, present) & present
    return found


def _papers(component: Component, told: set[str]) -> frozenset[str]:
    """Whether a model whose files are here has a card, and says what it was made of. Those of others are elsewhere."""
    if not component.identity.startswith("file:"):
        return _PAPERS
    carded = any(_CARD.fullmatch(each.location.path.rpartition("/")[2]) for each in component.occurrences)
    return frozenset((*(["model-card"] if carded else []), *(["provenance"] if component.identity in told else [])))


def _folders(inventory: Inventory) -> tuple[dict[str, str], dict[str, list[str]]]:
    """A model in a folder is its card or configuration and its weights: each file's folder, and each folder's files."""
    models = {component.identity for component in inventory.components if component.kind is Kind.MODEL}
    folders: dict[str, str] = {}
    members: dict[str, list[str]] = {}
    for relation in inventory.relations:
        source, target = relation.source, relation.target
        if relation.kind == "depends-on" and target.startswith(f"{source}/") and {source, target} <= models:
            folders[target] = source
            members.setdefault(source, []).append(target)
    return folders, members


def _lineage(inventory: Inventory) -> tuple[set[str], set[str]]:
    """The identities that come from other models, and those that name datasets."""
    datasets = {component.identity for component in inventory.components if component.kind is Kind.DATASET}
    derived: set[str] = set()
    trained: set[str] = set()
    for relation in inventory.relations:
        if relation.target in datasets or relation.target.startswith("dataset:"):
            trained.add(relation.source)
        elif relation.kind != "depends-on":
            derived.add(relation.source)
    return derived, trained
