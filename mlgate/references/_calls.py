"""One call of a loader: its arguments wherever they stand, and its texts for people."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from mlgate.references._domain import NOTHING, Plain, Values
from mlgate.references._scope import At
from mlgate.references._table import Loader, Places
from mlgate.references._values import Evaluator

_MOST_TEXT = 300
_TOO_DEEP = "…"


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument as the call gives it.

    `given` says that it is there, `maybe` that a `*args` or `**kwargs` of unknown content could bring it.
    """

    values: Values = NOTHING
    node: ast.expr | None = None
    at: At | None = None
    given: bool = False
    maybe: bool = False

    def is_(self, value: bool | None) -> bool:
        """Given, and possibly this constant or one that counts the same (0 as False: loaders test truth)."""
        return self.given and (self.values.has(value) if value is None else self.values.counts_as(truth=value))


class Call:
    """A call with what it calls. `qualified` is the name under which `loader` matched, or an empty string."""

    def __init__(
        self, ev: Evaluator, node: ast.Call, at: At, qualified: str = "", loader: Loader | None = None, skip: int = 0
    ) -> None:
        self.ev = ev
        self.node = node
        self.at = at
        self.qualified = qualified
        self.loader = loader
        self._skip = skip  # positional arguments that are not the loader's own (partial's function)
        self._spread: list[tuple[Plain, ast.expr, At]] | None = None
        self._open = False
        self.sources: list[ast.AST] = []  # the dicts that its ** arguments were written at

    def argument(self, places: Places) -> Argument:
        """The argument at the first of these places that the call fills."""
        positional = self.node.args[self._skip :]
        starred = next((i for i, arg in enumerate(positional) if isinstance(arg, ast.Starred)), len(positional))
        for place in places:
            written = self._written(place, positional[:starred])
            if written.given or written.maybe:
                return written
        spread = self._spreads()
        for key, value, at in reversed(spread):
            if key in places and isinstance(key, str):
                return self._given(value, at)
        return Argument(maybe=self._open or starred < len(positional))

    def _written(self, place: int | str, positional: list[ast.expr]) -> Argument:
        """What is written out at one place: 0, "name", or "name.KEY" and "0.KEY" for what a dict holds there."""
        first, _, below = (place, "", "") if isinstance(place, int) else place.partition(".")
        number = int(first) if str(first).isdigit() else None
        if number is not None:
            node = positional[number] if number < len(positional) else None
        else:
            node = next((k.value for k in self.node.keywords if k.arg == first), None)
        if node is None:
            return Argument()
        given = self._given(node, self.at)
        return self._below(given, below) if below else given

    def _given(self, node: ast.expr, at: At) -> Argument:
        return Argument(self.ev.values(node, at), node, at, given=True)

    def _below(self, owner: Argument, key: str) -> Argument:
        """What a dict given as argument holds under a key (`env={"HF_MODEL_ID": ...}`)."""
        displays = owner.values.displays()
        for display in displays:
            for held, node, at in reversed(display.entries):
                if held == key:
                    return self._given(node, at)
        return Argument(maybe=owner.values.unknown or any(display.open for display in displays))

    def _spreads(self) -> list[tuple[Plain, ast.expr, At]]:
        if self._spread is None:
            self._spread = []
            for keyword in self.node.keywords:
                if keyword.arg is not None:
                    continue
                values = self.ev.values(keyword.value, self.at)
                displays = values.displays()
                self._open = self._open or values.unknown or len(displays) < len(values.known)
                for display in displays:
                    self._spread.extend(display.entries)
                    self.sources.extend(display.sources)
                    self._open = self._open or display.open
        return self._spread

    @property
    def symbol(self) -> str:
        """`AutoModel.from_pretrained`, `torch.load`, `SentenceTransformer`."""
        return cut(symbol(self.qualified))

    def text(self) -> str:
        """The call as source in one line, the same however it was formatted; cut at 300 characters."""
        return cut(source(self.node))

    def with_keyword(self, name: str, value: str) -> str:
        """The call as source with this keyword (its value as source), or an empty string if it cannot be pasted."""
        if any(key == name for key, _, _ in self._spreads()):
            return ""  # the ** argument already brings it, and twice is an error
        keywords = [k for k in self.node.keywords if k.arg != name]
        keywords.append(ast.keyword(arg=name, value=ast.parse(value, mode="eval").body))
        changed = ast.Call(func=self.node.func, args=self.node.args, keywords=keywords)
        text = source(changed)
        if '"' not in text and "\\" not in text:
            text = text.replace("'", '"')  # then every ' is a delimiter; most formatters want the other
        return text if text != _TOO_DEEP and len(text) <= 2 * _MOST_TEXT else ""


def source(node: ast.AST | None) -> str:
    """The node as source, or an ellipsis where it is nested deeper than Python's own writer goes."""
    try:
        return ast.unparse(node) if node is not None else ""
    except RecursionError:
        return _TOO_DEEP


def symbol(qualified: str) -> str:
    """The part of a qualified name that people know it by."""
    parts = qualified.replace("<local>.", "").replace("?.", "").lstrip(".").split(".")
    if parts[-1][:1].isupper() or len(parts) == 1:
        return parts[-1]
    if parts[-2].removesuffix("()")[:1].isupper() or parts[0] == parts[-2]:
        return ".".join(parts[-2:])
    if "()" in qualified or not qualified[0].isalpha():
        return parts[-1]
    return ".".join((parts[0], "hub", parts[-1])) if parts[1] == "hub" else f"{parts[0]}.{parts[-1]}"


def cut(text: str) -> str:
    """At most 300 characters."""
    return text if len(text) <= _MOST_TEXT else text[: _MOST_TEXT - 1] + "…"
