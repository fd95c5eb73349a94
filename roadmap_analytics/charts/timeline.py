"""Chart of one milestone's course: what happened to it, step by step, and what remained."""

from __future__ import annotations

from typing import Any

import matplotlib.dates as mdates
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from roadmap_analytics.charts._style import (
    COLORS,
    axes_for,
    counted,
    date_axis,
    day_words,
    mark_day,
    moved_words,
    note,
    nothing,
    number,
    references,
    safe_text,
    styled,
    tip,
    width_of,
    wrapped,
)

_MARKS = {
    "planned": ("o", "scope"),
    "started": ("o", "as_of"),
    "carried in": ("^", "unplanned"),
    "added": ("^", "added"),
    "removed": ("v", "removed"),
    "closed": (".", "remaining"),
    "reopened": (".", "overdue"),
    "date moved": ("D", "due"),
    "due": ("s", "due"),
    "finished": ("*", "completed"),
}
"""What each step looks like, in the order in which the steps of one day stand."""

_ALWAYS = ("started", "date moved", "due", "finished")
_SILENT = ("closed", "reopened")  # seen by the line itself; their marks have tooltips only
_LANES = 5  # lines of words above the course; what finds no place has its mark and its tooltip
_LANE = 0.11  # height of one, as a share of the course's
_LETTER = 4.9  # points: the width of a letter of 8.5 points


