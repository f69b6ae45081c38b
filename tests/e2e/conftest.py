"""The image and GitHub's API for the container tests; both come from prepare.py, which tests/run.py runs first."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders.osv import V31_CRITICAL, database, record
from tests.e2e import github
from tests.e2e.prepare import STATE
from tests.repositories import commit

PREPARED = STATE / "prepared.json"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "e2e" in item.path.parts:
            item.add_marker(pytest.mark.container)
            if not PREPARED.exists():
                item.add_marker(pytest.mark.skip(reason="no container to test: python -m tests.e2e.prepare says why"))


@pytest.fixture(scope="session")
def image_size() -> int:
    """Bytes."""
    size: int = json.loads(PREPARED.read_text())["size"]
    return size


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[github.Api]:
    with github.serve(STATE / "npm", tmp_path_factory.mktemp("emulator")) as served:
        yield served


@pytest.fixture(autouse=True)
def requests_are_github_s(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every request of every test is one that GitHub describes."""
    if "api" not in request.fixturenames:
        yield
        return
    api: github.Api = request.getfixturevalue("api")
    api.requests.clear()
    api.unknown.clear()
    api.read_only = False
    yield
    assert api.unknown == []


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Path]:
    """A checkout with its history, clean on main; advisories lie beside the repository's files, untracked."""
    root = tmp_path / "workspace"
    files = {
        "README.md": "demo\n",
        "requirements.txt": "numpy==2.3.5\n",
        ".gitignore": ".advisories/\nmlgate-report/\n",
    }
    commit(root, dict(files))
    advisory = record(
        "GHSA-53q9-r3pm-6pq6",
        events=({"introduced": "0"}, {"fixed": "2.6.0"}),
        aliases=("CVE-2025-32434",),
        vector=V31_CRITICAL,
    )
    database(root / ".advisories", advisory)
    yield root
    shutil.rmtree(root, ignore_errors=True)
