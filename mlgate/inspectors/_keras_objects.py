"""Judges what a Keras configuration would make its loader import, build and call.

Source: keras/src/saving/serialization_lib.py and keras/src/layers/core/lambda_layer.py of Keras 3;
tensorflow/python/keras/layers/core.py and keras/utils/generic_utils.py of Keras 2. Keras 3 writes an object as
{module, class_name, config, registered_name} and imports `module`; `class_name` is "function" for functions, whose name
is `config` then. Keras 2 has no module but in Lambda layers; its Lambda holds [code, defaults, closure].
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import re
from collections.abc import Iterator
from typing import Any

from mlgate import rules
from mlgate.errors import Incomplete
from mlgate.identify import HEAD, identify
from mlgate.inspectors import _keras_names as names
from mlgate.inspectors._keras_config import values
from mlgate.inspectors._keras_rules import ADDRESS, CUSTOM, FILES, GADGET, IMPORT, LAMBDA, LOADS
from mlgate.inspectors._keras_tensorflow import reaches
from mlgate.inspectors._model_metadata import reaching_call, shown
from mlgate.pickles.bytecode import describe_bytes
from mlgate.pickles.table import look_up
from mlgate.records import Artifact, Observation, Rule, Severity
from mlgate.sources import BytesSource

_SAID = 20
_NODE_VALUES = 5000
_NODE_TEXT = 64 << 10
_URL = re.compile(r"(?:https?|ftp|gs|s3|s3a|hdfs|hf|kaggle|file)://[^\s\"'<>]{3,}", re.IGNORECASE)
_PATH = re.compile(r"(?:/|~/|[A-Za-z]:[\\/]|\\\\)[^\x00-\x1f]{2,}|(?:.*[\\/])?\.\.[\\/].+")
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]{64,}")
_MODULE_KEYS = frozenset({"fn_module", "function_module", "output_shape_module", "mask_module", "py_module"})
# What holds a function in the configurations of layers and wrappers. Not "function", which has readers of its own and
# is short for one of TensorFlow's there (math.multiply, signal.fft).
_FUNCTION_KEYS = frozenset(
    {"fn", "func", "callable", "callback", "target", "method", "activation", "initializer", "preprocess"}
    | {"preprocessing", "preprocessing_fn", "hook", "loader"}
)
_TF_KERAS = ("tf.keras", "tensorflow.keras", "tensorflow.python.keras")
_DOTTED = re.compile(r"[A-Za-z_]\w{0,99}(?:\.[A-Za-z_]\w{0,99}){0,9}")
_LAMBDA_FIELDS = ("function", "output_shape", "mask")
# Names in marshalled code objects that compute nothing on tensors: there as length and text (Python/marshal.c).
_REACHES = (
    b"os posix nt system popen subprocess Popen check_output socket eval exec compile __import__ importlib builtins"
    b" __builtins__ __globals__ __subclasses__ open pty ctypes urllib urlopen requests shutil pickle marshal base64"
    b" b64decode environ getattr remove unlink rmtree webbrowser paramiko ftplib smtplib telnetlib"
).split()

Said = tuple[Rule, Severity | None, str, str]


def judge(artifact: Artifact, where: str, document: Any) -> Iterator[Observation]:
    """Findings on a configuration; `where` says which part of the file it is. Raises Incomplete (limit).

    Pickles inside are yielded as artifacts.
    """
    told: set[Said] = set()
    count: dict[str, int] = {}
    for item in _all(artifact, document):
        if isinstance(item, Artifact):
            yield item
            continue
        rule, severity, what, evidence = item
        # by severity too, so that no number of small ones hides a great one
        kind = f"{rule.id} {severity}"
        if item in told or count.get(kind, 0) >= _SAID:
            continue
        told.add(item)
        count[kind] = count.get(kind, 0) + 1
        message = f"In the {where}: {what}."
        yield rules.finding(rule, artifact.at(), message, evidence=shown(evidence, 300), severity=severity)


def _all(artifact: Artifact, document: Any) -> Iterator[Said | Artifact]:
    for key, value in values(document):
        if isinstance(value, str):
            yield from _string(key, value)
        elif isinstance(value, dict):
            if isinstance(value.get("class_name"), str):
                yield from _object(artifact, value)
            elif isinstance(value.get("function"), str) and "function_type" in value:
                yield from _named_function(value, "function")
            # a Lambda layer by whatever name; RNN wrappers have a `residual_fn`
            for kept in [kept for kept, kind in value.items() if kind == "lambda" and kept.endswith("_type")]:
                yield from _lambda(value, kept.removesuffix("_type"))


def _string(key: str, value: str) -> Iterator[Said]:
    if len(value) > 4096:
        return
    if key in _MODULE_KEYS and look_up(value, "x").level == "dangerous":
        yield IMPORT, None, f"{shown(key, 50)!r} is the module {shown(value, 100)!r}", value
    if value in ("enable_unsafe_deserialization", "safe_mode_saving"):
        yield GADGET, None, f"{value!r} turns off the safe mode", value
    if _DOTTED.fullmatch(value):
        yield from _text_name(key, value)
    match = _URL.match(value)
    if match and match[0].lower().startswith("file://"):
        yield FILES, None, f"{shown(key, 50)!r} is {shown(value, 200)!r}", value
    elif match:
        yield ADDRESS, None, f"{shown(key, 50)!r} is {shown(value, 200)!r}", value
    elif _PATH.fullmatch(value) and key not in ("code", "value", "split", "standardize"):
        yield ADDRESS, Severity.LOW, f"{shown(key, 50)!r} is the path {shown(value, 200)!r}", value


def _text_name(key: str, value: str) -> Iterator[Said]:
    """A function as text alone: no Keras calls it, but loaders that resolve names do, and no model needs it."""
    module, _, name = value.rpartition(".")
    top = module.split(".")[0]
    held = key in _FUNCTION_KEYS
    if name in names.GADGETS and (top in names.KERAS or (held and not module) or module.startswith(_TF_KERAS)):
        yield GADGET, None, f"{shown(key, 50)!r} is Keras's {shown(value, 100)!r}", value
    elif held and top in ("tf", "tensorflow") and reaches(value.partition(".")[2]):
        yield GADGET, None, f"{shown(key, 50)!r} is TensorFlow's {shown(value, 100)!r}", value
    elif not held or not module or top in names.FAMILY:
        return
    elif (entry := look_up(module, name)).level == "dangerous":
        yield IMPORT, None, f"{shown(key, 50)!r} is {shown(value, 100)!r}: {entry.reason}", value


def _object(artifact: Artifact, value: dict[str, Any]) -> Iterator[Said | Artifact]:
    name, module, config = value["class_name"], value.get("module"), value.get("config")
    registered = value.get("registered_name")
    if name == "__lambda__":
        yield from _code(config.get("code", config.get("value")) if isinstance(config, dict) else config)
        return
    if name == "__typespec__":
        yield from _name(module, value.get("spec_name"), registered)
        return
    if name.startswith("__") and name.endswith("__") and not module:
        return
    if name == "function":
        yield from _name(module, config, registered, function=True)
        return
    yield from _name(module, name, registered)
    if isinstance(config, dict):
        # the module is asked for the registered name when it has none of the class
        for text in dict.fromkeys(t.rpartition(">")[2] for t in (name, registered) if isinstance(t, str)):
            yield from _layer(artifact, text.rpartition(".")[2], config)


def _layer(artifact: Artifact, name: str, config: dict[str, Any]) -> Iterator[Said | Artifact]:
    """What layers of some classes do with their configuration."""
    if name == "Lambda":
        for field in _LAMBDA_FIELDS:
            yield from _lambda(config, field)
        yield from _source(config)
        if not _saved_form(config):
            what = "a Lambda layer keeps its function in a form that no Keras saves"
            yield LAMBDA, None, what, shown(str(config.get("function", "no function")), 200)
    if name in ("TFOpLambda", "SlicingOpLambda"):
        yield from _operation(config.get("function"))
    if name == "ClassMethod":
        yield from _operation(f"{config.get('cls_ref')}.{config.get('method_name')}")
    if name == "TensorFlowOpLayer":
        yield from _node(config.get("node_def"))
    yield from _loader(artifact, name, config)
    for key in names.DATA_KEYS & config.keys():
        if isinstance(config[key], str) and _is_file(config[key]):
            what = f"{shown(name, 100)} reads its {key} from {shown(config[key], 200)!r}"
            yield FILES, None, what, config[key]


def _is_file(text: str) -> bool:
    """Not the data itself, which is Base64 in the tokenizers that keep it as text."""
    return bool(text.strip()) and not _BASE64.fullmatch(text)


# -- code


def _lambda(config: dict[str, Any], field: str) -> Iterator[Said]:
    """Keras 2's forms; those of Keras 3 are objects of their own and come past `_object`."""
    found = config.get(field)
    kind = config.get(f"{field}_type")
    if isinstance(found, list) and found and isinstance(found[0], str) and kind != "raw":
        yield from _code(found[0])
    elif isinstance(found, str) and kind == "lambda":
        yield from _code(found)
    elif isinstance(found, str) and field != "function":
        yield from _named_function(config, field)


