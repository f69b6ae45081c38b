"""Shows the main job on a repository made for it: `python3 examples/demo.py`, with Python 3.11+ and git, no network
but for the set-up.

A pull request adds a hostile pickle, a model from the hub without a revision and a vulnerable package. mlgate judges it
by main's policy, then judges the same pull request with the three things mended. The pickle would only print a line if
somebody loaded it; nobody does.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))
from fresh import environment  # type: ignore[import-not-found]  # noqa: E402

CODE = """from transformers import AutoModel

model = AutoModel.from_pretrained("org/name")
"""
MENDED = """from transformers import AutoModel

model = AutoModel.from_pretrained("org/name", revision="0123456789abcdef0123456789abcdef01234567")
"""


def hostile_pickle() -> bytes:
    """Protocol 0, by hand: GLOBAL os.system, one string, REDUCE, STOP."""
    return b"cos\nsystem\n" + b"(S'echo this pickle ran code'\n" + b"tR" + b"."


def harmless_pickle() -> bytes:
    """A dictionary with one list."""
    return b"\x80\x04}\x8c\x07weights]\x94(K\x01K\x02K\x03es."


def advisories(folder: Path) -> Path:
    """A database of one advisory in the layout of OSV's dumps."""
    record = {
        "id": "GHSA-53q9-r3pm-6pq6",
        "modified": "2025-04-18T00:00:00Z",
        "summary": "PyTorch: torch.load with weights_only=True leads to remote code execution",
        "aliases": ["CVE-2025-32434"],
        "severity": [{"type": "CVSS_V4", "score": "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"}],
        "affected": [
            {
                "package": {"ecosystem": "PyPI", "name": "torch"},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.6.0"}]}],
            }
        ],
    }
    (folder / "PyPI").mkdir(parents=True)
    with zipfile.ZipFile(folder / "PyPI" / "all.zip", "w") as archive:
        archive.writestr(f"{record['id']}.json", json.dumps(record))
    return folder


def git(repository: Path, *arguments: str) -> None:
    options = ["-c", "user.name=Demo", "-c", "user.email=demo@example.test", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *options, *arguments], cwd=repository, check=True, stdout=subprocess.DEVNULL)


def commit(repository: Path, message: str, files: dict[str, bytes | str]) -> None:
    for name, content in files.items():
        path = repository / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", message)


def scan(python: Path, repository: Path, database: Path, output: Path) -> int:
    command = [str(python), "-P", "-m", "mlgate", "scan", ".", "--base", "main", "--offline", "--db", str(database)]
    print(f"\n$ mlgate scan . --base main --offline --db advisories --output {output.name}\n", flush=True)
    done = subprocess.run([*command, "--output", str(output)], cwd=repository, check=False)
    print(f"\nexit code {done.returncode}", flush=True)
    return done.returncode


def propose(folder: Path) -> tuple[Path, Path]:
    """A repository whose checked-out branch adds the three things to main, and the advisories, both in the folder."""
    repository, database = folder / "repository", advisories(folder / "advisories")
    repository.mkdir()
    git(repository, "init", "-q")
    commit(repository, "start", {"README.md": "# demo\n", "requirements.txt": "numpy==2.3.5\n"})
    git(repository, "checkout", "-qb", "add-a-model")
    files: dict[str, bytes | str] = {
        "models/encoder.pkl": hostile_pickle(),
        "train.py": CODE,
        "requirements.txt": "numpy==2.3.5\ntorch==2.0.0\n",
    }
    commit(repository, "add a model", files)
    return repository, database


def main() -> int:
    """0 when the gate blocked the first pull request and passed the mended one."""
    python = environment("requirements.lock", ROOT / ".cache" / "demo-venv")
    folder = Path(tempfile.mkdtemp(prefix="mlgate-demo-"))
    repository, database = propose(folder)

    print("A pull request with a hostile pickle, an unpinned model and a vulnerable package:")
    blocked = scan(python, repository, database, folder / "blocked")
    comment = (folder / "blocked" / "comment.md").read_text(encoding="utf-8")
    print(f"\nThe comment it would get ({folder}/blocked/comment.md):\n\n{comment}")
    bom = json.loads((folder / "blocked" / "bom.cdx.json").read_text(encoding="utf-8"))
    print(f"The ML-BOM (CycloneDX {bom['specVersion']}, {folder}/blocked/bom.cdx.json):\n")
    for component in bom["components"]:
        print(f"  {component['type']:<24} {component.get('purl') or component['name']}")

    mended: dict[str, bytes | str] = {
        "models/encoder.pkl": harmless_pickle(),
        "train.py": MENDED,
        "requirements.txt": "numpy==2.3.5\ntorch==2.6.0\n",
    }
    commit(repository, "mend it", mended)
    print("\nThe same pull request, mended:")
    passed = scan(python, repository, database, folder / "passed")
    print(f"\nAll outputs of both runs, report.html among them, are in {folder}")
    return int((blocked, passed) != (1, 0))


if __name__ == "__main__":
    sys.exit(main())
