"""A browser for tests and pictures: headless Chromium over its DevTools pipe, with nothing but the standard library.

The program is named by MLGATE_CHROMIUM, or found on PATH. It gets a profile of its own, resolves no names, and
everything that a page asks for, says or opens is written down.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import select
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

VARIABLE = "MLGATE_CHROMIUM"
_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
_FLAGS = (
    "--headless",
    "--remote-debugging-pipe",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--disable-sync",
    "--hide-scrollbars",
    "--no-first-run",
    "--font-render-hinting=none",
    # No name leads anywhere: a page that asks for something gets nothing, and the attempt is seen all the same.
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--no-proxy-server",
)
_START = 30.0


def find() -> str:
    """The browser's program, "" where there is none."""
    named = os.environ.get(VARIABLE, "")
    if named:
        return shutil.which(named) or ""
    return next((found for name in _NAMES if (found := shutil.which(name))), "")


def _end(process: int) -> None:
    """Waits for a browser whose pipe is closed, and ends one that does not go."""
    for _ in range(100):
        if os.waitpid(process, os.WNOHANG)[0]:
            return
        time.sleep(0.1)
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)


class BrowserError(Exception):
    """The browser is gone, too slow, or refused a command."""


@dataclass
class Seen:
    """What a page did: addresses it asked for (its own left out), what the console said, dialogs it opened."""

    requests: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)


class Browser:
    """One browser with one page, as a context manager."""

    def __init__(self, program: str = "") -> None:
        self._program = program or find()
        self.seen = Seen()
        self._buffer = bytearray()
        self._number = 0
        self._session = ""
        self._events: list[dict[str, Any]] = []
        self._own = ""

    def __enter__(self) -> Self:
        if not self._program:
            raise BrowserError(f"no Chromium: set {VARIABLE}")
        with contextlib.ExitStack() as stack:
            profile = tempfile.TemporaryDirectory(prefix="mlgate-chromium-", ignore_cleanup_errors=True)
            stack.enter_context(profile)
            self._start(profile.name, stack)
            target = self.call("Target.createTarget", url="about:blank")["targetId"]
            self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            for domain in ("Page", "Network", "Runtime", "Log"):
                self.call(f"{domain}.enable")
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _start(self, profile: str, stack: contextlib.ExitStack) -> None:
        read_end, self._out = os.pipe()
        self._in, write_end = os.pipe()
        stack.callback(os.close, self._in)
        # The browser reads from descriptor 3 and writes to 4. Copies far above those are not overwritten by them.
        theirs = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in (read_end, write_end)]
        root = ["--no-sandbox"] if os.geteuid() == 0 else []
        command = [self._program, *_FLAGS, *root, f"--user-data-dir={profile}", "about:blank"]
        quiet = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in range(3)]
        pipes = [(os.POSIX_SPAWN_DUP2, end, number) for end, number in zip(theirs, (3, 4), strict=True)]
        process = os.posix_spawn(self._program, command, os.environ, file_actions=[*quiet, *pipes])
        for end in (read_end, write_end, *theirs):
            os.close(end)
        stack.callback(_end, process)
        stack.callback(os.close, self._out)  # the browser ends with its pipe

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """The result of a DevTools command (https://chromedevtools.github.io/devtools-protocol/)."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._out, data) :]
        end = time.monotonic() + _START
        while True:
            answer = self._read(end)
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise BrowserError(f"{method}: {answer['error']}")
                result: dict[str, Any] = answer["result"]
                return result
            self._note(answer)

    def open(self, address: str, *, width: int = 1000, height: int = 800, dark: bool = False, media: str = "") -> None:
        """Loads a page in a window of this size; `media` is "print" or empty. What was seen is forgotten first."""
        self.seen = Seen()
        self._events = []
        self._own = address
        phone = width < 500
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", media=media, features=[scheme])
        self.call("Page.navigate", url=address)
        end = time.monotonic() + _START
        while not any(event.get("method") == "Page.loadEventFired" for event in self._events):
            self._note(self._read(end))
        # Two frames later everything is painted, and what the page did on loading has been reported.
        self.script("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))")

    def script(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page; promises are awaited."""
        done = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in done:
            raise BrowserError(str(done["exceptionDetails"].get("exception", {}).get("description", done)))
        return done["result"].get("value")

    def picture(self, *, most: int = 0) -> bytes:
        """The page as a PNG, from its top to its end or to `most` pixels."""
        width, height = self.script("innerWidth"), self._height()
        # What is far below the window is not laid out (content-visibility): the window takes the page's height.
        if not most:
            self.call(
                "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
            )
            height = self._height()
        clip = {"x": 0, "y": 0, "width": width, "height": min(height, most or height), "scale": 1}
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        return base64.b64decode(shot["data"])

    def _height(self) -> int:
        return int(self.call("Page.getLayoutMetrics")["cssContentSize"]["height"])

    def pdf(self) -> bytes:
        """The page as it is printed on A4."""
        done = self.call("Page.printToPDF", paperWidth=8.27, paperHeight=11.69, printBackground=False)
        return base64.b64decode(done["data"])

    def overflow(self) -> int:
        """By how many pixels the page is wider than its window."""
        return int(self.script("document.documentElement.scrollWidth - innerWidth"))

    def _read(self, end: float) -> dict[str, Any]:
        while (stop := self._buffer.find(b"\0")) < 0:
            ready, _, _ = select.select([self._in], [], [], max(end - time.monotonic(), 0))
            data = os.read(self._in, 1 << 20) if ready else b""
            if not data:
                raise BrowserError("the browser ended" if ready else "the browser does not answer")
            self._buffer += data
        message: dict[str, Any] = json.loads(bytes(self._buffer[:stop]))
        del self._buffer[: stop + 1]
        return message

    def _note(self, event: dict[str, Any]) -> None:
        self._events.append(event)
        name, given = event.get("method"), event.get("params", {})
        if name == "Network.requestWillBeSent":
            address = given["request"]["url"]
            if address != self._own and not address.startswith("data:"):
                self.seen.requests.append(address)
        elif name == "Runtime.consoleAPICalled":
            self.seen.console.append(" ".join(str(part.get("value", part)) for part in given["args"]))
        elif name == "Runtime.exceptionThrown":
            self.seen.console.append(str(given["exceptionDetails"]))
        elif name == "Log.entryAdded":
            self.seen.console.append(given["entry"]["text"])
        elif name == "Page.javascriptDialogOpening":
            self.seen.dialogs.append(given["message"])
            self._number += 1
            close = {"id": self._number, "method": "Page.handleJavaScriptDialog", "params": {"accept": False}}
            os.write(self._out, json.dumps(close | {"sessionId": self._session}).encode() + b"\0")


def main() -> int:
    """Takes one picture: `python3 tests/chromium.py PAGE.html PICTURE.png WIDTH [dark]`."""
    page, target, width, *rest = sys.argv[1:]
    with Browser() as browser:
        browser.open(Path(page).resolve().as_uri(), width=int(width), dark="dark" in rest)
        Path(target).write_bytes(browser.picture())
        print(browser.seen, "overflow", browser.overflow())
    return 0


if __name__ == "__main__":
    sys.exit(main())
