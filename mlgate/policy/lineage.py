"""What a policy says about where models come from: declared bases, public bases, terms along the line, lone weights."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping

from mlgate import rules
from mlgate.policy.information import place
from mlgate.policy.terms import Terms, conflict, known_license
from mlgate.records import Category, Component, Finding, Inventory, Kind, Location, Rule, Severity

_BASES = frozenset({"fine-tuned-from", "adapter-of", "quantized-from", "merged-from", "derived-from"})
_TRAINED = "trained-on"
# What can change weights by its own change, wherever it is: code, pipelines and their locks, data.
_EXPLAINS = (".py", ".ipynb", ".sh", ".dvc", ".yaml", ".yml", ".toml", ".lock", ".jsonl", ".csv", ".parquet")
_DIGESTED = frozenset(
    {"tokenizer.json", "tokenizer.model", "tokenizer_config.json", "chat_template.jinja", "chat_template.json"}
)


def _rule(
    number: str, title: str, severity: Severity, text: str, remediation: str, clause: str, category: Category
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


UNDECLARED = _rule(
    "LIN-010",
    "Adapter or language model that names no base",
    Severity.MEDIUM,
    "Nothing in the repository says which model this one was made from: neither its configuration, nor a card, nor the "
    "code that trained it. What the base brings along (its licence, its data, its flaws) stays unknown.",
    "Name it: `base_model` in the card's front matter, or `base_model_name_or_path` in adapter_config.json.",
    "models.lineage.base-model-declared",
    Category.LINEAGE,
)
PUBLIC = _rule(
    "LIN-011",
    "Made from a public base model",
    Severity.INFO,
    "Whoever can download the base can search for inputs that mislead it, and such inputs often carry over to what was "
    "made from it (white-box transfer). That is an exposure to know of, not a vulnerability.",
    "Nothing has to be done; test the model against attacks that were made for its base.",
    "models.lineage.public-base",
    Category.LINEAGE,
)
ALONE = _rule(
    "LIN-012",
    "Weights changed alone",
    Severity.MEDIUM,
    "The bytes of a model are others than in the base, and nothing that would explain it changed with them: no code, "
    "configuration, card, data or pipeline record. An exchanged model looks just like that.",
    "Say where the new weights come from, in the card or the pipeline's lock file, and have them reviewed.",
    "models.lineage.weights-changed-alone",
    Category.LINEAGE,
)
UNPINNED_DATA = _rule(
    "LIN-013",
    "Model trained on data that can change",
    Severity.LOW,
    "The model names a dataset as what it was trained on, and nothing fixes which bytes that are.",
    "Pin the dataset where it is loaded or declared: `revision=<40-hex commit>`, a DVC lock, or a checksum.",
    "models.lineage.unpinned-dataset",
    Category.LINEAGE,
)
CONFLICT = _rule(
    "LIC-004",
    "Licence that its base does not allow",
    Severity.HIGH,
    "A base model or a training dataset is under terms that it hands on (non-commercial use, share-alike, use "
    "restrictions), and the model made from it is stated to be under a licence that drops them.",
    "State the licence that the base asks for, use another base, or ask its owner.",
    "models.lineage.license-conflict",
    Category.LICENSE,
)
TEMPLATE = _rule(
    "LIN-014",
    "Chat template or tokenizer changed",
    Severity.MEDIUM,
    "A chat template decides what a model is told beside the user's words, and a tokenizer which words it sees. A "
    "change of either changes what the model does while its weights stay the same.",
    "Read the difference; a template is a small program.",
    "models.chat-template.changed",
    Category.LINEAGE,
)
UNCHECKED = _rule(
    "DAT-001",
    "Dataset from an address without a checksum",
    Severity.MEDIUM,
    "The data is fetched from an address and nothing fixes its bytes, so whoever controls the server, or a domain that "
    "has expired, decides what the model learns.",
    "Keep the data in DVC or Git LFS, or check a SHA-256 after the download (`wget ... && sha256sum -c`, Croissant's "
    "`sha256`, a `.dvc` file).",
    "datasets.url-without-checksum",
    Category.DATASET,
)
RULES = (UNDECLARED, PUBLIC, ALONE, UNPINNED_DATA, CONFLICT, TEMPLATE, UNCHECKED)
_ADDRESS = re.compile(r"dataset:(https?|ftp|s3|gs|gcs|az|abfss?|hdfs)://", re.IGNORECASE)


def lineage(inventory: Inventory) -> Iterator[Finding]:
    """Findings about bases, data and terms. What decides on each is its rule's clause."""
    known: dict[str, list[Component]] = {}
    for component in inventory.components:
        known.setdefault(component.identity, []).append(component)
    bases: dict[str, set[str]] = {}
    for relation in inventory.relations:
        kind = "data" if relation.kind == _TRAINED else "base" if relation.kind in _BASES else ""
        if not kind or relation.source not in known:
            continue
        model = known[relation.source][0]
        if kind == "base":
            bases.setdefault(relation.source, set()).add(relation.target)
            if relation.target.startswith("hf:"):
                yield _public(model, relation.target)
        else:
            yield from _unpinned(model, known.get(relation.target, []), relation.target)
        yield from _conflict(model, known.get(relation.target, []), relation.target)
    for component in inventory.components:
        if _needs_base(component) and component.identity not in bases:
            yield rules.finding(
                UNDECLARED,
                place(component),
                f"{component.name} names no model that it was made from.",
                subject=component.identity,
            )
        address = component.kind is Kind.DATASET and _ADDRESS.match(component.identity)
        if address and not component.hashes and not component.pinned:
            yield rules.finding(
                UNCHECKED,
                place(component),
                f"{component.identity.removeprefix('dataset:')} has no checksum.",
                subject=component.identity,
            )


