"""Lockfile entries that download something else than they say, and servers that are not the public ones."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from mlgate.manifests import package_lock, pdm_lock, poetry_lock, pylock, uv_lock, yarn_lock
from mlgate.manifests._downloads import is_npm, is_python
from mlgate.records import Inspector
from tests.reading import read

SHA = "a" * 64


@pytest.mark.parametrize(
    ("name", "version", "address", "own"),
    [
        ("requests", "2.31.0", "https://f.test/requests-2.31.0-py3-none-any.whl#sha256=0", True),
        ("requests", "2.31.0", "requests-2.31.0.tar.gz", True),
        ("ruamel-yaml", "0.18.6", "ruamel.yaml-0.18.6-py3-none-any.whl", True),
        ("zope-interface", "6.0", "zope.interface-6.0.tar.gz", True),
        ("torch", "2.1.0+cu118", "https://f.test/torch-2.1.0%2Bcu118-cp311-cp311-linux_x86_64.whl", True),
        ("torch", "2.1.0", "torch-2.1.0+cpu-cp311-cp311-linux_x86_64.whl", True),
        ("pkg", "1.0.post1", "pkg-1.0-1.tar.gz", True),
        ("pkg", "2022.7", "pkg-2022.07-py3-none-any.whl", True),
        ("x3d-tools", "1.0", "x3d_tools-1.0.tar.gz", True),
        ("pywin32", "306", "pywin32-306.win-amd64-py3.11.exe", True),
        ("requests", "2.31.0", "https://f.test/requestz-2.31.0-py3-none-any.whl", False),
        ("requests", "2.31.0", "https://f.test/requests-2.19.0-py3-none-any.whl", False),
        ("requests", "2.31.0", "requests-evil-2.31.0.tar.gz", False),
        ("requests", "2.31.0", "https://f.test/other-1.0.tar.gz", False),
    ],
)
def test_files_of_python(name: str, version: str, address: str, own: bool) -> None:
    assert is_python(name, version, address) is own


@pytest.mark.parametrize(
    ("name", "version", "address", "own"),
    [
        ("lodash", "4.17.21", "https://registry.npmjs.org/lodash/-/lodash-4.17.21.tgz", True),
        ("@babel/core", "7.0.0", "https://registry.npmjs.org/@babel/core/-/core-7.0.0.tgz", True),
        ("@babel/core", "7.0.0", "https://registry.yarnpkg.com/@babel%2fcore/-/core-7.0.0.tgz#abc", True),
        ("lodash", "4.17.21", "https://corp.test/api/npm/npm/lodash/-/lodash-4.17.21.tgz", True),
        ("@corp/a", "1.0.0", "https://npm.pkg.github.com/download/@corp/a/1.0.0/0123456789abcdef", True),
        ("a", "1.0.0+build.5", "https://registry.npmjs.org/a/-/a-1.0.0.tgz", True),
        ("lodash", "4.17.21", "", True),
        ("lodash", "4.17.21", "https://registry.npmjs.org/lodahs/-/lodahs-4.17.21.tgz", False),
        ("lodash", "4.17.21", "https://registry.npmjs.org/lodash/-/lodash-4.17.15.tgz", False),
        ("core", "7.0.0", "https://registry.npmjs.org/@babel/core/-/core-7.0.0.tgz", False),
    ],
)
def test_tarballs_of_npm(name: str, version: str, address: str, own: bool) -> None:
    assert is_npm(name, version, address) is own


def _uv(name: str) -> str:
    source = 'source = { registry = "https://pypi.org/simple" }'
    wheel = f'wheels = [{{ url = "https://files.pythonhosted.org/{name}", hash = "sha256:{SHA}" }}]'
    return f'version = 1\n[[package]]\nname = "requests"\nversion = "2.31.0"\n{source}\n{wheel}\n'


def _poetry(name: str) -> str:
    return f'[[package]]\nname = "requests"\nversion = "2.31.0"\nfiles = [{{file = "{name}", hash = "sha256:{SHA}"}}]\n'


def _pylock(name: str) -> str:
    wheel = f'[[packages.wheels]]\nname = "{name}"\nhashes = {{sha256 = "{SHA}"}}\n'
    return f'lock-version = "1.0"\n[[packages]]\nname = "requests"\nversion = "2.31.0"\n{wheel}'


@pytest.mark.parametrize(
    ("reader", "path", "make"),
    [
        (uv_lock.INSPECTOR, "uv.lock", _uv),
        (poetry_lock.INSPECTOR, "poetry.lock", _poetry),
        (pdm_lock.INSPECTOR, "pdm.lock", _poetry),
        (pylock.INSPECTOR, "pylock.toml", _pylock),
    ],
)
def test_python_lockfiles_with_another_file_block(reader: Inspector, path: str, make: Callable[[str], str]) -> None:
    for name, rules in (("requests", []), ("requestz", ["MLG-DEP-081"])):
        said = read(reader, path, make(f"{name}-2.31.0-py3-none-any.whl"))
        assert (said.rules, said.stopped) == (rules, None)


def test_npm_lockfiles_with_another_tarball_block_and_an_alias_does_not() -> None:
    entries = {
        "node_modules/react": {"version": "18.0.0", "resolved": "https://registry.npmjs.org/x/-/x-18.0.0.tgz"},
        "node_modules/old": {
            "name": "lodash",
            "version": "3.0.0",
            "resolved": "https://registry.npmjs.org/lodash/-/lodash-3.0.0.tgz",
        },
    }
    whole = {path: {**entry, "integrity": "sha512-" + "A" * 86 + "=="} for path, entry in entries.items()}
    said = read(package_lock.INSPECTOR, "package-lock.json", json.dumps({"lockfileVersion": 3, "packages": whole}))
    assert [(f.rule.id, f.subject) for f in said.findings] == [("MLG-DEP-081", "pkg:npm/react")]
    text = (
        '# yarn lockfile v1\n\nreact@^18:\n  version "18.0.0"\n'
        '  resolved "https://registry.yarnpkg.com/x/-/x-18.0.0.tgz#0123456789012345678901234567890123456789"\n'
    )
    assert read(yarn_lock.INSPECTOR, "yarn.lock", text).rules == ["MLG-DEP-081"]


def test_a_package_from_another_server_than_its_neighbours_is_named() -> None:
    text = _uv("requests-2.31.0-py3-none-any.whl")
    other = text.replace("requests", "torch").replace("files.pythonhosted.org", "evil.test").partition("\n")[2]
    (found,) = read(uv_lock.INSPECTOR, "uv.lock", text + other).findings
    assert (found.rule.id, found.message) == ("MLG-DEP-080", "1 of 2 locked packages come from evil.test: torch.")
