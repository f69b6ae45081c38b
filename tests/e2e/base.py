"""The base image: the one that the Dockerfile names, or a stand-in where no image registry can be reached.

The stand-in is what python:3.13-slim is, made from other parts: a minimal Debian with a CPython 3.13 in /usr/local and
pip, and the machine's own settings for certificates and package sources.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.e2e.daemon import install, run
from tests.e2e.place import ROOT, Missing

VERSION = "3.13"
_PACKAGES = (
    "ca-certificates,netbase,tzdata,libssl3,libffi8,libsqlite3-0,libbz2-1.0,liblzma5,libreadline8,libncursesw6,zlib1g,"
    "libuuid1,libexpat1"
)
_LEFT_OUT = ("__pycache__", "*/test", "*.a", "lib/python3.13/site-packages/*", "lib/python3.13/idlelib")
_PIP = """#!/usr/local/bin/python3.13
import sys
from pip._internal.cli.main import main
sys.exit(main())
"""
_CHECK = "import ssl, ctypes, sqlite3, lzma, bz2, zlib, pip"
_PATH = "/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"


def named() -> str:
    """The base that the Dockerfile pins."""
    (name,) = re.findall(r"^ARG BASE=(\S+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    return str(name)


def pulled(docker: str, host: str) -> bool:
    """Whether the base that the Dockerfile pins is there or can be pulled."""
    if run(docker, host, "image", "inspect", named()).returncode == 0:
        return True
    try:
        return run(docker, host, "pull", "--quiet", named(), timeout=300).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def _python() -> Path:
    """The prefix of a CPython 3.13 that is not the system's own. Raises Missing without one."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    candidates = [sys.executable if sys.version_info[:2] == (3, 13) else "", shutil.which(f"python{VERSION}") or ""]
    candidates += [str(path) for path in sorted(pyenv.glob(f"versions/{VERSION}*/bin/python{VERSION}"), reverse=True)]
    for candidate in filter(None, candidates):
        done = subprocess.run(
            [
                candidate,
                "-c",
                f"import sys; {_CHECK}; print(sys.version_info[:2] == (3, 13) and sys.base_prefix or '')",
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        prefix = done.stdout.strip()
        if done.returncode == 0 and prefix and prefix != "/usr":
            return Path(prefix)
    raise Missing(f"no base image can be pulled, and there is no CPython {VERSION} to make a stand-in of")


def _sources() -> tuple[str, str]:
    """Debian's suite and the file with its package sources."""
    release = dict(re.findall(r'^([A-Z_]+)="?([^"\n]*)', Path("/etc/os-release").read_text(), re.MULTILINE))
    for place in ("/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list"):
        if release.get("ID") == "debian" and Path(place).is_file():
            return release["VERSION_CODENAME"], place
    raise Missing("a stand-in for the base image is made on Debian only")


def _lay_python(root: Path, prefix: Path) -> None:
    """Copies the interpreter with pip, and without what a slim image leaves out."""
    local = root / "usr" / "local"
    exclude = [f"--exclude={pattern}" for pattern in _LEFT_OUT]
    with subprocess.Popen(
        ["tar", "-C", str(prefix), "-cf", "-", *exclude, "bin", "include", "lib"], stdout=subprocess.PIPE
    ) as packed:
        subprocess.run(["tar", "-C", str(local), "-xf", "-"], stdin=packed.stdout, check=True)
    for script in (local / "bin").iterdir():
        if script.is_file() and not script.is_symlink() and script.read_bytes()[:2] == b"#!":
            script.unlink()
    site = Path("lib") / f"python{VERSION}" / "site-packages"
    for found in (prefix / site).glob("pip*"):
        if found.name == "pip" or found.name.endswith(".dist-info"):
            shutil.copytree(found, local / site / found.name, ignore=shutil.ignore_patterns("__pycache__"))
    for name, target in (("python3", f"python{VERSION}"), ("python", "python3")):
        (local / "bin" / name).unlink(missing_ok=True)
        (local / "bin" / name).symlink_to(target)
    pip = local / "bin" / "pip"
    pip.unlink(missing_ok=True)
    pip.write_text(_PIP)
    pip.chmod(0o755)


def _lay_settings(root: Path) -> None:
    """Copies the machine's certificates: its way to the package sources may have its own."""
    bundle = Path(os.environ.get("SSL_CERT_FILE") or "/etc/ssl/certs/ca-certificates.crt")
    if bundle.is_file():
        shutil.copyfile(bundle, root / "etc/ssl/certs/ca-certificates.crt")
        (root / "etc/pip.conf").write_text("[global]\ncert = /etc/ssl/certs/ca-certificates.crt\n")
    if os.environ.get("PIP_INDEX_URL"):
        with (root / "etc/pip.conf").open("a") as conf:
            conf.write(f"index-url = {os.environ['PIP_INDEX_URL']}\n")


def stand_in(docker: str, host: str) -> str:
    """The name of the stand-in's image, made when it is missing (about a minute). Raises Missing."""
    prefix = _python()
    suite, sources = _sources()
    parts = (Path(__file__).read_bytes(), str(prefix).encode(), suite.encode(), Path(sources).read_bytes())
    name = f"mlgate-e2e-base:{hashlib.sha256(b'|'.join(parts)).hexdigest()[:12]}"
    if run(docker, host, "image", "inspect", name).returncode == 0:
        return name
    if not shutil.which("mmdebstrap"):
        install("mmdebstrap")
    with tempfile.TemporaryDirectory(prefix="mlgate-base-", dir="/var/tmp") as made:
        root = Path(made) / "root"
        root.mkdir(mode=0o755)
        nothing = [f"--dpkgopt=path-exclude=/usr/share/{part}/*" for part in ("man", "doc", "locale")]
        command = ["mmdebstrap", "--quiet", "--mode=root", "--variant=minbase", f"--include={_PACKAGES}", *nothing]
        done = subprocess.run([*command, suite, str(root), sources], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Missing(f"mmdebstrap: {done.stderr.strip()[-400:]}")
        _lay_python(root, prefix)
        _lay_settings(root)
        for rest in ("var/lib/apt/lists", "var/cache/apt"):
            shutil.rmtree(root / rest, ignore_errors=True)
        (root / "var/lib/apt/lists/partial").mkdir(parents=True)
        (root / "var/cache/apt/archives/partial").mkdir(parents=True)
        subprocess.run(["chroot", str(root), "ldconfig"], check=True)
        subprocess.run(["chroot", str(root), "/usr/local/bin/python", "-c", _CHECK], check=True)
        tar = Path(made) / "base.tar"
        subprocess.run(["tar", "--numeric-owner", "-C", str(root), "-cf", str(tar), "."], check=True)
        changes = ("--change", 'CMD ["python3"]', "--change", f"ENV PATH={_PATH} LANG=C.UTF-8")
        done = run(docker, host, "import", *changes, str(tar), name)
        if done.returncode != 0:
            raise Missing(f"docker import: {done.stdout.strip()[-400:]}")
    return name
