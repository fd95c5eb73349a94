"""Charts of milestones: burndown, burnup, scope changes, progress, comparisons, small multiples."""

from __future__ import annotations

from typing import Any, Literal

import matplotlib.dates as mdates
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from roadmap_analytics.charts._style import (
    COLORS,
    PALETTE,
    axes_for,
    bar_rows,
    counted,
    date_axis,
    day_words,
    draw_fan,
    label_line,
    mark_beyond,
    mark_day,
    moved_words,
    note,
    nothing,
    number,
    own_width,
    percent,
    references,
    safe_text,
    shade_days_off,
    spread,
    styled,
    tip,
    tip_days,
    width_of,
    wrapped,
)

_MEASURED = {"estimated hours": "estimate"}
_AHEAD = pd.Timedelta(731, "D")  # how far ahead a due date is shown, unless the past is longer
_QUIET = pd.Timedelta(92, "D")  # so long before anything happened, days are cut off
_LEAD = 731  # days before the due date that comparisons show at most
_HEADROOM = 1.34  # of the highest value: the words on vertical marks stand above the lines
_FLOOR = 0.035  # of the height: names of lines at 0 stand above the days on the axis
_DASHES = ["-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)), (0, (8, 3))]


@styled
def plot_burndown(
    frame: pd.DataFrame,
    *,
    forecast: pd.DataFrame | None = None,
    timeline: pd.DataFrame | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw one milestone whole: what remained, what came and went, and what is ahead.

    Parameters
    ----------
    frame : DataFrame
        What `burndown` returns, its `attrs` included.
    forecast : DataFrame, optional
        What `forecast` returns for this one milestone. Without it the chart ends at the due date.
    timeline : DataFrame, optional
        What `milestone_timeline` returns for it: names the issues behind a scope change, and marks
        the days on which the due date moved.
    ax : Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    Axes
        Days off are shaded, the due date and the reporting day marked; days after the due date
        are drawn in the colour of what is overdue, on a tinted ground. Scope changes after the
        start are marks on the line with their number. From the reporting day on, bands have 70 and
        90 of 100 futures of the forecast (where the measure is issues), and marks on the axis the
        dates by which 50 and 85 of 100 are done. Each day says its numbers on hover.

    Raises
    ------
    ValueError
        Where `forecast` has not one row.

    Examples
    --------
    >>> import matplotlib; matplotlib.use("Agg")
    >>> import pandas as pd
    >>> days = pd.date_range("2025-03-03", periods=3)
    >>> frame = pd.DataFrame({"date": days, "scope": [3, 4, 4], "completed": [0, 1, 2],
    ...     "remaining": [3, 3, 2], "added": [3, 1, 0], "removed": [0, 0, 0],
    ...     "ideal": [3.0, 1.5, 0.0], "overdue": False})
    >>> plot_burndown(frame).get_ylabel()
    'issues remaining'
    """
    if forecast is not None and len(forecast) != 1:
        raise ValueError(f"plot_burndown: forecast: expected one row, got {len(forecast)}")
    ax = axes_for(frame, ax)
    _name(ax, frame, "remaining")
    if frame.empty:
        return nothing(ax, "no issue was ever in this milestone")
    frame = _busy(frame)
    if forecast is not None and not forecast["remaining"].iloc[0]:
        forecast = None  # nothing is open: its dates are all the day of the chart
    ahead = None if forecast is None else forecast.iloc[0]
    fan = _fan(frame, forecast)
    _ground(ax, frame, ahead=ahead, fan=fan)
    if fan:
        draw_fan(ax, fan)
    ideal = _ideal(frame)
    if ideal["ideal"].max() > 0:  # nothing was committed to: no plan to compare with
        _draw_ideal(ax, ideal)
    _remaining(ax, frame)
    _scope_marks(ax, frame, timeline)
    top = max(float(frame["remaining"].max()), float(ideal["ideal"].max() or 0), 1.0) * _HEADROOM
    last = frame.iloc[-1]
    label_line(
        ax,
        mdates.date2num(last["date"]),
        # Lifted off the median of the forecast, which goes on from this very point.
        max(float(last["remaining"]), _FLOOR * top) + (0.05 * top if fan else 0),
        f"{number(last['remaining'])} remaining",
        color=COLORS["overdue" if last["overdue"] else "remaining"],
    )
    if ahead is not None:
        _likely_dates(ax, ahead)
    ax.set_ylim(0, top)
    tip_days(ax, frame["date"], _day_tips(frame))
    return ax


def _draw_ideal(ax: Axes, ideal: pd.DataFrame) -> None:
    ax.plot(ideal["date"], ideal["ideal"], color=COLORS["ideal"], lw=1.3, linestyle="--")
    middle = ideal.iloc[len(ideal) // 3]  # before the words at the end of what remains begin
    place = (mdates.date2num(middle["date"]), middle["ideal"])
    note(ax, "ideal", place, (0, -11), ha="right", color=COLORS["muted"])


def _fan(frame: pd.DataFrame, forecast: pd.DataFrame | None) -> list[list[Any]]:
    """Return the futures that can be drawn: those of issues, in a chart of issues."""
    if forecast is None or frame.attrs.get("unit", "issues") != "issues":
        return []
    return list(forecast.attrs.get("fan") or [])


def _likely_dates(ax: Axes, ahead: Any) -> None:
    """Mark on the axis by which day nothing will be left, at 50 and 85 %; or say why not."""
    if pd.isna(ahead["p50_date"]):
        why = ahead["note"] if isinstance(ahead["note"], str) else "no forecast"
        why = why.replace("p50, p85, p95: ", "no date: ")
        note(ax, wrapped(ax, why.partition(";")[0], 60, 0.5, 0.6), (0.99, 0.42), size=8.5,
             paper=1.5, xycoords="axes fraction", ha="right", color=COLORS["muted"],
             zorder=6)  # fmt: skip
        return
    right = ax.get_xlim()[1]
    for name, share, height in (("p50_date", "50 %", 8), ("p85_date", "85 %", 20)):
        day = ahead[name]
        if pd.isna(day):
            continue
        place = mdates.date2num(day)
        beyond = place > right
        place = min(place, right)
        ax.plot([place], [0], marker=">" if beyond else "v", markersize=7, color=COLORS["as_of"],
                zorder=5, clip_on=False, linestyle="none")  # fmt: skip
        at_edge = place > right - 0.12 * (right - ax.get_xlim()[0])
        note(ax, f"{share} by {day_words(day)}", (place, 0), (0, height), paper=0.8,
             ha="right" if at_edge else "center", color=COLORS["as_of"], zorder=6)  # fmt: skip


_MOST_NUMBERED = 12
"""Scope changes with their number beside the mark: the largest."""
_MOST_TIPPED = 60
"""Scope changes that name their issues on hover; of a history of years the others are plain."""


def _scope_marks(ax: Axes, frame: pd.DataFrame, timeline: pd.DataFrame | None) -> None:
    """Mark on the line where work came or went after the start, and the days of a moved date."""
    issues = _issues_by_day(timeline)
    last = frame.iloc[-1]
    # What remains is written at the end of the line: no number runs into it.
    taken = [(float(mdates.date2num(last["date"])), float(last["remaining"]))]
    for what, marker in (("added", "^"), ("removed", "v")):
        later = frame.iloc[1:]  # what the first day adds is what was committed to, no change
        changed = later[later[what] > 0].sort_values(what, ascending=False, kind="stable")
        look: dict[str, Any] = {
            "marker": marker, "markersize": 6, "linestyle": "none", "color": COLORS[what],
            "markeredgecolor": "white", "markeredgewidth": 0.6, "zorder": 4,
        }  # fmt: skip
        for row in changed.head(_MOST_TIPPED).to_dict("records"):
            (mark,) = ax.plot([row["date"]], [row["remaining"]], **look)
            names = issues.get((row["date"], what), "")
            tip(mark, f"{day_words(row['date'])}: {number(row[what])} {what}{names}")
            _numbered(ax, frame, row, what, taken)
        rest = changed.iloc[_MOST_TIPPED:]
        ax.plot(rest["date"], rest["remaining"], **look)
    if timeline is not None:
        _moved_dates(ax, timeline)


def _numbered(
    ax: Axes, frame: pd.DataFrame, row: dict[Any, Any], what: str, taken: list[tuple[float, float]]
) -> None:
    """Write the number of a scope change beside its mark, where there is room."""
    point = (float(mdates.date2num(row["date"])), float(row["remaining"]))
    up = what == "added"
    if len(taken) > _MOST_NUMBERED or not _has_room(ax, point, taken, frame, up=up):
        return
    taken.append(point)
    note(ax, f"{'+' if up else '−'}{number(row[what])}", point, (0, 7 if up else -7),
         ha="center", va="bottom" if up else "top", color=COLORS[f"{what} words"])  # fmt: skip


def _has_room(
    ax: Axes,
    point: tuple[float, float],
    taken: list[tuple[float, float]],
    frame: pd.DataFrame,
    *,
    up: bool,
) -> bool:
    """Tell whether words at a mark would run into those of another, or the line through them."""
    left, right = ax.get_xlim()
    top = max(float(frame["remaining"].max()), 1.0)
    across = 0.3 / width_of(ax) * (right - left)
    if not all(abs(point[0] - x) > across or abs(point[1] - y) > 0.09 * top for x, y in taken):
        return False
    # The words are half as wide as they keep away from others. Between two days the line slopes.
    beside = np.linspace(point[0] - across / 2, point[0] + across / 2, 9)
    line = np.interp(beside, mdates.date2num(frame["date"]), frame["remaining"])
    return not ((line - point[1]) * (1 if up else -1) > 0.02 * top).any()


def _moved_dates(ax: Axes, timeline: pd.DataFrame) -> None:
    left, right = ax.get_xlim()
    moved = timeline[timeline["step"] == "date moved"]
    places = mdates.date2num(moved["date"])
    shown = moved.assign(place=places)[(left <= places) & (places <= right)].to_dict("records")
    for row in shown:
        (mark,) = ax.plot(
            [row["place"]], [1], transform=ax.get_xaxis_transform(), marker="D", markersize=5,
            linestyle="none", color=COLORS["due"], clip_on=False, zorder=5,
        )  # fmt: skip
        tip(mark, f"{day_words(row['date'])}: {moved_words(row)}")
    if shown:  # in words too, as no picture in a slide shows what is said on hover
        last = shown[-1]
        late = last["place"] > (left + right) / 2
        note(ax, moved_words(last), (last["place"], 1), (-5 if late else 5, -4), paper=1,
             xycoords=ax.get_xaxis_transform(), ha="right" if late else "left", va="top",
             color=COLORS["due"], zorder=4)  # fmt: skip


_SHORT = {"carried in": "added", "added": "added", "removed": "removed"}


def _issues_by_day(timeline: pd.DataFrame | None) -> dict[tuple[Any, str], str]:
    """Return the issues behind a scope change as words, by day and kind."""
    if timeline is None:
        return {}
    found: dict[tuple[Any, str], list[str]] = {}
    for row in timeline[timeline["step"].isin(_SHORT)].to_dict("records"):
        found.setdefault((row["date"], _SHORT[row["step"]]), []).extend(row["issues"])
    return {day: f" ({references(urls)})" for day, urls in found.items() if urls}


def _day_tips(frame: pd.DataFrame) -> list[str]:
    unit = frame.attrs.get("unit", "issues")
    closed = frame["completed"].diff().fillna(0)
    texts: list[str] = []
    for row, done in zip(frame.to_dict("records"), closed, strict=True):
        changes = [
            f"{number(amount)} {word}"
            for amount, word in (
                (row["added"], "added"), (row["removed"], "removed"), (max(done, 0), "completed"),
            )
            if amount
        ]  # fmt: skip
        of = f"{number(row['remaining'])} of {counted(row['scope'], unit)}"
        left = f"{day_words(row['date'])}: {of} left"
        texts.append("; ".join([left, *(changes if texts else [])]))
    return texts


def _remaining(ax: Axes, frame: pd.DataFrame, *, width: float = 2.0) -> None:
    """Draw what remains: as planned, then, joined to it, the overrun."""
    planned = frame[~frame["overdue"]]
    ax.plot(planned["date"], planned["remaining"], color=COLORS["remaining"], lw=width)
    late = frame[frame["overdue"]]
    if len(late):
        joined = pd.concat([planned.tail(1), late])  # else a day's gap stands between the two
        ax.plot(
            joined["date"],
            joined["remaining"],
            color=COLORS["overdue"],
            lw=width,
            linestyle=(0, (3, 1)),
        )


@styled
def plot_burnup(frame: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw scope and what is completed of one milestone: the gap between them remains.

    Parameters
    ----------
    frame : DataFrame
        What `burndown` returns, its `attrs` included.
    ax : Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    Axes
        Scope as a grey line (a rise is work added), completed below it, both named at their ends.
    """
    ax = axes_for(frame, ax)
    _name(ax, frame, "")
    if frame.empty:
        return nothing(ax, "no issue was ever in this milestone")
    frame = _busy(frame)
    _ground(ax, frame)
    date, scope = frame["date"], frame["scope"].to_numpy(float)
    done = frame["completed"].to_numpy(float)
    ax.fill_between(date, done, scope, color=COLORS["remaining"], alpha=0.10, lw=0)
    ax.plot(date, scope, color=COLORS["scope"], lw=1.8, linestyle=(0, (6, 1.5)))
    ax.plot(date, done, color=COLORS["completed"], lw=2.2)
    top = max(scope.max(), 1.0) * _HEADROOM
    # What remains is the gap between the two lines, so its name stands in the middle of the gap.
    ends = [scope[-1], done[-1], (scope[-1] + done[-1]) / 2]
    texts = ["scope", "completed", "remaining"]
    values = [scope[-1], done[-1], float(frame["remaining"].iloc[-1])]
    shown = [0, 1] if values[2] == 0 else [0, 1, 2]
    heights = spread([max(ends[i], _FLOOR * top) for i in shown], top * 0.075)
    # `spread` may push the lowest name down onto the days of the axis: then all move up.
    lift = max(0.0, _FLOOR * top - min(heights))
    heights = [height + lift for height in heights]
    for i, height in zip(shown, heights, strict=True):
        label_line(
            ax,
            mdates.date2num(date.iloc[-1]),
            height,
            f"{number(values[i])} {texts[i]}",
            color=COLORS[texts[i]],
        )
    ax.set_ylim(0, top)
    return ax


@styled
def plot_progress(frame: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw where milestones stand: completed and remaining as one bar each, in the frame's order.

    Parameters
    ----------
    frame : DataFrame
        Rows of what `milestone_progress` returns.
    ax : Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    Axes
        Bars from the top in the order of the rows; the words behind a bar say how much is left
        and how long.
    """
    ax = axes_for(frame, ax, size=(8.6, max(2.2, 0.42 * len(frame) + 1.4)))
    unit = frame.attrs.get("unit", "issues")
    day = frame.attrs.get("as_of")
    _title(ax, f"Progress of milestones on {day}" if day else "")
    if frame.empty:
        return nothing(ax, "no milestone is running")
    place = -np.arange(len(frame))  # downwards: the first row stands at the top
    done, left = frame["completed"].to_numpy(float), frame["remaining"].to_numpy(float)
    ax.barh(place, done, height=0.62, color=COLORS["completed"])
    ax.barh(place, left, left=done, height=0.62, color="white", edgecolor=COLORS["remaining"],
            hatch="///", lw=0.9)  # fmt: skip
    for y, row in zip(place, frame.itertuples(), strict=True):
        words = wrapped(ax, _standing(row, unit), 120, 1.0, 0.42)
        color = COLORS["overdue" if row.overdue else "as_of"]
        note(ax, words, (row.scope, y), (6, 0), size=9, va="center", color=color,
             annotation_clip=False)  # fmt: skip
    bar_rows(ax, place, [wrapped(ax, title, 36, 0.28, 0.3) for title in frame["title"]])
    what = f"{unit} (solid: completed; hatched: remaining)"
    ax.set_xlabel(wrapped(ax, what, 80, 1.0, 0.6, size=10))
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    widest = max(float(frame["scope"].max()), 1.0)
    ax.set_xlim(0, widest * 1.8)  # the words behind the longest bar need room
    ax.set_ylim(-len(frame) + 0.4, 0.6)
    return ax


def _standing(row: Any, unit: str) -> str:
    unmeasured = _unmeasured(row.without_measure, unit)
    left = f"{number(row.remaining)} of {number(row.scope)} left"
    left += f" ({unmeasured})" if unmeasured else ""
    if pd.isna(row.due_date):
        return f"{left}, no due date"
    due = f"due {day_words(row.due_date)}"
    if not row.remaining:
        nothing = "nothing left" if row.scope else "no issues"
        return f"{unmeasured or nothing}, {due}"
    days = int(row.days_left)
    if days < 0:
        return f"{left}, {due}: {_days(-days)} late"
    return f"{left}, {due}: {'today' if days == 0 else f'in {_days(days)}'}"


def _days(count: int) -> str:
    return counted(count, "days")


def _unmeasured(count: Any, unit: str) -> str:
    """Say how many issues count 0 because they have no weight (or estimate)."""
    return f"{counted(count, 'issues')} without {_MEASURED.get(unit, unit)}" if count else ""


@styled
def plot_compared(frame: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw what remained of several milestones, lined up at their due dates.

    Parameters
    ----------
    frame : DataFrame
        What `burndowns` returns; milestones without due date do not appear.
    ax : Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    Axes
        One line per milestone over days to the due date (right of the line marked "due": late).
        Those with work left are named at their end (of many, the seven due last), the one due
        last is drawn strongest; the others are grey and unnamed, to compare with.
    """
    ax = axes_for(frame, ax)
    dated = frame[(frame["days_to_due"] <= _LEAD).fillna(False).to_numpy(bool)]
    early = frame.loc[(frame["days_to_due"] > _LEAD).fillna(False).to_numpy(bool), "milestone_id"]
    unit = frame.attrs.get("unit", "issues")
    _title(ax, "Remaining, by days before the due date")
    ax.set_ylabel(safe_text(f"remaining {unit}"))
    if dated.empty:
        return nothing(ax, "no milestone with a due date to compare")
    due = dated["date"] + pd.to_timedelta(dated["days_to_due"].astype("int64"), unit="D")
    # Every row gives the same due date: its day and the days that are left from it.
    order = list(due.groupby(dated["milestone_id"]).first().sort_values(kind="stable").index)
    left, right = int(dated["days_to_due"].max()), -int(dated["days_to_due"].min())
    cut = right > left > 0  # overruns longer than any plan would squeeze the plans
    right = max(0, left if cut else right)
    at_edge, inside = [], []
    finished = dated.groupby("milestone_id")["remaining"].last() == 0
    order.sort(key=lambda milestone: not finished[milestone])  # grey ones lie below
    for i, milestone in enumerate(reversed(order)):
        rows = dated[(dated["milestone_id"] == milestone) & (dated["days_to_due"] >= -right)]
        x, y = -rows["days_to_due"].to_numpy(np.int64), rows["remaining"].to_numpy(float)
        if not len(x):
            continue  # it began after all that is shown
        if finished[milestone] or i >= len(PALETTE):
            dash = "-" if finished[milestone] else ":"
            ax.plot(x, y, color=COLORS["unassigned"], lw=1.1, linestyle=dash, zorder=1.2)
            continue
        color = COLORS["remaining"] if i == 0 else PALETTE[1:][(i - 1) % (len(PALETTE) - 1)]
        ax.plot(x, y, color=color, lw=2.6 if i == 0 else 1.3, linestyle=_DASHES[i % len(_DASHES)])
        ax.plot(x[-1:], y[-1:], "o", color=color, ms=4)
        if x[-1] == right:
            at_edge.append((float(y[-1]), rows["title"].iloc[0], color))
        else:
            inside.append((x[-1], float(y[-1]), rows["title"].iloc[0], color))
    top = max(float(dated["remaining"].max()), 1.0) * 1.08
    heights = spread([y + top * 0.03 for _, y, _, _ in inside], top * 0.06)
    for (x, _, title, color), height in zip(inside, heights, strict=True):
        label_line(ax, x, height, title, color=color)
    heights = spread([y for y, _, _ in at_edge], top * 0.07)
    for (_, title, color), height in zip(at_edge, heights, strict=True):
        label_line(ax, right, height, title, color=color)
    ax.axvline(0, color=COLORS["due"], lw=1.1)
    note(ax, "due", (0, 1), (-3, -2), xycoords=("data", "axes fraction"), rotation=90, ha="right",
         va="top", color=COLORS["due"])  # fmt: skip
    shown = f", later than {_days(right)} not shown" if cut else ""
    if len(early):
        shown += f"\n{early.nunique()} of them only from two years before their due date on"
    shown += f"; grey: {finished.sum()} finished" if finished.any() else ""
    others = (~finished).sum() - len(PALETTE)  # more colours would look alike
    shown += f"; dotted: {others} more unfinished" if others > 0 else ""
    ax.set_xlabel(
        f"days before (−) and after the due date{shown}"
        if width_of(ax) > 7
        else wrapped(ax, f"days before (−) and after the due date{shown}", 200, 1, 0.8, most=4)
    )
    begin = min(-left, 0)
    ax.set_xlim(begin, right + 0.22 * max(right - begin, 1))
    ax.set_ylim(0, top)
    ax.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    return ax


@styled
def plot_burndowns(
    frame: pd.DataFrame, *, ax: Axes | None = None, columns: int = 3, most: int = 12
) -> Axes:
    """Draw the burndown of several milestones as small multiples, soonest due first.

    Parameters
    ----------
    frame : DataFrame
        What `burndowns` returns.
    ax : Axes, optional
        Whose area is divided; a new figure otherwise.
    columns : int
        How many stand side by side.
    most : int
        How many are drawn; how many are left out is said.

    Returns
    -------
    Axes
        The area; each milestone has an inset of its own (`ax.child_axes`), with its own scales.
    """
    last_rows = frame.drop_duplicates("milestone_id", keep="last")
    due = last_rows["date"] + pd.to_timedelta(last_rows["days_to_due"], unit="D")
    order = last_rows.assign(due=due).sort_values(["due", "milestone_id"])["milestone_id"].tolist()
    left_out, order = len(order[most:]), order[:most]
    across_all = own_width(8.6) if ax is None else width_of(ax)
    # A small chart of less than 2.2 inches has no room for its title.
    columns = max(1, min(columns, int(across_all / 2.2)))
    rows = max(1, -(-len(order) // columns))
    ax = axes_for(frame, ax, size=(8.6, 2.1 * rows + 0.7))
    ax.set_axis_off()
    more = f" ({left_out} more not shown)" if left_out else ""
    _title(ax, f"Remaining {frame.attrs.get('unit', 'issues')} of each milestone{more}")
    if frame.empty:
        return nothing(ax, "no milestone had any issue yet")
    # Between two rows stand the days of the upper one and the titles of the lower one.
    gap_x, gap_y = 0.07, 0.34 / rows
    width, height = (1 - gap_x * (columns - 1)) / columns, (1 - gap_y * (rows - 1)) / rows - 0.05
    for i, milestone in enumerate(order):
        across, down = i % columns, i // columns
        bottom = 1 - height - 0.05 - down * (height + gap_y)
        inset = ax.inset_axes((across * (width + gap_x), bottom, width, height))
        _small(inset, frame[frame["milestone_id"] == milestone], 0.9 * width * 72 * width_of(ax))
    return ax


def _small(ax: Axes, frame: pd.DataFrame, points: float) -> None:
    frame = _busy(frame)
    ax.plot(frame["date"], frame["ideal"], color=COLORS["ideal"], lw=1, linestyle="--")
    _remaining(ax, frame, width=1.6)
    last = frame.iloc[-1]
    late = bool(last["overdue"]) and last["remaining"] > 0
    dated = last["days_to_due"] is not pd.NA
    due = last["date"] + pd.Timedelta(int(last["days_to_due"]) if dated else 0, "D")
    far = dated and due - last["date"] > max(_AHEAD, last["date"] - frame["date"].iloc[0])
    left = f"{number(last['remaining'])} left"
    # Letters of 9 points are about 5 wide, bold ones 6.
    room = int((points - 5 * len(left)) / 6) - 1
    ax.set_title(safe_text(last["title"], max(4, min(22, room))), fontsize=9, pad=4)
    color = COLORS["overdue" if late else "remaining"]
    ax.set_title(left, fontsize=9, pad=4, loc="right", fontweight="normal", color=color)
    days = [frame["date"].iloc[0], max(last["date"], due) if dated and not far else last["date"]]
    names = [day_words(day) for day in days]
    ax.set_xticks(mdates.date2num(days), [names[0], f"due {due.date()} →" if far else names[1]])
    margin = 0.03 * max((days[1] - days[0]).days, 1)
    ax.set_xlim(mdates.date2num(days[0]) - margin, mdates.date2num(days[1]) + margin)
    first, second = ax.get_xticklabels()
    first.set_horizontalalignment("left")
    second.set_horizontalalignment("right")
    ax.yaxis.set_major_locator(MaxNLocator(3, integer=True))
    ax.tick_params(labelsize=7)
    if dated and not far and due >= days[0]:
        ax.axvline(mdates.date2num(due), color=COLORS["due"], lw=1)
    highest = frame[["remaining", "ideal"]].max().max()
    ax.set_ylim(0, max(float(highest), 1.0) * 1.08)


# -- what they share ------------------------------------------------------------------------------


def _title(ax: Axes, text: str) -> None:
    if text:
        ax.set_title(wrapped(ax, text, 68, 0.85, 0.7, size=12))


def _name(ax: Axes, frame: pd.DataFrame, what: str) -> None:
    unit = frame.attrs.get("unit", "issues")
    _title(ax, str(frame.attrs.get("title", "")))
    ax.set_ylabel(safe_text(f"{unit} {what}".strip()))
    unmeasured = _unmeasured(frame.attrs.get("without_measure"), unit)
    if unmeasured:
        note(ax, f"{unmeasured}, counted as 0", (1, 0), (0, -26), xycoords="axes fraction",
             ha="right", va="top", color=COLORS["overdue"], annotation_clip=False)  # fmt: skip


def _busy(frame: pd.DataFrame) -> pd.DataFrame:
    """Leave out days before the first change, where they would take up most of the chart."""
    changed = (frame["scope"] != 0).to_numpy() | (frame["completed"] != 0).to_numpy()
    if not changed.any():  # nothing ever happened: the newest days stand for all
        return frame.tail(_QUIET.days)
    began = frame["date"].iloc[int(changed.argmax())]
    quiet, rest = began - frame["date"].iloc[0], frame["date"].iloc[-1] - began
    if quiet <= max(_QUIET, rest):
        return frame
    busy: pd.DataFrame = frame[frame["date"] >= began - pd.Timedelta(7, "D")]
    return busy


def _ground(
    ax: Axes,
    frame: pd.DataFrame,
    *,
    ahead: Any = None,
    fan: list[list[Any]] | None = None,
) -> None:
    """Prepare the time axis: days off, due date, reporting day, room for names at the right."""
    first, last = frame["date"].iloc[0], frame["date"].iloc[-1]
    start, due, as_of = (_day(frame, name) for name in ("start_date", "due_date", "as_of"))
    far = due - last > max(_AHEAD, last - first)  # False without a due date
    end = last if pd.isna(due) or far else max(last, due)
    shown = end if ahead is None else _horizon(first, end, ahead, fan or [])
    shade_days_off(ax, frame.attrs.get("days_off"), first, end)
    if frame["overdue"].any():
        ax.axvspan(mdates.date2num(max(due, first)), mdates.date2num(last), color=COLORS["overdue"],
                   alpha=0.07, lw=0, zorder=0.5)  # fmt: skip
    if far or due < first:
        side: Literal["left", "right"] = "right" if far else "left"
        mark_beyond(ax, f"due {due.date()}", color=COLORS["due"], side=side)
    elif pd.notna(due):
        near = as_of < due and (due - as_of) < 0.03 * (shown - first)  # its words would overlap
        words = _due_words(due, as_of, ahead)
        mark_day(ax, due, words, color=COLORS["due"], side="right" if near else "left")
    if start < first and not due < first:
        mark_beyond(ax, f"start date {start.date()}", color=COLORS["as_of"], side="left")
    if pd.notna(as_of) and as_of != due and first <= as_of <= shown:
        mark_day(ax, as_of, "reporting day", color=COLORS["as_of"], linestyle=":")
    date_axis(ax)
    days = max((shown - first).days, 1)
    # A name at the end of the line takes a fifth of the width, unless days ahead give that room.
    room = 0.2 * days if (shown - last).days < 0.2 * days else 0.02 * days
    ax.set_xlim(
        mdates.date2num(first) - 0.015 * days - 0.5,
        mdates.date2num(shown) + max(room, 0.5),
    )
    ax.yaxis.set_major_locator(MaxNLocator(6, integer=True))


def _due_words(due: pd.Timestamp, as_of: pd.Timestamp, ahead: Any) -> str:
    words = "due, reporting day" if due == as_of else "due"
    chance = None if ahead is None else ahead["chance_by_due_date"]
    if chance is None or pd.isna(chance) or due < as_of:
        return words
    return f"{words}: {percent(chance)} likely"


def _horizon(
    first: pd.Timestamp, end: pd.Timestamp, ahead: Any, fan: list[list[Any]]
) -> pd.Timestamp:
    """Return the last day shown: of 85 % where known, but the future never outweighs the past."""
    known: list[pd.Timestamp] = [
        ahead[name] for name in ("p50_date", "p85_date") if pd.notna(ahead[name])
    ]
    if pd.isna(ahead["p85_date"]) and fan:
        known.append(pd.Timestamp(fan[-1][0]))
    # Of a milestone that began yesterday four weeks ahead are shown all the same.
    most = end + max(end - first, pd.Timedelta(28, "D"))
    latest: pd.Timestamp = min(max([end, *known]), most)
    return latest


def _day(frame: pd.DataFrame, name: str) -> pd.Timestamp:
    text = frame.attrs.get(name)
    return pd.Timestamp(text) if text else pd.Timestamp("NaT")


def _ideal(frame: pd.DataFrame) -> pd.DataFrame:
    """Give the ideal line up to the due date, the days after the last row included."""
    past = frame.loc[frame["ideal"].notna() & ~frame["overdue"], ["date", "ideal"]]
    ahead = pd.DataFrame(frame.attrs.get("ideal_ahead") or [], columns=["date", "ideal"])
    if ahead.empty:
        return past
    ahead["date"] = pd.to_datetime(ahead["date"])
    if _day(frame, "due_date") > ahead["date"].iloc[-1]:  # far beyond the chart, and so is the line
        return past
    return pd.concat([past, ahead]).drop_duplicates("date")
