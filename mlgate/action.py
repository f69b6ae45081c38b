"""The gate as a GitHub action: inputs and event -> pipeline -> files, comment, summary, annotations -> exit code."""

from __future__ import annotations

import dataclasses
import io
import os
import sys
import tempfile
import time
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from mlgate import __version__
from mlgate.errors import Exit, MlgateError
from mlgate.github import api, second
from mlgate.github.basis import Basis, find_basis
from mlgate.github.checkout import Remote, repository_root
from mlgate.github.client import ApiError, Client
from mlgate.github.commands import Commands
from mlgate.github.comment import Outcome, Sticky, publish
from mlgate.github.event import Event, parse_event, read_payload
from mlgate.github.extend import fetcher
from mlgate.github.inputs import Inputs, Sarif, read_inputs
from mlgate.github.report import annotate, error_summary, notice
from mlgate.github.workspace import folder, parts, place
from mlgate.pipeline import scan
from mlgate.policy_source import PLACES as POLICY_PLACES
from mlgate.reports.context import ReportContext
from mlgate.settings import Result, Settings

if TYPE_CHECKING:
    from mlgate.hub import HubSettings
    from mlgate.records import Inventory

OSV_URL = "https://api.osv.dev"
# Tokens of the runner that nothing here needs and no child process may inherit.
_SECRET = ("INPUT_", "ACTIONS_", "GIT_", "GITHUB_TOKEN", "GH_TOKEN", "NETRC", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
_OUTPUTS = {"bom": "bom.cdx.json", "sarif": "mlgate.sarif", "findings": "findings.json", "report": "report.html"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run: what was asked for, by which event, where, and on which server."""

    environ: Mapping[str, str]
    inputs: Inputs
    event: Event
    workspace: Path
    target: Path
    root: Path

    @property
    def server(self) -> str:
        """The web address of GitHub or GHES without an end slash."""
        return (self.environ.get("GITHUB_SERVER_URL") or "https://github.com").rstrip("/")

    @property
    def context(self) -> ReportContext:
        """What the reports know of the run."""
        number = self.environ.get("GITHUB_RUN_ID", "")
        return ReportContext(
            tool_version=__version__,
            repository=self.event.repository,
            server_url=self.server,
            head_sha=self.event.head_sha,
            path=self.target.relative_to(self.root).as_posix(),
            run_url=f"{self.server}/{self.event.repository}/actions/runs/{number}" if number.isdecimal() else "",
        )

    def connect(self) -> Client:
        """A client of the server's API."""
        base = self.environ.get("GITHUB_API_URL") or "https://api.github.com"
        return Client(base, self.inputs.token, timeout=self.inputs.api_timeout)


def _today(environ: Mapping[str, str]) -> date:
    epoch = environ.get("SOURCE_DATE_EPOCH", "")
    return datetime.fromtimestamp(int(epoch) if epoch.isdecimal() else time.time(), UTC).date()


def _database(inputs: Inputs, workspace: Path) -> Path | None:
    if not inputs.db:
        return None
    if not inputs.db.startswith("/"):
        return folder(workspace, inputs.db, "db")
    if not Path(inputs.db).is_dir():
        raise MlgateError(
            f"The input `db` is {inputs.db[:200]!r}, which is no folder.",
            "An absolute path is one inside the container: the workspace is at /github/workspace there.",
        )
    return Path(inputs.db)


def _prepare(environ: Mapping[str, str]) -> Run:
    inputs = read_inputs(environ)
    parts(inputs.output_dir, "output-dir")
    parts(inputs.policy, "policy")
    event = parse_event(
        environ.get("GITHUB_EVENT_NAME", ""),
        read_payload(environ.get("GITHUB_EVENT_PATH", "")),
        repository=environ.get("GITHUB_REPOSITORY", ""),
        sha=environ.get("GITHUB_SHA", ""),
        allow_target=inputs.allow_pull_request_target,
    )
    workspace = Path(environ.get("GITHUB_WORKSPACE") or Path.cwd()).resolve()
    target = folder(workspace, inputs.path, "path")
    root = repository_root(workspace, target)
    return Run(environ=environ, inputs=inputs, event=event, workspace=workspace, target=target, root=root)


def _settings(run: Run, basis: Basis) -> Settings:
    if run.inputs.policy and not basis.local and basis.policy is None:
        raise MlgateError(
            f"There is no policy {run.inputs.policy[:200]!r} at the base {basis.sha[:12]}.",
            "A policy takes effect when it is on the base.",
        )
    return Settings(
        root=run.target,
        policy_file=run.inputs.policy,
        base=basis.sha,
        remote_base=not basis.local,
        policy_text=basis.policy,
        policy_source=basis.policy_path,
        changed=basis.changed,
        mode=run.inputs.mode,
        enforce=run.inputs.enforce,
        jobs=os.cpu_count() or 1,
        offline=run.inputs.offline,
        database=_database(run.inputs, run.workspace),
        osv_url=run.environ.get("MLGATE_OSV_URL") or OSV_URL,
        today=_today(run.environ),
        trusted=True,
        notes=basis.notes,
        fetch=fetcher(run.connect),
    )


def _comment(run: Run, result: Result, body: str, context: ReportContext) -> Outcome | None:
    from mlgate.reports import comment  # noqa: PLC0415  (jinja2)

    if run.event.pr_number is None:
        return None
    sticky = Sticky(
        repository=run.event.repository,
        number=run.event.pr_number,
        head_sha=run.event.head_sha,
        marker=comment.marker(context.path),
        body=body,
        resolved=comment.resolved(result.inventory, result.verdict, context),
        warranted=comment.wanted(result.verdict, "always", exists=False) == "write",
        failed=not result.verdict.passed,
    )
    graphql = run.environ.get("GITHUB_GRAPHQL_URL", "")
    return publish(run.connect, sticky, run.inputs.comment, fork=run.event.is_fork, graphql=graphql)


def _upload(run: Run, sarif: str) -> str:
    ref = run.environ.get("GITHUB_REF", "")
    try:
        with run.connect() as client:
            api.upload_sarif(client, run.event.repository, sha=run.event.merge_sha, ref=ref, sarif=sarif)
    except ApiError as error:
        return f"SARIF was not handed to code scanning ({error}). It needs `permissions: security-events: write`."
    return ""


def _submit(run: Run, inventory: Inventory) -> str:
    from mlgate.reports import snapshot  # noqa: PLC0415  (start-up)

    named = (run.environ.get(name, "") for name in ("GITHUB_WORKFLOW", "GITHUB_JOB"))
    context = run.context
    job = snapshot.Job(
        correlator=" ".join(filter(None, (*named, "mlgate", context.folder))),
        id=run.environ.get("GITHUB_RUN_ID", ""),
        url=context.run_url,
    )
    body = snapshot.render(inventory, context, job=job, ref=run.environ.get("GITHUB_REF", ""))
    try:
        with run.connect() as client:
            api.submit_snapshot(client, run.event.repository, body)
    except ApiError as error:
        return f"The dependency graph was not told ({error}). It needs `permissions: contents: write`."
    return ""


def _hub(run: Run) -> HubSettings | None:
    """Which hub to ask. Nothing is kept: the runner's HOME, where the cache would be, is every other step's too."""
    if not run.inputs.hub:
        return None
    if run.inputs.offline:
        raise MlgateError("The inputs `hub` and `offline` contradict each other.", "Leave one of the two away.")
    from mlgate.hub import read_settings  # noqa: PLC0415  (start-up)

    return dataclasses.replace(read_settings(run.environ), cache=None)


def _with_hub(result: Result, asked: HubSettings, out: Commands) -> Result:
    """The result with the hub's words in its inventory; the verdict on it was made before and stays."""
    from mlgate.hub import enriched  # noqa: PLC0415  (start-up)

    found = enriched(result.inventory, asked)
    for note in found.notes:
        out.log(f"hub: {note}")
    return dataclasses.replace(result, inventory=found.inventory)


def _run(environ: Mapping[str, str], out: Commands) -> Exit:
    from mlgate import outputs  # noqa: PLC0415  (jinja2, cyclonedx)
    from mlgate.reports import console, findings  # noqa: PLC0415

    if environ.get("GITHUB_EVENT_NAME") == second.EVENT:
        return _second(environ, out)
    run = _prepare(environ)
    asked = _hub(run)
    basis = find_basis(
        run.event,
        run.root,
        remote=Remote(server_url=run.server, repository=run.event.repository, token=run.inputs.token),
        policies=(run.inputs.policy,) if run.inputs.policy else POLICY_PLACES,
        connect=run.connect,
        environ=environ,
    )
    for note in basis.notes:
        out.log(f"note: {note}")
    result = scan(_settings(run, basis))
    result = result if asked is None else _with_hub(result, asked, out)
    context = run.context
    files = dict(outputs.render(result.inventory, result.verdict, context, name=run.event.repository))
    if run.inputs.sarif is Sarif.NO:
        del files["mlgate.sarif"]
    placed = place(run.workspace, run.inputs.output_dir, {name: text.encode() for name, text in files.items()})

    out.log(console.render(result.inventory, result.verdict, context))
    comment = _comment(run, result, files["comment.md"], context)
    uploaded = _upload(run, files["mlgate.sarif"]) if run.inputs.sarif is Sarif.UPLOAD else ""
    submitted = _submit(run, result.inventory) if run.inputs.dependency_snapshot else ""
    for note in filter(None, (comment.note if comment else "", uploaded, submitted)):
        out.warning(note)
        _tell(out, notice(note), {})
    if comment and comment.url:
        out.log(f"comment {comment.done}: {comment.url}")
    annotate(out, result.verdict, context)

    code = Exit.PASS if result.verdict.passed else Exit.FAIL
    values = {"verdict": "pass" if result.verdict.passed else "fail", "exit-code": str(int(code))}
    values |= {name: placed.get(file, "") for name, file in _OUTPUTS.items()}
    _tell(out, files["summary.md"], values | {"summary-json": findings.summary(result.inventory, result.verdict)})
    return code


def _second(environ: Mapping[str, str], out: Commands) -> Exit:
    """The trusted leg of a fork's comment. It judges nothing, so it passes whatever became of the comment."""
    inputs = read_inputs(environ)
    workspace = Path(environ.get("GITHUB_WORKSPACE") or Path.cwd()).resolve()
    base = environ.get("GITHUB_API_URL") or "https://api.github.com"
    outcome = second.post(
        folder(workspace, inputs.output_dir, "output-dir"),
        environ,
        path=inputs.path,
        when=inputs.comment,
        connect=lambda: Client(base, inputs.token, timeout=inputs.api_timeout),
    )
    out.log(f"comment {outcome.done}: {outcome.url}" if outcome.url else f"comment {outcome.done}")
    if outcome.note:
        out.warning(outcome.note)
    return Exit.PASS


def _tell(out: Commands, summary: str, outputs: Mapping[str, str]) -> None:
    try:
        out.summary(summary)
        for name, value in outputs.items():
            out.output(name, value)
    except (OSError, ValueError) as error:
        out.log(f"warning: summary or outputs were not written whole ({error})")


def _failed(out: Commands, message: str, code: Exit) -> Exit:
    out.error(message)
    _tell(out, error_summary(message), {"verdict": "error", "exit-code": str(int(code))})
    return code


def isolate(environ: MutableMapping[str, str], home: str) -> None:
    """Takes tokens and inputs out of the environment that child processes get, and gives it a home of its own.

    The runner's HOME is shared with every other step of the job, so its .gitconfig and .netrc are not ours.
    """
    for name in [name for name in environ if name.startswith(_SECRET)]:
        del environ[name]
    environ["HOME"] = home
    environ["XDG_CONFIG_HOME"] = home


def main(environ: MutableMapping[str, str] | None = None, *, stream: TextIO | None = None) -> int:
    """Runs the action and returns the exit code. `environ` is changed: see isolate. The log goes to `stream`."""
    environ = os.environ if environ is None else environ
    given = dict(environ)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    out = Commands(
        stream=stream or sys.stdout,
        output_path=given.get("GITHUB_OUTPUT", ""),
        summary_path=given.get("GITHUB_STEP_SUMMARY", ""),
        plain=given.get("GITHUB_ACTIONS") != "true",
    )
    out.mask(given.get("INPUT_TOKEN", "").strip())
    out.stop()
    try:
        with tempfile.TemporaryDirectory(prefix="mlgate-") as home:
            isolate(environ, home)
            return _run(given, out)
    except MlgateError as error:
        return _failed(out, str(error), Exit.USAGE)
    except Exception as error:  # noqa: BLE001  (whatever it is, it is ours, and must not look like a verdict)
        out.traceback(error)
        return _failed(
            out, f"mlgate itself failed ({type(error).__name__}); this is a defect of mlgate.", Exit.INTERNAL
        )
    finally:
        out.resume()
