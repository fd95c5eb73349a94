"""Planned and unplanned work, what lies ahead, moving on: by hand and by properties."""

from __future__ import annotations

import datetime as dt

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from roadmap_analytics.analysis import replay
from roadmap_analytics.analysis.days import instant
from roadmap_analytics.analysis.planned import (
    future_work,
    planned_work,
)
from roadmap_analytics.analysis.view import state_at
from roadmap_analytics.frames import Dataset
from tests.eight_issues import AS_OF, World, eight_issues
from tests.test_burndown import QUICK, worlds, zones

ALL = (planned_work, future_work)


def test_weeks_of_the_eight_issues() -> None:
    frame = planned_work(eight_issues().dataset(), as_of=AS_OF)
    rows = frame.assign(week_date=frame["week_date"].dt.strftime("%m-%d"))
    assert rows.fillna({"unplanned_share": -1}).to_numpy().tolist() == [
        # week, opened in a milestone, in none, closed in a milestone, in none, share, complete
        ["02-17", 1, 1, 0, 0, -1, True],  # 1; 7
        ["02-24", 4, 1, 0, 0, -1, True],  # 2, 3, 6, 8; 4
        ["03-03", 1, 0, 1, 1, 0.5, True],  # 5; closed: 1, and 7 outside; 2 and 8 were reopened
        ["03-10", 0, 0, 3, 0, 0.0, True],  # closed: 2, 4, 8
        ["03-17", 0, 0, 0, 0, -1, False],
    ]


def test_reopened_and_closed_again_within_a_week_is_closed_once() -> None:
    world = World()
    world.issue(1, "2025-03-03")
    world.close(1, "2025-03-04")
    world.reopen(1, "2025-03-11 09:00")
    world.close(1, "2025-03-12 09:00")
    world.reopen(1, "2025-03-18 09:00")
    world.close(1, "2025-03-25 09:00")
    frame = planned_work(world.dataset(), as_of="2025-03-30")
    assert frame["closed_unplanned"].tolist() == [1, 0, 0, 1]


def test_reopened_and_closed_again_twice_within_a_week_is_closed_once() -> None:
    world = World()
    world.issue(1, "2025-03-03")
    world.close(1, "2025-03-04")
    for day in (11, 12):
        world.reopen(1, f"2025-03-{day} 09:00")
        world.close(1, f"2025-03-{day} 10:00")
    frame = planned_work(world.dataset(), as_of="2025-03-16")
    assert frame["closed_unplanned"].tolist() == [1, 0]


def test_what_lies_ahead() -> None:
    dataset = eight_issues().dataset()
    shelves = future_work(dataset, as_of=AS_OF)
    assert shelves[["shelf", "kind", "issues", "weight", "without_weight"]].to_numpy().tolist() == [
        ["Future", "label", 1, 8, 0],
        ["DRAFT: Someday", "draft", 1, 8, 0],
    ]
    before = future_work(dataset, as_of="2025-03-14")
    assert before["issues"].tolist() == [0, 0]
    assert before["oldest_days"].isna().all()


def test_label_and_prefix_come_from_the_configuration() -> None:
    world = eight_issues()
    world.member(2, "2025-03-01", "label", "add", "later")
    config = {"labels": {"future": "later"}, "milestones": {"draft_prefix": "Win"}}
    shelves = future_work(world.dataset(config=config), as_of="2025-03-12")
    assert shelves[["shelf", "issues"]].to_numpy().tolist() == [["later", 1], ["Winter", 1]]


@QUICK
@given(worlds, zones, st.integers(0, 24))
def test_weeks_add_up(world: World, zone: str, days: int) -> None:
    as_of = dt.date(2025, 3, 20) + dt.timedelta(days)
    dataset = world.dataset()
    frame = planned_work(dataset, as_of=as_of, timezone=zone)
    opened = frame["opened_planned"].sum() + frame["opened_unplanned"].sum()
    at = instant(as_of, zone)
    issues = replay.in_scope(dataset)
    assert opened == (issues["created_at"] < at).sum()
    state = state_at(dataset, at)["state"].reindex(issues["issue_id"])
    closed = frame["closed_planned"].sum() + frame["closed_unplanned"].sum()
    assert closed >= (state == "closed").sum()


@QUICK
@given(worlds, zones, st.integers(0, 24), st.integers(0, 2**32 - 1))
def test_neither_row_order_nor_the_future_matters(
    world: World, zone: str, days: int, seed: int
) -> None:
    as_of = dt.date(2025, 3, 20) + dt.timedelta(days)
    world.member(1, "2025-03-28 10:00", "label", "add", "Future")
    dataset = world.dataset()
    events = dataset.issue_events
    past = events[events["at"] < instant(as_of, zone)].sample(frac=1, random_state=seed)
    seen = dataset.with_frames(issue_events=past)
    for make in ALL:
        expected = make(dataset, as_of=as_of, timezone=zone)
        pd.testing.assert_frame_equal(make(seen, as_of=as_of, timezone=zone), expected)


def test_empty_dataset_gives_the_same_columns() -> None:
    full, empty = eight_issues().dataset(), Dataset({})
    for make in ALL:
        some, none = make(full, as_of=AS_OF), make(empty, as_of=AS_OF)
        assert none.dtypes.to_dict() == some.dtypes.to_dict(), make.__name__
        assert len(none) == (1 if make is future_work else 0)
