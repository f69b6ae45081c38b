"""What is taken for a pickle by its bytes alone, and what only begins like one."""

from __future__ import annotations

import pytest

from mlgate.pickles.sniff import is_pickle
from mlgate.sources import BytesSource
from tests.builders import pickles

REQUIRES = "".join(
    f'const require_{name} = require("./{name}.cjs");\n' for name in ("logger", "cache", "chat", "embedding")
)


@pytest.mark.parametrize(
    "text",
    [
        REQUIRES + "async function fetchModels(url) {\n  return []\n}\n",
        REQUIRES + "class A {}\n" * 200,
        "class Model {\n  id = 1\n}\nreturn 1\n",
        "cols = [1, 2]\ncount = (3)\n(copy)\nR = 1\n",
        "import sys\nimport os\n",
        "Some text.\n",
        "".join(f"PCBA-{number}\n" for number in range(5_000)),
    ],
)
def test_source_code_is_no_pickle(text: str) -> None:
    assert not is_pickle(BytesSource(text.encode()), 0)


@pytest.mark.parametrize(
    "data",
    [
        b"cos\nsystem\n(S'id'\ntR.",
        b"cmy-module\nrun\n(tR.",
        b"c__main__\nA.b\n)R.",
        b"Pid\n0" * 50 + b"cos\nsystem\n(S'id'\ntR.",
        b"cos\nsystem\n(S'id'\ntRca b\nc\n.",
        pickles.os_system(),
        pickles.protocol_2(),
    ],
)
def test_programs_that_import_and_call_are(data: bytes) -> None:
    assert is_pickle(BytesSource(data), 0)


@pytest.mark.parametrize("data", [b"cos\n", b"cos\n\n.", b"c\nsystem\n(tR."])
def test_words_that_begin_like_an_import_are_no_pickle(data: bytes) -> None:
    assert not is_pickle(BytesSource(data), 0)
