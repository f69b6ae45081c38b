"""Scripts that are downloaded and run: through a pipe, a substitution, or a file that nothing is compared with."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from mlgate import rules
from mlgate.installs._rules import FETCHED
from mlgate.manifests._declared import without_login
from mlgate.records import Finding
from mlgate.references._commands_loads import Locate
from mlgate.references._commands_match import program
from mlgate.references._commands_shell import Arg, Command

_DOWNLOADS = frozenset({"curl", "wget", "aria2c", "http", "fetch", "Invoke-WebRequest", "iwr"})
_SHELLS = frozenset({"sh", "bash", "zsh", "dash", "ksh", "ash"})
_RUNS = _SHELLS | {"python", "perl", "ruby", "node", "php"}
_BEFORE = frozenset({"sudo", "env", "time", "nohup", "exec", "nice", "command", "chronic", "doas", "then", "do"})
_SOURCES = frozenset({"source", ".", "eval"})
_PASSING = frozenset(
    {"tee", "sed", "gunzip", "zcat", "tr", "cat", "grep", "awk", "head", "tail", "gzip", "xz", "bzip2", "base64"}
    | {"base32", "xxd", "zstd", "lz4", "unzip", "funzip", "bsdtar", "tar", "jq", "yq", "rev", "dd", "pv", "iconv"}
    | {"dos2unix", "xargs", "sort", "cut", "envsubst"}
)
_CHECKS = re.compile(
    r"(sha|b2)\d*sum|shasum|md5sum|md5|gpgv?|gpg2|cosign|minisign|openssl|rhash|certutil|Get-FileHash|signify|"
    r"slsa-verifier|sigstore"
)
_INSIDE = re.compile(r"(?:\$\(|`|<\()\s*(?:sudo\s+)?(curl|wget)\b")
_URL = re.compile(r"(?:https?|ftp)://[^\s\"'`)|>;]+")
_OUTPUT = re.compile(r"-[A-Za-z]*[oO]")
_POWERSHELL = re.compile(r"\b(?:iex|invoke-expression)\b", re.IGNORECASE)
_POWERSHELL_FETCH = re.compile(
    r"\b(?:iwr|irm|invoke-webrequest|invoke-restmethod|downloadstring|curl|wget)\b", re.IGNORECASE
)
_MOST_FILES = 200


class Fetched:
    """Follows the downloads of one file's commands in order."""

    def __init__(self, locate: Locate) -> None:
        self.locate = locate
        self.pipe = ""  # what the download at the head of this pipeline reads
        self.shell = ""  # the shell whose standard input comes next
        self.files: dict[str, str] = {}
        self.checked: frozenset[str] = frozenset()  # addresses that a Dockerfile gives a checksum for

    def command(self, command: Command) -> Iterator[Finding]:
        """What one simple command runs that was downloaded."""
        args = _own(command.args)
        name = program(args[0]) if args else ""
        if command.before != "|":
            self.pipe = ""
        if _CHECKS.fullmatch(name):
            self.files.clear()
        if name == "ADD" and len(args) > 2 and "://" in args[1].text and args[1].text not in self.checked:
            target = args[-1].plain
            kept = args[1].plain if target.endswith("/") else target
            self.files[posixpath.basename(kept)] = f"ADD {_source(args[:2])}"
        if name in _DOWNLOADS:
            source = _source(args)
            if command.before == "<(" and self.shell:
                yield self._told(command, f"{self.shell} <({name} {source})")
            self._kept(name, args, command, source)
            self.pipe = f"{name} {source}"
        elif self.pipe and name in _RUNS and _reads_input(name, args):
            yield self._told(command, f"{self.pipe} | {name}")
            self.pipe = ""
        elif name not in _PASSING:
            self.pipe = ""
        self.shell = name if name in _RUNS | _SOURCES else ""
        if name in _RUNS | _SOURCES:
            for word in args[1:]:
                if not word.plain and (found := _INSIDE.search(word.text)):
                    url = _URL.search(word.text)
                    yield self._told(command, f"{name} $({found[1]} {_shown(url[0]) if url else '...'})")
        yield from self._ran(name, args, command)

    def _ran(self, name: str, args: tuple[Arg, ...], command: Command) -> Iterator[Finding]:
        """A file that was downloaded by this script is run by it."""
        if not args:
            return
        target = args[0].plain
        if name in _RUNS | _SOURCES:
            target = next((a.plain for a in args[1:] if not (a.plain or a.start).startswith("-")), "")
        elif not target.startswith(("./", "/", "~/")):
            return
        source = self.files.get(posixpath.basename(target)) if target else None
        if source:
            yield self._told(command, f"{source}; {name if name in _RUNS else 'run'}")

    def _kept(self, name: str, args: tuple[Arg, ...], command: Command, source: str) -> None:
        """The file that a download is written to."""
        names = [a.plain for a in command.outputs]
        for at, word in enumerate(args[1:], 1):
            text = word.plain or word.start
            if name == "curl" and _OUTPUT.fullmatch(text) and text.endswith("O"):
                names.append(posixpath.basename(source.partition("?")[0]))
            elif at + 1 < len(args) and (_OUTPUT.fullmatch(text) or text in {"--output", "--output-document"}):
                names.append(args[at + 1].plain)
            elif text.startswith(("--output=", "--output-document=")):
                names.append(text.partition("=")[2])
        if name != "curl" and not names:
            names = [posixpath.basename(source.partition("?")[0])]
        for each in names:
            if each.strip("-") and len(self.files) < _MOST_FILES:
                self.files[posixpath.basename(each)] = f"{name} {source}"

    def _told(self, command: Command, evidence: str) -> Finding:
        message = "What a server sends is run, and nothing was compared before."
        return rules.finding(FETCHED, self.locate(command.line, command.end), message, evidence=evidence[:300])

    def powershell(self, text: str) -> Iterator[Finding]:
        """`iex (iwr ...)` and `irm ... | iex`, wherever PowerShell is written."""
        for number, line in enumerate(text.split("\n"), 1):
            if len(line) > 5000 or line.lstrip().startswith(("#", "echo ", "Write-")):
                continue
            if _POWERSHELL.search(line) and _POWERSHELL_FETCH.search(line):
                url = _URL.search(line)
                command = Command(args=(), line=number, end=number)
                yield self._told(command, f"iex {_shown(url[0]) if url else '...'}")


