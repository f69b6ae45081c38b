"""The policy as records; the JSON Schema, the loader's checks and the reference in docs/policy.md come from them."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from mlgate.policy.elements import ModelElement
from mlgate.records import Limits, Severity

Decide = Literal["block", "warn", "note"]
Threshold = Literal["critical", "high", "medium", "low", "info", "never"]
Duration = Annotated[str, Meta(pattern=r"^[0-9]{1,6}(s|m|h)$", description="Seconds, minutes or hours, such as 90s.")]
Size = Annotated[str, Meta(pattern=r"^[0-9]{1,6}(B|KiB|MiB|GiB)$", description="Bytes with a unit, such as 20GiB.")]
Extends = Annotated[
    str,
    Meta(
        pattern=r"^(starter|strict|[A-Za-z0-9][A-Za-z0-9-]{0,98}/[A-Za-z0-9._-]{1,100}/"
        r"[A-Za-z0-9._-]{1,100}(/[A-Za-z0-9._-]{1,100}){0,9}\.ya?ml@[0-9a-f]{40})$",
        description="What unnamed keys come from: starter, strict, or another repository's policy at a full commit, "
        "OWNER/REPO/PATH.yml@<40-hex sha>, which itself extends a preset.",
    ),
]
Days = Annotated[str, Meta(pattern=r"^([0-9]{1,4}d)?$", description="Days, such as 7d.")]
Day = Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", description="YYYY-MM-DD.")]
_UNITS = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "s": 1, "m": 60, "h": 3600}


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """A table of the policy: kebab-case keys, nothing unknown."""


class Scope(_Part, frozen=True, kw_only=True):
    """What is enforced when the run is compared with a base."""

    enforce: Annotated[
        Literal["changed", "all"],
        Meta(description="`changed`: only findings that the base does not have block. `all`: every finding does."),
    ] = "changed"
    report: Annotated[
        Literal["all", "changed"],
        Meta(description="`changed`: what was there before and blocks nothing is left out of the reports."),
    ] = "all"
    always_enforce: Annotated[
        tuple[Literal["malicious", "incomplete", "policy-change"], ...],
        Meta(description="What is enforced even where it is not new."),
    ] = ("malicious", "incomplete", "policy-change")


class FailOn(_Part, frozen=True, kw_only=True):
    """From which severity a finding blocks, where no other key speaks; `never` only warns."""

    model_file: Threshold = "high"
    unsafe_code: Threshold = "high"
    dependency: Threshold = "high"
    license: Threshold = "medium"
    dataset: Threshold = "medium"
    lineage: Threshold = "high"


class LimitsTable(_Part, frozen=True, kw_only=True):
    """Budgets; what runs into one is incomplete."""

    total: Annotated[Duration, Meta(extra_json_schema={"title": "whole run"})] = "900s"
    per_file: Duration = "120s"
    file: Size = "20GiB"
    unpacked: Size = "4GiB"
    ratio: Annotated[int, Meta(ge=1, le=100_000, description="Largest expansion of compressed content.")] = 100
    depth: Annotated[int, Meta(ge=1, le=32, description="Deepest nesting of archives.")] = 4

    def record(self) -> Limits:
        """The limits in seconds and bytes."""
        return Limits(
            total=_number(self.total),
            per_file=_number(self.per_file),
            file=_number(self.file),
            unpacked=_number(self.unpacked),
            ratio=self.ratio,
            depth=self.depth,
        )


def _number(text: str) -> int:
    match = re.fullmatch(r"(\d+)(\w+)", text)
    if match is None:
        raise ValueError(f"{text!r} has no unit")
    return int(match[1]) * _UNITS[match[2]]


Format = Literal[
    "pickle",
    "torch",
    "boosting",
    "caffe",
    "coreml",
    "executorch",
    "flax",
    "gguf",
    "hdf5",
    "keras",
    "llamafile",
    "mlflow",
    "mxnet",
    "native",
    "nemo",
    "numpy",
    "onnx",
    "onnxruntime",
    "openvino",
    "paddle",
    "pmml",
    "r",
    "safetensors",
    "skops",
    "spacy",
    "tensorflow",
    "tfcheckpoint",
    "tfjs",
    "tflite",
]


class Denied(_Part, frozen=True, kw_only=True):
    """A denied format and the paths where it is let be."""

    format: Format
    except_: Annotated[tuple[str, ...], Meta(description="Globs of paths, `**` for any depth.")] = msgspec.field(
        default=(), name="except"
    )


class Formats(_Part, frozen=True, kw_only=True):
    """Formats of model files, by content, also inside of archives; `pickle` is all that unpickles (torch, joblib)."""

    allow: Annotated[tuple[Format, ...], Meta(description="When not empty, every other format is a finding.")] = ()
    deny: tuple[Denied, ...] = ()


class Pickle(_Part, frozen=True, kw_only=True):
    """Globals that are neither known safe nor known dangerous."""

    unknown_globals: Annotated[Decide, Meta(description="Classes: imported, instantiated, given state.")] = "warn"
    unknown_calls: Annotated[Decide, Meta(description="Functions that the file calls with its own arguments.")] = (
        "block"
    )
    allow_globals: Annotated[tuple[str, ...], Meta(description="Exact names, such as mycorp.nn.Encoder.")] = ()


class Sources(_Part, frozen=True, kw_only=True):
    """Where hub models may come from, as globs over identities such as `hf:google/*`."""

    allow: Annotated[tuple[str, ...], Meta(description="When not empty, every other source is a finding.")] = ()
    deny: tuple[str, ...] = ()


class ChatTemplate(_Part, frozen=True, kw_only=True):
    """Chat templates in model files and beside them."""

    changed: Annotated[Decide, Meta(description="Another template or tokenizer for a model that was there.")] = "warn"
    unsafe_jinja: Decide = "block"


class Lineage(_Part, frozen=True, kw_only=True):
    """Where models come from."""

    base_model_declared: Annotated[Decide, Meta(description="Adapters that name no base model.")] = "warn"
    public_base: Annotated[Decide, Meta(description="Models made from one that anybody can download.")] = "note"
    weights_changed_alone: Annotated[
        Decide, Meta(description="Other bytes of a model, and no change that explains them.")
    ] = "warn"
    unpinned_dataset: Annotated[Decide, Meta(description="Training data that nothing fixes.")] = "note"
    license_conflict: Annotated[
        Decide, Meta(description="A model's licence that drops the terms of its base or its data.")
    ] = "warn"


ModelFact = Literal["license", "revision-sha", "sha256", "source"]
ModelPaper = Literal["model-card", "provenance"]
DatasetFact = Literal["license", "revision-sha", "source"]


class SigstoreIdentity(_Part, frozen=True, kw_only=True):
    """Who Sigstore's certificate names, and who vouched for that."""

    identity: Annotated[str, Meta(min_length=3, description="An e-mail address, or a workflow's address.")]
    issuer: Annotated[str, Meta(min_length=8, description="Such as https://token.actions.githubusercontent.com.")]


