"""What an export costs: time against a plain loop, requests, memory; against the loopback server.

Usage: python benchmarks/bench_export.py [ISSUES]      (default: 400)

The plain loop is what one would write first with python-gitlab: the list of issues, then three
event lists for each, one after another. Exit code 1 where a promise of docs/export.md is broken:

- time at most 1.25 x (requests x latency / jobs), and what the export costs without latency;
- a second run, with 1 % of the issues changed, makes at most 3 % of the requests of the first.
"""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import gitlab

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.big_world import NOW, touched, world  # noqa: E402
from tests.gitlab_server import LoopbackGitLab, running  # noqa: E402

JOBS = 4
LATENCY = 0.02
MOST_TIME = 1.25
MOST_REQUESTS = 0.03
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


def export(server: LoopbackGitLab, to: Path) -> tuple[int, float]:
    """Requests and seconds of `roadmap-analytics export`, in a process of its own."""
    server.reset()
    command = [sys.executable, "-m", "roadmap_analytics", "export", f"{server.url}/groups/big"]
    done = subprocess.run(
        [*command, "--to", str(to), "--jobs", str(JOBS), "--quiet"],
        env={**os.environ, "GITLAB_PRIVATE_TOKEN": server.token},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    told = re.search(r"^([\d,]+) requests, ([\d.]+) seconds", done.stdout, re.MULTILINE)
    assert told, done.stdout
    assert int(told[1].replace(",", "")) == server.counts().total
    return server.counts().total, float(told[2])


def main(issues: int) -> list[str]:
    """Measure, print, and give the broken promises."""
    records = world(issues)
    broken = []
    with tempfile.TemporaryDirectory() as folder, running(records, now=NOW) as server:
        _, idle = export(server, Path(folder, "0"))
        _, plain_idle = plain_loop(server)
        server.set(latency=LATENCY)
        requests, taken = export(server, Path(folder, "20"))
        plain_requests, plain = plain_loop(server)
        print(
            f"{issues:,} issues, {JOBS} requests at once {'requests':>12} {'0 ms':>8} {'20 ms':>8}"
        )
        print(f"{'plain loop':<40} {plain_requests:>10,} {plain_idle:>6.1f} s {plain:>6.1f} s")
        print(f"{'export':<40} {requests:>10,} {idle:>6.1f} s {taken:>6.1f} s")
        bound = MOST_TIME * requests * LATENCY / JOBS + idle
        print(f"requests per issue {requests / issues:.2f}; bound at 20 ms {bound:.1f} s")
        if taken > bound:
            broken.append(f"time at 20 ms: at most {bound:.1f} s expected, got {taken:.1f} s")
        server.set(latency=0)
        server.load([*records, *touched(records, issues // 100)], now=LATER)
        again, _ = export(server, Path(folder, "20"))
        print(f"second run, 1 % changed: {again:,} requests, {again / requests:.2%} of the first")
        if again > MOST_REQUESTS * requests:
            broken.append(
                f"second run: at most {MOST_REQUESTS:.0%} expected, got {again / requests:.2%}"
            )
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"peak memory of an export: {peak:.0f} MiB")
    return broken


if __name__ == "__main__":
    promises = main(int(sys.argv[1]) if len(sys.argv) > 1 else 400)
    if promises:
        sys.exit("; ".join(promises))
