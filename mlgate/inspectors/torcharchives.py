"""PyTorch's archives without torch.save's own layout: torch.export (.pt2) and TorchServe (.mar).

Formats: torch/export/pt2_archive/constants.py (`archive_format`, models/, data/weights/, data/aotinductor/);
TorchServe's model archiver (`MAR-INF/MANIFEST.json`). The members go round by the ZIP reader; this one says what it is.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlgate.errors import Incomplete
from mlgate.inspectors._model_metadata import component
from mlgate.inspectors._zipdir import family
from mlgate.inspectors._zipwalk import Walk
from mlgate.records import Artifact, Inspector, ModelFacts, Observation

_MARKS = {
    "torch-export": ("/archive_format", "/models/model.json", "/serialized_exported_program.json"),
    "torchserve": ("/MAR-INF/MANIFEST.json",),
}


def _claims(artifact: Artifact) -> bool:
    named = artifact.name.lower().endswith((".pt2", ".mar"))
    return named and "zip" in artifact.formats and family(artifact.source) != "torch"


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    names = [f"/{member.name}" for member in Walk(artifact).directory.members]
    form = next((f for f, marks in _MARKS.items() if any(name.endswith(marks) for name in names)), None)
    if form is None:
        raise Incomplete("unsupported", "an archive with neither torch.export's nor TorchServe's marks")
    native = any("/aotinductor/" in name for name in names)
    yield component(
        artifact, ModelFacts(format=form, other=(("members", str(len(names))), ("aotinductor", str(native))))
    )


INSPECTOR = Inspector(
    name="torcharchives",
    claims=_claims,
    inspect=_inspect,
    suffixes=(".pt2", ".mar"),
    model=True,
    reads="Which kind of archive it is; every member is looked at by its own reader, and code among them is told.",
    misses="What the graph computes.",
)
