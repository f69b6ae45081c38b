"""Small git repositories for tests."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

_CONFIG = (
    "user.name=Test",
    "user.email=test@example.test",
    "init.defaultBranch=main",
    "commit.gpgsign=false",
    "safe.directory=*",
)


def git(root: Path, *arguments: str) -> str:
    """Runs git in the folder with a configuration of its own; gives what it prints."""
    options = [part for setting in _CONFIG for part in ("-c", setting)]
    done = subprocess.run(["git", *options, *arguments], cwd=root, capture_output=True, check=True)
    return done.stdout.decode().strip()


def commit(root: Path, files: Mapping[str, bytes | str | None], message: str = "change") -> str:
    """Writes (or with None removes) the files and commits all of them; gives the commit's id."""
    if not (root / ".git").exists():
        root.mkdir(parents=True, exist_ok=True)
        git(root, "init", "-q")
    for name, data in files.items():
        path = root / name
        if data is None:
            path.unlink()
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)
    git(root, "add", "-A", "-f")
    git(root, "commit", "-q", "--allow-empty", "-m", message)
    return git(root, "rev-parse", "HEAD")
