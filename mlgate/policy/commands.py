"""`mlgate policy init | check | show | schema`."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec

from mlgate.errors import MlgateError
from mlgate.policy.load import load, preset
from mlgate.policy.schema import Policy, json_schema

DEFAULT = Path(".mlgate.yml")
FIRST = """\
# What mlgate accepts in this repository; it takes effect when it is on the base branch.
# Every key: docs/policy.md of mlgate, or `mlgate policy schema`.
version: 1
extends: starter             # or strict

# models:
#   formats: {deny: [{format: pickle, except: ["legacy/**"]}]}
#   sources: {allow: ["hf:google/*"]}
#   pickle: {allow-globals: [mycorp.nn.Encoder]}
# waivers:
#   items:
#     - rule: MLG-PKL-002
#       path: legacy/scaler.pkl
#       sha256: "<of the file>"
#       reason: trained here
#       owner: "@org/ml"
#       expires: "YYYY-MM-DD"
"""


def run(action: str, file: Path | None) -> str:
    """What the command prints. Raises MlgateError on a policy that is not valid or cannot be read or written."""
    if action == "schema":
        return json.dumps(json_schema(), indent=2, sort_keys=True) + "\n"
    if action == "init":
        return _init(file or DEFAULT)
    if action == "check":
        _read(file or DEFAULT)
        return f"{file or DEFAULT} is a valid policy.\n"
    return _shown(_read(file) if file or DEFAULT.is_file() else preset("starter"))


def _init(file: Path) -> str:
    try:
        with file.open("x", encoding="utf-8", newline="\n") as out:
            out.write(FIRST)
    except FileExistsError:
        raise MlgateError(f"{str(file)!r} is there already.", "Edit it, or name another file.") from None
    except OSError as error:
        raise MlgateError(f"{str(file)!r} cannot be written: {error.strerror}.", "Name another file.") from None
    return f"{file} is written; it says what the starter preset says until you change it.\n"


def _read(file: Path | None) -> Policy:
    file = file or DEFAULT
    try:
        with file.open("rb") as opened:
            text = opened.read((1 << 20) + 1).decode("utf-8")
    except OSError as error:
        raise MlgateError(f"{str(file)!r} cannot be read: {error.strerror}.", "Name a policy file.") from None
    except UnicodeDecodeError:
        raise MlgateError(f"{str(file)!r} is not UTF-8.", "Save it as UTF-8.") from None
    return load(text, str(file))


def _shown(policy: Policy) -> str:
    """Everything that is in force, presets included, as YAML that is a policy again."""
    import yaml  # noqa: PLC0415  (start-up)

    return yaml.safe_dump(msgspec.to_builtins(policy), sort_keys=False, width=100, allow_unicode=True)
