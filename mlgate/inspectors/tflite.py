"""TFLite (LiteRT) models, and the bundles that hold them: MediaPipe's .task and LiteRT-LM's .litertlm.

tensorflow/lite/schema/schema.fbs and metadata_schema.fbs; litert-lm schema/core/litertlm_header_schema.fbs.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlgate import rules
from mlgate.errors import Incomplete
from mlgate.identify import HEAD, identify
from mlgate.inspectors import _tensorflow_ops as ops
from mlgate.inspectors._flatbuffers import Buffer
from mlgate.inspectors._model_metadata import SHARED_RULES, component, judge_metadata, not_it, shown
from mlgate.inspectors._tensorflow_flow import escape
from mlgate.inspectors._tensorflow_known import KNOWN
from mlgate.inspectors._tensorflow_rules import CODE, FILES, NETWORK, OPAQUE
from mlgate.inspectors._tflite_model import Lite, read_model
from mlgate.records import Artifact, Category, Component, Finding, Inspector, ModelFacts, Observation, Rule, Severity
from mlgate.sources import SliceSource

_TOLD = 20
_SECTIONS = 10_000
_RULES = {ops.FILES: FILES, ops.CODE: CODE, ops.NETWORK: NETWORK, ops.OPAQUE: OPAQUE}
# Custom operators that TFLite's own runtime has (tensorflow/lite/kernels, core/create_op_resolver).
_OWN = frozenset(
    {
        "Mfcc", "AudioSpectrogram", "TFLite_Detection_PostProcess", "NumericVerify", "Multinomial", "RandomUniform",
        "RandomStandardNormal", "Roll", "Irfft2d", "Rfft2d", "Sign", "AvgPool3D", "MaxPool3D", "ReduceWindow",
        "RngBitGenerator", "HashTableV2", "LookupTableFindV2", "LookupTableImportV2", "LookupTableSizeV2",
    }
)  # fmt: skip

CUSTOM = Rule(
    id="MLG-MDL-080",
    title="TFLite model that needs custom operators",
    severity=Severity.MEDIUM,
    category=Category.MODEL_FILE,
    help="The model uses operators that TFLite's own runtime does not have, or code compiled for an accelerator. To "
    "run it, somebody has to load a native library that mlgate has not seen.",
    remediation="Find out which library has the operators, and review and pin it like a dependency.",
    cwe=("CWE-829",),
    atlas=("AML.T0010",),
)
LAYOUT = Rule(
    id="MLG-MDL-081",
    title="TFLite model that lies about its data",
    severity=Severity.HIGH,
    category=Category.MODEL_FILE,
    help="An index points to a tensor, buffer or operator that is not there, or a tensor's data has another size than "
    "its type and shape say. Runtimes without the verifier read and write memory that is not the model's "
    "(CVE-2020-15211, CVE-2020-15212, CVE-2020-15214).",
    remediation="Convert the model again from its source with a current converter.",
    cwe=("CWE-125", "CWE-129", "CWE-787"),
)
OUTSIDE = Rule(
    id="MLG-MDL-082",
    title="TFLite model that names files outside of its folder",
    severity=Severity.HIGH,
    category=Category.MODEL_FILE,
    help="Weights that are kept in another file, or files that the metadata describes, are at an absolute path or "
    "above the model's folder.",
    remediation="Convert the model again with its weights beside it.",
    cwe=("CWE-22", "CWE-73"),
    atlas=("AML.T0010",),
)


def _is_bundle(artifact: Artifact) -> bool:
    return "zip" in artifact.formats and artifact.name.lower().endswith(".task")


def _claims(artifact: Artifact) -> bool:
    name = artifact.name.lower()
    named = name.endswith((".tflite", ".litertlm")) or _is_bundle(artifact)
    return named or "tflite" in artifact.formats or artifact.head[:8] == b"LITERTLM"


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    if artifact.head[:8] == b"LITERTLM":
        yield from _sections(artifact)
    elif "tflite" in artifact.formats:
        yield from _model(artifact)
    elif _is_bundle(artifact):
        # the archive's reader gives back the models inside
        yield component(artifact, ModelFacts(format="mediapipe-task"))
    else:
        yield from not_it(artifact, "tflite")


def _model(artifact: Artifact) -> Iterator[Observation]:
    lite = Lite()
    buffer = Buffer(artifact.source)
    stop = None
    try:
        read_model(buffer, lite)
    except Incomplete as error:
        stop = error
    facts: list[tuple[str, str]] = []
    licences: list[str] = []
    try:
        facts, licences, files = _described(artifact, lite)
    except Incomplete as error:
        stop = stop or error
        files = []
    yield _component(artifact, lite, facts, licences)
    yield from judge_metadata(artifact, "metadata", [*facts, ("description", lite.description)])
    yield from _operators(artifact, lite)
    for reason in lite.lies:
        yield rules.finding(LAYOUT, artifact.at(), f"{shown(reason[:1].upper() + reason[1:])}.", evidence=shown(reason))
    for name in [*lite.external, *files][:1000]:
        reason = escape(name)
        if reason:
            message = f"The model names the file {shown(name, 150)!r}, which {reason}."
            yield rules.finding(OUTSIDE, artifact.at(), message, evidence=shown(name, 150))
    if stop is not None:
        raise stop


def _operators(artifact: Artifact, lite: Lite) -> Iterator[Finding]:
    unknown: list[str] = []
    for name in sorted(lite.custom):
        op = name.removeprefix("Flex") if name.startswith("Flex") else ""
        found = ops.judged(op) or _named_file(op)
        if found is not None:
            yield from _told(artifact, op, found, name)
        elif (op not in KNOWN) if op else name not in _OWN:
            unknown.append(shown(name, 100))
    for op, name in sorted(lite.inside.items()):
        if name != f"Flex{op}":
            found = ops.judged(op) or _named_file(op)
            if found is not None:
                yield from _told(artifact, op, found, name)
    for url, name in sorted(lite.told.items()):
        message = f"The operator {shown(name, 80)!r} is told to use {shown(url, 150)!r}."
        rule = NETWORK if url.startswith("grpc") else FILES
        yield rules.finding(rule, artifact.at(), message, evidence=f"{shown(name, 60)} {shown(url, 150)}")
    unknown += [f"a call of {shown(target, 80)!r}" for target in sorted(lite.targets)]
    if unknown:
        more = f" and {len(unknown) - _TOLD} more" if len(unknown) > _TOLD else ""
        which = ", ".join(unknown[:_TOLD]) + more
        yield rules.finding(CUSTOM, artifact.at(), f"Not TFLite's own: {which}.", evidence=which[:300])


def _named_file(op: str) -> tuple[str, str] | None:
    return (ops.FILES, f"{ops.SINKS[op][1]} a file") if op in ops.SINKS else None


def _told(artifact: Artifact, op: str, found: tuple[str, str], name: str) -> Iterator[Finding]:
    kind, does = found
    message = f"The TensorFlow operator {shown(op, 60)} {does}; the model runs it as {shown(name, 80)!r}."
    severity = Severity.MEDIUM if op in ops.MILD else None
    yield rules.finding(_RULES[kind], artifact.at(), message, evidence=f"Flex {shown(op, 60)}", severity=severity)


def _described(artifact: Artifact, lite: Lite) -> tuple[list[tuple[str, str]], list[str], list[str]]:
    """TFLITE_METADATA's facts, licences and the names of associated files (metadata_schema.fbs, "M001")."""
    facts: list[tuple[str, str]] = []
    licences: list[str] = []
    files: list[str] = []
    for name, start, length in lite.metadata:
        if name != "TFLITE_METADATA" or length < 8:
            continue
        inner = Buffer(SliceSource(artifact.source, start, length), looks=200_000)
        root = inner.root()
        for number, key in ((0, "name"), (1, "description"), (2, "version"), (4, "author"), (5, "license")):
            if text := root.text(number, 5000):
                facts.append((key, text))
        licences += [root.text(5, 200)]
        # where a ModelMetadata, a SubGraphMetadata and a TensorMetadata keep their associated files
        holders = [(root, 6)]
        for graph in root.vector(3).tables():
            holders.append((graph, 4))
            for number in (2, 3):
                holders += [(tensor, 6) for tensor in graph.vector(number).tables()]
        for table, place in holders:
            files += [item.text(0, 500) for item in table.vector(place).tables()]
    return facts, licences, files[:1000]


