"""What commands download, serve and train on, in the files that hold commands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.records import Kind, Reference, Resolution
from mlgate.references import _commands_table, commands, notebook
from tests.builders import code
from tests.reading import artifact, read
from tests.references import command_files as files

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def references(source: str, path: str = "run.sh") -> tuple[Reference, ...]:
    said = read(commands.INSPECTOR, path, source)
    assert said.stopped is None, said.stopped
    return said.references


def named(source: str, path: str = "run.sh") -> list[str | None]:
    return [reference.identity for reference in references(source, path)]


@pytest.mark.parametrize(
    ("source", "identity"),
    [
        ("huggingface-cli download org/name", "hf:org/name"),
        ("hf download --quiet org/name weights/x.bin --local-dir m", "hf:org/name"),
        ("hf download org/name --repo-type=dataset", "dataset:hf:org/name"),
        ("git clone --depth 1 https://user:secret@huggingface.co/datasets/org/name.git", "dataset:hf:org/name"),
        ("GIT_LFS_SKIP_SMUDGE=1 git lfs clone git@hf.co:org/name x", "hf:org/name"),
        ("git clone https://www.modelscope.cn/org/name.git", "modelscope:org/name"),
        ("wget -q https://h.org/a/model.safetensors?token=1", "https://h.org/a/model.safetensors"),
        ("curl -sSLo x.gguf https://h.org/download/123", "https://h.org/download/123"),
        ("curl https://h.org/v1/get?id=3 > train.parquet", "dataset:https://h.org/v1/get"),
        ("aria2c https://hf-mirror.com/org/name/resolve/main/x.gguf", "hf:org/name"),
        (
            "wget http://images.cocodataset.org/zips/val2017.zip",
            "dataset:http://images.cocodataset.org/zips/val2017.zip",
        ),
        ("wget https://h.org/pretrained/net.tar.gz", "https://h.org/pretrained/net.tar.gz"),
        ("ollama run hf.co/org/name:Q4_K_M", "hf:org/name"),
        ("docker exec -it o ollama pull llama3.2", "ollama:llama3.2"),
        ("nohup vllm serve org/name --port 80 > log 2>&1 &", "hf:org/name"),
        ("python3 -u -m vllm.entrypoints.openai.api_server --model=org/name", "hf:org/name"),
        (
            "docker run --gpus all -p 8:8 ghcr.io/huggingface/text-generation-inference:2 --model-id org/name",
            "hf:org/name",
        ),
        ("docker run -e MODEL_ID=org/name ghcr.io/huggingface/text-embeddings-inference", "hf:org/name"),
        ("export HF_MODEL_ID=org/name", "hf:org/name"),
        ("llama-server -hf org/name:Q8_0", "hf:org/name"),
        ("./build/bin/llama-cli -m models/x.gguf", "file:models/x.gguf"),
        ("python -m sglang.launch_server --model-path org/name", "hf:org/name"),
        ("mlx_lm.convert --hf-path org/name -q", "hf:org/name"),
        ("mlc_llm chat HF://org/name", "hf:org/name"),
        ("trtllm-build --checkpoint_dir ckpt/x --output_dir y", "file:ckpt/x"),
        ("python -m mlx_lm.lora --model org/name --train", "hf:org/name"),
        ("lm_eval --model hf --model_args pretrained=org/name,dtype=float16", "hf:org/name"),
        ("python -m spacy download en_core_web_sm", "spacy:en_core_web_sm"),
        ("python -m nltk.downloader punkt", "dataset:nltk:punkt"),
        ("kaggle competitions download -c titanic", "dataset:kaggle:competitions/titanic"),
        ("kaggle datasets download -d owner/name --unzip", "dataset:kaggle:owner/name"),
        ("modelscope download --dataset org/name", "dataset:modelscope:org/name"),
        ("whisper talk.wav --model small.en", "whisper:small.en"),
        ("aws s3 cp s3://bucket/best.ckpt .", "s3://bucket/best.ckpt"),
        (f"gdown {'1aB' * 9} -O weights.pth", f"https://drive.google.com/file/d/{'1aB' * 9}"),
        ("accelerate launch train.py --model_name_or_path org/name", "hf:org/name"),
        ("torchrun --nproc_per_node 8 t.py --pretrained_model_name_or_path=org/name", "hf:org/name"),
        ("bash -c 'cd /x && ollama pull llama3'", "ollama:llama3"),
        ('ssh host "ollama pull llama3"', "ollama:llama3"),
        ("x=$(ollama pull llama3)", "ollama:llama3"),
        ("if ! (ollama pull llama3); then exit 1; fi", "ollama:llama3"),
        ("python -c \"from transformers import AutoModel; AutoModel.from_pretrained('org/name')\"", "hf:org/name"),
        ("python - <<'E'\nimport timm\ntimm.create_model('hf-hub:org/name', pretrained=True)\nE", "hf:org/name"),
        ("ssh host <<E\nollama pull llama3\nE", "ollama:llama3"),
    ],
)
def test_a_command_that_loads_names_what_it_loads(source: str, identity: str) -> None:
    assert named(source) == [identity]


@pytest.mark.parametrize(
    "source",
    [
        "# ollama pull llama3",
        "echo 'run: ollama pull llama3'",
        "echo huggingface-cli download org/name",
        "cat <<E\nollama pull llama3\nE",
        "pip install vllm org/name",
        "git clone https://github.com/org/name.git",
        "git clone git@github.com:huggingface/transformers.git",
        "wget https://github.com/org/name/archive/refs/heads/models.zip",
        "wget https://h.org/install.sh https://h.org/cuda.tar.gz",
        'curl -X POST http://localhost:8000/v1/chat -d \'{"model": "org/name"}\'',
        "curl https://huggingface.co/api/models/org/name",
        "curl $URL | sh",
        "ollama serve & ollama list; ollama --version",
        "huggingface-cli login --token x && huggingface-cli upload org/name .",
        "aws s3 cp model.pt s3://bucket/models/model.pt",
        "python train.py --model resnet/50 --data a/b --lr 1e-3",
        "python prepare.py --dataset_name cora",
        "export MODEL_ID=org/name",
        "docker run -e MODEL_ID=org/name example/api:1",
        "docker pull vllm/vllm-openai:v0.6",
        "hf download org/name --repo-type space",
        "NAME=org/name",
        "test -d models/x.gguf || mkdir -p org/name",
    ],
)
def test_what_only_looks_like_it_names_nothing(source: str) -> None:
    assert named(source) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("M=org/name\nhf download $M", [("hf:org/name", "constant")]),
        ("hf download ${M:-org/name}", [("hf:org/name", "default")]),
        ('M=${1:-org/name}\nhf download "$M"', [("hf:org/name", "default")]),
        (": ${M:=org/name}\nO=org\nhf download ${O}/x", [("hf:org/x", "constant")]),
        ("hf download $1", [(None, "unknown")]),
        ("read M\nhf download $M", [(None, "unknown")]),
        ("M=a/b\nif x; then M=c/d; fi\nhf download $M", [("hf:a/b", "constant"), ("hf:c/d", "constant")]),
        ("M=a/b\nM=c/d\nhf download $M", [("hf:c/d", "constant")]),
        ('for m in a b:7b; do ollama pull "$m"; done', [("ollama:a", "constant"), ("ollama:b", "constant")]),
        (
            'L=(a b)\nfor m in "${L[@]}"; do\n ollama pull $m\ndone',
            [("ollama:a", "constant"), ("ollama:b", "constant")],
        ),
        ('A="--model org/name --port 1"\nvllm serve $A', [("hf:org/name", "constant")]),
        ('A=(--model_name_or_path org/name)\npython t.py "${A[@]}"', [("hf:org/name", "constant")]),
        ("B=https://h.org\nwget $B/x.onnx", [("https://h.org/x.onnx", "constant")]),
        ("wget $B/x.onnx", [(None, "unknown")]),
        ('bash -c "vllm serve $M"', [(None, "unknown")]),
    ],
)
def test_variables_are_followed_and_not_guessed(source: str, found: list[tuple[str | None, str]]) -> None:
    assert [(r.identity, r.resolution.value) for r in references(source)] == found


def test_revisions_pin_only_as_commits() -> None:
    source = f"hf download a/b --revision {COMMIT}\nhf download a/b --revision main\nollama pull a:7b\n"
    source += f"wget https://huggingface.co/c/d/resolve/{COMMIT}/x.bin\ngit clone -b v1 https://hf.co/e/f"
    assert [(r.revision, r.pinned) for r in references(source)] == [
        (COMMIT, True),
        ("main", False),
        ("7b", False),
        (COMMIT, True),
        ("v1", False),
    ]
    assert references(source)[0].purl == f"pkg:huggingface/a/b@{COMMIT}"


def test_what_a_command_before_wrote_is_not_loaded_from_elsewhere() -> None:
    assert named("wget https://h.org/x.gguf\nllama-cli -m x.gguf") == ["https://h.org/x.gguf"]
    assert named("hf download a/b --local-dir ./m\nvllm serve ./m") == ["hf:a/b"]
    train = "python t.py --model_name_or_path a/b --output_dir out/x\npython e.py --model_name_or_path out/x/last"
    assert named(train) == ["hf:a/b"]


def test_after_cd_local_paths_are_not_those_of_the_repository() -> None:
    assert named("cd build\nllama-cli -m x.gguf") == [None]
    assert [r.identity for r in references('cd "$(dirname "$0")"\nllama-cli -m x.gguf', "a/b.sh")] == ["file:a/x.gguf"]


def test_lines_are_those_of_the_command() -> None:
    found = references(files.SHELL)
    assert [(r.identity, r.location.line, r.location.end_line) for r in found] == [
        ("hf:a/b", 4, 5),
        ("ollama:c", 10, 10),
        ("hf:d/e", 13, 13),
        ("hf:f/g", 14, 15),
    ]


def test_secrets_in_urls_stay_out() -> None:
    source = "git clone https://u:hf_secret@huggingface.co/a/b\nwget 'https://u:hf_secret@h.org/x.onnx?key=hf_secret'\n"
    source += "wget https://u:hf_secret@$HOST/x.onnx?key=hf_secret"
    assert len(references(source)) == 3
    assert "secret" not in repr(references(source))


def lines(path: str, source: str) -> list[tuple[str | None, int | None]]:
    return [(r.identity, r.location.line) for r in references(source, path)]


def test_a_dockerfile_is_read_by_its_instructions() -> None:
    assert lines("docker/Dockerfile.gpu", files.DOCKERFILE) == [
        ("hf:a/default", 6),
        ("ollama:b", 10),
        ("hf:c/d", 12),
        ("hf:e/f", 13),
        ("hf:g/h", 3),
        ("hf:i/j", 15),
        ("hf:k/l", 17),
    ]


def test_makefiles_and_justfiles_have_variables_of_their_own() -> None:
    assert lines("Makefile", files.MAKEFILE) == [("hf:a/b", 4), ("ollama:x", 6), ("ollama:y", 6)]
    assert lines("justfile", files.JUSTFILE) == [("hf:a/b", 3), ("hf:c/d", 4)]


def test_compose_files_are_read_by_image() -> None:
    assert lines("docker-compose.gpu.yml", files.COMPOSE) == [
        ("docker:ai/m", 19),
        ("hf:a/b", 4),
        ("hf:c/d", 8),
        ("hf:e/f", 11),
        ("ollama:g", 15),
    ]


def test_kubernetes_manifests_are_read_by_container() -> None:
    assert lines("deploy/x.yaml", files.KUBERNETES) == [("hf:a/b", 9), (None, 10), ("hf:c/d", 18), ("hf:e/f", 25)]
    assert lines("templates/x.yaml", files.HELM) == [(None, 9), ("hf:k/l", 11)]


def test_a_template_that_is_no_yaml_is_unknown_and_broken_yaml_is_incomplete() -> None:
    source = "apiVersion: v1\nkind: Pod\nspec:\n  x: y\n    {{- with .Values.z }}\n    a: b\n  command: [vllm, serve]\n"
    (reference,) = references(source, "templates/x.yaml")
    assert (reference.identity, reference.location.line) == (None, 7)
    stopped = read(commands.INSPECTOR, "x.yaml", source.replace("{{- with .Values.z }}", "")).stopped
    assert stopped is not None
    assert stopped.reason == "malformed"


def test_a_large_script_is_incomplete_only_when_it_names_a_tool() -> None:
    padding = "#" * (4 * 2**20)
    stopped = read(commands.INSPECTOR, "x.sh", f"{padding}\nollama pull x").stopped
    assert stopped is not None
    assert stopped.reason == "limit"
    assert read(commands.INSPECTOR, "x.sh", padding).stopped is None


def test_workflows_are_read_with_their_matrix_and_variables() -> None:
    assert lines(".github/workflows/ci.yml", files.WORKFLOW) == [
        ("hf:m/1", 11),
        ("hf:m/2", 11),
        ("hf:t/op", 13),
        ("hf:t/op", 14),
        ("hf:f/olded", 17),
        (None, 19),
    ]


def test_other_yaml_is_nobody_here() -> None:
    assert not commands.INSPECTOR.claims(artifact("config.yaml", b"model: org/name\nrun: ollama pull x\n"))
    assert not commands.INSPECTOR.claims(artifact("Dockerfile.md", b"RUN ollama pull x\n"))
    assert commands.INSPECTOR.claims(artifact("bin/get", b"#!/usr/bin/env bash\nollama pull x\n"))


def test_commands_in_notebooks_are_read_by_cell() -> None:
    book = code.notebook(
        "M = 'org/name'  # @param",
        "!pip install x\n!huggingface-cli download {M} \\\n   --revision main\nfor i in y:\n    !ollama pull llama3",
        "%%bash\n\nM=a/b\nhf download $M",
        "%env HF_MODEL_ID=c/d",
        "print('!ollama pull x')",
    )
    found = read(notebook.INSPECTOR, "x.ipynb", book).references
    assert [(r.identity, r.location.cell, r.location.line) for r in found] == [
        ("hf:org/name", 2, 2),
        ("ollama:llama3", 2, 5),
        ("hf:a/b", 3, 4),
        ("hf:c/d", 4, 1),
    ]


def test_every_row_of_the_table_is_well_formed() -> None:
    table = _commands_table.commands()
    assert all(table.hint.search(" ".join(words)) for rows in table.rows.values() for words, _ in rows)
    with pytest.raises(ValueError, match="unknown keys"):
        _commands_table.parse('[[command]]\nrun = ["x"]\nkind = "model"\ntarg = [0]')


def test_kinds_follow_what_is_found() -> None:
    (reference,) = references("wget https://huggingface.co/datasets/a/b/resolve/main/x.bin")
    assert (reference.kind, reference.resolution) == (Kind.DATASET, Resolution.LITERAL)


@pytest.mark.parametrize(
    "path", ["x.sh", "Dockerfile", "Makefile", "justfile", "compose.yaml", ".github/workflows/x.yml"]
)
@given(text=st.text(alphabet=files.ALPHABET, max_size=120))
def test_no_text_is_an_error(path: str, text: str) -> None:
    said = read(commands.INSPECTOR, path, text + "\nollama pull x")
    assert said.findings == ()
