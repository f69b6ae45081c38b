"""What a build script does when the package is installed: setup.py, build hooks and backends of the repository itself.

An installer runs these files as they are. What they run, fetch and execute is told by their syntax tree; version
numbers from git, compilers and CUDA probes are what most of them need.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from mlgate import rules
from mlgate.manifests import _setup_calls as calls
from mlgate.manifests._common import read_bytes
from mlgate.manifests._setup_calls import Call, Script
from mlgate.manifests.setup_py import parsed
from mlgate.records import Artifact, Category, Finding, Inspector, Observation, Rule, Severity

_LARGEST = 1 << 20
_SAID = 20
_WORDS = (b"subprocess", b"os.system", b"popen", b"urllib", b"requests", b"socket", b"exec", b"eval", b"__import__")
# What build scripts ask and build with: no network, no code of others.
_PROBES = frozenset(
    {
        *("git", "hg", "svn", "nvcc", "nvidia-smi", "hipcc", "hipconfig", "rocminfo", "rocm_agent_enumerator", "cmake"),
        *("make", "ninja", "gcc", "g++", "cc", "c++", "clang", "clang++", "ld", "ar", "ldd", "ldconfig", "pkg-config"),
        *("swig", "cython", "protoc", "llvm-config", "mpicc", "mpicxx", "nm", "otool", "install_name_tool", "patchelf"),
        *(
            "which",
            "where",
            "type",
            "test",
            "color",
            "whereis",
            "uname",
            "sysctl",
            "lscpu",
            "sw_vers",
            "xcrun",
            "xcode-select",
            "lsb_release",
        ),
        *("arch", "nproc", "hostname", "date", "echo", "ls", "cat", "cp", "mkdir", "rm", "find", "sphinx-build"),
        *("autoreconf", "configure", "./configure", "meson", "scons", "rustc", "cargo", "go", "javac", "mvn", "gradle"),
        *("pg_config", "mysql_config", "gdal-config", "curl-config", "tsc", "twine", "pytest", "tox", "flake8", "mypy"),
        *("black", "isort", "python", "python3", "cmake3", "ctest", "strip", "chmod", "tar", "unzip", "vswhere.exe"),
    }
)
_FETCHERS = re.compile(
    r"(?:^|\s|/)(?:curl|wget|aria2c|gdown|apt(?:-get)?|yum|dnf|brew|conda|mamba|npm|yarn|pnpm|gem|pip3?|uv|"
    r"git (?:clone|fetch|pull|submodule (?:update|init|add)|lfs pull)|svn (?:checkout|co)|easy_install)(?:\s|$)"
    r"|-m (?:pip|easy_install|spacy|nltk)\b"
)
_HOSTILE = re.compile(
    r"\|\s*(?:ba|z|da)?sh\b|\|\s*python|base64\s+(?:-d|--decode)|/dev/tcp/|\bnc\s+-\w*e|bash\s+-i\b"
    r"|powershell(?:\.exe)?\s.*-e(?:nc|ncodedcommand|c)?\b|\biex\b|\bcertutil\b|\bmshta\b|\bcrontab\b|authorized_keys",
    re.IGNORECASE,
)
_CARRIED = re.compile(r"\b(?:exec|eval)\s*\([^\n]{0,200}(?:urlopen|b64decode|requests\.get|decompress|fromhex)\s*\(")
_INSTALLING = re.compile(r"\b(?:install|develop|egg_info|install_lib|install_data|install_scripts|editable_wheel)\b")
_NAMED = re.compile(r"(?i)cmake|nvcc|cuda|hipcc|rocm|ninja|git|gcc|clang|compiler|sys\.executable|python")
_PRIVATE = re.compile(
    r"os\.environ|os\.getenv|getpass\.|socket\.gethost|platform\.(?:node|uname)|os\.(?:getlogin|uname)"
)


def _rule(number: int, title: str, severity: Severity, text: str, remediation: str, cwe: tuple[str, ...]) -> Rule:
    return Rule(
        id=f"MLG-DEP-{number:03}",
        title=title,
        severity=severity,
        category=Category.DEPENDENCY,
        help=text,
        remediation=remediation,
        cwe=cwe,
        atlas=("AML.T0010.001",),
        owasp=("LLM03:2025",),
    )


RUNS = _rule(
    73,
    "Build script that runs programs",
    Severity.LOW,
    "Whoever installs this package runs these commands. INFO for version numbers from git, compilers and probes of the "
    "machine, LOW where the command is computed or unusual, MEDIUM where it installs or downloads, HIGH where it runs "
    "what it downloads or hides what it does.",
    "Ship what the build needs, or download it in a step of its own with a hash.",
    ("CWE-829", "CWE-78"),
)
FETCHES = _rule(
    74,
    "Build script that uses the network",
    Severity.MEDIUM,
    "Whoever installs this package makes these requests, and takes what the server gives on that day. HIGH where "
    "the script sends data, opens sockets, or runs what came.",
    "Ship what the build needs, or download it in a step of its own with a hash.",
    ("CWE-829", "CWE-494"),
)
EXECUTES = _rule(
    75,
    "Build script that executes text",
    Severity.LOW,
    "The script executes code that is text in it or elsewhere. INFO for a file of the package (a version number, "
    "mostly), HIGH where the text is decoded or comes over the network.",
    "Import what is needed, or read the version from the package's metadata.",
    ("CWE-94", "CWE-506"),
)


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    data = read_bytes(artifact, _LARGEST)
    module = parsed(data)
    if module is None:
        if not any(word in data for word in _WORDS):
            return
        message = "The build script is not valid Python 3, so what it does when it is run was not read."
        yield rules.finding(RUNS, artifact.at(), message, evidence="not Python 3")
        return
    script = Script(module)
    found = sorted(_told(artifact, script), key=lambda finding: (-finding.severity.rank, finding.location.line or 0))
    usual = [finding for finding in found if finding.severity is Severity.INFO]
    yield from [finding for finding in found if finding.severity is not Severity.INFO][:_SAID]
    for rule in (RUNS, EXECUTES):
        same = [finding for finding in usual if finding.rule is rule]
        if same:
            more = f" (and {len(same) - 1:,} more like it)" if len(same) > 1 else ""
            one = same[0]
            yield rules.finding(
                rule,
                one.location,
                one.message.removesuffix(".") + f"{more}.",
                evidence=one.evidence,
                severity=one.severity,
            )


def _told(artifact: Artifact, script: Script) -> Iterator[Finding]:
    for node in script.names.nodes:
        if isinstance(node, ast.Constant) and _is_code(node.value):
            message = "It carries code as text, and that code fetches or decodes more and executes it."
            where = artifact.at(line=node.lineno)
            yield rules.finding(EXECUTES, where, message, evidence=_shown(node), severity=Severity.HIGH)
    for call in script.calls:
        told: tuple[Rule, Severity, str] | None = None
        if call.name in calls.PROCESSES:
            told = (RUNS, *_process(script, call))
        elif call.name in calls.FETCHES or call.name in calls.SENDS:
            told = (FETCHES, *_request(script, call))
        elif call.name in calls.CODE:
            told = (EXECUTES, *_execution(script, call))
        if told:
            rule, severity, what = told
            around = f" in the command {call.command[:80]}" if _INSTALLING.search(call.command) else ""
            yield rules.finding(
                rule,
                artifact.at(line=call.node.lineno),
                f"{what}{around}.",
                evidence=_shown(call.node),
                severity=severity,
            )


def _is_code(value: object) -> bool:
    text = value.decode("latin-1") if isinstance(value, bytes) else value
    return isinstance(text, str) and _CARRIED.search(text) is not None


def _process(script: Script, call: Call) -> tuple[Severity, str]:
    """The worst of the commands that the call is known to start."""
    given = script.arguments(call)
    told = [_command(script, first, given) for first in script.commands(call)]
    return max(told, key=lambda one: one[0].rank)


def _command(script: Script, first: ast.expr | None, given: list[ast.expr]) -> tuple[Severity, str]:
    words = script.words(first)
    if len(words) == 3 and re.fullmatch(r"(?:/bin/)?(?:ba|z|da)?sh", words[0]) and words[1] in {"-c", "-lc"}:
        words = words[2].split()
    line = " ".join(words)
    named = line[:100] or "…"
    used = [*given, *([first] if first else [])]
    if any(script.touches(each, calls.FETCHES, script.fetched) for each in used):
        return Severity.HIGH, f"It runs what it downloads: {named}"
    if any(script.touches(each, calls.HIDING, script.hidden) for each in used):
        return Severity.HIGH, "It runs a command that it decodes first"
    if _HOSTILE.search(line):
        return Severity.HIGH, f"It runs {named}"
    if _FETCHERS.search(line):
        return Severity.MEDIUM, f"It installs or downloads by {named}"
    program = re.split(r"[\\/]", words[0])[-1].lower().removesuffix(".exe") if words else "…"
    if program in _PROBES or ("…" in program and isinstance(first, ast.List) and _is_probe(first)):
        return Severity.INFO, f"It runs {named}"
    return Severity.LOW, f"It runs {named}"


def _is_probe(command: ast.List) -> bool:
    """Whether a program whose path is computed goes by the name of a compiler or its like: `[cmake_bin, "-E"]`."""
    return bool(command.elts) and _NAMED.search(_shown(command.elts[0])) is not None


def _request(script: Script, call: Call) -> tuple[Severity, str]:
    given = script.arguments(call)
    shown = script.text(call.node.args[0])[:100] if call.node.args else "…"
    if call.name in calls.SENDS or any(keyword.arg in {"data", "json"} for keyword in call.node.keywords):
        return Severity.HIGH, f"It calls {call.name}, which sends"
    if any(_PRIVATE.search(_shown(each)) for each in given):
        return Severity.HIGH, f"It sends what it finds on the machine by {call.name}"
    return Severity.MEDIUM, f"It calls {call.name} with {shown}"


def _execution(script: Script, call: Call) -> tuple[Severity, str]:
    given = script.arguments(call)[:1]
    if any(script.touches(each, calls.FETCHES, script.fetched) for each in given):
        return Severity.HIGH, "It executes what it downloads"
    if any(script.touches(each, calls.HIDING, script.hidden) for each in given):
        return Severity.HIGH, "It executes what it decodes"
    text = _shown(given[0]) if given else ""
    if (
        call.name.startswith("runpy.")
        or re.search(r"\bopen\b|\bread\w*\b|\.text\b|get_data", text)
        or _is_read(script, given)
    ):
        return Severity.INFO, f"It executes a file: {call.name}({text[:80]})"
    return Severity.LOW, f"It calls {call.name}({text[:80]})"


def _is_read(script: Script, given: list[ast.expr]) -> bool:
    """Whether the text comes from a variable that a file was read into."""
    for each in given:
        for node in ast.walk(each):
            if isinstance(node, ast.Name):
                values = script.names.bindings(node)
                if any(re.search(r"\bopen\b|\bread\w*\b", _shown(value)) for value in values):
                    return True
    return False


def _shown(node: ast.AST) -> str:
    try:
        return " ".join(ast.unparse(node).split())[:200]
    except RecursionError:  # a sum of thousands
        return "…"


INSPECTOR = Inspector(
    name="setup-runs",
    claims=lambda artifact: artifact.depth == 0 and artifact.name == "setup.py",
    inspect=_inspect,
    rules=(RUNS, FETCHES, EXECUTES),
    reads="Calls in setup.py, in hatch's and poetry's build scripts and in a build backend of the repository: programs "
    "that are run, the network, text that is executed.",
    misses="What imported modules of the repository do, and calls whose function is computed.",
)
