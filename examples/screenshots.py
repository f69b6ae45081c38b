"""Takes the pictures in docs/images: `python3 examples/screenshots.py`, with Python 3.11+, git and Chromium.

mlgate judges the pull request of demo.py, offline. Its comment is rendered as CommonMark with GFM's tables and shown in
GitHub's colours, its report.html is opened as it is, and both are photographed in light and dark, as wide as a page and
as a phone. The browser is `--browser`, or what MLGATE_CHROMIUM names, or the first Chromium on PATH. Fonts differ
between machines, so do the pictures; a run that changes nothing else is no reason to commit them.
"""

from __future__ import annotations

import argparse
import base64
import os
import struct
import sys
import tempfile
import zlib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import demo  # (puts the folder of the next two on the path)
from chromium import Browser, find  # type: ignore[import-not-found]
from fresh import environment  # type: ignore[import-not-found]

ROOT = Path(__file__).resolve().parent.parent
MOST = 150_000
"""Bytes of a picture: a page of documentation should load on a train."""

# Chooses the colours of a picture in the browser and gives every pixel the nearest one.
_INDEXED = """
(async (source, most) => {
  const image = new Image();
  await new Promise((done, failed) => { image.onload = done; image.onerror = failed; image.src = source; });
  const canvas = new OffscreenCanvas(image.width, image.height), context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  const pixels = new Uint32Array(context.getImageData(0, 0, image.width, image.height).data.buffer);
  const counts = new Map();
  for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) || 0) + 1);
  const parts = (pixel) => [pixel & 255, (pixel >> 8) & 255, (pixel >> 16) & 255];
  const colours = [...counts.entries()].sort((a, b) => b[1] - a[1]);
  const palette = colours.slice(0, most / 2).map((entry) => entry[0]);
  const nearest = colours.map(() => 0), far = colours.map(() => Infinity);
  const compare = (number) => {
    const [x, y, z] = parts(palette[number]);
    colours.forEach(([pixel], at) => {
      const [r, g, b] = parts(pixel), now = (r - x) ** 2 + (g - y) ** 2 + (b - z) ** 2;
      if (now < far[at]) { far[at] = now; nearest[at] = number; }
    });
  };
  palette.forEach((_, number) => compare(number));
  // The other half goes to what the first half shows worst: a word in green is few pixels, and yet has to be green.
  while (palette.length < Math.min(most, colours.length)) {
    let worst = 0, most_wrong = -1;
    colours.forEach(([, count], at) => {
      const wrong = far[at] * Math.sqrt(count);
      if (wrong > most_wrong) { most_wrong = wrong; worst = at; }
    });
    palette.push(colours[worst][0]);
    compare(palette.length - 1);
  }
  const index = new Map(colours.map(([pixel], at) => [pixel, nearest[at]]));
  const bytes = Uint8Array.from(pixels, (pixel) => index.get(pixel));
  let text = "";
  for (let at = 0; at < bytes.length; at += 32768) text += String.fromCharCode(...bytes.subarray(at, at + 32768));
  return { width: image.width, height: image.height, palette: palette.flatMap(parts), pixels: btoa(text) };
})
"""


def comment_page(markdown: str) -> str:
    """The comment as a page; raw HTML is on, as it is at GitHub, which cleans it afterwards."""
    from markdown_it import MarkdownIt  # noqa: PLC0415  (not there before the environment is made)

    body = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(markdown)
    style = (ROOT / "examples" / "github.css").read_text("utf-8")
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><style>{style}</style>'
    who = '<div class="by"><b>github-actions</b> commented now</div>'
    return f'<!doctype html>{head}<div class="comment">{who}<div class="body">{body}</div></div>'


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(made: dict[str, Any]) -> bytes:
    """An indexed PNG (https://www.w3.org/TR/png-3/, colour type 3) without filters, which suits flat colours."""
    width, height, pixels = made["width"], made["height"], base64.b64decode(made["pixels"])
    rows = b"".join(b"\0" + pixels[row * width : (row + 1) * width] for row in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts = ((b"IHDR", header), (b"PLTE", bytes(made["palette"])), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, data) for kind, data in parts)


def small(browser: Browser, picture: bytes) -> bytes:
    """The picture with as many colours as fit into MOST bytes."""
    source = "data:image/png;base64," + base64.b64encode(picture).decode("ascii")
    browser.open("about:blank")
    for colours in (256, 128, 64, 32, 16):
        made = png(browser.script(f"({_INDEXED})({source!r}, {colours})"))
        if len(made) <= MOST:
            return made
    sys.exit(f"a picture is over {MOST:,} bytes even in 16 colours")


def take(browser: Browser, folder: Path, output: Path) -> None:
    """All pictures of one run."""
    comment = folder / "comment.html"
    comment.write_text(comment_page((folder / "comment.md").read_text("utf-8")), encoding="utf-8")
    report = folder / "report.html"
    pictures: tuple[tuple[str, Path, dict[str, Any], int], ...] = (
        ("comment-light", comment, {"width": 800}, 0),
        ("comment-dark", comment, {"width": 800, "dark": True}, 0),
        ("comment-phone-light", comment, {"width": 390}, 0),
        ("comment-phone-dark", comment, {"width": 390, "dark": True}, 0),
        ("report-light", report, {"width": 1000}, 0),
        ("report-dark", report, {"width": 1000, "dark": True}, 0),
        ("report-phone", report, {"width": 390}, 2400),
        # What a sheet of A4 with Chromium's margins holds, at 96 pixels an inch.
        ("report-print", report, {"width": 718, "media": "print"}, 1047),
    )
    output.mkdir(parents=True, exist_ok=True)
    for name, page, how, most in pictures:
        browser.open(page.as_uri(), **how)
        if browser.seen.console or browser.seen.requests or browser.overflow() > 0:
            sys.exit(f"{name}: {browser.seen}, {browser.overflow()} pixels too wide")
        made = small(browser, browser.picture(most=most))
        (output / f"{name}.png").write_bytes(made)
        print(f"{output / name}.png: {len(made):,} bytes")


def main() -> int:
    """0 when the run failed as it should and all pictures were taken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--browser", default=find(), metavar="PROGRAM", help="Chromium (default: %(default)r)")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "images", metavar="DIR")
    options = parser.parse_args()
    if find_spec("markdown_it") is None:
        python = environment("requirements.lock", ROOT / ".cache" / "demo-venv")
        os.execv(python, [str(python), __file__, *sys.argv[1:]])  # noqa: S606  (ourselves, with what the lock names)
    # The same commits, and so the same hashes in the pictures, at every run.
    for who in ("AUTHOR", "COMMITTER"):
        os.environ[f"GIT_{who}_DATE"] = "2026-01-05T12:00:00Z"
    with tempfile.TemporaryDirectory(prefix="mlgate-pictures-") as made:
        folder = Path(made)
        repository, database = demo.propose(folder)
        if demo.scan(Path(sys.executable), repository, database, folder / "blocked") != 1:
            sys.exit("the run did not fail: see above")
        with Browser(options.browser) as browser:
            take(browser, folder / "blocked", options.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
