"""TorchScript code in torch archives: operators that reach files or other machines.

torch.load and torch.jit.load compile `code/*.py` and run `__setstate__` of every module while they load (torch
csrc/jit/serialization/import.cpp), so `torch.save(x, "path")` in it writes a file. Tried with torch 2.13.0: blanks,
parentheses and getattr between the names change nothing. Archives for mobile name the operators in `bytecode.pkl`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlgate import rules as catalogue
from mlgate.errors import Incomplete
from mlgate.records import Artifact, Category, Finding, Rule, Severity

FILES = Rule(
    id="MLG-PKL-021",
    title="TorchScript code reaches files or the network",
    severity=Severity.HIGH,
    category=Category.MODEL_FILE,
    help="The archive's own code calls an operator that writes or reads files by name or talks to another process. In "
    "`__setstate__` it runs while the file is loaded, elsewhere when the model is used. Models compute; they have no "
    "need of files.",
    remediation="Read the code at the place that is named. Do not load the file; get the weights as safetensors and "
    "build the model in code.",
    cwe=("CWE-73", "CWE-502"),
    atlas=("AML.T0010", "AML.T0011.000"),
    owasp=("LLM03:2025", "ML06:2023"),
)

# torch's own operators (all schemas of 2.13.0 were looked through), and those of torchvision and torchaudio.
_OPERATORS = (
    rb"save|from_file|rpc_async|rpc_sync|rpc_remote|read_file|write_file|PythonOp|"
    rb"\w*(?:from|to)_file\w*|sox_io_\w+|sox_effects_apply_effects_file|ffmpeg_\w+"
)
_SIZE = 16 << 20
_TEXT = rb'"""(?:[^\\]|\\.)*?"""|"(?:[^"\\\n]|\\.)*"|' + rb"'''(?:[^\\]|\\.)*?'''|'(?:[^'\\\n]|\\.)*'"
# Once without texts and comments, and once without blanks only: what is a text for one is code for the other.
_READINGS = tuple(
    re.compile(rb"(?P<text>" + text + rb")|(?P<skip>" + skip + rb"\\\r?\n|\s+)|(?P<name>\w+)|(?P<other>.)", re.DOTALL)
    for text, skip in ((_TEXT, rb"#[^\n]*|"), (rb"(?!)", rb""))
)
_ENCLOSED = re.compile(rb"(?<![\w)\]])\(((?:torch|ops)(?:\.\w+)*)\)")
_CALL = re.compile(
    rb"(?<![\w.])(?:torch|ops)(?:\.\w+)*\.(?:" + _OPERATORS + rb")(?!\w)|(?<![\w.])getattr\((?:torch|ops)\b"
)
_MOBILE = re.compile(rb"(?:aten|prim|rpc|image|video_reader|torchaudio)::(?:" + _OPERATORS + rb")")
_NESTED = 16
_SAID = 20


def code(artifact: Artifact) -> Iterator[Finding]:
    """Findings about one source file of an archive. Raises Incomplete (limit)."""
    if artifact.source.size > _SIZE:
        raise Incomplete("limit", f"TorchScript code of {artifact.source.size:,} bytes")
    source = artifact.source.read_at(0, _SIZE)
    seen: set[str] = set()
    for tokens in _READINGS:
        plain = _normal(source, tokens)
        for _ in range(_NESTED):
            opened = _ENCLOSED.sub(rb"\1", plain)
            if opened == plain:
                break
            plain = opened
        seen.update(match.group(0).decode("latin-1") for match in _CALL.finditer(plain))
    for name in sorted(seen)[:_SAID]:
        message = f"TorchScript code uses `{name[:100]}`."
        yield catalogue.finding(FILES, artifact.at(), message, evidence=name[:200])


def bytecode(artifact: Artifact) -> Iterator[Finding]:
    """Findings about the operators that an archive for mobile names. Names are short and never cut by chunks."""
    step, overlap = 1 << 20, 64
    seen: set[str] = set()
    for start in range(0, artifact.source.size, step):
        data = artifact.source.read_at(start, step + overlap)
        seen.update(match.group(0).decode("latin-1") for match in _MOBILE.finditer(data))
    for name in sorted(seen)[:_SAID]:
        yield catalogue.finding(FILES, artifact.at(), f"The bytecode uses `{name[:100]}`.", evidence=name[:200])


def _normal(source: bytes, tokens: re.Pattern[bytes]) -> bytes:
    """The code without blanks and what else is left out; one blank stays between two names."""
    out = bytearray()
    name = False
    for match in tokens.finditer(source):
        if match.lastgroup == "skip":
            continue
        if match.lastgroup == "name" and name:
            out += b" "
        name = match.lastgroup == "name"
        out += b'""' if match.lastgroup == "text" else match.group(0)
    return bytes(out)
