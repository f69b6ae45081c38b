"""R's data files: saveRDS (.rds) and save (.rda, .RData), with the code that is among the data."""

from __future__ import annotations

from collections.abc import Iterator

from mlgate import rules
from mlgate.errors import Incomplete
from mlgate.inspectors._model_metadata import component, not_it, shown
from mlgate.inspectors._rdata import Code, Reader
from mlgate.records import Artifact, Category, Finding, Inspector, ModelFacts, Observation, Rule, Severity

_TOLD = 20
_FORMS = (b"X\n", b"A\n", b"B\n")
_WORKSPACES = (b"RDX2\n", b"RDX3\n", b"RDA2\n", b"RDA3\n", b"RDB2\n", b"RDB3\n")
_SUFFIXES = (".rds", ".rda", ".rdata")
_OLD = (b"RDX1\n", b"RDA1\n", b"RDB1\n")

# Functions of base, utils and methods that run programs, load code, reach the network or change files.
_DANGEROUS = frozenset(
    {"system", "system2", "shell", "shell.exec", "pipe", "source", "sys.source", "download.file", "socketConnection"}
    | {"url", "dyn.load", "library.dynam", "unlink", "file.remove", "file.rename", "install.packages", "Sys.setenv"}
    | {"curl_download", "url.show", "browseURL", "fifo", "socketSelect", "serverSocket", ".C", ".External", ".Fortran"}
)
# Called by R itself when a workspace is restored or left (R manual, ?Startup).
_STARTUP = frozenset({".First", ".Last", ".First.sys", ".Last.sys", ".First.lib"})
# Functions that scripts call without saying which: a variable of a loaded workspace stands before base's own.
_SHADOWED = frozenset(
    {"print", "library", "require", "c", "list", "cat", "paste", "summary", "plot", "predict", "mean", "sum", "length"}
    | {"data.frame", "head", "str", "names", "lapply", "sapply", "apply", "function", "if", "for", "q", "quit", "ls"}
    | {"source", "load", "save", "readRDS", "saveRDS", "attach", "with", "set.seed", "message", "stop", "print.default"}
)

PROMISE = Rule(
    id="MLG-MDL-150",
    title="R object that runs code when it is touched",
    severity=Severity.HIGH,
    category=Category.MODEL_FILE,
    help="The file holds a promise that was not evaluated yet, or an active binding, whose expression runs programs, "
    "loads code, reaches the network or changes files. R evaluates it as soon as the value is used (CVE-2024-27322), "
    "without a call that anybody sees.",
    remediation="Do not load the file. Take the data in a format without code (Parquet, CSV), or write it again from "
    "its source.",
    cwe=("CWE-502",),
    atlas=("AML.T0010", "AML.T0011.000"),
    owasp=("ML06:2023",),
)
LAZY = Rule(
    id="MLG-MDL-151",
    title="R object with an unevaluated expression",
    severity=Severity.MEDIUM,
    category=Category.MODEL_FILE,
    help="The file holds a promise that R evaluates when the value is used. Saved environments of functions have "
    "such promises; elsewhere nothing writes them.",
    remediation="Look at what the expression calls, or write the object again after `force()`.",
    cwe=("CWE-502",),
)
FUNCTION = Rule(
    id="MLG-MDL-152",
    title="R object with functions that reach the system",
    severity=Severity.MEDIUM,
    category=Category.MODEL_FILE,
    help="A function is stored with the data, and it runs programs, loads code, reaches the network or changes files "
    "when it is called.",
    remediation="Review the function before you call it or a method of the object.",
    cwe=("CWE-829",),
)
STARTUP = Rule(
    id="MLG-MDL-153",
    title="R workspace that replaces functions",
    severity=Severity.HIGH,
    category=Category.MODEL_FILE,
    help="The workspace defines a function under a name that R calls by itself when it starts or ends, or under that "
    "of a common function of base. `load` puts it in front of the real one, and a `.RData` in the working folder is "
    "loaded without being asked.",
    remediation="Do not load the file. Save single objects with `saveRDS` instead of workspaces.",
    cwe=("CWE-427", "CWE-829"),
    atlas=("AML.T0011.000",),
)


def _start(artifact: Artifact) -> int | None:
    """Where the serialisation begins, or None when this is none."""
    head = artifact.head
    if head[:5] in _WORKSPACES:
        return 5
    plausible = head[:2] in _FORMS and (head[:2] != b"X\n" or head[2:5] == b"\0\0\0")
    return 0 if plausible and artifact.name.lower().endswith(_SUFFIXES) else None


def _claims(artifact: Artifact) -> bool:
    packed = {"gzip", "bzip2", "xz", "zstd"} & set(artifact.formats)
    return _start(artifact) is not None or (artifact.name.lower().endswith(_SUFFIXES) and not packed)


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    start = _start(artifact)
    if start is None:
        if artifact.head[:5] in _OLD:
            raise Incomplete("unsupported", "a workspace of R before 1.4")
        yield from not_it(artifact, "r")
        return
    reader = Reader(artifact.source, start)
    stop = None
    try:
        reader.walk(workspace=start > 0)
    except Incomplete as error:
        stop = error
    packages = ", ".join(sorted(reader.packages))
    facts = ModelFacts(
        format="r-data", other=(("R", reader.writer), ("packages", shown(packages)), ("functions", str(_count(reader))))
    )
    yield component(artifact, facts)
    yield from _codes(artifact, reader.codes)
    if stop is not None:
        raise stop


def _count(reader: Reader) -> int:
    return sum(code.kind == "function" for code in reader.codes)


def _codes(artifact: Artifact, codes: list[Code]) -> Iterator[Finding]:
    told = 0
    for code in codes:
        rule = _rule(code)
        if rule is None or told >= _TOLD:
            continue
        told += 1
        reached = sorted(code.names & _DANGEROUS)
        named = f" {shown(code.name, 80)!r}" if code.name else ""
        using = f" uses {', '.join(map(repr, reached[:5]))}" if reached else " is called by what loads the file"
        if rule is LAZY:
            using = " is evaluated when it is used"
        message = f"The {code.kind}{named}{using}."
        evidence = f"{code.kind} {shown(code.name, 80)}: {', '.join(reached[:5])}"
        yield rules.finding(rule, artifact.at(offset=code.offset), message, evidence=evidence)


def _rule(code: Code) -> Rule | None:
    """The rule that a piece of code falls under, if any."""
    dangerous = bool(code.names & _DANGEROUS) or {"parse", "eval"} <= code.names
    if code.kind == "function":
        if code.bound and (code.name in _STARTUP or (code.name in _SHADOWED and dangerous)):
            return STARTUP
        return FUNCTION if dangerous else None
    if not code.pending:
        return None
    if dangerous:
        return PROMISE
    return None if code.inside or code.kind == "active binding" else LAZY


INSPECTOR = Inspector(
    name="r",
    claims=_claims,
    inspect=_inspect,
    rules=(PROMISE, LAZY, FUNCTION, STARTUP),
    suffixes=_SUFFIXES,
    model=True,
    reads="saveRDS and save files of versions 2 and 3 in all three encodings, item by item: promises, active bindings, "
    "functions and byte code with the functions they use, variables of a workspace that stand before R's own.",
    misses="What functions do that are only used by names built at run time. Packages that R loads for a namespace in "
    "the file are named in the BOM and not judged.",
)
