"""What a policy says about signed models, against a tree of files: unsigned, another signer, other content."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from mlgate import rules
from mlgate.policy.demands import glob
from mlgate.records import Category, Component, Finding, Kind, Location, Rule, Severity
from mlgate.signing import statement
from mlgate.signing.crypto import OtherSigner, Refused
from mlgate.signing.statement import Malformed, Signed, Unsupported

_ENDINGS = (".sig", ".sigstore", ".sigstore.json")
_MOST = 200  # signature files of a tree
_NAMED = 5  # files that a message names
_NEVER = (".git", ".gitattributes", ".github", ".gitignore")  # what model-signing leaves out by itself


def _rule(number: int, title: str, text: str, remediation: str) -> Rule:
    return Rule(
        id=f"MLG-LIN-{number:03}",
        title=title,
        severity=Severity.HIGH,
        category=Category.LINEAGE,
        help=text,
        remediation=remediation,
        cwe=("CWE-345", "CWE-353"),
        atlas=("AML.T0010",),
        owasp=("LLM03:2025",),
    )


UNSIGNED = _rule(
    20,
    "Model without the signature that the policy asks for",
    "`models.signature` names who has to sign the models of this path, and no signature file beside the model or above "
    "it (`*.sig`, `*.sigstore.json`) speaks of this file.",
    "Have its owner sign it (`model_signing sign`, OpenSSF Model Signing), and commit the signature beside the model.",
)
REFUSED = _rule(
    21,
    "Signature that does not verify",
    "A signature file speaks of the model and does not hold: it was not made by the key or under the root of trust "
    "that the policy names, or it was changed since.",
    "Get model and signature again from their source; do not load the model before they agree.",
)
OTHER = _rule(
    22,
    "Model signed by somebody else",
    "The signature holds, and it is not of the identity that the policy names.",
    "Find out who signed it and why. If that is right, change `models.signature`; else get the model from its source.",
)
CONTENT = _rule(
    23,
    "Signed model with other content",
    "The signature holds, and the files are not those that were signed: one is missing, one has other bytes, or one is "
    "there that nobody signed. For Git LFS pointers the digest in the pointer counts.",
    "Get the model again from its source, or have the change signed.",
)
RULES = (UNSIGNED, REFUSED, OTHER, CONTENT)


class Signer(Protocol):
    """Who has to have signed; see crypto.Key and crypto.Identity."""

    def verify(self, signed: Signed) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """One entry of `models.signature`."""

    models: tuple[str, ...]
    signer: Signer


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """The files of a tree. `read` gives a file's bytes, at most so many and one more; `digest` its SHA-256 in hex (of
    an LFS pointer the content's), or None when it cannot be read.
    """

    paths: frozenset[str]
    read: Callable[[str, int], bytes]
    digest: Callable[[str], str | None]


def check(clauses: Iterable[Clause], components: Iterable[Component], tree: Tree) -> Iterator[Finding]:
    """What the clauses have to say of the models in the tree."""
    clauses = list(clauses)
    models = sorted(
        path
        for component in components
        if component.kind is Kind.MODEL and (path := component.identity.removeprefix("file:")) in tree.paths
    )
    files = _signatures(tree)
    for clause in clauses:
        patterns = [glob(pattern) for pattern in clause.models]
        wanted = [path for path in models if any(pattern.fullmatch(path) for pattern in patterns)]
        told: set[str] = set()
        for path in wanted:
            found = next((each for each in _near(path, files) if _speaks(each, files[each], path)), None)
            if found is None:
                message = f"No signature speaks of {path}."
                yield rules.finding(UNSIGNED, Location(path=path), message, subject=f"file:{path}")
            elif found not in told:
                told.add(found)
                yield from _judged(found, files[found], clause, path, tree)


def _signatures(tree: Tree) -> dict[str, Signed | Malformed | Unsupported]:
    """Every signature file, read."""
    found: dict[str, Signed | Malformed | Unsupported] = {}
    for path in sorted(each for each in tree.paths if each.lower().endswith(_ENDINGS))[:_MOST]:
        data = tree.read(path, statement.LARGEST)
        if not statement.looks_like_one(data[:4096]):
            continue
        try:
            if len(data) > statement.LARGEST:
                raise Malformed(f"over {statement.LARGEST:,} bytes")  # noqa: TRY301
            found[path] = statement.read(data)
        except (Malformed, Unsupported) as stop:
            found[path] = stop
    return found


def _near(path: str, files: Mapping[str, object]) -> Iterator[str]:
    """The signature files beside a path and above it, nearest first."""
    folder = path
    while folder:
        folder = folder.rpartition("/")[0]
        start = f"{folder}/" if folder else ""
        yield from (each for each in files if each.startswith(start) and "/" not in each[len(start) :])


def _root(signature: str) -> str:
    folder, slash, _ = signature.rpartition("/")
    return folder + slash


def _speaks(signature: str, signed: Signed | Malformed | Unsupported, path: str) -> bool:
    """Whether a signature is about a model: one that cannot be read is about everything beside it."""
    if not isinstance(signed, Signed):
        return True
    return path in _content(signature, signed)


def _content(signature: str, signed: Signed) -> dict[str, str]:
    """The signed files by their paths in the tree. A model of one file has the name "." or its own."""
    root = _root(signature)
    return {root + (signed.name.rpartition("/")[2] if name == "." else name): d for name, d in signed.files.items()}


def _judged(
    signature: str, signed: Signed | Malformed | Unsupported, clause: Clause, path: str, tree: Tree
) -> Iterator[Finding]:
    where, subject = Location(path=signature), f"file:{path}"
    if isinstance(signed, Unsupported):
        yield rules.incomplete("unsupported", where, f"a signature that is not checked: {signed}")
        return
    if isinstance(signed, Malformed):
        message = f"{signature} is no signature: {signed}."
        yield rules.finding(REFUSED, where, message, evidence=str(signed), subject=subject)
        return
    try:
        clause.signer.verify(signed)
    except Refused as stop:
        message = f"{signature} does not verify: {stop}."
        yield rules.finding(REFUSED, where, message, evidence=str(stop), subject=subject)
        return
    except OtherSigner as stop:
        message = f"{signature} is somebody else's: {stop}."
        yield rules.finding(OTHER, where, message, evidence=str(stop), subject=subject)
        return
    for what, paths in _differences(signature, signed, tree):
        names = ", ".join(paths[:_NAMED]) + (f" and {len(paths) - _NAMED:,} more" if len(paths) > _NAMED else "")
        message = f"{signature} was made of other files: {what} {names}."
        yield rules.finding(CONTENT, where, message, evidence=f"{what} {','.join(paths)[:2000]}", subject=subject)


def _differences(signature: str, signed: Signed, tree: Tree) -> Iterator[tuple[str, list[str]]]:
    content = _content(signature, signed)
    yield from _told("missing", sorted(path for path in content if path not in tree.paths))
    there = sorted(path for path in content if path in tree.paths)
    yield from _told("changed", [path for path in there if tree.digest(path) != content[path]])
    root = _root(signature)
    if root and "." not in signed.files:  # at the repository's root the rest of it is no part of the model
        ignored = tuple(f"{root}{name}" for name in (*_NEVER, *map(_relative, signed.ignored)) if name)
        extra = (path for path in tree.paths if path.startswith(root) and path not in content and path != signature)
        left = [path for path in extra if not any(path == name or path.startswith(f"{name}/") for name in ignored)]
        yield from _told("unsigned", sorted(left))


def _relative(name: str) -> str:
    """A path that the signer left out, below the model; absolute ones are of the signer's machine."""
    return "" if name.startswith(("/", "../")) or name in {"", ".", ".."} else name.removeprefix("./")


def _told(what: str, paths: list[str]) -> Iterator[tuple[str, list[str]]]:
    if paths:
        yield what, paths
