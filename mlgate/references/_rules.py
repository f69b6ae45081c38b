"""The rules about code that loads models, datasets and objects."""

from __future__ import annotations

from mlgate.records import Category, Rule, Severity

_DESERIALIZE = ("CWE-502",)
_FOREIGN_CODE = ("CWE-829", "CWE-494")
_SUPPLY = ("AML.T0010",)
_ARTIFACT = ("AML.T0010", "AML.T0011.000")
_OWASP = ("LLM03:2025", "ML06:2023")

TORCH_LOAD = Rule(
    id="MLG-COD-001",
    title="torch.load may run code from the file",
    severity=Severity.MEDIUM,
    category=Category.UNSAFE_CODE,
    help="A PyTorch checkpoint is a pickle. With `weights_only=False`, and without the argument before torch 2.6, "
    "`torch.load` calls whatever functions the file names, so who can change the file can run code. Since torch 2.6 "
    "the default is `weights_only=True`, except where `pickle_module` is given.",
    remediation="Write `weights_only=True` into the call and use torch 2.6 or later, or store the weights as "
    "safetensors. Single classes are allowed with `torch.serialization.add_safe_globals`.",
    clause="code.torch-load-unsafe",
    cwe=_DESERIALIZE,
    atlas=_ARTIFACT,
    owasp=_OWASP,
)
UNPICKLE = Rule(
    id="MLG-COD-002",
    title="Objects are rebuilt from bytes by a format that can run code",
    severity=Severity.MEDIUM,
    category=Category.UNSAFE_CODE,
    help="pickle, dill, cloudpickle, joblib, pandas.read_pickle, jsonpickle, shelve and marshal call what the data "
    "names, or load code objects from it. That is safe only for data that nobody else could have written. It is high "
    "when the data visibly comes from the network. Data that the same code pickled in memory is not reported, nor "
    "is an Unpickler with its own `find_class`.",
    remediation="Use a format without code (safetensors, JSON, Parquet, ONNX, skops), or an Unpickler whose "
    "`find_class` admits a list of names; otherwise check the file's SHA-256 before it is loaded.",
    clause="code.pickle-load",
    cwe=_DESERIALIZE,
    atlas=_ARTIFACT,
    owasp=_OWASP,
)
TRUST_REMOTE_CODE = Rule(
    id="MLG-COD-003",
    title="trust_remote_code=True runs Python from the model's repository",
    severity=Severity.HIGH,
    category=Category.UNSAFE_CODE,
    help="With this argument the loader downloads Python files from the model's repository and runs them in this "
    "process. Without a commit as `revision` it runs whatever is there on the day. It is medium when the target is "
    "pinned to a commit: then the code is fixed, which does not say that it is benign.",
    remediation="Leave `trust_remote_code` out if the library supports the architecture by itself. If not, read the "
    'repository\'s code and pin that commit: `revision="<40-hex commit sha>"` (and `code_revision` where the code '
    "is in another repository).",
    clause="code.trust-remote-code",
    cwe=_FOREIGN_CODE,
    atlas=_SUPPLY,
    owasp=_OWASP,
)
UNPINNED = Rule(
    id="MLG-COD-004",
    title="Hub download without a pinned commit",
    severity=Severity.MEDIUM,
    category=Category.UNSAFE_CODE,
    help="Without `revision`, or with a branch or tag, the owner of the repository (or who takes over the account or "
    "re-registers the name) decides later what is loaded. Only a full commit hash fixes the bytes; it does not say "
    "that they are benign. For datasets the finding is low.",
    remediation="Paste the call below with the commit hash that you reviewed. The repository's page on the hub lists "
    "them, and `git ls-remote https://huggingface.co/<org>/<name> HEAD` prints the newest.",
    clause="code.unpinned-hub-load",
    cwe=("CWE-494", "CWE-1357"),
    atlas=_SUPPLY,
    owasp=_OWASP,
)
YAML_LOAD = Rule(
    id="MLG-COD-005",
    title="YAML is loaded with a loader that builds any object",
    severity=Severity.HIGH,
    category=Category.UNSAFE_CODE,
    help="`yaml.Loader`, `CLoader` and `UnsafeLoader` (and ruamel's `typ='unsafe'`) call functions named in the "
    "document. Without a loader PyYAML before 5.1 does the same, and 6.0 raises an error: that is medium.",
    remediation="Use `yaml.safe_load(...)` or `Loader=yaml.SafeLoader`.",
    clause="code.yaml-load",
    cwe=_DESERIALIZE,
)
NUMPY_PICKLE = Rule(
    id="MLG-COD-006",
    title="numpy.load with allow_pickle=True",
    severity=Severity.MEDIUM,
    category=Category.UNSAFE_CODE,
    help="Object arrays in .npy and .npz files are pickles, and this argument loads them.",
    remediation="Store plain numeric arrays and leave `allow_pickle` out.",
    clause="code.numpy-allow-pickle",
    cwe=_DESERIALIZE,
    atlas=_ARTIFACT,
    owasp=_OWASP,
)
TORCH_HUB = Rule(
    id="MLG-COD-007",
    title="torch.hub runs code from a GitHub repository",
    severity=Severity.HIGH,
    category=Category.UNSAFE_CODE,
    help="`torch.hub` downloads a GitHub repository and runs its hubconf.py in this process. A branch, a tag or no "
    "reference at all is what the repository's owner makes of it later.",
    remediation='Pin the commit: `torch.hub.load("owner/repo:<40-hex commit sha>", ...)`, or vendor the model code.',
    clause="code.torch-hub",
    cwe=_FOREIGN_CODE,
    atlas=_SUPPLY,
    owasp=_OWASP,
)
KERAS_UNSAFE = Rule(
    id="MLG-COD-008",
    title="Keras is told to deserialize code",
    severity=Severity.HIGH,
    category=Category.UNSAFE_CODE,
    help="`safe_mode=False` and `enable_unsafe_deserialization()` let a model file bring Lambda layers, which are "
    "Python byte code.",
    remediation="Leave safe mode on, and register the model's custom layers in code instead of Lambda layers.",
    clause="code.keras-unsafe",
    cwe=_DESERIALIZE,
    atlas=_ARTIFACT,
    owasp=_OWASP,
)
DATASET_SCRIPT = Rule(
    id="MLG-COD-009",
    title="A dataset's loading script is run",
    severity=Severity.HIGH,
    category=Category.DATASET,
    help="`load_dataset` with `trust_remote_code=True`, or with a .py file, runs the Python script of that dataset "
    "(datasets before 4.0).",
    remediation="Use datasets 4.0 or later without the argument; take the dataset's Parquet files, or pin the "
    "commit of a script that you have read.",
    clause="datasets.loading-script",
    cwe=_FOREIGN_CODE,
    atlas=_SUPPLY,
    owasp=_OWASP,
)
EXEC_DOWNLOAD = Rule(
    id="MLG-COD-010",
    title="Downloaded text is executed",
    severity=Severity.HIGH,
    category=Category.UNSAFE_CODE,
    help="`exec` or `eval` gets text that came over the network in the same file.",
    remediation="Put the code into the repository or a pinned package.",
    cwe=("CWE-95", "CWE-494"),
    atlas=_SUPPLY,
)
TORCH_LOAD_DYNAMIC = Rule(
    id="MLG-COD-011",
    title="weights_only of torch.load is decided at run time",
    severity=Severity.LOW,
    category=Category.UNSAFE_CODE,
    help="The value comes from another file, a function or a caller, so this file does not tell whether the load is "
    "restricted.",
    remediation="Write `weights_only=True` at the call.",
    cwe=_DESERIALIZE,
    atlas=_ARTIFACT,
)
TORCH_HUB_PINNED = Rule(
    id="MLG-COD-012",
    title="torch.hub runs code from a GitHub repository at a pinned commit",
    severity=Severity.LOW,
    category=Category.UNSAFE_CODE,
    help="The commit fixes which hubconf.py runs; it does not say that it is benign.",
    remediation="Read the code of that commit, or vendor it.",
    cwe=("CWE-829",),
    atlas=_SUPPLY,
)
UNREAD = Rule(
    id="MLG-COD-090",
    title="Python source that does not parse was not read",
    severity=Severity.LOW,
    category=Category.UNSAFE_CODE,
    help="The file is not Python 3 (Python 2, a template, a broken file), so its calls are unknown. It names a "
    "library that can load models but no call to one of its loaders; with such a call it would be incomplete.",
    remediation="Remove the file, or make it valid Python 3.",
)

SAFE_GLOBALS = Rule(
    id="MLG-COD-013",
    title="A name that runs code is put on torch's list of safe globals",
    severity=Severity.HIGH,
    category=Category.UNSAFE_CODE,
    help="`weights_only=True` lets a file use the globals on this list, so with such a name on it the file runs code "
    "although the load looks restricted.",
    remediation="Take the name off the list; only classes that hold data belong there.",
    clause="code.torch-load-unsafe",
    cwe=_DESERIALIZE,
    atlas=_ARTIFACT,
    owasp=_OWASP,
)
RULES = (
    SAFE_GLOBALS,
    TORCH_LOAD,
    UNPICKLE,
    TRUST_REMOTE_CODE,
    UNPINNED,
    YAML_LOAD,
    NUMPY_PICKLE,
    TORCH_HUB,
    KERAS_UNSAFE,
    DATASET_SCRIPT,
    EXEC_DOWNLOAD,
    TORCH_LOAD_DYNAMIC,
    TORCH_HUB_PINNED,
    UNREAD,
)
