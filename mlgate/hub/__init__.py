"""What the Hugging Face hub says of the models and datasets that a repository names: opt-in, and never for the verdict.

The names found in the repository are sent to the hub, private ones too, so nothing is asked unless the user wants it.
What comes back is put on components after the judgement, marked as the hub's; a question without an answer is said in
the BOM and on stderr, and changes no exit code.
"""

from __future__ import annotations

from mlgate.hub.enrich import Enriched, enriched
from mlgate.hub.settings import HubSettings, read_settings

__all__ = ["Enriched", "HubSettings", "enriched", "read_settings"]
