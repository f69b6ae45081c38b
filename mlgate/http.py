"""One HTTP request that is bounded in time and size, whatever the server does.

`requests` bounds only the silence between two reads: a server that sends a byte now and then holds it for as long as
it likes, in the headers, in the body, and in the body of a redirect, which it reads to the end even where redirects
are not followed. So the request runs in a thread of its own, which is left behind when its time is over, redirects are
answers like any other, and a body is read as it comes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import requests

_PART = 1 << 16
_WITHOUT_BODY = frozenset({204, 304})


class NoReply(Exception):  # noqa: N818  (a state of the server; the caller decides what it means)
    """There was no whole answer. Its text is "timed out", or the kind of the error: no address, no secret."""


class TooLarge(Exception):  # noqa: N818
    """The body is larger than was allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer of any status: `headers` have lower-case names, `body` is what was not given to a sink."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str


@dataclass(slots=True)
class _Outcome:
    reply: Reply | None = None
    error: Exception | None = None
    given_up: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)


def session() -> requests.Session:
    """A session that never reads what a redirect holds, and asks for bodies as they are.

    A compressed body's size would say little, and servers are free to send one only to those who ask.
    """
    import requests  # noqa: PLC0415  (start-up)

    made = requests.Session()
    made.get_redirect_target = lambda resp: None  # type: ignore[method-assign]  # noqa: ARG005  (called by name)
    made.headers["Accept-Encoding"] = "identity"
    return made


def fetch(
    session: requests.Session,
    method: str,
    url: str,
    *,
    seconds: float,
    timeout: float | None = None,
    largest: int,
    sink: Callable[[bytes], object] | None = None,
    body_of: frozenset[int] | None = None,
    **options: Any,
) -> Reply:
    """The answer to one request by a session of `session()`, with no redirect followed.

    `seconds` are for everything from the name's look-up to the last byte, `timeout` for one silence (default: the
    same). The body of a 200 goes to `sink`, part by part, where there is one. `body_of` are the statuses whose bodies
    are read at all (None: every one). `options` are those of requests. Raises NoReply, or TooLarge past `largest`
    bytes; what the sink raises is raised here.
    """
    outcome = _Outcome()
    until = time.monotonic() + seconds
    options |= {"timeout": min(seconds, timeout or seconds), "allow_redirects": False, "stream": True}

    def run() -> None:
        try:
            reply = _asked(session, method, url, outcome, until, largest, sink, body_of, options)
        except Exception as error:  # noqa: BLE001  (raised again by whoever waits)
            outcome.error = error
        else:
            outcome.reply = reply

    thread = threading.Thread(target=run, name="mlgate-http", daemon=True)
    thread.start()
    thread.join(max(0.0, seconds))
    with outcome.lock:  # so that no sink is written to after this
        outcome.given_up = True
        if outcome.reply is not None:
            return outcome.reply
        if outcome.error is not None:
            raise outcome.error
    raise NoReply("timed out")


def _asked(
    session: requests.Session,
    method: str,
    url: str,
    outcome: _Outcome,
    until: float,
    largest: int,
    sink: Callable[[bytes], object] | None,
    body_of: frozenset[int] | None,
    options: dict[str, Any],
) -> Reply:
    import requests  # noqa: PLC0415
    import urllib3  # noqa: PLC0415

    try:
        with session.request(method, url, **options) as response:
            parts: list[bytes] = []
            status = response.status_code
            if body_of is None or status in body_of:
                to = sink if sink and status == 200 else parts.append
                for part in _parts(response, outcome, until, largest):
                    with outcome.lock:
                        if outcome.given_up:
                            raise NoReply("timed out")
                        to(part)
            headers = {name.lower(): value for name, value in response.headers.items()}
            return Reply(status=status, headers=headers, body=b"".join(parts), url=url)
    except requests.Timeout:
        raise NoReply("timed out") from None
    # The library's words can hold a proxy's password, so only the kind of error is told.
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        raise NoReply(type(error).__name__) from None


def _parts(response: requests.Response, outcome: _Outcome, until: float, largest: int) -> Iterator[bytes]:
    """The body as it comes: a read that waits for a full part would be held by a trickle."""
    stated = response.headers.get("Content-Length", "")
    length = int(stated) if stated.isascii() and stated.isdecimal() and len(stated) < 19 else None
    if response.headers.get("Content-Encoding", "identity").strip().lower() not in {"", "identity"}:
        raise NoReply("compressed, which was not asked for")
    if length is not None and length > largest and response.status_code not in _WITHOUT_BODY:
        raise TooLarge
    size = 0
    while part := response.raw.read1(_PART):
        size += len(part)
        if size > largest:
            raise TooLarge
        if outcome.given_up or time.monotonic() > until:
            raise NoReply("timed out")
        yield part
    if length not in {None, size} and response.status_code not in _WITHOUT_BODY:
        raise NoReply("cut off")
