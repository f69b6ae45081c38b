"""The architecture holds: layers, and what is never imported."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_layers_are_kept() -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_nothing_loads_unpickles_or_evaluates() -> None:
    """Names that import-linter cannot see: submodules of allowed packages and builtins."""
    forbidden = {"fickling.load", "fickling.loads", "fickling.hook", "fickling.loader", "fickling.import_hook"}
    for path in sorted((ROOT / "mlgate").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                assert not {alias.name for alias in node.names} & forbidden, path
            if isinstance(node, ast.ImportFrom) and node.module:
                assert not {f"{node.module}.{alias.name}" for alias in node.names} & forbidden, path
                assert node.module not in forbidden, path
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                parses = node.func.id == "compile" and "PyCF_ONLY_AST" in ast.unparse(node)
                assert parses or node.func.id not in {"eval", "exec", "compile"}, f"{path}:{node.lineno}"


def test_only_the_clients_of_the_network_import_its_library() -> None:
    allowed = {"advisories", "github", "hub", "http.py"}
    for path in sorted((ROOT / "mlgate").rglob("*.py")):
        if allowed.isdisjoint(path.relative_to(ROOT / "mlgate").parts[:1]):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                assert not {name.partition(".")[0] for name in names} & {"requests", "urllib3"}, path


def test_generated_documentation_is_what_the_code_says() -> None:
    done = subprocess.run(
        [sys.executable, "docs/generate.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
