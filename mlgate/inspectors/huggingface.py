"""A Hugging Face folder's own files: chat templates beside the weights, and configurations that name code to run.

transformers reads templates from tokenizer_config.json (a text, or a list of named ones), processor_config.json,
chat_template.json, chat_template.jinja and additional_chat_templates/*.jinja; other
runtimes take any file. Code is named by `auto_map` and
`custom_pipelines` in any configuration (Python files of this folder, or with `--` of another repository, which run
under trust_remote_code), by an attention implementation on the hub (transformers with kernels), by module types in
sentence-transformers' modules.json, by components in diffusers' model_index.json, and by `auto_mapping` in PEFT's
adapter_config.json, whose `parent_library` is imported without being asked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from mlgate import rules
from mlgate.errors import Incomplete
from mlgate.inspectors import _hub_modules as hub
from mlgate.inspectors._chat_template import TEMPLATE_RULES, check_template
from mlgate.inspectors._keras_config import values
from mlgate.inspectors._keras_yaml import parse
from mlgate.records import Artifact, Category, Inspector, Observation, Rule, Severity

_LARGEST = 64 * 2**20  # tokenizer_config.json with all added tokens is a few hundred kB
_CONFIG = re.compile(r"(?:[\w-]+_)?config\.json|chat_template\.json|modules\.json|(?:modular_)?model_index\.json")
_TOKENIZER = "tokenizer.json"  # nothing in it is run; its digest is a fact of the model
_TEMPLATES = (".jinja", ".jinja2", ".j2")
_YAML = (".yaml", ".yml")
_LOOSE = (".template", ".tmpl", ".tpl", ".chat_template")
_CHAT = re.compile(r"\bmessages\b|\badd_generation_prompt\b|\b[be]os_token\b")
_WALKED = 2_000_000
_NAMED = 1_000  # templates of one file
_GENERATE = ("custom_generate", "generate.py")
_SPOKEN = (
    "auto_map",
    "custom_pipelines",
    "chat_template",
    "attn_implementation",
    "activation",
    "trust_remote_code",
    "model_file",
)

NAMES_CODE = Rule(
    id="MLG-MDL-042",
    title="Model configuration that names code to run",
    severity=Severity.MEDIUM,
    category=Category.MODEL_FILE,
    help="The configuration names Python code that the loading library imports and runs when the model is loaded with "
    "`trust_remote_code=True`: from files of this folder, or from another repository that can change.",
    remediation="Use a model whose architecture is part of transformers, or review the named files and pin them by "
    "`code_revision`.",
    cwe=("CWE-829", "CWE-494"),
    atlas=("AML.T0010", "AML.T0011.000"),
    owasp=("LLM03:2025",),
)


IMPORTS = Rule(
    id="MLG-MDL-043",
    title="Model configuration that makes its loader import a module",
    severity=Severity.HIGH,
    category=Category.MODEL_FILE,
    help="The loader imports the module that the configuration names, without `trust_remote_code`, and the module is "
    "one that runs commands, reads files or reaches the network.",
    remediation="Do not load the model. Take it from its source again.",
    cwe=("CWE-470", "CWE-829"),
    atlas=("AML.T0010", "AML.T0011.000"),
    owasp=("LLM03:2025",),
)


def _claims(artifact: Artifact) -> bool:
    name = artifact.name.lower()
    if _generates(artifact):
        return True
    if _CONFIG.fullmatch(name) or name == _TOKENIZER or name.endswith(_TEMPLATES):
        return True
    if name.endswith(".json"):  # under any name where it says what it is
        return b'"chat_template"' in artifact.head or b'"auto_map"' in artifact.head
    if name.endswith(_YAML):
        return b"chat_template" in artifact.head
    return name.endswith(_LOOSE) and _is_template(artifact.head.decode("utf-8", "replace"))


def _generates(artifact: Artifact) -> bool:
    return PurePosixPath(artifact.member or artifact.path).parts[-2:] == _GENERATE


def _is_template(text: str) -> bool:
    """Whether text without a template's name is one: Jinja's marks around what a conversation has."""
    return ("{%" in text or "{{" in text) and _CHAT.search(text) is not None


def _is_chat(artifact: Artifact, text: str) -> bool:
    """Whether a template is one that a model's runtime renders: by its place, or by what it is given."""
    place = PurePosixPath(artifact.member or artifact.path)
    return (
        artifact.name == "chat_template.jinja"
        or place.parent.name == "additional_chat_templates"
        or _CHAT.search(text) is not None
    )


