"""What the calls of a build script call, and what their arguments come from, as far as one file tells.

Names are followed through imports, plain assignments and constant `__import__`; nothing is run.
"""

from __future__ import annotations

import ast
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from mlgate.manifests._setup_names import Names

_DEPTH = 12
_ROUNDS = 5
_CALLERS = 50
_UNKNOWN = "…"
FETCHES = frozenset(
    {
        *("urllib.request.urlopen", "urllib.request.urlretrieve", "urllib.request.build_opener", "urllib.urlopen"),
        *("urllib.urlretrieve", "urllib2.urlopen", "urllib3.PoolManager", "http.client.HTTPConnection"),
        *("http.client.HTTPSConnection", "ftplib.FTP", "wget.download", "gdown.download", "httpx.get", "httpx.stream"),
        *("requests.get", "requests.request", "requests.Session", "requests.session", "httpx.request", "httpx.Client"),
        *("torch.hub.download_url_to_file", "huggingface_hub.hf_hub_download", "huggingface_hub.snapshot_download"),
        *("six.moves.urllib.request.urlopen", "six.moves.urllib.request.urlretrieve"),
    }
)
SENDS = frozenset(
    {
        *("requests.post", "requests.put", "httpx.post", "httpx.put", "socket.socket", "socket.create_connection"),
        *("smtplib.SMTP", "smtplib.SMTP_SSL"),
    }
)
PROCESSES = frozenset(
    {
        *("os.system", "os.popen", "os.startfile", "os.posix_spawn", "pty.spawn", "subprocess.run", "subprocess.call"),
        *("subprocess.check_call", "subprocess.check_output", "subprocess.Popen", "subprocess.getoutput"),
        *("subprocess.getstatusoutput", "commands.getoutput", "commands.getstatusoutput"),
        *("asyncio.create_subprocess_exec", "asyncio.create_subprocess_shell"),
        *(f"os.exec{kind}" for kind in ("l", "le", "lp", "lpe", "v", "ve", "vp", "vpe")),
        *(f"os.spawn{kind}" for kind in ("l", "le", "lp", "lpe", "v", "ve", "vp", "vpe")),
    }
)
CODE = frozenset(
    {
        "exec",
        "eval",
        "builtins.exec",
        "builtins.eval",
        "__builtins__.exec",
        "__builtins__.eval",
        "runpy.run_path",
        "runpy.run_module",
    }
)
HIDING = frozenset(
    {
        *("base64.b64decode", "base64.b85decode", "base64.b32decode", "base64.b16decode", "base64.a85decode"),
        *("zlib.decompress", "bz2.decompress", "lzma.decompress", "gzip.decompress", "codecs.decode"),
        *("marshal.loads", "pickle.loads", "binascii.unhexlify", "binascii.a2b_base64", "bytes.fromhex"),
        "bytearray.fromhex",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call of the script by its qualified name, with the class (and its bases) and the function around it."""

    name: str
    node: ast.Call
    command: str = ""
    function: ast.FunctionDef | ast.AsyncFunctionDef | None = None


class Script:
    """The calls of one build script."""

    def __init__(self, module: ast.Module) -> None:
        self.names = Names(module)
        self._imports = dict(_imported(self.names.nodes))
        self.calls = list(self._called(module))
        self.fetched = self._from(FETCHES)
        self.hidden = self._from(HIDING)

    def name(self, node: ast.AST | None, depth: int = 0) -> str:
        """The qualified name of what an expression stands for, "" where that is not known."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute) and len(parts) < _DEPTH:
            parts.append(node.attr)
            node = node.value
        found = ""
        if isinstance(node, ast.Name):
            found = self._imports.get(node.id, "")
            given = [] if found or depth > _DEPTH else self.names.assigned.get(node.id, [])
            if len(given) == 1 and isinstance(given[0], (ast.Name, ast.Attribute, ast.Call)):
                found = self.name(given[0], depth + 1)
            found = found or node.id
        elif isinstance(node, ast.Call) and depth < _DEPTH:
            found = self._made(node, depth)
        return ".".join([found, *reversed(parts)]) if found else ""

    def _made(self, node: ast.Call, depth: int) -> str:
        """The module of a constant `__import__`, or the attribute of a constant `getattr`."""
        called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if called in {"__import__", "import_module"} and node.args:
            return self.text(node.args[0])
        if called == "getattr" and len(node.args) >= 2:
            return f"{self.name(node.args[0], depth + 1)}.{self.text(node.args[1])}"
        return ""

    def _called(self, module: ast.Module) -> Iterator[Call]:
        pending: list[tuple[ast.AST, str, ast.FunctionDef | ast.AsyncFunctionDef | None]] = [(module, "", None)]
        while pending:
            node, command, function = pending.pop()
            if isinstance(node, ast.ClassDef):
                bases = [self.name(base).rpartition(".")[2] for base in node.bases]
                command = f"{node.name}({', '.join(filter(None, bases))})"
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                function = node
            elif isinstance(node, ast.Call):
                name = self.name(node.func)
                if name:
                    yield Call(name=name, node=node, command=command, function=function)
            pending.extend((child, command, function) for child in ast.iter_child_nodes(node))

    def _from(self, sources: frozenset[str]) -> frozenset[str]:
        """The variables that hold what such calls gave, or what was made of it; and files that it was written to."""
        found: set[str] = set()
        for call in self.calls:
            if call.name.endswith("urlretrieve") and call.name in sources and len(call.node.args) > 1:
                found |= {node.id for node in ast.walk(call.node.args[1]) if isinstance(node, ast.Name)}
        pairs = [(name, value) for name, values in self.names.assigned.items() for value in values]
        pairs += [(name, v) for name, places in self.names.bound.items() for v in places]
        for _ in range(_ROUNDS):
            more = {name for name, value in pairs if name not in found and self.touches(value, sources, found)}
            if not more:
                break
            found |= more
        return frozenset(found)

    def touches(self, node: ast.AST, sources: frozenset[str], variables: set[str] | frozenset[str]) -> bool:
        """Whether an expression holds such a call, or one of these variables."""
        for each in ast.walk(node):
            if isinstance(each, ast.Name) and each.id in variables:
                return True
            if isinstance(each, ast.Call) and self.name(each.func) in sources:
                return True
        return False

    def commands(self, call: Call) -> list[ast.expr | None]:
        """What a process is started with; of a parameter of the function around it, what that is called with."""
        node = call.node
        first = node.args[0] if node.args else next((k.value for k in node.keywords if k.arg == "args"), None)
        if not isinstance(first, ast.Name):
            return [first]
        assigned = self.names.assigned.get(first.id, [])
        if assigned or call.function is None:
            return list(assigned) if 1 < len(assigned) <= _CALLERS else [first]
        parameters = [each.arg for each in call.function.args.args]
        if first.id not in parameters:
            return [first]
        place = parameters.index(first.id) - (parameters[0] == "self")
        found: list[ast.expr | None] = []
        for other in self.calls:
            if other.name.removeprefix("self.") == call.function.name:
                named = [k.value for k in other.node.keywords if k.arg == first.id]
                found += named or (other.node.args[place : place + 1] if place >= 0 else [])
        return found[:_CALLERS] if 0 < len(found) <= _CALLERS else [first]

    def arguments(self, call: Call) -> list[ast.expr]:
        """All that a call is given."""
        return [*call.node.args, *(keyword.value for keyword in call.node.keywords)]

    def words(self, node: ast.expr | None) -> list[str]:
        """The words of a command; `…` stands for what is computed."""
        items = self._items(node, 0)
        if items is not None:
            return items
        text = self.text(node)
        try:
            return shlex.split(text, comments=False)[:200]
        except ValueError:
            return text.split()[:200]

    def _items(self, node: ast.expr | None, depth: int) -> list[str] | None:
        if isinstance(node, (ast.List, ast.Tuple)):
            return [self.text(item) for item in node.elts[:200]]
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add) and depth < _DEPTH:
            left, right = self._items(node.left, depth + 1), self._items(node.right, depth + 1)
            return None if left is None and right is None else [*(left or [_UNKNOWN]), *(right or [_UNKNOWN])]
        if isinstance(node, ast.Name) and depth < _DEPTH:
            given = self.names.bindings(node)
            return self._items(given[0], depth + 1) if len(given) == 1 else None
        return None

    def text(self, node: ast.expr | None, depth: int = 0) -> str:
        """The constant parts of a text; `…` stands for the others."""
        if node is None or depth > _DEPTH:
            return _UNKNOWN
        found = _UNKNOWN
        if isinstance(node, ast.Constant):
            found = node.value if isinstance(node.value, str) else _UNKNOWN
        elif isinstance(node, ast.JoinedStr):
            found = "".join(self.text(part, depth + 1) for part in node.values[:100])
        elif isinstance(node, ast.BinOp):
            right = self.text(node.right, depth + 1) if isinstance(node.op, ast.Add) else ""
            found = self.text(node.left, depth + 1) + right
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if self.name(node.func) == "shlex.split" and node.args:
                found = self.text(node.args[0], depth + 1)
            elif node.func.attr in {"split", "format", "strip"}:
                found = self.text(node.func.value, depth + 1)
            elif node.func.attr == "join" and node.args and isinstance(node.args[0], (ast.List, ast.Tuple)):
                found = " ".join(self.text(item, depth + 1) for item in node.args[0].elts[:100])
        elif isinstance(node, ast.Name):
            given = self.names.bindings(node)
            found = self.text(given[0], depth + 1) if len(given) == 1 else _UNKNOWN
        elif isinstance(node, ast.Attribute) and self.name(node) == "sys.executable":
            found = "python"
        return found[:10_000]


def _imported(nodes: list[ast.AST]) -> Iterator[tuple[str, str]]:
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.name.partition(".")[0]
                yield alias.asname or first, alias.name if alias.asname else first
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                yield alias.asname or alias.name, f"{node.module}.{alias.name}"
