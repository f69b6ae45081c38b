"""numpy's .npy, with pickles where the items are objects, and .npz, which is a ZIP of them."""

from __future__ import annotations

from collections.abc import Generator, Iterator

from mlgate import rules as catalogue
from mlgate.errors import Incomplete
from mlgate.inspectors import _ziprules
from mlgate.inspectors._npyheader import MAGIC, Header, read_header
from mlgate.inspectors._zipdir import family
from mlgate.inspectors._zipwalk import Walk
from mlgate.pickles.scan import Scan
from mlgate.records import Artifact, Category, Component, Inspector, Kind, ModelFacts, Observation, Rule, Severity
from mlgate.sources import SliceSource

_ARRAYS = 100_000

OBJECTS = Rule(
    id="MLG-MDL-003",
    title="Array file holds pickled objects",
    severity=Severity.LOW,
    category=Category.MODEL_FILE,
    help="The array's items are Python objects, so the file holds a pickle and is read only with `allow_pickle=True`, "
    "which runs it. What the pickle does is reported by itself.",
    remediation="Store numbers and text as arrays of their own types, and load with `allow_pickle=False`.",
    cwe=("CWE-502",),
    atlas=("AML.T0011.000",),
)
SIZE = Rule(
    id="MLG-MDL-004",
    title="Array file is longer than its array",
    severity=Severity.LOW,
    category=Category.MODEL_FILE,
    help="Bytes follow the array that its header describes. numpy ignores them; another reader may not.",
    remediation="Save the array again with numpy.save and compare the sizes.",
    cwe=("CWE-646",),
)


def claims(artifact: Artifact) -> bool:
    """Files with the NPY magic, and archives of nothing but .npy members."""
    return artifact.head[:6] == MAGIC or ("zip" in artifact.formats and family(artifact.source) == "npz")


def _component(artifact: Artifact, form: str, other: tuple[tuple[str, str], ...] = ()) -> Iterator[Observation]:
    if artifact.depth == 0:
        yield Component(
            kind=Kind.MODEL,
            identity=f"file:{artifact.path}",
            name=artifact.name,
            model=ModelFacts(format=form, other=other),
        )


def inspect(artifact: Artifact) -> Iterator[Observation]:
    """The component and what is odd. Raises Incomplete (truncated, malformed, limit)."""
    if artifact.head[:6] == MAGIC:
        yield from _array(artifact)
    if "zip" in artifact.formats and family(artifact.source) == "npz":
        yield from _archive(artifact)


def _array(artifact: Artifact) -> Iterator[Observation]:
    source = artifact.source
    try:
        header = read_header(source)
    except Incomplete:
        yield from _component(artifact, "npy")
        raise
    shape = ",".join(map(str, header.shape))
    yield from _component(artifact, "npy", (("dtype", header.descr), ("shape", f"({shape})")))
    at = yield from _content(artifact, header, 0)
    for _ in range(_ARRAYS):  # numpy.save to an open file puts one array behind the other, and numpy.load reads on
        if source.read_at(at, len(MAGIC)) != MAGIC:
            break
        at += yield from _content(artifact, read_header(SliceSource(source, at, source.size - at)), at)
    else:
        raise Incomplete("limit", f"more than {_ARRAYS:,} arrays in one file", offset=at)
    if at < source.size:
        message = f"{source.size - at:,} bytes follow the array."
        yield catalogue.finding(SIZE, artifact.at(offset=at), message, evidence="data after the array")
        yield from Scan(artifact).hidden(at)


def _content(artifact: Artifact, header: Header, start: int) -> Generator[Observation, None, int]:
    """What is to be said of one array that begins at `start`; returns its length. Raises Incomplete."""
    source = artifact.source
    if header.objects:
        message = "The array's items are pickled objects."
        yield catalogue.finding(OBJECTS, artifact.at(offset=start), message, evidence="objects")
        scan = Scan(artifact, start=start + header.data, streams=1)
        yield from scan.findings()
        return scan.end - start
    left = source.size - start - header.data - header.size
    if left < 0:
        raise Incomplete("truncated", f"{-left:,} bytes of the array are missing", offset=source.size)
    return header.data + header.size


def _archive(artifact: Artifact) -> Iterator[Observation]:
    walk = Walk(artifact)
    yield from _component(artifact, "npz")
    yield from walk.checks()
    stopped: list[Incomplete] = []
    for member in walk.directory.members:
        try:
            yield from walk.open(member)
        except Incomplete as stop:
            stopped.append(stop)
            if walk.budget.left <= 0:
                break
    if stopped:
        raise stopped[0]
    walk.finish()


INSPECTOR = Inspector(
    name="numpy",
    claims=claims,
    inspect=inspect,
    rules=(*_ziprules.RULES, OBJECTS, SIZE),
    suffixes=(".npy", ".npz"),
    model=True,
    reads="The header of `.npy` files, without eval, all arrays that follow each other in a file, and the pickles of "
    "arrays of objects; `.npz` archives with all members.",
    misses="The numbers in the arrays are not looked at.",
)
