"""Whether mlgate and pip-audit name the same advisories for 300 pinned requirements, from the same database.

    python benchmarks/agreement.py --db DIR --pip-audit PATH [--names FILE] [--count 300] [--seed 1] [--runs 5]

DIR holds OSV's dumps (`mlgate db update`), PATH is pip-audit in an environment of its own, FILE has one PyPI name a
line for packages without advisories. pip-audit asks a server on the loopback that answers OSV's `/v1/query` from the
same dump; what is affected the server decides with `packaging` alone and by none of mlgate's code, so the two agree
only where two readings of OSV's schema do. Prints what either names and the other does not, and the wall and CPU time
of `mlgate scan --offline` on the folder with these requirements: cold (each run a new process, nothing kept).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from packaging.version import InvalidVersion, Version

Json = dict[str, Any]


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def database(folder: Path) -> dict[str, list[Json]]:
    """All records of PyPI's dump by package."""
    found: dict[str, list[Json]] = {}
    with zipfile.ZipFile(folder / "PyPI" / "all.zip") as archive:
        for member in archive.namelist():
            record = json.loads(archive.read(member))
            for name in {
                plain(a["package"]["name"]) for a in record["affected"] if a["package"]["ecosystem"] == "PyPI"
            }:
                found.setdefault(name, []).append(record)
    return found


def listed(affected: Json) -> list[str]:
    versions = affected.get("versions")
    return [v for v in versions if isinstance(v, str)] if isinstance(versions, list) else []


def same(text: str, version: Version) -> bool:
    try:
        return Version(text) == version
    except InvalidVersion:
        return False


def within(events: list[Json], version: Version) -> bool:
    """The schema's own pseudocode: events in order of their version, the last one below decides."""
    ordered = sorted(
        (Version("0.dev0" if value == "0" else value), kind)
        for event in events
        for kind, value in event.items()
        if kind in {"introduced", "fixed", "last_affected"}
    )
    inside = False
    for boundary, kind in ordered:
        if kind == "introduced" and version >= boundary:
            inside = True
        elif (kind == "fixed" and version >= boundary) or (kind == "last_affected" and version > boundary):
            inside = False
    return inside


def affects(record: Json, name: str, version: Version) -> bool:
    if record.get("withdrawn"):
        return False
    for affected in record["affected"]:
        if affected["package"]["ecosystem"] != "PyPI" or plain(affected["package"]["name"]) != name:
            continue
        ranges = [each for each in affected.get("ranges") or [] if each["type"] != "GIT"]
        if any(same(text, version) for text in listed(affected)) or any(within(r["events"], version) for r in ranges):
            return True
    return False


