from __future__ import annotations

import contextlib
import itertools
import json

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mlgate.errors import MlgateError
from mlgate.pipeline import catalogue
from mlgate.policy.load import PRESETS, load, preset
from mlgate.policy.schema import json_schema

WAIVER = 'rule: MLG-PKL-002, reason: "known", owner: "@a/b", expires: 2026-12-01'


REASON_ONLY = "analysis: {justification: code_not_present}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "version: 1\nfail-on:\n  modl-file: high\n",
            ':3: unknown key "modl-file" in fail-on. Did you mean "model-file"?',
        ),
        ("version: 1\nfail-onn: {}\n", ':2: unknown key "fail-onn". Did you mean "fail-on"?'),
        ("version: 1\nmode: blok\n", ':2: mode: "blok" is not one of block, warn. Did you mean "block"?'),
        ("version: 1\nmode: true\n", ":2: mode: expected one of block, warn."),
        ("version: 1\nmode: on\n", ':2: mode: "on" is not one of block, warn.'),
        ("version: 1\nmode: !x warn\n", ":2: the tag !x has no meaning here"),
        ("version: 1\nmode: !!python/name:os.system warn\n", ":2: the tag tag:yaml.org,2002:python/name:os.system has"),
        ("version: 1\nmode: warn\nmode: block\n", ':3: the key "mode" stands twice'),
        ("version: 2\n", ':1: version: "2" is not one of 1.'),
        ("mode: warn\n", ':1: the policy: the key "version" is missing.'),
        ("version: 1\nscope: [\n", ":3: not YAML"),
        ("version: 1\nmode:\n", ":2: an empty value"),
        ("- version: 1\n", ":1: a policy is a mapping"),
        ("", ":1: a policy is a mapping"),
        ("version: 1\nlimits: {total: 12}\n", ":2: limits.total: expected seconds, minutes or hours, such as 90s."),
        ("version: 1\nlimits:\n  file: 20GB\n", ":3: limits.file: expected bytes with a unit, such as 20GiB."),
        (
            f"version: 1\nwaivers:\n  items:\n  - {{{WAIVER}, path: a,\n     analysis: {{state: not_affected}}}}\n",
            ":5: `not_affected`, and only that, needs a justification",
        ),
        (
            f"version: 1\nwaivers:\n  items:\n  - {{{WAIVER}, path: a, {REASON_ONLY}}}\n",
            ":4: `not_affected`, and only that, needs a justification",
        ),
        (f"version: 1\nwaivers:\n  items:\n  - {{{WAIVER}}}\n", ":4: a waiver names either a path or a purl"),
        (
            "version: 1\nextends: relaxed\n",
            ":2: extends: expected what unnamed keys come from: starter, strict, or another",
        ),
        (
            "version: 1\nmodels: {formats: {deny: [{format: torch}, {format: pickel}]}}\n",
            ':2: models.formats.deny[1].format: "pickel" is not one of pickle, torch, ',
        ),
        (
            "version: 1\ndependencies: {pickle: {}}\n",
            ':2: unknown key "pickle" in dependencies. There is models.pickle.',
        ),
        (
            "version: 1\ndependencies: {block-if: [{kve: true}]}\n",
            ':2: unknown key "kve" in dependencies.block-if[0]. Did you mean "kev"?',
        ),
        (
            "version: 1\ndependencies: {block-if: [{kev: true}, {}]}\n",
            ":2: dependencies.block-if[1]: a condition names kev, cvss or epss.",
        ),
        ("version: 1\nmodels: {require: license}\n", ":2: models.require: expected a list, got text."),
        ("version: 1\nlimits: {ratio: 0}\n", ":2: limits.ratio: expected a number >= 1."),
        (
            "version: 1\nwaivers:\n  items:\n  - {rule: MLG-PKL-002, path: a, reason: our, owner: us, expires: soon}\n",
            ":4: waivers.items[0].expires: expected YYYY-MM-DD.",
        ),
        (f"version: 1\n? {'k' * 200}\n: 1\n", ":2: no key is as long as"),
        ("version: 1\n---\nversion: 1\n", ":2: not YAML: but found another document"),
        ("version: 1\n? [a]\n: b\n", ":2: a key is plain text"),
        ("version: 1\ncode: &a {x: *a}\n", ":2: "),
    ],
)
def test_every_mistake_has_a_line_and_a_way_out(text: str, message: str) -> None:
    with pytest.raises(MlgateError) as caught:
        load(text, ".mlgate.yml")
    assert caught.value.message.startswith(".mlgate.yml" + message)
    assert caught.value.hint


