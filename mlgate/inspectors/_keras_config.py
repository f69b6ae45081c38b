"""A Keras configuration as a document: JSON within limits, and a walk over it that no nesting stops."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from mlgate.errors import Incomplete

LARGEST = 16 << 20  # of a configuration; those with a vocabulary in them have megabytes
_VALUES = 3_000_000


def parse(data: bytes) -> Any:
    """The document as Python's json reads it, as Keras does. Raises Incomplete (malformed, limit)."""
    if len(data) > LARGEST:
        raise Incomplete("limit", f"a configuration of {len(data):,} bytes")
    try:
        # as json does for bytes, which Keras gives it: UTF-16 and UTF-32 too
        return json.loads(data)
    except RecursionError:
        raise Incomplete("limit", "a configuration that is nested too deep") from None
    except ValueError as error:
        raise Incomplete("malformed", f"a configuration that is not JSON: {error}") from None


def values(document: Any) -> Iterator[tuple[str, Any]]:
    """(key, value) of everything in the document, outermost first; items of lists under their list's key.

    What YAML's aliases put at many places comes once for each key. Raises Incomplete (limit).
    """
    pending: list[tuple[str, Any]] = [("", document)]
    seen: set[tuple[str, int]] = set()
    count = 0
    while pending:
        key, value = pending.pop()
        if isinstance(value, dict | list):
            if (key, id(value)) in seen:
                continue
            seen.add((key, id(value)))
        count += 1
        if count > _VALUES:
            raise Incomplete("limit", f"a configuration of more than {_VALUES:,} values")
        yield key, value
        if isinstance(value, dict):
            pending += reversed(list(value.items()))
        elif isinstance(value, list):
            pending += [(key, item) for item in reversed(value)]
