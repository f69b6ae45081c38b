"""Settings of all property tests: no deadlines, because they say more of the machine than of the code."""

from __future__ import annotations

import pytest
from hypothesis import settings

settings.register_profile("mlgate", deadline=None)
settings.load_profile("mlgate")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "browser: needs Chromium (MLGATE_CHROMIUM names one that is not on PATH)")
