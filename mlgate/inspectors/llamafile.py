"""llamafile: a program with the weights behind it in one file (an executable that is also a ZIP)."""

from __future__ import annotations

from collections.abc import Iterator

from mlgate import rules
from mlgate.inspectors._model_metadata import component, not_it
from mlgate.records import Artifact, Category, Inspector, ModelFacts, Observation, Rule, Severity

PROGRAM = Rule(
    id="MLG-MDL-114",
    title="Model file that is a program",
    severity=Severity.HIGH,
    category=Category.MODEL_FILE,
    help="The file is an executable with a model in it. Whoever runs the model runs the program, and nothing here can "
    "tell what the program does.",
    remediation="Take the GGUF out of it and run that with a runtime you chose, or waive the file by its hash.",
    cwe=("CWE-829", "CWE-494"),
    atlas=("AML.T0010", "AML.T0011.000"),
)
# ELF, PE, and the two beginnings of Actually Portable Executables (cosmopolitan, ape/specification.md)
_BEGINNINGS = (b"\x7fELF", b"MZ", b"jartsr='")


def _claims(artifact: Artifact) -> bool:
    return artifact.name.lower().endswith(".llamafile") and artifact.head[:4] != b"GGUF"


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    if not artifact.head.startswith(_BEGINNINGS):
        yield from not_it(artifact, "llamafile")
        return
    yield component(artifact, ModelFacts(format="llamafile"))
    yield rules.finding(PROGRAM, artifact.at(), "The file is an executable with a model in it.", evidence="executable")


INSPECTOR = Inspector(
    name="llamafile",
    claims=_claims,
    inspect=_inspect,
    rules=(PROGRAM,),
    suffixes=(".llamafile",),
    model=True,
    reads="That it is an executable; the ZIP behind the program and the GGUF in it are read like any other.",
    misses="What the program does.",
)