class SigningKey(_Part, frozen=True, kw_only=True):
    """A key of the curves P-256, P-384 or P-521."""

    public_key: Annotated[str, Meta(min_length=1, description="A PEM file of the repository, read at the base.")]


class Signature(_Part, frozen=True, kw_only=True):
    """Models that have to be signed (OpenSSF Model Signing), by an identity or a key: one of the two."""

    models: Annotated[tuple[str, ...], Meta(min_length=1, description="Globs of paths, `**` for any depth.")]
    sigstore: SigstoreIdentity | None = None
    key: SigningKey | None = None


class Models(_Part, frozen=True, kw_only=True):
    """Model files and hub models."""

    formats: Formats = Formats()
    pickle: Pickle = Pickle()
    sources: Sources = Sources()
    require: Annotated[
        tuple[ModelFact | ModelPaper | ModelElement, ...],
        Meta(
            description="What every model must have: a licence, a commit as revision, a SHA-256, a known source; a "
            "`model-card` and `provenance` (a base model or training data that is named), of models whose files are "
            "here; or elements of G7's and OWASP's lists, as `mlgate bom --completeness` names them."
        ),
    ] = ()
    signature: Annotated[
        tuple[Signature, ...], Meta(description="Who has to have signed which models; checked without network.")
    ] = ()
    lineage: Lineage = Lineage()
    chat_template: ChatTemplate = ChatTemplate()


