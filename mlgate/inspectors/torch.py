"""torch's files: the ZIP of torch.save since 1.6, TorchScript, and the legacy stream."""

from __future__ import annotations

from collections.abc import Iterator

from mlgate import rules as catalogue
from mlgate.errors import Incomplete
from mlgate.inspectors import _torchscript, _ziprules
from mlgate.inspectors._legacy import Storage, scan_legacy, storages
from mlgate.inspectors._zipdir import Member, family
from mlgate.inspectors._zipwalk import Walk
from mlgate.pickles.scan import Scan
from mlgate.pickles.sniff import is_torch_legacy
from mlgate.records import Artifact, Category, Component, Inspector, Kind, ModelFacts, Observation, Rule, Severity

STORAGE = Rule(
    id="MLG-MDL-002",
    title="A tensor's bytes are missing from the torch archive",
    severity=Severity.MEDIUM,
    category=Category.MODEL_FILE,
    help="The pickle refers to a storage that the archive does not hold, or that is shorter than the pickle says. "
    "Loading fails, or a reader without checks reads memory that is not the file's.",
    remediation="Get the file again from its source and compare the hashes.",
    cwe=("CWE-125", "CWE-1284"),
)


def claims(artifact: Artifact) -> bool:
    """Archives with torch's pickles in them, and files that begin with the legacy magic number."""
    if "zip" in artifact.formats and family(artifact.source) == "torch":
        return True
    return is_torch_legacy(artifact.source)


def inspect(artifact: Artifact) -> Iterator[Observation]:
    """The component, findings of the archive and its pickles, and members that are not torch's own."""
    if is_torch_legacy(artifact.source):
        yield from _component(artifact, "torch-legacy")
        yield from scan_legacy(artifact)
    if "zip" in artifact.formats and family(artifact.source) == "torch":
        yield from _archive(artifact)


def _component(artifact: Artifact, form: str) -> Iterator[Observation]:
    if artifact.depth == 0:
        yield Component(
            kind=Kind.MODEL, identity=f"file:{artifact.path}", name=artifact.name, model=ModelFacts(format=form)
        )


def _archive(artifact: Artifact) -> Iterator[Observation]:
    walk = Walk(artifact)
    members = walk.directory.members
    script = any(member.name.endswith(("/constants.pkl", "/bytecode.pkl")) for member in members)
    yield from _component(artifact, "torchscript" if script else "torch")
    yield from walk.checks()
    stopped: list[Incomplete] = []
    used: dict[str, Storage] = {}
    for member in members:
        if member.name.endswith(".pkl"):
            yield from _pickle(walk, member, used, stopped, script=script)
    yield from _storages(artifact, members, used)
    for member in members:
        if not member.name.endswith(".pkl") and not _is_own(member, used, script=script):
            try:
                yield from walk.open(member)
            except Incomplete as stop:
                stopped.append(stop)
                if walk.budget.left <= 0:
                    break
    for member in members if script else ():
        yield from _code(walk, member, stopped)
    if stopped:
        raise stopped[0]
    walk.finish()


def _pickle(
    walk: Walk, member: Member, used: dict[str, Storage], stopped: list[Incomplete], *, script: bool
) -> Iterator[Observation]:
    """One pickle of the archive; what stopped it is kept for the end, so that the others are looked at too."""
    folder = member.name.rsplit("/", 1)[0]
    try:
        for item in walk.open(member):
            if not isinstance(item, Artifact):
                yield item
                continue
            scan = Scan(item, torch=True, safe_prefixes=("__torch__",) if script else ())
            try:
                yield from scan.findings()
            finally:
                if scan.begun:
                    found = storages(scan.judge.window, scan.judge.persistent)
                    place = "constants" if member.name.endswith("/constants.pkl") else "data"
                    used.update({f"{folder}/{place}/{key}": storage for key, storage in found.items()})
    except Incomplete as stop:
        stopped.append(Incomplete(stop.reason, f"{stop.detail} (in {member.name[:100]})", offset=stop.offset))


def _code(walk: Walk, member: Member, stopped: list[Incomplete]) -> Iterator[Observation]:
    """What TorchScript's code, or its compiled form, does beyond computing."""
    reader = _torchscript.code if member.name.endswith(".py") else None
    if member.name.rsplit("/", 1)[-1] == "bytecode.pkl":
        reader = _torchscript.bytecode
    if reader is None:
        return
    try:
        for item in walk.open(member):
            if isinstance(item, Artifact):
                yield from reader(item)
    except Incomplete as stop:
        stopped.append(stop)


def _is_own(member: Member, used: dict[str, Storage], *, script: bool) -> bool:
    """Whether the member is what torch itself puts there, without its few markers: tensors, TorchScript's source."""
    if member.name in used:
        return True
    parts = member.name.split("/")
    return script and len(parts) > 2 and parts[1] == "code" and member.name.endswith((".py", ".debug_pkl"))


def _storages(artifact: Artifact, members: tuple[Member, ...], used: dict[str, Storage]) -> Iterator[Observation]:
    sizes = {member.name: member.size for member in members}
    said = 0
    for name, storage in sorted(used.items()):
        size = sizes.get(name)
        if size is not None and (storage.size is None or storage.size <= size):
            continue
        said += 1
        if said <= 20:
            what = "is missing" if size is None else f"has {size:,} bytes instead of {storage.size or 0:,}"
            message = f"The storage {name[:200]!r} {what}."
            yield catalogue.finding(STORAGE, artifact.at(), message, evidence=name[:200])


INSPECTOR = Inspector(
    name="torch",
    claims=claims,
    inspect=inspect,
    rules=(*_ziprules.RULES, STORAGE, _torchscript.FILES),
    suffixes=(".pt", ".pth", ".ckpt", ".bin", ".pt2", ".ptl", ".torchscript", ".jit", ".mar", ".pkl", ".pickle", ".p"),
    model=True,
    reads="The ZIP archives of torch.save and torch.jit.save, and the legacy stream: all pickles in them, storages "
    "against what the pickles say of them, operators in TorchScript code that reach files, and every member that torch "
    "does not write itself.",
    misses="What TorchScript code computes, and what operators of other packages than torch, torchvision and "
    "torchaudio do. The bytes of tensors are not interpreted. Archives that torch itself refuses are read all the "
    "same, so a finding does not say that torch would load the file.",
)
