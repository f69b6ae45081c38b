"""The repository as git knows it, read without running anything it configures and without fetching.

Commands get lists of arguments, an environment of our own and limits. The checkout's `.git/config` belongs to whoever
made the checkout; what a commit can bring (attributes, submodule settings, LFS settings) starts no program in the
commands used here.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from mlgate.errors import MlgateError

_TIMEOUT = 120.0
_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_OPTIONS = (
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "core.quotePath=false"),
    *("-c", "protocol.allow=never"),
    *("-c", "submodule.recurse=false"),
    *("-c", "safe.bareRepository=explicit"),
    "--no-replace-objects",
    "--literal-pathspecs",
)

# A pull request may say `ignore = all` in .gitmodules.
_ALL = ("--ignore-submodules=none",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A path of the index in bytes, with git's mode ("100644", "120000" link, "160000" submodule) and object name."""

    mode: str
    path: bytes
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """A working tree. `trusted` says that its owner may be another user (the runner's checkout in a container)."""

    top: Path
    trusted: bool = False

    def run(
        self, *arguments: str, stdin: bytes = b"", check: bool = True, stdout: IO[bytes] | int = subprocess.PIPE
    ) -> bytes:
        """What the command prints, or b"" where `stdout` takes it.

        Raises MlgateError when the command fails and `check` is set; else a failure gives b"".
        """
        trust = ("-c", f"safe.directory={self.top}") if self.trusted else ()
        keep = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        env = keep | {
            "LC_ALL": "C.UTF-8",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_PAGER": "cat",
            "GIT_NO_REPLACE_OBJECTS": "1",
        }
        try:
            done = subprocess.run(
                ["git", *trust, *_OPTIONS, *arguments],
                cwd=self.top,
                env=env,
                input=stdin,
                stdout=stdout,
                stderr=subprocess.PIPE,
                timeout=_TIMEOUT,
                check=False,
            )
        except FileNotFoundError:
            raise MlgateError("git is not installed.", "Install git, or scan a folder that is no repository.") from None
        except subprocess.TimeoutExpired:
            raise MlgateError(f"git {arguments[0]} gave no answer in {_TIMEOUT:g} seconds.") from None
        if done.returncode == 0:
            return done.stdout or b""
        if check:
            reason = done.stderr[:300].decode(errors="replace").strip()
            raise MlgateError(f"git {arguments[0]} failed: {reason}", "Check that the repository is whole.")
        return b""

    def setting(self, name: str) -> str:
        """A value of git's configuration, "" when it has none."""
        return self.run("config", "--get", name, check=False).decode("utf-8", "replace").strip()

    def head(self) -> tuple[str, int]:
        """The commit that is checked out and its committer's time (seconds since 1970), or ("", 0) before the first."""
        text = self.run("log", "-1", "--format=%H %ct", "--no-show-signature", check=False).decode().split()
        return (text[0], int(text[1])) if len(text) == 2 else ("", 0)

    def resolve(self, ref: str) -> str:
        """The commit that a name stands for. Raises MlgateError when there is none here: never a default."""
        if ref.startswith("-") or not ref.strip():
            raise MlgateError(f"{ref!r} is no commit.", "Name a branch, a tag or a commit.")
        found = self.run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}", check=False)
        sha = found.decode().strip()
        if not _SHA.fullmatch(sha) or self.run("cat-file", "-t", f"{sha}^{{tree}}", check=False).strip() != b"tree":
            shallow = self.run("rev-parse", "--is-shallow-repository", check=False).strip() == b"true"
            hint = "The clone is shallow: fetch the commit, or clone with its history (`fetch-depth: 0`)."
            raise MlgateError(f"The base {ref!r} is not in this clone.", hint if shallow else "Fetch it first.")
        return sha

    def fork_point(self, base: str, head: str) -> str:
        """The common ancestor with `head`, so that the base's own progress is not taken for a change; else `base`."""
        if not head:
            return base
        found = self.run("merge-base", base, head, check=False).decode().strip()
        return found if _SHA.fullmatch(found) else base

    def index(self) -> tuple[Entry, ...]:
        """What git tracks, in the index's order; conflicted paths once."""
        entries: dict[bytes, Entry] = {}
        for line in self.run("ls-files", "-s", "-z").split(b"\0"):
            meta, _, path = line.partition(b"\t")
            if path:
                mode, name = meta.decode().split()[:2]
                entries[path] = Entry(mode=mode, path=path, name=name)
        return tuple(entries.values())

    def left_out(self) -> tuple[bytes, ...]:
        """Tracked paths that a sparse checkout keeps out of the working tree (git's skip-worktree bit)."""
        lines = self.run("ls-files", "-t", "-z").split(b"\0")
        return tuple(line[2:] for line in lines if line.startswith(b"S "))

    def untracked(self) -> tuple[bytes, ...]:
        """Paths that git does not track and is not told to ignore (a nested repository ends with `/`)."""
        return tuple(p for p in self.run("ls-files", "-o", "--exclude-standard", "-z").split(b"\0") if p)

    def changed(self, base: str) -> frozenset[bytes]:
        """Paths that differ between a commit and the working tree, both names of a rename, untracked ones included."""
        raw = self.run("diff", "--name-only", "--no-renames", "--no-ext-diff", "--no-textconv", "-z", *_ALL, base, "--")
        return frozenset(path for path in raw.split(b"\0") if path) | frozenset(self.untracked())

    def renamed(self, base: str, paths: Iterable[bytes]) -> dict[bytes, bytes]:
        """New path to old one of what git takes for renames among these paths (at least half of the lines alike)."""
        wanted = sorted(paths)
        if not wanted:
            return {}
        options = ("--name-status", "-M50%", "-l100", "--diff-filter=R", "--no-ext-diff", "--no-textconv", "-z")
        fields = self.run("diff", *options, *_ALL, base, "--", *map(os.fsdecode, wanted)).split(b"\0")
        return dict(zip(fields[2::3], fields[1::3], strict=False))

    def read(self, commit: str, path: bytes, limit: int) -> bytes | None:
        """The file's bytes at a commit, or None when it has none there. Raises MlgateError above `limit` bytes."""
        for found, name, size in self.blobs(commit, [path]):
            if size > limit:
                raise MlgateError(f"{os.fsdecode(found)!r} at {commit[:12]} is larger than {limit:,} bytes.")
            return self.run("cat-file", "blob", name)
        return None

    def blobs(self, commit: str, paths: Iterable[bytes]) -> Iterator[tuple[bytes, str, int]]:
        """(path, object name, size in bytes) of those paths that are files at the commit."""
        wanted = [path for path in paths if b"\n" not in path]
        request = b"".join(commit.encode() + b":" + path + b"\n" for path in wanted)
        answers = self.run("cat-file", "--batch-check=%(objectname) %(objecttype) %(objectsize)", stdin=request)
        for path, answer in zip(wanted, answers.split(b"\n"), strict=False):
            parts = answer.split(b" ")
            if len(parts) == 3 and parts[1] == b"blob":
                yield path, parts[0].decode(), int(parts[2])

    def save(self, name: str, target: Path) -> None:
        """Writes an object's bytes to a new file, without holding them. Raises MlgateError when that fails."""
        with target.open("xb") as file:
            self.run("cat-file", "blob", name, stdout=file)


def find(path: Path, *, trusted: bool = False) -> Repository | None:
    """The repository whose working tree holds the folder, or None. Only folders above are looked at."""
    start = path.resolve()
    for folder in (start, *start.parents):
        if os.path.lexists(folder / ".git"):
            return Repository(top=folder, trusted=trusted)
    return None
