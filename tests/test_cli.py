"""The command line as a user meets it: whole processes, real repositories, exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.repositories import commit, git

HOSTILE = b"cos\nsystem\n(S'echo hacked'\ntR."
ADVISORY = {
    "id": "GHSA-test-0001-aaaa",
    "modified": "2026-01-01T00:00:00Z",
    "summary": "torch runs code",
    "aliases": ["CVE-2026-0001"],
    "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "torch"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.6.0"}]}],
        }
    ],
}
OUTPUTS = {"bom.cdx.json", "findings.json", "mlgate.sarif", "comment.md", "summary.md", "report.html"}


def mlgate(
    folder: Path, *arguments: str | Path, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs the command in the folder, without network."""
    plain = {name: value for name, value in os.environ.items() if name not in {"SOURCE_DATE_EPOCH", "PYTHONPATH"}}
    return subprocess.run(
        [sys.executable, "-P", "-m", "mlgate", *map(str, arguments)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env=plain | dict(env or {}),
        timeout=120,
    )


@pytest.fixture
def database(tmp_path: Path) -> Path:
    folder = tmp_path / "db" / "PyPI"
    folder.mkdir(parents=True)
    with zipfile.ZipFile(folder / "all.zip", "w") as archive:
        archive.writestr(f"{ADVISORY['id']}.json", json.dumps(ADVISORY))
    return folder.parent


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    root = tmp_path / "repo"
    commit(root, {"README.md": "demo", "app.py": "print('hello')\n", "requirements.txt": "numpy==2.1.0\n"})
    return root


def attack(repo: Path) -> str:
    """A commit with one hostile thing of each kind."""
    return commit(
        repo,
        {
            "models/m.pkl": HOSTILE,
            "requirements.txt": "numpy==2.1.0\ntorch==2.0.0\n",
            "app.py": 'from transformers import AutoModel\n\nmodel = AutoModel.from_pretrained("org/name")\n',
        },
    )


def findings(text: str) -> dict[str, dict[str, object]]:
    return {finding["rule"]: finding for finding in json.loads(text)["findings"]}


def test_the_main_job(repo: Path, database: Path, tmp_path: Path) -> None:
    attack(repo)
    out = tmp_path / "out"
    done = mlgate(repo, "scan", ".", "--offline", "--db", database, "--output", out, "--format", "json")
    assert done.returncode == 1, done.stderr
    found = findings(done.stdout)
    vulnerable, unpinned = found["MLG-DEP-001"], found["MLG-COD-004"]
    assert (vulnerable["path"], vulnerable["line"], vulnerable["fix"]) == ("requirements.txt", 2, "torch==2.6.0")
    assert (unpinned["path"], unpinned["line"]) == ("app.py", 3)
    assert "revision=" in str(unpinned["fix"])
    (pickle,) = (
        f for f in json.loads(done.stdout)["findings"] if f["rule"].startswith("MLG-PKL") and f["action"] == "block"
    )
    assert pickle["path"] == "models/m.pkl"
    assert "os.system('echo hacked')" in str(pickle["evidence"]).replace('"', "'")
    assert {path.name for path in out.iterdir()} == OUTPUTS
    bom = json.loads((out / "bom.cdx.json").read_text())
    assert bom["specVersion"] == "1.7"
    purls = {component.get("purl", "") for component in bom["components"]}
    assert {"pkg:pypi/torch@2.0.0", "pkg:huggingface/org/name"} <= purls
    assert bom["vulnerabilities"][0]["id"] in {"GHSA-test-0001-aaaa", "CVE-2026-0001"}

    commit(repo, {"models/m.pkl": None, "requirements.txt": "numpy==2.1.0\ntorch==2.6.0\n", "app.py": "print(1)\n"})
    done = mlgate(repo, "scan", ".", "--offline", "--db", database)
    assert done.returncode == 0, done.stdout + done.stderr


def test_only_what_changed_since_the_base_blocks(repo: Path, database: Path) -> None:
    attack(repo)
    commit(repo, {"new.txt": "harmless"})
    options = ("--offline", "--db", database, "--format", "json")
    done = mlgate(repo, "scan", ".", "--base", "HEAD~1", *options)
    report = json.loads(done.stdout)["findings"]
    # what is new is nothing; a pickle that runs commands is malware and stays enforced where it is old
    assert {f["rule"] for f in report if f["action"] == "block"} == {"MLG-PKL-001"}
    assert {f["action"] for f in report if f["rule"] != "MLG-PKL-001"} == {"note"}
    commit(repo, {"models/m.pkl": None})
    assert mlgate(repo, "scan", ".", "--base", "HEAD~1", *options).returncode == 0
    commit(repo, {"requirements.txt": "numpy==2.1.0\ntorch==2.0.0\ntorch-helper==1.0\n", "second.pkl": HOSTILE})
    done = mlgate(repo, "scan", ".", "--base", "HEAD~1", *options)
    assert done.returncode == 1
    blocked = [f["path"] for f in json.loads(done.stdout)["findings"] if f["action"] == "block"]
    assert set(blocked) == {"second.pkl"}


def test_the_policy_is_the_bases(repo: Path, database: Path) -> None:
    attack(repo)
    commit(repo, {".mlgate.yml": "version: 1\nmode: warn\n", "second.pkl": HOSTILE})
    done = mlgate(repo, "scan", ".", "--base", "HEAD~1", "--offline", "--db", database, "--format", "json")
    assert done.returncode == 1
    assert "MLG-POL-001" in findings(done.stdout)
    assert mlgate(repo, "scan", ".", "--offline", "--db", database).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("scan", "--base", "nonsense"), "'nonsense' is not in this clone"),
        (("scan", "missing"), "cannot be opened"),
        (("scan", "--policy", "none.yml"), "There is no policy 'none.yml'"),
        (("check", "missing.pkl"), "is not there"),
        (("rules", "MLG-ABC-001"), "There is no rule"),
        (("scan", "--frobnicate"), "unrecognized arguments"),
        (("scan", "--timeout", "soon"), "'soon' is no time"),
        ((), "required"),
    ],
)
def test_the_users_mistakes_are_one_sentence_and_exit_2(repo: Path, arguments: tuple[str, ...], message: str) -> None:
    done = mlgate(repo, *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_broken_policy_names_its_line(repo: Path) -> None:
    commit(repo, {".mlgate.yml": "version: 1\nfail-on:\n  modl-file: high\n"})
    done = mlgate(repo, "scan", "--no-advisories")
    assert done.returncode == 2
    assert '.mlgate.yml:3: unknown key "modl-file" in fail-on. Did you mean "model-file"?' in done.stderr


def test_no_advisories_source_is_incomplete_and_never_clean(repo: Path) -> None:
    done = mlgate(repo, "scan", "--offline", "--format", "json")
    assert done.returncode == 1
    assert "MLG-INC-010" in findings(done.stdout)
    assert mlgate(repo, "scan", "--no-advisories").returncode == 0


def test_outputs_are_the_same_bytes_every_time_and_everywhere(repo: Path, database: Path, tmp_path: Path) -> None:
    attack(repo)
    other = tmp_path / "elsewhere" / "repo"
    other.parent.mkdir()
    git(tmp_path, "clone", "-q", str(repo), str(other))
    env = {"SOURCE_DATE_EPOCH": "1764000000"}
    for number, root in enumerate((repo, repo, other)):
        mlgate(root, "scan", ".", "--offline", "--db", database, "--output", tmp_path / str(number), env=env)
    for name in OUTPUTS:
        first = (tmp_path / "0" / name).read_bytes()
        assert first == (tmp_path / "1" / name).read_bytes(), name
        assert first == (tmp_path / "2" / name).read_bytes(), name


def test_check_looks_at_the_given_files_only(repo: Path) -> None:
    attack(repo)
    assert mlgate(repo, "check", "models/m.pkl").returncode == 1
    other = mlgate(repo, "check", "README.md", repo / "requirements.txt")
    assert other.returncode == 0
    assert "README.md was not looked at" in other.stderr
    assert "requirements.txt was not" not in other.stderr
    assert mlgate(repo / "models", "check", "../models/m.pkl").returncode == 1


def test_bom_of_both_versions(repo: Path, tmp_path: Path) -> None:
    attack(repo)
    for version in ("1.6", "1.7"):
        done = mlgate(repo, "bom", "--no-advisories", "--spec-version", version)
        assert json.loads(done.stdout)["specVersion"] == version
        assert done.returncode == 0
    done = mlgate(repo, "bom", "--no-advisories", "-o", tmp_path / "b.json")
    assert json.loads((tmp_path / "b.json").read_text())["bomFormat"] == "CycloneDX"


def test_names_cannot_speak_to_the_terminal_or_the_runner(repo: Path) -> None:
    name = "\x1b[31m::error::x\n##[error]y\u202e.pkl"
    commit(repo, {name: HOSTILE})
    for form in ("human", "json", "sarif", "markdown"):
        done = mlgate(repo, "scan", "--no-advisories", "--format", form)
        assert done.returncode == 1
        assert "::error" not in done.stdout
        assert "##[" not in done.stdout
        assert "\x1b" not in done.stdout
        assert "\u202e" not in done.stdout


def test_code_beside_the_scan_is_never_imported(repo: Path) -> None:
    trap = "import pathlib; pathlib.Path(__file__).with_suffix('.ran').touch()\n"
    commit(repo, {f"{name}.py": trap for name in ("yaml", "msgspec", "mlgate_x", "sitecustomize", "json", "ast")})
    plain = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    script = Path(sys.executable).parent / "mlgate"
    done = subprocess.run([script, "scan", "--no-advisories"], cwd=repo, capture_output=True, check=False, env=plain)
    assert done.returncode == 0, done.stderr
    assert not list(repo.glob("*.ran"))


def test_policy_commands(tmp_path: Path) -> None:
    assert mlgate(tmp_path, "policy", "init").returncode == 0
    assert mlgate(tmp_path, "policy", "init").returncode == 2
    assert mlgate(tmp_path, "policy", "check").returncode == 0
    shown = mlgate(tmp_path, "policy", "show").stdout
    (tmp_path / "shown.yml").write_text(shown)
    assert mlgate(tmp_path, "policy", "check", "shown.yml").returncode == 0
    assert json.loads(mlgate(tmp_path, "policy", "schema").stdout)["title"] == "mlgate policy"


def test_rules_are_listed_and_explained(tmp_path: Path) -> None:
    assert "MLG-INC-001" in mlgate(tmp_path, "rules").stdout
    assert "on-incomplete" in mlgate(tmp_path, "rules", "mlg-inc-001").stdout
