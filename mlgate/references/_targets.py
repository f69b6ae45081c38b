"""A loader's target text to an identity: hub repository, file of the repository, URL, or nothing that can be told."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from mlgate.identify import promised
from mlgate.records import Kind
from mlgate.references._addresses import drive, maker, shard
from mlgate.references._table import Loader

# huggingface_hub.utils._validators.REPO_ID_REGEX and validate_repo_id
_REPO_ID = re.compile(r"(?:[\w.-]+/)?[\w.-]{1,96}", re.ASCII)
# The hub's names without owner are in small letters; `WAV2VEC2_ASR_BASE_960H` is a key of another library's table.
_CONSTANT = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
# The hub's first models have no owner in their name; any other name without one is often a folder of somebody's.
FIRST = re.compile(
    r"(?:distil)?(?:bert|gpt2|roberta|t5|albert|xlnet|xlm|xlm-roberta|electra|openai-gpt|ctrl|transfo-xl)(?:-[\w.-]+)?"
)
_COMMIT = re.compile(r"[0-9a-fA-F]{40}")
_HUB_HOSTS = frozenset({"huggingface.co", "www.huggingface.co", "hf.co"})
_HUB_PREFIXES = ("hf-hub:", "hf_hub:", "hf://", "huggingface:")
_GITHUB = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]{0,38})/([\w.-]{1,100})", re.ASCII)
_KAGGLE = re.compile(r"([\w-]+)/([\w.-]+)(?:/(?!versions/)([\w.-]+)/([\w.-]+))?(?:/(?:versions/)?(\d+))?", re.ASCII)
_FILE_ENDINGS = (
    *(".bin", ".json", ".jsonl", ".txt", ".yaml", ".yml", ".csv", ".tsv", ".parquet", ".arrow", ".zip", ".tar"),
    *(".gz", ".tgz", ".xz", ".index", ".model", ".weights", ".py", ".db", ".data", ".cache", ".npz", ".mlpackage"),
)
_DATA_ENDINGS = (
    *(".csv", ".tsv", ".parquet", ".arrow", ".feather", ".jsonl", ".ndjson", ".tfrecord", ".avro"),
    *(".csv.gz", ".csv.zip", ".tsv.gz", ".jsonl.gz", ".jsonl.zst"),
)
# Folders that training scripts write to: `output/final` is far more often one of these than an organisation.
_FOLDERS = frozenset(
    {
        *("model", "models", "saved", "saved_model", "saved_models", "trained", "trained_models", "pretrained"),
        *("pretrained_models", "output", "outputs", "out", "result", "results", "runs", "logs", "exp", "experiments"),
        *("checkpoint", "checkpoints", "ckpt", "ckpts", "weights", "artifacts", "assets", "resources"),
        *("data", "dataset", "datasets", "tmp", "temp", "cache", "path"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a text names. `identity` is None when it names nothing that can be told from here.

    `hub` is True for a repository of a hub, whose content the revision decides.
    """

    identity: str | None = None
    revision: str | None = None
    purl: str | None = None
    hub: bool = False


NOWHERE = Target()


# OpenAI, Anthropic and Google put the date of a release behind the name; only such a name stays the same model
_DATED = re.compile(r"[-@](\d{8}|\d{4}-\d{2}-\d{2}|\d{2}-\d{4}|\d{4}|\d{3})(-v\d+(:\d+)?)?$")
# litellm and others name the provider in front: `anthropic/claude-3-5-sonnet`, `bedrock/anthropic.claude-v2`
_PROVIDERS = frozenset(
    {
        *("openai", "azure", "azure_openai", "azure_ai", "anthropic", "bedrock", "sagemaker", "google", "gemini"),
        *("google_genai", "google_vertexai", "vertex_ai", "mistral", "mistralai", "cohere", "groq", "deepseek", "xai"),
        *("ollama", "ollama_chat", "huggingface", "together_ai", "openrouter", "perplexity", "fireworks_ai"),
        *("replicate", "databricks"),
    }
)
_MODEL_NAME = re.compile(r"[\w.:/@+ -]{1,200}", re.ASCII)


def _api(provider: str, text: str) -> Target:
    """A model behind an API: `api:PROVIDER:NAME`, or Ollama's, which is a model with a tag."""
    if not _MODEL_NAME.fullmatch(text) or "://" in text or provider == "?":
        return NOWHERE
    if provider == "*":
        known = maker(text) if "/" not in text else ""
        if known:
            return Target(identity=f"api:{known}:{text}")
        provider, cut, text = text.partition("/" if "/" in text else ":")
        if not cut or provider not in _PROVIDERS:
            return NOWHERE
        provider = "ollama" if provider == "ollama_chat" else provider
    if provider == "openai" and "/" in text:
        return NOWHERE  # an open model on a server that speaks OpenAI's protocol; which one is not said
    if provider == "ollama":
        name, _, tag = text.partition(":")
        return Target(identity=f"ollama:{name}", revision=tag or None)
    return Target(identity=f"api:{provider}:{text}")


