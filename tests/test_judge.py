from __future__ import annotations

import dataclasses
from datetime import date

import pytest

from mlgate import judge as judging
from mlgate import rules
from mlgate.judge import Base, fingerprint, fingerprints, judge, places
from mlgate.policy.load import load
from mlgate.policy.schema import Policy
from mlgate.records import (
    Action,
    Category,
    Component,
    Finding,
    Hash,
    Inventory,
    Kind,
    Location,
    ModelFacts,
    Pairs,
    Rule,
    Scanned,
    Severity,
    Verdict,
)

TODAY = date(2026, 11, 23)
SHA = "a" * 64
COMMIT = "b" * 40


def rule(category: Category = Category.MODEL_FILE, *, clause: str = "", malicious: bool = False) -> Rule:
    return Rule(
        id="MLG-PKL-999",
        title="t",
        severity=Severity.HIGH,
        category=category,
        help="h",
        remediation="r",
        clause=clause,
        malicious=malicious,
    )


def found(
    severity: Severity = Severity.HIGH,
    category: Category = Category.MODEL_FILE,
    *,
    path: str = "m.pkl",
    line: int | None = None,
    clause: str = "",
    malicious: bool = False,
    facts: Pairs = (),
    evidence: str = "e",
    subject: str = "",
) -> Finding:
    return rules.finding(
        rule(category, clause=clause, malicious=malicious),
        Location(path=path, line=line),
        "message",
        severity=severity,
        facts=facts,
        evidence=evidence,
        subject=subject,
    )


def policy(text: str = "") -> Policy:
    return load("version: 1\n" + text, "p")


def inventory(*findings: Finding, components: tuple[Component, ...] = ()) -> Inventory:
    scanned = Scanned(path="m.pkl", format="pickles", sha256=SHA, size=1, complete=True)
    return Inventory(root="r", findings=findings, components=components, scanned=(scanned,))


def verdict(text: str, *findings: Finding, base: Base | None = None) -> Verdict:
    return judge(policy(text), inventory(*findings), today=TODAY, base=base, policy_source="p")


def decided(text: str, finding: Finding, base: Base | None = None) -> tuple[Action, str]:
    (decision,) = verdict(text, finding, base=base).decisions
    return decision.action, decision.clause


@pytest.mark.parametrize("category", [c for c in Category if c not in {Category.INCOMPLETE, Category.POLICY_CHANGE}])
def test_thresholds_of_each_category(category: Category) -> None:
    text = f"fail-on: {{{category.value}: medium}}\n"
    assert decided(text, found(Severity.MEDIUM, category)) == (Action.BLOCK, f"fail-on.{category.value}: medium")
    assert decided(text, found(Severity.LOW, category))[0] is Action.WARN
    assert decided(text, found(Severity.INFO, category))[0] is Action.NOTE
    assert decided(f"fail-on: {{{category.value}: never}}\n", found(Severity.CRITICAL, category))[0] is Action.WARN


@pytest.mark.parametrize(
    "key",
    [
        *(
            f"code.{k}"
            for k in ("torch-load-unsafe", "pickle-load", "trust-remote-code", "unpinned-hub-load", "yaml-load")
        ),
        *(f"code.{k}" for k in ("numpy-allow-pickle", "torch-hub", "keras-unsafe")),
        *(f"dependencies.{k}" for k in ("malicious", "extra-index-url", "unpinned", "unhashed", "mutable-vcs")),
        *(f"dependencies.{k}" for k in ("url-without-hash", "insecure-index", "outside-include", "unresolved-version")),
        "dependencies.unread-manifest",
        "models.pickle.unknown-globals",
        "models.pickle.unknown-calls",
        "models.chat-template.unsafe-jinja",
        "datasets.loading-script",
        "on-incomplete",
    ],
)
def test_every_clause_decides_and_is_named(key: str) -> None:
    *tables, last = key.split(".")
    for value in ("block", "warn", "note"):
        text = "".join("  " * n + f"{t}:\n" for n, t in enumerate(tables)) + "  " * len(tables) + f"{last}: {value}\n"
        assert decided(text, found(clause=key)) == (Action(value), f"{key}: {value}")


