"""The stages, readable on one screen: discover, identify and inspect (in workers), assemble, advise, judge."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from mlgate import compare, discover, git, identify, judge, registry, rules, signed
from mlgate.advisories import lookup
from mlgate.assemble import Reading, assemble, finding_order
from mlgate.bom import diff_inventory
from mlgate.cache import Cache
from mlgate.collect import collect
from mlgate.errors import MlgateError
from mlgate.policy import conditions
from mlgate.policy.schema import Policy
from mlgate.policy_source import read_at_base, read_policy
from mlgate.records import File, Finding, Inventory, Limits, Rule
from mlgate.sandbox import Pool, workers
from mlgate.settings import Result, Settings
from mlgate.signing import check
from mlgate.split import Joined, Recorder, share


def catalogue() -> Mapping[str, Rule]:
    """Every rule that mlgate has, by id."""
    groups = [inspector.rules for inspector in registry.inspectors()]
    return rules.catalogue(
        [rules.RULES, identify.RULES, discover.RULES, judge.RULES, lookup.RULES, check.RULES, *groups]
    )


def scan(settings: Settings, pool: Pool | None = None) -> Result:
    """Looks at the tree and judges it. `pool` holds workers that were started early; it is closed afterwards.

    Raises MlgateError for what the user has to mend: a folder, a base or a policy that cannot be read.
    """
    with pool or workers(settings.jobs) as opened:
        return _scan(settings, opened)


def _scan(settings: Settings, pool: Pool) -> Result:
    repository = git.find(settings.root, trusted=settings.trusted)
    base = _resolve(settings, repository)
    policy, source = read_policy(settings, repository, base)
    policy = policy.overridden(mode=settings.mode, enforce=settings.enforce)
    limits = _limits(settings, policy)
    given = settings.files
    with _timed(settings, "discover"):
        entries = list(discover.given(settings.root, given) if given else discover.walk(settings.root, repository))
    pool.start(len(entries))  # they get ready while this process imports all readers, too
    known = catalogue()
    kept = _kept(settings, repository, limits)
    with _timed(settings, "inspect"):
        readings = collect(
            settings.root,
            entries,
            catalogue=known,
            limits=limits,
            pool=pool,
            progress=settings.progress,
            cache=kept,
        )
    if isinstance(kept, Cache):
        kept.save()
    with _timed(settings, "assemble and advise"):
        inventory = _inventory(settings, readings, repository, policy)
    told = signed.findings(
        policy,
        inventory.components,
        root=settings.root,
        files=entries,
        readings=readings,
        read_key=lambda name: read_at_base(settings, repository, base, name),
    )
    inventory = _with(inventory, told)
    links = {e.path: e.raw for e in entries if isinstance(e, File) and discover.escape_path(e.raw) != e.path}
    with _timed(settings, "compare with the base"):
        compared = None
        if base and repository:
            compared = compare.compared(
                settings,
                repository,
                base,
                policy,
                readings,
                links,
                read=lambda folder: collect(folder, discover.walk(folder), catalogue=known, limits=limits, pool=pool),
                assembled=lambda those, changed: _with(
                    _inventory(settings, those, repository, policy), signed.untouched(told, changed)
                ),
                limits=limits,
            )
    verdict = judge.judge(policy, inventory, today=settings.today, base=compared, policy_source=source)
    before = compared.inventory if compared else None
    changes = None if before is None else diff_inventory.changes(before, inventory)
    verdict = dataclasses.replace(verdict, notes=settings.notes + verdict.notes, changes=changes)
    return Result(inventory=inventory, verdict=verdict)


def shard(settings: Settings, index: int, of: int, folder: Path, pool: Pool) -> int:
    """Reads one of `of` shares of the tree and writes what it saw into the folder, for `Settings.shards` of the scan
    that judges. Gives the number of files. Raises MlgateError as `scan` does.
    """
    with pool:
        repository = git.find(settings.root, trusted=settings.trusted)
        policy, _ = read_policy(settings, repository, _resolve(settings, repository))
        limits = _limits(settings, policy)
        head = repository.head()[0] if repository else ""
        recorder = Recorder(index, of, limits=_asked(limits), head=head)
        files = list(share(discover.walk(settings.root, repository), index, of))
        pool.start(len(files))
        collect(
            settings.root,
            files,
            catalogue=catalogue(),
            limits=limits,
            pool=pool,
            progress=settings.progress,
            cache=recorder,
            included=False,
        )
        return recorder.save(folder)


def _limits(settings: Settings, policy: Policy) -> Limits:
    limits = policy.limits.record()
    if settings.timeout is not None:
        limits = dataclasses.replace(limits, total=settings.timeout)
    return dataclasses.replace(limits, explain=settings.explain)


def _asked(limits: Limits) -> str:
    """The limits as far as they decide what a file that was read to its end says."""
    return repr(dataclasses.replace(limits, total=0, per_file=0))


def _kept(settings: Settings, repository: git.Repository | None, limits: Limits) -> Cache | Joined | None:
    if settings.shards:
        head = repository.head()[0] if repository else ""
        return Joined(settings.shards, limits=_asked(limits), head=head)
    return Cache(settings.cache, _asked(limits)) if settings.cache else None


def _with(inventory: Inventory, told: Iterable[Finding]) -> Inventory:
    found = tuple(sorted((*inventory.findings, *told), key=finding_order))
    return dataclasses.replace(inventory, findings=found)


@contextlib.contextmanager
def _timed(settings: Settings, name: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    if settings.stage:
        settings.stage(name, time.perf_counter() - start)


def _resolve(settings: Settings, repository: git.Repository | None) -> str:
    """The base commit in full, or "" for none."""
    if not settings.base or settings.remote_base:
        return settings.base
    if repository is None:
        raise MlgateError(f"{str(settings.root)!r} is in no git repository, so there is no base to compare with.")
    return repository.resolve(settings.base)


def _inventory(
    settings: Settings, readings: Mapping[str, Reading], repository: git.Repository | None, policy: Policy
) -> Inventory:
    head, time = repository.head() if repository else ("", 0)
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    time = int(epoch) if epoch.isdecimal() else time
    whole = not settings.files
    inventory = assemble(readings, root=settings.root.resolve().name, head=head, timestamp=time, whole=whole)
    if not settings.advisories:
        return inventory
    source = lookup.AdvisorySource(
        url="" if settings.offline else settings.osv_url,
        database=settings.database,
        cache=settings.cache / "osv" if settings.cache else None,
        needs=conditions.needed(policy.dependencies),
        oldest=conditions.days(policy.dependencies.database_max_age),
        today=settings.today,
    )
    advice = lookup.lookup(inventory.components, source)
    return dataclasses.replace(
        inventory,
        findings=tuple(sorted((*inventory.findings, *advice.findings), key=finding_order)),
        vulnerabilities=advice.vulnerabilities,
        advisory_source=advice.source,
    )
