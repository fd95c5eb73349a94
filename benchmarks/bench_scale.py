"""What loading, checking and analysis cost as datasets grow: processor time, memory, growth.

Usage: python benchmarks/bench_scale.py [ISSUES | DATASET ...]  (default: 10000 100000 1000000,
some eight minutes of processor time and 4 GiB)

Each part runs in a process of its own: it loads the frames that it needs, runs once, and notes its
peak memory; then it takes turns with reading the same frames from Parquet by pandas, and the best
time of each counts, so that ratios hold on a busy machine. Seconds are those of the processor in
user mode: how long the system takes to give out memory depends on what else runs. Growth is per
doubling of the issues: 2.0 is in proportion. Polars and DuckDB read the same files where they are
installed. Exit code 1 where a promise of docs/scale.md is broken:

- burndowns of all milestones, and load by week, with 100,000 issues: at most twice the reading;
- a million issues: loading takes at most 1.5 times the reading, grows by at most 2.1 per doubling
  from 100,000 on, and needs at most 1.5 times the memory of its frames at its peak;
- checking them: at most 2.5 times the reading;
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

from peers import READINGS, by_pandas, installed

import roadmap_analytics as ra
from roadmap_analytics import schema, store

SIZES = ("10000", "100000", "1000000")
ROUNDS = 3
MOST_MEMORY = 8 * 2**30
MOST_GROWTH = 2.1  # of loading
MOST_OF_FRAMES = 1.5  # times the memory of the frames, at the peak of loading
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


def files(folder: Path, names: tuple[str, ...] = EVERYTHING) -> list[Path]:
    tables = store.read_manifest(folder).tables["frames"]
    return [folder / tables[name]["file"] for name in names]


def reader(name: str) -> Callable[[Path], Any]:
    """Return how others read a dataset's tables."""
    return lambda folder: READINGS[name](files(folder))


PARTS = {
    **{f"read by {name}": Part(EVERYTHING, reader(name), loads=True) for name in installed()},
    "load": Part(EVERYTHING, lambda folder: ra.load(folder), loads=True, most=1.5, since=MANY),
    "  issues and events": Part(WORK, lambda folder: ra.load(folder, frames=WORK), loads=True),
    "  issues": Part(("issues",), lambda folder: ra.load(folder, frames=["issues"]), loads=True),
    "check": Part(EVERYTHING, ra.check, most=2.5, since=MANY),
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
    frames: float | None = None  # peak of loading, without imports, times the memory of the frames


def busy() -> float:
    """Return seconds of user time, of all threads."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_utime


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024  # Linux counts KiB


def timed(call: Callable[[], Any]) -> tuple[float, float]:
    """Processor time and elapsed time, in seconds."""
    used, began = busy(), time.perf_counter()
    call()
    return busy() - used, time.perf_counter() - began


def measure(part: Part, folder: Path) -> Cost:
    """Run one part in this process, then in turns with reading its frames."""
    source = folder if part.loads else ra.load(folder, frames=part.frames)
    before = peak()
    own, reading = [timed(lambda: part.call(source))], []
    most, frames = peak(), None
    for _ in range(ROUNDS):
        reading.append(timed(lambda: by_pandas(files(folder, part.frames))))
        own.append(timed(lambda: part.call(source)))
    if part is PARTS["load"]:
        loaded = ra.load(folder).frames.values()
        frames = (most - before) / sum(f.memory_usage(deep=True).sum() for f in loaded)
    (used, taken), (read_used, read_taken) = (
        map(min, zip(*runs, strict=True)) for runs in (own, reading)
    )
    return Cost(used, most, used / read_used, taken / read_taken, frames)


def simulated(issues: int, folder: Path) -> Cost:
    """Simulate a dataset through the command line."""
    command = [sys.executable, "-m", "roadmap_analytics", "simulate", "--to", str(folder)]
    command += ["--issues", str(issues), "--seed", "1"]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    if status:
        sys.exit(f"simulate: expected exit code 0, got {os.waitstatus_to_exitcode(status)}")
    return Cost(used.ru_utime, used.ru_maxrss * 1024)


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


def grown(cost: Cost, earlier: Cost | None, doublings: float) -> float | None:
    """Return the factor of each doubling."""
    return (cost.seconds / earlier.seconds) ** (1 / doublings) if earlier else None


def line(name: str, cost: Cost, growth: float | None) -> str:
    ratios = (
        "" if ratio is None else f"{ratio:.2f}" for ratio in (cost.readings, cost.elapsed, growth)
    )
    told = "{:>11}{:>9}{:>14}".format(*ratios)
    of_frames = "" if cost.frames is None else f"  {cost.frames:.2f} x its frames"
    return f"{name:<26}{cost.seconds:>9.3f}{cost.memory / 2**30:>7.2f}{told}{of_frames}"


def broken(issues: int, found: dict[str, Cost], growth: dict[str, float | None]) -> list[str]:
    """Name the promises that these costs break."""
    # What, what was got, the most that is allowed.
    kept: list[tuple[str, float | None, float]] = [
        (f"GiB of {name.strip()}", cost.memory / 2**30, MOST_MEMORY / 2**30)
        for name, cost in found.items()
    ]
    for name, part in PARTS.items():
        if part.most is not None and issues > part.since:
            kept.append((f"times reading, {name}", found[name].readings, part.most))
    if issues > MANY:
        kept.append(("growth of load per doubling", growth["load"], MOST_GROWTH))
        kept.append(("times its frames, load at its peak", found["load"].frames, MOST_OF_FRAMES))
    return [
        f"{what} of {issues:,} issues: at most {most} expected, got {got:.2f}"
        for what, got, most in kept
        if got is not None and got > most
    ]


def main(sizes: list[str]) -> list[str]:
    """Measure each dataset, print, and give the broken promises."""
    promises: list[str] = []
    before: dict[str, Cost] = {}
    issues = doublings = 1.0
    for given in sizes:
        with tempfile.TemporaryDirectory() as work:
            folder = Path(given) if Path(given).is_dir() else Path(work, "data")
            found: dict[str, Cost] = {}
            growth: dict[str, float | None] = {}
            for name, cost in costs(given, folder):
                if not found:
                    counts = (f"{rows(folder, n):,} {n}" for n in PLANS[:3])
                    print(f"\n{', '.join(counts)}\n{HEAD}")
                    doublings = math.log2(rows(folder, "issues") / issues)
                    issues = rows(folder, "issues")
                growth[name] = grown(cost, before.get(name), doublings)
                print(line(name, cost, growth[name]), flush=True)
                found[name] = cost
        promises += broken(int(issues), found, growth)
        before = found
    return promises


if __name__ == "__main__":
    if sys.argv[1:2] == ["--part"]:
        print(json.dumps(measure(PARTS[sys.argv[2]], Path(sys.argv[3]))))
    elif promises := main(sys.argv[1:] or list(SIZES)):
        sys.exit("; ".join(promises))
