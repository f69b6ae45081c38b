"""Strings from hostile files made fit for a schema: what does not fit is dropped or cut, never a reason to fail."""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit, urlunsplit

LONGEST = 2_000
_HUB = re.compile(r"[A-Za-z0-9][\w.-]{0,95}(/[A-Za-z0-9_][\w.-]{0,95})?", re.ASCII)


def clean(text: str, limit: int = LONGEST) -> str:
    """The text as UTF-8 can hold it (lone surrogates written out), at most `limit` characters."""
    text = text.encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= limit else text[: limit - 1] + "…"


def url(text: str) -> str | None:
    """An http or https URL that is a valid IRI reference, without user name and password, or None."""
    try:
        parts = urlsplit(text.strip()[:LONGEST])
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not re.fullmatch(r"[A-Za-z0-9.-]+", host):
        return None
    place = host if port is None else f"{host}:{port}"
    path, query, fragment = (quote(part, safe="/:@!$&'()*+,;=-._~%?") for part in parts[2:5])
    whole = urlunsplit((parts.scheme, place, path, query, fragment))
    return None if re.search(r"%(?![0-9A-Fa-f]{2})", whole) else whole


def without_credentials(text: str) -> str:
    """The text with `user:password@` taken out of every URL in it: a BOM travels further than its repository."""
    return re.sub(r"(\w[\w+.-]*://)[^/\s@]+@", r"\1", clean(text))


def hub_page(identity: str) -> str | None:
    """The page of a Hugging Face model or dataset, when the identity is one."""
    for prefix, base in (("hf:", "https://huggingface.co/"), ("dataset:hf:", "https://huggingface.co/datasets/")):
        name = identity.removeprefix(prefix)
        if name != identity and _HUB.fullmatch(name):
            return base + name
    return None
