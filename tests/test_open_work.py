"""The open issues by name."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given

import roadmap_analytics as ra
from roadmap_analytics.errors import UnknownNameError
from tests.eight_issues import AS_OF, HARVEST, WINTER, World, eight_issues
from tests.test_burndown import MILESTONES, QUICK, reporting_days, worlds, zones


def test_who_has_what_and_since_when() -> None:
    frame = ra.open_issues(eight_issues().dataset(), as_of=AS_OF)
    columns = ["issue_id", "milestone", "assignees", "age_days", "weight"]
    assert frame[columns].astype("object").where(frame[columns].notna(), None).values.tolist() == [
        [1, "Harvest", "ada", 26, 3],
        [3, "Winter", "bo", 20, 5],
        [5, "Winter", None, 12, None],
        [6, "DRAFT: Someday", None, 19, 8],
    ]
    # Issue 3 has a due date of its own; issue 5 takes that of its milestone as known then.
    due = frame["due_date"].astype("str").tolist()
    assert due[:3] == ["2025-03-14", "2025-03-21", "2025-03-28"]
    assert frame["due_date"].isna().tolist() == [False, False, False, True]
    assert frame["web_url"].iloc[0] == "https://git.example.org/orchard/press/-/issues/1"


def test_one_milestone_or_several_one_person_or_none() -> None:
    dataset = eight_issues().dataset()
    assert ra.open_issues(dataset, HARVEST, as_of=AS_OF)["issue_id"].tolist() == [1]
    both = ra.open_issues(dataset, [HARVEST, "Winter"], as_of=AS_OF)
    assert both["issue_id"].tolist() == [1, 3, 5]
    assert ra.open_issues(dataset, person="ada", as_of=AS_OF)["issue_id"].tolist() == [1]
    alone = ra.open_issues(dataset, person="unassigned", as_of=AS_OF)
    assert alone["issue_id"].tolist() == [5, 6]
    with pytest.raises(UnknownNameError, match=r"the nearest are .*ada"):
        ra.open_issues(dataset, person="adda", as_of=AS_OF)


def test_an_issue_with_two_assignees_stands_twice_where_people_are_asked_for() -> None:
    dataset = eight_issues().dataset()
    frame = ra.open_issues(dataset, WINTER, "*", as_of="2025-03-11")
    pairs = frame[["issue_id", "person", "assignees"]].values.tolist()
    assert pairs == [[3, "ada", "ada, bo"], [3, "bo", "ada, bo"]]


@QUICK
@given(worlds, zones, reporting_days)
def test_as_many_as_remain(world: World, zone: str, as_of: dt.date) -> None:
    dataset = world.dataset()
    frame = ra.open_issues(dataset, as_of=as_of, timezone=zone)
    progress = ra.milestone_progress(dataset, as_of=as_of, timezone=zone)
    counts = frame["milestone_id"].value_counts()
    for row in progress[progress["milestone_id"].isin(MILESTONES)].itertuples():
        assert counts.get(row.milestone_id, 0) == row.remaining
    ages = ra.work_item_age(dataset, as_of=as_of, timezone=zone)
    assert sorted(frame["issue_id"]) == sorted(ages["issue_id"])
