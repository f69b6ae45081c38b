"""Dependencies in the comments of a Python script (PEP 723, "Inline script metadata")."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator

from mlgate import rules
from mlgate.errors import Incomplete
from mlgate.manifests._common import SHARED_RULES, Lines, read_text, table
from mlgate.manifests._declared import Given, given
from mlgate.manifests._pyproject import Reading
from mlgate.manifests._rules import DYNAMIC, EXTRA_INDEX, INSECURE_INDEX
from mlgate.manifests._uv_tool import sourced, uv
from mlgate.records import Artifact, Inspector, Observation

_LOOKED = 256 << 10  # the block is at the top of a script that a person reads
_LARGEST = 4 << 20
_MARK = re.compile(rb"^# /// script[ \t]*\r?$", re.MULTILINE)


def _claims(artifact: Artifact) -> bool:
    if artifact.depth or not artifact.name.lower().endswith((".py", ".pyw")):
        return False
    if b"# /// script" in artifact.head:
        return bool(_MARK.search(artifact.head))
    size = artifact.source.size
    if size <= len(artifact.head) or size > _LOOKED:
        return False
    return bool(_MARK.search(artifact.source.read_at(0, _LOOKED)))


def _blocks(lines: list[str]) -> Iterator[tuple[int, list[str] | None]]:
    """(first line, content) of each block named `script`; None when it does not end, and so is none."""
    number = 0
    while number < len(lines):
        if lines[number].rstrip() != "# /// script":
            number += 1
            continue
        end = number + 1
        last = None
        while end < len(lines) and (lines[end].rstrip() == "#" or lines[end].startswith("# ")):
            if lines[end].rstrip() == "# ///":
                last = end  # the last such line of the comment ends the block
            end += 1
        yield number + 1, None if last is None else [line[2:] for line in lines[number + 1 : last]]
        number = end if last is None else last + 1


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    if artifact.source.size > _LARGEST:
        raise Incomplete("limit", "a script that is too large to look for its dependencies")
    lines = read_text(artifact).replace("\r\n", "\n").split("\n")
    blocks = list(_blocks(lines))
    if len(blocks) > 1:
        raise Incomplete("malformed", "two `script` blocks, which PEP 723 forbids")
    for first, content in blocks:
        if content is None:
            message = "The block of dependencies has no end, so tools do not read it."
            yield rules.finding(DYNAMIC, artifact.at(line=first), message, evidence="# /// script")
            continue
        try:
            document = tomllib.loads("\n".join(content))
        except (ValueError, RecursionError) as error:
            raise Incomplete("malformed", f"a block that is not TOML: {str(error)[:100]}") from None
        # the block's lines are the file's, so that places are right
        reading = Reading(artifact=artifact, lines=Lines("\n" * first + "\n".join(content)))
        tool = table(table(document.get("tool")).get("uv"))
        if "dependencies" in document:
            found = reading.listed(document["dependencies"], scope="runtime", key="dependencies")
            yield from _given(sourced(tool, found))
        yield from _given(sourced(tool, uv(reading, tool)))
        if reading.bad:
            raise Incomplete("malformed", f"not a requirement: {', '.join(map(repr, reading.bad[:5]))}")


def _given(found: Iterator[Given | Observation]) -> Iterator[Observation]:
    for each in found:
        if isinstance(each, Given):
            yield from given(each)
        else:
            yield each


INSPECTOR = Inspector(
    name="script",
    claims=_claims,
    inspect=_inspect,
    rules=(*SHARED_RULES, DYNAMIC, EXTRA_INDEX, INSECURE_INDEX),
)