def _needs_base(component: Component) -> bool:
    """Adapters have a base by what they are; of a folder with a card, people expect that it tells."""
    if component.kind is not Kind.MODEL or not component.identity.startswith("file:") or component.model is None:
        return False
    return component.model.format == "peft"


def _public(model: Component, target: str) -> Finding:
    return rules.finding(
        PUBLIC,
        place(model),
        f"{model.name} is made from {target}, which anybody can download.",
        evidence=target,
        subject=model.identity,
    )


def _unpinned(model: Component, data: list[Component], target: str) -> Iterator[Finding]:
    fixed = any(one.pinned or one.hashes for one in data)
    if target.startswith("dataset:") and "file:" not in target and not fixed:
        yield rules.finding(
            UNPINNED_DATA,
            place(model),
            f"{model.name} is trained on {target.removeprefix('dataset:')}, and nothing fixes which bytes that are.",
            evidence=target,
            subject=model.identity,
        )


def _conflict(model: Component, above: list[Component], target: str) -> Iterator[Finding]:
    stated = {name for one in above for name in one.licenses} or {known_license(target)} - {""}
    for name in sorted(stated):
        for own in model.licenses:
            asked = conflict(name, own)
            if asked is None:
                continue
            data = target.startswith("dataset:")
            yield rules.finding(
                CONFLICT,
                place(model),
                f"{model.name} is under {own[:100]}, and {target} is under {name[:100]}: {asked}.",
                evidence=f"{target} {name[:100]} {own[:100]}",
                # how far the terms of data bind a model that was trained on it is not settled
                severity=Severity.MEDIUM if data or asked is Terms.SHARE_ALIKE else None,
                subject=model.identity,
            )


def changed(before: Inventory, inventory: Inventory) -> Iterator[Finding]:
    """Findings about what became of models since the base: weights that changed alone, templates and tokenizers."""
    old, new = _files(before), _files(inventory)
    weights = sorted(_weights(before, inventory))
    others = {path for path in old.keys() | new.keys() if old.get(path) != new.get(path)} - set(weights)
    for path in weights:
        folder = posixpath.dirname(path)
        explained = any(other.endswith(_EXPLAINS) or posixpath.dirname(other) == folder for other in others)
        if not explained:
            yield rules.finding(
                ALONE,
                Location(path=path),
                f"The bytes of {path} changed, and nothing that would explain it.",
                evidence=new.get(path, ""),
                subject=f"file:{path}",
            )
    models = {
        component.identity.removeprefix("file:") for component in before.components if component.kind is Kind.MODEL
    }
    for path in sorted(new):
        name, folder = posixpath.basename(path), posixpath.dirname(path)
        templates = name in _DIGESTED or posixpath.basename(folder) == "additional_chat_templates"
        owner = posixpath.dirname(folder) if posixpath.basename(folder) == "additional_chat_templates" else folder
        if templates and old.get(path) != new[path] and (path in old or (owner or ".") in models):
            yield rules.finding(
                TEMPLATE,
                Location(path=path),
                f"{path} {'changed' if path in old else 'is new for a model that was there'}.",
                evidence=new[path],
            )
    yield from _inner_templates(before, inventory)


def _files(inventory: Inventory) -> dict[str, str]:
    return {file.path: file.sha256 for file in inventory.scanned}


def _weights(before: Inventory, inventory: Inventory) -> Iterator[str]:
    """The paths of model files whose digest, computed or stated by an LFS pointer, is another than in the base."""
    old = dict(_digests(before))
    for identity, digests in _digests(inventory):
        if identity in old and old[identity] and digests and old[identity] != digests:
            yield identity.removeprefix("file:")


def _digests(inventory: Inventory) -> Iterator[tuple[str, frozenset[str]]]:
    for component in inventory.components:
        identity = component.identity
        if component.kind is Kind.MODEL and identity.startswith("file:") and "!" not in identity:
            parts = (part.hash for part in component.parts if part.hash)
            yield identity, frozenset(one.value for one in (*component.hashes, *parts) if one.algorithm == "SHA-256")


def _inner_templates(before: Inventory, inventory: Inventory) -> Iterator[Finding]:
    """Templates inside of GGUF files, of which the component keeps the digests."""
    old = {component.identity: _inner(component) for component in before.components}
    for component in inventory.components:
        now, then = _inner(component), old.get(component.identity, {})
        for key in sorted(now):
            if component.identity in old and now[key] != then.get(key):
                yield rules.finding(
                    TEMPLATE,
                    place(component),
                    f"{key} in {component.name} changed.",
                    evidence=now[key],
                    subject=component.identity,
                )


def _inner(component: Component) -> Mapping[str, str]:
    return {
        key.removesuffix(":sha256").removeprefix("gguf:"): value
        for key, value in component.properties
        if key.startswith("gguf:tokenizer.chat_template") and key.endswith(":sha256")
    }