def _component(artifact: Artifact, lite: Lite, facts: list[tuple[str, str]], licences: list[str]) -> Component:
    kinds = ", ".join(f"{name}: {count}" for name, count in sorted(lite.types.items()))
    told = dict(facts)
    model = ModelFacts(
        format="tflite",
        architecture=shown(told.get("name", ""), 200),
        quantization=lite.types.most_common(1)[0][0] if lite.types else "",
        parameters=lite.parameters or None,
        inputs=tuple(shown(text, 200) for text in lite.inputs),
        outputs=tuple(shown(text, 200) for text in lite.outputs),
        other=(
            ("description", shown(lite.description, 200)),
            ("version", shown(told.get("version", ""), 100)),
            ("graphs", str(lite.subgraphs)),
            ("operators", str(lite.builtin.total() + lite.custom.total())),
            ("custom-operators", ", ".join(shown(name, 60) for name in sorted(lite.custom)[:_TOLD])),
            ("tensors", kinds),
            ("signatures", ", ".join(shown(name, 60) for name in lite.signatures)),
            ("author", shown(told.get("author", ""), 200)),
        ),
    )
    pairs = tuple(("tflite:external-weights", shown(name, 200)) for name in lite.external[:_TOLD])
    return component(artifact, model, licenses=licences, properties=pairs)


