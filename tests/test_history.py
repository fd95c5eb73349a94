"""Replay: instants, intervals, states, members, milestones as known, and how they are named."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd
import pytest
from hypothesis import given

from roadmap_analytics.analysis import replay
from roadmap_analytics.analysis.days import day_ends, instant
from roadmap_analytics.analysis.lookup import find_milestone
from roadmap_analytics.analysis.view import state_at
from roadmap_analytics.errors import ConfigurationError, UnknownNameError
from roadmap_analytics.frames import Dataset
from tests.eight_issues import HARVEST, SOMEDAY, WINTER, World, eight_issues
from tests.test_burndown import QUICK, worlds


def utc(text: str) -> pd.Timestamp:
    return pd.Timestamp(text, tz="UTC")


@pytest.mark.parametrize(
    ("as_of", "zone", "expected"),
    [
        ("2025-03-18", "UTC", "2025-03-19 00:00"),
        (dt.date(2025, 3, 18), "Europe/Stockholm", "2025-03-18 23:00"),
        (pd.Timestamp("2025-07-01"), "Europe/Stockholm", "2025-07-01 22:00"),
        (dt.date(2025, 3, 29), "Europe/Stockholm", "2025-03-29 23:00"),  # before summer time
        (dt.date(2025, 3, 30), "Europe/Stockholm", "2025-03-30 22:00"),  # a day of 23 hours
        (dt.date(2024, 3, 30), "Asia/Beirut", "2024-03-30 22:00"),  # the next midnight is skipped
        (dt.date(2024, 11, 2), "America/Havana", "2024-11-03 04:00"),  # the next comes twice
        (dt.datetime(2025, 3, 18, 12, tzinfo=dt.UTC), "Asia/Tokyo", "2025-03-18 12:00:00.000001"),
        ("2025-03-18T12:00+02:00", "UTC", "2025-03-18 10:00:00.000001"),
    ],
)
def test_instant_is_the_first_not_covered(as_of: Any, zone: str, expected: str) -> None:
    assert instant(as_of, zone) == utc(expected)


@pytest.mark.parametrize(
    "as_of",
    [None, "", "soon", "today", "03/04/2025", 20250318, 0, True, pd.NaT, "2025-03-18 12:00", 3.5j],
)
def test_instant_refuses_what_is_no_day(as_of: Any) -> None:
    with pytest.raises(ConfigurationError, match="as_of: expected a date"):
        instant(as_of)


@pytest.mark.parametrize("zone", ["Stockholm", "", "../etc/passwd", "UTC+25:99"])
def test_unknown_zones_are_refused(zone: str) -> None:
    with pytest.raises(ConfigurationError, match="timezone: expected an IANA name"):
        instant("2025-03-18", zone)


def test_day_ends_agree_with_instant() -> None:
    days = pd.Series(pd.date_range("2024-10-01", "2024-12-01", unit="us"))
    ends = day_ends(days, "America/Havana")
    assert ends.tolist() == [instant(day, "America/Havana") for day in days]
    assert day_ends(pd.Series([pd.NaT]).astype("datetime64[us]"), "UTC").isna().all()


def spans(frame: pd.DataFrame, column: str) -> list[tuple[Any, ...]]:
    text = frame.assign(
        start_at=frame["start_at"].dt.strftime("%m-%d %H:%M"),
        end_at=frame["end_at"].dt.strftime("%m-%d %H:%M").fillna("..."),
    )
    return [tuple(row) for row in text[[column, "start_at", "end_at"]].astype(object).to_numpy()]


def one_issue() -> World:
    world = World()
    world.milestone(HARVEST, "Harvest", None, None)
    world.milestone(WINTER, "Winter", None, None)
    world.issue(1, "2025-03-01 00:00")
    return world


def test_intervals_of_milestones_leave_out_what_changes_nothing() -> None:
    world = one_issue()
    world.put(1, "2025-03-02 00:00", HARVEST)
    world.put(1, "2025-03-03 00:00", HARVEST)  # again: nothing
    world.put(1, "2025-03-04 00:00", WINTER)  # and so out of Harvest
    world.put(1, "2025-03-05 00:00", None)  # into one that is no longer known
    world.take(1, "2025-03-06 00:00", HARVEST)  # any removal empties
    world.take(1, "2025-03-07 00:00", HARVEST)
    world.put(1, "2025-03-08 00:00", HARVEST)
    world.take(1, "2025-03-08 00:00", HARVEST)  # lasted no time
    world.put(1, "2025-03-09 00:00", HARVEST)
    frame = replay.intervals(world.dataset(), "milestone")
    assert spans(frame.fillna({"milestone_id": 0}), "milestone_id") == [
        (HARVEST, "03-02 00:00", "03-04 00:00"),
        (WINTER, "03-04 00:00", "03-05 00:00"),
        (0, "03-05 00:00", "03-06 00:00"),
        (HARVEST, "03-09 00:00", "..."),
    ]
    cut = replay.intervals(world.dataset(), "milestone", until=utc("2025-03-04 00:00"))
    assert spans(cut, "milestone_id") == [(HARVEST, "03-02 00:00", "...")]


def test_intervals_of_members_overlap_and_deleted_labels_have_no_name() -> None:
    world = one_issue()
    world.member(1, "2025-03-02 00:00", "label", "add", "b")
    world.member(1, "2025-03-03 00:00", "label", "add", "a")
    world.member(1, "2025-03-03 00:00", "label", "add", None)
    world.member(1, "2025-03-04 00:00", "label", "remove", "b")
    world.member(1, "2025-03-04 00:00", "label", "remove", "c")  # was never there
    world.member(1, "2025-03-05 00:00", "label", "add", "b")
    dataset = world.dataset()
    assert spans(replay.intervals(dataset, "label"), "value") == [
        ("a", "03-03 00:00", "..."),
        ("b", "03-02 00:00", "03-04 00:00"),
        ("b", "03-05 00:00", "..."),
    ]
    members = replay.members_at(dataset, utc("2025-03-04 12:00"), "label")
    assert members["value"].tolist() == ["a"]


def test_time_spent_adds_up_until_it_is_set() -> None:
    world = one_issue()
    world.spend(1, "2025-03-02 00:00", 2)
    world.spend(1, "2025-03-03 00:00", -0.5)
    world._add(1, "2025-03-04 00:00", "time_spent", "set", number=0)
    world.spend(1, "2025-03-05 00:00", 3)
    dataset = world.dataset()
    assert spans(replay.intervals(dataset, "time_spent"), "number") == [
        (2.0, "03-02 00:00", "03-03 00:00"),
        (1.5, "03-03 00:00", "03-04 00:00"),
        (0.0, "03-04 00:00", "03-05 00:00"),
        (3.0, "03-05 00:00", "..."),
    ]
    assert state_at(dataset, utc("2025-03-03 12:00")).loc[1, "time_spent_hours"] == 1.5


def test_unknown_field_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="'milestones'"):
        replay.intervals(Dataset({}), "milestones")


def test_state_of_the_eight_issues() -> None:
    dataset = eight_issues().dataset()
    frame = state_at(dataset, instant("2025-03-11"))
    assert frame.index.tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert frame["state"].tolist() == ["closed", *["opened"] * 5, "closed", "opened"]
    milestones = frame["milestone_id"].fillna(0).tolist()
    assert milestones == [HARVEST, HARVEST, WINTER, HARVEST, HARVEST, 0, 0, HARVEST]
    assert frame["weight"].fillna(-1).tolist() == [3, 2, 5, 4, -1, 8, 2, 1]
    assert frame["time_estimate_hours"].tolist() == [4, 0, 2.5, 0, 0, 0, 0, 3]
    assert frame.loc[3, "due_date"] == pd.Timestamp("2025-03-21")
    assert frame.loc[3, "time_spent_hours"] == 1.5
    assert state_at(dataset, utc("2025-03-01")).index.tolist() == [1, 2, 3, 4, 6, 7]
    people = replay.members_at(dataset, instant("2025-03-11"))
    assert people.to_numpy().tolist() == [[1, "ada"], [3, "ada"], [3, "bo"]]


@QUICK
@given(worlds)
def test_replay_to_the_end_gives_todays_fields(world: World) -> None:
    dataset = world.dataset()
    end = state_at(dataset, instant("2026-01-01")).reset_index()
    fields = ["issue_id", "state", "milestone_id", "weight", "due_date", "start_date"]
    fields += ["time_estimate_hours", "time_spent_hours", "created_at"]
    pd.testing.assert_frame_equal(end[fields], dataset.issues[fields])


@QUICK
@given(worlds)
def test_intervals_and_states_agree_at_every_instant(world: World) -> None:
    dataset = world.dataset()
    moves = replay.intervals(dataset, "milestone")
    assert (moves["start_at"] < moves["end_at"].fillna(utc("2100-01-01"))).all()
    for at in pd.to_datetime(["2025-03-21T06:00Z", "2025-03-30T00:15Z", "2025-04-05T12:00Z"]):
        inside = (moves["start_at"] < at) & ~(moves["end_at"] < at)
        here = moves[inside].set_index("issue_id")["milestone_id"]
        state = state_at(dataset, at)["milestone_id"]
        pd.testing.assert_series_equal(here.reindex(state.index), state)


def test_milestones_before_their_first_observation_show_the_first() -> None:
    frame = replay.milestones_at(eight_issues().dataset(), utc("2025-01-01"))
    assert frame["due_date"].tolist()[1] == pd.Timestamp("2025-03-28")
    never_seen = World()
    never_seen.milestone(HARVEST, "DRAFT: Harvest", "2025-03-03", "2025-03-14")
    frame = replay.milestones_at(never_seen.dataset(), utc("2025-01-01"))
    assert frame["due_date"].tolist() == [pd.Timestamp("2025-03-14")]
    assert frame["draft"].tolist() == [True]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param(WINTER, WINTER, id="number"),
        ("Winter", WINTER),
        ("  wINTER ", WINTER),
        ("20", WINTER),
        ("https://git.example.org/groups/orchard/-/milestones/20", WINTER),
        ("https://GIT.example.org/orchard/-/milestones/20/?sort=asc#notes", WINTER),
        ("https://git.example.org/orchard/press/-/milestones/30", SOMEDAY),
    ],
)
def test_milestones_by_id_title_and_address(name: int | str, expected: int) -> None:
    assert find_milestone(eight_issues().dataset(), name) == expected


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Wintr", "'Wintr': no milestone fits.*: 'Winter' \\(id 20, https"),
        (21, "got 21: no milestone fits"),
        ("https://git.example.org/groups/orchard/-/milestones/21", "milestones/20"),
        ("Harvest", "2 milestones fit; give the id or the address, or .*id 10.*id 40"),
    ],
)
def test_unclear_milestones_list_candidates(name: int | str, words: str) -> None:
    world = eight_issues()
    if name == "Harvest":
        world.milestone(40, "Harvest", None, None, path="orchard/press", kind="project")
    with pytest.raises(UnknownNameError, match=words):
        find_milestone(world.dataset(), name)


def test_no_milestones_at_all() -> None:
    with pytest.raises(UnknownNameError, match="the dataset has no milestones"):
        find_milestone(Dataset({}), "Harvest")
