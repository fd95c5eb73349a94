"""What loading, checking and analysis cost as datasets grow: processor time, memory, growth.

Usage: python benchmarks/bench_scale.py [ISSUES | DATASET ...]  (default: 10000 100000 1000000,
some eight minutes of processor time and 4 GiB)

Each part runs in a process of its own: it loads the frames that it needs, runs once, and notes its
peak memory; then it takes turns with reading the same frames from Parquet by pandas, and the best
time of each counts, so that ratios hold on a busy machine. Growth is per doubling of the issues:
2.0 is in proportion. Exit code 1 where a promise of docs/scale.md is broken:

- burndowns of all milestones, and load by week, with 100,000 issues: at most twice the reading;
- loading every frame of a million issues: at most 1.5 times the reading;
- whatever the size, simulation included: at most 8 GiB.
"""

from __future__ import annotations

import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

import roadmap_analytics as ra
from roadmap_analytics import schema, store

SIZES = ("10000", "100000", "1000000")
ROUNDS = 3
MOST_MEMORY = 8 * 2**30
ENOUGH = 50_000  # with fewer issues, calls cost milliseconds whatever there is to do
MANY = 500_000  # with fewer, the small frames and the imports of a first call count when loading
EVERYTHING = tuple(schema.FRAMES)
PLANS = ("issues", "issue_events", "milestones", "milestone_dates")
WORK = ("issues", "issue_events")
HEAD = f"{'':<26}{'CPU s':>9}{'GiB':>7}{'x reading':>11}{'elapsed':>9}{'per doubling':>14}"


class Part(NamedTuple):
    frames: tuple[str, ...]
    call: Callable[[Any], Any]  # of the folder where it loads, else of the dataset
    loads: bool = False
    most: float | None = None  # times the reading, from so many issues on
    since: int = ENOUGH


PARTS = {
    "load": Part(EVERYTHING, lambda folder: ra.load(folder), loads=True, most=1.5, since=MANY),
    "  issues and events": Part(WORK, lambda folder: ra.load(folder, frames=WORK), loads=True),
    "  issues": Part(("issues",), lambda folder: ra.load(folder, frames=["issues"]), loads=True),
    "check": Part(EVERYTHING, ra.check),
    "burndowns, daily": Part(PLANS, lambda d: ra.burndowns(d, as_of=d.exported_at), most=2.0),
    "  weight, other zone": Part(
        PLANS,
        lambda d: ra.burndowns(d, as_of=d.exported_at, measure="weight", timezone="Asia/Tokyo"),
    ),
    "milestone_progress": Part(PLANS, lambda d: ra.milestone_progress(d, as_of=d.exported_at)),
    "workload_history, weekly": Part(
        WORK, lambda d: ra.workload_history(d, as_of=d.exported_at), most=2.0
    ),
    "  in equal shares": Part(
        WORK, lambda d: ra.workload_history(d, as_of=d.exported_at, split="equal")
    ),
    "state_at": Part(WORK, lambda d: ra.state_at(d, d.exported_at)),
    "planned_work": Part(PLANS, lambda d: ra.planned_work(d, as_of=d.exported_at)),
    "carried_over": Part(PLANS, lambda d: ra.carried_over(d, as_of=d.exported_at)),
}


class Cost(NamedTuple):
    seconds: float  # of processor time
    memory: int  # peak of the process, in bytes
    readings: float | None = None  # times the processor time of reading its frames
    elapsed: float | None = None  # times the elapsed time of reading them


def timed(call: Callable[[], Any]) -> tuple[float, float]:
    """Processor time (of all threads) and elapsed time, in seconds."""
    busy, began = time.process_time(), time.perf_counter()
    call()
    return time.process_time() - busy, time.perf_counter() - began


