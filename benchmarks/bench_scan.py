"""The same questions by pandas and by Dask, and reading by others, on copies of one dataset.

Usage: python benchmarks/bench_scan.py [COPIES ...]   (default: 1 10 100)

A simulated dataset of 100,000 issues is copied under other ids, as one dataset for `ra.load` and as
one each for `ra.scan`: 10 copies are a million issues, 100 are ten million, which only a scan reads
(ENOUGH below). Every way runs in a process of its own, which prints its processor and elapsed
seconds. GiB is the most that it and its workers had at one time. Needs the extra [dask]; Polars and
DuckDB are measured where they are installed. Exit code 1 where a promise of docs/scale.md is
broken:

- all ways agree on every row; at ten million issues, with what pandas says of each copy;
- ten million issues fit 4 GiB, by threads and by processes, the answers included.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
from peers import READINGS, installed

import roadmap_analytics as ra
from roadmap_analytics import store
from roadmap_analytics.frames import BY_ISSUE, Dataset

BASE = 100_000
ENOUGH = 20  # copies beyond which one process could not hold everything in 8 GiB
IDS = ("issue_id", "moved_to_id", "milestone_id")
QUESTIONS: dict[str, Callable[[Dataset, Any], pd.DataFrame]] = {
    "burndowns": lambda d, day: ra.burndowns(d, as_of=day),
    "milestone_progress": lambda d, day: ra.milestone_progress(d, as_of=day),
    "workload": lambda d, day: ra.workload(d, as_of=day),
    "throughput": lambda d, day: ra.throughput(d, as_of=day),
}
MOST_MEMORY = 4.0
"""GiB for more copies than ENOUGH."""
SPARING = os.environ | {"ARROW_DEFAULT_MEMORY_POOL": "system"}
"""Arrow's own pool keeps what it once had: in two workers and the caller, a tenth of a GiB more."""
EVERY = 0.05  # seconds between two looks at the memory
HISTORIES = ("issues", "issue_events", "milestones", "milestone_dates")


def moved(dataset: Dataset, frame: pd.DataFrame, place: int) -> pd.DataFrame:
    """Give a frame of a dataset, or an answer, the ids of one copy, which no other copy has."""
    step = 1 + max(int(dataset[name][c].max()) for name, c in (
        ("issues", "issue_id"), ("milestones", "milestone_id")))  # fmt: skip
    return frame.assign(**{c: frame[c] + place * step for c in IDS if c in frame})


def copied(dataset: Dataset, place: int) -> dict[str, pd.DataFrame]:
    """Give the frames of one copy."""
    return {
        name: moved(dataset, frame, place)
        for name, frame in dataset.frames.items()
        if name in (*BY_ISSUE, "milestones", "milestone_dates")
    }


def written(copies: int, work: Path) -> None:
    """Write the copies: each as a dataset, and where they fit all as one."""
    command = [sys.executable, "-m", "roadmap_analytics", "simulate", "--to", str(work / "base")]
    if not (work / "base").is_dir():
        command += ["--issues", str(BASE), "--seed", "1"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    dataset = ra.load(work / "base")
    parts = []
    for place in range(copies):
        to = work / "parts" / f"{place:03}"
        frames = copied(dataset, place)
        if not to.is_dir():
            Dataset(frames, dataset.manifest).save(to)
        parts.append(frames if copies <= ENOUGH else {})
    if copies <= ENOUGH and not (work / f"whole{copies}").is_dir():
        whole = {name: pd.concat([p[name] for p in parts], ignore_index=True) for name in parts[0]}
        Dataset(whole, dataset.manifest).save(work / f"whole{copies}")


def files(folder: Path) -> list[Path]:
    frames = store.read_manifest(folder).tables["frames"]
    return [folder / frames[name]["file"] for name in HISTORIES]


def reader(name: str) -> Callable[[Path], Any]:
    """Return how others read the tables that histories follow from."""
    return lambda folder: READINGS[name](files(folder))


WHOLE: dict[str, Callable[[Path], Any]] = {
    **{f"read by {name}": reader(name) for name in installed()},
    "ra.load": lambda folder: ra.load(folder, frames=HISTORIES),
    "pandas": lambda folder: ra.load(folder),
}
"""Ways to read all copies at once."""


@contextmanager
def scheduler(way: str) -> Iterator[None]:
    """Let two threads or two worker processes compute."""
    import dask

    if way == "threads":
        with dask.config.set(scheduler="threads", num_workers=2):
            yield
        return
    import distributed

    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as made,
        made.get_client(),
    ):
        yield


def busy() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def family(process: int) -> Iterator[int]:
    """Give the ids of a process and of all that it has started."""
    yield process
    for tasks in Path(f"/proc/{process}/task").glob("*/children"):
        for child in tasks.read_text().split():
            yield from family(int(child))


def resident(process: int) -> int:
    """Return the KiB that a process and its children have in memory.

    The libraries that they share are mapped by each and in memory once.
    """
    own, mapped = 0, 0
    try:
        for one in family(process):
            status = Path(f"/proc/{one}/status").read_text()
            rows = dict(row.split(":", 1) for row in status.splitlines())
            own += int(rows["RssAnon"].split()[0])
            mapped = max(mapped, int(rows["RssFile"].split()[0]))
    except (OSError, KeyError):  # one has just ended
        return 0
    return own + mapped


