"""The chart of a milestone's steps: the artists drawn, not the pixels."""

from __future__ import annotations

import io

import pandas as pd
import pytest
from matplotlib.axes import Axes

from roadmap_analytics.analysis.timeline import milestone_timeline
from roadmap_analytics.charts._style import TIP
from roadmap_analytics.charts.timeline import plot_timeline
from tests.eight_issues import AS_OF, HARVEST, WINTER, World, eight_issues


def drawn(ax: Axes) -> Axes:
    ax.figure.savefig(io.BytesIO(), format="png", dpi=30)
    return ax


def words(ax: Axes) -> list[str]:
    return [t.get_text() for t in ax.texts]


def test_each_step_has_its_mark_and_the_line_ends_where_the_table_does() -> None:
    frame = milestone_timeline(eight_issues().dataset(), HARVEST, as_of=AS_OF)
    ax = drawn(plot_timeline(frame))
    told = [str(line.get_gid()).removeprefix(TIP) for line in ax.lines if line.get_gid()]
    assert len(told) == len(frame)
    assert any(t.startswith("7 Mar 2025: 1 added (press#5); 6 open") for t in told)
    (course,) = (line for line in ax.lines if line.get_drawstyle() == "steps-post")
    assert course.get_ydata()[-1] == frame["remaining"].iloc[-1] == 1
    assert ax.get_title("left") == "Harvest"
    assert words(ax)[0] == "4 days late so far; 2 added, 3 removed"
    assert {"started with 6 issues", "due, 1 open"} <= set(words(ax))


def test_a_moved_date_is_said_with_its_days_and_both_dates_are_lines() -> None:
    frame = milestone_timeline(eight_issues().dataset(), WINTER, as_of="2025-03-25")
    said = words(drawn(plot_timeline(frame)))
    assert said[0].startswith("due date +14 d, 2 carried in after the start, 2 left")
    assert "due date moved +14 d to 11 Apr 2025" in said
    assert {"first due date", "due"} <= set(said)


DUE = pd.Timestamp("2025-03-28")


@pytest.mark.parametrize(
    ("moved", "finished", "as_of", "said"),
    [
        (0, None, 9, "9 days late so far"),
        (14, None, 30, "30 days late so far (14 by moving the date)"),
        (14, None, 3, "due date +14 d, 4 left"),  # the date as moved lies ahead: no slip yet
        (14, 20, 40, "20 days late (14 by moving the date)"),
        (14, 5, 40, "5 days late (the date had moved)"),  # not 14 days of 5
        (14, -3, 40, "finished 25 Mar 2025"),
        (-7, 2, 40, "2 days late"),
        (0, 0, 40, "finished 28 Mar 2025"),
        (0, 1, 40, "1 day late"),
    ],
)
def test_days_of_moved_dates_never_exceed_the_slip(
    moved: int, finished: int | None, as_of: int, said: str
) -> None:
    def day(after: int) -> pd.Timestamp:
        return DUE + pd.Timedelta(after, "D")

    rows = [(day(-20), "started", 4, 4, DUE)]
    if moved:
        rows.append((day(-9), "date moved", moved, 4, day(moved)))
    if finished is not None:
        rows.append((day(finished), "finished", None, 0, day(moved)))
    frame = pd.DataFrame(rows, columns=["date", "step", "amount", "remaining", "due_date"])
    frame["issues"] = [()] * len(frame)
    frame.attrs["as_of"] = str(day(as_of).date())
    assert words(plot_timeline(frame))[0] == said


def test_words_of_many_steps_do_not_overlap() -> None:
    days = pd.date_range("2025-01-01", periods=60, freq="2D")
    frame = pd.DataFrame({
        "date": days, "step": ["started", *["added"] * 59], "amount": 1,
        "issues": [("https://git.example.org/a/app/-/issues/1",)] * 60,
        "remaining": range(1, 61), "due_date": pd.Timestamp("2025-06-01"),
    })  # fmt: skip
    ax = plot_timeline(frame)
    ax.figure.canvas.draw()
    renderer = ax.figure.canvas.get_renderer()  # type: ignore[attr-defined]
    boxes = [t.get_window_extent(renderer) for t in ax.texts if "added" in t.get_text()][1:]
    assert 5 < len(boxes) < 59, "the others have their marks"
    assert not [1 for i, a in enumerate(boxes) for b in boxes[:i] if a.overlaps(b)]


@pytest.mark.parametrize("title", ["夏の収穫 🌻", "حصاد الصيف", r"$\frac{$ _x_"])
def test_titles_of_any_script_stay_text(title: str) -> None:
    frame = milestone_timeline(eight_issues().dataset(), HARVEST, as_of=AS_OF)
    frame.attrs["title"] = title
    ax = drawn(plot_timeline(frame))
    file = io.StringIO()
    ax.figure.savefig(file, format="svg")
    assert f">{title.strip()}</text>" in file.getvalue().replace("\n", "")


def test_a_milestone_without_steps_says_so_in_a_line() -> None:
    world = World()
    world.milestone(1, "Empty", None, None)
    frame = milestone_timeline(world.dataset(), 1, as_of="2024-01-01")
    if len(frame):  # only dates
        frame = frame.head(0)
    ax = drawn(plot_timeline(frame))
    assert words(ax)[-1] == "nothing has happened to this milestone yet"
    assert not ax.axison
