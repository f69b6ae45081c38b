"""The stages, readable on one screen: discover, identify and inspect (in workers), assemble, advise, judge."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import posixpath
import stat
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from mlgate import discover, git, identify, judge, registry, rules, signed
from mlgate.advisories import lookup
from mlgate.assemble import Reading, assemble, finding_order
from mlgate.bom import diff_inventory
from mlgate.cache import Cache
from mlgate.collect import Progress, collect
from mlgate.errors import MlgateError
from mlgate.policy import conditions, load
from mlgate.policy.schema import Policy
from mlgate.records import Component, File, Finding, Include, Inventory, Kind, Limits, Rule, Verdict
from mlgate.sandbox import Pool, workers
from mlgate.signing import check
from mlgate.split import Joined, Recorder, share

POLICY_PLACES = (".mlgate.yml", ".github/mlgate.yml")
_LARGEST_POLICY = 1 << 20
_RENAMED = 1 << 20  # bytes of a file that is compared for renames
_RENAMES = 200  # files that are compared for renames; with more of them what moved is new, which is the careful side
_DECIDING = {
    ".gitattributes": "what git filters and hides in diffs",
    ".lfsconfig": "where Git LFS content comes from",
    ".gitmodules": "where submodules come from",
}


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
        read_key=lambda name: _read(settings, repository, base, name),
    )
    inventory = _with(inventory, told)
    links = {e.path: e.raw for e in entries if isinstance(e, File) and discover.escape_path(e.raw) != e.path}
    with _timed(settings, "compare with the base"):
        compared = _compared(settings, repository, base, policy, readings, links, known, limits, pool, told)
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


def read_policy(settings: Settings, repository: git.Repository | None, base: str) -> tuple[Policy, str]:
    """The policy and where it was read: at the base where there is one, never from what is being judged.

    Raises MlgateError when a named policy is not there, or when it is not valid.
    """
    if settings.remote_base:
        if settings.policy_text is None and settings.policy_file:
            raise _no_policy(settings.policy_file, base)
        if settings.policy_text is None:
            return load.preset("starter"), "preset starter"
        return load.load(
            settings.policy_text, settings.policy_source, settings.fetch
        ), f"{settings.policy_source} at {base[:12]}"
    places = (settings.policy_file,) if settings.policy_file else POLICY_PLACES
    for place in places:
        text = _read(settings, repository, base, place)
        if text is not None:
            return load.load(text, place, settings.fetch), f"{place} at {base[:12]}" if base else place
    if settings.policy_file:
        raise _no_policy(settings.policy_file, base)
    return load.preset("starter"), "preset starter"


def _no_policy(name: str, base: str) -> MlgateError:
    where = f" at the base {base[:12]}" if base else ""
    hint = "A policy takes effect when it is on the base." if base else "Give a path from the repository's root."
    return MlgateError(f"There is no policy {name!r}{where}.", hint)


def _read(settings: Settings, repository: git.Repository | None, base: str, place: str) -> str | None:
    if base and repository:
        data = repository.read(base, os.fsencode(place), _LARGEST_POLICY)
    else:
        data = _read_here(repository.top if repository else settings.root, place)
    if data is None:
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise MlgateError(f"The policy {place!r} is not UTF-8.", "Save it as UTF-8.") from None


def _read_here(top: Path, place: str) -> bytes | None:
    """The policy of a working tree; a link is refused, since what it points to may be anybody's."""
    path = Path(place) if Path(place).is_absolute() else top / place
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise MlgateError(f"The policy {place!r} cannot be read: {error.strerror}.", "Use a plain file.") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):  # before fdopen, which takes no folder
        os.close(descriptor)
        raise MlgateError(f"The policy {place!r} is no file.", "Use a plain file.")
    with os.fdopen(descriptor, "rb") as file:
        data = file.read(_LARGEST_POLICY + 1)
    if len(data) > _LARGEST_POLICY:
        raise MlgateError(f"The policy {place!r} is larger than {_LARGEST_POLICY:,} bytes.", "Make it smaller.")
    return data


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


