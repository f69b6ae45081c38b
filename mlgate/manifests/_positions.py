"""The lines on which a JSON document's keys stand, which its parser does not tell; found in one pass."""

from __future__ import annotations

import bisect
import re
from itertools import accumulate

_KEY = re.compile(r'^[ \t]*"([^"\\\n]{1,500})"[ \t]*:', re.MULTILINE)


class Keys:
    """Lines of keys that are the first thing on their line, as every tool writes them. Else unknown."""

    def __init__(self, text: str) -> None:
        ends = list(accumulate(len(line) + 1 for line in text.split("\n")))
        self._found: dict[str, list[int]] = {}
        for match in _KEY.finditer(text):
            self._found.setdefault(match[1], []).append(bisect.bisect_right(ends, match.start()) + 1)

    def find(self, key: str, after: int = 0) -> int | None:
        """The first line below `after` (1-based, exclusive) that begins with this key."""
        lines = self._found.get(key, [])
        at = bisect.bisect_right(lines, after)
        return lines[at] if at < len(lines) else None


class Values:
    """Lines of the form `"KEY": "value"`, by value."""

    def __init__(self, text: str, key: str) -> None:
        self._found: dict[str, list[int]] = {}
        line = re.compile(rf'\s*"{re.escape(key)}"\s*:\s*"([^"\\]{{1,500}})"\s*,?\s*')
        for number, raw in enumerate(text.split("\n"), 1):
            match = line.fullmatch(raw) if len(raw) < 2000 else None
            if match:
                self._found.setdefault(match[1], []).append(number)

    def find(self, value: str, after: int = 0) -> int | None:
        """The first line below `after` (1-based, exclusive) that gives this value."""
        lines = self._found.get(value, [])
        at = bisect.bisect_right(lines, after)
        return lines[at] if at < len(lines) else None
