"""What several readers of Python's manifests say; each reader lists those of these rules that it can speak."""

from __future__ import annotations

from mlgate.records import Category, Rule, Severity

EXTRA_INDEX = Rule(
    id="MLG-DEP-010",
    title="Second package index without hashes",
    severity=Severity.HIGH,
    category=Category.DEPENDENCY,
    help="pip asks all indexes and takes the highest version from any of them. Whoever registers one of these names on "
    "the public index decides what is installed: PyTorch's nightly build was hit so in December 2022 (torchtriton).",
    remediation="Give every requirement of the file a hash, or use one index that proxies the other, or a tool with "
    "per-package indexes (uv's `[tool.uv.sources]` with `explicit = true`).",
    clause="dependencies.extra-index-url",
    cwe=("CWE-427", "CWE-829"),
    atlas=("AML.T0010.001",),
    owasp=("LLM03:2025",),
)
UNPINNED = Rule(
    id="MLG-DEP-011",
    title="Requirement without an exact version",
    severity=Severity.LOW,
    category=Category.DEPENDENCY,
    help="What gets installed changes with every release of the package, the next malicious one included.",
    remediation="Pin it with `==`, or compile the file with hashes (`uv pip compile --generate-hashes`).",
    clause="dependencies.unpinned",
    cwe=("CWE-1357",),
)
UNHASHED = Rule(
    id="MLG-DEP-012",
    title="Pinned requirements without hashes",
    severity=Severity.INFO,
    category=Category.DEPENDENCY,
    help="A version is a name on an index; a hash fixes the bytes.",
    remediation="Compile the file with hashes: `uv pip compile --generate-hashes`, or `pip-compile --generate-hashes`.",
    clause="dependencies.unhashed",
    cwe=("CWE-494",),
)
INSECURE_INDEX = Rule(
    id="MLG-DEP-014",
    title="Packages over a connection that is not verified",
    severity=Severity.HIGH,
    category=Category.DEPENDENCY,
    help="With an `http://` index or `--trusted-host`, whoever is on the network path decides what is installed.",
    remediation="Use https with a certificate that the machines trust.",
    clause="dependencies.insecure-index",
    cwe=("CWE-319", "CWE-295"),
)
OUTSIDE = Rule(
    id="MLG-DEP-016",
    title="Requirements from outside the repository",
    severity=Severity.MEDIUM,
    category=Category.DEPENDENCY,
    help="The file includes another one that is not in the repository, so part of what is installed is neither "
    "reviewed nor seen here.",
    remediation="Copy the included file into the repository.",
    clause="dependencies.outside-include",
    cwe=("CWE-829",),
)
LOCAL = Rule(
    id="MLG-DEP-022",
    title="Requirements from folders of the repository",
    severity=Severity.INFO,
    category=Category.DEPENDENCY,
    help="A path is installed as it is at that moment, under whatever name and version its own manifest gives it.",
    remediation="Nothing, if the folder is meant. What it needs is read from its own manifest.",
)
DYNAMIC = Rule(
    id="MLG-DEP-020",
    title="Dependencies that could not be read statically",
    severity=Severity.LOW,
    category=Category.DEPENDENCY,
    help="A program computes this list of dependencies, and mlgate runs nothing. What it adds to the constants in the "
    "file is not in the ML-BOM and was compared with no advisory.",
    remediation="Write the dependencies as a list of constants, best under `[project]` in pyproject.toml.",
    clause="dependencies.unread-manifest",
    cwe=("CWE-693",),
)
CONDA = Rule(
    id="MLG-DEP-021",
    title="Conda packages that no advisory was compared with",
    severity=Severity.LOW,
    category=Category.DEPENDENCY,
    help="OSV has no advisories under the names of conda packages, and which package of another ecosystem one of them "
    "is would be a guess. They are in the ML-BOM; whether they are vulnerable is not known.",
    remediation="Take Python packages from PyPI where that is possible (the `pip:` list of the environment), or check "
    "these packages with the channel's own service.",
    clause="dependencies.unread-manifest",
    cwe=("CWE-693",),
)
