"""What is unsafe about one call, by the traits of its row in the table."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from mlgate.pickles.table import look_up_path
from mlgate.records import Finding, Location, Pairs, Reference, Rule, Severity
from mlgate.references import _rules as rule
from mlgate.references._calls import Call, cut, source
from mlgate.references._origin import from_network, in_process
from mlgate.references._table import TRUST
from mlgate.references._targets import is_commit
from mlgate.references._unpinned import about_revision
from mlgate.rules import finding

_SAFE_YAML = frozenset(
    {"SafeLoader", "CSafeLoader", "BaseLoader", "CBaseLoader", "FullLoader", "CFullLoader", "RoundTripLoader"}
)
_UNSAFE_YAML = frozenset({"Loader", "CLoader", "UnsafeLoader", "CUnsafeLoader"})

Locate = Callable[[ast.AST], Location]


class Context:
    """A call, its references and where it stands: what a check gets."""

    def __init__(self, call: Call, references: tuple[Reference, ...], locate: Locate) -> None:
        self.call = call
        self.references = references
        self.where = locate(call.node)

    @property
    def subject(self) -> str:
        """The identity it loads, when it is one."""
        identities = {r.identity for r in self.references}
        return next(iter(identities)) or "" if len(identities) == 1 else ""

    @property
    def what(self) -> str:
        """What it loads, for a sentence."""
        known = [r.identity.removeprefix("dataset:").removeprefix("hf:") for r in self.references if r.identity]
        if not known:
            return "a target that is computed at run time"
        more = f" (or {len(known) - 1} more)" if len(known) > 1 else ""
        return cut(known[0]) + more

    def say(
        self, of: Rule, message: str, *, severity: Severity | None = None, fix: str = "", facts: Pairs = ()
    ) -> Finding:
        return finding(
            of,
            self.where,
            message,
            evidence=self.call.text(),
            severity=severity,
            subject=self.subject,
            fix=fix,
            facts=facts,
        )


def unpinned(c: Context) -> Iterator[Finding]:
    """A constant hub target whose revision is not a commit."""
    loader = c.call.loader
    loose = [r for r in c.references if r.identity and r.identity.removeprefix("dataset:").startswith("hf:")]
    loose = [r for r in loose if not r.pinned]
    if loader is None or not loader.revision or not loose:
        return
    revision = c.call.argument(loader.revision)
    by_default = " by default" if loose[0].resolution.value == "default" else ""
    yield about_revision(
        c.where,
        f"{c.call.symbol} loads {c.what}{by_default}",
        dataset=loose[0].kind.value == "dataset",
        stated=next((r.revision for r in loose if r.revision), None),
        dynamic=(revision.given and revision.values.unknown) or revision.maybe,
        evidence=c.call.text(),
        subject=c.subject,
        fix=_pinning(c),
    )


def _pinning(c: Context) -> str:
    """The call with a commit to fill in, where the loader takes one."""
    keyword = next((place for place in c.call.loader.revision if isinstance(place, str)), "") if c.call.loader else ""
    sample = "'<commit sha>'"
    return c.call.with_keyword(keyword, sample).replace(sample, '"<commit sha>"') if keyword else ""


def trust(c: Context) -> Iterator[Finding]:
    """`trust_remote_code=True`, whatever is called."""
    loader = c.call.loader
    given = c.call.argument((TRUST,))
    if not given.is_(True):
        return
    if loader is None and all(isinstance(k.value, str) for k in given.values.known):
        return  # a help text or the name of an option, as far as can be told of an unknown function
    name = c.call.symbol or cut(source(c.call.node.func))
    by_default = (
        " (by default)" if any(k.value is True and k.how.value == "default" for k in given.values.known) else ""
    )
    if loader is not None and "dataset-script" in loader.traits:
        yield c.say(rule.DATASET_SCRIPT, f"{name} runs the loading script of {c.what}{by_default}.")
        return
    pinned = bool(c.references) and all(r.pinned for r in c.references)
    tail = "at the pinned commit" if pinned else "at whatever commit its branch has"
    local = bool(c.references) and all((r.identity or "").startswith("file:") for r in c.references)
    if local:
        tail = "from that folder"
    whose = c.what if c.references else "the model that it loads"
    yield c.say(
        rule.TRUST_REMOTE_CODE,
        f"{name} runs Python code of {whose}, {tail}{by_default}.",
        fix="" if pinned or local or loader is None else _pinning(c),
        severity=Severity.MEDIUM if pinned or local else None,
        facts=(("pinned", str(pinned).lower()),),
    )


def torch_load(c: Context) -> Iterator[Finding]:
    """torch.load(f, map_location=None, pickle_module=None, *, weights_only=None): see torch.serialization."""
    call = c.call
    given = call.argument(("weights_only",))
    module = call.argument((2, "pickle_module"))
    args = call.node.args
    if given.given and not given.values.unknown and not given.is_(False) and not given.is_(None):
        return
    if args and in_process(call.ev.names, args[0], call.at):
        return
    fix = call.with_keyword("weights_only", "True")
    if given.is_(False):
        yield c.say(
            rule.TORCH_LOAD,
            f"{c.call.symbol} with weights_only=False runs what the file names.",
            severity=Severity.HIGH,
            fix=fix,
            facts=(("weights_only", "false"),),
        )
    elif module.given and not module.values.has(None) and not given.given:
        yield c.say(
            rule.TORCH_LOAD,
            f"{c.call.symbol} with a pickle_module of its own unpickles the file without restriction.",
            severity=Severity.HIGH,
            facts=(("weights_only", "false"),),
        )
    elif (given.given and given.values.unknown) or (call.argument(("weights_only",)).maybe and not given.given):
        yield c.say(
            rule.TORCH_LOAD_DYNAMIC,
            f"{c.call.symbol} gets weights_only at run time, and what it is cannot be told from this file.",
            facts=(("weights_only", "dynamic"),),
        )
    else:
        yield c.say(
            rule.TORCH_LOAD,
            f"{c.call.symbol} without weights_only unpickles the file with torch before 2.6.",
            severity=Severity.LOW,  # which torch is installed decides, and the manifests tell that later
            fix=fix,
            facts=(("weights_only", "absent"),),
        )


def unpickle(c: Context) -> Iterator[Finding]:
    call = c.call
    source = call.argument(call.loader.target if call.loader else (0,))
    if source.node is not None and source.at is not None and in_process(call.ev.names, source.node, source.at):
        return
    severity, what = None, "calls whatever the data names"
    if source.node is not None and source.at is not None and from_network(call.ev.names, source.node, source.at):
        severity, what = Severity.HIGH, "calls whatever data from the network names"
    elif call.qualified == "shelve.open":
        severity = Severity.LOW
    elif call.qualified.startswith("marshal."):
        what = "loads Python code objects"
    yield c.say(rule.UNPICKLE, f"{call.symbol} {what}.", severity=severity)


def yaml_load(c: Context) -> Iterator[Finding]:
    call = c.call
    loader = call.argument((1, "Loader"))
    fix = call.with_keyword("Loader", "yaml.SafeLoader") if len(call.node.args) < 2 else ""
    if not loader.given and not loader.maybe:
        message = f"{call.symbol} without a Loader builds any object with PyYAML before 5.1."
        yield c.say(rule.YAML_LOAD, message, severity=Severity.MEDIUM, fix=fix)
        return
    if loader.node is None or loader.at is None:
        return
    names = list(call.ev.names.resolve(loader.node, loader.at))
    local = call.ev.names.local(loader.node, loader.at)
    if isinstance(local, ast.ClassDef):
        names = list(call.ev.names.bases(local))
    lasts = {name.rpartition(".")[2] for name in names}
    if lasts & _UNSAFE_YAML:
        yield c.say(rule.YAML_LOAD, f"{call.symbol} builds any object that the document names.", fix=fix)


def yaml_unsafe(c: Context) -> Iterator[Finding]:
    yield c.say(rule.YAML_LOAD, f"{c.call.symbol} builds any object that the document names.")


def yaml_typ(c: Context) -> Iterator[Finding]:
    typ = c.call.argument(("typ",))
    if any(text == "unsafe" for text, _ in typ.values.texts()):
        yield c.say(rule.YAML_LOAD, 'YAML(typ="unsafe") builds any object that the document names.')


def numpy_load(c: Context) -> Iterator[Finding]:
    if c.call.argument((2, "allow_pickle")).is_(True):
        yield c.say(rule.NUMPY_PICKLE, f"{c.call.symbol} with allow_pickle=True unpickles object arrays.")


def keras_load(c: Context) -> Iterator[Finding]:
    if c.call.argument(("safe_mode",)).is_(False):
        yield c.say(rule.KERAS_UNSAFE, f"{c.call.symbol} with safe_mode=False lets the model bring Python byte code.")


def keras_unsafe(c: Context) -> Iterator[Finding]:
    yield c.say(rule.KERAS_UNSAFE, f"{c.call.symbol}() switches Keras' safe mode off for the whole process.")


def torch_hub(c: Context) -> Iterator[Finding]:
    """torch.hub.load(repo_or_dir, model, *args, source="github", ...)."""
    local = any(text == "local" for text, _ in c.call.argument(("source",)).values.texts())
    if local or (c.references and all((r.identity or "").startswith("file:") for r in c.references)):
        return
    if c.references and all(is_commit(r.revision) for r in c.references):
        yield c.say(rule.TORCH_HUB_PINNED, f"{c.call.symbol} runs hubconf.py of {c.what} at the pinned commit.")
        return
    known = any(r.identity for r in c.references)
    yield c.say(
        rule.TORCH_HUB,
        f"{c.call.symbol} runs hubconf.py of {c.what} as it is on the day.",
        severity=None if known else Severity.MEDIUM,
    )


def dataset_script(c: Context) -> Iterator[Finding]:
    target = c.call.argument((0, "path"))
    if not c.call.argument((TRUST,)).is_(True) and any(text.endswith(".py") for text, _ in target.values.texts()):
        yield c.say(rule.DATASET_SCRIPT, f"{c.call.symbol} runs a dataset's loading script.", severity=Severity.MEDIUM)


def exec_download(c: Context) -> Iterator[Finding]:
    args = c.call.node.args
    if args and from_network(c.call.ev.names, args[0], c.call.at):
        yield c.say(rule.EXEC_DOWNLOAD, f"{c.call.symbol} runs text that was downloaded.")


def safe_globals(c: Context) -> Iterator[Finding]:
    """torch.serialization.add_safe_globals([...]): elements are names, or (name, "as.written.in.the.file") pairs."""
    listed = c.call.node.args[0] if c.call.node.args else None
    elements = listed.elts if isinstance(listed, (ast.List, ast.Tuple, ast.Set)) else []
    for element in elements:
        plain = element.elts[0] if isinstance(element, ast.Tuple) and element.elts else element
        for name in c.call.ev.names.resolve(plain, c.call.at):
            path = name if "." in name else f"builtins.{name}"
            if look_up_path(path)[0].level == "dangerous":
                yield c.say(rule.SAFE_GLOBALS, f"{c.call.symbol} lets files use {cut(path)}, which runs code.")


CHECKS: Mapping[str, Callable[[Context], Iterator[Finding]]] = MappingProxyType(
    {
        "torch-load": torch_load,
        "torch-hub": torch_hub,
        "unpickle": unpickle,
        "yaml-load": yaml_load,
        "yaml-unsafe": yaml_unsafe,
        "yaml-typ": yaml_typ,
        "numpy-load": numpy_load,
        "keras-load": keras_load,
        "keras-unsafe": keras_unsafe,
        "dataset-script": dataset_script,
        "exec-download": exec_download,
        "safe-globals": safe_globals,
    }
)
