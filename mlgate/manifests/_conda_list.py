"""How conda marks its lists of packages (conda/cli/main_list.py), which are called requirements.txt like pip's."""

from __future__ import annotations

import re

_MARK = re.compile(rb"^(@EXPLICIT|# \$ conda create --name <env> --file <this file>)[ \t]*\r?$", re.MULTILINE)


def is_conda_list(head: bytes) -> bool:
    """Whether a file begins as conda's lists do; PowerShell writes them in UTF-16."""
    return _MARK.search(head.replace(b"\0", b"")) is not None
