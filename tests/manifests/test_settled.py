from __future__ import annotations

import json
from pathlib import Path

from mlgate.advisories.match import parse
from mlgate.records import Inventory
from tests.test_pipeline import look

SRI = "sha512-" + "A" * 86 + "=="


def tree(root: Path, files: dict[str, str]) -> Inventory:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return look(root).inventory


def packages(inventory: Inventory) -> set[tuple[str, str | None, bool]]:
    return {(c.name, c.version, c.package.direct) for c in inventory.components if c.package}


def rules(inventory: Inventory) -> set[str]:
    return {finding.rule.id for finding in inventory.findings if finding.rule.id.startswith("MLG-DEP")}


MANIFEST = json.dumps({"dependencies": {"a": "^1", "gone": "^1"}})
LOCK = f"""a@^1:
  version "1.2.0"
  integrity {SRI}
  dependencies:
    b "^2"

b@^2:
  version "2.0.0"
  integrity {SRI}
"""


def test_a_range_gives_way_to_the_version_of_the_lockfile_beside_it(tmp_path: Path) -> None:
    inventory = tree(tmp_path, {"package.json": MANIFEST, "yarn.lock": LOCK})
    assert packages(inventory) == {("a", "1.2.0", True), ("b", "2.0.0", False), ("gone", None, True)}
    assert rules(inventory) == set()


def test_without_a_lockfile_the_ranges_are_told(tmp_path: Path) -> None:
    inventory = tree(tmp_path, {"package.json": MANIFEST})
    assert packages(inventory) == {("a", None, True), ("gone", None, True)}
    assert rules(inventory) == {"MLG-DEP-032"}


def test_a_lockfile_above_counts_when_it_knows_all_that_is_asked_for(tmp_path: Path) -> None:
    member, other = json.dumps({"dependencies": {"b": "^2"}}), json.dumps({"dependencies": {"b": "^2", "x": "1.x"}})
    inventory = tree(tmp_path, {"yarn.lock": LOCK, "packages/m/package.json": member, "examples/package.json": other})
    assert ("b", "2.0.0", True) in packages(inventory)
    assert ("b", None, True) in packages(inventory)
    told = [f.location.path for f in inventory.findings if f.rule.id == "MLG-DEP-032"]
    assert told == ["examples/package.json"]


def test_modules_that_only_go_sum_names_are_not_built_since_go_1_17(tmp_path: Path) -> None:
    value = "h1:" + "A" * 43 + "="
    sums = f"a.test/b v1.0.0 {value}\na.test/old v0.1.0 {value}\n"
    new = tree(tmp_path / "new", {"go.mod": "module m\ngo 1.21\nrequire a.test/b v1.0.0\n", "go.sum": sums})
    old = tree(tmp_path / "old", {"go.mod": "module m\ngo 1.16\nrequire a.test/b v1.0.0\n", "go.sum": sums})
    assert ("a.test/old", "v0.1.0", False) not in packages(new)
    assert ("a.test/old", "v0.1.0", False) in packages(old)
    (built,) = (c for c in new.components if c.name == "a.test/b")
    assert built.hashes
    assert len(built.occurrences) == 2


def test_versions_of_r_packages_have_an_order() -> None:
    assert parse("CRAN", "1.2-3") < parse("CRAN", "1.10.0")
    assert parse("CRAN", "1.2-3") == parse("CRAN", "1.2.3")
