r"""Batch files and PowerShell scripts as the shell commands that they amount to, line by line.

They are rewritten in the shell's words (`%NAME%` and `$NAME` to `${NAME}`, `\\` to `/`, `^` and a back-tick at the end
of a line to `\\`), so that one reader knows what commands load. A line stays a line. Blocks become `if true` ... `fi`:
what is assigned in them is one of several values, as the shell reader has it.
"""

from __future__ import annotations

import re

_VARIABLE = re.compile(r"%([A-Za-z_]\w*)(?::[^%\n]{0,80})?%", re.ASCII)
_LOOP_VARIABLE = re.compile(r"%%?~?([A-Za-z])\b", re.ASCII)
_DELAYED = re.compile(r"!([A-Za-z_]\w*)!", re.ASCII)
_SET = re.compile(r'set\s+"?([A-Za-z_]\w*)=([^"]*)"?\s*$', re.IGNORECASE | re.ASCII)
_SET_OTHER = re.compile(r"set\s+/[ap]", re.IGNORECASE)
_IF = re.compile(
    r"if\s+(?:/i\s+)?(?:not\s+)?(?:exist\s+(?:\"[^\"]*\"|\S+)|defined\s+\S+|errorlevel\s+\d+|cmdextversion\s+\d+|"
    r"(?:\"[^\"]*\"|[^\s=\"]*)\s*(?:==|equ|neq|lss|leq|gtr|geq)\s*(?:\"[^\"]*\"|[^\s(]+))\s*",
    re.IGNORECASE,
)
_FOR = re.compile(r"for\s+(?:/[a-z]\s+(?:\"[^\"]*\"\s+)?)*%%?([a-z])\s+in\s*\(([^()]*)\)\s*do\s*", re.IGNORECASE)
_PS_SET = re.compile(r"\$(?:env:|script:|global:)?([A-Za-z_]\w*)\s*=\s*(.+)$", re.IGNORECASE | re.ASCII)
_PS_NAME = re.compile(r"\$(?:env:|script:|global:|\{)?([A-Za-z_]\w*)\}?", re.IGNORECASE | re.ASCII)
_PS_ENV = re.compile(r"\$\{?env:([A-Za-z_]\w*)\}?", re.IGNORECASE | re.ASCII)
_PS_OPENS = re.compile(
    r"(?:if|elseif|else|foreach|for|while|do|try|catch|finally|function|switch|param)\b", re.IGNORECASE
)
_CANONICAL = {name.lower(): name for name in ("Invoke-WebRequest", "Start-BitsTransfer", "iwr")}
_PS_CMDLETS = re.compile(r"\b(?:Invoke-WebRequest|Start-BitsTransfer|iwr)\b", re.IGNORECASE)
_LITERAL = re.compile(r"""(?:"[^"`]*"|'[^']*'|[\w./:@+-]+)\s*$""", re.ASCII)


def batch(text: str) -> str:
    """A batch file as a shell script of as many lines."""
    out: list[str] = []
    depth = 0
    for raw in text.split("\n"):
        line = raw.strip().lstrip("@").strip()
        lowered = line.lower()
        if not line or line.startswith(":") or lowered == "rem" or lowered.startswith("rem "):
            out.append("")
            continue
        line, opened, closed, maybe = _blocks(line)
        found = _SET.match(line)
        if _SET_OTHER.match(line):
            line = ""
        elif found:
            line = (
                f"{found[1].upper()}='{_plain(found[2])}'"
                if "%" not in found[2] and "!" not in found[2]
                else (f'{found[1].upper()}="{_words(found[2])}"')
            )
        else:
            line = _words(re.sub(r"^(?:call|start(?:\s+/\w+)*)\s+", "", line, flags=re.IGNORECASE))
        line = line[:-1] + "\\" if line.endswith("^") else f"if true; then :; {line}; fi" if maybe and line else line
        closed = min(closed, depth)
        depth += opened - closed
        out.append("; ".join([*["fi"] * closed, *["if true; then :"] * opened, *([line] if line else [])]))
    out[-1] += "; fi" * depth
    return "\n".join(out)


def _blocks(line: str) -> tuple[str, int, int, bool]:
    """The command of a line without its conditions and loops, how many blocks it opens and closes, and whether it is
    under a condition of this line.
    """
    closed = opened = 0
    maybe = False
    for _ in range(8):
        if line.startswith(")"):
            closed += 1
            line = re.sub(r"^\)\s*(?:else\s*)?", "", line, flags=re.IGNORECASE)
        elif line.startswith("("):
            opened += 1
            line = line[1:].strip()
        elif found := _IF.match(line) or _FOR.match(line):
            line = line[found.end() :].strip()
            maybe = True
        else:
            break
    if opened and line.endswith(")"):
        opened, line = opened - 1, line[:-1].strip()
    return line, opened, closed, maybe and not opened


def _plain(text: str) -> str:
    return text.strip().replace("\\", "/").replace("'", "")


def _words(line: str) -> str:
    """The words of a command in the shell's notation."""
    carried = line.endswith("^")
    line = line.removesuffix("^").replace("\\", "/").replace("^", "").replace("$", "").replace("`", "").replace("'", "")
    line = _VARIABLE.sub(lambda m: f"${{{m[1].upper()}}}", line)
    line = _DELAYED.sub(lambda m: f"${{{m[1].upper()}}}", line)
    line = _LOOP_VARIABLE.sub(lambda m: f"${{__{m[1].lower()}}}", line)
    return line.replace("#", "\\#") + ("^" if carried else "")


def powershell(text: str) -> str:
    """A PowerShell script as a shell script of as many lines."""
    text = re.sub(r"<#.*?(?:#>|\Z)", lambda m: "\n" * m[0].count("\n"), text, flags=re.DOTALL)
    out: list[str] = []
    depth = 0
    for raw in text.split("\n"):
        line = raw.strip()
        if line.startswith("#"):
            line = ""
        closed = opened = 0
        while line.startswith("}") and closed < 8:
            closed += 1
            line = line[1:].strip()
        if _PS_OPENS.match(line):
            opened = max(line.count("{") - line.count("}"), 0)
            line = line.partition("{")[2].strip() if opened else line.partition("{")[2].rpartition("}")[0].strip()
        line = _ps_line(line)
        closed = min(closed, depth)
        depth += opened - closed
        out.append("; ".join([*["fi"] * closed, *["if true; then :"] * opened, *([line] if line else [])]))
    out[-1] += "; fi" * depth
    return "\n".join(out)


def _ps_line(line: str) -> str:
    carried = line.endswith("`")
    line = line.removesuffix("`").rstrip().replace("\\", "/").replace("`", "")
    found = _PS_SET.match(line)
    if found:
        value = found[2].strip()
        name = found[1].upper()
        if not _LITERAL.fullmatch(value):
            return f'{name}="$(unknown)"'
        return f"{name}={_PS_NAME.sub(lambda m: f'${{{m[1].upper()}}}', value)}"
    line = re.sub(r"^[&.]\s+", "", line)
    line = _PS_NAME.sub(lambda m: f"${{{m[1].upper()}}}", line)
    line = _PS_CMDLETS.sub(lambda m: _CANONICAL[m[0].lower()], line)
    return line + (" \\" if carried else "")
