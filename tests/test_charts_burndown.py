"""Charts of milestones and of planned work: the artists drawn, not the pixels."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import matplotlib.dates as mdates
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from roadmap_analytics.analysis.burndown import burndown, burndowns
from roadmap_analytics.analysis.forecast.forecast import forecast
from roadmap_analytics.analysis.planned import future_work, planned_work
from roadmap_analytics.analysis.progress import milestone_progress
from roadmap_analytics.analysis.timeline import milestone_timeline
from roadmap_analytics.charts._style import COLORS, NOTHING, TIP
from roadmap_analytics.charts.burndown import (
    plot_burndown,
    plot_burndowns,
    plot_burnup,
    plot_compared,
    plot_progress,
)
from roadmap_analytics.charts.planned import plot_future, plot_planned
from roadmap_analytics.frames import Dataset
from tests.eight_issues import AS_OF, HARVEST, WINTER, World, eight_issues
from tests.test_forecast import steady

FROM_BURNDOWN = (plot_burndown, plot_burnup)
HOSTILE = r"$\frac{$ <b>_x\_ " + "\x1b[31m 雪"


def drawn(ax: Axes) -> Axes:
    """Saving is where text that is no plain text fails."""
    ax.figure.savefig(io.BytesIO(), format="png", dpi=30)
    return ax


def texts(ax: Axes) -> list[str]:
    return [t.get_text() for t in ax.texts] + [ax.get_title("left")]


def lines(ax: Axes, color: str) -> list[Any]:
    return [
        line for line in ax.lines if line.get_color() == COLORS[color] and len(line.get_xdata()) > 2
    ]


def harvest(as_of: str = AS_OF, **manifest: Any) -> pd.DataFrame:
    return burndown(eight_issues().dataset(**manifest), HARVEST, as_of=as_of)


def test_burndown_draws_plan_and_overrun_apart() -> None:
    frame = harvest()
    ax = drawn(plot_burndown(frame))
    planned, late = lines(ax, "remaining")[0], lines(ax, "overdue")[0]
    assert planned.get_ydata().tolist() == frame.loc[~frame["overdue"], "remaining"].tolist()
    # The overrun is joined to the last planned day.
    assert late.get_ydata().tolist() == [1, 1, 2, 1, 1]
    assert late.get_linestyle() != planned.get_linestyle()
    assert "1 remaining" in texts(ax)
    assert {"due", "reporting day", "Harvest"} <= set(texts(ax))
    assert ax.get_ylabel() == "issues remaining"
    assert ax.get_ylim()[0] == 0


def test_burndown_shows_the_ideal_line_to_its_end() -> None:
    frame = harvest("2025-03-10")
    ideal = lines(drawn(plot_burndown(frame)), "ideal")[0]
    assert mdates.num2date(ideal.get_xdata(orig=False)[-1]).strftime("%m-%d") == "03-14"
    assert ideal.get_ydata()[0] == 6
    assert ideal.get_ydata()[-1] == 0
    assert len(ideal.get_ydata()) == 12


def test_weekends_due_date_and_reporting_day_are_marked() -> None:
    ax = drawn(plot_burndown(harvest("2025-03-14")))
    assert "due, reporting day" in texts(ax)
    weekend = [p for p in ax.patches if p.get_facecolor()[:3] == _rgb(COLORS["weekend"])]
    assert [p.get_width() for p in weekend] == [2.0]


def test_a_holiday_is_shaded_with_the_weekend_that_it_joins() -> None:
    frame = harvest("2025-03-14")
    frame.attrs["days_off"] = ["2025-03-08", "2025-03-09", "2025-03-10", "2025-03-12"]
    ax = drawn(plot_burndown(frame))
    free = [p for p in ax.patches if p.get_facecolor()[:3] == _rgb(COLORS["weekend"])]
    assert [p.get_width() for p in free] == [3.0, 1.0]


def test_scope_changes_are_marks_with_their_number_and_their_issues() -> None:
    dataset = eight_issues().dataset()
    frame = burndown(dataset, HARVEST, as_of=AS_OF)
    steps = milestone_timeline(dataset, HARVEST, as_of=AS_OF)
    ax = drawn(plot_burndown(frame, timeline=steps))
    marks = {m: [line for line in ax.lines if line.get_marker() == m and line.get_gid()]
             for m in "^v"}  # fmt: skip
    told = [str(line.get_gid()) for line in (*marks["^"], *marks["v"])]
    assert [t.removeprefix(TIP)[:20] for t in told] == [
        *("7 Mar 2025: 1 added ", "12 Mar 2025: 1 added"),
        *("10 Mar 2025: 1 remov", "11 Mar 2025: 1 remov", "17 Mar 2025: 1 remov"),
    ]
    assert told[0].endswith("(press#5)"), "named by project and number"
    assert texts(ax).count("+1") >= 1
    days = [p.get_gid() for p in ax.patches if p.get_gid()]
    assert len(days) == len(frame)
    assert days[0] == TIP + "3 Mar 2025: 6 of 6 issues left"
    assert days[4] == TIP + "7 Mar 2025: 6 of 7 issues left; 1 added"
    assert days[10] == TIP + "13 Mar 2025: 3 of 6 issues left; 1 completed"


def test_the_forecast_goes_on_where_the_line_ends() -> None:
    dataset = steady().dataset()
    frame = burndown(dataset, 1, as_of="2025-03-20")
    ahead = forecast(dataset, 1, as_of="2025-03-20", seed=1)
    ax = drawn(plot_burndown(frame, forecast=ahead))
    assert len(ax.collections) == 2, "the bands"
    (median,) = (ln for ln in ax.lines if ln.get_color() == COLORS["remaining"]
                 and ln.get_linestyle() == "--")  # fmt: skip
    assert median.get_ydata()[0] == frame["remaining"].iloc[-1]
    row = ahead.iloc[0]
    said = texts(ax)
    assert f"50 % by {row['p50_date'].day} {row['p50_date']:%b %Y}" in said
    assert f"85 % by {row['p85_date'].day} {row['p85_date']:%b %Y}" in said
    assert ax.get_xlim()[1] >= mdates.date2num(row["p85_date"])
    assert (f"due: {100 * row['chance_by_due_date']:.0f} % likely" in said) is (
        row["due_date"] >= pd.Timestamp("2025-03-20")
    )


def test_a_forecast_without_a_date_says_why_and_one_of_several_is_refused() -> None:
    dataset = eight_issues().dataset()
    frame = burndown(dataset, WINTER, as_of=AS_OF)
    ahead = forecast(dataset, WINTER, as_of=AS_OF, seed=1)
    dates = dict.fromkeys(("p50_date", "p85_date", "p95_date"), pd.NaT)
    none = ahead.assign(note="too little to go by; add issues", **dates)
    assert "too little to go by" in texts(drawn(plot_burndown(frame, forecast=none)))
    with pytest.raises(ValueError, match="expected one row, got 2"):
        plot_burndown(frame, forecast=forecast(dataset, as_of=AS_OF, seed=1))


def test_the_number_of_a_change_stands_where_nothing_runs_through_it() -> None:
    remaining = [30.0] * 30 + [11.0] * 30
    frame = pd.DataFrame({
        "date": pd.date_range("2025-03-03", periods=len(remaining)), "scope": 40, "completed": 0,
        "remaining": remaining, "added": 0, "removed": 0, "ideal": float("nan"), "overdue": False,
    })  # fmt: skip
    alone, at_the_foot_of_a_fall, at_the_end = 15, 30, 59
    for day, said in ((alone, True), (at_the_foot_of_a_fall, False), (at_the_end, False)):
        one = frame.assign(added=[int(i == day) for i in frame.index])
        ax = drawn(plot_burndown(one))
        assert ("+1" in texts(ax)) is said, day
        assert [tuple(line.get_ydata()) for line in ax.lines if line.get_marker() == "^"][:1] == [
            (remaining[day],)
        ], "the mark itself is always there"


def test_no_number_stands_in_a_valley_of_days_that_are_far_apart() -> None:
    frame = pd.DataFrame({
        "date": pd.date_range("2025-03-03", periods=8), "scope": 40, "completed": 0,
        "remaining": [20.0, 20, 20, 8, 20, 20, 8, 8], "added": [0, 0, 0, 1, 0, 2, 0, 0],
        "removed": 0, "ideal": float("nan"), "overdue": False,
    })  # fmt: skip
    said = texts(drawn(plot_burndown(frame)))
    assert "+2" in said
    assert "+1" not in said, "the line falls and rises through it"


def test_the_last_move_of_the_due_date_is_said_in_words() -> None:
    frame = harvest()
    days = frame["date"]
    steps = pd.DataFrame({
        "date": [days.iloc[2], days.iloc[4]], "step": "date moved", "amount": [3, 14],
        "due_date": pd.to_datetime(["2025-03-20", "2025-04-03"]), "issues": [[], []],
    })  # fmt: skip
    said = texts(drawn(plot_burndown(frame, timeline=steps)))
    assert "due date moved +14 d to 3 Apr 2025" in said
    assert not any("+3 d" in words for words in said), "one of them, as more would overlap"


def test_a_history_of_years_stays_light() -> None:
    days = pd.date_range("2015-01-01", periods=3000)
    frame = pd.DataFrame({
        "date": days, "scope": range(1, 3001), "completed": 0, "remaining": range(1, 3001),
        "added": 1, "removed": 0, "ideal": float("nan"), "overdue": False,
    })  # fmt: skip
    ax = plot_burndown(frame)
    assert len([a for a in (*ax.lines, *ax.patches) if a.get_gid()]) <= 120


def _rgb(color: str) -> tuple[float, ...]:
    from matplotlib.colors import to_rgb

    return to_rgb(color)


def test_burnup_names_scope_completed_and_what_remains() -> None:
    frame = harvest()
    ax = drawn(plot_burnup(frame))
    assert lines(ax, "scope")[0].get_ydata().tolist() == frame["scope"].tolist()
    assert lines(ax, "completed")[0].get_ydata().tolist() == frame["completed"].tolist()
    assert {"5 scope", "4 completed", "1 remaining"} <= set(texts(ax))


def test_progress_says_how_much_is_left_and_how_long() -> None:
    ax = drawn(plot_progress(milestone_progress(eight_issues().dataset(), as_of=AS_OF)))
    assert [bar.get_width() for bar in ax.containers[0]] == [4, 0, 0]
    assert [bar.get_width() for bar in ax.containers[1]] == [1, 2, 1]
    assert [t.get_text() for t in ax.texts] == [
        "1 of 5 left, due 14 Mar 2025: 4 days late",
        "2 of 2 left, due 28 Mar 2025: in 10 days",
        "1 of 1 left, no due date",
    ]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["Harvest", "Winter", "DRAFT: Someday"]


def test_compared_lines_up_at_the_due_date() -> None:
    frame = burndowns(eight_issues().dataset(), as_of=AS_OF)
    ax = drawn(plot_compared(frame))
    long = [line for line in ax.lines if len(line.get_xdata()) > 2]
    assert [line.get_xdata()[-1] for line in long] == [-10, 4]  # Winter first: due last
    assert {"Winter", "Harvest"} <= set(texts(ax))


@pytest.mark.parametrize("others", [False, True])
def test_compared_shows_what_began_after_its_due_date(others: bool) -> None:
    frame = burndowns(eight_issues().dataset(), as_of=AS_OF)
    late = frame[frame["title"] == "Harvest"].tail(3).copy()
    late["days_to_due"] = [-190, -191, -192]
    late["title"] = "Late"
    late["milestone_id"] = 99
    ax = drawn(plot_compared(pd.concat([frame, late]) if others else late))
    curves = [line for line in ax.lines if len(line.get_xdata()) >= 3]
    assert len(curves) == (2 if others else 1), "alone it is drawn, among plans it lies outside"
    assert ("Late" in texts(ax)) is not others


def test_small_multiples_have_one_inset_each_and_say_what_is_left_out() -> None:
    frame = burndowns(eight_issues().dataset(), as_of=AS_OF)
    ax = drawn(plot_burndowns(frame, columns=2))
    assert [inset.get_title("left") for inset in ax.child_axes] == [
        "Harvest",
        "Winter",
        "DRAFT: Someday",
    ]
    assert [inset.get_title("right") for inset in ax.child_axes] == ["1 left", "2 left", "1 left"]
    fewer = drawn(plot_burndowns(frame, most=1))
    assert len(fewer.child_axes) == 1
    assert "2 more not shown" in fewer.get_title("left")


def test_planned_and_future() -> None:
    dataset = eight_issues().dataset()
    ax = drawn(plot_planned(planned_work(dataset, as_of=AS_OF)))
    assert [bar.get_height() for bar in ax.containers[0]] == [0, 0, 1, 3, 0]
    assert [bar.get_height() for bar in ax.containers[1]] == [0, 0, 1, 0, 0]
    assert ax.containers[0][-1].get_alpha() == 0.45  # the week is not over
    opened = drawn(plot_planned(planned_work(dataset, as_of=AS_OF), what="opened"))
    assert [bar.get_height() for bar in opened.containers[0]] == [1, 4, 1, 0, 0]
    ahead = drawn(plot_future(future_work(dataset, as_of=AS_OF)))
    assert [t.get_text() for t in ahead.texts] == ["1, the oldest 20 days old"] * 2
    shelves = future_work(dataset, as_of=AS_OF).assign(issues=0)  # labels without an open issue
    assert drawn(plot_future(shelves)).get_gid() == NOTHING


@pytest.mark.parametrize("measure", ["issues", "weight", "hours"])
def test_units_stand_at_the_axis(measure: Any) -> None:
    frame = burndown(eight_issues().dataset(), HARVEST, as_of=AS_OF, measure=measure)
    unit = {"issues": "issues", "weight": "weight", "hours": "estimated hours"}[measure]
    for plot in FROM_BURNDOWN:
        assert unit in drawn(plot(frame)).get_ylabel()


def every_chart(dataset: Dataset, as_of: str = AS_OF) -> Iterator[Axes]:
    milestone = int(dataset.milestones["milestone_id"].iloc[0])
    for plot in FROM_BURNDOWN:
        yield plot(burndown(dataset, milestone, as_of=as_of))
    many = burndowns(dataset, as_of=as_of)
    yield plot_compared(many)
    yield plot_burndowns(many)
    yield plot_progress(milestone_progress(dataset, as_of=as_of))
    yield plot_planned(planned_work(dataset, as_of=as_of))
    yield plot_future(future_work(dataset, as_of=as_of))


@pytest.mark.parametrize("simulated", [True, False])
def test_simulated_data_are_stamped(simulated: bool) -> None:
    for ax in every_chart(eight_issues().dataset(simulated=simulated)):
        assert ("simulated data" in texts(ax)) is simulated


def test_hostile_titles_are_plain_text() -> None:
    world = eight_issues()
    for row in (*world.milestones, *world.observed):
        row["title"] = HOSTILE
    for ax in every_chart(world.dataset()):
        for text in texts(drawn(ax)):
            assert "\x1b" not in text


@pytest.mark.parametrize("as_of", ["2025-01-01", "2025-03-10"])
def test_early_and_late_days_draw(as_of: str) -> None:
    for ax in every_chart(eight_issues().dataset(), as_of):
        drawn(ax)


def test_nothing_to_show_is_said() -> None:
    world = World()
    world.milestone(WINTER, "Winter", None, None)
    for ax in every_chart(world.dataset()):
        shown = drawn(ax)
        said = [*texts(shown), *(t for inset in shown.child_axes for t in texts(inset))]
        assert any(t.startswith("no ") or "no due date" in t or t == "0" for t in said), said


def test_the_given_axes_are_used_and_settings_stay() -> None:
    before = plt.rcParams.copy()
    figure, ax = plt.subplots()
    for plot in FROM_BURNDOWN:
        assert plot(harvest(), ax=ax) is ax
    assert plt.rcParams == before
    assert len(plt.get_fignums()) == 1
    assert figure.axes == [ax]
    assert np.isfinite(ax.get_ylim()).all()


def test_issues_without_weights_are_no_work_done() -> None:
    world = World()
    world.milestone(HARVEST, "Harvest", "2025-03-03", "2025-03-14")
    world.issue(1, "2025-03-01")
    world.put(1, "2025-03-01", HARVEST)
    dataset = world.dataset()
    table = burndown(dataset, HARVEST, as_of=AS_OF, measure="weight")
    for plot in (plot_burndown, plot_burnup):
        assert "1 issue without weight, counted as 0" in texts(plot(table))
    hours = milestone_progress(dataset, as_of=AS_OF, measure="hours")
    assert "1 issue without estimate, due 14 Mar 2025" in texts(plot_progress(hours))
    assert "0 of 1 left" not in " ".join(texts(plot_progress(hours)))
    counted = plot_burndown(burndown(dataset, HARVEST, as_of=AS_OF))
    assert not any("without" in text for text in texts(counted))


def test_of_many_milestones_some_are_named_and_the_others_counted() -> None:
    world = World()
    for number in range(1, 31):
        world.milestone(number, f"Number {number}", "2025-03-03", f"2025-03-{number:02d}")
        world.issue(number, "2025-03-01")
        world.put(number, "2025-03-01", number)
    ax = plot_compared(burndowns(world.dataset(), as_of="2025-03-20"))
    named = [text for text in texts(ax) if text.startswith("Number")]
    assert sorted(named) == [f"Number {n}" for n in range(24, 31)], "those due last"
    assert ax.get_xlabel().endswith("; dotted: 23 more unfinished")


def test_what_is_done_has_no_likely_dates() -> None:
    dataset = eight_issues().dataset()
    frame = burndown(dataset, HARVEST, as_of=AS_OF)
    dates = forecast(dataset, HARVEST, as_of=AS_OF)
    assert any("50 % by" in t.get_text() for t in plot_burndown(frame, forecast=dates).texts)
    dates.loc[:, "remaining"] = 0
    ax = plot_burndown(frame, forecast=dates)
    assert not any(" % by" in t.get_text() for t in ax.texts)
