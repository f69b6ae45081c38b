"""What is said of commands that install or run something, beside what manifests' readers say of packages."""

from __future__ import annotations

from mlgate.records import Category, Rule, Severity

FETCHED = Rule(
    id="MLG-DEP-050",
    title="Program from the network run without a check",
    severity=Severity.MEDIUM,
    category=Category.DEPENDENCY,
    help="A script is downloaded and run in one go (`curl ... | sh`), so the server, or whoever takes it over, decides "
    "what runs with the rights of this build or user, and may answer a build differently than a person who looks.",
    remediation="Download a fixed version, compare its SHA-256 with the one you reviewed (`sha256sum -c`), then run "
    "it; or install the tool from a package with a pinned version.",
    clause="dependencies.url-without-hash",
    cwe=("CWE-494", "CWE-829"),
    atlas=("AML.T0010.001",),
    owasp=("LLM03:2025",),
)
MUTABLE_IMAGE = Rule(
    id="MLG-DEP-051",
    title="Container image by a tag that can move",
    severity=Severity.LOW,
    category=Category.DEPENDENCY,
    help="A tag names whatever its owner last pushed under it, so the next build or start may run other content. What "
    "is inside images is not looked into, and no advisory is compared with it.",
    remediation="Name the image by its digest: `image:tag@sha256:...`.",
    clause="dependencies.unpinned",
    cwe=("CWE-829", "CWE-1357"),
)
UNTOLD = Rule(
    id="MLG-DEP-052",
    title="Command that installs what cannot be told",
    severity=Severity.LOW,
    category=Category.DEPENDENCY,
    help="What the command installs, or a version in it, is put together when it runs (a variable from outside, the "
    "output of another program), so it is not in the ML-BOM and was compared with no advisory.",
    remediation="Write the packages and versions out, or give the variable a default in the same file.",
    clause="dependencies.unread-manifest",
    cwe=("CWE-693",),
)
