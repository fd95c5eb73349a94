"""The steps of a milestone: counted by hand, and compared with the burndown of any world."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest
from hypothesis import given

import roadmap_analytics as ra
from roadmap_analytics.analysis.timeline import STEPS
from roadmap_analytics.errors import UnknownNameError
from tests.eight_issues import AS_OF, HARVEST, SOMEDAY, WINTER, World, eight_issues
from tests.test_burndown import MILESTONES, QUICK, reporting_days, worlds, zones


def told(frame: pd.DataFrame) -> list[tuple[str, str, int, int, list[int]]]:
    return [
        (
            str(row.date.date())[5:], row.step, row.amount, row.remaining,
            [int(url.rpartition("/")[2]) for url in row.issues],
        )
        for row in frame.itertuples()
    ]  # fmt: skip


def test_harvest_step_by_step() -> None:
    frame = ra.milestone_timeline(eight_issues().dataset(), HARVEST, as_of=AS_OF)
    assert told(frame) == [
        ("01-01", "planned", 5, 5, [1, 2, 3, 6, 8]),
        ("03-03", "started", 6, 6, [1, 2, 3, 4, 6, 8]),
        ("03-04", "closed", 1, 5, [2]),
        ("03-05", "closed", 1, 4, [1]),
        ("03-06", "reopened", 1, 5, [2]),
        ("03-07", "added", 1, 6, [5]),
        ("03-10", "removed", 1, 5, [3]),
        ("03-11", "removed", 1, 4, [6]),
        ("03-12", "added", 1, 4, [7]),  # it had been closed elsewhere: nothing more remains
        ("03-13", "closed", 1, 3, [2]),
        ("03-14", "closed", 2, 1, [4, 8]),
        ("03-14", "due", 1, 1, [5]),
        ("03-16", "reopened", 1, 2, [1]),
        ("03-17", "removed", 1, 1, [5]),
    ]
    assert frame["due_date"].eq("2025-03-14").all()
    assert frame.attrs["title"] == "Harvest"


def test_work_that_came_from_another_milestone_and_a_date_that_moved() -> None:
    frame = ra.milestone_timeline(eight_issues().dataset(), WINTER, as_of="2025-03-25")
    assert told(frame) == [
        ("01-01", "planned", 0, 0, []),
        ("03-10", "started", 0, 0, []),
        ("03-10", "carried in", 1, 1, [3]),
        ("03-17", "carried in", 1, 2, [5]),
        ("03-20", "date moved", 14, 2, []),
    ]
    assert frame["due_date"].astype("str").tolist() == ["2025-03-28"] * 4 + ["2025-04-11"]


def test_an_end_with_nothing_left_and_one_by_decision() -> None:
    world = World()
    world.milestone(1, "Done", "2025-03-03", "2025-03-14")
    world.milestone(2, "Stopped", "2025-03-03", None, state="closed")
    world.seen(1, "2025-03-01", "2025-03-03", "2025-03-14")
    world.seen(2, "2025-03-01", "2025-03-03", None)
    world.observed.append(world.observed[-1] | {"state": "closed"})
    world.observed[-1]["observed_at"] = pd.Timestamp("2025-03-12", tz="UTC")
    world.issue(1, "2025-03-03 08:00")
    world.issue(2, "2025-03-03 08:00")
    world.put(1, "2025-03-03 08:00", 1)
    world.put(2, "2025-03-03 08:00", 2)
    world.close(1, "2025-03-07 08:00")
    done = ra.milestone_timeline(world.dataset(), 1, as_of=AS_OF)
    assert told(done)[-2:] == [("03-07", "finished", 0, 0, []), ("03-14", "due", 0, 0, [])]
    stopped = ra.milestone_timeline(world.dataset(), 2, as_of=AS_OF)
    assert told(stopped)[-1] == ("03-12", "finished", 1, 1, [2])
    assert "finished" not in set(ra.milestone_timeline(world.dataset(), 2, as_of="2025-03-10").step)


def test_several_milestones_are_one() -> None:
    dataset = eight_issues().dataset()
    joint = ra.milestone_timeline(dataset, [HARVEST, WINTER], as_of=AS_OF)
    moves = [row for row in told(joint) if row[0] in ("03-10", "03-17")]
    assert moves == []  # issues 3 and 5 only went from one to the other


@QUICK
@given(worlds, zones, reporting_days)
def test_what_remains_is_what_the_burndown_says(world: World, zone: str, as_of: dt.date) -> None:
    dataset = world.dataset()
    for milestone in MILESTONES:
        frame = ra.milestone_timeline(dataset, milestone, as_of=as_of, timezone=zone)
        chart = ra.burndown(dataset, milestone, as_of=as_of, timezone=zone)
        order = list(zip(frame["date"], frame["step"].map(STEPS.index), strict=True))
        assert order == sorted(order)
        assert (frame["issues"].map(len) == frame["amount"]).where(frame["step"] != "date moved",
                                                                   True).all()  # fmt: skip
        by_day = frame[frame["step"] != "planned"].groupby("date")["remaining"].last()
        drawn = chart.set_index("date")["remaining"]
        both = by_day.index.intersection(drawn.index)
        assert by_day[both].tolist() == drawn[both].tolist()
        # Every day on which the line moves has a step.
        moved = drawn.index[drawn.diff().fillna(0) != 0]
        assert set(moved) <= set(by_day.index)


@QUICK
@given(worlds, reporting_days)
def test_nothing_later_matters(world: World, as_of: dt.date) -> None:
    dataset = world.dataset()
    events = dataset.issue_events
    past = events[(events["at"] < pd.Timestamp(as_of, tz="UTC") + pd.Timedelta(1, "D")).to_numpy()]
    cut = ra.Dataset(dataset.frames | {"issue_events": past}, dataset.manifest)
    for milestone in MILESTONES:
        pd.testing.assert_frame_equal(
            ra.milestone_timeline(dataset, milestone, as_of=as_of),
            ra.milestone_timeline(cut, milestone, as_of=as_of),
        )


def test_a_milestone_without_issues_or_dates_is_empty() -> None:
    world = World()
    world.milestone(SOMEDAY, "Someday", None, None)
    frame = ra.milestone_timeline(world.dataset(), SOMEDAY, as_of=AS_OF)
    assert frame.columns.tolist() == ["date", "step", "amount", "issues", "remaining", "due_date"]
    assert frame.empty
    with pytest.raises(UnknownNameError, match="Someday"):
        ra.milestone_timeline(world.dataset(), "Somedy", as_of=AS_OF)