def downloaded(url: str) -> Kind | None:
    """What a URL promises by the name of its file: a model, data, or nothing that an ML-BOM is about."""
    if not url.startswith(("https://", "http://", "ftp://")):
        return None
    try:
        name = urlsplit(url).path.rpartition("/")[2].lower()
    except ValueError:
        return None
    if promised(name) is not None:
        return Kind.MODEL
    return Kind.DATASET if name.endswith(_DATA_ENDINGS) else None


def stored(path: str) -> Kind | None:
    """What the name promises under which a download is stored."""
    return downloaded(f"https://host/{path.strip().rpartition('/')[2]}")


def is_dated(identity: str) -> bool:
    """Whether the name of a model behind an API ends in the date or number of its release."""
    return _DATED.search(identity) is not None


def is_commit(revision: str | None) -> bool:
    """A full commit hash, the only revision that fixes bytes."""
    return revision is not None and _COMMIT.fullmatch(revision) is not None


def read(loader: Loader, text: str, *, kind: Kind, entry: str = "", base: str = "", root: str = "") -> Target:
    """The target of one text for this row.

    `entry` is torch.hub's entry point, `base` the folder that relative paths start from, `root` the library's name.
    """
    text = text.strip()
    if not text or len(text) > 1000 or any(ord(c) < 32 for c in text):
        return NOWHERE
    prefix = "dataset:" if kind is Kind.DATASET else ""
    match loader.source:
        case "torchhub":
            return _torchhub(text, entry, base)
        case "kaggle":
            return _kaggle(text, prefix)
        case "mlflow" if text.startswith(("models:/", "runs:/")):
            return _mlflow(text)
        case "tag":
            name, _, version = text.partition(":")
            known = re.fullmatch(r"[\w.-]+(?:/[\w.-]+){0,5}(:[\w.-]+)?", text)
            return Target(identity=prefix + loader.bare.format(name), revision=version or None) if known else NOWHERE
        case "shards":
            return _shards(text, prefix, base)
        case "gdrive":
            text = drive(text) or text
            return _elsewhere(text, prefix, base) if "://" in text else NOWHERE
        case "api":
            return _api(loader.scheme, text)
        case "hub" | "data" | "download" | "path" | "url" if loader.source == "hub" or text.startswith("hf://"):
            return _hub(loader, text, prefix, base, root)
        case "download" if downloaded(text) is None:
            return NOWHERE
        case "bundled" if not _is_path(text) or re.fullmatch(r"[\w-]+\.pt", text):
            return NOWHERE if "://" in text else Target(identity=prefix + loader.bare.format(text, root=root))
        case _:
            return _elsewhere(text, prefix, base)


def _mlflow(text: str) -> Target:
    """`models:/name/version`, `models:/name@alias` or `runs:/...`."""
    if text.startswith("runs:/"):
        return Target(identity=f"mlflow:{text}")
    name, _, version = text.removeprefix("models:/").strip("/").partition("/")
    name, _, alias = name.partition("@")
    return Target(identity=f"mlflow:{name}", revision=version or alias or None) if name else NOWHERE


def _shards(text: str, prefix: str, base: str) -> Target:
    """Shards of WebDataset: an address, a path or a command that prints one (`pipe:curl -s URL`).

    Braces (`{000..099}`) stay as they are: they stand for one dataset.
    """
    text = shard(text)
    if text.startswith("hf://"):
        parts = text.removeprefix("hf://").removeprefix("datasets/").split("/")
        name, _, revision = "/".join(parts[:2]).partition("@")
        return _repository("hf", name, revision, prefix) if is_repo_id(name) else NOWHERE
    return _elsewhere(text, prefix, base) if text else NOWHERE


def _elsewhere(text: str, prefix: str, base: str) -> Target:
    """A URL or a path. Credentials, query and fragment of a URL are left out: they can be secrets."""
    if "://" not in text:
        path = file_path(text, base)
        return Target(identity=f"{prefix}file:{path}") if path else NOWHERE
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return NOWHERE
    if parts.scheme == "file":
        return NOWHERE
    if host in _HUB_HOSTS:
        return _hub_url(parts.path, prefix)
    on_drive = drive(text)
    if on_drive:
        return Target(identity=prefix + on_drive)
    return Target(identity=prefix + urlunsplit((parts.scheme, host + port, parts.path, "", ""))) if host else NOWHERE


def file_path(text: str, base: str) -> str | None:
    """The path inside the repository, or None when it is outside, absolute or in somebody's home."""
    text = text.replace("\\", "/")
    if text.startswith(("/", "~", "$")) or re.match(r"[A-Za-z]:", text):
        return None
    path = posixpath.normpath(posixpath.join(base, text))
    return None if path in {".", ""} or path.split("/")[0] == ".." else path


