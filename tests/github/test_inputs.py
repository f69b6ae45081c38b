from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlgate.errors import MlgateError
from mlgate.github.comment import When
from mlgate.github.inputs import Enforce, Inputs, Mode, Sarif, read_inputs
from mlgate.github.workspace import collect, folder, parts, place


def test_empty_inputs_have_the_defaults() -> None:
    assert read_inputs({}) == Inputs()
    assert read_inputs({"INPUT_PATH": "", "INPUT_MODE": " ", "INPUT_ARGS": "--mode warn"}) == Inputs()


def test_inputs_are_read_by_the_runners_names() -> None:
    given = {
        "INPUT_PATH": "services/a",
        "INPUT_POLICY": "ci/gate.yml",
        "INPUT_MODE": "warn",
        "INPUT_ENFORCE": "all",
        "INPUT_COMMENT": "on-failure",
        "INPUT_SARIF": "upload",
        "INPUT_OFFLINE": "True",
        "INPUT_DB": "osv",
        "INPUT_TOKEN": "ghs_x",
        "INPUT_OUTPUT-DIR": "out/gate",
        "INPUT_API-TIMEOUT": "2.5",
        "INPUT_ALLOW-PULL-REQUEST-TARGET": "true",
    }
    inputs = read_inputs(given)
    assert inputs == Inputs(
        path="services/a",
        policy="ci/gate.yml",
        mode=Mode.WARN,
        enforce=Enforce.ALL,
        comment=When.ON_FAILURE,
        sarif=Sarif.UPLOAD,
        offline=True,
        db="osv",
        token="ghs_x",
        output_dir="out/gate",
        api_timeout=2.5,
        allow_pull_request_target=True,
    )
    assert "ghs_x" not in repr(inputs)


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("MODE", "blok", "Did you mean `block`?"),
        ("MODE", "off", ""),
        ("ENFORCE", "none", ""),
        ("COMMENT", "on-fail", "Did you mean `on-failure`?"),
        ("SARIF", "maybe", ""),
        ("OFFLINE", "perhaps", "true or false"),
        ("API-TIMEOUT", "0", "seconds"),
        ("API-TIMEOUT", "nan", "seconds"),
        ("API-TIMEOUT", "inf", "seconds"),
        ("API-TIMEOUT", "1e9", "seconds"),
        ("API-TIMEOUT", "soon", "seconds"),
        ("TOKEN", "a\nX-Header: b", "secret"),
        ("TOKEN", "a b", "secret"),
    ],
)
def test_a_value_that_is_not_offered_is_refused(name: str, value: str, hint: str) -> None:
    with pytest.raises(MlgateError) as caught:
        read_inputs({f"INPUT_{name}": value})
    assert hint in caught.value.hint
    assert name != "TOKEN" or value not in str(caught.value)


@pytest.mark.parametrize("text", ["/etc", "..", "a/../../b", "../workspace2", "a\0b", ".git", "x/.git/hooks"])
def test_paths_that_leave_the_workspace_are_refused(text: str) -> None:
    with pytest.raises(MlgateError):
        parts(text, "policy")


def test_a_folder_that_a_link_leads_out_is_refused(tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    (workspace / "inner").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    (workspace / "link").symlink_to(tmp_path / "outside")
    (workspace / "loop").symlink_to("loop")
    (workspace / "file").touch()
    assert folder(workspace, ".", "path") == workspace
    assert folder(workspace, "inner", "path") == workspace / "inner"
    for text in ("link", "loop", "file", "none"):
        with pytest.raises(MlgateError):
            folder(workspace, text, "path")


def test_files_are_placed_and_belong_to_the_workspaces_owner(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        os.chown(tmp_path, 1001, 1001)
    assert place(tmp_path, "out/gate", {"a.json": b"1"}) == {"a.json": "out/gate/a.json"}
    place(tmp_path, "out/gate", {"a.json": b"2"})
    target = tmp_path / "out/gate/a.json"
    assert target.read_bytes() == b"2"
    owner = tmp_path.stat().st_uid
    assert {path.stat().st_uid for path in (target, target.parent, target.parent.parent)} == {owner}
    assert target.stat().st_mode & 0o777 == 0o644


def test_links_that_the_repository_brings_are_not_written_through(tmp_path: Path) -> None:
    workspace, outside = tmp_path / "workspace", tmp_path / "outside"
    (workspace / "mlgate-report").mkdir(parents=True)
    outside.mkdir()
    (outside / "victim").write_text("untouched")
    (workspace / "mlgate-report/bom.cdx.json").symlink_to(outside / "victim")
    place(workspace, "mlgate-report", {"bom.cdx.json": b"{}"})
    assert (outside / "victim").read_text() == "untouched"
    assert (workspace / "mlgate-report/bom.cdx.json").read_bytes() == b"{}"
    (workspace / "link").symlink_to(outside)
    (workspace / "file").touch()
    (workspace / "mlgate-report/x").mkdir()
    for output, name in (("link", "a"), ("link/inner", "a"), ("file", "a"), (".", "a"), ("mlgate-report", "x")):
        with pytest.raises(MlgateError):
            place(workspace, output, {name: b""})
    assert [path.name for path in outside.iterdir()] == ["victim"]
    assert sorted(path.name for path in (workspace / "mlgate-report").iterdir()) == ["bom.cdx.json", "x"]


def test_only_regular_files_are_collected(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "b").symlink_to("a")
    (tmp_path / "c").mkdir()
    assert collect(tmp_path) == {"a": b"1"}
