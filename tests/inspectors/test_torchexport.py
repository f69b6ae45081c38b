from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.inspectors.torchexport import INSPECTOR
from tests.builders.torchexport import exported, graph, node, program
from tests.reading import Said, artifact, read

SOUND = exported(
    "torch.ops.aten.linear.default",
    "_operator.add",
    "math.trunc",
    "torch.sym_max",
    "torch.ops.higher_order.cond",
    shapes=("Symbol('s77', positive=True, integer=True)", "Add(Symbol('s77', integer=True), Integer(1))"),
    guards=("L['x'].size()[0] >= 3", "L['x'].stride()[1] == 1"),
)


def look(data: bytes, path: str = "m/model.json") -> Said:
    return read(INSPECTOR, path, data)


def test_a_program_without_more_than_arithmetic_is_quiet() -> None:
    said = look(SOUND)
    assert (said.rules, said.stopped) == ([], None)
    assert INSPECTOR.claims(artifact("model.json", SOUND))


HARMLESS = [
    "s0",
    "2*s0 + 1",
    "Max(1, s0//2)",
    "floor(s0/2)",
    "Eq(Mod(s0, 8), 0)",
    "(s0 < 3) & (s1 >= 2)",
    "Float('1.5', precision=53)",
    "FloorDiv(Mul(Integer(2), Symbol('u0', integer=True)), Integer(3))",
]
HOSTILE = [
    "__import__('os').system('id')",
    "eval('1')",
    "exec('1')",
    "open('/etc/passwd')",
    "S('1+1')",
    "Add('open(chr(47))', 1)",
    "Symbol('a').func",
    "(lambda: 1)()",
    "[x for x in ()]",
    "getattr(s0, 'x')",
    "s0.__class__",
    "1)\nimport os",
    "f'{1}'",
    "s0[0]",
    "vars()",
    "parse_expr('1')",
    "Lambda(s0, s0)",
    "b'x'",
]


@pytest.mark.parametrize("text", HARMLESS)
def test_arithmetic_is_no_alarm(text: str) -> None:
    assert look(exported(shapes=(text,))).rules == []


@pytest.mark.parametrize("text", HOSTILE)
def test_shapes_that_are_more_than_arithmetic_block(text: str) -> None:
    said = look(exported(shapes=("s0", text)))
    assert (said.rules, said.stopped) == (["MLG-MDL-093"], None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("L['x'].size()[0] == 3 * s0", []),
        ("math.isnan(L['y'])", []),
        ("L['mode'] == 'mean'", []),
        ("len(L['xs']) == 2", []),
        ("__import__('os').system('id')", ["MLG-MDL-093"]),
        ("L['x'].__class__", ["MLG-MDL-093"]),
        ("torch.hub.load('a', 'b')", ["MLG-MDL-093"]),
        ("1)\n  import os  # ", ["MLG-MDL-093"]),
        ("L['x'] == '\"+exit()+\"'", ["MLG-MDL-093"]),
        ("exit()", ["MLG-MDL-093"]),
    ],
)
def test_guards_may_ask_for_sizes_and_no_more(text: str, expected: list[str]) -> None:
    assert look(exported(guards=("L['x'].size()[0] >= 3", text))).rules == expected


@pytest.mark.parametrize(
    ("target", "expected", "severity"),
    [
        ("torch.ops.aten.from_file.default", ["MLG-MDL-094"], "high"),
        ("torch.ops.debugprims.load_tensor.default", ["MLG-MDL-094"], "high"),
        ("torch.ops.torchvision.nms.default", ["MLG-MDL-092"], "medium"),
        ("#acme:run", ["MLG-MDL-092"], "medium"),
        ("torch.serialization.os.system", ["MLG-MDL-093"], "high"),
        ("torch.hub.load", ["MLG-MDL-093"], "high"),
        ("torch.ops.__class__", ["MLG-MDL-093"], "high"),
        ("torch.add", ["MLG-MDL-093"], "medium"),
    ],
)
@pytest.mark.parametrize("inside", [False, True])
def test_operators_are_judged_in_every_graph(target: str, expected: list[str], severity: str, inside: bool) -> None:
    one = node("torch.ops.higher_order.cond", graph=graph(node(target))) if inside else node(target)
    said = look(json.dumps(program(graph(node("torch.ops.aten.relu.default"), one))).encode())
    assert (said.rules, said.stopped) == (expected, None)
    assert said.findings[0].severity == severity


def test_operators_as_arguments_count() -> None:
    data = SOUND.replace(b'{"as_tensor": {"name": "x"}}', b'{"as_operator": "torch.hub.load"}', 1)
    assert look(data).rules == ["MLG-MDL-093"]


def test_escaped_names_hide_nothing() -> None:
    data = exported(shapes=("eval('1')",)).replace(b"expr_str", b"expr\\u005fstr").replace(b"eval", b"\\u0065val")
    assert look(data).rules == ["MLG-MDL-093"]


def test_texts_across_pieces_are_read() -> None:
    for pad in (1048500, 1048560, 1048570, 2097100):
        data = (
            b'{"graph_module": {}, "a": ['
            + b" " * pad
            + b'], "expr_str": "eval(1)", "b": {"target": "torch.hub.load"}}'
        )
        assert look(data).rules == ["MLG-MDL-093", "MLG-MDL-093"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (SOUND[:-30], "truncated"),
        (b'{"expr_str": "' + b"x" * (4 << 20) + b'"}', "limit"),
        (exported(shapes=("s0+" * 30_000 + "1",)), "limit"),
        (b'{"target": "\\uZZZZ"}', "malformed"),
        (b'{"target": "\xff"}', "malformed"),
        (b'{"target": "a"]', "malformed"),
        (b'{"a": ' + b"[" * 2000, "limit"),
    ],
)
def test_what_cannot_be_read_is_incomplete(data: bytes, reason: str) -> None:
    stopped = look(data).stopped
    assert stopped is not None
    assert stopped.reason == reason


def test_other_json_is_not_ours() -> None:
    assert not INSPECTOR.claims(artifact("config.json", b'{"model_type": "bert"}'))


@given(st.text(max_size=30))
def test_any_expression_ends_in_an_answer(text: str) -> None:
    look(exported(shapes=(text,), guards=(text,)))


@given(st.binary(max_size=20), st.integers(0, len(SOUND)), st.integers(0, 20))
def test_any_bytes_end_in_an_answer(noise: bytes, at: int, cut: int) -> None:
    look(SOUND[:at] + noise + SOUND[at + cut :])
