"""An inventory with what the hub says of its models and datasets.

Done after the judgement: the hub's words can be changed by whoever owns a repository there, and a gate that one run
passes and the next fails for the same commit is none.
"""

from __future__ import annotations

import dataclasses
import queue
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mlgate.hub.answer import Info, NoAnswer
from mlgate.hub.client import Client
from mlgate.hub.settings import HubSettings
from mlgate.records import Component, Inventory, Kind, ModelFacts, Pairs, Relation
from mlgate.references._targets import is_commit, is_repo_id

_PREFIXES = {Kind.MODEL: "hf:", Kind.DATASET: "dataset:hf:"}
_LINEAGE = frozenset({"fine-tuned-from", "adapter-of", "quantized-from", "merged-from"})
_SHOWN = 5

Question = tuple[Kind, str, str]
Answers = Mapping[Question, Info | str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Enriched:
    """The inventory with the hub's words in it, and what has to be said of the asking, a line each."""

    inventory: Inventory
    notes: tuple[str, ...] = ()


def enriched(inventory: Inventory, settings: HubSettings, client: Client | None = None) -> Enriched:
    """Asks the hub about everything of it that the inventory names. Whatever the hub does, there is a result."""
    components = _with_ends(inventory)
    asked = {component: question for component in components if (question := _question(component))}
    answers = _ask(sorted(set(asked.values())), settings, client or Client(settings))
    listed: list[Component] = []
    links: dict[tuple[str, str], set[str]] = {}
    for relation in inventory.relations:
        links.setdefault((relation.source, relation.target), set()).add(relation.kind)
    relations: set[Relation] = set()
    for component in components:
        answer = answers[asked[component]] if component in asked else None
        if isinstance(answer, Info):
            new = {r for r in _relations(component, answer) if _adds(r, links)}
            relations |= new
            listed.append(_told(component, answer, settings.url))
        elif isinstance(answer, str):
            listed.append(_with(component, (("hub:source", settings.url), ("hub:error", answer))))
        else:
            listed.append(component)
    known = {component.identity for component in listed}
    listed += [_named(target) for target in sorted({r.target for r in relations} - known)]
    superseded = {
        r for r in inventory.relations if r.kind == "derived-from" and any(_replaces(n, r) for n in relations)
    }
    made = dataclasses.replace(
        inventory,
        components=tuple(sorted(listed, key=lambda c: (c.kind.value, c.identity, c.version or ""))),
        relations=tuple(
            sorted({*inventory.relations, *relations} - superseded, key=lambda r: (r.source, r.target, r.kind))
        ),
    )
    return Enriched(inventory=made, notes=tuple(_notes(answers, settings)))


def _with_ends(inventory: Inventory) -> list[Component]:
    """The components, and those of the hub that only a relation names."""
    known = {component.identity for component in inventory.components}
    ends = sorted({end for r in inventory.relations for end in (r.source, r.target)} - known)
    made = [_only_named(end, (("named-by-relation-only", "true"),)) for end in ends if end.startswith(_ours())]
    return [*inventory.components, *made]


def _ours() -> tuple[str, ...]:
    return tuple(_PREFIXES.values())


def _only_named(identity: str, told: Pairs) -> Component:
    kind = Kind.DATASET if identity.startswith("dataset:") else Kind.MODEL
    name = identity.removeprefix(_PREFIXES[kind])
    return Component(kind=kind, identity=identity, name=name, properties=told)


def _named(identity: str) -> Component:
    """A base that only the hub names: nothing in the repository does, and it was not asked about."""
    return _only_named(identity, (("hub:named-by-hub-only", "true"),))


def _question(component: Component) -> Question | None:
    prefix = _PREFIXES.get(component.kind)
    if prefix is None or not component.identity.startswith(prefix):
        return None
    name = component.identity.removeprefix(prefix)
    return (component.kind, name, component.version or "") if is_repo_id(name) else None


def _ask(questions: list[Question], settings: HubSettings, client: Client) -> Answers:
    """An answer, or the reason for none, to each question.

    The threads are daemons and are left behind at the deadline: a hub that sends a byte now and then holds nobody up.
    """
    pending: queue.SimpleQueue[Question] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[Question, Info | str]] = queue.SimpleQueue()
    for question in questions:
        pending.put(question)

    def work() -> None:
        while True:
            try:
                question = pending.get_nowait()
            except queue.Empty:
                return
            answer: Info | str = "mlgate could not read the answer"
            try:
                answer = client.info(*question)
            except NoAnswer as error:
                answer = str(error)
            finally:
                done.put((question, answer))

    for _ in range(min(settings.parallel, len(questions))):
        threading.Thread(target=work, daemon=True).start()
    until = time.monotonic() + settings.deadline + 1
    found: dict[Question, Info | str] = {}
    while len(found) < len(questions):
        try:
            question, answer = done.get(timeout=max(0.01, until - time.monotonic()))
        except queue.Empty:
            break
        found[question] = answer
    late = f"the {settings.deadline:g} seconds for all questions are over"
    return {question: found.get(question, late) for question in questions}


