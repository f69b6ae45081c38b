"""Whether a path that DVC tracks is a model, a dataset or neither: by its ending, then by the words of its path.

A model has an ending that promises one (`identify.promised`), or has no ending and stands in (or is) a folder of
models. Pickles and arrays promise models too, and are data in a folder of data unless their name speaks of a model.
A dataset has the ending of a data file, or stands in a folder of data. What `dvc add` tracks by hand is data where
nothing says otherwise: it is what the command is for. Code, documents, metrics and pictures are neither.
"""

from __future__ import annotations

import re

from mlgate.identify import promised
from mlgate.records import Kind

_DATA_ENDINGS = (
    *(
        ".csv",
        ".tsv",
        ".parquet",
        ".arrow",
        ".feather",
        ".jsonl",
        ".ndjson",
        ".tfrecord",
        ".tfrecords",
        ".avro",
        ".orc",
    ),
    *(".sqlite", ".sqlite3", ".lmdb", ".mdb", ".libsvm", ".svmlight", ".arff", ".sas7bdat", ".dta", ".xlsx", ".xls"),
    *(".csv.gz", ".tsv.gz", ".jsonl.gz", ".csv.zip", ".geojson", ".gpkg", ".nc", ".zarr", ".fasta", ".vcf", ".bam"),
)
_EITHER = (
    ".pkl",
    ".pickle",
    ".p",
    ".joblib",
    ".dill",
    ".npy",
    ".npz",
    ".h5",
    ".hdf5",
    ".pt",
    ".rds",
    ".msgpack",
    ".pb",
)
_NEITHER = (
    *(".py", ".ipynb", ".r", ".sh", ".jl", ".js", ".ts", ".cpp", ".c", ".h", ".java", ".scala", ".sql", ".go", ".rs"),
    *(
        ".md",
        ".rst",
        ".html",
        ".htm",
        ".pdf",
        ".svg",
        ".png",
        ".jpg",
        ".jpeg",
        ".gif",
        ".webp",
        ".log",
        ".docx",
        ".pptx",
    ),
    *(".yaml", ".yml", ".toml", ".ini", ".cfg", ".conf", ".lock", ".dockerfile", ".so", ".exe", ".whl", ".dll"),
)
_MODEL_WORDS = frozenset(
    {"model", "models", "checkpoint", "checkpoints", "ckpt", "ckpts", "weights", "estimator", "classifier", "clf"}
)
_DATA_WORDS = frozenset(
    {
        *(
            "data",
            "dataset",
            "datasets",
            "corpus",
            "corpora",
            "raw",
            "processed",
            "preprocessed",
            "interim",
            "prepared",
        ),
        *(
            "features",
            "train",
            "test",
            "val",
            "valid",
            "validation",
            "images",
            "annotations",
            "labels",
            "split",
            "splits",
        ),
        *("training", "testing"),
    }
)
_CODE = frozenset(
    {
        *("src", "lib", "libs", "scripts", "script", "code", "bin", "tests", "notebooks", "docs", "config", "configs"),
        *("conf", "pipelines", "pipeline", "steps", "stages"),
    }
)
_RESULTS = frozenset(
    {
        *(
            "metrics",
            "metric",
            "scores",
            "score",
            "report",
            "reports",
            "plots",
            "plot",
            "figures",
            "eval",
            "evaluation",
        ),
        *("results", "logs", "dvclive", "live", "params"),
    }
)


def kind_of(path: str, *, added: bool = False) -> Kind | None:
    """The kind of a tracked path, None for neither. `added` for what stands in a `.dvc` file that no stage made."""
    lowered = path.lower().rstrip("/")
    folders, _, name = lowered.rpartition("/")
    parts = folders.split("/") if folders else []
    stem, dot, _ = name.partition(".")
    words = set(re.split(r"[-_. ]+|(?<=[a-z])(?=\d)", stem))
    if name.endswith(_NEITHER):
        return None
    promise = promised(name)
    in_data = any(_DATA_WORDS & set(re.split(r"[-_. ]+", part)) for part in parts)
    about_model = bool(words & _MODEL_WORDS)
    in_models = any(_holds_models(part) for part in parts)
    if promise is not None:
        either = name.endswith(_EITHER) and not about_model and not in_models
        return Kind.DATASET if either and (in_data or bool(words & _DATA_WORDS)) else Kind.MODEL
    if not added and (words & _RESULTS or _RESULTS.intersection(parts)):
        return None
    if name.endswith(_DATA_ENDINGS):
        return Kind.DATASET
    if not added and _CODE.intersection([*parts, stem]):
        return None  # src/data is a folder of code that speaks of data
    if about_model and (not dot or stem in {"model", "models"}):
        return Kind.MODEL
    if not dot and not in_data and in_models:
        return Kind.MODEL
    return Kind.DATASET if added or in_data or words & _DATA_WORDS else None


def _holds_models(folder: str) -> bool:
    """`models`, `06_models`; not `07_model_output`, which is what models gave."""
    words = set(re.split(r"[-_. ]+", folder))
    return bool(words & _MODEL_WORDS) and not words & {"input", "inputs", "output", "outputs"}
