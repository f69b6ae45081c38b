"""Environment variables that take a library's own protection away, wherever a text sets one.

Source: docs.pytorch.org, "Miscellaneous Environment Variables": with TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD set to 1, y, yes
or true, `torch.load` uses `weights_only=False` wherever the call does not say otherwise. The name is so much its own
that the text is searched, whatever language it is in; lines that are comments are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlgate import rules
from mlgate.errors import Incomplete
from mlgate.records import Artifact, Category, Inspector, Observation, Rule, Severity
from mlgate.references.commands import form

_NAME = b"TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"
_SET = re.compile(_NAME + rb"""[\\"'\])\s,:=]{1,12}(?:1|y|yes|true)(?![\w.])""")
_COMMENT = re.compile(rb"""\s*["']?\s*(?:#|//|::|(?i:rem)\s)""")
_CHUNK = 1 << 20
_MOST = 64 << 20
_TOLD = 20
_ENVIRONMENT = re.compile(r"\.env(\..+)?|.+\.env")

SWITCHED_OFF = Rule(
    id="MLG-COD-014",
    title="torch.load's protection is switched off by the environment",
    severity=Severity.HIGH,
    category=Category.UNSAFE_CODE,
    help="With `TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD` set, every `torch.load` of the process, those of libraries too, that "
    "does not say `weights_only=True` itself calls whatever functions the file names.",
    remediation="Take the variable away. Write `weights_only=False` into the one call that needs it, for a file whose "
    "SHA-256 is checked, or allow single classes with `torch.serialization.add_safe_globals`.",
    clause="code.torch-load-unsafe",
    cwe=("CWE-502", "CWE-1188"),
    atlas=("AML.T0010", "AML.T0011.000"),
    owasp=("LLM03:2025", "ML06:2023"),
)


def _claims(artifact: Artifact) -> bool:
    if artifact.depth:
        return False
    name = artifact.name.lower()
    return name.endswith((".py", ".ipynb")) or bool(_ENVIRONMENT.fullmatch(name)) or form(artifact) != ""


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    """One finding for each line that sets the variable. Raises Incomplete (limit)."""
    size = artifact.source.size
    line, told = 1, 0
    rest = b""
    for offset in range(0, min(size, _MOST), _CHUNK):
        data = rest + artifact.source.read_at(offset, _CHUNK)
        kept = data.rfind(b"\n", max(0, len(data) - 4096)) + 1 or len(data)  # a line is looked at as a whole
        block, rest = (data, b"") if offset + _CHUNK >= size else (data[:kept], data[kept:])
        for match in _SET.finditer(block) if _NAME in block else ():
            start = block.rfind(b"\n", 0, match.start()) + 1
            if not _COMMENT.match(block[start : start + 80]):
                told += 1
                where = artifact.at(line=line + block.count(b"\n", 0, match.start()))
                message = "`TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD` is set: torch.load runs what files name."
                yield rules.finding(SWITCHED_OFF, where, message, evidence=_NAME.decode())
            if told >= _TOLD:
                return
        line += block.count(b"\n")
    if size > _MOST:
        raise Incomplete("limit", f"{size:,} bytes of text")


INSPECTOR = Inspector(
    name="switches",
    claims=_claims,
    inspect=_inspect,
    rules=(SWITCHED_OFF,),
    reads="Python, notebooks, scripts, container and workflow files and `.env` files, for "
    "`TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD`.",
    misses="Names that are put together, and variables that are set outside of the repository.",
)
