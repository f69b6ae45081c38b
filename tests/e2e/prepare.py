"""Gets what the container tests need: `python -m tests.e2e.prepare`, and with `--stop` ends what it started.

A Docker daemon, the base image, Node.js with the API emulator. Exit code 1 and a reason when something cannot be had.
"""

from __future__ import annotations

import sys
import time

from tests.e2e import base, daemon, node
from tests.e2e.place import Missing, State, forget, load, save


def prepare() -> State:
    """Everything found, made or started. Raises Missing."""
    start = time.monotonic()

    def say(what: str) -> None:
        print(f"[{time.monotonic() - start:5.1f} s] {what}", flush=True)

    binary = node.binary()
    modules = node.modules(binary)
    say(f"emulator and API description: {modules}")
    existing = daemon.found()
    docker, host = existing or daemon.start()
    say(f"Docker daemon: {host}{'' if existing else ' (our own)'}")
    # A daemon that was already there is a machine with its registry; ours is on one that likely has none.
    name = "" if existing and base.pulled(docker, host) else base.stand_in(docker, host)
    say(f"base image: {name or base.named()}{' (a stand-in)' if name else ''}")
    return State(
        docker=docker,
        host=host,
        started=existing is None,
        base=name,
        node=str(binary),
        modules=str(modules),
    )


def main() -> int:
    """0 when the tests can run."""
    if sys.argv[1:] == ["--stop"]:
        state = load()
        forget()
        if state and state.started:
            daemon.stop()
        return 0
    forget()
    try:
        save(prepare())
    except Missing as error:
        print(f"container tests cannot run here: {error}", flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
