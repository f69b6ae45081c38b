"""A parsed module to references and findings."""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Iterator

from mlgate.records import Finding, Include, Kind, Reference, Severity
from mlgate.references import _rules as rule
from mlgate.references import _targets
from mlgate.references._callees import called
from mlgate.references._calls import Argument, Call, cut, source
from mlgate.references._consent import Consent
from mlgate.references._names import Names, root, takes
from mlgate.references._origin import in_process
from mlgate.references._refer import Targets
from mlgate.references._scope import At, Tree
from mlgate.references._settings import SEPARATOR
from mlgate.references._table import TRUST, Loader, Table
from mlgate.references._traits import CHECKS, Context, Locate, unpinned
from mlgate.references._values import Evaluator
from mlgate.references._walk import grow

_PARTIAL = frozenset({"functools.partial", "functools.partialmethod"})
_AS_VALUES = frozenset({"torch-load", "unpickle"})
_GATHER = frozenset({"partial", "dict", "update"})  # where the value goes from there is followed
_ABOUT = frozenset({"isinstance", "hasattr", "callable", "getattr", "setattr", "print", "id", "type", "repr"})
_CONTAINERS = (ast.keyword, ast.Return, ast.Dict, ast.List, ast.Tuple, ast.arguments, ast.Lambda, ast.Yield)


