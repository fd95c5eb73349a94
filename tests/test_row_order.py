"""Order of rows never matters: not in records (tests/test_frames.py), and not in any frame."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import roadmap_analytics as ra
from roadmap_analytics import simulate
from roadmap_analytics.frames import Dataset, RunRecords, build
from tests.eight_issues import AS_OF, HARVEST, eight_issues
from tests.examples import examples

Make = Callable[[Dataset, Any], Any]


@cache
def simulated() -> Dataset:
    """A small world with roadmaps, so that every frame has rows."""
    frames = build([RunRecords(1, simulate.NOW, list(simulate.records(60, 3)))])
    run = {"started_at": simulate.NOW, "ended_at": simulate.NOW}
    return Dataset(frames, {"runs": [run], "simulated": True})


WORLDS: dict[str, Callable[[], Dataset]] = {
    "eight issues": cache(lambda: eight_issues().dataset()),
    "simulated": simulated,
}


def milestone_of(dataset: Dataset) -> int:
    ids = dataset.milestones["milestone_id"]
    return HARVEST if HARVEST in set(ids) else int(ids.min())


CALLS: dict[str, Make] = {
    **{
        name: lambda dataset, as_of, name=name: getattr(ra, name)(dataset, as_of=as_of)
        for name in (
            *("burndowns", "carried_over", "lead_times", "milestone_progress"),
            *("milestone_slippage", "open_issues", "plan_differences", "planned_work"),
            *("scope_changes", "slippage", "state_at", "throughput", "work_item_age"),
            *("workload", "workload_by_milestone", "workload_history", "workload_plan"),
        )
    },
    **{
        name: lambda dataset, as_of, name=name: getattr(ra, name)(
            dataset, milestone_of(dataset), as_of=as_of
        )
        for name in ("burndown", "forecast", "milestone_timeline")
    },
    "changes": lambda dataset, as_of: ra.changes(
        dataset, since=pd.Timestamp(as_of) - pd.Timedelta(14, "D"), as_of=pd.Timestamp(as_of)
    ),
    "check": lambda dataset, _: ra.check(dataset).findings,
    "reading_quality": lambda dataset, _: ra.reading_quality(dataset),
}


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("name", CALLS)
@given(seed=st.integers(0, 2**32 - 1))
@examples(1)
def test_order_of_rows_never_matters(name: str, world: str, seed: int) -> None:
    dataset = WORLDS[world]()
    as_of = AS_OF if world == "eight issues" else dataset.exported_date
    frames = {
        name: frame.sample(frac=1, random_state=seed) for name, frame in dataset.frames.items()
    }
    expected = CALLS[name](dataset, as_of)
    found = CALLS[name](Dataset(frames, dataset.manifest), as_of)
    pd.testing.assert_frame_equal(found, expected)


def test_every_frame_of_the_simulated_world_has_rows_to_shuffle() -> None:
    few = {name for name, frame in simulated().frames.items() if len(frame) < 2}
    assert few <= {"unread", "roadmap_alarms"}
