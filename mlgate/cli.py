"""The command line: settings -> pipeline -> reports -> exit code. Only here and in action do errors become codes."""

from __future__ import annotations

import argparse
import dataclasses
import io
import os
import shutil
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from mlgate import __version__
from mlgate.errors import Exit, MlgateError
from mlgate.options import EXPLAINED, parser
from mlgate.sandbox import workers

if TYPE_CHECKING:
    from mlgate.hub import HubSettings
    from mlgate.reports.context import ReportContext
    from mlgate.settings import Result, Settings

OSV_URL = "https://api.osv.dev"
_UNREAD = 5  # files that are named as not looked at; a commit hook gives all of a commit
DUMPS_URL = "https://osv-vulnerabilities.storage.googleapis.com"
KEV_URL = "https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json"
EPSS_URL = "https://epss.empiricalsecurity.com/epss_scores-current.csv.gz"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """What a command has for stdout, and its exit code."""

    text: str
    code: Exit = Exit.PASS


def today() -> date:
    """The date waivers are judged by: SOURCE_DATE_EPOCH's where it is set, so that runs can be repeated."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    return datetime.fromtimestamp(int(epoch), UTC).date() if epoch.isdecimal() else datetime.now(UTC).date()


def _dumb() -> bool:
    """Whether the terminal says that it understands no escape sequences (terminfo's `dumb`)."""
    return os.environ.get("TERM") == "dumb"


def _unicode() -> bool:
    """Whether stdout can show the lines of a table."""
    return (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf")


def _progress() -> Callable[[int, int, str], None] | None:
    """A counter on stderr where that is a terminal that can overwrite a line."""
    if not sys.stderr.isatty() or _dumb():
        return None

    def show(done: int, total: int, _: str) -> None:
        end = "\r\033[K" if done == total else "\r"
        sys.stderr.write(f"\rmlgate: {done} of {total} files{end}")
        sys.stderr.flush()

    return show


def _stage(name: str, seconds: float) -> None:
    sys.stderr.write(f"mlgate: {name}: {seconds:.2f} s\n")


def _settings(options: argparse.Namespace, root: Path, files: tuple[Path, ...], jobs: int) -> Settings:
    from mlgate.settings import Settings  # noqa: PLC0415  (start-up)

    return Settings(
        root=root,
        policy_file=options.policy or "",
        base=getattr(options, "base", None) or "",
        jobs=jobs,
        timeout=options.timeout,
        offline=getattr(options, "offline", False),
        database=getattr(options, "db", None),
        advisories=not getattr(options, "no_advisories", True),
        osv_url=os.environ.get("MLGATE_OSV_URL", OSV_URL),
        today=today(),
        files=files,
        progress=_progress(),
        explain=EXPLAINED if getattr(options, "explain", False) else 0,
        cache=getattr(options, "cache", None),
        shards=tuple(getattr(options, "shards", ())),
        stage=_stage if options.verbose else None,
        fetch=None if getattr(options, "offline", False) else _fetch,
    )


def _fetch(repository: str, path: str, commit: str) -> str:
    """A policy of another repository, by GitHub's API."""
    from mlgate.github.extend import by_environment  # noqa: PLC0415  (start-up)

    return by_environment(os.environ)(repository, path, commit)


def _context(root: Path, head: str) -> ReportContext:
    from mlgate import git  # noqa: PLC0415
    from mlgate.reports.context import ReportContext  # noqa: PLC0415

    repository = git.find(root)
    path = root.resolve().relative_to(repository.top).as_posix() if repository else ""
    return ReportContext(tool_version=__version__, head_sha=head, path=path)


def _told(options: argparse.Namespace, result: Result, root: Path) -> _Said:
    """The chosen format on stdout, the files where asked for, and the verdict as the exit code."""
    context = _context(root, result.inventory.head)
    folder: Path | None = getattr(options, "output", None)
    if folder:
        from mlgate import outputs  # noqa: PLC0415  (start-up)

        try:
            name, also = result.inventory.root, getattr(options, "spdx", False)
            outputs.write(outputs.render(result.inventory, result.verdict, context, name=name, spdx=also), folder)
        except OSError as error:
            hint = "Give another folder with --output."
            raise MlgateError(f"The output folder {str(folder)!r} cannot be written: {error.strerror}.", hint) from None
    text = _rendered(options.format, result, context)
    return _Said(text=text, code=Exit.PASS if result.verdict.passed else Exit.FAIL)


def _rendered(form: str, result: Result, context: ReportContext) -> str:
    if form == "human" and sys.stdout.isatty():
        from mlgate.reports import console  # noqa: PLC0415  (start-up)

        size = shutil.get_terminal_size()  # 80 columns where the terminal does not know
        color = not os.environ.get("NO_COLOR") and not _dumb()
        given = result.inventory, result.verdict, context
        return console.rich(*given, width=size.columns, color=color, boxes=_unicode())
    from mlgate.reports import formats  # noqa: PLC0415  (start-up)

    return formats.render(form, result.inventory, result.verdict, context)


def _scan(options: argparse.Namespace) -> _Said:
    if options.shard:
        return _shard(options)
    return _told(options, _looked_at(options, options.path), options.path)


def _shard(options: argparse.Namespace) -> _Said:
    if options.output is None:
        raise MlgateError("--shard needs --output, the folder that `mlgate merge` takes.", "Give --output DIR.")
    jobs = _jobs(options)
    index, of = options.shard
    with workers(jobs) as pool:
        pool.start(1)
        from mlgate.pipeline import shard  # noqa: PLC0415  (start-up)

        count = shard(_settings(options, options.path, (), jobs), index, of, options.output, pool)
    text = f"Shard {index} of {of}: {count:,} files read, none judged. `mlgate merge` with all {of} folders judges.\n"
    return _Said(text=text)


def _merge(options: argparse.Namespace) -> _Said:
    if options.cache:
        raise MlgateError("`mlgate merge` takes what the shards read, and keeps nothing.", "Leave --cache away.")
    return _told(options, _looked_at(options, options.path), options.path)


def _jobs(options: argparse.Namespace) -> int:
    if options.jobs < 0:
        raise MlgateError(f"--jobs {options.jobs} is no number of workers.", "Give 1 or more.")
    return options.jobs or os.cpu_count() or 1


def _looked_at(options: argparse.Namespace, root: Path, files: tuple[Path, ...] = ()) -> Result:
    """The result of a run, whose workers get ready while the stages are still being imported."""
    jobs = _jobs(options)
    asked = _hub(options)
    with workers(jobs) as pool:
        pool.start(len(files) or 1)  # the others when it is known how many files there are
        from mlgate.pipeline import scan  # noqa: PLC0415  (start-up)

        result = scan(_settings(options, root, files, jobs), pool)
    return result if asked is None else _with_hub(result, asked)


def _hub(options: argparse.Namespace) -> HubSettings | None:
    """Which hub to ask with --hub, known before the scan begins."""
    if not getattr(options, "hub", False):
        return None
    if options.offline:
        raise MlgateError("--hub asks over the network, and --offline forbids that.", "Leave one of the two away.")
    from mlgate.hub import read_settings  # noqa: PLC0415  (start-up)

    return read_settings(os.environ)


def _with_hub(result: Result, asked: HubSettings) -> Result:
    """The result with the hub's words in its inventory; the verdict on it was made before and stays."""
    from mlgate.hub import enriched  # noqa: PLC0415  (start-up)
    from mlgate.reports.escape import terminal  # noqa: PLC0415

    found = enriched(result.inventory, asked)
    for note in found.notes:
        sys.stderr.write(f"mlgate: hub: {terminal(note, 500)}\n")
    return dataclasses.replace(result, inventory=found.inventory)


def _check(options: argparse.Namespace) -> _Said:
    here = Path.cwd()
    paths = tuple(here / path for path in options.files)
    root = here if all(path.is_relative_to(here) and ".." not in path.parts for path in paths) else Path("/")
    if options.explain and options.format != "human":
        raise MlgateError("--explain is for people and goes with `--format human`.", "Leave one of the two away.")
    result = _looked_at(options, root, paths)
    from mlgate.reports.escape import terminal  # noqa: PLC0415  (start-up)

    looked = {root / scanned.path for scanned in result.inventory.scanned}
    passed = [x for path, x in zip(paths, options.files, strict=True) if not {path, path.resolve()} & looked]
    for named in passed[:_UNREAD]:  # silence would read as "clean"
        sys.stderr.write(f"mlgate: {terminal(str(named), 500)} was not looked at: mlgate reads nothing like it.\n")
    if len(passed) > _UNREAD:
        sys.stderr.write(f"mlgate: nor were {len(passed) - _UNREAD:,} more files.\n")
    said = _told(options, result, root)
    if not options.explain:
        return said
    from mlgate.reports import console  # noqa: PLC0415  (start-up)

    return _Said(text=f"{console.explained(result.inventory.explanations)}{said.text}", code=said.code)


def _bom(options: argparse.Namespace) -> _Said:
    from mlgate import bom  # noqa: PLC0415

    if sum((options.completeness, bool(options.graph), options.format == "spdx")) > 1:
        raise MlgateError("--completeness, --graph and `--format spdx` each write another thing.", "Give one of them.")
    if options.json and not options.completeness:
        raise MlgateError("--json goes with --completeness; the ML-BOM is JSON as it is.", "Leave it away.")
    result = _looked_at(options, options.path)
    inventory = result.inventory
    if options.completeness:
        from mlgate.bom.completeness import measured  # noqa: PLC0415
        from mlgate.reports import completeness  # noqa: PLC0415

        render = completeness.json_text if options.json else completeness.human
        text = render(measured(inventory), unresolved=completeness.unresolved(inventory))
    elif options.graph:
        from mlgate.reports import graph  # noqa: PLC0415

        drawing = graph.graph(inventory)
        text = graph.dot(drawing) if options.graph == "dot" else graph.mermaid(drawing)
    elif options.format == "spdx":
        from mlgate import spdx  # noqa: PLC0415

        text = spdx.build(inventory, name=inventory.root, version=inventory.head)
    else:
        name, spec = inventory.root, options.spec_version
        text = bom.build(inventory, result.verdict, name=name, version=inventory.head, spec=spec)
    if options.output is None:
        return _Said(text=text)
    try:
        options.output.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise MlgateError(
            f"{str(options.output)!r} cannot be written: {error.strerror}.", "Give another file."
        ) from None
    return _Said(text="")


def _diff(options: argparse.Namespace) -> _Said:
    from mlgate.bom import diff, diff_document  # noqa: PLC0415  (start-up)
    from mlgate.reports import changes  # noqa: PLC0415

    old, new = diff_document.load(options.old), diff_document.load(options.new)
    found = diff.compare(old.entries, new.entries)
    render = {"human": changes.human, "markdown": changes.markdown, "json": changes.json_text}[options.format]
    text = render(found, old=old.about, new=new.about)
    return _Said(text=text, code=Exit.FAIL if found and options.exit_code else Exit.PASS)


def _rules(options: argparse.Namespace) -> _Said:
    from mlgate.pipeline import catalogue  # noqa: PLC0415

    known = catalogue()
    if options.id is None:
        lines = [f"{rule.id}  {rule.severity.value:<8}  {rule.title}" for rule in known.values()]
        return _Said(text="\n".join(lines) + "\n")
    rule = known.get(options.id.upper())
    if rule is None:
        raise MlgateError(f"There is no rule {options.id!r}.", "`mlgate rules` lists them.")
    key = rule.clause or f"fail-on.{rule.category.value}"
    ids = ", ".join((*rule.cwe, *rule.atlas, *rule.owasp))
    parts = [
        f"{rule.id}: {rule.title}",
        f"severity {rule.severity.value}, decided by `{key}`",
        rule.help,
        rule.remediation,
    ]
    return _Said(text="\n\n".join([*parts, *([ids] if ids else [])]) + "\n")


def _policy(options: argparse.Namespace) -> _Said:
    from mlgate.policy import commands  # noqa: PLC0415

    return _Said(text=commands.run(options.action, getattr(options, "file", None), _fetch))


def _policy_init(options: argparse.Namespace) -> _Said:
    if options.file.exists():
        raise MlgateError(f"{str(options.file)!r} is there already.", "Edit it, or name another file.")
    result = _looked_at(options, Path())
    from mlgate import policies  # noqa: PLC0415  (start-up)

    return _Said(text=policies.init(options.file, result, root=Path(), today=today()))


def _policy_test(options: argparse.Namespace) -> _Said:
    from mlgate import policies  # noqa: PLC0415  (start-up)

    tried = policies.test(options.policy, options.findings, today=today(), fetch=_fetch)
    return _Said(text=tried.text, code=Exit.PASS if tried.passed else Exit.FAIL)


def _waive(options: argparse.Namespace) -> _Said:
    from mlgate import policies  # noqa: PLC0415  (start-up)

    text = policies.waiver(
        options.fingerprint,
        findings_file=options.findings,
        policy_file=options.policy,
        reason=options.reason,
        owner=options.owner,
        expires=options.expires,
        today=today(),
        fetch=_fetch,
    )
    return _Said(text=text)


def _comment(options: argparse.Namespace) -> _Said:
    from mlgate.github import second  # noqa: PLC0415  (start-up)
    from mlgate.github.client import Client  # noqa: PLC0415
    from mlgate.github.comment import When  # noqa: PLC0415

    base = os.environ.get("GITHUB_API_URL") or "https://api.github.com"
    token = os.environ.get("GITHUB_TOKEN") or os.environ.get("GH_TOKEN") or ""
    outcome = second.post(
        options.folder,
        os.environ,
        path=options.path,
        when=When(options.when),
        connect=lambda: Client(base, token),
    )
    return _Said(text=f"comment {outcome.done}: {outcome.url or outcome.note or 'nothing to say'}\n")


def _db(options: argparse.Namespace) -> _Said:
    from mlgate.advisories import update  # noqa: PLC0415

    if options.action == "status":
        return _Said(text=update.status(options.db, today()))
    wanted = tuple(options.ecosystem or ("PyPI", "npm", "Maven"))
    text = update.update(options.db, wanted, os.environ.get("MLGATE_DUMPS_URL", DUMPS_URL))
    lists = {
        kind: os.environ.get(variable, url)
        for kind, variable, url in (("kev", "MLGATE_KEV_URL", KEV_URL), ("epss", "MLGATE_EPSS_URL", EPSS_URL))
        if getattr(options, kind)
    }
    return _Said(text=text + update.update_lists(options.db, lists))


_COMMANDS: Mapping[str, Callable[[argparse.Namespace], _Said]] = MappingProxyType(
    {
        "scan": _scan,
        "merge": _merge,
        "check": _check,
        "bom": _bom,
        "diff": _diff,
        "rules": _rules,
        "policy_init": _policy_init,
        "policy": _policy,
        "policy_test": _policy_test,
        "waive": _waive,
        "comment": _comment,
        "db": _db,
    }
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; gives the exit code of errors.Exit."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a name that the locale cannot write costs no verdict
    try:
        options = parser().parse_args(arguments)
        said = _COMMANDS[options.run](options)
        sys.stdout.write(said.text)
        sys.stdout.flush()
    except MlgateError as error:
        from mlgate.reports.escape import terminal  # noqa: PLC0415  (names in messages may be hostile)

        sys.stderr.write(f"mlgate: {terminal(str(error), 2000)}\n")
        return Exit.USAGE
    except BrokenPipeError:  # the reader of our output left, which says nothing about the verdict
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return said.code
    except KeyboardInterrupt:
        return Exit.INTERNAL
    except Exception:  # noqa: BLE001  (ours: told whole, and never a pass)
        traceback.print_exc()
        return Exit.INTERNAL
    return said.code
