"""Which commands install packages, and where in their words the packages stand.

By the documentation of pip ("pip install"), uv ("CLI reference"), pipx, Poetry, PDM, Pipenv, conda and npm.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from mlgate.installs._options import CONDA, NPM, PDM, PIP, PIPENV, PIPX, POETRY, UV
from mlgate.installs._words import Words, after_module, called, texts, words
from mlgate.references._commands_shell import Arg, arg

_WITH_UV = PIP | UV
_MOST_WORDS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Install:
    """One command that installs. `tool` is the program with its subcommand, `family` python, conda or npm.

    `files` are of requirements, `indexes` options of pip with their values, `empty` says that the command gets its
    packages from elsewhere. `best` says that the highest version of all indexes is taken.
    """

    tool: str
    family: str
    packages: list[Arg] = field(default_factory=list)
    files: list[Arg] = field(default_factory=list)
    indexes: list[tuple[str, Arg]] = field(default_factory=list)
    channels: list[Arg] = field(default_factory=list)
    environments: list[Arg] = field(default_factory=list)
    dev: bool = False
    best: bool = True
    line: int = 1


def install(args: tuple[Arg, ...]) -> Install | None:
    """What these words install, or None when they are no such command."""
    args = after_module(args)
    if not args:
        return None
    name = called(args[0])
    rest = args[1 : _MOST_WORDS + 1]
    if name == "pip":
        return _pip(rest, "pip", PIP)
    if name == "uv":
        return _uv(rest)
    if name == "uvx":
        return _uvx(words(_until_program(rest, _WITH_UV), _WITH_UV), "uvx")
    if name in {"pipx", "poetry", "pipenv", "pdm", "rye"}:
        return _project(name, rest)
    if name in {"conda", "mamba", "micromamba"}:
        return _conda(name, rest)
    if name in {"npm", "pnpm", "yarn", "npx", "bun", "bunx"}:
        return _npm(name, rest)
    return None


def _sub(args: tuple[Arg, ...], valued: frozenset[str]) -> tuple[str, tuple[Arg, ...]]:
    """The subcommand, and the words without it: options may stand before it."""
    at = 0
    while at < len(args):
        text = args[at].plain or args[at].start
        if not text.startswith("-"):
            return args[at].plain, (*args[:at], *args[at + 1 :])
        at += 2 if text in valued else 1
    return "", args


def _until_program(args: tuple[Arg, ...], valued: frozenset[str]) -> tuple[Arg, ...]:
    """The words up to the first that is no option: what follows is for the program that is run."""
    at = 0
    while at < len(args):
        text = args[at].plain or args[at].start
        if not text.startswith("-"):
            return args[: at + 1]
        at += 2 if text in valued else 1
    return args


def _pip(args: tuple[Arg, ...], tool: str, valued: frozenset[str], *, best: bool = True) -> Install | None:
    sub, rest = _sub(args, valued)
    if sub not in {"install", "download", "wheel", "sync", "compile"}:
        return None
    found = words(rest, valued)
    files = [*found.values("-r", "--requirement", "--requirements", "-c", "--constraint", "--constraints")]
    if sub in {"sync", "compile"}:
        return Install(tool=f"{tool} {sub}", family="python", files=files, indexes=_indexes(found))
    packages = [*found.positions, *found.values("-e", "--editable")]
    if found.has("--group") and not packages and not files:
        return None  # groups of pyproject.toml, which has a reader of its own
    return Install(
        tool=f"{tool} {sub}",
        family="python",
        packages=packages,
        files=files,
        indexes=_indexes(found),
        best=best or _unsafe(found),
    )


def _unsafe(found: Words) -> bool:
    return any(one.plain.startswith("unsafe") for one in found.values("--index-strategy"))


def _indexes(found: Words) -> list[tuple[str, Arg]]:
    table = {
        "--index-url": ("-i", "--index-url", "--pypi-url", "--default-index"),
        "--extra-index-url": ("--extra-index-url", "--index"),
        "--find-links": ("-f", "--find-links"),
        "--trusted-host": ("--trusted-host", "--allow-insecure-host"),
    }
    return [(name, value) for name, names in table.items() for value in found.values(*names)]


def _uv(args: tuple[Arg, ...]) -> Install | None:
    sub, rest = _sub(args, _WITH_UV)
    if sub == "pip":
        return _pip(rest, "uv pip", _WITH_UV, best=False)
    if sub == "add":
        found = words(rest, _WITH_UV | {"--group"})
        return Install(
            tool="uv add",
            family="python",
            packages=[_revised(one, found) for one in found.positions],
            files=[*found.values("-r", "--requirements", "-c", "--constraints")],
            indexes=_indexes(found),
            dev=found.has("--dev", "--group"),
            best=_unsafe(found),
        )
    if sub == "tool":
        action, rest = _sub(rest, _WITH_UV)
        if action == "install":
            return _uvx(words(rest, _WITH_UV), "uv tool install")
        return _uvx(words(_until_program(rest, _WITH_UV), _WITH_UV), "uv tool run") if action == "run" else None
    if sub == "run":
        found = words(_until_program(rest, _WITH_UV), _WITH_UV)
        if not found.has("--with", "--with-requirements"):
            return None
        return _uvx(Words([], found.named), "uv run")
    return None


def _revised(one: Arg, found: Words) -> Arg:
    """A repository with the revision that stands in an option."""
    revision = next(found.values("--rev", "--tag", "--branch"), None)
    if revision and one.plain.startswith("git+") and revision.plain and "@" not in one.plain.rpartition("/")[2]:
        return arg(f"{one.plain}@{revision.plain}", one.line)
    return one


def _uvx(found: Words, tool: str) -> Install | None:
    source = [*found.values("--from")]
    extra = [arg(part.strip(), one.line) for one in found.values("--with") for part in _listed(one)]
    return Install(
        tool=tool,
        family="python",
        packages=[*map(_at_version, source or found.positions[:1]), *extra],
        files=[*found.values("--with-requirements", "-c", "--constraints")],
        indexes=_indexes(found),
        best=_unsafe(found),
    )


def _listed(one: Arg) -> list[str]:
    """`--with` takes several, with commas between; what is not known stays in its source's spelling."""
    return [part for text in (texts(one) or [one.text.strip("'\"")]) for part in re.split(r",(?![^\[]*\])", text)]


