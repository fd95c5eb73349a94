"""Dates that mean "never" (9999-12-31) or are typing errors (year 0202): fast, and said in words.

Work grows with what happened, not with the span of dates: each call and each chart takes at most
half a second of processor time on the bundled sample, and every chart shows days near the data.
"""

from __future__ import annotations

import io
import time
import warnings
from collections.abc import Callable
from typing import Any

import matplotlib.dates as mdates
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

import roadmap_analytics as ra
from roadmap_analytics import Dataset
from tests.eight_issues import AS_OF, SOMEDAY, eight_issues
from tests.examples import left_to_soak

NEVER, TYPO = pd.Timestamp("9999-12-31"), pd.Timestamp("0202-01-01")
MOST = 0.5  # seconds


# West of UTC the end of 9999-12-31 lies in the year 10000.
@pytest.fixture(scope="module", params=["America/Los_Angeles", *left_to_soak("UTC")])
def odd(request: pytest.FixtureRequest) -> Dataset:
    """The sample, with far dates on milestones, issues and roadmap items of every kind."""
    sample = ra.load("data/sample")
    frames = dict(sample.frames)
    active, closed = (
        sample.milestones.loc[sample.milestones["state"] == state, "milestone_id"].tolist()
        for state in ("active", "closed")
    )
    changes: list[tuple[int, dict[str, pd.Timestamp]]] = [
        (active[0], {"due_date": NEVER}),
        (active[1], {"start_date": TYPO}),
        (active[2], {"start_date": TYPO, "due_date": NEVER}),
        (closed[0], {"start_date": TYPO}),
        (closed[1], {"due_date": NEVER}),
        (closed[2], {"start_date": TYPO, "due_date": pd.Timestamp("0203-01-01")}),
    ]
    for name in ("milestones", "milestone_dates"):
        frames[name] = frames[name].copy()
        for milestone, dates in changes:
            for column, day in dates.items():
                frames[name].loc[frames[name]["milestone_id"] == milestone, column] = day
    events = frames["issue_events"].copy()
    due = np.flatnonzero(((events["field"] == "due_date") & events["value"].notna()).to_numpy())
    place = events.columns.get_loc("value")
    events.iloc[due[-30:-15], place] = "9999-12-31"
    events.iloc[due[-15:], place] = "0202-01-01"
    items = frames["roadmap_items"].copy()
    dated = np.flatnonzero(items["target_date"].notna().to_numpy())
    items.iloc[dated[-1], items.columns.get_loc("target_date")] = NEVER
    items.iloc[dated[-2], items.columns.get_loc("target_date")] = TYPO
    frames |= {"issue_events": events, "roadmap_items": items}
    calendar = sample.config["calendar"] | {"timezone": request.param}
    manifest = sample.manifest | {"config": sample.config | {"calendar": calendar}}
    return Dataset(frames, manifest)


def quick(name: str, call: Callable[[], Any]) -> Any:
    began = time.process_time()
    result = call()
    took = time.process_time() - began
    if took >= MOST:  # the first call pays for imports and fonts
        began = time.process_time()
        result = call()
        took = min(took, time.process_time() - began)
    assert took < MOST, f"{name} took {took:.2f} s"
    return result


def test_every_call_is_quick(odd: Dataset) -> None:
    day = odd.exported_date
    for name in (
        *("milestone_progress", "burndowns", "scope_changes", "carried_over", "workload"),
        *("workload_by_milestone", "workload_history", "workload_plan", "duties", "planned_work"),
        *("future_work", "throughput", "lead_times", "work_item_age", "attribution", "slippage"),
        *("milestone_slippage", "renewal_slippage", "horizon_slippage", "state_at"),
        *("open_issues", "plan_differences", "forecast", "targets_against_forecast"),
    ):
        quick(name, lambda name=name: getattr(ra, name)(odd, as_of=day))  # type: ignore[misc]
    earlier = day - pd.Timedelta(28, "D")
    quick("changes", lambda: ra.changes(odd, since=earlier, as_of=day))
    for milestone in odd.milestones["milestone_id"]:
        frame = quick("burndown", lambda m=milestone: ra.burndown(odd, m, as_of=day))  # type: ignore[misc]
        assert len(frame) < 4000
        quick("timeline", lambda m=milestone: ra.milestone_timeline(odd, m, as_of=day))  # type: ignore[misc]


def test_the_plan_says_what_lies_beyond_it(odd: Dataset) -> None:
    plan = ra.workload_plan(odd, as_of=odd.exported_date)
    assert plan["week"].max() <= pd.Timestamp(odd.exported_date) + pd.Timedelta(106, "W")
    beyond = plan.attrs["beyond_hours"]
    assert beyond
    ax = ra.plot_workload_plan(plan)
    later = plan[~plan["week"].isin(sorted(plan["week"].unique())[:10])]["planned_hours"].sum()
    assert f"; {later + sum(beyond.values()):,.0f} hours in later weeks" in ax.get_xlabel()
    plt.close(ax.figure)


