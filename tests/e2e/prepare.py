"""Gets what the container tests need: `python -m tests.e2e.prepare`, and with `--stop` ends the daemon it started.

A Docker daemon, the base image, the image built from the unchanged Dockerfile, Node.js with the API emulator. Exit code
0 when the tests can run, 1 when something of ours is broken, 3 and the reason when this machine cannot have it.
"""

from __future__ import annotations

import json
import sys
import time

from tests.e2e import base, daemon, node
from tests.e2e.daemon import OURS
from tests.e2e.place import ROOT, STATE, Missing, folder

IMAGE = "mlgate:e2e"
# The base under a name of the tests' own, be it the real one or a stand-in.
STAND_IN = "mlgate-e2e-base:latest"
PREPARED = STATE / "prepared.json"

__all__ = ["IMAGE", "OURS", "PREPARED", "ROOT", "STAND_IN", "STATE"]


def _tagged(docker: str, host: str, existing: bool) -> list[str]:
    """Names the base STAND_IN; the arguments that a build needs when it is a stand-in."""
    # A daemon that was already there is on a machine with its registry; ours is on one that likely has none.
    if existing and base.pulled(docker, host):
        daemon.run(docker, host, "tag", base.named(), STAND_IN)
        return []
    daemon.run(docker, host, "tag", base.stand_in(docker, host), STAND_IN)
    return ["--network", "host", "--build-arg", f"BASE={STAND_IN}"]


def prepare() -> bool:
    """Whether the image could be built, when all else was found, made or started. Raises Missing."""
    start = time.monotonic()

    def say(what: str) -> None:
        print(f"[{time.monotonic() - start:5.1f} s] {what}", flush=True)

    say(f"emulator and API description: {node.modules(node.binary())}")
    say(f"CycloneDX's JavaScript validator: {node.modules(node.binary(), *node.VALIDATOR)}")
    existing = daemon.found()
    docker, host = existing or daemon.start()
    say(f"Docker daemon: {host}{'' if existing else ' (our own)'}")
    arguments = _tagged(docker, host, existing is not None)
    say(f"base image: {'a stand-in' if arguments else base.named()}")
    built = daemon.run(docker, host, "build", "-t", IMAGE, *arguments, str(ROOT))
    if built.returncode != 0:
        print(built.stdout[-6000:])
        say("the image does not build")
        return False
    sizes = [
        json.loads(daemon.run(docker, host, "image", "inspect", name).stdout)[0]["Size"] for name in (IMAGE, STAND_IN)
    ]
    say(f"image: {sizes[0] / 1e6:.0f} MB, {(sizes[0] - sizes[1]) / 1e6:.0f} MB of it on top of the base")
    PREPARED.write_text(json.dumps({"host": host, "size": sizes[0], "ours": sizes[0] - sizes[1]}))
    return True


def main() -> int:
    """The exit code."""
    if sys.argv[1:] == ["--stop"]:
        daemon.stop()
        return 0
    try:
        folder()
        PREPARED.unlink(missing_ok=True)
        return 0 if prepare() else 1
    except Missing as error:
        print(f"container tests cannot run here: {error}", flush=True)
        return 3


if __name__ == "__main__":
    sys.exit(main())
