"""Batch files and PowerShell scripts: the models and datasets that their commands load."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.references._commands_windows import batch, powershell
from mlgate.references.commands import INSPECTOR
from tests.reading import artifact, read

BATCH = r"""@echo off
setlocal enabledelayedexpansion
REM huggingface-cli download no/no
:: huggingface-cli download no/no2
set MODEL=meta-llama/Llama-3-8B
set "DIR=C:\models\x"
if "%1"=="" (
    set MODEL=o/other
) else (
    echo x
)
huggingface-cli download %MODEL% --local-dir %DIR% --revision main
if not exist model.gguf curl -L -o model.gguf https://huggingface.co/o/n/resolve/main/model.gguf
python -m spacy download en_core_web_sm
call python train.py ^
  --model_name_or_path o/base ^
  --dataset_name o/data
powershell -Command "Invoke-WebRequest -Uri https://x.org/w.pth -OutFile w.pth"
for %%i in (a b) do (
  ollama pull llama3:8b
)
"""
POWERSHELL = r"""# comment huggingface-cli download no/no
<# block
huggingface-cli download no/no
#>
$Model = "meta-llama/Llama-3-8B"
$env:HF_HOME = "D:\hf"
$Url = "https://x.org/big/weights.safetensors"
$x = Get-Item foo
if (-not (Test-Path "w.pth")) {
    Invoke-WebRequest -Uri $Url -OutFile "w.safetensors"
}
huggingface-cli download $Model `
   --local-dir "$env:HF_HOME\m"
& python -m spacy download de_core_news_sm
ollama pull $x
function Get-It { param($a)
  hf download o/fn
}
foreach ($m in @("a/b","c/d")) { hf download $m }
"""


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        (
            "get.bat",
            BATCH,
            [
                (12, "hf:meta-llama/Llama-3-8B"),
                (12, "hf:o/other"),
                (13, "hf:o/n"),
                (14, "spacy:en_core_web_sm"),
                (16, "hf:o/base"),
                (17, "dataset:hf:o/data"),
                (18, "https://x.org/w.pth"),
                (20, "ollama:llama3"),
            ],
        ),
        (
            "get.ps1",
            POWERSHELL,
            [
                (10, "https://x.org/big/weights.safetensors"),
                (12, "hf:meta-llama/Llama-3-8B"),
                (14, "spacy:de_core_news_sm"),
                (15, None),
                (17, "hf:o/fn"),
                (19, None),
            ],
        ),
    ],
)
def test_commands_of_windows(name: str, text: str, expected: list[tuple[int, str | None]]) -> None:
    for ends in (text, text.replace("\n", "\r\n")):
        said = read(INSPECTOR, name, ends)
        assert said.stopped is None
        assert [(r.location.line, r.identity) for r in said.references] == expected


def test_other_files_are_not_claimed() -> None:
    assert not any(INSPECTOR.claims(artifact(name, b"x")) for name in ("a.batch", "a.psd1", "bat", "a.cmd.txt"))


@given(st.text(alphabet="if el(){}%!$`^\"'#\n@:=set for do in x\\", max_size=120))
def test_a_line_stays_a_line(text: str) -> None:
    assert batch(text).count("\n") == powershell(text).count("\n") == text.count("\n")
    for name in ("a.bat", "a.ps1"):
        read(INSPECTOR, name, text + "\nhf download o/n")
