#!/usr/bin/env -S python3 -I
"""Starts the container action. `-I` keeps the workspace, which a pull request filled, out of what is imported."""

import sys
import traceback


def _main() -> int:
    try:
        from mlgate.action import main  # noqa: PLC0415  (an installation that is broken must not end in exit 1)

        return main()
    except BaseException:  # noqa: BLE001  (1 means "the policy is violated" and is Python's own code for a crash)
        traceback.print_exc()
        return 3


if __name__ == "__main__":
    sys.exit(_main())
