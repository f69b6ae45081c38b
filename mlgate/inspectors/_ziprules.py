"""What the archive readers can say about the archive itself."""

from __future__ import annotations

from mlgate.records import Category, Rule, Severity


def _rule(number: int, title: str, severity: Severity, text: str, cwe: tuple[str, ...]) -> Rule:
    return Rule(
        id=f"MLG-ARC-{number:03}",
        title=title,
        severity=severity,
        category=Category.MODEL_FILE,
        help=text,
        remediation="Pack the archive again with the library that made it, from content that was looked at. If the "
        "file came from somewhere else, do not load it before you know who changed it.",
        cwe=cwe,
        atlas=("AML.T0010", "AML.T0011.000"),
        owasp=("LLM03:2025",),
    )


_DIFFER = ("CWE-436",)

HEADERS = _rule(
    1,
    "The archive's two headers of a member disagree",
    Severity.HIGH,
    "A ZIP member is described twice, before its data and in the directory at the end. Here name, method, size, "
    "checksum or encryption differ, or a second name stands in an extra field, so that loaders and scanners can see "
    "different content.",
    _DIFFER,
)
DUPLICATE = _rule(
    2,
    "Two members have the same name",
    Severity.HIGH,
    "Which of them is loaded depends on the reader: the first for some, the last for others.",
    _DIFFER,
)
UNSAFE_NAME = _rule(
    3,
    "A member's name leads out of the archive",
    Severity.HIGH,
    "The name is absolute or climbs upwards (`..`), so that unpacking can overwrite files elsewhere.",
    ("CWE-22",),
)
CHECKSUM = _rule(
    4,
    "A member's checksum is wrong",
    Severity.HIGH,
    "The content does not match its CRC-32. Readers that check it refuse the member, torch and others load it all the "
    "same: a known way around scanners. The content was looked at here.",
    ("CWE-354", "CWE-436"),
)
OVERLAP = _rule(
    5,
    "Members overlap",
    Severity.HIGH,
    "Two members share bytes of the file. No packer does this; it is how small archives unpack to huge ones and how "
    "one member hides in another.",
    ("CWE-409", "CWE-436"),
)
OUTSIDE = _rule(
    6,
    "Data outside of the archive's structure",
    Severity.MEDIUM,
    "Bytes stand before, after or between the members that the directory does not know. Readers that go by the first "
    "bytes of a file see another file than those that go by the directory at its end.",
    _DIFFER,
)
AMBIGUOUS = _rule(
    7,
    "The archive has members that not every reader sees",
    Severity.HIGH,
    "The archive can be read in two ways: two directories, a wrong count, or a member that has a header but no entry "
    "in the directory.",
    _DIFFER,
)

LINK_IN_MODEL = _rule(
    8,
    "Model archive with a link in it",
    Severity.HIGH,
    "A member is a symbolic link. No library saves a model with one; unpacked, it reads or writes a file elsewhere "
    "under a name that belongs to the model.",
    ("CWE-59",),
)
RULES = (HEADERS, DUPLICATE, UNSAFE_NAME, CHECKSUM, OVERLAP, OUTSIDE, AMBIGUOUS, LINK_IN_MODEL)
