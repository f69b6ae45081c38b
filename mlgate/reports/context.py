"""What a report knows besides the inventory and the verdict, and the links that may be made from it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote

from mlgate.records import Location

_REPOSITORY = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,98})/[A-Za-z0-9._-]{1,100}")
_SERVER = re.compile(r"https?://[A-Za-z0-9.-]{1,253}(?::[0-9]{1,5})?(?:/[A-Za-z0-9._-]{1,100}){0,4}")
_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_RUN = re.compile(r"/[A-Za-z0-9-]+/[A-Za-z0-9._-]+/actions/runs/[0-9]+(?:/attempts/[0-9]+)?")
_ESCAPED = re.compile(r"%[0-9A-F]{2}")
# GitHub shows these rendered, where lines have no anchors.
_RENDERED = (".ipynb", ".md", ".markdown", ".rst")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportContext:
    """Where the run took place.

    `repository` is owner/name, `server_url` GitHub's address without an end slash, `path` the scanned folder
    relative to the repository's root ("" for the root), `run_url` the workflow run, `artifact` the name under
    which all outputs are kept. `bom_summary` is a sentence about the ML-BOM and `notes` what the caller has to
    say (a token that may not comment): both are shown as they are, escaped. Everything may be empty.
    """

    tool_version: str
    repository: str = ""
    server_url: str = "https://github.com"
    head_sha: str = ""
    path: str = ""
    run_url: str = ""
    artifact: str = ""
    bom_summary: str = ""
    notes: tuple[str, ...] = ()

    @property
    def sha(self) -> str:
        """The head commit when it is one, else empty."""
        return self.head_sha if _SHA.fullmatch(self.head_sha) else ""

    @property
    def repository_url(self) -> str:
        """The repository's address when server and name are well formed, else empty."""
        if not (_SERVER.fullmatch(self.server_url) and _REPOSITORY.fullmatch(self.repository)):
            return ""
        return f"{self.server_url}/{self.repository}"

    @property
    def run(self) -> str:
        """The run's address when it is one on the configured server, else empty."""
        if not _SERVER.fullmatch(self.server_url) or not self.run_url.startswith(self.server_url):
            return ""
        return self.run_url if _RUN.fullmatch(self.run_url.removeprefix(self.server_url)) else ""

    @property
    def folder(self) -> str:
        """The scanned folder, "" for the repository's root."""
        return "" if self.path in ("", ".") else self.path.removeprefix("./").strip("/")


def encoded(path: str) -> str:
    """A path as a relative URI (RFC 3986): bytes that discover has percent-escaped already are not escaped again."""
    return "".join(
        part if _ESCAPED.fullmatch(part) else quote(part, safe="/", errors="surrogatepass")
        for part in re.split(r"(%[0-9A-F]{2})", path)
    )


def repository_uri(context: ReportContext, path: str) -> str:
    """The URI of a scanned path relative to the repository's root, never empty."""
    folder = context.folder
    return encoded(f"{folder}/{path}" if folder else path) or "."


def blob_url(context: ReportContext, location: Location) -> str:
    """The address of the place at the head commit, or "" when a part is missing or not what it should be."""
    base = context.repository_url
    parts = f"{context.folder}/{location.path}".strip("/").split("/")
    if not (base and context.sha and location.path) or any(part in ("", ".", "..") for part in parts):
        return ""
    url = f"{base}/blob/{context.sha}/{repository_uri(context, location.path)}"
    if location.line is None or location.member or location.cell is not None:
        return url
    plain = "?plain=1" if location.path.lower().endswith(_RENDERED) else ""
    last = f"-L{location.end_line}" if location.end_line and location.end_line > location.line else ""
    return f"{url}{plain}#L{location.line}{last}"
