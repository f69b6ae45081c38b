"""Expressions in the configurations of MONAI bundles: texts behind `$` that the parser evaluates as Python.

Source: monai/bundle/config_item.py (ConfigExpression: `$` and Python, `$import` binds a name for the others; `@id` and
`%id` stand for other values). Bundles compute their paths and sizes by them, so that only what starts programs, runs
other code or reaches the network is told.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

_LONGEST = 20_000
_REFERENCE = re.compile(r"[@%]+[\w:#.]*\w")
_RUNNERS = frozenset({"eval", "exec", "compile", "__import__", "breakpoint"})
_MODULES = frozenset(
    {"subprocess", "pty", "socket", "ctypes", "pickle", "marshal", "runpy", "code", "webbrowser", "requests", "urllib"}
    | {"builtins", "posix", "nt", "ftplib", "telnetlib", "smtplib", "paramiko", "cloudpickle", "dill", "joblib"}
)
_OS = re.compile(
    r"system|popen|exec\w*|spawn\w*|posix_spawn\w*|startfile|remove|unlink|rmdir|removedirs|kill\w*|fork\w*"
)


def reaching(expressions: Iterable[str]) -> Iterator[tuple[str, str]]:
    """(expression, what in it runs commands or other code) of texts that begin with `$`."""
    trees = []
    aliases: dict[str, str] = {}
    for text in expressions:
        try:
            tree = ast.parse(_REFERENCE.sub("x", text[1:_LONGEST]).strip())
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        trees.append((text, tree))
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                aliases.update((name.asname or name.name.split(".")[0], name.name) for name in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                aliases.update((name.asname or name.name, f"{node.module}.{name.name}") for name in node.names)
    for text, tree in trees:
        found = next((bad for node in ast.walk(tree) if (bad := _bad(node, aliases))), "")
        if found:
            yield text, found


def _bad(node: ast.AST, aliases: dict[str, str]) -> str:
    if isinstance(node, ast.Attribute) and node.attr.startswith("__") and node.attr != "__version__":
        return node.attr
    if not isinstance(node, (ast.Attribute, ast.Name)):
        return ""
    path = _dotted(node, aliases)
    module, _, name = path.rpartition(".")
    if module in ("os", "shutil"):
        return path if _OS.fullmatch(name) or name == "rmtree" else ""
    top = path.split(".")[0]
    return path if path in _RUNNERS or (module and top in _MODULES) or path == "importlib.import_module" else ""


def _dotted(node: ast.AST, aliases: dict[str, str]) -> str:
    """`o.system` as `os.system` when `o` was imported so; a call of `__import__` stands for the module."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    root = aliases.get(node.id, node.id) if isinstance(node, ast.Name) else ""
    return ".".join([root, *reversed(parts)]) if root else ""
