"""Compose files, Kubernetes manifests and CI workflows to commands.

Formats: compose-spec.io, Kubernetes' Container v1 core and KServe's InferenceService, GitHub's workflow syntax,
GitLab's `.gitlab-ci.yml`, steps of Buildkite, CircleCI and Azure Pipelines, jobs of Read the Docs, commands of Task
and the scripts of others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlgate.errors import Incomplete
from mlgate.records import Artifact, Kind, Reference, Resolution
from mlgate.references import _commands_targets as targets
from mlgate.references._calls import cut
from mlgate.references._commands_match import program
from mlgate.references._commands_python import python
from mlgate.references._commands_read import Reader
from mlgate.references._commands_shell import Arg, Command, Shell, arg
from mlgate.references._commands_tokens import OPAQUE, parts_of
from mlgate.references._domain import Values, union
from mlgate.references._targets import is_commit
from mlgate.yaml_events import Map, Node, Scalar, Sequence, documents, get, scalar

_COMPOSE = re.compile(r"(.+[._-])?(docker-)?compose([._-].+)?\.ya?ml")
_CI = re.compile(
    r"(.*/)?(\.github/workflows/[^/]+|action|\.gitlab-ci|\.circleci/config|\.buildkite/.+|\.travis|azure-pipelines[^/]*|"
    r"\.azure-pipelines/.+|\.?readthedocs|[Tt]askfile([.-][^/]*)?|bitbucket-pipelines|\.drone|\.woodpecker(/.+)?|\.?appveyor|"
    r"buildspec|\.gitpod|\.cirrus)\.ya?ml"
)
_KUBERNETES = re.compile(rb"^apiVersion\s*:", re.MULTILINE)
_KIND = re.compile(rb"^kind\s*:", re.MULTILINE)
_RUNS = re.compile(rb"^(run|setup)\s*:", re.MULTILINE)  # SkyPilot's tasks
_RESOURCES = re.compile(rb"^resources\s*:", re.MULTILINE)
_SCRIPTS = (
    *("run", "setup", "before_script", "script", "after_script", "install", "commands", "command"),
    *("bash", "pwsh", "powershell", "sh", "cmd", "cmds", "init", "before", "before_install", "install_script"),
    # Read the Docs' build.jobs
    *("post_checkout", "pre_system_dependencies", "post_system_dependencies", "pre_create_environment"),
    *("create_environment", "post_create_environment", "pre_install", "post_install", "pre_build", "post_build"),
)
_KUBE_VARIABLE = re.compile(r"\$\(([A-Za-z_]\w*)\)")
# Go's templates, as Helm has them. A workflow's own ${{ }} stays.
_CONTROL = re.compile(r"^[ \t]*\{\{[^{}\n]*\}\}[ \t]*$", re.MULTILINE)
_EXPRESSION = re.compile(r"(?<!\$)\{\{[^{}\n]*\}\}")
_MOST_NODES = 100_000


def claims(artifact: Artifact) -> bool:
    """Whether a YAML file is one of these, by its path or by the keys that its head has."""
    path, head = artifact.path, artifact.head
    if _COMPOSE.fullmatch(artifact.name.lower()) or _CI.fullmatch(path):
        return True
    if _KUBERNETES.search(head) and _KIND.search(head):
        return True
    return bool(_RESOURCES.search(head) and _RUNS.search(head))


def read(reader: Reader, text: str) -> Iterator[Reference]:
    """What the commands in a YAML file load. Raises Incomplete when it is not YAML.

    Of a template that does not become YAML when its expressions are taken for unknown texts, only that is said.
    """
    if _CI.fullmatch(reader.path):
        reader.base = ""
    plain = _EXPRESSION.sub(OPAQUE, _CONTROL.sub("", text))
    try:
        yield from _documents(reader, plain)
    except Incomplete as stop:
        if plain == text or stop.reason != "malformed":
            raise
        found = reader.table.hint.search(text)
        at = found.start() if found else 0
        line = text.count("\n", 0, at) + 1
        yield Reference(
            kind=Kind.MODEL,
            identity=None,
            location=reader.locate(line, line),
            symbol="template",
            resolution=Resolution.UNKNOWN,
            expression=cut(text[at:].partition("\n")[0].strip()),
        )


def _documents(reader: Reader, text: str) -> Iterator[Reference]:
    for document in documents(text):
        pending: list[tuple[Node, Shell]] = [(document, Shell())]
        seen: set[int] = set()
        while pending:
            node, shell = pending.pop()
            if id(node) in seen or len(seen) > _MOST_NODES:
                continue
            seen.add(id(node))
            if isinstance(node, Sequence):
                pending.extend((item, shell) for item in reversed(node.items))
            if not isinstance(node, Map):
                continue
            shell = _scope(node, shell)
            yield from _container(reader, node, shell, text)
            yield from _declared(reader, node)
            pending.extend((value, shell) for _, value in reversed(node.pairs))


def _scope(node: Map, shell: Shell) -> Shell:
    """The variables that hold below a mapping: its `env`, and for workflows the matrix and defaults of inputs."""
    given = _environment(node)
    matrix = get(get(node, "strategy"), "matrix")
    inputs = get(node, "inputs") if get(node, "runs") else None
    for event in ("workflow_dispatch", "workflow_call"):
        inputs = inputs or get(get(get(node, "on"), event), "inputs")
    if not given and matrix is None and inputs is None:
        return shell
    shell = shell.copy()
    for name, value in given:
        values = value.values.at_best(Resolution.CONSTANT)
        shell.assign(name, values)
        shell.assign("{{env." + name + "}}", values)
    for key, node_of in matrix.pairs if isinstance(matrix, Map) else ():
        if isinstance(node_of, Sequence):
            shell.assign("{{matrix." + key + "}}", _one_of(node_of))
    for key, node_of in inputs.pairs if isinstance(inputs, Map) else ():
        default = scalar(get(node_of, "default"))
        if default is not None and default.value:
            values = arg(default.value, 1, Resolution.DEFAULT).values
            shell.assign("{{inputs." + key + "}}", values)
            shell.assign("{{github.event.inputs." + key + "}}", values)
    return shell


def _one_of(node: Sequence) -> Values:
    return union(arg(s.value, 1, Resolution.CONSTANT).values for n in node.items if (s := scalar(n)))


def _environment(node: Map) -> list[tuple[str, Arg]]:
    """`env` or `environment` as a mapping, as a list of `NAME=value`, or as Kubernetes' list of name and value."""
    found: list[tuple[str, Arg]] = []
    for key in ("environment", "env", "variables", "envs"):
        value = get(node, key)
        if isinstance(value, Map):
            pairs = [(name, scalar(given)) for name, given in value.pairs]
            found += [(name, _expanded(given.value, given.line)) for name, given in pairs if given]
        for item in value.items if isinstance(value, Sequence) else ():
            if isinstance(item, Map):
                name, given = scalar(get(item, "name")), scalar(get(item, "value"))
                if name and given:
                    found.append((name.value, _expanded(given.value, given.line)))
            elif (pair := scalar(item)) and "=" in pair.value:
                name_of, _, text = pair.value.partition("=")
                found.append((name_of, _expanded(text, pair.line)))
    return found


