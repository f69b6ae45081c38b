"""Policies that extend another repository's: read through GitHub's API, at a full commit, and from nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mlgate.errors import MlgateError
from mlgate.github import api
from mlgate.github.client import ApiError, Client
from mlgate.policy.load import Fetch

_LARGEST = 1 << 20
_API = "https://api.github.com"


def fetcher(connect: Callable[[], Client]) -> Fetch:
    """What gives a policy's text by repository ("owner/name"), path and commit. It raises MlgateError."""

    def fetch(repository: str, path: str, commit: str) -> str:
        hint = "The token needs to read that repository (`contents: read`)."
        try:
            with connect() as client:
                data = api.file_at(client, repository, path, commit, limit=_LARGEST)
        except ApiError as error:
            raise MlgateError(f"The policy {path!r} of {repository} cannot be read: {error}.", hint) from None
        if data is None:
            raise MlgateError(f"{repository} has no {path!r} at {commit[:12]}.", hint)
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            raise MlgateError(f"The policy {path!r} of {repository} is not UTF-8.") from None

    return fetch


def by_environment(environ: Mapping[str, str]) -> Fetch:
    """The same for a command line: GITHUB_API_URL, and the token of GITHUB_TOKEN or GH_TOKEN where there is one."""
    base = environ.get("GITHUB_API_URL") or _API
    token = environ.get("GITHUB_TOKEN") or environ.get("GH_TOKEN") or ""
    if not base.startswith("https://") and "GITHUB_ACTIONS" not in environ:
        raise MlgateError("GITHUB_API_URL is no https address.", f"Leave it unset for {_API}.")
    return fetcher(lambda: Client(base, token))
