"""Whatever a name holds, it stays text in every sink."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mlgate.reports import escape
from tests.builders.verdicts_hostile import NAMES
from tests.reports.pages import ACTIVE, INVISIBLE, RUNNER, rendered

# Whole words of the languages it must not speak, so that random strings are not only random letters.
WORDS = st.sampled_from(
    [
        *("@a", "#1", "GH-1", "www.a.b", "http://a", "a@b.c", "abc1234", "\u05d0"),
        *("::error::", "##[group]", "\x1b[1m", "\u202e", "\u200b", "\n", "\r"),
        *("`", "```", "|", "\\|", "\\", "](", "*", "_", "~~", "$", "<b>", "</td>", "&lt;", "<!--", "-->"),
    ]
)
HOSTILE = st.one_of(
    st.text(max_size=60),
    st.lists(WORDS, max_size=12).map("".join),
    st.lists(WORDS, max_size=8).map(" ".join),
)


def _inert_in_a_table(markdown: str) -> None:
    page = rendered(f"| a | b |\n| :-- | :-- |\n| x {markdown} | end |\n")
    assert page.rows == [2, 2], page.text
    assert [text for text in page.text if text.strip()][-1] == "end", page.text
    assert set(page.tags) <= {"table", "thead", "tbody", "tr", "th", "td", "code"}, page.tags
    assert not page.comments
    assert not ACTIVE.search("".join(page.prose)), page.prose
    assert not INVISIBLE.search(markdown), markdown
    assert "##[" not in markdown


@given(HOSTILE)
@example("\\|")
@example("a\\\\|b")
@example("`")
@example(" ")
@example("x\\")
def test_a_code_span_keeps_its_table_cell(name: str) -> None:
    _inert_in_a_table(escape.code(name))


@given(HOSTILE)
@example("see `a`b` c` |")
@example("(www.evil.example")
@example("0123456789abcdef0123456789abcdef01234567.")
def test_prose_speaks_no_markdown(text: str) -> None:
    _inert_in_a_table(escape.prose(text))


@given(HOSTILE)
@example("- x")
@example("1. x")
@example("12) x")
def test_prose_begins_no_block(text: str) -> None:
    assert set(rendered(f"{escape.prose(text)}\n").tags) <= {"p", "code"}
    assert set(rendered(f"> {escape.prose(text)}\n").tags) <= {"blockquote", "p", "code"}


@pytest.mark.parametrize("name", NAMES)
def test_known_tricks_stay_text(name: str) -> None:
    _inert_in_a_table(escape.code(name))
    _inert_in_a_table(escape.prose(f"The file {name} calls `{name}`"))
    assert not RUNNER.search(escape.terminal(name))


@given(HOSTILE)
@example("````\n```")
@example("::error::x\n  ::stop-commands::x\n##[error]")
def test_a_fence_ends_where_it_should(text: str) -> None:
    fenced = escape.fence(text)
    page = rendered(f"{fenced}\n\nafter")
    assert page.tags == ["pre", "code", "p"]
    assert "".join(page.prose).split() == ["after"]
    assert not RUNNER.search(fenced)
    assert not INVISIBLE.search(fenced)


@given(HOSTILE)
def test_nothing_on_a_terminal_moves_or_commands(text: str) -> None:
    shown = escape.terminal(text)
    assert "\n" not in shown
    assert not INVISIBLE.search(shown)
    assert not RUNNER.search(shown)


@given(HOSTILE)
def test_a_mermaid_label_has_no_syntax(text: str) -> None:
    assert not set(escape.mermaid(text)) & set("\"'`#;[](){}<>|&%\\\n*~$")


@given(HOSTILE)
def test_json_keeps_its_value_and_spells_no_command(text: str) -> None:
    encoded = escape.json_text(json.dumps([text]))
    assert json.loads(encoded) == [text]
    assert encoded.isascii()
    assert encoded.isprintable()
    assert not RUNNER.search(encoded.replace('["', "x", 1))


@given(HOSTILE)
def test_workflow_values_hold_one_command(text: str) -> None:
    data = escape.workflow_data(text)
    assert not set(data) & {"\r", "\n"}
    assert not set(escape.workflow_property(text)) & {"\r", "\n", ":", ","}
    assert data.replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%") == text


def test_plain_sentences_stay_plain() -> None:
    text = "Upgrade to 2.6.0, or remove it (no weights there); 3,000 files don't need it."
    assert escape.prose(text) == text
    assert escape.prose("Pass `revision=` now.") == "Pass `revision=` now."
    text = "Read it (see `a b`), or give `--db` (`mlgate db update`). Then: f(x), (--offline), not `c`; (or x_y)."
    coded = (
        "Read it (see `a b`), or give `--db` (`mlgate db update`). Then: `f(x)`, (`--offline`), not `c`; (or `x_y`)."
    )
    assert escape.prose(text) == coded
    assert escape.prose("issue #12, by @me.") == "issue `#12`, by `@me`."
    assert escape.code("torch::nn::Module") == "`torch::nn::Module`"


def test_sarif_messages_link_nowhere() -> None:
    assert escape.sarif("see [x](https://evil.example)") == "see \\[x\\](https://evil.example)"
