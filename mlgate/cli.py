"""The command line: settings -> pipeline -> reports -> exit code. Only here and in action do errors become codes."""

from __future__ import annotations

import argparse
import dataclasses
import io
import os
import re
import shutil
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mlgate import __version__
from mlgate.errors import Exit, MlgateError
from mlgate.reports.formats import FORMATS
from mlgate.sandbox import workers

if TYPE_CHECKING:
    from mlgate.hub import HubSettings
    from mlgate.pipeline import Result, Settings
    from mlgate.reports.context import ReportContext

OSV_URL = "https://api.osv.dev"
_EXPLAINED = 200
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


def _seconds(text: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(s|m)?", text)
    if not match:
        raise argparse.ArgumentTypeError(f"{text!r} is no time; write 90s or 15m")
    return float(match[1]) * (60 if match[2] == "m" else 1)


def _share(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{1,4})/(\d{1,4})", text)
    if not match or not 1 <= int(match[1]) <= int(match[2]):
        raise argparse.ArgumentTypeError(f"{text!r} is no share; write 1/4 for the first of four")
    return int(match[1]), int(match[2])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mlgate", description="The supply-chain gate for repositories with machine learning in them."
    )
    parser.add_argument("--version", action="version", version=f"mlgate {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--policy", metavar="FILE", help="policy file, relative to the repository (default .mlgate.yml)"
    )
    common.add_argument("--jobs", type=int, default=0, metavar="N", help="worker processes (default: one a core)")
    common.add_argument("-v", "--verbose", action="store_true", help="say on stderr how long each stage took")
    common.add_argument("--timeout", type=_seconds, metavar="TIME", help="budget of the whole run, such as 90s or 15m")

    advice = argparse.ArgumentParser(add_help=False)
    advice.add_argument(
        "--cache",
        type=Path,
        metavar="DIR",
        help="keep readings there and read only what changed; only you may write it",
    )
    advice.add_argument("--offline", action="store_true", help="no network: advisories come from --db only")
    advice.add_argument("--db", type=Path, metavar="DIR", help="offline advisory database (see `mlgate db update`)")
    advice.add_argument("--no-advisories", action="store_true", help="do not ask for known vulnerabilities")

    hub = argparse.ArgumentParser(add_help=False)
    hub.add_argument(
        "--hub",
        action="store_true",
        help="ask the Hugging Face hub about the models and datasets named here (sends their names; never judged by)",
    )

    scan = commands.add_parser("scan", parents=[common, advice, hub], help="scan a working tree and judge it")
    scan.add_argument("path", nargs="?", default=".", type=Path, metavar="PATH")
    scan.add_argument("--base", metavar="REF", help="gate only what changed since REF; the policy is read from REF")
    scan.add_argument("--output", type=Path, metavar="DIR", help="write the BOM, SARIF and all reports there")
    scan.add_argument("--spdx", action="store_true", help="with --output: write the BOM as bom.spdx.json too")
    scan.add_argument(
        "--shard", type=_share, metavar="I/N", help="only read the I-th of N shares into --output, for `mlgate merge`"
    )
    scan.add_argument("--format", choices=list(FORMATS), default="human", help="what stdout gets")
    scan.set_defaults(run=_scan)

    merge = commands.add_parser("merge", parents=[common, advice, hub], help="judge what `scan --shard` read")
    merge.add_argument("shards", nargs="+", type=Path, metavar="DIR", help="the folder of each shard")
    merge.add_argument("--path", type=Path, default=Path(), metavar="PATH", help="the working tree (default: .)")
    merge.add_argument("--base", metavar="REF", help="as with scan, and as it was given to the shards")
    merge.add_argument("--output", type=Path, required=True, metavar="DIR", help="write the BOM and all reports there")
    merge.add_argument("--spdx", action="store_true", help="write the BOM as bom.spdx.json too")
    merge.add_argument("--format", choices=list(FORMATS), default="human", help="what stdout gets")
    merge.set_defaults(run=_merge)

    check = commands.add_parser("check", parents=[common], help="check only the given files")
    check.add_argument("files", nargs="+", type=Path, metavar="FILE")
    check.add_argument("--format", choices=list(FORMATS), default="human", help="what stdout gets")
    check.add_argument(
        "--explain", action="store_true", help=f"show what each pickle does, in Python ({_EXPLAINED} lines of it)"
    )
    check.set_defaults(run=_check)

    bom = commands.add_parser("bom", parents=[common, advice, hub], help="write the ML-BOM only")
    bom.add_argument("path", nargs="?", default=".", type=Path, metavar="PATH")
    bom.add_argument("-o", "--output", type=Path, metavar="FILE", help="where to write it (default: stdout)")
    bom.add_argument(
        "--format", choices=["cyclonedx", "spdx"], default="cyclonedx", help="CycloneDX, or SPDX 3.0.1 in JSON-LD"
    )
    bom.add_argument("--spec-version", choices=["1.7", "1.6"], default="1.7", help="CycloneDX version")
    bom.add_argument(
        "--graph", choices=["mermaid", "dot"], help="draw models, datasets and the code that loads them instead"
    )
    bom.add_argument(
        "--completeness",
        action="store_true",
        help="say which elements of G7's and OWASP's lists the ML-BOM has for each model and dataset instead",
    )
    bom.add_argument("--json", action="store_true", help="with --completeness: for programs")
    bom.set_defaults(run=_bom)

    diff = commands.add_parser("diff", help="say what differs between two ML-BOMs (CycloneDX 1.6 or 1.7 in JSON)")
    diff.add_argument("old", type=Path, metavar="OLD")
    diff.add_argument("new", type=Path, metavar="NEW")
    diff.add_argument("--format", choices=["human", "markdown", "json"], default="human", help="what stdout gets")
    diff.add_argument("--exit-code", action="store_true", help="exit with 1 when there are differences")
    diff.set_defaults(run=_diff)

    rules = commands.add_parser("rules", help="list the rules, or explain one")
    rules.add_argument("id", nargs="?", metavar="ID")
    rules.set_defaults(run=_rules)

    policy = commands.add_parser("policy", help="write, check or show the policy")
    actions = policy.add_subparsers(dest="action", required=True, metavar="ACTION")
    init = actions.add_parser(
        "init", parents=[common, advice], help="look at the repository here and write a first policy that it passes"
    )
    init.add_argument("file", nargs="?", type=Path, default=Path(".mlgate.yml"), metavar="FILE")
    init.set_defaults(run=_policy_init)
    for name, text, what in (
        ("check", "check a policy file", "the policy file (default .mlgate.yml)"),
        ("show", "show what is in force", "a policy file, or the name of a preset (default .mlgate.yml, else starter)"),
    ):
        action = actions.add_parser(name, help=text)
        action.add_argument("file", nargs="?", type=Path, metavar="FILE", help=what)
        if name == "show":
            action.add_argument("--effective", action="store_true", help="with everything from its preset (always so)")
        action.set_defaults(run=_policy)
    test = actions.add_parser("test", help="say what a policy makes of a saved findings.json")
    test.add_argument("findings", type=Path, metavar="FINDINGS.JSON")
    test.add_argument("--policy", type=Path, metavar="FILE", help="the policy file (default .mlgate.yml)")
    test.set_defaults(run=_policy_test)
    actions.add_parser("schema", help="print the JSON Schema").set_defaults(run=_policy)

    waive = commands.add_parser("waive", help="print the YAML that waives a finding of an earlier run")
    waive.add_argument("fingerprint", metavar="FINGERPRINT", help="or its first characters, 8 at least")
    waive.add_argument("--reason", required=True, metavar="TEXT")
    waive.add_argument("--expires", required=True, metavar="YYYY-MM-DD")
    waive.add_argument("--owner", default="", metavar="NAME", help="who answers for it (default: git's user.email)")
    waive.add_argument(
        "--findings",
        type=Path,
        default=Path("mlgate-report/findings.json"),
        metavar="FILE",
        help="findings.json of the run (default: mlgate-report/findings.json)",
    )
    waive.add_argument("--policy", type=Path, metavar="FILE", help="the policy file (default .mlgate.yml)")
    waive.set_defaults(run=_waive)

    comment = commands.add_parser("comment", help="comment what an earlier, untrusted run found (workflow_run)")
    comment.add_argument(
        "--from", dest="folder", type=Path, required=True, metavar="DIR", help="holds that run's findings.json"
    )
    comment.add_argument("--path", default=".", metavar="PATH", help="the folder that was scanned; each has a comment")
    comment.add_argument("--when", choices=["always", "on-failure"], default="always", help="as the input `comment`")
    comment.set_defaults(run=_comment)

    db = commands.add_parser("db", help="the offline advisory database")
    actions = db.add_subparsers(dest="action", required=True, metavar="ACTION")
    update = actions.add_parser("update", help="download OSV's dumps, or what changed in them")
    update.add_argument("--db", type=Path, required=True, metavar="DIR")
    update.add_argument("--ecosystem", action="append", metavar="NAME", help="repeatable (default: PyPI, npm, Maven)")
    update.add_argument("--kev", action="store_true", help="CISA's list of exploited vulnerabilities too")
    update.add_argument("--epss", action="store_true", help="FIRST's probabilities of exploitation too")
    status = actions.add_parser("status", help="say what is there and how old it is")
    status.add_argument("--db", type=Path, required=True, metavar="DIR")
    db.set_defaults(run=_db)
    return parser


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
    from mlgate.pipeline import Settings  # noqa: PLC0415  (start-up)

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
        explain=_EXPLAINED if getattr(options, "explain", False) else 0,
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


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; gives the exit code of errors.Exit."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a name that the locale cannot write costs no verdict
    try:
        options = _parser().parse_args(arguments)
        said: _Said = options.run(options)
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
