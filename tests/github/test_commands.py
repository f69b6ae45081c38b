from __future__ import annotations

import io
import itertools
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.github import commands
from mlgate.github.commands import Commands
from mlgate.records import Location

HOSTILE = (
    "::error::forged\n  ::stop-commands::x\n##[error]forged\nname ##[set-output name=verdict;]pass\n"
    "\r::set-output name=verdict::pass\x1b[2J\u202eevil\u2028::add-mask::a\x85::debug::\udcff"
)


def writer(*, output_path: str = "", summary_path: str = "") -> tuple[Commands, io.StringIO]:
    stream = io.StringIO()
    return Commands(stream=stream, output_path=output_path, summary_path=summary_path), stream


def runner(log: str) -> list[tuple[str, str]]:
    """What the real runner would take for commands in a log, with its own reading of stop and resume.

    As in actions/runner, ActionCommand.cs: `::name props::data` after leading white space, `##[name props]data`
    anywhere; any of CR, LF and CRLF ends a line.
    """
    found: list[tuple[str, str]] = []
    stopped = ""
    for line in re.split(r"\r\n|\r|\n", log):
        match = re.match(r"\s*::([^:\s]+)(?: [^:]*)?::(.*)", line) or re.search(r"##\[([^\]\s]+)[^\]]*\](.*)", line)
        if not match:
            continue
        if stopped:
            stopped = "" if match[1] == stopped else stopped
        elif match[1] == "stop-commands":
            stopped = match[2]
        else:
            found.append((match[1], match[2]))
    return found


def test_quoted_text_is_no_command_stopped_or_not() -> None:
    plain, stream = writer()
    plain.log(HOSTILE)
    assert runner(stream.getvalue()) == []
    stopped, stream = writer()
    stopped.stop()
    stopped.log(HOSTILE)
    stopped.resume()
    assert runner(stream.getvalue()) == []
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e\ud800-\udfff]", stream.getvalue())


def test_what_others_print_while_stopped_is_no_command_and_ours_still_is() -> None:
    out, stream = writer()
    out.stop()
    stream.write("::error::from a library\n")
    out.annotate("error", "ours")
    stream.write("::error::from a library again\n")
    out.resume()
    out.command("notice", "after")
    assert runner(stream.getvalue()) == [("error", "ours"), ("notice", "after")]
    tokens = re.findall(r"::stop-commands::(\w+)", stream.getvalue())
    assert len(set(tokens)) == 2
    assert all(len(token) == 32 for token in tokens)


@given(st.text(), st.text(), st.text(min_size=1), st.integers(1, 10**6))
def test_an_annotation_is_one_command_whatever_it_says(message: str, title: str, path: str, line: int) -> None:
    out, stream = writer()
    out.annotate("warning", message, title=title, location=Location(path=path, line=line))
    assert [name for name, _ in runner(stream.getvalue())] == ["warning"]
    assert stream.getvalue().count("\n") == 1
    properties = stream.getvalue().removeprefix("::warning ").partition("::")[0]
    keys = [pair.partition("=")[0] for pair in properties.split(",")]
    assert keys == [*(["title"] if title else []), "file", "line", "endLine"]


def test_annotations_keep_their_lines_and_the_steps_limits() -> None:
    out, stream = writer()
    assert out.annotate("error", "a 100%\nb", title="x, y: z", location=Location(path="a,b:c.py", line=3, end_line=4))
    assert stream.getvalue() == "::error title=x%2C y%3A z,file=a%2Cb%3Ac.py,line=3,endLine=4::a 100%25%0Ab\n"
    assert [out.annotate("error", "more") for _ in range(12)] == [True] * 9 + [False] * 3
    assert out.annotate("warning", "\u00e9" * 5000)
    last = stream.getvalue().splitlines()[-1]
    assert len(last.removeprefix("::warning::").encode()) <= 4096


def test_an_archive_member_has_no_line_in_the_file() -> None:
    out, stream = writer()
    out.annotate("error", "m", location=Location(path="a.zip", member="b.py", line=9))
    assert stream.getvalue() == "::error file=a.zip::m\n"


def test_outputs_cannot_be_broken_out_of(tmp_path: Path) -> None:
    path = tmp_path / "output"
    out, _ = writer(output_path=str(path))
    out.output("verdict", "fail\nEOF\nexit-code=0\nghadelimiter_x")
    out.output("exit-code", "1")
    first, second = re.findall(r"^(?:verdict|exit-code)<<(ghadelimiter_[0-9a-f]{32})$", path.read_text(), re.MULTILINE)
    assert first != second
    assert path.read_text().endswith(f"\nexit-code<<{second}\n1\n{second}\n")
    with pytest.raises(ValueError, match="summary-json"):
        out.output("summary-json", "x" * 1_000_001)


def test_a_delimiter_inside_the_value_is_an_error(tmp_path: Path) -> None:
    out = Commands(stream=io.StringIO(), output_path=str(tmp_path / "o"), token=lambda: "known")
    with pytest.raises(ValueError, match="verdict"):
        out.output("verdict", "a\nghadelimiter_known\nb")


def test_a_summary_stays_below_what_github_drops(tmp_path: Path) -> None:
    path = tmp_path / "summary"
    path.write_text("before\n" * 100)
    out, _ = writer(summary_path=str(path))
    out.summary("# mlgate\n")
    assert path.read_text().endswith("before\n# mlgate\n")
    out.summary("| \u00e9 row |\n" * 200_000)
    assert path.stat().st_size <= commands.SUMMARY_BUDGET
    text = path.read_text()
    assert "cut here" in text
    assert text.count("| \u00e9 row |\n") > 80_000
    before = path.stat().st_size
    for _ in range(50):
        out.summary("more\n" * 100)
    assert path.stat().st_size <= max(before, commands.SUMMARY_BUDGET)


def test_a_link_in_the_runners_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "target")
    out, _ = writer(summary_path=str(tmp_path / "link"))
    with pytest.raises(OSError, match=r"."):
        out.summary("text")
    assert not (tmp_path / "target").exists()


def test_the_log_of_a_flood_ends() -> None:
    out, stream = writer()
    out.log("\n".join(map(str, itertools.repeat("x", 20_000))))
    assert stream.getvalue().count("\n") == commands.MAX_LINES + 1


def test_no_command_where_no_runner_listens() -> None:
    stream = io.StringIO()
    out = Commands(stream=stream, plain=True)
    out.mask("ghs_secret")
    out.stop()
    out.annotate("error", "m")
    out.resume()
    assert stream.getvalue() == ""
