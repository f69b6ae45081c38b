"""`python -m mlgate`. The current folder is taken off the import path first: it is what is to be scanned."""

from __future__ import annotations

import os
import sys

if not sys.flags.safe_path and sys.path[0] in {"", os.getcwd()}:  # noqa: PTH109  (what the interpreter put there)
    del sys.path[0]

from mlgate.cli import main

sys.exit(main())
