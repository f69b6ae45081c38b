"""Chat templates: parsed by Jinja2's own parser, walked as a tree, never rendered, and no constant is folded by it.

A loader that renders a template outside of Jinja2's sandbox hands it the process (CVE-2024-34359 in
llama-cpp-python): from any object `__class__` and `__globals__` lead to `os.system`. Every such walk needs a name of
Python's own between double underscores, or one of the internal attributes that the sandbox knows, and no conversation
has a field of such a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mlgate import rules
from mlgate.errors import Incomplete
from mlgate.inspectors._jinja_constants import Constants
from mlgate.inspectors._model_metadata import shown
from mlgate.records import Artifact, Category, Finding, Rule, Severity

if TYPE_CHECKING:
    from jinja2 import Environment, nodes

_LARGEST = 512 << 10  # the largest template in use is about a tenth of it
_TOLD = 10
_TURNS = 1_000_000  # sandboxed ranges end at 100,000

UNSAFE_TEMPLATE = Rule(
    id="MLG-MDL-040",
    title="Chat template that reaches out of its sandbox",
    severity=Severity.HIGH,
    category=Category.MODEL_FILE,
    help="The template walks to Python's internals, loads other files, or calls what no template is given. Rendered "
    "without a sandbox, as several runtimes did or do, it runs any program when the first message is sent.",
    remediation="Do not use the file. Take the template of the original model, and load it with a runtime that "
    "renders templates in Jinja2's ImmutableSandboxedEnvironment.",
    clause="models.chat-template.unsafe-jinja",
    cwe=("CWE-1336", "CWE-94"),
    atlas=("AML.T0011.000",),
    owasp=("LLM03:2025",),
)
ENDLESS_TEMPLATE = Rule(
    id="MLG-MDL-041",
    title="Chat template that never ends",
    severity=Severity.MEDIUM,
    category=Category.MODEL_FILE,
    help="The template counts to a number, or multiplies a text, far beyond what a conversation needs, which stops "
    "the process that renders it.",
    remediation="Take the template of the original model.",
    cwe=("CWE-400", "CWE-834"),
)
TEMPLATE_RULES = (UNSAFE_TEMPLATE, ENDLESS_TEMPLATE)

# What sandboxes refuse besides underscores (jinja2/sandbox.py, UNSAFE_*_ATTRIBUTES).
_INTERNAL = frozenset(
    {"mro", "func_closure", "func_code", "func_dict", "func_defaults", "func_globals", "im_class", "im_func", "im_self"}
    | {"gi_frame", "gi_code", "cr_frame", "cr_code", "ag_code", "ag_frame", "tb_frame", "f_globals", "f_builtins"}
    | {"f_locals", "f_back", "f_code"}
)
# Where such a walk stands as text: in expressions nobody prints these.
_WALK = re.compile(
    r"__(class|base|bases|mro|subclasses|globals|builtins|import|init|dict|getattribute|getattr|getitem|reduce|code"
    r"|func|self|module|loader|spec|closure|call|new|wrapped|name|file)__"
)
_FORMAT_WALK = re.compile(r"\{\w*(?:\.\w+|\[\w*\])*[.\[]_\w")
_PRIVATE = re.compile(r"_\w*__\w*")
_PIECE = re.compile(r"__\w{0,12}|\w{1,12}__")
_FORBIDDEN = frozenset(
    {
        "eval",
        "exec",
        "open",
        "compile",
        "__import__",
        "getattr",
        "setattr",
        "globals",
        "vars",
        "os",
        "sys",
        "subprocess",
    }
    | {"lipsum", "popen", "system", "builtins", "importlib", "url_for", "get_flashed_messages"}
)
# Methods that nothing in a template has; only what came out of it by another way could.
_PROGRAMS = frozenset({"popen", "Popen", "system", "check_output", "getoutput", "execv", "spawn", "eval", "exec"})
# Filters whose argument names an attribute (Jinja2 documentation, "List of Builtin Filters").
_BY_ATTRIBUTE = frozenset({"attr", "map", "selectattr", "rejectattr", "sort", "groupby", "unique", "sum", "min", "max"})


def check_template(artifact: Artifact, name: str, text: str, *, chat: bool = True) -> Iterator[Finding]:
    """Findings on one template; `name` says which one it is, `chat` that a model's runtime renders it.

    Other templates are given more than messages and may load each other: of them only walks to Python's internals are
    told.

    Raises Incomplete when the template is too large or is none that the runtimes' Jinja2 could parse.
    """
    if len(text) > _LARGEST:
        raise Incomplete("limit", f"{name} is {len(text):,} characters long")
    tree = _parsed(name, text)
    told: set[tuple[str, str]] = set()
    for rule, reason in _reasons(tree, chat=chat):
        if (rule.id, reason) not in told and len(told) < _TOLD:
            told.add((rule.id, reason))
            text = shown(reason, 200)
            yield rules.finding(rule, artifact.at(), f"{name} {text}.", evidence=f"{name}: {text}"[:300])


def _environment() -> Environment:
    """An environment with the tags that runtimes add: loop controls and transformers' `generation`."""
    from jinja2 import ext  # noqa: PLC0415  (start-up)
    from jinja2.parser import Parser  # noqa: PLC0415
    from jinja2.sandbox import ImmutableSandboxedEnvironment  # noqa: PLC0415

    class Generation(ext.Extension):
        tags = {"generation"}  # noqa: RUF012  (the name and type that Jinja2 wants)

        def parse(self, parser: Parser) -> list[nodes.Node]:
            next(parser.stream)
            return parser.parse_statements(("name:endgeneration",), drop_needle=True)

    return ImmutableSandboxedEnvironment(extensions=[ext.loopcontrols, ext.do, Generation])


