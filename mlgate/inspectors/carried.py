"""Code that a model archive brings along: shared libraries, device code, Python sources.

AOTInductor packages (`.pt2`) are loaded with dlopen; TorchServe archives (`.mar`) and torch.package archives import the
Python files in them. What is in other archives (wheels, plain ZIPs) is not a model's, and not reported here.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from mlgate import rules
from mlgate.identify import promised
from mlgate.inspectors._model_metadata import shown
from mlgate.records import Artifact, Category, Inspector, Observation, Rule, Severity

_BINARY = frozenset({".so", ".dll", ".dylib", ".pyd", ".o", ".a", ".cubin", ".hsaco", ".fatbin", ".spv", ".metallib"})
_SOURCE = frozenset({".cpp", ".cc", ".cu", ".c", ".ptx"})
_SCRIPT = frozenset({".py", ".pyc", ".pyo", ".sh", ".bat", ".ps1"})
_EXECUTABLE = frozenset({"elf", "pe", "macho"})
_MACHO = (b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xca\xfe\xba\xbe")

NATIVE = Rule(
    id="MLG-MDL-110",
    title="Model archive that carries native code",
    severity=Severity.HIGH,
    category=Category.MODEL_FILE,
    help="The archive holds compiled code or source that is compiled for it. AOTInductor packages are loaded with "
    "`dlopen`, which runs the library's constructors at once. Nobody can see from the file what it does.",
    remediation="Build the package yourself from safetensors and reviewed code, or waive the file by its hash.",
    cwe=("CWE-829", "CWE-494"),
    atlas=("AML.T0010", "AML.T0011.000"),
    owasp=("ML06:2023",),
)
SCRIPT = Rule(
    id="MLG-MDL-111",
    title="Model archive that carries Python code",
    severity=Severity.HIGH,
    category=Category.MODEL_FILE,
    help="The archive holds Python files or scripts which its loader imports and runs (TorchServe handlers, "
    "torch.package, and others). Loading the model is running them.",
    remediation="Keep the code in the repository, where it is reviewed, and the weights in safetensors.",
    cwe=("CWE-829",),
    atlas=("AML.T0010", "AML.T0011.000"),
    owasp=("ML06:2023",),
)


def _claims(artifact: Artifact) -> bool:
    if artifact.depth == 0 or artifact.member is None or promised(PurePosixPath(artifact.path).name) is None:
        return False
    return _is_native(artifact) or PurePosixPath(artifact.name.lower()).suffix in _SCRIPT


def _is_native(artifact: Artifact) -> bool:
    suffixes = PurePosixPath(artifact.name.lower()).suffixes
    macho = artifact.head[:4] in _MACHO and artifact.source.size > 28
    named = suffixes[-1:] and suffixes[-1] in _BINARY | _SOURCE
    return bool(named) or ".so" in suffixes or macho or not _EXECUTABLE.isdisjoint(artifact.formats)


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    native = _is_native(artifact)
    what = "native code" if native else "code"
    name = shown(artifact.member or artifact.name, 200)
    message = f"The archive carries {what}: {name!r}."
    yield rules.finding(NATIVE if native else SCRIPT, artifact.at(), message, evidence=name)


INSPECTOR = Inspector(
    name="carried",
    claims=_claims,
    inspect=_inspect,
    rules=(NATIVE, SCRIPT),
    reads="Members of model archives that are programs: shared libraries, device code and C++ of AOTInductor packages, "
    "Python files of TorchServe, torch.package and other archives. The Python in them is also read like any other.",
    misses="What the code does.",
)