def _text(artifact: Artifact) -> str:
    if artifact.source.size > _LARGEST:
        raise Incomplete("limit", f"{artifact.source.size:,} bytes are more than such a file has")
    # what is not UTF-8 is no JSON either, and is told below where it matters
    return artifact.source.read_at(0, _LARGEST).decode("utf-8-sig", "surrogateescape")


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    if artifact.name == _TOKENIZER:
        return
    if _generates(artifact):
        message = "transformers runs this file when the model generates text; from a local folder, versions before 5 "
        message += "do so without `trust_remote_code`."
        yield rules.finding(NAMES_CODE, artifact.at(), message, evidence="custom_generate/generate.py")
        return
    text = _text(artifact)
    if artifact.name.lower().endswith(_TEMPLATES + _LOOSE):
        yield from _standalone(artifact, text)
    elif artifact.name.lower().endswith(_YAML):
        yield from _settings(artifact, text)
    else:
        yield from _configuration(artifact, text)


def _standalone(artifact: Artifact, text: str) -> Iterator[Observation]:
    chat = _is_chat(artifact, text)
    try:
        yield from check_template(artifact, artifact.name, text, chat=chat)
    except Incomplete:  # other programs have tags of their own, and their templates are not models
        if chat:
            raise


def _settings(artifact: Artifact, text: str) -> Iterator[Observation]:
    """YAML of servers and trainers that holds a template."""
    try:
        settings, _ = parse(text.encode("utf-8", "surrogateescape"))
    except Incomplete as stop:
        if stop.reason == "malformed":
            return  # charts and other templates of YAML, which no program reads as they are
        raise
    for key, value in values(settings):
        if key == "chat_template":
            yield from _templates(artifact, value)


def _configuration(artifact: Artifact, text: str) -> Iterator[Observation]:
    try:
        document = json.loads(text.encode("utf-8"))
    except (ValueError, RecursionError):
        # config.json is anybody's name, and so is JSON with comments; a template or code map in it makes it ours
        if "auto_map" in text or "chat_template" in text or "custom_pipelines" in text:
            raise Incomplete("malformed", "not JSON, and it speaks of templates or code") from None
        return
    # JSON can write any letter of a key as an escape
    spoken = "\\u" in text or any(word in text for word in _SPOKEN)
    objects = list(_objects(document)) if spoken else []
    for value in objects:
        yield from _templates(artifact, value.get("chat_template"))
    yield from _code(artifact, objects, text)
    yield from _imports(artifact, document, objects, text)
    if isinstance(document, dict) and artifact.name in ("model_index.json", "modular_model_index.json"):
        yield from _pipeline(artifact, document, text)


def _templates(artifact: Artifact, value: Any) -> Iterator[Observation]:
    named = value if isinstance(value, list) else [{"name": "default", "template": value}]
    if isinstance(value, dict):
        named = [{"name": name, "template": template} for name, template in value.items()]
    if len(named) > _NAMED:
        raise Incomplete("limit", f"{len(named):,} chat templates")
    for item in named:
        template = item.get("template") if isinstance(item, dict) else None
        if isinstance(template, str):
            yield from check_template(artifact, f"chat template {str(item.get('name'))[:50]!r}", template)


def _objects(document: Any) -> Iterator[dict[str, Any]]:
    """Every object of the document, however deep."""
    left: list[Any] = [document]
    for _ in range(_WALKED):
        if not left:
            return
        value = left.pop()
        if isinstance(value, dict):
            yield value
            left.extend(value.values())
        elif isinstance(value, list):
            left.extend(value)
    raise Incomplete("limit", f"more than {_WALKED:,} values")


def _line(text: str, name: str) -> int | None:
    return next((n for n, row in enumerate(text.splitlines(), 1) if json.dumps(name) in row), None)