def _at_version(one: Arg) -> Arg:
    """`ruff@0.4.1` is how uv and Poetry write `ruff==0.4.1`; of `@latest` and ranges only the name is kept."""
    found = re.fullmatch(r"([A-Za-z0-9][\w.-]*(?:\[[^\]]*\])?)@(\S*)", one.plain)
    if not found:
        return one
    exact = re.fullmatch(r"(==)?v?(\d[\w.!+-]*)", found[2])
    return arg(f"{found[1]}=={exact[2]}" if exact else found[1], one.line)


def _project(name: str, args: tuple[Arg, ...]) -> Install | None:
    valued = {"poetry": POETRY, "pipenv": PIPENV, "pdm": PDM, "rye": UV, "pipx": PIPX}[name]
    sub, rest = _sub(args, valued)
    found = words(_until_program(rest, valued) if sub == "run" else rest, valued)
    if (name, sub) in {("pipx", "install"), ("pipx", "run"), ("pipx", "inject")}:
        packages = [*found.values("--spec")] or found.positions[1 if sub == "inject" else 0 :][
            : 50 if sub != "run" else 1
        ]
    elif (name, sub) in {("poetry", "add"), ("pdm", "add"), ("rye", "add"), ("pipenv", "install"), ("rye", "install")}:
        packages = list(map(_at_version, found.positions))
    else:
        return None
    if not packages and sub == "install":
        return None  # what the project's own files say
    return Install(
        tool=f"{name} {sub}",
        family="python",
        packages=packages,
        files=[*found.values("-r", "--requirements")] if name == "pipenv" else [],
        indexes=[("--index-url", value) for value in found.values("-i", "--index-url", "--index")],
        dev=found.has("-D", "--dev", "-d", "-G", "--group"),
    )


def _conda(name: str, args: tuple[Arg, ...]) -> Install | None:
    sub, rest = _sub(args, CONDA)
    if sub == "env":
        sub, rest = _sub(rest, CONDA)
        if sub not in {"create", "update"}:
            return None
        found = words(rest, CONDA | {"-f"})
        return Install(tool=f"{name} env {sub}", family="conda", environments=[*found.values("-f", "--file")])
    if sub not in {"install", "create", "update", "upgrade"}:
        return None
    found = words(rest, CONDA | {"-f"} if name == "micromamba" else CONDA)
    files = [*found.values("--file", "-f")]
    yaml = [one for one in files if one.plain.endswith((".yml", ".yaml"))]
    known = [
        one for one in found.positions if one.plain not in {"conda", "mamba", "base"} or sub in {"install", "create"}
    ]
    return Install(
        tool=f"{name} {sub}",
        family="conda",
        packages=known if sub in {"install", "create"} else [one for one in known if "=" in one.text],
        files=[one for one in files if one not in yaml],
        environments=yaml,
        channels=[*found.values("-c", "--channel")],
    )


def _npm(name: str, args: tuple[Arg, ...]) -> Install | None:
    if name in {"npx", "bunx"}:
        found = words(_until_program(args, NPM | {"-c"}), NPM | {"-c"})
        packages = [*found.values("-p", "--package")] or found.positions[:1]
        if not any("@" in (one.plain or one.text)[1:] for one in packages) and "-y" not in found.named:
            return None  # what the project's own package.json brings, as far as anybody can tell
        return Install(tool=name, family="npm", packages=packages)
    sub, rest = _sub(args, NPM)
    if name == "yarn" and sub == "global":
        sub, rest = _sub(rest, NPM)
    if sub not in {"install", "i", "add", "dlx"} or (name == "yarn" and sub == "install"):
        return None
    found = words(_until_program(rest, NPM) if sub == "dlx" else rest, NPM)
    return Install(
        tool=f"{name} {sub}",
        family="npm",
        packages=found.positions,
        indexes=[("--index-url", value) for value in found.values("--registry")],
        dev=found.has("-D", "--save-dev", "--dev"),
    )