def _parsed(name: str, text: str) -> nodes.Template:
    from jinja2 import TemplateError  # noqa: PLC0415

    try:
        return _environment().parse(text)
    except (TemplateError, ValueError) as error:  # ValueError: a number of thousands of digits
        raise Incomplete("malformed", f"{name} is no template that Jinja2 parses: {str(error)[:200]}") from None
    except RecursionError:
        raise Incomplete("limit", f"{name} is nested too deep") from None


def _walk(tree: nodes.Node) -> Iterator[nodes.Node]:
    pending = [tree]
    while pending:
        node = pending.pop()
        yield node
        pending.extend(reversed(list(node.iter_child_nodes())))


def _reasons(tree: nodes.Template, *, chat: bool) -> Iterator[tuple[Rule, str]]:
    from jinja2 import nodes  # noqa: PLC0415

    everything = list(_walk(tree))
    constants = Constants.of(everything)
    own = {n.name for n in everything if isinstance(n, (nodes.Name, nodes.Macro)) and getattr(n, "ctx", "") != "load"}
    for node in everything:
        if isinstance(node, nodes.Name):
            if chat and node.ctx == "load" and node.name in _FORBIDDEN and node.name not in own:
                yield UNSAFE_TEMPLATE, f"uses {node.name!r}, which no template is given"
        elif isinstance(node, nodes.Expr) and not isinstance(node, nodes.TemplateData):
            told = _expression(node, constants)
            yield from (found for found in told if chat or found[0] is UNSAFE_TEMPLATE)
        elif isinstance(node, (nodes.Import, nodes.FromImport, nodes.Include, nodes.Extends)):
            if chat:
                yield UNSAFE_TEMPLATE, f"loads another file ({type(node).__name__.lower()})"
        elif isinstance(node, nodes.Keyword):
            yield from _attribute(node.key)


def _expression(node: nodes.Expr, constants: Constants) -> Iterator[tuple[Rule, str]]:
    from jinja2 import nodes  # noqa: PLC0415

    if isinstance(node, nodes.Const):
        yield from _texts((node.value,) if isinstance(node.value, str) else ())
        return
    if isinstance(node, nodes.Getattr):
        yield from _attribute(node.attr)
    elif isinstance(node, nodes.Getitem):
        yield from _key(node.arg, constants)
    elif isinstance(node, nodes.Filter):
        yield from _filter(node, constants)
    elif isinstance(node, nodes.Call):
        yield from _long_range(node, constants)
        if isinstance(node.node, nodes.Getattr) and node.node.attr in _PROGRAMS:
            yield UNSAFE_TEMPLATE, f"calls the method {node.node.attr!r}"
    elif isinstance(node, (nodes.Pow, nodes.Mul)):
        yield from _large_number(node)
    yield from _texts(constants.values(node))


def _attribute(name: str) -> Iterator[tuple[Rule, str]]:
    if _PRIVATE.fullmatch(name) or name in _INTERNAL:
        yield UNSAFE_TEMPLATE, f"uses the attribute {name!r}"


def _texts(values: tuple[str, ...]) -> Iterator[tuple[Rule, str]]:
    for text in values:
        found = _WALK.search(text)
        if found:
            yield UNSAFE_TEMPLATE, f"uses the attribute {found[0]!r}"
        elif _FORMAT_WALK.search(text):
            yield UNSAFE_TEMPLATE, "formats text with an attribute walk"


def _key(argument: nodes.Expr, constants: Constants) -> Iterator[tuple[Rule, str]]:
    """A subscript: its texts where they are known, and pieces of a hidden name where they are not."""
    from jinja2 import nodes  # noqa: PLC0415

    values = constants.key(argument)
    for key in values:
        yield from _attribute(key)
    if not values and not isinstance(argument, nodes.Const):
        for node in _walk(argument):
            if isinstance(node, nodes.Const) and isinstance(node.value, str) and _PIECE.fullmatch(node.value):
                yield UNSAFE_TEMPLATE, f"computes an attribute's name from pieces like {node.value!r}"


def _filter(node: nodes.Filter, constants: Constants) -> Iterator[tuple[Rule, str]]:
    from jinja2 import nodes  # noqa: PLC0415

    if node.name not in _BY_ATTRIBUTE:
        return
    by_name = node.name == "attr" or any(isinstance(a, nodes.Const) and a.value == "attr" for a in node.args)
    for argument in (*node.args, *(pair.value for pair in node.kwargs)):
        values = constants.key(argument)
        if not values and by_name:
            yield UNSAFE_TEMPLATE, "reaches an attribute whose name is computed"
        for text in values:
            for part in text.split("."):
                yield from _attribute(part)


def _long_range(node: nodes.Call, constants: Constants) -> Iterator[tuple[Rule, str]]:
    from jinja2 import nodes  # noqa: PLC0415

    if isinstance(node.node, nodes.Name) and node.node.name == "range":
        for argument in node.args:
            if (constants.closed.number(argument) or 0) > _TURNS:
                yield ENDLESS_TEMPLATE, f"counts to more than {_TURNS:,}"


def _large_number(node: nodes.BinExpr) -> Iterator[tuple[Rule, str]]:
    from jinja2 import nodes  # noqa: PLC0415

    sides = [side.value for side in (node.left, node.right) if isinstance(side, nodes.Const)]
    numbers = [side for side in sides if isinstance(side, int)]
    power = isinstance(node, nodes.Pow) and (
        any(n > 1_000 for n in numbers) or isinstance(node.right, nodes.Pow) or isinstance(node.left, nodes.Pow)
    )
    if power or (isinstance(node, nodes.Mul) and any(n > _TURNS for n in numbers) and len(numbers) < len(sides)):
        yield ENDLESS_TEMPLATE, "computes a value of unreasonable size"