def watched(command: list[str]) -> tuple[dict[str, Any], float]:
    """Run a way; return what it prints, and the most GiB that its processes had at one time."""
    most = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=SPARING) as running:
        while running.poll() is None:
            most = max(most, resident(running.pid))
            time.sleep(EVERY)
        assert running.stdout is not None
        told = running.stdout.read()
    if running.returncode:
        sys.exit(f"{command[2:]}: expected exit code 0, got {running.returncode}")
    cost = json.loads(told.splitlines()[-1])
    # The largest process itself misses no short peak.
    return cost, max(most / 2**20, cost.pop("gib"))


def measure(way: str, copies: int, work: Path) -> dict[str, Any]:
    """Run one way in this process: read, or read and answer every question."""
    whole = work / f"whole{copies}"
    began, used = time.perf_counter(), busy()
    taken: dict[str, float] = {}

    def answer(dataset: Dataset) -> None:
        for name, question in QUESTIONS.items():
            before = time.perf_counter()
            found = question(dataset, dataset.exported_at)
            taken[name] = round(time.perf_counter() - before, 2)
            found.to_pickle(work / f"{way}-{copies}-{name}")
            del found  # the next question does not pay for this answer

    if way in WHOLE:
        found = WHOLE[way](whole)
        if way == "pandas":
            answer(found)
    else:
        with scheduler(way):
            answer(ra.scan([work / "parts" / f"{place:03}" for place in range(copies)]))
    used, elapsed = busy() - used, time.perf_counter() - began
    gib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # Linux counts KiB
    return {"cpu": used, "elapsed": elapsed, "gib": gib, "questions": taken}


def main(sizes: list[int], work: Path) -> list[str]:
    """Measure every way at every size, print, compare the answers; give the broken promises."""
    broken = []
    for copies in sizes:
        written(copies, work)
        print(f"\n{copies} copies of {BASE:,} simulated issues")
        print(f"{'':<18}{'CPU s':>9}{'s':>9}{'GiB':>7}")
        ways = [*(WHOLE if copies <= ENOUGH else []), "threads", "processes"]
        for way in ways:
            command = [sys.executable, __file__, "--way", way, str(copies), str(work)]
            cost, gib = watched(command)
            row = f"{way:<18}{cost['cpu']:>9.2f}{cost['elapsed']:>9.2f}{gib:>7.2f}"
            print(row, cost["questions"] or "", flush=True)
            if copies > ENOUGH and gib > MOST_MEMORY:
                broken.append(f"{way}: at most {MOST_MEMORY} GiB expected, got {gib:.2f}")
        agree(copies, [way for way in ("pandas", "threads", "processes") if way in ways], work)
    return broken


def agree(copies: int, ways: list[str], work: Path) -> None:
    """Compare every way's answers with those of pandas, of the whole or of each copy."""
    loaded = ra.load(work / "base")
    base = Dataset(copied(loaded, 0), loaded.manifest)  # copies have no roadmaps, nor people
    for name, question in QUESTIONS.items():
        if copies <= ENOUGH:
            first = pd.read_pickle(work / f"pandas-{copies}-{name}")
        else:
            first = question(base, base.exported_at)
        for way in ways:
            found = pd.read_pickle(work / f"{way}-{copies}-{name}")
            if copies <= ENOUGH:
                pd.testing.assert_frame_equal(found, first, check_exact=True)
            else:
                many_times(base, found, first, copies)
            print(f"{name} by {way}: {len(found):,} rows, {gib_of(found):.2f} GiB, as by pandas")


def gib_of(frame: pd.DataFrame) -> float:
    return float(frame.memory_usage(deep=True).sum() / 2**30)


def many_times(dataset: Dataset, found: pd.DataFrame, one: pd.DataFrame, copies: int) -> None:
    """Compare an answer about all copies with that about one of them."""
    if "milestone_id" in found:
        assert len(found) == copies * len(one)
        for place in range(copies):  # ids of a later copy are higher, so its rows stand below
            mine = found.iloc[place * len(one) : (place + 1) * len(one)].reset_index(drop=True)
            pd.testing.assert_frame_equal(mine, moved(dataset, one, place), check_exact=True)
        return
    alike = [c for c in one if c == "oldest_days" or not pd.api.types.is_numeric_dtype(one[c])]
    alike += [c for c in one if one[c].dtype == bool and c not in alike]
    pd.testing.assert_frame_equal(found[alike], one[alike])
    sums = [c for c in one if c not in alike]
    pd.testing.assert_frame_equal(found[sums], one[sums] * copies)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--way"]:
        print(json.dumps(measure(sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]))))
    else:
        wanted = [int(one) for one in sys.argv[1:]] or [1, 10, 100]
        kept = os.environ.get("BENCH_FOLDER")  # to keep what was written for the next time
        if kept:
            promises = main(wanted, Path(kept))
        else:
            with tempfile.TemporaryDirectory() as folder:
                promises = main(wanted, Path(folder))
        if promises:
            sys.exit("; ".join(promises))
