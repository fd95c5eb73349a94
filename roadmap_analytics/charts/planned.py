"""Charts of planned and unplanned work, and of what is set aside for later."""

from __future__ import annotations

from typing import Any, Literal

import matplotlib.dates as mdates
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from roadmap_analytics.charts._style import (
    COLORS,
    axes_for,
    bar_rows,
    date_axis,
    key,
    note,
    nothing,
    styled,
    wrapped,
)


@styled
def plot_planned(
    frame: pd.DataFrame, *, ax: Axes | None = None, what: Literal["closed", "opened"] = "closed"
) -> Axes:
    """Draw the work of each week: in milestones, and stacked on it outside of them.

    Parameters
    ----------
    frame : DataFrame
        Rows of what `planned_work` returns.
    ax : Axes, optional
        Where to draw; a new figure otherwise.
    what : {"closed", "opened"}
        Which issues.

    Returns
    -------
    Axes
        Solid bars for what was planned, hatched ones for the rest, one pair per week; a week that
        has not ended is drawn pale.
    """
    ax = axes_for(frame, ax)
    title = f"Issues {what} per week, in milestones and outside"
    ax.set_title(wrapped(ax, title, 60, 0.85, 0.7, size=12))
    ax.set_ylabel("issues per week")
    if frame.empty:
        return nothing(ax, "no issue was opened or closed")
    # A bar stands over its week, Monday to Sunday, with a gap to the next one.
    week = mdates.date2num(frame["week_date"]) + 3.0
    planned = frame[f"{what}_planned"].to_numpy(float)
    rest = frame[f"{what}_unplanned"].to_numpy(float)
    bars = [
        *ax.bar(week, planned, width=5.6, color=COLORS["planned"]),
        *ax.bar(week, rest, width=5.6, bottom=planned, color=COLORS["unplanned"], hatch="////",
                edgecolor="white", lw=0.4),
    ]  # fmt: skip
    for bar, complete in zip(bars, [*frame["complete"], *frame["complete"]], strict=True):
        if not complete:  # else the running week looks like a slump
            bar.set_alpha(0.45)
    ax.xaxis_date()
    date_axis(ax)
    top = max(float((planned + rest).max()), 1.0) * 1.08
    ax.set_ylim(0, top)
    ax.set_xlim(week[0] - 6, week[-1] + 6)
    ax.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    handles = [
        Patch(facecolor=COLORS["planned"], label="in a milestone"),
        Patch(facecolor=COLORS["unplanned"], hatch="////", edgecolor="white",
              label="outside milestones"),
    ]  # fmt: skip
    if not frame["complete"].all():
        pale = "pale: the week is not over"
        handles.append(Patch(facecolor=COLORS["planned"], alpha=0.45, label=pale))
    key(ax, handles)
    return ax


@styled
def plot_future(frame: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw how many open issues lie on each shelf that is not promised yet.

    Parameters
    ----------
    frame : DataFrame
        What `future_work` returns.
    ax : Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    Axes
        One bar per shelf in the frame's order, from the top, with count and age of the oldest.
    """
    ax = axes_for(frame, ax, size=(8.6, max(1.9, 0.42 * len(frame) + 1.3)))
    ax.set_title(wrapped(ax, "What lies ahead: open issues not promised yet", 60, 1, 0.6, size=12))
    ax.set_xlabel("open issues")
    if not frame["issues"].sum():
        return nothing(ax, "no open issue is set aside for later")
    place = -np.arange(len(frame))
    issues = frame["issues"].to_numpy(float)
    solid = (frame["kind"] == "label").to_numpy()
    for rows, hatch in ((solid, ""), (~solid, "///")):
        ax.barh(place[rows], issues[rows], height=0.62, color=COLORS["unassigned"], hatch=hatch)
    for y, row in zip(place, frame.itertuples(), strict=True):
        age: Any = row.oldest_days
        oldest = "" if pd.isna(age) else f", the oldest {age:,.0f} days old"
        words = wrapped(ax, f"{row.issues}{oldest}", 60, 1, 0.35)
        note(ax, words, (row.issues, y), (6, 0), size=9, va="center", annotation_clip=False)
    names = [
        wrapped(ax, f"label {row.shelf}" if row.kind == "label" else row.shelf, 36, 1, 0.3)
        for row in frame.itertuples()
    ]
    bar_rows(ax, place, names)
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    ax.set_xlim(0, max(issues.max(), 1.0) * 1.35)
    ax.set_ylim(-len(frame) + 0.4, 0.6)
    return ax
