"""`View` and `days`: one zone, one working calendar, frames computed once and never shared raw."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import roadmap_analytics as ra
from roadmap_analytics.analysis import days, lookup
from roadmap_analytics.analysis.view import View, state_at
from roadmap_analytics.errors import ConfigurationError, UnknownNameError
from roadmap_analytics.frames import Dataset
from tests.eight_issues import HARVEST, SOMEDAY, WINTER, eight_issues

SWEDISH = {"config": {"calendar": {"timezone": "Europe/Stockholm"}}}


def test_the_zone_of_a_call_is_its_own_else_the_datasets_else_utc() -> None:
    dataset = Dataset({}, SWEDISH)
    assert View.of(dataset, "2025-07-01").at == pd.Timestamp("2025-07-01 22:00", tz="UTC")
    assert View.of(dataset, "2025-07-01", "UTC").at == pd.Timestamp("2025-07-02", tz="UTC")
    assert View.of(Dataset({}), "2025-07-01").timezone == "UTC"
    assert View.of(dataset, "2025-07-01T23:00:00Z").day == pd.Timestamp("2025-07-02")
    wrong = Dataset({}, {"config": {"calendar": {"timezone": "Stockholm"}}})
    with pytest.raises(ConfigurationError, match="timezone: expected an IANA name"):
        View.of(wrong, "2025-07-01")


def test_a_whole_day_is_covered_by_a_date_and_by_its_last_microsecond() -> None:
    assert View.of(Dataset({}), "2025-07-01").whole_day
    assert View.of(Dataset({}), "2025-07-01T23:59:59.999999Z").whole_day
    assert not View.of(Dataset({}), "2025-07-01T23:59:59Z").whole_day
    assert View.of(Dataset({}, SWEDISH), "2025-07-01").on(np.datetime64("2025-06-30")).at == (
        pd.Timestamp("2025-06-30 22:00", tz="UTC")
    )


def test_changing_a_frame_of_a_view_changes_nothing_for_the_next_reader() -> None:
    view = View.of(eight_issues().dataset(), "2025-03-11")
    for read in (lambda: view.state, lambda: view.milestones, lambda: view.spans("milestone")):
        before = read().copy()
        changed = read()
        changed["milestone_id"] = 0
        changed.iloc[0, 0] = None
        pd.testing.assert_frame_equal(read(), before)


def test_moved_originals_are_in_state_at_and_not_in_the_view() -> None:
    world = eight_issues()
    world.issue(9, "2025-03-01", moved_to_id=1)  # its copy, 1, is in the dataset
    dataset = world.dataset()
    every, counted = state_at(dataset, as_of="2025-03-11"), View.of(dataset, "2025-03-11").state
    assert set(every.index) - set(counted.index) == {9}
    pd.testing.assert_frame_equal(counted, every.loc[counted.index])


def test_state_at_takes_a_day_or_as_before_an_instant() -> None:
    dataset = eight_issues().dataset()
    before = days.instant("2025-03-11")
    pd.testing.assert_frame_equal(ra.state_at(dataset, as_of="2025-03-11"),
                                  ra.state_at(dataset, before))  # fmt: skip
    pd.testing.assert_frame_equal(ra.state_at(dataset, at=before), ra.state_at(dataset, before))
    for wrong in ({}, {"at": before, "as_of": "2025-03-11"}, {"at": "2025-03-11"}):
        with pytest.raises(ConfigurationError, match="state_at: expected"):
            ra.state_at(dataset, **wrong)  # type: ignore[arg-type]


def test_types_are_checked_at_the_entrance() -> None:
    with pytest.raises(UnknownNameError, match="types: expected some of"):
        View.of(Dataset({}), "2025-03-11", types="bug")


def test_working_days_leave_out_holidays_periods_and_absences() -> None:
    calendar = {
        "workdays": ["Mon", "Tue", "Wed", "Thu"],
        "holidays": ["2026-07-01"],
        "periods": {"Summer Holidays": "2026-07-06/2026-07-09", "freeze": "2026-07-13/2026-07-16"},
    }
    working = days.working_days(Dataset({}, {"config": {"calendar": calendar}}), ["2026-07-20"])
    every = np.arange("2026-06-29", "2026-07-27", dtype="datetime64[D]")
    assert every[np.is_busday(every, busdaycal=working)].astype(str).tolist() == [
        *["2026-06-29", "2026-06-30", "2026-07-02"],
        *["2026-07-13", "2026-07-14", "2026-07-15", "2026-07-16"],
        *["2026-07-21", "2026-07-22", "2026-07-23"],
    ]


@pytest.mark.parametrize(
    "calendar",
    [{"holidays": ["Christmas"]}, {"periods": {"holidays": "2026-07"}}, {"workdays": []},
     {"periods": ["2026-07-06"]}],
)  # fmt: skip
def test_an_ill_formed_calendar_is_one_clear_error(calendar: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match=r"\[calendar\] of the dataset"):
        days.working_days(Dataset({}, {"config": {"calendar": calendar}}))


@pytest.mark.parametrize("zone", ["UTC", "Europe/Stockholm", "America/Los_Angeles"])
def test_the_last_day_of_the_calendar_has_an_end(zone: str) -> None:
    never = pd.Series(pd.to_datetime(["9999-12-31", None])).astype("datetime64[us]")
    assert days.day_ends(never, zone).isna().tolist() == [False, True]
    assert days.instant("9999-12-31", zone) > pd.Timestamp("9999-12-01", tz="UTC")
    assert days.instant("0202-01-01", zone) < pd.Timestamp("0202-01-03", tz="UTC")


def test_a_list_of_milestones_is_as_good_as_one() -> None:
    dataset = eight_issues().dataset()
    assert lookup.find_milestones(dataset, HARVEST) == [HARVEST]
    assert lookup.find_milestones(dataset, "Harvest") == [HARVEST]
    assert lookup.find_milestones(dataset, np.int64(HARVEST)) == [HARVEST]  # type: ignore[arg-type]
    several = lookup.find_milestones(dataset, ["Harvest", WINTER, SOMEDAY, HARVEST])
    assert several == sorted([HARVEST, WINTER, SOMEDAY])
    with pytest.raises(UnknownNameError, match="an empty list"):
        lookup.find_milestones(dataset, [])
