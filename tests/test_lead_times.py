"""Lead times with open issues counted, age of open work, closes per week."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadmap_analytics.analysis.lead_times import lead_times, throughput, work_item_age
from roadmap_analytics.frames import Dataset
from tests.eight_issues import AS_OF, HARVEST, World, eight_issues
from tests.examples import examples


def closing_after(lead_days: list[float], opened_days: list[float], seen_day: float) -> Dataset:
    """Issues opened so many days after 1 January 2025 that take so many days; closed if seen."""
    world, start = World(), pd.Timestamp("2025-01-01")
    for issue, (lead, opened) in enumerate(zip(lead_days, opened_days, strict=True), 1):
        world.issue(issue, str(start + pd.Timedelta(opened, "D")))
        if opened + lead <= seen_day:
            world.close(issue, str(start + pd.Timedelta(opened + lead, "D")))
    return world.dataset()


def test_the_hand_counted_world() -> None:
    """As of the end of 18 March. Days from creation to the close that stands:

    7: 20 February 8:00 to 4 March 12:00, 12.17; 8: 1 to 14 March 23:30, 13.65; 4: 26 February 9:00
    to 14 March 10:00, 16.04; 2: 25 February 8:00 to 13 March 15:00, 16.29. 1 was reopened on the
    16th and 3, 5, 6 are open: at least 26.67, 20.67, 12.67 and 19.67 days. So 5 (12.67) drops
    out before the second close: 7/8, then times 5/6, 4/5 and 3/4.
    """
    frame = lead_times(eight_issues().dataset(), as_of="2025-03-16T23:59:59.999999Z")
    assert frame["closed"].tolist() == [0, 1, 1, 1, 1]
    assert frame["days"].round(2).tolist() == [0, 12.17, 13.65, 16.04, 16.29]
    open_ages = [24.67, 18.67, 10.67, 17.67]  # two days less than on the 18th
    assert frame["at_risk"].tolist() == [8, 7, 6, 5, 4]
    assert frame["still_open"].tolist() == pytest.approx(
        [1, 6 / 7, 6 / 7 * 5 / 6, 6 / 7 * 4 / 6, 6 / 7 * 3 / 6]
    )
    assert frame.attrs["issues"] == 8
    assert frame.attrs["open_issues"] == len(open_ages)
    assert frame.attrs["median_days"] == pytest.approx(16.29, abs=0.01)
    assert frame.attrs["closed_only_median_days"] == pytest.approx((13.65 + 16.04) / 2, abs=0.01)
    assert frame.attrs["p85_days"] is None


def test_the_median_of_closed_issues_alone_says_too_little() -> None:
    """Lead times are exponential with median 13.9 days; issues are opened over 30 days, and seen
    then: those that take long are still open. Closed ones alone say about 9, Kaplan-Meier 14."""
    rng = np.random.default_rng(5)
    opened = rng.uniform(0, 45, 900).tolist()
    dataset = closing_after(rng.exponential(13.9 / np.log(2), 900).tolist(), opened, 45)
    seen = lead_times(dataset, as_of="2025-02-14").attrs
    assert seen["median_days"] == pytest.approx(13.9, abs=1.2)
    assert seen["closed_only_median_days"] < 10
    assert seen["open_issues"] > 300


def kaplan_meier(days: list[float], done: list[bool]) -> dict[float, float]:
    """The definition, issue by issue."""
    share, curve = 1.0, {}
    for when in sorted({day for day, closed in zip(days, done, strict=True) if closed}):
        at_risk = sum(day >= when for day in days)
        gone = sum(day == when and closed for day, closed in zip(days, done, strict=True))
        share *= 1 - gone / at_risk
        curve[when] = share
    return curve


@examples(12)
@given(st.lists(st.tuples(st.integers(1, 12), st.integers(0, 9)), min_size=1, max_size=20))
def test_the_curve_is_that_of_the_definition(issues: list[tuple[int, int]]) -> None:
    leads, opened = [float(lead) for lead, _ in issues], [float(day) for _, day in issues]
    frame = lead_times(closing_after(leads, opened, 10.0), as_of="2025-01-10T23:59:59.999999Z")
    done = [lead + day < 10 for lead, day in zip(leads, opened, strict=True)]
    days = [lead if closed else 10 - day for lead, day, closed in zip(leads, opened, done,
                                                                     strict=True)]  # fmt: skip
    curve = kaplan_meier(days, done)
    assert frame["days"].tolist() == pytest.approx([0.0, *curve])
    assert frame["still_open"].tolist() == pytest.approx([1.0, *curve.values()])
    known = frame.dropna()
    assert (known["low"] <= known["still_open"] + 1e-9).all()
    assert (known["still_open"] <= known["high"] + 1e-9).all()


def test_nothing_after_as_of_matters() -> None:
    full = eight_issues().dataset()
    events, end = full.issue_events, pd.Timestamp("2025-03-19", tz="UTC")
    cut = Dataset(full.frames | {"issue_events": events[events["at"] < end]})
    for call in (lead_times, work_item_age, throughput):
        pd.testing.assert_frame_equal(call(full, as_of=AS_OF), call(cut, as_of=AS_OF))


def test_since_leaves_out_the_whole_of_that_day() -> None:
    world = World()
    world.issue(1, "2025-03-02T23:59")
    world.issue(2, "2025-03-03T00:00")
    dataset = world.dataset()
    counted = {day: lead_times(dataset, as_of=AS_OF, since=day).attrs["issues"]
               for day in ("2025-03-01", "2025-03-02", "2025-03-03")}  # fmt: skip
    assert counted == {"2025-03-01": 2, "2025-03-02": 1, "2025-03-03": 0}


def test_age_of_open_work() -> None:
    frame = work_item_age(eight_issues().dataset(), as_of=AS_OF)
    assert frame["issue_id"].tolist() == [1, 3, 6, 5]  # the oldest first
    assert frame["age_days"].round(2).tolist() == [26.67, 20.67, 19.67, 12.67]
    assert frame["milestone_id"].tolist() == [10, 20, 30, 20]


def test_throughput_counts_weeks_without_closes() -> None:
    """7, 1 and 2 are closed in the week of 3 March (2 was reopened on the 6th, 8 within the 6th),
    2 again, 4 and 8 in that of the 10th; 1 was reopened on Sunday the 16th."""
    frame = throughput(eight_issues().dataset(), as_of=AS_OF)
    assert frame["week_date"].astype("str").tolist()[:2] == ["2025-02-17", "2025-02-24"]
    assert frame["closed"].tolist() == [0, 0, 3, 3, 0]
    assert frame["added"].tolist() == [2, 5, 2, 1, 0]
    assert frame["whole"].tolist() == [True] * 4 + [False]
    assert frame.attrs["per_week"] == 6 / 4
    harvest = throughput(eight_issues().dataset(), HARVEST, as_of=AS_OF)
    assert harvest["closed"].tolist() == [0, 0, 2, 3, 0]  # 7 was closed outside
    assert throughput(eight_issues().dataset(), as_of="2025-03-16")["whole"].all()


def test_a_quiet_spell_is_made_of_zero_weeks() -> None:
    dataset = closing_after([1.0, 50.0], [0.0, 0.0], 60)
    frame = throughput(dataset, as_of="2025-03-09")
    assert frame["closed"].tolist() == [1, *[0] * 6, 1, 0, 0]


def test_empty_dataset() -> None:
    assert lead_times(Dataset({}), as_of=AS_OF).empty
    assert lead_times(Dataset({}), as_of=AS_OF).attrs["median_days"] is None
    assert work_item_age(Dataset({}), as_of=AS_OF).empty
    assert throughput(Dataset({}), as_of=AS_OF).empty
