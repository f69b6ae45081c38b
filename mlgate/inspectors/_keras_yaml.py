"""Keras architectures in YAML, as `to_yaml` wrote them until TensorFlow 2.5, read without making any object."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from mlgate.errors import Incomplete

_LARGEST = 512 << 10  # a deep network has 200 kB; PyYAML is slow
_PAIRS = 200_000  # of all mappings together: merge keys (`<<`) of merge keys double with each level
_PYTHON = "tag:yaml.org,2002:python/"
# Keras itself writes tuples; whatever else makes a Python object has another reason to be there
_DATA = frozenset(
    _PYTHON + name
    for name in ("tuple", "unicode", "str", "bytes", "int", "long", "float", "complex", "bool", "list", "dict", "none")
)


_HYPER = re.compile(r"!(?:new|apply|applyref|name|module):(.+)", re.DOTALL)


class _Plain(yaml.SafeLoader):
    """Takes every tag for nothing but what is below it, and has an end for merge keys."""

    pairs = 0

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        super().flatten_mapping(node)
        self.pairs += len(node.value)
        if self.pairs > _PAIRS:
            raise Incomplete("limit", f"YAML with more than {_PAIRS:,} keys after its merges")


def _plain(loader: yaml.SafeLoader, _: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_scalar(node) if isinstance(node, yaml.ScalarNode) else None


_Plain.add_multi_constructor("", _plain)


def tags(text: str) -> list[str]:
    """Tags that make PyYAML's unsafe loaders import or call something, as the parser resolves them: a `%TAG` line
    gives them other names, and their letters may be written as `%70`. Those before an error are given.
    """
    found = (tag for tag, _ in _events(text) if tag.startswith(_PYTHON)) if "!" in text else ()
    return list(dict.fromkeys(f"!!python/{tag.removeprefix(_PYTHON)}" for tag in found if tag not in _DATA))


def calls(text: str) -> list[str]:
    """Names in the tags by which HyperPyYAML (SpeechBrain) imports and calls, in a document of these."""
    found = (_HYPER.fullmatch(tag) for tag, _ in _events(text)) if "!" in text else ()
    return list(dict.fromkeys(match[1] for match in found if match))


def says(text: str, word: str) -> bool:
    """Whether a scalar is this word, or a tag makes a Python object, however they are spelled."""
    return any(
        value == word or (tag.startswith(_PYTHON) and tag not in _DATA) or _HYPER.fullmatch(tag)
        for tag, value in _events(text)
    )


def _events(text: str) -> Iterator[tuple[str, str]]:
    """Tag and value of every node up to the first error."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml is twenty times as fast, where it is there
    try:
        for event in yaml.parse(text, loader):
            tag, value = getattr(event, "tag", None), getattr(event, "value", "")
            yield tag if isinstance(tag, str) else "", value if isinstance(value, str) else ""
    except (yaml.YAMLError, ValueError, RecursionError):
        return  # what is no YAML is told by whoever parses it for its values


def parse(data: bytes) -> tuple[Any, str]:
    """The document and its text. Raises Incomplete (malformed, limit)."""
    if len(data) > _LARGEST:
        raise Incomplete("limit", f"a YAML configuration of {len(data):,} bytes")
    try:
        text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
        return yaml.load(text, _Plain), text  # noqa: S506  (a subclass of SafeLoader)
    except RecursionError:
        raise Incomplete("limit", "a configuration that is nested too deep") from None
    except (yaml.YAMLError, ValueError, TypeError) as error:
        raise Incomplete("malformed", f"a configuration that is not YAML: {str(error)[:100]}") from None
