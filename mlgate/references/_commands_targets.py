"""What a command's argument names: an identity, something that cannot be told, or neither model nor dataset."""

from __future__ import annotations

import dataclasses
import re
from urllib.parse import unquote, urlsplit

from mlgate.identify import promised
from mlgate.records import Kind
from mlgate.references import _targets
from mlgate.references._addresses import ARCHIVE, DATA_WORDS, MODEL_WORDS, words_say
from mlgate.references._commands_table import Commands, Row
from mlgate.references._targets import NOWHERE, Target

_DATA = re.compile(
    r"\.(csv|tsv|parquet|arrow|feather|jsonl|ndjson|tfrecords?|lmdb|mat|libsvm|svm|arff)(\.(gz|bz2|xz|zst|zip))?",
    re.IGNORECASE,
)
_EITHER = frozenset({"pickles", "keras"})  # formats that datasets are published in as well
_ARRAYS = frozenset({"numpy", "r"})
_MIRRORS = frozenset({"huggingface.co", "www.huggingface.co", "hf.co", "hf-mirror.com", "www.hf-mirror.com"})
_MODELSCOPE = frozenset({"modelscope.cn", "www.modelscope.cn", "modelscope.ai", "www.modelscope.ai"})
_OLLAMA = re.compile(r"((?:[\w.-]+/)?[\w.-]+)(?::([\w.-]+))?", re.ASCII)
_OLLAMA_OWN = re.compile(r"(?:ollama://|registry\.ollama\.ai/|ollama\.com/)?(?:library/)?")
_DRIVE = re.compile(r"[?&]id=([\w-]{10,100})|/d/([\w-]{10,100})|/folders/([\w-]{10,100})", re.ASCII)
_SCP = re.compile(r"(?:ssh://)?git@(hf\.co|huggingface\.co)[:/](.+)")


def name_of(url: str) -> str:
    """The last part of a URL's path, or of a path."""
    return unquote(re.split(r"[?#]", url, maxsplit=1)[0].rstrip("/").rpartition("/")[2])


def promise(name: str, about: str = "") -> Kind | None:
    """What a file name promises; `about` is where it comes from and goes to, which says more of some formats."""
    if _DATA.search(name) and _DATA.search(name[-20:]):
        return Kind.DATASET
    format_ = promised(name)
    if format_ is None:
        return None
    of_data = format_ in _EITHER and bool(DATA_WORDS.search(about)) and not MODEL_WORDS.search(about)
    return Kind.DATASET if of_data or format_ in _ARRAYS else Kind.MODEL


def read(
    row: Row, text: str, *, kind: Kind, base: str | None, outputs: str, path: str, table: Commands
) -> Target | None:
    """The target of one text; NOWHERE when it cannot be told, None when it is no matter of models or datasets.

    `base` is the folder that relative paths start from, or None when that is not known; `outputs` are the names that
    the command saves under, `path` that of the file which holds the command.
    """
    text = text.strip()
    match row.source:
        case "ollama":
            return ollama(text, "ollama" if row.loader.scheme == "hf" else row.loader.scheme)
        case "gguf":
            return hub(text.partition(":")[0])
        case "git":
            return _git(row, text)
        case "download":
            return _download(row, text, outputs, path, table)
        case "gdrive":
            return _drive(text, outputs, path, sure=True)
        case "storage":
            return storage(text)
        case "hub" if "://" in text and not text.startswith("hf://"):
            return _hub_url(row, text) or _plain(row, text, kind, base)
    return _plain(row, text, kind, base)


def _plain(row: Row, text: str, kind: Kind, base: str | None) -> Target:
    found = _targets.read(row.loader, text, kind=kind, base=base or "")
    is_file = found.identity is not None and found.identity.removeprefix("dataset:").startswith("file:")
    return NOWHERE if is_file and (base is None or text.startswith("/")) else found


def storage(text: str) -> Target | None:
    """A location with a scheme, as servers take it for a model: hf://org/name[:revision], ollama://name, s3://..."""
    if text[:5].lower() == "hf://":  # MLC LLM writes HF://
        name, _, revision = text[5:].partition(":")
        return hub(name, revision)
    if text.startswith("ollama://"):
        return ollama(text)
    scheme = text.partition("://")[0]
    if scheme in {"s3", "gs", "https", "http", "oci", "abfs", "wasbs"}:
        found = urlsplit(text) if len(text) < 1000 else None
        plain = f"{scheme}://{found.netloc.rpartition('@')[2]}{found.path}" if found and found.netloc else None
        return Target(identity=plain)
    return None if "://" not in text else NOWHERE


def docker(text: str) -> Target:
    """A model of Docker's Model Runner: ai/name[:tag], or one of the hub."""
    return ollama(text, "docker")


def hub(name: str, revision: str = "", *, dataset: bool = False) -> Target:
    """A repository of the Hugging Face hub by its name."""
    if not _targets.is_repo_id(name):
        return NOWHERE
    identity = f"dataset:hf:{name}" if dataset else f"hf:{name}"
    return _targets.with_revision(Target(identity=identity, hub=True), revision or None)


