"""Files of the database from their servers: bounded, and only where something changed."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urljoin, urlsplit

from mlgate import http
from mlgate.errors import MlgateError

HINT = "Run it again, or fetch the dumps yourself into <dir>/<ecosystem>/all.zip."
_REDIRECTS = 3
_MOVED = frozenset({301, 302, 303, 307, 308})
_ETAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e]{0,200}"', re.ASCII)


def get(
    url: str,
    *,
    seconds: float,
    timeout: float,
    largest: int,
    etag: str = "",
    sink: Callable[[bytes], object] | None = None,
    allow: frozenset[int] = frozenset(),
) -> http.Reply:
    """The answer with status 200, 304 (for `etag`), or one of `allow`; redirects to the same host are followed.

    Raises MlgateError for everything else, and for a file larger than `largest` bytes.
    """
    headers = {"If-None-Match": etag} if etag else {}
    accepted = {200, *allow, *({304} if etag else ())}
    target = url
    try:
        with http.session() as session:
            for _ in range(_REDIRECTS + 1):
                reply = http.fetch(
                    session,
                    "GET",
                    target,
                    seconds=seconds,
                    timeout=timeout,
                    largest=largest,
                    sink=sink,
                    body_of=frozenset({200}),
                    headers=headers,
                )
                if reply.status in accepted:
                    return reply
                if reply.status not in _MOVED:
                    raise MlgateError(f"{url} answered {reply.status}.", HINT)
                target = _same_host(target, reply.headers.get("location", ""), url)
    except http.TooLarge:
        raise MlgateError(f"{url} is larger than {largest:,} bytes.", HINT) from None
    except http.NoReply as error:
        raise MlgateError(f"{url} cannot be downloaded: {error}.", HINT) from None
    raise MlgateError(f"{url} redirects more than {_REDIRECTS} times.", HINT)


def etag_of(reply: http.Reply) -> str:
    """The answer's mark, or "" where it has none that could be sent back."""
    found = reply.headers.get("etag", "")
    return found if _ETAG.fullmatch(found) else ""


def _same_host(url: str, location: str, asked: str) -> str:
    try:
        target = urljoin(url, location[:2000])
        same = bool(location) and urlsplit(target)[:2] == urlsplit(url)[:2]
    except ValueError:
        same = False
    if not same:
        raise MlgateError(f"{asked} redirects to another place, which is not followed.", "Name the right address.")
    return target