def test_spreading_over_years_keeps_every_hour() -> None:
    """Shown hours, those beyond and those without a date sum to what remains."""
    sample = ra.load("data/sample")
    day = sample.exported_date
    plan = ra.workload_plan(sample, as_of=day, split="equal")
    shown = plan["planned_hours"].sum() + plan["overdue_hours"].sum()
    near = sample.with_frames(
        milestones=sample.milestones.assign(due_date=pd.Timestamp(day)),
        milestone_dates=sample.milestone_dates.assign(due_date=pd.Timestamp(day)),
    )
    soon = ra.workload_plan(near, as_of=day, split="equal")
    total = soon["planned_hours"].sum() + soon["overdue_hours"].sum()
    total += sum(soon.attrs["beyond_hours"].values()) + sum(soon.attrs["undated_hours"].values())
    rest = sum(plan.attrs["beyond_hours"].values()) + sum(plan.attrs["undated_hours"].values())
    assert shown + rest == pytest.approx(total, abs=0.5)


def test_charts_show_days_near_the_data_and_say_what_lies_beyond(odd: Dataset) -> None:
    day = odd.exported_date
    ids = odd.milestones["milestone_id"].tolist()
    drawn: list[tuple[str, Callable[[], Axes]]] = []
    for milestone in ids[:6]:
        frame = ra.burndown(odd, milestone, as_of=day)
        drawn += [
            ("burndown", lambda f=frame: ra.plot_burndown(f)),  # type: ignore[misc]
            ("burnup", lambda f=frame: ra.plot_burnup(f)),  # type: ignore[misc]
        ]
        one = ra.forecast(odd, milestone, as_of=day)
        drawn.append(("forecast", lambda f=one: ra.plot_forecast(f)))  # type: ignore[misc]
    tracked, moved = ra.slippage(odd, as_of=day), ra.milestone_slippage(odd, as_of=day)
    drawn += [
        ("slippage", lambda: ra.plot_slippage(tracked)),
        ("milestone slippage", lambda: ra.plot_slippage(moved)),
        ("forecasts", lambda: ra.plot_forecast(ra.forecast(odd, as_of=day))),
    ]
    said = set()
    for name, draw in drawn:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            ax = draw()
            quick(name, lambda ax=ax: ax.figure.savefig(io.BytesIO(), dpi=50))  # type: ignore[misc]
        low, high = (pd.Timestamp(mdates.num2date(x).date()) for x in ax.get_xlim())
        assert pd.Timestamp("2020-01-01") < low < high < pd.Timestamp("2040-01-01"), name
        text = " ".join(t.get_text() for t in ax.texts)
        said |= {one for one in ("9999-12-31", "0202-01-01", "0203-01-01") if one in text}
        plt.close(ax.figure)
    assert said == {"9999-12-31", "0202-01-01", "0203-01-01"}
    many = ra.burndowns(odd, as_of=day)
    ax = ra.plot_compared(many)
    left, right = ax.get_xlim()
    assert -731 <= left < right < 1500
    assert "only from two years before their due date on" in ax.get_xlabel()
    plt.close(ax.figure)
    ax = ra.plot_burndowns(many)
    labels = [label.get_text() for inset in ax.child_axes for label in inset.get_xticklabels()]
    assert all(high - low < 4000 for low, high in (inset.get_xlim() for inset in ax.child_axes))
    assert len(labels) == 24
    plt.close(ax.figure)


def test_an_issue_of_year_202_makes_no_million_rows() -> None:
    """Imports keep the dates of the tracker that they come from, whatever these are."""
    world = eight_issues()
    world.issue(9, "0202-01-01")
    world.put(9, "0202-01-02", SOMEDAY)
    world.member(9, "0202-01-02", "assignee", "add", "ada")
    dataset, plain = world.dataset(), eight_issues().dataset()
    history = quick("history", lambda: ra.workload_history(dataset, as_of=AS_OF, freq="D"))
    last = history[history["date"] == history["date"].max()].set_index("person")["open_issues"]
    before = ra.workload(plain, as_of=AS_OF).set_index("person")["open_issues"]
    assert last["ada"] == before["ada"] + 1
    burndown = quick("burndown", lambda: ra.burndown(dataset, SOMEDAY, as_of=AS_OF))
    assert (len(burndown), burndown["scope"].iloc[-1], burndown["added"].iloc[0]) == (18_263, 2, 1)
    weekly = quick("throughput", lambda: ra.throughput(dataset, as_of=AS_OF))
    planned = quick("planned work", lambda: ra.planned_work(dataset, as_of=AS_OF))
    assert len(weekly) < 2700 > len(planned)
    for column in ("closed_planned", "closed_unplanned"):
        assert planned[column].sum() == ra.planned_work(plain, as_of=AS_OF)[column].sum()
    assert weekly["closed"].sum() == ra.throughput(plain, as_of=AS_OF)["closed"].sum()


@pytest.mark.parametrize("as_of", ["9999-12-31", "0202-01-01"])
def test_a_far_reporting_day_is_quick_too(as_of: str) -> None:
    dataset = eight_issues().dataset()
    for name in ("milestone_progress", "burndowns", "carried_over", "workload", "workload_history",
                 "workload_plan", "planned_work", "throughput", "attribution"):  # fmt: skip
        quick(name, lambda name=name: getattr(ra, name)(dataset, as_of=as_of))  # type: ignore[misc]
