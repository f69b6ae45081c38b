"""Paths in the workspace, which holds files that a pull request chose: nothing read or written may leave it."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from mlgate.errors import MlgateError

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def parts(text: str, name: str) -> tuple[str, ...]:
    """The parts of an input that is a path below the workspace. Raises MlgateError for any other path."""
    path = PurePosixPath(text)
    if path.is_absolute() or ".." in path.parts or "\0" in text or ".git" in path.parts:
        raise MlgateError(
            f"The input `{name}` is {text[:200]!r}, which is not below the workspace.",
            "Give a path relative to the repository's root, without `..`.",
        )
    return path.parts


def folder(workspace: Path, text: str, name: str) -> Path:
    """An existing folder of the workspace. Raises MlgateError when it is none or a link leads out of the workspace."""
    found = workspace.joinpath(*parts(text, name))
    try:
        real, root = found.resolve(strict=True), workspace.resolve(strict=True)
    except (OSError, RuntimeError):
        raise MlgateError(
            f"The input `{name}` is {text[:200]!r}, which is not in the workspace.",
            "Put actions/checkout before mlgate, and give a path relative to the repository's root.",
        ) from None
    if not real.is_relative_to(root):
        raise MlgateError(
            f"The input `{name}` is {text[:200]!r}, which a link leads out of the workspace.", "Give a real folder."
        )
    if not real.is_dir():
        raise MlgateError(f"The input `{name}` is {text[:200]!r}, which is no folder.", "Give a folder.")
    return real


def _enter(parent: int, name: str, given: str, owner: tuple[int, int]) -> int:
    try:
        os.mkdir(name, 0o755, dir_fd=parent)
    except FileExistsError:
        pass
    else:
        _give(name, parent, owner)
    try:
        return os.open(name, _DIRECTORY, dir_fd=parent)
    except OSError:
        raise MlgateError(
            f"The input `output-dir` is {given[:200]!r}, and {name[:100]!r} in it is a link or no folder.",
            "Give a folder that the repository does not have.",
        ) from None


def _give(name: str, parent: int, owner: tuple[int, int]) -> None:
    # The container runs as root; what it leaves must not be in the way of the job's own user.
    if os.geteuid() == 0:
        os.chown(name, *owner, dir_fd=parent, follow_symlinks=False)


def place(workspace: Path, output_dir: str, files: Mapping[str, bytes]) -> dict[str, str]:
    """Writes the files into the output folder and returns their paths relative to the workspace, by name.

    No link is followed, neither on the way nor at the place of a file: what is there is replaced, since the
    repository itself may bring a link under that name. Files belong to the workspace's owner.
    Raises MlgateError when the folder cannot be had.
    """
    steps = parts(output_dir, "output-dir")
    if not steps:
        raise MlgateError("The input `output-dir` is the workspace itself.", "Give a folder of its own.")
    found = workspace.stat()
    owner = (found.st_uid, found.st_gid)
    here = os.open(workspace, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for step in steps:
            inner = _enter(here, step, output_dir, owner)
            os.close(here)
            here = inner
        for name, data in files.items():
            _replace(here, name, data, owner)
    except OSError as error:
        raise MlgateError(f"The output folder cannot be written: {error.strerror}.") from None
    finally:
        os.close(here)
    return {name: "/".join((*steps, name)) for name in files}


def _replace(here: int, name: str, data: bytes, owner: tuple[int, int]) -> None:
    temporary = f".{secrets.token_hex(8)}"
    with os.fdopen(os.open(temporary, _NEW, 0o644, dir_fd=here), "wb") as stream:
        stream.write(data)
    _give(temporary, here, owner)
    try:
        os.rename(temporary, name, src_dir_fd=here, dst_dir_fd=here)
    except OSError:
        os.unlink(temporary, dir_fd=here)
        raise


def collect(directory: Path) -> dict[str, bytes]:
    """The regular files that were written to a folder of ours, by name."""
    return {path.name: path.read_bytes() for path in sorted(directory.iterdir()) if stat.S_ISREG(path.lstat().st_mode)}
