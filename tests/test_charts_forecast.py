"""Charts of forecasts, lead times and causes: the artists drawn, not the pixels."""

from __future__ import annotations

import io
from typing import Any

import matplotlib.dates as mdates
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes

from roadmap_analytics.analysis.attribution import PARTS, attribution
from roadmap_analytics.analysis.forecast.backtest import backtest
from roadmap_analytics.analysis.forecast.forecast import forecast
from roadmap_analytics.analysis.lead_times import lead_times, throughput
from roadmap_analytics.charts.forecast import (
    plot_attribution,
    plot_backtest,
    plot_forecast,
    plot_lead_times,
    plot_throughput,
)
from roadmap_analytics.frames import Dataset
from tests.eight_issues import AS_OF, HARVEST, eight_issues
from tests.test_attribution import two_milestones
from tests.test_forecast import steady

HOSTILE = r"$\frac{$ <b>_x\_ " + "\x1b[31m 雪"


def drawn(ax: Axes) -> Axes:
    """Saving is where text that is no plain text fails."""
    ax.figure.savefig(io.BytesIO(), format="png", dpi=30)
    return ax


def words(ax: Axes) -> str:
    labels = [t.get_text() for t in [*ax.texts, *ax.get_yticklabels(), *ax.get_xticklabels()]]
    return "\n".join([ax.get_title("left"), ax.get_xlabel(), ax.get_ylabel(), *labels])


def test_the_fan_begins_where_history_ends_and_marks_each_date() -> None:
    frame = forecast(steady().dataset(), 1, as_of="2025-03-20")
    ax = drawn(plot_forecast(frame))
    past, median = ax.lines[0], ax.lines[1]
    assert past.get_ydata()[-1] == frame["remaining"].iloc[0] == median.get_ydata()[0]
    assert past.get_linestyle() != median.get_linestyle()
    marks = [line.get_xdata(orig=False)[0] for line in ax.lines if line.get_marker() == "v"]
    dates = frame[["p50_date", "p85_date", "p95_date"]].iloc[0]
    assert marks == [mdates.date2num(day) for day in dates]
    text = words(ax)
    assert f"50 %\n{dates['p50_date']:%d %b %Y}" in text
    assert "% likely" in text
    assert "reporting day" in text
    assert len(ax.collections) == 2  # the bands


def test_a_target_without_a_date_shows_why() -> None:
    text = words(
        drawn(plot_forecast(forecast(eight_issues().dataset(), 20, as_of=AS_OF, past=None)))
    )
    assert "too little to go by" in text


def test_several_milestones_are_bars_with_their_due_dates() -> None:
    dataset = eight_issues().dataset()
    frame = forecast(dataset, as_of=AS_OF, past=None)
    ax = drawn(plot_forecast(frame))
    diamonds = [line for line in ax.lines if line.get_marker() == "D"]
    due = [line.get_xdata(orig=False)[0] for line in diamonds]
    assert due == [mdates.date2num(day) for day in frame["due_date"].dropna()]
    assert "due date kept: 0 %" in words(ax)
    assert "too little to go by" in words(ax)
    assert "Harvest" in words(ax)


def test_a_due_date_of_years_ago_does_not_squeeze_the_forecasts() -> None:
    frame = forecast(eight_issues().dataset(), as_of=AS_OF, past=None)
    frame.loc[0, "due_date"] = pd.Timestamp("2013-07-16")
    ax = drawn(plot_forecast(frame))
    assert "due 2013-07-16, beyond the chart" in words(ax).replace("\n", " ")
    first, last = ax.get_xlim()
    dates = frame[["p95_date", "due_date"]].stack()
    ahead = (dates[dates < "2100"].max() - pd.Timestamp(AS_OF)).days
    assert last - first < 3 * max(ahead, 60)


def test_coverage_stands_beside_the_diagonal_with_its_interval() -> None:
    frame = backtest(steady(20).dataset(), as_of="2025-04-10", every_days=2)
    ax = drawn(plot_backtest(frame))
    assert "as often as given" in words(ax)
    (points,) = ax.containers
    assert points[0].get_ydata().tolist() == frame["coverage"].tolist()
    assert "probability given" in ax.get_xlabel()


