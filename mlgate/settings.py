"""What a run depends on and what comes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from mlgate.collect import Progress
from mlgate.policy import load
from mlgate.records import Inventory, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All that a run depends on besides the tree.

    `policy_file` is relative to the repository's root (to `root` outside of one); "" means POLICY_PLACES. `base` is a
    commit to compare with and to read the policy from. With `remote_base` that commit is not in the clone: then
    `policy_text` (None: the base has none), `policy_source` and `changed` (repository paths; None: all of them)
    come from the caller. `mode` and `enforce` override the policy where not empty. `timeout` is in seconds. `explain`
    is the most lines an explanation of a pickle may have; 0 means that there are none. `fetch` gets a policy of another
    repository that this one extends; None forbids that. `shards` are folders of `shard`, whose readings are taken.
    """

    root: Path
    policy_file: str = ""
    base: str = ""
    remote_base: bool = False
    policy_text: str | None = None
    policy_source: str = ""
    changed: frozenset[str] | None = None
    mode: str = ""
    enforce: str = ""
    jobs: int = 1
    timeout: float | None = None
    offline: bool = False
    database: Path | None = None
    advisories: bool = True
    osv_url: str = ""
    today: date
    trusted: bool = False
    notes: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    progress: Progress | None = None
    explain: int = 0
    cache: Path | None = None
    shards: tuple[Path, ...] = ()
    stage: Callable[[str, float], None] | None = None
    fetch: load.Fetch | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a run found, and the judgement on it."""

    inventory: Inventory
    verdict: Verdict