def ollama(text: str, scheme: str = "ollama") -> Target:
    """Ollama's names: [host/][user/]name[:tag]; hf.co/org/name[:quantisation] is the hub's (ollama docs, import)."""
    text = text.removeprefix("https://")
    for prefix in ("hf.co/", "huggingface.co/", "huggingface://", "hf://"):
        if text.startswith(prefix):
            return hub("/".join(text.removeprefix(prefix).partition(":")[0].split("/")[:2]))
    found = _OLLAMA.fullmatch(text[_OLLAMA_OWN.match(text).end() :])  # type: ignore[union-attr]  # it can be empty
    if found is None or found[1].startswith((".", "/")) or len(text) > 300:
        return NOWHERE
    return Target(identity=f"{scheme}:{found[1]}", revision=found[2])


def _hub_url(row: Row, url: str) -> Target | None:
    """A URL on a hub as its repository, or None."""
    try:
        parts = urlsplit(url)
        host, path = parts.hostname or "", unquote(parts.path)
    except ValueError:
        return None
    if host in _MIRRORS:
        path = path.removesuffix("/").removesuffix(".git")
        if path.startswith(("/api/", "/docs/", "/papers/", "/blog/")) or path.count("/") < 1:
            return None
        return _targets.read(row.loader, f"https://huggingface.co{path}", kind=Kind.MODEL)
    if host in _MODELSCOPE:
        names = [part for part in path.removesuffix(".git").split("/") if part]
        dataset = names[:1] == ["datasets"]
        names = names[1:] if dataset or names[:1] == ["models"] else names
        if len(names) < 2 or not _targets.is_repo_id("/".join(names[:2])):
            return None
        at = next((i for i, part in enumerate(names) if part in {"resolve", "file"}), len(names))
        revision = names[at + 1] if at + 1 < len(names) else None
        prefix = "dataset:" if dataset else ""
        return Target(identity=f"{prefix}modelscope:{'/'.join(names[:2])}", revision=revision, hub=True)
    return None


def on_hub(row: Row, start: str) -> Target | None:
    """Of a URL whose end is not known: the repository when that much is known, NOWHERE on a hub, None elsewhere."""
    found = re.match(r"(https?://([^/\s]+)/(?:datasets/)?[\w.-]+/[\w.-]+/(?:resolve|raw)/[^/\s]+)/", start)
    if found and found[2] in _MIRRORS | _MODELSCOPE:
        return _hub_url(row, found[1])
    host = re.match(r"https?://([^/\s]+)(?:/|$)", start)
    return NOWHERE if host and host[1] in _MIRRORS | _MODELSCOPE and "/api/" not in start else None


def _git(row: Row, url: str) -> Target | None:
    """The clone of a hub's repository; a clone from elsewhere is code."""
    if found := _SCP.fullmatch(url):
        url = f"https://huggingface.co/{found[2]}"
    found_on = _hub_url(row, url)
    return None if found_on is NOWHERE else found_on


def _download(row: Row, url: str, outputs: str, path: str, table: Commands) -> Target | None:
    if "://" not in url:
        return None
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return None
    found = _hub_url(row, url) if re.search(r"/(resolve|blob|raw|file)/", parts.path) else None
    if found is not None:
        return found
    if host in {"drive.google.com", "docs.google.com", "drive.usercontent.google.com"}:
        return _drive(url, outputs, path, sure=False)
    about = f"{host}{parts.path} {outputs}"
    name = name_of(url)
    kind = promise(name, about) or table.host(f"{host}{parts.path}")
    for output in outputs.split():
        kind = kind or promise(name_of(output), about)
    if kind is None and ARCHIVE.search(name[-8:]):
        kind = words_say(about) if host != "github.com" or "/releases/" in parts.path else None
    if kind is None and parts.scheme in {"s3", "gs"} and "." not in name:  # a folder of a bucket
        kind = words_say(f"{parts.path} {outputs}")
    if kind is None:
        return None
    return _targets.read(dataclasses.replace(row.loader, source="url"), url, kind=kind)


def _drive(text: str, outputs: str, path: str, *, sure: bool) -> Target | None:
    """Google Drive's file or folder, whose name only the server knows. `sure`: it is data of some kind."""
    if "://" in text:
        found = _DRIVE.search(text)
        if found is None:
            return None
        folder = found[3] is not None
        name = found[1] or found[2] or found[3]
    elif re.fullmatch(r"[\w-]{20,100}", text, re.ASCII):
        folder, name = False, text
    else:
        return None
    kind = next((k for o in outputs.split() if (k := promise(name_of(o), outputs))), None)
    kind = kind or words_say(outputs) or words_say(path.replace("_", "-"))
    if kind is None and not sure:
        return None
    prefix = "" if kind is Kind.MODEL else "dataset:"
    return Target(identity=f"{prefix}https://drive.google.com/{'drive/folders' if folder else 'file/d'}/{name}")
