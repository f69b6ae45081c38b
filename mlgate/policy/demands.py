"""What the policy itself asks of an inventory: formats, sources, licences, required facts. Each miss is a finding."""

from __future__ import annotations

import fnmatch
import functools
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import get_args

from mlgate import rules
from mlgate.completeness.fields import UNKNOWN_LICENCES
from mlgate.policy import confusion, information, licenses, lineage
from mlgate.policy.schema import Format, Licenses, Policy
from mlgate.records import Category, Component, Finding, Inventory, Kind, Location, Rule, Severity

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
# Readers of models to the formats that a policy speaks of; everything that unpickles is "pickle".
FORMATS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        **{name: frozenset({name}) for name in get_args(Format)},
        "pickles": frozenset({"pickle"}),
        "torch": frozenset({"torch", "pickle"}),
        "torcharchives": frozenset({"torch"}),
        "hdf5": frozenset({"hdf5", "keras"}),  # Keras keeps models in both
    }
)
_CONTAINERS = frozenset({"rar", "sevenzip", "tar", "unixarchives", "wrapped", "zips"})
_PICKLED_ITEMS = "MLG-MDL-003"  # arrays of Python objects: told by the reader of arrays, and pickles nonetheless
_POINTER = "lfs-pointer"  # its content is elsewhere; the name says what it would be


def _rule(
    number: str, title: str, category: Category, severity: Severity, text: str, remediation: str, clause: str = ""
) -> Rule:
    return Rule(
        id=f"MLG-{number}",
        title=title,
        severity=severity,
        category=category,
        help=text,
        remediation=remediation,
        clause=clause,
        cwe=("CWE-1357",),
        owasp=("LLM03:2025",),
    )


FORMAT = _rule(
    "MDL-010",
    "Model format that the policy does not allow",
    Category.MODEL_FILE,
    Severity.HIGH,
    "The repository's policy names the formats that models may come in, and this is another.",
    "Convert the model to an allowed format; safetensors holds the same weights without code.",
)
SOURCE = _rule(
    "LIN-001",
    "Model source that the policy does not allow",
    Category.LINEAGE,
    Severity.HIGH,
    "The repository's policy names where models may come from, and this is elsewhere.",
    "Use a model from an allowed source, or have the source allowed on the base branch.",
)
MISSING = _rule(
    "LIN-002",
    "Required fact about a model or dataset is missing",
    Category.LINEAGE,
    Severity.HIGH,
    "The policy requires facts (licence, revision, hash, source) that make a model or dataset traceable.",
    "State what is missing: pin the revision by its commit, add the licence to the model card.",
)
DENIED = _rule(
    "LIC-001",
    "Licence that the policy denies",
    Category.LICENSE,
    Severity.HIGH,
    "The stated licence is one that the policy denies, or is not among those it allows.",
    "Replace the component, or have its licence allowed on the base branch.",
)
REVIEW = _rule(
    "LIC-002",
    "Licence that a person has to look at",
    Category.LICENSE,
    Severity.LOW,
    "The stated licence has terms that depend on the use, as the OpenRAIL, Llama and Gemma licences have.",
    "Read the terms against what the model is used for.",
)
UNKNOWN = _rule(
    "LIC-003",
    "No licence stated",
    Category.LICENSE,
    Severity.LOW,
    "Neither the file nor the repository states under which licence the model or dataset may be used.",
    "State it in the model card's front matter or in the file's metadata.",
    "licenses.unknown",
)
RULES = (FORMAT, SOURCE, MISSING, information.UNINFORMED, DENIED, REVIEW, UNKNOWN, *confusion.RULES, *lineage.RULES)


def demands(policy: Policy, inventory: Inventory) -> Iterator[Finding]:
    """One finding for each thing that the policy asks for and the inventory does not have."""
    yield from _formats(policy, inventory)
    for component in inventory.components:
        if component.kind is Kind.MODEL:
            yield from _sources(policy, component)
        if component.kind in (Kind.MODEL, Kind.DATASET):
            yield from _required(policy, component)
        yield from _licenses(policy, component)
    yield from information.uninformed(policy, inventory)
    yield from lineage.lineage(inventory)
    yield from confusion.typosquats(policy, inventory)
    yield from confusion.internal(policy, inventory)


