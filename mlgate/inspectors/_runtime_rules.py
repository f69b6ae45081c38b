"""What the readers of deployment formats (Core ML, OpenVINO, PMML, ExecuTorch, Paddle, MXNet, Caffe, ...) can say."""

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


OUTSIDE = _rule(
    90,
    "Model whose parts are outside of its folder",
    Severity.HIGH,
    "The model names a file by an absolute path, a URL or a way out of its own folder. The runtime opens it when the "
    "model is loaded: weights that nobody reviewed, or any file of the machine.",
    "Do not load the model. Convert it again, with all of its parts beside it.",
    "CWE-22",
    "CWE-73",
)
LINKED = _rule(
    91,
    "Model that loads another model file",
    Severity.MEDIUM,
    "The model names a second file that is loaded with it. What that file does is not part of this one.",
    "Make sure that the named file is in the repository and is looked at too.",
    "CWE-829",
)
CUSTOM = _rule(
    92,
    "Model that needs code which is not in it",
    Severity.MEDIUM,
    "The model has operators or layers that its runtime does not bring along. To run it, somebody has to load a "
    "library or a class that mlgate has not seen.",
    "Find out which library or class implements them, and review and pin it like a dependency.",
    "CWE-829",
)
RUNS = _rule(
    93,
    "Model that runs code of the process that loads it",
    Severity.HIGH,
    "The model imports a module, names a library to load, calls a function by its name or holds a script, so loading "
    "or running it runs code.",
    "Do not load the model. Export it again with only the operators that compute its outputs.",
    "CWE-470",
    "CWE-829",
)
FILES = _rule(
    94,
    "Model that reads or writes files while it runs",
    Severity.HIGH,
    "The program in the model has operators that open files of the machine under names the model gives.",
    "Do not run the model. Export it again with only the operators that compute its outputs.",
    "CWE-73",
    "CWE-552",
)
NETWORK = _rule(
    95,
    "Model that reaches the network while it runs",
    Severity.HIGH,
    "The program in the model has operators that connect to other machines under addresses the model gives.",
    "Do not run the model. Export it again for inference, without operators of distributed training.",
    "CWE-918",
)
LAYOUT = _rule(
    96,
    "Model whose header lies about its data",
    Severity.HIGH,
    "Sizes, offsets or shapes contradict each other. Checked loaders refuse such a file, others read memory that is "
    "not the model's.",
    "Convert the model again from its source.",
    "CWE-125",
    "CWE-130",
)
BACKEND = _rule(
    97,
    "Model with parts compiled for one backend",
    Severity.LOW,
    "Parts of the model are compiled for an accelerator or a vendor's library. What they compute cannot be seen in "
    "the file, and the backend has to be there to run them.",
    "Take compiled models only from those who made them, or compile the model yourself from its portable form.",
    "CWE-829",
)
ENTITIES = _rule(
    98,
    "Model in XML that declares a document type or entities",
    Severity.HIGH,
    "The XML declares a document type or entities. No model needs them; XML parsers with defaults expand them to "
    "gigabytes, read files of the machine into the model or fetch URLs.",
    "Do not load the file. Write it again without a document type.",
    "CWE-611",
    "CWE-776",
)