def _is_path(text: str) -> bool:
    if text.startswith(("/", ".", "~", "$")) or text.endswith("/") or "\\" in text or text.count("/") > 1:
        return True
    lowered = text.lower()
    return lowered.endswith(_FILE_ENDINGS) or promised(text.rsplit("/", 1)[-1]) is not None


def is_constant(text: str) -> bool:
    """Whether it is written like the name of a constant: a key of some library's own table."""
    return _CONSTANT.fullmatch(text) is not None


def is_repo_id(text: str) -> bool:
    """Hugging Face's own rule for a repository id; `bert-base-uncased` is one."""
    parts = text.split("/")
    return (
        _REPO_ID.fullmatch(text) is not None
        and "--" not in text
        and ".." not in text
        and not text.endswith(".git")
        and not any(part[0] in "-." or part[-1] in "-." for part in parts)
    )


def _hub(loader: Loader, text: str, prefix: str, base: str, root: str) -> Target:
    named = next((p for p in _HUB_PREFIXES if text.startswith(p)), "")
    text = text.removeprefix(named)
    if "://" in text:
        return _elsewhere(text, prefix, base)
    if text.startswith("local-dir:") or (not named and loader.local != "never" and _is_path(text)):
        return _elsewhere(text.removeprefix("local-dir:"), prefix, base)
    if named and text.startswith("datasets/"):
        text = text.removeprefix("datasets/")
        prefix = "dataset:"
    if named == "hf://":
        text = "/".join(text.split("/")[:2])
    name, _, revision = text.partition("@")
    if not is_repo_id(name):
        return NOWHERE
    if not named and "/" not in name:
        if is_constant(name):
            return NOWHERE
        others = loader.hub_users and root not in loader.hub_users and root not in {"", "?", "<local>"}
        if others and not FIRST.fullmatch(name):
            return NOWHERE
        if loader.bare and not (loader.plain and re.fullmatch(loader.plain, name)):
            scheme, _, name = loader.bare.format(name, root=root).partition(":")
            return _repository(scheme, name, revision, prefix)
    if not named and loader.local != "never" and "/" in name and name.split("/")[0] in _FOLDERS:
        return NOWHERE
    return _repository("hf" if named else loader.scheme, name, revision, prefix)


def _hub_url(path: str, prefix: str) -> Target:
    """`/org/name/resolve/<revision>/file`, also below /datasets/."""
    parts = [part for part in path.split("/") if part]
    if parts[:1] in (["datasets"], ["spaces"]):
        prefix = "dataset:" if parts[0] == "datasets" else prefix
        if parts[0] == "spaces":
            return NOWHERE
        parts = parts[1:]
    cut = next((i for i, part in enumerate(parts) if part in {"resolve", "blob", "tree", "raw"}), len(parts))
    name = "/".join(parts[: min(cut, 2)])
    if not is_repo_id(name):
        return NOWHERE
    return _repository("hf", name, parts[cut + 1] if cut + 1 < len(parts) else "", prefix)


def _repository(scheme: str, name: str, revision: str, prefix: str) -> Target:
    on_hub = scheme in {"hf", "modelscope"}
    target = Target(identity=f"{prefix}{scheme}:{name}", revision=revision or None, hub=on_hub)
    return with_revision(target, target.revision)


def with_revision(target: Target, revision: str | None) -> Target:
    """The target at a revision, with its purl (purl-spec type huggingface: the version is a commit, lower-case)."""
    purl = target.purl
    if target.identity is not None and target.identity.startswith("hf:"):
        purl = f"pkg:huggingface/{target.identity.removeprefix('hf:')}"
        if revision is not None and is_commit(revision):
            purl += f"@{revision.lower()}"
    return Target(identity=target.identity, revision=revision, purl=purl, hub=target.hub)


def _torchhub(text: str, entry: str, base: str) -> Target:
    name, _, ref = text.partition(":")
    found = _GITHUB.fullmatch(name)
    if found is None or text.startswith("."):
        return _elsewhere(text, "", base) if _is_path(text) and "://" not in text else NOWHERE
    identity = f"torchhub:{name}:{entry}" if entry else f"torchhub:{name}"
    purl = f"pkg:github/{name.lower()}" + (f"@{ref.lower()}" if is_commit(ref) else "")
    return Target(identity=identity, revision=ref or None, purl=purl, hub=True)


def _kaggle(text: str, prefix: str) -> Target:
    found = _KAGGLE.fullmatch(text)
    if found is None:
        return NOWHERE
    owner, name, framework, variation, version = found.groups()
    tail = f"/{framework}/{variation}" if framework else ""
    return Target(identity=f"{prefix}kaggle:{owner}/{name}{tail}", revision=version)


def packaged(loader: Loader, text: str) -> bool:
    """Whether the target is a builder that reads `files` (load_dataset("csv", data_files=...))."""
    return bool(loader.files and loader.plain and re.fullmatch(loader.plain, text))
