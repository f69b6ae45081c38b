"""OSV's API (google.github.io/osv.dev/api): querybatch, paging, and the records themselves.

Whatever the server does (down, slow, limiting, truncated, oversized, redirecting, another form), the answer is either
complete or Unavailable; there is no third.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import msgspec

from mlgate import http
from mlgate.advisories.hydrated import Hydrated
from mlgate.advisories.match import entries
from mlgate.advisories.records import Record, decode
from mlgate.advisories.source import Answer, Query, Unavailable

BATCH = 1000  # the API's documented maximum
_PAGES = 1000
_PARALLEL = 8
_AGAIN = frozenset({408, 429, 500, 502, 503, 504})


class _Hit(msgspec.Struct, frozen=True):
    id: str
    modified: str = ""


class _Result(msgspec.Struct, frozen=True):
    vulns: tuple[_Hit, ...] | None = ()
    next_page_token: str = ""


class _Batch(msgspec.Struct, frozen=True):
    results: tuple[_Result, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """`url` is the API's base. Times are seconds: `timeout` of a read, `deadline` of everything; `largest` is bytes.

    `cache` is a folder for records that were had before, or None.
    """

    url: str
    timeout: float = 20.0
    deadline: float = 120.0
    tries: int = 5
    largest: int = 32 * 2**20
    cache: Path | None = None
    sleep: Callable[[float], None] = time.sleep
    _started: float = field(default_factory=time.monotonic)
    _had: dict[tuple[str, str], Record] = field(default_factory=dict)

    def ask(self, queries: Sequence[Query]) -> Answer:
        """Every record that concerns a query. Raises Unavailable when any part of that could not be had."""
        with http.session() as session:
            hits = self._hits(session, list(dict.fromkeys(queries)))
            wanted = sorted({hit for found in hits.values() for hit in found})
            with ThreadPoolExecutor(_PARALLEL) as pool:
                records = dict(zip(wanted, pool.map(lambda hit: self._record(session, hit), wanted), strict=True))
        found = {query: {name: records[name, when] for name, when in sorted(said)} for query, said in hits.items()}
        for query, named in found.items():
            for record in named.values():
                if not record.withdrawn and not any(entries(record, query.ecosystem, query.name)):
                    raise Unavailable(f"OSV gave {record.id[:60]} for {query.name[:100]}, which it is not about")
        return Answer(records={query: tuple(named.values()) for query, named in found.items()}, origin=self.url)

    def _hits(self, session: Any, queries: list[Query]) -> dict[Query, set[tuple[str, str]]]:
        """The ids of records for each query, each with when it was modified."""
        found: dict[Query, set[tuple[str, str]]] = {query: set() for query in queries}
        pending: list[tuple[Query, str]] = [(query, "") for query in queries]
        seen: set[tuple[Query, str]] = set()
        for _ in range(_PAGES):
            if not pending:
                return found
            batch, pending = pending[:BATCH], pending[BATCH:]
            body = {"queries": [self._body(query, token) for query, token in batch]}
            answer = self._decoded(self._request(session, "POST", "/v1/querybatch", body), _Batch)
            if len(answer.results) != len(batch):
                raise Unavailable(f"OSV answered {len(answer.results)} of {len(batch)} queries")
            for (query, _), result in zip(batch, answer.results, strict=True):
                # without a version every advisory of the package comes back, and only malware is asked for
                found[query] |= {
                    (hit.id, hit.modified) for hit in result.vulns or () if query.version or hit.id.startswith("MAL-")
                }
                if result.next_page_token:
                    following = (query, result.next_page_token)
                    if following in seen:
                        raise Unavailable("OSV gave the same page token again")
                    seen.add(following)
                    pending.append(following)
        raise Unavailable(f"OSV gave more than {_PAGES} pages")

    @staticmethod
    def _body(query: Query, token: str) -> dict[str, Any]:
        body: dict[str, Any] = {"package": {"ecosystem": query.ecosystem, "name": query.name}}
        if query.version:
            # the Go database writes semantic versions without the letter that Go itself puts before them
            body["version"] = query.version.removeprefix("v") if query.ecosystem == "Go" else query.version
        return body | ({"page_token": token} if token else {})

    def _record(self, session: Any, hit: tuple[str, str]) -> Record:
        from urllib.parse import quote  # noqa: PLC0415

        name, modified = hit
        if hit in self._had:
            return self._had[hit]
        kept = Hydrated(url=self.url, folder=self.cache)
        record = kept.get(name, modified)
        if record is not None:
            self._had[hit] = record
            return record
        data = self._request(session, "GET", f"/v1/vulns/{quote(name, safe='')}", None)
        try:
            record = decode(data)
        except ValueError as error:
            raise Unavailable(f"OSV's record {name[:60]} is of another form: {str(error)[:200]}") from None
        if record.id != name:
            raise Unavailable(f"OSV gave {record.id[:60]} for {name[:60]}")
        kept.put(name, modified, data)
        self._had[hit] = record
        return record

    @staticmethod
    def _decoded(data: bytes, kind: type[_Batch]) -> _Batch:
        try:
            return msgspec.json.decode(data, type=kind)
        except ValueError as error:
            raise Unavailable(f"OSV's answer is of another form: {str(error)[:200]}") from None

    def _request(self, session: Any, method: str, path: str, body: Any) -> bytes:
        """The body of a 200, after as many tries as allowed."""
        reason = "no answer"
        for attempt in range(self.tries):
            left = self._left()
            if left <= 0:
                reason = "time is over"
                break
            wait = min(30.0, 0.5 * 2**attempt) * (0.5 + random.random() / 2)  # noqa: S311  (jitter)
            try:
                reply = http.fetch(
                    session,
                    method,
                    self.url.rstrip("/") + path,
                    seconds=left,
                    timeout=self.timeout,
                    largest=self.largest,
                    body_of=frozenset({200}),
                    json=body,
                )
            except http.TooLarge:
                raise Unavailable(f"OSV's answer is larger than {self.largest:,} bytes") from None
            except http.NoReply as error:
                reason = str(error)
            else:
                if reply.status == 200:
                    return reply.body
                reason = f"status {reply.status}"
                if reply.status not in _AGAIN:
                    break
                wait = _retry_after(reply.headers.get("retry-after", ""), time.time(), wait)
            if attempt + 1 < self.tries:
                if wait > self._left():
                    break
                self.sleep(wait)
        raise Unavailable(f"OSV did not answer {path.rpartition('/')[0] or path}: {reason}")

    def _left(self) -> float:
        return self.deadline - (time.monotonic() - self._started)


def _retry_after(header: str, now: float, otherwise: float) -> float:
    """Seconds by a Retry-After header (RFC 9110, 10.2.3: a number or a date); nonsense gives our own wait."""
    if header.isascii() and header.isdecimal():
        return float(header[:9])
    try:
        return max(0.0, parsedate_to_datetime(header[:100]).timestamp() - now)
    except (ValueError, TypeError, OverflowError):
        return otherwise
