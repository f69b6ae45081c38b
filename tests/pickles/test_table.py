"""The table of globals: complete where it must be, and without contradictions."""

from __future__ import annotations

import tomllib
from importlib.resources import files

import pytest

from mlgate.pickles.table import look_up, look_up_path

_DATA = tomllib.loads(files("mlgate.pickles").joinpath("globals.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("module", "name", "level"),
    [
        ("os", "system", "dangerous"),
        ("os.path", "join", "dangerous"),
        ("nt", "system", "dangerous"),
        ("builtins", "eval", "dangerous"),
        ("__builtin__", "getattr", "dangerous"),
        ("builtins", "set", "safe"),
        ("collections", "OrderedDict", "safe"),
        ("collections", "OrderedDict.__init__.__globals__", "dangerous"),
        ("torch", "FloatStorage", "safe"),
        ("torch", "load", "dangerous"),
        ("torch", "hub.load", "dangerous"),
        ("torch.hub", "load", "dangerous"),
        ("torch._utils", "_rebuild_tensor_v2", "safe"),
        ("numpy.core.multiarray", "_reconstruct", "safe"),
        ("numpy._core.multiarray", "scalar", "safe"),
        ("numpy.testing._private.utils", "runstring", "dangerous"),
        ("logging", "os.system", "dangerous"),
        ("logging", "getLogger", "safe"),
        ("random", "_os", "dangerous"),
        ("mycorp.nn", "Encoder", "unknown"),
        ("mycorp.nn", "Outer.Inner", "unknown"),
        ("code.models", "Net", "unknown"),
        ("code", "interact", "dangerous"),
        ("ossify", "thing", "unknown"),
        ("sklearn.svm._classes", "SVC", "safe"),
        ("sklearn.datasets._base", "load_files", "dangerous"),
    ],
)
def test_levels(module: str, name: str, level: str) -> None:
    assert look_up(module, name).level == level


def test_paths_are_split_at_every_dot() -> None:
    assert look_up_path("os.system")[0].level == "dangerous"
    assert look_up_path("collections.OrderedDict")[0].level == "safe"
    assert look_up_path("mycorp.x.y")[0].level == "unknown"


@pytest.mark.parametrize("level", ["safe", "dangerous"])
def test_every_group_has_a_reason_and_a_source(level: str) -> None:
    for group in _DATA[level]:
        assert len(group["reason"]) > 15
        assert len(group["source"]) > 10
        assert group.get("names") or group.get("modules")


_READ = {"_operator", "torch.jit._pickle", "joblib.numpy_pickle", "joblib.numpy_pickle_compat"}  # name by name


def test_safe_names_are_exact_and_never_below_a_dangerous_module_by_accident() -> None:
    assert not any("modules" in group for group in _DATA["safe"])
    modules = {module for group in _DATA["dangerous"] for module in group.get("modules", ())}
    below = {
        f"{module}.{name}"
        for group in _DATA["safe"]
        for module, names in group["names"].items()
        for name in names
        if any(module == m or module.startswith(f"{m}.") for m in modules)
        and module
        not in (
            "_operator",
            "torch.jit._pickle",
            "joblib.numpy_pickle",
            "joblib.numpy_pickle_compat",
        )  # read name by name
    }
    assert below == {"uuid.UUID", "uuid.SafeUUID", "sklearn.datasets.base.Bunch", "sklearn.datasets._base.Bunch"}
