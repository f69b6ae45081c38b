"""Keras architectures in YAML, as `to_yaml` wrote them until TensorFlow 2.5, read without making any object."""

from __future__ import annotations

import re
from typing import Any

import yaml

from mlgate.errors import Incomplete

_LARGEST = 512 << 10  # a deep network has 200 kB; PyYAML is slow
# Keras itself writes tuples; whatever else makes a Python object has another reason to be there
_TAG = re.compile(r"(?:!!|!<tag:yaml\.org,2002:|tag:yaml\.org,2002:)python/(?!tuple\b|unicode\b|str\b)[\w./]+")


class _Plain(yaml.SafeLoader):
    """Takes every tag for nothing but what is below it."""


def _plain(loader: yaml.SafeLoader, _: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_scalar(node) if isinstance(node, yaml.ScalarNode) else None


_Plain.add_multi_constructor("", _plain)


def tags(text: str) -> list[str]:
    """Tags that make PyYAML's unsafe loaders import or call something."""
    return list(dict.fromkeys(_TAG.findall(text)))


def parse(data: bytes) -> tuple[Any, str]:
    """The document and its text. Raises Incomplete (malformed, limit)."""
    if len(data) > _LARGEST:
        raise Incomplete("limit", f"a YAML configuration of {len(data):,} bytes")
    try:
        text = data.decode("utf-8-sig")
        return yaml.load(text, _Plain), text  # noqa: S506  (a subclass of SafeLoader)
    except RecursionError:
        raise Incomplete("limit", "a configuration that is nested too deep") from None
    except (yaml.YAMLError, ValueError, TypeError) as error:
        raise Incomplete("malformed", f"a configuration that is not YAML: {str(error)[:100]}") from None
