"""Models in JavaScript and TypeScript: what is imported, what is called, what is only said to be unknown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.records import Kind, Reference, Resolution
from mlgate.references.javascript import INSPECTOR
from tests.reading import artifact, read

LITERAL, CONSTANT = Resolution.LITERAL, Resolution.CONSTANT
COMMIT = "3f49326eb077187dfe1c2a2bb15fbd74e6ab91e3"
TRANSFORMERS = "import { pipeline, AutoModel as M, env } from '@huggingface/transformers';\n"
CLAUDE = """import Anthropic from '@anthropic-ai/sdk';
const model = 'claude-3-5-sonnet-20241022';
new Anthropic().messages.create({ model })
"""
OPENAI = "import OpenAI from 'openai';\nconst client = new OpenAI();\n"


def references(source: str, path: str = "src/app.ts") -> tuple[Reference, ...]:
    said = read(INSPECTOR, path, source)
    assert said.stopped is None
    return said.references


@pytest.mark.parametrize(
    ("source", "identity", "resolution"),
    [
        (TRANSFORMERS + "await pipeline('summarization', 'Xenova/t5-small')", "hf:Xenova/t5-small", LITERAL),
        (TRANSFORMERS + 'const ID = "a/b" as const;\npipeline("x", ID)', "hf:a/b", CONSTANT),
        (
            TRANSFORMERS + "const C: Conf = { m: { id: 'a/b' } };\nM.from_pretrained(C.m.id)",
            "hf:a/b",
            CONSTANT,
        ),
        (
            TRANSFORMERS + "const ID = process.env.MODEL ?? 'a/b'\nlet p = pipeline('x', ID, { dtype: 'q4' })",
            "hf:a/b",
            Resolution.DEFAULT,
        ),
        (
            TRANSFORMERS
            + "class P {\n static t = 'x'\n static m = 'a/b'\n get() { return pipeline(this.t, this.m) }\n}",
            "hf:a/b",
            CONSTANT,
        ),
        (
            TRANSFORMERS + "class P { private readonly id: string = 'a/b'; m() { pipeline('x', this.id) } }",
            "hf:a/b",
            CONSTANT,
        ),
        (TRANSFORMERS + "pipeline('x', process.env.MODEL || 'a/b')", "hf:a/b", Resolution.DEFAULT),
        (TRANSFORMERS + "pipeline('x', `a/b`)", "hf:a/b", LITERAL),
        (TRANSFORMERS + "pipeline('x', '\\u0061/b')", "hf:a/b", LITERAL),
        (
            "const { pipeline: p } = await import('@xenova/transformers')\nconst q = /['\"]/g;\np('x', 'a/b')",
            "hf:a/b",
            LITERAL,
        ),
        ("const t = require('@xenova/transformers');\nt.pipeline('x', 'a/b')", "hf:a/b", LITERAL),
        (
            "import * as hub from '@huggingface/hub'\nhub.downloadFile({ repo: 'a/b', path: 'x' })",
            "hf:a/b",
            LITERAL,
        ),
        (
            "import * as tf from '@tensorflow/tfjs';\ntf.loadGraphModel('https://x.org/m/model.json?k=1')",
            "https://x.org/m/model.json",
            LITERAL,
        ),
        (
            "import { InferenceSession as S } from 'onnxruntime-web';\nS.create('./public/net.onnx')",
            "file:public/net.onnx",
            LITERAL,
        ),
        (
            OPENAI + "client.chat.completions.create({ model: 'gpt-4o', messages })",
            "api:openai:gpt-4o",
            LITERAL,
        ),
        (
            OPENAI + "class A { m() { return this.c?.responses.create({ ...rest, model: 'o3' }) } }",
            "api:openai:o3",
            LITERAL,
        ),
        (
            CLAUDE,
            "api:anthropic:claude-3-5-sonnet-20241022",
            CONSTANT,
        ),
        (
            "import { openai } from '@ai-sdk/openai';\nopenai('gpt-4o-mini')",
            "api:openai:gpt-4o-mini",
            LITERAL,
        ),
        (
            "import { ChatOpenAI } from '@langchain/openai';\nnew ChatOpenAI({ modelName: 'gpt-4' })",
            "api:openai:gpt-4",
            LITERAL,
        ),
        ("import ollama from 'ollama';\nollama.chat({ model: 'llama3:8b' })", "ollama:llama3", LITERAL),
        (
            "import { ConverseCommand as C } from '@aws-sdk/client-bedrock-runtime'\nnew C({modelId: 'amazon.nova'})",
            "api:bedrock:amazon.nova",
            LITERAL,
        ),
    ],
)
def test_what_is_loaded(source: str, identity: str, resolution: Resolution) -> None:
    (reference,) = references(source)
    assert (reference.identity, reference.resolution) == (identity, resolution)


def test_place_and_pin() -> None:
    source = (
        TRANSFORMERS
        + f"\n/* pipeline('x', 'not/this') */\nconst p = pipeline('x', 'a/b', {{\n revision: '{COMMIT}' }})"
    )
    (reference,) = references(source)
    assert (reference.location.line, reference.location.end_line) == (4, 5)
    assert (reference.revision, reference.pinned, reference.kind) == (COMMIT, True, Kind.MODEL)
    assert references(TRANSFORMERS + "pipeline('x', 'a/b', {revision: 'main'})")[0].pinned is False


@pytest.mark.parametrize(
    "source",
    [
        TRANSFORMERS + "pipeline('x', model)",
        TRANSFORMERS + "pipeline('x', `${org}/b`)",
        TRANSFORMERS + "let id = 'a/b'; var id = 'c/d'; pipeline('x', id)",
        TRANSFORMERS + "pipeline('x', 'a/' + name)",
        OPENAI + "client.chat.completions.create({ model: pick() })",
    ],
)
def test_what_only_the_program_knows_is_said(source: str) -> None:
    (reference,) = references(source)
    assert reference.identity is None
    assert reference.resolution is Resolution.UNKNOWN
    assert reference.expression


@pytest.mark.parametrize(
    "source",
    [
        "pipeline('x', 'a/b')",  # nobody's
        "import { pipeline } from 'stream/promises';\npipeline('x', 'a/b')",
        TRANSFORMERS + "pipeline('sentiment-analysis')",
        TRANSFORMERS + "// pipeline('x', 'a/b')\nconst s = \"pipeline('x', 'a/b')\"",
        TRANSFORMERS + "function pipeline(task, model) { return model }",
        OPENAI + "client.chat.completions.create(options)",
        "const x = 'openai'; y.responses.create({ model: 'gpt-4o' })",
    ],
)
def test_what_loads_nothing(source: str) -> None:
    assert [reference for reference in references(source) if reference.identity] == []


def test_text_in_jsx_does_not_hide_what_follows() -> None:
    source = TRANSFORMERS + "const A = () => <p>Don't stop</p>;\npipeline('x', 'a/b')"
    assert [reference.identity for reference in references(source, "src/a.tsx")] == ["hf:a/b"]


def test_whose_files_are_read() -> None:
    assert INSPECTOR.claims(artifact("src/a.tsx", b""))
    assert not INSPECTOR.claims(artifact("node_modules/x/a.js", b""))
    assert not INSPECTOR.claims(artifact("dist/a.min.js", b""))
    assert not INSPECTOR.claims(artifact("a.d.ts", b""))


@given(st.text(alphabet="`'\"\\/[]{}()${}.=,;ab\n*", max_size=200))
def test_any_text_ends(text: str) -> None:
    references(TRANSFORMERS + text + "\npipeline('x', y)")


LONG = (
    "/[",
    "`${",
    "(",
    "a.",
    "x=",
    "'\\\n",
    "{a:",
    "/*",
    "const a=b,",
    "const a=b;",
    "const {a}=require('x');",
    "f<a>(b)",
)


@pytest.mark.parametrize("part", LONG)
def test_long_lines_of_one_thing_end_soon(part: str) -> None:
    references(TRANSFORMERS + part * 100_000)
