"""MLflow models: the file `MLmodel` says which module loads them and which code is put on the path before.

Format: mlflow/models/model.py and mlflow/pyfunc/__init__.py (load_model): `loader_module` is imported, every folder in
`code` becomes importable, then `_load_pyfunc(data)` is called.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from mlgate import rules
from mlgate.errors import Incomplete
from mlgate.inspectors._keras_config import values
from mlgate.inspectors._keras_yaml import parse, tags
from mlgate.inspectors._model_metadata import component, shown
from mlgate.inspectors.nemo import TAG
from mlgate.pickles.table import look_up_path
from mlgate.records import Artifact, Category, Inspector, ModelFacts, Observation, Rule, Severity

_LARGEST = 1 << 20
_PATHS = frozenset(
    {"data", "model_path", "pickled_model", "code", "artifact_path", "python_model", "cloudpickle_model", "path"}
    | {"model_binary", "saved_model_dir", "keras_model", "model_dir"}
)

LOADER = Rule(
    id="MLG-MDL-133",
    title="MLflow model with a loader that is not MLflow's",
    severity=Severity.HIGH,
    category=Category.MODEL_FILE,
    help="`mlflow.pyfunc.load_model` imports the module that `loader_module` names and calls its `_load_pyfunc`. This "
    "one is not a part of MLflow: loading the model runs it.",
    remediation="Review the module, and pin it; or save the model again with one of MLflow's own flavors.",
    cwe=("CWE-470", "CWE-829"),
    atlas=("AML.T0010", "AML.T0011.000"),
)
CODE = Rule(
    id="MLG-MDL-134",
    title="MLflow model that brings its own code",
    severity=Severity.MEDIUM,
    category=Category.MODEL_FILE,
    help="The folder in `code` is put in front of the import path when the model is loaded: its modules run, and can "
    "stand before others of the same name.",
    remediation="Review the folder as you review your own code.",
    cwe=("CWE-427", "CWE-829"),
)
OUT = Rule(
    id="MLG-MDL-135",
    title="MLflow model that reads outside of its folder",
    severity=Severity.HIGH,
    category=Category.MODEL_FILE,
    help="A path in `MLmodel` is absolute, climbs upwards or is an address: loading reads, and for pickles runs, what "
    "is there.",
    remediation="Do not load the model. Save it again from its source.",
    cwe=("CWE-22", "CWE-73"),
    atlas=("AML.T0010",),
)


def _claims(artifact: Artifact) -> bool:
    return artifact.name == "MLmodel"


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    document, text = parse(artifact.source.read_at(0, _LARGEST + 1))
    if not isinstance(document, dict) or not isinstance(document.get("flavors"), dict):
        raise Incomplete("malformed", "an MLmodel without flavors")
    for tag in tags(text)[:20]:
        name = shown(tag, 200)
        yield rules.finding(TAG, artifact.at(), f"The tag {name!r} makes an object.", evidence=name)
    yield component(artifact, _facts(document))
    for key, value in values(document["flavors"]):
        if key == "loader_module" and isinstance(value, str) and not value.startswith("mlflow."):
            yield _loader(artifact, value)
        elif key == "model_code_path" and isinstance(value, str) and value:
            # its folder is where it was saved from: only the file's name counts
            name = shown(value.replace("\\", "/").rpartition("/")[2], 200)
            yield rules.finding(CODE, artifact.at(), f"Loading runs {name!r} of the model's folder.", evidence=name)
        elif key in _PATHS and isinstance(value, str):
            name = shown(value, 200)
            if _leaves(value):
                yield rules.finding(OUT, artifact.at(), f"{key!r} is {name!r}.", evidence=name)
            elif key == "code" and value:
                message = f"Loading puts the folder {name!r} in front of the import path."
                yield rules.finding(CODE, artifact.at(), message, evidence=name)


def _loader(artifact: Artifact, module: str) -> Observation:
    known = look_up_path(f"{module}.x")[0].level == "dangerous"
    name = shown(module, 200)
    message = f"Loading imports {name!r} and calls its `_load_pyfunc`."
    severity = Severity.CRITICAL if known else None
    return rules.finding(LOADER, artifact.at(), message, evidence=name, severity=severity)


def _leaves(path: str) -> bool:
    plain = path.replace("\\", "/")
    return plain.startswith(("/", "~")) or ".." in plain.split("/") or ":" in plain


def _plain(value: Any, limit: int) -> str:
    """A scalar as text. A list or mapping is never written out: aliases of aliases in it have no end."""
    if isinstance(value, int) and abs(value) >= 10**30:
        return ""  # Python refuses to write numbers of thousands of digits
    return shown(str(value)[: 4 * limit], limit) if isinstance(value, str | int | float | date) else ""


def _facts(document: dict[str, Any]) -> ModelFacts:
    flavors = sorted(_plain(name, 50) for name in document["flavors"])
    keys = ("mlflow_version", "model_uuid", "run_id", "utc_time_created", "model_id")
    other = tuple((key, text) for key in keys if (text := _plain(document.get(key), 100)))
    signature = document.get("signature")
    sides = signature if isinstance(signature, dict) else {}
    inputs, outputs = (
        tuple([text] if (text := _plain(sides.get(side), 300)) else []) for side in ("inputs", "outputs")
    )
    return ModelFacts(
        format="mlflow", architecture=", ".join(flavors)[:200], inputs=inputs, outputs=outputs, other=other
    )


INSPECTOR = Inspector(
    name="mlflow",
    claims=_claims,
    inspect=_inspect,
    rules=(LOADER, CODE, OUT, TAG),
    model=True,
    reads="`MLmodel`: flavors, the module that loads the model, code folders, paths, Python tags, signature. The files "
    "it names are read by their own readers, and its requirements like any other.",
    misses="What the code in the model's folder does beyond what the Python reader finds.",
)
