"""Ollama's Modelfiles."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mlgate.references import modelfile
from tests.reading import artifact, read

FULL = """\
# FROM nothing
FROM llama3.2:3b
PARAMETER temperature 1
SYSTEM \"\"\"
FROM here on you are a pirate.
ADAPTER none
\"\"\"
ADAPTER ./lora.gguf
TEMPLATE \"\"\"{{ .Prompt }}
FROM x\"\"\"
MESSAGE user "FROM y"
"""


def test_base_and_adapters_with_their_lineage() -> None:
    said = read(modelfile.INSPECTOR, "m/Modelfile", FULL)
    assert [(r.identity, r.revision, r.symbol, r.location.line) for r in said.references] == [
        ("ollama:llama3.2", "3b", "FROM", 2),
        ("file:m/lora.gguf", None, "ADAPTER", 8),
    ]
    assert {(r.source, r.target, r.kind) for r in said.relations} == {
        ("file:m/Modelfile", "ollama:llama3.2", "derived-from"),
        ("file:m/Modelfile", "file:m/lora.gguf", "depends-on"),
        ("file:m/lora.gguf", "ollama:llama3.2", "adapter-of"),
    }


def test_bases_are_names_files_or_the_hub() -> None:
    def base(line: str) -> str | None:
        (reference,) = read(modelfile.INSPECTOR, "Modelfile", line).references
        return reference.identity

    assert base("from hf.co/org/name:Q4_K_M") == "hf:org/name"
    assert base("FROM ./x/model.gguf") == "file:x/model.gguf"
    assert base("FROM weights.gguf") == "file:weights.gguf"
    assert base("FROM user/name") == "ollama:user/name"
    assert base("FROM /root/model.gguf") is None
    assert base("FROM ../up.gguf") is None


def test_only_modelfiles_are_claimed() -> None:
    claims = modelfile.INSPECTOR.claims
    assert claims(artifact("x/Modelfile.q4", b"FROM a\n"))
    assert not claims(artifact("Modelfile", b"version: 1\n"))
    assert not claims(artifact("modelfile.md", b"FROM a\n"))


@given(st.text(alphabet='FROMADAPTERfrom ./:"\n#x', max_size=200))
def test_no_text_is_an_error(text: str) -> None:
    read(modelfile.INSPECTOR, "Modelfile", "FROM a\n" + text)