def _with(component: Component, told: Pairs) -> Component:
    return dataclasses.replace(component, properties=tuple(dict.fromkeys((*component.properties, *told))))


def _told(component: Component, info: Info, source: str) -> Component:
    """The component with the hub's facts: each as a property, and as its own field where the repository says nothing.

    The digests of a repository's files are properties too: a component's `hashes` are those of one thing.
    """
    asked = component.identity.removeprefix(_PREFIXES[component.kind])
    told: list[tuple[str, str]] = [("hub:source", source)]
    told += [("hub:name", info.name)] if info.name != asked else []
    told += [("hub:resolved", info.commit)] if not is_commit(component.version) else []
    states = (("private", "true" if info.private else ""), ("disabled", "true" if info.disabled else ""))
    facts = (*states, ("gated", info.gated), ("last-modified", info.modified), ("task", info.task))
    told += [(f"hub:{key}", value) for key, value in (*facts, ("library", info.library)) if value]
    told += [("hub:license", name) for name in info.licenses]
    told += [("hub:base-model", f"{kind} {name}") for kind, name in info.bases]
    if is_commit(component.version):
        told += [("hub:file", f"{name} sha256:{digest}") for name, digest in info.files]
        told += [("hub:files-left-out", str(info.more))] if info.more else []
    made = dataclasses.replace(component, licenses=component.licenses or info.licenses)
    if component.kind is Kind.MODEL and info.task and not (component.model and component.model.task):
        made = dataclasses.replace(made, model=dataclasses.replace(made.model or ModelFacts(), task=info.task))
    return _with(made, tuple(told))


def _relations(component: Component, info: Info) -> Iterator[Relation]:
    if component.kind is Kind.MODEL:
        for kind, name in info.bases:
            if f"hf:{name}" != component.identity:
                yield Relation(source=component.identity, target=f"hf:{name}", kind=kind)


def _adds(new: Relation, links: Mapping[tuple[str, str], set[str]]) -> bool:
    """Whether it says more than the repository does: what a file here says of the same two stays as it is."""
    old = links.get((new.source, new.target), set())
    return not old & _LINEAGE and new.kind not in old


def _replaces(new: Relation, old: Relation) -> bool:
    return (new.source, new.target) == (old.source, old.target) and new.kind in _LINEAGE


def _notes(answers: Answers, settings: HubSettings) -> Iterator[str]:
    failed = [(question, answer) for question, answer in answers.items() if isinstance(answer, str)]
    if not failed:
        return
    yield f"{settings.url} gave no answer on {len(failed)} of {len(answers)} models and datasets (see the ML-BOM)."
    for (kind, name, revision), reason in failed[:_SHOWN]:
        yield f"{kind.value} {name}{f' at {revision}' if revision else ''}: {reason}."
    if len(failed) > _SHOWN:
        yield f"and {len(failed) - _SHOWN} more."
