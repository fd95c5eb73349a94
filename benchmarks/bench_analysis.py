"""What analysis costs on simulated datasets, against reading the Parquet tables it rests on.

Usage: python benchmarks/bench_analysis.py [ISSUES ...]      (default: 112000, 800,000 events)

Times are the best of five in one run, so that ratios hold on any machine. Exit code 1 where the
burndown of all milestones by day takes more than twice the time of reading.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

import roadmap_analytics as ra

LIMIT = 2.0
TABLES = ("issues", "issue_events", "milestones", "milestone_dates")


def best(*calls: Callable[[], Any], rounds: int = 7) -> list[float]:
    """Give the shortest time of each call, in seconds; they take turns, for a fair ratio."""
    taken: list[list[float]] = [[] for _ in calls]
    for _ in range(rounds):
        for times, call in zip(taken, calls, strict=True):
            began = time.perf_counter()
            call()
            times.append(time.perf_counter() - began)
    return [min(times) for times in taken]


def measure(folder: Path) -> float:
    """Print what one dataset costs; give the ratio of burndown to reading."""
    paths = [next(folder.glob(f"tables/*/{name}.parquet")) for name in TABLES]
    began = time.perf_counter()
    dataset = ra.load(folder)
    loading = time.perf_counter() - began
    as_of = dataset.exported_at
    reading, by_day, weights = best(
        lambda: [pd.read_parquet(path) for path in paths],
        lambda: ra.burndowns(dataset, as_of=as_of),
        lambda: ra.burndowns(dataset, as_of=as_of, measure="weight", timezone="Asia/Tokyo"),
    )
    rows = len(ra.burndowns(dataset, as_of=as_of))
    once = {
        name: best(call, rounds=1)[0]
        for name, call in {
            "progress": lambda: ra.milestone_progress(dataset, as_of=as_of),
            "state of all issues": lambda: ra.state_at(dataset, as_of),
            "planned work": lambda: ra.planned_work(dataset, as_of=as_of),
            "moved on": lambda: ra.moved_on(dataset, as_of=as_of),
            "check": lambda: ra.check(dataset),
        }.items()
    }
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(
        f"{len(dataset.issues):,} issues, {len(dataset.issue_events):,} events, "
        f"{len(dataset.milestones):,} milestones\n"
        f"  reading the tables    {reading:8.3f} s   (load, with its checks: {loading:.3f} s)\n"
        f"  all burndowns by day  {by_day:8.3f} s   {by_day / reading:.2f} x reading for {rows:,}\n"
        f"  by weight, other zone {weights:8.3f} s   {weights / reading:.2f} x reading"
    )
    for name, taken in once.items():
        print(f"  {name:<21} {taken:8.3f} s   {taken / reading:.2f} x reading")
    print(f"  peak memory           {peak:8.2f} GiB")
    return by_day / reading


def main(sizes: list[int]) -> None:
    """Simulate a dataset of each size and measure it in a process of its own."""
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            simulate = ["simulate", "--to", folder, "--issues", str(size), "--seed", "1"]
            subprocess.run(
                [sys.executable, "-m", "roadmap_analytics", *simulate],
                check=True,
                stdout=subprocess.DEVNULL,
            )
            child = subprocess.run([sys.executable, __file__, folder], env=os.environ, check=False)
        if child.returncode:
            sys.exit(child.returncode)


if __name__ == "__main__":
    arguments = sys.argv[1:] or ["112000"]
    if not Path(arguments[0]).is_dir():
        main([int(size) for size in arguments])
    elif (ratio := measure(Path(arguments[0]))) > LIMIT:
        sys.exit(f"all burndowns: at most {LIMIT} x reading expected, got {ratio:.2f} x")
