"""Charts of what is ahead and why it slipped: forecasts, their worth, lead times, causes."""

from __future__ import annotations

import textwrap
from typing import Any, Literal

import matplotlib.dates as mdates
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, PercentFormatter

from roadmap_analytics.charts._style import (
    COLORS,
    axes_for,
    bar_rows,
    counted,
    date_axis,
    draw_fan,
    fit,
    key,
    label_line,
    mark_beyond,
    mark_day,
    note,
    nothing,
    percent,
    safe_text,
    styled,
    tip,
    wrapped,
)

_FAR = pd.Timedelta(1848, "D")  # forecasts look no further; later due dates are said in words
_LEAST_BACK = pd.Timedelta(30, "D")  # a due date of last month is news, however near the forecasts
_QUANTILES = {"p50_date": "50 %", "p85_date": "85 %", "p95_date": "95 %"}


@styled
def plot_forecast(frame: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw when it will be over: of one target its past and fan, of several their dates.

    Parameters
    ----------
    frame : DataFrame
        What `forecast` returns, its `attrs` included.
    ax : Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    Axes
        One target: work remaining up to the reporting day, the straight way to the 50 % date after
        it, bands between the ways to the 15 and 85 % and to the 5 and 95 % dates, and the dates of
        50, 85 and 95 %. Several: a bar from the 50 % to the 95 % date each, the due date as a
        diamond. Targets without a date show why.
    """
    if len(frame) == 1:
        return _fan(frame, axes_for(frame, ax))
    ax = axes_for(frame, ax, size=(8.6, 1.6 + 0.42 * max(len(frame), 2)))
    ax.set_title("When will it be over?")
    if frame.empty:
        return nothing(ax, "no milestone to forecast")
    _bars(ax, frame)
    return ax


def _fan(frame: pd.DataFrame, ax: Axes) -> Axes:
    row = frame.iloc[0]
    today = pd.Timestamp(frame.attrs["as_of"])
    ax.set_title(safe_text(row["title"]))
    ax.set_ylabel("open issues")
    past = frame.attrs.get("history", [])
    if past:
        days, counts = zip(*past, strict=True)
        when = pd.to_datetime(list(days)).to_numpy()
        ax.step(when, counts, where="post", color=COLORS["remaining"], zorder=3)
    if frame.attrs.get("fan"):
        _future(ax, row, frame.attrs["fan"])
    else:
        why = row["note"] if isinstance(row["note"], str) else "no forecast"
        note(ax, safe_text(why, 90), (0.5, 0.5), size=10, xycoords="axes fraction", ha="center",
             color=COLORS["muted"])  # fmt: skip
    mark_day(ax, today, "reporting day", color=COLORS["as_of"], linestyle=":")
    due = row["due_date"]
    if pd.notna(due) and _is_near(due, today):
        mark_day(ax, due, _due(row), color=COLORS["due"], linestyle="--")
    elif pd.notna(due):
        side: Literal["left", "right"] = "right" if due > today else "left"
        mark_beyond(ax, f"{_due(row)}, {due.date()}", color=COLORS["due"], side=side)
    date_axis(ax)
    top = max([count for _, count in past] + [1])
    # A little below 0, so that the line of a finished milestone does not lie under the axis.
    ax.set_ylim(-0.02 * top, 1.3 * max(top, _top(frame)))
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    return ax


def _top(frame: pd.DataFrame) -> float:
    """Give the height that the inner band needs; the outer one may leave the chart."""
    return max([float(values[4]) for values in frame.attrs.get("fan", [])] + [1.0])


def _is_near(day: pd.Timestamp, today: pd.Timestamp) -> bool:
    """Tell dates that a chart can show from typing errors and 9999-12-31."""
    return abs(day - today) <= _FAR


def _due(row: pd.Series[Any]) -> str:
    chance = row["chance_by_due_date"]
    return "due" if pd.isna(chance) else f"due: {percent(chance)} likely"


def _future(ax: Axes, row: pd.Series[Any], fan: list[list[Any]]) -> None:
    draw_fan(ax, fan)
    for name, share in _QUANTILES.items():
        if pd.isna(row[name]):
            continue
        ax.plot([row[name]], [0], marker="v", markersize=8, color=COLORS["as_of"], zorder=4,
                clip_on=False)  # fmt: skip
        note(ax, f"{share}\n{row[name]:%d %b %Y}", (row[name], 0), (0, 9), paper=1.0, ha="center",
             va="bottom")  # fmt: skip


def _bars(ax: Axes, frame: pd.DataFrame) -> None:
    today = pd.Timestamp(frame.attrs["as_of"])
    heights = np.arange(len(frame))[::-1]  # the first row stands at the top
    bar_rows(ax, heights, [wrapped(ax, title, 38, 0.3, 0.3) for title in frame["title"]])
    ax.set_ylim(-0.7, len(frame) + 0.1)
    earliest = _earliest(frame, today)
    for height, (_, row) in zip(heights, frame.iterrows(), strict=True):
        # A date that the chart cannot show is said in words, below those of the bar.
        due = row["due_date"] if pd.notna(row["due_date"]) else None
        if due is not None and (due < earliest or not _is_near(due, today)):
            _words(ax, today, height - 0.3, f"due {due.date()}, beyond the chart", COLORS["due"])
            due = None
        if due is not None:
            ax.plot([due], [height], marker="D", markersize=7, markerfacecolor="white",
                    markeredgecolor=COLORS["due"], linestyle="none", zorder=4)  # fmt: skip
        if pd.isna(row["p50_date"]) or row["remaining"] == 0:
            after = today if due is None else max(today, due)
            _words(ax, after, height, _reason(row["note"]), COLORS["muted"])
        else:
            _bar(ax, row, height)
    mark_day(ax, today, "reporting day", color=COLORS["as_of"], linestyle=":")
    date_axis(ax)
    first, last = ax.get_xlim()
    ax.set_xlim(first - 0.06 * (last - first), last)  # room for the words at the reporting day
    what = "line: 50 %, thick to 85 %, thin to 95 %; diamond: due date"
    ax.set_xlabel(wrapped(ax, what, 80, 1, 0.6, size=10, most=3))


def _earliest(frame: pd.DataFrame, today: pd.Timestamp) -> pd.Timestamp:
    """Give the first day shown: as far back as the dates lie ahead.

    A milestone that was due years ago and never closed would squeeze all forecasts into a line.
    """
    back = [_LEAST_BACK]
    for name in (*_QUANTILES, "due_date"):
        back += [day - today for day in frame[name].dropna() if _is_near(day, today)]
    return today - max(back)


def _bar(ax: Axes, row: pd.Series[Any], height: float) -> None:
    known = [row[name] for name in _QUANTILES if pd.notna(row[name])]
    # Both begin at the 50 % date, so the thick one lies over the thin one.
    for end, thick in (("p95_date", 5), ("p85_date", 9)):
        if pd.notna(row[end]):
            ax.plot([row["p50_date"], row[end]], [height, height], color=COLORS[end[:3]], lw=thick,
                    solid_capstyle="butt", zorder=2)  # fmt: skip
    ax.plot([row["p50_date"]], [height], marker="|", markersize=14, markeredgewidth=2.5,
            color=COLORS["p50"], zorder=3)  # fmt: skip
    if len(known) < len(_QUANTILES):  # a later date lies beyond what forecasts look at
        ax.plot([known[-1]], [height], marker=">", markersize=7, color=COLORS["p85"], zorder=3)
    chance = row["chance_by_due_date"]
    words = [] if pd.isna(chance) else [f"due date kept: {percent(chance)}"]
    words += [_reason(row["note"])] if isinstance(row["note"], str) else []
    _words(ax, known[-1], height, "; ".join(words), COLORS["due"])


def _reason(note: Any) -> str:
    """Give what a note says first: the rest stands in the table."""
    return str(note).partition(";")[0].partition(" (needs")[0]


def _words(ax: Axes, day: pd.Timestamp, height: float, text: str, color: str) -> None:
    lines = textwrap.fill(safe_text(text, 70), fit(ax, 36, 0.3))
    note(ax, lines, (mdates.date2num(day), height), (8, 0), size=8.5, va="center", color=color,
         bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.5}, zorder=5,
         annotation_clip=False)  # fmt: skip


@styled
def plot_backtest(frame: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw how often dates held: given probability against the share that held.

    Parameters
    ----------
    frame : DataFrame
        What `backtest` returns.
    ax : Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    Axes
        A point with its 95 % interval per quantile. On the diagonal dates held as often as they
        said; above it they are too late, below it too early.
    """
    ax = axes_for(frame, ax, size=(5.6, 5.0))
    ax.set_title("How often did forecasts hold?")
    known = frame[frame["forecasts"] > 0]
    if known.empty:
        return nothing(ax, "no forecast date has passed yet, so none can be checked")
    ax.plot([0, 1], [0, 1], color=COLORS["ideal"], linestyle=":", zorder=1)
    note(ax, "as often as given", (0.2, 0.2), (0, 4), rotation=45, rotation_mode="anchor",
         color=COLORS["muted"])  # fmt: skip
    ax.errorbar(
        known["quantile"],
        known["coverage"],
        yerr=[
            # Wilson's interval of 0 or 1 ends there; rounding may leave it 1e-17 on the other side,
            # which matplotlib refuses.
            (known["coverage"] - known["low"]).clip(lower=0),
            (known["high"] - known["coverage"]).clip(lower=0),
        ],
        color=COLORS["remaining"], marker="o", markersize=6, linestyle="none", capsize=2,
        elinewidth=1.3, zorder=3,
    )  # fmt: skip
    for _, row in known.iterrows():
        note(ax, f"{row['forecasts']:.0f} of {row['milestones']:.0f}", (row["quantile"], 0), (0, 5),
             size=7.5, xycoords=("data", "axes fraction"), ha="center",
             color=COLORS["muted"])  # fmt: skip
    ax.set_xlim(0.4, 1.0)  # forecasts give dates at 50 % and above
    ax.set_ylim(0, 1.04)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
    ax.set_xticks(sorted(known["quantile"].unique()))
    what = "probability given with the date (below: dates of how many milestones)"
    ax.set_xlabel(wrapped(ax, what, 80, 1.6, 0.75, size=10))
    ax.set_ylabel("share of dates that held")
    return ax


@styled
def plot_lead_times(frame: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the share of issues still open by age (Kaplan-Meier), and the median.

    Parameters
    ----------
    frame : DataFrame
        What `lead_times` returns, its `attrs` included.
    ax : Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    Axes
        The step curve with its 95 % interval, the median marked, and beside it the median of
        closed issues alone, which leaves out those that take long.
    """
    ax = axes_for(frame, ax)
    ax.set_title("How long does an issue take?")
    if frame.empty:
        return nothing(ax, "no issues")
    frame = _visible_steps(frame)
    known = frame[frame["low"].notna()]  # where none are left open there is no interval
    ax.fill_between(known["days"], known["low"], known["high"], step="post", color=COLORS["p95"],
                    alpha=0.6, lw=0, label="95 % interval")  # fmt: skip
    ax.step(frame["days"], frame["still_open"], where="post", color=COLORS["remaining"], zorder=3)
    ax.set_ylim(0, 1.02)
    ax.set_xlim(left=0)
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
    ax.set_xlabel("days since creation")
    ax.set_ylabel("issues still open")
    median, naive = frame.attrs["median_days"], frame.attrs["closed_only_median_days"]
    if median is not None:
        ax.plot([0, median, median], [0.5, 0.5, 0], color=COLORS["as_of"], lw=1, linestyle="--")
        # A little above the half, where the dashed line ends.
        label_line(ax, median, 0.56, f"half are closed after {median:.1f} days",
                   color=COLORS["as_of"])  # fmt: skip
    if naive is not None and frame.attrs["open_issues"]:
        ax.plot([naive, naive], [0, 0.5], color=COLORS["muted"], lw=1, linestyle=":")
        note(ax, f"dotted: {naive:.1f}, of closed issues only", (max(naive, median or 0), 0.03),
             (5, 0), va="bottom", color=COLORS["muted"])  # fmt: skip
    return ax


def _visible_steps(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a survival curve that a reader can tell apart.

    A curve has a step per lead time: of 100,000 issues it took 5 MB of a page. A thousandth of the
    width and of the height is less than a pixel of a chart as it stands in a page.
    """
    across = frame["days"].to_numpy() / max(frame["days"].max(), 1)
    cells = np.floor(1000 * np.column_stack([across, frame["still_open"].to_numpy()]))
    seen = np.append(True, (np.diff(cells, axis=0) != 0).any(axis=1))
    seen[-1] = True  # the curve ends where it did
    return frame[seen]


@styled
def plot_throughput(frame: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw issues closed per week; weeks without any are gaps on the axis.

    Parameters
    ----------
    frame : DataFrame
        What `throughput` returns, its `attrs` included.
    ax : Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    Axes
        One bar per week, a mark at 0 for weeks without any, the mean as a line; the week that
        has not passed yet is hatched.
    """
    ax = axes_for(frame, ax)
    ax.set_title("Issues closed per week")
    if frame.empty:
        return nothing(ax, "no issues")
    middle = frame["week_date"] + pd.Timedelta(3.5, "D")  # `week_date` is the Monday
    bars = ax.bar(middle, frame["closed"], width=5.6, color=COLORS["completed"], lw=0)
    if not frame["whole"].iloc[-1]:
        bars[-1].set(facecolor="white", edgecolor=COLORS["completed"], hatch="////", linewidth=0.8)
    quiet = middle[frame["closed"] == 0]
    ax.plot(quiet, np.zeros(len(quiet)), linestyle="none", marker="o", markersize=3.5,
            markerfacecolor="white", markeredgecolor=COLORS["scope"], clip_on=False)  # fmt: skip
    mean = frame.attrs["per_week"]
    if mean is not None:
        ax.axhline(mean, color=COLORS["scope"], lw=1, linestyle="--")
        label_line(ax, mdates.date2num(middle.iloc[-1] + pd.Timedelta(3, "D")), mean,
                   f"mean {mean:.1f}", color=COLORS["scope"])  # fmt: skip
    ax.set_ylabel("issues closed in the week")
    unfinished = "" if frame["whole"].iloc[-1] else "; hatched: not over yet"
    what = f"week ({len(quiet)} of {len(frame)} without any: rings{unfinished})"
    ax.set_xlabel(wrapped(ax, what, 80, 1, 0.75, size=10))
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    date_axis(ax)
    return ax


_CAUSES = {
    "scope": ("work added after the start", "scope_days", "added", ""),
    "carried in": ("work carried in", "carried_in_days", "unplanned", "////"),
    "plan": ("a plan too short", "plan_days", "ideal", "||||"),
    "pace": ("slower closing", "pace_days", "remaining", "\\\\\\\\"),
    "moved": ("due date moved", "moved_days", "unassigned", ""),
}
"""Per `largest_part`: its name in the key, the column of its days, its colour, its hatch."""


@styled
def plot_attribution(frame: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw how late each milestone was, and what was the largest part of that.

    Parameters
    ----------
    frame : DataFrame
        What `attribution` returns.
    ax : Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    Axes
        One bar per milestone, as long as its slip, in the colour of its largest part. The parts
        themselves are said on hover: they may cancel out, so that one has more days than the slip.
    """
    ax = axes_for(frame, ax, size=(8.6, 2.0 + 0.36 * max(len(frame), 2)))
    ax.set_title("How late, and mostly why?")
    if frame.empty:
        return nothing(ax, "no milestone missed its date")
    heights = np.arange(len(frame))[::-1]
    largest = frame["largest_part"]
    for part, (label, _, color, hatch) in _CAUSES.items():
        mine = (largest == part).to_numpy()
        if not mine.any():
            continue
        bars = ax.barh(heights[mine], frame.loc[mine, "slip_days"], height=0.62, label=label,
                       color=COLORS[color], hatch=hatch, edgecolor="white", lw=0.6)  # fmt: skip
        for bar, row in zip(bars, frame[mine].to_dict("records"), strict=True):
            tip(bar, f"{row['title']}: {_parts_of(row)}")
    for height, row in zip(heights, frame.to_dict("records"), strict=True):
        more = "" if row["finished"] else " so far"
        label_line(ax, row["slip_days"], height, counted(row["slip_days"], "days") + more,
                   color=COLORS["as_of"])  # fmt: skip
    bar_rows(ax, heights, [wrapped(ax, title, 34, 0.3, 0.3) for title in frame["title"]])
    ax.set_xlim(0, 1.18 * max(float(frame["slip_days"].max()), 1.0))  # room for the words
    what = "days after the first due date; colour: the largest part"
    ax.set_xlabel(wrapped(ax, what, 80, 1, 0.6, size=10))
    key(ax)
    return ax


def _parts_of(row: dict[Any, Any]) -> str:
    parts = [
        f"{label} {int(row[column]):+d} d"
        for label, column, _, _ in _CAUSES.values()
        if row[column]
    ]
    return f"{counted(row['slip_days'], 'days')} late; {', '.join(parts)}"