def _compared(
    settings: Settings,
    repository: git.Repository | None,
    base: str,
    policy: Policy,
    readings: Mapping[str, Reading],
    links: Mapping[str, bytes],
    known: Mapping[str, Rule],
    limits: Limits,
    pool: Pool,
    told: tuple[Finding, ...],
) -> judge.Base | None:
    """What the base already had: the same stages over it, with the unchanged files' readings taken from the head."""
    if not base or repository is None:
        return None
    if settings.remote_base:
        everything = frozenset(discover.escape_path(entry.path) for entry in repository.index())
        gate = _gate(settings, repository, "", everything if settings.changed is None else settings.changed)
        return judge.Base(ref=base, changed=_shown(settings, repository, settings.changed), gate=gate)
    start = repository.fork_point(base, repository.head()[0])
    prefix = settings.root.resolve().relative_to(repository.top)
    changed = repository.changed(start)
    again = _looked_at_again(repository, prefix, changed, readings)
    folders = tuple(discover.escape_path(raw) + "/" for raw in again)  # a changed submodule is all of its content
    shown = {discover.escape_path(raw) for raw in again}
    wanted = {raw: raw for raw in again}
    for path, target in links.items():  # a link says what its target said, as long as it is the same link
        if target in again and path not in shown:
            shown.add(path)
            wanted[os.fsencode(path)] = target
    with tempfile.TemporaryDirectory(prefix="mlgate-base-") as name:
        folder = Path(name)
        whole = _materialise(repository, start, prefix, wanted, folder, limits)
        before = collect(folder, discover.walk(folder), catalogue=known, limits=limits, pool=pool)
    kept = {p: reading for p, reading in readings.items() if p not in shown and not p.startswith(folders)}
    inventory = _inventory(settings, {**kept, **before}, repository, policy)
    inventory = _with(inventory, signed.untouched(told, shown))
    after = [reading for path, reading in readings.items() if path not in kept]
    whole = whole and all(path in kept or path in shown for path in readings)  # a moved submodule has no content here
    return judge.Base(
        ref=base,
        fingerprints=judge.fingerprints(policy, inventory),
        places=judge.places(policy, inventory),
        renamed=_renamed(repository, start, prefix, changed, readings),
        gate=_gate(settings, repository, start, frozenset(discover.escape_path(raw) for raw in changed)),
        inventory=inventory if whole and not _cut_short((*before.values(), *after)) else None,
    )


def _renamed(
    repository: git.Repository, start: str, prefix: Path, changed: frozenset[bytes], readings: Mapping[str, Reading]
) -> dict[str, str]:
    """New path to old one of renamed text files about which something is said."""
    inside = {discover.escape_path(raw): path for path in changed if (raw := _below(prefix, path)) is not None}
    about = {p: raw for p, raw in inside.items() if p in readings and _speaks(readings[p])}
    kinds = {posixpath.splitext(path)[1] for path in about}
    gone = {p: raw for p, raw in inside.items() if p not in readings and posixpath.splitext(p)[1] in kinds}
    if not (about and gone) or len(about) + len(gone) > _RENAMES:
        return {}
    names = {raw: path for path, raw in inside.items()}
    found = repository.renamed(start, {*about.values(), *gone.values()})
    return {names[new]: names[old] for new, old in found.items() if new in names and old in names}


def _speaks(reading: Reading) -> bool:
    """Whether something is told of a file by its path; of a model file it is told by its bytes."""
    models = (line for line in reading.lines if isinstance(line, Component) and line.kind is Kind.MODEL)
    small = reading.scanned is not None and reading.scanned.size <= _RENAMED
    return small and bool(reading.lines) and not any(models)


def _cut_short(readings: Iterable[Reading]) -> bool:
    """Whether a file was not read for reasons outside of it: what it names is then not known, and not gone."""
    return any(
        isinstance(line, Finding) and line.rule in judge.CIRCUMSTANCES for reading in readings for line in reading.lines
    )