def _expanded(text: str, line: int, shell: Shell | None = None) -> Arg:
    """One word with the variables that Compose, Kubernetes or a workflow puts into it."""
    if "$" not in text and "{{" not in text and OPAQUE not in text:
        return arg(text, line)
    text = _KUBE_VARIABLE.sub(r"${\1}", text).replace("$$", "$")
    parts = parts_of(text)
    values = (shell or Shell()).values(parts)
    first, last = parts[0], parts[-1]
    return Arg(values, text, line, first if isinstance(first, str) else "", last if isinstance(last, str) else "")


def _words(node: Node | None, shell: Shell) -> tuple[Arg, ...]:
    """The words of a list."""
    items = node.items if isinstance(node, Sequence) else ()
    return tuple(_expanded(s.value, s.first, shell) for item in items if (s := scalar(item)))[:2000]


def _container(reader: Reader, node: Map, shell: Shell, text: str) -> Iterator[Reference]:
    """A container's image, words and variables; or a step's or job's script."""
    image = scalar(get(node, "image"))
    given = tuple(_environment(node))
    words: tuple[Arg, ...] = ()
    for key in ("entrypoint", "command", "args"):
        value = get(node, key)
        if image and key != "args" and (one := scalar(value)):
            found = shell.copy().run(": " + one.script(text), one.first)  # split like a shell's, and not run by one
            words += tuple(a for command in found for a in command.args)[1:]
        else:
            words += _words(value, shell)
    line = words[0].line if words else image.line if image else node.line
    command = Command(args=words, line=line, end=words[-1].line if words else line)
    name = _expanded(image.value, line, shell) if image else None
    if image or given or words:
        yield from reader.container(shell, command, given, (name.plain or name.text) if name else "", words, 0)
    for key in _SCRIPTS:
        value = get(node, key)
        if key != "command" or (isinstance(value, Scalar) and not image):
            yield from _script(reader, value, shell, text)
    for key, value in node.pairs:
        if isinstance(value, Scalar) and (key.endswith(".sh") or (key == "source" and image)):
            python_too = key == "source" and words and program(words[0]) == "python"
            if python_too:
                yield from python(value.value, value.first, reader.locate, reader.path, None)
            else:
                yield from _script(reader, value, shell, text)


def _script(reader: Reader, node: Node | None, shell: Shell, text: str) -> Iterator[Reference]:
    if isinstance(node, Scalar):
        yield from reader.script(shell, node.script(text), node.first)
    elif isinstance(node, Sequence):
        for item in node.items:
            if isinstance(item, Scalar):
                yield from reader.script(shell, item.script(text), item.first)


def _declared(reader: Reader, node: Map) -> Iterator[Reference]:
    """What a manifest declares: KServe's `storageUri`, the `url` of KubeAI's Model, Compose's models."""
    for key in ("storageUri", "storage_uri"):
        if value := scalar(get(node, key)):
            yield from _storage(reader, value, key)
    kind, spec = scalar(get(node, "kind")), get(node, "spec")
    if kind and kind.value == "Model" and (url := scalar(get(spec, "url"))):
        yield from _storage(reader, url, "url")
    models = get(node, "models") if get(node, "services") else None
    for _, model in models.pairs if isinstance(models, Map) else ():
        if value := scalar(get(model, "model")):
            yield from _storage(reader, value, "model", "docker://")


def _storage(reader: Reader, value: Scalar, symbol: str, scheme: str = "") -> Iterator[Reference]:
    text = value.value
    found = targets.docker(text) if scheme else targets.storage(text)
    if found is None:
        return
    known = found.identity is not None
    yield Reference(
        kind=Kind.MODEL,
        identity=found.identity,
        location=reader.locate(value.line, value.line),
        symbol=symbol,
        revision=found.revision,
        pinned=found.hub and is_commit(found.revision),
        resolution=Resolution.LITERAL if known else Resolution.UNKNOWN,
        purl=found.purl,
        expression=cut(text),
    )
