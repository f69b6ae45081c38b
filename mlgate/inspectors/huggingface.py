"""A Hugging Face folder's own files: chat templates beside the weights, and configurations that name code to run.

transformers reads templates from tokenizer_config.json (a text, or a list of named ones), processor_config.json,
chat_template.json, chat_template.jinja and additional_chat_templates/*.jinja; `auto_map` in any of its configurations
names classes in Python files of this folder, or with `--` of another repository, which run under trust_remote_code.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from mlgate import rules
from mlgate.errors import Incomplete
from mlgate.inspectors._chat_template import TEMPLATE_RULES, check_template
from mlgate.records import Artifact, Category, Inspector, Observation, Rule, Severity

_LARGEST = 64 * 2**20  # tokenizer_config.json with all added tokens is a few hundred kB
_CONFIGS = frozenset(
    {
        "config.json",
        "tokenizer_config.json",
        "processor_config.json",
        "preprocessor_config.json",
        "generation_config.json",
        "chat_template.json",
    }
)

NAMES_CODE = Rule(
    id="MLG-MDL-042",
    title="Model configuration that names code to run",
    severity=Severity.MEDIUM,
    category=Category.MODEL_FILE,
    help="`auto_map` names Python classes that transformers imports and runs when the model is loaded with "
    "`trust_remote_code=True`: from files of this folder, or with `--` from another repository that can change.",
    remediation="Use a model whose architecture is part of transformers, or review the named files and pin them by "
    "`code_revision`.",
    cwe=("CWE-829", "CWE-494"),
    atlas=("AML.T0010", "AML.T0011.000"),
    owasp=("LLM03:2025",),
)


def _claims(artifact: Artifact) -> bool:
    name = artifact.name
    if name in _CONFIGS:
        return True
    place = PurePosixPath(artifact.member or artifact.path)
    return name == "chat_template.jinja" or (
        place.suffix == ".jinja" and place.parent.name == "additional_chat_templates"
    )


def _text(artifact: Artifact) -> str:
    if artifact.source.size > _LARGEST:
        raise Incomplete("limit", f"{artifact.source.size:,} bytes are more than such a file has")
    # what is not UTF-8 is no JSON either, and is told below where it matters
    return artifact.source.read_at(0, _LARGEST).decode("utf-8-sig", "surrogateescape")


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    text = _text(artifact)
    if artifact.name.endswith(".jinja"):
        yield from check_template(artifact, artifact.name, text)
        return
    try:
        document = json.loads(text.encode("utf-8"))
    except (ValueError, RecursionError):
        # config.json is anybody's name, and so is JSON with comments; a template or code map in it makes it ours
        if "auto_map" in text or "chat_template" in text:
            raise Incomplete("malformed", "not JSON, and it speaks of templates or code") from None
        return
    if isinstance(document, dict):
        yield from _templates(artifact, document.get("chat_template"))
        yield from _code(artifact, document, text)


def _templates(artifact: Artifact, value: Any) -> Iterator[Observation]:
    named = value if isinstance(value, list) else [{"name": "default", "template": value}]
    if isinstance(value, dict):
        named = [{"name": name, "template": template} for name, template in value.items()]
    for item in named[:100]:
        template = item.get("template") if isinstance(item, dict) else None
        if isinstance(template, str):
            yield from check_template(artifact, f"chat template {str(item.get('name'))[:50]!r}", template)


def _code(artifact: Artifact, document: dict[str, Any], text: str) -> Iterator[Observation]:
    found = document.get("auto_map")
    named: list[str] = []
    for value in found.values() if isinstance(found, dict) else (found,):
        named += [name for name in (value if isinstance(value, list) else [value]) if isinstance(name, str)]
    for name in dict.fromkeys(named):
        repository, _, path = name.rpartition("--")
        where = f"of the hub repository {repository!r}, at whatever it holds then" if repository else "of this folder"
        line = next((n for n, row in enumerate(text.splitlines(), 1) if json.dumps(name) in row), None)
        message = f"`trust_remote_code=True` runs {path[:200]!r} {where[:250]}."
        yield rules.finding(NAMES_CODE, artifact.at(line=line), message, evidence=name[:300])


INSPECTOR = Inspector(name="huggingface", claims=_claims, inspect=_inspect, rules=(NAMES_CODE, *TEMPLATE_RULES))
