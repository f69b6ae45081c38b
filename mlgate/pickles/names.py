"""Names as a Python 3 loader looks them up."""

from __future__ import annotations

import _compat_pickle


def python3_name(module: str, name: str) -> tuple[str, str]:
    """What `fix_imports` (on by default) makes of a Python 2 name in a stream of protocol 0, 1 or 2."""
    mapped = _compat_pickle.NAME_MAPPING.get((module, name))
    if mapped is not None:
        return mapped
    return _compat_pickle.IMPORT_MAPPING.get(module, module), name
