"""Burndown and progress: counted by hand, by vectors, by a slow reference, by properties."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadmap_analytics.analysis import replay
from roadmap_analytics.analysis.burndown import burndown, burndowns
from roadmap_analytics.analysis.days import instant
from roadmap_analytics.analysis.progress import current_milestones, milestone_progress
from roadmap_analytics.analysis.scope import carried_over, scope_changes
from roadmap_analytics.errors import ConfigurationError, UnknownNameError
from roadmap_analytics.frames import Dataset
from roadmap_analytics.report import sentences
from tests.eight_issues import AS_OF, HARVEST, SOMEDAY, WINTER, World, eight_issues
from tests.examples import examples
from tests.slow_reference import Reference
from tests.test_row_order import simulated

QUICK = examples(10)


def table(frame: pd.DataFrame, columns: str) -> list[list[Any]]:
    shown = frame.assign(date=frame["date"].dt.strftime("%m-%d"))
    return shown[columns.split()].to_numpy().tolist()


# -- counted by hand ---------------------------------------------------------------------------


def test_eight_issues_day_by_day() -> None:
    frame = burndown(eight_issues().dataset(), HARVEST, as_of=AS_OF)
    assert list(frame.columns) == [
        *("date", "scope", "completed", "remaining", "added", "removed"),
        *("ideal", "overdue", "days_to_due"),
    ]
    sixth = 6 / 9
    expected = [
        # date, scope, completed, remaining, added, removed, ideal, overdue, days_to_due
        ["03-03", 6, 0, 6, 6, 0, 6.0, False, 11],
        ["03-04", 6, 1, 5, 0, 0, 6 - sixth, False, 10],  # 2 closed; 7 closed, but elsewhere
        ["03-05", 6, 2, 4, 0, 0, 6 - 2 * sixth, False, 9],  # 1 closed
        ["03-06", 6, 1, 5, 0, 0, 6 - 3 * sixth, False, 8],  # 2 reopened; 8 closed and reopened
        ["03-07", 7, 1, 6, 1, 0, 6 - 4 * sixth, False, 7],  # 5 added late
        ["03-08", 7, 1, 6, 0, 0, 6 - 4 * sixth, False, 6],  # a weekend: the plan rests
        ["03-09", 7, 1, 6, 0, 0, 6 - 4 * sixth, False, 5],
        ["03-10", 6, 1, 5, 0, 1, 6 - 5 * sixth, False, 4],  # 3 moved to Winter
        ["03-11", 5, 1, 4, 0, 1, 6 - 6 * sixth, False, 3],  # 6 taken out
        ["03-12", 6, 2, 4, 1, 0, 6 - 7 * sixth, False, 2],  # 7 added when already closed
        ["03-13", 6, 3, 3, 0, 0, 6 - 8 * sixth, False, 1],  # 2 closed again
        ["03-14", 6, 5, 1, 0, 0, 0.0, False, 0],  # 4 and, at 23:30, 8 closed
        ["03-15", 6, 5, 1, 0, 0, 0.0, True, -1],
        ["03-16", 6, 4, 2, 0, 0, 0.0, True, -2],  # 1 reopened after the due date
        ["03-17", 5, 4, 1, 0, 1, 0.0, True, -3],  # 5 moved to Winter
        ["03-18", 5, 4, 1, 0, 0, 0.0, True, -4],
    ]
    got = table(frame, " ".join(frame.columns))
    assert [[*row[:6], *row[7:]] for row in got] == [[*row[:6], *row[7:]] for row in expected]
    np.testing.assert_allclose(frame["ideal"], [row[6] for row in expected], atol=1e-6)
    assert frame.attrs["committed"] == 6.0
    assert frame.attrs["title"] == "Harvest"
    assert frame.attrs["due_date"] == "2025-03-14"


def test_another_zone_moves_a_close_to_the_next_day() -> None:
    world = eight_issues().dataset()
    utc = burndown(world, HARVEST, as_of=AS_OF).set_index("date")
    swedish = burndown(world, HARVEST, as_of=AS_OF, timezone="Europe/Stockholm").set_index("date")
    assert utc.loc["2025-03-14", "completed"] == 5
    assert swedish.loc["2025-03-14", "completed"] == 4
    same = utc.index != "2025-03-14"
    pd.testing.assert_frame_equal(utc[same], swedish[same])


def test_weights_by_hand() -> None:
    frame = burndown(eight_issues().dataset(), HARVEST, as_of=AS_OF, measure="weight")
    assert table(frame, "date scope completed remaining added removed") == [
        ["03-03", 20, 0, 20, 20, 0],
        ["03-04", 20, 2, 18, 0, 0],
        ["03-05", 20, 5, 15, 0, 0],
        ["03-06", 20, 3, 17, 0, 0],
        ["03-07", 23, 3, 20, 3, 0],  # 4 weighs 4 now; 5 has no weight
        ["03-08", 23, 3, 20, 0, 0],
        ["03-09", 23, 3, 20, 0, 0],
        ["03-10", 18, 3, 15, 0, 5],
        ["03-11", 10, 3, 7, 0, 8],
        ["03-12", 12, 5, 7, 2, 0],
        ["03-13", 12, 7, 5, 0, 0],
        ["03-14", 12, 12, 0, 0, 0],
        ["03-15", 12, 12, 0, 0, 0],
        ["03-16", 12, 9, 3, 0, 0],
        ["03-17", 12, 9, 3, 0, 0],
        ["03-18", 12, 9, 3, 0, 0],
    ]
    on_time = burndown(eight_issues().dataset(), HARVEST, as_of="2025-03-14", measure="weight")
    assert on_time.attrs["without_measure"] == 1


def test_hours_by_hand() -> None:
    frame = burndown(eight_issues().dataset(), HARVEST, as_of=AS_OF, measure="hours")
    shown = frame[frame["date"].isin(pd.to_datetime(["2025-03-03", "2025-03-05", "2025-03-10",
                                                     "2025-03-14", "2025-03-16"]))]  # fmt: skip
    assert table(shown, "date scope completed remaining") == [
        ["03-03", 7.5, 0.0, 7.5],
        ["03-05", 9.5, 4.0, 5.5],
        ["03-10", 7.0, 4.0, 3.0],
        ["03-14", 7.0, 7.0, 0.0],
        ["03-16", 7.0, 3.0, 4.0],
    ]


def test_progress_by_hand() -> None:
    frame = milestone_progress(eight_issues().dataset(), as_of=AS_OF)
    columns = ["milestone_id", "title", "scope", "completed", "remaining", "committed"]
    columns += ["added_after_start", "removed_after_start", "carried_over", "days_left"]
    columns += ["working_days_left", "overdue"]
    assert frame[columns].astype(object).fillna("none").to_numpy().tolist() == [
        [10, "Harvest", 5, 4, 1, 6, 2, 3, 1, -4, -2, True],
        [20, "Winter", 2, 0, 2, 1, 1, 0, "none", 10, 8, False],
        [30, "DRAFT: Someday", 1, 0, 1, 1, 0, 0, "none", "none", "none", False],
    ]
    assert frame["due_date"].tolist()[:2] == [
        pd.Timestamp("2025-03-14"),
        pd.Timestamp("2025-03-28"),
    ]
    assert frame["start_date"].tolist()[2] == pd.Timestamp("2025-03-15")  # of the first addition
    assert frame["draft"].tolist() == [False, False, True]


def test_issues_behind_scope_changes() -> None:
    world = eight_issues().dataset()
    frame = scope_changes(world, "harvest", as_of=AS_OF).fillna({"other_milestone": "none"})
    assert table(frame, "date change amount issue_id other_milestone after_due") == [
        ["03-07", "added", 1, 5, "none", False],
        ["03-10", "removed", -1, 3, "Winter", False],
        ["03-11", "removed", -1, 6, "none", False],
        ["03-12", "added", 1, 7, "none", False],
        ["03-17", "removed", -1, 5, "Winter", True],
    ]
    weights = scope_changes(world, HARVEST, as_of=AS_OF, measure="weight")
    assert table(weights.head(1), "date change amount issue_id") == [["03-07", "raised", 3, 4]]


def test_carried_over_says_into_which_milestone() -> None:
    frame = carried_over(eight_issues().dataset(), as_of=AS_OF)
    row = frame.iloc[0]
    assert len(frame) == 1
    assert (row["milestone"], row["issue_id"], row["outcome"]) == ("Harvest", 5, "moved")
    assert (row["into_milestone_id"], row["into_milestone"]) == (WINTER, "Winter")
    before = carried_over(eight_issues().dataset(), as_of="2025-03-16")
    assert before["outcome"].tolist() == ["still open"]
    assert carried_over(eight_issues().dataset(), as_of="2025-03-13").empty


def test_carried_over_numbers_the_times() -> None:
    world = World()
    for number, due in ((1, "2025-03-03"), (2, "2025-03-05"), (3, "2025-03-07")):
        world.milestone(number, f"M{number}", None, due)
    world.issue(1, "2025-03-01")
    world.issue(2, "2025-03-01")
    for day, milestone in (("01", 1), ("04", 2), ("06", 3)):
        world.put(1, f"2025-03-{day}", milestone)
    world.put(2, "2025-03-01", 2)
    dataset = world.dataset()
    frame = carried_over(dataset, as_of="2025-03-10")
    columns = ["milestone", "issue_id", "times", "into_milestone"]
    assert frame[columns].fillna("").to_numpy().tolist() == [
        ["M1", 1, 1, "M2"],
        ["M2", 1, 2, "M3"],
        ["M2", 2, 1, ""],
        ["M3", 1, 3, ""],
    ]
    alone = carried_over(dataset, 3, as_of="2025-03-10")
    assert alone["times"].tolist() == [3]  # of all milestones, whichever is asked for
    assert sentences.carried_over(frame).endswith("; 2 not for the first time, 3 times at most.")


# -- GitLab's vectors --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sequence", "scope"),
    [
        (["add", "add"], 1),
        (["remove", "remove"], 0),
        (["add", "remove", "add"], 1),
        (["add", "remove", "remove"], 0),
        (["add", "add", "remove", "add", "add"], 1),
        (["add", "add elsewhere"], 0),
        (["add", "remove elsewhere"], 0),  # any other milestone event means that it left
        (["add elsewhere", "add", "remove elsewhere", "add"], 1),
        (["add", "add forgotten"], 0),
        (["add forgotten", "add"], 1),
    ],
)
def test_sequences_of_milestone_events(sequence: list[str], scope: int) -> None:
    world = World()
    world.milestone(HARVEST, "Harvest", "2025-03-03", "2025-03-14")
    world.milestone(WINTER, "Winter", "2025-03-03", "2025-03-14")
    world.issue(1, "2025-03-01")
    for minute, step in enumerate(sequence):
        action, _, where = step.partition(" ")
        milestone = {"": HARVEST, "elsewhere": WINTER, "forgotten": None}[where]
        change = world.put if action == "add" else world.take
        change(1, f"2025-03-04 10:{minute:02}", milestone)
    frame = burndown(world.dataset(), HARVEST, as_of="2025-03-05")
    assert frame["scope"].tolist() == [0, scope, scope]


def test_events_of_one_instant_keep_their_order() -> None:
    world = World()
    world.milestone(HARVEST, "Harvest", "2025-03-03", "2025-03-14")
    world.milestone(WINTER, "Winter", "2025-03-03", "2025-03-14")
    world.issue(1, "2025-03-03")
    world.put(1, "2025-03-03", HARVEST)
    world.put(1, "2025-03-03", WINTER)
    progress = milestone_progress(world.dataset(), as_of="2025-03-05")
    assert progress["scope"].tolist() == [0, 1]


def test_a_moved_original_is_left_out_while_its_copy_is_there() -> None:
    world = World()
    world.milestone(HARVEST, "Harvest", "2025-03-03", "2025-03-14")
    world.issue(1, "2025-03-01", moved_to_id=2)
    world.issue(2, "2025-03-01")
    world.issue(3, "2025-03-01", moved_to_id=99)  # its copy is out of sight: it counts
    for issue_id in (1, 2, 3):
        world.put(issue_id, "2025-03-01", HARVEST)
    world.close(1, "2025-03-04")
    frame = burndown(world.dataset(), HARVEST, as_of="2025-03-05")
    assert frame["scope"].tolist() == [2, 2, 2]
    assert frame["completed"].tolist() == [0, 0, 0]


# -- dates that are missing or wrong ------------------------------------------------------------


def test_without_start_the_first_addition_starts_and_without_due_it_goes_to_as_of() -> None:
    frame = burndown(eight_issues().dataset(), SOMEDAY, as_of=AS_OF)
    assert table(frame, "date scope overdue") == [
        [day, 1, False] for day in ("03-15", "03-16", "03-17", "03-18")
    ]
    assert frame["ideal"].isna().all()
    assert frame["days_to_due"].isna().all()


@pytest.mark.parametrize("as_of", ["2025-03-10", "2025-03-02T12:00Z"])
def test_no_rows_before_the_start_or_without_any_addition(as_of: str) -> None:
    world = World()
    world.milestone(HARVEST, "Harvest", "2025-03-20", "2025-03-28")
    world.milestone(SOMEDAY, "Someday", None, "2025-03-28")
    for milestone in (HARVEST, SOMEDAY):
        frame = burndown(world.dataset(), milestone, as_of=as_of)
        assert frame.empty
        assert frame["scope"].dtype == "int64"
    progress = milestone_progress(world.dataset(), as_of=as_of)
    assert progress["committed"].isna().all()
    assert progress["scope"].tolist() == [0, 0]


def test_a_due_date_before_the_start_date_leaves_only_overrun() -> None:
    world = World()
    world.milestone(HARVEST, "Harvest", "2025-03-10", "2025-03-07")
    world.issue(1, "2025-03-01")
    world.put(1, "2025-03-01", HARVEST)
    frame = burndown(world.dataset(), HARVEST, as_of="2025-03-11")
    assert table(frame, "date remaining ideal overdue") == [
        ["03-10", 1, 0.0, True],
        ["03-11", 1, 0.0, True],
    ]


def test_ideal_line_leaves_out_weekends_and_holidays() -> None:
    world = World()
    world.milestone(HARVEST, "Harvest", "2025-03-03", "2025-03-10")
    world.issue(1, "2025-03-01")
    world.put(1, "2025-03-01", HARVEST)
    calendar = {"workdays": ["Mon", "Tue", "Wed", "Thu", "Fri"], "holidays": ["2025-03-05"]}
    dataset = world.dataset(config={"calendar": calendar})
    frame = burndown(dataset, HARVEST, as_of="2025-03-10")
    assert frame["ideal"].tolist() == [1.0, 0.75, 0.75, 0.5, 0.25, 0.25, 0.25, 0.0]
    early = burndown(dataset, HARVEST, as_of="2025-03-06")
    ahead = dict(map(tuple, early.attrs["ideal_ahead"]))
    assert ahead == {"2025-03-06": 0.5, "2025-03-07": 0.25, "2025-03-08": 0.25,
                     "2025-03-09": 0.25, "2025-03-10": 0.0}  # fmt: skip


def test_dates_as_known_at_the_time() -> None:
    world = eight_issues().dataset()
    before, after = (milestone_progress(world, as_of=day) for day in ("2025-03-19", "2025-03-20"))
    assert before["due_date"].iloc[1] == pd.Timestamp("2025-03-28")
    assert after["due_date"].iloc[1] == pd.Timestamp("2025-04-11")


def test_an_instant_as_of_cuts_within_the_day() -> None:
    world = eight_issues().dataset()
    morning = burndown(world, HARVEST, as_of=pd.Timestamp("2025-03-14T09:59:59Z"))
    exactly = burndown(world, HARVEST, as_of=pd.Timestamp("2025-03-14T10:00:00Z"))
    assert morning["completed"].iloc[-1] == 3
    assert exactly["completed"].iloc[-1] == 4
    progress = milestone_progress(world, as_of=pd.Timestamp("2025-03-14T10:00:00Z"))
    assert progress["carried_over"].isna().all()  # the due day has not ended


def test_a_type_that_nothing_has_is_told_from_one_that_is_misspelt() -> None:
    world = eight_issues()
    assert (
        burndown(world.dataset(), HARVEST, as_of="2025-03-03", types="incident")["scope"]
        .eq(0)
        .all()
    )
    with pytest.raises(UnknownNameError, match=r"task, .*got Tasks"):
        burndown(world.dataset(), HARVEST, as_of="2025-03-03", types=["issue", "Tasks"])


def test_types_narrow() -> None:
    world = eight_issues()
    world.issues[1]["type"] = "task"
    frame = burndown(world.dataset(), HARVEST, as_of="2025-03-03", types="task")
    assert frame["scope"].tolist() == [1]


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        ({"milestone": "Harvset"}, UnknownNameError, "'Harvest' \\(id 10"),
        ({"measure": "points"}, ConfigurationError, "expected one of .*'points'"),
        ({"timezone": "Europe/Stokholm"}, ConfigurationError, "IANA"),
        ({"as_of": "soon"}, ConfigurationError, "expected a date"),
        ({"as_of": "2025-03-10T12:00"}, ConfigurationError, "no zone"),
        ({"as_of": None}, ConfigurationError, "expected a date"),
    ],
)
def test_wrong_calls(call: dict[str, Any], error: type[Exception], words: str) -> None:
    arguments = {"milestone": HARVEST, "as_of": AS_OF} | call
    with pytest.raises(error, match=words):
        burndown(eight_issues().dataset(), arguments.pop("milestone"), **arguments)


def test_empty_dataset_gives_empty_frames_with_the_same_columns() -> None:
    full, empty = eight_issues().dataset(), Dataset({})
    for make in (burndowns, milestone_progress, scope_changes, carried_over):
        some, none = make(full, as_of=AS_OF), make(empty, as_of=AS_OF)
        assert none.empty
        assert none.dtypes.to_dict() == some.dtypes.to_dict()


# -- one calendar, one zone ----------------------------------------------------------------------


def test_named_holidays_count_in_the_ideal_line_and_in_working_days_left() -> None:
    periods = {"spring holidays": "2025-03-06/2025-03-12", "freeze": "2025-03-13/2025-03-14"}
    calendar = {"config": {"calendar": {"periods": periods}}}
    dataset = Dataset(eight_issues().frames(), calendar)
    frame = burndown(dataset, HARVEST, as_of="2025-03-05").set_index("date")
    # 4 working days after the start: Tuesday 4th, Wednesday 5th, Thursday 13th, Friday 14th.
    assert frame["ideal"].tolist() == [6.0, 4.5, 3.0]
    ahead = dict(frame.attrs["ideal_ahead"])
    assert (ahead["2025-03-12"], ahead["2025-03-13"], ahead["2025-03-14"]) == (3.0, 1.5, 0.0)
    progress = milestone_progress(dataset, as_of="2025-03-05").set_index("milestone_id")
    assert progress.loc[HARVEST, "working_days_left"] == 2
    late = milestone_progress(dataset, as_of="2025-03-17").set_index("milestone_id")
    assert late.loc[HARVEST, "working_days_left"] == -1


def test_days_are_those_of_the_datasets_own_zone() -> None:
    swedish = Dataset(
        eight_issues().frames(), {"config": {"calendar": {"timezone": "Europe/Stockholm"}}}
    )
    for make in (burndowns, milestone_progress, scope_changes, carried_over):
        expected = make(eight_issues().dataset(), as_of=AS_OF, timezone="Europe/Stockholm")
        pd.testing.assert_frame_equal(make(swedish, as_of=AS_OF), expected)
        assert make(swedish, as_of=AS_OF).attrs["timezone"] == "Europe/Stockholm"


# -- several milestones as one -------------------------------------------------------------------


@pytest.mark.parametrize("measure", ["issues", "hours"])
def test_however_many_days_are_computed_at_once_the_rows_are_the_same(
    measure: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = simulated()
    whole = burndowns(dataset, as_of=dataset.exported_at, measure=measure)
    assert whole["milestone_id"].nunique() > 5
    for rows in (1, 100):
        monkeypatch.setattr("roadmap_analytics.analysis.burndown._ROWS", rows)
        parts = burndowns(dataset, as_of=dataset.exported_at, measure=measure)
        pd.testing.assert_frame_equal(parts, whole, check_exact=True)


def test_several_milestones_count_as_one() -> None:
    world = World()
    world.milestone(1, "v1", "2025-03-05", "2025-03-12", path="orchard/press", kind="project")
    world.milestone(2, "v1", "2025-03-03", "2025-03-14", path="orchard/cellar", kind="project")
    for issue_id in (1, 2, 3):
        world.issue(issue_id, "2025-03-01")
    world.put(1, "2025-03-02", 1)
    world.put(2, "2025-03-02", 2)
    world.put(3, "2025-03-06", 1)
    world.put(3, "2025-03-10", 2)  # from one to the other: no change
    world.close(3, "2025-03-11")
    dataset = world.dataset()
    frame = burndown(dataset, [1, 2], as_of="2025-03-13")
    assert frame["date"].iloc[[0, -1]].dt.day.tolist() == [3, 13]
    assert frame["scope"].tolist() == [2, 2, 2] + [3] * 8
    assert frame["remaining"].tolist() == [2, 2, 2] + [3] * 5 + [2] * 3
    assert (frame.attrs["title"], frame.attrs["due_date"]) == ("v1", "2025-03-14")
    changes = scope_changes(dataset, [2, 1], as_of="2025-03-13")
    assert changes[["issue_id", "change", "milestone"]].to_numpy().tolist() == [[3, "added", "v1"]]
    assert carried_over(dataset, [1], as_of="2025-03-13")["issue_id"].tolist() == [1]
    with pytest.raises(UnknownNameError, match="or a list of ids to count them together"):
        burndown(dataset, "v1", as_of="2025-03-13")


@QUICK
@given(st.deferred(lambda: worlds), st.integers(0, 24))
def test_all_milestones_as_one_are_all_issues_that_are_in_any(world: World, number: int) -> None:
    dataset, as_of = world.dataset(), day(number)
    progress = milestone_progress(dataset, as_of=as_of)
    frame = burndown(dataset, list(MILESTONES), as_of=as_of)
    if len(frame) and frame["date"].iloc[-1].date() == as_of:
        assert frame["scope"].iloc[-1] == progress["scope"].sum()
        assert frame["completed"].iloc[-1] == progress["completed"].sum()
    alone = burndown(dataset, HARVEST, as_of=as_of)
    pd.testing.assert_frame_equal(burndown(dataset, [HARVEST], as_of=as_of), alone)


# -- dates that cannot be meant ------------------------------------------------------------------


@pytest.mark.parametrize("zone", ["UTC", "America/Los_Angeles"])
def test_far_dates_cost_nothing_and_hide_nothing(zone: str) -> None:
    world = eight_issues()
    world.observed.clear()
    for milestone_id, start, due in (
        (HARVEST, "0202-01-01", "2025-03-14"),  # a typing error
        (WINTER, "2025-03-10", "9999-12-31"),  # "never"
        (SOMEDAY, "0001-01-01", "9999-12-31"),
    ):
        world.seen(milestone_id, "2025-01-01", start, due)
    dataset = world.dataset()
    began = time.process_time()
    every = burndowns(dataset, as_of=AS_OF, timezone=zone)
    one = burndown(dataset, WINTER, as_of=AS_OF, timezone=zone)
    progress = milestone_progress(dataset, as_of=AS_OF, timezone=zone).set_index("milestone_id")
    scope_changes(dataset, as_of=AS_OF, timezone=zone)
    carried_over(dataset, as_of=AS_OF, timezone=zone)
    assert time.process_time() - began < 0.5
    assert len(every) < 60
    harvest = every[every["milestone_id"] == HARVEST]
    # The rows begin the day before the first change, the 1st, with nothing in scope.
    assert harvest["scope"].iloc[0] == 0
    assert harvest["added"].sum() - harvest["removed"].sum() == harvest["scope"].iloc[-1]
    assert one["ideal"].iloc[-1] <= one["ideal"].iloc[0]
    assert len(one.attrs["ideal_ahead"]) <= 732
    assert one.attrs["due_date"] == "9999-12-31"
    assert progress.loc[WINTER, "working_days_left"] > 2_000_000


# -- random worlds -----------------------------------------------------------------------------

MILESTONES = (HARVEST, WINTER, SOMEDAY)
day_numbers = st.one_of(st.none(), st.integers(-3, 24))
steps = st.lists(
    st.tuples(
        st.integers(1, 4),  # issue
        st.sampled_from(
            ["add", "add", "add", "remove", "close", "close", "reopen", "weight", "hours"]
        ),
        st.sampled_from([*MILESTONES, None]),
        st.integers(0, 20 * 24 * 4),  # quarters of an hour
        st.sampled_from([None, 1, 2, 5]),
    ),
    max_size=30,
)


def day(number: int) -> dt.date:
    return dt.date(2025, 3, 20) + dt.timedelta(number)  # summer time begins on the 30th


def build(
    dates: list[tuple[int | None, int | None]], moved: bool, sequence: list[tuple[Any, ...]]
) -> World:
    world = World()
    for milestone, (start, due) in zip(MILESTONES, dates, strict=True):
        first, last = (None if n is None else str(day(n)) for n in (start, due))
        world.milestone(milestone, f"M{milestone}", first, last)
    for issue_id in range(1, 5):
        world.issue(issue_id, "2025-03-20", moved_to_id=2 if moved and issue_id == 1 else None)
    for issue_id, step, milestone, quarter, amount in sequence:
        at = str(pd.Timestamp("2025-03-20") + pd.Timedelta(15 * quarter, "min"))
        match step:
            case "add":
                world.put(issue_id, at, milestone)
            case "remove":
                world.take(issue_id, at, milestone)
            case "close" | "reopen":
                world.state(issue_id, at, "closed" if step == "close" else "opened")
            case "weight":
                world.weigh(issue_id, at, amount)
            case "hours":
                world.estimate(issue_id, at, (amount or 0) / 4)
    return world


worlds = st.builds(build, st.lists(st.tuples(day_numbers, day_numbers), min_size=3, max_size=3),
                   st.booleans(), steps)  # fmt: skip
zones = st.sampled_from(["UTC", "Europe/Stockholm", "America/St_Johns", "Pacific/Kiritimati"])
measures = st.sampled_from(["issues", "weight", "hours"])
reporting_days = st.integers(0, 24).map(day)


@QUICK
@given(worlds, zones, measures, reporting_days)
def test_slow_reference_agrees_day_by_day(
    world: World, zone: str, measure: Any, as_of: dt.date
) -> None:
    dataset = world.dataset()
    reference = Reference(dataset.frames, as_of, measure, zone)
    progress = milestone_progress(dataset, as_of=as_of, measure=measure, timezone=zone)
    for row in world.milestones:
        milestone = row["milestone_id"]
        start, due = (
            dt.date.fromisoformat(row[name]) if row[name] else None
            for name in ("start_date", "due_date")
        )
        frame = burndown(dataset, milestone, as_of=as_of, measure=measure, timezone=zone)
        rows = reference.burndown(milestone, start, due)
        columns = ["date", "scope", "completed", "remaining", "added", "removed", "overdue"]
        got = frame.assign(date=frame["date"].dt.date)[columns].to_dict("records")
        assert got == rows
        if due is None:
            assert frame["ideal"].isna().all()
        elif rows:
            np.testing.assert_allclose(frame["ideal"], reference.ideal(rows, due), atol=1e-6)
        mine = progress[progress["milestone_id"] == milestone].iloc[0]
        for name, value in reference.progress(milestone, start, due).items():
            assert mine[name] == value if value is not None else pd.isna(mine[name]), name


@QUICK
@given(worlds, measures, reporting_days, st.randoms(use_true_random=False))
def test_conservation(world: World, measure: Any, as_of: dt.date, random: Any) -> None:
    dataset = world.dataset()
    frame = burndowns(dataset, as_of=as_of, measure=measure)
    assert (frame["remaining"] == frame["scope"] - frame["completed"]).all()
    assert (frame["completed"] >= 0).all()
    assert (frame["remaining"] >= 0).all()
    net = (frame["added"] - frame["removed"]).groupby(frame["milestone_id"]).cumsum()
    np.testing.assert_allclose(net, frame["scope"], atol=1e-6)
    behind = scope_changes(dataset, as_of=as_of, measure=measure)
    later = frame[frame.duplicated("milestone_id")].set_index(["milestone_id", "date"])
    for name, amount in [("added", behind["amount"].clip(lower=0)),
                         ("removed", -behind["amount"].clip(upper=0))]:  # fmt: skip
        per_day = amount.groupby([behind["milestone_id"], behind["date"]]).sum()
        per_day = per_day.reindex(later.index, fill_value=0)
        np.testing.assert_allclose(later[name], per_day, atol=1e-6)
    progress = milestone_progress(dataset, as_of=as_of, measure=measure)
    known = progress[progress["committed"].notna()].astype({"committed": "float64"})
    sums = known["committed"] + known["added_after_start"] - known["removed_after_start"]
    np.testing.assert_allclose(sums.astype("float64"), known["scope"], atol=1e-6)


@QUICK
@given(worlds, reporting_days)
def test_named_carry_over_sums_to_the_number(world: World, as_of: dt.date) -> None:
    dataset = world.dataset()
    named = carried_over(dataset, as_of=as_of).groupby("milestone_id").size()
    progress = milestone_progress(dataset, as_of=as_of).set_index("milestone_id")
    counted = progress["carried_over"].dropna()
    assert named.reindex(counted.index, fill_value=0).tolist() == counted.tolist()
    assert set(named.index) <= set(counted.index)


@QUICK
@given(worlds)
def test_last_day_equals_todays_fields(world: World) -> None:
    dataset = world.dataset()
    issues = replay.in_scope(dataset)
    progress = milestone_progress(dataset, as_of="2025-05-01").set_index("milestone_id")
    weights = milestone_progress(dataset, as_of="2025-05-01", measure="weight")
    weights = weights.set_index("milestone_id")
    for milestone in MILESTONES:
        members = issues[issues["milestone_id"] == milestone]
        assert progress.loc[milestone, "scope"] == len(members)
        assert progress.loc[milestone, "completed"] == (members["state"] == "closed").sum()
        assert weights.loc[milestone, "scope"] == members["weight"].sum()
        assert weights.loc[milestone, "without_measure"] == members["weight"].isna().sum()


@QUICK
@given(worlds, reporting_days)
def test_disjoint_milestones_and_none_sum_to_all_issues(world: World, as_of: dt.date) -> None:
    dataset = world.dataset()
    spans = replay.intervals(dataset, "milestone", until=instant(as_of))
    here = spans[spans["end_at"].isna()]
    here = here[here["issue_id"].isin(replay.in_scope(dataset)["issue_id"])]
    forgotten = int(here["milestone_id"].isna().sum())
    total = milestone_progress(dataset, as_of=as_of)["scope"].sum()
    outside = len(replay.in_scope(dataset)) - len(here)
    assert total + forgotten + outside == len(replay.in_scope(dataset))
    assert total == len(here) - forgotten


@QUICK
@given(worlds, zones, reporting_days, st.integers(0, 2**32 - 1))
def test_neither_row_order_nor_the_future_matters(
    world: World, zone: str, as_of: dt.date, seed: int
) -> None:
    dataset = world.dataset()
    cut = instant(as_of, zone)
    events, issues = dataset.issue_events, dataset.issues
    past = dataset.with_frames(
        issue_events=events[events["at"] < cut].sample(frac=1, random_state=seed),
        issues=issues.assign(state="closed", milestone_id=pd.NA, weight=pd.NA).astype(
            issues.dtypes.to_dict()
        ).sample(frac=1, random_state=seed),
        milestones=dataset.milestones.sample(frac=1, random_state=seed),
    )  # fmt: skip
    for make in (burndowns, milestone_progress, scope_changes, carried_over):
        expected = make(dataset, as_of=as_of, timezone=zone)
        got = make(past, as_of=as_of, timezone=zone)
        pd.testing.assert_frame_equal(got, expected)
        assert got.attrs == expected.attrs


@QUICK
@given(st.integers(0, 200), reporting_days)
def test_dates_observed_later_do_not_leak(days_later: int, as_of: dt.date) -> None:
    world = eight_issues()
    before = burndowns(world.dataset(), as_of=as_of)
    seen = instant(as_of) + pd.Timedelta(days_later, "h")
    if seen > pd.Timestamp("2025-03-20", tz="UTC"):
        world.seen(HARVEST, seen.tz_localize(None).isoformat(), "2025-01-01", "2026-01-01")
        for row in world.milestones:
            row["start_date"], row["due_date"] = "2025-01-01", "2026-01-01"
        pd.testing.assert_frame_equal(burndowns(world.dataset(), as_of=as_of), before)


def test_a_milestone_of_issues_without_weights_is_current() -> None:
    world = World()
    world.milestone(HARVEST, "Harvest", "2025-03-03", "2025-03-28")
    world.milestone(WINTER, "Winter", "2025-03-03", "2025-03-28")
    world.issue(1, "2025-03-01")
    world.put(1, "2025-03-01", HARVEST)
    progress = milestone_progress(world.dataset(), as_of=AS_OF, measure="weight")
    assert progress["scope"].tolist() == [0, 0]
    assert current_milestones(progress)["milestone_id"].tolist() == [HARVEST]


def test_a_milestone_that_had_an_issue_for_an_hour_existed() -> None:
    world = World()
    made = pd.Timestamp("2025-03-20", tz="UTC")
    world.milestone(HARVEST, "Harvest", "2025-03-03", None, created_at=made)
    world.issue(1, "2025-03-01")
    world.put(1, "2025-03-05 09:00", HARVEST)
    world.take(1, "2025-03-05 10:00", HARVEST)
    assert milestone_progress(world.dataset(), as_of="2025-03-04").empty
    assert milestone_progress(world.dataset(), as_of="2025-03-05")["scope"].tolist() == [0]
