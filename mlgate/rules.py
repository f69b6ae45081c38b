"""The catalogue, and the rules that every reader shares because any of them can be unable to look."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from mlgate.records import Category, Finding, Location, Pairs, Rule, Severity

_ID = re.compile(r"MLG-(INC|PKL|MDL|ARC|COD|DAT|LIN|DEP|LIC|POL|GIT)-\d{3}")


def _incomplete(number: int, title: str, text: str, remediation: str) -> Rule:
    return Rule(
        id=f"MLG-INC-{number:03}",
        title=title,
        severity=Severity.HIGH,
        category=Category.INCOMPLETE,
        help=text,
        remediation=remediation,
        clause="on-incomplete",
        cwe=("CWE-693",),
    )


INCOMPLETE: Mapping[str, Rule] = MappingProxyType(
    {
        "unsupported": _incomplete(
            1,
            "Model format that no reader understands",
            "The file has a model's name or content, and mlgate has no reader for it, so nothing is known about it.",
            "Convert the model to safetensors, GGUF or ONNX, or waive the file by its hash.",
        ),
        "truncated": _incomplete(
            2,
            "Content ends early",
            "The file ends before its own structure does. Loaders may still run what comes before the end.",
            "Upload the whole file again and compare its hash with the source's.",
        ),
        "malformed": _incomplete(
            3,
            "Content breaks its own format",
            "The reader lost the structure of the file; what comes after that place was not looked at.",
            "Write the file again with the library that made it. A file that no strict reader accepts has no place "
            "in a repository.",
        ),
        "limit": _incomplete(
            4,
            "A limit stopped the look",
            "Size, expansion, depth or count went over the policy's limits before the reader was done.",
            "Raise the limit in the policy if the file is yours, or remove the file.",
        ),
        "timeout": _incomplete(
            5,
            "Time ran out",
            "The file's time budget was used up before the reader was done.",
            "Raise `limits.per-file` in the policy if the file is yours, or remove the file.",
        ),
        "crashed": _incomplete(
            6,
            "The reader died on this file",
            "The worker process that parsed the file was stopped by its memory limit or by a defect.",
            "Treat the file as hostile until it is understood, and report it to mlgate's maintainers.",
        ),
        "encrypted": _incomplete(
            7,
            "Encrypted content",
            "The content is encrypted, so nothing is known about it.",
            "Store models without encryption and protect them by access instead.",
        ),
        "missing": _incomplete(
            8,
            "Content is not in the checkout",
            "The tree names content (Git LFS, submodule, included file, shard) that is not there.",
            "Fetch it before the scan: `lfs: true` and `submodules: true` of actions/checkout.",
        ),
        "unreadable": _incomplete(
            9,
            "Could not be opened",
            "The system refused to open the file, or it is not a regular file.",
            "Give the scan read access to the file, or remove it from the tree.",
        ),
        "unavailable": _incomplete(
            10,
            "Advisories could not be asked",
            "No advisory source answered, so it is unknown whether the packages have known vulnerabilities.",
            "Run again, or give an offline database with `--db` (see `mlgate db update`).",
        ),
    }
)

RULES: tuple[Rule, ...] = tuple(INCOMPLETE.values())


def finding(
    rule: Rule,
    location: Location,
    message: str,
    *,
    evidence: str = "",
    severity: Severity | None = None,
    subject: str = "",
    fix: str = "",
    facts: Pairs = (),
) -> Finding:
    """A finding with the rule's severity unless another is given."""
    return Finding(
        rule=rule,
        location=location,
        message=message,
        evidence=evidence,
        severity=rule.severity if severity is None else severity,
        subject=subject,
        fix=fix,
        facts=facts,
    )


def incomplete(reason: str, location: Location, detail: str) -> Finding:
    """The finding for a look that did not come to its end; `reason` is a key of INCOMPLETE."""
    rule = INCOMPLETE[reason]
    return finding(rule, location, f"{rule.title}: {detail[:300]}", evidence=reason)


def catalogue(groups: Iterable[tuple[Rule, ...]]) -> Mapping[str, Rule]:
    """All rules by id, sorted. Raises ValueError on a malformed id or on one id with two meanings."""
    found: dict[str, Rule] = {}
    for rule in (rule for group in groups for rule in group):
        if not _ID.fullmatch(rule.id):
            raise ValueError(f"rule id {rule.id!r} is not MLG-<AREA>-NNN")
        if found.setdefault(rule.id, rule) != rule:
            raise ValueError(f"rule id {rule.id} is declared twice")
    return MappingProxyType(dict(sorted(found.items())))