def _code(artifact: Artifact, objects: list[dict[str, Any]], text: str) -> Iterator[Observation]:
    named: list[Any] = []
    kernels: list[Any] = []
    for value in objects:
        found = value.get("auto_map")
        for entry in found.values() if isinstance(found, dict) else (found,):
            named += entry if isinstance(entry, list) else [entry]
        file = value.get("model_file")  # mlx-lm's, which ran it unasked at first
        named.append(file if isinstance(file, str) and file.endswith(".py") else None)
        tasks = value.get("custom_pipelines")
        named += (
            [task.get("impl") for task in tasks.values() if isinstance(task, dict)] if isinstance(tasks, dict) else []
        )
        for key in ("attn_implementation", "_attn_implementation"):
            kernel = value.get(key)
            kernels += kernel.values() if isinstance(kernel, dict) else [kernel]
    for name in dict.fromkeys(name for name in named if isinstance(name, str)):
        repository, _, path = name.rpartition("--")
        where = f"of the hub repository {repository!r}, at whatever it holds then" if repository else "of this folder"
        message = f"`trust_remote_code=True` runs {path[:200]!r} {where[:250]}."
        yield rules.finding(NAMES_CODE, artifact.at(line=_line(text, name)), message, evidence=name[:300])
    for kernel in dict.fromkeys(kernel for kernel in kernels if isinstance(kernel, str) and "/" in kernel):
        message = f"Loading runs the kernel {kernel[:200]!r} of the hub, at whatever it holds then."
        yield rules.finding(NAMES_CODE, artifact.at(line=_line(text, kernel)), message, evidence=kernel[:300])


def _imports(artifact: Artifact, document: Any, objects: list[dict[str, Any]], text: str) -> Iterator[Observation]:
    for library, name in dict.fromkeys(hub.named(artifact.name, document, objects)):
        message = f"{library} imports {name[:200]!r} when the model is loaded."
        rule = IMPORTS if hub.dangerous(name) else NAMES_CODE
        yield rules.finding(rule, artifact.at(line=_line(text, name)), message, evidence=name[:300])
    if hub.consents(artifact.name, objects):
        message = "The file sets `trust_remote_code` for whoever loads the model."
        line = _line(text, "trust_remote_code")
        yield rules.finding(hub.CONSENT, artifact.at(line=line), message, evidence="trust_remote_code")
    for key, path in dict.fromkeys(hub.outside(artifact.name, document)):
        message = f"{key!r} is {path!r}, which is not in the model's folder."
        yield rules.finding(hub.OUTSIDE, artifact.at(), message, evidence=f"{key}: {path}")


def _pipeline(artifact: Artifact, document: dict[str, Any], text: str) -> Iterator[Observation]:
    """Older versions import every library, newer ones and other names are files of this folder (custom components)."""
    for key, library, name in hub.components(document):
        path = f"{library}.{name}"
        line = _line(text, library)
        if hub.dangerous(path):
            message = f"diffusers imports {path[:200]!r} for {key[:50]!r} when the pipeline is loaded."
            yield rules.finding(IMPORTS, artifact.at(line=line), message, evidence=path[:300])
        else:
            message = f"`trust_remote_code=True` runs {path[:200]!r} of this folder for {key[:50]!r}."
            yield rules.finding(NAMES_CODE, artifact.at(line=line), message, evidence=path[:300])


INSPECTOR = Inspector(
    name="huggingface",
    claims=_claims,
    inspect=_inspect,
    rules=(NAMES_CODE, IMPORTS, *hub.MODULE_RULES, *TEMPLATE_RULES),
    reads="The configurations of transformers, tokenizers, PEFT, diffusers and sentence-transformers for the code they "
    "name, and every chat template (in configurations and other JSON and YAML, in files of its own, in GGUF) with "
    "Jinja's own parser: "
    "attribute walks to Python's internals, calls that reach out of the sandbox, loops that do not end.",
    misses="What the named code does (the Python reader looks at the files that are in the repository). Templates that "
    "are well-formed and make a model say what it should not.",
)
