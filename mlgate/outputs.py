"""All outputs of a run, as text by file name; whoever calls decides where they go."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mlgate import bom
from mlgate import spdx as spdx_bom
from mlgate.records import Inventory, Verdict
from mlgate.reports import comment, findings, html, sarif, summary
from mlgate.reports.context import ReportContext


def render(
    inventory: Inventory, verdict: Verdict, context: ReportContext, *, name: str, spdx: bool = False
) -> Mapping[str, str]:
    """The files of an output folder. `name` is the application in the BOM; `spdx` asks for the BOM in SPDX too.

    Raises bom.InvalidBom or sarif.InvalidSarif when what we made is not valid: that is our defect.
    """
    also = {"bom.spdx.json": spdx_bom.build(inventory, name=name, version=inventory.head)} if spdx else {}
    return also | {
        "bom.cdx.json": bom.build(inventory, verdict, name=name, version=inventory.head, spec="1.7"),
        "findings.json": findings.render(inventory, verdict, context),
        "mlgate.sarif": sarif.render(inventory, verdict, context),
        "comment.md": comment.render(inventory, verdict, context),
        "summary.md": summary.render(inventory, verdict, context),
        "report.html": html.render(inventory, verdict, context),
    }


def write(files: Mapping[str, str], folder: Path) -> None:
    """Writes the files. Raises OSError when the folder cannot be made or written."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
