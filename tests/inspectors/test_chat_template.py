"""Templates that reach out, in every spelling known, and templates of real models that do not."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.errors import Incomplete
from mlgate.inspectors._chat_template import check_template
from tests.reading import artifact

NOWHERE = artifact("m.gguf", b"")

GEMMA = """{{ bos_token }}{% for message in messages %}
{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
{{ raise_exception('Conversation roles must alternate') }}{% endif %}
{{ '<start_of_turn>' + message['role'] + '\\n' + message['content'] | trim + '<end_of_turn>\\n' }}{% endfor %}"""
QWEN = """{%- set ns = namespace(found=false, last=-1) %}{%- for m in messages[::-1] %}{%- if m.role == 'user' %}
{% set ns.found = true %}{% break %}{% endif %}{% continue %}{%- endfor %}{{ strftime_now('%d %b %Y') }}"""
TRAINED = """{% for m in messages %}{% generation %}{{ m.content }}{% endgeneration %}{% endfor %}
{{ tools | tojson(indent=4) }}"""
TOOLS = """{% macro render(p) %}{{ p.properties | dictsort | selectattr('1.type', 'equalto', 'object')
 | map(attribute='0') | join(', ') }}{% endmacro %}{{ render(tools[0]) }}
{% set sep = joiner(', ') %}{{ sep() }}{% do x.append(1) %}{{ message['tool_calls'][0]['function'] | string }}"""
REAL = (
    GEMMA,
    QWEN,
    TRAINED,
    TOOLS,
    "{% set a = '' %}" + "".join(f"{{% set a = a ~ '{n}' %}}" for n in range(12)) + "{{ a }}{{ x[role] }}",
    "{{ '__end_of_turn__' }}{{ message._x }}{{ message['_' ~ role] is defined }}{{ '{\"name\": [_x]}' }}",
    "{{ messages | selectattr('role', 'equalto', 'system') | first | default('') }}{{ 2 ** 10 }}{{ '-' * 40 }}",
    "{% set open = '<tool>' %}{{ open }}{% for system in messages %}{{ system }}{% endfor %}",
    "Python says __class__ and os.system here, which is text",
    "",
)


def check(template: str) -> list[str]:
    return [finding.rule.id for finding in check_template(NOWHERE, "template", template)]


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ ''|attr('__class__') }}",
        "{{ ''|attr('__cla' ~ 'ss__') }}",
        "{{ ''['__cla' + 'ss__'] }}",
        "{{ ''['\\x5f\\x5fclass\\x5f\\x5f'] }}",
        "{{ ''[['__', 'class', '__'] | join] }}",
        "{{ ''['__ssalc__'[::-1]] }}",
        "{{ ''['__ssalc__' | reverse] }}",
        "{{ ''['__CLASS__' | lower] }}",
        "{{ ''['__xlass__'.replace('x', 'c')] }}",
        "{{ ''['%s%s' | format('__cla', 'ss__')] }}",
        "{{ ''['%c%cclass%c%c' | format(95, 95, 95, 95)] }}",
        "{{ ''['{}class{}'.format('__', '__')] }}",
        "{{ ''['_' * 2 ~ 'class' ~ '_' * 2] }}",
        "{{ ''[dict(__cla=1, ss__=2) | join] }}",
        "{{ '' | attr(['__cla', 'ss__'] | join) }}",
        "{{ ''['__' ~ messages[0].content ~ '__'] }}",
        "{{ '' | attr(messages[0].content) }}",
        "{% set a = '__glob' %}{% set b = a ~ 'als__' %}{{ x[b] }}",
        "{% set ns = namespace(a='__cla') %}{{ x[ns.a ~ 'ss__'] }}",
        "{% set ns.a = '__cla' %}{{ x[ns.a ~ 'ss__'] }}",
        "{% set a, b = '__cla', 'ss__' %}{{ x[a ~ b] }}",
        "{% for k in ['__class__'] %}{{ x[k] }}{% endfor %}",
        "{{ x['__cla' + ('ss__' if messages else 'sh__')] }}",
        "{{ x[" + " + ".join(f"'{char}'" for char in "__class__") + "] }}",
        "{{ x[" + "'' + " * 500 + "'__class__'] }}",
        "{% set a %}__cla{% endset %}{{ x[a ~ 'ss__'] }}",
        "{% macro m() %}__cla{{ 'ss__' }}{% endmacro %}{{ x[m()] }}",
        "{{ messages | map('attr', messages[0].content) }}",
        "{{ '{0.__class__}'.format(1) }}",
        "{{ '{0._x}'.format(1) }}",
        "{{ messages | map(attribute='__class__') | list }}",
        "{{ messages | sort(attribute='a.__class__') }}",
        "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
        "{{ self._TemplateReference__context }}",
        "{{ x.gi_frame.f_back.f_globals }}",
        "{{ lipsum | string }}",
        "{{ open('/etc/passwd').read() }}",
        "{% include '/etc/passwd' %}",
        "{% import 'a' as b %}",
        "{% from 'a' import b %}",
        "{% extends 'a' %}",
        "{% macro m() %}{{ caller.__globals__ }}{% endmacro %}",
        "{% if x.__class__ %}{% endif %}",
        "{% generation %}{{ x.__class__ }}{% endgeneration %}",
    ],
)
def test_reaching_out_is_found_in_every_spelling(template: str) -> None:
    assert set(check(template)) == {"MLG-MDL-040"}


@pytest.mark.parametrize(
    "template", ["{% for i in range(999999999) %}{% endfor %}", "{{ 9 ** 9 ** 9 }}", "{{ 'a' * 99999999 }}"]
)
def test_what_never_ends_is_found(template: str) -> None:
    assert check(template) == ["MLG-MDL-041"]


@pytest.mark.parametrize("template", REAL)
def test_what_real_templates_do_is_no_finding(template: str) -> None:
    assert check(template) == []


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{{ x", "malformed"),
        ("{% nonsense %}", "malformed"),
        ("{{ x }}" * 100_000, "limit"),
        ("{{ " + "(" * 5_000 + "1" + ")" * 5_000 + " }}", "limit"),
        ("{{ x[''" + " | lower" * 300 + "] }}", "limit"),
        ("{% set a = '' %}" + "".join(f"{{% set a = a ~ '{n}' %}}" for n in range(9)) + "{{ x[a] }}", "limit"),
        ("{{ 1" + "0" * 5_000 + " }}", "malformed"),
    ],
)
def test_what_cannot_be_followed_is_incomplete(template: str, reason: str) -> None:
    with pytest.raises(Incomplete) as stop:
        check(template)
    assert stop.value.reason == reason


words = st.sampled_from(
    ("{{", "}}", "{%", "%}", "x", "['", "']", "|", "attr", "(", ")", "'__'", "~", "+", "set a =", "for i in", "endfor")
)


@given(st.lists(words, max_size=25).map(" ".join))
def test_any_template_ends_in_an_answer(template: str) -> None:
    with contextlib.suppress(Incomplete):
        check(template)


@pytest.mark.parametrize(
    ("template", "rules"),
    [
        ("{{ x.os.popen('id').read() }}", ["MLG-MDL-040"]),
        ("{{ cycler.x.system('id') }}", ["MLG-MDL-040"]),
        ("{% if message.system %}{{ message.system }}{% endif %}", []),
        ("{{ messages.popen }}", []),
    ],
)
def test_methods_that_run_programs(template: str, rules: list[str]) -> None:
    assert [f.rule.id for f in check_template(artifact("t.jinja", b""), "t", template)] == rules
