"""skops: a ZIP whose schema.json says which objects to make of which types.

Format: skops/io/_save.py and the nodes of skops/io/_audit.py: each has `__module__`, `__class__` and `__loader__`.
`skops.io.load` makes what the caller trusts and what skops itself trusts; the nodes below were ways around that.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from mlgate import rules
from mlgate.errors import Incomplete
from mlgate.inspectors._model_metadata import component, shown
from mlgate.inspectors._zipdir import read_directory
from mlgate.inspectors._zipwalk import Walk
from mlgate.pickles.table import look_up
from mlgate.records import Artifact, Category, Inspector, ModelFacts, Observation, Rule, Severity

_LARGEST = 64 * 2**20
_NODES = 2_000_000
_TOLD = 50
_SCHEMA = "schema.json"
# Libraries whose estimators skops was made for: instances of their classes are data (skops/io/_trusted_types.py).
_LIBRARIES = frozenset({"sklearn", "numpy", "scipy", "xgboost", "lightgbm", "catboost", "quantile_forest"})
_PLAIN = frozenset({"builtins", "collections", "datetime", "operator", "functools", "decimal", "fractions", "pathlib"})
_LOADERS = frozenset(
    {
        "BytearrayNode",
        "BytesNode",
        "CachedNode",
        "ConstructorFromReduceNode",
        "DTypeNode",
        "DefaultDictNode",
        "DictNode",
    }
    | {"FunctionNode", "JsonNode", "ListNode", "LossNode", "MaskedArrayNode", "MethodNode", "NdArrayNode", "ObjectNode"}
    | {"OperatorFuncNode", "PartialNode", "QuantileForestNode", "RandomGeneratorNode", "RandomStateNode", "SetNode"}
    | {"SliceNode", "SparseMatrixNode", "TreeNode", "TupleNode", "TypeNode"}
    # of older versions
    | {"CyLossNode", "OrderedDictNode", "ReduceNode", "SGDNode"}
)
_PICKERS = frozenset({"attrgetter", "itemgetter"})

REACHES = Rule(
    id="MLG-MDL-125",
    title="skops file that reaches code",
    severity=Severity.HIGH,
    category=Category.MODEL_FILE,
    help="A node makes or calls something that runs commands, reads files or reaches the network, or uses one of the "
    "ways around skops' trust check (a loader for another kind of object, a method of Python's internals: "
    "CVE-2025-54412, CVE-2025-54413, CVE-2025-54886).",
    remediation="Do not load the file, and never pass its own list of types as `trusted`.",
    cwe=("CWE-502", "CWE-351"),
    atlas=("AML.T0010", "AML.T0011.000"),
    owasp=("ML06:2023",),
)
UNKNOWN = Rule(
    id="MLG-MDL-126",
    title="skops file with a type that has to be trusted",
    severity=Severity.MEDIUM,
    category=Category.MODEL_FILE,
    help="The file holds an object of a type that is neither Python's own data nor a known library's. `skops.io.load` "
    "asks the caller to trust it; making it runs the constructor or `__setstate__` of that class.",
    remediation="Look at the class, and pass exactly its name as `trusted`.",
    cwe=("CWE-502",),
)


def _claims(artifact: Artifact) -> bool:
    if artifact.name.lower().endswith(".skops"):
        return True
    return _schema(artifact)


def _schema(artifact: Artifact) -> bool:
    """Whether an archive under any name is one by its member: skops does not ask for the name."""
    if "zip" not in artifact.formats:
        return False
    try:
        return any(member.name == _SCHEMA for member in read_directory(artifact.source).members)
    except Incomplete:
        return False


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    if "zip" not in artifact.formats:
        raise Incomplete("malformed", "a skops file is a ZIP archive, and this is none")
    walk = Walk(artifact)
    schema = None
    for member in walk.directory.members:
        if member.name == _SCHEMA:
            for item in walk.open(member):
                if isinstance(item, Artifact):
                    schema = _parsed(item)
    walk.finish()
    if not artifact.name.lower().endswith(".skops") and not (isinstance(schema, dict) and "__loader__" in schema):
        return  # another program's archive
    if not isinstance(schema, dict):
        raise Incomplete("malformed", "there is no schema.json that is an object")
    root = f"{schema.get('__module__', '')}.{schema.get('__class__', '')}"
    other = (("skops", shown(str(schema.get("_skops_version", "")), 50)),)
    yield component(artifact, ModelFacts(format="skops", architecture=shown(root, 200), other=other))
    told: set[tuple[str, str]] = set()
    for rule, what in _reasons(schema):
        if (rule.id, what) not in told and len(told) < _TOLD:
            told.add((rule.id, what))
            yield rules.finding(rule, artifact.at(), f"The schema {what}.", evidence=what[:300])


def _parsed(item: Artifact) -> Any:
    if item.source.size > _LARGEST:
        raise Incomplete("limit", f"a schema of {item.source.size:,} bytes")
    try:
        return json.loads(item.source.read_at(0, _LARGEST))
    except (ValueError, RecursionError):
        raise Incomplete("malformed", "schema.json is no JSON") from None


def _reasons(schema: Any) -> Iterator[tuple[Rule, str]]:
    left = [schema]
    for _ in range(_NODES):
        if not left:
            return
        value = left.pop()
        if isinstance(value, dict):
            if "__loader__" in value or "__class__" in value:
                yield from _node(value)
            left.extend(value.values())
        elif isinstance(value, list):
            left.extend(value)
    raise Incomplete("limit", f"more than {_NODES:,} values in the schema")


def _node(node: dict[str, Any]) -> Iterator[tuple[Rule, str]]:
    module, name, loader = (str(node.get(key, "")) for key in ("__module__", "__class__", "__loader__"))
    path = shown(f"{module}.{name}", 200)
    if loader and loader not in _LOADERS:
        yield UNKNOWN, f"wants the unknown loader {shown(loader, 80)!r} for {path!r}"
    if loader == "OperatorFuncNode" and (module not in ("operator", "_operator") or name in ("call", "methodcaller")):
        yield REACHES, f"takes {path!r} for a function of operator"
        return
    if loader == "MethodNode":
        yield from _method(node, path)
    content = node.get("content")
    if isinstance(content, dict) and "function" in content and loader == "FunctionNode":
        # until version 0.5 the function stood there, and `__class__` said "function"
        yield from _judged(str(content.get("module_path", "")), str(content["function"]), loader)
    yield from _judged(module, name, loader)


def _judged(module: str, name: str, loader: str) -> Iterator[tuple[Rule, str]]:
    path = shown(f"{module}.{name}", 200)
    entry = look_up(module, name)
    if entry.level == "dangerous" and not (loader == "OperatorFuncNode" and name in _PICKERS):
        yield REACHES, f"names {path!r}: {entry.reason}"
    elif entry.level != "safe" and module.split(".", maxsplit=1)[0] not in _LIBRARIES | _PLAIN and module:
        yield UNKNOWN, f"needs {path!r} to be trusted"


def _method(node: dict[str, Any], path: str) -> Iterator[tuple[Rule, str]]:
    content = node.get("content")
    name = content.get("func") if isinstance(content, dict) else None
    if not isinstance(name, str) or name.startswith("_") or "." in name:
        yield REACHES, f"takes the method {shown(str(name), 80)!r} of {path!r}"
    owner = content.get("obj") if isinstance(content, dict) else None
    if isinstance(owner, dict) and any(owner.get(key) != node.get(key) for key in ("__module__", "__class__")):
        yield REACHES, f"says {path!r} of a method whose object is another"


INSPECTOR = Inspector(
    name="skops",
    claims=_claims,
    inspect=_inspect,
    rules=(REACHES, UNKNOWN),
    suffixes=(".skops",),
    model=True,
    reads="Every node of schema.json: the type it makes, through the same table as pickles, and the loader it wants. "
    "The other members go through their own readers.",
    misses="What the constructors of somebody's own classes do.",
)