def _saved_form(config: dict[str, Any]) -> bool:
    """Whether the function is code or a name as some Keras writes it; what is not read must not pass for nothing."""
    found, kind = config.get("function"), config.get("function_type")
    if isinstance(found, dict):
        return isinstance(found.get("class_name"), str) and found.get("config") is not None
    if isinstance(found, list):
        return bool(found) and isinstance(found[0], str)
    return isinstance(found, str) and bool(found) and kind in ("lambda", "function")


def _source(config: dict[str, Any]) -> Iterator[Said]:
    """Python as text: no Keras runs it, but converters and loaders of other people evaluate it."""
    for key, text in values(config):
        if isinstance(text, str) and (call := reaching_call(text)):
            what = f"a Lambda layer's {shown(key, 50)!r} is Python that uses {shown(call, 50)}"
            yield LAMBDA, None, what, text[:200]


def _named_function(config: dict[str, Any], field: str) -> Iterator[Said]:
    module = config.get("module" if field == "function" else f"{field}_module")
    if config.get(f"{field}_type") == "function":
        yield from _name(module, config.get(field), None, function=True)


def _code(text: Any) -> Iterator[Said]:
    """Marshalled bytecode in Base64 (keras/src/utils/python_utils.py, func_dump)."""
    while isinstance(text, list) and text:
        text = text[0]
    if not isinstance(text, str):
        return
    try:
        data = base64.b64decode(text)
    except (binascii.Error, ValueError):
        data = text.encode("utf-8", "surrogateescape")
    told = describe_bytes(data)
    found = [name.decode() for name in _REACHES if bytes([len(name)]) + name in data or _long(name) in data]
    severity = Severity.CRITICAL if found or (told and told.dangerous) else None
    what = f"a Lambda layer holds {len(data):,} bytes of Python code"
    if told is not None:
        what += f" that {told.text}"
    elif found:
        what += f" that names {', '.join(found[:8])}"
    yield LAMBDA, severity, what, told.text if told else " ".join(found) or "code"


