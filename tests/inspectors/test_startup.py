"""Files that Python runs when it starts."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.inspectors import startup
from mlgate.records import Severity
from tests.builders import wheels
from tests.reading import artifact, read
from tests.repositories import commit
from tests.test_pipeline import look

_DISTUTILS = (
    "import os; var = 'SETUPTOOLS_USE_DISTUTILS'; enabled = os.environ.get(var, 'local') == 'local'; "
    "enabled and __import__('_distutils_hack').add_shim(); "
)


@pytest.mark.parametrize(
    ("line", "severity"),
    [
        ("import os;exec(os.environ['X'])", Severity.HIGH),
        ("import\tsubprocess; subprocess.run(['true'])", Severity.HIGH),
        ("\ufeffimport a; a.start()", Severity.MEDIUM),
        ("/opt/a\nimport a" + "; a" * 200, Severity.HIGH),
        (_DISTUTILS, Severity.LOW),
        ("/a\u2028import a", Severity.MEDIUM),
        (_DISTUTILS + "exec('x')", Severity.HIGH),
        ("import __editable___demo_1_0_finder; __editable___demo_1_0_finder.install()", Severity.LOW),
    ],
)
def test_lines_that_python_runs(line: str, severity: Severity) -> None:
    data = line.encode()
    assert startup.INSPECTOR.claims(artifact("a/x.pth", data))
    assert [f.severity for f in read(startup.INSPECTOR, "a/x.pth", data).findings] == [severity]


@pytest.mark.parametrize("line", ["../src", "# import os", " import os", "importlib", "import", "/x\rimports/"])
def test_lines_that_python_takes_for_paths(line: str) -> None:
    assert not read(startup.INSPECTOR, "x.pth", line).observations


def test_in_wheels_and_in_the_repository_and_nowhere_else(tmp_path: Path) -> None:
    files: dict[str, bytes] = {
        "evil.pth": b"import os;exec('0')\n",
        "demo_pkg-1.2.data/purelib/usercustomize.py": b"",
        "sitecustomize.py": b"",
        "demo_pkg/auto/sitecustomize.py": b"",
    }
    commit(
        tmp_path,
        {
            "dist/demo_pkg-1.2-py3-none-any.whl": wheels.wheel(files),
            "sitecustomize.py": "X = 1\n",
            "tools/sitecustomize.py": "X = 1\n",
            "env/lib/python3.12/site-packages/usercustomize.py": "X = 1\n",
            "weights.pth": b"\x80\x02}q\x00.",
        },
    )
    found = {
        (d.finding.rule.id, d.finding.location.member or d.finding.location.path): d.finding.severity.value
        for d in look(tmp_path).verdict.decisions
        if d.finding.rule in startup.INSPECTOR.rules
    }
    assert found == {
        ("MLG-DEP-042", "evil.pth"): "high",
        ("MLG-DEP-043", "demo_pkg-1.2.data/purelib/usercustomize.py"): "high",
        ("MLG-DEP-043", "env/lib/python3.12/site-packages/usercustomize.py"): "high",
        ("MLG-DEP-043", "sitecustomize.py"): "medium",
    }


@given(st.binary())
def test_any_bytes(data: bytes) -> None:
    read(startup.INSPECTOR, "x.pth", data)
