"""Where code consents to foreign code: trust_remote_code=True in calls, and in dicts and settings kept for one."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator

from mlgate.records import Finding, Reference, Severity
from mlgate.references import _rules as rule
from mlgate.references._calls import Call, cut, source
from mlgate.references._names import LOCAL, takes
from mlgate.references._table import TRUST
from mlgate.references._traits import Context, Locate, trust
from mlgate.references._values import Evaluator
from mlgate.rules import finding


class Consent:
    """Collects the calls of one file first (`of`), then tells what no call used (`prepared`)."""

    def __init__(self, ev: Evaluator, locate: Locate) -> None:
        self.ev = ev
        self.names = ev.names
        self.tree = ev.tree
        self.locate = locate
        self._trusted: set[int] = set()  # dicts whose trust_remote_code a reported call brought

    def of(self, call: Call, references: Callable[[Call], Iterable[Reference]]) -> Iterator[Finding]:
        """What one call says; `references` gives what a call of a loader loads."""
        if not any(k.arg is None or k.arg == TRUST or k.arg.endswith("kwargs") for k in call.node.keywords):
            return
        if call.loader is None:
            local = self.names.local(call.node.func, call.at)
            if takes(local, TRUST):
                return  # the call inside gets it from here
            call.qualified = self.names.resolve(call.node.func, call.at)[0]
            if call.qualified in {"dict", "?"} or call.qualified.startswith(LOCAL):
                call.qualified = ""
            if call.qualified == "" and isinstance(call.node.func, ast.Name) and call.node.func.id == "dict":
                return
        context = Context(call, tuple(references(call)), self.locate)
        said = list(trust(context))
        yield from said
        if said:
            self._trusted.update(id(source) for source in call.sources)
        for keyword in call.node.keywords:
            if keyword.arg and keyword.arg.endswith("kwargs") and not said:
                displays = self.ev.values(keyword.value, call.at).displays()
                inner = Call(self.ev, ast.Call(call.node.func, [], [ast.keyword(None, keyword.value)]), call.at)
                if displays and inner.argument((TRUST,)).is_(True):
                    self._trusted.update(id(source) for display in displays for source in display.sources)
                    message = f"{call.symbol or source(call.node.func)} is given trust_remote_code=True."
                    yield context.say(rule.TRUST_REMOTE_CODE, message)

    def prepared(self) -> Iterator[Finding]:
        """trust_remote_code=True in dicts and settings that no call here was seen to use: somebody else's will."""
        for node, at in self.tree.dicts:
            for key, value in zip(node.keys, node.values, strict=True):
                if not (isinstance(key, ast.Constant) and key.value == TRUST) or id(node) in self._trusted:
                    continue
                if self.ev.values(value, at).has(True):
                    yield self._kept(value, "{'trust_remote_code': True}")
        for changes in self.tree.mutations.values():
            for change in changes:
                unused = change.key == TRUST and id(change.value) not in self._trusted
                if unused and self.ev.values(change.value, change.at).has(True):
                    yield self._kept(change.value, "[...]['trust_remote_code'] = True")
        for target, value, at in self.tree.patches:
            if target.attr == TRUST and self.ev.values(value, at).has(True):
                yield self._kept(value, cut(f"{source(target)} = True"))

    def _kept(self, node: ast.expr, evidence: str) -> Finding:
        message = "trust_remote_code=True is kept for a loader that this file does not show."
        return finding(rule.TRUST_REMOTE_CODE, self.locate(node), message, evidence=evidence, severity=Severity.MEDIUM)