def test_unsafe_code_below_medium_is_told_and_not_enforced() -> None:
    low = found(Severity.LOW, Category.UNSAFE_CODE, clause="code.torch-load-unsafe")
    assert decided("code: {torch-load-unsafe: block}\n", low)[0] is Action.WARN


def test_allowed_globals_are_exact() -> None:
    text = "models: {pickle: {unknown-globals: block, allow-globals: [mycorp.nn.Encoder]}}\n"
    clause = "models.pickle.unknown-globals"
    assert decided(text, found(clause=clause, facts=(("global", "mycorp.nn.Encoder"),)))[0] is Action.NOTE
    assert decided(text, found(clause=clause, facts=(("global", "mycorp.nn.Encoder2"),)))[0] is Action.BLOCK


@pytest.mark.parametrize(
    ("text", "severity", "facts", "action"),
    [
        ("", Severity.HIGH, (("cvss", "7.5"),), Action.BLOCK),
        ("", Severity.MEDIUM, (("cvss", "5.0"),), Action.WARN),
        ('dependencies: {block-if: [{cvss: ">=5.0"}]}\n', Severity.MEDIUM, (("cvss", "5.0"),), Action.BLOCK),
        ('dependencies: {block-if: [{cvss: ">5.0"}]}\n', Severity.MEDIUM, (("cvss", "5.0"),), Action.WARN),
        ("", Severity.MEDIUM, (("unscored", "true"),), Action.WARN),
        ("dependencies: {no-score: block}\n", Severity.MEDIUM, (("unscored", "true"),), Action.BLOCK),
        ("dependencies: {no-score: note}\n", Severity.MEDIUM, (("unscored", "true"),), Action.NOTE),
    ],
)
def test_vulnerabilities(text: str, severity: Severity, facts: Pairs, action: Action) -> None:
    finding = found(severity, Category.DEPENDENCY, clause="dependencies.block-if", facts=facts)
    assert decided(text, finding)[0] is action


def test_only_what_is_new_blocks_and_the_rest_stays_visible() -> None:
    old, new = found(evidence="old", line=3), found(evidence="new")
    moved = dataclasses.replace(old, location=Location(path="m.pkl", line=99))
    base = Base(ref="main", fingerprints=fingerprints(policy(), inventory(old)))
    result = verdict("", moved, new, base=base)
    actions = {d.finding.evidence: (d.action, d.new) for d in result.decisions}
    assert actions == {"old": (Action.NOTE, False), "new": (Action.BLOCK, True)}
    assert verdict("", moved, base=base).passed
    assert not verdict("scope: {enforce: all}\n", moved, base=base).passed


def test_one_more_of_the_same_is_new() -> None:
    base = Base(ref="main", fingerprints=fingerprints(policy(), inventory(found())))
    result = verdict("", found(line=1), found(line=2), base=base)
    assert [d.new for d in result.decisions].count(True) == 1


def test_a_copy_is_the_new_one_and_what_stayed_in_its_place_is_old() -> None:
    stayed, copy = found(path="z.pkl", category=Category.MODEL_FILE), found(path="a.pkl", category=Category.MODEL_FILE)
    scanned = [
        Scanned(path=path, format="pickles", sha256="0" * 64, size=1, complete=True) for path in ("a.pkl", "z.pkl")
    ]
    before = dataclasses.replace(inventory(stayed), scanned=tuple(scanned[1:]))
    base = Base(ref="main", fingerprints=fingerprints(policy(), before), places=places(policy(), before))
    after = dataclasses.replace(inventory(copy, stayed), scanned=tuple(scanned))
    result = judge(policy(), after, today=TODAY, base=base, policy_source="p")
    assert {d.finding.location.path: d.new for d in result.decisions} == {"a.pkl": True, "z.pkl": False}


