"""git's own smart HTTP server behind the tests' HTTP server, and repositories to serve."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.github.server import Reply, Request

_ENV = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.test",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.test",
    "GIT_AUTHOR_DATE": "1700000000 +0000",
    "GIT_COMMITTER_DATE": "1700000000 +0000",
}


def git(root: Path, *arguments: str) -> str:
    config = ("-c", f"safe.directory={root}", "-c", "init.defaultBranch=main", "-c", "protocol.file.allow=always")
    done = subprocess.run(["git", *config, *arguments], cwd=root, env=_ENV, capture_output=True, check=True)
    return done.stdout.decode().strip()


def commit(root: Path, files: dict[str, str], message: str) -> str:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    git(root, "add", "-A")
    git(root, "commit", "-q", "--allow-empty", "-m", message)
    return git(root, "rev-parse", "HEAD")


def repository(root: Path) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    git(root, "init", "-q")
    # As GitHub does: any commit may be asked for by its id.
    git(root, "config", "uploadpack.allowAnySHA1InWant", "true")
    return root


def merge(root: Path, branch: str) -> str:
    git(root, "merge", "-q", "--no-ff", "-m", "merge", branch)
    return git(root, "rev-parse", "HEAD")


def shallow(origin: Path, to: Path, sha: str) -> Path:
    """What actions/checkout leaves: one commit, detached, its parents named but absent."""
    to.mkdir(parents=True)
    git(to, "init", "-q")
    git(to, "-c", f"safe.directory={origin}/.git", "fetch", "-q", "--depth=1", f"file://{origin}", sha)
    git(to, "checkout", "-q", "--detach", sha)
    return to


def backend(projects: Path, request: Request) -> Reply:
    """The answer of `git http-backend` for /owner/name.git/... to a request (CGI, RFC 3875)."""
    path, _, query = request.path.partition("?")
    headers = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in request.headers.items()}
    env = _ENV | {
        "GIT_PROJECT_ROOT": str(projects),
        "GIT_HTTP_EXPORT_ALL": "1",
        "GIT_PROTOCOL": headers.get("HTTP_GIT_PROTOCOL", ""),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "safe.directory",
        "GIT_CONFIG_VALUE_0": "*",
        "REQUEST_METHOD": request.method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "CONTENT_TYPE": request.headers.get("content-type", ""),
        "CONTENT_LENGTH": str(len(request.body)),
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_CONTENT_ENCODING": request.headers.get("content-encoding", ""),
    }
    done = subprocess.run(["git", "http-backend"], env=env, input=request.body, capture_output=True, check=True)
    head, _, body = done.stdout.partition(b"\r\n\r\n")
    fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
    status = int(fields.pop("Status", "200").split()[0])
    return Reply(status, headers=fields, raw=body)
