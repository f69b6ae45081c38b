"""Settings of all property tests: no deadlines, because they say more of the machine than of the code."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("mlgate", deadline=None)
settings.load_profile("mlgate")