def _looked_at_again(
    repository: git.Repository, prefix: Path, changed: frozenset[bytes], readings: Mapping[str, Reading]
) -> set[bytes]:
    """The paths below the folder whose base version has to be read: changed ones, and what a change elsewhere reaches.

    New attributes can change how git writes any file, so then it is all of them. A file that is read because another
    one includes it says what it says by that inclusion, so both are read again.
    """
    paths = changed
    if any(raw.rpartition(b"/")[2] == b".gitattributes" for raw in changed):
        paths |= {entry.path for entry in repository.index()}
    inside = {path for path in (_below(prefix, raw) for raw in paths) if path is not None}
    for reading in readings.values():
        for line in reading.lines:
            if isinstance(line, Include):
                inside |= {os.fsencode(line.path), os.fsencode(line.location.path)}
    return inside


def _shown(settings: Settings, repository: git.Repository, paths: frozenset[str] | None) -> frozenset[str] | None:
    """Repository paths as seen from the scanned folder."""
    if paths is None or any("\ufffd" in path for path in paths):
        return None  # the API cannot say such a name, so it cannot be told from others
    prefix = settings.root.resolve().relative_to(repository.top)
    inside = (_below(prefix, path.encode()) for path in paths)
    return frozenset(discover.escape_path(raw) for raw in inside if raw is not None)


def _gate(
    settings: Settings, repository: git.Repository, base: str, changed: frozenset[str]
) -> tuple[tuple[str, str], ...]:
    """(path, what it is) of changed files that decide about changes, or about what is checked out."""
    found = []
    for path in sorted(changed):
        name = path.rpartition("/")[2]
        if path in POLICY_PLACES or path == posixpath.normpath(settings.policy_file or "/"):
            found.append((path, "the policy"))
        elif name in _DECIDING:
            found.append((path, _DECIDING[name]))
        elif path.startswith(".github/") and path.endswith((".yml", ".yaml")) and _mentions(repository, base, path):
            found.append((path, "a workflow or action that runs mlgate"))
    return tuple(found)


def _mentions(repository: git.Repository, base: str, path: str) -> bool:
    """Whether a workflow speaks of mlgate before or after the change; a removed or renamed one counts too."""
    before = repository.read(base, path.encode(), _LARGEST_POLICY) if base else None
    after = b""
    file = repository.top / path
    if file.is_file() and not file.is_symlink():
        with file.open("rb") as opened:
            after = opened.read(_LARGEST_POLICY)
    return b"mlgate" in (before or b"") + after


def _below(prefix: Path, raw: bytes) -> bytes | None:
    """A repository path as seen from the scanned folder, or None when it is elsewhere."""
    start = b"" if prefix == Path() else os.fsencode(prefix) + b"/"
    return raw[len(start) :] if raw.startswith(start) else None


def _materialise(
    repository: git.Repository,
    commit: str,
    prefix: Path,
    wanted: Mapping[bytes, bytes],
    folder: Path,
    limits: Limits,
) -> bool:
    """Writes the base's versions (values of `wanted`) under names (its keys) that cannot leave the folder.

    Says whether all that the base has of them was written.
    """
    whole = True
    start = b"" if prefix == Path() else os.fsencode(prefix) + b"/"
    found = {
        path: (name, size)
        for path, name, size in repository.blobs(commit, sorted({start + w for w in wanted.values()}))
    }
    for raw, source in sorted(wanted.items()):
        name, size = found.get(start + source, ("", 0))
        if not name or size > limits.file or any(part in {b"", b".", b".."} for part in raw.split(b"/")):
            whole = whole and not name
            continue  # the head's findings there count as new, which is the careful side
        target = Path(folder, os.fsdecode(raw))
        target.parent.mkdir(parents=True, exist_ok=True)
        repository.save(name, target)
    return whole
