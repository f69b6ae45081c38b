"""Which hub is asked, with which token, and where its answers are kept: from the environment and nowhere else.

Names: huggingface.co/docs/huggingface_hub/package_reference/environment_variables and the XDG base directory
specification (a relative XDG_CACHE_HOME is invalid and ignored).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from mlgate.errors import MlgateError

ENDPOINT = "https://huggingface.co"
_TOKENS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
_LONGEST_TOKEN = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class HubSettings:
    """`url` is the hub's address without an end slash; `cache` is None when there is no folder for it.

    `requests` is the most that a run may send, retries and redirects among them. Times are seconds: `timeout` of one
    request, `deadline` of the whole run.
    """

    url: str = ENDPOINT
    token: str = field(default="", repr=False)
    cache: Path | None = None
    requests: int = 200
    timeout: float = 15.0
    deadline: float = 90.0
    parallel: int = 4


def read_settings(environ: Mapping[str, str]) -> HubSettings:
    """The settings that these variables say. Raises MlgateError for an endpoint or token that cannot be used."""
    return HubSettings(url=_endpoint(environ), token=_token(environ), cache=_cache(environ))


def _endpoint(environ: Mapping[str, str]) -> str:
    stated = environ.get("HF_ENDPOINT", "").strip().rstrip("/")
    if not stated:
        return ENDPOINT
    hint = "Give https://HOST without user name, query and fragment, or leave it unset."
    wrong = MlgateError("HF_ENDPOINT is no address that --hub may ask.", hint)  # the value can hold a password
    try:
        parts = urlsplit(stated)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise wrong from None
    plain = stated.isascii() and stated.isprintable() and " " not in stated and "\\" not in stated
    if parts.scheme != "https" or not host or "@" in parts.netloc or parts.query or parts.fragment or not plain:
        raise wrong
    return stated


def _token(environ: Mapping[str, str]) -> str:
    for name in _TOKENS:
        token = environ.get(name, "").strip()
        if token:
            if not token.isascii() or not token.isprintable() or " " in token or len(token) > _LONGEST_TOKEN:
                raise MlgateError(f"{name} is not a token.", "Give a secret without spaces or line ends.")
            return token
    return ""


def _cache(environ: Mapping[str, str]) -> Path | None:
    stated = Path(environ.get("XDG_CACHE_HOME", ""))
    if stated.is_absolute():
        return stated / "mlgate" / "hub"
    home = Path(environ.get("HOME", ""))
    return home / ".cache" / "mlgate" / "hub" if home.is_absolute() else None
