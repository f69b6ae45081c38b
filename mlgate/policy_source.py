"""The policy of a run, from the base where there is one: never from what is being judged."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from mlgate import git
from mlgate.errors import MlgateError
from mlgate.policy import load
from mlgate.policy.schema import Policy
from mlgate.settings import Settings

PLACES = (".mlgate.yml", ".github/mlgate.yml")
LARGEST = 1 << 20  # bytes of a policy, and of other files that decide about the gate


def read_policy(settings: Settings, repository: git.Repository | None, base: str) -> tuple[Policy, str]:
    """The policy and where it was read: at the base where there is one, never from what is being judged.

    Raises MlgateError when a named policy is not there, or when it is not valid.
    """
    if settings.remote_base:
        if settings.policy_text is None and settings.policy_file:
            raise _no_policy(settings.policy_file, base)
        if settings.policy_text is None:
            return load.preset("starter"), "preset starter"
        return load.load(
            settings.policy_text, settings.policy_source, settings.fetch
        ), f"{settings.policy_source} at {base[:12]}"
    places = (settings.policy_file,) if settings.policy_file else PLACES
    for place in places:
        text = read_at_base(settings, repository, base, place)
        if text is not None:
            return load.load(text, place, settings.fetch), f"{place} at {base[:12]}" if base else place
    if settings.policy_file:
        raise _no_policy(settings.policy_file, base)
    return load.preset("starter"), "preset starter"


def _no_policy(name: str, base: str) -> MlgateError:
    where = f" at the base {base[:12]}" if base else ""
    hint = "A policy takes effect when it is on the base." if base else "Give a path from the repository's root."
    return MlgateError(f"There is no policy {name!r}{where}.", hint)


def read_at_base(settings: Settings, repository: git.Repository | None, base: str, place: str) -> str | None:
    if base and repository:
        data = repository.read(base, os.fsencode(place), LARGEST)
    else:
        data = _read_here(repository.top if repository else settings.root, place)
    if data is None:
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise MlgateError(f"The policy {place!r} is not UTF-8.", "Save it as UTF-8.") from None


def _read_here(top: Path, place: str) -> bytes | None:
    """The policy of a working tree; a link is refused, since what it points to may be anybody's."""
    path = Path(place) if Path(place).is_absolute() else top / place
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise MlgateError(f"The policy {place!r} cannot be read: {error.strerror}.", "Use a plain file.") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):  # before fdopen, which takes no folder
        os.close(descriptor)
        raise MlgateError(f"The policy {place!r} is no file.", "Use a plain file.")
    with os.fdopen(descriptor, "rb") as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise MlgateError(f"The policy {place!r} is larger than {LARGEST:,} bytes.", "Make it smaller.")
    return data