class Datasets(_Part, frozen=True, kw_only=True):
    """Datasets that code loads or the repository holds."""

    require: tuple[DatasetFact, ...] = ()
    url_without_checksum: Annotated[
        Decide, Meta(description="Datasets from an address, and nothing fixes their bytes.")
    ] = "note"
    loading_script: Annotated[Decide, Meta(description="Datasets whose own code runs when they are loaded.")] = "block"


class Licenses(_Part, frozen=True, kw_only=True):
    """Licences of models, datasets and packages, as far as they are stated: SPDX ids or names, globs allowed."""

    allow: Annotated[tuple[str, ...], Meta(description="When not empty, every other licence is denied.")] = ()
    review: Annotated[tuple[str, ...], Meta(description="Licences that a person has to look at: a warning.")] = ()
    deny: tuple[str, ...] = ()
    unknown: Annotated[Decide, Meta(description="Models and datasets without a stated licence.")] = "note"


class Code(_Part, frozen=True, kw_only=True):
    """Code that loads models and data."""

    torch_load_unsafe: Decide = "block"
    pickle_load: Decide = "warn"
    trust_remote_code: Decide = "block"
    unpinned_hub_load: Decide = "warn"
    yaml_load: Decide = "block"
    numpy_allow_pickle: Decide = "warn"
    torch_hub: Decide = "warn"
    keras_unsafe: Decide = "block"


class Condition(_Part, frozen=True, kw_only=True):
    """All that is named must hold; `kev` and `epss` need their files in the folder of `--db`."""

    kev: Annotated[
        bool,
        Meta(description="In CISA's catalogue of vulnerabilities that are being exploited."),
    ] = False
    cvss: Annotated[
        str, Meta(pattern=r"^((>=|>|<=|<|==)[0-9]{1,2}(\.[0-9])?)?$", description='The score, such as ">=9.0".')
    ] = ""
    epss: Annotated[
        str,
        Meta(
            pattern=r"^((>=|>|<=|<|==)[01](\.[0-9]{1,5})?)?$",
            description='FIRST\'s probability of exploitation in the next 30 days, such as ">=0.1".',
        ),
    ] = ""

    def __post_init__(self) -> None:
        """Raises ValueError for a condition that would hold for everything."""
        if not (self.kev or self.cvss or self.epss):
            raise ValueError("A condition names kev, cvss or epss")


class Dependencies(_Part, frozen=True, kw_only=True):
    """Packages."""

    malicious: Decide = "block"
    block_if: Annotated[
        tuple[Annotated[Condition, Meta(extra_json_schema={"minProperties": 1})], ...],
        Meta(description="Known vulnerabilities that block whatever `fail-on.dependency` says; one match is enough."),
    ] = ()
    no_score: Annotated[Decide, Meta(description="Known vulnerabilities that nobody scored.")] = "warn"
    extra_index_url: Decide = "block"
    unpinned: Decide = "note"
    unhashed: Decide = "note"
    mutable_vcs: Decide = "warn"
    url_without_hash: Decide = "warn"
    insecure_index: Decide = "block"
    outside_include: Decide = "warn"
    unresolved_version: Decide = "note"
    unread_manifest: Annotated[Decide, Meta(description="Manifests in formats that mlgate does not read.")] = "warn"
    typosquat: Annotated[
        Decide, Meta(description="Names of PyPI that look like another, much more downloaded package's.")
    ] = "warn"
    known_names: Annotated[
        tuple[str, ...], Meta(description="Names that are meant as they are, whatever they look like; globs allowed.")
    ] = ()
    internal_names: Annotated[
        tuple[str, ...],
        Meta(description="Names of packages of your own, such as mycorp-*, that no public index may answer to."),
    ] = ()
    internal_from_public: Annotated[
        Decide, Meta(description="Packages of such a name that a public index could provide.")
    ] = "block"
    database_max_age: Annotated[
        Days,
        Meta(
            description="Where advisories come from the offline database: one that was last updated before that many "
            "days is a finding. Days, such as 7d."
        ),
    ] = ""


