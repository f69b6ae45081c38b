"""The checkout: which commit it is at, and how a missing one comes in (actions/checkout has a depth of one)."""

from __future__ import annotations

import base64
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from mlgate.errors import MlgateError
from mlgate.git import Repository
from mlgate.github.event import is_repository, is_sha

_KEPT = (
    "PATH",
    "HTTPS_PROXY",
    "https_proxy",
    "NO_PROXY",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "GIT_SSL_CAINFO",
)
_DETAIL = 300
_HEADER = 1 << 16  # bytes of a commit object, more than its header and message need


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """The repository on the server: `server_url` is GITHUB_SERVER_URL, `repository` is owner/name."""

    server_url: str
    repository: str
    token: str = field(default="", repr=False)

    @property
    def url(self) -> str:
        """The address to fetch from, or "" when a part is not what it should be."""
        parts = urlsplit(self.server_url)
        plain = parts.scheme in {"https", "http"} and parts.hostname and not (parts.username or parts.query)
        return (
            f"{self.server_url.rstrip('/')}/{self.repository}.git" if plain and is_repository(self.repository) else ""
        )


def _config(remote: Remote) -> tuple[tuple[str, str], ...]:
    header = f"http.{remote.url}.extraheader"
    basic = base64.b64encode(f"x-access-token:{remote.token}".encode()).decode()
    return (
        ("core.hooksPath", os.devnull),
        ("core.fsmonitor", "false"),
        ("credential.helper", ""),
        ("http.followRedirects", "false"),
        ("http.lowSpeedLimit", "1"),  # bytes per second: a silent server ends git's own child as well
        ("http.lowSpeedTime", "30"),
        ("gc.auto", "0"),
        ("maintenance.auto", "false"),
        ("submodule.recurse", "false"),
        # An empty value forgets what the checkout left for this address: two Authorization headers are refused.
        (header, ""),
        *(((header, f"AUTHORIZATION: basic {basic}"),) if remote.token else ()),
    )


def fetch_environment(remote: Remote, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of git: the token travels here, not in arguments, and is bound to the one address."""
    config = _config(remote)
    given = {name: environ[name] for name in _KEPT if name in environ}
    for number, (key, value) in enumerate(config):
        given[f"GIT_CONFIG_KEY_{number}"] = key
        given[f"GIT_CONFIG_VALUE_{number}"] = value
    return given | {
        "GIT_CONFIG_COUNT": str(len(config)),
        "GIT_CONFIG_NOSYSTEM": "1",
        # Above every configuration: no ext::, no file, no ssh, whatever the checkout's own config rewrites.
        "GIT_ALLOW_PROTOCOL": urlsplit(remote.url).scheme,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "HOME": "/nonexistent",
        "LC_ALL": "C.UTF-8",
    }


def _run(root: Path, arguments: tuple[str, ...], env: Mapping[str, str], timeout: float) -> tuple[int, str]:
    found = root.stat()
    # As the checkout's owner: nothing of root's is left in .git, in the way of the job's later steps.
    user = found.st_uid if os.geteuid() == 0 and found.st_uid != 0 else None
    group = found.st_gid if user is not None else None
    try:
        done = subprocess.run(
            ["git", "-c", f"safe.directory={root}", *arguments],
            cwd=root,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout,
            check=False,
            user=user,
            group=group,
            extra_groups=[] if user is not None else None,
        )
    except subprocess.TimeoutExpired:
        return -1, f"no answer in {timeout:g} seconds"
    except OSError as error:
        return -1, error.strerror or "git cannot be started"
    text = (done.stdout if done.returncode == 0 else done.stderr)[:4096].decode(errors="replace").strip()
    return done.returncode, text


def repository_root(workspace: Path, folder: Path) -> Path:
    """The repository that holds the folder, looked for up to the workspace. Raises MlgateError when there is none."""
    for candidate in (folder, *folder.parents):
        if os.path.lexists(candidate / ".git"):
            return candidate
        if candidate == workspace:
            break
    raise MlgateError(
        "The workspace holds no git repository.", "Put actions/checkout before mlgate, without `path:` outside of it."
    )


def _read(root: Path, *arguments: str) -> str:
    return Repository(top=root, trusted=True).run(*arguments, check=False)[:_HEADER].decode(errors="replace").strip()


def head_commit(root: Path) -> tuple[str, tuple[str, ...]]:
    """HEAD and its parents as the commit object names them, which a shallow checkout has too.

    Raises MlgateError when HEAD is no commit that can be read.
    """
    head = _read(root, "rev-parse", "--verify", "HEAD^{commit}")
    header = _read(root, "cat-file", "commit", head).partition("\n\n")[0] if is_sha(head) else ""
    if not header:
        raise MlgateError(
            "git cannot read the checkout's HEAD.", "Put actions/checkout before mlgate, with a ref that has a commit."
        )
    lines = (line.removeprefix("parent ") for line in header.split("\n") if line.startswith("parent "))
    return head, tuple(line for line in lines if is_sha(line))


def has_commit(root: Path, sha: str) -> bool:
    """Whether the commit and its tree are in the checkout."""
    return is_sha(sha) and _read(root, "cat-file", "-t", f"{sha}^{{tree}}") == "tree"


def fetch_commit(root: Path, sha: str, remote: Remote, *, environ: Mapping[str, str], timeout: float = 120.0) -> str:
    """Fetches one commit with its tree into the repository at `root`; "" when it is there now, else why not.

    In a shallow checkout one commit comes without its history; a full one stays full.
    """
    if not is_sha(sha) or not remote.url:
        return "the commit or the server's address is not well formed"
    env = fetch_environment(remote, environ)
    code, text = _run(root, ("rev-parse", "--is-shallow-repository"), env, timeout)
    if code != 0:
        return text[:_DETAIL] or "not a git repository"
    depth = ("--depth=1",) if text == "true" else ()
    quiet = ("--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--no-auto-maintenance")
    code, text = _run(root, ("fetch", *quiet, *depth, remote.url, sha), env, timeout)
    if code != 0:
        secret = remote.token or "\0"
        return text.replace(secret, "***")[:_DETAIL] or f"git fetch ended with {code}"
    return ""
