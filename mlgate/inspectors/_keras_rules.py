"""What the readers of Keras models can say about a configuration."""

from __future__ import annotations

from mlgate.records import Category, Rule, Severity

_CODE = ("AML.T0010", "AML.T0011.000")
_OWASP = ("LLM03:2025", "ML06:2023")

LAMBDA = Rule(
    id="MLG-MDL-053",
    title="Keras model with Python code in it",
    severity=Severity.HIGH,
    category=Category.MODEL_FILE,
    help="A Lambda layer holds marshalled Python bytecode, which loading makes a function of and calls: always for "
    "HDF5 files and in Keras 2 (CVE-2024-3660, CVE-2025-9905), with `safe_mode=False` otherwise.",
    remediation="Save the model again with a registered layer class, or a function of `keras.ops`, in place of the "
    "lambda. Never pass `safe_mode=False` for a model that is not your own.",
    cwe=("CWE-94", "CWE-502"),
    atlas=_CODE,
    owasp=_OWASP,
)
IMPORT = Rule(
    id="MLG-MDL-054",
    title="Keras configuration that names a function outside of Keras",
    severity=Severity.HIGH,
    category=Category.MODEL_FILE,
    help="Loading imports the module and takes the name from it; a Lambda layer then calls it with arguments from the "
    "same file. Modules of Python or of general libraries have no place in a model (CVE-2025-1550).",
    remediation="Do not load the model. If it is your own, save it with registered functions, and load with Keras "
    "3.11 or newer.",
    cwe=("CWE-94", "CWE-470"),
    atlas=_CODE,
    owasp=_OWASP,
)
GADGET = Rule(
    id="MLG-MDL-055",
    title="Keras configuration that uses Keras against its user",
    severity=Severity.HIGH,
    category=Category.MODEL_FILE,
    help="A function of Keras or TensorFlow that downloads, reads or writes files, loads other models or turns off the "
    "safe mode is named as if it were part of the network (CVE-2025-8747, CVE-2025-9906).",
    remediation="Do not load the model: no training leaves such a reference. Find out who changed the file.",
    cwe=("CWE-470", "CWE-502", "CWE-693"),
    atlas=_CODE,
    owasp=_OWASP,
)
LOADS = Rule(
    id="MLG-MDL-056",
    title="Keras layer that loads another model or a pickle",
    severity=Severity.HIGH,
    category=Category.MODEL_FILE,
    help="The layer loads a TensorFlow SavedModel from a path or address in the configuration, or a PyTorch module by "
    "pickle, and runs it: safe mode does not stop old versions (CVE-2026-1462, CVE-2025-49655).",
    remediation="Replace the layer by the layers it stands for, or review what it loads and pin that with the model.",
    cwe=("CWE-502", "CWE-829"),
    atlas=_CODE,
    owasp=_OWASP,
)
FILES = Rule(
    id="MLG-MDL-057",
    title="Keras configuration that reads a file or an address",
    severity=Severity.HIGH,
    category=Category.MODEL_FILE,
    help="A preprocessing layer names a file for its vocabulary or weights, which is opened when the model is loaded: "
    "any readable file, or an address on the network, becomes part of the model (CVE-2025-12058).",
    remediation="Save the model with the vocabulary itself in it: call `adapt` or give a list.",
    cwe=("CWE-73", "CWE-918"),
    atlas=_CODE,
    owasp=("LLM03:2025",),
)
CUSTOM = Rule(
    id="MLG-MDL-058",
    title="Keras model that needs code of its own",
    severity=Severity.MEDIUM,
    category=Category.MODEL_FILE,
    help="A class or function is not part of Keras. The model does not load without the code behind the name, which "
    "old versions import from wherever the module is found.",
    remediation="Review the code, pin it with the model, and register it with `register_keras_serializable`.",
    cwe=("CWE-829",),
    atlas=("AML.T0010",),
)
ADDRESS = Rule(
    id="MLG-MDL-059",
    title="Keras configuration with an address or path",
    severity=Severity.MEDIUM,
    category=Category.MODEL_FILE,
    help="A text of the configuration is an address on the network or an absolute path. Keras's own layers have no "
    "use for either, custom code may open it.",
    remediation="Find out which layer uses it, and for what.",
    cwe=("CWE-73",),
)
YAML_TAG = Rule(
    id="MLG-MDL-060",
    title="Keras model in YAML that makes Python objects",
    severity=Severity.HIGH,
    category=Category.MODEL_FILE,
    help="A `!!python/` tag makes PyYAML's unsafe loader import and call what it names; `model_from_yaml` used that "
    "loader until TensorFlow 2.6 (CVE-2021-37678).",
    remediation="Do not load the file. Keep architectures as JSON.",
    cwe=("CWE-94", "CWE-502"),
    atlas=_CODE,
    owasp=_OWASP,
)

RULES = (LAMBDA, IMPORT, GADGET, LOADS, FILES, CUSTOM, ADDRESS, YAML_TAG)
