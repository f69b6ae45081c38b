"""What the pickle engine can say."""

from __future__ import annotations

from mlgate.records import Category, Rule, Severity

_CWE = ("CWE-502",)
_ATLAS = ("AML.T0010", "AML.T0011.000")
_OWASP = ("LLM03:2025", "ML06:2023")
_UNKNOWN = "models.pickle.unknown-globals"


def _rule(
    number: int,
    title: str,
    severity: Severity,
    text: str,
    remediation: str,
    *,
    clause: str = "",
    malicious: bool = False,
    cwe: tuple[str, ...] = _CWE,
) -> Rule:
    return Rule(
        id=f"MLG-PKL-{number:03}",
        title=title,
        severity=severity,
        category=Category.MODEL_FILE,
        help=text,
        remediation=remediation,
        clause=clause,
        malicious=malicious,
        cwe=cwe,
        atlas=_ATLAS,
        owasp=_OWASP,
    )


DANGEROUS_CALL = _rule(
    1,
    "Pickle runs dangerous code when it is loaded",
    Severity.CRITICAL,
    "Loading this file calls a function that can run commands, evaluate code, reach the network or the file system. "
    "The call happens during the load, before any of the program's own checks.",
    "Do not load the file. Delete it, find out where it came from, and get the model again in safetensors, GGUF or "
    "ONNX from a source you trust. If it has been loaded anywhere, treat that machine's secrets as known to others.",
    malicious=True,
)
DANGEROUS_IMPORT = _rule(
    2,
    "Pickle imports a name that can run code",
    Severity.HIGH,
    "The file refers to a function that can run commands, evaluate code, reach the network or the file system. It is "
    "not called in a way that was recognised, but the imported object is part of what the program receives.",
    "Do not load the file before you know why the name is in it. Save the model again without that object, best as "
    "safetensors.",
)
UNKNOWN_GLOBAL = _rule(
    3,
    "Pickle uses a class that is not known to be harmless",
    Severity.MEDIUM,
    "Loading the file imports this name and may run its module, its constructor or its __setstate__. It is not on the "
    "list of known data types, and not on the list of known dangerous names either: often a class of your own.",
    "If the class is yours and its module is in this repository, add it to `models.pickle.allow-globals`. Otherwise "
    "save weights only (`state_dict()` as safetensors) and build the object in code.",
    clause=_UNKNOWN,
)
UNKNOWN_CALL = _rule(
    4,
    "Pickle calls a function that is not known to be harmless",
    Severity.HIGH,
    "Loading the file calls this function with arguments that the file chooses. Functions are called by pickles far "
    "less often than classes are instantiated, and gadgets that nobody has listed yet look like this.",
    "Read what the function does with these arguments. If it is yours and harmless, add it to "
    "`models.pickle.allow-globals`; otherwise do not load the file.",
    clause="models.pickle.unknown-calls",
)
UNUSUAL_ARGUMENTS = _rule(
    5,
    "Pickle calls a usual function with unusual arguments",
    Severity.HIGH,
    "The function is one that every pickle may use, but it is given arguments that no pickler writes and that make it "
    "do more than build data.",
    "Do not load the file; get it again from its source and compare the hashes.",
)
NESTED = _rule(
    6,
    "A pickle inside a pickle",
    Severity.LOW,
    "A bytes constant holds another pickle. It does nothing until something loads it, but it is a usual place to hide "
    "a payload; what it would do is reported as if it were loaded.",
    "Find out which class loads the inner pickle, and whether it needs to.",
)
TRAILING = _rule(
    7,
    "Data after the end of the pickle",
    Severity.LOW,
    "Loaders stop at STOP and ignore the rest, so the rest can be anything: another format's content, or a payload "
    "that some other reader of the file picks up.",
    "Save the file again with the library that made it, and compare the sizes.",
    cwe=("CWE-646",),
)
PROGRAM = _rule(
    17,
    "Program behind the end of the pickle",
    Severity.HIGH,
    "Behind STOP, where no loader reads, stands a program for Linux, Windows or macOS. It runs when something takes it "
    "out and starts it: a model is a good place to carry it past those who look at programs.",
    "Do not load the file, and find out who put the program there. Save the model again with the library that made it.",
    cwe=("CWE-506",),
)
EXTENSION = _rule(
    8,
    "Pickle uses extension codes",
    Severity.HIGH,
    "An EXT opcode names a class by a number that only the loading program's copyreg registry can resolve. Nobody can "
    "tell from the file what it imports, and hardly any program uses this.",
    "Ask who registers the code. Save the object without copyreg extensions.",
)
PERSISTENT = _rule(
    9,
    "Pickle refers to objects outside of it",
    Severity.MEDIUM,
    "A persistent id makes the loading program fetch an object by an id that the file chooses. In torch files that is "
    "how tensors are stored; here it is not such a file.",
    "Find out which program wrote the file, and what its persistent_load does with these ids.",
)
BROKEN = _rule(
    10,
    "Pickle breaks after it has run code",
    Severity.HIGH,
    "The stream is damaged, but only after calls that a loader has made by then. The load ends with an error and the "
    "payload has run: a known way around scanners that give up on damaged files.",
    "Do not load the file, not even to see whether it works.",
)
INNOCENT = _rule(
    11,
    "A pickle under a name that does not say so",
    Severity.MEDIUM,
    "The content is a pickle and the name is that of something else. People, and scanners that go by name, take it for "
    "data.",
    "Rename the file to .pkl, or find out who named it.",
    cwe=("CWE-434", "CWE-646"),
)
FRAMES = _rule(
    12,
    "Pickle frames disagree with its opcodes",
    Severity.HIGH,
    "An argument crosses the end of its frame, or a frame begins inside another. No pickler writes this, and Python "
    "versions read on at different places, so one file is two programs (cpython issue 154848).",
    "Do not load the file; get it again from its source.",
    cwe=("CWE-436", "CWE-502"),
)
SECOND_OPINION = _rule(
    13,
    "fickling rates this pickle worse",
    Severity.HIGH,
    "fickling's static analysis names an import or a call in this file as dangerous which mlgate's own table rates "
    "lower. The worse of both counts.",
    "Read what fickling says about the name. If it is wrong, waive this file by its hash and report it to mlgate.",
)
NOT_ASKED = _rule(
    14,
    "No second opinion on this pickle",
    Severity.INFO,
    "mlgate's own machine read the whole pickle. fickling was not asked, or could not read it; this is for your "
    "information only.",
    "Nothing needs to be done.",
    cwe=(),
)
CHANGED_IMPORT = _rule(
    15,
    "Pickle changes an imported object",
    Severity.HIGH,
    "The file sets attributes or items of something it has imported, not of something it has made: a class, function "
    "or table of the loading program behaves differently afterwards.",
    "Do not load the file; no pickler writes this.",
)

PLANTED = _rule(
    20,
    "Pickle plants a method into an object",
    Severity.HIGH,
    "The file sets an attribute that Python itself calls while it loads (`__setstate__`, `append`, `keys` and the "
    "like) to a function of its choice, so that the function runs without any visible call. No pickler writes this.",
    "Do not load the file; get it again from its source.",
)

EMBEDDED = _rule(
    16,
    "Pickle carries code",
    Severity.HIGH,
    "The pickle holds the bytecode of functions, not only their names: dill and cloudpickle store functions of "
    "scripts and notebooks so. What the code imports and uses was read from it; it runs when the function is called, "
    "or while the file is loaded.",
    "Put the function into a module that is reviewed, and store the weights without it.",
)
RULES = (
    EMBEDDED,
    DANGEROUS_CALL,
    DANGEROUS_IMPORT,
    UNKNOWN_GLOBAL,
    UNKNOWN_CALL,
    UNUSUAL_ARGUMENTS,
    NESTED,
    TRAILING,
    PROGRAM,
    EXTENSION,
    PERSISTENT,
    BROKEN,
    INNOCENT,
    FRAMES,
    SECOND_OPINION,
    NOT_ASKED,
    CHANGED_IMPORT,
    PLANTED,
)
