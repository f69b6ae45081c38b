"""Files that Python runs when it starts: lines of `.pth` files that import, `sitecustomize.py`, `usercustomize.py`.

Source: the documentation of Python's `site` module; Lib/site.py for which lines count.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlgate import rules
from mlgate.inspectors import _packages
from mlgate.inspectors._model_metadata import shown
from mlgate.inspectors.distributions import inner_path
from mlgate.records import Artifact, Category, Inspector, Observation, Rule, Severity

_LARGEST = 1 << 20
_SAID = 20
_IMPORT = re.compile(r"import[ \t]")
_CUSTOMIZE = ("sitecustomize.py", "usercustomize.py")
_SITE = ("site-packages", "dist-packages")
_INSTALLED = re.compile(r"([^/]+\.data/(purelib|platlib)/)?[^/]+")  # where a wheel puts files next to its packages
# Words that a line needs to do more than to import a module and call it.
_HIDING = re.compile(
    r"\b(exec|eval|compile|__import__|getattr|base64|b64decode|zlib|marshal|codecs|subprocess|system|popen|spawn\w*|open"
    r"|socket|urllib|requests|http|ctypes|fromhex|chr)\b"
)
_LONG = 300
# What setuptools and virtualenv write, word for word but for names (setuptools' namespaces.py and _distutils_hack).
_KNOWN = (
    re.compile(
        r"import os; ?var = 'SETUPTOOLS_USE_DISTUTILS'; ?"
        r"enabled = os\.environ\.get\(var, '(?:local|stdlib)'\) == 'local'; ?"
        r"enabled and __import__\('_distutils_hack'\)(?:\.add_shim\(\))?; ?"
    ),
    re.compile(r"import _virtualenv"),
    re.compile(r"import (__editable___\w+_finder); ?\1\.install\(\)"),
    re.compile(
        r"import sys, types, os; ?has_mfs = sys\.version_info > \(3, 5\); ?"
        r"p = os\.path\.join\(sys\._getframe\(1\)\.f_locals\['sitedir'\], \*\((?:'\w+', ?)*(?:'\w+')?\)\); ?"
        r"importlib = has_mfs and __import__\('importlib\.util'\); ?has_mfs and __import__\('importlib\.machinery'\); ?"
        r"m = has_mfs and sys\.modules\.setdefault\('[\w.]+', importlib\.util\.module_from_spec\("
        r"importlib\.machinery\.PathFinder\.find_spec\('[\w.]+', \[os\.path\.dirname\(p\)\]\)\)\); ?"
        r"m = m or sys\.modules\.setdefault\('[\w.]+', types\.ModuleType\('[\w.]+'\)\); ?"
        r"mp = \(m or \[\]\) and m\.__dict__\.setdefault\('__path__', ?\[\]\); ?\(p not in mp\) and mp\.append\(p\)"
        r"(?:; ?m and setattr\(sys\.modules\['[\w.]+'\], '\w+', m\))?"
    ),
)

PTH = Rule(
    id="MLG-DEP-042",
    title="A .pth file that runs code whenever Python starts",
    severity=Severity.HIGH,
    category=Category.DEPENDENCY,
    help="Python executes lines of `.pth` files that begin with `import` at every start, whatever program is run. "
    "Malicious releases of packages persist so. HIGH where the line does more than to import a module and call it, "
    "LOW where it is word for word what setuptools or virtualenv write.",
    remediation="Remove the file, or find out which tool wrote it and what the module does that it imports.",
    cwe=("CWE-506", "CWE-829"),
    atlas=("AML.T0010.001",),
    owasp=("LLM03:2025",),
)
CUSTOMIZE = Rule(
    id="MLG-DEP-043",
    title="A module that Python imports whenever it starts",
    severity=Severity.HIGH,
    category=Category.DEPENDENCY,
    help="Python imports `sitecustomize` and `usercustomize` at every start when they are on its path: from "
    "site-packages, where a wheel puts them, or from the repository's root, where PYTHONPATH often points (MEDIUM).",
    remediation="Call the code where it is needed instead.",
    cwe=("CWE-829",),
    atlas=("AML.T0010.001",),
    owasp=("LLM03:2025",),
)


def _is_text(head: bytes) -> bool:
    """Whether it can be a path file: `.pth` is also what people call PyTorch's files, which are binary."""
    return bool(head) and not re.search(rb"[\x00-\x08\x0e-\x1f\x7f]", head)


def _claims(artifact: Artifact) -> bool:
    if artifact.name.lower().endswith(".pth"):
        return _is_text(artifact.head)
    return artifact.name in _CUSTOMIZE and (_in_wheel(artifact) or _on_path(artifact))


def _in_wheel(artifact: Artifact) -> bool:
    container, path = inner_path(artifact)
    return container.lower().endswith(".whl") and _INSTALLED.fullmatch(path) is not None


def _on_path(artifact: Artifact) -> bool:
    """In site-packages, or at the root of the repository."""
    container, path = inner_path(artifact)
    folder = path.rpartition("/")[0]
    return folder.rpartition("/")[2] in _SITE or (not container and not folder)


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    if artifact.name in _CUSTOMIZE:
        inside = artifact.member is not None or "/" in artifact.path
        message = f"{artifact.name} is imported whenever Python starts with this on its path."
        severity = Severity.HIGH if inside else Severity.MEDIUM
        yield rules.finding(CUSTOMIZE, artifact.at(), message, evidence=artifact.name, severity=severity)
        return
    text = _packages.bounded(artifact, _LARGEST).decode("utf-8", "replace").removeprefix("\ufeff")
    count = 0
    for number, line in enumerate(text.splitlines(), 1):  # as Python 3.13 does, which ends lines at more than newlines
        if not _IMPORT.match(line):
            continue
        count += 1
        if count <= _SAID:
            message = f"This runs whenever Python starts: {shown(line.strip(), 200)}"
            where = artifact.at(line=number)
            yield rules.finding(PTH, where, message, evidence=shown(line.strip(), 200), severity=_severity(line))


def _severity(line: str) -> Severity:
    plain = line.strip()
    if len(plain) < 2000 and any(known.fullmatch(plain) for known in _KNOWN):
        return Severity.LOW
    return Severity.HIGH if len(plain) > _LONG or _HIDING.search(plain) else Severity.MEDIUM


INSPECTOR = Inspector(
    name="startup",
    claims=_claims,
    inspect=_inspect,
    rules=(PTH, CUSTOMIZE),
    reads="`.pth` path files anywhere, also in archives: each line that begins with `import`. `sitecustomize.py` and "
    "`usercustomize.py` at the top of a wheel, in site-packages, and at the repository's root.",
    misses="What the imported modules do. Modules of these names elsewhere run only when something puts their folder "
    "on Python's path.",
)
