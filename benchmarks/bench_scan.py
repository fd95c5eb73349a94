"""The same questions by pandas and by Dask, and reading by others, on copies of one dataset.

Usage: python benchmarks/bench_scan.py [COPIES ...]   (default: 1 10)

A simulated dataset of 100,000 issues is copied under other ids, as one dataset for `ra.load` and as
one each for `ra.scan`: 10 copies are a million issues, 100 are ten million, which only a scan reads
(ENOUGH below). Every way runs in a process of its own, which prints its processor and elapsed
seconds and its peak memory, that of its workers included. Exit code 1 where two ways do not agree
on every row, or at ten million not with what pandas says of one copy. Needs the extra [dask];
Polars and DuckDB are measured where they are installed.
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
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd

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
LARGE = "burndowns"
"""Not asked of more copies than ENOUGH: of 81,100 milestones the answer itself takes 2.2 GB."""
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


def files(folder: Path, names: tuple[str, ...]) -> list[str]:
    frames = store.read_manifest(folder).tables["frames"]
    return [str(folder / frames[name]["file"]) for name in names]


def by_polars(folder: Path) -> Any:
    import polars

    return [polars.read_parquet(file) for file in files(folder, HISTORIES)]


def by_duckdb(folder: Path) -> Any:
    import duckdb

    connection = duckdb.connect()
    return [
        connection.execute(f"SELECT * FROM '{file}'").fetchnumpy()
        for file in files(folder, HISTORIES)
    ]


READINGS: dict[str, Callable[[Path], Any]] = {
    "read by pandas": lambda folder: [pd.read_parquet(f) for f in files(folder, HISTORIES)],
    "read by polars": by_polars,
    "read by duckdb": by_duckdb,
    "ra.load": lambda folder: ra.load(folder, frames=HISTORIES),
    "pandas": lambda folder: ra.load(folder),
}


def asked(copies: int) -> list[str]:
    return [name for name in QUESTIONS if copies <= ENOUGH or name != LARGE]


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
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as made,
        made.get_client(),
    ):
        yield


def busy() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def peak() -> float:
    """Return GiB: of this process, and of as many as the largest worker for each of two."""
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    workers = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return (own + 2 * workers) / 2**20  # Linux counts KiB


def measure(way: str, copies: int, work: Path) -> dict[str, Any]:
    """Run one way in this process: read, or read and answer every question."""
    whole = work / f"whole{copies}"
    began, used = time.perf_counter(), busy()
    taken: dict[str, float] = {}

    def answer(dataset: Dataset) -> None:
        for name in asked(copies):
            before = time.perf_counter()
            QUESTIONS[name](dataset, dataset.exported_at).to_pickle(work / f"{way}-{copies}-{name}")
            taken[name] = round(time.perf_counter() - before, 2)

    if way in READINGS:
        found = READINGS[way](whole)
        if way == "pandas":
            answer(found)
    else:
        with scheduler(way):
            answer(ra.scan([work / "parts" / f"{place:03}" for place in range(copies)]))
    cost = {"cpu": busy() - used, "elapsed": time.perf_counter() - began, "gib": peak()}
    return cost | {"questions": taken}


def main(sizes: list[int], work: Path) -> None:
    """Measure every way at every size, print, and compare the answers."""
    for copies in sizes:
        written(copies, work)
        print(f"\n{copies} copies of {BASE:,} simulated issues")
        print(f"{'':<18}{'CPU s':>9}{'s':>9}{'GiB':>7}")
        skipped = {name for name in ("polars", "duckdb") if not find_spec(name)}
        ways = [*READINGS, "threads", "processes"] if copies <= ENOUGH else ["threads", "processes"]
        for way in ways:
            if way.rpartition(" ")[2] in skipped:
                print(f"{way:<18}not installed")
                continue
            command = [sys.executable, __file__, "--way", way, str(copies), str(work)]
            answer = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
            cost = json.loads(answer.splitlines()[-1])
            row = f"{way:<18}{cost['cpu']:>9.2f}{cost['elapsed']:>9.2f}{cost['gib']:>7.2f}"
            print(row, cost["questions"] or "", flush=True)
        agree(copies, [way for way in ("pandas", "threads", "processes") if way in ways], work)


def agree(copies: int, ways: list[str], work: Path) -> None:
    """Compare every way's answers with those of the first."""
    answers = {
        name: [pd.read_pickle(work / f"{way}-{copies}-{name}") for way in ways]
        for name in asked(copies)
    }
    if "pandas" not in ways:
        # What pandas says of one copy, once for each: of its milestones, with the ids they have.
        base = ra.load(work / "base")
        one = QUESTIONS["milestone_progress"](base, base.exported_at)
        each = pd.concat([moved(base, one, n) for n in range(copies)], ignore_index=True)
        answers["milestone_progress"].append(
            each.sort_values("milestone_id", kind="stable", ignore_index=True)
        )
        ways = [*ways, "pandas for each copy"]
    for first, *others in answers.values():
        for other in others:
            pd.testing.assert_frame_equal(other, first, check_exact=True)
    print(f"{', '.join(ways)}: the same in every row")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--way"]:
        print(json.dumps(measure(sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]))))
    else:
        wanted = [int(one) for one in sys.argv[1:]] or [1, 10]
        kept = os.environ.get("BENCH_FOLDER")  # to keep what was written for the next time
        if kept:
            main(wanted, Path(kept))
        else:
            with tempfile.TemporaryDirectory() as folder:
                main(wanted, Path(folder))