class Analysis(_Part, frozen=True, kw_only=True):
    """What whoever waives a known vulnerability found out about it, in CycloneDX's words: the BOM says it as VEX."""

    state: Annotated[
        Literal["in_triage", "exploitable", "not_affected", "false_positive"],
        Meta(description="`not_affected` needs a justification."),
    ] = "in_triage"
    justification: Annotated[
        Literal[
            "",
            "code_not_present",
            "code_not_reachable",
            "requires_configuration",
            "requires_dependency",
            "requires_environment",
            "protected_by_compiler",
            "protected_at_runtime",
            "protected_at_perimeter",
            "protected_by_mitigating_control",
        ],
        Meta(description="Why the package's flaw is none here."),
    ] = ""
    response: Annotated[
        tuple[Literal["can_not_fix", "will_not_fix", "update", "rollback", "workaround_available"], ...],
        Meta(description="What is done about it; without one, `update` where a fixed version is known."),
    ] = ()


class Waiver(_Part, frozen=True, kw_only=True):
    """One accepted finding: an exact rule, a path or a purl, for model files the hash, who and until when."""

    rule: Annotated[str, Meta(pattern=r"^MLG-[A-Z]{3}-[0-9]{3}$")]
    path: str = ""
    purl: str = ""
    sha256: Annotated[
        str, Meta(pattern=r"^([0-9a-f]{64})?$", description="Of the file, so that it stays the same.")
    ] = ""
    reason: Annotated[str, Meta(min_length=3)]
    owner: Annotated[str, Meta(min_length=2)]
    expires: Day
    analysis: Annotated[Analysis | None, Meta(description="Of known vulnerabilities only.")] = None


class Waivers(_Part, frozen=True, kw_only=True):
    """Accepted findings; they stay visible and end by themselves."""

    max_days: Annotated[int, Meta(ge=1, le=3650, description="Waivers that end later than this do not work.")] = 90
    items: tuple[Waiver, ...] = ()


class Policy(_Part, frozen=True, kw_only=True):
    """What the repository accepts."""

    version: Literal[1]
    extends: Extends = "starter"
    mode: Annotated[Literal["block", "warn"], Meta(description="`warn`: nothing blocks, everything is told.")] = "block"
    scope: Scope = Scope()
    on_incomplete: Annotated[Decide, Meta(description="Files and sources that could not be looked at.")] = "block"
    policy_change: Annotated[
        Decide, Meta(description="Changes to the gate itself and to what decides what is read.")
    ] = "warn"
    fail_on: FailOn = FailOn()
    limits: LimitsTable = LimitsTable()
    models: Models = Models()
    datasets: Datasets = Datasets()
    licenses: Licenses = Licenses()
    code: Code = Code()
    dependencies: Dependencies = Dependencies()
    waivers: Waivers = Waivers()

    def overridden(self, *, mode: str = "", enforce: str = "") -> Policy:
        """The policy with `mode` and `scope.enforce` as given, where given."""
        scope = msgspec.structs.replace(self.scope, **({"enforce": enforce} if enforce else {}))
        return msgspec.structs.replace(self, scope=scope, **({"mode": mode} if mode else {}))

    def clause(self, path: str) -> Any:
        """The value under a dotted key such as `code.pickle-load`. Raises KeyError when there is no such key."""
        value: Any = self
        for key in path.split("."):
            kind = type(value)
            # not by structs.fields, which evaluates all annotations again at each call
            fields = dict(zip(kind.__struct_encode_fields__, kind.__struct_fields__, strict=True))
            value = getattr(value, fields[key])
        return value


def threshold(severity: Severity, least: Threshold) -> bool:
    """Whether a severity reaches a threshold."""
    return least != "never" and severity.rank >= Severity(least).rank


def json_schema() -> dict[str, Any]:
    """The policy's JSON Schema (2020-12)."""
    schema = msgspec.json.schema(Policy)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "mlgate policy"} | schema
