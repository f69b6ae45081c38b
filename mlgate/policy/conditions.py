"""When `dependencies.block-if` holds for a known vulnerability, and what has to be known to tell."""

from __future__ import annotations

import operator

from mlgate.policy.schema import Condition, Dependencies
from mlgate.records import Finding

_COMPARE = {">=": operator.ge, ">": operator.gt, "<=": operator.le, "<": operator.lt, "==": operator.eq}


def holds(condition: Condition, finding: Finding) -> bool:
    """Whether all that the condition names is known of the vulnerability and so; what is not known holds in none."""
    if condition.kev and not finding.fact("kev"):
        return False
    for limit, known in ((condition.cvss, finding.fact("cvss")), (condition.epss, finding.fact("epss"))):
        sign = limit.rstrip("0123456789.")
        if limit and (not known or not _COMPARE[sign](float(known), float(limit.removeprefix(sign)))):
            return False
    return True


def words(condition: Condition) -> str:
    """The condition in one line, such as "kev, cvss >=7.0"."""
    named = (("kev", "kev" if condition.kev else ""), ("cvss", condition.cvss), ("epss", condition.epss))
    return ", ".join(value if key == value else f"{key} {value}" for key, value in named if value)


def needed(dependencies: Dependencies) -> frozenset[str]:
    """Which of "kev" and "epss" the conditions ask for."""
    asked = {"kev" for condition in dependencies.block_if if condition.kev}
    return frozenset(asked | {"epss" for condition in dependencies.block_if if condition.epss})


def days(text: str) -> int | None:
    """The number in a text such as "7d", or None for ""."""
    return int(text.removesuffix("d")) if text else None
