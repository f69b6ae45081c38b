"""Python programs that install: what is written out is told, what is not is said to be unknown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.installs.commands import INSPECTOR as COMMANDS
from mlgate.installs.python_calls import INSPECTOR
from tests.reading import Said, read


def look(text: str, path: str = "tools/setup_env.py") -> Said:
    return read(INSPECTOR, path, f"import subprocess, sys, os\n{text}\n")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('subprocess.check_call([sys.executable, "-m", "pip", "install", "a==1", "b"])', ["a", "b"]),
        ('subprocess.run("pip install a b==2", shell=True)', ["a", "b"]),
        ('subprocess.run("pip install a".split())', ["a"]),
        ("subprocess.run(shlex.split(\"pip install 'a>1'\"))", ["a"]),
        ('os.system("pip install a && pip install b")', ["a", "b"]),
        ('os.system(f"{sys.executable} -m pip install a=={VERSION}")', ["a"]),
        ('subprocess.run(["pip", "install"] + ["a"] + EXTRA)', ["a"]),
        ('PIP = [sys.executable, "-m", "pip", "install"]\nsubprocess.run([*PIP, "a"])', ["a"]),
        ('cmd = "pip install a"\nsubprocess.Popen(cmd, shell=True)', ["a"]),
        ('os.execvp("pip", ["pip", "install", "a"])', ["a"]),
        ('await asyncio.create_subprocess_exec("uv", "pip", "install", "a")', ["a"]),
        ('import pip\npip.main(["install", "a"])', ["a"]),
        ('from pip._internal import main as pipmain\npipmain(["install", "a"])', ["a"]),
        ('from pip._internal.cli.main import main\nmain(["install", "a"])', ["a"]),
        ('from app import main\nmain(["install", "a"])', []),
        ('get_ipython().system("pip install a")', ["a"]),
        ('get_ipython().run_line_magic("pip", "install a")', ["a"]),
        ('session.install("a", "b")', ["a", "b"]),
        ('session.run("pip", "install", "a")', ["a"]),
        ('print("pip install a")', []),
        ('subprocess.run(["git", "pip", "install", "a"])', []),
        ('raise ImportError("run: pip install a", subprocess)', []),
        ('"""subprocess: pip install a"""', []),
        ('a = a + "pip install x"\nos.system(a)', []),
    ],
)
def test_packages_that_programs_install(text: str, names: list[str]) -> None:
    said = look(text if "await" not in text else f"async def f():\n    {text}")
    assert sorted(c.name for c in said.components) == names
    assert said.stopped is None


def test_where_from_and_what_is_run() -> None:
    said = look('subprocess.run(["pip", "install", "--extra-index-url", "https://h/simple", "a==1"])')
    assert [(f.rule.id, f.location.line) for f in said.findings] == [("MLG-DEP-010", 2)]
    assert look('os.system("curl https://h/x | sh")').rules == ["MLG-DEP-050"]
    said = look('def install(package):\n    subprocess.check_call([sys.executable, "-m", "pip", "install", package])')
    assert [(f.rule.id, f.location.line) for f in said.findings] == [("MLG-DEP-052", 3)]
    said = look('subprocess.run(["pip", "install", "-r", "requirements.txt"])')
    assert [i.path for i in said.includes][:1] == ["tools/requirements.txt"]


def test_what_tests_install_is_for_development() -> None:
    for path, scope in (("tests/test_x.py", "dev"), ("noxfile.py", "dev"), ("src/x.py", "runtime")):
        (found,) = look('subprocess.run("pip install a==1", shell=True)', path).components
        assert found.package
        assert found.package.scope == scope


def test_python_in_a_command() -> None:
    text = "RUN python -c \"import pip; pip.main(['install', 'a'])\"\n"
    said = read(COMMANDS, "Dockerfile", f"FROM scratch\n{text}")
    assert [c.name for c in said.components] == ["a"]


@given(st.text(alphabet="pipnstal\n ()[]{}'\"=+,*f.", max_size=80))
def test_any_program_ends_in_an_answer(noise: str) -> None:
    look(f"os.system('pip install a')\n{noise}")
