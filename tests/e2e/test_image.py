"""The image itself: what it leaves out, and what it starts."""

from __future__ import annotations

import json
import subprocess

from tests.e2e.prepare import IMAGE, PREPARED
from tests.e2e.runner import docker_environment


def inside(script: str) -> str:
    """What a shell in the image prints."""
    command = ["docker", "run", "--rm", "--network", "none", "--entrypoint", "sh", IMAGE, "-c", script]
    done = subprocess.run(command, env=docker_environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_mlgate_adds_little_to_the_base() -> None:
    size = json.loads(PREPARED.read_text())["ours"]
    print(f"on top of the base: {size / 1e6:.0f} MB")
    assert size < 150e6  # 42 of them are the libraries that verify signatures


def test_no_compiler_and_no_caches_are_left() -> None:
    tools = "for tool in cc gcc g++ make; do ! command -v $tool || exit 1; done"
    assert inside(f"{tools}; ls -A /var/lib/apt/lists /root/.cache 2>/dev/null || true").split() in (
        [],
        ["/var/lib/apt/lists:"],
    )


def test_the_command_line_is_there_and_starts_from_bytecode() -> None:
    assert inside("mlgate --version").startswith("mlgate ")
    assert inside("find /opt/mlgate/lib/mlgate -name '*.py' | wc -l") == inside(
        "find /opt/mlgate/lib/mlgate -name '*.pyc' | wc -l"
    )


def test_what_lies_in_the_workspace_is_not_imported() -> None:
    names = "mlgate/__init__.py requests.py sitecustomize.py json.py"
    shadow = f"cd /tmp && mkdir mlgate && echo 'print(\"HIJACKED\")' | tee {names} >/dev/null"
    out = inside(f"{shadow}; mlgate --version; python -I /opt/mlgate/entrypoint.py 2>&1 || true")
    assert "HIJACKED" not in out
    assert "mlgate " in out