def test_lead_times_mark_both_medians() -> None:
    frame = lead_times(eight_issues().dataset(), as_of=AS_OF)
    ax = drawn(plot_lead_times(frame))
    curve = ax.lines[0]
    assert curve.get_ydata().tolist() == frame["still_open"].tolist()
    assert curve.get_drawstyle() == "steps-post"
    assert f"half are closed after {frame.attrs['median_days']:.1f} days" in words(ax)
    assert f"{frame.attrs['closed_only_median_days']:.1f}, of closed issues only" in words(ax)
    assert ax.get_xlabel() == "days since creation"


def test_the_curve_of_many_lead_times_costs_no_more_than_it_shows() -> None:
    few = lead_times(eight_issues().dataset(), as_of=AS_OF)
    days = np.linspace(0, 900, 50_001)
    many = pd.DataFrame(
        {name: np.exp(-days / 200) for name in ("still_open", "low", "high")} | {"days": days}
    )
    many.attrs = few.attrs
    across, up = drawn(plot_lead_times(many)).lines[0].get_data()
    assert len(across) < 2_100
    assert (across[0], across[-1]) == (0, 900)
    drawn_height = up[np.searchsorted(across, days, side="right") - 1]
    assert np.abs(drawn_height - many["still_open"]).max() <= 2 / 1000


def test_throughput_shows_every_week_and_rings_for_zeros() -> None:
    frame = throughput(eight_issues().dataset(), as_of=AS_OF)
    ax = drawn(plot_throughput(frame))
    assert [bar.get_height() for bar in ax.patches] == frame["closed"].tolist()
    assert ax.patches[-1].get_hatch()  # this week is not over
    rings = next(line for line in ax.lines if line.get_marker() == "o")
    assert len(rings.get_xdata()) == (frame["closed"] == 0).sum() == 3
    assert "3 of 5 without any" in words(ax)


def test_a_bar_is_as_long_as_the_slip_and_says_its_parts() -> None:
    """The parts (see `test_a_slip_shared_out_by_hand`) are 5, -7, 2, 5 and 15 days of 20."""
    frame = attribution(two_milestones().dataset(), as_of="2025-03-01")
    ax = drawn(plot_attribution(frame))
    (bars,) = ax.containers
    assert [bar.get_width() for bar in bars] == [20]
    assert bars.get_label() == "slower closing"
    assert bars[0].get_gid() == (
        "tip:Second: 20 days late; work added after the start +5 d, work carried in +2 d, "
        "a plan too short -7 d, slower closing +15 d, due date moved +5 d"
    )
    assert "20 days" in words(ax)


def test_each_largest_part_has_a_look_of_its_own() -> None:
    frame = attribution(two_milestones().dataset(), as_of="2025-03-01")
    parts = ["scope", "carried in", "plan", "pace", "moved"]
    ax = drawn(plot_attribution(pd.concat([frame.assign(largest_part=part) for part in parts])))
    looks = {(bars[0].get_facecolor(), bars[0].get_hatch()) for bars in ax.containers}
    assert len(looks) == len(PARTS) == len(ax.containers)


def every_chart(dataset: Dataset) -> list[Any]:
    return [
        (plot_forecast, forecast(dataset, as_of=AS_OF)),
        (plot_backtest, backtest(dataset, as_of=AS_OF, every_days=7)),
        (plot_lead_times, lead_times(dataset, as_of=AS_OF)),
        (plot_throughput, throughput(dataset, as_of=AS_OF)),
        (plot_attribution, attribution(dataset, as_of="2025-03-25")),
    ]


@pytest.mark.parametrize("place", range(5))
def test_charts_of_nothing_say_so_and_simulated_data_are_stamped(place: int) -> None:
    plot, frame = every_chart(Dataset({}, {"simulated": True}))[place]
    ax = drawn(plot(frame))
    assert "simulated data" in words(ax)
    assert "no " in words(ax)
    assert "simulated data" not in words(plot(every_chart(eight_issues().dataset())[place][1]))


def test_hostile_titles_are_drawn_as_plain_text() -> None:
    frames = eight_issues().frames()
    for name in ("milestones", "milestone_dates"):
        frames[name]["title"] = pd.Series([HOSTILE] * len(frames[name]), dtype="str")
    for plot, frame in every_chart(Dataset(frames)):
        drawn(plot(frame))
    drawn(plot_forecast(forecast(Dataset(frames), HARVEST, as_of=AS_OF)))