@functools.cache
def glob(pattern: str) -> re.Pattern[str]:
    """`**` for any depth, `*` within one level of a path."""
    parts = re.split(r"(\*\*/?|\*|\?)", pattern)
    kinds = {"**": ".*", "**/": "(?:.*/)?", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(kinds.get(part, re.escape(part)) for part in parts))


def _formats(policy: Policy, inventory: Inventory) -> Iterator[Finding]:
    formats = policy.models.formats
    if not formats.allow and not formats.deny:
        return
    pointers = {
        component.identity.removeprefix("file:"): component.model.format
        for component in inventory.components
        if component.kind is Kind.MODEL and component.model
    }
    unread = {f.location.path for f in inventory.findings if f.rule is rules.INCOMPLETE["unsupported"]}
    pickled = {f.location.path for f in inventory.findings if f.rule.id == _PICKLED_ITEMS}
    for scanned in inventory.scanned:
        stated, unknown = scanned.format, scanned.path in unread
        if stated == _POINTER:
            stated = pointers.get(scanned.path, "")
            unknown = bool(stated) and stated not in FORMATS
        held = _held({*stated.split("+"), *(("pickles",) if scanned.path in pickled else ())}, unknown=unknown)
        names = frozenset().union(*held)
        excepted = {d.format for d in formats.deny if any(glob(g).fullmatch(scanned.path) for g in d.except_)}
        denied = sorted({d.format for d in formats.deny if d.format in names} - excepted)
        outside = [one for one in held if formats.allow and not one & (excepted | set(formats.allow))]
        if denied or outside:
            shown = denied[0] if denied else "+".join(sorted(frozenset().union(*outside)))
            yield rules.finding(
                FORMAT,
                Location(path=scanned.path),
                f"The policy does not allow the format {shown}.",
                evidence=shown,
                facts=(("clause", f"models.formats.{'deny' if denied else 'allow'}"),),
            )


def _held(labels: set[str], *, unknown: bool) -> tuple[frozenset[str], ...]:
    """For each model format in a file, the names it goes by: archives count by what is in them."""
    if "torch" in labels:
        labels = labels - {"pickles"}  # torch.load's own
    held = [FORMATS[label] for label in sorted(labels & FORMATS.keys())]
    if unknown:  # a model that nobody could read; what it says it is is not among what is allowed
        held.append(frozenset(labels - FORMATS.keys() - _CONTAINERS) or frozenset({"unknown"}))
    return tuple(held)


def _sources(policy: Policy, component: Component) -> Iterator[Finding]:
    sources = policy.models.sources
    if component.identity.startswith("file:"):
        return
    lowered = component.identity.lower()  # hubs answer to a name however its case is written
    denied = next((p for p in sources.deny if fnmatch.fnmatchcase(lowered, p.lower())), None)
    allowed = not sources.allow or any(fnmatch.fnmatchcase(component.identity, p) for p in sources.allow)
    if denied or not allowed:
        clause = f"models.sources.deny: {denied}" if denied else "models.sources.allow"
        yield rules.finding(
            SOURCE,
            information.place(component),
            f"{component.identity} is not from a source that the policy allows.",
            evidence=component.identity,
            subject=component.identity,
            facts=(("clause", clause),),
        )


def _has(component: Component, fact: str) -> bool:
    local = "file:" in component.identity
    if fact == "license":
        return bool(component.licenses)
    if fact == "revision-sha":
        return local or bool(component.version and _COMMIT.fullmatch(component.version))
    if fact == "sha256":
        if any(key == "folder" for key, _ in component.properties):
            return True  # a folder has no bytes; its files are components, and asked the same
        # a full commit of a hub repository fixes every file's hash; the bytes are not here to be hashed
        pinned = bool(component.version and _COMMIT.fullmatch(component.version))
        return pinned or any(h.algorithm == "SHA-256" for h in component.hashes)
    return local or bool(component.purl)


