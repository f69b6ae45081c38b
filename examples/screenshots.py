"""Makes the pictures of the README from a real run: `.venv/bin/python examples/screenshots.py`.

Needs the development environment (`python3 tests/run.py` makes it) and Chromium or Chrome: `--browser`,
MLGATE_BROWSER, or one on the path. The comment is rendered by a CommonMark renderer with GitHub's extensions, in
colours and measures like GitHub's; the report is the page itself.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from demo import ROOT, advisories, commit, git, hostile_pickle
from markdown_it import MarkdownIt

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
)
STYLE = """
:root{color-scheme:light dark;--line:#d1d9e0;--fg:#1f2328;--bg:#fff;--code:#818b981f;--link:#0969da}
@media (prefers-color-scheme:dark){:root{--line:#3d444d;--fg:#f0f6fc;--bg:#0d1117;--code:#656c7633;--link:#4493f8}}
body{margin:0;padding:16px;background:var(--bg);color:var(--fg)}
article{border:1px solid var(--line);border-radius:6px;padding:16px;overflow-wrap:break-word}
article,table{font:14px/1.5 -apple-system,"Segoe UI","Noto Sans",Helvetica,Arial,sans-serif,"Noto Color Emoji"}
table{display:block;width:max-content;max-width:100%;overflow:auto;border-collapse:collapse;margin:0 0 16px}
td,th{border:1px solid var(--line);padding:6px 13px}
code{background:var(--code);border-radius:6px;padding:.2em .4em;font:85% ui-monospace,monospace}
code{white-space:break-spaces}
h2{border-bottom:1px solid var(--line);padding-bottom:.3em;font-size:1.5em;margin:8px 0 16px}
p,ul,details{margin:0 0 16px}ul{padding-left:2em}a{color:var(--link)}
"""
CARD = """---
license: apache-2.0
base_model: sentence-transformers/all-MiniLM-L6-v2
datasets: [allenai/scifact]
---
# encoder
"""
CODE = """import torch
from transformers import AutoModel

model = AutoModel.from_pretrained("acme/encoder")
state = torch.load("models/encoder/pytorch_model.bin", weights_only=False)
"""


def change(folder: Path) -> tuple[Path, Path]:
    """A repository with a pull request that adds a model with a hostile pickle, and a database of one advisory."""
    repository, database = folder / "retrieval", advisories(folder / "advisories")
    repository.mkdir()
    git(repository, "init", "-q")
    commit(repository, "start", {"README.md": "# retrieval\n", "requirements.txt": "numpy==2.3.5\n"})
    git(repository, "checkout", "-qb", "add-an-encoder")
    files: dict[str, bytes | str] = {
        "models/encoder/README.md": CARD,
        "models/encoder/config.json": '{"model_type": "bert", "architectures": ["BertModel"]}\n',
        "models/encoder/pytorch_model.bin": hostile_pickle(),
        "src/index.py": CODE,
        "requirements.txt": "numpy==2.3.5\ntorch==2.0.0\n",
    }
    commit(repository, "add an encoder", files)
    return repository, database


def main() -> int:
    """Writes the pictures into docs/images."""
    parser = argparse.ArgumentParser(description=__doc__)
    found = next(filter(None, map(shutil.which, NAMES)), "")
    parser.add_argument("--browser", default=os.environ.get("MLGATE_BROWSER") or found)
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "images")
    options = parser.parse_args()
    if not options.browser:
        parser.error("there is no Chromium or Chrome on the path: name one with --browser")
    options.output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="mlgate-screenshots-") as name:
        folder = Path(name)
        repository, database = change(folder)
        command: list[str | Path] = [
            sys.executable,
            "-P",
            "-m",
            "mlgate",
            "scan",
            ".",
            "--base",
            "main",
            "--offline",
            "--db",
        ]
        done = subprocess.run(
            [*command, database, "--output", folder / "out"], cwd=repository, env=_environment(), check=False
        )
        if done.returncode != 1:
            sys.exit(f"the gate should have failed, and its exit code was {done.returncode}")
        markdown = MarkdownIt("gfm-like", {"html": True, "linkify": False})
        body = markdown.render((folder / "out" / "comment.md").read_text(encoding="utf-8"))
        page = folder / "comment.html"
        page.write_text(f"<!doctype html><meta charset=utf-8><style>{STYLE}</style><article>{body}</article>", "utf-8")
        report = folder / "out" / "report.html"
        for source, target, size in (
            (page, "comment", (880, 780)),
            (report, "report", (1000, 1160)),
        ):
            for scheme in ("light", "dark"):
                picture = options.output / f"{target}-{scheme}.png"
                shoot(options.browser, source, picture, size, scheme, folder / "profile")
                print(f"{picture}: {picture.stat().st_size:,} bytes")
    return 0


def _environment() -> dict[str, str]:
    # The same date and so the same picture, until the words or the style change.
    return {**os.environ, "SOURCE_DATE_EPOCH": "1795392000", "PYTHONPATH": str(ROOT)}


def shoot(browser: str, page: Path, target: Path, size: tuple[int, int], scheme: str, profile: Path) -> None:
    """A picture of a page in a window of that size, in the light or dark colours that the page has."""
    command = [
        *(browser, *OPTIONS, f"--user-data-dir={profile}", f"--window-size={size[0]},{size[1]}"),
        f"--blink-settings=preferredColorScheme={0 if scheme == 'dark' else 1}",
        *(f"--screenshot={target}", page.as_uri()),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=120)


if __name__ == "__main__":
    sys.exit(main())
