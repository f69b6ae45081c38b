"""Variables of the environment that switch torch.load's protection off, in every language that sets them."""

from __future__ import annotations

import pytest

from mlgate.references import switches
from tests.reading import read

NAME = "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.py", f'import os\nos.environ["{NAME}"] = "1"\n'),
        ("a.py", f"os.environ.setdefault('{NAME}', 'true')\n"),
        ("a.py", f'subprocess.run(x, env={{"{NAME}": "yes"}})\n'),
        ("run.sh", f"export {NAME}=1\npython train.py\n"),
        ("run.sh", f'{NAME}="y" python train.py\n'),
        ("Dockerfile", f"FROM x\nENV A=b \\\n    {NAME} 1\n"),
        (".github/workflows/a.yml", f"on: push\njobs:\n  a:\n    env:\n      {NAME}: '1'\n    runs-on: x\n"),
        ("a.ipynb", f'{{"source": ["%env {NAME}=1\\n", "os.environ[\\"{NAME}\\"] = \\"1\\""]}}'),
        ("run.ps1", f'$env:{NAME} = "true"\n'),
        (".env", f"{NAME}=1\n"),
    ],
)
def test_a_variable_that_is_set_is_told_with_its_line(path: str, text: str) -> None:
    found = read(switches.INSPECTOR, path, text)
    assert set(found.rules) == {"MLG-COD-014"}
    lines = {finding.location.line for finding in found.findings}
    assert lines <= {number for number, line in enumerate(text.split("\n"), 1) if NAME in line}


@pytest.mark.parametrize(
    "text",
    [
        f'os.environ["{NAME}"] = "0"\n',
        f'os.environ.pop("{NAME}", None)\n',
        f'# os.environ["{NAME}"] = "1"\n',
        f'if os.getenv("{NAME}", "0") in true_values:\n    pass\n',
        f'os.environ["{NAME}"] = "10"\n',
        'os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] = "1"\n',
        f'"""Set {NAME} and see."""\n',
    ],
)
def test_near_misses(text: str) -> None:
    assert read(switches.INSPECTOR, "a.py", text).rules == []


def test_lines_are_counted_over_blocks_and_a_line_across_them_is_whole() -> None:
    filler = "x = 1\n" * 180_000  # over one block
    cut = (1 << 20) - 10
    text = filler[:cut].rpartition("\n")[0] + "\n"
    text += " " * (cut - len(text)) + f'os.environ["{NAME}"] = "1"\n' + filler + f'os.environ["{NAME}"] = "1"\n'
    found = read(switches.INSPECTOR, "a.py", text)
    lines = [number for number, line in enumerate(text.split("\n"), 1) if NAME in line]
    assert [finding.location.line for finding in found.findings] == lines


def test_very_many_are_a_few() -> None:
    assert len(read(switches.INSPECTOR, "a.py", f'os.environ["{NAME}"] = "1"\n' * 100_000).rules) == 20