@pytest.mark.parametrize(
    ("always", "finding"),
    [
        ("malicious", found(malicious=True)),
        ("incomplete", found(category=Category.INCOMPLETE, clause="on-incomplete")),
    ],
)
def test_what_is_always_enforced_blocks_where_it_is_old(always: str, finding: Finding) -> None:
    base = Base(ref="main", fingerprints=fingerprints(policy(), inventory(finding)))
    assert not verdict(f"scope: {{always-enforce: [{always}]}}\n", finding, base=base).passed
    assert verdict("scope: {always-enforce: []}\n", finding, base=base).passed


@pytest.mark.parametrize("reason", ["unavailable", "timeout", "crashed"])
def test_that_the_base_could_not_be_looked_at_either_excuses_nothing(reason: str) -> None:
    failed = rules.incomplete(reason, Location(path="requirements.txt"), "down")
    base = Base(ref="main", fingerprints=fingerprints(policy(), inventory(failed)))
    assert not verdict("", failed, base=base).passed


def test_a_base_that_could_not_be_scanned_goes_by_path() -> None:
    base = Base(ref="main", changed=frozenset({"m.pkl"}))
    assert not verdict("", found(), base=base).passed
    assert verdict("", found(path="other.pkl"), base=base).passed
    assert not verdict("", found(path="other.pkl"), base=Base(ref="main")).passed


def test_mode_warn_blocks_nothing_and_says_so() -> None:
    result = verdict("mode: warn\n", found())
    assert result.passed
    assert result.decisions[0].clause == "mode: warn (else fail-on.model-file: high)"


def test_changes_of_the_gate_are_told_and_can_block() -> None:
    base = Base(ref="main", fingerprints=frozenset(), gate=((".mlgate.yml", "the policy"),))
    result = verdict("", base=base)
    assert [(d.finding.rule.id, d.action) for d in result.decisions] == [("MLG-POL-001", Action.WARN)]
    assert not verdict("policy-change: block\n", base=base).passed


def waived(**changes: str) -> str:
    fields = {
        "rule": "MLG-PKL-999",
        "path": "m.pkl",
        "sha256": SHA,
        "reason": "ours",
        "owner": "@a/b",
        "expires": "2027-01-15",
    } | changes
    body = ", ".join(f'{key}: "{value}"' for key, value in fields.items())
    return f"waivers:\n  items: [{{{body}}}]\n"


@pytest.mark.parametrize(
    ("changes", "action", "note"),
    [
        ({}, Action.WAIVED, ""),
        ({"expires": "2026-12-01"}, Action.WAIVED, "expires soon"),
        ({"expires": "2026-11-23"}, Action.WAIVED, "expires soon"),
        ({"expires": "2026-11-22"}, Action.BLOCK, "expired"),
        ({"expires": "2027-11-23"}, Action.BLOCK, "more than 90 days"),
        ({"expires": "2026-13-01"}, Action.BLOCK, "no such day"),
        ({"sha256": "c" * 64}, Action.BLOCK, "not used"),
        ({"sha256": ""}, Action.BLOCK, "not used"),
        ({"path": "n.pkl"}, Action.BLOCK, "not used"),
        ({"rule": "MLG-PKL-998"}, Action.BLOCK, "not used"),
    ],
)
def test_waivers(changes: dict[str, str], action: Action, note: str) -> None:
    result = verdict(waived(**changes), found())
    assert [d.action for d in result.decisions] == [action]
    assert result.passed is (action is Action.WAIVED)
    assert [note in n for n in result.notes] == ([True] if note else [])


def test_a_waiver_by_purl() -> None:
    finding = found(category=Category.DEPENDENCY, facts=(("purl", "pkg:pypi/torch@2.0.0"),), path="requirements.txt")
    text = waived(path="", sha256="", purl="pkg:pypi/torch@2.0.0")
    assert [d.action for d in verdict(text, finding).decisions] == [Action.WAIVED]
    assert not verdict(text.replace("2.0.0", "2.0.1"), finding).passed


def model(
    identity: str, *, version: str | None = None, licenses: tuple[str, ...] = (), hashed: bool = False
) -> Component:
    return Component(
        kind=Kind.MODEL,
        identity=identity,
        name=identity,
        version=version,
        purl="pkg:huggingface/x" if identity.startswith("hf:") else None,
        licenses=licenses,
        hashes=(Hash(algorithm="SHA-256", value=SHA),) if hashed else (),
        model=ModelFacts(format="x"),
    )


