"""`mlgate policy check | show | schema`, and what the other commands need to read and write a policy file."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec

from mlgate.errors import MlgateError
from mlgate.policy.load import PRESETS, Fetch, load, preset
from mlgate.policy.schema import Policy, json_schema

DEFAULT = Path(".mlgate.yml")


def run(action: str, file: Path | None, fetch: Fetch | None = None) -> str:
    """What the command prints. Raises MlgateError on a policy that is not valid or cannot be read or written."""
    if action == "schema":
        return json.dumps(json_schema(), indent=2, sort_keys=True) + "\n"
    if action == "check":
        read(file, fetch)
        return f"{file or DEFAULT} is a valid policy.\n"
    if file and str(file) in PRESETS and not file.exists():
        return shown(preset(str(file)))
    return shown(read(file, fetch) if file or DEFAULT.is_file() else preset("starter"))


def create(file: Path, text: str) -> None:
    """Writes a policy where there is none. Raises MlgateError when the file is there or cannot be written."""
    try:
        with file.open("x", encoding="utf-8", newline="\n") as out:
            out.write(text)
    except FileExistsError:
        raise MlgateError(f"{str(file)!r} is there already.", "Edit it, or name another file.") from None
    except OSError as error:
        raise MlgateError(f"{str(file)!r} cannot be written: {error.strerror}.", "Name another file.") from None


def read(file: Path | None, fetch: Fetch | None = None) -> Policy:
    """The policy in the file (None: the default place). Raises MlgateError when there is none, or it is not valid."""
    file = file or DEFAULT
    try:
        with file.open("rb") as opened:
            text = opened.read((1 << 20) + 1).decode("utf-8")
    except OSError as error:
        raise MlgateError(f"{str(file)!r} cannot be read: {error.strerror}.", "Name a policy file.") from None
    except UnicodeDecodeError:
        raise MlgateError(f"{str(file)!r} is not UTF-8.", "Save it as UTF-8.") from None
    return load(text, str(file), fetch)


def shown(policy: Policy) -> str:
    """Everything that is in force, presets included, as YAML that is a policy again."""
    import yaml  # noqa: PLC0415  (start-up)

    return yaml.safe_dump(msgspec.to_builtins(policy), sort_keys=False, width=100, allow_unicode=True)
