"""A Docker daemon: the machine's own, or one on a socket and a data folder of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from tests.e2e.place import STATE, Missing, folder

OURS = f"unix://{STATE}/docker/docker.sock"
_START = 30.0  # seconds


def run(docker: str, host: str, *arguments: str, timeout: float = 900) -> subprocess.CompletedProcess[str]:
    """One docker command; its standard output and error as one text."""
    env = os.environ | {"DOCKER_HOST": host}
    return subprocess.run(
        [docker, *arguments],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        errors="replace",
        timeout=timeout,
        check=False,
    )


def answers(docker: str, host: str) -> bool:
    """Whether a daemon answers there."""
    try:
        return run(docker, host, "version", "--format", "{{.Server.Version}}", timeout=20).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def install(*packages: str) -> None:
    """Debian packages, where this is root on Debian. Raises Missing elsewhere or when they cannot be had."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise Missing(f"{', '.join(packages)}: not installed, and this is not root on Debian")
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    # A source of no concern here may be out of reach: only the installation decides.
    subprocess.run(["apt-get", "-qq", "update"], env=env, check=False, capture_output=True, timeout=300)
    done = subprocess.run(
        ["apt-get", "-qq", "install", "-y", "--no-install-recommends", *packages],
        env=env,
        check=False,
        capture_output=True,
        text=True,
        timeout=600,
    )
    if done.returncode != 0:
        raise Missing(f"apt-get install {' '.join(packages)}: {done.stderr.strip()[-300:]}")


def found() -> tuple[str, str] | None:
    """Client and address of a daemon that already answers: DOCKER_HOST, or the usual socket."""
    docker = shutil.which("docker")
    host = os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"
    return (docker, host) if docker and host.startswith("unix://") and answers(docker, host) else None


def start() -> tuple[str, str]:
    """Client and address of a daemon that keeps everything in our folder. Raises Missing when there can be none."""
    place = folder() / "docker"
    place.mkdir(exist_ok=True)
    if not (Path("/usr/bin/docker").exists() and shutil.which("dockerd") and shutil.which("iptables")):
        install("docker.io", "iptables")
    docker = "/usr/bin/docker"  # of the same package as dockerd: another client on PATH may be too new for it
    if answers(docker, OURS):
        return docker, OURS
    arguments = ["--data-root", f"{place}/data", "--exec-root", f"{place}/run", "--pidfile", f"{place}/dockerd.pid"]
    with (place / "dockerd.log").open("wb") as log:
        process = subprocess.Popen(
            ["dockerd", *arguments, "-H", OURS],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    end = time.monotonic() + _START
    while time.monotonic() < end and process.poll() is None:
        if answers(docker, OURS):
            return docker, OURS
        time.sleep(0.2)
    if process.poll() is None:
        process.terminate()
    raise Missing(f"dockerd does not start: {(place / 'dockerd.log').read_text(errors='replace')[-500:]}")


def stop() -> None:
    """Ends the daemon that `start` started."""
    pidfile = folder() / "docker" / "dockerd.pid"
    try:
        pid = int(pidfile.read_text())
        name = Path(f"/proc/{pid}/comm").read_text().strip()
    except (OSError, ValueError):
        return
    if name != "dockerd":
        return
    os.kill(pid, signal.SIGTERM)
    for _ in range(100):
        if not Path(f"/proc/{pid}").exists():
            break
        time.sleep(0.1)
    # A socket that stays behind would be taken for the daemon of the next run.
    (folder() / "docker" / "docker.sock").unlink(missing_ok=True)