def _long(name: bytes) -> bytes:
    return len(name).to_bytes(4, "little") + name


# -- names


def _name(module: Any, name: Any, registered: Any, *, function: bool = False) -> Iterator[Said]:
    """What is imported: `name` from `module`, and for want of that `registered` from it."""
    if not isinstance(name, str) or not name:
        return
    others = [text for text in (name, registered) if isinstance(text, str) and text not in ("", "function")]
    lowered = not name.lstrip("_")[:1].isupper()
    function = function or lowered
    place = module if isinstance(module, str) else ""
    shown_name = shown(f"{place}.{name}" if place else name, 200)
    top, parts = place.split(".")[0], set(place.split("."))
    walked = [text for text in others if "." in text and place and not text[:1].isupper()]
    if walked and top in names.FAMILY | {"tensorflow"}:
        # Keras 2 follows one dot of a name (`__qualname__`), to what the module itself has imported
        bad = [entry for entry in (look_up(place, text) for text in walked) if entry.level == "dangerous"]
        reason = bad[0].reason if bad else "what a module of Keras has imported is no part of a model"
        yield IMPORT, Severity.CRITICAL if bad else None, f"{shown_name!r} is named: {reason}", shown_name
    elif not place:
        yield from _by_name(name, registered, function=function)
    elif top in ("builtins", "__builtin__"):
        for text in others:
            if text in names.PYTHON:
                yield IMPORT, Severity.CRITICAL, f"Python's own function {text!r} is named", f"{place}.{text}"
        if function and not set(others) & names.PYTHON:
            yield from _by_name(name, registered, function=function)
    elif top in names.FAMILY or place.startswith(("tensorflow.keras", "tensorflow.python.keras")):
        own = top not in names.FAMILY - names.KERAS
        yield from _of_keras(parts if own else set(), others, shown_name, function=function)
    elif top in ("tensorflow", "tensorflow_core"):
        if parts & names.TENSORFLOW or any(reaches(f"{place}.{text}".partition(".")[2]) for text in others if function):
            yield GADGET, None, f"TensorFlow's {shown_name!r} is named", shown_name
    else:
        yield from _of_others(place, others, shown_name)


