"""What can be written on the command line; `cli` runs it. `run` in the answer is the name of a command's function."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from mlgate import __version__
from mlgate.reports.formats import FORMATS

EXPLAINED = 200  # lines of an explanation


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


def parser() -> argparse.ArgumentParser:
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
    scan.set_defaults(run="scan")

    merge = commands.add_parser("merge", parents=[common, advice, hub], help="judge what `scan --shard` read")
    merge.add_argument("shards", nargs="+", type=Path, metavar="DIR", help="the folder of each shard")
    merge.add_argument("--path", type=Path, default=Path(), metavar="PATH", help="the working tree (default: .)")
    merge.add_argument("--base", metavar="REF", help="as with scan, and as it was given to the shards")
    merge.add_argument("--output", type=Path, required=True, metavar="DIR", help="write the BOM and all reports there")
    merge.add_argument("--spdx", action="store_true", help="write the BOM as bom.spdx.json too")
    merge.add_argument("--format", choices=list(FORMATS), default="human", help="what stdout gets")
    merge.set_defaults(run="merge")

    check = commands.add_parser("check", parents=[common], help="check only the given files")
    check.add_argument("files", nargs="+", type=Path, metavar="FILE")
    check.add_argument("--format", choices=list(FORMATS), default="human", help="what stdout gets")
    check.add_argument(
        "--explain", action="store_true", help=f"show what each pickle does, in Python ({EXPLAINED} lines of it)"
    )
    check.set_defaults(run="check")

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
    bom.set_defaults(run="bom")

    diff = commands.add_parser("diff", help="say what differs between two ML-BOMs (CycloneDX 1.6 or 1.7 in JSON)")
    diff.add_argument("old", type=Path, metavar="OLD")
    diff.add_argument("new", type=Path, metavar="NEW")
    diff.add_argument("--format", choices=["human", "markdown", "json"], default="human", help="what stdout gets")
    diff.add_argument("--exit-code", action="store_true", help="exit with 1 when there are differences")
    diff.set_defaults(run="diff")

    rules = commands.add_parser("rules", help="list the rules, or explain one")
    rules.add_argument("id", nargs="?", metavar="ID")
    rules.set_defaults(run="rules")

    policy = commands.add_parser("policy", help="write, check or show the policy")
    actions = policy.add_subparsers(dest="action", required=True, metavar="ACTION")
    init = actions.add_parser(
        "init", parents=[common, advice], help="look at the repository here and write a first policy that it passes"
    )
    init.add_argument("file", nargs="?", type=Path, default=Path(".mlgate.yml"), metavar="FILE")
    init.set_defaults(run="policy_init")
    for name, text, what in (
        ("check", "check a policy file", "the policy file (default .mlgate.yml)"),
        ("show", "show what is in force", "a policy file, or the name of a preset (default .mlgate.yml, else starter)"),
    ):
        action = actions.add_parser(name, help=text)
        action.add_argument("file", nargs="?", type=Path, metavar="FILE", help=what)
        if name == "show":
            action.add_argument("--effective", action="store_true", help="with everything from its preset (always so)")
        action.set_defaults(run="policy")
    test = actions.add_parser("test", help="say what a policy makes of a saved findings.json")
    test.add_argument("findings", type=Path, metavar="FINDINGS.JSON")
    test.add_argument("--policy", type=Path, metavar="FILE", help="the policy file (default .mlgate.yml)")
    test.set_defaults(run="policy_test")
    actions.add_parser("schema", help="print the JSON Schema").set_defaults(run="policy")

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
    waive.set_defaults(run="waive")

    comment = commands.add_parser("comment", help="comment what an earlier, untrusted run found (workflow_run)")
    comment.add_argument(
        "--from", dest="folder", type=Path, required=True, metavar="DIR", help="holds that run's findings.json"
    )
    comment.add_argument("--path", default=".", metavar="PATH", help="the folder that was scanned; each has a comment")
    comment.add_argument("--when", choices=["always", "on-failure"], default="always", help="as the input `comment`")
    comment.set_defaults(run="comment")

    db = commands.add_parser("db", help="the offline advisory database")
    actions = db.add_subparsers(dest="action", required=True, metavar="ACTION")
    update = actions.add_parser("update", help="download OSV's dumps, or what changed in them")
    update.add_argument("--db", type=Path, required=True, metavar="DIR")
    update.add_argument("--ecosystem", action="append", metavar="NAME", help="repeatable (default: PyPI, npm, Maven)")
    update.add_argument("--kev", action="store_true", help="CISA's list of exploited vulnerabilities too")
    update.add_argument("--epss", action="store_true", help="FIRST's probabilities of exploitation too")
    status = actions.add_parser("status", help="say what is there and how old it is")
    status.add_argument("--db", type=Path, required=True, metavar="DIR")
    db.set_defaults(run="db")
    return parser
