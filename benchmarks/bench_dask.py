"""The burndown of every milestone by Dask and by pandas: the same tables, the same numbers.

Usage: python benchmarks/bench_dask.py [ISSUES | DATASET]      (default: 100000)

Issues do not depend on one another: what each adds to a milestone on a day sums to the chart. So
each partition holds some issues with their whole histories, `ra.burndowns` runs on each, and the
sum over partitions must be the burndown of the whole; it fails otherwise. Needs the extra [dask].
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import dask.dataframe as dd
import pandas as pd

import roadmap_analytics as ra
from roadmap_analytics import store
from roadmap_analytics.analysis import replay
from roadmap_analytics.analysis.days import instant

AMOUNTS = ["scope", "completed", "remaining", "added", "removed"]
KEY = ["milestone_id", "date"]
FRAMES = ["issues", "issue_events", "milestones", "milestone_dates"]
PARTITION = 25_000  # issues


class Part(NamedTuple):
    """What one partition reads: the issues from one id to another, both included."""

    tables: dict[str, str]
    first: int
    last: int
    left: list[int]  # moved originals, whose copies count

    def read(self, milestones: pd.DataFrame) -> ra.Dataset:
        """Give the issues, their histories, and the milestones that they were ever in."""
        only = [("issue_id", ">=", self.first), ("issue_id", "<=", self.last)]
        frames = {}
        for name in ("issues", "issue_events"):
            rows = pd.read_parquet(self.tables[name], filters=only)
            frames[name] = rows[~rows["issue_id"].isin(self.left)]
        met = milestones["milestone_id"].isin(frames["issue_events"]["milestone_id"])
        return ra.Dataset({**frames, "milestones": milestones[met]})


def extent(part: Part, milestones: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    """Give the first and last day that each milestone has in a partition."""
    dataset = part.read(milestones)
    first = ra.milestone_progress(dataset, as_of=as_of).set_index("milestone_id")["start_date"]
    last = ra.burndowns(dataset, as_of=as_of).groupby("milestone_id")["date"].max()
    return pd.DataFrame({"first": first, "last": last}).rename_axis("milestone_id").reset_index()


def amounts(part: Part, milestones: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    """Give what the issues of a partition add to each milestone and day."""
    return ra.burndowns(part.read(milestones), as_of=as_of)[[*KEY, *AMOUNTS]]


def parts_of(folder: Path, size: int) -> list[Part]:
    """Cut a dataset into partitions of so many issues."""
    frames = store.read_manifest(folder).tables["frames"]
    tables = {name: str(folder / frame["file"]) for name, frame in frames.items()}
    issues = pd.read_parquet(tables["issues"], columns=["issue_id", "moved_to_id"])
    ids = issues["issue_id"].sort_values().to_list()
    counted = replay.in_scope(ra.Dataset({"issues": issues}))["issue_id"]
    left = sorted(set(ids).difference(counted))
    cuts = (ids[n : n + size] for n in range(0, len(ids), size))
    return [
        Part(tables, cut[0], cut[-1], left[bisect_left(left, cut[0]) : bisect_right(left, cut[-1])])
        for cut in cuts
    ]


def burndowns(folder: Path, as_of: pd.Timestamp, size: int = PARTITION) -> pd.DataFrame:
    """Give `AMOUNTS` per milestone and day, as `ra.burndowns` does, by partitions of issues.

    Two things only the whole knows, and they are settled first: which moved issues have their copy
    in the dataset, and from which day to which each milestone is shown.
    """
    parts = parts_of(folder, size)
    dated = ra.load(folder, frames=["milestones", "milestone_dates"])
    milestones = replay.milestones_at(dated, instant(as_of)).drop(columns="observed_at")

    def mapped(function: Callable[..., pd.DataFrame], milestones: pd.DataFrame) -> Any:
        meta = function(parts[0]._replace(last=parts[0].first - 1), milestones.head(0), as_of)
        return dd.from_map(function, parts, args=(milestones, as_of), meta=meta)

    days = mapped(extent, milestones).groupby("milestone_id").agg({"first": "min", "last": "max"})
    days = days.compute().reindex(milestones["milestone_id"]).set_axis(milestones.index)
    due = milestones["due_date"]
    shown = milestones.assign(
        start_date=milestones["start_date"].fillna(days["first"]),
        due_date=due.mask(days["last"] > due, days["last"]),
    )
    total: pd.DataFrame = mapped(amounts, shown).groupby(KEY)[AMOUNTS].sum().compute()
    days_shown = ra.burndowns(ra.Dataset({"milestones": shown}), as_of=as_of)[KEY]
    return total.reindex(pd.MultiIndex.from_frame(days_shown), fill_value=0).reset_index()


def by_pandas(folder: Path) -> pd.DataFrame:
    dataset = ra.load(folder, frames=FRAMES)
    return ra.burndowns(dataset, as_of=dataset.exported_at)[[*KEY, *AMOUNTS]]


def by_dask(folder: Path) -> pd.DataFrame:
    manifest = store.read_manifest(folder)
    return burndowns(folder, pd.Timestamp(manifest.runs[-1].ended_at))


WAYS = {"pandas": by_pandas, "dask": by_dask}


def measure(way: str, folder: Path, to: str) -> None:
    """Run one way in this process; keep its table, print its cost."""
    busy = time.process_time()
    frame = WAYS[way](folder)
    busy = time.process_time() - busy
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # Linux counts KiB
    frame.to_pickle(to)
    print(f"{way:<8}{len(frame):>12,} rows{busy:>9.2f} CPU s{peak:>7.2f} GiB", flush=True)


def main(given: str) -> None:
    """Run each way in a process of its own and compare what they found."""
    with tempfile.TemporaryDirectory() as work:
        folder = Path(given)
        if not folder.is_dir():
            folder = Path(work, "data")
            command = ["roadmap_analytics", "simulate", "--to", str(folder), "--issues", given]
            command = [sys.executable, "-m", *command, "--seed", "1"]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        found = {}
        for way in WAYS:
            to = str(Path(work, way))
            subprocess.run([sys.executable, __file__, "--way", way, str(folder), to], check=True)
            found[way] = pd.read_pickle(to)
    pd.testing.assert_frame_equal(found["dask"], found["pandas"])
    print("Dask's burndowns equal pandas', row by row.")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--way"]:
        measure(sys.argv[2], Path(sys.argv[3]), sys.argv[4])
    else:
        main(sys.argv[1] if sys.argv[1:] else "100000")