@pytest.mark.parametrize(
    ("text", "component", "rule_id"),
    [
        ("models: {formats: {deny: [{format: pickle}]}}", model("file:m.pkl"), "MLG-MDL-010"),
        ('models: {formats: {deny: [{format: pickle, except: ["*.pkl"]}]}}', model("file:m.pkl"), ""),
        ('models: {formats: {deny: [{format: pickle, except: ["legacy/**"]}]}}', model("file:m.pkl"), "MLG-MDL-010"),
        ("models: {formats: {allow: [safetensors]}}", model("file:m.pkl"), "MLG-MDL-010"),
        ("models: {formats: {allow: [pickle]}}", model("file:m.pkl"), ""),
        ('models: {sources: {allow: ["hf:google/*"]}}', model("hf:google/bert"), ""),
        ('models: {sources: {allow: ["hf:google/*"]}}', model("hf:evil/google/x"), "MLG-LIN-001"),
        ('models: {sources: {deny: ["hf:*/*-uncensored"]}}', model("hf:a/b-uncensored"), "MLG-LIN-001"),
        ("models: {require: [revision-sha]}", model("hf:a/b", version="main"), "MLG-LIN-002"),
        ("models: {require: [revision-sha, sha256, source]}", model("hf:a/b", version=COMMIT), ""),
        ("models: {require: [license]}", model("hf:a/b"), "MLG-LIN-002"),
        ("models: {require: [sha256]}", model("file:m.pkl", hashed=True), ""),
        ("models: {require: [source]}", model("torchhub:a/b:c"), "MLG-LIN-002"),
        ("licenses: {deny: [CC-BY-NC-4.0]}", model("hf:a/b", licenses=("cc-by-nc-4.0",)), "MLG-LIC-001"),
        ("licenses: {allow: [MIT]}", model("hf:a/b", licenses=("Apache-2.0",)), "MLG-LIC-001"),
        ("licenses: {allow: [MIT]}", model("hf:a/b", licenses=("MIT",)), ""),
        ('licenses: {review: ["hf:llama*"]}', model("hf:a/b", licenses=("llama3",)), "MLG-LIC-002"),
        ("licenses: {unknown: block}", model("hf:a/b"), "MLG-LIC-003"),
    ],
)
def test_demands_of_the_policy(text: str, component: Component, rule_id: str) -> None:
    result = judge(policy(text + "\n"), inventory(components=(component,)), today=TODAY, base=None, policy_source="p")
    told = [d for d in result.decisions if d.finding.rule.id != "MLG-LIC-003" or rule_id == "MLG-LIC-003"]
    assert [d.finding.rule.id for d in told] == ([rule_id] if rule_id else [])
    assert all(d.action is Action.BLOCK for d in told) is (rule_id != "MLG-LIC-002" or not told)
    assert all(d.clause.split(":")[0].split(".")[0] in {"models", "licenses"} for d in told)


def test_required_facts_of_datasets() -> None:
    data = Component(kind=Kind.DATASET, identity="dataset:hf:a/b", name="a/b", version="main", purl="pkg:huggingface/x")
    result = judge(
        policy("datasets: {require: [revision-sha]}\n"),
        inventory(components=(data,)),
        today=TODAY,
        base=None,
        policy_source="p",
    )
    assert "MLG-LIN-002" in [d.finding.rule.id for d in result.decisions]


def test_fingerprints_hold_under_moves_and_differ_where_it_matters() -> None:
    one = found(line=1)
    assert fingerprint(one) == fingerprint(dataclasses.replace(one, location=Location(path="m.pkl", line=7, offset=3)))
    assert fingerprint(one) != fingerprint(dataclasses.replace(one, evidence="other"))
    assert fingerprint(one) != fingerprint(dataclasses.replace(one, location=Location(path="m.pkl", member="x")))
    assert len(fingerprint(found(evidence="\udc80"))) == 32
    assert judging.GATE.id == "MLG-POL-001"
