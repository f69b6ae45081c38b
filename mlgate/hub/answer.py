"""The hub's answer on one repository, made fit for records: only known fields, each checked, each limited.

Form: /api/models/{id}/revision/{revision} as huggingface_hub's ModelInfo and DatasetInfo read it (`sha`, `gated`,
`disabled`, `private`, `lastModified`, `cardData`, `tags`, `siblings` with `lfs.sha256` when asked with blobs=true).
`cardData` and `tags` are what the owner of the repository wrote, or the hub made of it, in any shape.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from mlgate.records import Pairs
from mlgate.references._documents import table, text, texts
from mlgate.references._targets import is_commit, is_repo_id

MOST_FILES = 500
_MOST_TAGS = 1000
_MOST_BASES = 20
_KEYS = ("id", "sha", "private", "disabled", "gated", "lastModified", "pipeline_tag", "library_name")
_CARD = ("license", "license_name", "base_model", "base_model_relation")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?Z", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}")
# The words of hub-docs for `base_model_relation`; in a tag they stand between `base_model:` and the name.
_RELATIONS = {
    "finetune": "fine-tuned-from",
    "adapter": "adapter-of",
    "quantized": "quantized-from",
    "merge": "merged-from",
}


class NoAnswer(Exception):  # noqa: N818  (a state of the hub: it is told on the component)
    """The hub gave no answer that can be used. The reason is fit for a report: nothing of a secret is inside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Info:
    """What the hub says of a repository at a revision; fields are empty when it says nothing.

    `bases` are (kind of relation, name), `files` (path, SHA-256) of those in LFS, `more` the number of such files that
    are left out.
    """

    name: str
    commit: str
    private: bool = False
    disabled: bool = False
    gated: str = ""
    modified: str = ""
    task: str = ""
    library: str = ""
    licenses: tuple[str, ...] = ()
    bases: Pairs = ()
    files: Pairs = ()
    more: int = 0


def reduced(body: bytes) -> dict[str, Any]:
    """The fields that matter of an answer's JSON. Raises NoAnswer when it is none, or no object."""
    try:
        raw = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise NoAnswer("the answer is no JSON, or ends early") from None
    if not isinstance(raw, dict):
        raise NoAnswer("the answer is of another form")
    card = table(raw.get("cardData"))
    files = list(_files(raw.get("siblings")))
    tags = [tag for tag in texts(raw.get("tags"), most=_MOST_TAGS) if tag.startswith(("base_model:", "license:"))]
    return {
        **{key: raw[key] for key in _KEYS if isinstance(raw.get(key), str | bool)},
        "cardData": {key: list(texts(card.get(key), most=_MOST_BASES)) for key in _CARD if key in card},
        "tags": tags,
        "siblings": [{"rfilename": name, "lfs": {"sha256": digest}} for name, digest in files[:MOST_FILES]],
        "more": max(0, len(files) - MOST_FILES),
    }


def read(raw: Mapping[str, Any]) -> Info:
    """The answer that these fields are. Raises NoAnswer when name or commit are not what they have to be."""
    name, commit = raw.get("id"), raw.get("sha")
    if not isinstance(name, str) or not is_repo_id(name):
        raise NoAnswer("the answer names no repository")
    if not isinstance(commit, str) or not is_commit(commit):
        raise NoAnswer("the answer names no commit")
    card = table(raw.get("cardData"))
    tags = texts(raw.get("tags"), most=_MOST_TAGS)
    gated, modified, more = raw.get("gated"), raw.get("lastModified"), raw.get("more")
    files = list(_files(raw.get("siblings")))[:MOST_FILES]
    return Info(
        name=name,
        commit=commit.lower(),
        private=raw.get("private") is True,
        disabled=raw.get("disabled") is True,
        gated=gated if gated in ("auto", "manual") else "true" if gated is True else "",
        modified=modified if isinstance(modified, str) and _DATE.fullmatch(modified) else "",
        task=text(raw.get("pipeline_tag"), 100),
        library=text(raw.get("library_name"), 100),
        licenses=_licenses(card, tags),
        bases=tuple(_bases(name, card, tags))[:_MOST_BASES],
        files=tuple(files),
        more=more if isinstance(more, int) and 0 <= more < 10**9 else 0,
    )


def _files(siblings: Any) -> Iterator[tuple[str, str]]:
    """Files whose content the hub keeps in LFS, by the SHA-256 of their content; others have only git's own hash."""
    found: dict[str, str] = {}
    for row in siblings if isinstance(siblings, list) else ():
        lfs = table(table(row).get("lfs"))
        digest, name = lfs.get("sha256"), text(table(row).get("rfilename"), 500)
        if name and isinstance(digest, str) and _SHA256.fullmatch(digest):
            found.setdefault(name, digest)
    yield from sorted(found.items())


def _licenses(card: Mapping[Any, Any], tags: tuple[str, ...]) -> tuple[str, ...]:
    stated = texts(card.get("license"), most=10, limit=100)
    stated = stated or tuple(tag.removeprefix("license:")[:100] for tag in tags if tag.startswith("license:"))[:10]
    named = next(iter(texts(card.get("license_name"), most=1, limit=100)), "")
    return tuple(named if one == "other" and named else one for one in stated)


def _bases(name: str, card: Mapping[Any, Any], tags: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Each base once, with the hub's word on how the model comes from it, or that it does where there is none."""
    word = next(iter(texts(card.get("base_model_relation"), most=1)), "")
    found = {base: _RELATIONS.get(word, "derived-from") for base in texts(card.get("base_model"), most=_MOST_BASES)}
    for tag in tags:
        parts = tag.split(":")
        if parts[0] == "base_model" and len(parts) == 3 and parts[1] in _RELATIONS:
            found[parts[2]] = _RELATIONS[parts[1]]
        elif parts[0] == "base_model" and len(parts) == 2:
            found.setdefault(parts[1], "derived-from")
    for base, kind in sorted(found.items()):
        if is_repo_id(base) and "/" in base and base != name:
            yield kind, base