def _required(policy: Policy, component: Component) -> Iterator[Finding]:
    model = component.kind is Kind.MODEL
    wanted: tuple[str, ...] = policy.models.require if model else policy.datasets.require
    missing = [fact for fact in wanted if fact in information.FACTS and not _has(component, fact)]
    if missing:
        yield rules.finding(
            MISSING,
            information.place(component),
            f"{component.name} lacks {', '.join(missing)}.",
            evidence=",".join(missing),
            subject=component.identity,
            facts=(("clause", f"{component.kind.value}s.require"),),
        )


def _licenses(policy: Policy, component: Component) -> Iterator[Finding]:
    terms = policy.licenses
    if all(stated.strip().lower() in UNKNOWN_LICENCES for stated in component.licenses):
        # a model behind an API has terms of use, and nobody states a licence of it
        if component.kind is not Kind.PACKAGE and not component.identity.startswith("api:"):
            yield rules.finding(
                UNKNOWN,
                information.place(component),
                f"{component.name} states no licence.",
                subject=component.identity,
            )
        return
    for stated in component.licenses:
        rule, clause = _standing(stated, terms)
        if rule is None:
            continue
        yield rules.finding(
            rule,
            information.place(component),
            f"{component.name} is under {stated[:100]}{_known_as(stated)}.",
            evidence=stated[:200],
            subject=component.identity,
            facts=(("clause", clause),),
        )


def _known_as(stated: str) -> str:
    """The SPDX spelling for a message, where it is more than another case."""
    found = licenses.spdx(stated)
    return f" (SPDX: {found[:100]})" if found.lower() != stated.strip().lower() else ""


_WORST = (None, REVIEW, DENIED)
Standing = tuple[Rule | None, str]


def _standing(stated: str, terms: Licenses) -> Standing:
    """What the terms make of a licence or SPDX expression: of alternatives (OR) the best counts, of parts the worst.

    SPDX specification 3.0.1, annex B. What is no expression is a licence's name.
    """
    by = (
        (terms.deny, (DENIED, "licenses.deny")),
        (terms.allow, (None, "")),
        (terms.review, (REVIEW, "licenses.review")),
    )
    compared = licenses.comparable(stated)
    whole = next((said for names, said in by if compared in map(licenses.comparable, names)), None)
    if whole:
        return whole
    kind, parts = _parts(stated)
    if kind != "WITH":
        pick = min if kind == "OR" else max
        return pick((_standing(part, terms) for part in parts), key=lambda standing: _WORST.index(standing[0]))
    for patterns, said in by:
        if any(_matches(name, patterns) for name in (stated, *parts)):
            return said
    return (DENIED, "licenses.allow") if terms.allow else (None, "")


@functools.cache
def _parts(stated: str) -> tuple[str, tuple[str, ...]]:
    """The operator of an SPDX expression (WITH for one licence, its exception left out) and what it joins.

    What is written like an expression and is none counts as all that it names.
    """
    parsed = licenses.parse(stated)
    if parsed is None:
        if not licenses.joined(licenses.spdx(stated)):
            return "WITH", ()  # one licence, be it by a name with parentheses
        return "AND", licenses.words(stated) or ("unknown",)
    if parsed.args:
        return parsed.operator.strip(), tuple(str(part) for part in parsed.args)
    return "WITH", (str(getattr(parsed, "license_symbol", parsed)),)


def _matches(stated: str, patterns: tuple[str, ...]) -> bool:
    """Whether a licence is one of these: in SPDX's spelling, its own, or what is left of either."""
    compared = licenses.comparable(stated)
    spellings = {stated.lower(), licenses.spdx(stated).lower(), compared}
    return any(
        fnmatch.fnmatchcase(name, pattern.lower().removeprefix("hf:")) or compared == licenses.comparable(pattern)
        for pattern in patterns
        for name in spellings
    )
