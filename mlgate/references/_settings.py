"""Targets that code takes out of a configuration file: which file it opens, and which key it asks for."""

from __future__ import annotations

import ast
import posixpath

from mlgate.references._names import Names
from mlgate.references._scope import At, Tree
from mlgate.references._targets import file_path
from mlgate.references._values import Evaluator

SEPARATOR = "#"
_STEPS = 12
_LOADERS = frozenset(
    {
        *("yaml.safe_load", "yaml.load", "yaml.full_load", "yaml.unsafe_load", "json.load", "json.loads"),
        *("toml.load", "toml.loads", "tomllib.load", "tomllib.loads", "tomli.load", "tomli.loads"),
        *("omegaconf.OmegaConf.load", "omegaconf.OmegaConf.create", "hydra.compose"),
    }
)
_HYDRA = "hydra.main"
_READS = frozenset({"read_text", "read_bytes", "read"})


def setting(names: Names, values: Evaluator, node: ast.AST, at: At) -> str:
    """`file|other place of it#key.of.it` for an expression that is a value of a configuration file, else ""."""
    keys: list[str] = []
    for _ in range(_STEPS):
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            keys.insert(0, str(node.slice.value))
            node = node.value
        elif isinstance(node, ast.Attribute):
            keys.insert(0, node.attr)
            node = node.value
        elif isinstance(node, ast.Call) and (asked := _asked(node)):
            keys.insert(0, asked[1])
            node = asked[0]
        elif isinstance(node, ast.Name):
            bindings = values.tree.lookup(node.id, at)
            if len(bindings) != 1 or bindings[0].node is None or bindings[0].path:
                return ""
            if bindings[0].kind == "param":
                return _joined(_hydra(names, values, values.tree, bindings[0].node, node.id), keys)
            if bindings[0].kind != "assign":
                return ""
            node, at = bindings[0].node, bindings[0].at
        else:
            break
    return _joined(_opened(names, values, node, at), keys) if isinstance(node, ast.Call) else ""


def _asked(node: ast.Call) -> tuple[ast.expr, str] | None:
    """Owner and key of `owner.get("key")`."""
    function = node.func
    if isinstance(function, ast.Attribute) and function.attr == "get" and node.args:
        key = node.args[0]
        if isinstance(key, ast.Constant):
            return function.value, str(key.value)
    return None


def _joined(paths: list[str], keys: list[str]) -> str:
    return f"{'|'.join(paths)}{SEPARATOR}{'.'.join(keys)}" if paths and keys else ""


def _opened(names: Names, values: Evaluator, node: ast.Call, at: At) -> list[str]:
    """Where the file of a loader's call can be: relative to the repository, or to the module."""
    if not node.args or names.resolve(node.func, at)[0] not in _LOADERS:
        return []
    given = node.args[0]
    if isinstance(given, ast.Call) and isinstance(given.func, ast.Attribute) and given.func.attr in _READS:
        given = given.func.value  # Path(...).read_text(), open(...).read()
    texts = [text for text, _ in values.values(given, at).texts()]
    return _places(values.path, texts[0]) if len(texts) == 1 else []


def _hydra(names: Names, values: Evaluator, tree: Tree, function: ast.AST, name: str) -> list[str]:
    """The main configuration of a function under `@hydra.main`, whose first parameter it is."""
    if not isinstance(function, ast.FunctionDef) or not function.args.args or function.args.args[0].arg != name:
        return []
    at = At(tree.root, (), 0)
    for decorator in function.decorator_list:
        if isinstance(decorator, ast.Call) and names.resolve(decorator.func, at)[0] == _HYDRA:
            told = {}
            for place, word in enumerate(("config_path", "config_name")):
                given = next((k.value for k in decorator.keywords if k.arg == word), None)
                if given is None and len(decorator.args) > place:
                    given = decorator.args[place]
                if isinstance(given, ast.Constant) and isinstance(given.value, str):
                    told[word] = given.value
            if "config_name" not in told:
                return []
            file = told["config_name"].removesuffix(".yaml") + ".yaml"
            return _places(values.path, posixpath.join(told.get("config_path", "."), file), module_only=True)
    return []


def _places(module: str, text: str, *, module_only: bool = False) -> list[str]:
    folder = module.rpartition("/")[0]
    found = [file_path(text, folder)] if module_only else [file_path(text, ""), file_path(text, folder)]
    return [path for path in dict.fromkeys(found) if path and "|" not in path and SEPARATOR not in path]