def measure(part: Part, folder: Path) -> Cost:
    """Run one part in this process, then in turns with reading its frames."""
    source = folder if part.loads else ra.load(folder, frames=part.frames)
    own, reading = [timed(lambda: part.call(source))], []
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    tables = store.read_manifest(folder).tables["frames"]
    files = [folder / tables[name]["file"] for name in part.frames]
    for _ in range(ROUNDS):
        reading.append(timed(lambda: [pd.read_parquet(file) for file in files]))
        own.append(timed(lambda: part.call(source)))
    (busy, taken), (read_busy, read_taken) = (
        map(min, zip(*runs, strict=True)) for runs in (own, reading)
    )
    return Cost(busy, peak, busy / read_busy, taken / read_taken)


def simulated(issues: int, folder: Path) -> Cost:
    """Simulate a dataset through the command line."""
    command = [sys.executable, "-m", "roadmap_analytics", "simulate", "--to", str(folder)]
    command += ["--issues", str(issues), "--seed", "1"]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    if status:
        sys.exit(f"simulate: expected exit code 0, got {os.waitstatus_to_exitcode(status)}")
    return Cost(used.ru_utime + used.ru_stime, used.ru_maxrss * 1024)


def costs(given: str, folder: Path) -> Iterator[tuple[str, Cost]]:
    """Measure every part on one dataset, made first unless it is given."""
    if folder != Path(given):
        yield "simulate", simulated(int(given), folder)
    for name in PARTS:
        command = [sys.executable, __file__, "--part", name, str(folder)]
        answer = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
        yield name, Cost(*json.loads(answer))


def rows(folder: Path, name: str) -> int:
    return int(store.read_manifest(folder).tables["frames"][name]["rows"])


def line(name: str, cost: Cost, earlier: Cost | None, doublings: float) -> str:
    growth = (cost.seconds / earlier.seconds) ** (1 / doublings) if earlier else None
    ratios = (
        "" if ratio is None else f"{ratio:.2f}" for ratio in (cost.readings, cost.elapsed, growth)
    )
    told = "{:>11}{:>9}{:>14}".format(*ratios)
    return f"{name:<26}{cost.seconds:>9.3f}{cost.memory / 2**30:>7.2f}{told}"


def broken(issues: int, found: dict[str, Cost]) -> list[str]:
    """Name the promises that these costs break."""
    promises = [
        f"{name.strip()} of {issues:,} issues: at most {MOST_MEMORY / 2**30:.0f} GiB expected, "
        f"got {cost.memory / 2**30:.2f}"
        for name, cost in found.items()
        if cost.memory > MOST_MEMORY
    ]
    for name, cost in found.items():
        most = PARTS[name].most if name in PARTS and issues > PARTS[name].since else None
        if most is not None and cost.readings is not None and cost.readings > most:
            promises.append(
                f"{name} of {issues:,} issues: at most {most} x reading expected, "
                f"got {cost.readings:.2f}"
            )
    return promises


def main(sizes: list[str]) -> list[str]:
    """Measure each dataset, print, and give the broken promises."""
    promises: list[str] = []
    before: dict[str, Cost] = {}
    issues = doublings = 1.0
    for given in sizes:
        with tempfile.TemporaryDirectory() as work:
            folder = Path(given) if Path(given).is_dir() else Path(work, "data")
            found: dict[str, Cost] = {}
            for name, cost in costs(given, folder):
                if not found:
                    counts = (f"{rows(folder, n):,} {n}" for n in PLANS[:3])
                    print(f"\n{', '.join(counts)}\n{HEAD}")
                    doublings = math.log2(rows(folder, "issues") / issues)
                    issues = rows(folder, "issues")
                print(line(name, cost, before.get(name), doublings), flush=True)
                found[name] = cost
        promises += broken(int(issues), found)
        before = found
    return promises


if __name__ == "__main__":
    if sys.argv[1:2] == ["--part"]:
        print(json.dumps(measure(PARTS[sys.argv[2]], Path(sys.argv[3]))))
    elif promises := main(sys.argv[1:] or list(SIZES)):
        sys.exit("; ".join(promises))
