"""A client of GitHub's REST API: one host, one token, bounded in time, size and number of requests.

Rules for errors and limits follow GitHub's documentation: "Best practices for using the REST API" and "Rate
limits for the REST API" (403 or 429 with Retry-After, or with x-ratelimit-remaining 0 and x-ratelimit-reset).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urljoin, urlsplit

import msgspec

from mlgate import __version__, http

if TYPE_CHECKING:
    import requests

API_VERSION = "2022-11-28"
MAX_BODY = 32 * 2**20  # a page of 100 changed files with their patches stays far below
MAX_REDIRECTS = 3
MAX_PAGES = 30
ATTEMPTS = 4
MAX_WAIT = 60.0  # seconds of one wait; a longer Retry-After is given up at once
TOTAL_WAIT = 150.0  # seconds of all waits of one client
_RETRIED = frozenset((500, 502, 503, 504))
_LIMITED = frozenset((403, 429))
_FOLLOWED = frozenset((301, 302, 307, 308))


class ApiError(Exception):
    """A request that GitHub did not answer as hoped. `status` is 0 when there was no answer; no secret is inside."""

    def __init__(self, what: str, *, status: int = 0, detail: str = "") -> None:
        super().__init__(f"{what}: {f'{status} ' if status else ''}{detail}".rstrip(": "))
        self.status = status
        self.detail = detail

    @property
    def denied(self) -> bool:
        """Whether the token may not do this (a private thing it may not see is a 404 to it)."""
        return self.status in {401, 403, 404}


@dataclass(frozen=True, slots=True)
class _Bearer:
    # An auth object instead of a header: otherwise a .netrc would replace it.
    token: str = field(repr=False)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self.token:
            request.headers["Authorization"] = f"Bearer {self.token}"
        return request


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A response within the limits: `body` is at most MAX_BODY bytes, header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str

    @property
    def message(self) -> str:
        """GitHub's own words on an error, at most 300 characters."""
        try:
            said = msgspec.json.decode(self.body, type=dict[str, Any]).get("message")
        except (msgspec.DecodeError, RecursionError):
            said = None
        return said[:300] if isinstance(said, str) else ""


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port of a URL; two URLs of one origin may share the token."""
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or {"https": 443, "http": 80}.get(parts.scheme)


def _number(text: str | None) -> float | None:
    try:
        return max(0.0, float(text)) if text else None
    except ValueError:
        return None


def _pause(answer: Answer, attempt: int, now: float) -> float | None:
    """Seconds to wait before the same request may be sent again, or None when the answer is final."""
    after = _number(answer.headers.get("retry-after"))
    spent = answer.headers.get("x-ratelimit-remaining") == "0"
    secondary = "secondary rate limit" in answer.message.lower()
    if answer.status in _LIMITED:
        if after is not None:
            return after
        reset = _number(answer.headers.get("x-ratelimit-reset"))
        if spent and reset is not None:
            return max(1.0, reset - now)
        # "wait for at least one minute before retrying"
        return 60.0 if answer.status == 429 or secondary else None
    if answer.status in _RETRIED:
        return after if after is not None else float(2**attempt)
    return None


class Client:
    """Speaks to the API at `base` (GITHUB_API_URL, with the path of GHES). Use as a context manager.

    `timeout` is in seconds, for one request from the connection to its last byte. `sleep` and `clock` are there
    for tests.
    """

    def __init__(
        self,
        base: str,
        token: str,
        *,
        timeout: float = 30.0,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.base = base.rstrip("/")
        self._timeout = timeout
        self._sleep = sleep
        self._clock = clock
        self._waited = 0.0
        self._auth = _Bearer(token)
        self._session = http.session()  # 60 ms of start-up that only the action pays
        self._session.headers.update(
            {
                "Accept": "application/vnd.github+json",
                "User-Agent": f"mlgate/{__version__}",
                "X-GitHub-Api-Version": API_VERSION,
            }
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.close()

    def request(self, method: str, path: str, *, json: object = None, query: Mapping[str, str] | None = None) -> Answer:
        """The answer to a request below 300. `path` starts with `/` and its parts are encoded by the caller.

        Raises ApiError for anything else, after the retries that the answer allows.
        """
        url = path if path.startswith(("http://", "https://")) else f"{self.base}{path}"
        what = f"{method} {urlsplit(url).path}"
        # A POST whose answer was lost may have been done: sending it again would comment twice.
        safe = method in {"GET", "PATCH"}
        for attempt in range(ATTEMPTS):
            try:
                answer = self._redirected(method, url, json, query)
            except ConnectionError as error:
                if not safe or attempt + 1 == ATTEMPTS or not self._wait(float(2**attempt)):
                    raise ApiError(what, detail=str(error)) from None
                continue
            if answer.status < 300:
                return answer
            pause = _pause(answer, attempt, time.time())
            retry = pause is not None and (safe or answer.status in _LIMITED) and attempt + 1 < ATTEMPTS
            if pause is None or not retry or not self._wait(pause):
                raise ApiError(what, status=answer.status, detail=answer.message)
        raise ApiError(what, detail="gave up")  # pragma: no cover  (the last attempt returns or raises)

    def _wait(self, seconds: float) -> bool:
        if seconds > MAX_WAIT or self._waited + seconds > TOTAL_WAIT:
            return False
        self._waited += seconds
        self._sleep(seconds)
        return True

    def _redirected(self, method: str, url: str, json: object, query: Mapping[str, str] | None) -> Answer:
        answer = self._once(method, url, json, query)
        for _ in range(MAX_REDIRECTS):
            if answer.status not in _FOLLOWED or (method != "GET" and answer.status in {301, 302}):
                return answer
            target = urljoin(answer.url, answer.headers.get("location", ""))
            if origin(target) != origin(self.base):
                raise ApiError(f"{method} {urlsplit(url).path}", detail="redirected to another host, not followed")
            answer = self._once(method, target, json, None)
        return answer

    def _once(self, method: str, url: str, json: object, query: Mapping[str, str] | None) -> Answer:
        what = f"{method} {urlsplit(url).path}"
        if origin(url) != origin(self.base):
            raise ApiError(what, detail="another host than the API's, not asked")
        try:
            reply = http.fetch(
                self._session,
                method,
                url,
                seconds=self._timeout,
                largest=MAX_BODY,
                params=query,
                json=json,
                auth=self._auth,
            )
        except http.TooLarge:
            raise ApiError(what, detail=f"answer over {MAX_BODY} bytes") from None
        except http.NoReply as error:
            raise ConnectionError(str(error)) from None
        return Answer(status=reply.status, headers=reply.headers, body=reply.body, url=url)

    def pages(self, path: str, *, limit: int = MAX_PAGES) -> Iterator[Answer]:
        """The pages of a list, 100 entries each, by the Link header. Raises ApiError past `limit` pages."""
        answer = self.request("GET", path, query={"per_page": "100"})
        yield answer
        for _ in range(limit - 1):
            following = self._next(answer)
            if not following:
                return
            answer = self.request("GET", following)
            yield answer
        if self._next(answer):
            raise ApiError(f"GET {path}", detail=f"more than {limit} pages")

    @staticmethod
    def _next(answer: Answer) -> str:
        from requests.utils import parse_header_links  # noqa: PLC0415

        links = parse_header_links(answer.headers.get("link", "")[:8192])
        target = next((link.get("url", "") for link in links if link.get("rel") == "next"), "")
        return urljoin(answer.url, target) if target else ""