LAUGHS = "a: &a [x]\n" + "".join(f"{c}: &{c} [{','.join(['*' + p] * 9)}]\n" for p, c in itertools.pairwise("abcdefgh"))
HOSTILE = {
    "laughs": LAUGHS,
    "deep list": "a: " + "[" * 5000,
    "deep table": "a: " + "{b: " * 100,
    "huge": "x" * (1 << 21),
    "control": "a: \x00",
    "tag": "!!python/object/apply:os.system ['true']",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_documents_are_refused(text: str) -> None:
    with pytest.raises(MlgateError):
        load(text, "p")


def test_what_is_not_named_comes_from_the_preset() -> None:
    policy = load("version: 1\nextends: strict\ncode: {pickle-load: note}\nmode: warn\n", "p")
    strict = preset("strict")
    assert policy.code.pickle_load == "note"
    assert policy.code.torch_hub == strict.code.torch_hub == "block"
    assert policy.models == strict.models
    assert (policy.mode, strict.mode) == ("warn", "block")


def test_dates_and_words_stay_what_was_written() -> None:
    policy = load(f"version: 1\nwaivers:\n  items: [{{{WAIVER}, path: yes}}]\n", "p")
    assert policy.waivers.items[0].expires == "2026-12-01"
    assert policy.waivers.items[0].path == "yes"


def test_presets_and_schema_agree() -> None:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    for name in PRESETS:
        preset(name)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"version": 1, "unknown": 1}, schema)
    jsonschema.validate(yaml.safe_load("version: 1\nfail-on: {model-file: never}"), schema)
    assert json.dumps(schema)


def test_every_clause_of_a_rule_is_a_key_of_the_policy() -> None:
    policy = preset("starter")
    for rule in catalogue().values():
        if rule.clause and rule.clause != "dependencies.block-if":
            assert policy.clause(rule.clause) in {"block", "warn", "note"}, rule.id


@given(st.text(max_size=100))
def test_any_text_is_a_policy_or_an_error(text: str) -> None:
    with contextlib.suppress(MlgateError):
        load(text, "p")


SHA = "0123456789abcdef0123456789abcdef01234567"
ELSEWHERE = f"acme/gates/ml/base.yml@{SHA}"


def test_a_policy_extends_another_repository_s_at_a_commit() -> None:
    asked: list[tuple[str, str, str]] = []

    def fetch(repository: str, path: str, commit: str) -> str:
        asked.append((repository, path, commit))
        return "version: 1\nextends: strict\ncode: {pickle-load: note, torch-hub: note}\n"

    policy = load(f"version: 1\nextends: {ELSEWHERE}\ncode: {{torch-hub: warn}}\n", "p", fetch)
    assert asked == [("acme/gates", "ml/base.yml", SHA)]
    assert (policy.code.pickle_load, policy.code.torch_hub, policy.on_incomplete) == ("note", "warn", "block")
    assert policy.scope.enforce == "all"


@pytest.mark.parametrize(
    ("name", "answer", "message"),
    [
        (ELSEWHERE, f"version: 1\nextends: {ELSEWHERE}\n", "may only extend a preset"),
        (ELSEWHERE, "version: 1\nmod: block\n", f'{ELSEWHERE}:2: unknown key "mod". Did you mean "mode"?'),
        (ELSEWHERE, "- 1\n", "a policy is a mapping"),
        (f"acme/gates/../x.yml@{SHA}", "version: 1\n", "is no path"),
        ("acme/gates/base.yml@main", "", "expected what unnamed keys come from"),
        (f"acme/gates/base.yml@{SHA[:12]}", "", "expected what unnamed keys come from"),
        (f"https://evil.example/base.yml@{SHA}", "", "expected what unnamed keys come from"),
        (f"acme/gates@{SHA}", "", "expected what unnamed keys come from"),
    ],
)
def test_what_cannot_be_extended(name: str, answer: str, message: str) -> None:
    with pytest.raises(MlgateError) as caught:
        load(f"version: 1\nextends: {name}\n", "p", lambda *_: answer)
    assert message in caught.value.message


def test_nothing_is_asked_where_that_is_not_allowed() -> None:
    with pytest.raises(MlgateError, match="only GitHub's API can give"):
        load(f"version: 1\nextends: {ELSEWHERE}\n", "p")