def serve(records: dict[str, list[Json]]) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

        def do_POST(self) -> None:
            query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            name, version = plain(query["package"]["name"]), Version(query["version"])
            hits = [record for record in records.get(name, []) if affects(record, name, version)]
            data = json.dumps({"vulns": hits} if hits else {}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def requirements(records: dict[str, list[Json]], names: list[str], count: int, seed: int) -> list[tuple[str, str]]:
    """Two of three from packages with advisories, at a version that some record lists or calls fixed; the rest from
    `names`. Every spelling stays as it is in the records.
    """
    chosen = random.Random(seed)  # noqa: S311  (a sample, not a secret)
    picked: dict[str, str] = {}
    candidates = sorted(records)
    chosen.shuffle(candidates)
    for name in candidates:
        versions: set[str] = set()
        for record in records[name]:
            for affected in record["affected"]:
                if plain(affected["package"]["name"]) == name:
                    versions.update(listed(affected))
                    versions.update(
                        e["fixed"] for r in affected.get("ranges") or [] for e in r["events"] if e.get("fixed")
                    )
        usable = sorted(v for v in versions if re.fullmatch(r"[0-9A-Za-z.!+-]+", v) and same(v, _version(v)))
        if usable and len(picked) < count * 2 // 3:
            picked[name] = chosen.choice(usable)
    for name in names:
        if len(picked) < count and name not in picked:
            picked[name] = f"{chosen.randint(0, 4)}.{chosen.randint(0, 30)}.{chosen.randint(0, 9)}"
    return sorted(picked.items())


def _version(text: str) -> Version:
    try:
        return Version(text)
    except InvalidVersion:
        return Version("0.dev0")


def of_pip_audit(program: str, folder: Path, url: str) -> dict[tuple[str, str], list[set[str]]]:
    command = [program, "-r", str(folder / "requirements.txt"), "--no-deps", "--disable-pip", "-f", "json"]
    command += ["-s", "osv", "--osv-url", f"{url}/v1/query", "--progress-spinner", "off"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in {0, 1} or not done.stdout:
        sys.exit(done.stderr[-2000:])
    return {
        (plain(each["name"]), str(Version(each["version"]))): [{v["id"], *v["aliases"]} for v in each["vulns"]]
        for each in json.loads(done.stdout)["dependencies"]
        if "version" in each
    }


def of_mlgate(folder: Path, db: Path) -> tuple[dict[tuple[str, str], list[set[str]]], float, float, list[str]]:
    command = [sys.executable, "-m", "mlgate", "scan", str(folder), "--offline", "--db", str(db), "--output"]
    with tempfile.TemporaryDirectory() as out:
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
        begun, used = time.monotonic(), _children()
        subprocess.run([*command, out], capture_output=True, check=False, env=environment)
        wall, cpu = time.monotonic() - begun, _children() - used
        bom = json.loads((Path(out) / "bom.cdx.json").read_bytes())
        report = json.loads((Path(out) / "findings.json").read_bytes())
    purls = {c["bom-ref"]: c for c in bom.get("components", ()) if c.get("purl", "").startswith("pkg:pypi/")}
    found: dict[tuple[str, str], list[set[str]]] = {
        (plain(c["name"]), str(Version(c["version"]))): [] for c in purls.values() if c.get("version")
    }
    for vulnerability in bom.get("vulnerabilities", ()):
        ids = {vulnerability["id"], *(each["id"] for each in vulnerability.get("references", ()))}
        for affected in vulnerability["affects"]:
            component = purls[affected["ref"]]
            found[plain(component["name"]), str(Version(component["version"]))].append(ids)
    untold = [f["message"] for f in report["findings"] if f["rule"] in {"MLG-DEP-004", "MLG-INC-001"}]
    return found, wall, cpu, untold


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--db", type=Path, required=True)
    parser.add_argument("--pip-audit", default="pip-audit")
    parser.add_argument("--names", type=Path)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    records = database(options.db)
    names = [plain(n) for n in options.names.read_text().split()] if options.names else []
    pins = requirements(records, names, options.count, options.seed)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "requirements.txt").write_text("".join(f"{name}=={version}\n" for name, version in pins))
        runs = [of_mlgate(folder, options.db) for _ in range(options.runs)]
        server = serve(records)
        theirs = of_pip_audit(options.pip_audit, folder, f"http://127.0.0.1:{server.server_address[1]}")
        server.shutdown()
    ours, _, _, untold = runs[0]
    agreed = 0
    for key in sorted(theirs.keys() | ours.keys()):
        one, other = ours.get(key, []), theirs.get(key, [])
        missing = [ids for ids in other if not any(ids & each for each in one)]
        more = [ids for ids in one if not any(ids & each for each in other)]
        agreed += len(other) - len(missing)
        for what, groups in (("only pip-audit", missing), ("only mlgate", more)):
            for ids in groups:
                print(f"{what}: {key[0]} {key[1]}: {', '.join(sorted(ids))}")
    said = sum(len(groups) for groups in theirs.values())
    print(f"{len(pins)} pins; asked about: mlgate {len(ours)}, pip-audit {len(theirs)}")
    print(
        f"advisories of pip-audit {said}, of mlgate too {agreed}; packages with any: {sum(map(bool, theirs.values()))}"
    )
    print(f"mlgate could not compare {len(untold)}")
    for name, values in (("wall", [run[1] for run in runs]), ("CPU", [run[2] for run in runs])):
        print(f"mlgate {name} s: min {min(values):.2f}, median {statistics.median(values):.2f}, max {max(values):.2f}")


if __name__ == "__main__":
    main()
