"""Slips shared out over causes: by hand, and that the parts always add up."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadmap_analytics.analysis.attribution import PARTS, attribution
from roadmap_analytics.frames import Dataset
from tests.eight_issues import World, eight_issues
from tests.examples import examples


def two_milestones() -> World:
    """First: 10 issues, one closed a day from 2 to 11 January: finished in 10 days, one a day.

    Second: 15 January to its due date, 25 January, planned to take 10 days. Committed: 8 new
    issues and 2 that came over from First. Added on the 16th: 5. Closed: one every other day, 15 in
    30 days, the last on 14 February, 20 days late. On 1 February it was due on 30 January.
    """
    world = World()
    world.milestone(1, "First", "2025-01-01", "2025-01-11")
    world.milestone(2, "Second", "2025-01-15", "2025-01-30")
    world.seen(2, "2025-01-14", "2025-01-15", "2025-01-25")
    world.seen(2, "2025-01-28", "2025-01-15", "2025-01-30")
    for issue in range(1, 11):
        world.issue(issue, "2024-12-20 08:00")
        world.put(issue, "2024-12-20 08:00", 1)
        world.close(issue, f"2025-01-{issue + 1:02} 12:00")
    for issue in range(21, 36):
        world.issue(issue, "2024-12-20 08:00")
    for issue in (21, 22):
        world.put(issue, "2024-12-20 08:00", 1)
        world.put(issue, "2025-01-11 08:00", 2)
    for issue in range(23, 31):
        world.put(issue, "2025-01-13 08:00", 2)
    for issue in range(31, 36):
        world.put(issue, "2025-01-16 08:00", 2)
    for place, issue in enumerate(range(21, 36), 1):
        world.close(issue, str(pd.Timestamp("2025-01-15 12:00") + pd.Timedelta(2 * place, "D")))
    return world


def test_a_slip_shared_out_by_hand() -> None:
    """Slip: 25 January to 14 February, 20 days. The due date moved by 5 days. The plan was then 15
    days; at the pace before, one issue a day, the 8 new issues take 8 days: 7 days of slack. The 2
    carried in take 2, the 5 added 5 more: 15 days in all. It took 30: 15 days owed to the pace.
    5 - 7 + 2 + 5 + 15 = 20.
    """
    frame = attribution(two_milestones().dataset(), as_of="2025-03-01")
    assert frame["milestone_id"].tolist() == [2]
    row = frame.iloc[0]
    assert row["slip_days"] == 20
    assert row[PARTS].tolist() == [5, -7, 2, 5, 15]
    assert row["largest_part"] == "pace"
    assert row[["committed", "carried_in", "net_added_after_start", "closed"]].tolist() == [
        10,
        2,
        5,
        15,
    ]
    assert row["pace_before_per_week"] == pytest.approx(7)
    assert row["pace_per_week"] == pytest.approx(3.5)
    assert row["finished"]
    assert not row["pace_is_planned"]


def test_of_a_milestone_not_finished_the_slip_so_far_is_shared_out() -> None:
    """As of 9 February 12 of 15 are closed, in 25 days. At that pace, 15 take 31.25 days, 16.25
    more than planned: -7 slack, 2, 5, 16.25 by the pace; of these 10 days have come so far."""
    row = attribution(two_milestones().dataset(), as_of="2025-02-09").iloc[0]
    assert not row["finished"]
    assert (row["slip_days"], row["moved_days"]) == (15, 5)
    scale = 10 / 16.25
    wanted = [5, -7 * scale, 2 * scale, 5 * scale, 16.25 * scale]
    assert row[PARTS].tolist() == pytest.approx(wanted, abs=1)
    assert row[PARTS].sum() == 15


def test_without_earlier_milestones_the_plan_is_the_pace_before() -> None:
    row = attribution(eight_issues().dataset(), as_of="2025-03-25").iloc[0]
    assert row["pace_is_planned"]
    assert row["slip_days"] == 6
    assert row[PARTS].tolist() == [0, 0, 0, 0, 6]  # as many were added as taken out


def test_milestones_on_time_or_without_dates_have_no_row() -> None:
    world = two_milestones()
    world.milestone(3, "Undated", None, None)
    world.put(35, "2025-02-20 08:00", 3)
    frame = attribution(world.dataset(), as_of="2025-03-01")
    assert set(frame["milestone_id"]) == {2}
    assert attribution(Dataset({}), as_of="2025-03-01").columns.tolist() == frame.columns.tolist()


def test_nothing_after_as_of_matters() -> None:
    full = two_milestones().dataset()
    end = pd.Timestamp("2025-02-10", tz="UTC")
    events = full.issue_events
    later = full.milestone_dates.tail(1).assign(
        observed_at=end, due_date=pd.Timestamp("2030-01-01")
    )
    issues = full.issues.assign(state="opened")
    issues.loc[:, "closed_at"] = pd.NaT
    altered = Dataset(
        full.frames
        | {
            "issue_events": events[events["at"] < end],
            "milestone_dates": pd.concat([full.milestone_dates, later]),
            "issues": issues,
        }
    )
    for day in ("2025-02-01", "2025-02-09"):
        pd.testing.assert_frame_equal(attribution(full, as_of=day), attribution(altered, as_of=day))


@st.composite
def worlds(draw: st.DrawFn) -> World:
    world = World()
    day = st.integers(0, 80)

    def at(days: int) -> str:
        return str(pd.Timestamp("2025-01-01 10:00") + pd.Timedelta(days, "D"))

    for milestone in (1, 2, 3):
        start = draw(st.integers(0, 40))
        due = start + draw(st.integers(-5, 30))
        dates = [at(start)[:10], at(due)[:10], at(due + draw(st.integers(-20, 20)))[:10]]
        world.milestone(milestone, f"M{milestone}", dates[0], dates[2])
        world.seen(milestone, at(0), dates[0], dates[1])
        world.seen(milestone, at(draw(day)), dates[0], dates[2])
    for issue in range(1, draw(st.integers(1, 12)) + 1):
        world.issue(issue, at(0))
        for when in sorted(draw(st.lists(day, max_size=3))):
            world.put(issue, at(when), draw(st.integers(1, 3)))
        if draw(st.booleans()):
            world.close(issue, at(draw(day)))
        if draw(st.booleans()):
            world.take(issue, at(draw(day)), 1)
    return world


@examples(12)
@given(world=worlds(), days=st.integers(20, 90))
def test_the_parts_always_sum_to_the_whole_slip(world: World, days: int) -> None:
    as_of = pd.Timestamp("2025-01-01") + pd.Timedelta(days, "D")
    frame = attribution(world.dataset(), as_of=str(as_of.date()))
    assert (frame[PARTS].sum(axis=1) == frame["slip_days"]).all()
    assert (frame["slip_days"] > 0).all()
    assert ((frame["end_date"] - frame["baseline_due_date"]).dt.days == frame["slip_days"]).all()
