"""From what a stream does to what is reported: each import and call judged by the table, with its arguments."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from mlgate import rules as catalogue
from mlgate.pickles import rules
from mlgate.pickles.arguments import GETATTR, LIVE, PARTIALS, Arguments
from mlgate.pickles.embedded import described
from mlgate.pickles.expressions import called, constant, render, resolve
from mlgate.pickles.joblib import is_wrapper_name
from mlgate.pickles.state import Event, Oddity, Planted
from mlgate.pickles.table import UNKNOWN, Entry, look_up, look_up_path, looks_like_class
from mlgate.pickles.values import Bag, Call, Global, Opaque, Value, items_of
from mlgate.pickles.window import Constant, Window
from mlgate.records import Artifact, Finding, Location, Rule, Severity

_DISTINCT = 200  # findings of one rule about one stream; more of the same say nothing new
_NAMES = 50_000  # names whose calls are counted one by one
_PATIENCE = 64  # events after which an import that nobody called yet is reported as an import
CHANGES = frozenset({"build", "setitems", "appends", "additems"})
_INSTANCES = frozenset({"newobj", "newobj_ex"})
_CONSTRUCTORS = frozenset({"copyreg._reconstructor", "copyreg.__newobj__", "copyreg.__newobj_ex__"})
# Python 3 writes these for `collections` in protocol 2 (_compat_pickle has three names for it, and takes the last)
_WRITTEN_FOR_COLLECTIONS = frozenset({"UserDict", "UserList", "UserString"})
_TWO_CLASSES = frozenset({"copyreg._reconstructor", "numpy.ma.core._mareconstruct"})
_UFUNCS = frozenset({"scipy.special", "scipy.special._ufuncs"})


class Judge:
    """Judges the events of one file's streams. `safe_prefixes` are modules that the container resolves itself.

    `expect_persistent` says that the container stores objects beside the stream (torch). `ran` tells whether
    anything not known to be safe has been called so far; `imports` holds every imported name, `events` counts.
    """

    def __init__(
        self,
        artifact: Artifact,
        window: Window,
        *,
        expect_persistent: bool = False,
        safe_prefixes: tuple[str, ...] = (),
    ) -> None:
        self.artifact = artifact
        self.window = window
        self.ran = False
        self.critical = False
        self.imports: dict[str, Entry] = {}
        self.persistent: list[Opaque] = []
        self.arguments = Arguments(window, self.entry)
        self._settled: set[Value] = set()
        self._classes: set[Value] = set()  # settled as instances
        self._bare: set[Value] = set()  # the same without anything but constants for __new__
        self._due = 0
        self._described = 0
        self._expect_persistent = expect_persistent
        self._safe_prefixes = safe_prefixes
        self._entries: dict[int, tuple[Global, Entry]] = {}
        self._waiting: dict[str, tuple[Global, Entry, int]] = {}
        self.events = 0
        self._told: set[tuple[str, str]] = set()
        self._count: Counter[str] = Counter()

    def continues(self, before: Judge) -> None:
        """Takes over what was said and seen in the stream before this one."""
        self.ran = before.ran
        self.critical = before.critical
        self.imports = before.imports
        self.persistent = before.persistent
        self._told = before._told
        self._count = before._count

    def passes(self, call: Call) -> bool:
        """Whether there is nothing to say of a call, because its like was judged before: the many of a large file."""
        self.events += 1
        if call.kind in CHANGES:
            target = call.callee
            return (
                isinstance(target, Call)
                and isinstance(target.callee, Global)
                and target.callee.path not in LIVE
                and (call.kind != "build" or target.callee.path not in PARTIALS)
            )
        if call.callee in self._classes:
            return call.kind in _INSTANCES
        if call.callee in self._bare:
            return call.kind in _INSTANCES and call.args.__class__ is tuple
        return call.callee in self._settled or (call.args.__class__ is tuple and call.callee in self.arguments.plain)

    def judge(self, event: Event) -> Iterator[Finding]:
        """What is to be said of one event."""
        if isinstance(event, Call):
            yield from self._call(event)
            if event.kind not in CHANGES:
                yield from self._embedded(event)
        elif isinstance(event, Global):
            self._import(event)
        elif isinstance(event, Opaque):
            yield from self._persist(event)
        elif isinstance(event, Oddity):
            yield from self._odd(event)
        elif isinstance(event, Planted):
            yield from self._planted(event)
        if self._waiting and self.events >= self._due:
            yield from self.flush()

    def flush(self) -> Iterator[Finding]:
        """Reports imports that were not reported through a call."""
        waiting = tuple(self._waiting.values())
        self._waiting.clear()
        for imported, entry, offset in waiting:
            rule = rules.DANGEROUS_IMPORT if entry.level == "dangerous" else rules.UNKNOWN_GLOBAL
            message = f"imports {_code(imported.path)}: {entry.reason}"
            yield from self._say(rule, offset, message, imported.path, name=imported.path)

    # -- imports

    def entry(self, imported: Global) -> Entry:
        """The table's word on an import: the worse of its Python 3 name and the name as the stream spells it."""
        known = self._entries.get(id(imported))
        if known is not None:
            return known[1]
        entry = look_up(imported.module, imported.name)
        renamed = (imported.raw_module, imported.raw_name) != (imported.module, imported.name)
        if renamed and imported.raw_module not in _WRITTEN_FOR_COLLECTIONS:
            raw = look_up(imported.raw_module, imported.raw_name)
            entry = raw if raw.level == "dangerous" else entry
        if entry is UNKNOWN and imported.module.startswith(self._safe_prefixes or ("\0",)):
            entry = Entry(level="safe", reason="a type of the archive's own code")
        self._entries[id(imported)] = (imported, entry)
        return entry

    def _import(self, imported: Global) -> None:
        entry = self.entry(imported)
        self.imports[imported.path] = entry
        self.imports[f"{imported.raw_module}.{imported.raw_name}"] = entry
        if entry.level != "safe":
            self._waiting.setdefault(imported.path, (imported, entry, imported.offset))
            self._due = self.events + _PATIENCE

    # -- calls

    def _call(self, call: Call) -> Iterator[Finding]:
        callee = self._module(call.callee)
        if call.kind in CHANGES:
            if isinstance(callee, Global):
                self.ran = True
                yield from self._say(rules.CHANGED_IMPORT, call.offset, f"changes {callee.path}", self._shown(call))
            else:
                yield from self._change(call)
            return
        if isinstance(callee, Global):
            entry = self.entry(callee)
            if callee.path in GETATTR and self.arguments.is_method(call):
                self._waiting.pop(callee.path, None)
                return
            if entry.level == "safe":
                if entry.args:
                    yield from self._arguments(call, callee, entry)
                else:
                    self._settled.add(callee)
                return
            if entry.level == "unknown" and looks_like_class(callee.path) and not entry.standard:
                self._classes.add(callee)  # its import is reported
            yield from self._judged(call, entry, callee.path)
            return
        path = called(self.window, call)
        if path is None:
            if self._worth("?"):
                yield from self._unknown(call, self._shown(call), "calls what another call returned")
            return
        entry, _ = look_up_path(path)
        if entry.level != "safe":
            yield from self._judged(call, entry, path)
        elif entry.args:
            yield from self._unusual(call, path)

    def _module(self, callee: Value) -> Value:
        """The class that torch's legacy files name in a persistent id together with its source (_legacy_save)."""
        if self._expect_persistent and isinstance(callee, Opaque) and not isinstance(callee.detail, str):
            parts = items_of(callee.detail)
            if len(parts) > 1 and constant(self.window, parts[0]) == "module" and isinstance(parts[1], Global):
                return parts[1]
        return callee

    def _judged(self, call: Call, entry: Entry, path: str) -> Iterator[Finding]:
        """A call of something that is not known to be safe."""
        if entry.level == "dangerous":
            self.ran = True
            self._waiting.pop(path, None)
            if not self._worth(path):
                return
            severity = Severity.HIGH if entry.high else None
            shown = self._shown(call)
            through = "" if shown.startswith(path) else f" (it reaches {_code(path)})"
            message = f"runs {_code(shown)}{through}: {entry.reason}"
            yield from self._say(rules.DANGEROUS_CALL, call.offset, message, shown, name=path, severity=severity)
        elif call.kind in ("reduce", "obj", "inst") and (
            not looks_like_class(path)
            or (entry.standard and (items_of(call.args) or call.args.__class__ is not tuple))
            or any(map(self.arguments.reaches, items_of(call.args)))
        ):
            yield from self._unknown(call, path, "calls")
        elif not isinstance(call.callee, Global):
            yield from self._say(rules.UNKNOWN_GLOBAL, call.offset, f"instantiates {_code(path)}", path, name=path)

    def _embedded(self, call: Call) -> Iterator[Finding]:
        """Code among the arguments of a call, and what it reaches."""
        if self._described >= _DISTINCT:
            return
        found = described(self.window, call)
        if found is not None:
            self._described += 1
            severity = Severity.CRITICAL if found.dangerous else None
            message = f"carries code that {found.text}"
            yield from self._say(rules.EMBEDDED, call.offset, message, found.text, severity=severity)

    def _worth(self, path: str) -> bool:
        """Whether one more call of this name is worth to be written out; millions of the same are not."""
        key = path if len(self._count) < _NAMES else ""
        self._count[key] += 1
        return self._count[key] <= _DISTINCT

    def _unknown(self, call: Call, path: str, verb: str) -> Iterator[Finding]:
        self.ran = True
        self._waiting.pop(path, None)
        if not self._worth(path):
            return
        message = f"{verb} {_code(self._shown(call))}, which is not a known function"
        yield from self._say(rules.UNKNOWN_CALL, call.offset, message, path, name=path)

    def _change(self, call: Call) -> Iterator[Finding]:
        """A change of what a chain of calls returned: of interest when the chain ends at an imported object."""
        target = call.callee
        path = resolve(self.window, target)
        if isinstance(target, Call) and isinstance(target.callee, Global):
            if target.callee.path in LIVE:
                path = path or target.callee.path
            elif target.callee.path in PARTIALS:
                yield from self._replaced(call, target)
                return
        if path is not None:
            self.ran = True
            message = f"changes {_code(path)}"
            yield from self._say(rules.CHANGED_IMPORT, call.offset, message, self._shown(call), name=path)

    def _replaced(self, call: Call, partial: Call) -> Iterator[Finding]:
        """The state of a partial (function, arguments, keywords, attributes): its function may not be another one."""
        state, known = items_of(call.args), items_of(partial.args)
        if len(state) != 4 or not known or state[0] is not known[0] or (isinstance(state[3], Bag) and state[3].count):
            yield from self._unusual(call, "functools.partial")

    def _planted(self, event: Planted) -> Iterator[Finding]:
        """A method in a state: of interest when its value is not known as data."""
        value = event.value
        if isinstance(value, Global):
            entry = self.entry(value)
            harmless = entry.level == "safe" and event.name != "__class__"
        elif event.name and isinstance(value, Call) and isinstance(value.callee, Global):
            entry = self.entry(value.callee)
            harmless = value.callee.path not in PARTIALS and event.name != "__class__"
            if not harmless and event.name != "__class__":
                path = resolve(self.window, value)
                harmless = path is not None and look_up_path(path)[0].level == "safe"
        else:
            harmless = isinstance(value, Call) and not event.name and self.arguments.makes_a_mapping(value)
        if not harmless:
            self.ran = True
            shown = render(self.window, value)
            message = f"sets {_code(event.name or 'the state')} of an instance to {_code(shown)}"
            yield from self._say(rules.PLANTED, event.offset, message, f"{event.name} {shown}", name=event.name)

    def _arguments(self, call: Call, callee: Global, entry: Entry) -> Iterator[Finding]:
        """Arguments of a name that is safe only with the right ones (see globals.toml)."""
        items = items_of(call.args)
        if entry.args == "import":
            yield from self._named(call, callee, [constant(self.window, item) for item in items[:2]])
        elif entry.args == "callables":
            for item in items:
                if resolve(self.window, item) is not None or not self.arguments.is_data(item):
                    yield from self._first(call, callee, item, runs=True)
        elif entry.args in ("class", "callable"):
            for item in items[: 2 if callee.path in _TWO_CLASSES else 1] or ((),):
                yield from self._first(call, callee, item, runs=entry.args == "callable")
        elif not self.arguments.fits(call, entry, items):
            yield from self._unusual(call, callee.path)
        elif entry.args == "bare" and call.kind in _INSTANCES and not is_wrapper_name(callee):
            self._bare.add(callee)

    def _named(self, call: Call, callee: Global, words: list[Constant]) -> Iterator[Finding]:
        """Module and name are arguments: what they name decides, and names that are made at load time are unusual."""
        module, name = words if len(words) == 2 else (None, None)
        if not isinstance(module, str) or not isinstance(name, str):
            yield from self._unusual(call, callee.path)
            return
        named = look_up(module, name)
        if named.level == "dangerous":
            yield from self._judged(call, named, f"{module}.{name}")
        elif named.args != "refer" and (module not in _UFUNCS or not name.isidentifier() or name.startswith("_")):
            yield from self._unusual(call, callee.path)

    def _first(self, call: Call, callee: Global, first: Value, *, runs: bool) -> Iterator[Finding]:
        """An argument, mostly the first, is a class to instantiate or (`runs`) a function to call: it decides."""
        path = resolve(self.window, first)
        if path is None:
            yield from self._unusual(call, callee.path)
            return
        named = self.entry(first) if isinstance(first, Global) else look_up_path(path)[0]
        if named.level == "dangerous":
            yield from self._judged(call, named, path)
        elif not isinstance(first, Global) or (is_wrapper_name(first) and callee.path not in _CONSTRUCTORS):
            yield from self._unusual(call, callee.path)
        elif named.level == "unknown" and runs:
            yield from self._unknown(call, path, "calls")

    def _unusual(self, call: Call, name: str) -> Iterator[Finding]:
        self.ran = True
        shown = self._shown(call)
        yield from self._say(rules.UNUSUAL_ARGUMENTS, call.offset, f"runs {_code(shown)}", shown, name=name)

    # -- the rest

    def _persist(self, event: Opaque) -> Iterator[Finding]:
        if len(self.persistent) < 100_000:
            self.persistent.append(event)
        if not self._expect_persistent and ("persistent", "") not in self._told:
            self._told.add(("persistent", ""))
            shown = render(self.window, event)
            yield from self._say(rules.PERSISTENT, event.offset, f"asks the loader for {shown}", "persistent id")

    def _odd(self, event: Oddity) -> Iterator[Finding]:
        rule = rules.FRAMES if event.kind == "frame" else rules.EXTENSION
        if event.kind == "ext":
            self.ran = True
        yield from self._say(rule, event.offset, event.detail, event.detail if event.kind == "ext" else "frame")

    def _shown(self, call: Call) -> str:
        return render(self.window, call)

    def at(self, offset: int) -> Location:
        """A location in the artifact."""
        return self.artifact.at(offset=offset)

    def _say(
        self, rule: Rule, offset: int, message: str, evidence: str, *, name: str = "", severity: Severity | None = None
    ) -> Iterator[Finding]:
        key = (rule.id, evidence)
        if key in self._told or self._count[rule.id] >= _DISTINCT:
            return
        self._told.add(key)
        self._count[rule.id] += 1
        self.critical = self.critical or (severity or rule.severity) is Severity.CRITICAL
        facts = (("global", name[:300]),) if name else ()
        location = self.at(offset)
        yield catalogue.finding(
            rule,
            location,
            f"{message[:1].upper()}{message[1:500]}.",
            evidence=evidence[:300],
            severity=severity,
            facts=facts,
        )


def _code(text: str) -> str:
    """Marked as code for the reports; a backtick inside would end the mark."""
    return "`" + text[:300].replace("`", "'") + "`"
