"""A client of the hub's API: one host, one token, bounded in time, size and number of requests.

Limits: huggingface.co/docs/hub/rate-limits (429 with `RateLimit: "api";r=0;t=55`, the draft of the IETF for rate limit
headers) and Retry-After (RFC 9110, 10.2.3). A repository that was renamed redirects to its new name on the same host.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urljoin, urlsplit

from mlgate import __version__, http
from mlgate.http import Reply, TooLarge
from mlgate.hub.answer import Info, NoAnswer, read, reduced
from mlgate.hub.cache import Cache, Key
from mlgate.hub.settings import HubSettings
from mlgate.records import Kind
from mlgate.references._targets import is_commit, is_repo_id

if TYPE_CHECKING:
    import requests

LARGEST = 10 * 2**20
_TRIES = 3
_REDIRECTS = 3
_LONGEST_WAIT = 30.0
_SILENCES = 3  # requests without any answer, one after the other, after which nothing more is asked
_AGAIN = frozenset({429, 500, 502, 503, 504})
_SILENT = "the hub does not answer in time, or not to the end"
_FOLLOWED = frozenset({301, 302, 307, 308})
_REVISION = re.compile(r"[^\x00-\x20\x7f~^:?*\[\\]{1,200}")  # git check-ref-format
_LIMIT = re.compile(r'"[\w -]+"\s*;\s*r\s*=\s*(\d{1,9})\s*;\s*t\s*=\s*(\d{1,9})', re.ASCII)
_CODE = re.compile(r"[A-Za-z]{1,40}")
_REASONS = {
    401: "there is no such repository, or it is not open to this request",
    403: "access is refused",
    404: "there is no such repository or revision, or it is not open to this request",
    429: "the hub's rate limit is reached",
}


@dataclass(frozen=True, slots=True)
class _Bearer:
    # An auth object instead of a header: otherwise a .netrc would replace it.
    token: str = field(repr=False)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self.token:
            request.headers["Authorization"] = f"Bearer {self.token}"
        return request


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or {"https": 443, "http": 80}.get(parts.scheme)


class Client:
    """Asks the hub of the settings; several threads may share one. `sleep` and `clock` are there for tests."""

    def __init__(
        self,
        settings: HubSettings,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._cache = Cache(folder=settings.cache)
        self._sleep = sleep
        self._clock = clock
        self._until = clock() + settings.deadline
        self._auth = _Bearer(settings.token)
        self._lock = threading.Lock()
        self._sent = 0
        self._silent = 0
        self._stopped = ""

    def info(self, kind: Kind, name: str, revision: str) -> Info:
        """What the hub says of this model or dataset at a revision ("" for what is there today).

        Raises NoAnswer when there is none: whatever the hub does, the answer is whole and of this form, or there is
        none.
        """
        if not is_repo_id(name) or revision in {".", ".."} or (revision and _REVISION.fullmatch(revision) is None):
            raise NoAnswer("the name or revision is none that the hub can have")
        key = Key(
            url=self._settings.url,
            kind=kind.value,
            name=name,
            revision=revision,
            token=bool(self._settings.token),
        )
        kept = self._cache.get(key)
        if kept is not None:
            return kept
        path = f"/api/{kind.value}s/{name}" + (f"/revision/{quote(revision, safe='')}" if revision else "")
        answer = self._answer(path, with_files=is_commit(revision))
        found = read(answer)
        if is_commit(revision) and found.commit != revision.lower():
            raise NoAnswer("the answer is about another commit")
        self._cache.put(key, answer)
        return found

    def _answer(self, path: str, *, with_files: bool) -> dict[str, Any]:
        try:
            return reduced(self._get(path + ("?blobs=true" if with_files else "")))
        except TooLarge:
            if not with_files:
                raise NoAnswer(f"the answer is larger than {LARGEST:,} bytes") from None
        try:
            return reduced(self._get(path)) | {"siblings": []}
        except TooLarge:
            raise NoAnswer(f"the answer is larger than {LARGEST:,} bytes") from None

    def _get(self, path: str) -> bytes:
        """The body of a 200, after the tries and redirects that are allowed."""
        url = self._settings.url + path
        followed = 0
        for attempt in range(_TRIES + _REDIRECTS):
            reply, reason, wait = self._try(url), _SILENT, 0.5 * 2 ** (attempt - followed)
            if reply is not None:
                if reply.status == 200:
                    return reply.body
                if reply.status in _FOLLOWED and followed < _REDIRECTS:
                    url = self._target(reply)
                    followed += 1
                    continue
                reason, pause = self._reason(reply), _pause(reply.headers)
                if reply.status not in _AGAIN:
                    raise NoAnswer(reason)
                wait = wait if pause is None else pause
                if reply.status == 429 and (wait > _LONGEST_WAIT or wait > self._until - self._clock()):
                    self._stopped = reason  # the limit is the caller's, so other questions meet it too
            if attempt - followed + 1 >= _TRIES or wait > min(_LONGEST_WAIT, self._until - self._clock()):
                break
            self._sleep(wait)
        raise NoAnswer(reason)

    def _target(self, reply: Reply) -> str:
        location = reply.headers.get("location", "")[:2000]
        try:
            target = urljoin(reply.url, location)
            same = _origin(target) == _origin(self._settings.url)
        except ValueError:
            raise NoAnswer("redirected to what is no address") from None
        if not location or not same or not target.startswith(self._settings.url + "/api/"):
            raise NoAnswer("redirected to another place, which was not followed")
        return target

    @staticmethod
    def _reason(reply: Reply) -> str:
        code = reply.headers.get("x-error-code", "")
        named = f" {code}" if _CODE.fullmatch(code) else ""
        told = _REASONS.get(reply.status, "")
        return f"status {reply.status}{named}{f': {told}' if told else ''}"

    def _try(self, url: str) -> Reply | None:
        """One request; None when it had no answer. Raises NoAnswer when no more may be sent."""
        with self._lock:
            if self._stopped:
                raise NoAnswer(self._stopped)
            if self._clock() >= self._until:
                raise NoAnswer(f"the {self._settings.deadline:g} seconds for all questions are over")
            if self._sent >= self._settings.requests:
                raise NoAnswer(f"the {self._settings.requests} requests of a run are used up")
            self._sent += 1
        reply = self._once(url)
        with self._lock:
            self._silent = 0 if reply is not None else self._silent + 1
            if self._silent >= _SILENCES:
                self._stopped = _SILENT
        return reply

    def _once(self, url: str) -> Reply | None:
        left = min(self._settings.timeout, self._until - self._clock())
        headers = {"Accept": "application/json", "User-Agent": f"mlgate/{__version__}"}
        try:
            with http.session() as session:
                return http.fetch(
                    session,
                    "GET",
                    url,
                    seconds=left,
                    largest=LARGEST,
                    body_of=frozenset({200}),
                    headers=headers,
                    auth=self._auth,
                )
        except http.NoReply:
            return None


def _pause(headers: Mapping[str, str]) -> float | None:
    """Seconds that the hub asks to wait, or None where it says nothing that can be read."""
    after = headers.get("retry-after", "")
    if after.isdecimal() and len(after) < 8:
        return float(after)
    found = _LIMIT.search(headers.get("ratelimit", "")[:500])
    if found and int(found[1]) == 0:
        return float(found[2]) + 1  # the seconds are rounded down
    return None