def _sections(artifact: Artifact) -> Iterator[Observation]:
    """LiteRT-LM: a header in FlatBuffers with the places of the sections, which are looked at as files."""
    head = artifact.head
    if len(head) < 32:
        raise Incomplete("truncated", "the header ends early")
    major = int.from_bytes(head[8:12], "little")
    end = int.from_bytes(head[24:32], "little")
    if major != 1:
        raise Incomplete("unsupported", f"LiteRT-LM format version {major}")
    if not 32 < end <= artifact.source.size:
        raise Incomplete("truncated", f"the header ends at {end:,} of {artifact.source.size:,} bytes")
    yield component(artifact, ModelFacts(format="litertlm"))
    header = Buffer(SliceSource(artifact.source, 32, end - 32), looks=1_000_000).root().table(1)
    sections = header.vector(0) if header else None
    if sections is None or not sections.count:
        raise Incomplete("malformed", "there are no sections")
    if sections.count > _SECTIONS:
        raise Incomplete("limit", f"more than {_SECTIONS:,} sections")
    for number, section in enumerate(sections.tables()):
        begin, stop = section.integer(1, "Q"), section.integer(2, "Q")
        if not end <= begin <= stop <= artifact.source.size:
            raise Incomplete("truncated", f"section {number} is at {begin:,} to {stop:,}", offset=begin)
        inside = SliceSource(artifact.source, begin, stop - begin)
        first = inside.read_at(0, HEAD)
        formats = identify(inside, first)
        name = f"section{number}" + (".tflite" if "tflite" in formats else "")
        yield Artifact(
            path=artifact.path,
            name=name,
            source=inside,
            head=first,
            formats=formats,
            member=f"{artifact.member}!{name}" if artifact.member else name,
            depth=artifact.depth + 1,
            limits=artifact.limits,
        )


INSPECTOR = Inspector(
    name="tflite",
    claims=_claims,
    inspect=_inspect,
    rules=(CUSTOM, LAYOUT, OUTSIDE, FILES, CODE, NETWORK, OPAQUE, *SHARED_RULES),
    suffixes=(".tflite", ".task", ".litertlm"),
    model=True,
    reads="TFLite (LiteRT) models, as strictly as TFLite's own verifier: every operator, tensor, buffer and signature "
    "of every graph, weights kept in other files, and the metadata with its description and associated files. Custom "
    "operators are named; operators that run in TensorFlow (`Flex`) are judged by what their options say they run. "
    "MediaPipe's `.task` bundles and LiteRT-LM's `.litertlm` files are taken apart and every model inside is read.",
    misses="What custom operators do, code compiled for an accelerator (`edgetpu-custom-op`, `DISPATCH_OP`), prompt "
    "templates in LiteRT-LM's metadata, and weights that decode wrongly on purpose.",
)