class Reader:
    """Reads one module. `base` is the folder that its relative paths start from, `path` the file's own path."""

    def __init__(self, module: ast.Module, table: Table, locate: Locate, *, path: str, base: str) -> None:
        self.table = table
        self.locate = locate
        self.base = base
        self.tree: Tree = grow(module)
        self.names = Names(self.tree)
        self.ev = Evaluator(self.tree, self.names, path)
        self.consent = Consent(self.ev, locate)
        self.targets = Targets(self.ev, locate, base)

    def read(self, words: frozenset[str]) -> Iterator[Reference | Finding | Include]:
        """References and findings in the order of the calls; `words` are the identifiers of the source."""
        loads: list[Finding] = []
        for node, at in self.tree.calls:
            call = self._match(node, at)
            if call is not None:
                for said in self._call(call):
                    if isinstance(said, Finding) and said.rule is rule.TORCH_LOAD:
                        loads.append(said)
                    else:
                        yield said
            if TRUST in words:
                yield from self.consent.of(call or Call(self.ev, node, at), self._references)
            # rows about torch.load itself say it in their own way
            if "weights_only" in words and not (call and call.loader and "torch-load" in call.loader.traits):
                loads.extend(self._passed_on(Call(self.ev, node, at)))
        loads.extend(self._mentions())
        yield from self._patched(loads)
        yield from self._prefilled()
        yield from self.consent.prepared()

    def _match(self, node: ast.Call, at: At) -> Call | None:
        last = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if last and last not in self.table.by_last and not isinstance(node.func, ast.Name):
            return None
        local = self.names.local(node.func, at)
        if isinstance(local, (ast.FunctionDef, ast.AsyncFunctionDef)):
            return None  # the loads are inside
        qualified = self.names.resolve(node.func, at)
        if isinstance(local, ast.ClassDef):
            if self.names.method(local, "find_class") is not None:
                return None
            own = self.names.method(local, "__init__") is not None
            qualified = tuple(q for q in self.names.bases(local) if not own or q.endswith("Unpickler"))
        for name in qualified:
            loader = self.table.match(name)
            if loader is not None:
                return Call(self.ev, node, at, name, loader)
        return None

    def _call(self, call: Call) -> Iterator[Reference | Finding | Include]:
        references = tuple(self._references(call))
        yield from references
        yield from _configured(references)
        context = Context(call, references, self.locate)
        yield from self._checks(context)

    def _checks(self, context: Context) -> Iterator[Finding]:
        loader = context.call.loader
        for trait in sorted(loader.traits if loader else ()):
            if trait in CHECKS:
                yield from CHECKS[trait](context)
        yield from unpinned(context)

    def _references(self, call: Call) -> Iterator[Reference]:
        loader = call.loader
        if loader is not None and loader.source == "called":
            yield from called(call, loader, self.locate)
            return
        if loader is None or loader.kind is None or not loader.target:
            return
        kind = self._kind(call, loader)
        if kind is None:
            return
        target = call.argument(loader.target)
        if not target.given and (loader.optional or not (call.node.args or call.node.keywords)):
            return
        if self._is_product(target) or self._inner(call, target):
            return
        if any(_targets.packaged(loader, text) for text, _ in target.values.texts()):
            target = call.argument(loader.files)
        yield from self.targets.of(call, loader, kind, target)

    def _kind(self, call: Call, loader: Loader) -> Kind | None:
        """The row's kind, or the one that `repo_type` states; None for a Space, which is neither."""
        for text, _ in call.argument(loader.repo_type).values.texts() if loader.repo_type else ():
            if text == "space":
                return None
            return Kind.DATASET if text == "dataset" else Kind.MODEL
        return loader.kind

    def _is_product(self, target: Argument) -> bool:
        """Whether the target is in memory or what another loader of the table gives: nothing new is loaded."""
        if target.node is None or target.at is None or target.values.texts():
            return False
        if in_process(self.names, target.node, target.at):
            return True
        names = self.names.resolve(target.node, target.at)
        makers = (self.table.match(name.partition("()")[0]) for name in names if "()" in name)
        # a download whose address cannot be told says nothing: then this load has to
        return any(made is not None and made.source != "download" for made in makers)

    def _inner(self, call: Call, target: Argument) -> bool:
        """Whether this is a class's own `from_pretrained` handing its parameters on."""
        function = call.node.func
        if not isinstance(function, ast.Attribute) or target.values.texts():
            return False
        owner = function.value
        if isinstance(owner, ast.Call) and isinstance(owner.func, ast.Name):
            return owner.func.id == "super"
        return isinstance(owner, ast.Name) and owner.id == "cls"

    def _passed_on(self, call: Call) -> Iterator[Finding]:
        """`weights_only=False` to a wrapper or to another library's loader, which hands it to torch.load."""
        given = next((k.value for k in call.node.keywords if k.arg == "weights_only"), None)
        last = call.node.func.attr if isinstance(call.node.func, ast.Attribute) else getattr(call.node.func, "id", "")
        if not isinstance(given, ast.Constant) or given.value is not False or "save" in last.lower():
            return
        local = self.names.local(call.node.func, call.at)
        if last in _GATHER or takes(local, "weights_only"):
            return
        context = Context(call, (), self.locate)
        yield context.say(
            rule.TORCH_LOAD,
            f"{cut(source(call.node.func))} is told to load with weights_only=False.",
            severity=Severity.HIGH if local is not None else Severity.MEDIUM,
            facts=(("weights_only", "false"),),
        )

    def _mentions(self) -> Iterator[Finding]:
        """torch.load and unpicklers handed on as values: to partial, as an argument, in a table of loaders."""
        for node, parent, at in self.tree.mentions:
            qualified, loader = self._handed_on(node, at)
            if loader is None or loader.traits.isdisjoint(_AS_VALUES):
                continue
            if isinstance(parent, ast.Call):
                if parent.func is node or self._only_asks(parent, at):
                    continue
                partial = self.names.resolve(parent.func, at)[0] in _PARTIAL and parent.args[:1] == [node]
                call = Call(self.ev, parent, at, qualified, loader, skip=1)
                if partial:
                    yield from self._checks(Context(call, (), self.locate))
                    continue
            elif not isinstance(parent, _CONTAINERS) and not _keeps(parent):
                continue
            call = Call(self.ev, ast.copy_location(ast.Call(node, [], []), node), at, qualified, loader)
            for said in self._checks(Context(call, (), self.locate)):
                yield dataclasses.replace(said, evidence=f"{call.symbol} as a value", fix="")

    def _prefilled(self) -> Iterator[Reference | Finding | Include]:
        """partial(loader, target): what it loads, although the call comes later."""
        for name in ("partial", "partialmethod"):
            for node, at in self.tree.sites.get(name, ()):
                if not node.args or self.names.resolve(node.func, at)[0] not in _PARTIAL:
                    continue
                qualified, loader = self._handed_on(node.args[0], at)
                if loader is None:
                    continue
                call = Call(self.ev, node, at, qualified, loader, skip=1)
                if not call.argument(loader.target).given:
                    continue  # the caller of the partial names the target
                references = tuple(self._references(call))
                yield from references
                yield from _configured(references)
                if loader.traits.isdisjoint(_AS_VALUES):  # those are looked at where they are mentioned
                    yield from self._checks(Context(call, references, self.locate))

    def _handed_on(self, node: ast.AST, at: At) -> tuple[str, Loader | None]:
        """The first row that one of the expression's names matches."""
        for name in self.names.resolve(node, at):
            loader = self.table.match(name)
            if loader is not None:
                return name, loader
        return "", None

    def _only_asks(self, parent: ast.Call, at: At) -> bool:
        name = self.names.resolve(parent.func, at)[0]
        return name in _ABOUT or root(name) in {"inspect", "unittest", "pytest", "functools.wraps", "mock"}

    def _patched(self, loads: list[Finding]) -> Iterator[Finding]:
        """All torch.load findings; where the file replaces torch.load itself, plain calls follow the replacement."""
        patches = [value for target, value, at in self.tree.patches if "torch.load" in self.names.resolve(target, at)]
        explicit = any(
            isinstance(value, ast.Call)
            or (isinstance(value, ast.Lambda) and "weights_only" in source(value))
            or "weights_only" in _body(self.tree, value)
            for value in patches
        )
        for said in loads:
            if not (explicit and said.fact("weights_only") == "absent"):
                yield said


def _configured(references: tuple[Reference, ...]) -> Iterator[Include]:
    """The files that targets may stand in, to be read."""
    for reference in references:
        if SEPARATOR in reference.via:
            for path in reference.via.partition(SEPARATOR)[0].split("|"):
                yield Include(path=path, reader="settings", location=reference.location, optional=True)


def _keeps(parent: ast.AST) -> bool:
    """An assignment to an attribute: calls through it cannot be followed. (Through a plain name they are.)"""
    return isinstance(parent, ast.Assign) and any(isinstance(t, (ast.Attribute, ast.Subscript)) for t in parent.targets)


def _body(tree: Tree, value: ast.AST) -> str:
    """The source of the module-level function that `value` names."""
    if isinstance(value, ast.Name):
        for binding in tree.root.names.get(value.id, []):
            if isinstance(binding.node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                return source(binding.node)
    return ""
