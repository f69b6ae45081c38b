"""YAML and JSON of declarations within limits, and their scalars as text for a report."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import yaml

from mlgate.errors import Incomplete
from mlgate.records import Artifact, Pairs

MOST = 2_000  # entries of one list
_LARGEST_YAML = 512 << 10  # PyYAML is slow: this is some seconds
_LARGEST_JSON = 16 << 20
_PAIRS = 200_000  # of all mappings together: merge keys (`<<`) of merge keys double with each level


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


def parse_yaml(text: str) -> Any:
    """The first document. Raises Incomplete (malformed, limit)."""
    if len(text) > _LARGEST_YAML:
        raise Incomplete("limit", f"{len(text):,} characters of YAML")
    try:
        return next(yaml.load_all(text, _Plain), None)  # a subclass of SafeLoader
    except RecursionError:
        raise Incomplete("limit", "YAML that is nested too deep") from None
    except (yaml.YAMLError, ValueError, TypeError, AttributeError, OverflowError) as error:
        raise Incomplete("malformed", f"no YAML: {str(error)[:100]}") from None


def read_text(artifact: Artifact, largest: int = _LARGEST_YAML) -> str:
    """The whole file as UTF-8. Raises Incomplete (limit, malformed)."""
    if artifact.source.size > largest:
        raise Incomplete("limit", f"{artifact.source.size:,} bytes are more than such a file has")
    try:
        return artifact.source.read_at(0, largest).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Incomplete("malformed", "not UTF-8", offset=error.start) from None


def parse_json(text: str) -> Any:
    """The document. Raises Incomplete (malformed, limit)."""
    try:
        return json.loads(text)
    except RecursionError:
        raise Incomplete("limit", "JSON that is nested too deep") from None
    except ValueError as error:
        raise Incomplete("malformed", f"no JSON: {str(error)[:100]}") from None


def read_json(artifact: Artifact, largest: int = _LARGEST_JSON) -> Any:
    """The whole file as a JSON document. Raises Incomplete (malformed, limit)."""
    return parse_json(read_text(artifact, largest))


def text(value: Any, limit: int = 300) -> str:
    """A scalar as text for a report, or "": lists and objects are never written out, since aliases make them large.

    Characters that do not print are escaped.
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value) if abs(value) < 10**30 else ""  # Python refuses to write out numbers of thousands of digits
    if isinstance(value, str | float | date):
        plain = str(value).strip()[:limit]
        return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in plain)[:limit]
    return ""


def texts(value: Any, most: int = 50, limit: int = 300) -> tuple[str, ...]:
    """A scalar or a list of scalars as texts, without repetition."""
    items = value[:MOST] if isinstance(value, list) else [value]
    found = (text(item, limit) for item in items)
    return tuple(dict.fromkeys(item for item in found if item))[:most]


def table(value: Any) -> Mapping[Any, Any]:
    """The value where it is a mapping, else an empty one."""
    return value if isinstance(value, dict) else {}


def rows(value: Any, most: int = MOST) -> Iterator[Mapping[Any, Any]]:
    """The mappings of a list, at most `most`."""
    if isinstance(value, list):
        yield from (item for item in value[:most] if isinstance(item, dict))


def properties(prefix: str, source: Mapping[Any, Any], names: tuple[str, ...], limit: int = 300) -> Pairs:
    """`prefix:name` with the scalar (or the scalars, joined) under each name; `_` in names becomes `-`."""
    found = ((name, ", ".join(texts(source.get(name), limit=limit))) for name in names)
    return tuple((f"{prefix}:{name.replace('_', '-')}", value[:1000]) for name, value in found if value)
