"""Addresses that need their own reading: Google Drive's, whose query is the name, and WebDataset's."""

from __future__ import annotations

import re

from mlgate.records import Kind

_DRIVE_HOSTS = frozenset({"drive.google.com", "docs.google.com", "drive.usercontent.google.com"})
_ID = r"([\w-]{10,100})"
_DRIVE = re.compile(rf"(?:/file/d/|/uc/?\?(?:[^#]*&)?id=|/(?:open|download)\?(?:[^#]*&)?id=){_ID}", re.ASCII)
_FOLDER = re.compile(rf"/folders/{_ID}", re.ASCII)
_PIPED = re.compile(r"(?:https?|s3|gs|hf|ais)://[^\s'\"|;&]+")


_TEXT = re.compile(r"\.(txt|conll|conllu|iob2?|bio|xml|json|train|dev|test[ab]?)$", re.IGNORECASE)
ARCHIVE = re.compile(r"\.(zip|tar|tgz|tbz2|txz|7z|rar|gz|bz2|xz|zst|bin)", re.IGNORECASE)
MODEL_WORDS = re.compile(
    r"(?<![a-z])(models?|weights?|checkpoints?|ckpts?|pre-?trained|backbones?|loras?|embeddings?|ggml)(?![a-z])",
    re.IGNORECASE,
)
DATA_WORDS = re.compile(
    r"(?<![a-z])(data|data-?sets?|corpus|corpora|train(ing)?|annotations?|captions?|benchmarks?)(?![a-z])",
    re.IGNORECASE,
)
# Whose models such names are, where no provider is named (litellm's get_llm_provider).
_MAKERS = (
    (re.compile(r"(gpt-|o[134](-|$)|text-embedding-|dall-e|tts-|whisper-|chatgpt-)"), "openai"),
    (re.compile(r"claude-"), "anthropic"),
    (re.compile(r"command-|embed-(english|multilingual)"), "cohere"),
    (re.compile(r"gemini-"), "google"),
    (re.compile(r"(mistral-(tiny|small|medium|large)|codestral-|ministral-|pixtral-)"), "mistral"),
    (re.compile(r"grok-"), "xai"),
    (re.compile(r"deepseek-(chat|reasoner|coder)"), "deepseek"),
    (re.compile(r"sonar(-|$)"), "perplexity"),
)
# Servers that speak OpenAI's protocol, under the names that litellm gives their providers.
_SERVERS = {
    "api.openai.com": "openai",
    "openrouter.ai": "openrouter",
    "api.deepseek.com": "deepseek",
    "api.groq.com": "groq",
    "api.together.xyz": "together_ai",
    "api.mistral.ai": "mistral",
    "api.x.ai": "xai",
    "api.perplexity.ai": "perplexity",
    "api.fireworks.ai": "fireworks_ai",
    "dashscope.aliyuncs.com": "dashscope",
    "dashscope-intl.aliyuncs.com": "dashscope",
    "api.moonshot.cn": "moonshot",
    "api.siliconflow.cn": "siliconflow",
    "open.bigmodel.cn": "zhipu",
    "generativelanguage.googleapis.com": "google",
    "api.anthropic.com": "anthropic",
    "integrate.api.nvidia.com": "nvidia_nim",
    "api.deepinfra.com": "deepinfra",
    "api.cerebras.ai": "cerebras",
    "api.sambanova.ai": "sambanova",
    "models.inference.ai.azure.com": "github",
    "models.github.ai": "github",
}


def words_say(about: str) -> Kind | None:
    """What the words of a path say: model words before data words, since models are named after their data."""
    if MODEL_WORDS.search(about):
        return Kind.MODEL
    return Kind.DATASET if DATA_WORDS.search(about) else None


def archive(url: str, about: str, place: str = "") -> Kind | None:
    """What an archive is, by the words of its address and of the code around it; None for releases of source code.

    A text that is stored at a `place` named after data (`Path("datasets")`) is data, too.
    """
    address = url.partition("?")[0]
    if url.startswith(("https://", "http://")) and _TEXT.search(address[-12:]) and DATA_WORDS.search(place):
        return Kind.DATASET
    if not url.startswith(("https://", "http://", "ftp://")) or not ARCHIVE.search(address[-8:]):
        return None
    if "github.com/" in address and "/releases/" not in address and "/raw/" not in address:
        return None
    return words_say(f"{address.partition('://')[2]} {about}")


def maker(name: str) -> str:
    """Whose model a name without provider is, or ""."""
    return next((who for pattern, who in _MAKERS if pattern.match(name)), "")


def server(address: str) -> str:
    """The provider behind an address of OpenAI's protocol, or ""."""
    return _SERVERS.get(address.partition("://")[2].partition("/")[0].partition(":")[0].lower(), "")


def drive(text: str) -> str:
    """One address for a file or folder of Google Drive, however it is written (an id alone too), else ""."""
    if "://" not in text:
        return f"https://drive.google.com/file/d/{text}" if re.fullmatch(r"[\w-]{20,100}", text, re.ASCII) else ""
    host = text.partition("://")[2].partition("/")[0].lower()
    if host not in _DRIVE_HOSTS:
        return ""
    found = _DRIVE.search(text)
    if found:
        return f"https://drive.google.com/file/d/{found[1]}"
    found = _FOLDER.search(text)
    return f"https://drive.google.com/drive/folders/{found[1]}" if found else ""


def shard(text: str) -> str:
    """The address or path in WebDataset's notation, or "": `pipe:curl -s URL`, `URL::URL` (the first is taken)."""
    if text.startswith("pipe:"):
        found = _PIPED.search(text)
        return found[0] if found else ""
    return text.split("::", 1)[0]
