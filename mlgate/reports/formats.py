"""What stdout can get: a name on the command line to the module whose `render` makes it."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import MappingProxyType

from mlgate.records import Inventory, Verdict
from mlgate.reports.context import ReportContext

FORMATS: Mapping[str, str] = MappingProxyType(
    {
        "human": "console",
        "json": "findings",
        "sarif": "sarif",
        "markdown": "comment",
        "gitlab": "gitlab",
        "junit": "junit",
    }
)


def render(form: str, inventory: Inventory, verdict: Verdict, context: ReportContext) -> str:
    """The report in one of FORMATS. Raises KeyError when it is none of them."""
    module = importlib.import_module(f"mlgate.reports.{FORMATS[form]}")  # only the one that is asked for (start-up)
    text: str = module.render(inventory, verdict, context)
    return text
