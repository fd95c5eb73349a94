"""What changed between two days."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given

import roadmap_analytics as ra
from roadmap_analytics.errors import ConfigurationError
from tests.eight_issues import HARVEST, WINTER, World, eight_issues
from tests.test_burndown import QUICK, day, reporting_days, worlds


def test_two_weeks_by_hand() -> None:
    dataset = eight_issues().dataset()
    frame = ra.changes(dataset, since="2025-03-09", as_of="2025-03-21").set_index("milestone_id")
    harvest = frame.loc[HARVEST]
    # On the 9th: 1 and 8 ... in scope are 1 to 6 and 8, of which 1 is closed.
    assert (harvest["scope_before"], harvest["remaining_before"]) == (7, 6)
    # On the 21st: 1, 2, 4, 7, 8, all closed.
    assert (harvest["scope"], harvest["remaining"]) == (5, 0)
    assert harvest["added_issues"] == (7,)
    assert harvest["removed_issues"] == (3, 5, 6)
    assert harvest["moved_on_issues"] == (3, 5, 6)
    assert harvest["closed_issues"] == (2, 4, 8)  # 7 was closed before, 1 closed on both days
    assert harvest["reopened_issues"] == ()
    winter = frame.loc[WINTER]
    assert (winter["scope_before"], winter["scope"], winter["added"]) == (0, 2, 2)
    assert str(winter["due_date_before"].date()) == "2025-03-28"
    assert str(winter["due_date"].date()) == "2025-04-11"


def test_a_reopened_issue() -> None:
    frame = ra.changes(eight_issues().dataset(), since="2025-03-05", as_of="2025-03-16")
    assert frame.set_index("milestone_id").loc[HARVEST, "reopened_issues"] == (1,)


def test_the_earlier_day_comes_first() -> None:
    with pytest.raises(ConfigurationError, match="since: expected a day before as_of"):
        ra.changes(eight_issues().dataset(), since="2025-03-21", as_of="2025-03-21")


@QUICK
@given(worlds, reporting_days)
def test_scope_adds_up_and_each_side_is_what_that_day_says(world: World, as_of: dt.date) -> None:
    dataset = world.dataset()
    since = day(-1)
    frame = ra.changes(dataset, since=since, as_of=as_of)
    before = frame["scope_before"].fillna(0)
    assert (frame["scope"] == before + frame["added"] - frame["removed"]).all()
    progress = ra.milestone_progress(dataset, as_of=as_of)
    assert frame["remaining"].tolist() == progress["remaining"].tolist()
    for name in ("closed", "reopened", "added", "removed", "moved_on"):
        assert (frame[f"{name}_issues"].map(len) == frame[name]).all()
        assert all(list(ids) == sorted(set(ids)) for ids in frame[f"{name}_issues"])
