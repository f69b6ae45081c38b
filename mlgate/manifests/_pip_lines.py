"""The lines of a requirements file as pip splits and reads them (pip 25, "Requirements File Format")."""

from __future__ import annotations

import optparse
import shlex
from collections.abc import Callable, Iterator

from mlgate.errors import Incomplete

_MOST_LINES = 100_000
_LONGEST_LINE = 100_000  # characters, continued lines joined: a package with 500 hashes has 40,000


def split(text: str, first: int = 1) -> Iterator[tuple[int, str]]:
    """The numbered lines that pip sees: continued ones joined, comments and empty ones left out."""
    import pip_requirements_parser as pip  # noqa: PLC0415  (start-up)

    for count, numbered in enumerate(pip.preprocess(text)):
        if count > _MOST_LINES:
            raise Incomplete("limit", f"more than {_MOST_LINES:,} lines")
        number, line = numbered
        if len(line) > _LONGEST_LINE:
            raise Incomplete("limit", f"line {number + first - 1} has more than {_LONGEST_LINE:,} characters")
        if not isinstance(numbered, pip.CommentLine) and line.strip():
            yield number + first - 1, line


def line_parser() -> Callable[[str], tuple[str, optparse.Values, list[str]]]:
    """What the library's own line parser does, with the option parser built once and not once a line.

    Options that append write into their default, so every line gets lists of its own.
    """
    import pip_requirements_parser as pip  # noqa: PLC0415  (start-up)

    parser = pip.build_parser()
    defaults = vars(parser.get_default_values())

    def parse(line: str) -> tuple[str, optparse.Values, list[str]]:
        wanted, given = pip.break_args_options(line)
        values = optparse.Values({name: list(v) if isinstance(v, list) else v for name, v in defaults.items()})
        _, rest = parser.parse_args(shlex.split(given), values) if given else (values, [])
        return wanted, values, rest

    return parse