def _by_name(name: str, registered: Any, *, function: bool) -> Iterator[Said]:
    if name in names.GADGETS:
        yield GADGET, None, f"Keras's {shown(name)!r} is named", name
    elif ">" in name or (not function and name not in names.BUILTIN):
        label = registered if isinstance(registered, str) and ">" in registered else name
        yield CUSTOM, None, f"{shown(label, 200)!r} is no class of Keras", label


def _of_keras(parts: set[str], others: list[str], shown_name: str, *, function: bool) -> Iterator[Said]:
    gadget = set(others) & names.GADGETS
    if gadget or (function and parts & names.REACHING and not set(others) & names.PREPROCESSING):
        yield GADGET, Severity.CRITICAL if gadget else None, f"Keras's {shown_name!r} is named", shown_name
    elif function and not parts & names.COMPUTING and not set(others) & names.PREPROCESSING and len(parts) > 1:
        yield CUSTOM, None, f"Keras's {shown_name!r} is no function of a layer", shown_name


def _of_others(module: str, others: list[str], shown_name: str) -> Iterator[Said]:
    found = [look_up(module, text) for text in others]
    bad = [entry for entry in found if entry.level == "dangerous"]
    if bad:
        severity = Severity.HIGH if all(entry.high for entry in bad) else Severity.CRITICAL
        yield IMPORT, severity, f"{shown_name!r} is named: {bad[0].reason}", shown_name
    elif not found or found[0].level != "safe":
        yield CUSTOM, None, f"{shown_name!r} is no part of Keras", shown_name


def _operation(function: Any) -> Iterator[Said]:
    """A TFOpLambda layer calls any exported symbol of TensorFlow (keras/src/layers/core/tf_op_layer.py)."""
    if isinstance(function, str) and reaches(function):
        yield GADGET, None, f"a layer calls TensorFlow's {shown(function, 200)!r}", function


def _node(node: Any) -> Iterator[Said]:
    """A TensorFlowOpLayer holds a NodeDef as text, JSON or a document."""
    found: set[str] = set()
    for count, (_, text) in enumerate(values(node)):
        if count > _NODE_VALUES or (isinstance(text, str) and len(text) > _NODE_TEXT):
            raise Incomplete("limit", "an operation of TensorFlow that is too long")
        # strings one after another are one in protobuf's text format
        found.update(re.findall(r"\w+", re.sub(r"['\"]\s*['\"]", "", text)) if isinstance(text, str) else ())
    # words like "load" are names of anything; operations begin with a capital letter
    for word in sorted(word for word in found if word[0].isupper() and reaches(word)):
        yield GADGET, None, f"a layer runs TensorFlow's operation {word}", word


def _loader(artifact: Artifact, name: str, config: dict[str, Any]) -> Iterator[Said | Artifact]:
    for key in names.LOADERS.get(name, ()):
        found = config.get(key)
        if name == "TorchModuleWrapper":
            yield LOADS, None, "TorchModuleWrapper unpickles a PyTorch module", "TorchModuleWrapper"
            yield from _torch(artifact, found)
        elif isinstance(found, str):
            yield LOADS, None, f"{name} loads {shown(found, 200)!r}", found


def _torch(artifact: Artifact, value: Any) -> Iterator[Artifact]:
    """The bytes of torch.save in Base64, also inside of Keras's own form of bytes."""
    if isinstance(value, dict) and isinstance(value.get("config"), dict):
        value = value["config"].get("value")
    if isinstance(value, str) and value:
        try:
            data = base64.b64decode(value)
        except (binascii.Error, ValueError):
            raise Incomplete("malformed", "a PyTorch module that is no Base64") from None
        path = "TorchModuleWrapper.pt"
        source, head = BytesSource(data), data[:HEAD]
        yield dataclasses.replace(
            artifact,
            name=path,
            source=source,
            head=head,
            formats=identify(source, head),
            member=f"{artifact.member}!{path}" if artifact.member else path,
            depth=artifact.depth + 1,
        )
