"""What an export costs by REST and by GraphQL: requests, time, memory; on the loopback server.

Usage: python benchmarks/bench_export.py [ISSUES]      (default: 1000)

The plain loop is what one would write first with python-gitlab: the list of issues, then three
event lists for each, one after another. Exit code 1 where a promise of docs/export.md is broken:

- by REST at most 1.25 x (requests x latency / jobs), and what the export costs without latency;
- by REST a second run, with 1 % of the issues changed, makes at most 3 % of the first's requests;
- by GraphQL at most 60 requests per 1,000 issues in one project, and 130 in 50 projects;
- by GraphQL at most 15 requests per 1,000 issues for the histories of a second run.
"""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import gitlab

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from roadmap_analytics.gitlab import Export, Request, Via, parse_address  # noqa: E402
from tests.big_world import NOW, touched, world  # noqa: E402
from tests.gitlab_server import LoopbackGitLab, running  # noqa: E402

JOBS = 4
LATENCY = 0.02
MOST_TIME = 1.25
MOST_REQUESTS = 0.03
BATCH_SECONDS = 0.2
MOST_IN_ONE, MOST_IN_MANY, MOST_AGAIN = 60, 130, 15
LATER = "2024-07-01T12:00:00+00:00"

Row = dict[str, Any]


def plain_loop(server: LoopbackGitLab) -> tuple[int, float]:
    """What one would write first; requests and seconds."""
    server.reset()
    began = time.perf_counter()
    with gitlab.Gitlab(server.url, private_token=server.token, timeout=60) as api:
        for issue in api.groups.get("big").issues.list(iterator=True, per_page=100):
            project = api.projects.get(issue.project_id, lazy=True)
            whole = project.issues.get(issue.iid, lazy=True)
            whole.resourcestateevents.list(get_all=True)
            whole.resourcelabelevents.list(get_all=True)
            whole.resourcemilestoneevents.list(get_all=True)
    return server.counts().total, time.perf_counter() - began


def export(
    server: LoopbackGitLab, to: Path, via: str, *, token: bool = True
) -> tuple[int, float, int]:
    """Requests, seconds, and requests by GraphQL of an export in a process of its own."""
    server.reset()
    command = [sys.executable, "-m", "roadmap_analytics", "export", f"{server.url}/groups/big"]
    kept = {name: text for name, text in os.environ.items() if name != "GITLAB_PRIVATE_TOKEN"}
    done = subprocess.run(
        [*command, "--to", str(to), "--jobs", str(JOBS), "--via", via, "--quiet"],
        env={**kept, **({"GITLAB_PRIVATE_TOKEN": server.token} if token else {})},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    told = re.search(r"^([\d,]+) requests, ([\d.]+) seconds", done.stdout, re.MULTILINE)
    assert told, done.stdout
    counts = server.counts()
    assert int(told[1].replace(",", "")) == counts.total
    return counts.total, float(told[2]), counts.routes.get("graphql", 0)


def fetched(server: LoopbackGitLab, via: Via) -> tuple[int, float]:
    """Requests and seconds of fetching alone: no table is made, as by the plain loop."""
    server.reset()
    os.environ["GITLAB_PRIVATE_TOKEN"] = server.token
    request = Request([parse_address(f"{server.url}/groups/big")], jobs=JOBS, via=via)
    began = time.perf_counter()
    run = Export(request, now=lambda: datetime.now(UTC))
    run.connect()
    histories = sum(record["kind"] == "history" for record in run.records())
    taken = time.perf_counter() - began
    assert histories > 0
    assert run.via == via
    assert not run.failures
    return server.counts().total, taken


def compared(issues: int) -> list[str]:
    """One project, both ways and the plain loop side by side; the broken promises."""
    broken = []
    ways: tuple[Via, ...] = ("rest", "graphql")
    records = world(issues, 1)
    with tempfile.TemporaryDirectory() as folder, running(records, now=NOW) as server:
        print(f"{issues:,} issues in one project, {JOBS} requests at once: fetching alone")
        print(f"{'':<14}{'requests':>10}{'0 ms':>10}{'20 ms':>10}{'+ 200 ms a batch':>20}")
        taken: dict[str, list[float]] = {"plain loop": [], "rest": [], "graphql": []}
        requests: dict[str, int] = {}
        for latency, batch in ((0.0, 0.0), (LATENCY, 0.0), (LATENCY, BATCH_SECONDS)):
            server.set(latency=latency, batch_seconds=batch)
            for via in ways:
                requests[via], seconds = fetched(server, via)
                taken[via].append(seconds)
            if not batch:  # it asks nothing by GraphQL
                requests["plain loop"], seconds = plain_loop(server)
                taken["plain loop"].append(seconds)
        for way, (idle, late, *slow) in taken.items():
            last = f"{slow[0]:>18.1f} s" if slow else ""
            print(f"{way:<14}{requests[way]:>10,}{idle:>8.1f} s{late:>8.1f} s{last}")
        idle, late, _ = taken["rest"]
        bound = MOST_TIME * requests["rest"] * LATENCY / JOBS + idle
        if late > bound:
            broken.append(f"by REST at 20 ms: at most {bound:.1f} s expected, got {late:.1f} s")
        if requests["graphql"] > MOST_IN_ONE * max(1, issues / 1000):
            broken.append(f"by GraphQL: at most {MOST_IN_ONE} expected, got {requests['graphql']}")
        server.set(latency=0, batch_seconds=0)
        for via in ways:
            first, whole, _ = export(server, Path(folder, via), via)
            print(f"{via:<14}{first:>10,}{whole:>8.1f} s  the whole command, 0 ms")
            broken += again(server, Path(folder, via), via, records, first)
    return broken


def again(server: LoopbackGitLab, to: Path, via: str, records: list[Row], first: int) -> list[str]:
    """A second run, 1 % of the issues changed; the broken promises."""
    issues = sum(record["kind"] == "issue" for record in records)
    server.set(latency=0, batch_seconds=0)
    server.load([*records, *touched(records, issues // 100)], now=LATER)
    requests, _, by_graphql = export(server, to, via)
    server.load(records, now=NOW)
    share = requests / first
    print(f"{via:<14}{requests:>10,}  second run, 1 % changed ({by_graphql} by GraphQL)")
    if via == "rest" and share > MOST_REQUESTS:
        return [f"second run by REST: at most {MOST_REQUESTS:.0%} expected, got {share:.2%}"]
    most = MOST_AGAIN * max(1, issues / 1000)
    if via == "graphql" and by_graphql > most:
        return [f"second run by GraphQL: at most {most:.0f} expected, got {by_graphql}"]
    return []


def scattered(issues: int, projects: int) -> list[str]:
    """Many small projects, with the token and without; the broken promises."""
    broken = []
    records = world(issues, projects)
    with tempfile.TemporaryDirectory() as folder, running(records, now=NOW) as server:
        print(f"{issues:,} issues in {projects} projects, by GraphQL")
        for who, token in (("with a token", True), ("without", False)):
            requests, taken, _ = export(server, Path(folder, who), "auto", token=token)
            print(f"{who:<14}{requests:>10,}{taken:>8.1f} s")
            if requests > MOST_IN_MANY * max(1, issues / 1000):
                broken.append(f"{projects} projects {who}: {MOST_IN_MANY} expected, got {requests}")
    return broken


def main(issues: int) -> list[str]:
    """Measure, print, and give the broken promises."""
    broken = compared(issues) + scattered(issues, 50)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"peak memory of an export: {peak:.0f} MiB")
    return broken


if __name__ == "__main__":
    promises = main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
    if promises:
        sys.exit("; ".join(promises))