@styled
def plot_timeline(frame: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw why one milestone ended when it did: what came, what went, which dates moved.

    Parameters
    ----------
    frame : DataFrame
        What `milestone_timeline` returns, its `attrs` included.
    ax : Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    Axes
        What remained as a line of steps. Marks stand where work came (carried in, added) or went
        (removed), where the due date moved or passed, and at the end; the larger ones have words
        above the line. Issues that were closed are the steps down. Each mark names its issues on
        hover. The first due date is a dashed line, the newest a solid one.

    Examples
    --------
    >>> import matplotlib; matplotlib.use("Agg")
    >>> import pandas as pd
    >>> day = pd.to_datetime(["2025-03-03", "2025-03-07", "2025-03-14"])
    >>> steps = pd.DataFrame({"date": day, "step": ["started", "added", "due"],
    ...     "amount": [6, 2, 3], "issues": [(), (), ()], "remaining": [6, 8, 3],
    ...     "due_date": day[2]})
    >>> plot_timeline(steps).texts[0].get_text()
    '2 added after the start, 3 open at the due date'
    """
    ax = axes_for(frame, ax)
    title = str(frame.attrs.get("title", ""))
    if frame.empty:
        ax.set_title(wrapped(ax, title, 68, 0.9, 0.75, size=12))
        return nothing(ax, "nothing has happened to this milestone yet")
    rank = frame["step"].map({step: place for place, step in enumerate(_MARKS)})
    frame = frame.assign(rank=rank).sort_values(["date", "rank"], kind="stable", ignore_index=True)
    story = wrapped(ax, _story(frame), 110, 0.74, 0.65, size=9.5, most=3)
    under = 12 * (1 + story.count("\n"))  # points that the story takes below the title
    ax.set_title(wrapped(ax, title, 68, 0.9, 0.75, size=12), pad=12 + under)
    note(ax, story, (0, 1), (0, 8), size=9.5, xycoords="axes fraction", color=COLORS["scope"])
    ax.set_ylabel("open issues")
    top = max(float(frame["remaining"].max()), 1.0)
    _course(ax, frame)
    _due_dates(ax, frame)
    date_axis(ax)
    first, last = ax.get_xlim()
    ax.set_xlim(first, last + 0.03 * (last - first))
    lanes = _marks(ax, frame, top)
    ax.set_ylim(0, top * (1.06 + _LANE * lanes))
    ax.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    # No numbers beside the lanes of words: up there the axis counts nothing.
    ax.set_yticks([tick for tick in ax.get_yticks() if tick <= top * 1.01])
    return ax


def _story(frame: pd.DataFrame) -> str:
    """Say in a line how late it was and what came and went after the start."""
    late, came = _late(frame), _came(frame)
    if late:  # the words at the marks say the rest
        return f"{late}; {came}" if came else late
    parts = [_ahead(frame), f"{came} after the start" if came else ""]
    ends = frame[frame["step"] == "finished"]
    due = frame[frame["step"] == "due"]
    if len(ends):
        parts.append(f"finished {day_words(ends['date'].iloc[-1])}")
    elif len(due):
        parts.append(f"{number(due['amount'].iloc[-1])} open at the due date")
    else:
        parts.append(f"{number(frame['remaining'].iloc[-1])} left")
    return ", ".join(filter(None, parts))


def _came(frame: pd.DataFrame) -> str:
    amounts = frame.groupby("step")["amount"].sum()
    steps = [step for step in ("carried in", "added", "removed") if amounts.get(step, 0)]
    return ", ".join(f"{number(amounts[step])} {step}" for step in steps)


def _late(frame: pd.DataFrame) -> str:
    """Say by how many days the first due date was missed; nothing where it was not.

    Days by which the due date moved are part of the slip, and never more: who finishes before the
    date as moved has used only some of them. While the newest due date lies ahead there is no slip.
    """
    first, newest, end, finished = _dates(frame)
    slip, moved = (end - first).days, (newest - first).days  # NaN without a date
    if not slip > 0 or not (finished or end > newest):
        return ""
    said = f"{counted(slip, 'days')} late" + ("" if finished else " so far")
    if not moved > 0:
        return said
    return (
        f"{said} ({moved} by moving the date)" if moved <= slip else f"{said} (the date had moved)"
    )


def _ahead(frame: pd.DataFrame) -> str:
    """Say by how many days a due date that still lies ahead has moved."""
    first, newest, end, finished = _dates(frame)
    moved = (newest - first).days
    return f"due date {moved:+d} d" if not finished and newest >= end and moved else ""


def _dates(frame: pd.DataFrame) -> tuple[Any, Any, Any, bool]:
    """Return first and newest due date, the end or else the reporting day, and whether it ended."""
    known = frame["due_date"].dropna()
    first, newest = (known.iloc[0], known.iloc[-1]) if len(known) else (pd.NaT, pd.NaT)
    ends = frame.loc[(frame["step"] == "finished").to_numpy(), "date"]
    if len(ends):
        return first, newest, ends.iloc[-1], True
    return first, newest, pd.Timestamp(frame.attrs.get("as_of", "NaT")), False


def _course(ax: Axes, frame: pd.DataFrame) -> None:
    # Several steps of a day are one step of the line: to what remained in the evening.
    ends = frame.drop_duplicates("date", keep="last")
    days, left = list(ends["date"]), list(ends["remaining"].astype(float))
    as_of = frame.attrs.get("as_of")
    if as_of and pd.Timestamp(as_of) > days[-1]:
        days.append(pd.Timestamp(as_of))
        left.append(left[-1])
    ax.fill_between(days, 0, left, step="post", color=COLORS["remaining"], alpha=0.10, lw=0)
    ax.plot(days, left, drawstyle="steps-post", color=COLORS["remaining"], lw=1.8)


def _due_dates(ax: Axes, frame: pd.DataFrame) -> None:
    known = frame["due_date"].dropna()
    if known.empty:
        return
    first, last = known.iloc[0], known.iloc[-1]
    if first != last:
        mark_day(ax, first, "first due date", color=COLORS["muted"], linestyle="--", low=True)
    mark_day(ax, last, "due", color=COLORS["due"], low=True)


def _marks(ax: Axes, frame: pd.DataFrame, top: float) -> int:
    """Draw the marks and the words of those that find a place; return how many lines they take."""
    steps = frame[frame["step"].isin(_MARKS)]
    # The most telling first: they choose their places before the others.
    size = steps["amount"].fillna(0).abs().astype(float)
    # Infinite: start, moved dates and the end go before any amount.
    rank = size.where(~steps["step"].isin(_ALWAYS), float("inf"))
    order = list(rank.sort_values(ascending=False, kind="stable").index)
    places = _Places(ax)
    for index in order:
        row = steps.loc[index].to_dict()
        marker, color = _MARKS[row["step"]]
        x = float(mdates.date2num(row["date"]))
        (mark,) = ax.plot(
            [x], [row["remaining"]], marker=marker, markersize=7, linestyle="none", zorder=4,
            color=COLORS[color], markeredgecolor="white", markeredgewidth=0.6,
        )  # fmt: skip
        words = _words(row)
        named = f" ({references(list(row['issues']))})" if len(row["issues"]) else ""
        tip(mark, f"{day_words(row['date'])}: {words}{named}; {number(row['remaining'])} open")
        lane = None if row["step"] in _SILENT else places.take(x, words)
        if lane is None:
            continue
        height = top * (1.08 + _LANE * lane)
        ax.plot([x, x], [row["remaining"], height], color=COLORS["ideal"], lw=0.5, zorder=1.1)
        note(ax, safe_text(words, 60), (x, height), (-2 if places.turned else 2, 1), size=8.5,
             va="bottom", ha="right" if places.turned else "left",
             color=COLORS["as_of"])  # fmt: skip
    return places.used


def _words(row: dict[Any, Any]) -> str:
    step, amount = row["step"], row["amount"]
    if step == "date moved":
        return moved_words(row)
    if step in ("due", "finished"):
        left = f", {number(amount)} open" if pd.notna(amount) and amount else ""
        return f"{step}{left}"
    if step in ("planned", "started"):
        return f"{step} with {counted(amount, 'issues')}"
    return f"{number(amount)} {step}"


class _Places:
    """Free places for words in lines above the course, so that none runs into another."""

    def __init__(self, ax: Axes) -> None:
        points = 72 * width_of(ax)
        self.first, self.last = ax.get_xlim()
        # Some three quarters of the width are the axes', the rest is names and margins.
        self.letter = _LETTER * (self.last - self.first) / (0.74 * points)
        self.taken: list[list[tuple[float, float]]] = [[] for _ in range(_LANES)]
        self.used = 0
        self.turned = False  # the words last placed stand to the left of their mark

    def take(self, x: float, words: str) -> int | None:
        """Return the lowest line with room for the words at `x`; None where there is none."""
        width = self.letter * (len(words) + 1)
        # Words that would leave the axes at the right stand to the left of their mark.
        self.turned = x + width > self.last
        begin, end = (x - width, x) if self.turned else (x, x + width)
        if begin < self.first:
            return None
        for lane, taken in enumerate(self.taken):
            if all(end < other or begin > until for other, until in taken):
                taken.append((begin, end))
                self.used = max(self.used, lane + 1)
                return lane
        return None
