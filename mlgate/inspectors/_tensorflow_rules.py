"""What the readers of TensorFlow's formats can say."""

from __future__ import annotations

from mlgate.records import Category, Rule, Severity


def _rule(number: int, title: str, severity: Severity, text: str, remediation: str, *cwe: str) -> Rule:
    return Rule(
        id=f"MLG-MDL-{number:03}",
        title=title,
        severity=severity,
        category=Category.MODEL_FILE,
        help=text,
        remediation=remediation,
        cwe=cwe,
        atlas=("AML.T0010", "AML.T0011.000"),
    )


_EXPORT = "Do not load the model. Export it again from its source with only the operators that compute its outputs."

FILES = _rule(
    70,
    "TensorFlow operator that reaches files",
    Severity.HIGH,
    "The graph has an operator that reads, writes or lists files of the machine that runs it. TensorFlow runs a "
    "model's graph with the rights of the process: an operator like `ReadFile` or `WriteFile` needs no Python code.",
    _EXPORT,
    "CWE-73",
    "CWE-552",
)
CODE = _rule(
    71,
    "TensorFlow operator that runs code from outside of the graph",
    Severity.HIGH,
    "The graph calls a Python or native function of the process that runs it, or a graph that it takes from a string, "
    "so what the model does cannot be seen in it.",
    _EXPORT,
    "CWE-470",
    "CWE-829",
)
NETWORK = _rule(
    72,
    "TensorFlow operator that reaches the network",
    Severity.HIGH,
    "The graph has an operator that talks to a service: what the model is given can be sent away, and what it "
    "computes with can be changed from outside.",
    _EXPORT,
    "CWE-829",
    "CWE-918",
)
CUSTOM = _rule(
    73,
    "TensorFlow model that needs custom operators",
    Severity.MEDIUM,
    "The model uses operators that TensorFlow itself does not have. To run it, somebody has to load a native library "
    "that mlgate has not seen.",
    "Find out which library has the operators, and review and pin it like a dependency.",
    "CWE-829",
)
PATHS = _rule(
    74,
    "TensorFlow model that names files outside of its folder",
    Severity.HIGH,
    "An asset, a vocabulary, a checkpoint or a cache of the model is at an absolute path, above the model's folder, "
    "behind a URL, or under a name that the model computes. Loading or running the model reads or writes there.",
    "Export the model again, with its vocabularies as assets (`tf.saved_model.Asset`).",
    "CWE-22",
    "CWE-73",
)
OPAQUE = _rule(
    75,
    "TensorFlow operator that runs a compiled program",
    Severity.MEDIUM,
    "An operator runs a program that is in the model in compiled form, or runs it somewhere else: what it does is not "
    "seen here. Exports from JAX and for TensorRT have such operators.",
    "Prefer an export with TensorFlow's own operators, or build the compiled part yourself.",
    "CWE-829",
)
TENSORFLOW_RULES = (FILES, CODE, NETWORK, CUSTOM, PATHS, OPAQUE)