def _own(args: tuple[Arg, ...]) -> tuple[Arg, ...]:
    """The words without `sudo` and the like in front."""
    at = 0
    while at < len(args) and program(args[at]) in _BEFORE:
        at += 1
        while at < len(args) and ((args[at].plain or args[at].start).startswith("-") or "=" in args[at].start):
            at += 1
    return args[at:]


def _source(args: tuple[Arg, ...]) -> str:
    """The address that is downloaded, as far as it is known."""
    for word in args[1:]:
        text = word.plain or word.text.strip("'\"")
        if "://" in text:
            return _shown(text)
    others = [a.text.strip("'\"") for a in args[1:] if not (a.plain or a.start).startswith("-")]
    return _shown(others[-1]) if others else "..."


def _shown(url: str) -> str:
    return without_login(url).partition("?")[0][:200]


def _reads_input(name: str, args: tuple[Arg, ...]) -> bool:
    """Whether the interpreter runs its standard input."""
    for word in args[1:]:
        text = word.plain or word.start
        if text in {"-", "/dev/stdin"} or (name in _SHELLS and text in {"-s", "--"}) or text.startswith("-s"):
            return True
        if text in {"-c", "-m", "-e", "-ne", "-pe", "-n", "-p", "-r"} or re.fullmatch(r"-[a-z]*c", text):
            return False
        if not text.startswith("-"):
            return False
    return True
