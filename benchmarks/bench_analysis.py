"""How long the burndown of all milestones takes, against reading the Parquet tables it rests on.

Usage: python benchmarks/bench_analysis.py [ISSUES ...]      (default: 100000)

Both times are the best of five in one run, so the ratio holds on any machine. The world is made
here with numpy: eight events per issue over four years, a milestone per 250 issues, 40 days each.
Exit code 1 where the ratio passes the limit of 2.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from roadmap_analytics import schema
from roadmap_analytics.burndown import burndowns, milestone_progress
from roadmap_analytics.frames import Dataset

LIMIT = 2.0
DAYS = 4 * 365
FIRST = np.datetime64("2021-01-01", "us")
AS_OF = "2024-12-31"


def make(issues: int, seed: int = 1) -> dict[str, pd.DataFrame]:
    """Make issues, eight events of each, and milestones."""
    rng = np.random.default_rng(seed)
    milestones = max(issues // 250, 1)
    starts = np.sort(rng.integers(0, DAYS - 40, milestones))
    day = np.timedelta64(1, "D")
    dated = pd.DataFrame(
        {
            "milestone_id": np.arange(1, milestones + 1),
            "iid": np.arange(1, milestones + 1),
            "kind": "group",
            "path": "orchard",
            "title": [f"Harvest {n}" for n in range(1, milestones + 1)],
            "state": "active",
            "start_date": FIRST + starts * day,
            "due_date": FIRST + (starts + 40) * day,
            "created_at": pd.Timestamp(FIRST, tz="UTC"),
            "updated_at": pd.Timestamp(FIRST, tz="UTC"),
            "web_url": "https://git.example.org/groups/orchard/-/milestones/1",
            "draft": False,
        }
    )
    created = FIRST + rng.integers(0, (DAYS - 60) * 86_400, issues).astype("timedelta64[s]")
    lag = np.sort(rng.integers(1, 60 * 86_400, (issues, 7)), axis=1).astype("timedelta64[s]")
    at = np.concatenate([created[:, None], created[:, None] + lag], axis=1).ravel()
    fields = np.array(
        ["state", "milestone", "weight", "assignee", "label", "time_estimate", "milestone", "state"]
    )
    near = np.searchsorted(starts, (created - FIRST) / day) + rng.integers(-1, 2, issues)
    first = near.clip(0, milestones - 1) + 1
    milestone = np.full((issues, 8), -1)
    milestone[:, 1] = first
    milestone[:, 6] = np.where(rng.random(issues) < 0.3, (first + 1).clip(max=milestones), first)
    value = np.full((issues, 8), None, dtype=object)
    value[:, 0] = "opened"
    value[:, 7] = np.where(rng.random(issues) < 0.8, "closed", "opened")
    value[:, 3] = rng.choice([f"person{n}" for n in range(40)], issues)
    value[:, 4] = rng.choice([f"label{n}" for n in range(30)], issues)
    number = np.full((issues, 8), np.nan)
    number[:, 2] = rng.integers(1, 9, issues)
    number[:, 5] = rng.integers(1, 40, issues)
    titles = np.append(dated["title"].to_numpy(object), [None])  # place -1: no milestone
    value[:, [1, 6]] = titles[np.where(milestone[:, [1, 6]] > 0, milestone[:, [1, 6]] - 1, -1)]
    flat = milestone.ravel()
    events: dict[str, Any] = {
        "issue_id": np.repeat(np.arange(1, issues + 1), 8),
        "seq": np.tile(np.arange(8), issues),
        "at": pd.DatetimeIndex(at).tz_localize("UTC"),
        "actor": "ada",
        "field": np.tile(fields, issues),
        "action": np.tile(["set", "add", "set", "add", "add", "set", "add", "set"], issues),
        "value": value.ravel(),
        "milestone_id": pd.Series(flat).where(flat > 0).astype("Int64"),
        "number": number.ravel(),
        "source": "event",
        "correction": False,
    }
    rows = pd.DataFrame(
        {
            "issue_id": np.arange(1, issues + 1),
            "project": "orchard/press",
            "project_id": 1,
            "iid": np.arange(1, issues + 1),
            "title": [f"Issue {n}" for n in range(1, issues + 1)],
            "type": "issue",
            "state": value[:, 7],
            "author": "ada",
            "created_at": pd.DatetimeIndex(created).tz_localize("UTC"),
            "updated_at": pd.DatetimeIndex(at.reshape(issues, 8)[:, 7]).tz_localize("UTC"),
            "milestone_id": pd.Series(milestone[:, 6]).astype("Int64"),
            "weight": pd.Series(number[:, 2]).astype("Int64"),
            "time_estimate_hours": number[:, 5],
            "time_spent_hours": 0.0,
            "confidential": False,
            "web_url": [f"https://git.example.org/orchard/-/issues/{n}" for n in range(issues)],
        }
    )
    seen = dated[["milestone_id", "title", "state", "start_date", "due_date"]]
    made = {
        "issues": rows,
        "issue_events": pd.DataFrame(events),
        "milestones": dated,
        "milestone_dates": seen.assign(observed_at=pd.Timestamp(FIRST, tz="UTC")),
    }
    return {name: schema.tidy(name, frame) for name, frame in made.items()}


def best(call: Callable[[], Any], times: int = 5) -> float:
    """Give the shortest of some runs, in seconds."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        call()
        taken.append(time.perf_counter() - began)
    return min(taken)


def measure(issues: int) -> float:
    """Print what one size costs; give the ratio of burndown to reading."""
    frames = make(issues)
    with tempfile.TemporaryDirectory() as folder:
        for name, frame in frames.items():
            frame.to_parquet(Path(folder, f"{name}.parquet"), compression="zstd")

        def read() -> dict[str, pd.DataFrame]:
            return {name: pd.read_parquet(Path(folder, f"{name}.parquet")) for name in frames}

        reading = best(read)
        dataset = Dataset(read())
    by_day = best(lambda: burndowns(dataset, as_of=AS_OF))
    local = best(lambda: burndowns(dataset, as_of=AS_OF, measure="weight", timezone="Asia/Tokyo"))
    progress = best(lambda: milestone_progress(dataset, as_of=AS_OF))
    rows = len(burndowns(dataset, as_of=AS_OF))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(
        f"{issues:,} issues, {len(frames['issue_events']):,} events, "
        f"{len(frames['milestones']):,} milestones: reading {reading:.3f} s; "
        f"all burndowns {by_day:.3f} s for {rows:,} rows ({by_day / reading:.2f} x reading), "
        f"by weight in another zone {local:.3f} s ({local / reading:.2f} x); "
        f"progress {progress:.3f} s; peak memory {peak:.2f} GiB"
    )
    return by_day / reading


if __name__ == "__main__":
    ratios = [measure(int(size)) for size in sys.argv[1:] or ["100000"]]
    if max(ratios) > LIMIT:
        sys.exit(
            f"burndown of all milestones: at most {LIMIT} x reading expected, got {max(ratios):.2f}"
        )
