"""What makes a history like a real one: each measure counted by hand, worlds, and real projects."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import roadmap_analytics as ra
from roadmap_analytics import frames, simulate
from roadmap_analytics.frames import RunRecords
from tests import likeness

DAY = pd.Timedelta(days=1)


def utc(day: str) -> pd.Timestamp:
    return pd.Timestamp(day, tz="UTC")


@pytest.fixture
def small() -> dict[str, pd.DataFrame]:
    """Three milestones and five issues.

    Milestone 1 is closed on 31 March, due that day; 2 on 30 June, due on the 20th; 3 is open.

    - Issue 1: in 1 from 1 March, closed on 10 March (a Sunday), after 10 days.
    - Issue 2: in 1 from 1 March, moved to 2 on 31 March at 11:00, an hour before 1 is closed;
      closed on 14 June (a Friday), after 105 days.
    - Issue 3: in 1 from 1 March and on to 2 on 2 April, when 1 is closed already; reopened on
      15 June and closed for good on 3 July (a Wednesday), after 124 days.
    - Issue 4: in 2 from 1 April, open.
    - Issue 5: in no milestone; closed on Thursday, 6 hours after its creation on 4 April.
    """
    moves = [
        (1, "2024-03-01", 1), (2, "2024-03-01", 1), (3, "2024-03-01", 1), (4, "2024-04-01", 2),
        (2, "2024-03-31 11:00", 2), (3, "2024-04-02", 2),
    ]  # fmt: skip
    states = [
        (1, "2024-03-10", "closed"), (2, "2024-06-14", "closed"), (3, "2024-06-14", "closed"),
        (3, "2024-06-15", "reopened"), (3, "2024-07-03", "closed"),
        (5, "2024-04-04 06:00", "closed"),
    ]  # fmt: skip
    created = ["2024-02-29", "2024-03-01", "2024-03-01", "2024-04-01", "2024-04-04"]
    return {
        "issues": pd.DataFrame({"id": range(1, 6), "created_at": [utc(day) for day in created]}),
        "state": pd.DataFrame(
            [(issue, utc(at), state) for issue, at, state in states],
            columns=["issue", "at", "state"],
        ),
        "membership": pd.DataFrame(
            [(issue, utc(at), milestone) for issue, at, milestone in moves],
            columns=["issue", "at", "milestone"],
        ),
        "milestones": pd.DataFrame(
            {
                "id": [1, 2, 3],
                "due": pd.to_datetime(["2024-03-31", "2024-06-20", None]),
                "closed_on": [utc("2024-03-31 12:00"), utc("2024-06-30"), pd.NaT],
            }
        ),
    }


def test_open_share_at_the_close_and_on_the_eve(small: dict[str, pd.DataFrame]) -> None:
    """1: of issues 1 and 3, 3 is open; the day before 2 and 3 of three. 2: 3 and 4 of 2, 3, 4."""
    assert likeness.open_share(small, pd.Timedelta(0)).to_dict() == {1: 1 / 2, 2: 2 / 3}
    assert likeness.open_share(small, pd.Timedelta(days=1)).to_dict() == {1: 2 / 3, 2: 2 / 3}


def test_what_happens_in_the_instant_of_the_close_comes_after_it(
    small: dict[str, pd.DataFrame],
) -> None:
    """Issue 2 moved on at 12:00, not 11:00: it was still in milestone 1, open."""
    moves = small["membership"]
    moves["at"] = moves["at"].replace(utc("2024-03-31 11:00"), utc("2024-03-31 12:00"))
    assert likeness.open_share(small, pd.Timedelta(0))[1] == pytest.approx(2 / 3)


def test_in_several_milestones(small: dict[str, pd.DataFrame]) -> None:
    """Issues 2 and 3, of the four that were in one."""
    assert likeness.in_several(small) == 0.5


def test_due_dates_met(small: dict[str, pd.DataFrame]) -> None:
    """Milestone 1 on the day itself, 2 ten days late, 3 open."""
    assert likeness.due_dates_met(small) == 0.5


def test_lead_days(small: dict[str, pd.DataFrame]) -> None:
    assert likeness.lead_days(small).to_dict() == {1: 10, 2: 105, 3: 124, 5: 0.25}


def test_all_measures(small: dict[str, pd.DataFrame]) -> None:
    found = likeness.measures(small)
    assert list(found) == list(likeness.BANDS)
    assert found["closed with open issues"] == 1
    assert found["open on the eve"] == pytest.approx(2 / 3)
    assert found["spread of lead times"] == pytest.approx(np.log([10, 105, 124, 0.25]).std(ddof=1))
    assert found["closed within a week"] == 0.25
    assert found["closed after a year"] == 0
    assert found["closed at weekends"] == 1 / 5  # of five closes, one was undone
    assert np.isnan(found["drift of the pace"])  # 17 weeks are not two seasons


def test_drift_is_what_exceeds_chance() -> None:
    """13 and 39 closes in two seasons; the rest of a third does not count."""
    first = pd.date_range("2024-01-01", periods=13, freq="7D", tz="UTC")
    second = pd.date_range("2024-04-01", periods=39, freq="2D", tz="UTC")
    rest = pd.Series(pd.date_range("2024-07-01", periods=20, freq="1D", tz="UTC"))
    closes = pd.concat([pd.Series(first), pd.Series(second), rest])
    assert likeness.drift(closes) == pytest.approx((338 - 26) ** 0.5 / 26)
    assert (
        likeness.drift(pd.concat([pd.Series(first), pd.Series(first) + pd.Timedelta(91, "D")])) == 0
    )


@pytest.mark.parametrize(
    ("issues", "seeds"), [(640, 8), pytest.param(2500, 8, marks=pytest.mark.slow)]
)
def test_simulated_worlds_are_like_real_projects(issues: int, seeds: int) -> None:
    """Their mean: a world has some 16 closed milestones, so that shares of one vary by .12."""
    rows = [_measured(issues, seed) for seed in range(1, seeds + 1)]
    mean = pd.DataFrame(rows).mean()
    outside = {
        name: mean[name]
        for name, (low, high) in likeness.BANDS.items()
        if not low <= mean[name] <= high
    }
    assert not outside


def _measured(issues: int, seed: int) -> dict[str, float]:
    run = RunRecords(1, simulate.NOW, simulate.records(issues, seed))
    return likeness.measures(likeness.tables(ra.Dataset(frames.build([run]))))


def test_the_bands_lie_where_real_projects_do(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each band meets the span of the real sets, or comes within a fifth of it."""
    if not (shared / "real" / "load.py").is_file():
        pytest.skip("needs the real histories in ../shared/real")
    monkeypatch.syspath_prepend(str(shared / "real"))
    load = import_module("load")
    monkeypatch.delitem(sys.modules, "load")
    sets = [likeness.measures(load.tables(name)) for name in ("versions", "sprints")]
    closes = load.pace()
    times = closes.loc[closes.index.repeat(closes["closes"])]
    days = times["day"].dt.tz_localize("UTC").groupby(times["project"])
    real = {name: [one[name] for one in sets if not np.isnan(one[name])] for name in sets[0]}
    real["drift of the pace"] += days.agg(likeness.drift).tolist()
    # Of the sprints a sixth were closed by their planned end, a quarter by the day after.
    sprints = load.tables("sprints")
    sprints["milestones"]["due"] = pd.to_datetime(sprints["milestones"]["due"]) + DAY
    real["due dates met"].append(likeness.due_dates_met(sprints))
    for name, (low, high) in likeness.BANDS.items():
        assert low <= 1.2 * max(real[name]), name
        assert high >= 0.8 * min(real[name]), name
