"""What advisories lead to."""

from __future__ import annotations

from mlgate.records import Category, Rule, Severity

_ATLAS = ("AML.T0010.001",)
_OWASP = ("LLM03:2025",)

VULNERABLE = Rule(
    id="MLG-DEP-001",
    title="Known vulnerability",
    severity=Severity.HIGH,
    category=Category.DEPENDENCY,
    help="An advisory names the version that a manifest fixes. The finding's severity is the advisory's CVSS score, or "
    "its database's word.",
    remediation="Upgrade to the version in the fix, the lowest that clears every advisory of the package.",
    clause="dependencies.block-if",
    cwe=("CWE-1395",),
    atlas=_ATLAS,
    owasp=_OWASP,
)
MALICIOUS = Rule(
    id="MLG-DEP-002",
    title="Malicious package",
    severity=Severity.CRITICAL,
    category=Category.DEPENDENCY,
    help="The package or this version of it is known malware: installing it runs an attacker's code.",
    remediation="Remove it. Where it was installed, treat the machine and its credentials as compromised.",
    clause="dependencies.malicious",
    malicious=True,
    cwe=("CWE-506",),
    atlas=_ATLAS,
    owasp=_OWASP,
)
POSSIBLE = Rule(
    id="MLG-DEP-003",
    title="Possibly malicious: no version is fixed",
    severity=Severity.MEDIUM,
    category=Category.DEPENDENCY,
    help="Some versions of the package are known malware, and the manifest does not say which version is installed.",
    remediation="Pin a version that the advisory does not name.",
    cwe=("CWE-506", "CWE-1357"),
    atlas=_ATLAS,
    owasp=_OWASP,
)
INCOMPARABLE = Rule(
    id="MLG-DEP-004",
    title="Version that advisories cannot be compared with",
    severity=Severity.MEDIUM,
    category=Category.INCOMPLETE,
    help="An advisory speaks of ranges of the package's versions, and this version has no place in their order, so "
    "nobody can tell whether it is affected.",
    remediation="Use a version that follows the ecosystem's rules (PEP 440 on PyPI).",
    clause="on-incomplete",
    cwe=("CWE-693",),
)
NOTE = Rule(
    id="MLG-DEP-006",
    title="Advisories came from the offline database",
    severity=Severity.INFO,
    category=Category.DEPENDENCY,
    help="The advisory service did not answer, and the offline database was used instead. It knows what was known when "
    "it was downloaded.",
    remediation="Run again, or refresh the database with `mlgate db update`.",
)
UNKNOWN_EXPLOITATION = Rule(
    id="MLG-DEP-060",
    title="What is exploited cannot be told",
    severity=Severity.MEDIUM,
    category=Category.INCOMPLETE,
    help="`dependencies.block-if` asks for `kev` or `epss`, and the database folder has no file with that, or one that "
    "cannot be read to its end. A vulnerability that the policy would block may have been let pass.",
    remediation="Run `mlgate db update --db DIR --kev --epss` and scan with `--db DIR`, with or without `--offline`.",
    clause="on-incomplete",
    cwe=("CWE-693",),
)
OUTDATED = Rule(
    id="MLG-DEP-061",
    title="The advisory database is too old",
    severity=Severity.MEDIUM,
    category=Category.INCOMPLETE,
    help="Advisories came from the offline database, and it was last updated before what "
    "`dependencies.database-max-age` allows, or it is unknown when. What became known since is not in it.",
    remediation="Run `mlgate db update --db DIR` before the scan, with `--kev --epss` where the policy asks for them.",
    clause="on-incomplete",
    cwe=("CWE-1104", "CWE-693"),
)
RULES = (VULNERABLE, MALICIOUS, POSSIBLE, INCOMPARABLE, NOTE, UNKNOWN_EXPLOITATION, OUTDATED)
# Looks that failed for reasons outside of what was scanned.
CIRCUMSTANCES = (UNKNOWN_EXPLOITATION, OUTDATED)
