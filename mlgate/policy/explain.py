"""msgspec's complaints in the words of somebody who writes a policy."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from typing import Any, Literal, get_args, get_origin

import msgspec

from mlgate.policy.schema import Policy

_WORDS = {"array": "a list", "object": "a table", "str": "text", "int": "a number", "bool": "true or false"}
_SHOWN = 100


def explain(message: str, at: str) -> str:
    """What is wrong at the place `at` (such as `$.models.formats.deny[0]`), with a guess where there is one."""
    unknown = re.match(r"Object contains unknown field `(.*)`$", message, re.DOTALL)
    if unknown:
        return _unknown(unknown[1], at)
    place = "the policy" if at == "$" else at.removeprefix("$.")
    kind = _kind(at)
    value = re.match(r"Invalid enum value (.*)$", message, re.DOTALL)
    if value:
        return f"{place}: {_choice(value[1], kind)}"
    form = _form(kind)
    if form and message.startswith("Expected `str`") and "length" not in message:
        return f"{place}: {form}"
    missing = re.match(r"Object missing required field `(.*)`$", message)
    if missing:
        return f'{place}: the key "{missing[1]}" is missing.'
    if get_origin(kind) is Literal:
        return f"{place}: expected one of {_listed(kind)}."
    words = re.sub(r"`(\w+)`", lambda match: _WORDS.get(match[1], match[1]), message)
    return f"{place}: {words[:1].lower()}{words[1:]}."


def _unknown(key: str, at: str) -> str:
    shown, where = key[:_SHOWN], "" if at == "$" else f" in {at.removeprefix('$.')}"
    told = f'unknown key "{shown}"{where}.'
    here = tuple(_tables(_kind(at)))
    known = sorted(field.encode_name for table in here for field in msgspec.structs.fields(table))
    guess = _guess(key, known)
    if guess:
        return told + guess
    elsewhere = sorted(path for path in _paths(Policy, "") if path.rpartition(".")[2] == key)
    if elsewhere:
        return f"{told} There is {' and '.join(elsewhere)}."
    return told + (
        _guess(key, {path.rpartition(".")[2] for path in _paths(Policy, "")}) or f" Known: {', '.join(known)}."
    )


def _choice(value: str, kind: Any) -> str:
    plain = value.strip("'")
    return f'"{plain[:_SHOWN]}" is not one of {_listed(kind)}.{_guess(plain, map(str, get_args(kind)))}'


def _listed(kind: Any) -> str:
    return ", ".join(str(choice) for choice in get_args(kind))


def _form(kind: Any) -> str:
    """The description of a text that has to have a form, or the form itself."""
    for meta in getattr(kind, "__metadata__", ()):
        if meta.pattern is None:
            continue
        text = meta.description or f"text of the form {meta.pattern}."
        return f"expected {text[:1].lower() if text[1:2].islower() else text[:1]}{text[1:]}"
    return ""


def _guess(text: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(text[:_SHOWN], sorted(known), n=1)
    return f' Did you mean "{near[0]}"?' if near else ""


def _kind(at: str) -> Any:
    """The type of what is at a place; Any where the schema has nothing there."""
    kind: Any = Policy
    for key, item in re.findall(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]", at):
        if item:
            kind = next(iter(get_args(_bare(kind))), Any)
            continue
        fields = {f.encode_name: f.type for table in _tables(kind) for f in msgspec.structs.fields(table)}
        kind = fields.get(key, Any)
    return kind if get_origin(_bare(kind)) is not Literal else _bare(kind)


def _bare(kind: Any) -> Any:
    return kind.__origin__ if hasattr(kind, "__metadata__") else kind


def _tables(kind: Any) -> Iterator[type[msgspec.Struct]]:
    kind = _bare(kind)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        yield kind


def _paths(table: type[msgspec.Struct], prefix: str) -> Iterator[str]:
    """Every key with the tables above it."""
    for field in msgspec.structs.fields(table):
        yield f"{prefix}{field.encode_name}"
        kind = _bare(field.type)
        for inner in (kind, *get_args(kind)):
            for below in _tables(inner):
                yield from _paths(below, f"{prefix}{field.encode_name}.")
